/* One timestamp over a log's checkpoint: which records it serves, and which it does not. */
#include "certs/check_checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "certs/log_proof.h"
#include "tests/fake/check_stand.h"
#include "tests/fake/log_fixture.h"
#include "tests/fake/tsa_lab.h"

#define YEAR_S (365 * LAB_DAY_S)
#define SOON_S (LAB_NOW_S + 60)

static struct check_stand stand;
static struct tsa_lab tsa;
static struct log_place place;
static struct xp_log *log_of_lab;
static struct xp_note_vkeys keys_of_lab;
static char *proof;
static size_t proof_len;

static int setup(void **state)
{
	(void)state;
	stand_open(&stand);
	stand.now_s = SOON_S;
	stand_trust(&stand, stand.lab.lab.root, stand.lab.lab.crl);
	tsa_lab_open(&tsa, TSA_EKU, false);
	place = log_place_filled(6);
	log_of_lab = log_place_open(&place);
	keys_of_lab = (struct xp_note_vkeys){xp_log_vkey(log_of_lab), 1};
	stand_log(&stand, log_of_lab, NULL, &proof, &proof_len);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(proof);
	xp_log_free(&log_of_lab);
	log_fixture_remove(place.path, place.fd);
	tsa_lab_close(&tsa);
	stand_close(&stand);
	return 0;
}

static void believe(void)
{
	AUTO_MEM char *pem = lab_cert_pem(tsa.root);

	assert_int_equal(
		xp_trust_add_anchors(xp_check_tsa(stand.lab.check), pem, strlen(pem), "t", NULL),
		XP_OK);
}

/* Of the checkpoint in PROOF. */
static uint8_t *token_over(const char *text, size_t len, int64_t at_s, size_t *token_len)
{
	struct xp_log_proof p;
	struct tsa_stamp s = {.at_s = at_s};

	assert_int_equal(xp_log_proof_parse(&p, text, len, NULL), XP_OK);
	s.signature = (struct xp_bytes){(const uint8_t *)p.checkpoint, p.checkpoint_len};
	return tsa_lab_token(&tsa, &s, token_len);
}

static struct xp_checkpoint_pair pair_of(const struct xp_log_bytes *tokens, size_t n)
{
	const struct check_lab *l = &stand.lab;

	return (struct xp_checkpoint_pair){
		.json = l->json,
		.json_len = l->json_len,
		.p7s = l->p7s,
		.p7s_len = l->p7s_len,
		.proof = proof,
		.proof_len = proof_len,
		.keys = &keys_of_lab,
		.tokens = tokens,
		.tokens_n = n,
	};
}

/* The pair is stamped as PAIR says; CODE: what is found of the tokens, NULL: nothing. */
static void stamp(const struct xp_checkpoint_pair *pair, const char *code)
{
	AUTO(xp_findings_free) struct xp_findings f = {0};
	bool found = false;

	xp_check_stamp(stand.lab.check, pair, &f);
	for (size_t i = 0; i < f.n; i++) {
		found |= code && strcmp(f.list[i].code, code) == 0;
		if (!code && f.list[i].code[0] != 'W')
			fail_msg("%s: %s", f.list[i].code, f.list[i].text);
	}
	assert_int_equal(found, code != NULL);
}

static void stamp_with(const struct xp_log_bytes *tokens, size_t n, const char *code)
{
	const struct xp_checkpoint_pair pair = pair_of(tokens, n);

	stamp(&pair, code);
}

/* The time that is proven now, of the pair as it is; 0: none. */
static int64_t proven(void)
{
	const struct check_lab *l = &stand.lab;
	struct xp_check_result r;
	int64_t at_s;

	assert_int_equal(
		xp_check_pair(&r, l->check, l->json, l->json_len, l->p7s, l->p7s_len, NULL), XP_OK);
	assert_int_equal(r.signers_n, 1);
	assert_int_equal(r.time_is_proven, r.signers[0].time_is_proven);
	at_s = r.signers[0].time_is_proven ? r.signers[0].proven_s : 0;
	xp_check_result_free(&r);
	return at_s;
}

