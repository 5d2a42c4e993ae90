/* Timestamps: what proves the time of a signature, and everything that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/oids.h"
#include "certs/timestamp.h"
#include "certs/timestamp_check.h"
#include "tests/fake/cms_parts.h"
#include "tests/fake/tsa_stand.h"

#define YEAR_S (365 * LAB_DAY_S)

static X509_CRL *list_of(int64_t at_s, X509 *revoked, int64_t revoked_s)
{
	const struct xp_pki_revocation add = {.cert = revoked, .at_s = revoked_s};
	X509_CRL *crl = NULL;

	assert_int_equal(xp_pki_crl_new(&crl, NULL, revoked ? &add : NULL, tsa_stand.lab.lab.root,
					tsa_stand.lab.lab.root_key, at_s, at_s + 30 * LAB_DAY_S,
					NULL),
			 XP_OK);
	return crl;
}

/* ---- what counts ---- */

static void test_good_timestamp_proves_the_time(void **state)
{
	const struct tsa_who w = {.tsa = tsa_stand.tsa.root, .require_time = true};

	(void)state;
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){0}, &w, 0,
			 "W_TIMESTAMP_REVOCATION");
	tsa_stand_expect_bytes(&tsa_stand, tsa_stand.lab.p7s, tsa_stand.lab.p7s_len, &w, 3,
			       "P_TIME");
	/* the authority's own certificate may be the anchor */
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){0},
			 &(struct tsa_who){.tsa = tsa_stand.tsa.cert, .require_time = true}, 0,
			 NULL);
}

static void test_rsa_and_longer_hashes_count(void **state)
{
	struct tsa_lab rsa;
	const struct tsa_stamp s = {.digest = EVP_sha512(), .imprint = EVP_sha384()};

	(void)state;
	tsa_lab_open(&rsa, TSA_EKU, true);
	tsa_stand_expect(&tsa_stand, &rsa, s, &(struct tsa_who){.tsa = rsa.root}, 0, "W_");
	tsa_lab_close(&rsa);
}

static void test_signer_expired_for_years_passes_with_timestamp(void **state)
{
	X509_CRL *crl = list_of(LAB_NOW_S + LAB_DAY_S, NULL, 0);
	struct tsa_who w = {.tsa = tsa_stand.tsa.root, .crl = crl, .require_time = true};

	(void)state;
	tsa_stand.now_s = LAB_NOW_S + 20 * YEAR_S;
	tsa_stand_expect_bytes(&tsa_stand, tsa_stand.lab.p7s, tsa_stand.lab.p7s_len, &w, 2,
			       "I_CERT_TIME");
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){0}, &w, 0, "W_");
	/* stamped when the signer had expired already */
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa,
			 (struct tsa_stamp){.at_s = LAB_NOW_S + 3 * YEAR_S}, &w, 2, "I_CERT_TIME");
	/* a list from before the timestamp says nothing about then */
	w.crl = NULL;
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){0}, &w, 2,
			 "I_REVOCATION_STALE");
	/* stamped when the authority had expired */
	w.crl = crl;
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa,
			 (struct tsa_stamp){.at_s = LAB_NOW_S + 12 * YEAR_S}, &w, 2,
			 "I_TIMESTAMP_UNTRUSTED");
	X509_CRL_free(crl);
}

static void test_revoked_signer_counts_by_the_timestamp(void **state)
{
	X509_CRL *after = list_of(SOON_S + 7200, tsa_stand.lab.alice.cert, SOON_S + 3600);
	X509_CRL *before = list_of(SOON_S + 7200, tsa_stand.lab.alice.cert, SOON_S - 30);
	struct tsa_who w = {.tsa = tsa_stand.tsa.root, .crl = after};

	(void)state;
	tsa_stand.now_s = SOON_S + LAB_DAY_S;
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){0}, &w, 0, "W_");
	w.crl = before;
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){0}, &w, 1, "E_REVOKED");
	/* without anybody to believe the time is not proven */
	w = (struct tsa_who){.crl = after};
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){0}, &w, 1, "E_REVOKED");
	X509_CRL_free(after);
	X509_CRL_free(before);
}

static void test_accuracy_and_fraction_make_it_later(void **state)
{
	static const uint8_t hour[] = {0x30, 0x07, 0x02, 0x02, 0x0e, 0x10, 0x80, 0x01, 0x05};
	X509_CRL *crl = list_of(SOON_S + 7200, tsa_stand.lab.alice.cert, SOON_S + 3601);
	const struct tsa_who w = {.tsa = tsa_stand.tsa.root, .crl = crl};

	(void)state;
	tsa_stand.now_s = SOON_S + LAB_DAY_S;
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){0}, &w, 0, "W_");
	/* 3600.005 s: it may have been signed in the moment of the revocation */
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa,
			 (struct tsa_stamp){.behind = {hour, sizeof(hour)}}, &w, 1, "E_REVOKED");
	X509_CRL_free(crl);
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa,
			 (struct tsa_stamp){.time = "20261122200100.5Z"},
			 &(struct tsa_who){.tsa = tsa_stand.tsa.root}, 0, "W_");
}

