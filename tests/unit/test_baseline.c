/* What stood before a device technique, and whether it still stands there. */
#include "verify/baseline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/fake/fake_medium.h"

#define BLOCK	 512u
#define CAPACITY (8u << 20)
#define BLOCKS	 (CAPACITY / BLOCK)

struct world {
	struct fake_medium m;
	struct xp_extent_io *io;
	struct xp_baseline *b;
	struct xp_baseline_result before;
	struct xp_readback_result after;
	struct xp_verify_request how;
};

static void fill_with_data(struct fake_medium *m, uint64_t offset, uint64_t len, uint32_t seed)
{
	for (uint64_t i = 0; i < len; i++)
		m->data[offset + i] = (uint8_t)fake_random(&seed);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	fake_medium_init(&w->m, CAPACITY, BLOCK);
	w->io = fake_medium_io(&w->m, NULL);
	w->how = (struct xp_verify_request){
		.io = w->io,
		.capacity_bytes = CAPACITY,
		.logical_block_bytes = BLOCK,
		.scheme = XP_SAMPLE_SCATTERED,
		.clock = &w->m.clock,
	};
	w->how.seed[0] = 7;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	xp_baseline_free(&w->b);
	xp_baseline_result_free(&w->before);
	xp_readback_result_free(&w->after);
	xp_extent_io_free(&w->io);
	fake_medium_free(&w->m);
	free(w);
	return 0;
}

static void take(struct world *w)
{
	assert_int_equal(xp_baseline_take(&w->b, &w->before, &w->how, NULL), XP_OK);
}

static void compare(struct world *w)
{
	struct xp_readback_result *r = &w->after;

	assert_int_equal(xp_baseline_compare(r, w->b, &w->how, NULL), XP_OK);
	/* each block is of one kind */
	assert_int_equal(r->compared_blocks, r->unchanged_blocks + r->changed_blocks +
						     r->zero_blocks + r->pattern_blocks +
						     r->unreadable_blocks);
}

static void test_baseline_nothing_erased_all_unchanged(void **state)
{
	struct world *w = *state;

	fill_with_data(&w->m, 0, CAPACITY, 1);
	take(w);
	assert_int_equal(w->before.blocks, BLOCKS);
	assert_int_equal(w->before.informative_blocks, BLOCKS);
	assert_int_equal(w->before.bytes_planned, CAPACITY);
	assert_int_equal(w->before.bytes_delivered, CAPACITY);
	compare(w);
	assert_int_equal(w->after.unchanged_blocks, BLOCKS);
	assert_int_equal(w->after.baseline_informative, XP_ANSWER_YES);
}

static void test_baseline_one_block_left_is_found(void **state)
{
	struct world *w = *state;
	uint8_t kept[BLOCK];

	fill_with_data(&w->m, 0, CAPACITY, 1);
	take(w);
	memcpy(kept, w->m.data + 77 * BLOCK, BLOCK);
	fill_with_data(&w->m, 0, CAPACITY, 2);
	memcpy(w->m.data + 77 * BLOCK, kept, BLOCK);
	compare(w);
	assert_int_equal(w->after.unchanged_blocks, 1);
	assert_int_equal(w->after.changed_blocks, BLOCKS - 1);
}

static void test_baseline_kinds_after_are_told_apart(void **state)
{
	struct world *w = *state;
	static const uint8_t vendor[] = {0x33, 0xcc, 0x55, 0xaa};

	fill_with_data(&w->m, 0, CAPACITY, 1);
	take(w);
	memset(w->m.data, 0, CAPACITY / 4);
	memset(w->m.data + CAPACITY / 4, 0xff, CAPACITY / 4);
	for (size_t i = 0; i < CAPACITY / 4; i++)
		w->m.data[CAPACITY / 2 + i] = vendor[i % sizeof(vendor)];
	fill_with_data(&w->m, CAPACITY / 4 * 3, CAPACITY / 4, 9);
	fake_medium_fault(&w->m, CAPACITY - 4 * BLOCK, 4 * BLOCK);
	compare(w);
	assert_int_equal(w->after.zero_blocks, BLOCKS / 4);
	assert_int_equal(w->after.pattern_blocks, BLOCKS / 2);
	assert_int_equal(w->after.changed_blocks, BLOCKS / 4 - 4);
	assert_int_equal(w->after.unreadable_blocks, 4);
	assert_int_equal(w->after.unchanged_blocks, 0);
}

/* A drive that holds one pattern before and after shows nothing by it. */
static void test_baseline_plain_before_is_uninformative(void **state)
{
	struct world *w = *state;

	memset(w->m.data, 0, CAPACITY);
	memset(w->m.data, 0xff, CAPACITY / 2);
	take(w);
	assert_int_equal(w->before.informative_blocks, 0);
	compare(w);
	assert_int_equal(w->after.baseline_informative, XP_ANSWER_NO);
	assert_int_equal(w->after.unchanged_blocks, 0);
	assert_int_equal(w->after.zero_blocks, BLOCKS / 2);
	assert_int_equal(w->after.pattern_blocks, BLOCKS / 2);
}

