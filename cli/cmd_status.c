#include "cli/commands_expunge.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/job_journal.h"
#include "cli/job_keep.h"
#include "cli/job_tell.h"
#include "cli/output.h"

static const struct xp_option options[] = {
	{"all", XP_OPT_FLAG, NULL, "jobs that have ended, too"},
	{"state", XP_OPT_STRING, "DIR", "the state folder"},
	XP_KEEP_OPTION_ROW,
	{"json", XP_OPT_FLAG, NULL, "one JSON document on stdout"},
	{0},
};

static const char *state_name(const struct xp_job_summary *s)
{
	if (s->damaged)
		return "damaged";
	if (s->ended)
		return "ended";
	return s->running ? "running" : "interrupted";
}

static json_t *summary_json(const struct xp_job_summary *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "job", json_string(s->id));
	json_object_set_new(o, "state", json_string(state_name(s)));
	json_object_set_new(o, "path", xp_json_text(s->path));
	json_object_set_new(o, "confirm", xp_json_text(s->confirm));
	json_object_set_new(o, "technique", json_string(s->technique));
	json_object_set_new(o, "where", json_string(s->where));
	json_object_set_new(o, "goes_on", json_boolean(s->goes_on));
	json_object_set_new(o, "password_left", json_boolean(s->has_secret));
	if (s->ended) {
		json_object_set_new(o, "outcome", json_string(s->outcome));
		json_object_set_new(o, "claim", json_string(s->claim));
		json_object_set_new(o, "record", json_string(s->record));
		json_object_set_new(o, "exit_code", json_integer(s->exit_code));
	}
	return o;
}

static void print_summary(const struct xp_job_summary *s, const struct xp_state *state)
{
	AUTO(xp_buf_free) struct xp_buf option = {0};

	if (!state->is_default) {
		xp_buf_puts(&option, " --state ");
		xp_buf_shell_word(&option, state->path);
	}
	if (state->keep) {
		xp_buf_puts(&option, " --keep ");
		xp_buf_shell_word(&option, xp_keep_dir(state->keep));
	}
	printf("%s  %-11s  ", s->id, state_name(s));
	xp_print_escaped(stdout, s->path);
	if (xp_confirm_tells_more(s->path, s->confirm)) {
		printf(" (");
		xp_print_escaped(stdout, s->confirm);
		putchar(')');
	}
	if (s->ended)
		printf("\n    %s, claim %s, record certificates/%s\n", s->outcome, s->claim,
		       s->record);
	else
		printf("\n    %s\n", s->where);
	if (s->has_secret && !s->running) {
		AUTO(xp_buf_free) struct xp_buf words = {0};
		AUTO(xp_buf_free) struct xp_buf journal = {0};

		/* by then another drive may have the path: the journal names the right one */
		xp_buf_printf(&journal, "%s/jobs/%s/journal.jsonl", state->path, s->id);
		xp_buf_shell_word(&words, s->path);
		xp_buf_puts(&words, " --journal ");
		xp_buf_shell_word(&words, xp_buf_str(&journal));
		printf("    a password of ours may be left on the drive; take it off with: expunge "
		       "unlock ");
		xp_print_escaped(stdout, xp_buf_str(&words));
		putchar('\n');
	}
	if (s->untouched && !s->running) {
		printf("    nothing is to be done for it; its folder jobs/%s can be removed\n",
		       s->id);
	} else if (!s->ended && !s->running && !s->damaged) {
		printf("    go on with: expunge resume %s", s->id);
		xp_print_escaped(stdout, xp_buf_str(&option));
		putchar('\n');
	}
}

static int run(const struct xp_args *args)
{
	AUTO(xp_kept_state_close)
	struct xp_kept_state kept = {.state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1}};
	const struct xp_state *state = &kept.state;
	AUTO(xp_job_summaries_free) struct xp_job_summaries all = {0};
	bool json = xp_args_flag(args, "json");
	bool with_ended = xp_args_flag(args, "all");
	size_t shown = 0;
	json_t *jobs;
	struct xp_err err;
	enum xp_rc rc = xp_kept_state_open(&kept, args, false, &err);

	/* no state folder: no jobs, which is an answer; but none where a folder was named */
	if (rc == XP_OK)
		rc = xp_job_summaries_read(&all, state, &err);
	if (rc != XP_OK &&
	    (rc != XP_E_NOENT || xp_args_string(args, "keep") || xp_args_string(args, "state")))
		return xp_report_error(&err, xp_args_flag(args, "json"), "jobs");
	jobs = json ? json_array() : NULL;
	for (size_t i = 0; i < all.n; i++) {
		/* a drive that nobody can use any more is no job that is done */
		if (all.list[i].ended && !with_ended && !all.list[i].has_secret)
			continue;
		if (json)
			json_array_append_new(jobs, summary_json(&all.list[i]));
		else
			print_summary(&all.list[i], state);
		shown++;
	}
	if (!json && shown == 0)
		xp_say(with_ended ? "no jobs" : "no job runs, and none was interrupted");
	return json ? xp_print_json(json_pack("{s:o}", "jobs", jobs)) : 0;
}

const struct xp_command xp_command_status = {
	.name = "status",
	.operands = "",
	.summary = "Show jobs that run and jobs that were interrupted.",
	.options = options,
	.run = run,
};
