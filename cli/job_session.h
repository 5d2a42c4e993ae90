/*
 * job_session: what `run` and `resume` set up before any job: state, key, inventory, the operator's
 * fields, folders; in the order in which a mistake is cheapest.
 */
#pragma once
#include "cli/job_batch.h"
#include "cli/job_upload.h"
#include "cli/job_keep.h"

/* The rows of an option table that whatever runs jobs has. */
#define XP_SESSION_KEEPING_ROWS                                                                    \
	{"key", XP_OPT_STRING, "K", "private key that signs (PKCS#8 PEM, or pkcs11: URI)"},        \
		{"cert", XP_OPT_STRING, "FILE", "its certificate, with intermediates"},            \
		{"passphrase-file", XP_OPT_STRING, "F",                                            \
		 "the key's passphrase or PIN, first line"},                                       \
		{"pkcs11-module", XP_OPT_STRING, "FILE",                                           \
		 "the library that reaches the token of a pkcs11: key"},                           \
		{"clock", XP_OPT_STRING, "TIME",                                                   \
		 "set the host's clock first (UTC); records say that the operator did"},           \
		{"out", XP_OPT_STRING, "DIR", "put the certificates there, too"},                  \
		{"state", XP_OPT_STRING, "DIR", "journals, log, certificates"},                    \
		XP_UPLOAD_OPTION_ROWS, XP_KEEP_OPTION_ROW,                                         \
		{"keep-wait", XP_OPT_STRING, "SECONDS",                                            \
		 "how long jobs wait for a stick that was pulled out (0)"},                        \
	{                                                                                          \
		"stall", XP_OPT_STRING, "SECONDS",                                                 \
			"give up a target that does nothing for so long (300)"                     \
	}

/* The same, and the ones of commands that print; `run` and `resume`. */
#define XP_SESSION_OPTION_ROWS                                                                     \
	XP_SESSION_KEEPING_ROWS,                                                                   \
		{"events", XP_OPT_STRING, "FILE", "progress as JSON lines (- is stdout)"},         \
		{"json", XP_OPT_FLAG, NULL, "one JSON document on stdout"},                        \
		{"jsonl", XP_OPT_FLAG, NULL, "one JSON line a result"},                            \
	{                                                                                          \
		"quiet", XP_OPT_FLAG, NULL, "no progress"                                          \
	}

struct xp_session {
	struct xp_sysroot root;
	struct xp_inventory inventory;
	struct xp_state state;
	struct xp_job_upload upload;
	struct xp_keep *keep; /* NULL: without --keep */
	struct xp_signing_key *key;
	struct xp_log *log;
	struct xp_record fields;
	char out_path[4096];
	char key_path[4096], cert_path[4096];
	struct xp_clock_steady steady;
	struct xp_clock clock;
	bool keep_failed; /* it was not opened, since the boxes cannot be used */
	int events_fd;
	bool json, jsonl, quiet;
	struct xp_job_setup
		setup; /* points into this struct; options and confirms are the caller's */
};

/* KEY, CERT, OUT: as on the command line, or as an interrupted job had them; NULL: not given. */
struct xp_session_wish {
	const char *key, *cert, *out;
	/* the key's, typed already; NULL: from a file, or asked for on the terminal */
	const struct xp_secret *passphrase;
	const char *keep; /* in place of --keep; NULL: as the options say */
	bool without_keep;
	const struct xp_upload_config *upload; /* where the options name none; NULL: none */
	bool full_screen; /* nothing is printed, and the options are XP_SESSION_KEEPING_ROWS only */
};

/* Empty, so that it can be closed whatever happens. */
void xp_session_init(struct xp_session *s);
MUST_USE enum xp_rc xp_session_open(struct xp_session *s, const struct xp_args *args,
				    const struct xp_session_wish *wish, struct xp_err *err);
/* Tells an error from before the first target was held: what would be a failure is a refusal. */
int xp_say_untouched(struct xp_err *err, bool json);
void xp_session_close(struct xp_session *s);
