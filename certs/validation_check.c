#include "certs/validation_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/record_check.h"
#include "certs/record_fields.h"
#include "certs/record_phases.h"
#include "certs/record_testimony.h"

/* ---- by itself ---- */

static void check_signers(const struct xp_record *r, struct xp_findings *f)
{
	if (!r->signers_n)
		xp_findings_add(f, "E_SIGNERS", "signers: nobody");
	for (unsigned i = 0; i < r->signers_n; i++)
		if (strcmp(r->signers[i].role, "validator") != 0 &&
		    strcmp(r->signers[i].role, "site") != 0)
			xp_findings_add(f, "E_SIGNERS",
					"signers[%u]: a %s neither validates nor endorses", i,
					r->signers[i].role);
	xp_record_check_signers(r, f);
}

static bool found_wanting(const struct xp_readback_result *b)
{
	return b->mismatch_total || b->mismatch_n || b->unchanged_blocks || b->canaries_alive;
}

static void check_decision(const struct xp_record *r, struct xp_findings *f)
{
	if (r->validation.decision != XP_DECISION_ACCEPT)
		return;
	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].kind == XP_PHASE_READBACK &&
		    found_wanting(&r->evidence.phases[i].readback))
			xp_findings_add(f, "E_DECISION",
					"decision: accept, although evidence[%zu] found what the "
					"erase should have removed",
					i);
}

static void check_evidence_kinds(const struct xp_record *r, struct xp_findings *f)
{
	for (size_t i = 0; i < r->evidence.n; i++) {
		enum xp_phase_kind kind = r->evidence.phases[i].kind;

		if (kind != XP_PHASE_IDENTIFY && kind != XP_PHASE_READBACK)
			xp_findings_add(f, "E_EVIDENCE_EXTENTS",
					"evidence[%zu]: who validates only identifies and reads",
					i);
	}
}

enum xp_rc xp_validation_check(const struct xp_record *r, struct xp_findings *findings,
			       struct xp_err *err)
{
	check_signers(r, findings);
	check_decision(r, findings);
	check_evidence_kinds(r, findings);
	if (strcmp(r->validation.subject_id, r->id) == 0)
		xp_findings_add(findings, "E_SUBJECT", "subject.id: the record's own");
	if (strcmp(r->supersedes_id, r->id) == 0)
		xp_findings_add(findings, "E_SUPERSEDES", "supersedes.id: the record's own");
	if (r->evidence.n)
		xp_record_check_phases(r, true, NULL, findings);
	xp_record_check_testimony(r, true, findings);
	xp_record_check_clock(r, findings);
	TRY(xp_record_check_texts(r, findings, err));
	if (findings->lost)
		return xp_fail(err, XP_E_NOMEM, "record");
	return XP_OK;
}

/* ---- what has to be weighed ---- */

static enum xp_answer answer(bool yes)
{
	return yes ? XP_ANSWER_YES : XP_ANSWER_NO;
}

static bool has_unreached(const struct xp_evidence *ev)
{
	for (size_t i = 0; i < ev->n; i++) {
		const struct xp_phase *p = &ev->phases[i];

		if (p->overwrite.unwritten.total_count || p->readback.read_errors.total_count ||
		    p->stalled)
			return true;
	}
	return false;
}

/* Rules about the medium, the technique and its firmware: docs/methods.md. */
static bool has_technique_reason(const struct xp_claim *c)
{
	for (unsigned i = 0; i < c->reasons_n; i++) {
		unsigned rule = c->reasons[i].rule;

		if (rule == 0 || (rule >= 15 && rule <= 20))
			return true;
	}
	return false;
}

/* That a person is trained and a tool is approved no program can see. */
static enum xp_answer qualification_of(const struct xp_record *r)
{
	for (unsigned i = 0; i < r->signers_n; i++)
		if (strcmp(r->signers[i].role, "performer") == 0)
			return XP_ANSWER_UNKNOWN;
	return XP_ANSWER_YES;
}

struct xp_concerns xp_validation_concerns(const struct xp_record *s)
{
	return (struct xp_concerns){
		.unreached = answer(has_unreached(&s->evidence)),
		.technique = answer(s->claim.cap < s->asked || has_technique_reason(&s->claim)),
		.qualification = qualification_of(s),
		.outcome = answer(s->claim.level < s->asked ||
				  s->claim.outcome != XP_OUTCOME_SANITIZED),
		.scope = answer(s->claim.scope < XP_SCOPE_DRIVE || s->host.hidden_n ||
				strcmp(s->host.complete, "yes") != 0),
	};
}

/* ---- a new one ---- */

/* By way of its written form: whatever a phase holds is copied, and nothing else. */
static enum xp_rc copy_evidence(struct xp_evidence *out, const struct xp_evidence *in,
				struct xp_err *err)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	AUTO(xp_json_free) json_t *tree = NULL;

	TRY(xp_schema_write(&tree, &xp_schema_reading, in, err));
	TRY(xp_schema_read(out, &xp_schema_reading, tree, &findings, err));
	if (findings.n)
		return xp_fail(err, XP_E_USAGE, "%s", findings.list[0].text);
	return XP_OK;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

enum xp_rc xp_validation_begin(struct xp_record *out, const struct xp_validation_input *in,
			       struct xp_err *err)
{
	struct xp_validation *v = &out->validation;

	if (in->signatures_n > XP_SIGNERS_MAX)
		return xp_fail(err, XP_E_USAGE, "more signatures than a record has");
	out->kind = XP_RECORD_VALIDATION;
	snprintf(v->subject_id, sizeof(v->subject_id), "%s", in->subject->id);
	v->subject_kind = in->subject->kind;
	memcpy(v->subject_sha256, in->subject_sha256, 32);
	for (unsigned i = 0; i < in->signatures_n; i++)
		memcpy(v->signatures[i].sha256, in->signature_sha256[i], 32);
	v->signatures_n = in->signatures_n;
	qsort(v->signatures, v->signatures_n, sizeof(v->signatures[0]), by_bytes);
	v->decision = in->decision;
	if (in->remarks && strlen(in->remarks) >= sizeof(v->remarks))
		return xp_fail(err, XP_E_USAGE, "the remarks are longer than %zu bytes",
			       sizeof(v->remarks) - 1);
	snprintf(v->remarks, sizeof(v->remarks), "%s", in->remarks ? in->remarks : "");
	v->concerns = xp_validation_concerns(in->subject);
	snprintf(out->tenant, sizeof(out->tenant), "%s", in->subject->tenant);
	snprintf(out->case_no, sizeof(out->case_no), "%s", in->subject->case_no);
	TRY(xp_identity_copy(&out->media, &in->subject->media, err));
	xp_raws_free(&out->media.raw, &out->media.raw_n);
	return in->evidence ? copy_evidence(&out->evidence, in->evidence, err) : XP_OK;
}
