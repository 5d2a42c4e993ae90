/*
 * Attacks that the programs which everybody has let through: each is shown to pass there and to
 * get its code here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/oids.h"
#include "certs/timestamp.h"
#include "tests/fake/check_stand.h"
#include "tests/fake/cms_parts.h"
#include "tests/fake/log_fixture.h"
#include "tests/fake/stock_tools.h"
#include "tests/fake/tsa_lab.h"
#include "tests/fake/tsa_stand.h"

static struct check_stand stand;

static int setup(void **state)
{
	(void)state;
	stand_open(&stand);
	stand_trust(&stand, stand.lab.lab.root, stand.lab.lab.crl);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stand_close(&stand);
	return 0;
}

static void expect_bytes(const void *json, size_t json_len, const void *p7s, size_t len, int want,
			 const char *code)
{
	char codes[1024];
	int got = check_lab_run(stand.lab.check, json, json_len, p7s, len, codes, sizeof(codes));

	if (got != want || (code && !check_lab_has(codes, code)))
		fail_msg("exit code %d, %s; wanted %d, %s", got, codes, want, code ? code : "");
}

static bool stock_accepts_pair(const struct stock_options *o)
{
	const struct check_lab *l = &stand.lab;

	return stock_cms_accepts(l, l->json, l->json_len, l->p7s, l->p7s_len, o);
}

/* ---- revocation ---- */

static void test_revoked_signer_is_nothing_to_stock_tools(void **state)
{
	X509_CRL *crl = stand_make_crl(&stand, stand.lab.alice.cert, LAB_NOW_S - LAB_DAY_S, 30);

	(void)state;
	assert_true(stock_accepts_pair(NULL));
	stand_trust(&stand, stand.lab.lab.root, crl);
	stand_expect(&stand, 1, "E_REVOKED");
	X509_CRL_free(crl);
}

/* Even told to look at lists, it looks at one, and is content if that names nobody. */
static void test_second_list_unrevokes_for_stock_tools(void **state)
{
	X509_CRL *old = stand_make_crl(&stand, stand.lab.alice.cert, LAB_NOW_S - 2 * LAB_DAY_S, 30);
	X509_CRL *new = stand_make_crl(&stand, NULL, LAB_NOW_S - LAB_DAY_S, 30);
	const struct stock_options o = {.crls = {new, old}};

	(void)state;
	assert_false(stock_accepts_pair(&(struct stock_options){.crls = {old}}));
	assert_true(stock_accepts_pair(&o));
	stand_trust(&stand, stand.lab.lab.root, old);
	stand_also_crl(&stand, new);
	stand_expect(&stand, 1, "E_REVOKED");
	X509_CRL_free(old);
	X509_CRL_free(new);
}

/* An old list in the signature file goes before the new one that the verifier gives. */
static void test_embedded_old_list_hides_the_new_one_from_stock_tools(void **state)
{
	X509_CRL *old = stand_make_crl(&stand, NULL, LAB_NOW_S - 2 * LAB_DAY_S, 30);
	X509_CRL *new = stand_make_crl(&stand, stand.lab.alice.cert, LAB_NOW_S - LAB_DAY_S, 30);
	const struct stock_options o = {.crls = {new}};

	(void)state;
	assert_false(stock_accepts_pair(&o));
	check_lab_sign(&stand.lab, old);
	assert_true(stock_accepts_pair(&o));
	stand_trust(&stand, stand.lab.lab.root, new);
	stand_expect(&stand, 1, "E_REVOKED");
	X509_CRL_free(old);
	X509_CRL_free(new);
}

/* -no_check_time is the one way to a signature whose signer has expired, and asks no proof. */
static void test_expired_signer_without_proof_is_nothing_to_stock_tools(void **state)
{
	(void)state;
	stand.now_s = LAB_NOW_S + 5 * 365 * LAB_DAY_S;
	assert_true(stock_accepts_pair(&(struct stock_options){.no_check_time = true}));
	stand_expect(&stand, 2, "I_CERT_TIME");
}

/* ---- timestamps ---- */

static struct xp_bytes signature(void)
{
	static struct xp_cms cms;
	AUTO(xp_findings_free) struct xp_findings f = {0};

	assert_true(xp_cms_parse(&cms, stand.lab.p7s, stand.lab.p7s_len, &f));
	return cms.signers[0].signature;
}

static void believe(struct tsa_lab *tsa)
{
	AUTO_MEM char *pem = lab_cert_pem(tsa->root);

	assert_int_equal(
		xp_trust_add_anchors(xp_check_tsa(stand.lab.check), pem, strlen(pem), "t", NULL),
		XP_OK);
}

