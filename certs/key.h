/* key: what a signing key is inside, and reading PKCS#8 and certificate files. */
#pragma once
#include "certs/cms_der.h"
#include "certs/key_pkcs11.h"
#include "certs/pki.h"
#include "certs/sign.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#define XP_KEY_FILE_MAX_BYTES (1u << 20)

struct xp_signing_key {
	EVP_PKEY *key;		   /* NULL where a token holds it */
	struct xp_token *token;	   /* NULL where the key is ours */
	STACK_OF(X509) * certs;	   /* the signer's first, then the intermediates */
	STACK_OF(X509_CRL) * crls; /* go into each signature */
	enum xp_role role;
	bool role_is_granted; /* by the certificate; else performer is only what the record says */
};

/* The private key in PEM bytes. PKCS#8 only, P-256 only, bounded key derivation. */
MUST_USE enum xp_rc xp_key_from_pem(EVP_PKEY **out, const char *pem, size_t len, const char *name,
				    const struct xp_secret *passphrase, struct xp_err *err);
/* All certificates and lists of a PEM text; at least one certificate. */
MUST_USE enum xp_rc xp_key_certs_from_pem(STACK_OF(X509) * *certs, STACK_OF(X509_CRL) * *crls,
					  const char *pem, size_t len, const char *name,
					  struct xp_err *err);
/* From the parts, with the trial signature; takes nothing, adds references. */
MUST_USE enum xp_rc xp_signing_key_make(struct xp_signing_key **out, EVP_PKEY *key,
					STACK_OF(X509) * certs, STACK_OF(X509_CRL) * crls,
					struct xp_err *err);
/* The same with a key on a token, which the signing key takes when all went well. */
MUST_USE enum xp_rc xp_signing_key_make_token(struct xp_signing_key **out, struct xp_token **token,
					      STACK_OF(X509) * certs, STACK_OF(X509_CRL) * crls,
					      struct xp_err *err);

/* What signs: a key of ours, or one on a token (KEY NULL); and what must accept the signature. */
struct xp_key_hand {
	EVP_PKEY *key;
	struct xp_token *token;
	EVP_PKEY *public_key;
};
/* Borrows from K. */
struct xp_key_hand xp_key_hand_of(const struct xp_signing_key *k);
/*
 * ECDSA with SHA-256 over a message, in DER. XP_E_USAGE where PUBLIC_KEY does not accept what was
 * made.
 */
MUST_USE enum xp_rc xp_key_sign(uint8_t out[XP_TOKEN_SIGNATURE_MAX_BYTES], size_t *out_len,
				const struct xp_key_hand *hand, const void *message, size_t len,
				struct xp_err *err);
/* Is KEY on P-256, by the named curve? */
bool xp_key_is_p256(const EVP_PKEY *key);
#define XP_KEY_POINT_LEN 65
/* The uncompressed point of a public key on P-256. */
bool xp_key_point(uint8_t out[XP_KEY_POINT_LEN], const EVP_PKEY *key);
/* The public key of such a point; NULL: it is none of that curve. */
EVP_PKEY *xp_key_of_point(uint8_t *point, size_t len);
/* The role that the certificate's policies grant; false: none, or more than one. */
bool xp_key_cert_role(enum xp_role *out, const X509 *cert);
/* Does a CA's certificatePolicies leave room for the role? It does where there is none. */
bool xp_key_ca_may_grant(const X509 *ca, enum xp_role role);
/* Seconds since 1970 of a certificate's or list's time; INT64_MIN where it is no time. */
int64_t xp_key_time_s(const ASN1_TIME *t);
/* An attribute of a name as UTF-8, cut to fit; empty where it is absent. */
void xp_key_name_text(char *out, size_t size, const X509_NAME *name, int nid);
/* Is the certificate one that may sign records? Else *WHY says what it lacks. */
bool xp_key_cert_is_fit(X509 *cert, const char **why);
/* Do ISSUER (a Name) and SERIAL (an INTEGER) name the certificate, byte for byte? */
bool xp_key_cert_is_named(X509 *cert, struct xp_bytes issuer, struct xp_bytes serial);
