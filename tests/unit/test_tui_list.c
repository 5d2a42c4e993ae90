/* The list of the full screen: selecting, filter, order, the scanner, drives that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/fake/tui_lab.h"

static void use_second(struct xp_tui_drive *list)
{
	snprintf(list[1].use, sizeof(list[1].use), "mounted /home");
}

static size_t selected(const struct xp_tui_lab *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->t.drives_n; i++)
		n += l->t.drives[i].selected;
	return n;
}

static void test_list_80x24_shows_each_column_whole(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_scan(&l, 3, use_second);
	assert_int_equal(xp_tui_lab_row(&l, "PLACE    MODEL            SERIAL"), 1);
	assert_int_equal(
		xp_tui_lab_row(&l, "[ ] Slot 1   MODEL-0          SERIAL00001         4.0 TB sata "
				   "purge free"),
		2);
	assert_int_equal(xp_tui_lab_row(&l, " -  Slot 2"), 3);
	xp_tui_lab_row(&l, "mounted /h");
	xp_tui_lab_row(&l, "3 drives, 0 selected");
}

static void test_list_last_six_of_serial_are_bold(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;
	const struct xp_tui_cell *row;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 2);
	xp_tui_lab_look(&l);
	row = &l.c.cells[(size_t)3 * 80 + 31];
	for (size_t i = 0; i < 11; i++) {
		assert_int_equal(row[i].ch, (unsigned char)"SERIAL00002"[i]);
		assert_int_equal(row[i].look & XP_TUI_BOLD, i < 5 ? 0 : XP_TUI_BOLD);
	}
}

static void test_list_space_selects_only_what_is_free(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_scan(&l, 3, use_second);
	xp_tui_lab_key(&l, ' ');
	assert_true(l.t.drives[0].selected);
	assert_false(xp_tui_beep_take(&l.t));
	/* the cursor went on to the second, which is in use */
	xp_tui_lab_key(&l, ' ');
	assert_false(l.t.drives[1].selected);
	assert_true(xp_tui_beep_take(&l.t));
	xp_tui_lab_row(&l, "SERIAL00002 cannot be selected: mounted /home");
	xp_tui_lab_type(&l, "n");
	assert_int_equal(selected(&l), 0);
	xp_tui_lab_type(&l, "a");
	assert_int_equal(selected(&l), 2);
	xp_tui_lab_row(&l, "2 selected (8.0 TB)");
}

static void test_list_drive_that_becomes_used_is_not_selected_any_more(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 3);
	xp_tui_lab_type(&l, "a");
	xp_tui_lab_scan(&l, 3, use_second);
	assert_int_equal(selected(&l), 2);
	assert_false(l.t.drives[1].selected);
}

static void test_list_selected_drive_that_goes_is_told(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 3);
	xp_tui_lab_type(&l, "a");
	xp_tui_lab_drives(&l, 2);
	assert_int_equal(selected(&l), 2);
	assert_true(xp_tui_beep_take(&l.t));
	xp_tui_lab_row(&l, "SERIAL00003 is gone; it was selected");
	/* it comes back: nobody has selected it */
	xp_tui_lab_drives(&l, 3);
	assert_int_equal(selected(&l), 2);
}

static void other_serial(struct xp_tui_drive *list)
{
	snprintf(list[0].serial, sizeof(list[0].serial), "OTHER");
	snprintf(list[0].confirm, sizeof(list[0].confirm), "OTHER");
}

static void test_list_another_drive_at_the_same_path_is_not_selected(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 2);
	xp_tui_lab_type(&l, "a");
	xp_tui_lab_scan(&l, 2, other_serial);
	assert_false(l.t.drives[0].selected);
	assert_true(l.t.drives[1].selected);
}

static void namesake(struct xp_tui_drive *list)
{
	size_t n = strlen(list[0].confirm);

	snprintf(list[0].confirm + n, sizeof(list[0].confirm) - n, "@/dev/somewhere");
}

