#include "verify/baseline_blocks.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/wire.h"

#define BLOCK_MIN 512u

/* The file: this head, a kind a block, a digest a block, SHA-256 of all before it. */
#define OFF_SCHEME   8
#define OFF_LOGICAL  12
#define OFF_CAPACITY 16
#define OFF_SAMPLE_N 24
#define OFF_BLOCKS   32
#define OFF_SEED     40
#define HEAD_BYTES   72
#define DIGEST_BYTES 32
#define LOGICAL_MAX  (1u << 20)

static const uint8_t magic[OFF_SCHEME] = {'e', 'x', 'p', 'u', 'n', 'g', 'e', 1};

void xp_baseline_free(struct xp_baseline **b)
{
	if (!*b)
		return;
	xp_sample_plan_free(&(*b)->plan);
	free((*b)->first);
	free((*b)->kinds);
	free((*b)->digests);
	free(*b);
	*b = NULL;
}

uint32_t xp_baseline_block_len(const struct xp_baseline *b, uint64_t offset)
{
	uint64_t left = b->capacity_bytes - offset;

	return left < b->block_bytes ? (uint32_t)left : b->block_bytes;
}

/* Numbers the blocks of all places, one place after another. */
static enum xp_rc number_blocks(struct xp_baseline *b, struct xp_err *err)
{
	b->first = calloc(b->plan.n + 1, sizeof(*b->first));
	if (!b->first)
		return xp_fail(err, XP_E_NOMEM, "%zu places", b->plan.n);
	for (size_t i = 0; i < b->plan.n; i++) {
		b->first[i] = b->blocks;
		b->blocks += (b->plan.list[i].len + b->block_bytes - 1) / b->block_bytes;
	}
	b->first[b->plan.n] = b->blocks;
	b->kinds = calloc(b->blocks + 1, 1);
	b->digests = calloc(b->blocks + 1, XP_BLOCK_DIGEST_BYTES);
	if (!b->kinds || !b->digests)
		return xp_fail(err, XP_E_NOMEM, "%llu blocks", (unsigned long long)b->blocks);
	return XP_OK;
}

enum xp_rc xp_baseline_new(struct xp_baseline **out, const struct xp_verify_request *how,
			   struct xp_err *err)
{
	AUTO(xp_baseline_free) struct xp_baseline *b = calloc(1, sizeof(*b));

	if (!b)
		return xp_fail(err, XP_E_NOMEM, "baseline");
	if (how->capacity_bytes == 0 || how->logical_block_bytes == 0)
		return xp_fail(err, XP_E_USAGE, "a target without a size");
	b->scheme = how->scheme;
	b->sample_n = how->sample_n;
	memcpy(b->seed, how->seed, sizeof(b->seed));
	b->capacity_bytes = how->capacity_bytes;
	b->logical_block_bytes = how->logical_block_bytes;
	b->block_bytes =
		how->logical_block_bytes < BLOCK_MIN ? BLOCK_MIN : how->logical_block_bytes;
	TRY(xp_sample_plan_make(&b->plan, b->scheme, b->sample_n, b->capacity_bytes,
				b->logical_block_bytes, b->seed, err));
	TRY(number_blocks(b, err));
	*out = STEAL(b);
	return XP_OK;
}

bool xp_baseline_block_at(uint64_t *out, const struct xp_baseline *b, uint64_t offset)
{
	const struct xp_extent *list = b->plan.list;
	size_t low = 0;
	size_t high = b->plan.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (list[mid].offset + list[mid].len <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == b->plan.n || offset < list[low].offset ||
	    (offset - list[low].offset) % b->block_bytes)
		return false;
	*out = b->first[low] + (offset - list[low].offset) / b->block_bytes;
	return true;
}

static enum xp_rc digest_of(uint8_t out[DIGEST_BYTES], const uint8_t *data, size_t len,
			    struct xp_err *err)
{
	if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) != 1)
		return xp_fail(err, XP_E_INTERNAL, "SHA-256");
	return XP_OK;
}

