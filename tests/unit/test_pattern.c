#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sanitize/overwrite/pattern.h"
#include "sanitize/overwrite/pattern_vaes.h"
#include "tests/fake/fake_medium.h"
#include "verify/expect.h"
#include "verify/expect_wide.h"

#define SIZE 70000u

/* The key of FIPS 197 appendix B. */
static const uint8_t FIPS_KEY[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
				     0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};

/*
 * The keystream of that key for some counter blocks, as computed with
 * `openssl enc -aes-128-ecb -K 2b7e151628aed2a6abf7158809cf4f3c -nopad` from the 16-byte numbers.
 */
static const struct {
	uint64_t block;
	uint8_t bytes[16];
} KNOWN[] = {
	{0x0u,
	 {0x7d, 0xf7, 0x6b, 0x0c, 0x1a, 0xb8, 0x99, 0xb3, 0x3e, 0x42, 0xf0, 0x47, 0xb9, 0x1b, 0x54,
	  0x6f}},
	{0x1u,
	 {0x57, 0x12, 0x7d, 0x40, 0x34, 0xb1, 0xbe, 0xbf, 0xae, 0xf4, 0x66, 0xb9, 0xc7, 0x72, 0x6f,
	  0xc6}},
	{0xffu,
	 {0xa1, 0x8c, 0x80, 0xe3, 0xb9, 0x3a, 0x86, 0xd3, 0x70, 0xcf, 0xef, 0x49, 0xce, 0x42, 0x9b,
	  0xd5}},
	{0xffffffffu,
	 {0x33, 0xc1, 0x4e, 0x7e, 0x92, 0xd8, 0xeb, 0xe5, 0x5e, 0xe2, 0xd8, 0xd9, 0x8a, 0x1e, 0x65,
	  0x32}},
	{0x100000000u,
	 {0x67, 0x91, 0xab, 0x9e, 0x2f, 0xae, 0xed, 0xef, 0x47, 0x8d, 0x0e, 0x7c, 0x25, 0x40, 0x11,
	  0xae}},
	{0x123456789abcdeu,
	 {0xb8, 0x57, 0xaf, 0x25, 0x57, 0x74, 0x7f, 0x22, 0x43, 0x53, 0xa5, 0x82, 0xf6, 0x3b, 0x19,
	  0xfa}},
};

static struct xp_content random_content(const uint8_t key[16])
{
	struct xp_content c = {.kind = XP_CONTENT_RANDOM};

	memcpy(c.key, key, 16);
	return c;
}

typedef enum xp_rc new_fn(struct xp_pattern **out, const struct xp_content *content,
			  struct xp_err *err);
typedef enum xp_rc expect_fn(struct xp_expect **out, const struct xp_content *content,
			     struct xp_err *err);

static void test_pattern_random_is_the_documented_keystream(void **state)
{
	static new_fn *const makers[] = {xp_pattern_new, xp_pattern_new_portable};
	struct xp_content c = random_content(FIPS_KEY);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct xp_pattern *p = NULL;

		assert_int_equal(makers[i](&p, &c, NULL), XP_OK);
		assert_int_equal(xp_pattern_period(p), 0);
		for (size_t k = 0; k < sizeof(KNOWN) / sizeof(KNOWN[0]); k++) {
			uint8_t out[16];

			assert_true(xp_pattern_fill(p, out, KNOWN[k].block * 16, 16));
			assert_memory_equal(out, KNOWN[k].bytes, 16);
		}
		xp_pattern_free(&p);
		assert_null(p);
	}
}

static void test_expect_random_is_the_documented_keystream(void **state)
{
	static expect_fn *const makers[] = {xp_expect_new, xp_expect_new_portable};
	struct xp_content c = random_content(FIPS_KEY);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct xp_expect *e = NULL;

		assert_int_equal(makers[i](&e, &c, NULL), XP_OK);
		for (size_t k = 0; k < sizeof(KNOWN) / sizeof(KNOWN[0]); k++) {
			uint8_t out[16];

			assert_true(xp_expect_bytes(e, out, KNOWN[k].block * 16, 16));
			assert_memory_equal(out, KNOWN[k].bytes, 16);
			assert_true(xp_expect_matches(e, out, KNOWN[k].block * 16, 16));
			assert_false(xp_expect_matches(e, out, KNOWN[k].block * 16 + 16, 16));
			out[k] ^= 1;
			assert_false(xp_expect_matches(e, out, KNOWN[k].block * 16, 16));
		}
		xp_expect_free(&e);
		assert_null(e);
	}
}

/* Any way, any offset, any length: the same bytes; and the witness accepts them, by both of its
 * ways. */
