/* Two drives of one name: what was chosen or done for the one is never taken for the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/tui/tui_inside.h"
#include "tests/fake/tui_lab.h"

#define OTHER_DISK 77

static void name_by_place(struct xp_tui_drive *list)
{
	size_t n = strlen(list[0].confirm);

	snprintf(list[0].confirm + n, sizeof(list[0].confirm) - n, "@/dev/somewhere");
}

/* The first one was pulled, and its namesake stands where it stood. */
static void another_there(struct xp_tui_drive *list)
{
	list[0].diskseq = OTHER_DISK;
}

static void another_by_place(struct xp_tui_drive *list)
{
	name_by_place(list);
	another_there(list);
}

static void unnumbered_by_place(struct xp_tui_drive *list)
{
	name_by_place(list);
	list[0].diskseq = 0;
}

static void test_selection_does_not_go_to_a_namesake(void **state)
{
	static void (*const comes[])(struct xp_tui_drive *) = {another_there, another_by_place,
							       unnumbered_by_place};

	(void)state;
	for (size_t i = 0; i < sizeof(comes) / sizeof(comes[0]); i++) {
		AUTO(xp_tui_lab_free) struct xp_tui_lab l;

		xp_tui_lab_new(&l, 24, 80);
		xp_tui_lab_drives(&l, 2);
		xp_tui_lab_type(&l, "a");
		xp_tui_lab_scan(&l, 2, comes[i]);
		assert_false(l.t.drives[0].selected);
		assert_true(l.t.drives[1].selected);
		assert_true(xp_tui_beep_take(&l.t));
	}
}

static void test_selection_of_one_named_by_place_does_not_go_to_the_one_that_is_left(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_scan(&l, 2, name_by_place);
	xp_tui_lab_type(&l, "a");
	xp_tui_lab_scan(&l, 1, another_there);
	assert_false(l.t.drives[0].selected);
}

static void test_what_was_done_is_not_said_of_a_namesake(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;
	size_t first;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 2);
	first = xp_tui_lab_round(&l, 1, 2, "walnut");
	l.t.jobs[first].state = XP_TUI_JOB_DONE;
	xp_tui_lab_scan(&l, 2, name_by_place);
	assert_ptr_equal(xp_tui_drive_job(&l.t, &l.t.drives[0]), &l.t.jobs[first]);
	xp_tui_lab_scan(&l, 2, another_by_place);
	assert_null(xp_tui_drive_job(&l.t, &l.t.drives[0]));
	xp_tui_lab_scan(&l, 2, another_there);
	assert_null(xp_tui_drive_job(&l.t, &l.t.drives[0]));
	/* one that is at work may have left for a moment, and nobody else is to take it */
	l.t.jobs[first].state = XP_TUI_JOB_RUNNING;
	assert_ptr_equal(xp_tui_drive_job(&l.t, &l.t.drives[0]), &l.t.jobs[first]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selection_does_not_go_to_a_namesake),
		cmocka_unit_test(
			test_selection_of_one_named_by_place_does_not_go_to_the_one_that_is_left),
		cmocka_unit_test(test_what_was_done_is_not_said_of_a_namesake),
	};

	return cmocka_run_group_tests_name("tui_same", tests, NULL, NULL);
}
