/* A signer who is remembered from one record to the next: the time of a signature never is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "certs/check.h"
#include "tests/fake/tsa_stand.h"

#define YEAR_S (365 * LAB_DAY_S)

static struct tsa_stand stand;
static struct xp_clock test_clock;
static struct xp_check *check; /* one, for all that a test gives it */

static int64_t wall(void *ctx)
{
	const struct tsa_stand *s = ctx;

	return s->now_s;
}

static int setup(void **state)
{
	const struct xp_requirements req = {.time = true};
	char *root, *time_root, *list;

	(void)state;
	tsa_stand_open(&stand);
	test_clock = (struct xp_clock){.wall_s = wall, .ctx = &stand};
	root = lab_cert_pem(stand.lab.lab.root);
	time_root = lab_cert_pem(stand.tsa.root);
	list = lab_crl_pem(stand.lab.lab.crl);
	assert_int_equal(xp_check_new(&check, &test_clock, NULL), XP_OK);
	assert_int_equal(xp_trust_add_anchors(xp_check_trust(check), root, strlen(root), "r", NULL),
			 XP_OK);
	assert_int_equal(xp_trust_add_crls(xp_check_trust(check), list, strlen(list), "l", NULL),
			 XP_OK);
	assert_int_equal(
		xp_trust_add_anchors(xp_check_tsa(check), time_root, strlen(time_root), "t", NULL),
		XP_OK);
	xp_check_require(check, &req);
	free(root);
	free(time_root);
	free(list);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	xp_check_free(&check);
	tsa_stand_close(&stand);
	return 0;
}

static uint8_t *stamped(int64_t at_s, size_t *len)
{
	struct tsa_stamp s = {.signature = tsa_stand_signature(&stand), .at_s = at_s};
	size_t token_len = 0;
	uint8_t *token = tsa_lab_token(&stand.tsa, &s, &token_len);
	uint8_t *p7s = tsa_lab_with_token(&stand.lab, token, token_len, len);

	free(token);
	return p7s;
}

/* By the one checker, and by one that remembers nothing (check_lab_run). */
static void expect(const void *p7s, size_t len, int want, const char *code)
{
	char codes[1024];
	int got = check_lab_run(check, stand.lab.json, stand.lab.json_len, p7s, len, codes,
				sizeof(codes));

	if (got != want || (code && !check_lab_has(codes, code)))
		fail_msg("exit code %d, %s; wanted %d, %s", got, codes, want, code ? code : "");
}

static int64_t proven_s(const void *p7s, size_t len)
{
	struct xp_check_result r;
	int64_t s;

	assert_int_equal(
		xp_check_pair(&r, check, stand.lab.json, stand.lab.json_len, p7s, len, NULL),
		XP_OK);
	assert_int_equal(r.signers_n, 1);
	assert_true(r.time_is_proven == r.signers[0].time_is_proven);
	s = r.signers[0].time_is_proven ? r.signers[0].proven_s : 0;
	xp_check_result_free(&r);
	return s;
}

static void test_time_of_one_signature_is_not_that_of_the_next(void **state)
{
	size_t len = 0, later_len = 0;
	uint8_t *p7s = stamped(SOON_S, &len);
	uint8_t *later = stamped(SOON_S + 200, &later_len);

	(void)state;
	expect(p7s, len, 0, NULL);
	expect(stand.lab.p7s, stand.lab.p7s_len, 3, "P_TIME");
	expect(p7s, len, 0, NULL);
	assert_int_equal(proven_s(stand.lab.p7s, stand.lab.p7s_len), 0);
	assert_true(proven_s(p7s, len) >= SOON_S);
	assert_true(proven_s(later, later_len) >= proven_s(p7s, len) + 200);
	free(p7s);
	free(later);
}

static void test_bad_timestamp_after_a_good_one_is_found(void **state)
{
	struct tsa_stamp other = {.signature = {(const uint8_t *)"another", 7}, .at_s = SOON_S};
	size_t len = 0, token_len = 0;
	uint8_t *p7s = stamped(SOON_S, &len);
	uint8_t *token;

	(void)state;
	expect(p7s, len, 0, NULL);
	free(p7s);
	token = tsa_lab_token(&stand.tsa, &other, &token_len);
	p7s = tsa_lab_with_token(&stand.lab, token, token_len, &len);
	expect(p7s, len, 1, "E_TIMESTAMP_IMPRINT");
	free(p7s);
	p7s = tsa_lab_with_token(&stand.lab, "\x30\x00", 2, &len);
	expect(p7s, len, 1, "E_TIMESTAMP_FORM");
	free(p7s);
	free(token);
}

/* Good by the time that was proven for one signature is not good. */
static void test_signer_who_has_expired_is_not_remembered(void **state)
{
	X509_CRL *crl = NULL;
	size_t len = 0;
	uint8_t *p7s = stamped(SOON_S, &len);
	char *list;

	(void)state;
	stand.now_s = LAB_NOW_S + 5 * YEAR_S;
	assert_int_equal(xp_pki_crl_new(&crl, NULL, NULL, stand.lab.lab.root,
					stand.lab.lab.root_key, stand.now_s - 60,
					stand.now_s + LAB_DAY_S, NULL),
			 XP_OK);
	list = lab_crl_pem(crl);
	assert_int_equal(xp_trust_add_crls(xp_check_trust(check), list, strlen(list), "l", NULL),
			 XP_OK);
	free(list);
	X509_CRL_free(crl);
	assert_true(proven_s(p7s, len) >= SOON_S);
	expect(stand.lab.p7s, stand.lab.p7s_len, 2, "I_CERT_TIME");
	expect(p7s, len, 0, NULL);
	expect(stand.lab.p7s, stand.lab.p7s_len, 2, "I_CERT_TIME");
	free(p7s);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_time_of_one_signature_is_not_that_of_the_next),
		T(test_bad_timestamp_after_a_good_one_is_found),
		T(test_signer_who_has_expired_is_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
