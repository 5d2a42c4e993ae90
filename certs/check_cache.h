/*
 * check_cache: chains that were found good, so that ten thousand records of one person cost one
 * chain. Only what is trusted and without any finding is kept, and for the second in which it was
 * judged.
 */
#pragma once
#include "certs/chain.h"
#include "certs/cms.h"

#define XP_CHECK_CACHE_SLOTS 64

/*
 * Certificates that were read already, by their bytes: what comes with ten thousand signatures is
 * decoded once.
 */
#define XP_CHECK_CACHE_CERTS 64

struct xp_check_cache {
	struct {
		uint8_t sha256[32];
		X509 *cert; /* NULL: the slot is empty */
	} certs[XP_CHECK_CACHE_CERTS];
	unsigned next_cert;
	struct {
		uint8_t key[32];
		struct xp_chain chain; /* certs NULL: the slot is empty */
	} slots[XP_CHECK_CACHE_SLOTS];
	unsigned next;
};

/* Over the time, the signer and every certificate and list that came with the signature. */
bool xp_check_cache_key(uint8_t key[32], const struct xp_cms *cms, const uint8_t cert_sha256[32],
			int64_t now_s);
/* A copy with references of its own; false: not known. */
bool xp_check_cache_get(struct xp_chain *out, const struct xp_check_cache *cache,
			const uint8_t key[32]);
void xp_check_cache_put(struct xp_check_cache *cache, const uint8_t key[32],
			const struct xp_chain *chain);
void xp_check_cache_clear(struct xp_check_cache *cache);
/* A reference of the caller's; NULL: not known. */
X509 *xp_check_cache_cert(const struct xp_check_cache *cache, const uint8_t sha256[32]);
void xp_check_cache_put_cert(struct xp_check_cache *cache, const uint8_t sha256[32], X509 *cert);
