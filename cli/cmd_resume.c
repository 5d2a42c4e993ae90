#include "cli/commands_expunge.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/job_close.h"
#include "cli/job_confirm.h"
#include "cli/job_find.h"
#include "cli/job_journal.h"
#include "cli/job_session.h"
#include "cli/job_tell.h"
#include "cli/job_where.h"
#include "cli/output.h"

static const struct xp_option options[] = {
	{"confirm", XP_OPT_LIST, "STRING",
	 "the target's confirm string, where it has changed since"},
	{"target", XP_OPT_STRING, "PATH", "where the target is now, if not where it was"},
	{"allow-remote", XP_OPT_FLAG, NULL, "allow iSCSI, FC and NVMe-oF targets"},
	{"close", XP_OPT_FLAG, NULL, "close LUKS mappings on the target that nobody uses"},
	XP_SESSION_OPTION_ROWS,
	{0},
};

struct resume {
	struct xp_session session;
	struct xp_plan_options plan_options;
	struct xp_batch batch;
	struct xp_confirms confirms;
	json_t *first;
	char id[XP_UUID_LEN];
};

static void resume_free(struct resume **r)
{
	if (!*r)
		return;
	xp_confirms_free(&(*r)->confirms);
	xp_batch_free(&(*r)->batch);
	xp_session_close(&(*r)->session);
	xp_plan_options_free(&(*r)->plan_options);
	json_decref((*r)->first);
	free(*r);
	*r = NULL;
}

/* The job that is named, or the only one that was interrupted. */
static enum xp_rc choose(struct resume *r, const struct xp_args *args, struct xp_err *err)
{
	AUTO(xp_kept_state_close)
	struct xp_kept_state kept = {.state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1}};
	AUTO(xp_job_summaries_free) struct xp_job_summaries all = {0};
	const struct xp_state *state = &kept.state;
	unsigned found = 0;

	TRY(xp_kept_state_open(&kept, args, true, err));
	TRY(xp_job_summaries_read(&all, state, err));
	for (size_t i = 0; i < all.n; i++) {
		const struct xp_job_summary *s = &all.list[i];

		if (args->operands_n ? strcmp(s->id, args->operands[0]) != 0
				     : s->ended || s->running || s->damaged || s->untouched)
			continue;
		memcpy(r->id, s->id, sizeof(r->id));
		found++;
	}
	if (found == 1)
		return XP_OK;
	if (args->operands_n)
		return xp_fail(err, XP_E_NOENT, "no job %s in %s", args->operands[0], state->path);
	if (found == 0)
		return xp_fail(err, XP_E_NOENT, "no interrupted job in %s", state->path);
	return xp_fail(err, XP_E_USAGE, "several jobs were interrupted; name one (expunge status)");
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* Disks may have changed places since the job began. */
static enum xp_rc resume_where_it_is(struct resume *r, const char *path, struct xp_err *err)
{
	struct xp_job *job = &r->batch.jobs[0];
	char now[sizeof(job->target.path)];
	unsigned fits;

	if (!path)
		path = "";
	xp_job_find(now, sizeof(now), &fits, &job->record.media, &r->session.inventory, path);
	if (strcmp(now, path) != 0)
		xp_say("the drive of job %s was %s and is %s now", r->id, path, now);
	else if (fits > 1)
		TRY(xp_refusals_add(&job->refusals, err, XP_REFUSED_CONFIRM_AMBIGUOUS,
				    "name the right one with --target, or take the others out",
				    "%s: %u drives that are present bear the names of the drive of "
				    "job %s",
				    path, fits, r->id));
	return xp_job_resume_prepare(job, &r->session.setup, now, err);
}

/* The journal is read once for the key and the folders, then taken with everything set up. */
static enum xp_rc set_up(struct resume *r, const struct xp_args *args, struct xp_err *err)
{
	struct xp_job *job = &r->batch.jobs[0];
	struct xp_session_wish wish = {
		.key = xp_args_string(args, "key"),
		.cert = xp_args_string(args, "cert"),
		.out = xp_args_string(args, "out"),
	};
	AUTO(xp_state_close)
	struct xp_state state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1};
	const char *const *confirms;
	const char *path;

	TRY(xp_state_open_existing(&state, xp_args_string(args, "state"), err));
	TRY(xp_job_reopen(job, &state, &r->first, r->id, err));
	if (!wish.key && !wish.cert) {
		wish.key = text_of(r->first, "key");
		wish.cert = text_of(r->first, "cert");
	}
	if (!wish.out)
		wish.out = text_of(r->first, "out");
	TRY(xp_session_open(&r->session, args, &wish, err));
	TRY(xp_policy_parse(&r->plan_options.policy, job->record.policy_json,
			    job->record.policy_len, err));
	r->plan_options.allow_remote = xp_args_flag(args, "allow-remote");
	r->session.setup.options = &r->plan_options;
	r->session.setup.close_mappings = xp_args_flag(args, "close");
	/* the operator confirmed this very target when the job began; it must still be that one */
	path = text_of(r->first, "confirm");
	TRY(xp_confirms_add(&r->confirms, path ? path : "", err));
	for (confirms = xp_args_list(args, "confirm"); *confirms; confirms++)
		TRY(xp_confirms_add(&r->confirms, *confirms, err));
	r->session.setup.confirms = xp_confirms_list(&r->confirms);
	path = xp_args_string(args, "target");
	if (path)
		return xp_job_resume_prepare(job, &r->session.setup, path, err);
	return resume_where_it_is(r, text_of(r->first, "path"), err);
}

static int run(const struct xp_args *args)
{
	AUTO(resume_free) struct resume *r = calloc(1, sizeof(*r));
	int exit_code;
	struct xp_err err;

	if (!r) {
		xp_fail(&err, XP_E_NOMEM, "resume");
		return xp_report_error(&err, xp_args_flag(args, "json"), "results");
	}
	xp_session_init(&r->session);
	if (choose(r, args, &err) != XP_OK || xp_batch_new(&r->batch, 1, &err) != XP_OK ||
	    set_up(r, args, &err) != XP_OK)
		return xp_say_untouched(&err, xp_args_flag(args, "json"));
	xp_cancel_install();
	if (r->batch.jobs[0].refusals.n == 0)
		xp_batch_close_mappings(&r->batch);
	if (xp_batch_run(&r->batch, r->session.events_fd, r->session.quiet, r->session.setup.clock,
			 &err) != XP_OK)
		return xp_report_error(&err, xp_args_flag(args, "json"), "results");
	exit_code = xp_batch_report(&r->batch, r->session.json, r->session.jsonl);
	if (!r->session.json && !r->session.jsonl) {
		xp_where_tell(&r->session, &r->batch);
		xp_tell_exit_code(exit_code);
	}
	return exit_code;
}

const struct xp_command xp_command_resume = {
	.name = "resume",
	.operands = "[JOB]",
	.summary =
		"Go on with a job that was interrupted, from the last place that is on the medium.",
	.details = "The whole interlock is repeated, and the target must be the very same one.",
	.options = options,
	.operands_min = 0,
	.operands_max = 1,
	.run = run,
};
