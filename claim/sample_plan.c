#include "claim/sample_plan.h"

#include "base/cleanup.h"
#include "base/wire.h"
#include "claim/sample_places.h"

#include <openssl/evp.h>
#include <string.h>

#define UNIT_MIN_BYTES	 4096
#define R1_SUBSECTIONS	 1000
#define R1_PER_SECTION	 2
#define R1_PERCENT	 5
#define SEED_BYTES	 32
#define DIGEST_BYTES	 32
#define DRAWS_PER_DIGEST (DIGEST_BYTES / 8)

/* The stream of numbers: SHA-256(seed || counter), four 64-bit numbers a digest (docs/methods.md).
 */
struct stream {
	EVP_MD_CTX *ctx;
	EVP_MD *md;
	uint8_t input[SEED_BYTES + 8];
	uint8_t digest[DIGEST_BYTES];
	uint64_t counter;
	unsigned used; /* numbers taken of the digest */
	bool failed;
};

static void stream_close(struct stream *s)
{
	EVP_MD_CTX_free(s->ctx);
	EVP_MD_free(s->md);
}

static enum xp_rc stream_open(struct stream *s, const uint8_t seed[SEED_BYTES], struct xp_err *err)
{
	memcpy(s->input, seed, SEED_BYTES);
	s->used = DRAWS_PER_DIGEST;
	s->ctx = EVP_MD_CTX_new();
	s->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!s->ctx || !s->md)
		return xp_fail(err, XP_E_INTERNAL, "SHA-256 cannot be had");
	return XP_OK;
}

static uint64_t stream_next(struct stream *s)
{
	if (s->used == DRAWS_PER_DIGEST) {
		put_be64(s->input + SEED_BYTES, s->counter++);
		if (EVP_DigestInit_ex2(s->ctx, s->md, NULL) != 1 ||
		    EVP_DigestUpdate(s->ctx, s->input, sizeof(s->input)) != 1 ||
		    EVP_DigestFinal_ex(s->ctx, s->digest, NULL) != 1)
			s->failed = true;
		s->used = 0;
	}
	return get_be64(s->digest + 8 * (size_t)s->used++);
}

/* Uniform in [0, n): numbers at or above the largest multiple of n are thrown away. */
static uint64_t stream_below(struct stream *s, uint64_t n)
{
	uint64_t tail = (UINT64_MAX % n + 1) % n; /* 2^64 mod n */
	uint64_t v = stream_next(s);

	while (!s->failed && v > UINT64_MAX - tail)
		v = stream_next(s);
	return v % n;
}

/* What a plan is made over: the target as units, the last of which may be short. */
struct ground {
	uint64_t capacity;
	uint32_t unit; /* bytes */
	uint64_t units;
	uint64_t free_units; /* outside the places that are always read */
	struct xp_extent *always;
	size_t always_n;
	uint64_t always_bytes;
};

static enum xp_rc ground_make(struct ground *g, uint64_t capacity, uint32_t block,
			      struct xp_err *err)
{
	uint64_t taken = 0;

	if (capacity == 0 || block == 0 || block > (1u << 24))
		return xp_fail(err, XP_E_USAGE, "no sample of a target of %llu bytes, blocks of %u",
			       (unsigned long long)capacity, block);
	g->capacity = capacity;
	g->unit = block >= UNIT_MIN_BYTES ? block : (UNIT_MIN_BYTES + block - 1) / block * block;
	g->units = capacity / g->unit + (capacity % g->unit != 0);
	TRY(xp_sample_places(&g->always, &g->always_n, capacity, g->unit, block, err));
	for (size_t i = 0; i < g->always_n; i++) {
		taken += (g->always[i].len + g->unit - 1) / g->unit;
		g->always_bytes += g->always[i].len;
	}
	g->free_units = g->units - taken;
	return XP_OK;
}

