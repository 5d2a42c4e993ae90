#include "cli/cert_decide.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/about.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "certs/cms.h"
#include "certs/key.h"
#include "cli/key_option.h"
#include "cli/output.h"
#include "cli/program.h"

#define INPUT_MAX_BYTES (16u << 20)
#define CLOCK_SLACK_S	300

int xp_decider_say_error(const struct xp_err *err)
{
	int code = xp_say_error(err);

	if (code == 64 || code == 70)
		return code;
	/* what was decided could not be kept: nothing is missing that was to be read */
	return err->is_output || code == 4 ? 1 : 66;
}

/* ---- who decides ---- */

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

static enum xp_rc open_check(struct xp_decider *d, const struct xp_args *args, struct xp_err *err)
{
	const char *roles = xp_args_string(args, "roles");
	AUTO_MEM char *data = NULL;
	size_t len = 0;

	TRY(xp_check_new(&d->check, d->clock, err));
	TRY(add_files(xp_check_trust(d->check), args, "trust", xp_trust_add_anchors, err));
	TRY(add_files(xp_check_trust(d->check), args, "crl", xp_trust_add_crls, err));
	TRY(add_files(xp_check_tsa(d->check), args, "tsa", xp_trust_add_anchors, err));
	for (const char *const *hex = xp_args_list(args, "trust-fingerprint"); *hex; hex++)
		TRY(xp_trust_add_fingerprint(xp_check_trust(d->check), *hex, err));
	TRY(xp_trust_check(xp_check_trust(d->check), err));
	if (!roles)
		return XP_OK;
	TRY(xp_file_read(&data, &len, roles, INPUT_MAX_BYTES, err));
	return xp_check_set_roster(d->check, data, len, roles, err);
}

static enum xp_rc load_key(struct xp_decider *d, const struct xp_args *args, struct xp_err *err)
{
	const char *module = xp_args_string(args, "pkcs11-module");
	char uri[XP_KEY_URI_PATH_MAX];
	struct xp_key_option option = {
		.key = xp_args_string(args, "key"),
		.shown = xp_args_string(args, "key"),
		.cert = xp_args_string(args, "cert"),
		.passphrase_file = xp_args_string(args, "passphrase-file"),
	};

	if (!option.key || !option.cert)
		return xp_fail(err, XP_E_USAGE, "--key and --cert are needed: who decides signs");
	if (xp_key_uri_is(option.key) || module) {
		TRY(xp_key_option_uri(uri, sizeof(uri), option.key, module, err));
		option.key = uri;
	}
	TRY(xp_key_option_load(&d->key, &option, err));
	xp_signing_key_describe(&d->signer, &d->person, d->key);
	/* a certificate that grants no role leaves it to the verifier's roster */
	if (d->key->role_is_granted && d->key->role != d->role)
		return xp_fail(err, XP_E_USAGE, "%s: the certificate is a %s's, not a %s's",
			       option.cert, xp_role_name(d->key->role), xp_role_name(d->role));
	d->key->role = d->role;
	snprintf(d->signer.role, sizeof(d->signer.role), "%s", xp_role_name(d->role));
	snprintf(d->person.role, sizeof(d->person.role), "%s", xp_role_name(d->role));
	return XP_OK;
}

static enum xp_rc take_text(char *to, size_t size, const struct xp_args *args, const char *option,
			    struct xp_err *err)
{
	const char *text = xp_args_string(args, option);

	if (!text)
		return XP_OK;
	if (strlen(text) >= size)
		return xp_fail(err, XP_E_USAGE, "--%s: more than %zu bytes", option, size - 1);
	snprintf(to, size, "%s", text);
	return XP_OK;
}

static enum xp_rc check_clock(const struct xp_decider *d, struct xp_err *err)
{
	int64_t now = d->clock->wall_s(d->clock->ctx);
	int64_t from, to;

	xp_signing_key_validity(&from, &to, d->key);
	if (now < from || now > to)
		return xp_fail(err, XP_E_USAGE,
			       "the clock stands outside of the certificate's validity: what is "
			       "signed now would be void");
	return XP_OK;
}

enum xp_rc xp_decider_open(struct xp_decider *d, const struct xp_args *args, enum xp_role role,
			   const char *out_dir, struct xp_err *err)
{
	const char *out = xp_args_string(args, "out");

	*d = (struct xp_decider){
		.role = role, .out_fd = -1, .clock = xp_clock_system(), .rng = xp_rng_system()};
	d->state.fd = d->state.jobs_fd = d->state.certificates_fd = -1;
	TRY(load_key(d, args, err));
	TRY(take_text(d->person.title, sizeof(d->person.title), args, "title", err));
	TRY(take_text(d->person.location, sizeof(d->person.location), args, "location", err));
	TRY(take_text(d->person.contact, sizeof(d->person.contact), args, "contact", err));
	TRY(check_clock(d, err));
	TRY(open_check(d, args, err));
	if (out)
		TRY(xp_dir_make_open(&d->out_fd, out, 0755, err));
	else
		d->out_fd = open(out_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* without --out it is where the records are read from, too */
	if (d->out_fd < 0)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "%s", out_dir);
	TRY(xp_state_open(&d->state, xp_args_string(args, "state"), err));
	return xp_state_log_open(&d->log, &d->state, d->rng, err);
}

