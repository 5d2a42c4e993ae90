/* The reader of signature files and its DER below: what is cut, long, deep or lying. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "certs/chain.h"
#include "certs/cms.h"
#include "tests/fake/pki_lab.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static void strict(bool want, const uint8_t *data, size_t len)
{
	/* a copy of exactly that size, so that the sanitizer sees a read past the end */
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, data, len);
	assert_int_equal(xp_der_is_strict(copy, len), want);
	free(copy);
}

static void test_der_lengths_are_the_shortest(void **state)
{
	uint8_t long_form[3 + 128] = {0x04, 0x81, 0x80};
	uint8_t longer[4 + 256] = {0x04, 0x82, 0x01, 0x00};

	(void)state;
	strict(true, BYTES(0x04, 0x00));
	strict(true, BYTES(0x04, 0x01, 0xff));
	strict(true, long_form, sizeof(long_form));
	strict(true, longer, sizeof(longer));
	strict(false, long_form, sizeof(long_form) - 1);
	strict(false, BYTES(0x04, 0x81, 0x01, 0xff));
	strict(false, BYTES(0x04, 0x82, 0x00, 0x01, 0xff));
	strict(false, BYTES(0x04, 0x84, 0x00, 0x00, 0x00, 0x01, 0xff));
	strict(false, BYTES(0x04, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
	strict(false, BYTES(0x30, 0x80, 0x00, 0x00));
	strict(false, BYTES(0x04));
	strict(false, BYTES(0x04, 0x81));
}

static void test_der_tags_and_values(void **state)
{
	(void)state;
	strict(false, BYTES(0x1f, 0x21, 0x00));		    /* a tag of several octets */
	strict(false, BYTES(0x10, 0x00));		    /* SEQUENCE, primitive */
	strict(false, BYTES(0x24, 0x03, 0x04, 0x01, 0x00)); /* OCTET STRING, in pieces */
	strict(false, BYTES(0x00, 0x00));		    /* end of contents */
	strict(true, BYTES(0x01, 0x01, 0xff));
	strict(true, BYTES(0x01, 0x01, 0x00));
	strict(false, BYTES(0x01, 0x01, 0x01));
	strict(false, BYTES(0x01, 0x02, 0x00, 0x00));
	strict(false, BYTES(0x02, 0x00));
	strict(true, BYTES(0x02, 0x01, 0x80));
	strict(false, BYTES(0x02, 0x02, 0x00, 0x7f));
	strict(true, BYTES(0x02, 0x02, 0x00, 0x80));
	strict(false, BYTES(0x02, 0x02, 0xff, 0x80));
	strict(true, BYTES(0x03, 0x02, 0x04, 0xf0));
	strict(false, BYTES(0x03, 0x02, 0x04, 0xf8)); /* an unused bit is set */
	strict(false, BYTES(0x03, 0x02, 0x08, 0x00));
	strict(false, BYTES(0x03, 0x00));
	strict(false, BYTES(0x03, 0x01, 0x01));
	strict(true, BYTES(0x03, 0x01, 0x00));
	strict(false, BYTES(0x05, 0x01, 0x00));
	strict(true, BYTES(0x06, 0x02, 0x2a, 0x03));
	strict(false, BYTES(0x06, 0x00));
	strict(false, BYTES(0x06, 0x02, 0x2a, 0x83));	    /* the last arc goes on */
	strict(false, BYTES(0x06, 0x03, 0x2a, 0x80, 0x01)); /* an arc with a leading zero */
	strict(false, BYTES(0x06, 0x02, 0x80, 0x01));
}

static void test_der_depth_is_bounded(void **state)
{
	uint8_t deep[64];

	(void)state;
	for (size_t i = 0; i < 32; i++) {
		deep[2 * i] = 0x30;
		deep[2 * i + 1] = (uint8_t)(62 - 2 * i);
	}
	strict(false, deep, sizeof(deep));
	strict(true, deep + 32, 32);
}

static void time_is(bool want, uint8_t tag, const char *text, int64_t s)
{
	struct xp_der d = {.tag = tag, .body = {(const uint8_t *)text, strlen(text)}};
	int64_t got = 0;

	assert_int_equal(xp_der_time(&got, &d), want);
	if (want)
		assert_int_equal(got, s);
}

static void test_der_times_have_one_form(void **state)
{
	(void)state;
	time_is(true, XP_DER_UTC_TIME, "700101000000Z", 0);
	time_is(true, XP_DER_UTC_TIME, "491231235959Z", 2524607999);
	time_is(true, XP_DER_GENERALIZED_TIME, "20500101000000Z", 2524608000);
	time_is(false, XP_DER_GENERALIZED_TIME, "20491231235959Z", 0);
	time_is(false, XP_DER_UTC_TIME, "7001010000Z", 0);
	time_is(false, XP_DER_UTC_TIME, "700101000000+0000", 0);
	time_is(false, XP_DER_UTC_TIME, "70010100000xZ", 0);
	time_is(false, XP_DER_UTC_TIME, "700101000000z", 0);
	time_is(false, XP_DER_UTC_TIME, "701301000000Z", 0);
	time_is(false, XP_DER_UTC_TIME, "700230000000Z", 0);
	time_is(false, XP_DER_GENERALIZED_TIME, "20500101000000.5Z", 0);
	time_is(false, XP_DER_OCTET_STRING, "700101000000Z", 0);
}

static void test_der_writer_and_reader_agree(void **state)
{
	static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536, 70000};
	uint8_t *data = calloc(1, 70000);

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct xp_buf b = {0};
		struct xp_span s;
		struct xp_der d;

		xp_der_put(&b, XP_DER_OCTET_STRING, data, sizes[i]);
		s = xp_span_of(b.data, b.len);
		assert_true(xp_der_expect(&d, &s, XP_DER_OCTET_STRING));
		assert_int_equal(d.body.len, sizes[i]);
		assert_true(xp_der_is_done(&s));
		assert_true(xp_der_is_strict(b.data, b.len));
		xp_buf_free(&b);
	}
	free(data);
}

