/* Signature files whose parts are each DER and together nothing of the profile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "certs/oids.h"
#include "tests/fake/check_stand.h"
#include "tests/fake/cms_parts.h"

static struct check_stand stand;
static struct cms_parts parts;

static int setup(void **state)
{
	(void)state;
	stand_open(&stand);
	stand_trust(&stand, stand.lab.lab.root, stand.lab.lab.crl);
	cms_parts_take(&parts, stand.lab.p7s, stand.lab.p7s_len);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cms_parts_free(&parts);
	stand_close(&stand);
	return 0;
}

static void expect_bytes(const void *p7s, size_t len, int want, const char *code)
{
	const struct check_lab *l = &stand.lab;
	char codes[1024];
	int got = check_lab_run(l->check, l->json, l->json_len, p7s, len, codes, sizeof(codes));

	if (got != want || (code && !check_lab_has(codes, code)))
		fail_msg("exit code %d, %s; wanted %d, %s", got, codes, want, code ? code : "");
}

static void expect(int want, const char *code)
{
	size_t len = 0;
	uint8_t *p7s = cms_parts_build(&parts, &len);

	expect_bytes(p7s, len, want, code);
	free(p7s);
}

static void retake(void)
{
	cms_parts_free(&parts);
	cms_parts_take(&parts, stand.lab.p7s, stand.lab.p7s_len);
}

static void test_nobody_signed_is_found(void **state)
{
	unsigned n = parts.signers_n;

	(void)state;
	parts.signers_n = 0;
	expect(1, "E_CMS_SIGNERS");
	parts.signers_n = n;
}

/* Two signatures of one certificate: a second opinion that is none. */
static void test_same_certificate_twice_is_found(void **state)
{
	struct xp_signing_key *k = lab_signing_key(&stand.lab.alice, NULL);
	uint8_t *again = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(
		xp_sign(&again, &len, k, stand.lab.json, stand.lab.json_len, LAB_NOW_S, NULL),
		XP_OK);
	cms_parts_join(&parts, again, len);
	/* the certificate itself stands there once */
	parts.certs_n = 1;
	expect(1, "E_SIGNER_TWICE");
	parts.certs_n = 2;
	free(again);
	xp_signing_key_free(&k);
}

static void test_other_content_type_is_found(void **state)
{
	static const uint8_t signed_data[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
	uint8_t *at = memmem(stand.lab.p7s, stand.lab.p7s_len, signed_data, 9);

	(void)state;
	assert_non_null(at);
	at[8] = 5; /* digestedData */
	expect_bytes(stand.lab.p7s, stand.lab.p7s_len, 1, "E_CMS_TYPE");
}

/* NULL where nothing belongs: two ways to write one algorithm. */
static void test_algorithm_with_parameters_is_found(void **state)
{
	static const uint8_t with_null[] = "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
					   "\x05\x00";

	(void)state;
	cms_part_set(&parts.signers[0].digest, with_null, sizeof(with_null) - 1);
	expect(1, "E_CMS_ALGORITHM");
	retake();
	parts.digests.len = 0;
	expect(1, "E_CMS_ALGORITHM");
}

static void test_signature_that_is_no_ecdsa_value_is_found(void **state)
{
	static const uint8_t one[] = {0x30, 0x03, 0x02, 0x01, 0x01};
	static const uint8_t negative[] = {0x30, 0x06, 0x02, 0x01, 0x81, 0x02, 0x01, 0x01};

	(void)state;
	cms_part_set(&parts.signers[0].signature, "x", 1);
	expect(1, "E_SIGNATURE_MALFORMED");
	cms_part_set(&parts.signers[0].signature, one, sizeof(one));
	expect(1, "E_SIGNATURE_MALFORMED");
	cms_part_set(&parts.signers[0].signature, negative, sizeof(negative));
	expect(1, "E_SIGNATURE_MALFORMED");
}

/* A name that is none: our reader compares its bytes, the library reads it. */
static void test_name_that_the_library_does_not_read_is_found(void **state)
{
	static const uint8_t sid[] = {0x30, 0x08, 0x30, 0x03, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01};

	(void)state;
	cms_part_set(&parts.signers[0].sid, sid, sizeof(sid));
	expect(1, "E_CMS_LIBRARY");
}

static void test_too_large_a_file_is_found(void **state)
{
	uint8_t *large = calloc(1, XP_CMS_MAX_BYTES + 1);

	(void)state;
	assert_non_null(large);
	expect_bytes(large, XP_CMS_MAX_BYTES + 1, 1, "E_CMS_SIZE");
	expect_bytes(large, 0, 1, "E_CMS_");
	free(large);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_nobody_signed_is_found),
		T(test_same_certificate_twice_is_found),
		T(test_other_content_type_is_found),
		T(test_algorithm_with_parameters_is_found),
		T(test_signature_that_is_no_ecdsa_value_is_found),
		T(test_name_that_the_library_does_not_read_is_found),
		T(test_too_large_a_file_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
