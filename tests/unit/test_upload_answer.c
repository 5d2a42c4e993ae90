/* What a server may answer: whole, cut at any place, lying about its length, and no HTTP at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/upload_answer.h"

#define AUTO_BUF AUTO(xp_buf_free)

/* Head and body as the connection would have them read; AT_END: the server has closed. */
static enum xp_rc read_all(struct xp_buf *body, unsigned *status, const char *data, size_t len,
			   bool *whole)
{
	struct xp_answer head;
	struct xp_err err;
	bool done;

	*whole = false;
	TRY(xp_answer_head(&head, &done, data, len, &err));
	if (!done)
		return XP_E_IO;
	*status = head.status;
	*whole = xp_answer_is_whole(&head, data, len);
	return xp_answer_body(body, &head, data, len, 64, &err);
}

static void test_answer_whole_is_read(void **state)
{
	static const struct {
		const char *text, *body;
		unsigned status;
		bool whole; /* known without the connection's end */
	} good[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", 200, true},
		{"HTTP/1.1 201\r\ncontent-length:0 \r\n\r\n", "", 201, true},
		{"HTTP/1.0 200 OK\nX: y\n\nabc", "abc", 200, false},
		{"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", "", 204, true},
		{"HTTP/1.1 404 Not Found\r\n\r\n", "", 404, false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
		 "Chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n",
		 "abc", 200, true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", 200, true},
		{"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\nx", "x",
		 200, true},
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(good); i++) {
		AUTO_BUF struct xp_buf body = {0};
		unsigned status = 0;
		bool whole;

		assert_int_equal(
			read_all(&body, &status, good[i].text, strlen(good[i].text), &whole),
			XP_OK);
		assert_string_equal(xp_buf_str(&body), good[i].body);
		assert_int_equal(status, good[i].status);
		assert_int_equal(whole, good[i].whole);
	}
}

static void test_answer_hostile_is_refused(void **state)
{
	static const char *const bad[] = {
		"220 mail.example ESMTP\r\n\r\n",
		"HTTP/2 200\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1 999 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\nab",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: "
		"chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
		"HTTP/1.1 200 OK\r\n folded\r\n\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\n: empty\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA B: c\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n41\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n"
		"0123456789012345678901234567890123456789012345678901234567890123456789",
		"HTTP/1.0 200 OK\r\n\r\n"
		"0123456789012345678901234567890123456789012345678901234567890123456789",
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++) {
		AUTO_BUF struct xp_buf body = {0};
		unsigned status;
		bool whole;

		if (read_all(&body, &status, bad[i], strlen(bad[i]), &whole) != XP_E_MALFORMED)
			fail_msg("taken: number %zu", i);
	}
}

static void test_answer_cut_anywhere_is_never_whole(void **state)
{
	static const char *const texts[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n2\r\nbc\r\n"
		"0\r\n\r\n"};

	(void)state;
	for (size_t t = 0; t < XP_ARRAY_LEN(texts); t++) {
		for (size_t n = 0; n < strlen(texts[t]); n++) {
			AUTO_BUF struct xp_buf body = {0};
			AUTO_MEM char *copy = malloc(n + 1);
			unsigned status;
			bool whole;

			assert_non_null(copy);
			memcpy(copy, texts[t], n);
			(void)read_all(&body, &status, copy, n, &whole);
			assert_false(whole);
		}
	}
}

static void test_answer_head_without_end_is_refused(void **state)
{
	AUTO_MEM char *big = malloc(XP_ANSWER_HEAD_MAX + 1);
	struct xp_answer head;
	struct xp_err err;
	bool done;

	(void)state;
	assert_non_null(big);
	memset(big, 'x', XP_ANSWER_HEAD_MAX + 1);
	assert_int_equal(xp_answer_head(&head, &done, big, XP_ANSWER_HEAD_MAX + 1, &err),
			 XP_E_MALFORMED);
	for (size_t i = 0; i + 6 <= XP_ANSWER_HEAD_MAX; i += 6)
		memcpy(big + i, "a: b\r\n", 6);
	memcpy(big, "HTTP/1.1 200 O\r\nX:\r\n", 18);
	assert_int_equal(xp_answer_head(&head, &done, big, XP_ANSWER_HEAD_MAX + 1, &err),
			 XP_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_whole_is_read),
		cmocka_unit_test(test_answer_hostile_is_refused),
		cmocka_unit_test(test_answer_cut_anywhere_is_never_whole),
		cmocka_unit_test(test_answer_head_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
