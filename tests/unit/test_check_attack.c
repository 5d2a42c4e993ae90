/* Attacks on the signature file, built from good pieces; each must end with its own code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/oids.h"
#include "tests/fake/check_lab.h"
#include "tests/fake/cms_parts.h"
#include "tests/fake/stock_tools.h"

#define ALGORITHM(b, oid) cms_part_algorithm((b), (oid), sizeof(oid) - 1)

static struct check_lab lab;
static struct cms_parts parts;

static int setup(void **state)
{
	(void)state;
	check_lab_open(&lab, true);
	cms_parts_take(&parts, lab.p7s, lab.p7s_len);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cms_parts_free(&parts);
	check_lab_close(&lab);
	assert_int_equal(ERR_peek_error(), 0);
	return 0;
}

static void expect_bytes(const void *json, size_t json_len, const void *p7s, size_t len, int want,
			 const char *code)
{
	char codes[1024];
	int got = check_lab_run(lab.check, json, json_len, p7s, len, codes, sizeof(codes));

	if (got != want || (code && !check_lab_has(codes, code)))
		fail_msg("exit code %d, %s; wanted %d, %s", got, codes, want, code ? code : "");
}

/* The parts, put together, must end so. */
static void expect(int want, const char *code)
{
	size_t len = 0;
	uint8_t *p7s = cms_parts_build(&parts, &len);

	expect_bytes(lab.json, lab.json_len, p7s, len, want, code);
	free(p7s);
}

static void stock_lets_it_through(void)
{
	size_t len = 0;
	uint8_t *p7s = cms_parts_build(&parts, &len);

	assert_true(stock_cms_accepts(&lab, lab.json, lab.json_len, p7s, len, NULL));
	free(p7s);
}

static void sign_as(struct lab_person *who, int64_t at_s)
{
	struct xp_signing_key *k = lab_signing_key(who, lab.lab.crl);

	free(lab.p7s);
	lab.p7s = NULL;
	assert_int_equal(xp_sign(&lab.p7s, &lab.p7s_len, k, lab.json, lab.json_len, at_s, NULL),
			 XP_OK);
	xp_signing_key_free(&k);
}

/* Adds WHO's signature over the record to the parts. */
static void join(struct lab_person *who)
{
	struct xp_signing_key *k = lab_signing_key(who, NULL);
	uint8_t *p7s = NULL;
	size_t len = 0;

	assert_int_equal(xp_sign(&p7s, &len, k, lab.json, lab.json_len, LAB_NOW_S, NULL), XP_OK);
	cms_parts_join(&parts, p7s, len);
	free(p7s);
	xp_signing_key_free(&k);
}

static void retake(void)
{
	cms_parts_free(&parts);
	cms_parts_take(&parts, lab.p7s, lab.p7s_len);
}

static int find_attr(const char *oid, size_t len)
{
	for (unsigned i = 0; i < parts.signers[0].attrs_n; i++)
		if (memmem(parts.signers[0].attrs[i].data, parts.signers[0].attrs[i].len, oid, len))
			return (int)i;
	return -1;
}

static void drop_attr(const char *oid, size_t len)
{
	struct cms_part_signer *s = &parts.signers[0];
	int i = find_attr(oid, len);

	assert_true(i >= 0);
	xp_buf_free(&s->attrs[i]);
	s->attrs_n--;
	s->attrs[i] = s->attrs[s->attrs_n];
	s->attrs[s->attrs_n] = (struct xp_buf){0};
	cms_parts_sign(&parts, 0, lab.alice.key);
}

static void test_good_pieces_pass(void **state)
{
	(void)state;
	expect(0, NULL);
	stock_lets_it_through();
}

static void test_signer_stripped_is_found(void **state)
{
	(void)state;
	check_lab_name_signers(&lab, true, true);
	sign_as(&lab.alice, LAB_NOW_S);
	retake();
	join(&lab.bob);
	expect(0, NULL);
	cms_parts_free(&parts);
	cms_parts_take(&parts, lab.p7s, lab.p7s_len);
	stock_lets_it_through();
	expect(1, "E_SIGNERS_MISMATCH");
}

static void test_signer_added_is_found(void **state)
{
	(void)state;
	join(&lab.bob);
	stock_lets_it_through();
	expect(1, "E_SIGNERS_MISMATCH");
}

static void test_one_bad_signer_of_two_is_found(void **state)
{
	struct xp_buf *sig;

	(void)state;
	check_lab_name_signers(&lab, true, true);
	sign_as(&lab.alice, LAB_NOW_S);
	retake();
	join(&lab.bob);
	sig = &parts.signers[1].signature;
	sig->data[sig->len - 1] ^= 1;
	expect(1, "E_SIGNATURE");
}

