#include "cli/commands_expunge.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/job_batch.h"
#include "cli/output.h"

static const struct xp_option options[] = {
	XP_PLAN_OPTION_ROWS,
	{"state", XP_OPT_STRING, "DIR", "the state folder, to see interrupted jobs"},
	{"out", XP_OPT_STRING, "DIR", "where run would put the certificates"},
	{"close", XP_OPT_FLAG, NULL, "as with run --close: unused LUKS mappings are closed first"},
	{"replay", XP_OPT_STRING, "FILE", "plan for the drive of a transcript; no TARGET"},
	{"json", XP_OPT_FLAG, NULL, "one JSON document on stdout"},
	{0},
};

static int plan_one(struct xp_job *job, const struct xp_job_setup *setup, const char *path,
		    bool is_replay)
{
	struct xp_err err;
	enum xp_rc rc = is_replay ? xp_job_prepare_replay(job, setup, path, &err)
				  : xp_job_prepare(job, setup, path, &err);

	if (rc == XP_OK) {
		job->exit_code = job->plan.exit_code;
		return job->exit_code;
	}
	snprintf(job->target.path, sizeof(job->target.path), "%s", path);
	job->state = XP_JOB_FAILED;
	job->err = err;
	job->exit_code = xp_say_error(&err);
	return job->exit_code;
}

static int print_all(const struct xp_batch *b, bool json, int exit_code)
{
	json_t *targets = json ? json_array() : NULL;

	for (unsigned i = 0; i < b->n; i++) {
		if (b->jobs[i].state == XP_JOB_FAILED)
			continue;
		if (json)
			json_array_append_new(targets, xp_job_plan_json(&b->jobs[i]));
		else
			xp_job_plan_print(stdout, &b->jobs[i]);
	}
	if (!json)
		return exit_code;
	return xp_exit_worse(exit_code, xp_print_json(json_pack("{s:o}", "targets", targets)));
}

static enum xp_rc plan(int *exit_code, const struct xp_args *args, struct xp_err *err)
{
	AUTO(xp_plan_options_free) struct xp_plan_options plan_options = {0};
	AUTO(xp_inventory_free) struct xp_inventory inventory = {0};
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	AUTO(xp_state_close)
	struct xp_state state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1};
	AUTO(xp_batch_free) struct xp_batch batch = {0};
	const char *const none[] = {NULL};
	const char *replay = xp_args_string(args, "replay");
	struct xp_job_setup setup = {
		.root = &root,
		.inventory = &inventory,
		.options = &plan_options,
		.out_dir = xp_args_string(args, "out"),
		.out_fd = -1,
		.close_mappings = xp_args_flag(args, "close"),
		.confirms = none,
		.clock = xp_clock_system(),
		.rng = xp_rng_system(),
	};

	if ((replay != NULL) == (args->operands_n > 0))
		return xp_fail(err, XP_E_USAGE, "plan needs a TARGET, or --replay FILE instead");
	TRY(xp_plan_options_read(&plan_options, args, err));
	TRY(xp_sysroot_open(&root, "/", err));
	TRY(xp_inventory_scan(&inventory, &root, err));
	/* writes nothing: a state folder that is not there yet holds no jobs */
	if (xp_state_open_existing(&state, xp_args_string(args, "state"), err) == XP_OK)
		setup.state = &state;
	TRY(xp_batch_new(&batch, replay ? 1 : args->operands_n, err));
	*exit_code = replay ? plan_one(&batch.jobs[0], &setup, replay, true) : 0;
	for (unsigned i = 0; i < args->operands_n; i++)
		*exit_code = xp_exit_worse(
			*exit_code, plan_one(&batch.jobs[i], &setup, args->operands[i], false));
	*exit_code = print_all(&batch, xp_args_flag(args, "json"), *exit_code);
	return XP_OK;
}

static int run(const struct xp_args *args)
{
	int exit_code = 0;
	struct xp_err err;

	return plan(&exit_code, args, &err) == XP_OK
		       ? exit_code
		       : xp_report_error(&err, xp_args_flag(args, "json"), "targets");
}

const struct xp_command xp_command_plan = {
	.name = "plan",
	.operands = "TARGET...",
	.summary = "Say what run would do, why, and what could then be claimed. Writes nothing.",
	.details = "TARGET is a block device, or a regular file that holds a disk image.\n"
		   "With --replay FILE it plans for the drive of a transcript (see inspect).\n"
		   "Exits as run would: 0, 3 (a lower level than asked), 4 (refused), 69.",
	.options = options,
	.operands_min = 0,
	.operands_max = XP_BATCH_MAX,
	.run = run,
};
