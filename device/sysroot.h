/*
 * sysroot: sysfs, procfs and dev below an injectable root, so that every stack of block devices can
 * be tested from a captured tree. The root "/" is the running system; only that one can earn a
 * permit.
 */
#pragma once
#include "base/err.h"

struct xp_sysroot {
	int fd;	      /* O_PATH|O_DIRECTORY of the root */
	bool is_live; /* the running system's own root */
	char path[256];
};

MUST_USE enum xp_rc xp_sysroot_open(struct xp_sysroot *out, const char *path, struct xp_err *err);
void xp_sysroot_close(struct xp_sysroot *root);
/* A small attribute file below the root ("sys/block/sda/size"), trimmed; at most 64 KiB. */
MUST_USE enum xp_rc xp_sysroot_read(char **out, size_t *len, const struct xp_sysroot *root,
				    struct xp_err *err, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* The same for tables that grow with the host (mountinfo): at most MAX_BYTES, not trimmed. */
MUST_USE enum xp_rc xp_sysroot_read_max(char **out, size_t *len, const struct xp_sysroot *root,
					size_t max_bytes, struct xp_err *err, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* The same as an unsigned decimal number; false where the file is absent or holds anything else. */
bool xp_sysroot_read_u64(uint64_t *out, const struct xp_sysroot *root, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same into a fixed string; empty (and false) where the file is absent or does not fit. */
bool xp_sysroot_read_text(char *out, size_t size, const struct xp_sysroot *root, const char *fmt,
			  ...) __attribute__((format(printf, 4, 5)));

/* Opens below the root; in a captured tree no link leads out of it. -1 with errno. */
int xp_sysroot_open_at(const struct xp_sysroot *root, int flags, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Is there something of that name (links are followed)? */
bool xp_sysroot_has(const struct xp_sysroot *root, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What a symbolic link says. false: no link, or it does not fit. */
bool xp_sysroot_link(char *out, size_t size, const struct xp_sysroot *root, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The path below the root with all links resolved, without a leading slash. */
bool xp_sysroot_realpath(char *out, size_t size, const struct xp_sysroot *root, const char *fmt,
			 ...) __attribute__((format(printf, 4, 5)));

/* Names in a folder, sorted, without "." and "..". */
struct xp_names {
	char **list;
	size_t n;
};
/* XP_E_NOENT: no such folder. XP_E_PERM: it is closed to us. */
MUST_USE enum xp_rc xp_sysroot_list(struct xp_names *out, const struct xp_sysroot *root,
				    struct xp_err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void xp_names_free(struct xp_names *names);