static void test_no_signed_attributes_is_found(void **state)
{
	(void)state;
	parts.signers[0].no_attrs = true;
	expect(1, "E_CMS_NO_SIGNED_ATTRS");
}

static void test_attributes_as_content_is_found(void **state)
{
	struct xp_findings f = {0};
	struct xp_cms cms;
	struct xp_buf content = {0};
	size_t len = 0;
	uint8_t *p7s;

	(void)state;
	/* what alice signed is the SET of attributes: shown as content, her signature is good */
	assert_true(xp_cms_parse(&cms, lab.p7s, lab.p7s_len, &f));
	xp_buf_add(&content, cms.signers[0].attrs.data, cms.signers[0].attrs.len);
	content.data[0] = XP_DER_SET;
	parts.signers[0].no_attrs = true;
	p7s = cms_parts_build(&parts, &len);
	assert_true(stock_cms_accepts(&lab, content.data, content.len, p7s, len, NULL));
	expect_bytes(content.data, content.len, p7s, len, 1, "E_CMS_NO_SIGNED_ATTRS");
	free(p7s);
	xp_buf_free(&content);
}

static void test_no_ess_is_found(void **state)
{
	(void)state;
	drop_attr(XP_DER_OID_SIGNING_CERT_V2, sizeof(XP_DER_OID_SIGNING_CERT_V2) - 1);
	stock_lets_it_through();
	expect(1, "E_CMS_NO_ESS");
}

static void test_missing_attributes_are_found(void **state)
{
	(void)state;
	drop_attr(XP_DER_OID_SIGNING_TIME, sizeof(XP_DER_OID_SIGNING_TIME) - 1);
	stock_lets_it_through();
	expect(1, "E_CMS_ATTRIBUTE");
	retake();
	drop_attr(XP_DER_OID_COMMITMENT, sizeof(XP_DER_OID_COMMITMENT) - 1);
	stock_lets_it_through();
	expect(1, "E_CMS_ATTRIBUTE");
	retake();
	drop_attr(XP_DER_OID_MESSAGE_DIGEST, sizeof(XP_DER_OID_MESSAGE_DIGEST) - 1);
	expect(1, "E_CMS_ATTRIBUTE");
}

static void test_foreign_attribute_is_found(void **state)
{
	/* SEQUENCE { OID 1.2.3, SET { NULL } } */
	static const uint8_t odd[] = {0x30, 0x08, 0x06, 0x02, 0x2a, 0x03, 0x31, 0x02, 0x05, 0x00};
	struct cms_part_signer *s = &parts.signers[0];

	(void)state;
	cms_part_set(&s->attrs[s->attrs_n++], odd, sizeof(odd));
	cms_parts_sign(&parts, 0, lab.alice.key);
	stock_lets_it_through();
	expect(1, "E_CMS_ATTRIBUTE");
}

static void test_attribute_twice_or_with_two_values_is_found(void **state)
{
	struct cms_part_signer *s = &parts.signers[0];
	int i = find_attr(XP_DER_OID_SIGNING_TIME, sizeof(XP_DER_OID_SIGNING_TIME) - 1);
	struct xp_buf two = {0};
	struct xp_buf body = {0};
	struct xp_buf set = {0};

	(void)state;
	assert_true(i >= 0);
	cms_part_set(&s->attrs[s->attrs_n++], s->attrs[i].data, s->attrs[i].len);
	cms_parts_sign(&parts, 0, lab.alice.key);
	expect(1, "E_CMS_ATTRIBUTE");
	retake();
	xp_der_put_oid(&body, XP_DER_OID_SIGNING_TIME);
	xp_der_put_time(&set, LAB_NOW_S);
	xp_der_put_time(&set, LAB_NOW_S + 1);
	xp_der_wrap(&body, XP_DER_SET, &set);
	xp_der_wrap(&two, XP_DER_SEQUENCE, &body);
	i = find_attr(XP_DER_OID_SIGNING_TIME, sizeof(XP_DER_OID_SIGNING_TIME) - 1);
	cms_part_set(&s->attrs[i], two.data, two.len);
	xp_buf_free(&two);
	cms_parts_sign(&parts, 0, lab.alice.key);
	expect(1, "E_CMS_ATTRIBUTE");
}

