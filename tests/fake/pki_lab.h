/* pki_lab: a small PKI in memory for tests: a root, people, keys that sign. Real cryptography. */
#pragma once
#include "certs/key.h"

/* The day of record_sample's job, and of the frozen records. */
#define LAB_NOW_S 1795377600LL /* 2026-11-22T20:00:00Z */
#define LAB_DAY_S 86400LL

struct lab {
	EVP_PKEY *root_key;
	X509 *root;
	X509_CRL *crl;
};

struct lab_person {
	EVP_PKEY *key;
	X509 *cert;
};

/* A root of ten years from LAB_NOW_S minus a year, and its empty list of LAB_NOW_S minus a day. */
void lab_open(struct lab *l);
void lab_close(struct lab *l);
/* A key and a certificate for two years from LAB_NOW_S minus 30 days. */
void lab_person_new(struct lab_person *p, struct lab *l, enum xp_role role, const char *name,
		    const char *person_id);
void lab_person_free(struct lab_person *p);
/* The signing key with the certificate and, if CRL, the list. */
struct xp_signing_key *lab_signing_key(struct lab_person *p, X509_CRL *crl);
/* LAB_NOW_S for ever. */
const struct xp_clock *lab_clock(void);
/* PEM, malloc'ed, with a NUL. */
char *lab_cert_pem(X509 *c);
char *lab_crl_pem(X509_CRL *c);
