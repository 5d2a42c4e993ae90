/* Whom a record may be believed from: anchors, lists, roles, and what is demanded. */
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

#include "certs/check_roles.h"
#include "tests/fake/check_lab.h"

static struct check_lab lab;
static int64_t now_s;

static int64_t wall(void *ctx)
{
	(void)ctx;
	return now_s;
}

static const struct xp_clock test_clock = {.wall_s = wall};

static int setup(void **state)
{
	(void)state;
	now_s = LAB_NOW_S;
	check_lab_open(&lab, false);
	xp_check_free(&lab.check);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	check_lab_close(&lab);
	assert_int_equal(ERR_peek_error(), 0);
	return 0;
}

/* A fresh checker with the given anchor and list (NULL: none). */
static void trust(X509 *anchor, X509_CRL *crl)
{
	char *pem = anchor ? lab_cert_pem(anchor) : NULL;
	char *list = crl ? lab_crl_pem(crl) : NULL;

	xp_check_free(&lab.check);
	assert_int_equal(xp_check_new(&lab.check, &test_clock, NULL), XP_OK);
	if (pem)
		assert_int_equal(xp_trust_add_anchors(xp_check_trust(lab.check), pem, strlen(pem),
						      "a", NULL),
				 XP_OK);
	if (list)
		assert_int_equal(
			xp_trust_add_crls(xp_check_trust(lab.check), list, strlen(list), "c", NULL),
			XP_OK);
	free(pem);
	free(list);
}

static void also_crl(X509_CRL *crl)
{
	char *list = lab_crl_pem(crl);

	assert_int_equal(
		xp_trust_add_crls(xp_check_trust(lab.check), list, strlen(list), "c", NULL), XP_OK);
	free(list);
}

static void expect(int want, const char *code)
{
	char codes[1024];
	int got = check_lab_run(lab.check, lab.json, lab.json_len, lab.p7s, lab.p7s_len, codes,
				sizeof(codes));

	if (got != want || (code && !strstr(codes, code)))
		fail_msg("exit code %d, %s; wanted %d, %s", got, codes, want, code ? code : "");
}

static X509_CRL *make_crl(const X509 *revoked, int64_t at_s, int64_t days)
{
	const struct xp_pki_revocation rev = {.cert = revoked, .at_s = at_s};
	X509_CRL *crl = NULL;

	assert_int_equal(xp_pki_crl_new(&crl, NULL, &rev, lab.lab.root, lab.lab.root_key, at_s,
					at_s + days * LAB_DAY_S, NULL),
			 XP_OK);
	return crl;
}

static void test_trust_none_is_indeterminate(void **state)
{
	(void)state;
	trust(NULL, lab.lab.crl);
	expect(2, "I_UNTRUSTED");
	trust(lab.bob.cert, lab.lab.crl);
	expect(2, "I_UNTRUSTED");
}

static void test_trust_root_with_list_passes(void **state)
{
	(void)state;
	trust(lab.lab.root, lab.lab.crl);
	expect(0, NULL);
}

/* A root of the same name and other key vouches for nobody. */
static void test_trust_root_of_same_name_is_not_enough(void **state)
{
	struct lab other;

	(void)state;
	lab_open(&other);
	trust(other.root, other.crl);
	expect(2, "I_UNTRUSTED");
	lab_close(&other);
}

static void test_trust_signer_itself_passes_without_list(void **state)
{
	(void)state;
	trust(lab.alice.cert, NULL);
	expect(0, NULL);
}

