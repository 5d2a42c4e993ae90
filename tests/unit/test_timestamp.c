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
#include "tests/fake/check_lab.h"
#include "tests/fake/cms_parts.h"
#include "tests/fake/tsa_lab.h"

#define YEAR_S (365 * LAB_DAY_S)
#define SOON_S (LAB_NOW_S + 60)

static struct check_lab lab;
static struct tsa_lab tsa;
static struct xp_cms cms; /* of lab.p7s */
static int64_t now_s;

static int64_t wall(void *ctx)
{
	(void)ctx;
	return now_s;
}

static uint64_t monotonic(void *ctx)
{
	(void)ctx;
	return 0;
}

static const struct xp_clock test_clock = {.wall_s = wall, .monotonic_ns = monotonic};

static int setup(void **state)
{
	struct xp_findings f = {0};

	(void)state;
	check_lab_open(&lab, false);
	tsa_lab_open(&tsa, TSA_EKU, false);
	assert_true(xp_cms_parse(&cms, lab.p7s, lab.p7s_len, &f));
	now_s = SOON_S;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tsa_lab_close(&tsa);
	check_lab_close(&lab);
	assert_int_equal(ERR_peek_error(), 0);
	return 0;
}

static struct xp_bytes signature(void)
{
	return cms.signers[0].signature;
}

/* The lab's signature file with any bytes where the token belongs. */
static uint8_t *with_token(const void *token, size_t token_len, size_t *len)
{
	struct xp_buf body = {0};
	struct xp_buf value = {0};
	struct xp_buf attr = {0};
	struct cms_parts parts;
	uint8_t *p7s;

	cms_parts_take(&parts, lab.p7s, lab.p7s_len);
	xp_der_put_oid(&body, XP_DER_OID_TIMESTAMP_TOKEN);
	xp_buf_add(&value, token, token_len);
	xp_der_wrap(&body, XP_DER_SET, &value);
	xp_der_wrap(&attr, XP_DER_SEQUENCE, &body);
	xp_der_wrap(&parts.signers[0].unsigned_attrs, XP_DER_CONTEXT_1, &attr);
	p7s = cms_parts_build(&parts, len);
	cms_parts_free(&parts);
	return p7s;
}

struct who {
	X509 *tsa;	   /* NULL: nobody is believed about time */
	X509_CRL *crl;	   /* NULL: the lab's */
	X509_CRL *tsa_crl; /* NULL: none */
	bool require_time;
};

static int run(const void *p7s, size_t len, const struct who *w, char *codes, size_t size)
{
	const struct xp_requirements req = {.time = w->require_time};
	struct xp_check *c = NULL;
	char *root = lab_cert_pem(lab.lab.root);
	char *time_root = w->tsa ? lab_cert_pem(w->tsa) : NULL;
	char *list = lab_crl_pem(w->crl ? w->crl : lab.lab.crl);
	char *time_list = w->tsa_crl ? lab_crl_pem(w->tsa_crl) : NULL;
	int code;

	assert_int_equal(xp_check_new(&c, &test_clock, NULL), XP_OK);
	assert_int_equal(xp_trust_add_anchors(xp_check_trust(c), root, strlen(root), "r", NULL),
			 XP_OK);
	assert_int_equal(xp_trust_add_crls(xp_check_trust(c), list, strlen(list), "l", NULL),
			 XP_OK);
	if (time_root)
		assert_int_equal(xp_trust_add_anchors(xp_check_tsa(c), time_root, strlen(time_root),
						      "t", NULL),
				 XP_OK);
	if (time_list)
		assert_int_equal(xp_trust_add_crls(xp_check_trust(c), time_list, strlen(time_list),
						   "tl", NULL),
				 XP_OK);
	xp_check_require(c, &req);
	code = check_lab_run(c, lab.json, lab.json_len, p7s, len, codes, size);
	xp_check_free(&c);
	free(root);
	free(time_root);
	free(list);
	free(time_list);
	return code;
}

static void expect_bytes(const void *p7s, size_t len, const struct who *w, int want,
			 const char *code)
{
	char codes[1024];
	int got = run(p7s, len, w, codes, sizeof(codes));

	if (got != want || (code && !strstr(codes, code)) || (!code && strstr(codes, "TIMESTAMP")))
		fail_msg("exit code %d, %s; wanted %d, %s", got, codes, want,
			 code ? code : "nothing");
}

