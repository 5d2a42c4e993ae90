#include "cli/cert_batch.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/output.h"

const char *xp_verdict_word(int exit_code)
{
	switch (exit_code) {
	case 0:
		return "passed";
	case 1:
		return "failed";
	case 2:
		return "indeterminate";
	case 3:
		return "policy";
	default:
		return "error";
	}
}

static json_t *hex_json(const uint8_t sha[32])
{
	char hex[65];

	xp_hex_encode(hex, sha, 32);
	return json_string(hex);
}

static json_t *time_json(int64_t s)
{
	char text[XP_TIME_LEN];

	xp_time_format(text, s);
	return json_string(text);
}

static json_t *signer_json(const struct xp_check_signer *s)
{
	json_t *chain = json_array();
	json_t *j =
		json_pack("{s:s, s:b, s:s, s:s, s:s, s:o, s:o, s:b, s:o, s:b}", "role", s->role,
			  "role_granted", s->role_is_granted, "name", s->name, "organization",
			  s->organization, "person", s->person_id, "cert_sha256",
			  hex_json(s->cert_sha256), "signature_sha256",
			  hex_json(s->signature_sha256), "signature_good", s->signature_is_good,
			  "signing_time", time_json(s->signing_time_s), "trusted", s->is_trusted);

	for (unsigned i = 0; i < s->chain_n; i++)
		json_array_append_new(chain, json_string(s->chain[i]));
	json_object_set_new(j, "chain", chain);
	if (s->is_trusted)
		json_object_set_new(j, "anchor_sha256", hex_json(s->anchor_sha256));
	if (s->crl_known)
		json_object_set_new(j, "crl_date", time_json(s->crl_date_s));
	if (s->time_is_proven)
		json_object_set_new(j, "timestamp",
				    json_pack("{s:o, s:s, s:o}", "older_than",
					      time_json(s->proven_s), "authority", s->tsa,
					      "anchor_sha256", hex_json(s->tsa_anchor_sha256)));
	return j;
}

static void add_record(json_t *j, const struct xp_record *r)
{
	json_object_set_new(j, "id", json_string(r->id));
	json_object_set_new(j, "kind", json_string(xp_record_kind_name(r->kind)));
	json_object_set_new(j, "issued", time_json(r->issued_s));
	json_object_set_new(j, "media",
			    json_pack("{s:s, s:s, s:s, s:s}", "model", r->media.model, "serial",
				      r->media.serial, "wwn", r->media.wwn, "name", r->media.name));
	if (r->supersedes_id[0])
		json_object_set_new(j, "supersedes", json_string(r->supersedes_id));
	if (r->kind == XP_RECORD_VALIDATION) {
		json_object_set_new(j, "decision",
				    json_string(xp_decision_name(r->validation.decision)));
		json_object_set_new(j, "subject",
				    json_pack("{s:s, s:o}", "id", r->validation.subject_id,
					      "sha256", hex_json(r->validation.subject_sha256)));
		return;
	}
	json_object_set_new(j, "asked", json_string(xp_level_name(r->asked)));
	json_object_set_new(j, "claim",
			    json_pack("{s:s, s:s, s:s, s:s}", "level",
				      xp_level_name(r->claim.level), "scope",
				      xp_scope_name(r->claim.scope), "outcome",
				      xp_outcome_name(r->claim.outcome), "technique",
				      xp_technique_name(r->claim.technique)));
}

static json_t *voices_json(const struct xp_check_result *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < r->voices_n; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:s}", "decision",
						xp_decision_name(r->voices[i].decision), "role",
						r->voices[i].role, "name", r->voices[i].name,
						"record", r->voices[i].id));
	return list;
}

json_t *xp_text_json(const char *file)
{
	json_t *name = json_string(file);
	AUTO(xp_buf_free) struct xp_buf b = {0};

	if (name)
		return name;
	xp_buf_escaped(&b, file);
	return json_string(xp_buf_str(&b));
}

