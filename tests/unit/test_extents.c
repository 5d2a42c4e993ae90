/* Lists of ranges: neighbours join, order returns, what is cut off goes on counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/extents.h"

static void add(struct xp_extents *e, uint64_t offset, uint64_t len)
{
	struct xp_err err;

	assert_int_equal(xp_extents_add(e, offset, len, &err), XP_OK);
}

static void test_extents_that_touch_are_joined(void **state)
{
	AUTO(xp_extents_free) struct xp_extents e = {0};

	(void)state;
	add(&e, 0, 512);
	add(&e, 512, 512);
	add(&e, 4096, 0);
	add(&e, 4096, 512);
	assert_int_equal(e.n, 2);
	assert_int_equal(e.total_count, 2);
	assert_int_equal(e.list[0].len, 1024);
	assert_int_equal(e.total_bytes, 1536);
}

static void test_extents_out_of_order_are_sorted_and_joined(void **state)
{
	AUTO(xp_extents_free) struct xp_extents e = {0};

	(void)state;
	add(&e, 8192, 4096);
	add(&e, 0, 512);
	add(&e, 4096, 4096);
	add(&e, 100, 100);
	add(&e, 400, 300);
	xp_extents_sort(&e);
	assert_int_equal(e.n, 2);
	assert_int_equal(e.list[0].offset, 0);
	assert_int_equal(e.list[0].len, 700);
	assert_int_equal(e.list[1].offset, 4096);
	assert_int_equal(e.list[1].len, 8192);
	assert_int_equal(e.total_count, 2);
	assert_int_equal(e.total_bytes, 8892);
}

static void test_extents_past_the_limit_still_count(void **state)
{
	AUTO(xp_extents_free) struct xp_extents e = {0};

	(void)state;
	for (uint64_t i = XP_EXTENTS_MAX + 10; i > 0; i--)
		add(&e, i * 8192, 512);
	assert_int_equal(e.n, XP_EXTENTS_MAX);
	assert_int_equal(e.total_count, XP_EXTENTS_MAX + 10);
	assert_int_equal(e.total_bytes, (XP_EXTENTS_MAX + 10) * 512);
	xp_extents_sort(&e);
	assert_int_equal(e.total_count, XP_EXTENTS_MAX + 10);
	assert_true(e.list[0].offset < e.list[1].offset);
}

static void test_extents_empty_are_left_alone(void **state)
{
	struct xp_extents e = {0};

	(void)state;
	xp_extents_sort(&e);
	assert_int_equal(e.n, 0);
	xp_extents_free(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extents_that_touch_are_joined),
		cmocka_unit_test(test_extents_out_of_order_are_sorted_and_joined),
		cmocka_unit_test(test_extents_past_the_limit_still_count),
		cmocka_unit_test(test_extents_empty_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
