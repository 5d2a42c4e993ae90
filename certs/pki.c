#include "certs/pki.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/oids.h"

#define SERIAL_BYTES 16

static const struct {
	const char *name;
	const char *oid;
} ROLES[XP_ROLE_COUNT] = {
	[XP_ROLE_PERFORMER] = {"performer", XP_OID_ROLE_PERFORMER},
	[XP_ROLE_VALIDATOR] = {"validator", XP_OID_ROLE_VALIDATOR},
	[XP_ROLE_SITE] = {"site", XP_OID_ROLE_SITE},
	[XP_ROLE_HOST] = {"host", XP_OID_ROLE_HOST},
};

const char *xp_role_name(enum xp_role v)
{
	return ROLES[v].name;
}

const char *xp_role_oid(enum xp_role v)
{
	return ROLES[v].oid;
}

bool xp_role_parse(enum xp_role *out, const char *name)
{
	for (unsigned i = 0; i < XP_ROLE_COUNT; i++) {
		if (strcmp(ROLES[i].name, name) == 0) {
			*out = (enum xp_role)i;
			return true;
		}
	}
	return false;
}

void xp_pki_key_free(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
	*k = NULL;
}

void xp_pki_cert_free(X509 **c)
{
	X509_free(*c);
	*c = NULL;
}

void xp_pki_crl_free(X509_CRL **c)
{
	X509_CRL_free(*c);
	*c = NULL;
}

enum xp_rc xp_pki_fail(struct xp_err *err, enum xp_rc rc, const char *what)
{
	unsigned long e = ERR_peek_error();
	const char *why = e ? ERR_reason_error_string(e) : NULL;

	ERR_clear_error();
	return xp_fail(err, rc, "%s: %s", what, why ? why : "refused by the library");
}

enum xp_rc xp_pki_key_new(EVP_PKEY **out, struct xp_err *err)
{
	*out = EVP_EC_gen("P-256");
	if (!*out)
		return xp_pki_fail(err, XP_E_INTERNAL, "new key");
	return XP_OK;
}

static bool name_add(X509_NAME *name, int nid, const char *text)
{
	if (!text || !*text)
		return true;
	return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const unsigned char *)text, -1,
					  -1, 0) == 1;
}

X509_NAME *xp_pki_name_new(const struct xp_pki_subject *s)
{
	X509_NAME *name = X509_NAME_new();

	if (name && name_add(name, NID_organizationName, s->organization) &&
	    name_add(name, NID_commonName, s->name) && name_add(name, NID_name, s->name_latin) &&
	    name_add(name, NID_serialNumber, s->person_id))
		return name;
	X509_NAME_free(name);
	return NULL;
}

static bool set_subject(X509 *c, const struct xp_pki_subject *s)
{
	X509_NAME *name = xp_pki_name_new(s);
	bool ok = name && X509_set_subject_name(c, name);

	X509_NAME_free(name);
	return ok;
}

/* 126 random bits behind a fixed one: positive, never zero, always 16 octets. */
static enum xp_rc set_serial(X509 *c, struct xp_err *err)
{
	uint8_t raw[SERIAL_BYTES];
	BIGNUM *bn;
	bool ok;

	TRY(xp_rng_bytes(xp_rng_system(), raw, sizeof(raw), err));
	raw[0] = (uint8_t)((raw[0] & 0x3f) | 0x40);
	bn = BN_bin2bn(raw, SERIAL_BYTES, NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(c));
	BN_free(bn);
	return ok ? XP_OK : xp_fail(err, XP_E_NOMEM, "certificate");
}