static void test_weak_digests_are_found(void **state)
{
	(void)state;
	ALGORITHM(&parts.signers[0].digest, XP_DER_OID_SHA1);
	expect(1, "E_ALGORITHM_WEAK");
	retake();
	ALGORITHM(&parts.signers[0].digest, XP_DER_OID_MD5);
	expect(1, "E_ALGORITHM_WEAK");
	retake();
	ALGORITHM(&parts.digests, XP_DER_OID_SHA1);
	expect(1, "E_ALGORITHM_WEAK");
	retake();
	ALGORITHM(&parts.signers[0].algorithm, XP_DER_OID_ECDSA_SHA1);
	expect(1, "E_ALGORITHM_WEAK");
}

/* A whole SHA-1 signature by a stock signer, good in its own terms. */
static void test_sha1_by_stock_signer_is_found(void **state)
{
	const unsigned flags = CMS_BINARY | CMS_DETACHED | CMS_PARTIAL | CMS_NOSMIMECAP;
	CMS_ContentInfo *ci = CMS_sign(NULL, NULL, NULL, NULL, flags);
	BIO *data = BIO_new_mem_buf(lab.json, (int)lab.json_len);
	unsigned char *der = NULL;
	int len;

	(void)state;
	assert_non_null(CMS_add1_signer(ci, lab.alice.cert, lab.alice.key, EVP_sha1(), flags));
	assert_int_equal(CMS_final(ci, data, NULL, flags), 1);
	len = i2d_CMS_ContentInfo(ci, &der);
	assert_true(len > 0);
	assert_true(stock_cms_accepts(&lab, lab.json, lab.json_len, der, (size_t)len, NULL));
	expect_bytes(lab.json, lab.json_len, der, (size_t)len, 1, "E_ALGORITHM_WEAK");
	OPENSSL_free(der);
	CMS_ContentInfo_free(ci);
	BIO_free(data);
	ERR_clear_error();
}

static void test_unknown_algorithms_are_indeterminate(void **state)
{
	static const char sha384[] = "\x60\x86\x48\x01\x65\x03\x04\x02\x02";
	static const char nonsense[] = "\x2a\x03\x04";

	(void)state;
	ALGORITHM(&parts.signers[0].algorithm, nonsense);
	stock_lets_it_through();
	expect(2, "I_ALGORITHM_UNKNOWN");
	retake();
	ALGORITHM(&parts.signers[0].digest, sha384);
	expect(2, "I_ALGORITHM_UNKNOWN");
}

static void test_signing_time_outside_of_certificate_is_found(void **state)
{
	(void)state;
	sign_as(&lab.alice, LAB_NOW_S - 31 * LAB_DAY_S);
	assert_true(stock_cms_accepts(&lab, lab.json, lab.json_len, lab.p7s, lab.p7s_len, NULL));
	expect_bytes(lab.json, lab.json_len, lab.p7s, lab.p7s_len, 1, "E_SIGNING_TIME");
	sign_as(&lab.alice, LAB_NOW_S + 701 * LAB_DAY_S);
	expect_bytes(lab.json, lab.json_len, lab.p7s, lab.p7s_len, 1, "E_SIGNING_TIME");
	sign_as(&lab.alice, LAB_NOW_S + LAB_DAY_S);
	expect_bytes(lab.json, lab.json_len, lab.p7s, lab.p7s_len, 2, "I_SIGNING_TIME_FUTURE");
}

static void test_trailing_bytes_are_found(void **state)
{
	uint8_t *longer = malloc(lab.p7s_len + 1);

	(void)state;
	assert_non_null(longer);
	memcpy(longer, lab.p7s, lab.p7s_len);
	longer[lab.p7s_len] = 0;
	assert_true(stock_cms_accepts(&lab, lab.json, lab.json_len, longer, lab.p7s_len + 1, NULL));
	expect_bytes(lab.json, lab.json_len, longer, lab.p7s_len + 1, 1, "E_CMS_TRAILING");
	free(longer);
	for (size_t n = 0; n < lab.p7s_len; n += 7)
		expect_bytes(lab.json, lab.json_len, lab.p7s, n, 1, "E_CMS_DER");
}

static void test_ber_is_found(void **state)
{
	struct xp_buf ber = {0};
	size_t head = 4; /* 30 82 xx xx */

	(void)state;
	assert_int_equal(lab.p7s[1], 0x82);
	xp_buf_add(&ber, "\x30\x80", 2);
	xp_buf_add(&ber, lab.p7s + head, lab.p7s_len - head);
	xp_buf_add(&ber, "\0\0", 2);
	assert_true(stock_cms_accepts(&lab, lab.json, lab.json_len, (uint8_t *)ber.data, ber.len,
				      NULL));
	expect_bytes(lab.json, lab.json_len, ber.data, ber.len, 1, "E_CMS_DER");
	xp_buf_free(&ber);
	xp_buf_add(&ber, "\x30\x83\x00", 3);
	xp_buf_add(&ber, lab.p7s + 2, lab.p7s_len - 2);
	assert_true(stock_cms_accepts(&lab, lab.json, lab.json_len, (uint8_t *)ber.data, ber.len,
				      NULL));
	expect_bytes(lab.json, lab.json_len, ber.data, ber.len, 1, "E_CMS_DER");
	xp_buf_free(&ber);
}

