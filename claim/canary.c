#include "claim/canary.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/wire.h"

#define CHUNK	    32
#define LEAST_BLOCK 512
/* places of a baseline that a record may have computed anew */
#define PLACES_MAX (1u << 20)

static const char purpose[] = "expunge canary";

static bool digest(uint8_t out[CHUNK], const void *a, size_t a_len, const uint8_t key[32])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(ctx, key, 32) == 1 && EVP_DigestUpdate(ctx, a, a_len) == 1 &&
		    EVP_DigestFinal_ex(ctx, out, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

/* A place in the list, and how many bytes stand in the list before it. */
struct walk {
	size_t i;
	uint64_t before;
};

/* The block at byte AT of the places, put one behind another; AT never falls. */
static uint64_t block_at(struct walk *w, const struct xp_sample_plan *plan, uint64_t at,
			 uint32_t block)
{
	while (w->i + 1 < plan->n && at - w->before >= plan->list[w->i].len)
		w->before += plan->list[w->i++].len;
	return (plan->list[w->i].offset + (at - w->before)) / block * block;
}

enum xp_rc xp_canaries_make(struct xp_canaries *out, const struct xp_sample_plan *plan,
			    uint32_t logical_block_bytes, const uint8_t seed[32],
			    struct xp_err *err)
{
	uint32_t block = logical_block_bytes < LEAST_BLOCK ? LEAST_BLOCK : logical_block_bytes;
	uint64_t n = plan->bytes / block;
	struct walk walk = {0};

	*out = (struct xp_canaries){.block_bytes = block};
	if (n > XP_CANARIES_MAX)
		n = XP_CANARIES_MAX;
	out->offsets = calloc(XP_CANARIES_MAX, sizeof(*out->offsets));
	if (!out->offsets || !digest(out->key, purpose, sizeof(purpose), seed))
		return xp_fail(err, XP_E_NOMEM, "markers");
	for (uint64_t i = 0; i < n && plan->n; i++) {
		uint64_t offset = block_at(
			&walk, plan, (uint64_t)((unsigned __int128)plan->bytes * i / n), block);

		if (out->n == 0 || offset > out->offsets[out->n - 1])
			out->offsets[out->n++] = offset;
	}
	return XP_OK;
}

enum xp_rc xp_canaries_of_baseline(struct xp_canaries *out, const struct xp_phase *phase,
				   struct xp_err *err)
{
	const struct xp_baseline_result *b = &phase->baseline;
	const struct xp_identity *id = &phase->identity;
	const struct xp_sample_told told = {
		.scheme = b->scheme,
		.extents = b->extents,
		.bytes_planned = b->bytes_planned,
		.capacity_bytes = id->capacity_bytes,
		.logical_block_bytes = id->logical_block_bytes,
		.seed = b->seed,
	};
	struct xp_sample_plan plan = {0};
	uint64_t n = 0;
	enum xp_rc rc;

	if (!xp_sample_plan_find(&plan, &n, &told))
		return xp_fail(err, XP_E_MALFORMED,
			       "the figures do not follow from scheme and seed");
	if (plan.independent > PLACES_MAX)
		return xp_fail(err, XP_E_MALFORMED, "more places than anybody reads");
	rc = xp_sample_plan_make(&plan, b->scheme, n, id->capacity_bytes, id->logical_block_bytes,
				 b->seed, err);
	if (rc == XP_OK)
		rc = xp_canaries_make(out, &plan, id->logical_block_bytes, b->seed, err);
	xp_sample_plan_free(&plan);
	return rc;
}

void xp_canaries_free(struct xp_canaries *c)
{
	free(c->offsets);
	*c = (struct xp_canaries){0};
}

bool xp_canary_fill(uint8_t *buf, const struct xp_canaries *c, uint64_t offset, size_t len)
{
	for (size_t i = 0; i + CHUNK <= len; i += CHUNK) {
		uint8_t place[8];

		put_be64(place, offset + i);
		if (!digest(buf + i, place, sizeof(place), c->key))
			return false;
	}
	return true;
}

bool xp_canaries_digest(uint8_t out[32], const struct xp_canaries *c, const uint8_t (*blocks)[32])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; i < c->n && good; i++) {
		uint8_t place[8];

		put_be64(place, c->offsets[i]);
		good = EVP_DigestUpdate(ctx, place, sizeof(place)) == 1 &&
		       EVP_DigestUpdate(ctx, blocks[i], 32) == 1;
	}
	good = good && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

bool xp_canaries_expected(uint8_t out[32], const struct xp_canaries *c)
{
	uint8_t *block = malloc(c->block_bytes);
	uint8_t(*blocks)[32] = calloc(c->n + 1, sizeof(*blocks));
	bool good = block && blocks;

	for (size_t i = 0; i < c->n && good; i++)
		good = xp_canary_fill(block, c, c->offsets[i], c->block_bytes) &&
		       EVP_Digest(block, c->block_bytes, blocks[i], NULL, EVP_sha256(), NULL) == 1;
	good = good && xp_canaries_digest(out, c, blocks);
	free(block);
	free(blocks);
	return good;
}