static void test_stamp_of_the_checkpoint_proves_the_time(void **state)
{
	struct xp_log_bytes t;
	uint8_t *token = token_over(proof, proof_len, SOON_S, &t.len);

	(void)state;
	t.data = token;
	believe();
	xp_check_require(stand.lab.check, &(struct xp_requirements){.time = true});
	stand_expect(&stand, 3, "P_TIME");
	stamp_with(&t, 1, NULL);
	assert_true(proven() >= SOON_S && proven() <= SOON_S + 2);
	stand_expect(&stand, 0, NULL);
	/* the next pair has none: nothing of the one before is left */
	stamp_with(NULL, 0, NULL);
	assert_int_equal(proven(), 0);
	free(token);
}

static void test_stamp_the_earliest_of_several_counts(void **state)
{
	struct xp_log_bytes t[3];
	uint8_t *token[3];

	(void)state;
	stand.now_s = LAB_NOW_S + 10 * LAB_DAY_S;
	for (unsigned i = 0; i < 3; i++) {
		/* in the middle stands the one that counts */
		int64_t at_s = LAB_NOW_S + (i == 1 ? 1 : 2 + (int64_t)i) * LAB_DAY_S;

		token[i] = token_over(proof, proof_len, at_s, &t[i].len);
		t[i].data = token[i];
	}
	believe();
	stamp_with(t, 3, NULL);
	assert_true(proven() >= LAB_NOW_S + LAB_DAY_S && proven() < LAB_NOW_S + LAB_DAY_S + 60);
	for (unsigned i = 0; i < 3; i++)
		free(token[i]);
}

/* Expired for years, and good all the same: the checkpoint was stamped in time. */
static void test_stamp_serves_an_expired_signer(void **state)
{
	struct xp_log_bytes t;
	uint8_t *token = token_over(proof, proof_len, SOON_S, &t.len);
	X509_CRL *later;

	(void)state;
	t.data = token;
	stand.now_s = LAB_NOW_S + 5 * YEAR_S;
	believe();
	stand_expect(&stand, 2, "I_CERT_TIME");
	later = stand_make_crl(&stand, NULL, LAB_NOW_S + YEAR_S, 30);
	stand_also_crl(&stand, later);
	stamp_with(&t, 1, NULL);
	stand_expect(&stand, 0, NULL);
	X509_CRL_free(later);
	free(token);
}

/* Somebody had the key, and nobody knows since when: an early signature proves nothing. */
static void test_stamp_does_not_save_a_compromised_key(void **state)
{
	struct xp_pki_revocation rev = {.cert = stand.lab.alice.cert,
					.at_s = LAB_NOW_S + 10 * LAB_DAY_S,
					.is_key_compromise = true};
	struct xp_log_bytes t;
	uint8_t *token = token_over(proof, proof_len, SOON_S, &t.len);
	X509_REVOKED *entry = NULL;
	X509_CRL *crl = NULL;

	(void)state;
	t.data = token;
	stand.now_s = LAB_NOW_S + 20 * LAB_DAY_S;
	assert_int_equal(xp_pki_crl_new(&crl, NULL, &rev, stand.lab.lab.root,
					stand.lab.lab.root_key, LAB_NOW_S + 11 * LAB_DAY_S,
					LAB_NOW_S + 30 * LAB_DAY_S, NULL),
			 XP_OK);
	/* as other CAs write it */
	assert_int_equal(X509_CRL_get0_by_cert(crl, &entry, stand.lab.alice.cert), 1);
	X509_EXTENSION_free(X509_REVOKED_delete_ext(
		entry, X509_REVOKED_get_ext_by_NID(entry, NID_invalidity_date, -1)));
	assert_true(X509_CRL_sign(crl, stand.lab.lab.root_key, EVP_sha256()) > 0);
	stand_also_crl(&stand, crl);
	believe();
	stamp_with(&t, 1, NULL);
	stand_expect(&stand, 2, "I_REVOKED_COMPROMISE");
	X509_CRL_free(crl);
	free(token);
}

static void test_stamp_of_another_checkpoint_is_passed_over(void **state)
{
	struct xp_log_bytes t;
	char *later = NULL;
	size_t later_len = 0;
	uint8_t *token;

	(void)state;
	log_place_append(log_of_lab, 7, 1);
	assert_int_equal(xp_log_prove(log_of_lab, 6, &later, &later_len, NULL), XP_OK);
	token = token_over(later, later_len, SOON_S, &t.len);
	t.data = token;
	believe();
	stamp_with(&t, 1, NULL);
	assert_int_equal(proven(), 0);
	/* with the proof under the stamped tree it serves */
	free(proof);
	proof = STEAL(later);
	proof_len = later_len;
	stamp_with(&t, 1, NULL);
	assert_true(proven() >= SOON_S);
	free(token);
}

