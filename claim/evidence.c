#include "claim/evidence.h"

#include "base/names.h"

#include <stdlib.h>
#include <string.h>

static const char *const content_names[] = {
	[XP_CONTENT_ZERO] = "zero",
	[XP_CONTENT_PATTERN] = "pattern",
	[XP_CONTENT_RANDOM] = "random",
	[XP_CONTENT_UNKNOWN] = "unknown",
};
XP_NAMES(content_kind, xp_content_kind, content_names, XP_CONTENT_UNKNOWN + 1)

static const char *const phase_names[] = {
	[XP_PHASE_IDENTIFY] = "identify",
	[XP_PHASE_BASELINE] = "baseline",
	[XP_PHASE_ERASE] = "erase",
	[XP_PHASE_READBACK] = "readback",
};
XP_NAMES(phase_kind, xp_phase_kind, phase_names, XP_PHASE_READBACK + 1)

static const char *const answer_names[] = {
	[XP_ANSWER_UNKNOWN] = "unknown",
	[XP_ANSWER_NO] = "no",
	[XP_ANSWER_YES] = "yes",
};
XP_NAMES(answer, xp_answer, answer_names, XP_ANSWER_YES + 1)

static const char *const area_names[] = {
	[XP_AREA_HPA] = "hpa",
	[XP_AREA_AMAC] = "amac",
	[XP_AREA_DCO] = "dco",
	[XP_AREA_REDUCED] = "reduced",
};
XP_NAMES(hidden_area, xp_hidden_area, area_names, XP_AREA_REDUCED + 1)

static const char *const readback_names[] = {
	[XP_READBACK_NONE] = "none",
	[XP_READBACK_SAMPLE] = "sample",
	[XP_READBACK_FULL] = "full",
};
XP_NAMES(readback_mode, xp_readback_mode, readback_names, XP_READBACK_FULL + 1)

static const char *const seed_names[] = {
	[XP_SEED_LOCAL] = "local",
	[XP_SEED_VALIDATOR] = "validator",
};
XP_NAMES(seed_mode, xp_seed_mode, seed_names, XP_SEED_VALIDATOR + 1)

static const char *const scheme_names[] = {
	[XP_SAMPLE_NONE] = "none",
	[XP_SAMPLE_R1] = "r1",
	[XP_SAMPLE_SCATTERED] = "scattered",
};
XP_NAMES(sample_scheme, xp_sample_scheme, scheme_names, XP_SAMPLE_SCATTERED + 1)

bool xp_content_same(const struct xp_content *a, const struct xp_content *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case XP_CONTENT_ZERO:
		return true;
	case XP_CONTENT_PATTERN:
		return a->pattern_len == b->pattern_len && a->pattern_len <= XP_PATTERN_MAX &&
		       memcmp(a->pattern, b->pattern, a->pattern_len) == 0;
	case XP_CONTENT_RANDOM:
		return memcmp(a->key, b->key, sizeof(a->key)) == 0;
	case XP_CONTENT_UNKNOWN:
		break;
	}
	return false;
}

struct xp_phase *xp_evidence_add(struct xp_evidence *ev, enum xp_phase_kind kind)
{
	struct xp_phase *phase;

	if (ev->n == ev->cap) {
		size_t cap = ev->cap ? 2 * ev->cap : 8;
		struct xp_phase *p = reallocarray(ev->phases, cap, sizeof(*p));

		if (!p)
			return NULL;
		ev->phases = p;
		ev->cap = cap;
	}
	phase = &ev->phases[ev->n++];
	memset(phase, 0, sizeof(*phase));
	phase->kind = kind;
	return phase;
}

/* What is freed as a whole is not made zeros, member by member, before that. */

static void release_baseline(struct xp_baseline_result *r)
{
	xp_extents_free(&r->read_errors);
	free(r->digests);
}

static void release_readback(struct xp_readback_result *r)
{
	xp_extents_free(&r->read_errors);
	free(r->mismatches);
}

static void release_command(struct xp_command_result *r)
{
	xp_raws_free(&r->before, &r->before_n);
	xp_raws_free(&r->during, &r->during_n);
	xp_raws_free(&r->after, &r->after_n);
}

