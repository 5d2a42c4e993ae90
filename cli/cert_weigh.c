#include "cli/cert_weigh.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/cms.h"
#include "certs/key.h"

#define INPUT_MAX_BYTES (16u << 20)

/* ---- what is trusted ---- */

typedef enum xp_rc add_fn(struct xp_trust *t, const char *data, size_t len, const char *name,
			  struct xp_err *err);

static enum xp_rc add_files(struct xp_trust *to, const struct xp_args *args, const char *option,
			    add_fn *add, struct xp_err *err)
{
	for (const char *const *file = xp_args_list(args, option); *file; file++) {
		AUTO_MEM char *data = NULL;
		size_t len = 0;

		TRY(xp_file_read(&data, &len, *file, INPUT_MAX_BYTES, err));
		TRY(add(to, data, len, *file, err));
	}
	return XP_OK;
}

static enum xp_rc open_check(struct xp_weigher *w, struct xp_err *err)
{
	const struct xp_args *args = w->job->args;
	const char *roles = xp_args_string(args, "roles");
	AUTO_MEM char *data = NULL;
	size_t len = 0;

	TRY(xp_check_new(&w->check, w->clock, err));
	TRY(add_files(xp_check_trust(w->check), args, "trust", xp_trust_add_anchors, err));
	TRY(add_files(xp_check_trust(w->check), args, "crl", xp_trust_add_crls, err));
	TRY(add_files(xp_check_tsa(w->check), args, "tsa", xp_trust_add_anchors, err));
	for (const char *const *hex = xp_args_list(args, "trust-fingerprint"); *hex; hex++)
		TRY(xp_trust_add_fingerprint(xp_check_trust(w->check), *hex, err));
	TRY(xp_trust_check(xp_check_trust(w->check), err));
	if (!roles)
		return XP_OK;
	TRY(xp_file_read(&data, &len, roles, INPUT_MAX_BYTES, err));
	return xp_check_set_roster(w->check, data, len, roles, err);
}

/* ---- about what ---- */

/* The bytes stay the question's. */
static enum xp_rc read_subject(struct xp_subject *s, struct xp_weighed *out,
			       const struct xp_weigher *w, struct xp_err *err)
{
	const struct xp_record *r;

	TRY(xp_check_pair(&s->result, w->check, s->json, s->json_len, s->p7s, s->p7s_len, err));
	r = s->result.record;
	if (!r)
		return xp_fail(err, XP_E_MALFORMED, "%s: %s", w->path,
			       s->result.findings.n ? s->result.findings.list[0].text
						    : "no record");
	out->is_validation = r->kind == XP_RECORD_VALIDATION;
	if (out->is_validation)
		return xp_fail(err, XP_E_USAGE,
			       "%s is a validation itself; decide about the record that it names",
			       w->path);
	snprintf(out->subject_id, sizeof(out->subject_id), "%s", r->id);
	snprintf(out->level, sizeof(out->level), "%s", xp_level_name(r->claim.level));
	snprintf(out->scope, sizeof(out->scope), "%s", xp_scope_name(r->claim.scope));
	snprintf(out->medium, sizeof(out->medium), "%s",
		 r->media.serial[0] ? r->media.serial : r->media.name);
	out->concerns = xp_validation_concerns(r);
	return XP_OK;
}

/* A certificate, as far as it tells whose it is. */
struct holder {
	const X509 *cert;
	struct xp_person_name name;
	const char *person; /* by the roster; NULL: it does not say */
};

static enum xp_rc describe_holder(struct holder *out, const X509 *cert, const struct xp_weigher *w,
				  struct xp_err *err)
{
	uint8_t fp[32];

	TRY(xp_pki_fingerprint(fp, cert, err));
	out->cert = cert;
	out->person = xp_check_roster_person(w->check, fp);
	xp_person_name_of(&out->name, cert);
	return XP_OK;
}

