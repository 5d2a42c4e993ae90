/* The question where else things are kept, key by key, on an 80 x 24 terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/tui_lab.h"

static void ask(struct xp_tui_lab *l, size_t n, bool server)
{
	xp_tui_lab_new(l, 24, 80);
	snprintf(l->t.place_why, sizeof(l->t.place_why),
		 "no_durable_output: /stick: neither box can be used");
	l->t.places = calloc(n + 1, sizeof(*l->t.places));
	assert_non_null(l->t.places);
	for (size_t i = 0; i < n; i++) {
		snprintf(l->t.places[i].folder, sizeof(l->t.places[i].folder), "/media/%zu", i);
		snprintf(l->t.places[i].what, sizeof(l->t.places[i].what), "sd%c1, vfat, 15 GB",
			 (char)('b' + i));
	}
	l->t.places_n = n;
	l->t.place_server = server;
	xp_tui_go(&l->t, XP_TUI_PLACE);
}

static enum xp_tui_wish wish_of(struct xp_tui_lab *l, size_t *arg)
{
	*arg = 99;
	return xp_tui_wish_take(&l->t, arg);
}

static void test_place_shows_why_and_what_else_there_is(void **state)
{
	struct xp_tui_lab l;

	(void)state;
	ask(&l, 2, false);
	assert_true(xp_tui_lab_row(&l, "neither box can be used") <
		    xp_tui_lab_row(&l, "Other places that hold boxes"));
	assert_true(xp_tui_lab_row(&l, "/media/0") < xp_tui_lab_row(&l, "/media/1"));
	assert_non_null(strstr(xp_tui_lab_look(&l), "sdc1, vfat"));
	assert_null(strstr(xp_tui_lab_look(&l), "server only"));
	xp_tui_lab_free(&l);
	ask(&l, 0, true);
	assert_non_null(strstr(xp_tui_lab_look(&l), "No other medium here holds boxes"));
	assert_non_null(strstr(xp_tui_lab_look(&l), "server only"));
	xp_tui_lab_free(&l);
}

static void test_place_keys_are_wishes(void **state)
{
	struct xp_tui_lab l;
	size_t arg;

	(void)state;
	ask(&l, 2, false);
	xp_tui_lab_key(&l, XP_TUI_DOWN);
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(wish_of(&l, &arg), XP_TUI_WISH_PLACE);
	assert_int_equal(arg, 1);
	xp_tui_lab_key(&l, 'p');
	assert_int_equal(wish_of(&l, &arg), XP_TUI_WISH_PLACE_REPAIR);
	xp_tui_lab_key(&l, 'r');
	assert_int_equal(wish_of(&l, &arg), XP_TUI_WISH_PLACE_AGAIN);
	xp_tui_lab_key(&l, 's'); /* there is no server */
	assert_int_equal(wish_of(&l, &arg), XP_TUI_WISH_NONE);
	xp_tui_lab_key(&l, 'x');
	assert_int_equal(wish_of(&l, &arg), XP_TUI_WISH_NONE);
	xp_tui_lab_key(&l, XP_TUI_ESCAPE);
	assert_int_equal(wish_of(&l, &arg), XP_TUI_WISH_PLACE_NONE);
	xp_tui_lab_free(&l);
	ask(&l, 0, true);
	xp_tui_lab_key(&l, XP_TUI_ENTER); /* there is none to be taken */
	assert_int_equal(wish_of(&l, &arg), XP_TUI_WISH_NONE);
	xp_tui_lab_key(&l, 's');
	assert_int_equal(wish_of(&l, &arg), XP_TUI_WISH_PLACE_SERVER);
	xp_tui_lab_free(&l);
}

static void test_place_can_be_typed_and_left(void **state)
{
	struct xp_tui_lab l;
	size_t arg;

	(void)state;
	ask(&l, 1, false);
	xp_tui_lab_key(&l, 'f');
	xp_tui_lab_type(&l, "/mnt/prq"); /* no letter of these is a command */
	assert_int_equal(wish_of(&l, &arg), XP_TUI_WISH_NONE);
	xp_tui_lab_key(&l, XP_TUI_BACKSPACE);
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(wish_of(&l, &arg), XP_TUI_WISH_PLACE_TYPED);
	assert_string_equal(l.t.typed.text, "/mnt/pr");
	xp_tui_lab_key(&l, 'f');
	xp_tui_lab_type(&l, "/x");
	xp_tui_lab_key(&l, XP_TUI_ESCAPE); /* back to the question, and not out of it */
	assert_int_equal(wish_of(&l, &arg), XP_TUI_WISH_NONE);
	assert_int_equal(l.t.screen, XP_TUI_PLACE);
	xp_tui_lab_key(&l, 'f');
	xp_tui_lab_key(&l, XP_TUI_ENTER); /* nothing is no folder */
	assert_int_equal(wish_of(&l, &arg), XP_TUI_WISH_NONE);
	xp_tui_lab_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place_shows_why_and_what_else_there_is),
		cmocka_unit_test(test_place_keys_are_wishes),
		cmocka_unit_test(test_place_can_be_typed_and_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
