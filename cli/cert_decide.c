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

int xp_decider_say_error(const struct xp_err *err)
{
	int code = xp_say_error(err);

	if (code == 64 || code == 70)
		return code;
	/* what was decided could not be kept: nothing is missing that was to be read */
	return err->is_output || code == 4 ? 1 : 66;
}

/* ---- who decides ---- */

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

/* Before the key is here: they start as copies of this process. */
static enum xp_rc start_readers(struct xp_decider *d, const char *const *more, struct xp_err *err)
{
	static const char *const lists[] = {"trust", "crl", "tsa"};
	const struct xp_args *args = d->job.args;
	AUTO_MEM const char **inputs = NULL;
	size_t n = 0, max = 2;

	for (size_t i = 0; i < XP_ARRAY_LEN(lists); i++)
		for (const char *const *file = xp_args_list(args, lists[i]); *file; file++)
			max++;
	for (size_t i = 0; more[i]; i++)
		max++;
	inputs = calloc(max, sizeof(*inputs));
	if (!inputs)
		return xp_fail(err, XP_E_NOMEM, "inputs");
	for (size_t i = 0; i < XP_ARRAY_LEN(lists); i++)
		for (const char *const *file = xp_args_list(args, lists[i]); *file; file++)
			inputs[n++] = *file;
	for (; *more; more++)
		inputs[n++] = *more;
	inputs[n] = xp_args_string(args, "roles");
	d->weigher = (struct xp_weigher){.job = &d->job, .clock = xp_clock_system()};
	TRY(xp_reader_start(&d->reader,
			    &(struct xp_reader_job){
				    .serve = xp_weigh_serve, .ctx = &d->weigher, .inputs = inputs},
			    err));
	return xp_reader_start(
		&d->second, &(struct xp_reader_job){.serve = xp_weigh_serve_second, .ctx = &d->job},
		err);
}

void xp_decider_init(struct xp_decider *d)
{
	*d = (struct xp_decider){.out_fd = -1, .clock = xp_clock_system(), .rng = xp_rng_system()};
	d->state.fd = d->state.jobs_fd = d->state.certificates_fd = -1;
}

enum xp_rc xp_decider_open(struct xp_decider *d, const struct xp_decider_start *start,
			   struct xp_err *err)
{
	const struct xp_args *args = start->job.args;
	const char *out = xp_args_string(args, "out");
	struct xp_buf nothing = {0};

	xp_decider_init(d);
	d->role = start->role;
	d->job = start->job;
	TRY(start_readers(d, start->inputs, err));
	TRY(load_key(d, args, err));
	TRY(take_text(d->person.title, sizeof(d->person.title), args, "title", err));
	TRY(take_text(d->person.location, sizeof(d->person.location), args, "location", err));
	TRY(take_text(d->person.contact, sizeof(d->person.contact), args, "contact", err));
	TRY(check_clock(d, err));
	TRY(xp_reader_ask(d->reader, &nothing, NULL, 0, err));
	if (out)
		TRY(xp_dir_make_open(&d->out_fd, out, 0755, err));
	else
		d->out_fd = open(start->out_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* without --out it is where the records are read from, too */
	if (d->out_fd < 0)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "%s",
				     start->out_dir);
	TRY(xp_state_open(&d->state, xp_args_string(args, "state"), err));
	return xp_state_log_open(&d->log, &d->state, d->rng, err);
}

void xp_decider_close(struct xp_decider *d)
{
	xp_reader_free(&d->reader);
	xp_reader_free(&d->second);
	xp_log_free(&d->log);
	xp_state_close(&d->state);
	xp_signing_key_free(&d->key);
	xp_close_fd(&d->out_fd);
}

/* ---- what was decided ---- */

static enum xp_rc sha256(uint8_t out[32], const void *data, size_t len, struct xp_err *err)
{
	if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1)
		return XP_OK;
	return xp_fail(err, XP_E_INTERNAL, "SHA-256");
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

/* What this process says of the decision, whoever wrote what it is about. */
static enum xp_rc make_terms(struct xp_terms *t, const struct xp_decider *d,
			     enum xp_decision decision, struct xp_err *err)
{
	*t = (struct xp_terms){
		.decision = decision,
		.issued_s = d->clock->wall_s(d->clock->ctx),
		.signer = d->signer,
		.person = d->person,
	};
	TRY(xp_uuid7(t->id, d->rng, xp_clock_wall_ms(d->clock), err));
	TRY(xp_rng_bytes(d->rng, t->nonce, sizeof(t->nonce), err));
	snprintf(t->clock.source, sizeof(t->clock.source), "system");
	t->clock.synchronized = xp_clock_is_synchronized(&t->clock.offset_ns);
	if (t->clock.synchronized)
		snprintf(t->clock.source, sizeof(t->clock.source), "ntp");
	xp_program_boot_id(t->clock.boot_id);
	snprintf(t->tool.name, sizeof(t->tool.name), "expunge-cert");
	snprintf(t->tool.version, sizeof(t->tool.version), "%s", XP_ABOUT_VERSION);
	xp_program_sha256(t->tool.build_sha256);
	return XP_OK;
}

