/* What the scout tells, as rows of the list: true, torn, lying. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/tui/tui_drives.h"
#include "tests/fake/tui_lab.h"

#define DRIVE                                                                                      \
	"{\"path\": \"/dev/sda\", \"confirm\": \"WD-1\", \"slot\": \"Slot 3\", \"model\": \"M\", " \
	"\"serial\": \"WD-1\", \"bytes\": \"8001563222016\", \"bus\": \"sas\", \"media\": "        \
	"\"hdd\", "                                                                                \
	"\"celsius\": 37, \"light\": true, \"in_use\": []}"
#define HOST "\"host\": {\"complete\": \"yes\"}, \"hidden\": [], \"skipped\": []"

static enum xp_rc take(struct xp_tui_lab *l, const struct xp_tui_known *k, const char *json,
		       json_t *to_ask)
{
	json_t *found = json_loads(json, 0, NULL);
	json_t *spare = json_array();
	struct xp_err err;
	enum xp_rc rc = xp_tui_drives_take(&l->t, k, found, to_ask ? to_ask : spare, &err);

	json_decref(found);
	json_decref(spare);
	return rc;
}

static void answer(struct xp_tui_known *k, const char *json)
{
	json_t *answers = json_loads(json, 0, NULL);

	assert_non_null(answers);
	xp_tui_known_take(k, answers);
	json_decref(answers);
}

static void test_drive_is_asked_until_it_has_answered(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;
	AUTO(xp_tui_known_free) struct xp_tui_known *k = xp_tui_known_new();
	json_t *to_ask = json_array();

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	assert_int_equal(take(&l, k, "{\"drives\": [" DRIVE "], " HOST "}", to_ask), XP_OK);
	assert_int_equal(json_array_size(to_ask), 1);
	assert_string_equal(json_string_value(json_array_get(to_ask, 0)), "/dev/sda");
	xp_tui_lab_row(&l,
		       ">[ ]*Slot 3   M                WD-1                8.0 TB sas  ...   free");
	assert_int_equal(l.t.drives[0].celsius, 37);
	answer(k, "{\"answers\": [{\"path\": \"/dev/sda\", \"confirm\": \"WD-1\", \"serial\": "
		  "\"WD-1X\", \"model\": \"LONG MODEL\", \"best\": {\"level\": \"purge\", "
		  "\"technique\": \"scsi-sanitize-crypto\"}}]}");
	json_array_clear(to_ask);
	assert_int_equal(take(&l, k, "{\"drives\": [" DRIVE "], " HOST "}", to_ask), XP_OK);
	assert_int_equal(json_array_size(to_ask), 0);
	/* its own word goes over the kernel's; what confirms it stays */
	xp_tui_lab_row(&l, "LONG MODEL       WD-1X");
	xp_tui_lab_row(&l, "purge free");
	assert_string_equal(l.t.drives[0].confirm, "WD-1");
	xp_tui_known_forget(k);
	assert_int_equal(take(&l, k, "{\"drives\": [" DRIVE "], " HOST "}", to_ask), XP_OK);
	assert_int_equal(json_array_size(to_ask), 1);
	json_decref(to_ask);
}

static void test_drive_that_is_used_or_refused_says_by_what(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;
	AUTO(xp_tui_known_free) struct xp_tui_known *k = xp_tui_known_new();

	(void)state;
	xp_tui_lab_new(&l, 24, 100);
	assert_int_equal(
		take(&l, k,
		     "{\"drives\": [{\"path\": \"/dev/sda\", \"confirm\": \"A\", \"in_use\": "
		     "[{\"code\": \"mounted\", \"where\": \"/srv\", \"remedy\": \"umount /srv\"}]},"
		     "{\"path\": \"/dev/sdb\", \"confirm\": \"B\", \"planned\": true, "
		     "\"expected_claim\": \"clear\", \"refusals\": [{\"code\": "
		     "\"interrupted_job\", \"message\": \"m\", \"remedy\": \"resume it\"}]},"
		     "{\"path\": \"\", \"confirm\": \"C\"}], " HOST "}",
		     NULL),
		XP_OK);
	xp_tui_lab_row(&l, " -  sda");
	xp_tui_lab_row(&l, "mounted /srv");
	xp_tui_lab_row(&l, "interrupted_job");
	xp_tui_lab_row(&l, "no node");
	xp_tui_lab_type(&l, "a");
	for (size_t i = 0; i < 3; i++)
		assert_false(l.t.drives[i].selected);
	xp_tui_lab_key(&l, XP_TUI_END);
	xp_tui_lab_type(&l, "d");
	xp_tui_lab_row(&l, "resume it");
}