static void test_stamp_serves_only_what_stands_in_the_tree(void **state)
{
	static const uint8_t others[1][32] = {{1}};
	struct xp_log_bytes t;
	struct xp_checkpoint_pair pair;
	char *false_proof = NULL;
	size_t false_len = 0;
	uint8_t *token;

	(void)state;
	stand_log(&stand, log_of_lab, others, &false_proof, &false_len);
	free(proof);
	proof = STEAL(false_proof);
	proof_len = false_len;
	token = token_over(proof, proof_len, SOON_S, &t.len);
	t.data = token;
	believe();
	/* the leaf is of other signatures */
	stamp_with(&t, 1, NULL);
	assert_int_equal(proven(), 0);
	free(proof);
	proof = NULL;
	assert_int_equal(xp_log_prove(log_of_lab, 6, &proof, &proof_len, NULL), XP_OK);
	pair = pair_of(&t, 1);
	pair.json_len--;
	stamp(&pair, NULL);
	assert_int_equal(proven(), 0);
	pair = pair_of(&t, 1);
	pair.json = NULL;
	stamp(&pair, NULL);
	assert_int_equal(proven(), 0);
	pair = pair_of(&t, 1);
	pair.p7s_len--;
	stamp(&pair, NULL);
	assert_int_equal(proven(), 0);
	pair = pair_of(&t, 1);
	pair.p7s = NULL;
	stamp(&pair, NULL);
	assert_int_equal(proven(), 0);
	/* and whole, it does */
	stamp_with(&t, 1, NULL);
	assert_true(proven() >= SOON_S);
	free(token);
}

static void test_stamp_needs_the_logs_key_and_a_whole_proof(void **state)
{
	struct xp_log_bytes t;
	uint8_t *token = token_over(proof, proof_len, SOON_S, &t.len);
	struct log_place elsewhere = log_place_new();
	struct xp_log *other = NULL;
	struct xp_checkpoint_pair pair;

	(void)state;
	t.data = token;
	believe();
	assert_int_equal(log_place_try_open(&other, &elsewhere, 77), XP_OK);
	pair = pair_of(&t, 1);
	pair.keys = &(struct xp_note_vkeys){xp_log_vkey(other), 1};
	stamp(&pair, NULL);
	assert_int_equal(proven(), 0);
	for (size_t len = 0; len < proof_len; len += 7) {
		pair = pair_of(&t, 1);
		pair.proof_len = len;
		stamp(&pair, NULL);
		assert_int_equal(proven(), 0);
	}
	xp_log_free(&other);
	log_fixture_remove(elsewhere.path, elsewhere.fd);
	free(token);
}

static void test_stamp_that_is_wrong_is_found(void **state)
{
	struct xp_log_bytes t;
	uint8_t *token = token_over(proof, proof_len, SOON_S, &t.len);
	uint8_t *early;

	(void)state;
	t.data = token;
	/* nobody is believed about time */
	stamp_with(&t, 1, "I_TIMESTAMP_UNTRUSTED");
	assert_int_equal(proven(), 0);
	believe();
	stand.now_s = LAB_NOW_S - LAB_DAY_S;
	stamp_with(&t, 1, "I_TIMESTAMP_FUTURE");
	assert_int_equal(proven(), 0);
	stand.now_s = SOON_S;
	/* before the signature was made */
	early = token_over(proof, proof_len, LAB_NOW_S - LAB_DAY_S, &t.len);
	t.data = early;
	stamp_with(&t, 1, "E_TIMESTAMP_TIME");
	assert_int_equal(proven(), 0);
	/* its signature does not hold */
	t.data = token;
	t.len = 0;
	free(token);
	token = token_over(proof, proof_len, SOON_S, &t.len);
	token[t.len - 1] ^= 1;
	t.data = token;
	stamp_with(&t, 1, "E_TIMESTAMP_SIGNATURE");
	assert_int_equal(proven(), 0);
	free(token);
	free(early);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_stamp_of_the_checkpoint_proves_the_time),
		T(test_stamp_the_earliest_of_several_counts),
		T(test_stamp_serves_an_expired_signer),
		T(test_stamp_does_not_save_a_compromised_key),
		T(test_stamp_of_another_checkpoint_is_passed_over),
		T(test_stamp_serves_only_what_stands_in_the_tree),
		T(test_stamp_needs_the_logs_key_and_a_whole_proof),
		T(test_stamp_that_is_wrong_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
