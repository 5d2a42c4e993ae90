#include "certs/key.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/oids.h"

static bool has_purposes(const X509 *cert)
{
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	bool email = false;
	bool document = false;

	for (int i = 0; eku && i < sk_ASN1_OBJECT_num(eku); i++) {
		const ASN1_OBJECT *o = sk_ASN1_OBJECT_value(eku, i);
		char oid[64];

		if (OBJ_obj2nid(o) == NID_email_protect)
			email = true;
		else if (OBJ_obj2txt(oid, sizeof(oid), o, 1) > 0 &&
			 strcmp(oid, XP_OID_DOCUMENT_SIGNING) == 0)
			document = true;
	}
	EXTENDED_KEY_USAGE_free(eku);
	return email && document;
}

bool xp_key_cert_is_fit(X509 *cert, const char **why)
{
	uint32_t flags = X509_get_extension_flags(cert);

	*why = NULL;
	if (flags & EXFLAG_INVALID)
		*why = "its extensions are malformed";
	else if (!xp_key_is_p256(X509_get0_pubkey(cert)))
		*why = "its key is not on the curve P-256";
	else if (flags & EXFLAG_CA)
		*why = "it is a CA's";
	else if (!(flags & EXFLAG_KUSAGE) || !(X509_get_key_usage(cert) & KU_DIGITAL_SIGNATURE))
		*why = "its key usage does not allow signatures";
	else if (!has_purposes(cert))
		*why = "its extended key usage lacks emailProtection or documentSigning";
	ERR_clear_error();
	return !*why;
}

bool xp_key_cert_is_named(X509 *cert, struct xp_bytes issuer, struct xp_bytes serial)
{
	const unsigned char *name = NULL;
	unsigned char *der = NULL;
	size_t name_len = 0;
	int der_len = i2d_ASN1_INTEGER(X509_get_serialNumber(cert), &der);
	bool same = der_len > 0 &&
		    X509_NAME_get0_der(X509_get_issuer_name(cert), &name, &name_len) == 1 &&
		    xp_bytes_equal(issuer, name, name_len) &&
		    xp_bytes_equal(serial, der, (size_t)der_len);

	OPENSSL_free(der);
	return same;
}

struct xp_key_hand xp_key_hand_of(const struct xp_signing_key *k)
{
	return (struct xp_key_hand){
		.key = k->key,
		.token = k->token,
		.public_key = X509_get0_pubkey(sk_X509_value(k->certs, 0)),
	};
}

static enum xp_rc trial_signature(const struct xp_signing_key *k, struct xp_err *err)
{
	static const uint8_t message[] = "trial signature";
	const struct xp_key_hand hand = xp_key_hand_of(k);
	uint8_t sig[XP_TOKEN_SIGNATURE_MAX_BYTES];
	size_t len = 0;

	return xp_key_sign(sig, &len, &hand, message, sizeof(message), err);
}

/* The signer's certificate and those that lead up from it; a root stays out. */
static bool keep_chain(STACK_OF(X509) * to, STACK_OF(X509) * from)
{
	X509 *last = sk_X509_value(from, 0);

	if (!X509_up_ref(last))
		return false;
	if (!sk_X509_push(to, last)) {
		X509_free(last);
		return false;
	}
	for (int round = 1; round < sk_X509_num(from); round++) {
		X509 *next = NULL;

		if (X509_check_issued(last, last) == X509_V_OK)
			break;
		for (int i = 1; i < sk_X509_num(from) && !next; i++)
			if (X509_check_issued(sk_X509_value(from, i), last) == X509_V_OK)
				next = sk_X509_value(from, i);
		if (!next || X509_check_issued(next, next) == X509_V_OK)
			break;
		if (!X509_up_ref(next))
			return false;
		if (!sk_X509_push(to, next)) {
			X509_free(next);
			return false;
		}
		last = next;
	}
	return true;
}

/* The lists of those who issued a certificate that is kept. */
static bool keep_crls(STACK_OF(X509_CRL) * to, STACK_OF(X509_CRL) * from, STACK_OF(X509) * certs)
{
	for (int i = 0; from && i < sk_X509_CRL_num(from); i++) {
		X509_CRL *crl = sk_X509_CRL_value(from, i);
		bool used = false;

		for (int k = 0; k < sk_X509_num(certs); k++)
			used |= X509_NAME_cmp(X509_CRL_get_issuer(crl),
					      X509_get_issuer_name(sk_X509_value(certs, k))) == 0;
		if (!used)
			continue;
		if (!X509_CRL_up_ref(crl))
			return false;
		if (!sk_X509_CRL_push(to, crl)) {
			X509_CRL_free(crl);
			return false;
		}
	}
	return true;
}

