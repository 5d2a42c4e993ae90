/* job_log: what a job puts into the append-only log of the state folder. */
#pragma once
#include "cli/job.h"

/* The start leaf, before the first destructive command; record.log says where it stands. */
MUST_USE enum xp_rc xp_job_log_start(struct xp_job *job, struct xp_err *err);
/*
 * The record leaf for the record JSON and its signature P7S, and the proof of it as text
 * (malloc'ed). A leaf that an earlier take left for the same record is not added twice.
 */
MUST_USE enum xp_rc xp_job_log_record(char **proof, size_t *proof_len, struct xp_job *job,
				      const char *id, const struct xp_log_bytes *json,
				      const struct xp_log_bytes *p7s, struct xp_err *err);