/* The number that the same CA gave to both, or the roster's word. */
static bool is_one_person(const struct holder *a, const struct holder *b)
{
	if (a->person && b->person && strcmp(a->person, b->person) == 0)
		return true;
	return a->name.number[0] && strcmp(a->name.number, b->name.number) == 0 &&
	       X509_NAME_cmp(X509_get_issuer_name(a->cert), X509_get_issuer_name(b->cert)) == 0;
}

/* Two of one name whom neither number nor roster tells apart: for verify they are one person. */
static bool is_namesake(const struct holder *a, const struct holder *b)
{
	bool a_is_sure = a->person || a->name.number[0];
	bool b_is_sure = b->person || b->name.number[0];

	return !(a_is_sure && b_is_sure) && a->name.name[0] &&
	       strcmp(a->name.name, b->name.name) == 0;
}

static bool has_signed(const struct xp_cms *cms, struct xp_bytes cert)
{
	uint8_t digest[32];

	if (EVP_Digest(cert.data, cert.len, digest, NULL, EVP_sha256(), NULL) != 1)
		return true;
	for (unsigned i = 0; i < cms->signers_n; i++)
		if (memcmp(cms->signers[i].cert_sha256, digest, 32) == 0)
			return true;
	return false;
}

/* Is OWN the key, the person, or a namesake, of the holder of CERT, which stands in CMS? */
static enum xp_rc refuse_same(const struct xp_subject *s, const struct xp_weigher *w,
			      const struct xp_cms *cms, struct xp_bytes cert,
			      const struct holder *own, struct xp_err *err)
{
	const unsigned char *at = cert.data;
	AUTO(xp_pki_cert_free) X509 *c = d2i_X509(NULL, &at, (long)cert.len);
	struct holder theirs = {0};

	if (!c)
		return XP_OK;
	TRY(describe_holder(&theirs, c, w, err));
	if (EVP_PKEY_eq(X509_get0_pubkey(c), X509_get0_pubkey(own->cert)) == 1 ||
	    is_one_person(&theirs, own))
		return xp_fail(err, XP_E_REFUSED,
			       "the record %s is your own work, by this key or another of yours: "
			       "somebody else must decide about it",
			       s->result.record->id);
	if (has_signed(cms, cert) && is_namesake(&theirs, own))
		return xp_fail(
			err, XP_E_REFUSED,
			"the record %s was signed by one of your name, and neither a number "
			"in both certificates nor a roster (--roles) tells that you are two: "
			"no verifier would count your decision",
			s->result.record->id);
	return XP_OK;
}

static enum xp_rc refuse_own_work(const struct xp_subject *s, const struct xp_weigher *w,
				  struct xp_err *err)
{
	AUTO_MEM struct xp_cms *cms = calloc(1, sizeof(*cms));
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	struct holder own;

	if (!cms)
		return xp_fail(err, XP_E_NOMEM, "signature");
	if (!xp_cms_parse(cms, s->p7s, s->p7s_len, &findings))
		return xp_fail(err, XP_E_REFUSED, "%s: %s", findings.list[0].code,
			       findings.list[0].text);
	TRY(describe_holder(&own, w->own, w, err));
	for (unsigned i = 0; i < cms->certs_n; i++)
		TRY(refuse_same(s, w, cms, cms->certs[i], &own, err));
	return XP_OK;
}

enum xp_rc xp_subject_admit(const struct xp_subject *s, const struct xp_weigher *w,
			    enum xp_decision decision, struct xp_err *err)
{
	TRY(refuse_own_work(s, w, err));
	if (w->clock->wall_s(w->clock->ctx) < s->result.record->issued_s)
		return xp_fail(err, XP_E_USAGE,
			       "the clock stands before the time of the record; set it first");
	if (decision == XP_DECISION_REJECT)
		return XP_OK;
	for (size_t i = 0; i < s->result.findings.n; i++) {
		const struct xp_finding *f = &s->result.findings.list[i];

		if (f->code[0] == 'E')
			return xp_fail(err, XP_E_REFUSED, "%s: %s: %s: it cannot be accepted",
				       s->result.record->id, f->code, f->text);
	}
	return XP_OK;
}

