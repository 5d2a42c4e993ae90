#include "certs/check.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/check_dates.h"
#include "certs/check_memo.h"
#include "certs/check_pair.h"
#include "certs/check_peers.h"
#include "certs/record_check.h"

enum xp_rc xp_check_new(struct xp_check **out, const struct xp_clock *clock, struct xp_err *err)
{
	AUTO(xp_check_free) struct xp_check *c = calloc(1, sizeof(*c));

	if (!c)
		return xp_fail(err, XP_E_NOMEM, "check");
	c->clock = clock;
	c->cache = calloc(1, sizeof(*c->cache));
	if (!c->cache)
		return xp_fail(err, XP_E_NOMEM, "check");
	TRY(xp_trust_init(&c->trust, err));
	TRY(xp_trust_init(&c->tsa, err));
	TRY(xp_check_memo_new(&c->memo, err));
	*out = STEAL(c);
	return XP_OK;
}

enum xp_rc xp_check_share(struct xp_check **out, const struct xp_check *c, struct xp_err *err)
{
	AUTO(xp_check_free) struct xp_check *s = malloc(sizeof(*s));

	if (!s)
		return xp_fail(err, XP_E_NOMEM, "check");
	*s = *c;
	s->is_shared = true;
	s->memo = NULL;
	s->cache = calloc(1, sizeof(*s->cache));
	if (!s->cache)
		return xp_fail(err, XP_E_NOMEM, "check");
	TRY(xp_check_memo_new(&s->memo, err));
	*out = STEAL(s);
	return XP_OK;
}

void xp_check_without_memory(struct xp_check *c)
{
	xp_check_memo_free(&c->memo);
	xp_check_cache_clear(c->cache);
}

void xp_check_free(struct xp_check **c)
{
	if (!*c)
		return;
	if (!(*c)->is_shared) {
		xp_trust_free(&(*c)->trust);
		xp_trust_free(&(*c)->tsa);
		xp_roster_free(&(*c)->roster);
	}
	if ((*c)->cache)
		xp_check_cache_clear((*c)->cache);
	free((*c)->cache);
	xp_check_memo_free(&(*c)->memo);
	free(*c);
	*c = NULL;
}

static void forget(struct xp_check *c)
{
	xp_check_cache_clear(c->cache);
	if (c->memo)
		xp_check_memo_forget(c->memo);
}

struct xp_trust *xp_check_trust(struct xp_check *c)
{
	/* what was good under the old trust need not be under the new one */
	forget(c);
	return &c->trust;
}

struct xp_trust *xp_check_tsa(struct xp_check *c)
{
	return &c->tsa;
}

void xp_check_require(struct xp_check *c, const struct xp_requirements *r)
{
	c->req = *r;
}

void xp_check_set_peers(struct xp_check *c, const struct xp_check_peers *peers)
{
	c->peers = peers;
}

enum xp_rc xp_check_set_roster(struct xp_check *c, const char *json, size_t len, const char *name,
			       struct xp_err *err)
{
	forget(c);
	xp_roster_free(&c->roster);
	return xp_roster_parse(&c->roster, json, len, name, err);
}

bool xp_check_roster_grants(const struct xp_check *c, const uint8_t cert_sha256[32],
			    enum xp_role role)
{
	for (size_t i = 0; i < c->roster.n; i++)
		if (c->roster.list[i].role == role &&
		    memcmp(c->roster.list[i].cert_sha256, cert_sha256, 32) == 0)
			return true;
	return false;
}

const char *xp_check_roster_person(const struct xp_check *c, const uint8_t cert_sha256[32])
{
	for (size_t i = 0; i < c->roster.n; i++)
		if (memcmp(c->roster.list[i].cert_sha256, cert_sha256, 32) == 0)
			return c->roster.list[i].person;
	return NULL;
}

