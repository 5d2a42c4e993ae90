#include "certs/sign.h"

#include <openssl/cms.h>
#include <openssl/err.h>

#include <string.h>

#include "base/cleanup.h"
#include "certs/cms.h"
#include "certs/key.h"
#include "certs/oids.h"

#define ATTRS_N 5

static void attr(struct xp_buf *out, const char *oid, size_t oid_len, struct xp_buf *value)
{
	struct xp_buf body = {0};

	xp_der_put(&body, XP_DER_OID, oid, oid_len);
	xp_der_wrap(&body, XP_DER_SET, value);
	xp_der_wrap(out, XP_DER_SEQUENCE, &body);
}

#define ATTR(out, oid, value) attr((out), (oid), sizeof(oid) - 1, (value))

static void algorithm(struct xp_buf *out, const char *oid, size_t oid_len)
{
	struct xp_buf body = {0};

	xp_der_put(&body, XP_DER_OID, oid, oid_len);
	xp_der_wrap(out, XP_DER_SEQUENCE, &body);
}

#define ALGORITHM(out, oid) algorithm((out), (oid), sizeof(oid) - 1)

/* SEQUENCE { SEQUENCE OF { ESSCertIDv2 { hash } } }: the default algorithm is left out. */
static void signing_cert(struct xp_buf *out, const uint8_t sha256[32])
{
	struct xp_buf id = {0};
	struct xp_buf list = {0};
	struct xp_buf whole = {0};

	xp_der_put(&id, XP_DER_OCTET_STRING, sha256, 32);
	xp_der_wrap(&list, XP_DER_SEQUENCE, &id);
	xp_der_wrap(&whole, XP_DER_SEQUENCE, &list);
	xp_der_wrap(out, XP_DER_SEQUENCE, &whole);
}

static void commitment(struct xp_buf *out, enum xp_role role)
{
	struct xp_buf body = {0};

	if (role == XP_ROLE_VALIDATOR || role == XP_ROLE_SITE)
		xp_der_put_oid(&body, XP_DER_OID_PROOF_OF_APPROVAL);
	else
		xp_der_put_oid(&body, XP_DER_OID_PROOF_OF_CREATION);
	xp_der_wrap(out, XP_DER_SEQUENCE, &body);
}

/* The signed attributes as a SET (tag 31h: the form that is signed). */
static bool signed_attrs(struct xp_buf *out, const struct xp_signing_key *k, const void *content,
			 size_t len, int64_t at_s)
{
	struct xp_buf attrs[ATTRS_N] = {0};
	struct xp_buf v[ATTRS_N] = {0};
	uint8_t digest[32];
	uint8_t cert[32];
	unsigned n = 0;
	bool ok = EVP_Digest(content, len, digest, &n, EVP_sha256(), NULL) == 1 &&
		  X509_digest(sk_X509_value(k->certs, 0), EVP_sha256(), cert, &n) == 1;

	xp_der_put_oid(&v[0], XP_DER_OID_DATA);
	ATTR(&attrs[0], XP_DER_OID_CONTENT_TYPE, &v[0]);
	xp_der_put(&v[1], XP_DER_OCTET_STRING, digest, sizeof(digest));
	ATTR(&attrs[1], XP_DER_OID_MESSAGE_DIGEST, &v[1]);
	ok = xp_der_put_time(&v[2], at_s) && ok;
	ATTR(&attrs[2], XP_DER_OID_SIGNING_TIME, &v[2]);
	signing_cert(&v[3], cert);
	ATTR(&attrs[3], XP_DER_OID_SIGNING_CERT_V2, &v[3]);
	commitment(&v[4], k->role);
	ATTR(&attrs[4], XP_DER_OID_COMMITMENT, &v[4]);
	xp_der_put_set(out, XP_DER_SET, attrs, ATTRS_N);
	return xp_buf_ok(out) && ok;
}

static enum xp_rc sign_octets(struct xp_buf *out, const struct xp_signing_key *k,
			      const struct xp_buf *attrs, struct xp_err *err)
{
	const struct xp_key_hand hand = xp_key_hand_of(k);
	uint8_t sig[XP_TOKEN_SIGNATURE_MAX_BYTES];
	size_t len = 0;

	TRY(xp_key_sign(sig, &len, &hand, attrs->data, attrs->len, err));
	xp_der_put(out, XP_DER_OCTET_STRING, sig, len);
	return XP_OK;
}

static bool put_name(struct xp_buf *out, const X509_NAME *name)
{
	const unsigned char *der = NULL;
	size_t len = 0;

	if (X509_NAME_get0_der(name, &der, &len) != 1)
		return false;
	xp_buf_add(out, der, len);
	return true;
}

static bool signer_info(struct xp_buf *out, const struct xp_signing_key *k,
			const struct xp_buf *attrs, const struct xp_buf *octets)
{
	X509 *cert = sk_X509_value(k->certs, 0);
	struct xp_buf body = {0};
	struct xp_buf sid = {0};
	unsigned char *serial = NULL;
	int serial_len = i2d_ASN1_INTEGER(X509_get_serialNumber(cert), &serial);
	bool ok = serial_len > 0 && put_name(&sid, X509_get_issuer_name(cert));

	if (ok)
		xp_buf_add(&sid, serial, (size_t)serial_len);
	OPENSSL_free(serial);
	xp_der_put(&body, XP_DER_INTEGER, "\x01", 1);
	xp_der_wrap(&body, XP_DER_SEQUENCE, &sid);
	ALGORITHM(&body, XP_DER_OID_SHA256);
	if (ok) {
		size_t at = body.len;

		xp_buf_add(&body, attrs->data, attrs->len);
		/* inside of the SignerInfo the set wears the tag [0] */
		if (xp_buf_ok(&body))
			body.data[at] = (char)XP_DER_CONTEXT_0;
	}
	ALGORITHM(&body, XP_DER_OID_ECDSA_SHA256);
	xp_buf_add(&body, octets->data, octets->len);
	xp_der_wrap(out, XP_DER_SEQUENCE, &body);
	return ok && xp_buf_ok(out);
}

