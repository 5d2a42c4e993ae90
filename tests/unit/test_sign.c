#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/about.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "certs/cms.h"
#include "certs/oids.h"
#include "tests/fake/pki_lab.h"

static struct lab lab;
static struct lab_person alice;
static char dir[64];
static int dir_fd;

static const char content[] = "{\"id\":\"x\"}";
#define CONTENT_LEN (sizeof(content) - 1)

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_sign.XXXXXX");
	assert_non_null(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir_fd >= 0);
	lab_open(&lab);
	lab_person_new(&alice, &lab, XP_ROLE_PERFORMER, "Alice Ångström", "p-1");
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"k", "c", "host.key", "host.crt"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(dir_fd, names[i], 0);
	close(dir_fd);
	assert_int_equal(rmdir(dir), 0);
	lab_person_free(&alice);
	lab_close(&lab);
	return 0;
}

static const char *path(const char *name)
{
	static char buf[2][128];
	static unsigned i;

	i ^= 1;
	snprintf(buf[i], sizeof(buf[i]), "%s/%s", dir, name);
	return buf[i];
}

static void put(const char *name, const void *data, size_t len)
{
	assert_int_equal(xp_file_write_at(dir_fd, name, data, len, 0600, true, NULL), XP_OK);
}

static struct xp_secret secret(const char *text)
{
	struct xp_secret s = {0};

	assert_int_equal(xp_secret_new(&s, strlen(text), NULL), XP_OK);
	memcpy(s.data, text, strlen(text));
	return s;
}

static void put_key(EVP_PKEY *key, const char *passphrase)
{
	struct xp_secret pass = {0};
	struct xp_secret pem = {0};

	if (passphrase)
		pass = secret(passphrase);
	assert_int_equal(xp_pki_key_to_pem(&pem, key, passphrase ? &pass : NULL, NULL), XP_OK);
	put("k", pem.data, pem.len);
	xp_secret_free(&pem);
	xp_secret_free(&pass);
}

static void put_cert(X509 *cert)
{
	char *pem = lab_cert_pem(cert);

	put("c", pem, strlen(pem));
	free(pem);
}

/* Loading must fail as a usage error whose text holds WORD. */
static void refused(const char *passphrase, const char *word)
{
	struct xp_signing_key *k = NULL;
	struct xp_secret pass = {0};
	struct xp_err err = {0};

	if (passphrase)
		pass = secret(passphrase);
	assert_int_equal(
		xp_signing_key_load(&k, path("k"), path("c"), passphrase ? &pass : NULL, &err),
		XP_E_USAGE);
	assert_null(k);
	if (!strstr(err.msg, word))
		fail_msg("'%s' is not in '%s'", word, err.msg);
	xp_secret_free(&pass);
	assert_int_equal(ERR_peek_error(), 0);
}

static struct xp_signing_key *load(const char *passphrase)
{
	struct xp_signing_key *k = NULL;
	struct xp_secret pass = {0};
	struct xp_err err = {0};

	if (passphrase)
		pass = secret(passphrase);
	if (xp_signing_key_load(&k, path("k"), path("c"), passphrase ? &pass : NULL, &err))
		fail_msg("%s", err.msg);
	xp_secret_free(&pass);
	return k;
}

/* What a stock program checks: chain, purpose, digest, signature, ESS. */
static int stock_verify(const uint8_t *p7s, size_t len)
{
	const unsigned char *at = p7s;
	CMS_ContentInfo *ci = d2i_CMS_ContentInfo(NULL, &at, (long)len);
	BIO *data = BIO_new_mem_buf(content, CONTENT_LEN);
	X509_STORE *store = X509_STORE_new();
	int ok;

	assert_non_null(ci);
	assert_non_null(data);
	assert_non_null(store);
	assert_int_equal(X509_STORE_add_cert(store, lab.root), 1);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), LAB_NOW_S);
	ok = CMS_verify(ci, NULL, store, data, NULL, CMS_BINARY | CMS_CADES);
	CMS_ContentInfo_free(ci);
	BIO_free(data);
	X509_STORE_free(store);
	ERR_clear_error();
	return ok;
}

