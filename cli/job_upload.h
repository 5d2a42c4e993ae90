/* job_upload: the upload of whatever runs jobs: its options, its place beside a stick's boxes, the
 * trial before the first erase, and what is still to be sent at the end. */
#pragma once
#include "cli/options.h"
#include "cli/state_folder.h"
#include "cli/upload.h"

/* The rows of an option table. */
#define XP_UPLOAD_OPTION_ROWS                                                                      \
	{"upload", XP_OPT_STRING, "URL", "put journals, records and log on an https server"},      \
		{"upload-ca", XP_OPT_STRING, "FILE",                                               \
		 "the authority of its certificate (PEM), or system"},                             \
	{                                                                                          \
		"upload-header", XP_OPT_STRING, "FILE",                                            \
			"one header line for it, such as Authorization: ..."                       \
	}

struct xp_job_upload {
	struct xp_upload *upload; /* NULL: none was asked for */
	struct xp_durable_chain chain;
	struct xp_durable chained;
	const struct xp_durable *keeper; /* who was told before us */
	bool quiet;			 /* nothing is printed */
	bool in_vain;			 /* the trial failed */
};

struct xp_job_upload_wish {
	const struct xp_args *args;
	const struct xp_upload_config *otherwise; /* where they name none; NULL: none */
	bool quiet;				  /* nothing is printed */
};

/*
 * Makes the courier, where --upload is given, and stands behind whoever STATE tells already. To be
 * called before a key is read. Without an upload: XP_E_REFUSED (no_durable_output) where our own
 * image runs, STATE is in memory and nobody else keeps it.
 */
MUST_USE enum xp_rc xp_job_upload_start(struct xp_job_upload *u, struct xp_state *state,
					const struct xp_job_upload_wish *wish, struct xp_err *err);
/*
 * Begins to send, after a trial. XP_E_REFUSED (no_durable_output) where the trial fails and nobody
 * else keeps the records; else that is a warning.
 */
MUST_USE enum xp_rc xp_job_upload_open(struct xp_job_upload *u, const struct xp_state *state,
				       const struct xp_log *log, struct xp_err *err);
/* Gives what is still to be sent a short while, and says what was not; takes a zeroed struct. */
void xp_job_upload_close(struct xp_job_upload *u);