/* What the record says of its log, against the proof. */
static void compare_log(struct xp_check_result *r)
{
	const struct xp_record *rec = r->record;

	if (!rec->log.present)
		return;
	if (strcmp(rec->log.origin, r->log.origin) != 0)
		xp_findings_add(&r->findings, "I_LOG_ORIGIN",
				"the record names the log %s, the proof is of %s", rec->log.origin,
				r->log.origin);
	else if (rec->log.start_index >= r->log.index)
		xp_findings_add(&r->findings, "E_LOG_START",
				"the record says that its job began at leaf %llu, it stands itself "
				"at leaf %llu",
				(unsigned long long)rec->log.start_index,
				(unsigned long long)r->log.index);
	/* that checkpoint was read before the job's own leaf was written */
	else if (rec->log.checkpoint_size > rec->log.start_index)
		xp_findings_add(&r->findings, "E_LOG_START",
				"the record has seen the log with %llu entries before its job "
				"began at leaf %llu",
				(unsigned long long)rec->log.checkpoint_size,
				(unsigned long long)rec->log.start_index);
}

void xp_check_log(struct xp_check_result *result, const char *proof, size_t len,
		  const struct xp_note_vkeys *keys)
{
	uint8_t signatures[XP_CMS_SIGNERS_MAX][32];
	struct xp_log_proof_result found = {0};
	struct xp_log_check_input in = {
		.proof = proof,
		.proof_len = len,
		.keys = keys,
		.record_sha256 = result->json_sha256,
		.signature_sha256 = (const uint8_t(*)[32])signatures,
		.signatures_n = result->signers_n,
	};

	if (!proof) {
		xp_findings_add(&result->findings, "I_LOG_PROOF_MISSING",
				"there is no proof that the record stands in the log");
		return;
	}
	/* without the record there is no leaf to look for, and the findings say why already */
	if (!result->record)
		return;
	in.id = result->record->id;
	for (unsigned i = 0; i < result->signers_n; i++)
		memcpy(signatures[i], result->signers[i].signature_sha256, 32);
	if (!xp_log_check_record(&found, &result->findings, &in))
		return;
	result->log.is_proven = true;
	result->log.index = found.index;
	result->log.size = found.checkpoint.head.size;
	memcpy(result->log.root, found.checkpoint.head.root.b, sizeof(result->log.root));
	snprintf(result->log.origin, sizeof(result->log.origin), "%s", found.checkpoint.origin);
	compare_log(result);
}

void xp_check_result_free(struct xp_check_result *r)
{
	xp_findings_free(&r->findings);
	if (r->record)
		xp_record_free(r->record);
	free(r->record);
	/* what it owned; the rest is as large as a record, and nobody's */
	r->record = NULL;
	r->signers_n = r->voices_n = 0;
}

int xp_check_exit_code(const struct xp_check_result *r)
{
	int code = 0;

	if (r->findings.lost)
		return 70;
	for (size_t i = 0; i < r->findings.n; i++) {
		char kind = r->findings.list[i].code[0];
		int one = kind == 'E'	? 1
			  : kind == 'I' ? 2
			  : kind == 'P' ? 3
			  : kind == 'W' ? 0
					: 70;

		code = xp_check_exit_worse(code, one);
	}
	return code;
}