/* ---- the record of the decision ---- */

static enum xp_rc fill(struct xp_record *r, const struct xp_subject *s, const struct xp_weigher *w,
		       const struct xp_weighing *in, struct xp_err *err)
{
	uint8_t signatures[XP_CMS_SIGNERS_MAX][32];
	const struct xp_terms *t = &w->terms;
	const struct xp_validation_input about = {
		.subject = s->result.record,
		.subject_sha256 = s->result.json_sha256,
		.signature_sha256 = (const uint8_t(*)[32])signatures,
		.signatures_n = s->result.signers_n,
		.decision = t->decision,
		.remarks = xp_args_string(w->job->args, "remarks"),
		.evidence = in->evidence,
	};

	for (unsigned i = 0; i < s->result.signers_n; i++)
		memcpy(signatures[i], s->result.signers[i].signature_sha256, 32);
	TRY(xp_validation_begin(r, &about, err));
	snprintf(r->id, sizeof(r->id), "%s", t->id);
	memcpy(r->nonce, t->nonce, sizeof(r->nonce));
	r->issued_s = t->issued_s;
	if (in->supersedes) {
		memcpy(r->supersedes_id, in->supersedes->id, sizeof(r->supersedes_id));
		memcpy(r->supersedes_sha256, in->supersedes_sha256, 32);
	}
	r->clock = t->clock;
	r->evidence.clock_synchronized = r->clock.synchronized ? XP_ANSWER_YES : XP_ANSWER_NO;
	r->tool = t->tool;
	r->signers[0] = t->signer;
	r->signers_n = 1;
	r->persons[0] = t->person;
	r->persons_n = 1;
	return XP_OK;
}

/* What verify would not let pass is not written. */
static enum xp_rc refuse_faulty(const struct xp_record *r, struct xp_err *err)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};

	TRY(xp_validation_check(r, &findings, err));
	for (size_t i = 0; i < findings.n; i++)
		if (findings.list[i].code[0] == 'E')
			return xp_fail(err, XP_E_REFUSED, "%s: %s", findings.list[i].code,
				       findings.list[i].text);
	return XP_OK;
}

static enum xp_rc write_decision(struct xp_buf *json, const struct xp_subject *s,
				 const struct xp_weigher *w, const struct xp_weighing *in,
				 struct xp_err *err)
{
	struct xp_record *r = calloc(1, sizeof(*r));
	AUTO_MEM char *text = NULL;
	size_t len = 0;
	enum xp_rc rc;

	if (!r)
		return xp_fail(err, XP_E_NOMEM, "record");
	rc = fill(r, s, w, in, err);
	if (rc == XP_OK)
		rc = refuse_faulty(r, err);
	if (rc == XP_OK)
		rc = xp_record_write(&text, &len, r, err);
	if (rc == XP_OK)
		xp_buf_add(json, text, len);
	xp_record_free(r);
	free(r);
	return rc;
}

/* ---- questions ---- */

static void subject_free(struct xp_subject **s)
{
	if (*s)
		xp_check_result_free(&(*s)->result);
	free(*s);
	*s = NULL;
}

static enum xp_rc weigh(struct xp_weighed *out, struct xp_buf *json, struct xp_weigher *w,
			const struct xp_terms *t, struct xp_span rest, struct xp_err *err)
{
	AUTO(subject_free) struct xp_subject *s = calloc(1, sizeof(*s));
	const unsigned char *cert = xp_span_take(&rest, t->cert_len);
	AUTO(xp_pki_cert_free) X509 *own = cert ? d2i_X509(NULL, &cert, (long)t->cert_len) : NULL;
	struct xp_weighing in = {0};

	if (!s)
		return xp_fail(err, XP_E_NOMEM, "record");
	w->terms = *t;
	w->own = own;
	w->path = (const char *)xp_span_take(&rest, t->path_len);
	s->json = (const char *)xp_span_take(&rest, t->json_len + 1);
	s->json_len = t->json_len;
	s->p7s = (const char *)xp_span_take(&rest, t->p7s_len + 1);
	s->p7s_len = t->p7s_len;
	if (!own || rest.overrun || rest.left || t->path_len == 0 || w->path[t->path_len - 1])
		return xp_fail(err, XP_E_INTERNAL, "half a question");
	TRY(read_subject(s, out, w, err));
	TRY(w->job->weigh(out, &in, s, w, err));
	return out->is_passed_over ? XP_OK : write_decision(json, s, w, &in, err);
}