static bool add_ext(X509 *c, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(c, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

CERTIFICATEPOLICIES *xp_pki_role_policies(enum xp_role role)
{
	CERTIFICATEPOLICIES *list = CERTIFICATEPOLICIES_new();
	POLICYINFO *info = POLICYINFO_new();
	ASN1_OBJECT *oid = OBJ_txt2obj(xp_role_oid(role), 1);

	if (list && info && oid && sk_POLICYINFO_push(list, info)) {
		ASN1_OBJECT_free(info->policyid);
		info->policyid = oid;
		return list;
	}
	POLICYINFO_free(info);
	ASN1_OBJECT_free(oid);
	CERTIFICATEPOLICIES_free(list);
	return NULL;
}

static bool add_role(X509 *c, enum xp_role role)
{
	CERTIFICATEPOLICIES *list = xp_pki_role_policies(role);
	bool ok = list && X509_add1_ext_i2d(c, NID_certificate_policies, list, 0, 0) == 1;

	CERTIFICATEPOLICIES_free(list);
	return ok;
}

static enum xp_rc cert_begin(X509 **out, EVP_PKEY *key, const struct xp_pki_subject *subject,
			     int64_t from_s, int64_t to_s, struct xp_err *err)
{
	AUTO(xp_pki_cert_free) X509 *c = X509_new();

	if (!subject->name || !*subject->name)
		return xp_fail(err, XP_E_USAGE, "a certificate needs a name");
	if (to_s <= from_s)
		return xp_fail(err, XP_E_USAGE, "a certificate cannot end before it begins");
	if (!c || !X509_set_version(c, X509_VERSION_3))
		return xp_fail(err, XP_E_NOMEM, "certificate");
	TRY(set_serial(c, err));
	if (!set_subject(c, subject))
		return xp_pki_fail(err, XP_E_USAGE, "a name does not fit into a certificate");
	if (!ASN1_TIME_set(X509_getm_notBefore(c), (time_t)from_s) ||
	    !ASN1_TIME_set(X509_getm_notAfter(c), (time_t)to_s) || !X509_set_pubkey(c, key))
		return xp_pki_fail(err, XP_E_INTERNAL, "certificate");
	*out = STEAL(c);
	return XP_OK;
}

enum xp_rc xp_pki_root_new(X509 **out, EVP_PKEY *key, const struct xp_pki_subject *subject,
			   int64_t from_s, int64_t to_s, struct xp_err *err)
{
	AUTO(xp_pki_cert_free) X509 *c = NULL;

	TRY(cert_begin(&c, key, subject, from_s, to_s, err));
	if (!X509_set_issuer_name(c, X509_get_subject_name(c)) ||
	    !add_ext(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
	    !add_ext(c, c, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !add_ext(c, c, NID_subject_key_identifier, "hash") ||
	    !add_ext(c, c, NID_authority_key_identifier, "keyid:always") ||
	    !X509_sign(c, key, EVP_sha256()))
		return xp_pki_fail(err, XP_E_INTERNAL, "root certificate");
	*out = STEAL(c);
	return XP_OK;
}

enum xp_rc xp_pki_issue(X509 **out, EVP_PKEY *key, enum xp_role role,
			const struct xp_pki_subject *subject, int64_t from_s, int64_t to_s,
			X509 *issuer, EVP_PKEY *issuer_key, struct xp_err *err)
{
	AUTO(xp_pki_cert_free) X509 *c = NULL;
	X509 *by;

	TRY(cert_begin(&c, key, subject, from_s, to_s, err));
	by = issuer ? issuer : c;
	if (issuer && X509_check_private_key(issuer, issuer_key) != 1)
		return xp_pki_fail(err, XP_E_USAGE,
				   "the CA's key does not belong to its certificate");
	if (!X509_set_issuer_name(c, X509_get_subject_name(by)) ||
	    !add_ext(c, by, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_ext(c, by, NID_key_usage, "critical,digitalSignature,nonRepudiation") ||
	    !add_ext(c, by, NID_ext_key_usage, "emailProtection," XP_OID_DOCUMENT_SIGNING) ||
	    !add_role(c, role) || !add_ext(c, by, NID_subject_key_identifier, "hash") ||
	    !add_ext(c, by, NID_authority_key_identifier, "keyid:always") ||
	    !X509_sign(c, issuer ? issuer_key : key, EVP_sha256()))
		return xp_pki_fail(err, XP_E_INTERNAL, "certificate");
	*out = STEAL(c);
	return XP_OK;
}

static bool copy_entries(X509_CRL *to, const X509_CRL *from)
{
	/* the getter wants a writable list, though it writes nothing of ours */
	X509_CRL *copy = from ? X509_CRL_dup(from) : NULL;
	STACK_OF(X509_REVOKED) *list = copy ? X509_CRL_get_REVOKED(copy) : NULL;
	bool ok = !from || copy;

	for (int i = 0; ok && list && i < sk_X509_REVOKED_num(list); i++) {
		X509_REVOKED *r = X509_REVOKED_dup(sk_X509_REVOKED_value(list, i));

		ok = r && X509_CRL_add0_revoked(to, r);
		if (!ok)
			X509_REVOKED_free(r);
	}
	X509_CRL_free(copy);
	return ok;
}

static bool entry_describe(X509_REVOKED *r, const struct xp_pki_revocation *add)
{
	ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
	ASN1_GENERALIZEDTIME *from = NULL;
	long why = add->is_key_compromise ? CRL_REASON_KEY_COMPROMISE
		   : add->is_superseded	  ? CRL_REASON_SUPERSEDED
					  : CRL_REASON_CESSATION_OF_OPERATION;
	bool ok = reason && ASN1_ENUMERATED_set(reason, why) &&
		  X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, reason, 0, 0) == 1;

	if (ok && add->is_key_compromise) {
		from = ASN1_GENERALIZEDTIME_set(NULL, (time_t)add->invalid_from_s);
		ok = from && X509_REVOKED_add1_ext_i2d(r, NID_invalidity_date, from, 0, 0) == 1;
	}
	ASN1_ENUMERATED_free(reason);
	ASN1_GENERALIZEDTIME_free(from);
	return ok;
}

static ASN1_INTEGER *serial_of(const struct xp_pki_revocation *add)
{
	BIGNUM *bn = NULL;
	ASN1_INTEGER *serial = NULL;

	if (add->cert)
		return ASN1_INTEGER_dup(X509_get0_serialNumber(add->cert));
	if (BN_hex2bn(&bn, add->serial) == (int)strlen(add->serial))
		serial = BN_to_ASN1_INTEGER(bn, NULL);
	BN_free(bn);
	return serial;
}

static enum xp_rc add_entry(X509_CRL *crl, const struct xp_pki_revocation *add, struct xp_err *err)
{
	ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)add->at_s);
	X509_REVOKED *r = X509_REVOKED_new();
	X509_REVOKED *known = NULL;
	ASN1_INTEGER *serial = serial_of(add);
	bool ok = at && r && serial;

	if (ok && X509_CRL_get0_by_serial(crl, &known, serial) != 0) {
		ASN1_TIME_free(at);
		X509_REVOKED_free(r);
		ASN1_INTEGER_free(serial);
		return xp_fail(err, XP_E_USAGE, "this certificate is revoked already");
	}
	ok = ok && X509_REVOKED_set_serialNumber(r, serial) &&
	     X509_REVOKED_set_revocationDate(r, at) && entry_describe(r, add);
	ok = ok && X509_CRL_add0_revoked(crl, r);
	if (!ok)
		X509_REVOKED_free(r);
	ASN1_TIME_free(at);
	ASN1_INTEGER_free(serial);
	return ok ? XP_OK : xp_pki_fail(err, XP_E_INTERNAL, "revocation list entry");
}

static bool add_crl_number(X509_CRL *crl, const X509_CRL *previous)
{
	ASN1_INTEGER *last =
		previous ? X509_CRL_get_ext_d2i(previous, NID_crl_number, NULL, NULL) : NULL;
	ASN1_INTEGER *next = ASN1_INTEGER_new();
	BIGNUM *n = last ? ASN1_INTEGER_to_BN(last, NULL) : BN_new();
	bool ok = next && n && BN_add_word(n, 1) && BN_to_ASN1_INTEGER(n, next) &&
		  X509_CRL_add1_ext_i2d(crl, NID_crl_number, next, 0, 0) == 1;

	BN_free(n);
	ASN1_INTEGER_free(last);
	ASN1_INTEGER_free(next);
	return ok;
}

static bool add_crl_aki(X509_CRL *crl, X509 *issuer)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
	ok = ext && X509_CRL_add_ext(crl, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

enum xp_rc xp_pki_crl_new(X509_CRL **out, const X509_CRL *previous,
			  const struct xp_pki_revocation *add, X509 *issuer, EVP_PKEY *issuer_key,
			  int64_t from_s, int64_t next_s, struct xp_err *err)
{
	AUTO(xp_pki_crl_free) X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)from_s);
	ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)next_s);
	bool ok = crl && from && next && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
		  X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) &&
		  X509_CRL_set1_lastUpdate(crl, from) && X509_CRL_set1_nextUpdate(crl, next) &&
		  copy_entries(crl, previous) && add_crl_aki(crl, issuer) &&
		  add_crl_number(crl, previous);

	ASN1_TIME_free(from);
	ASN1_TIME_free(next);
	if (!ok)
		return xp_pki_fail(err, XP_E_INTERNAL, "revocation list");
	if (X509_check_private_key(issuer, issuer_key) != 1)
		return xp_pki_fail(err, XP_E_USAGE,
				   "the CA's key does not belong to its certificate");
	if (add && (add->cert || add->serial))
		TRY(add_entry(crl, add, err));
	X509_CRL_sort(crl);
	if (!X509_CRL_sign(crl, issuer_key, EVP_sha256()))
		return xp_pki_fail(err, XP_E_INTERNAL, "revocation list");
	*out = STEAL(crl);
	return XP_OK;
}

bool xp_pki_serial(char out[XP_PKI_SERIAL_LEN], const X509 *cert)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = bn ? BN_bn2hex(bn) : NULL;
	bool ok = hex && strlen(hex) < XP_PKI_SERIAL_LEN;

	snprintf(out, XP_PKI_SERIAL_LEN, "%s", ok ? hex : "");
	BN_free(bn);
	OPENSSL_free(hex);
	return ok;
}

enum xp_rc xp_pki_fingerprint(uint8_t out[32], const X509 *cert, struct xp_err *err)
{
	unsigned n = 0;

	if (!X509_digest(cert, EVP_sha256(), out, &n) || n != 32)
		return xp_pki_fail(err, XP_E_INTERNAL, "fingerprint");
	return XP_OK;
}
