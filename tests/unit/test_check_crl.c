/* What revocation lists say of a signer, and which of them count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/chain_crl.h"
#include "certs/check_roles.h"
#include "tests/fake/check_stand.h"

static void test_crl_missing_is_indeterminate(void **state)
{
	(void)state;
	stand_trust(&check_stand, check_stand.lab.lab.root, NULL);
	stand_expect(&check_stand, 2, "I_REVOCATION_UNKNOWN");
}

static void test_crl_embedded_counts(void **state)
{
	(void)state;
	check_lab_sign(&check_stand.lab, check_stand.lab.lab.crl);
	stand_trust(&check_stand, check_stand.lab.lab.root, NULL);
	stand_expect(&check_stand, 0, NULL);
}

static void test_crl_out_of_date_is_stale(void **state)
{
	X509_CRL *old = stand_make_crl(&check_stand, NULL, LAB_NOW_S - 40 * LAB_DAY_S, 30);

	(void)state;
	stand_trust(&check_stand, check_stand.lab.lab.root, old);
	stand_expect(&check_stand, 2, "I_REVOCATION_STALE");
	/* a stale embedded one does not hide a good one */
	check_lab_sign(&check_stand.lab, old);
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	stand_expect(&check_stand, 0, NULL);
	stand_trust(&check_stand, check_stand.lab.lab.root, NULL);
	stand_expect(&check_stand, 2, "I_REVOCATION_STALE");
	X509_CRL_free(old);
}

static void test_crl_from_the_future_is_not_used(void **state)
{
	X509_CRL *crl = stand_make_crl(&check_stand, NULL, LAB_NOW_S + LAB_DAY_S, 30);

	(void)state;
	stand_trust(&check_stand, check_stand.lab.lab.root, crl);
	stand_expect(&check_stand, 2, "I_REVOCATION_UNKNOWN");
	X509_CRL_free(crl);
}

static void test_crl_that_lists_signer_fails(void **state)
{
	X509_CRL *crl = stand_make_crl(&check_stand, check_stand.lab.alice.cert, LAB_NOW_S - 5, 30);

	(void)state;
	stand_trust(&check_stand, check_stand.lab.lab.root, crl);
	stand_expect(&check_stand, 1, "E_REVOKED");
	/* an old embedded one does not hide it */
	check_lab_sign(&check_stand.lab, check_stand.lab.lab.crl);
	stand_expect(&check_stand, 1, "E_REVOKED");
	X509_CRL_free(crl);
}

static void test_crl_newer_without_entry_does_not_unrevoke(void **state)
{
	X509_CRL *lists = stand_make_crl(&check_stand, check_stand.lab.alice.cert,
					 LAB_NOW_S - 50 * LAB_DAY_S, 30);

	(void)state;
	stand_trust(&check_stand, check_stand.lab.lab.root, lists);
	stand_also_crl(&check_stand, check_stand.lab.lab.crl);
	stand_expect(&check_stand, 1, "E_REVOKED");
	X509_CRL_free(lists);
}

static void test_crl_of_other_ca_is_no_help_and_no_harm(void **state)
{
	const struct xp_pki_revocation rev = {.cert = check_stand.lab.alice.cert,
					      .at_s = LAB_NOW_S - 5};
	struct lab other;
	X509_CRL *forged = NULL;

	(void)state;
	lab_open(&other);
	/* the name of the lab's root, the key of another */
	assert_int_equal(xp_pki_crl_new(&forged, NULL, &rev, other.root, other.root_key,
					LAB_NOW_S - 5, LAB_NOW_S + LAB_DAY_S, NULL),
			 XP_OK);
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	stand_also_crl(&check_stand, forged);
	stand_expect(&check_stand, 0, NULL);
	check_lab_sign(&check_stand.lab, forged);
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	stand_expect(&check_stand, 1, "E_CMS_CRLS");
	X509_CRL_free(forged);
	lab_close(&other);
}

/* A checker whose clock is behind knows less; nothing was altered. */
static void test_crl_embedded_dated_in_the_future_is_indeterminate(void **state)
{
	X509_CRL *crl = stand_make_crl(&check_stand, NULL, LAB_NOW_S + 3 * LAB_DAY_S, 30);

	(void)state;
	check_lab_sign(&check_stand.lab, crl);
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	stand_expect(&check_stand, 2, "I_CMS_CRL_FUTURE");
	X509_CRL_free(crl);
}

static void test_crl_delta_is_refused(void **state)
{
	X509_CRL *crl = stand_make_crl(&check_stand, NULL, LAB_NOW_S - 5, 30);
	ASN1_INTEGER *base = ASN1_INTEGER_new();

	(void)state;
	assert_int_equal(ASN1_INTEGER_set(base, 1), 1);
	assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0), 1);
	assert_true(X509_CRL_sign(crl, check_stand.lab.lab.root_key, EVP_sha256()) > 0);
	stand_trust(&check_stand, check_stand.lab.lab.root, crl);
	stand_expect(&check_stand, 2, "I_REVOCATION_UNKNOWN");
	ASN1_INTEGER_free(base);
	X509_CRL_free(crl);
}

