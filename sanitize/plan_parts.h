/* plan_parts: the pieces that a plan is put together from; inside sanitize/ only. */
#pragma once
#include "sanitize/plan.h"

/* What will be destroyed, as text. */
MUST_USE enum xp_rc xp_plan_describe_blast(struct xp_plan *p, const struct xp_plan_request *req,
					   struct xp_err *err);
#define XP_PLAN_EXIT_REFUSED 4
/* A drive at a sanitize, or left by one in its failure state: what it hides is asked for later. */
bool xp_plan_drive_is_at_it(const struct xp_plan_request *req);
/* The largest pattern that a drive's own overwrite takes; shorter ones divide it. */
#define XP_SANITIZE_PATTERN_LEN 4
/* Passes, inversion and pattern of a drive's own overwrite. */
void xp_plan_fill_overwrite(struct xp_plan *p, const struct xp_plan_request *req);
/* Contents of the passes of a host overwrite, the last as the technique says. */
void xp_plan_fill_contents(struct xp_plan *p, const struct xp_plan_request *req);
/* Mode, scheme, n and bytes of the readback: what the policy asks for, or more where it is wished.
 */
MUST_USE enum xp_rc xp_plan_fill_verification(struct xp_plan *p, const struct xp_plan_request *req,
					      struct xp_err *err);
/* The steps with their reasons and times; CHOICE says why this technique. */
void xp_plan_fill_steps(struct xp_plan *p, const struct xp_plan_request *req, const char *choice);

/* One thing that will be destroyed. */
MUST_USE enum xp_rc xp_plan_blast(struct xp_plan *p, struct xp_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* What an NVMe drive's own command reaches beside the target; req->facts are there. */
MUST_USE enum xp_rc xp_plan_blast_nvme(struct xp_plan *p, const struct xp_plan_request *req,
				       struct xp_err *err);
/* Does the technique, or one that it may fall back to, reach all namespaces of the drive? */
bool xp_plan_reach(const struct xp_plan *p, const struct xp_plan_request *req);