static void test_trust_fingerprint_binds_anchor_and_embedded(void **state)
{
	struct xp_trust *t;
	uint8_t fp[32];
	char hex[65];
	char spaced[100] = "";

	(void)state;
	assert_int_equal(xp_pki_fingerprint(fp, lab.lab.root, NULL), XP_OK);
	xp_hex_encode(hex, fp, 32);
	for (unsigned i = 0; i < 64; i += 4)
		snprintf(spaced + strlen(spaced), sizeof(spaced) - strlen(spaced), "%.4s ",
			 hex + i);
	trust(lab.lab.root, lab.lab.crl);
	t = xp_check_trust(lab.check);
	assert_int_equal(xp_trust_add_fingerprint(t, spaced, NULL), XP_OK);
	assert_int_equal(xp_trust_check(t, NULL), XP_OK);
	expect(0, NULL);
	hex[5] = hex[5] == '0' ? '1' : '0';
	trust(lab.lab.root, lab.lab.crl);
	t = xp_check_trust(lab.check);
	assert_int_equal(xp_trust_add_fingerprint(t, hex, NULL), XP_OK);
	assert_int_equal(xp_trust_check(t, NULL), XP_E_USAGE);
	/* the signer's own, without any file */
	assert_int_equal(xp_pki_fingerprint(fp, lab.alice.cert, NULL), XP_OK);
	xp_hex_encode(hex, fp, 32);
	trust(NULL, NULL);
	assert_int_equal(xp_trust_add_fingerprint(xp_check_trust(lab.check), hex, NULL), XP_OK);
	expect(0, NULL);
	assert_int_equal(xp_trust_add_fingerprint(xp_check_trust(lab.check), "12ab", NULL),
			 XP_E_USAGE);
	hex[0] = 'g';
	assert_int_equal(xp_trust_add_fingerprint(xp_check_trust(lab.check), hex, NULL),
			 XP_E_USAGE);
	snprintf(spaced, sizeof(spaced), "%s00", hex);
	assert_int_equal(xp_trust_add_fingerprint(xp_check_trust(lab.check), spaced, NULL),
			 XP_E_USAGE);
}

static void test_crl_missing_is_indeterminate(void **state)
{
	(void)state;
	trust(lab.lab.root, NULL);
	expect(2, "I_REVOCATION_UNKNOWN");
}

static void test_crl_embedded_counts(void **state)
{
	(void)state;
	check_lab_sign(&lab, lab.lab.crl);
	trust(lab.lab.root, NULL);
	expect(0, NULL);
}

static void test_crl_out_of_date_is_stale(void **state)
{
	X509_CRL *old = make_crl(NULL, LAB_NOW_S - 40 * LAB_DAY_S, 30);

	(void)state;
	trust(lab.lab.root, old);
	expect(2, "I_REVOCATION_STALE");
	/* a stale embedded one does not hide a good one */
	check_lab_sign(&lab, old);
	trust(lab.lab.root, lab.lab.crl);
	expect(0, NULL);
	trust(lab.lab.root, NULL);
	expect(2, "I_REVOCATION_STALE");
	X509_CRL_free(old);
}

static void test_crl_from_the_future_is_not_used(void **state)
{
	X509_CRL *crl = make_crl(NULL, LAB_NOW_S + LAB_DAY_S, 30);

	(void)state;
	trust(lab.lab.root, crl);
	expect(2, "I_REVOCATION_UNKNOWN");
	X509_CRL_free(crl);
}

static void test_crl_that_lists_signer_fails(void **state)
{
	X509_CRL *crl = make_crl(lab.alice.cert, LAB_NOW_S - 5, 30);

	(void)state;
	trust(lab.lab.root, crl);
	expect(1, "E_REVOKED");
	/* an old embedded one does not hide it */
	check_lab_sign(&lab, lab.lab.crl);
	expect(1, "E_REVOKED");
	X509_CRL_free(crl);
}

static void test_crl_newer_without_entry_does_not_unrevoke(void **state)
{
	X509_CRL *lists = make_crl(lab.alice.cert, LAB_NOW_S - 50 * LAB_DAY_S, 30);

	(void)state;
	trust(lab.lab.root, lists);
	also_crl(lab.lab.crl);
	expect(1, "E_REVOKED");
	X509_CRL_free(lists);
}

static void test_crl_of_other_ca_is_no_help_and_no_harm(void **state)
{
	const struct xp_pki_revocation rev = {.cert = lab.alice.cert, .at_s = LAB_NOW_S - 5};
	struct lab other;
	X509_CRL *forged = NULL;

	(void)state;
	lab_open(&other);
	/* the name of the lab's root, the key of another */
	assert_int_equal(xp_pki_crl_new(&forged, NULL, &rev, other.root, other.root_key,
					LAB_NOW_S - 5, LAB_NOW_S + LAB_DAY_S, NULL),
			 XP_OK);
	trust(lab.lab.root, lab.lab.crl);
	also_crl(forged);
	expect(0, NULL);
	check_lab_sign(&lab, forged);
	trust(lab.lab.root, lab.lab.crl);
	expect(1, "E_CMS_CRLS");
	X509_CRL_free(forged);
	lab_close(&other);
}

