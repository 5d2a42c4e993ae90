/* findings: where what was read differs from what was expected, to the logical block. */
#pragma once
#include "verify/expect.h"

struct xp_findings {
	struct xp_readback_result *out;
	struct xp_expect *expect;
	uint32_t block_bytes; /* what is counted: the logical block, 512 for a file */
	uint8_t *scratch;     /* one block */
};

MUST_USE enum xp_rc xp_findings_init(struct xp_findings *f, struct xp_readback_result *out,
				     struct xp_expect *expect, uint32_t logical_block_bytes,
				     struct xp_err *err);
void xp_findings_free(struct xp_findings *f);
/* Looks through bytes that do not all match: adds to out->mismatches and counts the blocks. */
MUST_USE enum xp_rc xp_findings_look(struct xp_findings *f, const uint8_t *found, uint64_t offset,
				     size_t len, struct xp_err *err);
/* At the end: by offset, and what touches and looks alike as one. */
void xp_findings_finish(struct xp_findings *f);
/* "zero", "ff", "pattern" (a period of at most XP_PATTERN_MAX bytes) or "data". */
const char *xp_findings_kind(const uint8_t *p, size_t len);
