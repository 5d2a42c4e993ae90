/* Addresses: https and nothing else; what a server's name is checked against is what was written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "cli/https_url.h"

static void test_url_parts_are_found(void **state)
{
	static const struct {
		const char *url, *host, *port, *path;
		bool is_v6, has_query;
	} good[] = {
		{"https://h", "h", "443", "/", false, false},
		{"HTTPS://h.example:8443/a/b", "h.example", "8443", "/a/b", false, false},
		{"https://[fe80::1]:1/x?y=z", "fe80::1", "1", "/x?y=z", true, true},
		{"https://10.0.2.2?q", "10.0.2.2", "443", "/?q", false, true},
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(good); i++) {
		struct xp_https_url u;
		struct xp_err err;

		assert_int_equal(xp_https_url_parse(&u, good[i].url, &err), XP_OK);
		assert_string_equal(u.host, good[i].host);
		assert_string_equal(u.port, good[i].port);
		assert_string_equal(u.path, good[i].path);
		assert_int_equal(u.is_v6, good[i].is_v6);
		assert_int_equal(u.has_query, good[i].has_query);
	}
}

static void test_url_bad_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"h",
		"https:/h",
		"https://",
		"https://:1/",
		"https://h:0/",
		"https://h:65536/",
		"https://h:1x/",
		"https://h:/",
		"https://u@h/",
		"https://u:p@h/",
		"https://h/#f",
		"https://h/a b",
		"https://h/\r\nX: y",
		"https://h/\x7f",
		"https://h\\x/",
		"https://[::1/",
		"https://[x]/",
		"https://[::1]x/",
		"https://h_/",
		"ftp://h/",
		"https://.h/",
		"https://-h/",
		"https://h/\xc3\xa9",
	};
	char url[2048] = "https://h/";
	struct xp_https_url u;
	struct xp_err err;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++)
		if (xp_https_url_parse(&u, bad[i], &err) != XP_E_USAGE)
			fail_msg("taken: %s", bad[i]);
	memset(url + strlen(url), 'a', sizeof(url) - 1 - strlen("https://h/"));
	url[sizeof(url) - 1] = 0;
	assert_int_equal(xp_https_url_parse(&u, url, &err), XP_E_USAGE);
	memset(url + strlen("https://"), 'a', sizeof(url) - 1 - strlen("https://"));
	assert_int_equal(xp_https_url_parse(&u, url, &err), XP_E_USAGE);
	assert_int_equal(xp_https_url_parse(&u, "http://h/", &err), XP_E_REFUSED);
	assert_int_equal(xp_https_url_parse(&u, "HTTP://h/", &err), XP_E_REFUSED);
}

static void test_url_is_told_from_a_path(void **state)
{
	(void)state;
	assert_true(xp_text_is_url("https://h/"));
	assert_true(xp_text_is_url("ftp://h/"));
	assert_false(xp_text_is_url("expect.csv"));
	assert_false(xp_text_is_url("/a/b://c"));
	assert_false(xp_text_is_url("a://")); /* a drive's letter */
	assert_false(xp_text_is_url(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url_parts_are_found),
		cmocka_unit_test(test_url_bad_is_refused),
		cmocka_unit_test(test_url_is_told_from_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
