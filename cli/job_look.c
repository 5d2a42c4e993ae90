#include "cli/job_look.h"

#include <stdio.h>

#include "cli/job_reach.h"

static void set_failed(struct xp_job *job, const char *path, const struct xp_err *why)
{
	snprintf(job->target.path, sizeof(job->target.path), "%s", path);
	job->state = XP_JOB_FAILED;
	job->err = *why;
	job->exit_code = xp_rc_exit_code(why->rc);
}

enum xp_rc xp_job_look(struct xp_batch *b, const char *const *paths, unsigned n,
		       const struct xp_sysroot *root, struct xp_err *err)
{
	TRY(xp_batch_new(b, n, err));
	for (unsigned i = 0; i < n; i++) {
		struct xp_job *job = &b->jobs[i];
		char busy[384];
		struct xp_err why;

		if (!xp_job_can_reach(busy, sizeof(busy), root, paths[i]) ||
		    xp_target_resolve(&job->target, root, paths[i], &why) == XP_OK) {
			xp_batch_free(b);
			return XP_OK;
		}
		set_failed(job, paths[i], &why);
	}
	return XP_OK;
}
