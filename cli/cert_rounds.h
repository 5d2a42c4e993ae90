/*
 * cert_rounds: `expunge-cert verify` over its records, on all processors: first the validations
 * among them, then the records, then the validations again, now that it is known what they are
 * about. See certs/check_peers.h.
 */
#pragma once
#include "certs/check_peers.h"
#include "cli/cert_batch.h"
#include "cli/cert_policy.h"
#include "cli/cert_workers.h"
#include "cli/confine.h"
#include "cli/options.h"

enum xp_round { XP_ROUND_VOICES, XP_ROUND_RECORDS, XP_ROUND_VALIDATIONS };

struct xp_batch {
	const struct xp_args *args;
	struct xp_check *check;
	struct xp_requirements req;
	struct xp_accepted_policies policies; /* none: any */
	struct xp_note_vkey *log_key_list;    /* malloc'ed */
	struct xp_note_vkeys log_keys;	      /* the same; none: the log is not asked */
	struct xp_pairs pairs;
	struct xp_verdicts verdicts;
	bool json, jsonl, summary;
	bool printed; /* a record's verdict, for a person */
	uint64_t other_drives;
	int exit_code;
	json_t *unread; /* what could not be read, and why */
	struct xp_confined confined;
	struct xp_log_bytes *tokens; /* timestamps over checkpoints; data malloc'ed */
	size_t tokens_n;
	/* inside cert_rounds */
	unsigned workers;
	struct xp_check *shared[XP_WORKERS_MAX];
	struct xp_check_peers *peers;
	enum xp_round round;
	uint64_t validations;
	struct {
		char *json;
		size_t len;
	} today[2]; /* the policies that come with the program */
};

/* Checks all pairs; fills verdicts, other_drives, unread and exit_code (of what is unread). */
MUST_USE enum xp_rc xp_batch_run(struct xp_batch *b, struct xp_err *err);
void xp_batch_close(struct xp_batch *b);
