/* tsa_lab: a timestamp authority in memory, which can also do what no good one does. */
#pragma once
#include "certs/cms_der.h"
#include "tests/fake/pki_lab.h"

#define TSA_EKU "critical,timeStamping"

struct tsa_lab {
	EVP_PKEY *root_key;
	X509 *root;
	EVP_PKEY *key;
	X509 *cert;
};

struct tsa_stamp {
	int64_t at_s;
	struct xp_bytes signature; /* what is stamped */
	struct xp_bytes nonce;	   /* INTEGER; empty: none */
	const EVP_MD *imprint;	   /* NULL: SHA-256 */
	const EVP_MD *digest;	   /* NULL: SHA-256 */
	const char *time;	   /* GeneralizedTime as it shall stand; NULL: AT_S */
	struct xp_bytes behind;	   /* members behind the time: accuracy, extensions */
	bool no_ess;
	X509 *extra; /* one more certificate; NULL: none */
	X509_CRL *crl;
};

/* A root of its own and an authority below it, for ten years. EKU NULL: no such extension. */
void tsa_lab_open(struct tsa_lab *t, const char *eku, bool rsa);
/* An authority below the root of the signers. */
void tsa_lab_open_below(struct tsa_lab *t, struct lab *l);
void tsa_lab_close(struct tsa_lab *t);
/* A token, malloc'ed. */
uint8_t *tsa_lab_token(struct tsa_lab *t, const struct tsa_stamp *s, size_t *len);
/* A list of the root's that revokes the authority's certificate at AT_S; REASON by its number. */
X509_CRL *tsa_lab_revoke(struct tsa_lab *t, int64_t at_s, int reason);