enum xp_rc xp_weigh_serve(void *ctx, struct xp_span question, struct xp_buf *answer,
			  struct xp_err *err)
{
	struct xp_weigher *w = ctx;
	AUTO(xp_buf_free) struct xp_buf json = {0};
	struct xp_weighed out = {0};
	struct xp_terms t;
	const uint8_t *head;
	enum xp_rc rc;

	if (question.left == 0)
		return open_check(w, err);
	head = xp_span_take(&question, sizeof(t));
	if (!head || !w->check)
		return xp_fail(err, XP_E_INTERNAL, "half a question");
	memcpy(&t, head, sizeof(t));
	rc = weigh(&out, &json, w, &t, question, err);
	xp_buf_add(answer, &out, sizeof(out));
	if (rc == XP_OK && json.len)
		xp_buf_add(answer, json.data, json.len);
	return rc;
}

/* ---- a second opinion ---- */

static bool is_same_person(const struct xp_person *a, const struct xp_person *b)
{
	return strcmp(a->role, b->role) == 0 && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->name_latin, b->name_latin) == 0 && strcmp(a->title, b->title) == 0 &&
	       strcmp(a->organization, b->organization) == 0 &&
	       strcmp(a->location, b->location) == 0 && strcmp(a->contact, b->contact) == 0;
}

static bool is_same_signer(const struct xp_signer *a, const struct xp_signer *b)
{
	return strcmp(a->role, b->role) == 0 && strcmp(a->alg, b->alg) == 0 &&
	       memcmp(a->cert_sha256, b->cert_sha256, 32) == 0;
}

static bool is_as_asked(const struct xp_record *r, const struct xp_terms *t, const char *remarks)
{
	const struct xp_validation *v = &r->validation;

	return r->kind == XP_RECORD_VALIDATION && strcmp(r->id, t->id) == 0 &&
	       memcmp(r->nonce, t->nonce, sizeof(r->nonce)) == 0 && r->issued_s == t->issued_s &&
	       v->decision == t->decision && strcmp(v->remarks, remarks ? remarks : "") == 0 &&
	       memcmp(v->subject_sha256, t->subject_sha256, 32) == 0 && r->signers_n == 1 &&
	       is_same_signer(&r->signers[0], &t->signer) && r->persons_n == 1 &&
	       is_same_person(&r->persons[0], &t->person) &&
	       strcmp(r->tool.build_sha256, t->tool.build_sha256) == 0 &&
	       strcmp(r->clock.boot_id, t->clock.boot_id) == 0 && !r->ext;
}

enum xp_rc xp_weigh_serve_second(void *ctx, struct xp_span question, struct xp_buf *answer,
				 struct xp_err *err)
{
	const struct xp_weigh_job *job = ctx;
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	struct xp_record *r = calloc(1, sizeof(*r));
	const uint8_t *head = xp_span_take(&question, sizeof(struct xp_terms));
	struct xp_terms t;
	enum xp_rc rc;

	(void)answer;
	if (!r || !head) {
		free(r);
		return xp_fail(err, r ? XP_E_INTERNAL : XP_E_NOMEM, "record");
	}
	memcpy(&t, head, sizeof(t));
	rc = xp_record_parse(r, (const char *)question.at, question.left, &findings, err);
	if (rc != XP_OK || !is_as_asked(r, &t, xp_args_string(job->args, "remarks")))
		rc = xp_fail(err, XP_E_INTERNAL,
			     "what was to be signed is not the decision that was taken");
	xp_record_free(r);
	free(r);
	return rc;
}