struct signed_file {
	struct lab lab;
	struct lab_person alice;
	uint8_t *p7s;
	size_t len;
};

static void sign(struct signed_file *f)
{
	struct xp_signing_key *k;

	lab_open(&f->lab);
	lab_person_new(&f->alice, &f->lab, XP_ROLE_PERFORMER, "Alice", "p-1");
	k = lab_signing_key(&f->alice, f->lab.crl);
	f->p7s = NULL;
	assert_int_equal(xp_sign(&f->p7s, &f->len, k, "{}", 2, LAB_NOW_S, NULL), XP_OK);
	xp_signing_key_free(&k);
}

static void forget(struct signed_file *f)
{
	free(f->p7s);
	lab_person_free(&f->alice);
	lab_close(&f->lab);
}

static void test_cms_cut_anywhere_is_refused_with_a_code(void **state)
{
	struct signed_file f;

	(void)state;
	sign(&f);
	for (size_t n = 0; n < f.len; n++) {
		struct xp_findings found = {0};
		struct xp_cms cms;
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, f.p7s, n);
		assert_false(xp_cms_parse(&cms, copy, n, &found));
		assert_true(found.n > 0);
		assert_string_equal(found.list[0].code, "E_CMS_DER");
		xp_findings_free(&found);
		free(copy);
	}
	forget(&f);
}

static void test_cms_too_large_is_refused(void **state)
{
	uint8_t *big = calloc(1, XP_CMS_MAX_BYTES + 1);
	struct xp_findings found = {0};
	struct xp_cms cms;

	(void)state;
	assert_non_null(big);
	assert_false(xp_cms_parse(&cms, big, XP_CMS_MAX_BYTES + 1, &found));
	assert_string_equal(found.list[0].code, "E_CMS_SIZE");
	xp_findings_free(&found);
	free(big);
}

/* Each byte set to other values: whatever the reader says, it stays inside of the bytes. */
static void test_cms_bytes_changed_stay_inside(void **state)
{
	static const uint8_t values[] = {0x00, 0x01, 0x30, 0x7f, 0x80, 0x83, 0xa0, 0xff};
	struct signed_file f;

	(void)state;
	sign(&f);
	for (size_t i = 0; i < f.len; i++) {
		uint8_t old = f.p7s[i];

		for (size_t v = 0; v < sizeof(values); v++) {
			struct xp_findings found = {0};
			struct xp_cms cms;

			f.p7s[i] = values[v];
			if (!xp_cms_parse(&cms, f.p7s, f.len, &found))
				assert_true(found.n > 0);
			else
				assert_int_equal(found.n, 0);
			assert_true(cms.certs_n <= XP_CMS_CERTS_MAX);
			assert_true(cms.signers_n <= XP_CMS_SIGNERS_MAX);
			xp_findings_free(&found);
		}
		f.p7s[i] = old;
	}
	forget(&f);
}

static void test_signed_object_outer_algorithm_must_be_the_inner(void **state)
{
	struct signed_file f;
	struct xp_findings found = {0};
	struct xp_cms cms;
	uint8_t *cert;
	size_t len;
	size_t at = 0;

	(void)state;
	sign(&f);
	assert_true(xp_cms_parse(&cms, f.p7s, f.len, &found));
	assert_true(xp_signed_object_is_exact(cms.certs[0]));
	assert_true(xp_signed_object_is_exact(cms.crls[0]));
	len = cms.certs[0].len;
	cert = malloc(len);
	assert_non_null(cert);
	memcpy(cert, cms.certs[0].data, len);
	/* the last ecdsa-with-SHA256 is the outer one */
	for (size_t i = 0; i + 8 < len; i++)
		if (memcmp(cert + i, "\x2a\x86\x48\xce\x3d\x04\x03\x02", 8) == 0)
			at = i;
	assert_true(at > 0);
	cert[at + 7] = 3;
	assert_false(xp_signed_object_is_exact((struct xp_bytes){cert, len}));
	cert[at + 7] = 2;
	assert_true(xp_signed_object_is_exact((struct xp_bytes){cert, len}));
	assert_false(xp_signed_object_is_exact((struct xp_bytes){cert, len - 1}));
	free(cert);
	forget(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_der_lengths_are_the_shortest),
		cmocka_unit_test(test_der_tags_and_values),
		cmocka_unit_test(test_der_depth_is_bounded),
		cmocka_unit_test(test_der_times_have_one_form),
		cmocka_unit_test(test_der_writer_and_reader_agree),
		cmocka_unit_test(test_cms_cut_anywhere_is_refused_with_a_code),
		cmocka_unit_test(test_cms_too_large_is_refused),
		cmocka_unit_test(test_cms_bytes_changed_stay_inside),
		cmocka_unit_test(test_signed_object_outer_algorithm_must_be_the_inner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
