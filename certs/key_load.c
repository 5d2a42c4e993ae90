#include "certs/key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include <limits.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"

#define ROUNDS_MAX 10000000

static void bio_free(BIO **b)
{
	BIO_free_all(*b);
	*b = NULL;
}

static void sig_free(X509_SIG **s)
{
	X509_SIG_free(*s);
	*s = NULL;
}

static void info_free(PKCS8_PRIV_KEY_INFO **i)
{
	PKCS8_PRIV_KEY_INFO_free(*i);
	*i = NULL;
}

bool xp_key_is_p256(const EVP_PKEY *key)
{
	char group[32] = "";
	size_t len = 0;

	return key && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	       EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
					      &len) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

/* PBES2 with PBKDF2 of bounded cost. (scrypt is bounded by the library, at 32 MiB.) */
static enum xp_rc check_derivation(const X509_SIG *sig, const char *name, struct xp_err *err)
{
	const X509_ALGOR *alg = NULL;
	const ASN1_OBJECT *oid = NULL;
	const void *param = NULL;
	int type = 0;
	PBE2PARAM *pbe2;
	PBKDF2PARAM *kdf = NULL;
	bool bounded = true;

	X509_SIG_get0(sig, &alg, NULL);
	X509_ALGOR_get0(&oid, &type, &param, alg);
	if (OBJ_obj2nid(oid) != NID_pbes2 || type != V_ASN1_SEQUENCE)
		return xp_fail(
			err, XP_E_USAGE,
			"%s: encrypted by an outdated method; write it anew with openssl pkcs8 "
			"-topk8 -v2 aes-256-cbc",
			name);
	pbe2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), alg->parameter);
	if (!pbe2)
		return xp_pki_fail(err, XP_E_MALFORMED, name);
	if (OBJ_obj2nid(pbe2->keyfunc->algorithm) == NID_id_pbkdf2) {
		kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM),
						pbe2->keyfunc->parameter);
		bounded = kdf && ASN1_INTEGER_get(kdf->iter) > 0 &&
			  ASN1_INTEGER_get(kdf->iter) <= ROUNDS_MAX;
	}
	PBKDF2PARAM_free(kdf);
	PBE2PARAM_free(pbe2);
	ERR_clear_error();
	if (!bounded)
		return xp_fail(err, XP_E_USAGE, "%s: asks for more than %d rounds of PBKDF2", name,
			       ROUNDS_MAX);
	return XP_OK;
}

static enum xp_rc decrypt(PKCS8_PRIV_KEY_INFO **out, BIO *b, const char *name,
			  const struct xp_secret *passphrase, struct xp_err *err)
{
	AUTO(sig_free) X509_SIG *sig = PEM_read_bio_PKCS8(b, NULL, NULL, NULL);

	if (!sig)
		return xp_pki_fail(err, XP_E_USAGE, name);
	TRY(check_derivation(sig, name, err));
	if (!passphrase || passphrase->len > INT_MAX)
		return xp_fail(err, XP_E_USAGE, "%s: this key needs its passphrase", name);
	*out = PKCS8_decrypt(sig, (const char *)passphrase->data, (int)passphrase->len);
	if (!*out) {
		unsigned long e = ERR_peek_error();
		bool is_memory = ERR_GET_LIB(e) == ERR_LIB_EVP &&
				 ERR_GET_REASON(e) == EVP_R_MEMORY_LIMIT_EXCEEDED;

		ERR_clear_error();
		if (is_memory)
			return xp_fail(
				err, XP_E_USAGE,
				"%s: its scrypt settings need more than 32 MiB; write it anew "
				"with N=16384 or PBKDF2",
				name);
		return xp_fail(err, XP_E_USAGE, "%s: the passphrase does not open this key", name);
	}
	return XP_OK;
}