/* The figures alone, without the places. */
static enum xp_rc ground_recall(struct ground *g, struct xp_sample_memo *memo, uint64_t capacity,
				uint32_t block, struct xp_err *err)
{
	struct xp_sample_figures *f = NULL;

	for (unsigned i = 0; i < XP_SAMPLE_MEMO_SLOTS && !f; i++)
		if (memo->slots[i].block == block && memo->slots[i].capacity == capacity)
			f = &memo->slots[i];
	if (f && block) {
		*g = (struct ground){.capacity = capacity,
				     .unit = f->unit,
				     .units = f->units,
				     .free_units = f->free_units,
				     .always_n = f->always_n,
				     .always_bytes = f->always_bytes};
		return XP_OK;
	}
	TRY(ground_make(g, capacity, block, err));
	memo->slots[memo->next++ % XP_SAMPLE_MEMO_SLOTS] =
		(struct xp_sample_figures){.capacity = capacity,
					   .block = block,
					   .unit = g->unit,
					   .units = g->units,
					   .free_units = g->free_units,
					   .always_n = g->always_n,
					   .always_bytes = g->always_bytes};
	return XP_OK;
}

static void ground_free(struct ground *g)
{
	free(g->always);
}

/* The whole target as one extent: nothing is left to chance, every unit counts. */
static enum xp_rc plan_whole(struct xp_sample_plan *out, const struct ground *g, bool list,
			     struct xp_err *err)
{
	out->independent = g->units;
	out->always = g->always_n;
	out->bytes = g->capacity;
	if (!list)
		return XP_OK;
	out->list = calloc(1, sizeof(*out->list));
	if (!out->list)
		return xp_fail(err, XP_E_NOMEM, "a sample plan");
	out->list[0] = (struct xp_extent){.offset = 0, .len = g->capacity};
	out->n = 1;
	return XP_OK;
}

