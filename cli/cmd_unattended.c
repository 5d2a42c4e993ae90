#include "cli/commands_expunge.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/boot_config.h"
#include "cli/boot_console.h"
#include "cli/boot_end.h"
#include "cli/boot_net.h"
#include "cli/boot_rules.h"
#include "cli/boot_run.h"
#include "cli/boot_stick.h"
#include "cli/expect_match.h"
#include "cli/https_url.h"
#include "cli/job_alone.h"
#include "cli/job_fields.h"
#include "cli/job_keep.h"
#include "cli/job_quiet.h"
#include "cli/job_session.h"
#include "cli/job_tell.h"
#include "cli/job_upload.h"
#include "cli/output.h"
#include "device/discover.h"

#define EXPECT_MAX_BYTES (16u << 20)
#define KEEP_WAIT_S	 "3600"
#define EXIT_STOPPED	 5
#define EXIT_REFUSED	 4
#define EXIT_OUR_BUG	 70

/* Options that go to `run` as they are. */
#define PASSED_ON_ROWS                                                                             \
	{"state", XP_OPT_STRING, "DIR", "journals, log, certificates"}, XP_KEEP_OPTION_ROW,        \
		{"keep-wait", XP_OPT_STRING, "SECONDS",                                            \
		 "how long jobs wait for a stick that was pulled out (3600)"},                     \
		{"out", XP_OPT_STRING, "DIR", "put the certificates there, too"},                  \
		{"stall", XP_OPT_STRING, "SECONDS",                                                \
		 "give up a target that does nothing for so long (300)"},                          \
		{"clock", XP_OPT_STRING, "TIME",                                                   \
		 "set the host's clock first (UTC); records say that the operator did"},           \
		{"events", XP_OPT_STRING, "FILE", "progress as JSON lines (- is stdout)"},         \
		{"json", XP_OPT_FLAG, NULL, "one JSON document on stdout"},                        \
		{"jsonl", XP_OPT_FLAG, NULL, "one JSON line a result"},                            \
	{                                                                                          \
		"quiet", XP_OPT_FLAG, NULL, "no progress"                                          \
	}

static const struct xp_option options[] = {
	{"config", XP_OPT_STRING, "FILE", "expunge.json: the rules, the key, who does it"},
	{"expect", XP_OPT_STRING, "FILE", "CSV of the drives to be erased; an https address, too"},
	{"cmdline", XP_OPT_STRING, "FILE", "the kernel's command line (" XP_BOOT_CMDLINE ")"},
	{"console", XP_OPT_LIST, "DEVICE", "a terminal to speak to; again for more of them"},
	{"settle", XP_OPT_STRING, "SECONDS", "how long no drive may come or go before it starts"},
	{"settle-max", XP_OPT_STRING, "SECONDS", "then it goes on with the drives that are there"},
	{"countdown", XP_OPT_STRING, "SECONDS", "how long any key stops it"},
	{"then", XP_OPT_STRING, "WHAT", "at the end: wait, poweroff or reboot"},
	XP_UPLOAD_OPTION_ROWS,
	PASSED_ON_ROWS,
	{0},
};

static const struct xp_option passed_on[] = {PASSED_ON_ROWS, {0}};

struct unattended {
	struct xp_boot_config config;
	struct xp_consoles consoles;
	char *expect; /* the list's bytes */
	size_t expect_len;
	struct xp_expect_list list;
	int only_fd; /* held: no other one runs on this state folder */
	struct xp_boot_run run;
};

static void unattended_drop(struct unattended **u)
{
	if (!*u)
		return;
	xp_boot_run_free(&(*u)->run);
	xp_expect_list_free(&(*u)->list);
	xp_consoles_close(&(*u)->consoles);
	xp_boot_config_free(&(*u)->config);
	xp_close_fd(&(*u)->only_fd);
	free((*u)->expect);
	free(*u);
	*u = NULL;
}

/* ---- the time ---- */

