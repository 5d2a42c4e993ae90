/* Certificate requests: what is asked for, and requests that lie, are cut short or are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/pki_folder.h"
#include "certs/pki_request.h"

static const struct xp_pki_subject subject = {
	.name = "Zo\xc3\xab", .name_latin = "Zoe", .organization = "O", .person_id = "P-1"};
static struct xp_request got;

static char *make(size_t *len, enum xp_role role, EVP_PKEY **key)
{
	struct xp_key_hand hand;
	char *pem = NULL;

	assert_int_equal(xp_pki_key_new(key, NULL), XP_OK);
	hand = (struct xp_key_hand){.key = *key, .public_key = *key};
	assert_int_equal(xp_request_make(&pem, len, &hand, role, &subject, NULL), XP_OK);
	return pem;
}

static X509_REQ *parse(const char *pem)
{
	BIO *b = BIO_new_mem_buf(pem, -1);
	X509_REQ *req = PEM_read_bio_X509_REQ(b, NULL, NULL, NULL);

	BIO_free_all(b);
	return req;
}

static void test_request_read_back_says_what_was_asked(void **state)
{
	EVP_PKEY *key = NULL;
	size_t len = 0;
	AUTO_MEM char *pem = make(&len, XP_ROLE_SITE, &key);

	(void)state;
	assert_int_equal(xp_request_read(&got, pem, len, "r", NULL), XP_OK);
	assert_string_equal(got.name, "Zo\xc3\xab");
	assert_string_equal(got.name_latin, "Zoe");
	assert_string_equal(got.organization, "O");
	assert_int_equal(EVP_PKEY_eq(got.key, key), 1);
	xp_request_free(&got);
	assert_null(got.key);
	EVP_PKEY_free(key);
}

static void test_request_asks_for_each_role_by_its_policy(void **state)
{
	(void)state;
	for (unsigned r = 0; r < XP_ROLE_COUNT; r++) {
		EVP_PKEY *key = NULL;
		size_t len = 0;
		AUTO_MEM char *pem = make(&len, (enum xp_role)r, &key);
		X509_REQ *req = parse(pem);
		STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(req);
		CERTIFICATEPOLICIES *list =
			X509V3_get_d2i(exts, NID_certificate_policies, NULL, NULL);
		char oid[128];

		assert_int_equal(sk_X509_EXTENSION_num(exts), 4);
		assert_int_equal(sk_POLICYINFO_num(list), 1);
		OBJ_obj2txt(oid, sizeof(oid), sk_POLICYINFO_value(list, 0)->policyid, 1);
		assert_string_equal(oid, xp_role_oid((enum xp_role)r));
		CERTIFICATEPOLICIES_free(list);
		sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
		X509_REQ_free(req);
		EVP_PKEY_free(key);
	}
}

static void test_request_signed_by_another_key_is_not_made(void **state)
{
	EVP_PKEY *mine = NULL;
	EVP_PKEY *other = NULL;
	struct xp_key_hand hand;
	char *pem = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(xp_pki_key_new(&mine, NULL), XP_OK);
	assert_int_equal(xp_pki_key_new(&other, NULL), XP_OK);
	hand = (struct xp_key_hand){.key = mine, .public_key = other};
	assert_int_equal(xp_request_make(&pem, &len, &hand, XP_ROLE_SITE, &subject, NULL),
			 XP_E_USAGE);
	assert_null(pem);
	EVP_PKEY_free(mine);
	EVP_PKEY_free(other);
}

static void test_request_name_too_long_is_refused(void **state)
{
	char name[100];
	const struct xp_pki_subject long_name = {.name = name};
	EVP_PKEY *key = NULL;
	struct xp_key_hand hand;
	char *pem = NULL;
	size_t len = 0;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_int_equal(xp_pki_key_new(&key, NULL), XP_OK);
	hand = (struct xp_key_hand){.key = key, .public_key = key};
	assert_int_equal(xp_request_make(&pem, &len, &hand, XP_ROLE_SITE, &long_name, NULL),
			 XP_E_USAGE);
	EVP_PKEY_free(key);
}

/* DER back into PEM */
static char *to_pem(const unsigned char *der, size_t der_len)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *data = NULL;
	char *out;
	long n;

	PEM_write_bio(b, PEM_STRING_X509_REQ, "", der, (long)der_len);
	n = BIO_get_mem_data(b, &data);
	out = calloc(1, (size_t)n + 1);
	assert_non_null(out);
	memcpy(out, data, (size_t)n);
	BIO_free_all(b);
	return out;
}

static void test_request_changed_or_cut_anywhere_is_refused(void **state)
{
	EVP_PKEY *key = NULL;
	size_t len = 0;
	AUTO_MEM char *pem = make(&len, XP_ROLE_PERFORMER, &key);
	X509_REQ *req = parse(pem);
	unsigned char *der = NULL;
	int der_len = i2d_X509_REQ(req, &der);

	(void)state;
	assert_true(der_len > 300);
	for (size_t i = 0; i < (size_t)der_len; i++) {
		AUTO_MEM char *bad = NULL;
		AUTO_MEM char *cut = to_pem(der, i);

		der[i] ^= 1;
		bad = to_pem(der, (size_t)der_len);
		der[i] ^= 1;
		if (xp_request_read(&got, bad, strlen(bad), "r", NULL) == XP_OK) {
			/* a bit of the algorithm's name that the library does not look at */
			assert_int_equal(EVP_PKEY_eq(got.key, key), 1);
			assert_string_equal(got.name, subject.name);
			xp_request_free(&got);
		}
		assert_int_equal(xp_request_read(&got, cut, strlen(cut), "r", NULL), XP_E_USAGE);
	}
	OPENSSL_free(der);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

static void test_request_that_is_none_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"hello",
		"-----BEGIN CERTIFICATE REQUEST-----\n",
		"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
	};
	AUTO_MEM char *large = calloc(1, XP_KEY_FILE_MAX_BYTES + 2);

	(void)state;
	for (unsigned i = 0; i < XP_ARRAY_LEN(wrong); i++)
		assert_int_equal(xp_request_read(&got, wrong[i], strlen(wrong[i]), "r", NULL),
				 XP_E_USAGE);
	assert_non_null(large);
	assert_int_equal(xp_request_read(&got, large, XP_KEY_FILE_MAX_BYTES + 1, "r", NULL),
			 XP_E_USAGE);
}

