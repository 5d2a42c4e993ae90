/* job_canaries: markers on a blank target before a device technique, where the policy allows it. */
#pragma once
#include "cli/job_attempt.h"
#include "verify/verify.h"

/* Does BASELINE, as it was read, say too little of a technique whose outcome cannot be known? */
bool xp_job_wants_canaries(const struct xp_attempt *a, const struct xp_baseline_result *baseline);

/* Journals, writes, and reads the baseline of PHASE again by HOW. */
MUST_USE enum xp_rc xp_job_canaries_write(struct xp_attempt *a, struct xp_phase *phase,
					  const struct xp_verify_request *how, struct xp_err *err);

/*
 * Looks for what the baseline of that attempt wrote, and counts it into OUT. LOOKED: there were
 * some, and each place could be read.
 */
MUST_USE enum xp_rc xp_job_canaries_look(bool *looked, struct xp_readback_result *out,
					 const struct xp_evidence *ev, uint32_t attempt,
					 const struct xp_verify_request *how, struct xp_err *err);
/* How many of them EV tells of; 0: none were written. */
uint64_t xp_job_canaries_written(const struct xp_evidence *ev, uint32_t attempt);