/* The lab's signature, stamped by AUTHORITY as S says (the signature is filled in). */
static void expect(struct tsa_lab *authority, struct tsa_stamp s, const struct who *w, int want,
		   const char *code)
{
	size_t token_len, len;
	uint8_t *token, *p7s;

	if (!s.signature.len)
		s.signature = signature();
	if (!s.at_s)
		s.at_s = SOON_S;
	token = tsa_lab_token(authority, &s, &token_len);
	p7s = with_token(token, token_len, &len);
	expect_bytes(p7s, len, w, want, code);
	free(token);
	free(p7s);
}

static X509_CRL *list_of(int64_t at_s, X509 *revoked, int64_t revoked_s)
{
	const struct xp_pki_revocation add = {.cert = revoked, .at_s = revoked_s};
	X509_CRL *crl = NULL;

	assert_int_equal(xp_pki_crl_new(&crl, NULL, revoked ? &add : NULL, lab.lab.root,
					lab.lab.root_key, at_s, at_s + 30 * LAB_DAY_S, NULL),
			 XP_OK);
	return crl;
}

/* ---- what counts ---- */

static void test_good_timestamp_proves_the_time(void **state)
{
	const struct who w = {.tsa = tsa.root, .require_time = true};

	(void)state;
	expect(&tsa, (struct tsa_stamp){0}, &w, 0, "W_TIMESTAMP_REVOCATION");
	expect_bytes(lab.p7s, lab.p7s_len, &w, 3, "P_TIME");
	/* the authority's own certificate may be the anchor */
	expect(&tsa, (struct tsa_stamp){0}, &(struct who){.tsa = tsa.cert, .require_time = true}, 0,
	       NULL);
}

static void test_rsa_and_longer_hashes_count(void **state)
{
	struct tsa_lab rsa;
	const struct tsa_stamp s = {.digest = EVP_sha512(), .imprint = EVP_sha384()};

	(void)state;
	tsa_lab_open(&rsa, TSA_EKU, true);
	expect(&rsa, s, &(struct who){.tsa = rsa.root}, 0, "W_");
	tsa_lab_close(&rsa);
}

static void test_signer_expired_for_years_passes_with_timestamp(void **state)
{
	X509_CRL *crl = list_of(LAB_NOW_S + LAB_DAY_S, NULL, 0);
	struct who w = {.tsa = tsa.root, .crl = crl, .require_time = true};

	(void)state;
	now_s = LAB_NOW_S + 20 * YEAR_S;
	expect_bytes(lab.p7s, lab.p7s_len, &w, 2, "I_CERT_TIME");
	expect(&tsa, (struct tsa_stamp){0}, &w, 0, "W_");
	/* stamped when the signer had expired already */
	expect(&tsa, (struct tsa_stamp){.at_s = LAB_NOW_S + 3 * YEAR_S}, &w, 2, "I_CERT_TIME");
	/* a list from before the timestamp says nothing about then */
	w.crl = NULL;
	expect(&tsa, (struct tsa_stamp){0}, &w, 2, "I_REVOCATION_STALE");
	/* stamped when the authority had expired */
	w.crl = crl;
	expect(&tsa, (struct tsa_stamp){.at_s = LAB_NOW_S + 12 * YEAR_S}, &w, 2,
	       "I_TIMESTAMP_UNTRUSTED");
	X509_CRL_free(crl);
}

static void test_revoked_signer_counts_by_the_timestamp(void **state)
{
	X509_CRL *after = list_of(SOON_S + 7200, lab.alice.cert, SOON_S + 3600);
	X509_CRL *before = list_of(SOON_S + 7200, lab.alice.cert, SOON_S - 30);
	struct who w = {.tsa = tsa.root, .crl = after};

	(void)state;
	now_s = SOON_S + LAB_DAY_S;
	expect(&tsa, (struct tsa_stamp){0}, &w, 0, "W_");
	w.crl = before;
	expect(&tsa, (struct tsa_stamp){0}, &w, 1, "E_REVOKED");
	/* without anybody to believe the time is not proven */
	w = (struct who){.crl = after};
	expect(&tsa, (struct tsa_stamp){0}, &w, 1, "E_REVOKED");
	X509_CRL_free(after);
	X509_CRL_free(before);
}

