/*
 * usage: who uses a target: mounts (every namespace in sight), swap, holders (dm, md, LVM, bcache,
 * multipath), btrfs and ZFS members, loops, and any process that has one of its nodes open.
 */
#pragma once
#include "device/refusal.h"
#include "device/sysroot.h"

#include <sys/types.h>

struct xp_target;

struct xp_use {
	enum xp_refusal_code
		code;	  /* mounted, swap, holder, open_elsewhere, system_disk, boot_medium */
	char kind[24];	  /* "mount", "swap", "dm", "md", "lvm", "bcache", "btrfs", "zfs", ... */
	char where[256];  /* mount point, holder's node and name, process and pid */
	char node[64];	  /* the node that is used: the disk, or a partition of it */
	char remedy[256]; /* the command or action that would release it */
};

struct xp_uses {
	struct xp_use *list;
	size_t n;
	size_t cap;
};

/*
 * Everything that uses TARGET, any partition of it, anything stacked on it, or another node of the
 * same drive. Processes in EXEMPT_PID (0: none) are not counted. What cannot be read (a
 * /proc/PID/fd that is closed to us) is not silently free: it is one use with code
 * XP_REFUSED_UNKNOWN, kind "unreadable". Errors are those of the scan itself.
 */
MUST_USE enum xp_rc xp_uses_find(struct xp_uses *out, const struct xp_sysroot *root,
				 const struct xp_target *target, pid_t exempt_pid,
				 struct xp_err *err);
void xp_uses_free(struct xp_uses *u);
