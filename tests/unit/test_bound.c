#include "claim/bound.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* n >= ln(1 - C) / ln(1 - f), at 95, 99 and 99.9 %. */
static void test_extents_needed_table_is_met(void **state)
{
	static const struct {
		uint64_t ppb, n[3];
	} rows[] = {
		{100000000, {29, 44, 66}},	   {50000000, {59, 90, 135}},
		{10000000, {299, 459, 688}},	   {5000000, {598, 919, 1379}},
		{1000000, {2995, 4603, 6905}},	   {100000, {29956, 46050, 69075}},
		{10000, {299572, 460515, 690773}},
	};
	static const unsigned confidence[3] = {950, 990, 999};

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		for (size_t c = 0; c < 3; c++)
			assert_int_equal(xp_bound_extents_needed(rows[r].ppb, confidence[c]),
					 rows[r].n[c]);
	/* 2.996, 4.605 and 6.908 million for one in a million */
	assert_in_range(xp_bound_extents_needed(1000, 950), 2995500, 2996500);
	assert_in_range(xp_bound_extents_needed(1000, 990), 4604500, 4605500);
	assert_in_range(xp_bound_extents_needed(1000, 999), 6907500, 6908500);
}

static void test_bound_is_the_smallest_that_n_supports(void **state)
{
	static const uint64_t n[] = {1, 2, 10, 66, 2000, 6905, 69075, 1000000, 123456789};
	static const unsigned confidence[] = {950, 990, 999};

	(void)state;
	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		for (size_t c = 0; c < 3; c++) {
			uint64_t ppb = xp_bound_residue_ppb(n[i], confidence[c]);

			assert_true(xp_bound_extents_needed(ppb, confidence[c]) <= n[i]);
			if (ppb > 1)
				assert_true(xp_bound_extents_needed(ppb - 1, confidence[c]) > n[i]);
		}
	}
}

static void test_bound_known_values_hold(void **state)
{
	(void)state;
	/* 1 - 0.05 and 1 - 0.001 after a single extent, rounded up */
	assert_int_equal(xp_bound_residue_ppb(1, 950), 950000001);
	assert_int_equal(xp_bound_residue_ppb(1, 999), 999000001);
	/* 1e9 (1 - (1 - C)^(1/n)), computed with 40 digits and rounded up */
	assert_int_equal(xp_bound_residue_ppb(2000, 950), 1496745);
	assert_int_equal(xp_bound_residue_ppb(2000, 990), 2299937);
	assert_int_equal(xp_bound_residue_ppb(2000, 999), 3447920);
	assert_int_equal(xp_bound_residue_ppb(69075, 950), 43369);
	assert_int_equal(xp_bound_residue_ppb(69075, 990), 66667);
	assert_int_equal(xp_bound_residue_ppb(69075, 999), 99999);
}

static void test_bound_nothing_known_is_everything(void **state)
{
	(void)state;
	assert_int_equal(xp_bound_residue_ppb(0, 999), 1000000000);
	assert_int_equal(xp_bound_residue_ppb(69075, 1000), 1000000000);
	assert_int_equal(xp_bound_residue_ppb(69075, 0), 1000000000);
	assert_true(xp_bound_extents_needed(0, 999) == UINT64_MAX);
	assert_true(xp_bound_extents_needed(1, 1000) == UINT64_MAX);
	assert_int_equal(xp_bound_extents_needed(1000000000, 999), 1);
	assert_int_equal(xp_bound_extents_needed(2000000000, 999), 1);
	assert_int_equal(xp_bound_residue_ppb(UINT64_MAX, 999), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extents_needed_table_is_met),
		cmocka_unit_test(test_bound_is_the_smallest_that_n_supports),
		cmocka_unit_test(test_bound_known_values_hold),
		cmocka_unit_test(test_bound_nothing_known_is_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