static void test_accuracy_and_fraction_make_it_later(void **state)
{
	static const uint8_t hour[] = {0x30, 0x07, 0x02, 0x02, 0x0e, 0x10, 0x80, 0x01, 0x05};
	X509_CRL *crl = list_of(SOON_S + 7200, lab.alice.cert, SOON_S + 3601);
	const struct who w = {.tsa = tsa.root, .crl = crl};

	(void)state;
	now_s = SOON_S + LAB_DAY_S;
	expect(&tsa, (struct tsa_stamp){0}, &w, 0, "W_");
	/* 3600.005 s: it may have been signed in the moment of the revocation */
	expect(&tsa, (struct tsa_stamp){.behind = {hour, sizeof(hour)}}, &w, 1, "E_REVOKED");
	X509_CRL_free(crl);
	expect(&tsa, (struct tsa_stamp){.time = "20270115080100.5Z"},
	       &(struct who){.tsa = tsa.root}, 0, "W_");
}

/* ---- whom to believe ---- */

static void test_timestamp_by_nobody_named_is_indeterminate(void **state)
{
	struct tsa_lab other;

	(void)state;
	expect(&tsa, (struct tsa_stamp){0}, &(struct who){0}, 2, "I_TIMESTAMP_UNTRUSTED");
	expect(&tsa, (struct tsa_stamp){0}, &(struct who){.require_time = true}, 2, "P_TIME");
	tsa_lab_open(&other, TSA_EKU, false);
	expect(&tsa, (struct tsa_stamp){0}, &(struct who){.tsa = other.root}, 2,
	       "I_TIMESTAMP_UNTRUSTED");
	tsa_lab_close(&other);
}

static void test_authority_of_the_signers_ca_is_not_believed(void **state)
{
	struct tsa_lab own;

	(void)state;
	tsa_lab_open_below(&own, &lab.lab);
	expect(&own, (struct tsa_stamp){0}, &(struct who){.require_time = true}, 2,
	       "I_TIMESTAMP_UNTRUSTED");
	expect(&own, (struct tsa_stamp){0}, &(struct who){.tsa = tsa.root}, 2,
	       "I_TIMESTAMP_UNTRUSTED");
	/* named all the same: then it is said */
	expect(&own, (struct tsa_stamp){0}, &(struct who){.tsa = lab.lab.root}, 0,
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
		X509_CRL *crl = tsa_lab_revoke(&tsa, cases[i].at_s, cases[i].reason);

		expect(&tsa, (struct tsa_stamp){0}, &(struct who){.tsa = tsa.root, .tsa_crl = crl},
		       cases[i].want, cases[i].code);
		X509_CRL_free(crl);
	}
}

static void test_list_that_clears_nobody_still_accuses_the_authority(void **state)
{
	X509_CRL *crl = tsa_lab_revoke(&tsa, SOON_S + 10, CRL_REASON_SUPERSEDED);
	ASN1_INTEGER *base = ASN1_INTEGER_new();

	(void)state;
	/* of after the token, and with a harmless reason for what came later */
	expect(&tsa, (struct tsa_stamp){.at_s = LAB_NOW_S},
	       &(struct who){.tsa = tsa.root, .tsa_crl = crl}, 0, NULL);
	X509_CRL_free(crl);
	crl = tsa_lab_revoke(&tsa, LAB_NOW_S - 10, CRL_REASON_SUPERSEDED);
	assert_int_equal(ASN1_INTEGER_set(base, 1), 1);
	assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0), 1);
	assert_true(X509_CRL_sign(crl, tsa.root_key, EVP_sha256()) > 0);
	expect(&tsa, (struct tsa_stamp){0}, &(struct who){.tsa = tsa.root, .tsa_crl = crl}, 2,
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
		expect(&bad, (struct tsa_stamp){0}, &(struct who){.tsa = bad.root}, 1,
		       "E_TIMESTAMP_CERT");
		tsa_lab_close(&bad);
	}
}