static void test_crl_delta_is_refused(void **state)
{
	X509_CRL *crl = make_crl(NULL, LAB_NOW_S - 5, 30);
	ASN1_INTEGER *base = ASN1_INTEGER_new();

	(void)state;
	assert_int_equal(ASN1_INTEGER_set(base, 1), 1);
	assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0), 1);
	assert_true(X509_CRL_sign(crl, lab.lab.root_key, EVP_sha256()) > 0);
	trust(lab.lab.root, crl);
	expect(2, "I_REVOCATION_UNKNOWN");
	ASN1_INTEGER_free(base);
	X509_CRL_free(crl);
}

static void test_crl_partitioned_is_refused(void **state)
{
	X509_CRL *crl = make_crl(NULL, LAB_NOW_S - 5, 30);
	ISSUING_DIST_POINT *idp = ISSUING_DIST_POINT_new();

	(void)state;
	idp->onlyuser = 0xff;
	assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, idp, 1, 0), 1);
	assert_true(X509_CRL_sign(crl, lab.lab.root_key, EVP_sha256()) > 0);
	trust(lab.lab.root, crl);
	expect(2, "I_REVOCATION_UNKNOWN");
	ISSUING_DIST_POINT_free(idp);
	X509_CRL_free(crl);
}

/* A list that clears nobody still accuses: beside one that is clean and current. */
static void test_crl_that_cannot_be_relied_upon_still_accuses(void **state)
{
	X509_CRL *future = make_crl(lab.alice.cert, LAB_NOW_S + LAB_DAY_S, 30);
	X509_CRL *delta = make_crl(lab.alice.cert, LAB_NOW_S - 5, 30);
	ASN1_INTEGER *base = ASN1_INTEGER_new();
	struct lab other;
	X509_CRL *strange = NULL;
	const struct xp_pki_revocation rev = {.cert = lab.alice.cert, .at_s = LAB_NOW_S - 5};

	(void)state;
	assert_int_equal(ASN1_INTEGER_set(base, 1), 1);
	assert_int_equal(X509_CRL_add1_ext_i2d(delta, NID_delta_crl, base, 1, 0), 1);
	assert_true(X509_CRL_sign(delta, lab.lab.root_key, EVP_sha256()) > 0);
	ASN1_INTEGER_free(base);
	trust(lab.lab.root, lab.lab.crl);
	also_crl(delta);
	expect(1, "E_REVOKED");
	trust(lab.lab.root, future);
	also_crl(lab.lab.crl);
	expect(1, "E_REVOKED");
	/* a stranger accuses nobody */
	lab_open(&other);
	assert_int_equal(xp_pki_crl_new(&strange, NULL, &rev, other.root, other.root_key,
					LAB_NOW_S - 5, LAB_NOW_S + LAB_DAY_S, NULL),
			 XP_OK);
	trust(lab.lab.root, lab.lab.crl);
	also_crl(strange);
	expect(0, NULL);
	lab_close(&other);
	X509_CRL_free(strange);
	X509_CRL_free(future);
	X509_CRL_free(delta);
}

static void test_crl_files_that_are_none_are_usage_errors(void **state)
{
	struct xp_trust *t;

	(void)state;
	trust(NULL, NULL);
	t = xp_check_trust(lab.check);
	assert_int_equal(xp_trust_add_crls(t, "", 0, "x", NULL), XP_E_USAGE);
	assert_int_equal(xp_trust_add_crls(t, "hello", 5, "x", NULL), XP_E_USAGE);
	assert_int_equal(xp_trust_add_anchors(t, "hello", 5, "x", NULL), XP_E_USAGE);
}

static void test_certificate_expired_is_indeterminate(void **state)
{
	X509_CRL *crl = make_crl(NULL, LAB_NOW_S + 705 * LAB_DAY_S, 30);

	(void)state;
	now_s = LAB_NOW_S + 710 * LAB_DAY_S;
	trust(lab.lab.root, crl);
	expect(2, "I_CERT_TIME");
	X509_CRL_free(crl);
}