static int by_offset(const void *a, const void *b)
{
	const struct xp_extent *x = a;
	const struct xp_extent *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Sorts and merges what touches or overlaps, and counts the distinct bytes. */
static void settle(struct xp_sample_plan *p)
{
	size_t last = 0;

	qsort(p->list, p->n, sizeof(*p->list), by_offset);
	for (size_t i = 1; i < p->n; i++) {
		struct xp_extent *l = &p->list[last];
		const struct xp_extent *e = &p->list[i];

		if (e->offset > l->offset + l->len)
			p->list[++last] = *e;
		else if (e->offset + e->len > l->offset + l->len)
			l->len = e->offset + e->len - l->offset;
	}
	p->n = last + 1;
	p->bytes = 0;
	for (size_t i = 0; i < p->n; i++)
		p->bytes += p->list[i].len;
}

static enum xp_rc list_new(struct xp_sample_plan *out, const struct ground *g, uint64_t n,
			   struct xp_err *err)
{
	out->list = calloc(n + g->always_n, sizeof(*out->list));
	if (!out->list)
		return xp_fail(err, XP_E_NOMEM, "a sample plan of %llu extents",
			       (unsigned long long)n);
	memcpy(out->list, g->always, g->always_n * sizeof(*out->list));
	out->n = g->always_n;
	return XP_OK;
}

/* [SP 800-88r1 4.7.3]: two samples of at least 5 % in each of 1000 subsections. */
static enum xp_rc plan_r1(struct xp_sample_plan *out, const struct ground *g, struct stream *s,
			  struct xp_err *err)
{
	TRY(list_new(out, g, R1_SUBSECTIONS * R1_PER_SECTION, err));
	for (uint64_t i = 0; i < R1_SUBSECTIONS; i++) {
		uint64_t begin = g->units / R1_SUBSECTIONS * i +
				 g->units % R1_SUBSECTIONS * i / R1_SUBSECTIONS;
		uint64_t next = g->units / R1_SUBSECTIONS * (i + 1) +
				g->units % R1_SUBSECTIONS * (i + 1) / R1_SUBSECTIONS;
		uint64_t width = next - begin;
		uint64_t size = (width * R1_PERCENT + 99) / 100;
		uint64_t room = width - R1_PER_SECTION * size + 1;
		uint64_t a = stream_below(s, room);
		uint64_t b = stream_below(s, room);
		const uint64_t at[R1_PER_SECTION] = {begin + (a < b ? a : b),
						     begin + (a < b ? b : a) + size};

		for (size_t k = 0; k < R1_PER_SECTION; k++) {
			uint64_t offset = at[k] * g->unit;
			uint64_t left = g->capacity - offset;
			uint64_t len = size * g->unit;

			out->list[out->n++] = (struct xp_extent){.offset = offset,
								 .len = len < left ? len : left};
		}
	}
	out->independent = R1_SUBSECTIONS * R1_PER_SECTION;
	out->always = g->always_n;
	settle(out);
	return XP_OK;
}

/* Numbers drawn so far, so that none is taken twice: open addressing, 0 is empty. */
struct drawn {
	uint64_t *slots;
	uint64_t mask;
};

static bool drawn_add(struct drawn *d, uint64_t v)
{
	uint64_t i = (v * 0x9e3779b97f4a7c15ULL) >> 20;

	for (;; i++) {
		uint64_t *slot = &d->slots[i & d->mask];

		if (*slot == v + 1)
			return false;
		if (*slot == 0) {
			*slot = v + 1;
			return true;
		}
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* N different numbers below G's free units, sorted. */
static enum xp_rc draw(uint64_t **out, uint64_t n, const struct ground *g, struct stream *s,
		       struct xp_err *err)
{
	AUTO_MEM uint64_t *picks = calloc(n, sizeof(*picks));
	AUTO_MEM uint64_t *slots = NULL;
	uint64_t size = 16;
	struct drawn d;

	while (size < 2 * n)
		size *= 2;
	slots = calloc(size, sizeof(*slots));
	if (!picks || !slots)
		return xp_fail(err, XP_E_NOMEM, "a sample of %llu extents", (unsigned long long)n);
	d = (struct drawn){.slots = slots, .mask = size - 1};
	for (uint64_t i = 0; i < n && !s->failed;) {
		uint64_t v = stream_below(s, g->free_units);

		if (drawn_add(&d, v))
			picks[i++] = v;
	}
	qsort(picks, n, sizeof(*picks), by_value);
	*out = STEAL(picks);
	return XP_OK;
}

/* Single units, drawn without replacement from those that no fixed place touches. */
static enum xp_rc plan_scattered(struct xp_sample_plan *out, const struct ground *g, uint64_t n,
				 struct stream *s, struct xp_err *err)
{
	AUTO_MEM uint64_t *picks = NULL;
	uint64_t skipped = 0;
	size_t a = 0;

	TRY(draw(&picks, n, g, s, err));
	TRY(list_new(out, g, n, err));
	for (uint64_t i = 0; i < n; i++) {
		/* the picks rise, so the places before them are passed once */
		while (a < g->always_n && (picks[i] + skipped) * g->unit >= g->always[a].offset) {
			skipped += (g->always[a].len + g->unit - 1) / g->unit;
			a++;
		}
		out->list[out->n++] = (struct xp_extent){.offset = (picks[i] + skipped) * g->unit,
							 .len = g->unit};
	}
	out->independent = n;
	out->always = g->always_n;
	settle(out);
	return XP_OK;
}

struct wish {
	enum xp_sample_scheme scheme;
	uint64_t n;
	const uint8_t *seed;
	bool list;
	struct xp_sample_memo *memo; /* NULL: none */
};

static enum xp_rc make(struct xp_sample_plan *out, const struct wish *w, const struct ground *g,
		       struct stream *s, struct xp_err *err)
{
	switch (w->scheme) {
	case XP_SAMPLE_NONE:
		break;
	case XP_SAMPLE_R1:
		if (g->units < R1_SUBSECTIONS * R1_PER_SECTION)
			return plan_whole(out, g, w->list, err);
		TRY(stream_open(s, w->seed, err));
		return plan_r1(out, g, s, err);
	case XP_SAMPLE_SCATTERED:
		if (w->n > g->free_units / 2)
			return plan_whole(out, g, w->list, err);
		if (!w->list) {
			out->independent = w->n;
			out->always = g->always_n;
			out->bytes = g->always_bytes + w->n * g->unit;
			return XP_OK;
		}
		TRY(stream_open(s, w->seed, err));
		return plan_scattered(out, g, w->n, s, err);
	}
	return xp_fail(err, XP_E_USAGE, "no scheme for the sample");
}

static enum xp_rc plan_make(struct xp_sample_plan *out, const struct wish *w, uint64_t capacity,
			    uint32_t block, struct xp_err *err)
{
	AUTO(ground_free) struct ground g = {0};
	AUTO(stream_close) struct stream s = {0};
	enum xp_rc rc;

	*out = (struct xp_sample_plan){0};
	if (w->n > XP_SAMPLE_MAX_N)
		return xp_fail(err, XP_E_USAGE, "more than %u sampled extents", XP_SAMPLE_MAX_N);
	/* scheme r1 and whoever wants the places themselves need more than the figures */
	if (w->memo && !w->list && w->scheme == XP_SAMPLE_SCATTERED)
		TRY(ground_recall(&g, w->memo, capacity, block, err));
	else
		TRY(ground_make(&g, capacity, block, err));
	out->always_bytes = g.always_bytes;
	out->unit_bytes = g.unit;
	rc = make(out, w, &g, &s, err);
	if (rc == XP_OK && s.failed)
		rc = xp_fail(err, XP_E_INTERNAL, "SHA-256 failed");
	if (rc != XP_OK)
		xp_sample_plan_free(out);
	return rc;
}

enum xp_rc xp_sample_plan_make(struct xp_sample_plan *out, enum xp_sample_scheme scheme, uint64_t n,
			       uint64_t capacity_bytes, uint32_t logical_block_bytes,
			       const uint8_t seed[32], struct xp_err *err)
{
	const struct wish w = {scheme, n ? n : XP_SAMPLE_DEFAULT_N, seed, true, NULL};

	return plan_make(out, &w, capacity_bytes, logical_block_bytes, err);
}

enum xp_rc xp_sample_plan_figures(struct xp_sample_plan *out, const struct xp_sample_wish *wish,
				  struct xp_sample_memo *memo, struct xp_err *err)
{
	const struct wish w = {wish->scheme, wish->n ? wish->n : XP_SAMPLE_DEFAULT_N, wish->seed,
			       false, memo};

	TRY(plan_make(out, &w, wish->capacity_bytes, wish->logical_block_bytes, err));
	free(out->list);
	out->list = NULL;
	out->n = 0;
	return XP_OK;
}

enum xp_rc xp_sample_plan_totals(struct xp_sample_plan *out, enum xp_sample_scheme scheme,
				 uint64_t n, uint64_t capacity_bytes, uint32_t logical_block_bytes,
				 const uint8_t seed[32], struct xp_err *err)
{
	return xp_sample_plan_figures(
		out, &(struct xp_sample_wish){scheme, n, capacity_bytes, logical_block_bytes, seed},
		NULL, err);
}

void xp_sample_plan_free(struct xp_sample_plan *p)
{
	free(p->list);
	*p = (struct xp_sample_plan){0};
}

static enum xp_rc told_figures(struct xp_sample_plan *totals, const struct xp_sample_told *t,
			       uint64_t n)
{
	const struct xp_sample_wish wish = {t->scheme, n, t->capacity_bytes, t->logical_block_bytes,
					    t->seed};

	return xp_sample_plan_figures(totals, &wish, t->memo, NULL);
}

static bool is_plan(struct xp_sample_plan *totals, const struct xp_sample_told *t, uint64_t n)
{
	return n && n <= XP_SAMPLE_MAX_N && told_figures(totals, t, n) == XP_OK &&
	       totals->bytes == t->bytes_planned;
}

bool xp_sample_plan_find(struct xp_sample_plan *totals, uint64_t *n, const struct xp_sample_told *t)
{
	uint64_t low = 1;
	uint64_t high = t->scheme == XP_SAMPLE_SCATTERED ? XP_SAMPLE_MAX_N : 1;

	/* most often all that was planned was read */
	*n = t->scheme == XP_SAMPLE_SCATTERED ? t->extents : 1;
	if (is_plan(totals, t, *n))
		return true;
	while (low <= high) {
		*n = low + (high - low) / 2;
		if (told_figures(totals, t, *n) != XP_OK)
			return false;
		if (totals->bytes == t->bytes_planned)
			return true;
		if (totals->bytes < t->bytes_planned)
			low = *n + 1;
		else
			high = *n - 1;
	}
	return false;
}
