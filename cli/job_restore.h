/*
 * job_restore: before a job erases anything, capacity that HPA, AMAC or DCO hide is given back
 * where the policy asks for it. A drive takes one such change a power cycle: each is journalled,
 * made, and the take ends; the next one goes on behind the power cycle, with another change or with
 * the erase.
 */
#pragma once
#include "cli/job.h"

/*
 * XP_OK: nothing is to be changed any more; what was stands in the evidence. XP_E_CANCELLED with
 * job->restore.waits: the take ends here, and err says what is to be done before the next. Other
 * errors: the drive stopped to answer, or the journal cannot be written.
 */
MUST_USE enum xp_rc xp_job_restore(struct xp_job *job, const struct xp_permit *permit,
				   struct xp_err *err);

/* A line of type "capacity" of the journal, in the order of the lines. */
MUST_USE enum xp_rc xp_job_restore_take_line(struct xp_job *job, const json_t *line,
					     struct xp_err *err);

/* May the job's target have this capacity now, by what the journal says of changes? */
bool xp_job_restore_allows(const struct xp_job *job, uint64_t capacity_bytes);

/* How a job stands behind such a line, for a list of jobs. */
void xp_job_restore_summarize(char *out, size_t size, const json_t *line);
