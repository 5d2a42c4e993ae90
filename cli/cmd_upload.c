#include "cli/commands_expunge.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/boot_config.h"
#include "cli/boot_console.h"
#include "cli/job_keep.h"
#include "cli/job_upload.h"
#include "cli/output.h"

static const struct xp_option options[] = {
	{"config", XP_OPT_STRING, "FILE", "expunge.json: where to, instead of --upload"},
	XP_UPLOAD_OPTION_ROWS,
	{"state", XP_OPT_STRING, "DIR", "journals, log, certificates"},
	XP_KEEP_OPTION_ROW,
	{"tries", XP_OPT_STRING, "N", "give up after so many failures in a row (5; 0: never)"},
	{"json", XP_OPT_FLAG, NULL, "one JSON document on stdout"},
	{"quiet", XP_OPT_FLAG, NULL, "no progress"},
	{0},
};

struct sending {
	struct xp_boot_config config;
	struct xp_kept_state kept;
	struct xp_log *log;
	struct xp_upload *upload;
	struct xp_consoles consoles;
	bool quiet;
};

static void sending_drop(struct sending **s)
{
	if (!*s)
		return;
	xp_consoles_close(&(*s)->consoles);
	xp_upload_free(&(*s)->upload);
	xp_log_free(&(*s)->log);
	xp_kept_state_close(&(*s)->kept);
	xp_boot_config_free(&(*s)->config);
	free(*s);
	*s = NULL;
}

static enum xp_rc choose(struct xp_upload_config *out, struct sending *s,
			 const struct xp_args *args, struct xp_err *err)
{
	const char *path = xp_args_string(args, "config");
	const struct xp_boot_upload *u = &s->config.upload;

	*out = (struct xp_upload_config){
		.url = xp_args_string(args, "upload"),
		.ca = xp_args_string(args, "upload-ca"),
		.header_file = xp_args_string(args, "upload-header"),
	};
	if (path && (out->url || out->ca || out->header_file))
		return xp_fail(err, XP_E_USAGE, "--config and --upload do not go together");
	if (path) {
		TRY(xp_boot_config_read(&s->config, path, err));
		if (!*u->url)
			return xp_fail(err, XP_E_USAGE, "%s names no upload", path);
		*out = (struct xp_upload_config){
			.url = u->url,
			.ca = u->system_ca ? "system" : u->ca,
			.header_file = *u->header_file ? u->header_file : NULL,
		};
	}
	if (!out->url)
		return xp_fail(err, XP_E_USAGE, "where to? --upload URL or --config FILE");
	return XP_OK;
}

static bool look(void *ctx, const struct xp_upload_state *now)
{
	struct sending *s = ctx;

	if (!s->quiet)
		xp_consoles_show(&s->consoles, "%zu on the server, %zu to go%s%s", now->confirmed,
				 now->pending, now->failures ? "; " : "",
				 now->failures ? now->last_error : "");
	return xp_cancel_requested();
}

static enum xp_rc send_all(struct sending *s, const struct xp_args *args, struct xp_err *err)
{
	struct xp_upload_config config;
	struct xp_upload_place place = {0};
	uint64_t tries;

	TRY(xp_args_number(&tries, args, "tries", 5, 1000000, err));
	TRY(choose(&config, s, args, err));
	TRY(xp_upload_start(&s->upload, &config, err));
	TRY(xp_kept_state_open(&s->kept, args, true, err));
	TRY(xp_state_log_open(&s->log, &s->kept.state, xp_rng_system(), err));
	TRY(xp_consoles_open(&s->consoles, (const char *const[]){NULL}, err));
	xp_consoles_release(&s->consoles);
	xp_cancel_install();
	place.state_fd = s->kept.state.fd;
	place.keeper = s->kept.state.durable;
	place.origin = xp_log_origin(s->log);
	TRY(xp_upload_attach(s->upload, &place, err));
	return xp_upload_wait(s->upload, (unsigned)tries, look, s, err);
}

static int report(struct sending *s, bool json)
{
	struct xp_upload_state now;
	json_t *doc;

	xp_upload_look(s->upload, &now);
	xp_consoles_show(&s->consoles, "%s", "");
	if (!json) {
		printf("the server has confirmed %zu files, as they are here\n", now.confirmed);
		return 0;
	}
	doc = json_pack("{s:I, s:I}", "confirmed", (json_int_t)now.confirmed, "pending",
			(json_int_t)now.pending);
	return xp_print_json(doc);
}

static int run(const struct xp_args *args)
{
	AUTO(sending_drop) struct sending *s = calloc(1, sizeof(*s));
	const bool json = xp_args_flag(args, "json");
	struct xp_err err;

	if (!s) {
		xp_fail(&err, XP_E_NOMEM, "upload");
		return xp_report_error(&err, json, NULL);
	}
	s->kept.state.fd = s->kept.state.jobs_fd = s->kept.state.certificates_fd = -1;
	s->quiet = xp_args_flag(args, "quiet");
	if (send_all(s, args, &err) != XP_OK)
		return xp_report_error(&err, json, NULL);
	return report(s, json);
}

const struct xp_command xp_command_upload = {
	.name = "upload",
	.operands = "",
	.summary = "Send to a server what it does not hold yet.",
	.details =
		"Journals, records, signatures, proofs, the log and index.csv; never keys. Each\n"
		"counts as sent once the server has given back the same bytes. Exit code 0: it\n"
		"holds every file; 1: it does not; 5: stopped.",
	.options = options,
	.operands_min = 0,
	.operands_max = 0,
	.run = run,
};