enum xp_rc xp_key_from_pem(EVP_PKEY **out, const char *pem, size_t len, const char *name,
			   const struct xp_secret *passphrase, struct xp_err *err)
{
	AUTO(bio_free) BIO *b = NULL;
	AUTO(info_free) PKCS8_PRIV_KEY_INFO *info = NULL;
	AUTO(xp_pki_key_free) EVP_PKEY *key = NULL;

	if (len > XP_KEY_FILE_MAX_BYTES)
		return xp_fail(err, XP_E_USAGE, "%s: too large for a key", name);
	b = BIO_new_mem_buf(pem, (int)len);
	if (!b)
		return xp_fail(err, XP_E_NOMEM, "%s", name);
	if (strstr(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----")) {
		TRY(decrypt(&info, b, name, passphrase, err));
	} else if (strstr(pem, "-----BEGIN PRIVATE KEY-----")) {
		info = PEM_read_bio_PKCS8_PRIV_KEY_INFO(b, NULL, NULL, NULL);
		if (!info)
			return xp_pki_fail(err, XP_E_USAGE, name);
	} else {
		return xp_fail(
			err, XP_E_USAGE,
			"%s: not a private key in PKCS#8 PEM; openssl pkcs8 -topk8 makes one",
			name);
	}
	key = EVP_PKCS82PKEY(info);
	if (!key)
		return xp_pki_fail(err, XP_E_USAGE, name);
	if (!xp_key_is_p256(key))
		return xp_fail(err, XP_E_USAGE, "%s: the key is not on the curve P-256", name);
	*out = STEAL(key);
	return XP_OK;
}

static enum xp_rc push_all(STACK_OF(X509) * certs, STACK_OF(X509_CRL) * crls,
			   STACK_OF(X509_INFO) * infos, struct xp_err *err)
{
	for (int i = 0; i < sk_X509_INFO_num(infos); i++) {
		X509_INFO *in = sk_X509_INFO_value(infos, i);

		if (in->x509) {
			if (!sk_X509_push(certs, in->x509))
				return xp_fail(err, XP_E_NOMEM, "certificates");
			in->x509 = NULL;
		}
		if (in->crl) {
			if (!sk_X509_CRL_push(crls, in->crl))
				return xp_fail(err, XP_E_NOMEM, "revocation lists");
			in->crl = NULL;
		}
	}
	return XP_OK;
}

enum xp_rc xp_key_certs_from_pem(STACK_OF(X509) * *certs, STACK_OF(X509_CRL) * *crls,
				 const char *pem, size_t len, const char *name, struct xp_err *err)
{
	AUTO(bio_free) BIO *b = NULL;
	STACK_OF(X509_INFO) *infos = NULL;
	STACK_OF(X509) *cs = sk_X509_new_null();
	STACK_OF(X509_CRL) *ls = sk_X509_CRL_new_null();
	enum xp_rc rc;

	if (len <= XP_KEY_FILE_MAX_BYTES * 16u)
		b = BIO_new_mem_buf(pem, (int)len);
	if (b)
		infos = PEM_X509_INFO_read_bio(b, NULL, NULL, NULL);
	if (!infos || !cs || !ls)
		rc = xp_pki_fail(err, XP_E_USAGE, name);
	else
		rc = push_all(cs, ls, infos, err);
	sk_X509_INFO_pop_free(infos, X509_INFO_free);
	if (rc != XP_OK) {
		sk_X509_pop_free(cs, X509_free);
		sk_X509_CRL_pop_free(ls, X509_CRL_free);
		return rc;
	}
	*certs = cs;
	*crls = ls;
	return XP_OK;
}

bool xp_key_cert_role(enum xp_role *out, const X509 *cert)
{
	CERTIFICATEPOLICIES *list = X509_get_ext_d2i(cert, NID_certificate_policies, NULL, NULL);
	unsigned n = 0;

	for (int i = 0; list && i < sk_POLICYINFO_num(list); i++) {
		char oid[128];
		int len = OBJ_obj2txt(oid, sizeof(oid), sk_POLICYINFO_value(list, i)->policyid, 1);

		for (unsigned r = 0; r < XP_ROLE_COUNT; r++) {
			if (len > 0 && strcmp(oid, xp_role_oid((enum xp_role)r)) == 0) {
				*out = (enum xp_role)r;
				n++;
			}
		}
	}
	CERTIFICATEPOLICIES_free(list);
	return n == 1;
}

bool xp_key_ca_may_grant(const X509 *ca, enum xp_role role)
{
	int critical = 0;
	CERTIFICATEPOLICIES *list = X509_get_ext_d2i(ca, NID_certificate_policies, &critical, NULL);
	bool may = !list && critical == -1; /* there is none, hence no limit */

	for (int i = 0; list && i < sk_POLICYINFO_num(list); i++) {
		const ASN1_OBJECT *o = sk_POLICYINFO_value(list, i)->policyid;
		char oid[128];

		may = may || OBJ_obj2nid(o) == NID_any_policy ||
		      (OBJ_obj2txt(oid, sizeof(oid), o, 1) > 0 &&
		       strcmp(oid, xp_role_oid(role)) == 0);
	}
	CERTIFICATEPOLICIES_free(list);
	return may;
}

int64_t xp_key_time_s(const ASN1_TIME *t)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return INT64_MIN;
	return (int64_t)timegm(&tm);
}

