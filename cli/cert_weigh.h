/*
 * cert_weigh: what of `expunge-cert validate` and `endorse` happens in the process that has no key
 * and no rights: a record is read and checked, and the record of a decision about it is made.
 */
#pragma once
#include "certs/check.h"
#include "certs/validation_check.h"
#include "cli/confine_reader.h"
#include "cli/options.h"

/*
 * What the holder of the key says of a decision that is to be written. In a question what
 * the four lengths tell of follows: their certificate, the name of the subject's file with its NUL,
 * record and signature, each with a NUL behind it.
 */
struct xp_terms {
	enum xp_decision decision;
	char id[XP_UUID_LEN];
	uint8_t nonce[32];
	int64_t issued_s;
	__typeof__(((struct xp_record *)NULL)->clock) clock;
	__typeof__(((struct xp_record *)NULL)->tool) tool;
	struct xp_signer signer;
	struct xp_person person;
	uint8_t subject_sha256[32];
	size_t cert_len, path_len, json_len, p7s_len;
};

/* What came of it. Texts for people only; the record's bytes follow where one was made. */
struct xp_weighed {
	uint8_t is_validation;	      /* the subject is one itself */
	uint8_t is_passed_over;	      /* nothing is to be decided about it */
	uint8_t is_stranger;	      /* refused for what cannot be judged, not for what is wrong */
	char subject_id[XP_UUID_LEN]; /* empty: not known */
	char level[32], scope[32], medium[256];
	struct xp_concerns concerns;
};

/* A record that something is decided about. */
struct xp_subject {
	const char *json, *p7s;
	size_t json_len, p7s_len;
	struct xp_check_result result; /* result.record is not NULL */
};

/* What the decision has besides; belongs to the job. */
struct xp_weighing {
	const struct xp_evidence *evidence; /* NULL: none */
	const struct xp_record *supersedes; /* an earlier validation; NULL: none */
	const uint8_t *supersedes_sha256;
};

struct xp_weigh_job;
struct xp_weigher {
	const struct xp_weigh_job *job;
	struct xp_check *check; /* what can be checked of a subject with what was given */
	const struct xp_clock *clock;
	/* of the question at hand */
	struct xp_terms terms;
	const X509 *own;
	const char *path;
};

/* May this be decided, and on which grounds? */
typedef enum xp_rc xp_weigh_fn(struct xp_weighed *out, struct xp_weighing *in,
			       const struct xp_subject *s, const struct xp_weigher *w,
			       struct xp_err *err);

struct xp_weigh_job {
	const struct xp_args *args;
	xp_weigh_fn *weigh;
	void *ctx; /* for WEIGH */
};

/*
 * May this key decide about the subject? XP_E_REFUSED: it signed it, or its person did; or the
 * subject does not hold and is to be accepted.
 */
MUST_USE enum xp_rc xp_subject_admit(const struct xp_subject *s, const struct xp_weigher *w,
				     enum xp_decision decision, struct xp_err *err);

/*
 * For xp_reader_start, with a struct xp_weigher that has its job and clock. An empty question opens
 * what is trusted, once; then each is a struct xp_terms with its bytes.
 */
xp_reader_fn xp_weigh_serve;
/*
 * For another process, with the struct xp_weigh_job: does the record that follows the terms say
 * what they say? XP_E_INTERNAL where it does not.
 */
xp_reader_fn xp_weigh_serve_second;
