#include "certs/check_peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/check_batch.h"
#include "certs/check_roles.h"
#include "certs/validation_check.h"

/* Somebody who signed. */
struct party {
	struct xp_person_mark who;
	uint8_t key_sha256[32], cert_sha256[32];
	char role[16];
	char name[128];
};

/* Of one record, what the other side must know. */
struct peer {
	uint8_t json_sha256[32];
	uint8_t supersedes_sha256[32];
	uint8_t target_sha256[32];
	uint8_t seed[32]; /* of its last sample; of a validation, of its own choice; zeros: none */
	bool has_sample;
	struct xp_content content; /* what the host wrote, or, of a validation, expects; unknown */
	struct xp_concerns concerns; /* of a record: what a validator has to weigh */
	uint8_t signatures[XP_CMS_SIGNERS_MAX][32];
	struct party parties[XP_CMS_SIGNERS_MAX];
	unsigned n; /* of signatures and parties */
	char id[XP_UUID_LEN];
	enum xp_record_kind kind;
	struct xp_validation v; /* of a validation */
	int64_t issued_s;
	int exit_code;
};

struct peers {
	struct peer *list;
	size_t n, cap;
};

struct xp_check_peers {
	struct peers voices;   /* sorted by the record that each is about */
	struct peers subjects; /* sorted by json_sha256 */
	bool subjects_are_known;
};

enum xp_rc xp_check_peers_new(struct xp_check_peers **out, struct xp_err *err)
{
	*out = calloc(1, sizeof(**out));
	return *out ? XP_OK : xp_fail(err, XP_E_NOMEM, "batch");
}

void xp_check_peers_free(struct xp_check_peers **p)
{
	if (!*p)
		return;
	free((*p)->voices.list);
	free((*p)->subjects.list);
	free(*p);
	*p = NULL;
}

/* ---- what is kept ---- */

static void fill_party(struct party *p, const struct xp_check_signer *s)
{
	p->who = s->who;
	memcpy(p->key_sha256, s->key_sha256, 32);
	memcpy(p->cert_sha256, s->cert_sha256, 32);
	snprintf(p->role, sizeof(p->role), "%s", s->role);
	memcpy(p->name, s->name, sizeof(p->name));
}

static void fill_seed(struct peer *p, const struct xp_evidence *ev)
{
	for (size_t i = 0; i < ev->n; i++) {
		const struct xp_readback_result *b = &ev->phases[i].readback;

		if (ev->phases[i].kind != XP_PHASE_READBACK || b->mode != XP_READBACK_SAMPLE)
			continue;
		p->has_sample = true;
		if (p->kind != XP_RECORD_VALIDATION || b->seed_mode == XP_SEED_VALIDATOR)
			memcpy(p->seed, b->seed, 32);
	}
}

static void fill_content(struct peer *p, const struct xp_evidence *ev)
{
	p->content.kind = XP_CONTENT_UNKNOWN;
	for (size_t i = 0; i < ev->n; i++) {
		const struct xp_phase *phase = &ev->phases[i];

		if (!xp_technique_is_host_overwrite(phase->technique))
			continue;
		if (p->kind == XP_RECORD_VALIDATION && phase->kind == XP_PHASE_READBACK)
			p->content = phase->readback.expected;
		else if (p->kind != XP_RECORD_VALIDATION && phase->kind == XP_PHASE_ERASE)
			p->content = phase->overwrite.content;
	}
}

static enum xp_rc add(struct peers *to, const struct xp_check_result *r, struct xp_err *err)
{
	struct peer *p;

