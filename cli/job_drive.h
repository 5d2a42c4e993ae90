/*
 * job_drive: the drive behind a job's target: what it says of itself, who it says it is, and what
 * it can be made to do. A target without a drive, or one that does not answer, is what the kernel
 * says it is.
 */
#pragma once
#include "cli/job.h"

/*
 * Asks the drive afresh: job->drive, job->media and job->capabilities are filled anew; refusals
 * that follow from its answers are added to job->refusals. Under PERMIT the way to it stays open
 * (job->drive.transport). A drive that does not answer is no error: job->drive.why says so.
 * Errors: XP_E_NOMEM; XP_E_REFUSED (under the permit: it is another one).
 */
MUST_USE enum xp_rc xp_job_drive_ask(struct xp_job *job, const struct xp_permit *permit,
				     struct xp_err *err);

/*
 * Who is there now, by the kernel's and the drive's own word, with the drive's raw answers.
 * XP_E_REFUSED where it differs from job->media, or does not answer.
 */
MUST_USE enum xp_rc xp_job_drive_identify(struct xp_identity *out, const struct xp_job *job,
					  const struct xp_permit *permit, struct xp_err *err);

/* job->capabilities from the facts that are at hand. */
void xp_job_drive_find_capabilities(struct xp_job *job);

/* What the kernel shows of the target now, in bytes; 0: nothing. */
uint64_t xp_job_drive_kernel_bytes(const struct xp_job *job);

/* What the claim gets to know of hidden areas. */
struct xp_capacity_facts xp_job_drive_capacity(const struct xp_job *job);

/* The target as the plan is to see it; its identity stays the job's. */
void xp_job_drive_target(struct xp_target *out, const struct xp_job *job);

/*
 * The way to the target's bytes; CFG has all but the descriptor. Where the kernel shows no bytes
 * (it knows no blocks of 520), the drive's own READ and WRITE commands are taken.
 */
MUST_USE enum xp_rc xp_job_drive_open_io(struct xp_extent_io **out, const struct xp_job *job,
					 const struct xp_permit *permit,
					 struct xp_extent_config *cfg, struct xp_err *err);

/* Has the kernel look again how large the drive is; whether that helps, its next view tells. */
void xp_job_drive_look_again(const struct xp_job *job);

/* Waits; ends early when the job is cancelled. */
void xp_job_drive_sleep(const struct xp_job *job, uint32_t ms);

void xp_job_drive_free(struct xp_job *job);
