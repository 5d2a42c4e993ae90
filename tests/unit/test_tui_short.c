/* Consoles of few rows: what is asked, what is typed and what the keys do never lie over each
 * other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/tui_lab.h"

static void test_operator_whole_question_is_seen_on_ten_rows(void **state)
{
	struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 10, 80);
	xp_tui_go(&l.t, XP_TUI_OPERATOR);
	xp_tui_lab_type(&l, "Ada Lovelace");
	assert_true(xp_tui_lab_row(&l, "Who does this work?") <
		    xp_tui_lab_row(&l, "one leaves it out."));
	assert_true(xp_tui_lab_row(&l, "one leaves it out.") < xp_tui_lab_row(&l, "Name:"));
	assert_int_equal(xp_tui_lab_row(&l, "> Ada Lovelace"), xp_tui_lab_row(&l, "Name:") + 1);
	/* a message has its row, too */
	xp_tui_say(&l.t, "a message");
	assert_int_equal(xp_tui_lab_row(&l, "a message"), 8);
	assert_int_equal(xp_tui_lab_row(&l, "Enter done"), 9);
	xp_tui_lab_row(&l, "> Ada Lovelace");
	xp_tui_lab_free(&l);
}

static void test_clock_text_that_is_longer_is_scrolled(void **state)
{
	struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 10, 80);
	snprintf(l.t.clock_why, sizeof(l.t.clock_why), "%0350d", 7);
	xp_tui_go(&l.t, XP_TUI_CLOCK);
	assert_null(strstr(xp_tui_lab_look(&l), "stands in the record"));
	xp_tui_lab_row(&l, "lines more below");
	assert_int_equal(xp_tui_lab_row(&l, "Time in UTC, as 2026-11-22 14:05:"), 6);
	for (int i = 0; i < 9; i++)
		xp_tui_lab_key(&l, XP_TUI_DOWN);
	assert_true(xp_tui_lab_row(&l, "stands in the record") < 6);
	assert_null(strstr(xp_tui_lab_look(&l), "lines more below"));
	/* Home and a blank are typed */
	xp_tui_lab_type(&l, "2026-11-22 14:05");
	xp_tui_lab_row(&l, "> 2026-11-22 14:05_");
	xp_tui_lab_free(&l);
}

static void test_passphrase_says_what_escape_does_on_ten_rows(void **state)
{
	struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 10, 80);
	snprintf(l.t.key_name, sizeof(l.t.key_name), "ada.key.pem");
	l.t.secret_len = 3;
	xp_tui_go(&l.t, XP_TUI_PASSPHRASE);
	l.t.secret_len = 3;
	assert_true(xp_tui_lab_row(&l, "(role host)") < xp_tui_lab_row(&l, "Passphrase (it is"));
	assert_int_equal(xp_tui_lab_row(&l, "> ***"), xp_tui_lab_row(&l, "Passphrase (it is") + 1);
	assert_null(strstr(xp_tui_lab_look(&l), "lines more below"));
	xp_tui_lab_free(&l);
}

static void test_confirm_targets_lie_above_what_is_typed(void **state)
{
	struct xp_tui_lab l;

	(void)state;
	for (unsigned rows = 8; rows <= 24; rows++) {
		unsigned word;
		unsigned field;

		xp_tui_lab_new(&l, rows, 80);
		xp_tui_lab_drives(&l, 20);
		xp_tui_lab_round(&l, 1, 20, "glacier");
		l.t.has_expect_list = true;
		xp_tui_go(&l.t, XP_TUI_CONFIRM);
		xp_tui_lab_type(&l, "20 glac");
		word = xp_tui_lab_row(&l, "type the number and the word: 20 glacier");
		field = xp_tui_lab_row(&l, "> 20 glac");
		assert_true(xp_tui_lab_row(&l, "EVERYTHING ON THESE DRIVES") <
			    xp_tui_lab_row(&l, "more"));
		assert_true(xp_tui_lab_row(&l, "more") < word);
		assert_int_equal(xp_tui_lab_row(&l, "or the word  list"), word + 1);
		assert_int_equal(field, word + 2);
		assert_true(field + 2 < rows);
		xp_tui_lab_free(&l);
	}
}

static void test_place_folder_is_typed_below_what_is_wrong(void **state)
{
	struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 10, 80);
	snprintf(l.t.place_why, sizeof(l.t.place_why), "no_durable_output: it is not there");
	l.t.places = calloc(1, sizeof(*l.t.places));
	assert_non_null(l.t.places);
	snprintf(l.t.places[0].folder, sizeof(l.t.places[0].folder), "/media/stick");
	l.t.places_n = 1;
	xp_tui_go(&l.t, XP_TUI_PLACE);
	assert_true(xp_tui_lab_row(&l, "it is not there") < xp_tui_lab_row(&l, "/media/stick"));
	xp_tui_lab_key(&l, 'f');
	xp_tui_lab_type(&l, "/mnt");
	assert_true(xp_tui_lab_row(&l, "it is not there") <
		    xp_tui_lab_row(&l, "Folder (boxes are made in it where it has none):"));
	assert_int_equal(xp_tui_lab_row(&l, "> /mnt"),
			 xp_tui_lab_row(&l, "Folder (boxes are made") + 1);
	xp_tui_lab_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operator_whole_question_is_seen_on_ten_rows),
		cmocka_unit_test(test_clock_text_that_is_longer_is_scrolled),
		cmocka_unit_test(test_passphrase_says_what_escape_does_on_ten_rows),
		cmocka_unit_test(test_confirm_targets_lie_above_what_is_typed),
		cmocka_unit_test(test_place_folder_is_typed_below_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