static void longer_serial(struct xp_tui_drive *list)
{
	size_t n = strlen(list[0].confirm);

	snprintf(list[0].confirm + n, sizeof(list[0].confirm) - n, "1");
}

/* Its confirm string grows by its place while another one has the same name, and shrinks again. */
static void test_list_drive_stays_selected_when_a_namesake_comes_and_goes(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 2);
	xp_tui_lab_type(&l, "a");
	xp_tui_lab_scan(&l, 2, namesake);
	assert_int_equal(selected(&l), 2);
	xp_tui_lab_drives(&l, 2);
	assert_int_equal(selected(&l), 2);
	assert_false(xp_tui_beep_take(&l.t));
	xp_tui_lab_scan(&l, 2, longer_serial);
	assert_false(l.t.drives[0].selected);
}

static void test_list_filter_and_order(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 12);
	/* by place, as people count */
	assert_true(xp_tui_lab_row(&l, "Slot 10") > xp_tui_lab_row(&l, "Slot 9 "));
	xp_tui_lab_type(&l, "/");
	xp_tui_lab_type(&l, "0001");
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(l.t.shown_n, 4);
	xp_tui_lab_row(&l, "filter: 0001  (4 of 12 drives");
	/* what is hidden is not selected by "all" */
	xp_tui_lab_type(&l, "a");
	assert_int_equal(selected(&l), 4);
	xp_tui_lab_key(&l, XP_TUI_ESCAPE);
	assert_int_equal(l.t.shown_n, 12);
	/* by state: what is selected comes first */
	xp_tui_lab_type(&l, "ssss");
	xp_tui_lab_row(&l, "by state");
	assert_int_equal(xp_tui_lab_row(&l, "Slot 10"), 3);
}

static void test_scanner_selects_the_drive(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 12);
	xp_tui_lab_scanner(&l, "SERIAL00007", 5);
	assert_int_equal(selected(&l), 1);
	assert_true(l.t.drives[6].selected);
	assert_int_equal(l.t.screen, XP_TUI_LIST);
	xp_tui_lab_row(&l, "SERIAL00007 is selected");
	assert_false(xp_tui_beep_take(&l.t));
	/* again: it stays selected */
	xp_tui_lab_scanner(&l, "serial00007", 20);
	assert_true(l.t.drives[6].selected);
	xp_tui_lab_row(&l, "SERIAL00007 is selected already");
	assert_int_equal(l.t.wishes_n, 0);
}

static void test_scanner_unknown_number_beeps_and_says_so(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_scan(&l, 3, use_second);
	xp_tui_lab_scanner(&l, "nasque", 5);
	assert_true(xp_tui_beep_take(&l.t));
	xp_tui_lab_row(&l, "no drive here has the serial number nasque");
	assert_int_equal(selected(&l), 0);
	assert_int_equal(l.t.screen, XP_TUI_LIST);
	assert_int_equal(l.t.sort, 0);
	/* one that is in use */
	xp_tui_lab_scanner(&l, "SERIAL00002", 5);
	assert_true(xp_tui_beep_take(&l.t));
	assert_int_equal(selected(&l), 0);
}

static void same_serials(struct xp_tui_drive *list)
{
	memcpy(list[1].serial, list[0].serial, sizeof(list[0].serial));
}

static void test_scanner_number_of_two_drives_selects_none(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_scan(&l, 3, same_serials);
	xp_tui_lab_scanner(&l, "SERIAL00001", 5);
	assert_true(xp_tui_beep_take(&l.t));
	assert_int_equal(selected(&l), 0);
	xp_tui_lab_row(&l, "several drives have the serial number");
}

static void test_scanner_works_through_a_filter(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 5);
	xp_tui_lab_type(&l, "/");
	xp_tui_lab_type(&l, "00002");
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(l.t.shown_n, 1);
	xp_tui_lab_scanner(&l, "SERIAL00004", 5);
	assert_true(l.t.drives[3].selected);
	assert_int_equal(l.t.shown_n, 5);
	/* and while the filter is being typed */
	xp_tui_lab_type(&l, "/");
	xp_tui_lab_scanner(&l, "SERIAL00005", 5);
	assert_true(l.t.drives[4].selected);
	assert_int_equal(selected(&l), 2);
}