static void test_crl_partitioned_is_refused(void **state)
{
	X509_CRL *crl = stand_make_crl(&check_stand, NULL, LAB_NOW_S - 5, 30);
	ISSUING_DIST_POINT *idp = ISSUING_DIST_POINT_new();

	(void)state;
	idp->onlyuser = 0xff;
	assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, idp, 1, 0), 1);
	assert_true(X509_CRL_sign(crl, check_stand.lab.lab.root_key, EVP_sha256()) > 0);
	stand_trust(&check_stand, check_stand.lab.lab.root, crl);
	stand_expect(&check_stand, 2, "I_REVOCATION_UNKNOWN");
	ISSUING_DIST_POINT_free(idp);
	X509_CRL_free(crl);
}

/* A list that clears nobody still accuses: beside one that is clean and current. */
static void test_crl_that_cannot_be_relied_upon_still_accuses(void **state)
{
	X509_CRL *future =
		stand_make_crl(&check_stand, check_stand.lab.alice.cert, LAB_NOW_S + LAB_DAY_S, 30);
	X509_CRL *delta =
		stand_make_crl(&check_stand, check_stand.lab.alice.cert, LAB_NOW_S - 5, 30);
	ASN1_INTEGER *base = ASN1_INTEGER_new();
	struct lab other;
	X509_CRL *strange = NULL;
	const struct xp_pki_revocation rev = {.cert = check_stand.lab.alice.cert,
					      .at_s = LAB_NOW_S - 5};

	(void)state;
	assert_int_equal(ASN1_INTEGER_set(base, 1), 1);
	assert_int_equal(X509_CRL_add1_ext_i2d(delta, NID_delta_crl, base, 1, 0), 1);
	assert_true(X509_CRL_sign(delta, check_stand.lab.lab.root_key, EVP_sha256()) > 0);
	ASN1_INTEGER_free(base);
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	stand_also_crl(&check_stand, delta);
	stand_expect(&check_stand, 1, "E_REVOKED");
	stand_trust(&check_stand, check_stand.lab.lab.root, future);
	stand_also_crl(&check_stand, check_stand.lab.lab.crl);
	stand_expect(&check_stand, 1, "E_REVOKED");
	/* a stranger accuses nobody */
	lab_open(&other);
	assert_int_equal(xp_pki_crl_new(&strange, NULL, &rev, other.root, other.root_key,
					LAB_NOW_S - 5, LAB_NOW_S + LAB_DAY_S, NULL),
			 XP_OK);
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	stand_also_crl(&check_stand, strange);
	stand_expect(&check_stand, 0, NULL);
	lab_close(&other);
	X509_CRL_free(strange);
	X509_CRL_free(future);
	X509_CRL_free(delta);
}

/* A list of the lab's root of a minute ago, with one entry for alice, revoked a day ago. */
static X509_CRL *entry_list(int nid, void *value, int crit)
{
	X509_CRL *crl = stand_make_crl(&check_stand, NULL, LAB_NOW_S - 60, 30);
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_TIME *at = ASN1_TIME_set(NULL, LAB_NOW_S - LAB_DAY_S);

	assert_non_null(entry);
	assert_int_equal(X509_REVOKED_set_serialNumber(
				 entry, X509_get_serialNumber(check_stand.lab.alice.cert)),
			 1);
	assert_int_equal(X509_REVOKED_set_revocationDate(entry, at), 1);
	if (value)
		assert_int_equal(X509_REVOKED_add1_ext_i2d(entry, nid, value, crit, 0), 1);
	assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
	assert_true(X509_CRL_sign(crl, check_stand.lab.lab.root_key, EVP_sha256()) > 0);
	ASN1_TIME_free(at);
	return crl;
}

/* What lists A and B (may be NULL), in this order, say of alice's signature of PROVEN_S. */
static void judge(char code[64], X509_CRL *a, X509_CRL *b, int64_t proven_s)
{
	struct xp_trust trust = {.crls = sk_X509_CRL_new_null()};
	const struct xp_chain_input in = {
		.trust = &trust, .now_s = LAB_NOW_S, .proven = true, .proven_s = proven_s};
	struct xp_findings f = {0};
	struct xp_crl_view view;

	assert_true(sk_X509_CRL_push(trust.crls, a) > 0);
	assert_true(!b || sk_X509_CRL_push(trust.crls, b) > 0);
	xp_crl_judge(&view, &in, check_stand.lab.alice.cert, check_stand.lab.lab.root, &f);
	assert_true(f.n <= 1);
	snprintf(code, 64, "%s", f.n ? f.list[0].code : "good");
	xp_findings_free(&f);
	sk_X509_CRL_free(trust.crls);
}