static void test_sign_with_performer_is_accepted_by_stock_and_own_reader(void **state)
{
	struct xp_findings f = {0};
	struct xp_signing_key *k;
	struct xp_cms cms;
	uint8_t *p7s = NULL;
	size_t len = 0;
	uint8_t fp[32];

	(void)state;
	put_key(alice.key, NULL);
	put_cert(alice.cert);
	k = load(NULL);
	assert_int_equal(xp_sign(&p7s, &len, k, content, CONTENT_LEN, LAB_NOW_S, NULL), XP_OK);
	assert_int_equal(stock_verify(p7s, len), 1);
	assert_true(xp_cms_parse(&cms, p7s, len, &f));
	assert_int_equal(cms.certs_n, 1);
	assert_int_equal(cms.crls_n, 0);
	assert_int_equal(cms.signers_n, 1);
	assert_int_equal(cms.signers[0].signing_time_s, LAB_NOW_S);
	assert_int_equal(cms.signers[0].commitment, XP_PROOF_OF_CREATION);
	assert_int_equal(xp_pki_fingerprint(fp, alice.cert, NULL), XP_OK);
	assert_memory_equal(cms.signers[0].cert_sha256, fp, 32);
	free(p7s);
	xp_signing_key_free(&k);
}

static void test_sign_as_validator_approves(void **state)
{
	struct lab_person bob;
	struct xp_signing_key *k;
	struct xp_findings f = {0};
	struct xp_cms cms;
	uint8_t *p7s = NULL;
	size_t len = 0;

	(void)state;
	lab_person_new(&bob, &lab, XP_ROLE_VALIDATOR, "Bob", "p-2");
	k = lab_signing_key(&bob, lab.crl);
	assert_int_equal(xp_sign(&p7s, &len, k, content, CONTENT_LEN, LAB_NOW_S, NULL), XP_OK);
	assert_int_equal(stock_verify(p7s, len), 1);
	assert_true(xp_cms_parse(&cms, p7s, len, &f));
	assert_int_equal(cms.signers[0].commitment, XP_PROOF_OF_APPROVAL);
	assert_int_equal(cms.crls_n, 1);
	free(p7s);
	xp_signing_key_free(&k);
	lab_person_free(&bob);
}

static void test_sign_after_2049_writes_generalized_time(void **state)
{
	const int64_t t2051 = 2556144000LL;
	struct xp_signing_key *k = lab_signing_key(&alice, NULL);
	struct xp_findings f = {0};
	struct xp_cms cms;
	uint8_t *p7s = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(xp_sign(&p7s, &len, k, content, CONTENT_LEN, t2051, NULL), XP_OK);
	assert_true(xp_cms_parse(&cms, p7s, len, &f));
	assert_int_equal(cms.signers[0].signing_time_s, t2051);
	free(p7s);
	p7s = NULL;
	assert_int_equal(xp_sign(&p7s, &len, k, content, CONTENT_LEN, -800000000LL, NULL),
			 XP_E_INTERNAL);
	assert_null(p7s);
	xp_signing_key_free(&k);
}

static void test_key_encrypted_needs_its_passphrase(void **state)
{
	struct xp_signing_key *k;

	(void)state;
	put_key(alice.key, "correct horse");
	put_cert(alice.cert);
	k = load("correct horse");
	xp_signing_key_free(&k);
	refused("wrong horse", "passphrase");
	refused(NULL, "needs its passphrase");
}

static void test_key_file_holds_600k_rounds_and_pkcs8(void **state)
{
	char *pem = NULL;
	size_t len = 0;
	BIO *b;
	X509_SIG *sig;
	const X509_ALGOR *alg = NULL;
	PBE2PARAM *pbe2;
	PBKDF2PARAM *kdf;

	(void)state;
	put_key(alice.key, "x");
	assert_int_equal(xp_file_read(&pem, &len, path("k"), 1 << 16, NULL), XP_OK);
	b = BIO_new_mem_buf(pem, (int)len);
	sig = PEM_read_bio_PKCS8(b, NULL, NULL, NULL);
	assert_non_null(sig);
	X509_SIG_get0(sig, &alg, NULL);
	pbe2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), alg->parameter);
	assert_non_null(pbe2);
	assert_int_equal(OBJ_obj2nid(pbe2->encryption->algorithm), NID_aes_256_cbc);
	kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), pbe2->keyfunc->parameter);
	assert_non_null(kdf);
	assert_int_equal(ASN1_INTEGER_get(kdf->iter), 600000);
	PBKDF2PARAM_free(kdf);
	PBE2PARAM_free(pbe2);
	X509_SIG_free(sig);
	BIO_free(b);
	free(pem);
}