/* A server that does not answer is no reason to stop: the clock is checked before each erase. */
static enum xp_rc ask_time(struct unattended *u, const struct xp_args *args, struct xp_err *err)
{
	AUTO(xp_state_close)
	struct xp_state state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1};
	AUTO(xp_courier_free) struct xp_courier *courier = NULL;
	const char *host = u->config.ntp;
	int64_t step_ms = 0;
	struct xp_err why;

	if (!*host || xp_clock_is_synchronized(&step_ms) || xp_args_string(args, "clock"))
		return XP_OK;
	TRY(xp_boot_courier(&courier, "", err));
	if (xp_boot_ntp(&step_ms, courier, host, xp_clock_setter_system(), &why) != XP_OK) {
		xp_consoles_say(&u->consoles, "the time was not had from %s: %s", host, why.msg);
		return XP_OK;
	}
	xp_consoles_say(&u->consoles, "the clock was set by %s; it was off by %lld ms", host,
			(long long)step_ms);
	TRY(xp_state_open(&state, xp_args_string(args, "state"), err));
	return xp_clock_note_write(state.fd, XP_CLOCK_NTP, err);
}

/* ---- the list ---- */

/* Over the network only by https, from a server that an authority vouches for. */
static enum xp_rc fetch_list(struct unattended *u, struct xp_err *err)
{
	const struct xp_boot_unattended *rules = &u->config.unattended;
	const struct xp_boot_upload *upload = &u->config.upload;
	const bool own = *rules->expect_ca || rules->expect_system_ca;
	const char *ca = own ? rules->expect_ca : upload->ca;
	const bool system_ca = own ? rules->expect_system_ca : upload->system_ca;
	AUTO(xp_courier_free) struct xp_courier *courier = NULL;
	AUTO(xp_buf_free) struct xp_buf got = {0};

	if (!*ca && !system_ca)
		return xp_fail(err, XP_E_USAGE,
			       "%s: nobody says which authority its server is checked against "
			       "(unattended.expect_ca, expunge.upload_ca= or --upload-ca)",
			       rules->expect);
	TRY(xp_boot_courier(&courier, system_ca ? "" : ca, err));
	TRY(xp_boot_fetch(&got, courier, rules->expect, EXPECT_MAX_BYTES, err));
	u->expect_len = got.len;
	u->expect = got.data ? got.data : calloc(1, 1);
	got = (struct xp_buf){0};
	return u->expect ? XP_OK : xp_fail(err, XP_E_NOMEM, "the expect list");
}

static enum xp_rc read_list(struct unattended *u, struct xp_err *err)
{
	const char *path = u->config.unattended.expect;
	enum xp_rc rc = xp_text_is_url(path) ? fetch_list(u, err)
					     : xp_file_read(&u->expect, &u->expect_len, path,
							    EXPECT_MAX_BYTES, err);

	if (rc != XP_OK)
		return xp_err_prefix(err, "the expect list");
	if (xp_expect_list_parse(&u->list, u->expect, u->expect_len, err) != XP_OK)
		return xp_err_prefix(err, "%s", path);
	if (u->list.n == 0)
		return xp_fail(err, XP_E_REFUSED, "%s: the expect list is empty", path);
	return XP_OK;
}

/* The same rule as `run` has; here before anybody waits for the countdown. */
static enum xp_rc check_host(const struct unattended *u, const struct xp_inventory *inv,
			     struct xp_err *err)
{
	for (size_t i = 0; i < u->list.n; i++) {
		const char *host = u->list.list[i].host_serial;

		if (*host && strcmp(host, inv->host_serial) != 0)
			return xp_fail(err, XP_E_REFUSED,
				       "the expect list is for host %s, this is host %s; nothing "
				       "was touched",
				       host,
				       *inv->host_serial ? inv->host_serial : "(serial unknown)");
	}
	return XP_OK;
}

/* ---- waiting ---- */