static void release_search(struct xp_key_search *s)
{
	free(s->areas);
	free(s->copies);
}

static void release_phase(struct xp_phase *p)
{
	xp_raws_free(&p->identity.raw, &p->identity.raw_n);
	release_baseline(&p->baseline);
	xp_extents_free(&p->overwrite.unwritten);
	release_readback(&p->readback);
	release_search(&p->search);
	free(p->volumes);
	xp_place_facts_free(&p->file);
	release_command(&p->command);
}

void xp_baseline_result_free(struct xp_baseline_result *r)
{
	release_baseline(r);
	memset(r, 0, sizeof(*r));
}

void xp_readback_result_free(struct xp_readback_result *r)
{
	release_readback(r);
	memset(r, 0, sizeof(*r));
}

void xp_overwrite_result_free(struct xp_overwrite_result *r)
{
	xp_extents_free(&r->unwritten);
	memset(r, 0, sizeof(*r));
}

void xp_command_result_free(struct xp_command_result *r)
{
	release_command(r);
	memset(r, 0, sizeof(*r));
}

void xp_key_search_free(struct xp_key_search *s)
{
	release_search(s);
	memset(s, 0, sizeof(*s));
}

const struct xp_phase *xp_evidence_volumes(const struct xp_evidence *ev,
					   const struct xp_phase *phase)
{
	const struct xp_phase *found = NULL;

	for (const struct xp_phase *p = ev->phases; p != ev->phases + ev->n && p != phase; p++)
		if (p->kind == XP_PHASE_IDENTIFY && p->volume_n && p->attempt == phase->attempt)
			found = p;
	return found;
}

const struct xp_phase *xp_evidence_file(const struct xp_evidence *ev, const struct xp_phase *phase)
{
	const struct xp_phase *found = NULL;

	for (const struct xp_phase *p = ev->phases; p != ev->phases + ev->n && p != phase; p++)
		if (p->kind == XP_PHASE_IDENTIFY && p->file_known && p->attempt == phase->attempt)
			found = p;
	return found;
}

uint64_t xp_evidence_goal_bytes(const struct xp_evidence *ev, const struct xp_phase *phase)
{
	const struct xp_phase *v;
	uint64_t goal = 0;

	if (phase->technique != XP_LUKS_DESTROY)
		return phase->identity.capacity_bytes;
	v = xp_evidence_volumes(ev, phase);
	for (size_t i = 0; v && i < v->volume_n; i++)
		if (__builtin_add_overflow(goal, v->volumes[i].area_bytes, &goal))
			return 0;
	return goal;
}

bool xp_readback_is_of_all(const struct xp_readback_result *r, uint64_t capacity_bytes)
{
	return r->mode != XP_READBACK_NONE && capacity_bytes > 0 &&
	       r->bytes_delivered >= capacity_bytes && r->read_errors.total_bytes == 0;
}

bool xp_readback_is_all_good(const struct xp_readback_result *r, uint64_t capacity_bytes)
{
	return xp_readback_is_of_all(r, capacity_bytes) && r->expected.kind != XP_CONTENT_UNKNOWN &&
	       r->mismatch_total == 0;
}

void xp_phase_free(struct xp_phase *p)
{
	release_phase(p);
	memset(p, 0, sizeof(*p));
}

void xp_evidence_free(struct xp_evidence *ev)
{
	for (size_t i = 0; i < ev->n; i++)
		release_phase(&ev->phases[i]);
	free(ev->phases);
	free(ev->firmware);
	memset(ev, 0, sizeof(*ev));
}

bool xp_content_repeats(const struct xp_content *c, uint32_t block_bytes)
{
	switch (c->kind) {
	case XP_CONTENT_ZERO:
		return true;
	case XP_CONTENT_PATTERN:
		return c->pattern_len && block_bytes % c->pattern_len == 0;
	case XP_CONTENT_RANDOM:
	case XP_CONTENT_UNKNOWN:
		break;
	}
	return false;
}
