#include "cli/commands_expunge.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/key_uri.h"
#include "cli/expect_match.h"
#include "cli/job_close.h"
#include "cli/job_confirm.h"
#include "cli/job_detach.h"
#include "cli/job_folder.h"
#include "cli/job_look.h"
#include "cli/job_needed.h"
#include "cli/job_people.h"
#include "cli/job_reach.h"
#include "cli/job_session.h"
#include "cli/job_settle.h"
#include "cli/job_tell.h"
#include "cli/job_where.h"
#include "cli/output.h"

static const struct xp_option options[] = {
	{"confirm", XP_OPT_LIST, "STRING", "the target's confirm string, once a target"},
	{"expect", XP_OPT_STRING, "FILE", "CSV of the drives that are to be erased on this host"},
	XP_PLAN_OPTION_ROWS,
	XP_SESSION_OPTION_ROWS,
	{"record-fields", XP_OPT_STRING, "FILE", "JSON with tenant, case, asset_tag, persons, ..."},
	{"close", XP_OPT_FLAG, NULL, "close LUKS mappings on the target that nobody uses"},
	{"recursive", XP_OPT_FLAG, NULL, "file-overwrite: every file below the folder TARGET"},
	{"if-needed", XP_OPT_FLAG, NULL,
	 "resume what was interrupted; leave what still is sanitized"},
	{"detach", XP_OPT_FLAG, NULL, "go on in the background, away from the terminal"},
	{0},
};

struct run {
	struct xp_plan_options plan_options;
	struct xp_session session;
	struct xp_inventory looked; /* with --expect: what was there before anything was made */
	bool has_expect;
	struct xp_expect_list expect;
	struct xp_expect_paths expect_paths;
	struct xp_batch batch;
	struct xp_confirms confirms;
	struct xp_folder *folders; /* --recursive: one a TARGET */
	unsigned folders_n;
	bool nothing_there; /* none of the targets; the batch says so of each */
	bool incomplete;    /* an expected drive is absent, or the host hides drives */
};

static void run_free(struct run *r)
{
	for (unsigned i = 0; i < r->folders_n; i++)
		xp_folder_free(&r->folders[i]);
	free(r->folders);
	xp_confirms_free(&r->confirms);
	xp_batch_free(&r->batch);
	xp_expect_list_free(&r->expect);
	xp_expect_paths_free(&r->expect_paths);
	xp_inventory_free(&r->looked);
	xp_session_close(&r->session);
	xp_plan_options_free(&r->plan_options);
}

#define FIELDS_MAX_BYTES (1u << 20)
#define EXPECT_MAX_BYTES (16u << 20)

/* A file that was named must be there to be read. */
static enum xp_rc demand_file(const char *path, size_t max_bytes, struct xp_err *err)
{
	AUTO_MEM char *data = NULL;
	size_t len = 0;

	return path ? xp_file_read(&data, &len, path, max_bytes, err) : XP_OK;
}

static enum xp_rc read_fields(struct run *r, const char *path, struct xp_err *err)
{
	AUTO_MEM char *json = NULL;
	size_t len = 0;

	if (!path)
		return XP_OK;
	TRY(xp_file_read(&json, &len, path, FIELDS_MAX_BYTES, err));
	TRY(xp_fields_apply_json(&r->session.fields, json, len, path, err));
	return xp_job_people_demand(&r->session.fields, r->session.key, err);
}

static enum xp_rc read_expect(struct run *r, const char *path, struct xp_err *err)
{
	AUTO_MEM char *csv = NULL;
	size_t len = 0;

	TRY(xp_file_read(&csv, &len, path, EXPECT_MAX_BYTES, err));
	r->has_expect = true;
	return xp_expect_list_for_host(&r->expect, csv, len, path, r->looked.host_serial, err);
}

