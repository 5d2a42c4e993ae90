#include "cli/commands_expunge.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/job_journal.h"
#include "cli/job_keep.h"
#include "cli/output.h"

static const struct xp_option options[] = {
	{"state", XP_OPT_STRING, "DIR", "the state folder"},
	XP_KEEP_OPTION_ROW,
	{0},
};

static enum xp_rc find(struct xp_job_summary *out, const struct xp_state *state, const char *id,
		       struct xp_err *err)
{
	AUTO(xp_job_summaries_free) struct xp_job_summaries all = {0};

	TRY(xp_job_summaries_read(&all, state, err));
	for (size_t i = 0; i < all.n; i++) {
		if (strcmp(all.list[i].id, id) == 0) {
			*out = all.list[i];
			return XP_OK;
		}
	}
	return xp_fail(err, XP_E_NOENT, "no job %s in %s", id, state->path);
}

static int run(const struct xp_args *args)
{
	AUTO(xp_kept_state_close)
	struct xp_kept_state kept = {.state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1}};
	const struct timespec pause = {.tv_nsec = 200000000};
	struct xp_job_summary s = {0};
	struct xp_err err;

	if (xp_kept_state_open(&kept, args, false, &err) != XP_OK)
		return xp_say_error(&err);
	xp_cancel_install();
	for (;;) {
		if (find(&s, &kept.state, args->operands[0], &err) != XP_OK)
			return xp_say_error(&err);
		if (!s.running || xp_cancel_requested())
			break;
		nanosleep(&pause, NULL);
	}
	if (s.ended) {
		xp_say("%s: %s, claim %s, record %s", s.path, s.outcome, s.claim, s.record);
		return s.exit_code;
	}
	xp_say("job %s %s: %s", s.id, s.running ? "still runs" : "was interrupted", s.where);
	return xp_rc_exit_code(XP_E_CANCELLED);
}

const struct xp_command xp_command_wait = {
	.name = "wait",
	.operands = "JOB",
	.summary = "Wait for a job that runs in the background; exit as it does.",
	.options = options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
