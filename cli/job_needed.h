/* job_needed: --if-needed: what is done already is not done again, what was interrupted goes on. */
#pragma once
#include "cli/job_batch.h"

/*
 * For each planned job: an interrupted job on the same target is taken up in its place; where the
 * newest ended job on it left a record of success and the target still reads so (a fresh sample),
 * the job is settled as XP_JOB_NOT_NEEDED with that record.
 */
MUST_USE enum xp_rc xp_job_settle_needed(struct xp_batch *b, struct xp_err *err);

/*
 * Of a job on a file: its record is kept, and then its name PATH went. Only the folder and the last
 * line are to come.
 */
bool xp_job_file_is_gone(const struct xp_job *job, const char *path);
