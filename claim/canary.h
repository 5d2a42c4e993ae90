/*
 * canary: markers that are written over the whole range of a blank target before it is erased, to
 * see afterwards that they are gone. Where they stand and what they hold follows from the seed of
 * the baseline, so that anybody can compute it again. Pure.
 */
#pragma once
#include "claim/sample_plan.h"

#define XP_CANARIES_MAX 1024

struct xp_canaries {
	uint64_t *offsets; /* rising */
	size_t n;
	uint32_t block_bytes; /* of each: the logical block, 512 at least */
	uint8_t key[32];
};

/* Evenly over the places of PLAN, which was made of SEED. */
MUST_USE enum xp_rc xp_canaries_make(struct xp_canaries *out, const struct xp_sample_plan *plan,
				     uint32_t logical_block_bytes, const uint8_t seed[32],
				     struct xp_err *err);
/*
 * The markers of a baseline phase, by what its record tells. XP_E_MALFORMED: its figures follow
 * from no plan.
 */
MUST_USE enum xp_rc xp_canaries_of_baseline(struct xp_canaries *out, const struct xp_phase *phase,
					    struct xp_err *err);
void xp_canaries_free(struct xp_canaries *c);
/*
 * Over the offset (8 bytes big-endian) of each and the SHA-256 of its block as it was read; zeros
 * for one that could not be read. BLOCKS: c->n of them. false: no memory.
 */
bool xp_canaries_digest(uint8_t out[32], const struct xp_canaries *c, const uint8_t (*blocks)[32]);
/* The same of the markers themselves: what is read where each of them stands. false: no memory. */
bool xp_canaries_expected(uint8_t out[32], const struct xp_canaries *c);
/* What stands at [OFFSET, OFFSET + LEN), both multiples of 32. false: no memory. */
bool xp_canary_fill(uint8_t *buf, const struct xp_canaries *c, uint64_t offset, size_t len);
