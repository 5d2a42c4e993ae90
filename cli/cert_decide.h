/*
 * cert_decide: what `expunge-cert validate` and `endorse` share: a record is read and checked, and
 * a decision about it becomes a signed record of its own, with a leaf in the log.
 */
#pragma once
#include "certs/check.h"
#include "certs/sign.h"
#include "certs/validation_check.h"
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
	struct xp_check *check; /* what can be checked of a subject with what was given */
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

/* OUT_DIR: where records go unless --out says so. Errors: as for keys, logs and folders. */
MUST_USE enum xp_rc xp_decider_open(struct xp_decider *d, const struct xp_args *args,
				    enum xp_role role, const char *out_dir, struct xp_err *err);
void xp_decider_close(struct xp_decider *d);

/* A record that something is decided about. */
struct xp_subject {
	char *json, *p7s;
	size_t json_len, p7s_len;
	struct xp_check_result result; /* result.record is never NULL after xp_subject_read */
};
/* XP_E_MALFORMED: it is no record, or has no signature. */
MUST_USE enum xp_rc xp_subject_read(struct xp_subject *s, const struct xp_decider *d,
				    const char *json_path, struct xp_err *err);
void xp_subject_free(struct xp_subject *s);
/*
 * May this key decide about the subject? XP_E_REFUSED: it signed it, or its person did; or the
 * subject does not hold and is to be accepted.
 */
MUST_USE enum xp_rc xp_subject_admit(const struct xp_subject *s, const struct xp_decider *d,
				     enum xp_decision decision, struct xp_err *err);

struct xp_decision_input {
	enum xp_decision decision;
	const char *remarks;		    /* NULL: none */
	const struct xp_evidence *evidence; /* NULL: none */
	const struct xp_record *supersedes; /* an earlier validation; NULL: none */
	const uint8_t *supersedes_sha256;
};
/* Writes ID.json, ID.json.p7s and ID.tlog-proof. ID gets the new record's. */
MUST_USE enum xp_rc xp_subject_decide(char id[XP_UUID_LEN], const struct xp_subject *s,
				      struct xp_decider *d, const struct xp_decision_input *in,
				      struct xp_err *err);
/* The exit code of expunge-cert for an error; says it. */
int xp_decider_say_error(const struct xp_err *err);
