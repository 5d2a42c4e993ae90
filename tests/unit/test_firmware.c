/* Rows about firmware: which drive they speak of, and what a plan makes of them. */
#include "claim/firmware.h"

#include "base/cleanup.h"
#include "claim/claim.h"
#include "tests/fake/claim_evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct xp_firmware_entry table[] = {
	{"EXAMPLE 1T", "FW1*", {.technique = XP_ATA_SANITIZE_BLOCK, .cap = XP_NONE, .why = "a"}},
	{"EXAMPLE*", "*", {.technique = XP_ATA_SANITIZE_CRYPTO, .cap = XP_CLEAR, .why = "b"}},
	{"*", "BAD", {.technique = XP_NVME_FORMAT_CRYPTO, .cap = XP_NONE, .why = "c"}},
};

static size_t find(const char *model, const char *firmware, char *whys)
{
	struct xp_identity id = {.media = XP_MEDIA_SSD};
	struct xp_firmware_row *rows;
	size_t n;

	snprintf(id.model, sizeof(id.model), "%s", model);
	snprintf(id.firmware, sizeof(id.firmware), "%s", firmware);
	assert_int_equal(xp_firmware_find(&rows, &n, table, XP_ARRAY_LEN(table), &id, NULL), XP_OK);
	assert_true((n == 0) == (rows == NULL));
	for (size_t i = 0; i < n; i++)
		whys[i] = rows[i].why[0];
	whys[n] = 0;
	free(rows);
	return n;
}

static void test_firmware_rows_speak_of_model_and_firmware(void **state)
{
	char whys[8];

	(void)state;
	assert_int_equal(find("EXAMPLE 1T", "FW10", whys), 2);
	assert_string_equal(whys, "ab");
	assert_int_equal(find("EXAMPLE 1T", "FW2", whys), 1);
	assert_string_equal(whys, "b");
	assert_int_equal(find("EXAMPLE 2T", "BAD", whys), 2);
	assert_string_equal(whys, "bc");
	assert_int_equal(find("OTHER", "FW1", whys), 0);
	/* of a drive that nobody knows nothing is known */
	assert_int_equal(find("", "BAD", whys), 0);
}

static void test_firmware_table_names_its_sources(void **state)
{
	(void)state;
	assert_true(xp_firmware_table_n > 0);
	for (size_t i = 0; i < xp_firmware_table_n; i++) {
		const struct xp_firmware_entry *e = &xp_firmware_table[i];

		/* no row may speak of all drives */
		assert_true(e->model[0] && e->model[0] != '*' && e->firmware[0]);
		assert_true(e->row.technique < XP_TECHNIQUE_COUNT);
		assert_true(e->row.cap < XP_PURGE);
		assert_true(e->row.why[0] && strlen(e->row.source) > 10);
	}
}

static void test_firmware_lowers_what_a_plan_expects(void **state)
{
	struct xp_policy *policy = claim_policy_load("r2", "none");
	static struct xp_claim claim;
	struct xp_identity id = {.media = XP_MEDIA_SSD,
				 .bus = XP_BUS_ATA,
				 .serial = "S1",
				 .model = "Samsung SSD 840 EVO 250GB",
				 .firmware = "EXT0BB6Q"};
	const char *why;

	(void)state;
	assert_int_equal(xp_firmware_cap(&id, XP_ATA_SANITIZE_CRYPTO, &why), XP_CLEAR);
	assert_non_null(strstr(why, "wear-levelled"));
	assert_int_equal(xp_firmware_cap(&id, XP_ATA_SANITIZE_BLOCK, &why), XP_PURGE);
	xp_claim_expect(&claim, &id, XP_ATA_SANITIZE_CRYPTO, 0, policy);
	assert_int_equal(claim.level, XP_CLEAR);
	for (unsigned i = 0; i < claim.reasons_n; i++)
		if (strcmp(claim.reasons[i].code, "firmware") == 0)
			why = NULL;
	assert_null(why);
	xp_policy_free(&policy);
}

static void test_patterns_match_as_a_person_reads_them(void **state)
{
	(void)state;
	assert_true(xp_pattern_matches("*", ""));
	assert_true(xp_pattern_matches("a*c", "abbbc"));
	assert_true(xp_pattern_matches("a*b*c", "axbybc"));
	assert_false(xp_pattern_matches("a*c", "abcd"));
	assert_false(xp_pattern_matches("", "a"));
	assert_true(xp_pattern_matches("", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_firmware_rows_speak_of_model_and_firmware),
		cmocka_unit_test(test_firmware_table_names_its_sources),
		cmocka_unit_test(test_firmware_lowers_what_a_plan_expects),
		cmocka_unit_test(test_patterns_match_as_a_person_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
