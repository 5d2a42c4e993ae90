/*
 * timestamp_check: does a token prove that a signature is older than some time, by the word of an
 * authority that the verifier named? The signers' anchors play no part in it. [RFC 3161]
 */
#pragma once
#include "certs/chain.h"
#include "certs/timestamp_token.h"

struct xp_timestamp_input {
	struct xp_bytes token;
	struct xp_bytes signature; /* the octets that must be stamped */
	const char *name;	   /* whose they are, for the findings */
	int64_t now_s;
	int64_t signing_time_s;
	/* NULL: nobody is asked for; only what the token itself can show is looked at */
	STACK_OF(X509) * anchors;
	STACK_OF(X509_CRL) * crls; /* NULL: none */
	bool *crl_used;		   /* of xp_trust; NULL: nobody asks */
};

struct xp_timestamp {
	bool is_good;	 /* nothing at all was found but W_ */
	int64_t time_s;	 /* the authority's time */
	int64_t older_s; /* the signature is older than this: the time and its accuracy */
	char authority[128];
	uint8_t anchor_sha256[32];
};

/* Everything wrong is added to FINDINGS. */
void xp_timestamp_check(struct xp_timestamp *out, const struct xp_timestamp_input *in,
			struct xp_findings *findings);
