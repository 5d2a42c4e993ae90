#include "certs/record_phases.h"

#include <string.h>

#include "base/cleanup.h"
#include "certs/record_compared.h"
#include "claim/canary.h"
#include "claim/sample_plan.h"

struct checker {
	const struct xp_record *r;
	struct xp_findings *f;
	bool claims; /* a level is claimed: the evidence must hold */
	struct xp_sample_memo *samples;
	uint64_t places; /* of baselines whose markers were computed again */
};

/* Each takes its time, which nobody shall have for the asking: some sixty times the usual sample.
 */
#define PLACES_MAX  (UINT64_C(1) << 22)
#define PLACE_BYTES 4096

/* A finding about the evidence: E_ where something rests on it, else W_. */
#define DEFECT(c, name, ...)                                                                       \
	xp_findings_add((c)->f, (c)->claims ? "E_" name : "W_" name, __VA_ARGS__)

/* ---- media and phases ---- */

/* What was seen before capacity was restored is as small as it was. */
static bool was_its_capacity(const struct xp_record *r, size_t phase)
{
	const struct xp_evidence *ev = &r->evidence;
	uint64_t bytes = ev->phases[phase].identity.capacity_bytes;

	for (size_t i = 0; i <= phase; i++)
		if (ev->phases[i].kind != XP_PHASE_IDENTIFY)
			return false;
	for (size_t i = 0; i < ev->changes_n; i++)
		if (ev->changes[i].restored && ev->changes[i].from == bytes)
			return true;
	return false;
}

static void check_identities(struct checker *c)
{
	const struct xp_record *r = c->r;

	for (size_t i = 0; i < r->evidence.n; i++) {
		const struct xp_phase *p = &r->evidence.phases[i];
		struct xp_identity id = p->identity;
		const char *what = "";

		/* who validates looks later, from another boot, maybe at a copy of an image */
		if (r->kind == XP_RECORD_VALIDATION) {
			id.diskseq = r->media.diskseq;
			id.fs_dev = r->media.fs_dev;
			id.inode = r->media.inode;
		}
		/* numbers that the kernel gave anew when the job was taken up again */
		if (p->take > 1) {
			id.diskseq = r->media.diskseq;
			id.fs_dev = r->media.fs_dev;
		}
		if (was_its_capacity(r, i))
			id.capacity_bytes = r->media.capacity_bytes;
		if (!xp_identity_same(&r->media, &id, &what))
			DEFECT(c, "EVIDENCE_IDENTITY", "evidence[%zu].identity: %s is not media's",
			       i, what);
	}
}

/* Each change begins where the last one that was taken ended. What CURRENT became by them. */
static uint64_t check_changes(struct checker *c, uint64_t current)
{
	const struct xp_evidence *ev = &c->r->evidence;

	for (size_t i = 0; i < ev->changes_n; i++) {
		const struct xp_capacity_change *change = &ev->changes[i];

		bool is_unknown = change->area == XP_AREA_REDUCED && !change->restored &&
				  change->to == change->from;

		if (change->from != current || (change->to <= change->from && !is_unknown))
			DEFECT(c, "EVIDENCE_MEDIA",
			       "capacity.changes[%zu]: it does not begin where the last one ended",
			       i);
		if (change->restored != !change->why[0])
			DEFECT(c, "EVIDENCE_MEDIA",
			       "capacity.changes[%zu].why: it belongs to one that was not taken",
			       i);
		if (change->restored)
			current = change->to;
	}
	return current;
}

static void check_media(struct checker *c)
{
	const struct xp_record *r = c->r;
	uint64_t current = check_changes(c, r->evidence.capacity.current);

	if (!r->media.capacity_bytes || !r->media.logical_block_bytes ||
	    r->media.capacity_bytes % r->media.logical_block_bytes)
		DEFECT(c, "EVIDENCE_MEDIA", "media: the capacity is no whole number of blocks");
	if (current && current != r->media.capacity_bytes)
		DEFECT(c, "EVIDENCE_MEDIA", "capacity.current_bytes: not media.capacity_bytes");
	if (r->capacity_after_known && r->capacity_after_bytes < r->media.capacity_bytes)
		DEFECT(c, "EVIDENCE_MEDIA", "capacity.after_bytes: less than before");
}

