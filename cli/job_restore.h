/* job_restore: hidden areas are given back first, where the policy asks for it. */
#pragma once
#include "cli/job.h"

/*
 * Under the permit, before the job begins. Makes the next change that the drive needs, one a power
 * cycle. XP_E_CANCELLED: it was made, the drive has to be switched off and on again, and the job
 * then run anew; nothing was erased. What cannot be given back is told as a warning, and the claim
 * will be the lower for it.
 */
MUST_USE enum xp_rc xp_job_restore(struct xp_job *job, const struct xp_permit *permit,
				   struct xp_err *err);