	if (to->n == to->cap) {
		size_t cap = to->cap ? 2 * to->cap : 16;

		p = reallocarray(to->list, cap, sizeof(*p));
		if (!p)
			return xp_fail(err, XP_E_NOMEM, "batch");
		to->list = p;
		to->cap = cap;
	}
	p = &to->list[to->n++];
	*p = (struct peer){.kind = r->record->kind,
			   .v = r->record->validation,
			   .issued_s = r->record->issued_s,
			   .exit_code = xp_check_exit_code(r)};
	memcpy(p->json_sha256, r->json_sha256, 32);
	if (r->record->supersedes_id[0])
		memcpy(p->supersedes_sha256, r->record->supersedes_sha256, 32);
	if (!xp_check_target_digest(p->target_sha256, &r->record->media))
		memset(p->target_sha256, 0, 32);
	fill_seed(p, &r->record->evidence);
	fill_content(p, &r->record->evidence);
	if (p->kind != XP_RECORD_VALIDATION)
		p->concerns = xp_validation_concerns(r->record);
	for (; p->n < r->signers_n && p->n < XP_CMS_SIGNERS_MAX; p->n++) {
		memcpy(p->signatures[p->n], r->signers[p->n].signature_sha256, 32);
		fill_party(&p->parties[p->n], &r->signers[p->n]);
	}
	memcpy(p->id, r->record->id, sizeof(p->id));
	return XP_OK;
}

enum xp_rc xp_check_peers_add_voice(struct xp_check_peers *p, const struct xp_check_result *r,
				    struct xp_err *err)
{
	if (!r->record || r->record->kind != XP_RECORD_VALIDATION)
		return XP_OK;
	return add(&p->voices, r, err);
}

static int by_about(const void *a, const void *b)
{
	return memcmp(((const struct peer *)a)->v.subject_sha256,
		      ((const struct peer *)b)->v.subject_sha256, 32);
}

static int by_json(const void *a, const void *b)
{
	return memcmp(((const struct peer *)a)->json_sha256, ((const struct peer *)b)->json_sha256,
		      32);
}

void xp_check_peers_settle(struct xp_check_peers *p, bool subjects_are_known)
{
	if (p->voices.n)
		qsort(p->voices.list, p->voices.n, sizeof(struct peer), by_about);
	if (p->subjects.n)
		qsort(p->subjects.list, p->subjects.n, sizeof(struct peer), by_json);
	p->subjects_are_known = subjects_are_known;
}