static void add_ext(X509 *c, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(c, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* A certificate as an existing PKI might issue it. ISSUER NULL: itself. */
static X509 *foreign_cert(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key,
			  const char *eku)
{
	X509 *c = X509_new();
	X509_NAME *n = X509_NAME_new();

	assert_int_equal(X509_set_version(c, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(c), eku ? 77 : 76), 1);
	assert_int_equal(X509_NAME_add_entry_by_NID(n, NID_commonName, MBSTRING_UTF8,
						    (const unsigned char *)name, -1, -1, 0),
			 1);
	assert_int_equal(X509_set_subject_name(c, n), 1);
	X509_NAME_free(n);
	assert_int_equal(X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer : c)), 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(c), LAB_NOW_S - 90 * LAB_DAY_S));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(c), LAB_NOW_S + 900 * LAB_DAY_S));
	assert_int_equal(X509_set_pubkey(c, key), 1);
	add_ext(c, issuer ? issuer : c, NID_basic_constraints,
		eku ? "critical,CA:FALSE" : "critical,CA:TRUE");
	add_ext(c, issuer ? issuer : c, NID_key_usage,
		eku ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
	if (eku)
		add_ext(c, issuer ? issuer : c, NID_ext_key_usage, eku);
	add_ext(c, issuer ? issuer : c, NID_subject_key_identifier, "hash");
	add_ext(c, issuer ? issuer : c, NID_authority_key_identifier, "keyid:always");
	assert_true(X509_sign(c, issuer ? issuer_key : key, EVP_sha256()) > 0);
	return c;
}

struct foreign {
	EVP_PKEY *root_key, *sub_key, *key;
	X509 *root, *sub, *cert;
	X509_CRL *root_crl, *sub_crl;
};

#define GOOD_EKU "emailProtection,1.3.6.1.5.5.7.3.36"

static void foreign_open(struct foreign *p, const char *eku)
{
	assert_int_equal(xp_pki_key_new(&p->root_key, NULL), XP_OK);
	assert_int_equal(xp_pki_key_new(&p->sub_key, NULL), XP_OK);
	assert_int_equal(xp_pki_key_new(&p->key, NULL), XP_OK);
	p->root = foreign_cert(p->root_key, "Corp Root", NULL, NULL, NULL);
	p->sub = foreign_cert(p->sub_key, "Corp Sub", p->root, p->root_key, NULL);
	p->cert = foreign_cert(p->key, "Carol", p->sub, p->sub_key, eku);
	assert_int_equal(xp_pki_crl_new(&p->root_crl, NULL, NULL, p->root, p->root_key,
					LAB_NOW_S - 5, LAB_NOW_S + LAB_DAY_S, NULL),
			 XP_OK);
	assert_int_equal(xp_pki_crl_new(&p->sub_crl, NULL, NULL, p->sub, p->sub_key, LAB_NOW_S - 5,
					LAB_NOW_S + LAB_DAY_S, NULL),
			 XP_OK);
}

static void foreign_close(struct foreign *p)
{
	EVP_PKEY_free(p->root_key);
	EVP_PKEY_free(p->sub_key);
	EVP_PKEY_free(p->key);
	X509_free(p->root);
	X509_free(p->sub);
	X509_free(p->cert);
	X509_CRL_free(p->root_crl);
	X509_CRL_free(p->sub_crl);
}

/* The lab's record, signed by the foreign key; the file carries the intermediate. */
static void foreign_sign(struct foreign *p)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	struct xp_signing_key *k = NULL;
	struct xp_record *r = lab.record;

	/* the root in the file, too: the signer must leave it out */
	assert_true(sk_X509_push(certs, p->cert) && sk_X509_push(certs, p->root) &&
		    sk_X509_push(certs, p->sub));
	assert_int_equal(xp_signing_key_make(&k, p->key, certs, NULL, NULL), XP_OK);
	sk_X509_free(certs);
	xp_signing_key_describe(&r->signers[0], &r->persons[0], k);
	free(lab.json);
	free(lab.p7s);
	lab.json = NULL;
	lab.p7s = NULL;
	assert_int_equal(xp_record_write(&lab.json, &lab.json_len, r, NULL), XP_OK);
	assert_int_equal(
		xp_sign(&lab.p7s, &lab.p7s_len, k, lab.json, lab.json_len, LAB_NOW_S, NULL), XP_OK);
	xp_signing_key_free(&k);
}

static void roster(const X509 *cert, const char *role)
{
	uint8_t fp[32];
	char hex[65];
	char json[256];

	assert_int_equal(xp_pki_fingerprint(fp, cert, NULL), XP_OK);
	xp_hex_encode(hex, fp, 32);
	snprintf(json, sizeof(json),
		 "{\"roster\":[{\"cert_sha256\":\"%s\",\"role\":\"%s\",\"person\":\"carol\"}]}",
		 hex, role);
	assert_int_equal(xp_check_set_roster(lab.check, json, strlen(json), "roster", NULL), XP_OK);
}

