/* What an earlier take closed comes out of its journal again, and nothing that is damaged does. */
#include "cli/job_close.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UUID "01234567-89ab-cdef-0123-456789abcdef"

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct xp_job));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static enum xp_rc take(struct xp_job *job, const char *text)
{
	json_t *line = json_loads(text, 0, NULL);
	struct xp_err err;
	enum xp_rc rc;

	assert_non_null(line);
	rc = xp_job_close_take_line(job, line, &err);
	json_decref(line);
	return rc;
}

static void test_close_line_goes_into_the_record(void **state)
{
	struct xp_job *job = *state;
	const struct xp_closed_mapping *c = job->record.closed;

	assert_int_equal(take(job, "{\"type\":\"closed\",\"time\":\"2026-11-22T10:00:00Z\","
				   "\"name\":\"va\\u0001ult\",\"uuid\":\"" UUID "\"}"),
			 XP_OK);
	assert_int_equal(take(job, "{\"type\":\"closed\",\"time\":\"2026-11-22T10:00:01Z\","
				   "\"name\":\"b\",\"uuid\":\"\"}"),
			 XP_OK);
	assert_int_equal(job->record.closed_n, 2);
	assert_string_equal(c[0].name, "va?ult");
	assert_string_equal(c[0].uuid, UUID);
	assert_int_equal(c[1].at_s - c[0].at_s, 1);
	assert_string_equal(c[1].uuid, "");
}

static void test_close_line_that_is_damaged_is_refused(void **state)
{
	static const char *const bad[] = {
		"{\"type\":\"closed\"}",
		"{\"name\":\"a\",\"uuid\":\"\"}",
		"{\"time\":\"2026-11-22T10:00:00Z\",\"uuid\":\"\"}",
		"{\"time\":\"2026-11-22T10:00:00Z\",\"name\":\"a\"}",
		"{\"time\":\"2026-11-22T10:00:00Z\",\"name\":1,\"uuid\":\"\"}",
		"{\"time\":\"yesterday\",\"name\":\"a\",\"uuid\":\"\"}",
	};
	struct xp_job *job = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(take(job, bad[i]), XP_E_MALFORMED);
	assert_int_equal(job->record.closed_n, 0);
	/* more than a record has room for */
	job->record.closed_n = XP_CLOSED_MAX;
	assert_int_equal(
		take(job, "{\"time\":\"2026-11-22T10:00:00Z\",\"name\":\"a\",\"uuid\":\"\"}"),
		XP_E_MALFORMED);
}

static void test_close_more_than_a_record_holds_is_refused(void **state)
{
	struct xp_job *job = *state;
	struct xp_job_setup setup = {0};
	struct xp_state folder = {0};
	struct xp_plan_options options = {0};
	struct xp_err err;

	setup.state = &folder;
	setup.options = &options;
	job->setup = &setup;
	job->closing.n = 1;
	job->record.closed_n = XP_CLOSED_MAX;
	assert_int_equal(xp_job_close_mappings(job, &err), XP_OK);
	assert_int_equal(job->refusals.n, 1);
	assert_int_equal(job->refusals.list[0].code, XP_REFUSED_HOLDER);
	xp_refusals_free(&job->refusals);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_close_line_goes_into_the_record),
		CASE(test_close_line_that_is_damaged_is_refused),
		CASE(test_close_more_than_a_record_holds_is_refused),
	};

	return cmocka_run_group_tests_name("job_close", tests, NULL, NULL);
}