/* Two phases, one after the other. Monotonic times compare within one boot only. */
static void check_order(struct checker *c, size_t i)
{
	const struct xp_phase *a = &c->r->evidence.phases[i - 1];
	const struct xp_phase *b = &c->r->evidence.phases[i];

	if (b->start_s < a->end_s)
		DEFECT(c, "EVIDENCE_TIME", "evidence[%zu].start: before the phase before it ended",
		       i);
	if (b->attempt < a->attempt)
		DEFECT(c, "EVIDENCE_TIME", "evidence[%zu].attempt: before that of the phase before",
		       i);
	if (a->boot_id[0] && strcmp(a->boot_id, b->boot_id) == 0 && b->start_ns < a->end_ns)
		DEFECT(c, "EVIDENCE_TIME",
		       "evidence[%zu].start_ns: before the phase before it ended", i);
}

/* Apart by more than a minute and a thousandth: one of the two clocks was set. */
#define DRIFT_S 60

static void check_clocks(struct checker *c, size_t i)
{
	const struct xp_phase *p = &c->r->evidence.phases[i];
	const struct xp_phase *first = p;
	int64_t wall_s, steady_s, apart_s;

	while (first > c->r->evidence.phases && first[-1].boot_id[0] &&
	       strcmp(first[-1].boot_id, p->boot_id) == 0)
		first--;
	if (!p->boot_id[0] || p->end_ns < first->start_ns || p->end_s < first->start_s)
		return;
	wall_s = p->end_s - first->start_s;
	steady_s = (int64_t)((p->end_ns - first->start_ns) / 1000000000);
	apart_s = wall_s > steady_s ? wall_s - steady_s : steady_s - wall_s;
	if (apart_s > DRIFT_S + steady_s / 1000)
		xp_findings_add(c->f, "W_EVIDENCE_TIME",
				"evidence[%zu]: %lld s have passed by the wall clock since this "
				"boot's first phase, %lld s by the steady one",
				i, (long long)wall_s, (long long)steady_s);
}

/* What cannot be, as rule 14 has it: a disk that writes 1 GB/s, any single drive 32 GB/s. */
#define HDD_MAX_BPS   UINT64_C(1000000000)
#define DRIVE_MAX_BPS UINT64_C(32000000000)
/* less may fit into a drive's own cache */
#define CACHED_BYTES (UINT64_C(1) << 30)

/* A pass that was taken up again: earlier takes had the job's time for what they wrote. */
static void check_resumed(struct checker *c, size_t i, uint64_t since_s)
{
	const struct xp_phase *p = &c->r->evidence.phases[i];
	uint64_t limit = p->identity.media == XP_MEDIA_HDD ? HDD_MAX_BPS : DRIVE_MAX_BPS;
	uint64_t from = p->kind == XP_PHASE_ERASE ? p->overwrite.resumed_from : 0;

	if (p->interrupted && p->take <= c->r->evidence.phases[0].take)
		DEFECT(c, "EVIDENCE_TIME",
		       "evidence[%zu].interrupted: the job was not taken up again", i);
	if (from >= CACHED_BYTES && p->identity.media != XP_MEDIA_VIRTUAL &&
	    from / limit > since_s + 1)
		DEFECT(c, "EVIDENCE_TIME",
		       "evidence[%zu].overwrite.resumed_from_bytes: no drive writes so much in the "
		       "%llu s since the job began",
		       i, (unsigned long long)since_s);
}