json_t *xp_verdict_json(const char *file, const struct xp_check_result *r)
{
	json_t *findings = json_array();
	json_t *signers = json_array();
	json_t *name = xp_text_json(file);
	int code = xp_check_exit_code(r);
	json_t *j;

	j = json_pack("{s:o, s:s, s:i, s:o}", "file", name, "verdict", xp_verdict_word(code),
		      "exit", code, "sha256", hex_json(r->json_sha256));
	if (!j) {
		json_decref(findings);
		json_decref(signers);
		return NULL;
	}
	if (r->record)
		add_record(j, r->record);
	for (unsigned i = 0; i < r->signers_n; i++)
		json_array_append_new(signers, signer_json(&r->signers[i]));
	for (size_t i = 0; i < r->findings.n; i++) {
		AUTO(xp_buf_free) struct xp_buf b = {0};

		xp_buf_escaped(&b, r->findings.list[i].text);
		json_array_append_new(findings,
				      json_pack("{s:s, s:s}", "code", r->findings.list[i].code,
						"text", xp_buf_str(&b)));
	}
	json_object_set_new(j, "signers", signers);
	if (r->voices_n)
		json_object_set_new(j, "validations", voices_json(r));
	json_object_set_new(j, "time_proven", json_boolean(r->time_is_proven));
	if (r->log.is_proven)
		json_object_set_new(j, "log",
				    json_pack("{s:s, s:I, s:I}", "origin", r->log.origin, "index",
					      (json_int_t)r->log.index, "size",
					      (json_int_t)r->log.size));
	json_object_set_new(j, "findings", findings);
	return j;
}

/* "  LABEL  " and then text in pieces. */
static void label(const char *what)
{
	printf("  %-10s", what);
}

static void text(const char *s)
{
	xp_print_escaped(stdout, s);
}

static void print_signer(const struct xp_check_signer *s, bool has_record)
{
	char when[XP_TIME_LEN];

	xp_time_format(when, s->signing_time_s);
	label(s->signature_is_good ? "signed" : "BAD SIGN.");
	printf("by ");
	text(s->name);
	if (s->organization[0]) {
		fputs(" (", stdout);
		text(s->organization);
		fputs(")", stdout);
	}
	/* a record that cannot be read names no roles */
	if (has_record)
		printf(", role %s%s", s->role[0] ? s->role : "unknown",
		       s->role_is_granted ? "" : " (not granted)");
	printf(", at %s by the signer's own clock\n", when);
	if (s->time_is_proven) {
		xp_time_format(when, s->proven_s);
		label("time");
		printf("signed before %s, as vouched for by ", when);
		text(s->tsa);
		puts("");
	}
	label("trust");
	if (!s->is_trusted) {
		puts("none: nothing that you named vouches for this signer");
		return;
	}
	if (s->is_self_issued)
		fputs("you named this certificate itself; no revocation list can speak of it",
		      stdout);
	for (unsigned i = 0; i < s->chain_n; i++) {
		fputs(i ? " < " : "vouched for by ", stdout);
		text(s->chain[i]);
	}
	if (s->crl_known) {
		xp_time_format(when, s->crl_date_s);
		printf("; certificate status as of the list of %s", when);
	}
	puts("");
}

/* By whose table the level was earned. */
static void print_policy(const struct xp_record *r)
{
	AUTO(xp_policy_free) struct xp_policy *policy = NULL;
	struct xp_err err = {0};

	if (xp_policy_parse(&policy, r->policy_json, r->policy_len, &err) != XP_OK)
		return;
	label("policy");
	text(xp_policy_name(policy));
	fputs(", after ", stdout);
	text(xp_policy_standard(policy));
	fputs(" ", stdout);
	text(xp_policy_edition(policy));
	puts("");
}

