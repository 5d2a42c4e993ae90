/*
 * target: a TARGET as the user names it, resolved to what it is: a whole disk, a partition, or a
 * regular file that holds a disk image. Opened O_RDONLY|O_NONBLOCK, closed again: nothing is
 * locked, nothing is written.
 */
#pragma once
#include "device/protocol/identity.h"
#include "device/refusal.h"
#include "device/sysroot.h"

#include <sys/types.h>

enum xp_target_kind { XP_TARGET_DISK, XP_TARGET_PARTITION, XP_TARGET_IMAGE };

#define XP_CONFIRM_LEN 320

struct xp_target {
	enum xp_target_kind kind;
	char path[4096]; /* as the user wrote it */
	char node[64];	 /* kernel name of the block node ("sda1"); empty for an image */
	char disk[64];	 /* kernel name of the whole disk ("sda"); empty for an image */
	dev_t dev;	 /* device number of the node; 0 for an image */
	char slot[64];	 /* where it sits, if an enclosure or a port says so; else empty */
	char confirm[XP_CONFIRM_LEN]; /* the string that confirms it (interface.md) */
	struct xp_identity identity;
	/* what libblkid finds on it: "ext4 label=x uuid=...", one a line; empty: nothing found */
	char signatures[512];
};

/*
 * Resolves PATH. Symbolic links are followed; the result names what is really there.
 * Errors: XP_E_NOENT (no such file), XP_E_PERM, XP_E_UNSUPPORTED (a folder, a character device, an
 * empty file, ...), XP_E_IO.
 */
MUST_USE enum xp_rc xp_target_resolve(struct xp_target *out, const struct xp_sysroot *root,
				      const char *path, struct xp_err *err);
/* For an image: makes its confirm string the long one, NAME@PATH, which fits no other file. */
void xp_target_confirm_by_path(struct xp_target *t);
/*
 * For what goes to all namespaces of an NVMe drive: makes its confirm string the one that names
 * them all. Changes nothing of a target that is no namespace, or the only one. XP_E_IO, XP_E_NOMEM.
 */
MUST_USE enum xp_rc xp_target_confirm_drive(struct xp_target *t, const struct xp_sysroot *root,
					    struct xp_err *err);
void xp_target_free(struct xp_target *t);

/*
 * The identity as read on an open descriptor of the target, to be compared with an earlier one:
 * size and block sizes by ioctl or fstat, diskseq, the rest from sysfs by the descriptor's own
 * device number.
 */
MUST_USE enum xp_rc xp_target_identify_fd(struct xp_identity *out, const struct xp_sysroot *root,
					  int fd, const char *path, struct xp_err *err);