static void test_pattern_all_ways_agree(void **state)
{
	uint32_t rng = 99;
	uint8_t *a = malloc(SIZE + 1);
	uint8_t *b = malloc(SIZE + 1);

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		struct xp_content c = {.kind = i % 4 ? XP_CONTENT_RANDOM : XP_CONTENT_PATTERN};
		uint64_t offset = (uint64_t)fake_random(&rng) << fake_random(&rng) % 30;
		size_t len = fake_random(&rng) % SIZE;
		struct xp_pattern *wide = NULL, *plain = NULL;
		struct xp_expect *e = NULL, *e_plain = NULL;

		c.pattern_len = 1 + fake_random(&rng) % XP_PATTERN_MAX;
		for (unsigned k = 0; k < XP_PATTERN_MAX; k++)
			c.pattern[k] = (uint8_t)fake_random(&rng);
		for (unsigned k = 0; k < 16; k++)
			c.key[k] = (uint8_t)fake_random(&rng);
		len = i % 3 ? len : len / 16 * 16;
		offset = i % 5 ? offset : offset / 16 * 16;
		if (i % 50 == 7)
			len = 0;
		a[len] = b[len] = 0xc3;
		assert_int_equal(xp_pattern_new(&wide, &c, NULL), XP_OK);
		assert_int_equal(xp_pattern_new_portable(&plain, &c, NULL), XP_OK);
		assert_int_equal(xp_expect_new(&e, &c, NULL), XP_OK);
		assert_int_equal(xp_expect_new_portable(&e_plain, &c, NULL), XP_OK);
		assert_true(xp_pattern_fill(wide, a, offset, len));
		assert_true(xp_pattern_fill(plain, b, offset, len));
		assert_memory_equal(a, b, len);
		assert_true(a[len] == 0xc3 && b[len] == 0xc3);
		assert_true(xp_expect_matches(e, a, offset, len));
		assert_true(xp_expect_matches(e_plain, a, offset, len));
		assert_true(xp_expect_bytes(e, b, offset, len));
		assert_memory_equal(a, b, len);
		if (len) {
			a[fake_random(&rng) % len] ^= (uint8_t)(1u << fake_random(&rng) % 8);
			assert_false(xp_expect_matches(e, a, offset, len));
			assert_false(xp_expect_matches(e_plain, a, offset, len));
		}
		xp_pattern_free(&wide);
		xp_pattern_free(&plain);
		xp_expect_free(&e);
		xp_expect_free(&e_plain);
	}
	free(a);
	free(b);
}

static void test_expect_zero_finds_every_single_bit(void **state)
{
	static expect_fn *const makers[] = {xp_expect_new, xp_expect_new_portable};
	const struct xp_content c = {.kind = XP_CONTENT_ZERO};
	uint8_t buf[1000] = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct xp_expect *e = NULL;

		assert_int_equal(makers[i](&e, &c, NULL), XP_OK);
		for (size_t len = 0; len < 600; len += 13) {
			assert_true(xp_expect_matches(e, buf + 1, 12345, len));
			for (size_t at = 0; at < len; at++) {
				buf[1 + at] = 0x10;
				assert_false(xp_expect_matches(e, buf + 1, 12345, len));
				buf[1 + at] = 0;
			}
			buf[0] = buf[1 + len] = 1; /* what lies beside is not looked at */
			assert_true(xp_expect_matches(e, buf + 1, 12345, len));
			buf[0] = buf[1 + len] = 0;
		}
		xp_expect_free(&e);
	}
}

static void test_pattern_wide_ways_are_used_where_the_cpu_has_them(void **state)
{
	struct xp_content c = random_content(FIPS_KEY);
	struct xp_pattern *p = NULL;

	(void)state;
	assert_int_equal(xp_vaes_available(), xp_wide_can_cipher());
	assert_int_equal(xp_pattern_new(&p, &c, NULL), XP_OK);
	assert_string_equal(xp_pattern_engine(p),
			    xp_vaes_available() ? "aes-128-ctr vaes" : "aes-128-ctr evp");
	xp_pattern_free(&p);
	assert_int_equal(xp_pattern_new_portable(&p, &c, NULL), XP_OK);
	assert_string_equal(xp_pattern_engine(p), "aes-128-ctr evp");
	xp_pattern_free(&p);
	xp_pattern_free(&p);
}

static void test_pattern_senseless_content_is_refused(void **state)
{
	struct xp_content c = {.kind = XP_CONTENT_UNKNOWN};
	struct xp_pattern *p = NULL;
	struct xp_expect *e = NULL;

	(void)state;
	assert_int_equal(xp_pattern_new(&p, &c, NULL), XP_E_USAGE);
	c.kind = XP_CONTENT_PATTERN;
	for (uint32_t len = 0; len < 1000; len += XP_PATTERN_MAX + 1) {
		c.pattern_len = len;
		assert_int_equal(xp_pattern_new(&p, &c, NULL), XP_E_USAGE);
		assert_int_equal(xp_expect_new(&e, &c, NULL), XP_E_USAGE);
	}
	assert_null(p);
	assert_null(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pattern_random_is_the_documented_keystream),
		cmocka_unit_test(test_expect_random_is_the_documented_keystream),
		cmocka_unit_test(test_pattern_all_ways_agree),
		cmocka_unit_test(test_expect_zero_finds_every_single_bit),
		cmocka_unit_test(test_pattern_wide_ways_are_used_where_the_cpu_has_them),
		cmocka_unit_test(test_pattern_senseless_content_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