static void test_transplanted_timestamp_is_nothing_to_stock_tools(void **state)
{
	static const uint8_t other[] = "the octets of another signature";
	const struct tsa_stamp s = {.at_s = LAB_NOW_S + 60, .signature = {other, sizeof(other)}};
	struct tsa_lab tsa;
	uint8_t *token, *p7s;
	size_t token_len, len;

	(void)state;
	tsa_lab_open(&tsa, TSA_EKU, false);
	token = tsa_lab_token(&tsa, &s, &token_len);
	p7s = tsa_lab_with_token(&stand.lab, token, token_len, &len);
	assert_true(
		stock_cms_accepts(&stand.lab, stand.lab.json, stand.lab.json_len, p7s, len, NULL));
	believe(&tsa);
	expect_bytes(stand.lab.json, stand.lab.json_len, p7s, len, 1, "E_TIMESTAMP_IMPRINT");
	free(token);
	free(p7s);
	tsa_lab_close(&tsa);
}

/* With one folder of roots for everything, whoever issues the signers' certificates tells the time.
 */
static void test_timestamp_of_the_signers_ca_is_believed_by_stock_tools(void **state)
{
	const struct tsa_stamp s = {.at_s = LAB_NOW_S + 60, .signature = signature()};
	struct tsa_lab tsa;
	uint8_t *token, *p7s;
	size_t token_len, len;

	(void)state;
	tsa_lab_open_below(&tsa, &stand.lab.lab);
	token = tsa_lab_token(&tsa, &s, &token_len);
	assert_true(stock_ts_accepts(stand.lab.lab.root, token, token_len, s.signature.data,
				     s.signature.len));
	p7s = tsa_lab_with_token(&stand.lab, token, token_len, &len);
	expect_bytes(stand.lab.json, stand.lab.json_len, p7s, len, 2, "I_TIMESTAMP_UNTRUSTED");
	free(token);
	free(p7s);
	tsa_lab_close(&tsa);
}

/* A token is checked by `openssl ts` alone: that its authority was revoked it does not ask. */
static void test_revoked_authority_is_believed_by_stock_tools(void **state)
{
	const struct tsa_stamp s = {.at_s = LAB_NOW_S + 60, .signature = signature()};
	struct tsa_lab tsa;
	uint8_t *token, *p7s;
	size_t token_len, len;
	X509_CRL *crl;

	(void)state;
	stand.now_s = LAB_NOW_S + LAB_DAY_S;
	tsa_lab_open(&tsa, TSA_EKU, false);
	crl = tsa_lab_revoke(&tsa, LAB_NOW_S, 1);
	token = tsa_lab_token(&tsa, &s, &token_len);
	assert_true(
		stock_ts_accepts(tsa.root, token, token_len, s.signature.data, s.signature.len));
	p7s = tsa_lab_with_token(&stand.lab, token, token_len, &len);
	believe(&tsa);
	stand_also_crl(&stand, crl);
	expect_bytes(stand.lab.json, stand.lab.json_len, p7s, len, 2, "I_TIMESTAMP_REVOKED");
	X509_CRL_free(crl);
	free(token);
	free(p7s);
	tsa_lab_close(&tsa);
}

/* ---- the log ---- */

/* The pair is untouched, so that stock programs are content; what the log holds they never ask. */
static void expect_logged(const char *proof, size_t len, const struct xp_note_vkey *vkey,
			  const char *code)
{
	const struct check_lab *l = &stand.lab;
	struct xp_check_result r;
	bool found = false;

	assert_true(stock_accepts_pair(NULL));
	assert_int_equal(
		xp_check_pair(&r, l->check, l->json, l->json_len, l->p7s, l->p7s_len, NULL), XP_OK);
	assert_int_equal(xp_check_exit_code(&r), 0);
	xp_check_log(&r, proof, len, &(struct xp_note_vkeys){vkey, 1});
	for (size_t i = 0; i < r.findings.n; i++)
		found |= code && strcmp(r.findings.list[i].code, code) == 0;
	assert_int_equal(found, code != NULL);
	assert_int_equal(r.log.is_proven, code == NULL);
	xp_check_result_free(&r);
}

static void test_log_is_nothing_to_stock_tools(void **state)
{
	static const uint8_t others[1][32] = {{1}};
	struct log_place place = log_place_filled(6);
	struct log_place elsewhere = log_place_new();
	struct xp_log *log = log_place_open(&place);
	struct xp_log *fork = NULL;
	char *proof = NULL, *false_proof = NULL, *forked = NULL;
	size_t len = 0, false_len = 0, forked_len = 0;

	(void)state;
	assert_int_equal(log_place_try_open(&fork, &elsewhere, 77), XP_OK);
	stand_log(&stand, log, NULL, &proof, &len);
	stand_log(&stand, log, others, &false_proof, &false_len);
	stand_log(&stand, fork, NULL, &forked, &forked_len);
	expect_logged(proof, len, xp_log_vkey(log), NULL);
	expect_logged(false_proof, false_len, xp_log_vkey(log), "E_LOG_LEAF");
	/* a log of the same name whose key is another */
	expect_logged(forked, forked_len, xp_log_vkey(log), "I_LOG_KEY_UNKNOWN");
	expect_logged(NULL, 0, xp_log_vkey(log), "I_LOG_PROOF_MISSING");
	free(proof);
	free(false_proof);
	free(forked);
	xp_log_free(&log);
	xp_log_free(&fork);
	log_fixture_remove(place.path, place.fd);
	log_fixture_remove(elsewhere.path, elsewhere.fd);
}