/* The first voice about a record; those about the same one follow. */
static size_t first_voice(const struct peers *voices, const uint8_t sha256[32])
{
	size_t lo = 0;
	size_t hi = voices->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(voices->list[mid].v.subject_sha256, sha256, 32) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool is_about(const struct peers *voices, size_t i, const uint8_t sha256[32])
{
	return i < voices->n && memcmp(voices->list[i].v.subject_sha256, sha256, 32) == 0;
}

enum xp_rc xp_check_peers_add_subject(struct xp_check_peers *p, const struct xp_check_result *r,
				      struct xp_err *err)
{
	if (!r->record ||
	    !is_about(&p->voices, first_voice(&p->voices, r->json_sha256), r->json_sha256))
		return XP_OK;
	return add(&p->subjects, r, err);
}

/* ---- who is who ---- */

/* The one of A who also stands in B, with CODE; NULL: they share nobody. */
static const struct party *shared_party(const char **code, const struct peer *a,
					const struct peer *b)
{
	for (unsigned i = 0; i < a->n; i++) {
		for (unsigned k = 0; k < b->n; k++) {
			*code = "E_SAME_KEY";
			if (memcmp(a->parties[i].key_sha256, b->parties[k].key_sha256, 32) == 0)
				return &a->parties[i];
			*code = "E_SAME_PERSON";
			if (xp_person_marks_meet(&a->parties[i].who, &b->parties[k].who))
				return &a->parties[i];
		}
	}
	return NULL;
}

static bool names_signatures(const struct xp_validation *v, const struct peer *subject)
{
	if (v->signatures_n != subject->n)
		return false;
	for (unsigned i = 0; i < subject->n; i++) {
		bool found = false;

		for (unsigned k = 0; k < v->signatures_n; k++)
			found |= memcmp(v->signatures[k].sha256, subject->signatures[i], 32) == 0;
		if (!found)
			return false;
	}
	return true;
}

/* Does V weigh lightly what S gives to be weighed? */
static bool is_lighter(enum xp_answer v, enum xp_answer s)
{
	return (s == XP_ANSWER_YES && v != XP_ANSWER_YES) ||
	       (s == XP_ANSWER_UNKNOWN && v == XP_ANSWER_NO);
}

static bool hides_concerns(const struct xp_concerns *v, const struct xp_concerns *s)
{
	return is_lighter(v->unreached, s->unreached) || is_lighter(v->technique, s->technique) ||
	       is_lighter(v->qualification, s->qualification) ||
	       is_lighter(v->outcome, s->outcome) || is_lighter(v->scope, s->scope);
}

/* What the validator says of the reading, against what the record tells. */
static void judge_reading(struct xp_findings *f, const struct peer *v, const struct peer *s)
{
	static const uint8_t none[32];
	bool is_own = memcmp(v->seed, none, 32) != 0 && memcmp(s->seed, v->seed, 32) != 0;

	if (v->has_sample && !is_own)
		xp_findings_add(f, "E_SEED",
				"its places follow from the seed of the record, not from one of "
				"the validator's own");
	if (v->content.kind != XP_CONTENT_UNKNOWN && s->content.kind != XP_CONTENT_UNKNOWN &&
	    !xp_content_same(&v->content, &s->content))
		xp_findings_add(f, "E_SUBJECT_DIFFERS",
				"its readback expects something else than the record %s wrote",
				s->id);
	if (hides_concerns(&v->v.concerns, &s->concerns))
		xp_findings_add(f, "E_CONCERNS",
				"the record %s gives more to be weighed than this one says", s->id);
}

/* What keeps the validation V from counting for the record S. */
static void judge_relation(struct xp_findings *f, const struct peer *v, const struct peer *s)
{
	const char *code = "";
	const struct party *same = shared_party(&code, v, s);

	if (strcmp(v->v.subject_id, s->id) != 0 || v->v.subject_kind != s->kind ||
	    memcmp(v->target_sha256, s->target_sha256, 32) != 0 || !names_signatures(&v->v, s))
		xp_findings_add(f, "E_SUBJECT_DIFFERS",
				"the record %s has another id, kind, medium or other signatures "
				"than this one says",
				s->id);
	if (v->issued_s < s->issued_s)
		xp_findings_add(f, "E_SUBJECT_TIME",
				"it was issued before the record that it is about");
	if (same)
		xp_findings_add(f, code, "%s decides about a record of their own", same->name);
	judge_reading(f, v, s);
}

/* Does V count for the record S at all? */
static bool does_count(const struct peer *v, const struct peer *s)
{
	AUTO(xp_findings_free) struct xp_findings unfit = {0};

	if (v->exit_code != 0 || v->n == 0)
		return false;
	judge_relation(&unfit, v, s);
	return !unfit.n && !unfit.lost;
}

/* ---- a record, with what was said of it ---- */

/* Everybody who signed OLD has signed V, too: one of two does not speak for the other. */
static bool is_by_all_of(const struct peer *v, const struct peer *old)
{
	for (unsigned i = 0; i < old->n; i++) {
		const struct peer one = {.n = 1, .parties = {old->parties[i]}};
		const char *code;

		if (!shared_party(&code, v, &one))
			return false;
	}
	return old->n > 0;
}

/* The same people have decided again about S. */
static bool is_superseded(const struct peers *voices, size_t i, const struct peer *s)
{
	const struct peer *old = &voices->list[i];

	for (size_t k = first_voice(voices, old->v.subject_sha256);
	     is_about(voices, k, old->v.subject_sha256); k++) {
		const struct peer *v = &voices->list[k];

		if (k != i && v->issued_s >= old->issued_s &&
		    memcmp(v->supersedes_sha256, old->json_sha256, 32) == 0 &&
		    is_by_all_of(v, old) && does_count(v, s))
			return true;
	}
	return false;
}

static void hear(struct xp_check_result *r, const struct peer *v)
{
	for (unsigned i = 0; i < v->n; i++) {
		struct xp_check_voice *to;

		if (r->voices_n == XP_CHECK_VOICES_MAX)
			break;
		to = &r->voices[r->voices_n++];
		to->decision = v->v.decision;
		snprintf(to->role, sizeof(to->role), "%s", v->parties[i].role);
		snprintf(to->name, sizeof(to->name), "%s", v->parties[i].name);
		memcpy(to->id, v->id, sizeof(to->id));
	}
	if (v->v.decision == XP_DECISION_REJECT)
		xp_findings_add(&r->findings, "P_REJECTED", "%s %s rejects it, in record %s",
				v->parties[0].role, v->parties[0].name, v->id);
}

/* Takes all findings of CODE away. */
static void drop_findings(struct xp_findings *f, const char *code)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].code, code) != 0)
			f->list[n++] = f->list[i];
	f->n = n;
}

