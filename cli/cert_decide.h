/*
 * cert_decide: what `expunge-cert validate` and `endorse` share: who has the key lets a record be
 * read and weighed elsewhere (cli/cert_weigh.h), and the decision about it becomes a signed record
 * of its own, with a leaf in the log.
 */
#pragma once
#include "certs/sign.h"
#include "cli/cert_weigh.h"
#include "cli/options.h"
#include "cli/state_folder.h"

/* Who decides, in which role, and where it goes. */
struct xp_decider {
	enum xp_role role;
	struct xp_signing_key *key;
	struct xp_signer signer;
	struct xp_person person;
	struct xp_state state;
	struct xp_log *log;
	int out_fd;
	struct xp_weigh_job job;
	struct xp_weigher weigher; /* the reader's; here nothing looks at it */
	struct xp_reader *reader, *second;
	const struct xp_clock *clock;
	const struct xp_rng *rng;
};

/* Options of both commands, for their tables. */
#define XP_DECIDER_OPTIONS                                                                         \
	{"key", XP_OPT_STRING, "FILE", "who decides: a PKCS#8 key, or a pkcs11: URI"},             \
		{"cert", XP_OPT_STRING, "FILE", "its certificate, then intermediates"},            \
		{"passphrase-file", XP_OPT_STRING, "FILE", "first line: passphrase or PIN"},       \
		{"pkcs11-module", XP_OPT_STRING, "FILE", "the library of a pkcs11: key"},          \
		{"title", XP_OPT_STRING, "TEXT", "of the person who decides"},                     \
		{"location", XP_OPT_STRING, "TEXT", "where they are"},                             \
		{"contact", XP_OPT_STRING, "TEXT", "how they are reached"},                        \
		{"trust", XP_OPT_LIST, "FILE", "a root certificate that you trust, in PEM"},       \
		{"trust-fingerprint", XP_OPT_LIST, "HEX",                                          \
		 "SHA-256 that a trusted certificate must have"},                                  \
		{"crl", XP_OPT_LIST, "FILE", "a revocation list"},                                 \
		{"roles", XP_OPT_STRING, "FILE", "a roster, as for verify"},                       \
		{"tsa", XP_OPT_LIST, "FILE", "a timestamp authority that you trust, in PEM"},      \
		{"out", XP_OPT_STRING, "DIR", "where the new record goes (beside the first)"},     \
		{"state", XP_OPT_STRING, "DIR", "the state folder with the log that gets it"},     \
	{                                                                                          \
		"json", XP_OPT_FLAG, NULL, "one JSON document on standard output"                  \
	}

struct xp_decider_start {
	enum xp_role role;
	const char *out_dir; /* where records go unless --out says so */
	struct xp_weigh_job job;
	const char *const *inputs; /* what the job reads besides what is trusted; NULL at the end */
};

void xp_decider_init(struct xp_decider *d);
/* Errors: as for keys, logs and folders. D stays where it is as long as it is used. */
MUST_USE enum xp_rc xp_decider_open(struct xp_decider *d, const struct xp_decider_start *start,
				    struct xp_err *err);
void xp_decider_close(struct xp_decider *d);

/*
 * Writes ID.json, ID.json.p7s and ID.tlog-proof, unless the subject is passed over. ID gets the new
 * record's. *OUT is filled as far as it is known, also with an error. XP_E_MALFORMED: the subject
 * is no record, or has no signature.
 */
MUST_USE enum xp_rc xp_decider_decide(char id[XP_UUID_LEN], struct xp_weighed *out,
				      struct xp_decider *d, const char *json_path,
				      enum xp_decision decision, struct xp_err *err);
/* The exit code of expunge-cert for an error; says it. */
int xp_decider_say_error(const struct xp_err *err);
