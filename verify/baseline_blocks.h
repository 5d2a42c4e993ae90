/*
 * baseline_blocks: the blocks at the places of a baseline: where each stands in the list, what it
 * held, and how all of it is kept as bytes. Inside verify/ only.
 */
#pragma once
#include "verify/baseline.h"

#define XP_BLOCK_DIGEST_BYTES 16

enum xp_block_kind {
	XP_BLOCK_UNREAD,
	XP_BLOCK_PLAIN, /* zeros, ones or another repeated pattern: says little */
	XP_BLOCK_DATA,
	XP_BLOCK_KINDS,
};

struct xp_baseline {
	enum xp_sample_scheme scheme;
	uint64_t sample_n;
	uint8_t seed[32];
	uint64_t capacity_bytes;
	uint32_t logical_block_bytes;
	/* from these */
	struct xp_sample_plan plan;
	uint64_t *first; /* of each place: the number of its first block */
	uint64_t blocks;
	uint32_t block_bytes; /* the logical block, 512 at least */
	/* of each block */
	uint8_t *kinds;
	uint8_t *digests;
};

/* Places and room; no block is read yet. */
MUST_USE enum xp_rc xp_baseline_new(struct xp_baseline **out, const struct xp_verify_request *how,
				    struct xp_err *err);
/* The number of the block at OFFSET, which lies in one of the places; false: in none, or within a
 * block. */
bool xp_baseline_block_at(uint64_t *out, const struct xp_baseline *b, uint64_t offset);
/* Bytes from the block's first to its end, or to that of the target. */
uint32_t xp_baseline_block_len(const struct xp_baseline *b, uint64_t offset);
