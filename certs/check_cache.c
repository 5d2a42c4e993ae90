#include "certs/check_cache.h"

#include <openssl/evp.h>

#include <string.h>

static bool add_all(EVP_MD_CTX *c, const struct xp_bytes *list, unsigned n)
{
	uint64_t len = n;
	bool ok = EVP_DigestUpdate(c, &len, sizeof(len)) == 1;

	for (unsigned i = 0; ok && i < n; i++) {
		len = list[i].len;
		ok = EVP_DigestUpdate(c, &len, sizeof(len)) == 1 &&
		     EVP_DigestUpdate(c, list[i].data, list[i].len) == 1;
	}
	return ok;
}

bool xp_check_cache_key(uint8_t key[32], const struct xp_cms *cms, const uint8_t cert_sha256[32],
			int64_t now_s)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestInit_ex2(c, EVP_sha256(), NULL) == 1 &&
		  EVP_DigestUpdate(c, &now_s, sizeof(now_s)) == 1 &&
		  EVP_DigestUpdate(c, cert_sha256, 32) == 1 &&
		  add_all(c, cms->certs, cms->certs_n) && add_all(c, cms->crls, cms->crls_n) &&
		  EVP_DigestFinal_ex(c, key, NULL) == 1;

	EVP_MD_CTX_free(c);
	return ok;
}

bool xp_check_cache_get(struct xp_chain *out, const struct xp_check_cache *cache,
			const uint8_t key[32])
{
	for (unsigned i = 0; i < XP_CHECK_CACHE_SLOTS; i++) {
		if (!cache->slots[i].chain.certs || memcmp(cache->slots[i].key, key, 32) != 0)
			continue;
		*out = cache->slots[i].chain;
		out->certs = X509_chain_up_ref(cache->slots[i].chain.certs);
		return out->certs != NULL;
	}
	return false;
}

void xp_check_cache_put(struct xp_check_cache *cache, const uint8_t key[32],
			const struct xp_chain *chain)
{
	unsigned i = cache->next;

	xp_chain_free(&cache->slots[i].chain);
	cache->slots[i].chain = *chain;
	cache->slots[i].chain.certs = X509_chain_up_ref(chain->certs);
	memcpy(cache->slots[i].key, key, 32);
	cache->next = (i + 1) % XP_CHECK_CACHE_SLOTS;
}

X509 *xp_check_cache_cert(const struct xp_check_cache *cache, const uint8_t sha256[32])
{
	for (unsigned i = 0; i < XP_CHECK_CACHE_CERTS && cache->certs[i].cert; i++)
		if (memcmp(cache->certs[i].sha256, sha256, 32) == 0 &&
		    X509_up_ref(cache->certs[i].cert) == 1)
			return cache->certs[i].cert;
	return NULL;
}

void xp_check_cache_put_cert(struct xp_check_cache *cache, const uint8_t sha256[32], X509 *cert)
{
	unsigned i = cache->next_cert;

	if (X509_up_ref(cert) != 1)
		return;
	X509_free(cache->certs[i].cert);
	cache->certs[i].cert = cert;
	memcpy(cache->certs[i].sha256, sha256, 32);
	cache->next_cert = (i + 1) % XP_CHECK_CACHE_CERTS;
}

void xp_check_cache_clear(struct xp_check_cache *cache)
{
	for (unsigned i = 0; i < XP_CHECK_CACHE_CERTS; i++) {
		X509_free(cache->certs[i].cert);
		cache->certs[i].cert = NULL;
	}
	cache->next_cert = 0;
	for (unsigned i = 0; i < XP_CHECK_CACHE_SLOTS; i++)
		xp_chain_free(&cache->slots[i].chain);
}