/* With --expect and no TARGET: every drive of the host; what is not listed is not touched. */
static enum xp_rc collect_paths(const char ***paths, unsigned *n, struct run *r,
				const struct xp_args *args, struct xp_err *err)
{
	size_t max = args->operands_n;

	if (!args->operands_n) {
		TRY(xp_expect_paths_find(&r->expect_paths, &r->expect, &r->session.inventory,
					 r->session.setup.root, err));
		max = r->expect_paths.n;
	}
	for (unsigned i = 0; i < r->folders_n; i++)
		max += r->folders[i].n;
	*paths = calloc(max + 1, sizeof(**paths));
	*n = 0;
	if (!*paths)
		return xp_fail(err, XP_E_NOMEM, "list of targets");
	for (unsigned i = 0; i < r->folders_n; i++)
		for (size_t k = 0; k < r->folders[i].n; k++)
			(*paths)[(*n)++] = r->folders[i].files[k];
	if (r->folders_n)
		return XP_OK;
	for (unsigned i = 0; i < args->operands_n; i++)
		(*paths)[(*n)++] = args->operands[i];
	for (size_t i = 0; !args->operands_n && i < r->expect_paths.n; i++)
		(*paths)[(*n)++] = r->expect_paths.list[i];
	return XP_OK;
}

static void tell_wait(const char *path, const char *says)
{
	xp_say("%s is waited for: %s", path, says);
}

static enum xp_rc prepare(struct run *r, unsigned i, const char *path, struct xp_err *err)
{
	struct xp_job *job = &r->batch.jobs[i];
	struct xp_err why;

	/* among several, one that is busy holds up no other: it is refused */
	if (r->batch.n == 1)
		xp_job_wait_through(&r->session.root, path, tell_wait);

	if (xp_job_prepare(job, &r->session.setup, path, &why) != XP_OK) {
		snprintf(job->target.path, sizeof(job->target.path), "%s", path);
		job->state = XP_JOB_FAILED;
		job->err = why;
		job->exit_code = xp_rc_exit_code(why.rc);
		return XP_OK;
	}
	TRY(xp_batch_demand_once(&r->batch, i, err));
	if (r->has_expect && job->state == XP_JOB_PLANNED)
		return xp_batch_expect(job, &r->expect, &r->confirms, err);
	return XP_OK;
}

static enum xp_rc read_folders(struct run *r, const struct xp_args *args, struct xp_err *err)
{
	size_t room = XP_BATCH_MAX;

	if (!xp_args_flag(args, "recursive"))
		return XP_OK;
	if (!r->plan_options.has_technique || r->plan_options.technique != XP_FILE_OVERWRITE)
		return xp_fail(err, XP_E_USAGE, "--recursive needs --technique file-overwrite");
	r->folders = calloc(args->operands_n, sizeof(*r->folders));
	if (!r->folders)
		return xp_fail(err, XP_E_NOMEM, "list of folders");
	for (unsigned i = 0; i < args->operands_n; i++) {
		TRY(xp_folder_read(&r->folders[i], args->operands[i], room, err));
		r->folders_n = i + 1;
		room -= r->folders[i].n;
	}
	return XP_OK;
}

/* Who confirms a folder by its name confirms the files that were found below it. */
static enum xp_rc confirm_files(struct run *r, struct xp_err *err)
{
	unsigned job = 0;

	for (unsigned i = 0; i < r->folders_n; i++) {
		bool confirmed = xp_confirms_have(&r->confirms, r->folders[i].confirm);

		for (size_t k = 0; k < r->folders[i].n; k++, job++) {
			snprintf(r->batch.jobs[job].folder, sizeof(r->batch.jobs[job].folder), "%s",
				 r->folders[i].path);
			if (confirmed && r->batch.jobs[job].state == XP_JOB_PLANNED)
				TRY(xp_confirms_add(&r->confirms, r->batch.jobs[job].target.confirm,
						    err));
		}
	}
	return XP_OK;
}

/* A folder that could not go, and why: something in it is no file that was overwritten. */
static void tell_folders(const struct run *r)
{
	for (unsigned i = 0; i < r->folders_n; i++) {
		const char *path = r->folders[i].path;
		char inside[4096 + 4];
		char stays[256];
		struct xp_err err;

		snprintf(inside, sizeof(inside), "%s/.", path);
		if (xp_folder_prune(stays, path, inside, r->session.setup.rng, &err) != XP_OK)
			xp_say("%s stays: %s", path, err.msg);
		else if (*stays)
			xp_say("%s stays: %s is left in it", path, stays);
	}
}