/* Encrypts alice's key by OpenSSL with other settings. */
static void put_key_with(X509_ALGOR *pbe)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(alice.key);
	X509_SIG *sig;
	BIO *b = BIO_new(BIO_s_mem());
	char *data = NULL;
	long n;

	assert_non_null(pbe);
	sig = PKCS8_set0_pbe("x", 1, info, pbe);
	assert_non_null(sig);
	assert_int_equal(PEM_write_bio_PKCS8(b, sig), 1);
	n = BIO_get_mem_data(b, &data);
	put("k", data, (size_t)n);
	BIO_free(b);
	X509_SIG_free(sig);
	PKCS8_PRIV_KEY_INFO_free(info);
}

static void test_key_scrypt_within_limit_loads(void **state)
{
	struct xp_signing_key *k;

	(void)state;
	put_cert(alice.cert);
	put_key_with(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, 16384, 8, 1));
	k = load("x");
	xp_signing_key_free(&k);
}

static void test_key_by_outdated_encryption_is_refused(void **state)
{
	(void)state;
	put_cert(alice.cert);
	put_key_with(PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 2048, NULL, 0));
	refused("x", "outdated");
}

/* A key file whose settings say P, whatever stands behind them. */
static void put_key_claiming(PBE2PARAM *p)
{
	X509_SIG *sig = X509_SIG_new();
	ASN1_OCTET_STRING *octets = NULL;
	X509_ALGOR *alg = NULL;
	BIO *b = BIO_new(BIO_s_mem());
	char *data = NULL;
	long n;

	X509_SIG_getm(sig, &alg, &octets);
	X509_ALGOR_set0(alg, OBJ_nid2obj(NID_pbes2), V_ASN1_UNDEF, NULL);
	assert_non_null(ASN1_TYPE_pack_sequence(ASN1_ITEM_rptr(PBE2PARAM), p, &alg->parameter));
	assert_int_equal(
		ASN1_OCTET_STRING_set(octets, (const unsigned char *)"0123456789abcdef", 16), 1);
	assert_int_equal(PEM_write_bio_PKCS8(b, sig), 1);
	n = BIO_get_mem_data(b, &data);
	put("k", data, (size_t)n);
	X509_SIG_free(sig);
	BIO_free(b);
}

static void test_key_with_endless_rounds_is_refused(void **state)
{
	X509_ALGOR *pbe =
		PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), 1, NULL, 0, NULL, NID_hmacWithSHA256);
	PBE2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), pbe->parameter);
	PBKDF2PARAM *kdf =
		ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), p->keyfunc->parameter);

	(void)state;
	assert_int_equal(ASN1_INTEGER_set(kdf->iter, 2000000000), 1);
	assert_non_null(
		ASN1_TYPE_pack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), kdf, &p->keyfunc->parameter));
	put_key_claiming(p);
	put_cert(alice.cert);
	refused("x", "rounds");
	PBKDF2PARAM_free(kdf);
	PBE2PARAM_free(p);
	X509_ALGOR_free(pbe);
}

static void test_key_scrypt_beyond_limit_is_explained(void **state)
{
	X509_ALGOR *pbe = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, 16384, 8, 1);
	PBE2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), pbe->parameter);
	SCRYPT_PARAMS *kdf =
		ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), p->keyfunc->parameter);

	(void)state;
	assert_int_equal(ASN1_INTEGER_set(kdf->costParameter, 65536), 1);
	assert_non_null(ASN1_TYPE_pack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), kdf,
						&p->keyfunc->parameter));
	put_key_claiming(p);
	put_cert(alice.cert);
	refused("x", "scrypt");
	SCRYPT_PARAMS_free(kdf);
	PBE2PARAM_free(p);
	X509_ALGOR_free(pbe);
}

static void test_key_in_other_form_is_refused(void **state)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *data = NULL;
	long n;

	(void)state;
	assert_int_equal(
		PEM_write_bio_PrivateKey_traditional(b, alice.key, NULL, NULL, 0, NULL, NULL), 1);
	n = BIO_get_mem_data(b, &data);
	put("k", data, (size_t)n);
	put_cert(alice.cert);
	refused(NULL, "PKCS#8");
	BIO_free(b);
	put("k", "", 0);
	refused(NULL, "PKCS#8");
	put("k", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 57);
	refused(NULL, dir);
}