static void test_fingers_are_no_scanner(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 3);
	/* a letter that nothing follows is a command, but not at once */
	l.now_ms += 1000;
	xp_tui_key_press(&l.t, 'a', l.now_ms);
	assert_int_equal(selected(&l), 0);
	xp_tui_lab_wait(&l, 79);
	assert_int_equal(selected(&l), 0);
	xp_tui_lab_wait(&l, 5);
	assert_int_equal(selected(&l), 3);
	/* two that came at once through a slow line are two commands */
	xp_tui_key_press(&l.t, 'n', l.now_ms);
	xp_tui_key_press(&l.t, 's', l.now_ms);
	xp_tui_lab_wait(&l, 400);
	assert_int_equal(selected(&l), 0);
	assert_int_equal(l.t.sort, 1);
	/* many without an Enter are neither */
	for (const char *s = "SERIAL0"; *s; s++)
		xp_tui_key_press(&l.t, (unsigned char)*s, l.now_ms);
	xp_tui_lab_wait(&l, 400);
	assert_true(xp_tui_beep_take(&l.t));
	xp_tui_lab_row(&l, "SERIAL0 came without an Enter behind it");
	assert_int_equal(l.t.sort, 1);
}

static void test_scanner_of_endless_text_is_bounded(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;
	char text[1000];

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 3);
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = 0;
	xp_tui_lab_scanner(&l, text, 1);
	assert_int_equal(selected(&l), 0);
	assert_true(xp_tui_beep_take(&l.t));
}

static void hostile(struct xp_tui_drive *list)
{
	snprintf(list[0].model, sizeof(list[0].model), "\033[2J\033]0;x\a%s", "\xe2\x80\xae");
	snprintf(list[0].serial, sizeof(list[0].serial), "A\nB\tC%s", "\xff\xfe\x80");
	snprintf(list[0].place, sizeof(list[0].place), "%s", "\xf0\x9f\x98\x80\xe4\xb8\xad");
	snprintf(list[0].use, sizeof(list[0].use), "mounted /\r\n%s",
		 "\xc2\x9b"
		 "31m");
	free(list[0].details);
	list[0].details = strdup("a\033[31mb\n\xe2\x80\xae\xcc\x81x\n");
}

/* Nothing but printable characters of one column may reach a cell. */
static void check_cells(const struct xp_tui_lab *l)
{
	for (size_t i = 0; i < (size_t)l->c.rows * l->c.cols; i++) {
		uint32_t ch = l->c.cells[i].ch;

		assert_true(ch >= 0x20 && ch != 0x7f && !(ch >= 0x80 && ch < 0xa1));
		assert_false(ch >= 0x300 && ch < 0x370);
		assert_false(ch >= 0x202a && ch <= 0x202e);
		assert_true(l->c.utf8 || ch < 0x7f);
		assert_true(ch < 0x2600);
	}
}

static void test_hostile_text_never_reaches_a_cell_raw(void **state)
{
	static const char *const screens[] = {"", "d", "s", "/", "m"};

	(void)state;
	for (unsigned utf8 = 0; utf8 < 2; utf8++) {
		for (size_t i = 0; i < XP_ARRAY_LEN(screens); i++) {
			AUTO(xp_tui_lab_free) struct xp_tui_lab l;

			xp_tui_lab_new(&l, 24, 132);
			l.c.utf8 = utf8;
			xp_tui_lab_scan(&l, 1, hostile);
			xp_tui_lab_key(&l, ' ');
			xp_tui_lab_type(&l, screens[i]);
			xp_tui_lab_look(&l);
			check_cells(&l);
		}
	}
}

