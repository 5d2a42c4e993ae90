/* The operator's words: closed keys, clean text, lists that are whole or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/job_fields.h"

static enum xp_rc apply(struct xp_record *r, const char *json)
{
	struct xp_err err;

	return xp_fields_apply_json(r, json, strlen(json), "fields", &err);
}

static void test_fields_known_are_taken(void **state)
{
	AUTO_MEM struct xp_record *r = calloc(1, sizeof(*r));

	(void)state;
	assert_non_null(r);
	assert_int_equal(apply(r, "{\"tenant\":\"T\",\"case\":\"C\",\"destination\":\"recycling\","
				  "\"deadline\":\"2027-01-01T00:00:00Z\",\"persons\":[{\"role\":"
				  "\"performer\",\"name\":\"J\\u00f6rg\"}]}"),
			 XP_OK);
	assert_string_equal(r->tenant, "T");
	assert_string_equal(r->case_no, "C");
	assert_string_equal(r->persons[0].name, "J\xc3\xb6rg");
	assert_int_equal(r->persons_n, 1);
}

static void test_fields_bad_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{",
		"{\"tenant\":1}",
		"{\"tenant\":\"\"}",
		"{\"tenant\":null}",
		"{\"frob\":\"x\"}",
		"{\"tenant\":\"a\",\"tenant\":\"b\"}",
		"{\"tenant\":\"a\\u0007\"}",
		"{\"tenant\":\"a\\u202eb\"}",
		"{\"tenant\":\"a\\u0085\"}",
		"{\"tenant\":\"a\\u0000b\"}",
		"{\"backup_status\":\"maybe\"}",
		"{\"plaintext_before\":\"perhaps\"}",
		"{\"destination\":\"moon\"}",
		"{\"deadline\":\"tomorrow\"}",
		"{\"deadline\":\"2027-02-30T00:00:00Z\"}",
		"{\"persons\":{}}",
		"{\"persons\":[1]}",
		"{\"persons\":[{\"role\":\"king\"}]}",
		"{\"persons\":[{\"name\":\"no role\"}]}",
		("{\"persons\":[{\"role\":\"site\"},{\"role\":\"site\"},{\"role\":\"site\"},"
		 "{\"role\":\"site\"},{\"role\":\"site\"}]}"),
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++) {
		AUTO_MEM struct xp_record *r = calloc(1, sizeof(*r));

		assert_non_null(r);
		if (apply(r, bad[i]) != XP_E_USAGE)
			fail_msg("taken: %s", bad[i]);
	}
}

static void test_fields_too_long_are_refused_not_cut(void **state)
{
	AUTO_MEM struct xp_record *r = calloc(1, sizeof(*r));
	char json[256];

	(void)state;
	assert_non_null(r);
	snprintf(json, sizeof(json), "{\"tenant\":\"%0127d\"}", 1);
	assert_int_equal(apply(r, json), XP_OK);
	snprintf(json, sizeof(json), "{\"tenant\":\"%0128d\"}", 1);
	assert_int_equal(apply(r, json), XP_E_USAGE);
}

static void test_expect_list_is_read_with_quotes_and_line_ends(void **state)
{
	static const char csv[] = "\xef\xbb\xbftenant,serial,frob,ticket\r\n"
				  "\"A, \"\"B\"\"\",S1,x,T1\r\n"
				  "\n"
				  "C,S2,,\n"
				  "D,S3,y,T3";
	AUTO(xp_expect_list_free) struct xp_expect_list e = {0};
	struct xp_err err;

	(void)state;
	assert_int_equal(xp_expect_list_parse(&e, csv, sizeof(csv) - 1, &err), XP_OK);
	assert_int_equal(e.n, 3);
	assert_string_equal(e.list[0].tenant, "A, \"B\"");
	assert_string_equal(e.list[0].serial, "S1");
	assert_string_equal(e.list[0].ticket, "T1");
	assert_string_equal(e.list[1].ticket, "");
	assert_string_equal(e.list[2].serial, "S3");
}

static void test_expect_list_bad_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"asset_tag\nx\n",
		"serial\n\"S1\n",
		"serial,ticket\nS1\n",
		"serial,ticket\nS1,T,extra\n",
		"serial,ticket\n,T\n",
		"serial\nS1\nS1\n",
		"serial\nS\x01\n",
		"serial,host_serial\nS1,"
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901"
		"2345678901234567890123456789012345678901234567890123456789\n",
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++) {
		AUTO(xp_expect_list_free) struct xp_expect_list e = {0};
		struct xp_err err;

		if (xp_expect_list_parse(&e, bad[i], strlen(bad[i]), &err) != XP_E_USAGE)
			fail_msg("taken: %s", bad[i]);
	}
}

static void test_expect_list_cut_anywhere_does_not_crash(void **state)
{
	static const char csv[] = "serial,tenant\nS1,\"a \"\"b\"\"\"\r\nS2,c\n";

	(void)state;
	for (size_t len = 0; len < sizeof(csv); len++) {
		AUTO_MEM char *cut = malloc(len + 1);
		AUTO(xp_expect_list_free) struct xp_expect_list e = {0};
		struct xp_err err;
		enum xp_rc rc;

		assert_non_null(cut);
		memcpy(cut, csv, len);
		rc = xp_expect_list_parse(&e, cut, len, &err);
		assert_true(rc == XP_OK || rc == XP_E_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_known_are_taken),
		cmocka_unit_test(test_fields_bad_are_refused),
		cmocka_unit_test(test_fields_too_long_are_refused_not_cut),
		cmocka_unit_test(test_expect_list_is_read_with_quotes_and_line_ends),
		cmocka_unit_test(test_expect_list_bad_is_refused),
		cmocka_unit_test(test_expect_list_cut_anywhere_does_not_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
