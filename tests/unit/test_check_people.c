/* Who signed, in which role, and whose certificates may grant it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/check_roles.h"
#include "tests/fake/check_stand.h"

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
	struct xp_record *r = check_stand.lab.record;

	/* the root in the file, too: the signer must leave it out */
	assert_true(sk_X509_push(certs, p->cert) && sk_X509_push(certs, p->root) &&
		    sk_X509_push(certs, p->sub));
	assert_int_equal(xp_signing_key_make(&k, p->key, certs, NULL, NULL), XP_OK);
	sk_X509_free(certs);
	xp_signing_key_describe(&r->signers[0], &r->persons[0], k);
	free(check_stand.lab.json);
	free(check_stand.lab.p7s);
	check_stand.lab.json = NULL;
	check_stand.lab.p7s = NULL;
	assert_int_equal(xp_record_write(&check_stand.lab.json, &check_stand.lab.json_len, r, NULL),
			 XP_OK);
	assert_int_equal(xp_sign(&check_stand.lab.p7s, &check_stand.lab.p7s_len, k,
				 check_stand.lab.json, check_stand.lab.json_len, LAB_NOW_S, NULL),
			 XP_OK);
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
	assert_int_equal(
		xp_check_set_roster(check_stand.lab.check, json, strlen(json), "roster", NULL),
		XP_OK);
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
	assert_true(xp_cms_parse(&cms, check_stand.lab.p7s, check_stand.lab.p7s_len, &f));
	assert_int_equal(cms.certs_n, 2);
	stand_trust(&check_stand, p.root, p.root_crl);
	stand_expect(&check_stand, 2, "I_REVOCATION_UNKNOWN");
	stand_also_crl(&check_stand, p.sub_crl);
	stand_expect(&check_stand, 2, "I_ROLE_UNKNOWN");
	roster(p.cert, "performer");
	stand_expect(&check_stand, 0, NULL);
	roster(p.cert, "validator");
	stand_expect(&check_stand, 1, "E_ROLE_NOT_GRANTED");
	roster(p.cert, "performer");
	/* the last bytes of the intermediate's own signature, wherever the set put it */
	for (unsigned i = 0; i < cms.certs_n; i++)
		if (memmem(cms.certs[i].data, cms.certs[i].len, "Corp Root", 9))
			at = (size_t)(cms.certs[i].data - check_stand.lab.p7s) + cms.certs[i].len -
			     1;
	assert_true(at > 0);
	check_stand.lab.p7s[at] ^= 1;
	stand_expect(&check_stand, 1, "E_CHAIN_SIGNATURE");
	check_stand.lab.p7s[at] ^= 1;
	/* an intermediate may be the anchor */
	stand_trust(&check_stand, p.sub, p.sub_crl);
	roster(p.cert, "performer");
	stand_expect(&check_stand, 0, NULL);
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
		stand_trust(&check_stand, p.root, p.root_crl);
		stand_also_crl(&check_stand, p.sub_crl);
		stand_expect(&check_stand, cases[i].code, cases[i].finding);
		/* nor does it grant more where it is the one that is trusted */
		stand_trust(&check_stand, p.sub, p.sub_crl);
		stand_expect(&check_stand, cases[i].code, cases[i].finding);
		/* the verifier's own roster needs no CA's leave */
		roster(p.cert, "performer");
		stand_expect(&check_stand, 0, NULL);
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
	stand_trust(&check_stand, p.root, p.root_crl);
	stand_also_crl(&check_stand, p.sub_crl);
	roster(p.cert, "performer");
	stand_expect(&check_stand, 1, "E_CHAIN");
	foreign_close(&p);
	p = (struct foreign){0};
	foreign_open(&p, GOOD_EKU);
	add_ext(p.sub, p.root, NID_policy_constraints, "critical,requireExplicitPolicy:0");
	foreign_policies(&p, "2.5.29.32.0", xp_role_oid(XP_ROLE_PERFORMER));
	foreign_sign(&p);
	stand_trust(&check_stand, p.root, p.root_crl);
	stand_also_crl(&check_stand, p.sub_crl);
	stand_expect(&check_stand, 0, NULL);
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
	stand_trust(&check_stand, p.root, crl);
	stand_also_crl(&check_stand, p.sub_crl);
	roster(p.cert, "performer");
	stand_expect(&check_stand, 1, "E_REVOKED");
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
	xp_signing_key_describe(&check_stand.lab.record->signers[0],
				&check_stand.lab.record->persons[0], k);
	free(check_stand.lab.json);
	free(check_stand.lab.p7s);
	check_stand.lab.json = NULL;
	check_stand.lab.p7s = NULL;
	assert_int_equal(xp_record_write(&check_stand.lab.json, &check_stand.lab.json_len,
					 check_stand.lab.record, NULL),
			 XP_OK);
	assert_int_equal(xp_sign(&check_stand.lab.p7s, &check_stand.lab.p7s_len, k,
				 check_stand.lab.json, check_stand.lab.json_len, LAB_NOW_S, NULL),
			 XP_OK);
	stand_trust(&check_stand, p.sub, p.sub_crl);
	roster(p.cert, "performer");
	stand_expect(&check_stand, 1, "E_CERT_UNFIT");
	sk_X509_free(certs);
	foreign_close(&p);
}

