#include "certs/jcs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

/* ---- helpers ---- */

static bool has_code(const struct xp_findings *f, const char *code)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].code, code) == 0)
			return true;
	return false;
}

static void expect_refused(const char *text, size_t len, const char *code)
{
	struct xp_findings f = {0};
	json_t *tree = NULL;
	struct xp_err err = {0};
	enum xp_rc rc = xp_jcs_read(&tree, text, len, &f, &err);

	if (rc != XP_E_MALFORMED || !has_code(&f, code))
		fail_msg("%.60s: rc %d, %zu findings, first %s, expected %s", text, rc, f.n,
			 f.n ? f.list[0].code : "-", code);
	json_decref(tree);
	xp_findings_free(&f);
}

static void expect_read(const char *text)
{
	struct xp_findings f = {0};
	json_t *tree = NULL;
	struct xp_err err = {0};

	if (xp_jcs_read(&tree, text, strlen(text), &f, &err) != XP_OK)
		fail_msg("%.60s: %s %s", text, f.n ? f.list[0].code : "-",
			 f.n ? f.list[0].text : err.msg);
	assert_non_null(tree);
	assert_int_equal(f.n, 0);
	json_decref(tree);
	xp_findings_free(&f);
}

static void expect_written(const char *loose, const char *canonical)
{
	AUTO(xp_json_free) json_t *tree = json_loads(loose, JSON_DECODE_ANY, NULL);
	AUTO_MEM char *text = NULL;
	struct xp_err err = {0};
	size_t len = 0;

	assert_non_null(tree);
	assert_int_equal(xp_jcs_write(&text, &len, tree, &err), XP_OK);
	assert_string_equal(text, canonical);
	assert_int_equal(len, strlen(canonical));
}

/* ---- writing ---- */

