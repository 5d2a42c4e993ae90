/* What a hostile server may answer to a timestamp request, and addresses that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/timestamp_http.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define TYPE	"Content-Type: application/timestamp-reply\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define LIT(s)	(s), (sizeof(s) - 1)

/* The answer in a block of just its size, byte by byte: whole at the end, and not before. */
static void expect_body(const char *answer, size_t len, bool until_end, const char *body)
{
	for (size_t n = 0; n <= len; n++) {
		struct xp_buf b = {0};
		char *part = malloc(n ? n : 1);
		bool done = true;

		assert_non_null(part);
		memcpy(part, answer, n);
		assert_int_equal(xp_http_answer(&b, &done, part, n, false, NULL), XP_OK);
		assert_int_equal(done, !until_end && n == len);
		/* cut here */
		if (n < len && !until_end)
			assert_int_equal(xp_http_answer(&b, &done, part, n, true, NULL),
					 XP_E_MALFORMED);
		if (n == len) {
			assert_int_equal(xp_http_answer(&b, &done, part, n, true, NULL), XP_OK);
			assert_true(done);
			assert_string_equal(xp_buf_str(&b), body);
		}
		xp_buf_free(&b);
		free(part);
	}
}

static void expect_bad(const char *answer, size_t len)
{
	struct xp_buf b = {0};
	bool done = false;

	if (xp_http_answer(&b, &done, answer, len, true, NULL) != XP_E_MALFORMED)
		fail_msg("taken: %.*s", (int)len, answer);
	xp_buf_free(&b);
}

static void test_good_answers_are_read(void **state)
{
	(void)state;
	expect_body(LIT(OK_HEAD TYPE "Content-Length: 5\r\n\r\nhello"), false, "hello");
	expect_body(LIT("HTTP/1.0 200\x20\r\ncontent-type:APPLICATION/timestamp-reply ; a=b\r\n"
			"CONTENT-LENGTH:\t5 \r\nServer: x\r\n\r\nhello"),
		    false, "hello");
	expect_body(LIT(OK_HEAD TYPE CHUNKED "\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"), false,
		    "hello");
	expect_body(LIT(OK_HEAD TYPE "\r\nhello"), true, "hello");
}

