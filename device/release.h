/*
 * release: what stands on a target, and on nothing else, and is used by nobody: swap, device-mapper
 * (LVM, crypt, multipath) and md. A plan that names it, from sysfs; and the way to take it down,
 * the topmost first, without any other program.
 */
#pragma once
#include "device/target.h"

enum xp_release_kind { XP_RELEASE_SWAP, XP_RELEASE_DM, XP_RELEASE_CRYPT, XP_RELEASE_MD };
const char *xp_release_kind_name(enum xp_release_kind v); /* "swap", "dm", "crypt", "md" */

struct xp_release_step {
	enum xp_release_kind kind;
	char node[64];	/* dm-0, md0, sdb2 */
	char name[256]; /* what it is called: vg-root; the path of a swap space */
	char uuid[160]; /* of a device-mapper device; may be empty */
	dev_t dev;
};

struct xp_release_plan {
	struct xp_release_step *list; /* in the order in which they are to go */
	size_t n;
};

/*
 * What would be taken down. Whatever else uses the target, or stands elsewhere too, is in REFUSALS,
 * and then nothing is to be taken down. Reads only.
 */
MUST_USE enum xp_rc xp_release_find(struct xp_release_plan *out, struct xp_refusals *refusals,
				    const struct xp_sysroot *root, const struct xp_target *target,
				    struct xp_err *err);
void xp_release_plan_free(struct xp_release_plan *p);

/*
 * Takes one down. XP_E_REFUSED: somebody uses it by now, or it is another one. On the live root
 * only.
 */
MUST_USE enum xp_rc xp_release_do(const struct xp_release_step *s, const struct xp_sysroot *root,
				  struct xp_err *err);

/*
 * The target's disk is locked for as long as the descriptor is open, and is still the one that was
 * confirmed. Closed by the caller. XP_E_REFUSED with REFUSALS.
 */
MUST_USE enum xp_rc xp_release_lock(int *fd, struct xp_refusals *refusals,
				    const struct xp_sysroot *root, const struct xp_target *target,
				    const char *const *confirms, struct xp_err *err);