static void test_request_on_another_curve_is_refused(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-384");
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	AUTO_MEM char *pem = NULL;
	struct xp_err err;
	int n;

	(void)state;
	assert_true(key && req && X509_REQ_set_pubkey(req, key) == 1 &&
		    X509_REQ_sign(req, key, EVP_sha256()) > 0);
	n = i2d_X509_REQ(req, &der);
	pem = to_pem(der, (size_t)n);
	assert_int_equal(xp_request_read(&got, pem, strlen(pem), "r", &err), XP_E_USAGE);
	assert_non_null(strstr(err.msg, "P-256"));
	OPENSSL_free(der);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

/* ---- what a CA is told of it by who read it ---- */

static void test_point_of_a_key_makes_the_same_key(void **state)
{
	uint8_t point[XP_KEY_POINT_LEN];
	EVP_PKEY *key = NULL, *same;

	(void)state;
	assert_int_equal(xp_pki_key_new(&key, NULL), XP_OK);
	assert_true(xp_key_point(point, key));
	same = xp_key_of_point(point, sizeof(point));
	assert_non_null(same);
	assert_int_equal(EVP_PKEY_eq(same, key), 1);
	assert_true(xp_key_is_p256(same));
	EVP_PKEY_free(same);
	/* beside the curve, cut, of another form, and no point at all */
	point[40] ^= 1;
	assert_null(xp_key_of_point(point, sizeof(point)));
	point[40] ^= 1;
	assert_null(xp_key_of_point(point, sizeof(point) - 1));
	point[0] = 2;
	assert_null(xp_key_of_point(point, sizeof(point)));
	memset(point, 0, sizeof(point));
	assert_null(xp_key_of_point(point, sizeof(point)));
	EVP_PKEY_free(key);
}

static int remove_one(const char *path, const struct stat *st, int what, struct FTW *at)
{
	(void)st;
	(void)what;
	(void)at;
	return remove(path);
}

/* The number of the one certificate that a CA has issued. */
static void find_issued(const char *ca, char serial[XP_PKI_SERIAL_LEN])
{
	char pattern[160];
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/issued/*.pem", ca);
	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	assert_int_equal(g.gl_pathc, 1);
	snprintf(serial, XP_PKI_SERIAL_LEN, "%.*s", (int)strlen(strrchr(g.gl_pathv[0], '/')) - 5,
		 strrchr(g.gl_pathv[0], '/') + 1);
	globfree(&g);
}

static void test_ca_finds_what_it_issued_by_number_only(void **state)
{
	char dir[] = "/tmp/expunge-issued-XXXXXX";
	char path[128], other[128], serial[XP_PKI_SERIAL_LEN];
	struct xp_ca_request req = {.role = XP_ROLE_SITE, .days = 3, .now_s = 1790000000};
	struct xp_pki_revocation rev = {.serial = serial, .at_s = req.now_s};
	struct xp_ca_issued issued;
	X509 *cert = NULL;
	struct xp_ca *ca = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/ca", dir);
	assert_int_equal(xp_ca_create(&ca, path, "O", "R", NULL, req.now_s, NULL), XP_OK);
	assert_true(xp_pki_serial(serial, xp_ca_root(ca)));
	assert_int_equal(xp_ca_find(&cert, ca, serial, NULL), XP_E_NOENT);
	req.subject = subject;
	assert_int_equal(xp_ca_issue(&issued, ca, &req, NULL), XP_OK);
	assert_int_equal(xp_ca_find(&cert, ca, serial, NULL), XP_E_NOENT);
	find_issued(path, serial);
	assert_int_equal(xp_ca_find(&cert, ca, serial, NULL), XP_OK);
	X509_free(cert);
	/* the copy under another number */
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "/issued/%s.pem", serial);
	serial[0] = serial[0] == '1' ? '2' : '1';
	snprintf(other, sizeof(other), "%s/ca/issued/%s.pem", dir, serial);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(xp_ca_find(&cert, ca, serial, NULL), XP_E_MALFORMED);
	assert_int_equal(xp_ca_write_list(ca, &rev, req.now_s, NULL), XP_OK);
	assert_int_equal(xp_ca_write_list(ca, &rev, req.now_s, NULL), XP_E_USAGE);
	serial[0] = 'x';
	assert_int_not_equal(xp_ca_write_list(ca, &rev, req.now_s, NULL), XP_OK);
	xp_ca_free(&ca);
	assert_int_equal(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_read_back_says_what_was_asked),
		cmocka_unit_test(test_request_asks_for_each_role_by_its_policy),
		cmocka_unit_test(test_request_signed_by_another_key_is_not_made),
		cmocka_unit_test(test_request_name_too_long_is_refused),
		cmocka_unit_test(test_request_changed_or_cut_anywhere_is_refused),
		cmocka_unit_test(test_request_that_is_none_is_refused),
		cmocka_unit_test(test_request_on_another_curve_is_refused),
		cmocka_unit_test(test_point_of_a_key_makes_the_same_key),
		cmocka_unit_test(test_ca_finds_what_it_issued_by_number_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
