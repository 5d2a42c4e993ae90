#include "cli/commands_expunge.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "certs/key_uri.h"
#include "cli/output.h"
#include "cli/tui/tui_app.h"

static const struct xp_option options[] = {
	{"config", XP_OPT_STRING, "FILE", "what a boot stick was told: expunge.json"},
	{"expect", XP_OPT_STRING, "FILE", "CSV of the drives that may be confirmed by it"},
	{"record-fields", XP_OPT_STRING, "FILE", "JSON with tenant, case, asset_tag, persons, ..."},
	XP_PLAN_OPTION_ROWS,
	XP_SESSION_KEEPING_ROWS,
	{"ascii", XP_OPT_FLAG, NULL, "no character beyond ASCII, whatever the terminal can"},
	{0},
};

static const char *or_configured(const char *option, const char *configured)
{
	return option ? option : *configured ? configured : NULL;
}

/* What is named must be there: said at once, and not after the operator has typed. */
static enum xp_rc demand_files(const struct xp_tui_app *app, struct xp_err *err)
{
	const char *const files[] = {
		app->key && !xp_key_uri_is(app->key) ? app->key : NULL,
		app->cert,
		app->passphrase_file,
		app->fields_path,
		app->expect_path,
	};

	if (!app->key != !app->cert)
		return xp_fail(err, XP_E_USAGE, "--key and --cert go together");
	for (size_t i = 0; i < XP_ARRAY_LEN(files); i++)
		if (files[i] && access(files[i], R_OK))
			return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_PERM, "%s",
					     files[i]);
	return XP_OK;
}

/* What the command line does not say is taken from the configuration. */
static enum xp_rc set_up(struct xp_tui_app *app, struct xp_boot_config *config,
			 struct xp_plan_options *plan, const struct xp_args *args,
			 struct xp_err *err)
{
	const char *path = xp_args_string(args, "config");

	xp_boot_config_init(config);
	if (path)
		TRY(xp_boot_config_read(config, path, err));
	TRY(xp_plan_options_read(plan, args, err));
	if (!xp_args_string(args, "policy") && *config->policy) {
		xp_policy_free(&plan->policy);
		TRY(xp_policy_load(&plan->policy, config->policy, err));
	}
	if (!plan->has_level && config->has_level) {
		plan->has_level = true;
		plan->level = config->level;
	}
	if (!plan->has_accept && config->has_accept) {
		plan->has_accept = true;
		plan->accept = config->accept;
	}
	if (plan->verify == XP_READBACK_NONE && config->has_verify)
		plan->verify = config->verify;
	app->args = args;
	app->config = config;
	app->options = plan;
	app->key = or_configured(xp_args_string(args, "key"), config->key);
	app->cert = or_configured(xp_args_string(args, "cert"), config->cert);
	app->out = xp_args_string(args, "out");
	app->passphrase_file =
		or_configured(xp_args_string(args, "passphrase-file"), config->passphrase_file);
	app->fields_path = xp_args_string(args, "record-fields");
	app->expect_path = xp_args_string(args, "expect");
	app->ascii = xp_args_flag(args, "ascii");
	return demand_files(app, err);
}

static int run(const struct xp_args *args)
{
	AUTO_MEM struct xp_tui_app *app = calloc(1, sizeof(*app));
	AUTO_MEM struct xp_boot_config *config = calloc(1, sizeof(*config));
	AUTO(xp_plan_options_free) struct xp_plan_options plan = {0};
	int exit_code = 0;
	struct xp_err err = {0};
	enum xp_rc rc;

	if (!app || !config) {
		xp_fail(&err, XP_E_NOMEM, "full screen");
		return xp_say_error(&err);
	}
	rc = set_up(app, config, &plan, args, &err);
	if (rc == XP_OK)
		rc = xp_tui_app_run(app, &exit_code, &err);
	xp_boot_config_free(config);
	if (rc != XP_OK)
		return xp_say_untouched(&err, false);
	return exit_code;
}

const struct xp_command xp_command_tui = {
	.name = "tui",
	.operands = "[TARGET...]",
	.summary = "The same, full screen: choose drives, see the plan, confirm, watch, sign.",
	.details =
		"Without a TARGET every drive of the host is shown, and drives may come and go.\n"
		"With TARGETs (files that hold disk images, too) only these are. F1 helps.\n"
		"Exits as run would for what was carried out; 0 where nothing was.",
	.options = options,
	.operands_min = 0,
	.operands_max = XP_BATCH_MAX,
	.run = run,
};
