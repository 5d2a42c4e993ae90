#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sanitize/overwrite/pattern.h"
#include "sanitize/overwrite/writer.h"
#include "claim/sample_places.h"
#include "tests/fake/fake_medium.h"
#include "verify/verify.h"

/* A medium with CONTENT all over it, written by the actor. */
static void erase(struct fake_medium *m, struct xp_extent_io *io, const struct xp_content *content)
{
	struct xp_overwrite_result out;
	const struct xp_overwrite_request req = {
		.io = io,
		.capacity_bytes = m->capacity,
		.logical_block_bytes = m->block,
		.content = *content,
		.pass = 1,
		.passes = 1,
	};

	assert_int_equal(xp_overwrite_run(&out, &req, NULL), XP_OK);
	assert_int_equal(out.bytes_written, m->capacity);
	xp_overwrite_result_free(&out);
}

static struct xp_content zeros(void)
{
	return (struct xp_content){.kind = XP_CONTENT_ZERO};
}

static struct xp_verify_request full(const struct fake_medium *m, struct xp_extent_io *io,
				     const struct xp_content *content)
{
	return (struct xp_verify_request){
		.io = io,
		.capacity_bytes = m->capacity,
		.logical_block_bytes = m->block,
		.mode = XP_READBACK_FULL,
		.expected = *content,
	};
}

static void assert_clean(const struct xp_readback_result *out, const struct fake_medium *m)
{
	assert_int_equal(out->mismatch_total, 0);
	assert_int_equal(out->mismatch_n, 0);
	assert_int_equal(out->read_errors.total_count, 0);
	assert_int_equal(out->bytes_planned, m->capacity);
	assert_int_equal(out->bytes_delivered, m->capacity);
	assert_int_equal(out->coverage_ppm, 1000000);
}

static struct xp_content random_content(uint32_t *rng)
{
	struct xp_content c = {0};

	switch (fake_random(rng) % 3) {
	case 0:
		c.kind = XP_CONTENT_ZERO;
		break;
	case 1:
		c.kind = XP_CONTENT_PATTERN;
		c.pattern_len = fake_random(rng) % XP_PATTERN_MAX + 1;
		for (uint32_t i = 0; i < c.pattern_len; i++)
			c.pattern[i] = (uint8_t)fake_random(rng);
		break;
	default:
		c.kind = XP_CONTENT_RANDOM;
		for (unsigned i = 0; i < XP_CONTENT_KEY_BYTES; i++)
			c.key[i] = (uint8_t)fake_random(rng);
	}
	return c;
}

static void test_verify_agrees_with_the_writer(void **state)
{
	uint32_t rng = 77;

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		uint32_t block = i % 2 ? 512 : 4096;
		struct xp_content content = random_content(&rng);
		struct xp_extent_config cfg = {.block_bytes = 4096u << fake_random(&rng) % 6,
					       .depth = 1 + fake_random(&rng) % 9};
		struct xp_readback_result out;
		struct xp_verify_request req;
		struct fake_medium m;
		struct xp_extent_io *io;
		uint64_t at;

		fake_medium_init(&m, (uint64_t)block * (1 + fake_random(&rng) % 600), block);
		m.short_transfers = i % 5 == 0;
		io = fake_medium_io(&m, &cfg);
		erase(&m, io, &content);
		req = full(&m, io, &content);
		assert_int_equal(xp_verify_run(&out, &req, NULL), XP_OK);
		assert_clean(&out, &m);
		xp_readback_result_free(&out);
		/* one bit anywhere is one bit too many */
		at = fake_random(&rng) % m.capacity;
		m.data[at] ^= (uint8_t)(1u << fake_random(&rng) % 8);
		assert_int_equal(xp_verify_run(&out, &req, NULL), XP_OK);
		assert_int_equal(out.mismatch_total, 1);
		assert_int_equal(out.mismatch_n, 1);
		assert_int_equal(out.mismatches[0].offset, at);
		assert_int_equal(out.mismatches[0].len, 1);
		assert_int_equal(out.mismatches[0].found[0], m.data[at]);
		xp_readback_result_free(&out);
		xp_extent_io_free(&io);
		fake_medium_free(&m);
	}
}