void xp_key_name_text(char *out, size_t size, const X509_NAME *name, int nid)
{
	int at = X509_NAME_get_index_by_NID(name, nid, -1);
	unsigned char *text = NULL;
	int len = at < 0 ? -1
			 : ASN1_STRING_to_UTF8(
				   &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));

	out[0] = 0;
	if (len > 0 && !memchr(text, 0, (size_t)len)) {
		size_t n = (size_t)len < size ? (size_t)len : size - 1;

		/* never in the middle of a character */
		while (n < (size_t)len && n > 0 && (text[n] & 0xc0) == 0x80)
			n--;
		memcpy(out, text, n);
		out[n] = 0;
	}
	OPENSSL_free(text);
}

static enum xp_rc read_key_file(EVP_PKEY **out, const char *path,
				const struct xp_secret *passphrase, struct xp_err *err)
{
	AUTO_MEM char *pem = NULL;
	size_t len = 0;
	enum xp_rc rc;

	TRY(xp_file_read(&pem, &len, path, XP_KEY_FILE_MAX_BYTES, err));
	rc = xp_key_from_pem(out, pem, len, path, passphrase, err);
	xp_wipe(pem, len);
	return rc;
}

/* KEY or TOKEN. */
static enum xp_rc load_with_cert(struct xp_signing_key **out, EVP_PKEY *key,
				 struct xp_token **token, const char *cert_path, struct xp_err *err)
{
	STACK_OF(X509) *certs = NULL;
	STACK_OF(X509_CRL) *crls = NULL;
	AUTO_MEM char *pem = NULL;
	size_t len = 0;
	enum xp_rc rc;

	TRY(xp_file_read(&pem, &len, cert_path, XP_KEY_FILE_MAX_BYTES, err));
	TRY(xp_key_certs_from_pem(&certs, &crls, pem, len, cert_path, err));
	rc = key ? xp_signing_key_make(out, key, certs, crls, err)
		 : xp_signing_key_make_token(out, token, certs, crls, err);
	sk_X509_pop_free(certs, X509_free);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	return rc;
}

enum xp_rc xp_signing_key_load(struct xp_signing_key **out, const char *key_path,
			       const char *cert_path, const struct xp_secret *passphrase,
			       struct xp_err *err)
{
	AUTO(xp_pki_key_free) EVP_PKEY *key = NULL;
	enum xp_rc rc;

	TRY(read_key_file(&key, key_path, passphrase, err));
	rc = load_with_cert(out, key, NULL, cert_path, err);
	if (rc == XP_E_USAGE)
		xp_err_prefix(err, "%s with %s", key_path, cert_path);
	return rc;
}

enum xp_rc xp_signing_key_load_token(struct xp_signing_key **out, struct xp_token **token,
				     const char *cert_path, struct xp_err *err)
{
	enum xp_rc rc = load_with_cert(out, NULL, token, cert_path, err);

	if (rc == XP_E_USAGE)
		xp_err_prefix(err, "the token's key with %s", cert_path);
	return rc;
}
