/* Command lines: what is unknown, doubled or cut off is a usage error with a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "cli/options.h"
#include "cli/output.h"

static const struct xp_option table[] = {
	{"json", XP_OPT_FLAG, NULL, "flag"},
	{"out", XP_OPT_STRING, "DIR", "string"},
	{"confirm", XP_OPT_LIST, "STRING", "list"},
	{"n", XP_OPT_STRING, "N", "number"},
	{0},
};

static enum xp_rc parse(struct xp_args *out, const char *line, char *buf, size_t size)
{
	char *argv[32];
	int argc = 0;
	char *save = NULL;
	struct xp_err err;

	snprintf(buf, size, "%s", line);
	for (char *p = strtok_r(buf, " ", &save); p; p = strtok_r(NULL, " ", &save))
		argv[argc++] = p;
	return xp_args_parse(out, table, argc, argv, &err);
}

static void test_args_good_line_is_taken_apart(void **state)
{
	AUTO(xp_args_free) struct xp_args a = {0};
	char buf[256];

	(void)state;
	assert_int_equal(parse(&a, "t1 --json --out=d --confirm x t2 --confirm y -- --t3 -", buf,
			       sizeof(buf)),
			 XP_OK);
	assert_true(xp_args_flag(&a, "json"));
	assert_string_equal(xp_args_string(&a, "out"), "d");
	assert_string_equal(xp_args_list(&a, "confirm")[0], "x");
	assert_string_equal(xp_args_list(&a, "confirm")[1], "y");
	assert_null(xp_args_list(&a, "confirm")[2]);
	assert_int_equal(a.operands_n, 4);
	assert_string_equal(a.operands[2], "--t3");
	assert_null(xp_args_string(&a, "n"));
}

static void test_args_bad_lines_are_usage_errors(void **state)
{
	static const char *const bad[] = {"--frob",   "--out", "--out a --out b",
					  "--json=1", "-x",    "--ou d"};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++) {
		AUTO(xp_args_free) struct xp_args a = {0};
		char buf[256];

		assert_int_equal(parse(&a, bad[i], buf, sizeof(buf)), XP_E_USAGE);
	}
}

static void test_args_numbers_are_strict(void **state)
{
	static const char *const bad[] = {
		"--n x", "--n 1x", "--n -1", "--n 101", "--n 99999999999999999999999", "--n="};
	AUTO(xp_args_free) struct xp_args good = {0};
	char buf[256];
	uint64_t v = 0;
	struct xp_err err;

	(void)state;
	assert_int_equal(parse(&good, "--n 100", buf, sizeof(buf)), XP_OK);
	assert_int_equal(xp_args_number(&v, &good, "n", 7, 100, &err), XP_OK);
	assert_int_equal(v, 100);
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++) {
		AUTO(xp_args_free) struct xp_args a = {0};

		assert_int_equal(parse(&a, bad[i], buf, sizeof(buf)), XP_OK);
		assert_int_equal(xp_args_number(&v, &a, "n", 7, 100, &err), XP_E_USAGE);
	}
}

static void test_escaped_text_shows_what_it_hides(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"plain \xc3\xa4", "plain \xc3\xa4"},
		{"a\x1b[2Jb", "a\\x1b[2Jb"},
		{"a\nb\x7f", "a\\x0ab\\x7f"},
		{"a\xe2\x80\xae"
		 "b",
		 "a\\u{202e}b"},
		{"\xff\xc3", "\\xff\\xc3"},
		{"\xc0\x80", "\\xc0\\x80"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
		{"\xc2\x85", "\\u{0085}"},
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(cases); i++) {
		AUTO(xp_buf_free) struct xp_buf b = {0};

		xp_buf_escaped(&b, cases[i].in);
		assert_string_equal(xp_buf_str(&b), cases[i].out);
	}
}

static void test_exit_codes_of_a_batch_worst_first(void **state)
{
	static const int order[] = {70, 1, 2, 5, 6, 77, 69, 66, 4, 3, 0};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(order); i++)
		for (size_t k = i; k < XP_ARRAY_LEN(order); k++) {
			assert_int_equal(xp_exit_worse(order[i], order[k]), order[i]);
			assert_int_equal(xp_exit_worse(order[k], order[i]), order[i]);
		}
	assert_int_equal(xp_exit_worse(0, 99), 70);
}

static void test_sizes_and_durations_read_well(void **state)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};

	(void)state;
	xp_buf_size(&b, 512);
	xp_buf_putc(&b, '|');
	xp_buf_size(&b, 1536);
	xp_buf_putc(&b, '|');
	xp_buf_size(&b, 1ull << 40);
	xp_buf_putc(&b, '|');
	xp_buf_duration(&b, 59);
	xp_buf_putc(&b, '|');
	xp_buf_duration(&b, 3700);
	assert_string_equal(xp_buf_str(&b), "512 bytes|1.5 KiB|1 TiB|59 s|1 h 1 min");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_args_good_line_is_taken_apart),
		cmocka_unit_test(test_args_bad_lines_are_usage_errors),
		cmocka_unit_test(test_args_numbers_are_strict),
		cmocka_unit_test(test_escaped_text_shows_what_it_hides),
		cmocka_unit_test(test_exit_codes_of_a_batch_worst_first),
		cmocka_unit_test(test_sizes_and_durations_read_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