static void print_record(const struct xp_record *r)
{
	char when[XP_TIME_LEN];

	xp_time_format(when, r->issued_s);
	label("record");
	printf("%s, %s, issued %s\n", r->id, xp_record_kind_name(r->kind), when);
	label("medium");
	text(r->media.model[0] ? r->media.model : r->media.name);
	fputs(", serial number ", stdout);
	text(r->media.serial[0] ? r->media.serial : "unavailable");
	puts("");
	if (r->kind == XP_RECORD_VALIDATION) {
		label("decision");
		printf("%s, of the record %s\n", xp_decision_name(r->validation.decision),
		       r->validation.subject_id);
		if (r->validation.remarks[0]) {
			label("remarks");
			xp_print_wrapped(stdout, 12, r->validation.remarks);
		}
		return;
	}
	label("claim");
	printf("%s, scope %s, by %s, outcome %s\n", xp_level_name(r->claim.level),
	       xp_scope_name(r->claim.scope), xp_technique_name(r->claim.technique),
	       xp_outcome_name(r->claim.outcome));
	print_policy(r);
}

/* The verdict in a sentence, for whoever does not know the codes. */
static const char *meaning(const struct xp_check_result *r, int code)
{
	bool is_failure = r->record && r->record->kind == XP_RECORD_FAILURE;

	if (r->record && r->record->kind == XP_RECORD_VALIDATION && (code == 0 || code == 3))
		return code == 0 ? "The decision is genuine: these people took it, about that "
				   "record and no other."
				 : "The decision is genuine; something about it is not what is "
				   "required here, as the codes that begin with P_ say.";
	switch (code) {
	case 0:
		return "The record is genuine, and the evidence, as recorded by the signer, "
		       "supports the claim. That the evidence is true rests on the signer and on "
		       "the device's firmware.";
	case 2:
		return "Do not rely on it yet: nothing false was found, but something that is "
		       "needed is missing; the codes that begin with I_ say what.";
	case 3:
		return is_failure ? "The record is genuine. It tells of a job that did not "
				    "succeed: data may remain."
				  : "The record is genuine, and its evidence supports its claim; "
				    "that is not what is required here, as the codes that begin "
				    "with P_ say.";
	default:
		return "Do not rely on it: it was altered, is not signed as it must be, or claims "
		       "more than its evidence; the codes that begin with E_ say what.";
	}
}

/* What weighs most comes first; within that, as it was found. */
static void print_findings(const struct xp_findings *f)
{
	for (const char *order = "EIPW"; *order; order++) {
		for (size_t i = 0; i < f->n; i++) {
			if (f->list[i].code[0] != *order)
				continue;
			printf("  %-24s ", f->list[i].code);
			xp_print_wrapped(stdout, 27, f->list[i].text);
		}
	}
}

void xp_verdict_print(const char *file, const struct xp_check_result *r)
{
	static const struct {
		enum xp_tone tone;
		const char *word;
	} verdicts[] = {{XP_TONE_GOOD, "PASSED"},
			{XP_TONE_BAD, "FAILED"},
			{XP_TONE_CAUTION, "INDETERMINATE"},
			{XP_TONE_CAUTION, "AUTHENTIC, BUT NOT WHAT IS REQUIRED"}};
	int code = xp_check_exit_code(r);
	bool known = code >= 0 && code < 4;

	xp_print_toned(stdout, known ? verdicts[code].tone : XP_TONE_BAD,
		       known ? verdicts[code].word : "ERROR");
	fputs("  ", stdout);
	text(file);
	puts("");
	label("verdict");
	xp_print_wrapped(stdout, 12, meaning(r, code));
	if (r->record)
		print_record(r->record);
	for (unsigned i = 0; i < r->signers_n; i++)
		print_signer(&r->signers[i], r->record != NULL);
	for (unsigned i = 0; i < r->voices_n; i++) {
		label(r->voices[i].decision == XP_DECISION_ACCEPT ? "accepted" : "REJECTED");
		printf("by %s ", r->voices[i].role);
		text(r->voices[i].name);
		printf(", in record %s\n", r->voices[i].id);
	}
	if (r->log.is_proven) {
		label("log");
		printf("leaf %llu of ", (unsigned long long)r->log.index);
		text(r->log.origin);
		printf(", by the checkpoint of its first %llu\n", (unsigned long long)r->log.size);
	}
	print_findings(&r->findings);
}
