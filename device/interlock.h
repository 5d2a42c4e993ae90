/*
 * interlock: the only maker of permits. A permit means: this target, exclusively held, free of
 * users, confirmed by the operator, on the running system. What is not known refuses. Order: O_EXCL
 * on every block node of the drive, flock on every whole disk (udev honours it), the checks, the
 * permit; all held until xp_permit_release.
 */
#pragma once
#include "device/target.h"

struct xp_permit;
struct xp_luks_mappings;

struct xp_interlock_request {
	const struct xp_sysroot *root;
	const struct xp_target *target;
	const char *const *confirms; /* what the operator typed or gave; NULL-terminated */
	const char *const *outputs;  /* folders that will be written to; NULL-terminated */
	bool allow_remote;
	/*
	 * LUKS mappings that will be closed before the target is taken: to the checks alone they do
	 * not count as users; what stands on them does. NULL: none. xp_interlock_acquire does not
	 * look at it.
	 */
	const struct xp_luks_mappings *closing;
};

/*
 * The checks alone, for the plan: opens nothing exclusively and changes nothing; `confirms` is not
 * looked at. An empty list does not promise that acquire will succeed.
 */
MUST_USE enum xp_rc xp_interlock_check(struct xp_refusals *out,
				       const struct xp_interlock_request *req, struct xp_err *err);

/* The same, and the operator's strings: for what has to happen before the target is taken. */
MUST_USE enum xp_rc xp_interlock_check_confirmed(struct xp_refusals *out,
						 const struct xp_interlock_request *req,
						 struct xp_err *err);

/*
 * Which of N targets FOLDER lies on (it need not be there yet); N: on none. One look at the host
 * for all of them. XP_E_REFUSED: where it lies cannot be told.
 */
MUST_USE enum xp_rc xp_interlock_find_output(size_t *which, const struct xp_sysroot *root,
					     const char *folder, const struct xp_target *targets,
					     size_t n, struct xp_err *err);

/*
 * Takes the target. XP_OK: *OUT holds it. XP_E_REFUSED: REFUSALS says why, nothing was touched and
 * nothing is held.
 */
MUST_USE enum xp_rc xp_interlock_acquire(struct xp_permit **out, struct xp_refusals *refusals,
					 const struct xp_interlock_request *req,
					 struct xp_err *err);

/*
 * Before each phase: reads the identity (and BLKGETDISKSEQ) again on the held descriptor and
 * compares it with that of the request. XP_E_REFUSED where it differs. OUT may be NULL.
 */
MUST_USE enum xp_rc xp_permit_identify(struct xp_identity *out, const struct xp_permit *permit,
				       struct xp_err *err);

/* The held descriptor, O_RDWR, O_DIRECT where the target can (see direct). It stays the permit's.
 */
int xp_permit_fd(const struct xp_permit *permit, bool *direct);

/* Gives everything back; partitions of a whole disk are re-read once, on the exclusive descriptor.
 */
void xp_permit_release(struct xp_permit **permit);