static enum xp_rc prepare_all(struct run *r, const struct xp_args *args, struct xp_err *err)
{
	AUTO_MEM const char **paths = NULL;
	unsigned n = 0;

	TRY(collect_paths(&paths, &n, r, args, err));
	if (n == 0 && r->has_expect)
		return XP_OK;
	TRY(xp_batch_new(&r->batch, n, err));
	for (unsigned i = 0; i < n; i++)
		TRY(prepare(r, i, paths[i], err));
	TRY(xp_batch_part_same_names(&r->batch, &r->confirms, err));
	return confirm_files(r, err);
}

/* Of the drives of this host, those of the list; of what was named, what is there at all. */
static enum xp_rc look_by_list(struct run *r, const struct xp_args *args, const char *list,
			       const struct xp_sysroot *root, struct xp_err *err)
{
	AUTO(xp_expect_paths_free) struct xp_expect_paths paths = {0};

	TRY(xp_inventory_scan(&r->looked, root, err));
	TRY(read_expect(r, list, err));
	if (args->operands_n)
		return XP_OK;
	TRY(xp_expect_paths_find(&paths, &r->expect, &r->looked, root, err));
	r->nothing_there = paths.n == 0;
	return XP_OK;
}

static enum xp_rc look(struct run *r, const struct xp_args *args, struct xp_err *err)
{
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	const char *list = xp_args_string(args, "expect");

	TRY(read_folders(r, args, err));
	TRY(xp_sysroot_open(&root, "/", err));
	if (list)
		TRY(look_by_list(r, args, list, &root, err));
	if (r->folders_n || !args->operands_n)
		return XP_OK;
	TRY(xp_job_look(&r->batch, args->operands, args->operands_n, &root, err));
	r->nothing_there = r->batch.n > 0;
	return XP_OK;
}

/* A line that names several namespaces is met where the erase reached all of them. */
static void check_sets(struct run *r)
{
	for (unsigned i = 0; i < r->batch.n; i++) {
		const struct xp_job *job = &r->batch.jobs[i];

		if (!job->expected || !xp_expected_is_set(job->expected) ||
		    job->state != XP_JOB_ENDED || job->record.claim.scope != XP_SCOPE_NAMESPACE)
			continue;
		xp_say("%s: only the namespace %s was erased; with this technique give each "
		       "namespace a line of its own",
		       job->expected->serial, job->target.path);
		r->incomplete = true;
	}
}

static void check_expectations(struct run *r, const struct xp_inventory *inventory)
{
	check_sets(r);
	if (r->expect.n)
		r->batch.expect = &r->expect;
	for (size_t i = 0; i < r->expect.n; i++)
		if (!r->expect.list[i].seen)
			xp_say("%s is on the expect list and is not here",
			       r->expect.list[i].serial);
	if (r->expect.n && inventory->complete != XP_COMPLETE_YES)
		xp_say("this host may hide drives; see expunge list");
	if (!xp_expect_is_met(&r->expect, inventory))
		r->incomplete = true;
}

static enum xp_rc set_up(struct run *r, const struct xp_args *args, struct xp_err *err)
{
	struct xp_session_wish wish = {
		.key = xp_args_string(args, "key"),
		.cert = xp_args_string(args, "cert"),
		.out = xp_args_string(args, "out"),
	};
	const char *expect = xp_args_string(args, "expect");
	const char *const *confirms = xp_args_list(args, "confirm");