enum xp_rc xp_baseline_save(uint8_t **out, size_t *len, const struct xp_baseline *b,
			    struct xp_err *err)
{
	size_t body = HEAD_BYTES + b->blocks * (1 + XP_BLOCK_DIGEST_BYTES);
	AUTO_MEM uint8_t *data = calloc(1, body + DIGEST_BYTES);

	if (!data)
		return xp_fail(err, XP_E_NOMEM, "baseline");
	memcpy(data, magic, sizeof(magic));
	put_be32(data + OFF_SCHEME, (uint32_t)b->scheme);
	put_be32(data + OFF_LOGICAL, b->logical_block_bytes);
	put_be64(data + OFF_CAPACITY, b->capacity_bytes);
	put_be64(data + OFF_SAMPLE_N, b->sample_n);
	put_be64(data + OFF_BLOCKS, b->blocks);
	memcpy(data + OFF_SEED, b->seed, sizeof(b->seed));
	memcpy(data + HEAD_BYTES, b->kinds, b->blocks);
	memcpy(data + HEAD_BYTES + b->blocks, b->digests, b->blocks * XP_BLOCK_DIGEST_BYTES);
	TRY(digest_of(data + body, data, body, err));
	*len = body + DIGEST_BYTES;
	*out = STEAL(data);
	return XP_OK;
}

static enum xp_rc damaged(struct xp_err *err)
{
	return xp_fail(err, XP_E_MALFORMED, "what was read before the erase is damaged");
}

static enum xp_rc check_frame(const uint8_t *data, size_t len, struct xp_err *err)
{
	uint8_t digest[DIGEST_BYTES];

	if (len < HEAD_BYTES + DIGEST_BYTES || memcmp(data, magic, sizeof(magic)) != 0)
		return damaged(err);
	TRY(digest_of(digest, data, len - DIGEST_BYTES, err));
	if (memcmp(digest, data + len - DIGEST_BYTES, DIGEST_BYTES) != 0)
		return damaged(err);
	if (get_be32(data + OFF_LOGICAL) > LOGICAL_MAX ||
	    get_be32(data + OFF_SCHEME) > XP_SAMPLE_SCATTERED)
		return damaged(err);
	return XP_OK;
}

enum xp_rc xp_baseline_load(struct xp_baseline **out, const uint8_t *data, size_t len,
			    struct xp_err *err)
{
	AUTO(xp_baseline_free) struct xp_baseline *b = NULL;
	struct xp_verify_request how = {0};

	TRY(check_frame(data, len, err));
	how.scheme = (enum xp_sample_scheme)get_be32(data + OFF_SCHEME);
	how.logical_block_bytes = get_be32(data + OFF_LOGICAL);
	how.capacity_bytes = get_be64(data + OFF_CAPACITY);
	how.sample_n = get_be64(data + OFF_SAMPLE_N);
	memcpy(how.seed, data + OFF_SEED, sizeof(how.seed));
	if (xp_baseline_new(&b, &how, err) != XP_OK)
		return err && err->rc == XP_E_NOMEM ? XP_E_NOMEM : damaged(err);
	if (b->blocks != get_be64(data + OFF_BLOCKS) ||
	    len != HEAD_BYTES + b->blocks * (1 + XP_BLOCK_DIGEST_BYTES) + DIGEST_BYTES)
		return damaged(err);
	memcpy(b->kinds, data + HEAD_BYTES, b->blocks);
	memcpy(b->digests, data + HEAD_BYTES + b->blocks, b->blocks * XP_BLOCK_DIGEST_BYTES);
	for (uint64_t i = 0; i < b->blocks; i++)
		if (b->kinds[i] >= XP_BLOCK_KINDS)
			return damaged(err);
	*out = STEAL(b);
	return XP_OK;
}
