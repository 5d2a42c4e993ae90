#include "certs/log_leaf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define ID "01980000-0000-7000-8000-0000000000ab"
#define A8 "aaaaaaaa"
#define HA A8 A8 A8 A8 A8 A8 A8 A8
#define B8 "bbbbbbbb"
#define HB B8 B8 B8 B8 B8 B8 B8 B8

#define START                                                                                      \
	"{\"id\":\"" ID "\",\"media\":\"" HA                                                       \
	"\",\"time\":\"2026-11-22T00:00:00Z\",\"type\":\"start\"}"
#define RECORD                                                                                     \
	"{\"id\":\"" ID "\",\"record\":\"" HA "\",\"signatures\":[\"" HA "\",\"" HB                \
	"\"],\"type\":\"record\"}"

static enum xp_rc parse(struct xp_log_leaf *leaf, const char *text)
{
	return xp_log_leaf_parse(leaf, text, strlen(text), NULL);
}

static void test_leaf_bytes_are_fixed(void **state)
{
	uint8_t a[32];
	uint8_t sigs[2][32];
	AUTO_MEM char *start = NULL;
	AUTO_MEM char *record = NULL;
	AUTO_MEM char *bare = NULL;
	size_t len = 0;

	(void)state;
	memset(a, 0xaa, 32);
	memset(sigs[0], 0xbb, 32);
	memset(sigs[1], 0xaa, 32);
	assert_int_equal(xp_log_leaf_start(&start, &len, ID, a, 1795305600, NULL), XP_OK);
	assert_string_equal(start, START);
	assert_int_equal(len, strlen(START));
	assert_int_equal(
		xp_log_leaf_record(&record, &len, ID, a, (const uint8_t(*)[32])sigs, 2, NULL),
		XP_OK);
	assert_string_equal(record, RECORD);
	assert_int_equal(xp_log_leaf_record(&bare, &len, ID, a, NULL, 0, NULL), XP_OK);
	assert_non_null(strstr(bare, "\"signatures\":[]"));
}

static void test_leaf_reads_back(void **state)
{
	struct xp_log_leaf leaf;

	(void)state;
	assert_int_equal(parse(&leaf, START), XP_OK);
	assert_int_equal(leaf.type, XP_LOG_LEAF_START);
	assert_string_equal(leaf.id, ID);
	assert_string_equal(leaf.time, "2026-11-22T00:00:00Z");
	assert_int_equal(leaf.media[31], 0xaa);
	assert_int_equal(parse(&leaf, RECORD), XP_OK);
	assert_int_equal(leaf.type, XP_LOG_LEAF_RECORD);
	assert_int_equal(leaf.signatures_n, 2);
	assert_int_equal(leaf.signatures[1][0], 0xbb);
	assert_int_equal(parse(&leaf, "{\"size\":1,\"type\":\"checkpoint\"}"), XP_OK);
	assert_int_equal(leaf.type, XP_LOG_LEAF_OTHER);
}

static void test_leaf_other_forms_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"null",
		"{\"type\":1}",
		"{\"type\":\"start\"}",
		"{\"type\":\"record\"}",
		START " ",
		START "\n",
		" " START,
		/* another order, upper case, a date that is none, signatures out of order */
		"{\"type\":\"start\",\"id\":\"" ID "\"}",
		"{\"id\":\"01980000-0000-7000-8000-0000000000AB\",\"media\":\"" HA
		"\",\"time\":\"2026-11-22T00:00:00Z\",\"type\":\"start\"}",
		"{\"id\":\"" ID "\",\"media\":\"" HA
		"\",\"time\":\"2026-02-30T00:00:00Z\",\"type\":\"start\"}",
		"{\"id\":\"" ID "\",\"record\":\"" HA "\",\"signatures\":[\"" HB "\",\"" HA
		"\"],\"type\":\"record\"}",
		"{\"id\":\"" ID "\",\"record\":\"" HA "\",\"signatures\":[\"" HA
		"\",],\"type\":\"record\"}",
		"{\"id\":\"" ID "\",\"record\":\"" HA "\",\"signatures\":[\"" HA "\"\"" HB
		"\"],\"type\":\"record\"}",
		"{\"id\":\"" ID "\",\"record\":\"" HA "\",\"signatures\":[],\"type\":\"start\"}",
		"{\"a\":\"\\u0041\",\"type\":\"x\"}",
		"{\"a\":1.5,\"type\":\"x\"}",
		"{\"type\":\"x\",\"type\":\"y\"}",
	};
	struct xp_log_leaf leaf;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++)
		if (parse(&leaf, bad[i]) != XP_E_MALFORMED)
			fail_msg("leaf %zu was taken", i);
}

