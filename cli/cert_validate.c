/* cert_validate: `expunge-cert validate`: somebody who did not do the work decides about it. */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/jcs.h"
#include "certs/record_fields.h"
#include "cli/cert_decide.h"
#include "cli/commands_cert.h"
#include "cli/output.h"

#define READBACK_MAX_BYTES (16u << 20)

static const struct xp_option options[] = {
	{"decision", XP_OPT_STRING, "WORD", "accept or reject"},
	{"readback", XP_OPT_STRING, "FILE", "what `expunge verify --json` found on the drive"},
	{"remarks", XP_OPT_STRING, "TEXT", "the reasons of the decision, in your own words"},
	{"supersedes", XP_OPT_STRING, "FILE", "an earlier validation of yours that this replaces"},
	XP_DECIDER_OPTIONS,
	{0},
};

/* In the process that reads. */
struct grounds {
	struct xp_evidence evidence;
	struct xp_record *old;
	uint8_t old_sha256[32];
};

struct validation {
	struct xp_decider d;
	struct grounds grounds;
	struct xp_weighed weighed;
	enum xp_decision decision;
	char id[XP_UUID_LEN];
};

static void validation_free(struct validation **at)
{
	struct validation *v = *at;

	if (!v)
		return;
	xp_decider_close(&v->d);
	free(v);
	*at = NULL;
}

/* ---- in the process that reads ---- */

/* The evidence of the reading, where it is of this very record and agrees with the decision. */
static enum xp_rc take_readback(struct grounds *g, json_t *doc, const char *file,
				const struct xp_subject *s, const struct xp_weigher *w,
				struct xp_err *err)
{
	const char *sha256 = json_string_value(json_object_get(doc, "record_sha256"));
	const char *verdict = json_string_value(json_object_get(doc, "verdict"));
	AUTO(xp_json_free) json_t *own = json_object();
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	uint8_t digest[32];

	if (!own || !json_is_array(json_object_get(doc, "evidence")) || !sha256 || !verdict ||
	    json_object_set(own, "evidence", json_object_get(doc, "evidence")) != 0)
		return xp_fail(err, XP_E_USAGE, "%s: not what expunge verify --json writes", file);
	if (strlen(sha256) != 64 || !xp_hex_decode(digest, 32, sha256) ||
	    memcmp(digest, s->result.json_sha256, 32) != 0)
		return xp_fail(err, XP_E_USAGE, "%s: the drive was held against another record",
			       file);
	if (w->terms.decision == XP_DECISION_ACCEPT && strcmp(verdict, "clean") != 0)
		return xp_fail(err, XP_E_REFUSED,
			       "%s: the reading ended %s; that is nothing to accept", file,
			       strcmp(verdict, "residue") == 0 ? "with residue"
							       : "without a result");
	TRY(xp_schema_read(&g->evidence, &xp_schema_reading, own, &findings, err));
	if (findings.n)
		return xp_fail(err, XP_E_USAGE, "%s: %s: %s", file, findings.list[0].code,
			       findings.list[0].text);
	return XP_OK;
}

static enum xp_rc read_readback(struct grounds *g, struct xp_weighing *in,
				const struct xp_subject *s, const struct xp_weigher *w,
				struct xp_err *err)
{
	const char *file = xp_args_string(w->job->args, "readback");
	AUTO(xp_json_free) json_t *doc = NULL;
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	if (!file)
		return XP_OK;
	TRY(xp_file_read(&text, &len, file, READBACK_MAX_BYTES, err));
	doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	TRY(take_readback(g, doc, file, s, w, err));
	in->evidence = &g->evidence;
	return XP_OK;
}

static enum xp_rc read_superseded(struct grounds *g, struct xp_weighing *in,
				  const struct xp_subject *s, const struct xp_weigher *w,
				  struct xp_err *err)
{
	const char *file = xp_args_string(w->job->args, "supersedes");
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	AUTO_MEM char *json = NULL;
	size_t len = 0;

	if (!file)
		return XP_OK;
	g->old = calloc(1, sizeof(*g->old));
	if (!g->old)
		return xp_fail(err, XP_E_NOMEM, "record");
	TRY(xp_file_read(&json, &len, file, XP_RECORD_MAX_BYTES, err));
	if (xp_record_parse(g->old, json, len, &findings, err) != XP_OK ||
	    g->old->kind != XP_RECORD_VALIDATION)
		return xp_fail(err, XP_E_USAGE, "%s: no validation", file);
	if (memcmp(g->old->validation.subject_sha256, s->result.json_sha256, 32) != 0)
		return xp_fail(err, XP_E_USAGE, "%s: a validation of another record", file);
	if (EVP_Digest(json, len, g->old_sha256, NULL, EVP_sha256(), NULL) != 1)
		return xp_fail(err, XP_E_INTERNAL, "SHA-256");
	in->supersedes = g->old;
	in->supersedes_sha256 = g->old_sha256;
	return XP_OK;
}