/* A host's key is nobody's to trust by itself; the site that runs the host vouches for it. */
static void accept_hosts(struct xp_check_result *r)
{
	const struct xp_check_voice *site = NULL;
	bool only_hosts = r->signers_n > 0;

	for (unsigned i = 0; i < r->voices_n; i++)
		if (strcmp(r->voices[i].role, "site") == 0 &&
		    r->voices[i].decision == XP_DECISION_ACCEPT)
			site = &r->voices[i];
	for (unsigned i = 0; i < r->signers_n; i++) {
		const struct xp_check_signer *s = &r->signers[i];

		only_hosts &=
			s->is_trusted || (s->signature_is_good && strcmp(s->role, "host") == 0);
	}
	if (!site || !only_hosts)
		return;
	for (unsigned i = 0; i < r->signers_n; i++)
		if (!r->signers[i].is_trusted)
			xp_findings_add(&r->findings, "W_HOST_ENDORSED",
					"nobody you named vouches for the host key of %s but the "
					"site %s, in record %s",
					r->signers[i].name, site->name, site->id);
	drop_findings(&r->findings, "I_UNTRUSTED");
}

/* R itself, as its peers see it; freed by the caller. */
static bool self_of(struct peers *self, struct xp_check_result *r)
{
	struct xp_err err;

	if (add(self, r, &err) == XP_OK)
		return true;
	r->findings.lost = true;
	return false;
}

static void judge_record(struct xp_check_result *r, const struct xp_check_peers *p)
{
	size_t i = first_voice(&p->voices, r->json_sha256);
	struct peers self = {0};

	if (!is_about(&p->voices, i, r->json_sha256) || !self_of(&self, r))
		return;
	for (; is_about(&p->voices, i, r->json_sha256); i++) {
		const struct peer *v = &p->voices.list[i];

		if (is_superseded(&p->voices, i, &self.list[0]))
			continue;
		if (!does_count(v, &self.list[0]))
			xp_findings_add(&r->findings, "W_VALIDATION_IGNORED",
					"the validation %s does not count; see its own verdict",
					v->id);
		else
			hear(r, v);
	}
	accept_hosts(r);
	free(self.list);
}

static void judge_validation(struct xp_check_result *r, const struct xp_check_peers *p)
{
	struct peer key = {0};
	const struct peer *subject = NULL;
	struct peers self = {0};

	if (!p->subjects_are_known)
		return;
	memcpy(key.json_sha256, r->record->validation.subject_sha256, 32);
	if (p->subjects.n)
		subject = bsearch(&key, p->subjects.list, p->subjects.n, sizeof(key), by_json);
	if (!subject) {
		xp_findings_add(&r->findings, "I_SUBJECT_MISSING",
				"the record %s that it is about was not given",
				r->record->validation.subject_id);
		return;
	}
	if (!self_of(&self, r))
		return;
	judge_relation(&r->findings, &self.list[0], subject);
	if (r->record->validation.decision == XP_DECISION_ACCEPT && subject->exit_code == 1)
		xp_findings_add(&r->findings, "P_SUBJECT",
				"it accepts the record %s, which did not pass", subject->id);
	free(self.list);
}

void xp_check_peers_judge(struct xp_check_result *r, const struct xp_check_peers *p)
{
	if (!p)
		return;
	if (r->record->kind == XP_RECORD_VALIDATION)
		judge_validation(r, p);
	else
		judge_record(r, p);
}
