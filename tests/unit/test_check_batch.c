/* Failures that a later record closes, and those that stay open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/fake/record_sample.h"

#include <stdio.h>
#include <string.h>

#include "certs/check_batch.h"

static struct xp_check_outcome failure, success;

static int setup(void **state)
{
	(void)state;
	failure = (struct xp_check_outcome){.exit_code = 3,
					    .is_known = true,
					    .kind = XP_RECORD_FAILURE,
					    .id = "id-1",
					    .scope = XP_SCOPE_DRIVE,
					    .wanted = XP_PURGE,
					    .issued_s = 1000,
					    .ended_s = 990};
	memset(failure.json_sha256, 7, 32);
	success = (struct xp_check_outcome){.is_known = true,
					    .kind = XP_RECORD_SANITIZATION,
					    .id = "id-2",
					    .scope = XP_SCOPE_DRIVE,
					    .level = XP_PURGE,
					    .issued_s = 1000,
					    .erased_s = 990,
					    .supersedes_id = "id-1"};
	memset(success.supersedes_sha256, 7, 32);
	return 0;
}

static const char *closed_by(void)
{
	struct xp_check_outcome other = {.exit_code = 1};
	struct xp_check_outcome *list[] = {&success, &other, &failure};

	assert_int_equal(xp_check_batch_close(list, 3, NULL), XP_OK);
	assert_string_equal(success.closed_by, "");
	assert_string_equal(other.closed_by, "");
	return failure.closed_by;
}

static void test_failure_with_later_success_is_closed(void **state)
{
	(void)state;
	assert_string_equal(closed_by(), "id-2");
	failure.closed_by[0] = 0;
	success.kind = XP_RECORD_DESTRUCTION;
	success.level = XP_NONE;
	assert_string_equal(closed_by(), "id-2");
}

static void test_failure_stays_open_unless_all_fits(void **state)
{
	(void)state;
	/* one namespace of a drive, and nothing tells which */
	success.scope = failure.scope = XP_SCOPE_NAMESPACE;
	assert_string_equal(closed_by(), "");
	success.has_wwn = true;
	assert_string_equal(closed_by(), "id-2");
	setup(NULL);
	/* an erase from before it, under a new id and date */
	success.erased_s = 989;
	assert_string_equal(closed_by(), "");
	setup(NULL);
	success.exit_code = 2;
	assert_string_equal(closed_by(), "");
	setup(NULL);
	success.supersedes_sha256[31] ^= 1;
	assert_string_equal(closed_by(), "");
	setup(NULL);
	success.target_sha256[0] = 1;
	assert_string_equal(closed_by(), "");
	setup(NULL);
	snprintf(success.supersedes_id, sizeof(success.supersedes_id), "id-0");
	assert_string_equal(closed_by(), "");
	setup(NULL);
	success.kind = XP_RECORD_CUSTODY;
	assert_string_equal(closed_by(), "");
	setup(NULL);
	success.level = XP_CLEAR; /* purge was asked for, and is still missing */
	assert_string_equal(closed_by(), "");
	setup(NULL);
	success.scope = XP_SCOPE_PARTITION;
	assert_string_equal(closed_by(), "");
	setup(NULL);
	success.issued_s--;
	assert_string_equal(closed_by(), "");
}

/* Of two sticks without a serial number nobody knows which one the later record is about. */
static void test_failure_of_a_nameless_medium_stays_open(void **state)
{
	struct xp_check_result r = {.record = record_sample_new()};
	struct xp_check_outcome o;

	(void)state;
	assert_int_equal(xp_check_outcome_fill(&o, &r, NULL), XP_OK);
	assert_true(o.is_known);
	assert_int_equal(o.erased_s, r.record->evidence.phases[1].start_s);
	assert_int_equal(o.ended_s, r.record->evidence.phases[r.record->evidence.n - 1].end_s);
	xp_check_outcome_clear(&o);
	memset(r.record->media.name, 0, sizeof(r.record->media.name));
	snprintf(r.record->media.model, sizeof(r.record->media.model), "Stick");
	assert_int_equal(xp_check_outcome_fill(&o, &r, NULL), XP_OK);
	assert_false(o.is_known);
	xp_check_outcome_clear(&o);
	record_sample_free(r.record);
	success.is_known = false;
	assert_string_equal(closed_by(), "");
	setup(NULL);
	failure.is_known = false;
	assert_string_equal(closed_by(), "");
}

static void test_forged_failure_is_never_closed(void **state)
{
	(void)state;
	failure.exit_code = 1;
	assert_string_equal(closed_by(), "");
	failure.exit_code = 2;
	assert_string_equal(closed_by(), "");
	setup(NULL);
	/* a success that is not enough is no failure */
	failure.kind = XP_RECORD_SANITIZATION;
	assert_string_equal(closed_by(), "");
}

static struct xp_check_outcome seen_outcome(unsigned id, uint8_t bytes, int exit_code)
{
	struct xp_check_outcome o = {.exit_code = exit_code};

	snprintf(o.id, sizeof(o.id), "019ab6f2-5c00-7a11-8b22-%012x", id);
	o.json_sha256[0] = bytes;
	return o;
}

static void expect_seen(struct xp_check_seen *s, const struct xp_check_outcome *o, size_t tag,
			bool duplicate, size_t clash)
{
	bool is_duplicate;
	size_t with = SIZE_MAX;

	assert_int_equal(xp_check_seen_add(&is_duplicate, &with, s, o, tag, NULL), XP_OK);
	assert_int_equal(is_duplicate, duplicate);
	assert_int_equal(with, clash);
}

static void test_seen_same_bytes_count_once(void **state)
{
	struct xp_check_seen s = {0};
	struct xp_check_outcome o;

	(void)state;
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 1000; i++) {
			o = seen_outcome(i, 1, 0);
			expect_seen(&s, &o, i, round == 1, SIZE_MAX);
		}
	/* the same record with a signature that does not hold is another matter */
	o = seen_outcome(7, 1, 1);
	expect_seen(&s, &o, 2000, false, SIZE_MAX);
	o = (struct xp_check_outcome){.exit_code = 1};
	expect_seen(&s, &o, 2001, false, SIZE_MAX);
	expect_seen(&s, &o, 2002, false, SIZE_MAX);
	xp_check_seen_free(&s);
}

static void test_seen_authentic_records_of_one_id_clash(void **state)
{
	struct xp_check_seen s = {0};
	struct xp_check_outcome o = seen_outcome(5, 1, 1);

	(void)state;
	expect_seen(&s, &o, 0, false, SIZE_MAX);
	/* what is forged spoils nothing */
	o = seen_outcome(5, 2, 0);
	expect_seen(&s, &o, 1, false, SIZE_MAX);
	o = seen_outcome(5, 3, 2);
	expect_seen(&s, &o, 2, false, SIZE_MAX);
	o = seen_outcome(5, 4, 3);
	expect_seen(&s, &o, 3, false, 1);
	xp_check_seen_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seen_same_bytes_count_once),
		cmocka_unit_test(test_seen_authentic_records_of_one_id_clash),
		cmocka_unit_test_setup(test_failure_with_later_success_is_closed, setup),
		cmocka_unit_test_setup(test_failure_stays_open_unless_all_fits, setup),
		cmocka_unit_test_setup(test_failure_of_a_nameless_medium_stays_open, setup),
		cmocka_unit_test_setup(test_forged_failure_is_never_closed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
