/* A short liar campaign; make soak runs a long one. */
#include "tests/fake/campaign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define JOBS 100

static void run(const struct campaign_kind *kind)
{
	struct campaign_result r = {0};

	if (!erase_lab.permit)
		skip();
	campaign_run(&r, &erase_lab, kind, 1000000, JOBS);
	if (r.wrong)
		fail_msg("seed %llu: %s", (unsigned long long)r.first_wrong_seed, r.why);
	assert_true(campaign_is_good(&r));
	/* it did what it is for */
	assert_int_equal(r.jobs, JOBS);
	assert_true(r.claims[XP_NONE] && r.claims[XP_CLEAR] && r.claims[XP_PURGE]);
	assert_true(r.caught > JOBS / 20);
	assert_true(r.cut > JOBS / 20);
}

static void test_campaign_ata_claims_nothing_that_the_media_do_not_bear(void **state)
{
	(void)state;
	run(&campaign_ata);
}

static void test_campaign_scsi_claims_nothing_that_the_media_do_not_bear(void **state)
{
	(void)state;
	run(&campaign_scsi);
}

static void test_campaign_nvme_claims_nothing_that_the_media_do_not_bear(void **state)
{
	(void)state;
	run(&campaign_nvme);
}

/* The checker itself: more slips than the bound lets expect, or one wrong claim, is no good. */
static void test_campaign_is_good_only_within_the_bound(void **state)
{
	struct campaign_result sum = {0};
	struct campaign_result r = {.jobs = 1, .slipped = 40, .expected = 39};

	(void)state;
	assert_true(campaign_is_good(&r));
	r.slipped = 90;
	assert_false(campaign_is_good(&r));
	r = (struct campaign_result){.jobs = 1, .wrong = 1, .first_wrong_seed = 7};
	assert_false(campaign_is_good(&r));
	campaign_add(&sum, &r);
	assert_int_equal(sum.first_wrong_seed, 7);
	assert_false(campaign_is_good(&sum));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_campaign_ata_claims_nothing_that_the_media_do_not_bear),
		cmocka_unit_test(test_campaign_scsi_claims_nothing_that_the_media_do_not_bear),
		cmocka_unit_test(test_campaign_nvme_claims_nothing_that_the_media_do_not_bear),
		cmocka_unit_test(test_campaign_is_good_only_within_the_bound),
	};

	return cmocka_run_group_tests(tests, erase_lab_setup, erase_lab_teardown);
}