static void test_bad_answers_are_refused(void **state)
{
	(void)state;
	expect_bad(LIT(""));
	expect_bad(LIT("\r\n\r\n"));
	expect_bad(LIT("SSH-2.0-OpenSSH_9.2\r\n\r\n"));
	expect_bad(LIT("HTTP/1.1 2O0 OK\r\n" TYPE "\r\nx"));
	expect_bad(LIT("HTTP/1.1 500 Sorry\r\n" TYPE "Content-Length: 1\r\n\r\nx"));
	expect_bad(LIT("HTTP/1.1 302 Found\r\nLocation: http://x/\r\n" TYPE "\r\nx"));
	expect_bad(LIT("HTTP/1.1 100 Continue\r\n\r\n" OK_HEAD TYPE "\r\nx"));
	expect_bad(LIT(OK_HEAD "\r\nx"));
	expect_bad(LIT(OK_HEAD "Content-Type: text/html\r\n\r\nx"));
	expect_bad(LIT(OK_HEAD TYPE "\r\n"));
	expect_bad(LIT(OK_HEAD TYPE "Content-Length: 0\r\n\r\n"));
	expect_bad(LIT(OK_HEAD TYPE "Content-Length: 4\r\n\r\nhello"));
	expect_bad(LIT(OK_HEAD TYPE "Content-Length: 6\r\n\r\nhello"));
	expect_bad(LIT(OK_HEAD TYPE "Content-Length: -5\r\n\r\nhello"));
	expect_bad(LIT(OK_HEAD TYPE "Content-Length: +5\r\n\r\nhello"));
	expect_bad(LIT(OK_HEAD TYPE "Content-Length:\r\n\r\nhello"));
	expect_bad(LIT(OK_HEAD TYPE "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"));
	expect_bad(LIT(OK_HEAD TYPE "Content-Length: 999999999\r\n\r\nhello"));
	expect_bad(LIT(OK_HEAD TYPE "Content-Length: 99999999999999999999\r\n\r\nhello"));
	expect_bad(LIT(OK_HEAD TYPE "Transfer-Encoding: gzip\r\n\r\nhello"));
	expect_bad(LIT(OK_HEAD TYPE "Content-Encoding: gzip\r\n\r\nhello"));
	expect_bad(LIT(OK_HEAD TYPE CHUNKED "Content-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
	expect_bad(LIT(OK_HEAD TYPE CHUNKED CHUNKED "\r\n5\r\nhello\r\n0\r\n\r\n"));
	expect_bad(LIT(OK_HEAD TYPE " folded: x\r\n\r\nx"));
	expect_bad(LIT(OK_HEAD TYPE "Bad name: x\r\n\r\nx"));
	expect_bad(LIT(OK_HEAD TYPE "nothing\r\n\r\nx"));
	expect_bad(LIT(OK_HEAD TYPE ": x\r\n\r\nx"));
	expect_bad(LIT(OK_HEAD TYPE "A: \0\r\n\r\nx"));
	expect_bad(LIT(OK_HEAD TYPE "A: \n\r\n\r\nx"));
}

static void test_bad_chunks_are_refused(void **state)
{
	(void)state;
	expect_bad(LIT(OK_HEAD TYPE CHUNKED "\r\n0\r\n\r\n"));
	expect_bad(LIT(OK_HEAD TYPE CHUNKED "\r\n5\r\nhelloXX0\r\n\r\n"));
	expect_bad(LIT(OK_HEAD TYPE CHUNKED "\r\n-1\r\nhello\r\n0\r\n\r\n"));
	expect_bad(LIT(OK_HEAD TYPE CHUNKED "\r\nFFFFFF\r\nhello\r\n0\r\n\r\n"));
	expect_bad(LIT(OK_HEAD TYPE CHUNKED "\r\nFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"));
	expect_bad(LIT(OK_HEAD TYPE CHUNKED "\r\n\r\nhello\r\n0\r\n\r\n"));
	expect_bad(LIT(OK_HEAD TYPE CHUNKED "\r\n5\r\nhello\r\n0\r\n\r\nmore"));
	expect_bad(LIT(OK_HEAD TYPE CHUNKED "\r\n5\r\nhello\r\n"));
	expect_bad(LIT(OK_HEAD TYPE CHUNKED "\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n"));
}

static void test_endless_answers_are_given_up(void **state)
{
	const size_t len = XP_HTTP_BODY_MAX + 64000;
	char *all = malloc(len);
	struct xp_buf b = {0};
	bool done = false;

	(void)state;
	assert_non_null(all);
	memset(all, 'a', len);
	assert_int_equal(xp_http_answer(&b, &done, all, XP_HTTP_HEAD_MAX + 1, false, NULL),
			 XP_E_MALFORMED);
	memcpy(all, OK_HEAD TYPE "\r\n", sizeof(OK_HEAD TYPE "\r\n") - 1);
	assert_int_equal(xp_http_answer(&b, &done, all, len, false, NULL), XP_E_MALFORMED);
	xp_buf_free(&b);
	free(all);
}

static void test_addresses_are_read(void **state)
{
	struct xp_http_url u;

	(void)state;
	assert_int_equal(xp_http_url_parse(&u, "http://tsa.example:8080/a/b?c=d", NULL), XP_OK);
	assert_string_equal(u.host, "tsa.example");
	assert_string_equal(u.port, "8080");
	assert_string_equal(u.path, "/a/b?c=d");
	assert_int_equal(xp_http_url_parse(&u, "HTTP://127.0.0.1", NULL), XP_OK);
	assert_string_equal(u.host, "127.0.0.1");
	assert_string_equal(u.port, "80");
	assert_string_equal(u.path, "/");
	assert_int_equal(xp_http_url_parse(&u, "http://h?q", NULL), XP_OK);
	assert_string_equal(u.path, "/?q");
}

static void test_addresses_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"tsa.example",
		"ftp://tsa.example/",
		"http://",
		"http:///x",
		"http://user@host/",
		"http://host:/",
		"http://host:0/",
		"http://host:65536/",
		"http://host:99999999999/",
		"http://host:80x/",
		"http://ho st/",
		"http://host/a b",
		"http://host/a\r\nX: y",
		"http://host/\x7f",
		"http://host/#f",
	};
	struct xp_http_url u;
	char longest[1200];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (xp_http_url_parse(&u, bad[i], NULL) != XP_E_USAGE)
			fail_msg("taken: %s", bad[i]);
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	memcpy(longest, "http://h/", 9);
	assert_int_equal(xp_http_url_parse(&u, longest, NULL), XP_E_USAGE);
	memset(longest, 'a', 300);
	memcpy(longest, "http://", 7);
	longest[300] = '/';
	assert_int_equal(xp_http_url_parse(&u, longest, NULL), XP_E_USAGE);
	assert_int_equal(xp_http_url_parse(&u, "https://host/", NULL), XP_E_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_answers_are_read),
		cmocka_unit_test(test_bad_answers_are_refused),
		cmocka_unit_test(test_bad_chunks_are_refused),
		cmocka_unit_test(test_endless_answers_are_given_up),
		cmocka_unit_test(test_addresses_are_read),
		cmocka_unit_test(test_addresses_that_are_none_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
