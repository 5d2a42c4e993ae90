#include "verify/expect.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "base/span.h"
#include "verify/expect_wide.h"

#define STEP 32768u /* compared at once; with its copy it stays in the nearest caches */

struct xp_expect {
	struct xp_content content;
	bool wide_compare;
	bool wide_cipher;
	struct xp_wide_key key;
	EVP_CIPHER_CTX *ctr;
	uint8_t *scratch; /* random: STEP bytes; pattern: the pattern over and over */
};

void xp_expect_free(struct xp_expect **e)
{
	if (!*e)
		return;
	EVP_CIPHER_CTX_free((*e)->ctr);
	free((*e)->scratch);
	xp_wipe(*e, sizeof(**e));
	free(*e);
	*e = NULL;
}

static enum xp_rc expect_new(struct xp_expect **out, const struct xp_content *content, bool wide,
			     struct xp_err *err)
{
	AUTO(xp_expect_free) struct xp_expect *e = calloc(1, sizeof(*e));

	if (!e)
		return xp_fail(err, XP_E_NOMEM, "the expected content");
	e->content = *content;
	e->wide_compare = wide && xp_wide_can_compare();
	e->scratch = malloc(STEP + XP_PATTERN_MAX);
	if (!e->scratch)
		return xp_fail(err, XP_E_NOMEM, "the expected content");
	if (content->kind == XP_CONTENT_PATTERN) {
		uint32_t len = content->pattern_len;

		if (len < 1 || len > XP_PATTERN_MAX)
			return xp_fail(err, XP_E_USAGE, "a pattern of %u bytes is expected", len);
		memcpy(e->scratch, content->pattern, len);
		for (size_t have = len; have < STEP + len; have++)
			e->scratch[have] = e->scratch[have - len];
	}
	if (content->kind == XP_CONTENT_RANDOM) {
		e->ctr = EVP_CIPHER_CTX_new();
		if (!e->ctr ||
		    EVP_CipherInit_ex(e->ctr, EVP_aes_128_ctr(), NULL, content->key, NULL, 1) != 1)
			return xp_fail(err, XP_E_INTERNAL, "no AES-128 in counter mode");
		e->wide_cipher = wide && xp_wide_can_cipher();
		if (e->wide_cipher)
			xp_wide_schedule(&e->key, content->key);
	}
	*out = STEAL(e);
	return XP_OK;
}

enum xp_rc xp_expect_new(struct xp_expect **out, const struct xp_content *content,
			 struct xp_err *err)
{
	return expect_new(out, content, true, err);
}

enum xp_rc xp_expect_new_portable(struct xp_expect **out, const struct xp_content *content,
				  struct xp_err *err)
{
	return expect_new(out, content, false, err);
}

/* Starts the counter at OFFSET and throws away what lies before it within its block. */
static bool seek_stream(struct xp_expect *e, uint64_t offset)
{
	static const uint8_t nothing[16];
	uint8_t counter[16] = {0};
	uint8_t dropped[16];
	uint64_t n = offset / 16;
	int out;

	for (unsigned i = 16; n; n >>= 8)
		counter[--i] = (uint8_t)n;
	return EVP_CipherInit_ex(e->ctr, NULL, NULL, NULL, counter, 1) == 1 &&
	       EVP_CipherUpdate(e->ctr, dropped, &out, nothing, (int)(offset % 16)) == 1;
}

static bool is_zero(const struct xp_expect *e, const uint8_t *p, size_t len)
{
	return e->wide_compare ? xp_wide_is_zero(p, len) : xp_mem_is_filled(p, 0, len);
}

/* Deciphers what was found: nothing but zeros must be left. */
static bool matches_stream(struct xp_expect *e, const uint8_t *found, uint64_t offset, size_t len)
{
	if (e->wide_cipher && offset % 16 == 0 && len % 16 == 0)
		return xp_wide_is_keystream(&e->key, found, offset / 16, len);
	if (len && !seek_stream(e, offset))
		return false;
	while (len) {
		int part = len < STEP ? (int)len : (int)STEP;
		int n;

		if (EVP_CipherUpdate(e->ctr, e->scratch, &n, found, part) != 1 || n != part ||
		    !is_zero(e, e->scratch, (size_t)part))
			return false;
		found += part;
		len -= (size_t)part;
	}
	return true;
}

static bool matches_pattern(const struct xp_expect *e, const uint8_t *found, uint64_t offset,
			    size_t len)
{
	while (len) {
		size_t part = len < STEP ? len : STEP;

		if (memcmp(found, e->scratch + offset % e->content.pattern_len, part) != 0)
			return false;
		found += part;
		offset += part;
		len -= part;
	}
	return true;
}

bool xp_expect_matches(struct xp_expect *e, const uint8_t *found, uint64_t offset, size_t len)
{
	switch (e->content.kind) {
	case XP_CONTENT_ZERO:
		return is_zero(e, found, len);
	case XP_CONTENT_PATTERN:
		return matches_pattern(e, found, offset, len);
	case XP_CONTENT_RANDOM:
		return matches_stream(e, found, offset, len);
	case XP_CONTENT_UNKNOWN:
		return true;
	}
	return false;
}

bool xp_expect_bytes(struct xp_expect *e, uint8_t *out, uint64_t offset, size_t len)
{
	int n;

	memset(out, 0, len);
	switch (e->content.kind) {
	case XP_CONTENT_ZERO:
	case XP_CONTENT_UNKNOWN:
		return true;
	case XP_CONTENT_PATTERN:
		for (size_t i = 0; i < len; i++)
			out[i] = e->content.pattern[(offset + i) % e->content.pattern_len];
		return true;
	case XP_CONTENT_RANDOM:
		return len <= INT32_MAX && seek_stream(e, offset) &&
		       EVP_CipherUpdate(e->ctr, out, &n, out, (int)len) == 1;
	}
	return false;
}
