/*
 * cms: the strict profile of a detached signature, read from hostile bytes with our own cursor.
 * Every byte is fixed, or handed out to be verified, or compared. [certificates: the signature]
 */
#pragma once
#include "certs/cms_der.h"
#include "certs/record.h"

#define XP_CMS_MAX_BYTES   (1u << 20)
#define XP_CMS_CERTS_MAX   16
#define XP_CMS_CRLS_MAX	   16
#define XP_CMS_SIGNERS_MAX XP_SIGNERS_MAX

enum xp_commitment { XP_PROOF_OF_CREATION, XP_PROOF_OF_APPROVAL };

struct xp_cms_signer {
	struct xp_bytes body;	/* contents of the SignerInfo */
	struct xp_bytes issuer; /* Name */
	struct xp_bytes serial; /* INTEGER */
	struct xp_bytes attrs;	/* the signed attributes as they stand, tag A0h */
	uint8_t message_digest[32];
	struct xp_bytes digest_at; /* where it stands: its octets */
	int64_t signing_time_s;
	struct xp_bytes time_at;    /* with tag and length */
	uint8_t cert_sha256[32];    /* the ESS hash */
	struct xp_bytes ess_issuer; /* Name and INTEGER of the ESS issuerSerial; empty: not given */
	struct xp_bytes ess_serial;
	enum xp_commitment commitment;
	struct xp_bytes signature; /* the octets */
	struct xp_bytes timestamp; /* the token; empty: none */
};

/* All pointers point into the bytes that were parsed. */
struct xp_cms {
	struct xp_bytes certs[XP_CMS_CERTS_MAX];
	unsigned certs_n;
	struct xp_bytes crls[XP_CMS_CRLS_MAX];
	unsigned crls_n;
	struct xp_cms_signer signers[XP_CMS_SIGNERS_MAX];
	unsigned signers_n;
};

/*
 * Checks the profile. Everything wrong is added to FINDINGS; true only where nothing was. Shape
 * only: no signature is verified here, and certificates and CRLs are checked to be DER, no more.
 */
bool xp_cms_parse(struct xp_cms *out, const void *p7s, size_t len, struct xp_findings *findings);
/* Ecdsa-Sig-Value: two positive integers, in DER. */
bool xp_cms_is_ecdsa_value(struct xp_bytes sig);
