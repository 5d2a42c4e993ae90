/*
 * timestamp_token: the shape of an RFC 3161 token, read from hostile bytes with our own cursor.
 * DER only; every byte is fixed, or signed, or handed out to be verified.
 */
#pragma once
#include "certs/cms_der.h"
#include "certs/record.h"

#include <openssl/evp.h>

#define XP_TST_CERTS_MAX 16

enum xp_tst_hash { XP_TST_SHA256, XP_TST_SHA384, XP_TST_SHA512 };

/* All pointers point into the bytes that were parsed. */
struct xp_tst {
	/* what is stamped */
	enum xp_tst_hash imprint_hash;
	struct xp_bytes imprint;
	struct xp_bytes nonce; /* INTEGER; empty: none */
	int64_t time_s;	       /* genTime, without its fraction */
	int64_t latest_s;      /* genTime and its accuracy, rounded up: what is stamped is older */
	/* by whom */
	struct xp_bytes certs[XP_TST_CERTS_MAX];
	unsigned certs_n;
	struct xp_bytes issuer; /* Name */
	struct xp_bytes serial; /* INTEGER */
	enum xp_tst_hash ess_hash;
	struct xp_bytes ess;	    /* hash of the certificate, signed */
	struct xp_bytes ess_issuer; /* empty: not given */
	struct xp_bytes ess_serial;
	/* and the signature */
	enum xp_tst_hash hash;
	bool is_rsa;		/* else ECDSA */
	struct xp_bytes info;	/* TSTInfo: the contents of the octet string */
	struct xp_bytes digest; /* messageDigest: of INFO */
	struct xp_bytes attrs;	/* the signed attributes as they stand, tag A0h */
	struct xp_bytes signature;
};

const EVP_MD *xp_tst_md(enum xp_tst_hash h);
/*
 * Everything wrong is added to FINDINGS; true only where nothing was. No signature is verified
 * here, and certificates are checked to be DER, no more.
 */
bool xp_tst_parse(struct xp_tst *out, struct xp_bytes token, struct xp_findings *findings);