void xp_decider_close(struct xp_decider *d)
{
	xp_log_free(&d->log);
	xp_state_close(&d->state);
	xp_check_free(&d->check);
	xp_signing_key_free(&d->key);
	xp_close_fd(&d->out_fd);
}

/* ---- about what ---- */

void xp_subject_free(struct xp_subject *s)
{
	free(s->json);
	free(s->p7s);
	xp_check_result_free(&s->result);
	*s = (struct xp_subject){0};
}

enum xp_rc xp_subject_read(struct xp_subject *s, const struct xp_decider *d, const char *json_path,
			   struct xp_err *err)
{
	AUTO_MEM char *p7s_path = NULL;

	if (asprintf(&p7s_path, "%s.p7s", json_path) < 0) {
		p7s_path = NULL;
		return xp_fail(err, XP_E_NOMEM, "record");
	}
	TRY(xp_file_read(&s->json, &s->json_len, json_path, XP_RECORD_MAX_BYTES, err));
	TRY(xp_file_read(&s->p7s, &s->p7s_len, p7s_path, XP_CMS_MAX_BYTES, err));
	TRY(xp_check_pair(&s->result, d->check, s->json, s->json_len, s->p7s, s->p7s_len, err));
	if (!s->result.record)
		return xp_fail(err, XP_E_MALFORMED, "%s: %s", json_path,
			       s->result.findings.n ? s->result.findings.list[0].text
						    : "no record");
	if (s->result.record->kind == XP_RECORD_VALIDATION)
		return xp_fail(err, XP_E_USAGE,
			       "%s is a validation itself; decide about the record that it names",
			       json_path);
	return XP_OK;
}

/* A certificate, as far as it tells whose it is. */
struct holder {
	const X509 *cert;
	struct xp_person_name name;
	const char *person; /* by the roster; NULL: it does not say */
};

static enum xp_rc describe_holder(struct holder *out, const X509 *cert, const struct xp_decider *d,
				  struct xp_err *err)
{
	uint8_t fp[32];

