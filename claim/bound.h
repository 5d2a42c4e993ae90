/* bound: what a readback without findings says about residue. [standards.md 8] */
#pragma once
#include <stdint.h>

/*
 * The upper bound on the fraction of residue, in parts per billion, rounded up, after N independent
 * extents without a finding, at a confidence of 95, 99 or 99.9 % (given as 950, 990, 999).
 * N = 0: 1,000,000,000 (nothing is known).
 */
uint64_t xp_bound_residue_ppb(uint64_t n, unsigned confidence_permille);
/* Extents needed for a residue fraction of PPB at a confidence. UINT64_MAX: no number is enough. */
uint64_t xp_bound_extents_needed(uint64_t ppb, unsigned confidence_permille);