static enum xp_rc make(struct xp_signing_key *k, STACK_OF(X509) * certs, STACK_OF(X509_CRL) * crls,
		       struct xp_err *err)
{
	const char *why = NULL;

	if (sk_X509_num(certs) < 1)
		return xp_fail(err, XP_E_USAGE, "there is no certificate in the file");
	k->certs = sk_X509_new_null();
	k->crls = sk_X509_CRL_new_null();
	if (!k->certs || !k->crls || !keep_chain(k->certs, certs) ||
	    !keep_crls(k->crls, crls, k->certs))
		return xp_fail(err, XP_E_NOMEM, "signing key");
	if (!xp_key_cert_is_fit(sk_X509_value(k->certs, 0), &why))
		return xp_fail(err, XP_E_USAGE, "the certificate is not fit to sign records: %s",
			       why);
	TRY(trial_signature(k, err));
	k->role = XP_ROLE_PERFORMER;
	k->role_is_granted = xp_key_cert_role(&k->role, sk_X509_value(k->certs, 0));
	if (!k->role_is_granted)
		k->role = XP_ROLE_PERFORMER;
	return XP_OK;
}

enum xp_rc xp_signing_key_make(struct xp_signing_key **out, EVP_PKEY *key, STACK_OF(X509) * certs,
			       STACK_OF(X509_CRL) * crls, struct xp_err *err)
{
	AUTO(xp_signing_key_free) struct xp_signing_key *k = calloc(1, sizeof(*k));

	if (!k || !EVP_PKEY_up_ref(key))
		return xp_fail(err, XP_E_NOMEM, "signing key");
	k->key = key;
	TRY(make(k, certs, crls, err));
	*out = STEAL(k);
	return XP_OK;
}

enum xp_rc xp_signing_key_make_token(struct xp_signing_key **out, struct xp_token **token,
				     STACK_OF(X509) * certs, STACK_OF(X509_CRL) * crls,
				     struct xp_err *err)
{
	AUTO(xp_signing_key_free) struct xp_signing_key *k = calloc(1, sizeof(*k));
	enum xp_rc rc;

	if (!k)
		return xp_fail(err, XP_E_NOMEM, "signing key");
	k->token = *token;
	rc = make(k, certs, crls, err);
	if (rc != XP_OK) {
		k->token = NULL;
		return rc;
	}
	*token = NULL;
	*out = STEAL(k);
	return XP_OK;
}

void xp_signing_key_free(struct xp_signing_key **k)
{
	if (!*k)
		return;
	EVP_PKEY_free((*k)->key);
	xp_token_free(&(*k)->token);
	sk_X509_pop_free((*k)->certs, X509_free);
	sk_X509_CRL_pop_free((*k)->crls, X509_CRL_free);
	free(*k);
	*k = NULL;
}

void xp_signing_key_describe(struct xp_signer *signer, struct xp_person *person,
			     const struct xp_signing_key *k)
{
	const X509 *cert = sk_X509_value(k->certs, 0);
	const X509_NAME *name = X509_get_subject_name(cert);
	unsigned n = 0;

	*signer = (struct xp_signer){0};
	*person = (struct xp_person){0};
	snprintf(signer->role, sizeof(signer->role), "%s", xp_role_name(k->role));
	snprintf(signer->alg, sizeof(signer->alg), "ecdsa-p256-sha256");
	if (!X509_digest(cert, EVP_sha256(), signer->cert_sha256, &n))
		memset(signer->cert_sha256, 0, sizeof(signer->cert_sha256));
	snprintf(person->role, sizeof(person->role), "%s", signer->role);
	xp_key_name_text(person->name, sizeof(person->name), name, NID_commonName);
	xp_key_name_text(person->name_latin, sizeof(person->name_latin), name, NID_name);
	xp_key_name_text(person->organization, sizeof(person->organization), name,
			 NID_organizationName);
}

void xp_signing_key_validity(int64_t *not_before_s, int64_t *not_after_s,
			     const struct xp_signing_key *k)
{
	const X509 *cert = sk_X509_value(k->certs, 0);

	*not_before_s = xp_key_time_s(X509_get0_notBefore(cert));
	*not_after_s = xp_key_time_s(X509_get0_notAfter(cert));
}
