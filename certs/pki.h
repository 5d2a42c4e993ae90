/*
 * pki: certificates and revocation lists for those who have no PKI of their own: an offline root
 * that issues certificates to persons, sites and hosts. P-256 throughout. Pure: nothing is read or
 * written.
 */
#pragma once
#include "base/rng.h"
#include "base/secret.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

enum xp_role { XP_ROLE_PERFORMER, XP_ROLE_VALIDATOR, XP_ROLE_SITE, XP_ROLE_HOST };
#define XP_ROLE_COUNT 4
const char *xp_role_name(enum xp_role v);
bool xp_role_parse(enum xp_role *out, const char *name);
const char *xp_role_oid(enum xp_role v);

/* Whom a certificate names. Texts are UTF-8. */
struct xp_pki_subject {
	const char *name;	  /* commonName */
	const char *name_latin;	  /* NULL: none; the attribute `name` */
	const char *organization; /* NULL: none */
	const char *person_id;	  /* serialNumber: unique for a person at this CA; NULL: none */
};

void xp_pki_key_free(EVP_PKEY **k);
void xp_pki_cert_free(X509 **c);
void xp_pki_crl_free(X509_CRL **c);

/* NULL: a text does not fit. */
X509_NAME *xp_pki_name_new(const struct xp_pki_subject *subject);
/* The policy that grants a role; NULL: no memory. */
CERTIFICATEPOLICIES *xp_pki_role_policies(enum xp_role role);
/* A new P-256 key. */
MUST_USE enum xp_rc xp_pki_key_new(EVP_PKEY **out, struct xp_err *err);
/* A self-signed root that may issue end certificates only (pathlen 0). */
MUST_USE enum xp_rc xp_pki_root_new(X509 **out, EVP_PKEY *key, const struct xp_pki_subject *subject,
				    int64_t from_s, int64_t to_s, struct xp_err *err);
/* A certificate for a role; ISSUER NULL: self-signed with KEY itself. */
MUST_USE enum xp_rc xp_pki_issue(X509 **out, EVP_PKEY *key, enum xp_role role,
				 const struct xp_pki_subject *subject, int64_t from_s, int64_t to_s,
				 X509 *issuer, EVP_PKEY *issuer_key, struct xp_err *err);

/* Why and from when a certificate is revoked. */
struct xp_pki_revocation {
	const X509 *cert;
	const char *serial; /* its number in hex, where CERT is NULL; both NULL: none is added */
	int64_t at_s;
	bool is_key_compromise;
	bool is_superseded;	/* by another key of the same person */
	int64_t invalid_from_s; /* invalidityDate; with is_key_compromise only */
};
/*
 * A complete list, with the entries of PREVIOUS (may be NULL) and the next number. A certificate
 * that is listed already: XP_E_USAGE.
 */
MUST_USE enum xp_rc xp_pki_crl_new(X509_CRL **out, const X509_CRL *previous,
				   const struct xp_pki_revocation *add, X509 *issuer,
				   EVP_PKEY *issuer_key, int64_t from_s, int64_t next_s,
				   struct xp_err *err);

/* PKCS#8 PEM; with a passphrase PBES2 (PBKDF2 with HMAC-SHA-256, 600,000 rounds; AES-256-CBC). */
MUST_USE enum xp_rc xp_pki_key_to_pem(struct xp_secret *out, EVP_PKEY *key,
				      const struct xp_secret *passphrase, struct xp_err *err);
/* PEM, malloc'ed. */
MUST_USE enum xp_rc xp_pki_cert_to_pem(char **out, size_t *len, X509 *cert, struct xp_err *err);
MUST_USE enum xp_rc xp_pki_crl_to_pem(char **out, size_t *len, X509_CRL *crl, struct xp_err *err);
/* The serial number in upper-case hex; false: it is longer than a number may be. */
#define XP_PKI_SERIAL_LEN 64
bool xp_pki_serial(char out[XP_PKI_SERIAL_LEN], const X509 *cert);
/* SHA-256 over the DER. */
MUST_USE enum xp_rc xp_pki_fingerprint(uint8_t out[32], const X509 *cert, struct xp_err *err);

/* "what: the first text that OpenSSL has"; clears its queue. Returns RC. */
enum xp_rc xp_pki_fail(struct xp_err *err, enum xp_rc rc, const char *what);