static X509_CRL *list_with_reason(long reason)
{
	ASN1_ENUMERATED *why = ASN1_ENUMERATED_new();
	X509_CRL *crl;

	assert_int_equal(ASN1_ENUMERATED_set(why, reason), 1);
	crl = entry_list(NID_crl_reason, why, 0);
	ASN1_ENUMERATED_free(why);
	return crl;
}

/* Of two entries of one day the worse one counts, in whatever order the lists are given. */
static void test_crl_worst_of_two_entries_counts_in_either_order(void **state)
{
	X509_CRL *harmless = list_with_reason(CRL_REASON_SUPERSEDED);
	X509_CRL *compromise = list_with_reason(CRL_REASON_KEY_COMPROMISE);
	const int64_t before_s = LAB_NOW_S - 2 * LAB_DAY_S;
	char code[64];

	(void)state;
	judge(code, harmless, NULL, before_s);
	assert_string_equal(code, "good");
	judge(code, harmless, compromise, before_s);
	assert_string_equal(code, "I_REVOKED_COMPROMISE");
	judge(code, compromise, harmless, before_s);
	assert_string_equal(code, "I_REVOKED_COMPROMISE");
	judge(code, compromise, harmless, LAB_NOW_S - 90);
	assert_string_equal(code, "E_REVOKED");
	X509_CRL_free(harmless);
	X509_CRL_free(compromise);
}

/* What a reason says that cannot be read may be the worst. */
static void test_crl_unreadable_reason_is_a_compromise(void **state)
{
	X509_CRL *crl = entry_list(NID_undef, NULL, 0);
	X509_REVOKED *entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 0);
	ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;
	char code[64];

	(void)state;
	judge(code, crl, NULL, LAB_NOW_S - 2 * LAB_DAY_S);
	assert_string_equal(code, "good");
	/* an ENUMERATED that says that it is longer than it is */
	assert_int_equal(ASN1_OCTET_STRING_set(bytes, (const uint8_t *)"\x0a\x05\x01", 3), 1);
	ext = X509_EXTENSION_create_by_NID(NULL, NID_crl_reason, 0, bytes);
	assert_int_equal(X509_REVOKED_add_ext(entry, ext, -1), 1);
	assert_true(X509_CRL_sign(crl, check_stand.lab.lab.root_key, EVP_sha256()) > 0);
	judge(code, crl, NULL, LAB_NOW_S - 2 * LAB_DAY_S);
	assert_string_equal(code, "I_REVOKED_COMPROMISE");
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(bytes);
	X509_CRL_free(crl);
}

/* [RFC 5280 5.3]: such a list clears nobody; whom it names it names. */
static void test_crl_critical_extension_of_an_entry_clears_nobody(void **state)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	X509_CRL *crl;

	(void)state;
	GENERAL_NAME_set0_value(name, GEN_DIRNAME,
				X509_NAME_dup(X509_get_subject_name(check_stand.lab.alice.cert)));
	assert_true(sk_GENERAL_NAME_push(names, name) > 0);
	crl = entry_list(NID_certificate_issuer, names, 1);
	stand_trust(&check_stand, check_stand.lab.lab.root, crl);
	stand_expect(&check_stand, 2, "I_REVOCATION_UNKNOWN");
	stand_also_crl(&check_stand, check_stand.lab.lab.crl);
	stand_expect(&check_stand, 0, NULL);
	GENERAL_NAMES_free(names);
	X509_CRL_free(crl);
}

static void test_crl_files_that_are_none_are_usage_errors(void **state)
{
	struct xp_trust *t;

	(void)state;
	stand_trust(&check_stand, NULL, NULL);
	t = xp_check_trust(check_stand.lab.check);
	assert_int_equal(xp_trust_add_crls(t, "", 0, "x", NULL), XP_E_USAGE);
	assert_int_equal(xp_trust_add_crls(t, "hello", 5, "x", NULL), XP_E_USAGE);
	assert_int_equal(xp_trust_add_anchors(t, "hello", 5, "x", NULL), XP_E_USAGE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, check_stand_setup, check_stand_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_crl_missing_is_indeterminate),
		T(test_crl_embedded_counts),
		T(test_crl_out_of_date_is_stale),
		T(test_crl_from_the_future_is_not_used),
		T(test_crl_that_lists_signer_fails),
		T(test_crl_newer_without_entry_does_not_unrevoke),
		T(test_crl_of_other_ca_is_no_help_and_no_harm),
		T(test_crl_embedded_dated_in_the_future_is_indeterminate),
		T(test_crl_delta_is_refused),
		T(test_crl_partitioned_is_refused),
		T(test_crl_that_cannot_be_relied_upon_still_accuses),
		T(test_crl_worst_of_two_entries_counts_in_either_order),
		T(test_crl_unreadable_reason_is_a_compromise),
		T(test_crl_critical_extension_of_an_entry_clears_nobody),
		T(test_crl_files_that_are_none_are_usage_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
