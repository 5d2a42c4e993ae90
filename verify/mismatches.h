/* mismatches: where what was read differs from what was expected, to the logical block. */
#pragma once
#include "verify/expect.h"

struct xp_mismatches {
	struct xp_readback_result *out;
	struct xp_expect *expect;
	uint32_t block_bytes; /* what is counted: the logical block, 512 for a file */
	uint8_t *scratch;     /* one block */
};

MUST_USE enum xp_rc xp_mismatches_init(struct xp_mismatches *f, struct xp_readback_result *out,
				       struct xp_expect *expect, uint32_t logical_block_bytes,
				       struct xp_err *err);
void xp_mismatches_free(struct xp_mismatches *f);
/* Looks through bytes that do not all match: adds to out->mismatches and counts the blocks. */
MUST_USE enum xp_rc xp_mismatches_look(struct xp_mismatches *f, const uint8_t *found,
				       uint64_t offset, size_t len, struct xp_err *err);
/* At the end: by offset, and what touches and looks alike as one. */
void xp_mismatches_finish(struct xp_mismatches *f);
/* "zero", "ff", "pattern" (a period of at most XP_PATTERN_MAX bytes) or "data". */
const char *xp_mismatches_kind(const uint8_t *p, size_t len);