	if (!expect && args->operands_n == 0)
		return xp_fail(err, XP_E_USAGE, "run needs a TARGET or --expect FILE");
	if (expect && *confirms)
		return xp_fail(err, XP_E_USAGE, "--expect and --confirm do not go together");
	if (xp_args_string(args, "upload") && xp_args_flag(args, "detach"))
		return xp_fail(err, XP_E_USAGE,
			       "--detach and --upload do not go together: the connection cannot go "
			       "along into the background; `expunge upload` sends the records "
			       "afterwards");
	if (wish.key && xp_key_uri_is(wish.key) && xp_args_flag(args, "detach"))
		return xp_fail(err, XP_E_USAGE,
			       "--detach: a token's session cannot go along into the background; "
			       "run in a terminal that stays, or sign with a key in a file");
	TRY(xp_plan_options_read(&r->plan_options, args, err));
	/* before a state folder, a log or a key of this host is made */
	TRY(demand_file(xp_args_string(args, "record-fields"), FIELDS_MAX_BYTES, err));
	TRY(look(r, args, err));
	if (r->nothing_there)
		return XP_OK;
	TRY(xp_session_open(&r->session, args, &wish, err));
	r->session.setup.options = &r->plan_options;
	r->session.setup.close_mappings = xp_args_flag(args, "close");
	for (; *confirms; confirms++)
		TRY(xp_confirms_add(&r->confirms, *confirms, err));
	TRY(read_fields(r, xp_args_string(args, "record-fields"), err));
	r->session.setup.confirms = xp_confirms_list(&r->confirms);
	TRY(prepare_all(r, args, err));
	r->session.setup.confirms = xp_confirms_list(&r->confirms);
	return XP_OK;
}

static enum xp_rc carry_out(struct run *r, const struct xp_args *args, int *exit_code,
			    struct xp_err *err)
{
	struct xp_session *s = &r->session;

	if (xp_args_flag(args, "if-needed"))
		TRY(xp_job_settle_needed(&r->batch, err));
	xp_batch_settle_refused(&r->batch);
	check_expectations(r, &s->inventory);
	if (!s->json && !s->jsonl && !s->quiet)
		for (unsigned i = 0; i < r->batch.n; i++)
			if (r->batch.jobs[i].state == XP_JOB_PLANNED)
				xp_job_plan_print(stderr, &r->batch.jobs[i]);
	TRY(xp_confirms_ask(&r->confirms, &r->batch, err));
	s->setup.confirms = xp_confirms_list(&r->confirms);
	xp_batch_close_mappings(&r->batch);
	xp_cancel_install();
	if (xp_args_flag(args, "detach"))
		return xp_batch_run_detached(&r->batch, s, exit_code, err);
	TRY(xp_batch_run(&r->batch, s->events_fd, s->quiet, s->setup.clock, err));
	tell_folders(r);
	*exit_code = xp_batch_report(&r->batch, s->json, s->jsonl);
	if (!s->json && !s->jsonl)
		xp_where_tell(s, &r->batch);
	return XP_OK;
}

static void run_drop(struct run **r)
{
	if (*r)
		run_free(*r);
	free(*r);
	*r = NULL;
}

static int run(const struct xp_args *args)
{
	AUTO(run_drop) struct run *r = calloc(1, sizeof(*r));
	int exit_code = 0;
	struct xp_err err;

	if (!r) {
		xp_fail(&err, XP_E_NOMEM, "run");
		return xp_report_error(&err, xp_args_flag(args, "json"), "results");
	}
	xp_session_init(&r->session);
	if (set_up(r, args, &err) != XP_OK)
		return xp_say_untouched(&err, xp_args_flag(args, "json"));
	if (r->nothing_there) {
		check_expectations(r, &r->looked);
		exit_code = xp_batch_report(&r->batch, xp_args_flag(args, "json"),
					    xp_args_flag(args, "jsonl"));
	} else if (carry_out(r, args, &exit_code, &err) != XP_OK)
		return xp_report_error(&err, xp_args_flag(args, "json"), "results");
	if (r->incomplete)
		exit_code = xp_exit_worse(exit_code, 6);
	if (!xp_args_flag(args, "json") && !xp_args_flag(args, "jsonl"))
		xp_tell_exit_code(exit_code);
	return exit_code;
}

const struct xp_command xp_command_run = {
	.name = "run",
	.operands = "TARGET...",
	.summary = "Sanitize: do the plan, read back, sign, log.",
	.details =
		"Each target must be confirmed: with --confirm (the string that list and plan "
		"print),\n"
		"by its line in an --expect list, or by typing it when asked on a terminal.\n"
		"Nothing skips that. Exit codes: 0 done, 1 failed, 2 indeterminate, 3 done at a\n"
		"lower level than asked, 4 refused and untouched, 5 interrupted, 6 incomplete.",
	.options = options,
	.operands_min = 0,
	.operands_max = XP_BATCH_MAX,
	.run = run,
};
