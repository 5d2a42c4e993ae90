/* chain_crl: what revocation lists say of one certificate. */
#pragma once
#include "certs/chain.h"

struct xp_crl_view {
	bool any;	/* a list that may be used */
	bool counts;	/* ... and is fresh enough for "good" */
	int64_t date_s; /* thisUpdate of the newest that may be used */
};

/* Is CRL a complete list by ISSUER, verified, dated and free of what this version does not know? */
bool xp_crl_is_usable(X509_CRL *crl, X509 *issuer, int64_t now_s, const char **why);
/* Judges CERT, issued by ISSUER, by all lists of IN; adds what is wrong to FINDINGS. */
void xp_crl_judge(struct xp_crl_view *out, const struct xp_chain_input *in, X509 *cert,
		  X509 *issuer, struct xp_findings *findings);