static void test_existing_pki_with_intermediate_and_roster(void **state)
{
	struct foreign p = {0};
	struct xp_findings f = {0};
	struct xp_cms cms;
	size_t at = 0;

	(void)state;
	foreign_open(&p, GOOD_EKU);
	foreign_sign(&p);
	assert_true(xp_cms_parse(&cms, lab.p7s, lab.p7s_len, &f));
	assert_int_equal(cms.certs_n, 2);
	trust(p.root, p.root_crl);
	expect(2, "I_REVOCATION_UNKNOWN");
	also_crl(p.sub_crl);
	expect(2, "I_ROLE_UNKNOWN");
	roster(p.cert, "performer");
	expect(0, NULL);
	roster(p.cert, "validator");
	expect(1, "E_ROLE_NOT_GRANTED");
	roster(p.cert, "performer");
	/* the last bytes of the intermediate's own signature, wherever the set put it */
	for (unsigned i = 0; i < cms.certs_n; i++)
		if (memmem(cms.certs[i].data, cms.certs[i].len, "Corp Root", 9))
			at = (size_t)(cms.certs[i].data - lab.p7s) + cms.certs[i].len - 1;
	assert_true(at > 0);
	lab.p7s[at] ^= 1;
	expect(1, "E_CHAIN_SIGNATURE");
	lab.p7s[at] ^= 1;
	/* an intermediate may be the anchor */
	trust(p.sub, p.sub_crl);
	roster(p.cert, "performer");
	expect(0, NULL);
	foreign_close(&p);
}

static void add_policy(X509 *c, const char *oid)
{
	CERTIFICATEPOLICIES *list = sk_POLICYINFO_new_null();
	POLICYINFO *one = POLICYINFO_new();

	assert_true(list && one);
	one->policyid = OBJ_txt2obj(oid, 1);
	assert_non_null(one->policyid);
	assert_true(sk_POLICYINFO_push(list, one));
	assert_int_equal(X509_add1_ext_i2d(c, NID_certificate_policies, list, 0, 0), 1);
	CERTIFICATEPOLICIES_free(list);
}

/* The CA in the middle may hand out SUB (NULL: any role); the certificate below grants LEAF. */
static void foreign_policies(struct foreign *p, const char *sub, const char *leaf)
{
	if (sub)
		add_policy(p->sub, sub);
	assert_true(X509_sign(p->sub, p->root_key, EVP_sha256()) > 0);
	add_policy(p->cert, leaf);
	assert_true(X509_sign(p->cert, p->sub_key, EVP_sha256()) > 0);
}