static void test_other_certificates_must_be_vouched_for(void **state)
{
	struct tsa_lab other;
	const struct who w = {.tsa = tsa.root};

	(void)state;
	tsa_lab_open(&other, TSA_EKU, false);
	expect(&tsa, (struct tsa_stamp){.extra = other.cert}, &w, 2, "I_TIMESTAMP_CERTS");
	expect(&tsa, (struct tsa_stamp){.extra = other.root}, &w, 0, "W_");
	expect(&tsa, (struct tsa_stamp){.extra = tsa.root}, &w, 0, "W_");
	tsa_lab_close(&other);
}

/* ---- what is stamped, and when ---- */

static void test_transplanted_timestamp_is_found(void **state)
{
	static const uint8_t other[] = "the octets of another signature";
	const struct tsa_stamp s = {.signature = {other, sizeof(other)}};

	(void)state;
	expect(&tsa, s, &(struct who){.tsa = tsa.root}, 1, "E_TIMESTAMP_IMPRINT");
	expect(&tsa, s, &(struct who){0}, 1, "E_TIMESTAMP_IMPRINT");
}

static void test_times_that_cannot_be_are_found(void **state)
{
	const struct who w = {.tsa = tsa.root};

	(void)state;
	expect(&tsa, (struct tsa_stamp){.at_s = LAB_NOW_S - 301}, &w, 1, "E_TIMESTAMP_TIME");
	expect(&tsa, (struct tsa_stamp){.at_s = LAB_NOW_S - 299}, &w, 0, "W_");
	expect(&tsa, (struct tsa_stamp){.at_s = SOON_S + 301}, &w, 2, "I_TIMESTAMP_FUTURE");
}

static void test_times_of_other_form_are_found(void **state)
{
	static const char *const times[] = {
		"20270115080100",	"20270115080100.0Z",	       "20270115080100.Z",
		"202701150801Z",	"20270115080100+0000",	       "20271301080100Z",
		"20270115080100.1000Z", "20270115080100.12345678912Z", "20270115080160Z",
		"2027011508010 Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		expect(&tsa, (struct tsa_stamp){.time = times[i]}, &(struct who){.tsa = tsa.root},
		       1, "E_TIMESTAMP_FORM");
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
		expect(&tsa, (struct tsa_stamp){.behind = cases[i].bytes},
		       &(struct who){.tsa = tsa.root}, cases[i].want, cases[i].code);
}

static void test_weak_and_unknown_algorithms_are_found(void **state)
{
	const struct who w = {.tsa = tsa.root};

	(void)state;
	expect(&tsa, (struct tsa_stamp){.imprint = EVP_sha1()}, &w, 1, "E_ALGORITHM_WEAK");
	expect(&tsa, (struct tsa_stamp){.digest = EVP_sha1()}, &w, 1, "E_ALGORITHM_WEAK");
	expect(&tsa, (struct tsa_stamp){.imprint = EVP_sha3_256()}, &w, 2, "I_ALGORITHM_UNKNOWN");
	expect(&tsa, (struct tsa_stamp){.no_ess = true}, &w, 1, "E_TIMESTAMP_CERT");
	expect(&tsa, (struct tsa_stamp){.crl = lab.lab.crl}, &w, 2, "I_TIMESTAMP_UNKNOWN");
}

/* ---- hostile bytes ---- */

static void test_cut_and_lengthened_tokens_are_found(void **state)
{
	const struct tsa_stamp s = {.signature = signature(), .at_s = SOON_S};
	size_t len = 0;
	uint8_t *token = tsa_lab_token(&tsa, &s, &len);
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
	uint8_t *p7s = with_token(empty, sizeof(empty), &len);

	(void)state;
	expect_bytes(p7s, len, &(struct who){.tsa = tsa.root}, 1, "E_TIMESTAMP_FORM");
	free(p7s);
	/* a signature that is no timestamp */
	p7s = with_token(lab.p7s, lab.p7s_len, &len);
	expect_bytes(p7s, len, &(struct who){.tsa = tsa.root}, 1, "E_TIMESTAMP_FORM");
	free(p7s);
}

