/* job_close: --close: LUKS mappings on a target are taken down before the target is taken. */
#pragma once
#include "cli/job_batch.h"

/*
 * Closes what job->closing names, once the target is confirmed and nothing else is in the way, and
 * adds it to job->closed; in a job that is taken up again to its record and its journal. Not for
 * two threads at once. What refuses is in job->refusals; what was closed before stays closed, and
 * is told. Does nothing without mappings.
 */
MUST_USE enum xp_rc xp_job_close_mappings(struct xp_job *job, struct xp_err *err);

/* A line of type "closed" of the journal: what a later take closed, for the record. */
MUST_USE enum xp_rc xp_job_close_take_line(struct xp_job *job, const json_t *line,
					   struct xp_err *err);

/* xp_job_close_mappings for each job that is planned, in turn; those that cannot go on are settled.
 */
void xp_batch_close_mappings(struct xp_batch *b);
