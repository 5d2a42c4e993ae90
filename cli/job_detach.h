/* job_detach: a batch that goes on in the background, away from the terminal. */
#pragma once
#include "cli/job_session.h"

/*
 * Forks; the child leaves the session, closes the standard streams and runs the batch. The parent
 * waits until each job is journalled or has ended, tells their ids, and returns XP_OK with the exit
 * code: 0 where all are running or done, else the worst of those that ended at once.
 */
MUST_USE enum xp_rc xp_batch_run_detached(struct xp_batch *b, struct xp_session *s, int *exit_code,
					  struct xp_err *err);