static void test_key_of_other_kind_is_refused(void **state)
{
	EVP_PKEY *p384 = EVP_EC_gen("P-384");
	EVP_PKEY *rsa = EVP_RSA_gen(2048);

	(void)state;
	put_cert(alice.cert);
	put_key(p384, NULL);
	refused(NULL, "P-256");
	put_key(rsa, NULL);
	refused(NULL, "P-256");
	EVP_PKEY_free(p384);
	EVP_PKEY_free(rsa);
}

static void test_key_of_other_person_is_refused(void **state)
{
	struct lab_person bob;

	(void)state;
	lab_person_new(&bob, &lab, XP_ROLE_PERFORMER, "Bob", "p-2");
	put_key(bob.key, NULL);
	put_cert(alice.cert);
	refused(NULL, "does not belong");
	lab_person_free(&bob);
}

static void test_cert_not_fit_is_refused(void **state)
{
	(void)state;
	put_key(lab.root_key, NULL);
	put_cert(lab.root);
	refused(NULL, "CA");
	put("c", "no certificate\n", 15);
	refused(NULL, "no certificate in the file");
}

static void test_key_missing_files_are_no_entry(void **state)
{
	struct xp_signing_key *k = NULL;

	(void)state;
	unlinkat(dir_fd, "k", 0);
	put_cert(alice.cert);
	assert_int_equal(xp_signing_key_load(&k, path("k"), path("c"), NULL, NULL), XP_E_NOENT);
	put_key(alice.key, NULL);
	unlinkat(dir_fd, "c", 0);
	assert_int_equal(xp_signing_key_load(&k, path("k"), path("c"), NULL, NULL), XP_E_NOENT);
}

static void test_describe_names_role_and_person(void **state)
{
	struct xp_signing_key *k = lab_signing_key(&alice, NULL);
	struct xp_signer s;
	struct xp_person p;
	int64_t from, to;

	(void)state;
	xp_signing_key_describe(&s, &p, k);
	assert_string_equal(s.role, "performer");
	assert_string_equal(s.alg, "ecdsa-p256-sha256");
	assert_string_equal(p.name, "Alice Ångström");
	assert_string_equal(p.organization, "Lab");
	assert_string_equal(p.role, "performer");
	xp_signing_key_validity(&from, &to, k);
	assert_int_equal(from, LAB_NOW_S - 30 * LAB_DAY_S);
	assert_int_equal(to, LAB_NOW_S + 700 * LAB_DAY_S);
	xp_signing_key_free(&k);
}

