/* job_close: --close: LUKS mappings on a target are taken down before the target is taken. */
#pragma once
#include "cli/job_batch.h"

/*
 * Closes what job->closing names, once the target is confirmed and nothing else is in the way, and
 * adds it to job->record.closed. Not for two threads at once. What refuses is in job->refusals;
 * what was closed before stays closed, and is told. Does nothing without mappings.
 */
MUST_USE enum xp_rc xp_job_close_mappings(struct xp_job *job, struct xp_err *err);

/* The same for each job that is planned, in turn; those that cannot go on are settled. */
void xp_batch_close_mappings(struct xp_batch *b);