static void test_unsorted_sets_are_found(void **state)
{
	struct cms_part_signer *s = &parts.signers[0];
	struct xp_buf first = s->attrs[0];

	(void)state;
	s->attrs[0] = s->attrs[1];
	s->attrs[1] = first;
	parts.unsorted = true;
	expect(1, "E_CMS_ATTRIBUTE");
}

static void test_versions_and_types_are_fixed(void **state)
{
	(void)state;
	parts.version = 3;
	stock_lets_it_through();
	expect(1, "E_CMS_VERSION");
	retake();
	parts.signers[0].version = 3;
	stock_lets_it_through();
	expect(1, "E_CMS_VERSION");
	retake();
	/* id-data with another last arc: signedData */
	parts.content.data[parts.content.len - 1] ^= 3;
	expect(1, "E_CMS_CONTENT_TYPE");
}

static void test_content_inside_is_found(void **state)
{
	struct xp_buf body = {0};
	struct xp_buf octets = {0};
	size_t len = 0;
	uint8_t *p7s;

	(void)state;
	xp_der_put_oid(&body, XP_DER_OID_DATA);
	xp_der_put(&octets, XP_DER_OCTET_STRING, lab.json, lab.json_len);
	xp_der_wrap(&body, XP_DER_CONTEXT_0, &octets);
	xp_buf_free(&parts.content);
	xp_der_wrap(&parts.content, XP_DER_SEQUENCE, &body);
	p7s = cms_parts_build(&parts, &len);
	expect_bytes(lab.json, lab.json_len, p7s, len, 1, "E_CMS_NOT_DETACHED");
	free(p7s);
}

static void add_cert(X509 *cert)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);

	assert_true(len > 0);
	cms_part_set(&parts.certs[parts.certs_n++], der, (size_t)len);
	OPENSSL_free(der);
}

static void test_padding_certificates_are_found(void **state)
{
	(void)state;
	add_cert(lab.lab.root);
	stock_lets_it_through();
	expect(1, "E_CMS_CERTS");
	retake();
	add_cert(lab.bob.cert);
	stock_lets_it_through();
	expect(1, "E_CMS_CERTS");
}

static void test_certificate_missing_or_swapped_is_found(void **state)
{
	struct lab_person twin = {.key = lab.alice.key};
	const struct xp_pki_subject s = {
		.name = "Alice", .organization = "Lab", .person_id = "p-1"};

	(void)state;
	/* another certificate for the same key: the signed hash is of the first one */
	assert_int_equal(xp_pki_issue(&twin.cert, twin.key, XP_ROLE_VALIDATOR, &s,
				      LAB_NOW_S - LAB_DAY_S, LAB_NOW_S + LAB_DAY_S, lab.lab.root,
				      lab.lab.root_key, NULL),
			 XP_OK);
	parts.certs_n = 0;
	add_cert(twin.cert);
	expect(1, "E_SIGNER_CERT");
	parts.certs_n = 0;
	expect(1, "E_CMS_CERTS");
	X509_free(twin.cert);
}

static void test_signer_named_as_another_is_found(void **state)
{
	struct cms_part_signer *s = &parts.signers[0];

	(void)state;
	/* the last octet of the serial number */
	s->sid.data[s->sid.len - 1] ^= 1;
	expect(1, "E_CMS_SID");
}

static void test_foreign_unsigned_attribute_is_found(void **state)
{
	static const uint8_t odd[] = {0xa1, 0x0a, 0x30, 0x08, 0x06, 0x02,
				      0x2a, 0x03, 0x31, 0x02, 0x05, 0x00};

	(void)state;
	cms_part_set(&parts.signers[0].unsigned_attrs, odd, sizeof(odd));
	stock_lets_it_through();
	expect(1, "E_CMS_UNSIGNED_ATTRIBUTE");
}