static bool look(void *ctx, size_t drives, uint32_t quiet_s, const char *busy)
{
	struct unattended *u = ctx;

	if (*busy)
		xp_consoles_show(&u->consoles, "%zu drives, %s; any key stops", drives, busy);
	else
		xp_consoles_show(&u->consoles, "%zu drives, quiet for %u of %u s; any key stops",
				 drives, quiet_s, u->config.unattended.settle_s);
	return xp_consoles_key(&u->consoles, 1000);
}

static enum xp_rc stopped(struct unattended *u, struct xp_err *err)
{
	xp_consoles_show(&u->consoles, "%s", "");
	return xp_fail(err, XP_E_CANCELLED, "stopped by a key; nothing was touched");
}

static enum xp_rc settle(struct unattended *u, struct xp_err *err)
{
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	struct xp_quiet_request req = {
		.root = &root,
		.clock = xp_clock_system(),
		.settle_s = u->config.unattended.settle_s,
		.max_s = u->config.unattended.settle_max_s,
		.ctx = u,
		.look = look,
	};
	enum xp_quiet_end end = XP_QUIET_STOPPED;

	TRY(xp_sysroot_open(&root, "/", err));
	xp_consoles_say(&u->consoles, "waiting for the drives to settle (%u s without a change)",
			req.settle_s);
	TRY(xp_quiet_wait(&end, &req, err));
	switch (end) {
	case XP_QUIET_SETTLED:
		return XP_OK;
	case XP_QUIET_GAVE_UP:
		xp_consoles_say(&u->consoles,
				"the drives did not settle within %u s; going on with those that "
				"are there",
				req.max_s);
		return XP_OK;
	case XP_QUIET_STOPPED:
		break;
	}
	return stopped(u, err);
}

/* What will be erased and what is missing, while there is still time to press a key. */
static enum xp_rc announce(struct unattended *u, struct xp_err *err)
{
	AUTO(xp_inventory_free) struct xp_inventory inv = {0};
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	size_t here = 0;

	TRY(xp_sysroot_open(&root, "/", err));
	TRY(xp_inventory_scan(&inv, &root, err));
	TRY(check_host(u, &inv, err));
	for (size_t i = 0; i < u->list.n; i++) {
		const struct xp_expect_list one = {.list = &u->list.list[i], .n = 1};
		AUTO(xp_expect_paths_free) struct xp_expect_paths found = {0};

		TRY(xp_expect_paths_find(&found, &one, &inv, &root, err));
		if (found.n == 0)
			xp_consoles_say(&u->consoles, "  absent       %s", u->list.list[i].serial);
		for (size_t k = 0; k < found.n; k++)
			xp_consoles_say(&u->consoles, "  to be erased %s  %s",
					u->list.list[i].serial, found.list[k]);
		here += found.n;
	}
	xp_consoles_say(&u->consoles,
			"%zu of %zu listed drives are here; of this host's %zu "
			"drives no other is touched",
			here, u->list.n, inv.drives_n);
	return XP_OK;
}

static enum xp_rc count_down(struct unattended *u, struct xp_err *err)
{
	uint32_t left = u->config.unattended.countdown_s;

	xp_consoles_say(&u->consoles, "erasing in %u s; any key stops", left);
	for (; left; left--) {
		xp_consoles_show(&u->consoles, "erasing in %u s; any key stops", left);
		if (xp_consoles_key(&u->consoles, 1000))
			return stopped(u, err);
	}
	xp_consoles_show(&u->consoles, "%s", "");
	return xp_consoles_key(&u->consoles, 0) ? stopped(u, err) : XP_OK;
}

/* ---- the run ---- */

static enum xp_rc compose(struct unattended *u, const struct xp_args *args, struct xp_err *err)
{
	AUTO_MEM const char **own = calloc(2 * XP_ARRAY_LEN(passed_on) + 1, sizeof(*own));
	AUTO_MEM char(*names)[32] = calloc(XP_ARRAY_LEN(passed_on), sizeof(*names));
	size_t n = 0;

