#include "certs/pki_request.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <string.h>

#include "base/cleanup.h"
#include "certs/oids.h"

static void bio_free(BIO **b)
{
	BIO_free_all(*b);
	*b = NULL;
}

static void req_free(X509_REQ **r)
{
	X509_REQ_free(*r);
	*r = NULL;
}

static bool add_ext(STACK_OF(X509_EXTENSION) * list, X509_REQ *req, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, NULL, NULL, req, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (ext && sk_X509_EXTENSION_push(list, ext) > 0)
		return true;
	X509_EXTENSION_free(ext);
	return false;
}

static bool add_exts(X509_REQ *req, enum xp_role role)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	CERTIFICATEPOLICIES *policies = xp_pki_role_policies(role);
	bool ok =
		list && policies &&
		add_ext(list, req, NID_basic_constraints, "critical,CA:FALSE") &&
		add_ext(list, req, NID_key_usage, "critical,digitalSignature,nonRepudiation") &&
		add_ext(list, req, NID_ext_key_usage, "emailProtection," XP_OID_DOCUMENT_SIGNING) &&
		X509V3_add1_i2d(&list, NID_certificate_policies, policies, 0, X509V3_ADD_APPEND) ==
			1 &&
		X509_REQ_add_extensions(req, list) == 1;

	CERTIFICATEPOLICIES_free(policies);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return ok;
}

/* The library signs only with keys of its own; this one may be on a token. */
static enum xp_rc sign(X509_REQ *req, const struct xp_key_hand *hand, struct xp_err *err)
{
	uint8_t sig[XP_TOKEN_SIGNATURE_MAX_BYTES];
	unsigned char *body = NULL;
	int body_len = i2d_re_X509_REQ_tbs(req, &body);
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	X509_ALGOR *alg = X509_ALGOR_new();
	size_t len = 0;
	enum xp_rc rc = XP_E_INTERNAL;

	if (body_len <= 0 || !bits || !alg ||
	    !X509_ALGOR_set0(alg, OBJ_nid2obj(NID_ecdsa_with_SHA256), V_ASN1_UNDEF, NULL))
		xp_pki_fail(err, rc, "certificate request");
	else
		rc = xp_key_sign(sig, &len, hand, body, (size_t)body_len, err);
	if (rc == XP_OK && (ASN1_BIT_STRING_set(bits, sig, (int)len) != 1 ||
			    X509_REQ_set1_signature_algo(req, alg) != 1))
		rc = xp_pki_fail(err, XP_E_INTERNAL, "certificate request");
	if (rc == XP_OK) {
		/* all bits of the last octet count */
		bits->flags &= ~(long)7;
		bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;
		X509_REQ_set0_signature(req, STEAL(bits));
		if (X509_REQ_verify(req, hand->public_key) != 1)
			rc = xp_pki_fail(err, XP_E_INTERNAL, "certificate request");
	}
	OPENSSL_free(body);
	ASN1_BIT_STRING_free(bits);
	X509_ALGOR_free(alg);
	return rc;
}

enum xp_rc xp_request_make(char **pem, size_t *len, const struct xp_key_hand *hand,
			   enum xp_role role, const struct xp_pki_subject *subject,
			   struct xp_err *err)
{
	AUTO(req_free) X509_REQ *req = X509_REQ_new();
	AUTO(bio_free) BIO *b = BIO_new(BIO_s_mem());
	X509_NAME *name = xp_pki_name_new(subject);
	bool ok = name && req && X509_REQ_set_subject_name(req, name) == 1;
	char *data = NULL;
	long n;

	X509_NAME_free(name);
	if (!ok)
		return xp_pki_fail(err, XP_E_USAGE, "a name does not fit into a certificate");
	if (!b || X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_pubkey(req, hand->public_key) != 1 || !add_exts(req, role))
		return xp_pki_fail(err, XP_E_INTERNAL, "certificate request");
	TRY(sign(req, hand, err));
	n = PEM_write_bio_X509_REQ(b, req) == 1 ? BIO_get_mem_data(b, &data) : 0;
	if (n <= 0)
		return xp_pki_fail(err, XP_E_INTERNAL, "certificate request");
	*pem = malloc((size_t)n + 1);
	if (!*pem)
		return xp_fail(err, XP_E_NOMEM, "certificate request");
	memcpy(*pem, data, (size_t)n);
	(*pem)[n] = 0;
	*len = (size_t)n;
	return XP_OK;
}

enum xp_rc xp_request_read(struct xp_request *out, const char *pem, size_t len, const char *name,
			   struct xp_err *err)
{
	AUTO(req_free) X509_REQ *req = NULL;
	AUTO(bio_free) BIO *b = NULL;
	AUTO(xp_pki_key_free) EVP_PKEY *key = NULL;
	const X509_NAME *subject;

	*out = (struct xp_request){0};
	if (len > XP_KEY_FILE_MAX_BYTES)
		return xp_fail(err, XP_E_USAGE, "%s: too large for a certificate request", name);
	b = BIO_new_mem_buf(pem, (int)len);
	req = b ? PEM_read_bio_X509_REQ(b, NULL, NULL, NULL) : NULL;
	if (!req)
		return xp_pki_fail(err, XP_E_USAGE, name);
	key = X509_REQ_get_pubkey(req);
	if (!key || !xp_key_is_p256(key)) {
		ERR_clear_error();
		return xp_fail(err, XP_E_USAGE, "%s: its key is not on the curve P-256", name);
	}
	if (X509_REQ_verify(req, key) != 1) {
		ERR_clear_error();
		return xp_fail(err, XP_E_USAGE,
			       "%s: not signed by its own key: who sent it may not have that key",
			       name);
	}
	subject = X509_REQ_get_subject_name(req);
	xp_key_name_text(out->name, sizeof(out->name), subject, NID_commonName);
	xp_key_name_text(out->name_latin, sizeof(out->name_latin), subject, NID_name);
	xp_key_name_text(out->organization, sizeof(out->organization), subject,
			 NID_organizationName);
	out->key = STEAL(key);
	return XP_OK;
}

void xp_request_free(struct xp_request *r)
{
	EVP_PKEY_free(r->key);
	*r = (struct xp_request){0};
}
