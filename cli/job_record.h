/* job_record: from what happened to a signed record on disk. */
#pragma once
#include "cli/job.h"

/* Fills the head of the record, the operator's words, host, clock, tool, policy and signer. */
MUST_USE enum xp_rc xp_job_record_begin(struct xp_job *job, struct xp_err *err);

/* Space for the record and its signature, held in every folder that will get them. Refuses
 * (no_durable_output) where there is none. */
MUST_USE enum xp_rc xp_job_record_reserve(struct xp_job *job, struct xp_err *err);
void xp_job_record_unreserve(struct xp_job *job);
/* Adds the refusal for boxes (--keep) that have no room, WHY. */
MUST_USE enum xp_rc xp_job_refuse_kept(struct xp_job *job, const struct xp_err *why,
				       struct xp_err *err);

/*
 * Computes the claim, writes the record, signs it, puts both files into certificates/ and the --out
 * folder, and a line into index.csv. ID is the record's own (the job's, or a new one for a failure
 * record of a take that can be resumed).
 */
MUST_USE enum xp_rc xp_job_record_write(struct xp_job *job, const char *id, struct xp_err *err);

/*
 * An earlier take may have written the record and died before its end: then that record stands,
 * whatever could be read today. Takes it in place of job->record, and makes up for what is missing:
 * signature, log, index. FOUND: there is one.
 */
MUST_USE enum xp_rc xp_job_record_take_written(bool *found, struct xp_job *job, struct xp_err *err);