/* The subject goes over as bytes; nothing of it is parsed here. */
static enum xp_rc make_question(struct xp_buf *q, struct xp_terms *t, const struct xp_decider *d,
				const char *json_path, struct xp_err *err)
{
	AUTO_MEM char *p7s_path = NULL;
	AUTO_MEM char *json = NULL;
	AUTO_MEM char *p7s = NULL;
	unsigned char *cert = NULL;
	int cert_len;

	if (asprintf(&p7s_path, "%s.p7s", json_path) < 0) {
		p7s_path = NULL;
		return xp_fail(err, XP_E_NOMEM, "record");
	}
	TRY(xp_file_read(&json, &t->json_len, json_path, XP_RECORD_MAX_BYTES, err));
	TRY(xp_file_read(&p7s, &t->p7s_len, p7s_path, XP_CMS_MAX_BYTES, err));
	TRY(sha256(t->subject_sha256, json, t->json_len, err));
	cert_len = i2d_X509(sk_X509_value(d->key->certs, 0), &cert);
	if (cert_len <= 0)
		return xp_fail(err, XP_E_NOMEM, "certificate");
	t->cert_len = (size_t)cert_len;
	t->path_len = strlen(json_path) + 1;
	xp_buf_add(q, t, sizeof(*t));
	xp_buf_add(q, cert, t->cert_len);
	OPENSSL_free(cert);
	xp_buf_add(q, json_path, t->path_len);
	/* with the NUL that stands behind what was read */
	xp_buf_add(q, json, t->json_len + 1);
	xp_buf_add(q, p7s, t->p7s_len + 1);
	return xp_buf_ok(q) ? XP_OK : xp_fail(err, XP_E_NOMEM, "%s", json_path);
}

/* *JSON: where the answer's record begins, NULL where there is none. */
static void take_answer(struct xp_weighed *out, const char **json, size_t *len,
			const struct xp_buf *answer)
{
	*json = NULL;
	*len = 0;
	*out = (struct xp_weighed){0};
	if (answer->len < sizeof(*out))
		return;
	memcpy(out, answer->data, sizeof(*out));
	out->subject_id[sizeof(out->subject_id) - 1] = 0;
	out->level[sizeof(out->level) - 1] = 0;
	out->scope[sizeof(out->scope) - 1] = 0;
	out->medium[sizeof(out->medium) - 1] = 0;
	*len = answer->len - sizeof(*out);
	if (*len)
		*json = answer->data + sizeof(*out);
}

/* A reader that was taken over is not to have signed what it likes: another one reads it again. */
static enum xp_rc ask_second(struct xp_decider *d, const struct xp_terms *t, const char *json,
			     size_t len, struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf q = {0};
	AUTO(xp_buf_free) struct xp_buf nothing = {0};

	xp_buf_add(&q, t, sizeof(*t));
	xp_buf_add(&q, json, len);
	if (!xp_buf_ok(&q))
		return xp_fail(err, XP_E_NOMEM, "record");
	return xp_reader_ask(d->second, &nothing, q.data, q.len, err);
}

enum xp_rc xp_decider_decide(char id[XP_UUID_LEN], struct xp_weighed *out, struct xp_decider *d,
			     const char *json_path, enum xp_decision decision, struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf question = {0};
	AUTO(xp_buf_free) struct xp_buf answer = {0};
	struct xp_terms t;
	const char *json;
	size_t len;
	enum xp_rc rc;

	*out = (struct xp_weighed){0};
	TRY(make_terms(&t, d, decision, err));
	TRY(make_question(&question, &t, d, json_path, err));
	rc = xp_reader_ask(d->reader, &answer, question.data, question.len, err);
	take_answer(out, &json, &len, &answer);
	if (rc != XP_OK || out->is_passed_over)
		return rc;
	if (!json)
		return xp_fail(err, XP_E_INTERNAL, "%s: half an answer", json_path);
	TRY(ask_second(d, &t, json, len, err));
	memcpy(id, t.id, XP_UUID_LEN);
	return publish(d, t.id, json, len, err);
}