/* A take is one run of a program: in one boot, and behind what an earlier one has begun. */
static void check_takes(struct checker *c, size_t i)
{
	const struct xp_phase *first = c->r->evidence.phases;
	const struct xp_phase *p = &first[i];
	uint64_t since_s =
		p->start_s > first->start_s ? (uint64_t)(p->start_s - first->start_s) : 0;

	if (i && p->take == p[-1].take && p->boot_id[0] && p[-1].boot_id[0] &&
	    strcmp(p->boot_id, p[-1].boot_id) != 0)
		DEFECT(c, "EVIDENCE_TIME", "evidence[%zu].boot_id: another boot in the same take",
		       i);
	if (p->command.earlier_s && (p->take <= first->take || p->command.earlier_s > since_s))
		DEFECT(c, "EVIDENCE_TIME",
		       "evidence[%zu].command.earlier_seconds: the job had not begun then, or "
		       "was not taken up again",
		       i);
	check_resumed(c, i, since_s);
}

static void check_times(struct checker *c)
{
	const struct xp_evidence *ev = &c->r->evidence;

	for (size_t i = 0; i < ev->n; i++) {
		const struct xp_phase *p = &ev->phases[i];

		if (p->end_s < p->start_s || (!p->interrupted && p->end_ns < p->start_ns))
			DEFECT(c, "EVIDENCE_TIME", "evidence[%zu]: ends before it starts", i);
		check_clocks(c, i);
		check_takes(c, i);
		if (i)
			check_order(c, i);
	}
	if (ev->n && c->r->issued_s < ev->phases[ev->n - 1].end_s)
		DEFECT(c, "EVIDENCE_TIME", "issued: before the last phase ended");
}

/* A list with its totals: the list is whole, or cut at its limit. */
static void check_extents(struct checker *c, const struct xp_extents *e, size_t phase,
			  const char *name, uint64_t capacity)
{
	uint64_t bytes = 0;
	bool bad = e->n > e->total_count || (e->n < e->total_count && e->n < XP_EXTENTS_MAX);

	for (size_t i = 0; i < e->n; i++) {
		uint64_t end;

		if (__builtin_add_overflow(e->list[i].offset, e->list[i].len, &end) ||
		    end > capacity || !e->list[i].len ||
		    __builtin_add_overflow(bytes, e->list[i].len, &bytes))
			bad = true;
	}
	if (bytes > e->total_bytes || (e->n == e->total_count && bytes != e->total_bytes))
		bad = true;
	if (bad)
		DEFECT(c, "EVIDENCE_EXTENTS", "evidence[%zu].%s: the list and its sums disagree",
		       phase, name);
}

/* ---- the baseline ---- */

/* What the seed says of the markers against what was read where they stand. */
static void check_markers(struct checker *c, size_t i)
{
	const struct xp_baseline_result *b = &c->r->evidence.phases[i].baseline;
	AUTO(xp_canaries_free) struct xp_canaries markers = {0};
	uint8_t expected[32];
	struct xp_err err;
	bool are_there;

	if (xp_canaries_of_baseline(&markers, &c->r->evidence.phases[i], &err) != XP_OK) {
		DEFECT(c, "VERIFICATION", "evidence[%zu].baseline.canaries: %.200s", i, err.msg);
		return;
	}
	if (!xp_canaries_expected(expected, &markers))
		return;
	are_there = memcmp(expected, b->canaries_sha256, sizeof(expected)) == 0;
	if (b->canaries > markers.n || are_there != (b->canaries == markers.n))
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].baseline.canaries_sha256: not what the seed has in %zu "
		       "places, of which %llu are said to have held their marker",
		       i, markers.n, (unsigned long long)b->canaries);
}