/* Cut anywhere it is no leaf; and what is taken after a change is never the same leaf. */
static void test_leaf_cut_or_changed_is_another_or_none(void **state)
{
	static const char *const texts[] = {START, RECORD};

	(void)state;
	for (size_t t = 0; t < XP_ARRAY_LEN(texts); t++) {
		char text[512];
		size_t len = strlen(texts[t]);
		struct xp_log_leaf leaf;

		memcpy(text, texts[t], len + 1);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(xp_log_leaf_parse(&leaf, text, i, NULL), XP_E_MALFORMED);
		for (size_t i = 0; i < 8 * len; i++) {
			struct xp_log_leaf was;
			struct xp_log_leaf is;

			memset(&was, 0, sizeof(was));
			memset(&is, 0, sizeof(is));
			assert_int_equal(parse(&was, texts[t]), XP_OK);
			text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
			if (xp_log_leaf_parse(&is, text, len, NULL) == XP_OK)
				assert_memory_not_equal(&was, &is, sizeof(was));
			text[i / 8] = texts[t][i / 8];
		}
	}
}

static void test_leaf_wrong_input_is_refused(void **state)
{
	static const char *const ids[] = {"",
					  "x",
					  ID "0",
					  "01980000-0000-7000-8000-0000000000aB",
					  "01980000_0000-7000-8000-0000000000ab",
					  "\"}"};
	uint8_t a[32] = {0};
	uint8_t many[XP_LOG_LEAF_SIGNATURES_MAX + 1][32] = {{0}};
	char *leaf = NULL;
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(ids); i++) {
		assert_int_equal(xp_log_leaf_start(&leaf, &len, ids[i], a, 0, NULL), XP_E_USAGE);
		assert_int_equal(xp_log_leaf_record(&leaf, &len, ids[i], a, NULL, 0, NULL),
				 XP_E_USAGE);
	}
	assert_int_equal(xp_log_leaf_record(&leaf, &len, ID, a, (const uint8_t(*)[32])many,
					    XP_LOG_LEAF_SIGNATURES_MAX + 1, NULL),
			 XP_E_USAGE);
	assert_null(leaf);
	/* the most that is allowed reads back */
	assert_int_equal(xp_log_leaf_record(&leaf, &len, ID, a, (const uint8_t(*)[32])many,
					    XP_LOG_LEAF_SIGNATURES_MAX, NULL),
			 XP_OK);
	{
		struct xp_log_leaf parsed;

		assert_int_equal(xp_log_leaf_parse(&parsed, leaf, len, NULL), XP_OK);
		assert_int_equal(parsed.signatures_n, XP_LOG_LEAF_SIGNATURES_MAX);
	}
	free(leaf);
}

/* SHA-256 of 32 zero bytes and "abc", by sha256sum. */
static void test_media_digest_is_of_nonce_and_bytes(void **state)
{
	uint8_t nonce[32] = {0};
	uint8_t digest[32];
	char hex[65];

	(void)state;
	xp_log_media_digest(digest, nonce, "abc", 3);
	xp_hex_encode(hex, digest, 32);
	assert_string_equal(hex,
			    "365aa7d8f7f9402c4b9434502b4cc89ddb09fe50d7cd95b493b834c62d5a5370");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf_bytes_are_fixed),
		cmocka_unit_test(test_leaf_reads_back),
		cmocka_unit_test(test_leaf_other_forms_are_refused),
		cmocka_unit_test(test_leaf_cut_or_changed_is_another_or_none),
		cmocka_unit_test(test_leaf_wrong_input_is_refused),
		cmocka_unit_test(test_media_digest_is_of_nonce_and_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