static void test_drive_under_a_job_stays_while_nobody_looks(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;
	AUTO(xp_tui_known_free) struct xp_tui_known *k = xp_tui_known_new();

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	assert_int_equal(take(&l, k, "{\"drives\": [" DRIVE "], " HOST "}", NULL), XP_OK);
	assert_int_equal(take(&l, k,
			      "{\"drives\": [], \"host\": {\"complete\": \"yes\"}, \"hidden\": [], "
			      "\"skipped\": [\"/dev/sda\"]}",
			      NULL),
			 XP_OK);
	assert_int_equal(l.t.drives_n, 1);
	xp_tui_lab_row(&l, "WD-1");
	xp_tui_lab_type(&l, "d");
	xp_tui_lab_row(&l, "confirm with WD-1");
	assert_int_equal(take(&l, k, "{\"drives\": [], " HOST "}", NULL), XP_OK);
	assert_int_equal(l.t.drives_n, 0);
}

static void test_host_that_hides_drives_is_told(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;
	AUTO(xp_tui_known_free) struct xp_tui_known *k = xp_tui_known_new();

	(void)state;
	xp_tui_lab_new(&l, 24, 100);
	assert_int_equal(take(&l, k,
			      "{\"drives\": [], \"host\": {\"complete\": \"no\"}, \"hidden\": "
			      "[{\"controller\": \"PERC\", \"pci\": \"0:1\", \"driver\": "
			      "\"megaraid_sas\", \"reason\": \"hidden by RAID\"}]}",
			      NULL),
			 XP_OK);
	xp_tui_lab_row(&l, "this host HIDES drives");
	xp_tui_lab_type(&l, "m");
	xp_tui_lab_row(&l, "hidden: PERC 0:1 megaraid_sas: hidden by RAID");
	/* a host that cannot tell is not called complete */
	xp_tui_lab_key(&l, XP_TUI_ESCAPE);
	assert_int_equal(take(&l, k, "{\"drives\": [], \"host\": {}}", NULL), XP_OK);
	xp_tui_lab_row(&l, "there may be more than is seen");
}

static void test_torn_or_lying_words_are_no_drives(void **state)
{
	static const char *const bad[] = {"{}", "[]", "{\"drives\": {}}", "{\"drives\": \"x\"}"};
	static const char *const odd[] = {
		"{\"drives\": [1, null, \"x\", [], {}]}",
		"{\"drives\": [{\"path\": 7, \"confirm\": [], \"bytes\": 5, \"in_use\": {}, "
		"\"light\": \"x\", \"celsius\": \"hot\", \"slot\": null}]}",
		"{\"drives\": [{\"path\": \"/dev/sda\", \"bytes\": \"-1\", \"obstacles\": [1], "
		"\"planned\": true, \"in_use\": [3]}], \"skipped\": [1, null], \"hidden\": [1]}",
	};
	AUTO(xp_tui_known_free) struct xp_tui_known *k = xp_tui_known_new();

	(void)state;
	answer(k, "{\"answers\": [1, {}, null]}");
	answer(k, "{\"answers\": 5}");
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++) {
		AUTO(xp_tui_lab_free) struct xp_tui_lab l;

		xp_tui_lab_new(&l, 24, 80);
		xp_tui_lab_drives(&l, 2);
		assert_int_equal(take(&l, k, bad[i], NULL), XP_E_MALFORMED);
		assert_int_equal(l.t.drives_n, 2);
	}
	for (size_t i = 0; i < XP_ARRAY_LEN(odd); i++) {
		AUTO(xp_tui_lab_free) struct xp_tui_lab l;

		xp_tui_lab_new(&l, 24, 80);
		assert_int_equal(take(&l, k, odd[i], NULL), XP_OK);
		xp_tui_lab_look(&l);
		xp_tui_lab_type(&l, "d");
		xp_tui_lab_look(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drive_is_asked_until_it_has_answered),
		cmocka_unit_test(test_drive_that_is_used_or_refused_says_by_what),
		cmocka_unit_test(test_drive_under_a_job_stays_while_nobody_looks),
		cmocka_unit_test(test_host_that_hides_drives_is_told),
		cmocka_unit_test(test_torn_or_lying_words_are_no_drives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