int xp_check_exit_worse(int a, int b)
{
	static const int order[] = {1, 70, 66, 2, 3, 0};

	for (size_t i = 0; i < XP_ARRAY_LEN(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return 70;
}

static void judge_serial_and_time(struct xp_check_result *r, const struct xp_requirements *req)
{
	const char *serial = r->record->media.serial;

	if (req->time && !r->time_is_proven)
		xp_findings_add(&r->findings, "P_TIME", "the time of the signature is not proven");
	if (req->serial && strcmp(req->serial, serial) != 0)
		xp_findings_add(&r->findings, "P_SERIAL", "this is the record of another drive, %s",
				serial[0] ? serial : "without a serial number");
}

/* What the verifier wants of an authentic record. */
static void judge_demands(struct xp_check_result *r, const struct xp_requirements *req)
{
	const struct xp_record *rec = r->record;
	enum xp_level level = req->level_given ? req->level : rec->asked;
	bool want_scope = req->scope_given || req->level_given;
	enum xp_scope scope = req->scope_given ? req->scope : XP_SCOPE_DRIVE;
	bool has_role = !req->role_given;

	if (rec->kind != XP_RECORD_SANITIZATION)
		xp_findings_add(&r->findings, "P_KIND",
				"this is no record of a sanitization, but of kind %s",
				xp_record_kind_name(rec->kind));
	if (rec->claim.outcome != XP_OUTCOME_SANITIZED &&
	    rec->claim.outcome != XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS)
		xp_findings_add(&r->findings, "P_OUTCOME", "the outcome is %s",
				xp_outcome_name(rec->claim.outcome));
	if (rec->claim.level < level)
		xp_findings_add(&r->findings, "P_LEVEL", "level %s is claimed, %s is required%s",
				xp_level_name(rec->claim.level), xp_level_name(level),
				req->level_given ? "" : ": the record itself asked for it");
	if (want_scope && rec->claim.scope < scope)
		xp_findings_add(&r->findings, "P_SCOPE", "scope %s is claimed, %s is required%s",
				xp_scope_name(rec->claim.scope), xp_scope_name(scope),
				req->scope_given ? "" : " where a level is");
	for (unsigned i = 0; i < r->signers_n && !has_role; i++)
		has_role = r->signers[i].role_is_granted &&
			   strcmp(r->signers[i].role, xp_role_name(req->role)) == 0;
	for (unsigned i = 0; i < r->voices_n && !has_role; i++)
		has_role = r->voices[i].decision == XP_DECISION_ACCEPT &&
			   strcmp(r->voices[i].role, xp_role_name(req->role)) == 0;
	if (!has_role)
		xp_findings_add(
			&r->findings, "P_ROLE",
			"nobody signed in the role %s, this record or a validation that was "
			"given with it",
			xp_role_name(req->role));
	judge_serial_and_time(r, req);
}

static enum xp_rc read_record_long(struct xp_check_result *result, const void *json, size_t len,
				   struct xp_err *err)
{
	struct xp_err why = {0};
	enum xp_rc rc;

	result->record = calloc(1, sizeof(*result->record));
	if (!result->record)
		return xp_fail(err, XP_E_NOMEM, "record");
	rc = xp_record_parse(result->record, json, len, &result->findings, &why);
	if (rc == XP_E_NOMEM || rc == XP_E_INTERNAL)
		return xp_fail(err, rc, "%s", why.msg);
	if (rc != XP_OK) {
		xp_record_free(result->record);
		free(result->record);
		result->record = NULL;
	}
	return XP_OK;
}

/* KNOWN: what its reader knows of it already; it stays all false where it went the long way. */
static enum xp_rc read_record(struct xp_check_result *result, struct xp_record_known *known,
			      const struct xp_check *c, const void *json, size_t len,
			      struct xp_err *err)
{
	struct xp_record_reader *reader = c->memo ? xp_check_memo_reader(c->memo) : NULL;

	if (!reader)
		return read_record_long(result, json, len, err);
	xp_record_scan(&result->record, reader, json, len);
	if (result->record) {
		*known = xp_record_reader_known(reader);
		return XP_OK;
	}
	known->policies = xp_record_reader_policies(reader);
	TRY(read_record_long(result, json, len, err));
	if (result->record && result->record->policy_json)
		xp_policy_memo_learn(xp_record_reader_policies(reader), result->record->policy_json,
				     result->record->policy_len);
	return XP_OK;
}

static bool digest(uint8_t out[32], const struct xp_check *c, const void *data, size_t len)
{
	return c->memo ? xp_check_memo_sha256(c->memo, out, data, len)
		       : EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1;
}

enum xp_rc xp_check_pair(struct xp_check_result *result, const struct xp_check *c, const void *json,
			 size_t json_len, const void *p7s, size_t p7s_len, struct xp_err *err)
{
	struct xp_findings *f = &result->findings;
	struct xp_record_known known = {0};

	memset(result, 0, offsetof(struct xp_check_result, signers));
	if (!digest(result->json_sha256, c, json, json_len))
		return xp_pki_fail(err, XP_E_INTERNAL, "digest");
	TRY(read_record(result, &known, c, json, json_len, err));
	if (!p7s)
		xp_findings_add(f, "E_SIGNATURE_MISSING", "there is no signature file");
	else
		TRY(xp_check_signatures(result, c, p7s, p7s_len, err));
	if (result->record) {
		TRY(xp_record_check_known(result->record, &known, f, err));
		xp_check_dates(result);
		xp_check_peers_judge(result, c->peers);
		if (result->record->kind == XP_RECORD_VALIDATION)
			judge_serial_and_time(result, &c->req);
		else
			judge_demands(result, &c->req);
	}
	return f->lost ? xp_fail(err, XP_E_NOMEM, "findings") : XP_OK;
}