static void test_list_any_size_draws_within_it(void **state)
{
	static const struct {
		unsigned rows, cols;
	} sizes[] = {{1, 1}, {2, 5}, {3, 80}, {5, 20}, {10, 40}, {24, 80}, {50, 132}, {200, 400}};
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 40);
	for (size_t i = 0; i < XP_ARRAY_LEN(sizes); i++) {
		for (unsigned s = XP_TUI_LIST; s <= XP_TUI_QUIT; s++) {
			xp_tui_lab_resize(&l, sizes[i].rows, sizes[i].cols);
			l.t.screen = (enum xp_tui_screen)s;
			xp_tui_lab_look(&l);
			check_cells(&l);
			assert_true(!l.c.has_cursor || sizes[i].cols < 4 || sizes[i].rows < 8 ||
				    (l.c.cursor_row < l.c.rows && l.c.cursor_col < l.c.cols));
		}
	}
}

static void test_list_cursor_stays_in_sight(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 40);
	for (unsigned i = 0; i < 45; i++)
		xp_tui_lab_key(&l, XP_TUI_DOWN);
	xp_tui_lab_row(&l, ">[ ] Slot 40");
	xp_tui_lab_resize(&l, 10, 80);
	xp_tui_lab_row(&l, ">[ ] Slot 40");
	xp_tui_lab_key(&l, XP_TUI_HOME);
	xp_tui_lab_row(&l, ">[ ] Slot 1 ");
	/* and with its drive, when others come before it */
	xp_tui_lab_key(&l, XP_TUI_DOWN);
	xp_tui_lab_drives(&l, 2);
	xp_tui_lab_row(&l, ">[ ] Slot 2 ");
	xp_tui_lab_drives(&l, 0);
	xp_tui_lab_row(&l, "no drives");
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	xp_tui_lab_key(&l, ' ');
	assert_int_equal(l.t.screen, XP_TUI_LIST);
}

static void test_list_commands_wish(void **state)
{
	static const struct {
		const char *key;
		enum xp_tui_wish wish;
	} rows[] = {{"u", XP_TUI_WISH_UNLOCK}, {"l", XP_TUI_WISH_LIGHT}, {"r", XP_TUI_WISH_ASK}};
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;
	size_t arg = 9;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 3);
	xp_tui_lab_key(&l, XP_TUI_DOWN);
	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++) {
		xp_tui_lab_type(&l, rows[i].key);
		assert_int_equal(xp_tui_wish_take(&l.t, &arg), rows[i].wish);
		if (rows[i].wish != XP_TUI_WISH_ASK)
			assert_int_equal(arg, 1);
	}
	assert_int_equal(xp_tui_wish_take(&l.t, &arg), XP_TUI_WISH_NONE);
	xp_tui_lab_key(&l, ' ');
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(xp_tui_wish_take(&l.t, &arg), XP_TUI_WISH_PLAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_80x24_shows_each_column_whole),
		cmocka_unit_test(test_list_last_six_of_serial_are_bold),
		cmocka_unit_test(test_list_space_selects_only_what_is_free),
		cmocka_unit_test(test_list_drive_that_becomes_used_is_not_selected_any_more),
		cmocka_unit_test(test_list_selected_drive_that_goes_is_told),
		cmocka_unit_test(test_list_another_drive_at_the_same_path_is_not_selected),
		cmocka_unit_test(test_list_drive_stays_selected_when_a_namesake_comes_and_goes),
		cmocka_unit_test(test_list_filter_and_order),
		cmocka_unit_test(test_scanner_selects_the_drive),
		cmocka_unit_test(test_scanner_unknown_number_beeps_and_says_so),
		cmocka_unit_test(test_scanner_number_of_two_drives_selects_none),
		cmocka_unit_test(test_scanner_works_through_a_filter),
		cmocka_unit_test(test_fingers_are_no_scanner),
		cmocka_unit_test(test_scanner_of_endless_text_is_bounded),
		cmocka_unit_test(test_hostile_text_never_reaches_a_cell_raw),
		cmocka_unit_test(test_list_any_size_draws_within_it),
		cmocka_unit_test(test_list_cursor_stays_in_sight),
		cmocka_unit_test(test_list_commands_wish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