/* Markers: no more than its places have room for, and each of them says something. */
static void check_canaries(struct checker *c, size_t i)
{
	const struct xp_phase *p = &c->r->evidence.phases[i];
	const struct xp_baseline_result *b = &p->baseline;
	uint32_t block = p->identity.logical_block_bytes;
	uint64_t room = b->bytes_planned / (block < 512 ? 512 : block);

	if (b->canaries_read &&
	    __builtin_add_overflow(c->places, b->bytes_planned / PLACE_BYTES, &c->places))
		c->places = UINT64_MAX;

	if (b->canaries > XP_CANARIES_MAX || b->canaries > room ||
	    (b->canaries > b->informative_blocks && b->read_errors.total_bytes == 0))
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].baseline.canaries: more than can have been written", i);
	else if (b->canaries_read && c->places > PLACES_MAX)
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].baseline.canaries: more places than a job reads", i);
	else if (b->canaries_read)
		check_markers(c, i);
	else if (b->canaries)
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].baseline.canaries: nothing tells what was read where they "
		       "are said to have stood",
		       i);
}

/*
 * What was looked for behind the erase was written before it: the same bytes in all places are
 * markers that live, and where all live they are the same.
 */
static void check_survivors(struct checker *c, size_t i)
{
	const struct xp_phase *p = &c->r->evidence.phases[i];
	const struct xp_baseline_result *before = NULL;
	uint64_t written;

	/* who validates looks for those of the record that theirs is about */
	if (c->r->kind == XP_RECORD_VALIDATION)
		return;
	for (size_t k = 0; k < i; k++) {
		const struct xp_phase *q = &c->r->evidence.phases[k];

		if (q->kind == XP_PHASE_BASELINE && q->attempt == p->attempt)
			before = &q->baseline;
	}
	written = before ? before->canaries : 0;
	if (p->readback.canaries_alive > written) {
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].readback.canaries_alive: more than were written", i);
		return;
	}
	if (!before || !before->canaries_read) {
		if (p->readback.canaries_read)
			DEFECT(c, "VERIFICATION",
			       "evidence[%zu].readback.canaries_sha256: no markers were read "
			       "before",
			       i);
		return;
	}
	if (!p->readback.canaries_read) {
		if (p->readback.mode != XP_READBACK_NONE)
			DEFECT(c, "VERIFICATION",
			       "evidence[%zu].readback.canaries_sha256: the markers were not "
			       "looked for",
			       i);
		return;
	}
	if (memcmp(before->canaries_sha256, p->readback.canaries_sha256, 32) == 0 &&
	    p->readback.canaries_alive != written)
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].readback.canaries_sha256: every marker reads as before, and "
		       "%llu of %llu are said to live",
		       i, (unsigned long long)p->readback.canaries_alive,
		       (unsigned long long)written);
}

/* ---- the readback ---- */

static void check_mismatches(struct checker *c, const struct xp_readback_result *b, size_t phase,
			     uint64_t capacity)
{
	bool bad = (b->mismatch_n == 0) != (b->mismatch_total == 0);

	for (size_t i = 0; i < b->mismatch_n; i++) {
		uint64_t end;

		if (__builtin_add_overflow(b->mismatches[i].offset, b->mismatches[i].len, &end) ||
		    end > capacity || !b->mismatches[i].len)
			bad = true;
	}
	if (bad)
		DEFECT(c, "VERIFICATION", "evidence[%zu].readback.mismatches: contradictory",
		       phase);
}

/* What a readback or a baseline says of the places that were drawn. */
struct drawn {
	enum xp_sample_scheme scheme;
	const uint8_t *seed;
	uint64_t extents, always_extents, bytes_planned;
	bool has_read_errors;
};

/* Extents that could not be read to their end do not count, so there may be fewer; never more. */
static bool follows_from_seed(const struct checker *c, size_t phase, const struct drawn *d)
{
	const struct xp_identity *id = &c->r->evidence.phases[phase].identity;
	const struct xp_sample_told told = {
		.scheme = d->scheme,
		.extents = d->extents,
		.bytes_planned = d->bytes_planned,
		.capacity_bytes = id->capacity_bytes,
		.logical_block_bytes = id->logical_block_bytes,
		.seed = d->seed,
		.memo = c->samples,
	};
	struct xp_sample_plan plan = {0};
	uint64_t n;

	return xp_sample_plan_find(&plan, &n, &told) && d->always_extents == plan.always &&
	       d->extents <= plan.independent &&
	       (d->has_read_errors || d->extents == plan.independent);
}