	if (!own || !names)
		return xp_fail(err, XP_E_NOMEM, "command line");
	for (size_t i = 0; passed_on[i].name; i++) {
		const bool is_flag = passed_on[i].kind == XP_OPT_FLAG;
		const char *value = is_flag ? NULL : xp_args_string(args, passed_on[i].name);

		/* nobody is there who would go on with them */
		if (strcmp(passed_on[i].name, "keep-wait") == 0 && !value &&
		    xp_args_string(args, "keep"))
			value = KEEP_WAIT_S;
		if (is_flag ? !xp_args_flag(args, passed_on[i].name) : !value)
			continue;
		snprintf(names[i], sizeof(names[i]), "--%s", passed_on[i].name);
		own[n++] = names[i];
		if (value)
			own[n++] = value;
	}
	return xp_boot_run_compose(&u->run, &u->config, u->expect, u->expect_len, own, err);
}

/* What a job warns of while it runs. */
static void warn(void *ctx, enum xp_log_level level, const char *message)
{
	struct unattended *u = ctx;

	if (level >= XP_LOG_WARNING)
		xp_consoles_warn(&u->consoles, message);
}

/* `run` itself; without a terminal, so that nothing in it can ask and wait for ever. */
static void run_in_child(struct unattended *u)
{
	AUTO(xp_args_free) struct xp_args args = {0};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct xp_err err;
	int exit_code;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (setsid() < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0)
		_exit(EXIT_OUR_BUG);
	xp_log_set_sink(warn, u);
	if (xp_args_parse(&args, xp_command_run.options, u->run.argc, u->run.argv, &err) != XP_OK) {
		xp_say_error(&err);
		_exit(EXIT_OUR_BUG);
	}
	exit_code = xp_output_finish(xp_command_run.run(&args));
	_exit(exit_code);
}

static enum xp_rc carry_out(int *exit_code, struct unattended *u, struct xp_err *err)
{
	int status = 0;
	bool told = false;
	pid_t pid;

	fflush(NULL);
	xp_consoles_release(&u->consoles);
	pid = fork();
	if (pid < 0)
		return xp_fail_errno(err, XP_E_IO, "fork");
	if (pid == 0)
		run_in_child(u);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return xp_fail_errno(err, XP_E_IO, "waitpid");
		if (xp_cancel_requested() && !told)
			kill(pid, SIGTERM);
		told = xp_cancel_requested();
	}
	if (WIFSIGNALED(status))
		return xp_fail(err, XP_E_CANCELLED,
			       "the run was ended by signal %d; what it began goes on with the "
			       "next unattended run, or expunge resume",
			       WTERMSIG(status));
	*exit_code = WEXITSTATUS(status);
	return XP_OK;
}

/* A host that somebody has to look after is not switched off. */
static bool may_end(int exit_code)
{
	return exit_code == 0 || exit_code == 1 || exit_code == 2 || exit_code == 3 ||
	       exit_code == 6;
}

/* Nothing that is only here may be lost by what comes now; what jobs could not keep, since the
 * stick was pulled out, may be kept by then. */
static bool is_all_kept(struct unattended *u, const struct xp_args *args)
{
	const bool has_server = *u->config.upload.url;
	struct xp_err err;

	if (has_server ? xp_boot_drain(&u->config.upload, xp_args_string(args, "state"),
				       &u->consoles, &err) == XP_OK
		       : xp_boot_boxes_hold(args, &err))
		return true;
	xp_consoles_say(&u->consoles, "%s not hold everything: %s",
			has_server ? "the server does" : "the boxes do", err.msg);
	return false;
}

