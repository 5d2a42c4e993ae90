#include "tests/fake/tsa_lab.h"

#include <openssl/cms.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "certs/oids.h"

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "tsa_lab: %s\n", what);
		abort();
	}
}

static void add_ext(X509 *c, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(ext && X509_add_ext(c, ext, -1) == 1, value);
	X509_EXTENSION_free(ext);
}

/* ISSUER NULL: a root. */
static X509 *new_cert(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key,
		      const char *eku)
{
	static long serial = 1000;
	X509 *c = X509_new();
	X509_NAME *n = X509_NAME_new();
	X509 *by = issuer ? issuer : c;

	must(c && n && X509_set_version(c, X509_VERSION_3) == 1 &&
		     ASN1_INTEGER_set(X509_get_serialNumber(c), serial++) == 1 &&
		     X509_NAME_add_entry_by_NID(n, NID_commonName, MBSTRING_UTF8,
						(const unsigned char *)name, -1, -1, 0) == 1 &&
		     X509_set_subject_name(c, n) == 1 &&
		     X509_set_issuer_name(c, X509_get_subject_name(by)) == 1 &&
		     ASN1_TIME_set(X509_getm_notBefore(c), LAB_NOW_S - 365 * LAB_DAY_S) &&
		     ASN1_TIME_set(X509_getm_notAfter(c), LAB_NOW_S + 3285 * LAB_DAY_S) &&
		     X509_set_pubkey(c, key) == 1,
	     "certificate");
	X509_NAME_free(n);
	add_ext(c, by, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
	add_ext(c, by, NID_key_usage,
		issuer ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
	if (eku)
		add_ext(c, by, NID_ext_key_usage, eku);
	add_ext(c, by, NID_subject_key_identifier, "hash");
	add_ext(c, by, NID_authority_key_identifier, "keyid:always");
	must(X509_sign(c, issuer ? issuer_key : key, EVP_sha256()) > 0, "certificate");
	return c;
}

void tsa_lab_open(struct tsa_lab *t, const char *eku, bool rsa)
{
	*t = (struct tsa_lab){.key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")};
	must(xp_pki_key_new(&t->root_key, NULL) == XP_OK && t->key, "key");
	t->root = new_cert(t->root_key, "Time Root", NULL, NULL, NULL);
	t->cert = new_cert(t->key, "Time Authority", t->root, t->root_key, eku);
}

void tsa_lab_open_below(struct tsa_lab *t, struct lab *l)
{
	*t = (struct tsa_lab){.root_key = l->root_key, .root = l->root};
	must(EVP_PKEY_up_ref(l->root_key) == 1 && X509_up_ref(l->root) == 1, "reference");
	must(xp_pki_key_new(&t->key, NULL) == XP_OK, "key");
	t->cert = new_cert(t->key, "Time Authority", t->root, t->root_key, TSA_EKU);
}

void tsa_lab_close(struct tsa_lab *t)
{
	xp_pki_key_free(&t->root_key);
	xp_pki_key_free(&t->key);
	xp_pki_cert_free(&t->root);
	xp_pki_cert_free(&t->cert);
}

static void put_info(struct xp_buf *out, const struct tsa_stamp *s)
{
	const EVP_MD *md = s->imprint ? s->imprint : EVP_sha256();
	ASN1_OBJECT *oid = OBJ_nid2obj(EVP_MD_get_type(md));
	struct xp_buf body = {0};
	struct xp_buf imprint = {0};
	struct xp_buf alg = {0};
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char t[XP_TIME_LEN];
	char full[32];

	must(EVP_Digest(s->signature.data, s->signature.len, digest, &n, md, NULL) == 1, "digest");
	xp_der_put(&body, XP_DER_INTEGER, "\x01", 1);
	xp_der_put(&body, XP_DER_OID, "\x2a\x03\x04", 3);
	xp_der_put(&alg, XP_DER_OID, OBJ_get0_data(oid), OBJ_length(oid));
	xp_der_put(&alg, 0x05, NULL, 0);
	xp_der_wrap(&imprint, XP_DER_SEQUENCE, &alg);
	xp_der_put(&imprint, XP_DER_OCTET_STRING, digest, n);
	xp_der_wrap(&body, XP_DER_SEQUENCE, &imprint);
	xp_der_put(&body, XP_DER_INTEGER, "\x07", 1);
	xp_time_format(t, s->at_s);
	snprintf(full, sizeof(full), "%.4s%.2s%.2s%.2s%.2s%.2sZ", t, t + 5, t + 8, t + 11, t + 14,
		 t + 17);
	xp_der_put(&body, XP_DER_GENERALIZED_TIME, s->time ? s->time : full,
		   strlen(s->time ? s->time : full));
	if (s->behind.len)
		xp_buf_add(&body, s->behind.data, s->behind.len);
	if (s->nonce.len)
		xp_buf_add(&body, s->nonce.data, s->nonce.len);
	xp_der_wrap(out, XP_DER_SEQUENCE, &body);
}

uint8_t *tsa_lab_token(struct tsa_lab *t, const struct tsa_stamp *s, size_t *len)
{
	const unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | CMS_PARTIAL;
	CMS_ContentInfo *ci = CMS_sign(NULL, NULL, NULL, NULL, flags);
	ASN1_OBJECT *type = OBJ_nid2obj(NID_id_smime_ct_TSTInfo);
	struct xp_buf info = {0};
	unsigned char *der = NULL;
	BIO *data;
	uint8_t *out;
	int n;

	put_info(&info, s);
	data = BIO_new_mem_buf(info.data, (int)info.len);
	must(ci && data && CMS_set1_eContentType(ci, type) == 1 && CMS_set_detached(ci, 0) == 1 &&
		     CMS_add1_signer(ci, t->cert, t->key, s->digest ? s->digest : EVP_sha256(),
				     flags | (s->no_ess ? 0u : CMS_CADES)) &&
		     (!s->extra || CMS_add1_cert(ci, s->extra) == 1) &&
		     (!s->crl || CMS_add1_crl(ci, s->crl) == 1) &&
		     CMS_final(ci, data, NULL, CMS_BINARY) == 1,
	     "token");
	n = i2d_CMS_ContentInfo(ci, &der);
	must(n > 0, "token");
	out = malloc((size_t)n);
	must(out, "memory");
	memcpy(out, der, (size_t)n);
	*len = (size_t)n;
	OPENSSL_free(der);
	CMS_ContentInfo_free(ci);
	BIO_free(data);
	xp_buf_free(&info);
	return out;
}

X509_CRL *tsa_lab_revoke(struct tsa_lab *t, int64_t at_s, int reason)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_ENUMERATED *why = ASN1_ENUMERATED_new();
	ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)at_s);
	ASN1_TIME *from = ASN1_TIME_set(NULL, LAB_NOW_S);
	ASN1_TIME *to = ASN1_TIME_set(NULL, LAB_NOW_S + 30 * LAB_DAY_S);

	must(crl && r && why && at && from && to && ASN1_ENUMERATED_set(why, reason) == 1 &&
		     X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(t->cert)) == 1 &&
		     X509_REVOKED_set_revocationDate(r, at) == 1 &&
		     X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, why, 0, 0) == 1 &&
		     X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
		     X509_CRL_set_issuer_name(crl, X509_get_subject_name(t->root)) == 1 &&
		     X509_CRL_set1_lastUpdate(crl, from) == 1 &&
		     X509_CRL_set1_nextUpdate(crl, to) == 1 && X509_CRL_add0_revoked(crl, r) == 1 &&
		     X509_CRL_sign(crl, t->root_key, EVP_sha256()) > 0,
	     "list");
	ASN1_ENUMERATED_free(why);
	ASN1_TIME_free(at);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return crl;
}