/* ---- whom to believe ---- */

static void test_timestamp_by_nobody_named_is_indeterminate(void **state)
{
	struct tsa_lab other;

	(void)state;
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){0}, &(struct tsa_who){0}, 2,
			 "I_TIMESTAMP_UNTRUSTED");
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){0},
			 &(struct tsa_who){.require_time = true}, 2, "P_TIME");
	tsa_lab_open(&other, TSA_EKU, false);
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){0},
			 &(struct tsa_who){.tsa = other.root}, 2, "I_TIMESTAMP_UNTRUSTED");
	tsa_lab_close(&other);
}

static void test_authority_of_the_signers_ca_is_not_believed(void **state)
{
	struct tsa_lab own;

	(void)state;
	tsa_lab_open_below(&own, &tsa_stand.lab.lab);
	tsa_stand_expect(&tsa_stand, &own, (struct tsa_stamp){0},
			 &(struct tsa_who){.require_time = true}, 2, "I_TIMESTAMP_UNTRUSTED");
	tsa_stand_expect(&tsa_stand, &own, (struct tsa_stamp){0},
			 &(struct tsa_who){.tsa = tsa_stand.tsa.root}, 2, "I_TIMESTAMP_UNTRUSTED");
	/* named all the same: then it is said */
	tsa_stand_expect(&tsa_stand, &own, (struct tsa_stamp){0},
			 &(struct tsa_who){.tsa = tsa_stand.lab.lab.root}, 0,
			 "W_TIMESTAMP_SAME_CA");
	tsa_lab_close(&own);
}

static void test_revoked_authority_does_not_count(void **state)
{
	struct {
		int64_t at_s;
		int reason;
		int want;
		const char *code;
	} cases[] = {
		{SOON_S + 10, CRL_REASON_SUPERSEDED, 2, "I_TIMESTAMP_REVOKED"},
		{SOON_S - 10, CRL_REASON_SUPERSEDED, 2, "I_TIMESTAMP_REVOKED"},
		{SOON_S + 10, CRL_REASON_KEY_COMPROMISE, 2, "I_TIMESTAMP_REVOKED"},
	};

	(void)state;
	/* the list is of LAB_NOW_S: older than the token in the first case, so nobody knows more */
	cases[0].want = 0;
	cases[0].code = "W_TIMESTAMP_REVOCATION";
	for (size_t i = 0; i < 3; i++) {
		X509_CRL *crl = tsa_lab_revoke(&tsa_stand.tsa, cases[i].at_s, cases[i].reason);

		tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){0},
				 &(struct tsa_who){.tsa = tsa_stand.tsa.root, .tsa_crl = crl},
				 cases[i].want, cases[i].code);
		X509_CRL_free(crl);
	}
}

static void test_list_that_clears_nobody_still_accuses_the_authority(void **state)
{
	X509_CRL *crl = tsa_lab_revoke(&tsa_stand.tsa, SOON_S + 10, CRL_REASON_SUPERSEDED);
	ASN1_INTEGER *base = ASN1_INTEGER_new();

	(void)state;
	/* of after the token, and with a harmless reason for what came later */
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){.at_s = LAB_NOW_S},
			 &(struct tsa_who){.tsa = tsa_stand.tsa.root, .tsa_crl = crl}, 0, NULL);
	X509_CRL_free(crl);
	crl = tsa_lab_revoke(&tsa_stand.tsa, LAB_NOW_S - 10, CRL_REASON_SUPERSEDED);
	assert_int_equal(ASN1_INTEGER_set(base, 1), 1);
	assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0), 1);
	assert_true(X509_CRL_sign(crl, tsa_stand.tsa.root_key, EVP_sha256()) > 0);
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){0},
			 &(struct tsa_who){.tsa = tsa_stand.tsa.root, .tsa_crl = crl}, 2,
			 "I_TIMESTAMP_REVOKED");
	ASN1_INTEGER_free(base);
	X509_CRL_free(crl);
}

static void test_certificate_of_another_purpose_is_found(void **state)
{
	static const char *const ekus[] = {NULL, "timeStamping",
					   "critical,timeStamping,emailProtection",
					   "critical,emailProtection", "critical,codeSigning"};

	(void)state;
	for (size_t i = 0; i < sizeof(ekus) / sizeof(ekus[0]); i++) {
		struct tsa_lab bad;

		tsa_lab_open(&bad, ekus[i], false);
		tsa_stand_expect(&tsa_stand, &bad, (struct tsa_stamp){0},
				 &(struct tsa_who){.tsa = bad.root}, 1, "E_TIMESTAMP_CERT");
		tsa_lab_close(&bad);
	}
}