/* the string of the example in RFC 8785, 3.2.2, and the literals beside it */
static void test_jcs_write_rfc_example_strings(void **state)
{
	(void)state;
	expect_written("{\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
		       "\"literals\": [null, true, false]}",
		       "{\"literals\":[null,true,false],"
		       "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

static void test_jcs_write_controls_have_the_short_forms(void **state)
{
	(void)state;
	expect_written("[\"\\b\\t\\n\\f\\r\\u0001\\u001f\\u007f\"]",
		       "[\"\\b\\t\\n\\f\\r\\u0001\\u001f\x7f\"]");
}

static void test_jcs_write_sorts_keys_at_every_level(void **state)
{
	(void)state;
	expect_written("{\"b\":{\"z\":1,\"y\":{}},\"a10\":[],\"a1\":2,\"B\":3,\"a\":-7}",
		       "{\"B\":3,\"a\":-7,\"a1\":2,\"a10\":[],\"b\":{\"y\":{},\"z\":1}}");
}

static void test_jcs_write_integers_at_the_edge_are_plain(void **state)
{
	(void)state;
	expect_written("[9007199254740991,-9007199254740991,0]",
		       "[9007199254740991,-9007199254740991,0]");
}

static void expect_unwritable(json_t *tree)
{
	struct xp_err err = {0};
	char *text = NULL;
	size_t len;

	assert_non_null(tree);
	assert_int_equal(xp_jcs_write(&text, &len, tree, &err), XP_E_MALFORMED);
	assert_null(text);
	json_decref(tree);
}

static void test_jcs_write_outside_the_subset_fails(void **state)
{
	json_t *deep = json_array();

	(void)state;
	expect_unwritable(json_pack("[I]", (json_int_t)9007199254740992));
	expect_unwritable(json_pack("[I]", (json_int_t)-9007199254740992));
	expect_unwritable(json_pack("[f]", 1.5));
	expect_unwritable(json_pack("{s:i}", "k\xc3\xa9y", 1));
	expect_unwritable(json_pack("{s:i}", "", 1));
	expect_unwritable(json_pack("{s:i}", "a b", 1));
	for (int i = 1; i < XP_JCS_MAX_DEPTH; i++)
		deep = json_pack("[o]", deep);
	{
		char *text = NULL;
		size_t len;

		assert_int_equal(xp_jcs_write(&text, &len, deep, NULL), XP_OK);
		free(text);
	}
	expect_unwritable(json_pack("[o]", deep));
}

/* ---- reading ---- */

static void test_jcs_read_canonical_is_accepted(void **state)
{
	(void)state;
	expect_read("{}");
	expect_read("{\"a\":[],\"b\":{},\"c\":\"x\",\"d\":true,\"e\":false,\"f\":-1,\"g\":0}");
	expect_read("{\"a\":\"\xe5\xb1\xb1\xe7\x94\xb0 \xf0\x9f\x98\x80 \\\\ \\\" /\"}");
	expect_read("{\"a\":9007199254740991}");
}

static void test_jcs_read_another_spelling_is_not_canonical(void **state)
{
	static const char *const texts[] = {
		"{ }",
		"{}\n",
		" {}",
		"{\"a\": 1}",
		"{\"a\":1 }",
		"{\"b\":1,\"a\":2}",
		"{\"a\":-0}",
		"{\"a\":\"\\u0041\"}",
		"{\"a\":\"\\/\"}",
		"{\"\\u0061\":1}",
		"{\"a\":\"\\u20ac\"}",
		"{\"a\":\"\\ud83d\\ude00\"}",
		"\t{}",
		"{\"a\":[1,\n2]}",
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(texts); i++)
		expect_refused(texts[i], strlen(texts[i]), "E_JSON_NOT_CANONICAL");
}

static void test_jcs_read_no_json_is_a_syntax_error(void **state)
{
	static const char *const texts[] = {
		"{",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{a:1}",
		"{'a':1}",
		"{}{}",
		"{}x",
		"{\"a\":01}",
		"{\"a\":+1}",
		"{\"a\":.5}",
		"nul",
		"{\"a\":\"b}",
		"[1,2",
		"{\"a\":tru}",
		"\xef\xbb\xbf{}",
		"]",
		"// c\n{}",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12\"}",
		"{\"a\":NaN}",
		"{\"a\":\"\t\"}",
		/* lone surrogates */
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\udc00\"}",
		"{\"a\":\"\\ud800\\ud800\"}",
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(texts); i++)
		expect_refused(texts[i], strlen(texts[i]), "E_JSON_SYNTAX");
	expect_refused("{}\0", 3, "E_JSON_SYNTAX");
	expect_refused("{\"a\":\"b\0c\"}", 11, "E_JSON_SYNTAX");
}

static void test_jcs_read_duplicate_key_is_refused(void **state)
{
	(void)state;
	expect_refused("{\"a\":1,\"a\":1}", 13, "E_JSON_DUPLICATE_KEY");
	expect_refused("{\"a\":1,\"\\u0061\":2}", 18, "E_JSON_DUPLICATE_KEY");
	expect_refused("{\"x\":{\"a\":1,\"b\":2,\"a\":3}}", 25, "E_JSON_DUPLICATE_KEY");
}

static void test_jcs_read_invalid_utf8_is_refused(void **state)
{
	static const char *const texts[] = {
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\xc3\"}",
		"{\"a\":\"\xc0\xaf\"}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\xf4\x90\x80\x80\"}",
		"{\"a\":\"\x80\"}",
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(texts); i++)
		expect_refused(texts[i], strlen(texts[i]), "E_JSON_STRING");
}

static void test_jcs_read_forbidden_characters_are_refused(void **state)
{
	static const char *const texts[] = {
		"{\"a\":\"\"}",		     /* empty */
		"{\"a\":\"\x7f\"}",	     /* DEL */
		"{\"a\":\"\xc2\x80\"}",	     /* U+0080 */
		"{\"a\":\"\xc2\x9f\"}",	     /* U+009F */
		"{\"a\":\"x\xe2\x80\xae\"}", /* U+202E right-to-left override */
		"{\"a\":\"x\xe2\x81\xa6\"}", /* U+2066 */
		"{\"a\":\"x\xe2\x81\xa9\"}", /* U+2069 */
		"{\"a\":\"x\xe2\x80\x8f\"}", /* U+200F */
		"{\"a\":\"x\xd8\x9c\"}",     /* U+061C */
		"{\"a\":\"x\\n\"}",	     /* canonical, and still forbidden */
		"{\"a\":\"x\\u001f\"}",
		"{\"a\":\"\\u202e\"}",
		"{\"a\":{\"b\":[\"ok\",\"\"]}}",
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(texts); i++)
		expect_refused(texts[i], strlen(texts[i]), "E_JSON_STRING");
	expect_refused("{\"a\":\"\\u0000\"}", 14, "E_JSON_STRING");
}

static void test_jcs_read_odd_keys_are_refused(void **state)
{
	(void)state;
	expect_refused("{\"\":1}", 6, "E_JSON_KEY");
	expect_refused("{\"a b\":1}", 9, "E_JSON_KEY");
	expect_refused("{\"\xc3\xa9\":1}", 8, "E_JSON_KEY");
	expect_refused("{\"a\":{\"\\n\":1}}", 14, "E_JSON_KEY");
}

static void test_jcs_read_odd_numbers_are_refused(void **state)
{
	static const char *const texts[] = {
		"{\"a\":1.5}",
		"{\"a\":1e3}",
		"{\"a\":1E0}",
		"{\"a\":0.0}",
		"{\"a\":9007199254740992}",
		"{\"a\":-9007199254740992}",
		"{\"a\":99999999999999999999999}",
		"{\"a\":1e999}",
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(texts); i++)
		expect_refused(texts[i], strlen(texts[i]), "E_JSON_NUMBER");
}

static void test_jcs_read_null_and_other_roots_are_refused(void **state)
{
	(void)state;
	expect_refused("{\"a\":null}", 10, "E_JSON_NULL");
	expect_refused("[]", 2, "E_JSON_ROOT");
	expect_refused("1", 1, "E_JSON_ROOT");
	expect_refused("\"x\"", 3, "E_JSON_ROOT");
	expect_refused("null", 4, "E_JSON_ROOT");
}

static char *nested(size_t levels)
{
	char *text = calloc(1, 16 * levels + 16);
	size_t n = 0;

	assert_non_null(text);
	for (size_t i = 0; i < levels; i++) {
		memcpy(text + n, "{\"a\":", 5);
		n += 5;
	}
	text[n++] = '1';
	memset(text + n, '}', levels);
	return text;
}

static void test_jcs_read_depth_is_bounded(void **state)
{
	char *text = nested(XP_JCS_MAX_DEPTH);

	(void)state;
	expect_read(text);
	free(text);
	text = nested(XP_JCS_MAX_DEPTH + 1);
	expect_refused(text, strlen(text), "E_JSON_DEPTH");
	free(text);
	text = nested(100000);
	expect_refused(text, strlen(text), "E_JSON_DEPTH");
	free(text);
	/* brackets in a string are no levels */
	expect_read("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[\\\"[{{{{\"}");
}

static void test_jcs_read_size_is_bounded(void **state)
{
	size_t len = XP_RECORD_MAX_BYTES + 1;
	char *text = malloc(len + 1);

	(void)state;
	assert_non_null(text);
	expect_refused("", 0, "E_JSON_SIZE");
	memset(text, 'x', len);
	text[len] = 0;
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + len - 2, "\"}", 2);
	expect_refused(text, len, "E_JSON_SIZE");
	memset(text, ',', len);
	expect_refused(text, XP_RECORD_MAX_BYTES, "E_JSON_SIZE");
	memmove(text, "{\"a\":[0", 7);
	expect_refused(text, XP_RECORD_MAX_BYTES, "E_JSON_SIZE");
	free(text);
}

static void test_jcs_read_many_breaches_stay_bounded(void **state)
{
	struct xp_findings f = {0};
	char text[8192] = "{\"a\":[";
	size_t n = strlen(text);
	json_t *tree = NULL;

	(void)state;
	while (n < sizeof(text) - 16) {
		memcpy(text + n, "\"\",", 3);
		n += 3;
	}
	memcpy(text + n - 1, "]}", 2);
	assert_int_equal(xp_jcs_read(&tree, text, n + 1, &f, NULL), XP_E_MALFORMED);
	assert_non_null(tree);
	assert_in_range(f.n, 100, 600);
	assert_string_equal(f.list[f.n - 1].code, "E_MORE_FINDINGS");
	json_decref(tree);
	xp_findings_free(&f);
}

static void test_jcs_read_every_truncation_fails(void **state)
{
	static const char text[] = "{\"a\":[1,\"x\\\\\",{\"b\":\"\xe5\xb1\xb1\"}],\"c\":true}";

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		struct xp_findings f = {0};
		json_t *tree = NULL;

		assert_int_not_equal(xp_jcs_read(&tree, text, len, &f, NULL), XP_OK);
		assert_true(f.n > 0);
		json_decref(tree);
		xp_findings_free(&f);
	}
}

