/*
 * baseline: what stood on a target before a device technique, at places that follow from a seed;
 * and, afterwards, whether it still stands there. Of each block no more than a digest is kept.
 */
#pragma once
#include "verify/verify.h"

struct xp_baseline;

/*
 * Reads the places of HOW (scheme, sample_n, seed, io, progress, ...; mode and expected are not
 * looked at) and keeps digests. Read errors are results; OUT holds them, and is to be freed with
 * xp_baseline_result_free, also after an error.
 */
MUST_USE enum xp_rc xp_baseline_take(struct xp_baseline **b, struct xp_baseline_result *out,
				     const struct xp_verify_request *how, struct xp_err *err);

/*
 * Reads the same places again by the io of HOW and counts, block by block, into the part of OUT
 * that compares. A block that could not be read before is compared with nothing and not counted.
 */
MUST_USE enum xp_rc xp_baseline_compare(struct xp_readback_result *out, const struct xp_baseline *b,
					const struct xp_verify_request *how, struct xp_err *err);

/* As bytes for a file, and back. The bytes are malloc'ed. XP_E_MALFORMED: these are none. */
MUST_USE enum xp_rc xp_baseline_save(uint8_t **out, size_t *len, const struct xp_baseline *b,
				     struct xp_err *err);
MUST_USE enum xp_rc xp_baseline_load(struct xp_baseline **out, const uint8_t *data, size_t len,
				     struct xp_err *err);
void xp_baseline_free(struct xp_baseline **b);