static void test_other_certificates_must_be_vouched_for(void **state)
{
	struct tsa_lab other;
	const struct tsa_who w = {.tsa = tsa_stand.tsa.root};

	(void)state;
	tsa_lab_open(&other, TSA_EKU, false);
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){.extra = other.cert}, &w, 2,
			 "I_TIMESTAMP_CERTS");
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){.extra = other.root}, &w, 0,
			 "W_");
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa,
			 (struct tsa_stamp){.extra = tsa_stand.tsa.root}, &w, 0, "W_");
	tsa_lab_close(&other);
}

/* ---- what is stamped, and when ---- */

static void test_transplanted_timestamp_is_found(void **state)
{
	static const uint8_t other[] = "the octets of another signature";
	const struct tsa_stamp s = {.signature = {other, sizeof(other)}};

	(void)state;
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, s,
			 &(struct tsa_who){.tsa = tsa_stand.tsa.root}, 1, "E_TIMESTAMP_IMPRINT");
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, s, &(struct tsa_who){0}, 1,
			 "E_TIMESTAMP_IMPRINT");
}

static void test_times_that_cannot_be_are_found(void **state)
{
	const struct tsa_who w = {.tsa = tsa_stand.tsa.root};

	(void)state;
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){.at_s = LAB_NOW_S - 301},
			 &w, 1, "E_TIMESTAMP_TIME");
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){.at_s = LAB_NOW_S - 299},
			 &w, 0, "W_");
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){.at_s = SOON_S + 301}, &w,
			 2, "I_TIMESTAMP_FUTURE");
}

static void test_times_of_other_form_are_found(void **state)
{
	static const char *const times[] = {
		"20261122200100",	"20261122200100.0Z",	       "20261122200100.Z",
		"202611222001Z",	"20261122200100+0000",	       "20261322200100Z",
		"20261122200100.1000Z", "20261122200100.12345678912Z", "20261122200160Z",
		"2026112220010 Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){.time = times[i]},
				 &(struct tsa_who){.tsa = tsa_stand.tsa.root}, 1,
				 "E_TIMESTAMP_FORM");
}

static void test_statements_of_other_form_are_found(void **state)
{
	static const uint8_t huge[] = {0x30, 0x06, 0x02, 0x04, 0x7f, 0xff, 0xff, 0xff};
	static const uint8_t negative[] = {0x30, 0x03, 0x02, 0x01, 0xff};
	static const uint8_t default_false[] = {0x01, 0x01, 0x00};
	static const uint8_t behind[] = {0x0c, 0x01, 'x'};
	static const uint8_t critical[] = {0xa1, 0x0b, 0x30, 0x09, 0x06, 0x02, 0x2a,
					   0x03, 0x01, 0x01, 0xff, 0x04, 0x00};
	static const uint8_t harmless[] = {0xa1, 0x08, 0x30, 0x06, 0x06,
					   0x02, 0x2a, 0x03, 0x04, 0x00};
	const struct {
		struct xp_bytes bytes;
		int want;
		const char *code;
	} cases[] = {
		{{huge, sizeof(huge)}, 1, "E_TIMESTAMP_FORM"},
		{{negative, sizeof(negative)}, 1, "E_TIMESTAMP_FORM"},
		{{default_false, sizeof(default_false)}, 1, "E_TIMESTAMP_FORM"},
		{{behind, sizeof(behind)}, 1, "E_TIMESTAMP_FORM"},
		{{critical, sizeof(critical)}, 2, "I_TIMESTAMP_UNKNOWN"},
		{{harmless, sizeof(harmless)}, 0, "W_"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tsa_stand_expect(
			&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){.behind = cases[i].bytes},
			&(struct tsa_who){.tsa = tsa_stand.tsa.root}, cases[i].want, cases[i].code);
}

static void test_weak_and_unknown_algorithms_are_found(void **state)
{
	const struct tsa_who w = {.tsa = tsa_stand.tsa.root};

	(void)state;
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){.imprint = EVP_sha1()}, &w,
			 1, "E_ALGORITHM_WEAK");
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){.digest = EVP_sha1()}, &w,
			 1, "E_ALGORITHM_WEAK");
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){.imprint = EVP_sha3_256()},
			 &w, 2, "I_ALGORITHM_UNKNOWN");
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa, (struct tsa_stamp){.no_ess = true}, &w, 1,
			 "E_TIMESTAMP_CERT");
	tsa_stand_expect(&tsa_stand, &tsa_stand.tsa,
			 (struct tsa_stamp){.crl = tsa_stand.lab.lab.crl}, &w, 2,
			 "I_TIMESTAMP_UNKNOWN");
}