	TRY(xp_pki_fingerprint(fp, cert, err));
	out->cert = cert;
	out->person = xp_check_roster_person(d->check, fp);
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
static enum xp_rc refuse_same(const struct xp_subject *s, const struct xp_decider *d,
			      const struct xp_cms *cms, struct xp_bytes cert,
			      const struct holder *own, struct xp_err *err)
{
	const unsigned char *at = cert.data;
	AUTO(xp_pki_cert_free) X509 *c = d2i_X509(NULL, &at, (long)cert.len);
	struct holder theirs = {0};

	if (!c)
		return XP_OK;
	TRY(describe_holder(&theirs, c, d, err));
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

static enum xp_rc refuse_own_work(const struct xp_subject *s, const struct xp_decider *d,
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
	TRY(describe_holder(&own, sk_X509_value(d->key->certs, 0), d, err));
	for (unsigned i = 0; i < cms->certs_n; i++)
		TRY(refuse_same(s, d, cms, cms->certs[i], &own, err));
	return XP_OK;
}

enum xp_rc xp_subject_admit(const struct xp_subject *s, const struct xp_decider *d,
			    enum xp_decision decision, struct xp_err *err)
{
	TRY(refuse_own_work(s, d, err));
	if (d->clock->wall_s(d->clock->ctx) < s->result.record->issued_s)
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

/* ---- what was decided ---- */

static enum xp_rc sha256(uint8_t out[32], const void *data, size_t len, struct xp_err *err)
{
	if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1)
		return XP_OK;
	return xp_fail(err, XP_E_INTERNAL, "SHA-256");
}

static enum xp_rc fill(struct xp_record *r, const struct xp_subject *s, struct xp_decider *d,
		       const struct xp_decision_input *in, struct xp_err *err)
{
	uint8_t signatures[XP_CMS_SIGNERS_MAX][32];
	const struct xp_validation_input about = {
		.subject = s->result.record,
		.subject_sha256 = s->result.json_sha256,
		.signature_sha256 = (const uint8_t(*)[32])signatures,
		.signatures_n = s->result.signers_n,
		.decision = in->decision,
		.remarks = in->remarks,
		.evidence = in->evidence,
	};

	for (unsigned i = 0; i < s->result.signers_n; i++)
		memcpy(signatures[i], s->result.signers[i].signature_sha256, 32);
	TRY(xp_validation_begin(r, &about, err));
	TRY(xp_uuid7(r->id, d->rng, xp_clock_wall_ms(d->clock), err));
	TRY(xp_rng_bytes(d->rng, r->nonce, sizeof(r->nonce), err));
	r->issued_s = d->clock->wall_s(d->clock->ctx);
	if (in->supersedes) {
		memcpy(r->supersedes_id, in->supersedes->id, sizeof(r->supersedes_id));
		memcpy(r->supersedes_sha256, in->supersedes_sha256, 32);
	}
	snprintf(r->clock.source, sizeof(r->clock.source), "system");
	r->clock.synchronized = xp_clock_is_synchronized(&r->clock.offset_ns);
	if (r->clock.synchronized)
		snprintf(r->clock.source, sizeof(r->clock.source), "ntp");
	r->evidence.clock_synchronized = r->clock.synchronized ? XP_ANSWER_YES : XP_ANSWER_NO;
	xp_program_boot_id(r->clock.boot_id);
	snprintf(r->tool.name, sizeof(r->tool.name), "expunge-cert");
	snprintf(r->tool.version, sizeof(r->tool.version), "%s", XP_ABOUT_VERSION);
	xp_program_sha256(r->tool.build_sha256);
	r->signers[0] = d->signer;
	r->signers_n = 1;
	r->persons[0] = d->person;
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

static enum xp_rc signature_digest(uint8_t out[32], const void *p7s, size_t len, struct xp_err *err)
{
	AUTO_MEM struct xp_cms *cms = calloc(1, sizeof(*cms));
	AUTO(xp_findings_free) struct xp_findings findings = {0};

	if (!cms)
		return xp_fail(err, XP_E_NOMEM, "signature");
	if (!xp_cms_parse(cms, p7s, len, &findings) || cms->signers_n != 1)
		return xp_fail(err, XP_E_INTERNAL, "our own signature does not read");
	return sha256(out, cms->signers[0].signature.data, cms->signers[0].signature.len, err);
}

static enum xp_rc put(const struct xp_decider *d, const char *id, const char *suffix,
		      const void *data, size_t len, struct xp_err *err)
{
	char name[XP_UUID_LEN + 16];

	snprintf(name, sizeof(name), "%s%s", id, suffix);
	return xp_file_write_at(d->out_fd, name, data, len, 0644, false, err);
}

/* Both or none: a record without its signature would fail whoever checks the folder. */
static enum xp_rc put_pair(const struct xp_decider *d, const char *id, struct xp_bytes json,
			   struct xp_bytes p7s, struct xp_err *err)
{
	char name[XP_UUID_LEN + 16];
	enum xp_rc rc;

	TRY(put(d, id, ".json", json.data, json.len, err));
	rc = put(d, id, ".json.p7s", p7s.data, p7s.len, err);
	if (rc == XP_OK)
		return XP_OK;
	snprintf(name, sizeof(name), "%s.json", id);
	unlinkat(d->out_fd, name, 0);
	return rc;
}

/* Record, signature, leaf and proof: in this order, so that no leaf is of a file that is lost. */
static enum xp_rc publish(struct xp_decider *d, const char *id, const char *json, size_t len,
			  struct xp_err *err)
{
	AUTO_MEM uint8_t *p7s = NULL;
	AUTO_MEM char *leaf = NULL;
	AUTO_MEM char *proof = NULL;
	uint8_t record[32], signature[1][32];
	size_t p7s_len = 0, leaf_len = 0, proof_len = 0;
	uint64_t index = 0;

	TRY(xp_sign(&p7s, &p7s_len, d->key, json, len, d->clock->wall_s(d->clock->ctx), err));
	TRY(sha256(record, json, len, err));
	TRY(signature_digest(signature[0], p7s, p7s_len, err));
	TRY(put_pair(d, id, (struct xp_bytes){(const uint8_t *)json, len},
		     (struct xp_bytes){p7s, p7s_len}, err));
	TRY(xp_log_leaf_record(&leaf, &leaf_len, id, record, (const uint8_t(*)[32])signature, 1,
			       err));
	TRY(xp_log_append(d->log, leaf, leaf_len, &index, err));
	TRY(xp_log_prove(d->log, index, &proof, &proof_len, err));
	return put(d, id, ".tlog-proof", proof, proof_len, err);
}

enum xp_rc xp_subject_decide(char id[XP_UUID_LEN], const struct xp_subject *s, struct xp_decider *d,
			     const struct xp_decision_input *in, struct xp_err *err)
{
	struct xp_record *r = calloc(1, sizeof(*r));
	AUTO_MEM char *json = NULL;
	size_t len = 0;
	enum xp_rc rc;

	if (!r)
		return xp_fail(err, XP_E_NOMEM, "record");
	rc = fill(r, s, d, in, err);
	if (rc == XP_OK)
		rc = refuse_faulty(r, err);
	if (rc == XP_OK)
		rc = xp_record_write(&json, &len, r, err);
	if (rc == XP_OK)
		rc = publish(d, r->id, json, len, err);
	memcpy(id, r->id, XP_UUID_LEN);
	xp_record_free(r);
	free(r);
	return rc;
}