/* The token of NAME with the one byte that follows MARK turned over by BITS. */
static void expect_turned(const void *mark, size_t mark_len, size_t behind, uint8_t bits,
			  const char *code)
{
	const struct tsa_stamp s = {.signature = signature(), .at_s = SOON_S};
	size_t token_len, len;
	uint8_t *token = tsa_lab_token(&tsa, &s, &token_len);
	uint8_t *at = memmem(token, token_len, mark, mark_len);
	uint8_t *p7s;

	assert_non_null(at);
	at[behind] ^= bits;
	p7s = with_token(token, token_len, &len);
	expect_bytes(p7s, len, &(struct who){.tsa = tsa.root}, 1, code);
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

/* ---- request, reply, embed ---- */

static enum xp_rc bytes_of_seven(void *ctx, void *out, size_t len, struct xp_err *err)
{
	(void)ctx;
	(void)err;
	memset(out, 7, len);
	return XP_OK;
}

static const struct xp_rng sevens = {.bytes = bytes_of_seven};

static struct xp_bytes p7s_bytes(void)
{
	return (struct xp_bytes){lab.p7s, lab.p7s_len};
}

static const uint8_t nonce[] = {0x02, 0x10, 0x47, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};

static void test_request_asks_for_the_signature(void **state)
{
	struct xp_buf q = {0};
	uint8_t digest[32];

	(void)state;
	assert_int_equal(xp_timestamp_request(&q, p7s_bytes(), &sevens, NULL), XP_OK);
	EVP_Digest(signature().data, signature().len, digest, NULL, EVP_sha256(), NULL);
	assert_non_null(memmem(q.data, q.len, digest, sizeof(digest)));
	assert_non_null(memmem(q.data, q.len, nonce, sizeof(nonce)));
	assert_memory_equal(q.data + q.len - 3, "\x01\x01\xff", 3);
	xp_buf_free(&q);
	assert_int_equal(xp_timestamp_request(&q, (struct xp_bytes){lab.p7s, lab.p7s_len - 1},
					      &sevens, NULL),
			 XP_E_MALFORMED);
	xp_buf_free(&q);
}

/* Embeds the token of S; the result in OUT. */
static enum xp_rc embed(struct xp_buf *out, struct tsa_stamp s, struct xp_findings *f)
{
	struct xp_buf q = {0};
	size_t len = 0;
	uint8_t *token;
	enum xp_rc rc;

	if (!s.signature.len)
		s.signature = signature();
	s.at_s = SOON_S;
	token = tsa_lab_token(&tsa, &s, &len);
	assert_int_equal(xp_timestamp_request(&q, p7s_bytes(), &sevens, NULL), XP_OK);
	rc = xp_timestamp_embed(out, p7s_bytes(), (struct xp_bytes){token, len},
				(struct xp_bytes){(const uint8_t *)q.data, q.len}, SOON_S, f, NULL);
	xp_buf_free(&q);
	free(token);
	return rc;
}

static void test_embedded_token_is_checked_and_kept_once(void **state)
{
	struct xp_findings f = {0};
	struct xp_buf out = {0};
	struct xp_buf again = {0};
	struct xp_bytes stamped;

	(void)state;
	assert_int_equal(embed(&out, (struct tsa_stamp){.nonce = {nonce, sizeof(nonce)}}, &f),
			 XP_OK);
	assert_int_equal(f.n, 0);
	expect_bytes(out.data, out.len, &(struct who){.tsa = tsa.root, .require_time = true}, 0,
		     "W_");
	stamped = (struct xp_bytes){(const uint8_t *)out.data, out.len};
	assert_int_equal(xp_timestamp_request(&again, stamped, &sevens, NULL), XP_E_USAGE);
	xp_buf_free(&out);
	xp_buf_free(&again);
}

static void test_embed_refuses_what_is_wrong(void **state)
{
	static const uint8_t other[] = "another";
	static const uint8_t wrong[] = {0x02, 0x01, 0x07};
	const struct {
		struct tsa_stamp s;
		const char *code;
	} cases[] = {
		{{0}, "E_TIMESTAMP_NONCE"},
		{{.nonce = {wrong, 3}}, "E_TIMESTAMP_NONCE"},
		{{.nonce = {nonce, sizeof(nonce)}, .signature = {other, 7}}, "E_TIMESTAMP_NONCE"},
		{{.nonce = {nonce, sizeof(nonce)}, .no_ess = true}, "E_TIMESTAMP_CERT"},
		{{.nonce = {nonce, sizeof(nonce)}, .digest = EVP_sha1()}, "E_ALGORITHM_WEAK"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xp_findings f = {0};
		struct xp_buf out = {0};

		assert_int_equal(embed(&out, cases[i].s, &f), XP_E_REFUSED);
		assert_string_equal(f.list[0].code, cases[i].code);
		assert_int_equal(out.len, 0);
		xp_findings_free(&f);
		xp_buf_free(&out);
	}
}

/* The first signature without a token gets one. */
static void stamp_next(uint8_t **p7s, size_t *len)
{
	const struct xp_bytes file = {*p7s, *len};
	struct xp_findings f = {0};
	struct xp_buf out = {0};
	struct tsa_stamp s = {.at_s = SOON_S};
	struct xp_cms c;
	size_t token_len = 0;
	uint8_t *token;

	assert_true(xp_cms_parse(&c, *p7s, *len, &f));
	for (unsigned i = c.signers_n; i > 0; i--)
		if (!c.signers[i - 1].timestamp.len)
			s.signature = c.signers[i - 1].signature;
	token = tsa_lab_token(&tsa, &s, &token_len);
	assert_int_equal(xp_timestamp_embed(&out, file, (struct xp_bytes){token, token_len},
					    (struct xp_bytes){0}, SOON_S, &f, NULL),
			 XP_OK);
	free(token);
	free(*p7s);
	*len = out.len;
	*p7s = (uint8_t *)STEAL(out.data);
}

static void test_each_of_two_signatures_needs_its_own(void **state)
{
	const struct who w = {.tsa = tsa.root, .require_time = true};
	struct xp_signing_key *bob = lab_signing_key(&lab.bob, NULL);
	struct cms_parts parts;
	uint8_t *other = NULL;
	uint8_t *p7s;
	size_t len = 0;

	(void)state;
	check_lab_name_signers(&lab, true, true);
	check_lab_sign(&lab, NULL);
	assert_int_equal(xp_sign(&other, &len, bob, lab.json, lab.json_len, LAB_NOW_S, NULL),
			 XP_OK);
	cms_parts_take(&parts, lab.p7s, lab.p7s_len);
	cms_parts_join(&parts, other, len);
	p7s = cms_parts_build(&parts, &len);
	expect_bytes(p7s, len, &w, 3, "P_TIME");
	stamp_next(&p7s, &len);
	expect_bytes(p7s, len, &w, 3, "P_TIME");
	stamp_next(&p7s, &len);
	expect_bytes(p7s, len, &w, 0, "W_");
	cms_parts_free(&parts);
	xp_signing_key_free(&bob);
	free(other);
	free(p7s);
}

static void test_replies_are_read(void **state)
{
	static const uint8_t good[] = {0x30, 0x07, 0x30, 0x03, 0x02, 0x01, 0x00, 0x30, 0x00};
	static const uint8_t refused[] = {0x30, 0x0c, 0x30, 0x0a, 0x02, 0x01, 0x02,
					  0x30, 0x05, 0x0c, 0x03, 'b',	'a',  'd'};
	static const uint8_t no_token[] = {0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00};
	static const uint8_t trailing[] = {0x30, 0x07, 0x30, 0x03, 0x02,
					   0x01, 0x00, 0x30, 0x00, 0x00};
	struct xp_err err = {0};
	struct xp_bytes t;

	(void)state;
	assert_int_equal(xp_timestamp_reply_token(&t, (struct xp_bytes){good, sizeof(good)}, NULL),
			 XP_OK);
	assert_ptr_equal(t.data, good + 7);
	for (size_t n = 0; n < sizeof(good); n++)
		assert_int_equal(xp_timestamp_reply_token(&t, (struct xp_bytes){good, n}, NULL),
				 XP_E_MALFORMED);
	assert_int_equal(
		xp_timestamp_reply_token(&t, (struct xp_bytes){no_token, sizeof(no_token)}, NULL),
		XP_E_MALFORMED);
	assert_int_equal(
		xp_timestamp_reply_token(&t, (struct xp_bytes){trailing, sizeof(trailing)}, NULL),
		XP_E_MALFORMED);
	assert_int_equal(
		xp_timestamp_reply_token(&t, (struct xp_bytes){refused, sizeof(refused)}, &err),
		XP_E_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "status 2: bad"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		T(test_request_asks_for_the_signature),
		T(test_embedded_token_is_checked_and_kept_once),
		T(test_embed_refuses_what_is_wrong),
		T(test_each_of_two_signatures_needs_its_own),
		T(test_replies_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