static bool put_certs(struct xp_buf *out, STACK_OF(X509) * certs)
{
	struct xp_buf list[XP_CMS_CERTS_MAX] = {0};
	int n = sk_X509_num(certs);
	bool ok = n > 0 && n <= XP_CMS_CERTS_MAX;

	for (int i = 0; ok && i < n; i++) {
		unsigned char *der = NULL;
		int len = i2d_X509(sk_X509_value(certs, i), &der);

		ok = len > 0;
		if (ok)
			xp_buf_add(&list[i], der, (size_t)len);
		OPENSSL_free(der);
	}
	xp_der_put_set(out, XP_DER_CONTEXT_0, list, ok ? (size_t)n : XP_CMS_CERTS_MAX);
	return ok;
}

static bool put_crls(struct xp_buf *out, STACK_OF(X509_CRL) * crls)
{
	struct xp_buf list[XP_CMS_CRLS_MAX] = {0};
	int n = sk_X509_CRL_num(crls);
	bool ok = n <= XP_CMS_CRLS_MAX;

	if (n <= 0)
		return true;
	for (int i = 0; ok && i < n; i++) {
		unsigned char *der = NULL;
		int len = i2d_X509_CRL(sk_X509_CRL_value(crls, i), &der);

		ok = len > 0;
		if (ok)
			xp_buf_add(&list[i], der, (size_t)len);
		OPENSSL_free(der);
	}
	xp_der_put_set(out, XP_DER_CONTEXT_1, list, ok ? (size_t)n : XP_CMS_CRLS_MAX);
	return ok;
}

static bool assemble(struct xp_buf *out, const struct xp_signing_key *k, const struct xp_buf *attrs,
		     const struct xp_buf *octets)
{
	struct xp_buf sd = {0};
	struct xp_buf part = {0};
	struct xp_buf content = {0};
	struct xp_buf ci = {0};
	bool ok;

	xp_der_put(&sd, XP_DER_INTEGER, "\x01", 1);
	ALGORITHM(&part, XP_DER_OID_SHA256);
	xp_der_wrap(&sd, XP_DER_SET, &part);
	xp_der_put_oid(&part, XP_DER_OID_DATA);
	xp_der_wrap(&sd, XP_DER_SEQUENCE, &part);
	ok = put_certs(&sd, k->certs) && put_crls(&sd, k->crls) &&
	     signer_info(&part, k, attrs, octets);
	xp_der_wrap(&sd, XP_DER_SET, &part);
	xp_der_wrap(&content, XP_DER_SEQUENCE, &sd);
	xp_der_put_oid(&ci, XP_DER_OID_SIGNED_DATA);
	xp_der_wrap(&ci, XP_DER_CONTEXT_0, &content);
	xp_der_wrap(out, XP_DER_SEQUENCE, &ci);
	return ok && xp_buf_ok(out);
}

/* What was made must pass our own reader and stand for the same bytes in the library's. */
static enum xp_rc check_own(const struct xp_buf *p7s, const struct xp_buf *attrs,
			    struct xp_err *err)
{
	struct xp_findings findings = {0};
	const unsigned char *at = (const unsigned char *)p7s->data;
	struct xp_cms cms;
	CMS_ContentInfo *ci = d2i_CMS_ContentInfo(NULL, &at, (long)p7s->len);
	bool ok = ci && at == (const unsigned char *)p7s->data + p7s->len;
	enum xp_rc rc = XP_OK;

	CMS_ContentInfo_free(ci);
	ERR_clear_error();
	if (!xp_cms_parse(&cms, p7s->data, p7s->len, &findings))
		rc = xp_fail(err, XP_E_INTERNAL, "the new signature breaks its own profile: %s",
			     findings.n ? findings.list[0].text : "no reason");
	else if (!ok || cms.signers_n != 1 || cms.signers[0].attrs.len != attrs->len)
		rc = xp_fail(err, XP_E_INTERNAL, "the new signature cannot be read back");
	xp_findings_free(&findings);
	return rc;
}

enum xp_rc xp_sign(uint8_t **out, size_t *len, const struct xp_signing_key *k, const void *content,
		   size_t content_len, int64_t signed_at_s, struct xp_err *err)
{
	struct xp_buf attrs = {0};
	struct xp_buf octets = {0};
	struct xp_buf p7s = {0};
	enum xp_rc rc;

	if (!signed_attrs(&attrs, k, content, content_len, signed_at_s))
		rc = xp_pki_fail(err, XP_E_INTERNAL, "signing");
	else
		rc = sign_octets(&octets, k, &attrs, err);
	if (rc == XP_OK && (!xp_buf_ok(&octets) || !assemble(&p7s, k, &attrs, &octets)))
		rc = xp_pki_fail(err, XP_E_INTERNAL, "signing");
	if (rc == XP_OK)
		rc = check_own(&p7s, &attrs, err);
	xp_buf_free(&octets);
	xp_buf_free(&attrs);
	if (rc != XP_OK) {
		xp_buf_free(&p7s);
		return rc;
	}
	*len = p7s.len;
	*out = (uint8_t *)STEAL(p7s.data);
	return XP_OK;
}