/* ---- hostile bytes ---- */

static void test_cut_and_lengthened_tokens_are_found(void **state)
{
	const struct tsa_stamp s = {.signature = tsa_stand_signature(&tsa_stand), .at_s = SOON_S};
	size_t len = 0;
	uint8_t *token = tsa_lab_token(&tsa_stand.tsa, &s, &len);
	struct xp_tst t;

	(void)state;
	for (size_t n = 0; n <= len + 1; n++) {
		struct xp_findings f = {0};
		/* a copy of just that size, so that a sanitizer sees a read behind it */
		uint8_t *part = calloc(1, n ? n : 1);

		assert_non_null(part);
		memcpy(part, token, n < len ? n : len);
		assert_int_equal(xp_tst_parse(&t, (struct xp_bytes){part, n}, &f), n == len);
		assert_int_equal(f.n == 0, n == len);
		xp_findings_free(&f);
		free(part);
	}
	free(token);
}

static void test_token_with_empty_or_foreign_content_is_found(void **state)
{
	static const uint8_t empty[] = {0x30, 0x00};
	size_t len;
	uint8_t *p7s = tsa_lab_with_token(&tsa_stand.lab, empty, sizeof(empty), &len);

	(void)state;
	tsa_stand_expect_bytes(&tsa_stand, p7s, len, &(struct tsa_who){.tsa = tsa_stand.tsa.root},
			       1, "E_TIMESTAMP_FORM");
	free(p7s);
	/* a signature that is no timestamp */
	p7s = tsa_lab_with_token(&tsa_stand.lab, tsa_stand.lab.p7s, tsa_stand.lab.p7s_len, &len);
	tsa_stand_expect_bytes(&tsa_stand, p7s, len, &(struct tsa_who){.tsa = tsa_stand.tsa.root},
			       1, "E_TIMESTAMP_FORM");
	free(p7s);
}

/* The token of NAME with the one byte that follows MARK turned over by BITS. */
static void expect_turned(const void *mark, size_t mark_len, size_t behind, uint8_t bits,
			  const char *code)
{
	const struct tsa_stamp s = {.signature = tsa_stand_signature(&tsa_stand), .at_s = SOON_S};
	size_t token_len, len;
	uint8_t *token = tsa_lab_token(&tsa_stand.tsa, &s, &token_len);
	uint8_t *at = memmem(token, token_len, mark, mark_len);
	uint8_t *p7s;

	assert_non_null(at);
	at[behind] ^= bits;
	p7s = tsa_lab_with_token(&tsa_stand.lab, token, token_len, &len);
	tsa_stand_expect_bytes(&tsa_stand, p7s, len, &(struct tsa_who){.tsa = tsa_stand.tsa.root},
			       1, code);
	free(token);
	free(p7s);
}

static void test_token_that_is_not_der_is_found(void **state)
{
	static const uint8_t signed_data[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";

	(void)state;
	/* the length of the content's type, and what says that a value follows */
	expect_turned(signed_data, sizeof(signed_data) - 1, 1, 0x80, "E_TIMESTAMP_DER");
}

/* The authority's certificate: its version is no INTEGER any more, but DER all the same. */
static void test_certificate_malformed_in_token_is_found(void **state)
{
	static const uint8_t version[] = {0xa0, 0x03, 0x02, 0x01, 0x02, 0x02};

	(void)state;
	expect_turned(version, sizeof(version), 2, 0x02 ^ 0x04, "E_TIMESTAMP_CERTS");
}

#define T(name) cmocka_unit_test_setup_teardown(name, tsa_stand_setup, tsa_stand_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_good_timestamp_proves_the_time),
		T(test_rsa_and_longer_hashes_count),
		T(test_signer_expired_for_years_passes_with_timestamp),
		T(test_revoked_signer_counts_by_the_timestamp),
		T(test_accuracy_and_fraction_make_it_later),
		T(test_timestamp_by_nobody_named_is_indeterminate),
		T(test_authority_of_the_signers_ca_is_not_believed),
		T(test_revoked_authority_does_not_count),
		T(test_list_that_clears_nobody_still_accuses_the_authority),
		T(test_certificate_of_another_purpose_is_found),
		T(test_other_certificates_must_be_vouched_for),
		T(test_transplanted_timestamp_is_found),
		T(test_times_that_cannot_be_are_found),
		T(test_times_of_other_form_are_found),
		T(test_statements_of_other_form_are_found),
		T(test_weak_and_unknown_algorithms_are_found),
		T(test_cut_and_lengthened_tokens_are_found),
		T(test_token_with_empty_or_foreign_content_is_found),
		T(test_token_that_is_not_der_is_found),
		T(test_certificate_malformed_in_token_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
