/* signature: what libblkid recognizes on a target: file systems, RAID and volume members, tables.
 */
#pragma once
#include "base/err.h"

/*
 * Reads FD and fills OUT with one line a signature: "ext4 label=x uuid=...", "gpt"; empty: nothing
 * found. Text that a disk supplied is escaped to printable ASCII. Whole lines are dropped where OUT
 * is full.
 */
MUST_USE enum xp_rc xp_signatures_read(char *out, size_t size, int fd, struct xp_err *err);
