/*
 * sysroot: sysfs, procfs and dev below an injectable root, so that every stack of block devices can be
 * tested from a captured tree. The root "/" is the running system; only that one can earn a permit.
 */
#pragma once
#include "base/err.h"

struct xp_sysroot {
	int fd;	     /* O_PATH|O_DIRECTORY of the root */
	bool is_live; /* the running system's own root */
	char path[256];
};

MUST_USE enum xp_rc xp_sysroot_open(struct xp_sysroot *out, const char *path, struct xp_err *err);
void xp_sysroot_close(struct xp_sysroot *root);
/* A small attribute file below the root ("sys/block/sda/size"), trimmed; at most 64 KiB. */
MUST_USE enum xp_rc xp_sysroot_read(char **out, size_t *len, const struct xp_sysroot *root,
				    struct xp_err *err, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