static void test_verify_wrong_key_matches_nowhere(void **state)
{
	struct xp_content content = {.kind = XP_CONTENT_RANDOM, .key = {1}};
	struct xp_readback_result out;
	struct xp_verify_request req;
	struct fake_medium m;
	struct xp_extent_io *io;

	(void)state;
	fake_medium_init(&m, 256 * 512, 512);
	io = fake_medium_io(&m, NULL);
	erase(&m, io, &content);
	content.key[15] ^= 0x80;
	req = full(&m, io, &content);
	assert_int_equal(xp_verify_run(&out, &req, NULL), XP_OK);
	assert_int_equal(out.mismatch_total, 256);
	assert_int_equal(out.mismatch_n, 1); /* one stretch that looks alike */
	assert_true(out.mismatches[0].len > 255 * 512);
	xp_readback_result_free(&out);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_verify_residue_of_one_block_is_found_anywhere(void **state)
{
	struct xp_content content = zeros();
	struct fake_medium m;
	struct xp_extent_io *io;

	(void)state;
	fake_medium_init(&m, 512 * 700, 512);
	io = fake_medium_io(&m, NULL);
	for (uint64_t block = 0; block < 700; block++) {
		struct xp_readback_result out;
		struct xp_verify_request req = full(&m, io, &content);

		memset(m.data, 0, m.capacity);
		memset(m.data + 512 * block + 3, 0x5a, 400);
		m.data[512 * block + 200] = 1;
		assert_int_equal(xp_verify_run(&out, &req, NULL), XP_OK);
		assert_int_equal(out.mismatch_total, 1);
		assert_int_equal(out.mismatches[0].offset, 512 * block + 3);
		assert_int_equal(out.mismatches[0].len, 400);
		assert_memory_equal(out.mismatches[0].found, m.data + 512 * block + 3,
				    XP_FOUND_BYTES);
		assert_string_equal(out.mismatches[0].kind, "data");
		assert_int_equal(out.bytes_delivered, m.capacity);
		xp_readback_result_free(&out);
	}
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_verify_found_bytes_are_classified(void **state)
{
	static const struct {
		const char *kind;
		uint8_t bytes[4];
	} cases[] = {
		{"ff", {0xff, 0xff, 0xff, 0xff}},
		{"pattern", {0x33, 0xcc, 0x55, 0xaa}},
		{"pattern", {7, 7, 7, 7}},
		{"zero", {0, 0, 0, 0}},
	};
	struct xp_content content = {
		.kind = XP_CONTENT_PATTERN, .pattern = {0xab}, .pattern_len = 1};
	struct xp_readback_result out;
	struct xp_verify_request req;
	struct fake_medium m;
	struct xp_extent_io *io;

	(void)state;
	fake_medium_init(&m, 4096 * 64, 4096);
	io = fake_medium_io(&m, NULL);
	erase(&m, io, &content);
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < 8192; j++) /* two blocks each, next to each other */
			m.data[8192 * (i + 1) + j] = cases[i].bytes[j % 4];
	}
	req = full(&m, io, &content);
	assert_int_equal(xp_verify_run(&out, &req, NULL), XP_OK);
	assert_int_equal(out.mismatch_total, 8);
	/* two neighbours of kind "pattern" are one stretch */
	assert_int_equal(out.mismatch_n, 3);
	assert_string_equal(out.mismatches[0].kind, "ff");
	assert_int_equal(out.mismatches[0].offset, 8192);
	assert_int_equal(out.mismatches[0].len, 8192);
	assert_string_equal(out.mismatches[1].kind, "pattern");
	assert_int_equal(out.mismatches[1].len, 16384);
	assert_string_equal(out.mismatches[2].kind, "zero");
	xp_readback_result_free(&out);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_verify_list_is_bounded_and_the_count_is_not(void **state)
{
	struct xp_content content = zeros();
	struct xp_readback_result out;
	struct xp_verify_request req;
	struct fake_medium m;
	struct xp_extent_io *io;

	(void)state;
	fake_medium_init(&m, 512 * 4000, 512);
	io = fake_medium_io(&m, NULL);
	memset(m.data, 0, m.capacity);
	for (uint64_t i = 0; i < 4000; i += 2)
		m.data[512 * i + 9] = 1;
	req = full(&m, io, &content);
	assert_int_equal(xp_verify_run(&out, &req, NULL), XP_OK);
	assert_int_equal(out.mismatch_total, 2000);
	assert_int_equal(out.mismatch_n, XP_MISMATCHES_MAX);
	for (size_t i = 1; i < out.mismatch_n; i++)
		assert_true(out.mismatches[i - 1].offset < out.mismatches[i].offset);
	xp_readback_result_free(&out);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_verify_read_errors_are_listed_and_not_delivered(void **state)
{
	struct xp_content content = zeros();
	struct xp_readback_result out;
	struct xp_verify_request req;
	struct fake_medium m;
	struct xp_extent_io *io;

	(void)state;
	fake_medium_init(&m, 4 << 20, 512);
	io = fake_medium_io(&m, NULL);
	memset(m.data, 0, m.capacity);
	fake_medium_fault(&m, 512 * 33, 512 * 2);
	req = full(&m, io, &content);
	assert_int_equal(xp_verify_run(&out, &req, NULL), XP_OK);
	assert_int_equal(out.read_errors.total_bytes, 1024);
	assert_int_equal(out.read_errors.list[0].offset, 512 * 33);
	assert_int_equal(out.bytes_delivered, m.capacity - 1024);
	assert_int_equal(out.coverage_ppm, 999755); /* rounded down */
	assert_int_equal(out.mismatch_total, 0);
	xp_readback_result_free(&out);
	m.gone_after = m.transfers + 10;
	assert_int_equal(xp_verify_run(&out, &req, NULL), XP_E_IO);
	assert_true(out.bytes_delivered < m.capacity);
	xp_readback_result_free(&out);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static void test_verify_unknown_content_is_read_and_not_judged(void **state)
{
	struct xp_content content = {.kind = XP_CONTENT_UNKNOWN};
	struct xp_readback_result out;
	struct xp_verify_request req;
	struct fake_medium m;
	struct xp_extent_io *io;

	(void)state;
	fake_medium_init(&m, 1 << 20, 512);
	io = fake_medium_io(&m, NULL);
	req = full(&m, io, &content);
	assert_int_equal(xp_verify_run(&out, &req, NULL), XP_OK);
	assert_clean(&out, &m);
	assert_int_equal(out.expected.kind, XP_CONTENT_UNKNOWN);
	xp_readback_result_free(&out);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

static bool now(void *ctx)
{
	unsigned *left = ctx;

	return *left == 0 || --*left == 0;
}

static void test_verify_cancelled_bounds_nothing(void **state)
{
	struct xp_content content = zeros();
	struct xp_readback_result out;
	struct xp_verify_request req;
	struct fake_medium m;
	struct xp_extent_io *io;
	unsigned left = 20;

	(void)state;
	fake_medium_init(&m, 32 << 20, 512);
	io = fake_medium_io(&m, NULL);
	memset(m.data, 0, m.capacity);
	req = full(&m, io, &content);
	req.mode = XP_READBACK_SAMPLE;
	req.scheme = XP_SAMPLE_SCATTERED;
	req.sample_n = 3000;
	req.ctx = &left;
	req.cancelled = now;
	assert_int_equal(xp_verify_run(&out, &req, NULL), XP_E_CANCELLED);
	assert_int_equal(out.extents, 0);
	assert_true(out.bytes_delivered > 0);
	assert_true(out.bytes_delivered < out.bytes_planned);
	xp_readback_result_free(&out);
	req.mode = XP_READBACK_NONE;
	assert_int_equal(xp_verify_run(&out, &req, NULL), XP_E_USAGE);
	xp_readback_result_free(&out);
	xp_extent_io_free(&io);
	fake_medium_free(&m);
}

/* --- sampling --- */

#define BLOCK	 512u
#define PLACE	 4096u /* one scattered extent */
#define CAPACITY (24u << 20)
#define PLACES	 (CAPACITY / PLACE)

struct sampling {
	struct fake_medium m;
	struct xp_extent_io *io;
	struct xp_verify_request req;
	unsigned *drawable; /* places that are not always read */
	unsigned drawable_n;
};

static void sampling_init(struct sampling *s, uint64_t n)
{
	struct xp_content content = zeros();
	struct xp_extent *always = NULL;
	size_t always_n = 0;
	size_t a = 0;

	fake_medium_init(&s->m, CAPACITY, BLOCK);
	memset(s->m.data, 0, s->m.capacity);
	s->io = fake_medium_io(&s->m, NULL);
	s->req = full(&s->m, s->io, &content);
	s->req.mode = XP_READBACK_SAMPLE;
	s->req.scheme = XP_SAMPLE_SCATTERED;
	s->req.sample_n = n;
	s->drawable = calloc(PLACES, sizeof(*s->drawable));
	s->drawable_n = 0;
	assert_non_null(s->drawable);
	assert_int_equal(xp_sample_places(&always, &always_n, CAPACITY, PLACE, BLOCK, NULL), XP_OK);
	for (unsigned i = 0; i < PLACES; i++) {
		while (a < always_n && always[a].offset + always[a].len <= (uint64_t)i * PLACE)
			a++;
		if (a == always_n || always[a].offset > (uint64_t)i * PLACE)
			s->drawable[s->drawable_n++] = i;
	}
	assert_true(s->drawable_n > 1000);
	free(always);
}

static void sampling_free(struct sampling *s)
{
	free(s->drawable);
	xp_extent_io_free(&s->io);
	fake_medium_free(&s->m);
}

static bool sample_finds(struct sampling *s, uint32_t seed)
{
	struct xp_readback_result out;
	bool found;

	memset(s->req.seed, 0, sizeof(s->req.seed));
	memcpy(s->req.seed, &seed, sizeof(seed));
	s->m.bytes_read = 0;
	assert_int_equal(xp_verify_run(&out, &s->req, NULL), XP_OK);
	assert_int_equal(out.bytes_delivered, out.bytes_planned);
	assert_int_equal(out.bytes_delivered, s->m.bytes_read);
	assert_memory_equal(out.seed, s->req.seed, sizeof(out.seed));
	found = out.mismatch_total != 0;
	xp_readback_result_free(&out);
	return found;
}

static void test_sample_clean_target_reports_the_plan(void **state)
{
	struct xp_readback_result out;
	struct xp_sample_plan plan;
	struct sampling s;

	(void)state;
	sampling_init(&s, 200);
	s.req.seed[5] = 9;
	assert_int_equal(xp_verify_run(&out, &s.req, NULL), XP_OK);
	assert_int_equal(xp_sample_plan_make(&plan, XP_SAMPLE_SCATTERED, 200, s.m.capacity, BLOCK,
					     s.req.seed, NULL),
			 XP_OK);
	assert_int_equal(out.extents, plan.independent);
	assert_int_equal(out.always_extents, plan.always);
	assert_int_equal(out.bytes_planned, plan.bytes);
	assert_int_equal(out.bytes_delivered, plan.bytes);
	assert_int_equal(out.coverage_ppm, plan.bytes * 1000000 / s.m.capacity);
	assert_int_equal(out.mismatch_total, 0);
	xp_sample_plan_free(&plan);
	xp_readback_result_free(&out);
	sampling_free(&s);
}

static void test_sample_unreadable_extents_do_not_count(void **state)
{
	struct xp_readback_result clean, out;
	struct xp_sample_plan plan;
	struct sampling s;

	(void)state;
	sampling_init(&s, 200);
	assert_int_equal(xp_verify_run(&clean, &s.req, NULL), XP_OK);
	assert_int_equal(xp_sample_plan_make(&plan, XP_SAMPLE_SCATTERED, 200, s.m.capacity, BLOCK,
					     s.req.seed, NULL),
			 XP_OK);
	for (size_t i = 0, k = 0; k < 5; i++) {
		if (plan.list[i].len == PLACE) { /* drawn, and alone */
			fake_medium_fault(&s.m, plan.list[i].offset, BLOCK);
			k++;
		}
	}
	assert_int_equal(xp_verify_run(&out, &s.req, NULL), XP_OK);
	assert_int_equal(out.read_errors.total_bytes, 5 * BLOCK);
	assert_true(out.extents + 5 <= clean.extents);
	assert_true(out.extents + 10 >= clean.extents);
	assert_int_equal(out.bytes_delivered, clean.bytes_delivered - 5 * BLOCK);
	xp_sample_plan_free(&plan);
	xp_readback_result_free(&clean);
	xp_readback_result_free(&out);
	sampling_free(&s);
}

/* Hits over many seeds against the hypergeometric rate: RESIDUE bad ones of N, DRAWN are looked at.
 */
static void assert_hit_rate(unsigned hits, unsigned seeds, unsigned all, unsigned residue,
			    unsigned drawn)
{
	double miss = 1;
	double expected, far;

	for (unsigned i = 0; i < residue; i++)
		miss *= 1.0 - (double)drawn / (all - i);
	expected = seeds * (1 - miss);
	far = hits - expected;
	/* four standard deviations */
	if (far * far > 16 * seeds * miss * (1 - miss))
		fail_msg("%u hits of %u, %.1f expected", hits, seeds, expected);
}

static void test_sample_finds_scattered_residue_as_often_as_it_should(void **state)
{
	const unsigned residue = 30;
	const unsigned n = 120;
	const unsigned seeds = 250;
	struct sampling s;
	unsigned hits = 0;
	uint32_t rng = 4711;

	(void)state;
	sampling_init(&s, n);
	for (uint32_t seed = 1; seed <= seeds; seed++) {
		uint64_t at[64];
		unsigned placed = 0;

		while (placed < residue) {
			at[placed] = (uint64_t)s.drawable[fake_random(&rng) % s.drawable_n] * PLACE;
			at[placed] += fake_random(&rng) % PLACE / BLOCK * BLOCK;
			if (s.m.data[at[placed] / PLACE * PLACE] == 0) {
				s.m.data[at[placed] / PLACE * PLACE] = 1;
				s.m.data[at[placed++]] = 1;
			}
		}
		hits += sample_finds(&s, seed);
		while (placed) {
			s.m.data[at[--placed]] = 0;
			s.m.data[at[placed] / PLACE * PLACE] = 0;
		}
	}
	assert_hit_rate(hits, seeds, s.drawable_n, residue, n);
	sampling_free(&s);
}

/* One stretch: what is found depends on the places it covers, not on the bytes in them. */
static void test_sample_finds_clustered_residue_as_often_as_it_should(void **state)
{
	static const unsigned lengths[] = {8, 64};
	const unsigned n = 100;
	const unsigned seeds = 200;
	struct sampling s;

	(void)state;
	sampling_init(&s, n);
	for (size_t i = 0; i < 2; i++) {
		unsigned first = s.drawable_n / 3;
		unsigned hits = 0;

		while (s.drawable[first + lengths[i] - 1] != s.drawable[first] + lengths[i] - 1)
			first++;
		memset(s.m.data + (size_t)s.drawable[first] * PLACE, 0xe5,
		       (size_t)lengths[i] * PLACE);
		for (uint32_t seed = 1; seed <= seeds; seed++)
			hits += sample_finds(&s, seed * 2654435761u);
		assert_hit_rate(hits, seeds, s.drawable_n, lengths[i], n);
		memset(s.m.data, 0, s.m.capacity);
	}
	sampling_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify_agrees_with_the_writer),
		cmocka_unit_test(test_verify_wrong_key_matches_nowhere),
		cmocka_unit_test(test_verify_residue_of_one_block_is_found_anywhere),
		cmocka_unit_test(test_verify_found_bytes_are_classified),
		cmocka_unit_test(test_verify_list_is_bounded_and_the_count_is_not),
		cmocka_unit_test(test_verify_read_errors_are_listed_and_not_delivered),
		cmocka_unit_test(test_verify_unknown_content_is_read_and_not_judged),
		cmocka_unit_test(test_verify_cancelled_bounds_nothing),
		cmocka_unit_test(test_sample_clean_target_reports_the_plan),
		cmocka_unit_test(test_sample_unreadable_extents_do_not_count),
		cmocka_unit_test(test_sample_finds_scattered_residue_as_often_as_it_should),
		cmocka_unit_test(test_sample_finds_clustered_residue_as_often_as_it_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
