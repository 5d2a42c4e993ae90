/* Keyboard layouts: every character of a passphrase can be typed on each, and the keys are right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/tui/tui_keyboard.h"

/* A console in memory. */
struct console {
	uint32_t ch[3][128];
	unsigned sets, fail_at;
};

static int set(void *ctx, unsigned table, unsigned key, uint32_t ch)
{
	struct console *c = ctx;

	assert_true(table < 3 && key < 128);
	assert_int_equal(c->ch[table][key], 0); /* no key twice */
	if (++c->sets == c->fail_at) {
		errno = EPERM;
		return -1;
	}
	c->ch[table][key] = ch;
	return 0;
}

static void load(struct console *c, const char *name)
{
	const struct xp_tui_keyboard_setter setter = {.set = set, .ctx = c};
	size_t index = 99;
	struct xp_err err;

	memset(c, 0, sizeof(*c));
	assert_true(xp_tui_keyboard_find(&index, name));
	assert_int_equal(xp_tui_keyboard_load(&setter, index, &err), XP_OK);
	assert_int_equal(c->sets, 3 * 48);
}

static bool can_type(const struct console *c, uint32_t ch)
{
	for (unsigned t = 0; t < 3; t++)
		for (unsigned k = 0; k < 128; k++)
			if (c->ch[t][k] == ch)
				return true;
	return false;
}

static void test_each_layout_has_all_of_ascii(void **state)
{
	const char *const *names = xp_tui_keyboard_names();
	struct console c;
	char name[3] = "";
	size_t n = 0;

	(void)state;
	for (; names[n]; n++) {
		size_t index = 99;

		memcpy(name, names[n], 2);
		load(&c, name);
		assert_true(xp_tui_keyboard_find(&index, name));
		assert_int_equal(index, n);
		for (uint32_t ch = '!'; ch <= '~'; ch++)
			if (!can_type(&c, ch))
				fail_msg("%s cannot type %c", name, (int)ch);
	}
	assert_int_equal(n, 7);
}

static void test_keys_stand_where_they_are_printed(void **state)
{
	/* by the kernel's numbers: 16 is where Americans have Q, 21 Y, 44 Z, 3 the digit 2, 86
	 * the key that they do not have */
	static const struct {
		const char *name;
		unsigned table, key;
		uint32_t ch;
	} rows[] = {
		{"us", 0, 16, 'q'},    {"us", 1, 3, '@'},   {"uk", 1, 3, '"'},
		{"uk", 1, 4, 0xa3},    {"uk", 0, 43, '#'},  {"uk", 2, 5, 0x20ac},
		{"de", 0, 21, 'z'},    {"de", 0, 44, 'y'},  {"de", 2, 16, '@'},
		{"de", 0, 12, 0xdf},   {"de", 2, 12, '\\'}, {"de", 1, 8, '/'},
		{"de", 2, 18, 0x20ac}, {"de", 2, 86, '|'},  {"de", 2, 50, 0xb5},
		{"ch", 2, 3, '@'},     {"ch", 2, 40, '{'},  {"ch", 2, 86, '\\'},
		{"fr", 0, 16, 'a'},    {"fr", 0, 30, 'q'},  {"fr", 1, 2, '1'},
		{"fr", 2, 11, '@'},    {"fr", 0, 39, 'm'},  {"fr", 1, 51, '.'},
		{"es", 0, 39, 0xf1},   {"es", 2, 3, '@'},   {"es", 2, 43, '}'},
		{"it", 2, 39, '@'},    {"it", 2, 8, '{'},   {"it", 2, 11, '}'},
		{"it", 2, 26, '['},    {"it", 0, 41, '\\'},
	};
	struct console c;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++) {
		load(&c, rows[i].name);
		if (c.ch[rows[i].table][rows[i].key] != rows[i].ch)
			fail_msg("%s %u %u is %x", rows[i].name, rows[i].table, rows[i].key,
				 (unsigned)c.ch[rows[i].table][rows[i].key]);
	}
}

static void test_what_is_no_layout_or_no_console_is_told(void **state)
{
	struct console c = {.fail_at = 20};
	const struct xp_tui_keyboard_setter setter = {.set = set, .ctx = &c};
	size_t index = 5;
	int fds[2];
	struct xp_err err;

	(void)state;
	assert_false(xp_tui_keyboard_find(&index, "xx"));
	assert_false(xp_tui_keyboard_find(&index, ""));
	assert_int_equal(index, 5);
	assert_int_equal(xp_tui_keyboard_load(&setter, 7, &err), XP_E_USAGE);
	assert_int_equal(xp_tui_keyboard_load(&setter, 0, &err), XP_E_PERM);
	assert_int_equal(c.sets, 20);
	assert_int_equal(pipe(fds), 0);
	assert_false(xp_tui_keyboard_is_console(fds[0]));
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_layout_has_all_of_ascii),
		cmocka_unit_test(test_keys_stand_where_they_are_printed),
		cmocka_unit_test(test_what_is_no_layout_or_no_console_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