static enum xp_rc weigh(struct xp_weighed *out, struct xp_weighing *in, const struct xp_subject *s,
			const struct xp_weigher *w, struct xp_err *err)
{
	struct grounds *g = w->job->ctx;

	(void)out;
	TRY(xp_subject_admit(s, w, w->terms.decision, err));
	TRY(read_readback(g, in, s, w, err));
	return read_superseded(g, in, s, w, err);
}

/* ---- who decides ---- */

static enum xp_rc validate(struct validation *v, const struct xp_args *args, struct xp_err *err)
{
	const char *file = args->operands[0];
	const char *word = xp_args_string(args, "decision");
	const char *readback = xp_args_string(args, "readback");
	const char *old = xp_args_string(args, "supersedes");
	const char *const inputs[] = {readback ? readback : old, readback ? old : NULL, NULL};
	AUTO_MEM char *path = strdup(file);

	if (!path)
		return xp_fail(err, XP_E_NOMEM, "%s", file);
	if (!word || !xp_decision_parse(&v->decision, word))
		return xp_fail(err, XP_E_USAGE, "--decision accept or reject is needed");
	TRY(xp_decider_open(&v->d,
			    &(struct xp_decider_start){
				    .role = XP_ROLE_VALIDATOR,
				    .out_dir = dirname(path),
				    .job = {.args = args, .weigh = weigh, .ctx = &v->grounds},
				    .inputs = inputs,
			    },
			    err));
	return xp_decider_decide(v->id, &v->weighed, &v->d, file, v->decision, err);
}

static void print_concerns(const struct xp_concerns *c)
{
	const struct {
		enum xp_answer answer;
		const char *text;
	} lines[] = {
		{c->unreached, "places that were not written or not read"},
		{c->technique, "a technique that is not the best for this medium"},
		{c->qualification, "who did it, and with what"},
		{c->outcome, "less than was asked for"},
		{c->scope, "a scope narrower than the drive, or drives that the host hides"},
	};

	for (size_t i = 0; i < XP_ARRAY_LEN(lines); i++)
		if (lines[i].answer != XP_ANSWER_NO)
			printf("  to be weighed: %s%s\n", lines[i].text,
			       lines[i].answer == XP_ANSWER_UNKNOWN ? " (no program can see that)"
								    : "");
}

static void print(const struct validation *v)
{
	const struct xp_weighed *w = &v->weighed;
	const char *const texts[] = {w->subject_id, ", level ", w->level, ", scope ",
				     w->scope,	    ", of ",	w->medium};

	fputs(v->decision == XP_DECISION_ACCEPT ? "accepted: " : "rejected: ", stdout);
	for (size_t i = 0; i < XP_ARRAY_LEN(texts); i++)
		xp_print_escaped(stdout, texts[i]);
	puts("");
	print_concerns(&w->concerns);
	printf("written: %s.json, its signature, and its place in the log\n", v->id);
}

static int run(const struct xp_args *args)
{
	AUTO(validation_free) struct validation *v = calloc(1, sizeof(*v));
	struct xp_err err = {0};

	if (!v) {
		xp_say("out of memory");
		return 70;
	}
	xp_decider_init(&v->d);
	if (validate(v, args, &err) != XP_OK)
		return xp_decider_say_error(&err);
	if (xp_args_flag(args, "json"))
		return xp_print_json(json_pack("{s:s, s:s, s:s}", "id", v->id, "decision",
					       xp_decision_name(v->decision), "subject",
					       v->weighed.subject_id));
	print(v);
	return 0;
}

const struct xp_command xp_cert_command_validate = {
	.name = "validate",
	.operands = "FILE",
	.summary = "Decide about a record, in a record of your own.",
	.details =
		"FILE stays as it is. The new record names it by its digest and its signatures,\n"
		"holds your decision and what you read yourself, is signed by you, and stands in\n"
		"the log. Nobody decides about their own work. Exit codes: 0 done, 1 refused,\n"
		"64 usage, 66 no such input, 70 our bug.",
	.options = options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
