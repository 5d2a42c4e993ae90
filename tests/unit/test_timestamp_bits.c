/* Every single bit of a timestamp: flipped, the token must not count, and the pair not pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/timestamp.h"
#include "certs/timestamp_check.h"
#include "tests/fake/check_lab.h"
#include "tests/fake/tsa_lab.h"

#define WRAP_LEN 32 /* the attribute around the token, and the end of the signature before it */

static struct check_lab lab;
static struct tsa_lab tsa;
static struct xp_cms cms;
static uint8_t *token;
static size_t token_len;

static int setup(void **state)
{
	struct tsa_stamp s = {.at_s = LAB_NOW_S};
	struct xp_findings f = {0};

	(void)state;
	check_lab_open(&lab, false);
	tsa_lab_open(&tsa, TSA_EKU, false);
	assert_true(xp_cms_parse(&cms, lab.p7s, lab.p7s_len, &f));
	s.signature = cms.signers[0].signature;
	/* a certificate that is compared with the anchor, and needed by nobody */
	s.extra = tsa.root;
	token = tsa_lab_token(&tsa, &s, &token_len);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(token);
	tsa_lab_close(&tsa);
	check_lab_close(&lab);
	return 0;
}

/* Does the token count? IS_SAID: something with E_ or I_ was found. */
static bool counts(STACK_OF(X509) * anchors, bool *is_said)
{
	const struct xp_timestamp_input in = {
		.token = {token, token_len},
		.signature = cms.signers[0].signature,
		.name = "Alice",
		.now_s = LAB_NOW_S,
		.signing_time_s = LAB_NOW_S,
		.anchors = anchors,
	};
	struct xp_findings f = {0};
	struct xp_timestamp t;

	xp_timestamp_check(&t, &in, &f);
	*is_said = false;
	for (size_t i = 0; i < f.n; i++)
		*is_said |= f.list[i].code[0] == 'E' || f.list[i].code[0] == 'I';
	xp_findings_free(&f);
	return t.is_good;
}

static void test_bits_of_token_are_all_covered(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	const size_t step = 11; /* a part of it, over all eight bits: the sanitizer is slow */
#else
	const size_t step = 1;
#endif
	STACK_OF(X509) *anchors = sk_X509_new_null();
	bool is_said = false;

	(void)state;
	assert_true(anchors && sk_X509_push(anchors, tsa.root) == 1);
	assert_true(counts(anchors, &is_said));
	assert_false(is_said);
	for (size_t bit = 0; bit < token_len * 8; bit += step) {
		token[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		if (counts(anchors, &is_said) || !is_said)
			fail_msg("byte %zu bit %zu is let through", bit / 8, bit % 8);
		token[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	sk_X509_free(anchors);
}

static void test_bits_around_the_token_are_all_covered(void **state)
{
	struct xp_findings f = {0};
	struct xp_buf out = {0};
	char *pem = lab_cert_pem(tsa.root);
	char codes[1024];

	(void)state;
	assert_int_equal(xp_trust_add_anchors(xp_check_tsa(lab.check), pem, strlen(pem), "t", NULL),
			 XP_OK);
	assert_int_equal(xp_timestamp_embed(&out, (struct xp_bytes){lab.p7s, lab.p7s_len},
					    (struct xp_bytes){token, token_len},
					    (struct xp_bytes){0}, LAB_NOW_S, &f, NULL),
			 XP_OK);
	free(lab.p7s);
	lab.p7s_len = out.len;
	lab.p7s = (uint8_t *)STEAL(out.data);
	assert_int_equal(check_lab_run(lab.check, lab.json, lab.json_len, lab.p7s, lab.p7s_len,
				       codes, sizeof(codes)),
			 0);
	assert_int_equal(check_lab_flip_bits(&lab, lab.p7s + lab.p7s_len - token_len - WRAP_LEN,
					     WRAP_LEN + 16),
			 0);
	free(pem);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_bits_of_token_are_all_covered),
		T(test_bits_around_the_token_are_all_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
