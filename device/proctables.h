/* proctables: the kernel's tables of mounts and swaps, parsed; mounts of every namespace in sight.
 */
#pragma once
#include "device/sysroot.h"

#include <sys/types.h>

struct xp_mount {
	uint64_t id; /* of this mount, within the running system */
	dev_t dev;   /* of the super block; anonymous (major 0) for btrfs and others */
	char *root;  /* which folder of the file system stands here */
	char *point;
	char *fstype;
	char *source;
	char *options;	 /* of the super block */
	char *ns;	 /* "mnt:[4026531841]"; empty: not known */
	bool is_init_ns; /* seen from process 1 */
};

struct xp_mounts {
	struct xp_mount *list;
	size_t n;
	size_t cap;
};

/* Appends the lines of one mountinfo. A line that is not understood is XP_E_MALFORMED. */
MUST_USE enum xp_rc xp_mounts_parse(struct xp_mounts *out, const char *text, size_t len,
				    const char *ns, struct xp_err *err);
/*
 * Every mount namespace that some process is in. *UNREADABLE counts processes whose table is closed
 * to us and whose namespace was not read through another one.
 */
MUST_USE enum xp_rc xp_mounts_read(struct xp_mounts *out, size_t *unreadable,
				   const struct xp_sysroot *root, struct xp_err *err);
void xp_mounts_free(struct xp_mounts *m);

struct xp_swap {
	char *path;
	bool is_file;
};

struct xp_swaps {
	struct xp_swap *list;
	size_t n;
	size_t cap;
};

MUST_USE enum xp_rc xp_swaps_parse(struct xp_swaps *out, const char *text, size_t len,
				   struct xp_err *err);
/* A kernel without swap has no table: an empty list. */
MUST_USE enum xp_rc xp_swaps_read(struct xp_swaps *out, const struct xp_sysroot *root,
				  struct xp_err *err);
void xp_swaps_free(struct xp_swaps *s);

/* Is this the name of a process's folder in procfs? */
bool xp_proc_is_pid(const char *name);
