/*
 * chain: from a signer's certificate up to an anchor that the verifier named, and what revocation
 * lists say of each step. Nothing is trusted that was not named. [certificates: time and
 * revocation]
 */
#pragma once
#include "certs/cms_der.h"
#include "certs/record.h"

#include <openssl/x509.h>

#define XP_TRUST_FINGERPRINTS_MAX 16

/* What the verifier trusts and knows. Zeroed to begin with; xp_trust_init makes the stacks. */
struct xp_trust {
	STACK_OF(X509) * anchors;
	uint8_t fingerprints[XP_TRUST_FINGERPRINTS_MAX][32];
	unsigned fingerprints_n;
	STACK_OF(X509_CRL) * crls;
	bool *crl_used; /* as many as crls: it was by somebody in a chain; set by any thread */
	int crl_used_n;
};

MUST_USE enum xp_rc xp_trust_init(struct xp_trust *t, struct xp_err *err);
void xp_trust_free(struct xp_trust *t);
/* Every certificate of a PEM text becomes an anchor. XP_E_USAGE: there is none. */
MUST_USE enum xp_rc xp_trust_add_anchors(struct xp_trust *t, const char *pem, size_t len,
					 const char *name, struct xp_err *err);
/*
 * SHA-256 of a certificate, in hex; blanks and colons may stand between. From now on an anchor must
 * have one of the fingerprints, and an embedded certificate that has one is an anchor.
 */
MUST_USE enum xp_rc xp_trust_add_fingerprint(struct xp_trust *t, const char *hex,
					     struct xp_err *err);
/* Lists in PEM or one in DER. XP_E_USAGE: there is none. */
MUST_USE enum xp_rc xp_trust_add_crls(struct xp_trust *t, const char *data, size_t len,
				      const char *name, struct xp_err *err);
/* Once everything was added: does every anchor have one of the fingerprints, where there are any?
 */
MUST_USE enum xp_rc xp_trust_check(const struct xp_trust *t, struct xp_err *err);

/* Before chains are checked: which lists are of use will be known. XP_E_NOMEM. */
MUST_USE enum xp_rc xp_trust_watch_crls(struct xp_trust *t, struct xp_err *err);

/* One signer's way up. Freed with xp_chain_free. */
struct xp_chain {
	bool is_trusted;
	STACK_OF(X509) * certs; /* the signer first, the anchor last; NULL where there is no way */
	uint8_t anchor_sha256[32];
	bool has_issuer;    /* false: the signer is the anchor itself, no list can speak of it */
	bool crl_known;	    /* each step has a list that counts */
	int64_t crl_date_s; /* thisUpdate of the oldest of them */
};

struct xp_chain_input {
	const struct xp_trust *trust;
	X509 *signer;
	STACK_OF(X509) * embedded;
	STACK_OF(X509_CRL) * embedded_crls;
	int64_t now_s;
	int64_t signing_time_s;
	bool proven; /* the signature is proven to be older than proven_s */
	int64_t proven_s;
};

/* RC of X509_verify_cert: the path leads to no root that was named. */
bool xp_chain_ends_in_the_air(int rc);
/* Builds and judges. Everything wrong is added to FINDINGS. */
void xp_chain_check(struct xp_chain *out, const struct xp_chain_input *in,
		    struct xp_findings *findings);
void xp_chain_free(struct xp_chain *c);

/*
 * A certificate or a list of which every byte is signed, or fixed, or the signature: DER
 * throughout, the outer algorithm equal to the inner one, no unused bits in the signature.
 */
bool xp_signed_object_is_exact(struct xp_bytes der);