static void test_baseline_unread_before_is_not_compared(void **state)
{
	struct world *w = *state;

	fill_with_data(&w->m, 0, CAPACITY, 1);
	fake_medium_fault(&w->m, 100 * BLOCK, 2 * BLOCK);
	take(w);
	assert_int_equal(w->before.blocks, BLOCKS - 2);
	assert_int_equal(w->before.read_errors.total_bytes, 2 * BLOCK);
	w->m.faults_n = 0;
	compare(w);
	assert_int_equal(w->after.compared_blocks, BLOCKS - 2);
}

/* A few hundred places of a larger target, as a drive has them. */
static void test_baseline_sample_reads_the_places_only(void **state)
{
	struct world *w = *state;
	struct xp_sample_plan plan;

	fill_with_data(&w->m, 0, CAPACITY, 1);
	w->how.sample_n = 20;
	assert_int_equal(xp_sample_plan_make(&plan, XP_SAMPLE_SCATTERED, 20, CAPACITY, BLOCK,
					     w->how.seed, NULL),
			 XP_OK);
	take(w);
	assert_int_equal(w->before.bytes_planned, plan.bytes);
	assert_int_equal(w->before.extents, 20);
	assert_int_equal(w->before.always_extents, plan.always);
	assert_int_equal(w->before.digest_n, plan.n);
	assert_int_equal(w->before.digests[0].offset, plan.list[0].offset);
	assert_int_equal(w->before.blocks, plan.bytes / BLOCK);
	compare(w);
	assert_int_equal(w->after.unchanged_blocks, plan.bytes / BLOCK);
	xp_sample_plan_free(&plan);
}

static void test_baseline_saved_and_loaded_finds_the_same(void **state)
{
	struct world *w = *state;
	AUTO_MEM uint8_t *bytes = NULL;
	size_t len = 0;

	fill_with_data(&w->m, 0, CAPACITY, 1);
	w->how.sample_n = 20;
	take(w);
	assert_int_equal(xp_baseline_save(&bytes, &len, w->b, NULL), XP_OK);
	xp_baseline_free(&w->b);
	assert_int_equal(xp_baseline_load(&w->b, bytes, len, NULL), XP_OK);
	fill_with_data(&w->m, 0, 1 << 20, 5);
	compare(w);
	assert_int_equal(w->after.changed_blocks, (1 << 20) / BLOCK);
	assert_int_equal(w->after.unchanged_blocks, w->before.blocks - (1 << 20) / BLOCK);
}

static void test_baseline_load_refuses_damage(void **state)
{
	struct world *w = *state;
	AUTO_MEM uint8_t *bytes = NULL;
	struct xp_baseline *b = NULL;
	size_t len = 0;

	w->how.sample_n = 20;
	take(w);
	assert_int_equal(xp_baseline_save(&bytes, &len, w->b, NULL), XP_OK);
	for (size_t at = 0; at < len; at += at < 80 ? 1 : 997) {
		bytes[at] ^= 1;
		assert_int_equal(xp_baseline_load(&b, bytes, len, NULL), XP_E_MALFORMED);
		assert_null(b);
		bytes[at] ^= 1;
	}
	for (size_t cut = 0; cut < len; cut += 101)
		assert_int_equal(xp_baseline_load(&b, bytes, cut, NULL), XP_E_MALFORMED);
}

static bool cancel(void *ctx)
{
	(void)ctx;
	return true;
}

static void test_baseline_cancelled_keeps_nothing(void **state)
{
	struct world *w = *state;

	w->how.cancelled = cancel;
	assert_int_equal(xp_baseline_take(&w->b, &w->before, &w->how, NULL), XP_E_CANCELLED);
	assert_null(w->b);
}

static void test_baseline_without_size_refused(void **state)
{
	struct world *w = *state;

	w->how.capacity_bytes = 0;
	assert_int_equal(xp_baseline_take(&w->b, &w->before, &w->how, NULL), XP_E_USAGE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_baseline_nothing_erased_all_unchanged),
		CASE(test_baseline_one_block_left_is_found),
		CASE(test_baseline_kinds_after_are_told_apart),
		CASE(test_baseline_plain_before_is_uninformative),
		CASE(test_baseline_unread_before_is_not_compared),
		CASE(test_baseline_sample_reads_the_places_only),
		CASE(test_baseline_saved_and_loaded_finds_the_same),
		CASE(test_baseline_load_refuses_damage),
		CASE(test_baseline_cancelled_keeps_nothing),
		CASE(test_baseline_without_size_refused),
	};

	return cmocka_run_group_tests_name("baseline", tests, NULL, NULL);
}