/* ---- what is signed ---- */

/* Signed by WHO as it stands: stock programs are content, whatever it says. */
static void stock_is_content_with(const char *json, size_t len, struct lab_person *who, int want,
				  const char *code)
{
	struct xp_signing_key *k = lab_signing_key(who, stand.lab.lab.crl);
	uint8_t *p7s = NULL;
	size_t p7s_len = 0;

	assert_int_equal(xp_sign(&p7s, &p7s_len, k, json, len, LAB_NOW_S, NULL), XP_OK);
	assert_true(stock_cms_accepts(&stand.lab, json, len, p7s, p7s_len, NULL));
	expect_bytes(json, len, p7s, p7s_len, want, code);
	xp_signing_key_free(&k);
	free(p7s);
}

/* The record's text with FROM (once in it) as TO. */
static char *with(const char *from, const char *to, size_t *len)
{
	const char *at = strstr(stand.lab.json, from);
	char *changed = NULL;
	int n;

	assert_non_null(at);
	n = asprintf(&changed, "%.*s%s%s", (int)(at - stand.lab.json), stand.lab.json, to,
		     at + strlen(from));
	assert_true(n > 0);
	*len = (size_t)n;
	return changed;
}

static void test_what_a_signer_says_is_nothing_to_stock_tools(void **state)
{
	static const struct {
		const char *from, *to, *code;
	} lies[] = {
		{"\"level\":\"clear\",\"not_covered\"", "\"level\":\"purge\",\"not_covered\"",
		 "E_CLAIM_ABOVE_EVIDENCE"},
		{"\"id\":", "\"id\":\"x\",\"id\":", "E_JSON_DUPLICATE_KEY"},
		{"\"schema\":\"expunge-record/1\"", "\"schema\" :\"expunge-record/1\"",
		 "E_JSON_NOT_CANONICAL"},
		{"\"schema\":\"expunge-record/1\"",
		 "\"sanitized\":true,\"schema\":\"expunge-record/1\"", "E_SCHEMA_UNKNOWN_KEY"},
		{"\"title\":\"Lab\"", "\"title\":\"Lob\"", "E_RECORD_DERIVED"},
		{"\"bytes_written\":\"1048576\"", "\"bytes_written\":\"1048064\"",
		 "E_CLAIM_ABOVE_EVIDENCE"},
		{"\"role\":\"performer\"}],\"standard\"", "\"role\":\"validator\"}],\"standard\"",
		 "E_ROLE_NOT_GRANTED"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		size_t len;
		char *lie = with(lies[i].from, lies[i].to, &len);

		stock_is_content_with(lie, len, &stand.lab.alice, 1, lies[i].code);
		free(lie);
	}
}

/* The policy goes by a name that everybody knows, and is not that one. */
static void test_policy_swapped_is_nothing_to_stock_tools(void **state)
{
	struct xp_record *r = stand.lab.record;
	AUTO_MEM char *swapped = NULL;
	const char *at = strstr(r->policy_json, "\"name\":\"lab\"");

	(void)state;
	assert_non_null(at);
	assert_true(asprintf(&swapped, "%.*s\"name\":\"nist-800-88r2\"%s",
			     (int)(at - r->policy_json), r->policy_json, at + 12) > 0);
	free(r->policy_json);
	r->policy_json = strdup(swapped);
	r->policy_len = strlen(swapped);
	stand_write_and_expect(&stand, 1, "E_POLICY_SWAPPED");
	assert_true(stock_accepts_pair(NULL));
}

static void test_record_of_another_drive_is_nothing_to_stock_tools(void **state)
{
	(void)state;
	assert_true(stock_accepts_pair(NULL));
	xp_check_require(stand.lab.check, &(struct xp_requirements){.serial = "S-1"});
	stand_expect(&stand, 3, "P_SERIAL");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_revoked_signer_is_nothing_to_stock_tools),
		T(test_second_list_unrevokes_for_stock_tools),
		T(test_embedded_old_list_hides_the_new_one_from_stock_tools),
		T(test_expired_signer_without_proof_is_nothing_to_stock_tools),
		T(test_transplanted_timestamp_is_nothing_to_stock_tools),
		T(test_timestamp_of_the_signers_ca_is_believed_by_stock_tools),
		T(test_revoked_authority_is_believed_by_stock_tools),
		T(test_log_is_nothing_to_stock_tools),
		T(test_what_a_signer_says_is_nothing_to_stock_tools),
		T(test_policy_swapped_is_nothing_to_stock_tools),
		T(test_record_of_another_drive_is_nothing_to_stock_tools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