static void test_host_key_is_made_once_and_kept(void **state)
{
	struct xp_signing_key *k = NULL;
	struct xp_signer first, again;
	struct xp_person p;
	struct stat st;
	bool created = false;

	(void)state;
	assert_int_equal(xp_signing_key_host(&k, &created, dir_fd, "rack-7", lab_clock(), NULL),
			 XP_OK);
	assert_true(created);
	xp_signing_key_describe(&first, &p, k);
	assert_string_equal(first.role, "host");
	assert_string_equal(p.name, "rack-7");
	xp_signing_key_free(&k);
	assert_int_equal(fstatat(dir_fd, "host.key", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(xp_signing_key_host(&k, &created, dir_fd, "other", lab_clock(), NULL),
			 XP_OK);
	assert_false(created);
	xp_signing_key_describe(&again, &p, k);
	assert_memory_equal(first.cert_sha256, again.cert_sha256, 32);
	xp_signing_key_free(&k);
}

static void test_host_key_broken_files_are_errors_not_new_keys(void **state)
{
	struct xp_signing_key *k = NULL;
	bool created = true;

	(void)state;
	put("host.crt", "x", 1);
	assert_int_equal(xp_signing_key_host(&k, &created, dir_fd, "h", lab_clock(), NULL),
			 XP_E_USAGE);
	assert_false(created);
	assert_null(k);
	/* the certificate is lost, the key is there: the key is kept */
	unlinkat(dir_fd, "host.crt", 0);
	assert_int_equal(xp_signing_key_host(&k, &created, dir_fd, "h", lab_clock(), NULL), XP_OK);
	assert_true(created);
	xp_signing_key_free(&k);
}

static int64_t said_s(void *ctx)
{
	return *(const int64_t *)ctx;
}

static void test_host_key_made_by_a_wrong_clock_holds_when_it_is_set(void **state)
{
	static const int64_t wrong[] = {981173106 /* 2001 */, 2208988800 /* 2040 */};
	const int64_t build = XP_ABOUT_BUILD_DAY_S;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(wrong); i++) {
		int64_t now = wrong[i];
		const struct xp_clock clock = {.ctx = &now, .wall_s = said_s};
		struct xp_signing_key *k = NULL;
		bool created = false;
		int64_t from, to;

		unlinkat(dir_fd, "host.key", 0);
		unlinkat(dir_fd, "host.crt", 0);
		assert_int_equal(xp_signing_key_host(&k, &created, dir_fd, "h", &clock, NULL),
				 XP_OK);
		xp_signing_key_validity(&from, &to, k);
		assert_true(from <= now && from <= build);
		assert_true(to > now + 9 * 365 * LAB_DAY_S && to > build + 9 * 365 * LAB_DAY_S);
		xp_signing_key_free(&k);
	}
}

static void test_crl_grows_and_refuses_twice(void **state)
{
	X509_CRL *next = NULL;
	X509_CRL *third = NULL;
	X509_REVOKED *r = NULL;
	struct xp_pki_revocation add = {.cert = alice.cert,
					.at_s = LAB_NOW_S,
					.is_key_compromise = true,
					.invalid_from_s = LAB_NOW_S - 5};
	ASN1_INTEGER *number;

	(void)state;
	assert_int_equal(xp_pki_crl_new(&next, lab.crl, &add, lab.root, lab.root_key, LAB_NOW_S,
					LAB_NOW_S + 9, NULL),
			 XP_OK);
	assert_int_equal(X509_CRL_get0_by_cert(next, &r, alice.cert), 1);
	assert_int_equal(X509_CRL_verify(next, X509_get0_pubkey(lab.root)), 1);
	number = X509_CRL_get_ext_d2i(next, NID_crl_number, NULL, NULL);
	assert_int_equal(ASN1_INTEGER_get(number), 2);
	ASN1_INTEGER_free(number);
	assert_int_equal(xp_pki_crl_new(&third, next, &add, lab.root, lab.root_key, LAB_NOW_S,
					LAB_NOW_S + 9, NULL),
			 XP_E_USAGE);
	assert_null(third);
	assert_int_equal(xp_pki_crl_new(&third, next, NULL, lab.root, lab.root_key, LAB_NOW_S,
					LAB_NOW_S + 9, NULL),
			 XP_OK);
	assert_int_equal(X509_CRL_get0_by_cert(third, &r, alice.cert), 1);
	X509_CRL_free(next);
	X509_CRL_free(third);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign_with_performer_is_accepted_by_stock_and_own_reader),
		cmocka_unit_test(test_sign_as_validator_approves),
		cmocka_unit_test(test_sign_after_2049_writes_generalized_time),
		cmocka_unit_test(test_key_encrypted_needs_its_passphrase),
		cmocka_unit_test(test_key_file_holds_600k_rounds_and_pkcs8),
		cmocka_unit_test(test_key_scrypt_within_limit_loads),
		cmocka_unit_test(test_key_scrypt_beyond_limit_is_explained),
		cmocka_unit_test(test_key_by_outdated_encryption_is_refused),
		cmocka_unit_test(test_key_with_endless_rounds_is_refused),
		cmocka_unit_test(test_key_in_other_form_is_refused),
		cmocka_unit_test(test_key_of_other_kind_is_refused),
		cmocka_unit_test(test_key_of_other_person_is_refused),
		cmocka_unit_test(test_cert_not_fit_is_refused),
		cmocka_unit_test(test_key_missing_files_are_no_entry),
		cmocka_unit_test(test_describe_names_role_and_person),
		cmocka_unit_test(test_host_key_is_made_once_and_kept),
		cmocka_unit_test(test_host_key_broken_files_are_errors_not_new_keys),
		cmocka_unit_test(test_host_key_made_by_a_wrong_clock_holds_when_it_is_set),
		cmocka_unit_test(test_crl_grows_and_refuses_twice),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