static void check_sample(struct checker *c, size_t phase)
{
	const struct xp_readback_result *b = &c->r->evidence.phases[phase].readback;
	const struct drawn drawn = {b->scheme,	      b->seed,
				    b->extents,	      b->always_extents,
				    b->bytes_planned, b->read_errors.total_bytes};

	if (!follows_from_seed(c, phase, &drawn))
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].readback: the figures do not follow from scheme and seed",
		       phase);
}

/* A baseline is drawn by a seed of its own. */
static void check_drawn(struct checker *c, size_t phase)
{
	const struct xp_baseline_result *b = &c->r->evidence.phases[phase].baseline;
	const struct drawn drawn = {b->scheme,	      b->seed,
				    b->extents,	      b->always_extents,
				    b->bytes_planned, b->read_errors.total_bytes};

	if (b->blocks &&
	    (!follows_from_seed(c, phase, &drawn) || b->bytes_delivered > b->bytes_planned))
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].baseline: the figures do not follow from scheme and seed",
		       phase);
}

static uint64_t coverage_ppm(uint64_t bytes, uint64_t capacity)
{
	return capacity ? (uint64_t)((unsigned __int128)bytes * 1000000 / capacity) : 0;
}

static void check_readback(struct checker *c, size_t i)
{
	const struct xp_record *r = c->r;
	const struct xp_phase *p = &r->evidence.phases[i];
	const struct xp_readback_result *b = &p->readback;
	uint64_t capacity = p->identity.capacity_bytes;

	check_extents(c, &b->read_errors, i, "readback.read_errors", capacity);
	check_mismatches(c, b, i, capacity);
	if (b->bytes_planned > capacity || b->bytes_delivered > b->bytes_planned)
		DEFECT(c, "VERIFICATION", "evidence[%zu].readback: more bytes than there are", i);
	if (b->coverage_ppm != coverage_ppm(b->bytes_delivered, capacity))
		DEFECT(c, "VERIFICATION",
		       "evidence[%zu].readback.coverage_ppm: not what was delivered", i);
	if (b->mode == XP_READBACK_FULL && r->kind != XP_RECORD_VALIDATION &&
	    b->bytes_planned != xp_evidence_goal_bytes(&r->evidence, p))
		DEFECT(c, "VERIFICATION", "evidence[%zu].readback: full, but not of every byte", i);
	if (b->mode == XP_READBACK_SAMPLE)
		check_sample(c, i);
}

static void check_each(struct checker *c)
{
	const struct xp_evidence *ev = &c->r->evidence;

	for (size_t i = 0; i < ev->n; i++) {
		const struct xp_phase *p = &ev->phases[i];

		if (p->kind == XP_PHASE_BASELINE) {
			check_canaries(c, i);
			check_drawn(c, i);
			check_extents(c, &p->baseline.read_errors, i, "baseline.read_errors",
				      p->identity.capacity_bytes);
		}
		if (p->kind == XP_PHASE_READBACK)
			check_survivors(c, i);
		if (p->kind == XP_PHASE_READBACK && p->readback.mode != XP_READBACK_NONE)
			check_readback(c, i);
		else if (p->kind == XP_PHASE_ERASE && xp_technique_is_host_write(p->technique))
			check_extents(c, &p->overwrite.unwritten, i, "overwrite.unwritten",
				      p->identity.capacity_bytes);
	}
}

void xp_record_check_phases(const struct xp_record *r, bool claims, struct xp_sample_memo *memo,
			    struct xp_findings *findings)
{
	struct xp_sample_memo own = {0};
	struct checker c = {.r = r, .f = findings, .claims = claims, .samples = memo ? memo : &own};

	check_identities(&c);
	check_media(&c);
	check_times(&c);
	check_each(&c);
	xp_record_check_compared(r, claims, findings);
}