static void test_timestamp_that_is_none_is_found(void **state)
{
	struct xp_buf body = {0};
	struct xp_buf set = {0};
	struct xp_buf attr = {0};

	(void)state;
	xp_der_put_oid(&body, XP_DER_OID_TIMESTAMP_TOKEN);
	xp_der_put(&set, XP_DER_SEQUENCE, "", 0);
	xp_der_wrap(&body, XP_DER_SET, &set);
	xp_der_wrap(&attr, XP_DER_SEQUENCE, &body);
	xp_der_wrap(&parts.signers[0].unsigned_attrs, XP_DER_CONTEXT_1, &attr);
	stock_lets_it_through();
	expect(1, "E_TIMESTAMP_FORM");
}

static void test_signature_of_other_bytes_is_found(void **state)
{
	char *other;

	(void)state;
	other = strdup(lab.json);
	assert_non_null(other);
	/* a record that is as valid as the first */
	memcpy(strstr(other, "tenant-7"), "tenant-8", 8);
	expect_bytes(other, lab.json_len, lab.p7s, lab.p7s_len, 1, "E_CONTENT_DIGEST");
	free(other);
	expect_bytes(lab.json, lab.json_len, NULL, 0, 1, "E_SIGNATURE_MISSING");
}

/* s and n - s both verify: the pair passes, and the hash for the log shows that it is another
 * value. */
static void test_other_half_of_curve_changes_signature_hash(void **state)
{
	const unsigned char *at = (const unsigned char *)parts.signers[0].signature.data;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)parts.signers[0].signature.len);
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	BIGNUM *r = BN_dup(ECDSA_SIG_get0_r(sig));
	BIGNUM *s = BN_new();
	static struct xp_check_result a, b;
	unsigned char *der = NULL;
	uint8_t *p7s;
	size_t len = 0;
	int n;

	(void)state;
	assert_int_equal(BN_sub(s, EC_GROUP_get0_order(group), ECDSA_SIG_get0_s(sig)), 1);
	assert_int_equal(ECDSA_SIG_set0(sig, r, s), 1);
	n = i2d_ECDSA_SIG(sig, &der);
	cms_part_set(&parts.signers[0].signature, der, (size_t)n);
	p7s = cms_parts_build(&parts, &len);
	assert_int_equal(
		xp_check_pair(&a, lab.check, lab.json, lab.json_len, lab.p7s, lab.p7s_len, NULL),
		XP_OK);
	assert_int_equal(xp_check_pair(&b, lab.check, lab.json, lab.json_len, p7s, len, NULL),
			 XP_OK);
	assert_int_equal(xp_check_exit_code(&b), 0);
	assert_memory_not_equal(a.signers[0].signature_sha256, b.signers[0].signature_sha256, 32);
	xp_check_result_free(&a);
	xp_check_result_free(&b);
	free(p7s);
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	EC_GROUP_free(group);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Another certificate of the same person, who approves of their own work. */
static void test_one_person_with_two_certificates_is_found(void **state)
{
	struct lab_person bob = lab.bob;
	struct lab_person twin;

	(void)state;
	lab_person_new(&twin, &lab.lab, XP_ROLE_VALIDATOR, "Alicia", "p-1");
	lab.bob = twin;
	check_lab_name_signers(&lab, true, true);
	sign_as(&lab.alice, LAB_NOW_S);
	retake();
	join(&lab.bob);
	stock_lets_it_through();
	expect(1, "E_SAME_PERSON");
	lab.bob = bob;
	lab_person_free(&twin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_good_pieces_pass),
		T(test_one_person_with_two_certificates_is_found),
		T(test_signer_stripped_is_found),
		T(test_signer_added_is_found),
		T(test_one_bad_signer_of_two_is_found),
		T(test_no_signed_attributes_is_found),
		T(test_attributes_as_content_is_found),
		T(test_no_ess_is_found),
		T(test_missing_attributes_are_found),
		T(test_foreign_attribute_is_found),
		T(test_attribute_twice_or_with_two_values_is_found),
		T(test_weak_digests_are_found),
		T(test_sha1_by_stock_signer_is_found),
		T(test_unknown_algorithms_are_indeterminate),
		T(test_signing_time_outside_of_certificate_is_found),
		T(test_trailing_bytes_are_found),
		T(test_ber_is_found),
		T(test_unsorted_sets_are_found),
		T(test_versions_and_types_are_fixed),
		T(test_content_inside_is_found),
		T(test_padding_certificates_are_found),
		T(test_certificate_missing_or_swapped_is_found),
		T(test_signer_named_as_another_is_found),
		T(test_foreign_unsigned_attribute_is_found),
		T(test_timestamp_that_is_none_is_found),
		T(test_signature_of_other_bytes_is_found),
		T(test_other_half_of_curve_changes_signature_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
