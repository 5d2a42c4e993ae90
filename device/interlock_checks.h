/* interlock_checks: the checks of the interlock, without the locks. For interlock.c and release.c.
 */
#pragma once
#include "device/interlock.h"
#include "device/usage_scan.h"

/* Who uses it, zones, remoteness, outputs; all refusals are collected, the gravest first. */
MUST_USE enum xp_rc xp_interlock_check_all(struct xp_refusals *out,
					   const struct xp_interlock_request *req,
					   enum xp_lease lease, struct xp_err *err);
/* The operator's strings against the target's. */
MUST_USE enum xp_rc xp_interlock_check_confirm(struct xp_refusals *out,
					       const struct xp_interlock_request *req,
					       struct xp_err *err);