static int end(struct unattended *u, const struct xp_args *args, int exit_code)
{
	const enum xp_boot_then then = u->config.unattended.then;
	const bool all_kept = is_all_kept(u, args);
	struct xp_err err;

	xp_consoles_say(&u->consoles, "the unattended run has ended with exit code %d", exit_code);
	if (then == XP_BOOT_WAIT)
		return all_kept ? exit_code : xp_exit_worse(exit_code, EXIT_STOPPED);
	if (!may_end(exit_code) || !all_kept) {
		xp_consoles_say(
			&u->consoles,
			"%s was asked for, but this wants a person's look; going no further",
			xp_boot_then_name(then));
		return all_kept ? exit_code : xp_exit_worse(exit_code, EXIT_STOPPED);
	}
	xp_consoles_say(&u->consoles, "%s", xp_boot_then_name(then));
	if (xp_boot_end(then, XP_BOOT_IMAGE_MARK, xp_boot_end_system(), &err) != XP_OK)
		xp_say_error(&err);
	return exit_code;
}

/* What a stick kept waiting for too long goes on once it is back. No second document is printed. */
static bool is_taken_up(struct unattended *u, const struct xp_args *args, int exit_code)
{
	struct xp_err err;

	if (exit_code == 0 || exit_code == EXIT_REFUSED || xp_args_flag(args, "json") ||
	    xp_args_flag(args, "jsonl") || !xp_boot_stick_comes_back(&u->consoles, args))
		return false;
	if (count_down(u, &err) == XP_OK)
		return true;
	xp_consoles_say(&u->consoles, "a key was pressed: what was interrupted stays so");
	return false;
}

static enum xp_rc prepare(struct unattended *u, const struct xp_args *args, struct xp_err *err)
{
	TRY(xp_boot_rules_read(&u->config, args, err));
	/* several consoles may each start it */
	TRY(xp_hold_alone(&u->only_fd, "an unattended run", xp_args_string(args, "state"), err));
	xp_cancel_install();
	TRY(xp_consoles_open(&u->consoles, xp_args_list(args, "console"), err));
	TRY(ask_time(u, args, err));
	TRY(read_list(u, err));
	TRY(compose(u, args, err));
	TRY(settle(u, err));
	TRY(announce(u, err));
	return count_down(u, err);
}

/* Consoles of its own do not see the standard error. */
static void tell_owned(struct unattended *u, const struct xp_err *err)
{
	for (unsigned i = 0; i < u->consoles.n; i++) {
		if (u->consoles.list[i].owned) {
			xp_consoles_say(&u->consoles, "%s", err->msg);
			return;
		}
	}
}

static int run(const struct xp_args *args)
{
	AUTO(unattended_drop) struct unattended *u = calloc(1, sizeof(*u));
	const bool json = xp_args_flag(args, "json");
	int exit_code = 0;
	struct xp_err err;
	enum xp_rc rc;

	if (!u) {
		xp_fail(&err, XP_E_NOMEM, "unattended");
		return xp_report_error(&err, json, "results");
	}
	u->only_fd = u->run.expect_fd = u->run.fields_fd = -1;
	xp_boot_config_init(&u->config);
	rc = prepare(u, args, &err);
	if (rc != XP_OK) {
		tell_owned(u, &err);
		return xp_say_untouched(&err, json);
	}
	do {
		if (carry_out(&exit_code, u, &err) != XP_OK) {
			tell_owned(u, &err);
			return xp_report_error(&err, json, "results");
		}
	} while (is_taken_up(u, args, exit_code));
	return end(u, args, exit_code);
}

const struct xp_command xp_command_unattended = {
	.name = "unattended",
	.operands = "",
	.summary = "Erase the drives of an expect list without a person.",
	.details =
		"Waits until the drives have settled, says what is to be erased, counts down "
		"while\n"
		"any key stops it (exit code 5), then does what `run --expect --if-needed` does.\n"
		"Without a list of serial numbers it refuses. The rules come from expunge.json\n"
		"(--config) and from the kernel's command line; docs/unattended.md tells them.",
	.options = options,
	.operands_min = 0,
	.operands_max = 0,
	.run = run,
};
