/*
 * job_readback: what a job reads: before a device technique, at places that it comes back to; and
 * after any technique, at places that nobody could know before.
 */
#pragma once
#include "cli/job_attempt.h"

/* A baseline phase; what it holds is in the job's folder before the erase begins. */
MUST_USE enum xp_rc xp_job_baseline(struct xp_attempt *a, struct xp_err *err);
/* The baseline that an earlier take left; without one nothing can be compared. */
void xp_job_baseline_load(struct xp_job *job);

MUST_USE enum xp_rc xp_job_readback(struct xp_attempt *a, struct xp_err *err);