/* Whatever is accepted is written again as the same bytes. */
static void test_jcs_read_bit_flips_accepted_ones_are_canonical(void **state)
{
	static const char good[] = "{\"a\":[1,20,\"x\\\\y\"],\"b\":{\"c\":\"\xe5\xb1\xb1\"}}";
	unsigned accepted = 0;

	(void)state;
	for (size_t bit = 0; bit < 8 * (sizeof(good) - 1); bit++) {
		struct xp_findings f = {0};
		json_t *tree = NULL;
		char text[sizeof(good)];

		memcpy(text, good, sizeof(good));
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		if (xp_jcs_read(&tree, text, sizeof(good) - 1, &f, NULL) == XP_OK) {
			AUTO_MEM char *again = NULL;
			size_t len;

			accepted++;
			assert_int_equal(xp_jcs_write(&again, &len, tree, NULL), XP_OK);
			assert_int_equal(len, sizeof(good) - 1);
			assert_memory_equal(again, text, len);
		} else {
			assert_true(f.n > 0);
		}
		json_decref(tree);
		xp_findings_free(&f);
	}
	assert_true(accepted > 0);
}

/* ---- paths and differences ---- */

static void expect_difference(const char *a, const char *b, const char *where)
{
	AUTO(xp_json_free) json_t *x = json_loads(a, 0, NULL);
	AUTO(xp_json_free) json_t *y = json_loads(b, 0, NULL);
	struct xp_json_path path = {0};

	assert_true(xp_json_differs(&path, x, y));
	assert_string_equal(xp_json_path_text(&path), where);
}

