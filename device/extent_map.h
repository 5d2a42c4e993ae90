/*
 * extent_map: where a file lies: its file system, what carries it, its extents and what else may
 * hold the same bytes. Only asks; nothing is written.
 */
#pragma once
#include "device/protocol/file_facts.h"
#include "device/sysroot.h"

/* The facts of the open regular file FD. What cannot be found out stays unknown. */
MUST_USE enum xp_rc xp_file_facts_read(struct xp_file_facts *out, int fd, struct xp_err *err);

/* What carries the file system of FD, by sysfs and procfs below ROOT: sets below, journals_data and
 * swap_active. */
void xp_file_facts_read_below(struct xp_file_facts *out, const struct xp_sysroot *root, int fd);

/* Both, for the file at PATH. */
MUST_USE enum xp_rc xp_file_facts_find(struct xp_file_facts *out, const struct xp_sysroot *root,
				       const char *path, struct xp_err *err);
