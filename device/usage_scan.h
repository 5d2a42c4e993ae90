/*
 * usage_scan: everything the running system says about who uses which block node, read once, so
 * that many drives can be asked about it.
 */
#pragma once
#include "device/disks.h"
#include "device/proctables.h"
#include "device/usage.h"

/* A process that has something open that may matter. */
struct xp_opener {
	pid_t pid;
	char comm[64];
	const struct xp_block_node
		*node;	/* a block node, or the disk that a character node reaches */
	char name[96];	/* the node as it was opened: "sda1", "sg2", "nvme0" */
	bool is_image;	/* it is the image that the scan was told of */
	bool is_mapped; /* by mmap */
	bool is_shut;	/* its descriptors are listed and not shown */
};

/* A loop device and the file or node below it. */
struct xp_loop {
	const struct xp_block_node *node;
	char file[4096];
	uint64_t fs_dev; /* 0: could not be asked */
	uint64_t inode;
	uint64_t rdev;
};

/* Which file the scan looks for besides block nodes; all zero: none. */
struct xp_scan_image {
	uint64_t fs_dev;
	uint64_t inode;
	char path[4096]; /* resolved; for captured trees and file systems with two device numbers */
};

struct xp_scan {
	const struct xp_sysroot *root;
	struct xp_blockmap map;
	struct xp_disks disks;
	struct xp_mounts mounts;
	struct xp_swaps swaps;
	struct xp_loop *loops;
	size_t loops_n;
	struct xp_opener *openers;
	size_t openers_n;
	size_t openers_cap;
	size_t unreadable;	  /* processes that are closed to us */
	bool is_confined;	  /* in a PID namespace: processes outside do not show */
	struct xp_nodeset system; /* what the running system stands on, down to the disks */
	struct xp_nodeset boot;	  /* what it was booted from, where that is a medium to carry */
	struct xp_scan_image image;
	pid_t exempt_pid;
};

struct xp_scan_request {
	const struct xp_sysroot *root;
	struct xp_scan_image image;
	pid_t exempt_pid; /* 0: none */
	/* between two looks at processes that are closed to us; NULL: some milliseconds */
	void (*pause)(void *ctx);
	void *pause_ctx;
};

MUST_USE enum xp_rc xp_scan_read(struct xp_scan *out, const struct xp_scan_request *req,
				 struct xp_err *err);
void xp_scan_free(struct xp_scan *s);

/* Processes and what they have open (usage_procfs.c). */
MUST_USE enum xp_rc xp_scan_openers(struct xp_scan *s, const struct xp_scan_request *req,
				    struct xp_err *err);
/* Loops, and the sets system and boot (usage_stack.c). */
MUST_USE enum xp_rc xp_scan_stack(struct xp_scan *s, struct xp_err *err);

/* The nodes that a mounted file system stands on: one, or all members of a btrfs. */
MUST_USE enum xp_rc xp_scan_mount_nodes(struct xp_nodeset *set, const struct xp_scan *s,
					const struct xp_mount *m, struct xp_err *err);
/*
 * The nodes that a file lies on, or that a path names. FS_DEV and RDEV as the kernel gives them for
 * the file below a loop; 0: to be found out from the path.
 */
MUST_USE enum xp_rc xp_scan_file_nodes(struct xp_nodeset *set, const struct xp_scan *s,
				       const char *path, uint64_t fs_dev, uint64_t rdev,
				       struct xp_err *err);
/* The mount that a path lies on, seen from our own or the first namespace; NULL: cannot be told. */
const struct xp_mount *xp_scan_mount_of_path(const struct xp_scan *s, const char *path);
/* Adds everything below the nodes of SET: partitions' disks, slaves, backing files' nodes. */
MUST_USE enum xp_rc xp_scan_close_down(struct xp_nodeset *set, const struct xp_scan *s,
				       struct xp_err *err);

/* What a question is about. */
struct xp_scan_question {
	const struct xp_nodeset *nodes; /* the target's own nodes; NULL for an image */
	const struct xp_nodeset
		*drive;	    /* every node of the drive, for system disk and raw openers */
	bool image;	    /* the scan's image is asked about */
	bool image_is_free; /* a lease showed that nobody has it open */
};
MUST_USE enum xp_rc xp_scan_ask(struct xp_uses *out, const struct xp_scan *s,
				const struct xp_scan_question *q, struct xp_err *err);

/* The sets for a target's node: WHOLE takes siblings in, too. Both are new. */
MUST_USE enum xp_rc xp_scan_nodes_of(struct xp_nodeset *nodes, struct xp_nodeset *drive,
				     const struct xp_scan *s, const char *node, struct xp_err *err);

/* Appends one use; one that is there already is not repeated. */
MUST_USE enum xp_rc xp_uses_add(struct xp_uses *u, const struct xp_use *use, struct xp_err *err);

/*
 * Does anybody have this open file open besides us? FD is our only descriptor of it.
 * XP_LEASE_FREE: nobody has. XP_LEASE_BUSY: somebody has. XP_LEASE_UNKNOWN: the file system or our
 * rights cannot tell.
 */
enum xp_lease { XP_LEASE_FREE, XP_LEASE_BUSY, XP_LEASE_UNKNOWN };
enum xp_lease xp_lease_probe(int fd);

/* As xp_uses_find, for a caller that holds the image open itself and has probed it. */
MUST_USE enum xp_rc xp_uses_find_held(struct xp_uses *out, const struct xp_sysroot *root,
				      const struct xp_target *target, pid_t exempt_pid,
				      enum xp_lease lease, struct xp_err *err);
