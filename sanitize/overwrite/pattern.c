#include "sanitize/overwrite/pattern.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "base/wire.h"
#include "sanitize/overwrite/pattern_vaes.h"

#define AES_BLOCK 16u
#define CHUNK	  65536u /* source of zeros, or of the repeated pattern; stays in the cache */

struct xp_pattern {
	enum xp_content_kind kind;
	uint32_t period; /* 0: random */
	uint8_t *source; /* CHUNK bytes and one longest pattern: zeros, or the pattern from phase 0
			  */
	EVP_CIPHER_CTX *cipher;
	bool vaes;
	struct xp_vaes_key key;
};

void xp_pattern_free(struct xp_pattern **p)
{
	if (!*p)
		return;
	EVP_CIPHER_CTX_free((*p)->cipher);
	xp_wipe(&(*p)->key, sizeof((*p)->key));
	free((*p)->source);
	free(*p);
	*p = NULL;
}

static enum xp_rc init_random(struct xp_pattern *p, const struct xp_content *content, bool wide,
			      struct xp_err *err)
{
	if (wide && xp_vaes_available()) {
		xp_vaes_expand(&p->key, content->key);
		p->vaes = true;
		return XP_OK;
	}
	p->cipher = EVP_CIPHER_CTX_new();
	if (!p->cipher ||
	    EVP_EncryptInit_ex(p->cipher, EVP_aes_128_ctr(), NULL, content->key, NULL) != 1)
		return xp_fail(err, XP_E_INTERNAL, "AES-128-CTR is not to be had");
	return XP_OK;
}

static enum xp_rc pattern_new(struct xp_pattern **out, const struct xp_content *content, bool wide,
			      struct xp_err *err)
{
	AUTO(xp_pattern_free) struct xp_pattern *p = calloc(1, sizeof(*p));

	if (!p)
		return xp_fail(err, XP_E_NOMEM, "the content of a pass");
	p->kind = content->kind;
	p->source = calloc(1, CHUNK + XP_PATTERN_MAX);
	if (!p->source)
		return xp_fail(err, XP_E_NOMEM, "the content of a pass");
	switch (content->kind) {
	case XP_CONTENT_ZERO:
		p->period = 1;
		break;
	case XP_CONTENT_PATTERN:
		if (content->pattern_len == 0 || content->pattern_len > XP_PATTERN_MAX)
			return xp_fail(err, XP_E_USAGE, "a pattern of %u bytes",
				       content->pattern_len);
		p->period = content->pattern_len;
		for (size_t i = 0; i < CHUNK + XP_PATTERN_MAX; i++)
			p->source[i] = content->pattern[i % p->period];
		break;
	case XP_CONTENT_RANDOM:
		TRY(init_random(p, content, wide, err));
		break;
	case XP_CONTENT_UNKNOWN:
		return xp_fail(err, XP_E_USAGE, "no content to write");
	}
	*out = STEAL(p);
	return XP_OK;
}

enum xp_rc xp_pattern_new(struct xp_pattern **out, const struct xp_content *content,
			  struct xp_err *err)
{
	return pattern_new(out, content, true, err);
}

enum xp_rc xp_pattern_new_portable(struct xp_pattern **out, const struct xp_content *content,
				   struct xp_err *err)
{
	return pattern_new(out, content, false, err);
}

/* LEN bytes of keystream from counter block BLOCK on; LEN is a multiple of 16. */
static bool keystream(struct xp_pattern *p, uint8_t *buf, uint64_t block, size_t len)
{
	uint8_t iv[AES_BLOCK] = {0};
	size_t at = 0;
	int n = 0;

	if (p->vaes) {
		xp_vaes_keystream(&p->key, buf, block, len);
		return true;
	}
	put_be64(iv + 8, block);
	if (EVP_EncryptInit_ex(p->cipher, NULL, NULL, NULL, iv) != 1)
		return false;
	for (; at < len; at += (size_t)n) {
		size_t part = len - at < CHUNK ? len - at : CHUNK;

		if (EVP_EncryptUpdate(p->cipher, buf + at, &n, p->source, (int)part) != 1 ||
		    (size_t)n != part)
			return false;
	}
	return true;
}

/* Bytes of one block from OFFSET on, at most LEN. Returns how many; 0: failed. */
static size_t keystream_edge(struct xp_pattern *p, uint8_t *buf, uint64_t offset, size_t len)
{
	uint8_t block[AES_BLOCK];
	size_t skip = (size_t)(offset % AES_BLOCK);
	size_t n = AES_BLOCK - skip < len ? AES_BLOCK - skip : len;

	if (!keystream(p, block, offset / AES_BLOCK, AES_BLOCK))
		return 0;
	memcpy(buf, block + skip, n);
	return n;
}

static bool fill_random(struct xp_pattern *p, uint8_t *buf, uint64_t offset, size_t len)
{
	size_t body;

	if (offset % AES_BLOCK && len) {
		size_t n = keystream_edge(p, buf, offset, len);

		if (!n)
			return false;
		buf += n;
		offset += n;
		len -= n;
	}
	body = len - len % AES_BLOCK;
	if (body && !keystream(p, buf, offset / AES_BLOCK, body))
		return false;
	if (body == len)
		return true;
	return keystream_edge(p, buf + body, offset + body, len - body) != 0;
}

bool xp_pattern_fill(struct xp_pattern *p, uint8_t *buf, uint64_t offset, size_t len)
{
	if (p->kind == XP_CONTENT_RANDOM)
		return fill_random(p, buf, offset, len);
	if (p->kind == XP_CONTENT_ZERO) {
		memset(buf, 0, len);
		return true;
	}
	while (len) {
		size_t part = len < CHUNK ? len : CHUNK;

		memcpy(buf, p->source + offset % p->period, part);
		buf += part;
		offset += part;
		len -= part;
	}
	return true;
}

uint32_t xp_pattern_period(const struct xp_pattern *p)
{
	return p->period;
}

const char *xp_pattern_engine(const struct xp_pattern *p)
{
	if (p->kind != XP_CONTENT_RANDOM)
		return "repeat";
	return p->vaes ? "aes-128-ctr vaes" : "aes-128-ctr evp";
}
