/* The log's checkpoint as a code on the screen: that it fits, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/log_code.h"
#include "cli/tui/tui_code.h"
#include "tests/fake/tui_lab.h"

static void test_code_text_of_a_real_log(void **state)
{
	AUTO(xp_note_signer_free) struct xp_note_signer *signer = NULL;
	const struct xp_merkle_head head = {.size = 123456};
	AUTO_MEM char *note = NULL;
	AUTO_MEM uint8_t *code = NULL;
	char text[XP_LOG_CODE_MAX];
	unsigned size = 0;
	size_t len = 0;
	struct xp_err err;

	(void)state;
	assert_int_equal(xp_note_signer_new(&signer, "expunge.local/usb-0123456789abcdef",
					    xp_rng_system(), &err),
			 XP_OK);
	assert_int_equal(xp_checkpoint_sign(&note, &len, &head, signer, &err), XP_OK);
	assert_int_equal(xp_log_code_write(text, note, &err), XP_OK);
	/* nothing that QR's shorter alphabet does not have */
	assert_int_equal(strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"),
			 strlen(text));
	assert_int_equal(xp_tui_code_make(&code, &size, text, &err), XP_OK);
	/* with half blocks two modules a row: 24 rows have room, and a little around it */
	assert_true(size <= 45 && size + 2 <= 48);
}

static void test_code_too_long_is_refused(void **state)
{
	AUTO_MEM uint8_t *code = NULL;
	char text[8000];
	unsigned size = 1;
	struct xp_err err;

	(void)state;
	memset(text, 'A', sizeof(text));
	text[300] = 0;
	assert_int_equal(xp_tui_code_make(&code, &size, text, &err), XP_E_USAGE);
	assert_null(code);
	assert_int_equal(size, 0);
	text[300] = 'A';
	text[sizeof(text) - 1] = 0;
	assert_int_equal(xp_tui_code_make(&code, &size, text, &err), XP_E_USAGE);
	assert_null(code);
}

/* A screen of its own, with a code of N modules where only the first is dark. */
static void show(struct xp_tui_lab *l, unsigned rows, unsigned cols, bool utf8, unsigned n)
{
	xp_tui_lab_new(l, rows, cols);
	l->c.utf8 = utf8;
	l->t.code = calloc(n, n);
	assert_non_null(l->t.code);
	l->t.code[0] = 1;
	l->t.code_size = n;
	snprintf(l->t.checkpoint_note, sizeof(l->t.checkpoint_note), "vm.local/usb-01\n");
	xp_tui_go(&l->t, XP_TUI_CHECKPOINT);
	xp_tui_lab_look(l);
}

static void test_code_fits_80x24_by_half_blocks(void **state)
{
	static const unsigned sizes[] = {41, 45};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(sizes); i++) {
		AUTO(xp_tui_lab_free) struct xp_tui_lab l;
		unsigned light = 0;

		show(&l, 24, 80, true, sizes[i]);
		for (size_t k = 0; k < (size_t)24 * 80; k++) {
			const struct xp_tui_cell *cell = &l.c.cells[k];

			if (!(cell->look & XP_TUI_CODE))
				continue;
			light += cell->ch == 0x2588 ? 2 : cell->ch == ' ' ? 0 : 1;
		}
		/* each module is there, the dark one is not light, and there is an edge around */
		assert_true(light >= (sizes[i] + 2) * (sizes[i] + 2) - 1);
		xp_tui_lab_row(&l, "The log's checkpoint");
	}
}

static void test_code_without_utf8_on_80x24_is_words(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	show(&l, 24, 80, false, 45);
	xp_tui_lab_row(&l, "vm.local/usb-01");
	xp_tui_lab_row(&l, "49 rows and 98 columns");
}

static void test_code_without_utf8_on_a_larger_screen_is_whole(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;
	unsigned light = 0;

	(void)state;
	show(&l, 49, 98, false, 45);
	for (size_t k = 0; k < (size_t)49 * 98; k++)
		light += (l.c.cells[k].look & XP_TUI_CODE) && l.c.cells[k].ch == '#';
	assert_int_equal(light, 2 * (49 * 49 - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code_text_of_a_real_log),
		cmocka_unit_test(test_code_too_long_is_refused),
		cmocka_unit_test(test_code_fits_80x24_by_half_blocks),
		cmocka_unit_test(test_code_without_utf8_on_80x24_is_words),
		cmocka_unit_test(test_code_without_utf8_on_a_larger_screen_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
