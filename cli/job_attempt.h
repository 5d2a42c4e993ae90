/*
 * job_attempt: what happens between permit and record: identification, erase, readback, by the
 * plan's technique; and where that earns too little by the next one that the plan allows. Each is
 * an attempt of its own in the evidence.
 */
#pragma once
#include "cli/job.h"

/* One attempt under the permit. */
struct xp_attempt {
	struct xp_job *job;
	const struct xp_permit *permit;
	struct xp_engine_request req;
};

void xp_job_emit(struct xp_job *job, enum xp_event_kind kind, const char *phase, uint64_t done,
		 uint64_t total, const char *text);

/* Where the plan has keys to destroy first: makes that the first attempt (job->then: what follows).
 */
void xp_job_begin_with_keys(struct xp_job *job);

/* Keys of random passes of the plan as it stands. */
MUST_USE enum xp_rc xp_job_draw_keys(struct xp_job *job, struct xp_err *err);

/*
 * Under the permit, before the journal begins: asks the drive afresh, and refuses where it can no
 * longer do what was planned. Refusals are added to job->refusals.
 */
MUST_USE enum xp_rc xp_job_check_plan(struct xp_job *job, const struct xp_permit *permit,
				      struct xp_err *err);

/* An identify phase of the attempt that is to come, before it is begun. */
MUST_USE enum xp_rc xp_job_identify_phase(struct xp_job *job, const struct xp_permit *permit,
					  struct xp_err *err);

/* The error is that of the last attempt. */
MUST_USE enum xp_rc xp_job_carry_out(struct xp_job *job, const struct xp_permit *permit,
				     struct xp_err *err);