static void test_role_beyond_the_limits_of_its_ca_is_found(void **state)
{
	const struct {
		const char *sub;
		int code;
		const char *finding;
	} cases[] = {
		{NULL, 0, NULL},
		{"2.5.29.32.0", 0, NULL}, /* any policy */
		{xp_role_oid(XP_ROLE_PERFORMER), 0, NULL},
		{xp_role_oid(XP_ROLE_HOST), 1, "E_ROLE_NOT_GRANTED"},
		{"1.3.6.1.4.1.5923.1", 1, "E_ROLE_NOT_GRANTED"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct foreign p = {0};

		foreign_open(&p, GOOD_EKU);
		foreign_policies(&p, cases[i].sub, xp_role_oid(XP_ROLE_PERFORMER));
		foreign_sign(&p);
		trust(p.root, p.root_crl);
		also_crl(p.sub_crl);
		expect(cases[i].code, cases[i].finding);
		/* the verifier's own roster needs no CA's leave */
		roster(p.cert, "performer");
		expect(0, NULL);
		foreign_close(&p);
	}
}

/* A CA that demands a policy of everything below it, and none is carried through. */
static void test_policy_that_a_ca_demands_is_enforced(void **state)
{
	struct foreign p = {0};

	(void)state;
	foreign_open(&p, GOOD_EKU);
	add_ext(p.sub, p.root, NID_policy_constraints, "critical,requireExplicitPolicy:0");
	foreign_policies(&p, "1.3.6.1.4.1.5923.1", xp_role_oid(XP_ROLE_PERFORMER));
	foreign_sign(&p);
	trust(p.root, p.root_crl);
	also_crl(p.sub_crl);
	roster(p.cert, "performer");
	expect(1, "E_CHAIN");
	foreign_close(&p);
	p = (struct foreign){0};
	foreign_open(&p, GOOD_EKU);
	add_ext(p.sub, p.root, NID_policy_constraints, "critical,requireExplicitPolicy:0");
	foreign_policies(&p, "2.5.29.32.0", xp_role_oid(XP_ROLE_PERFORMER));
	foreign_sign(&p);
	trust(p.root, p.root_crl);
	also_crl(p.sub_crl);
	expect(0, NULL);
	foreign_close(&p);
}

static void test_intermediate_revoked_fails(void **state)
{
	struct foreign p = {0};
	struct xp_pki_revocation rev = {.at_s = LAB_NOW_S - 5};
	X509_CRL *crl = NULL;

	(void)state;
	foreign_open(&p, GOOD_EKU);
	foreign_sign(&p);
	rev.cert = p.sub;
	assert_int_equal(xp_pki_crl_new(&crl, NULL, &rev, p.root, p.root_key, LAB_NOW_S - 5,
					LAB_NOW_S + LAB_DAY_S, NULL),
			 XP_OK);
	trust(p.root, crl);
	also_crl(p.sub_crl);
	roster(p.cert, "performer");
	expect(1, "E_REVOKED");
	X509_CRL_free(crl);
	foreign_close(&p);
}

static void test_certificate_of_other_purpose_cannot_sign(void **state)
{
	static const char *const wrong[] = {"serverAuth", "emailProtection", "1.3.6.1.5.5.7.3.36",
					    "anyExtendedKeyUsage"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct foreign p = {0};
		struct xp_signing_key *k = NULL;
		struct xp_err err = {0};
		STACK_OF(X509) *certs = sk_X509_new_null();

		foreign_open(&p, wrong[i]);
		assert_true(sk_X509_push(certs, p.cert));
		assert_int_equal(xp_signing_key_make(&k, p.key, certs, NULL, &err), XP_E_USAGE);
		assert_non_null(strstr(err.msg, "extended key usage"));
		sk_X509_free(certs);
		foreign_close(&p);
	}
}

/* The checker must see it as well, whoever signed. */
static void test_wrong_purpose_is_found_by_the_checker(void **state)
{
	struct foreign p = {0};
	struct xp_signing_key *k = NULL;
	struct xp_signing_key forced = {0};
	STACK_OF(X509) *certs = sk_X509_new_null();

	(void)state;
	foreign_open(&p, "serverAuth");
	assert_true(sk_X509_push(certs, p.cert));
	forced = (struct xp_signing_key){.key = p.key, .certs = certs};
	k = &forced;
	xp_signing_key_describe(&lab.record->signers[0], &lab.record->persons[0], k);
	free(lab.json);
	free(lab.p7s);
	lab.json = NULL;
	lab.p7s = NULL;
	assert_int_equal(xp_record_write(&lab.json, &lab.json_len, lab.record, NULL), XP_OK);
	assert_int_equal(
		xp_sign(&lab.p7s, &lab.p7s_len, k, lab.json, lab.json_len, LAB_NOW_S, NULL), XP_OK);
	trust(p.sub, p.sub_crl);
	roster(p.cert, "performer");
	expect(1, "E_CERT_UNFIT");
	sk_X509_free(certs);
	foreign_close(&p);
}

static void test_role_by_commitment_alone_is_found(void **state)
{
	(void)state;
	/* alice's certificate grants performer; the record and the signature say validator */
	snprintf(lab.record->signers[0].role, sizeof(lab.record->signers[0].role), "validator");
	snprintf(lab.record->persons[0].role, sizeof(lab.record->persons[0].role), "validator");
	free(lab.json);
	lab.json = NULL;
	assert_int_equal(xp_record_write(&lab.json, &lab.json_len, lab.record, NULL), XP_OK);
	check_lab_sign(&lab, NULL);
	trust(lab.lab.root, lab.lab.crl);
	expect(1, "E_ROLE_NOT_GRANTED");
	expect(1, "E_ROLE_COMMITMENT");
}

static void test_person_of_other_name_is_found(void **state)
{
	(void)state;
	snprintf(lab.record->persons[0].name, sizeof(lab.record->persons[0].name), "Mallory");
	free(lab.json);
	lab.json = NULL;
	assert_int_equal(xp_record_write(&lab.json, &lab.json_len, lab.record, NULL), XP_OK);
	check_lab_sign(&lab, NULL);
	trust(lab.lab.root, lab.lab.crl);
	expect(1, "E_PERSON_MISMATCH");
}

static void write_and_expect(int want, const char *code)
{
	free(lab.json);
	lab.json = NULL;
	assert_int_equal(xp_record_write(&lab.json, &lab.json_len, lab.record, NULL), XP_OK);
	check_lab_sign(&lab, NULL);
	expect(want, code);
}

static void test_person_who_did_not_sign_is_no_validator(void **state)
{
	struct xp_person *p = &lab.record->persons[lab.record->persons_n++];

	(void)state;
	trust(lab.lab.root, lab.lab.crl);
	*p = (struct xp_person){.role = "validator", .name = "Bob"};
	write_and_expect(1, "E_PERSON_DID_NOT_SIGN");
	*p = (struct xp_person){.role = "site", .name = "Bob"};
	write_and_expect(1, "E_PERSON_DID_NOT_SIGN");
	*p = (struct xp_person){.role = "host", .name = "stick"};
	write_and_expect(0, "W_PERSON_DID_NOT_SIGN");
}

static void test_person_unvouched_is_said(void **state)
{
	struct xp_person *p = &lab.record->persons[0];

	(void)state;
	trust(lab.lab.root, lab.lab.crl);
	snprintf(p->organization, sizeof(p->organization), "Another House");
	write_and_expect(0, "W_PERSON_UNVOUCHED");
	snprintf(p->name_latin, sizeof(p->name_latin), "Bob");
	write_and_expect(0, "W_PERSON_UNVOUCHED");
}

static void test_roster_does_not_split_a_person_in_two(void **state)
{
	struct xp_check_signer s[2] = {{.role = "performer"}, {.role = "validator"}};
	struct xp_roster_entry entry = {.role = XP_ROLE_VALIDATOR, .person = "somebody else"};
	const struct xp_roster one = {.list = &entry, .n = 1};
	struct xp_findings f = {0};
	struct lab_person again;

	(void)state;
	lab_person_new(&again, &lab.lab, XP_ROLE_VALIDATOR, "A. Lice", "p-1");
	assert_int_equal(xp_pki_fingerprint(s[0].cert_sha256, lab.alice.cert, NULL), XP_OK);
	assert_int_equal(xp_pki_fingerprint(s[1].cert_sha256, again.cert, NULL), XP_OK);
	memcpy(entry.cert_sha256, s[1].cert_sha256, 32);
	s[0].key_sha256[0] = 1;
	xp_roles_judge(&s[0], lab.alice.cert, XP_PROOF_OF_CREATION, &one, &f);
	xp_roles_judge(&s[1], again.cert, XP_PROOF_OF_APPROVAL, &one, &f);
	assert_int_equal(f.n, 0);
	xp_roles_judge_separation(s, 2, &f);
	assert_int_equal(f.n, 1);
	assert_string_equal(f.list[0].code, "E_SAME_PERSON");
	xp_findings_free(&f);
	lab_person_free(&again);
}

static void test_one_person_in_two_roles_is_found(void **state)
{
	struct xp_check_signer s[2] = {{.role = "performer"}, {.role = "validator"}};
	const struct xp_roster none = {0};
	struct xp_findings f = {0};
	struct lab_person again;

	(void)state;
	lab_person_new(&again, &lab.lab, XP_ROLE_VALIDATOR, "A. Lice", "p-1");
	assert_int_equal(xp_pki_fingerprint(s[0].cert_sha256, lab.alice.cert, NULL), XP_OK);
	assert_int_equal(xp_pki_fingerprint(s[1].cert_sha256, again.cert, NULL), XP_OK);
	s[0].key_sha256[0] = 1;
	xp_roles_judge(&s[0], lab.alice.cert, XP_PROOF_OF_CREATION, &none, &f);
	xp_roles_judge(&s[1], again.cert, XP_PROOF_OF_APPROVAL, &none, &f);
	assert_int_equal(f.n, 0);
	xp_roles_judge_separation(s, 2, &f);
	assert_int_equal(f.n, 1);
	assert_string_equal(f.list[0].code, "E_SAME_PERSON");
	xp_findings_free(&f);
	s[1].key_sha256[0] = 1;
	xp_roles_judge_separation(s, 2, &f);
	assert_string_equal(f.list[0].code, "E_SAME_KEY");
	xp_findings_free(&f);
	lab_person_free(&again);
}

static void test_roster_malformed_is_usage_error(void **state)
{
	static const char *const wrong[] = {
		"",
		"[]",
		"{}",
		"{\"roster\":{}}",
		"{\"roster\":[],\"x\":1}",
		"{\"roster\":[{}]}",
		"{\"roster\":[{\"cert_sha256\":\"12\",\"role\":\"performer\",\"person\":\"p\"}]}",
		"{\"roster\":[{\"cert_sha256\":1,\"role\":\"performer\",\"person\":\"p\"}]}",
		"{\"roster\":[],\"roster\":[]}",
	};
	struct xp_roster r;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(xp_roster_parse(&r, wrong[i], strlen(wrong[i]), "r", NULL),
				 XP_E_USAGE);
	assert_int_equal(xp_roster_parse(&r, "{\"roster\":[]}", 13, "r", NULL), XP_OK);
	xp_roster_free(&r);
}

static void demand(const struct xp_requirements *req, int want, const char *code)
{
	xp_check_require(lab.check, req);
	expect(want, code);
}

static void test_demands_are_policy_findings(void **state)
{
	(void)state;
	trust(lab.lab.root, lab.lab.crl);
	demand(&(struct xp_requirements){0}, 0, NULL);
	demand(&(struct xp_requirements){.level_given = true, .level = XP_PURGE}, 3, "P_LEVEL");
	/* a level means a drive, unless another scope is named */
	demand(&(struct xp_requirements){.level_given = true, .level = XP_CLEAR}, 3, "P_SCOPE");
	demand(&(struct xp_requirements){.level_given = true,
					 .level = XP_CLEAR,
					 .scope_given = true,
					 .scope = XP_SCOPE_LOGICAL_UNIT},
	       0, NULL);
	demand(&(struct xp_requirements){.scope_given = true, .scope = XP_SCOPE_NAMESPACE}, 3,
	       "P_SCOPE");
	demand(&(struct xp_requirements){.role_given = true, .role = XP_ROLE_VALIDATOR}, 3,
	       "P_ROLE");
	demand(&(struct xp_requirements){.role_given = true, .role = XP_ROLE_PERFORMER}, 0, NULL);
	demand(&(struct xp_requirements){.time = true}, 3, "P_TIME");
	demand(&(struct xp_requirements){.serial = "S-1"}, 3, "P_SERIAL");
}

static void test_level_below_asked_is_policy(void **state)
{
	(void)state;
	lab.record->asked = XP_PURGE;
	free(lab.json);
	lab.json = NULL;
	assert_int_equal(xp_record_write(&lab.json, &lab.json_len, lab.record, NULL), XP_OK);
	check_lab_sign(&lab, NULL);
	trust(lab.lab.root, lab.lab.crl);
	expect(3, "P_LEVEL");
}

static void test_exit_codes_order(void **state)
{
	(void)state;
	assert_int_equal(xp_check_exit_worse(0, 3), 3);
	assert_int_equal(xp_check_exit_worse(3, 2), 2);
	assert_int_equal(xp_check_exit_worse(2, 66), 66);
	assert_int_equal(xp_check_exit_worse(66, 70), 70);
	assert_int_equal(xp_check_exit_worse(1, 70), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_trust_none_is_indeterminate),
		T(test_trust_root_with_list_passes),
		T(test_trust_root_of_same_name_is_not_enough),
		T(test_trust_signer_itself_passes_without_list),
		T(test_trust_fingerprint_binds_anchor_and_embedded),
		T(test_crl_missing_is_indeterminate),
		T(test_crl_embedded_counts),
		T(test_crl_out_of_date_is_stale),
		T(test_crl_from_the_future_is_not_used),
		T(test_crl_that_lists_signer_fails),
		T(test_crl_newer_without_entry_does_not_unrevoke),
		T(test_crl_of_other_ca_is_no_help_and_no_harm),
		T(test_crl_delta_is_refused),
		T(test_crl_partitioned_is_refused),
		T(test_crl_that_cannot_be_relied_upon_still_accuses),
		T(test_crl_files_that_are_none_are_usage_errors),
		T(test_certificate_expired_is_indeterminate),
		T(test_existing_pki_with_intermediate_and_roster),
		T(test_policy_that_a_ca_demands_is_enforced),
		T(test_intermediate_revoked_fails),
		T(test_certificate_of_other_purpose_cannot_sign),
		T(test_wrong_purpose_is_found_by_the_checker),
		T(test_role_by_commitment_alone_is_found),
		T(test_person_of_other_name_is_found),
		T(test_role_beyond_the_limits_of_its_ca_is_found),
		T(test_person_who_did_not_sign_is_no_validator),
		T(test_person_unvouched_is_said),
		T(test_roster_does_not_split_a_person_in_two),
		T(test_one_person_in_two_roles_is_found),
		T(test_roster_malformed_is_usage_error),
		T(test_demands_are_policy_findings),
		T(test_level_below_asked_is_policy),
		T(test_exit_codes_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