static void test_json_differs_names_the_place(void **state)
{
	json_t *x = json_loads("{\"a\":[1,{\"b\":2}]}", 0, NULL);
	struct xp_json_path path = {0};

	(void)state;
	expect_difference("{\"a\":[1,{\"b\":2}]}", "{\"a\":[1,{\"b\":3}]}", "a[1].b");
	expect_difference("{\"a\":[1]}", "{\"a\":[1,2]}", "a[1]");
	expect_difference("{\"a\":[1,2]}", "{\"a\":[1]}", "a[1]");
	expect_difference("{\"a\":1}", "{\"a\":1,\"c\":1}", "c");
	expect_difference("{\"a\":1,\"c\":1}", "{\"a\":1}", "c");
	expect_difference("{}", "[]", "(root)");
	assert_false(xp_json_differs(&path, x, x));
	json_decref(x);
}

static void test_json_path_escapes_and_cuts(void **state)
{
	struct xp_json_path path = {0};

	(void)state;
	xp_json_path_key(&path, "a\n\xe2\x80\xae");
	assert_string_equal(xp_json_path_text(&path), "a\\x0a\\xe2\\x80\\xae");
	for (int i = 0; i < 100; i++)
		xp_json_path_index(&path, 1000000);
	assert_true(strlen(xp_json_path_text(&path)) < sizeof(path.text));
	xp_json_path_pop(&path, 1);
	assert_string_equal(xp_json_path_text(&path), "a");
}

static void test_text_is_plain_knows_the_edges(void **state)
{
	(void)state;
	assert_true(xp_jcs_text_is_plain("a", 1));
	assert_true(xp_jcs_text_is_plain("\xc2\xa0", 2));
	assert_true(xp_jcs_text_is_plain("\xe2\x80\xa9", 3));
	assert_false(xp_jcs_text_is_plain("", 0));
	assert_false(xp_jcs_text_is_plain("a\0", 2));
	assert_false(xp_jcs_text_is_plain("\xe2\x80", 2));
	assert_false(xp_jcs_text_is_plain("\xe2\x80\xaa", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jcs_write_rfc_example_strings),
		cmocka_unit_test(test_jcs_write_controls_have_the_short_forms),
		cmocka_unit_test(test_jcs_write_sorts_keys_at_every_level),
		cmocka_unit_test(test_jcs_write_integers_at_the_edge_are_plain),
		cmocka_unit_test(test_jcs_write_outside_the_subset_fails),
		cmocka_unit_test(test_jcs_read_canonical_is_accepted),
		cmocka_unit_test(test_jcs_read_another_spelling_is_not_canonical),
		cmocka_unit_test(test_jcs_read_no_json_is_a_syntax_error),
		cmocka_unit_test(test_jcs_read_duplicate_key_is_refused),
		cmocka_unit_test(test_jcs_read_invalid_utf8_is_refused),
		cmocka_unit_test(test_jcs_read_forbidden_characters_are_refused),
		cmocka_unit_test(test_jcs_read_odd_keys_are_refused),
		cmocka_unit_test(test_jcs_read_odd_numbers_are_refused),
		cmocka_unit_test(test_jcs_read_null_and_other_roots_are_refused),
		cmocka_unit_test(test_jcs_read_depth_is_bounded),
		cmocka_unit_test(test_jcs_read_size_is_bounded),
		cmocka_unit_test(test_jcs_read_many_breaches_stay_bounded),
		cmocka_unit_test(test_jcs_read_every_truncation_fails),
		cmocka_unit_test(test_jcs_read_bit_flips_accepted_ones_are_canonical),
		cmocka_unit_test(test_json_differs_names_the_place),
		cmocka_unit_test(test_json_path_escapes_and_cuts),
		cmocka_unit_test(test_text_is_plain_knows_the_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