static void test_role_by_commitment_alone_is_found(void **state)
{
	(void)state;
	/* alice's certificate grants performer; the record and the signature say validator */
	snprintf(check_stand.lab.record->signers[0].role,
		 sizeof(check_stand.lab.record->signers[0].role), "validator");
	snprintf(check_stand.lab.record->persons[0].role,
		 sizeof(check_stand.lab.record->persons[0].role), "validator");
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	stand_write_and_expect(&check_stand, 1, "E_ROLE_NOT_GRANTED");
	stand_expect(&check_stand, 1, "E_ROLE_COMMITMENT");
}

static void test_person_of_other_name_is_found(void **state)
{
	(void)state;
	snprintf(check_stand.lab.record->persons[0].name,
		 sizeof(check_stand.lab.record->persons[0].name), "Mallory");
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	stand_write_and_expect(&check_stand, 1, "E_PERSON_MISMATCH");
}

static void test_person_who_did_not_sign_is_no_validator(void **state)
{
	struct xp_person *p = &check_stand.lab.record->persons[check_stand.lab.record->persons_n++];

	(void)state;
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	*p = (struct xp_person){.role = "validator", .name = "Bob"};
	stand_write_and_expect(&check_stand, 1, "E_PERSON_DID_NOT_SIGN");
	*p = (struct xp_person){.role = "site", .name = "Bob"};
	stand_write_and_expect(&check_stand, 1, "E_PERSON_DID_NOT_SIGN");
	*p = (struct xp_person){.role = "host", .name = "stick"};
	stand_write_and_expect(&check_stand, 0, "W_PERSON_DID_NOT_SIGN");
}

static void test_person_unvouched_is_said(void **state)
{
	struct xp_person *p = &check_stand.lab.record->persons[0];

	(void)state;
	stand_trust(&check_stand, check_stand.lab.lab.root, check_stand.lab.lab.crl);
	snprintf(p->organization, sizeof(p->organization), "Another House");
	stand_write_and_expect(&check_stand, 0, "W_PERSON_UNVOUCHED");
	snprintf(p->name_latin, sizeof(p->name_latin), "Bob");
	stand_write_and_expect(&check_stand, 0, "W_PERSON_UNVOUCHED");
}

static void test_roster_does_not_split_a_person_in_two(void **state)
{
	struct xp_check_signer s[2] = {{.role = "performer"}, {.role = "validator"}};
	struct xp_roster_entry entry = {.role = XP_ROLE_VALIDATOR, .person = "somebody else"};
	const struct xp_roster one = {.list = &entry, .n = 1};
	struct xp_findings f = {0};
	struct lab_person again;

	(void)state;
	lab_person_new(&again, &check_stand.lab.lab, XP_ROLE_VALIDATOR, "A. Lice", "p-1");
	assert_int_equal(xp_pki_fingerprint(s[0].cert_sha256, check_stand.lab.alice.cert, NULL),
			 XP_OK);
	assert_int_equal(xp_pki_fingerprint(s[1].cert_sha256, again.cert, NULL), XP_OK);
	memcpy(entry.cert_sha256, s[1].cert_sha256, 32);
	s[0].key_sha256[0] = 1;
	xp_roles_judge(&s[0], check_stand.lab.alice.cert, XP_PROOF_OF_CREATION, &one, &f);
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
	lab_person_new(&again, &check_stand.lab.lab, XP_ROLE_VALIDATOR, "A. Lice", "p-1");
	assert_int_equal(xp_pki_fingerprint(s[0].cert_sha256, check_stand.lab.alice.cert, NULL),
			 XP_OK);
	assert_int_equal(xp_pki_fingerprint(s[1].cert_sha256, again.cert, NULL), XP_OK);
	s[0].key_sha256[0] = 1;
	xp_roles_judge(&s[0], check_stand.lab.alice.cert, XP_PROOF_OF_CREATION, &none, &f);
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

#define CERT "1212121212121212121212121212121212121212121212121212121212121212"

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
		/* one certificate, two people */
		"{\"roster\":[{\"cert_sha256\":\"" CERT
		"\",\"role\":\"performer\",\"person\":\"p\"},"
		"{\"cert_sha256\":\"" CERT "\",\"role\":\"validator\",\"person\":\"q\"}]}",
	};
	struct xp_roster r;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(xp_roster_parse(&r, wrong[i], strlen(wrong[i]), "r", NULL),
				 XP_E_USAGE);
	assert_int_equal(xp_roster_parse(&r, "{\"roster\":[]}", 13, "r", NULL), XP_OK);
	xp_roster_free(&r);
}

#define T(name) cmocka_unit_test_setup_teardown(name, check_stand_setup, check_stand_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_existing_pki_with_intermediate_and_roster),
		T(test_role_beyond_the_limits_of_its_ca_is_found),
		T(test_policy_that_a_ca_demands_is_enforced),
		T(test_intermediate_revoked_fails),
		T(test_certificate_of_other_purpose_cannot_sign),
		T(test_wrong_purpose_is_found_by_the_checker),
		T(test_role_by_commitment_alone_is_found),
		T(test_person_of_other_name_is_found),
		T(test_person_who_did_not_sign_is_no_validator),
		T(test_person_unvouched_is_said),
		T(test_roster_does_not_split_a_person_in_two),
		T(test_one_person_in_two_roles_is_found),
		T(test_roster_malformed_is_usage_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
