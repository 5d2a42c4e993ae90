#include "tests/fake/campaign.h"

#include "base/cleanup.h"
#include "base/span.h"
#include "certs/record_backing.h"
#include "certs/record_check.h"
#include "certs/record_phases.h"
#include "certs/record_reach.h"
#include "certs/record_testimony.h"
#include "claim/sample_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So few places that something slips, and the bound can be seen to hold. */
#define SAMPLE_N  200
#define UNIT	  4096u
#define TAKES_MAX 8

uint64_t dice_roll(struct dice *d, uint64_t below)
{
	/* xorshift64*, Vigna 2016 */
	d->state ^= d->state >> 12;
	d->state ^= d->state << 25;
	d->state ^= d->state >> 27;
	return (d->state * 2685821657736338717ULL >> 11) % below;
}

bool dice_chance(struct dice *d, unsigned percent)
{
	return dice_roll(d, 100) < percent;
}

struct emu_leave campaign_leave(struct dice *dice, uint64_t sectors)
{
	struct emu_leave l = {.kind = EMU_LEAVE_EXTENT};

	l.first = dice_roll(dice, sectors);
	l.n = 1 + dice_roll(dice, dice_chance(dice, 70) ? 64 : sectors);
	if (dice_chance(dice, 20))
		l = (struct emu_leave){.kind = EMU_LEAVE_STRIPE, .n = 1 + dice_roll(dice, 512)};
	else if (dice_chance(dice, 15))
		l.kind = EMU_LEAVE_SPARE;
	else if (dice_chance(dice, 10))
		l.kind = EMU_LEAVE_ALL;
	return l;
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* What stood at the places before. */
struct baseline {
	struct xp_sample_plan plan;
	uint8_t seed[32];
	uint64_t capacity;
	uint32_t block;
	uint8_t *data;	/* of all places, one after another */
	bool *was_read; /* by place, before */
	bool *is_read;	/* and after */
	uint64_t n;	/* independent places that were read both times: of the bound */
};

struct job {
	struct erase_lab *lab;
	const struct campaign_kind *kind;
	struct campaign_rig rig;
	struct baseline before;
	enum xp_rc rc;
};

static void baseline_take(struct job *j, struct dice *dice)
{
	struct baseline *b = &j->before;
	size_t at = 0;

	b->capacity = j->kind->bytes(&j->rig);
	b->block = j->kind->block_bytes(&j->rig);
	for (size_t i = 0; i < sizeof(b->seed); i++)
		b->seed[i] = (uint8_t)(1 + dice_roll(dice, 255));
	must(xp_sample_plan_make(&b->plan, XP_SAMPLE_SCATTERED, SAMPLE_N, b->capacity, b->block,
				 b->seed, NULL) == XP_OK);
	b->data = malloc(b->plan.bytes);
	b->was_read = calloc(b->plan.n, sizeof(*b->was_read));
	b->is_read = calloc(b->plan.n, sizeof(*b->is_read));
	must(b->data && b->was_read && b->is_read);
	for (size_t i = 0; i < b->plan.n; i++) {
		const struct xp_extent *e = &b->plan.list[i];

		b->was_read[i] = j->kind->read(&j->rig, e->offset, b->data + at, e->len);
		at += e->len;
	}
}

static void baseline_free(struct baseline *b)
{
	xp_sample_plan_free(&b->plan);
	free(b->data);
	free(b->was_read);
	free(b->is_read);
}

static uint64_t unchanged_blocks(const uint8_t *a, const uint8_t *b, size_t len, uint32_t block)
{
	uint64_t n = 0;

	for (size_t i = 0; i + block <= len; i += block)
		if (memcmp(a + i, b + i, block) == 0 && !xp_mem_is_filled(a + i, a[i], block))
			n++;
	return n;
}

/* Neighbours are one place in the list, and each counts. */
static void take_off(uint64_t *n, uint64_t len)
{
	uint64_t units = len / UNIT ? len / UNIT : 1;

	*n -= *n < units ? *n : units;
}

/* Reads the same places again; what is as before counts. */
static void readback(struct job *j)
{
	struct erase_lab *lab = j->lab;
	struct baseline *b = &j->before;
	struct xp_phase *p = xp_evidence_add(&lab->ev, XP_PHASE_READBACK);
	const struct xp_phase *last;
	struct xp_readback_result *r;
	uint8_t *now = malloc(b->plan.bytes);
	size_t at = 0;

	must(p && now && lab->ev.n > 1);
	last = p - 1;
	r = &p->readback;
	p->technique = j->rig.technique;
	p->attempt = 1;
	p->take = last->take;
	memcpy(p->boot_id, last->boot_id, sizeof(p->boot_id));
	p->start_ns = p->end_ns = lab->clock.monotonic_ns(lab->clock.ctx);
	p->start_s = p->end_s = lab->clock.wall_s(lab->clock.ctx);
	must(xp_identity_copy(&p->identity, &lab->begun, NULL) == XP_OK);
	b->n = b->plan.independent;
	*r = (struct xp_readback_result){
		.mode = XP_READBACK_SAMPLE,
		.scheme = XP_SAMPLE_SCATTERED,
		.expected = {.kind = XP_CONTENT_UNKNOWN},
		.extents = b->plan.independent,
		.always_extents = b->plan.always,
		.bytes_planned = b->plan.bytes,
		.baseline_informative = XP_ANSWER_YES,
		.how = {.direct = true, .backend = XP_IO_SG},
	};
	memcpy(r->seed, b->seed, sizeof(r->seed));
	for (size_t i = 0; i < b->plan.n; i++) {
		const struct xp_extent *e = &b->plan.list[i];
		bool ok = j->kind->read(&j->rig, e->offset, now + at, e->len);

		b->is_read[i] = ok && b->was_read[i];
		if (!b->is_read[i])
			take_off(&b->n, e->len);
		if (!ok)
			take_off(&r->extents, e->len);
		if (!ok)
			must(xp_extents_add(&r->read_errors, e->offset, e->len, NULL) == XP_OK);
		else if (b->was_read[i])
			r->unchanged_blocks +=
				unchanged_blocks(b->data + at, now + at, e->len, b->block);
		r->bytes_delivered += ok ? e->len : 0;
		at += e->len;
	}
	r->coverage_ppm = (uint32_t)(r->bytes_delivered * 1000000 / b->capacity);
	free(now);
}

/* Was something read, before and after, that was left? Then it must have been found. */
static bool was_looked_at(const struct job *j)
{
	const struct xp_sample_plan *plan = &j->before.plan;

	for (size_t i = 0; i < plan->n; i++)
		if (j->before.is_read[i] &&
		    j->kind->is_stained(&j->rig, plan->list[i].offset, plan->list[i].len))
			return true;
	return false;
}

static void wrong(struct campaign_result *r, uint64_t seed, const struct job *j, const char *why)
{
	if (r->wrong++ == 0) {
		r->first_wrong_seed = seed;
		snprintf(r->why, sizeof(r->why), "%s, %s: %.150s", j->kind->name,
			 xp_technique_name(j->rig.technique), why);
	}
}

/* By the bound: the chance that so many places miss what was left, (1 - f)^n. */
static double chance_to_miss(const struct job *j)
{
	uint64_t capacity = j->before.capacity;
	uint64_t units = 0, stained = 0;
	double miss = 1;

	for (uint64_t at = 0; at < capacity; at += UNIT, units++)
		stained += j->kind->is_stained(&j->rig, at,
					       capacity - at < UNIT ? capacity - at : UNIT);
	for (uint64_t i = 0; i < j->before.n; i++)
		miss *= 1 - (double)stained / (double)units;
	return miss;
}

/* What would be claimed if the readback had found nothing: else the bound is not needed. */
static bool stands_on_the_readback(const struct job *j)
{
	struct xp_evidence *ev = &j->lab->ev;
	struct xp_readback_result *r;
	uint64_t found;
	bool is_claimed;

	if (ev->n == 0 || ev->phases[ev->n - 1].kind != XP_PHASE_READBACK)
		return erase_lab_claim(j->lab)->level != XP_NONE;
	r = &ev->phases[ev->n - 1].readback;
	found = r->unchanged_blocks;

	r->unchanged_blocks = 0;
	is_claimed = erase_lab_claim(j->lab)->level != XP_NONE;
	r->unchanged_blocks = found;
	return is_claimed;
}

/* Whatever the drive does, what an honest program saw of it holds for who checks the record. */
static void hold_against_checks(struct campaign_result *r, const struct job *j,
				const struct xp_claim *c, uint64_t seed)
{
	AUTO(xp_findings_free) struct xp_findings f = {0};
	struct xp_record *record = calloc(1, sizeof(*record));
	const struct xp_phase *last = &j->lab->ev.phases[j->lab->ev.n - 1];
	char why[sizeof(r->why)];

	must(record);
	/* the readback is the campaign's own, and has no baseline that would stand in a record */
	if (last->kind == XP_PHASE_READBACK)
		last--;
	record->kind = XP_RECORD_SANITIZATION;
	record->claim = *c;
	record->media = j->lab->begun;
	record->issued_s = last->end_s;
	record->evidence = j->lab->ev;
	record->evidence.n = (size_t)(last - j->lab->ev.phases) + 1;
	/* as a job has it: of its target, which may be one namespace of several */
	record->evidence.capacity.current = j->lab->begun.capacity_bytes;
	record->evidence.capacity_after.current = last->identity.capacity_bytes;
	xp_record_check_phases(record, true, NULL, &f);
	xp_record_check_testimony(record, true, &f);
	xp_record_check_reach(record, true, &f);
	xp_record_check_backing(record, true, &f);
	for (size_t i = 0; i < f.n; i++) {
		if (f.list[i].code[0] != 'E')
			continue;
		snprintf(why, sizeof(why), "a record of it would be refuted: %.24s %.90s",
			 f.list[i].code, f.list[i].text);
		wrong(r, seed, j, why);
		break;
	}
	/* what is in it was borrowed */
	free(record);
}

static void judge(struct campaign_result *r, struct job *j, uint64_t seed)
{
	struct campaign_residue left = j->kind->residue(&j->rig);
	bool needs_bound = stands_on_the_readback(j);
	const struct xp_claim *c = erase_lab_claim(j->lab);

	r->claims[c->level]++;
	if (c->level > XP_NONE)
		hold_against_checks(r, j, c, seed);
	r->liars += j->rig.lies;
	if (j->rig.lies && left.reachable) {
		r->expected += needs_bound ? chance_to_miss(j) : 0;
		if (c->level == XP_NONE)
			r->caught++;
		else
			r->slipped++;
		if (c->level != XP_NONE && was_looked_at(j))
			wrong(r, seed, j, "claimed, and the readback had read what was left");
	} else if (c->level != XP_NONE && left.reachable) {
		wrong(r, seed, j, "claimed, and data is left where a host reads");
	}
	if (c->level == XP_PURGE && left.elsewhere) {
		if (j->rig.lies)
			r->beyond++;
		else
			wrong(r, seed, j, "purge is claimed, and data is left in the drive");
	}
	if (!j->kind->has_way_out(&j->rig, j->lab))
		wrong(r, seed, j, "nobody can open the drive again");
}

static void run_one(struct campaign_result *r, struct erase_lab *lab,
		    const struct campaign_kind *kind, uint64_t seed)
{
	struct dice dice = {.state = seed * 0x9e3779b97f4a7c15ULL + 1};
	struct job j = {.lab = lab, .kind = kind};
	unsigned takes = 0;

	for (unsigned i = 0; i < 8; i++)
		dice_roll(&dice, 2);
	kind->make(&j.rig, lab, &dice);
	baseline_take(&j, &dice);
	do {
		j.rc = erase_lab_take(lab, j.rig.technique);
		takes++;
	} while (lab->dead && takes < TAKES_MAX);
	r->takes += takes;
	r->cut += takes > 1;
	/* a job reads back only what it has seen to be the same drive still */
	if (lab->has_begun && lab->ev.n > 1 &&
	    lab->ev.phases[lab->ev.n - 1].kind == XP_PHASE_IDENTIFY)
		readback(&j);
	judge(r, &j, seed);
	r->jobs++;
	baseline_free(&j.before);
	kind->free(&j.rig);
}

void campaign_run(struct campaign_result *r, struct erase_lab *lab,
		  const struct campaign_kind *kind, uint64_t seed, uint64_t jobs)
{
	for (uint64_t i = 0; i < jobs; i++)
		run_one(r, lab, kind, seed + i);
}

void campaign_add(struct campaign_result *sum, const struct campaign_result *more)
{
	if (sum->wrong == 0 && more->wrong) {
		sum->first_wrong_seed = more->first_wrong_seed;
		memcpy(sum->why, more->why, sizeof(sum->why));
	}
	sum->jobs += more->jobs;
	sum->takes += more->takes;
	sum->cut += more->cut;
	for (unsigned i = 0; i < 3; i++)
		sum->claims[i] += more->claims[i];
	sum->liars += more->liars;
	sum->caught += more->caught;
	sum->slipped += more->slipped;
	sum->expected += more->expected;
	sum->beyond += more->beyond;
	sum->wrong += more->wrong;
}

bool campaign_is_good(const struct campaign_result *r)
{
	double over = (double)r->slipped - r->expected;

	/* five standard deviations of a sum of independent chances, and a little for small sums */
	return r->wrong == 0 && (over <= 5 || over * over <= 25 * r->expected);
}

bool campaign_nothing_locks(struct campaign_rig *rig, struct erase_lab *lab)
{
	(void)rig;
	(void)lab;
	return true;
}
