#include "claim/bound.h"

#include <stdbool.h>

#define PPB_ONE 1000000000u

/*
 * Fractions in 64 bits behind the point, in integers only, so that every verifier gets the same
 * figure. Products are rounded up: the bound that comes out is never too good.
 */
static uint64_t mul_up(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)(p >> 64) + ((uint64_t)p != 0);
}

/* (1 - ppb / 1e9) ^ n, rounded up; ppb 1..1e9, n >= 1. */
static uint64_t miss(uint64_t ppb, uint64_t n)
{
	unsigned __int128 left = (unsigned __int128)(PPB_ONE - ppb) << 64;
	uint64_t square = (uint64_t)((left + PPB_ONE - 1) / PPB_ONE);
	uint64_t result = 0;
	bool any = false;

	for (; n; n >>= 1) {
		if (n & 1) {
			result = any ? mul_up(result, square) : square;
			any = true;
		}
		square = mul_up(square, square);
	}
	return result;
}

/* 1 - confidence, rounded down; 0 for a confidence that no number of extents gives. */
static uint64_t allowed_miss(unsigned confidence_permille)
{
	if (confidence_permille == 0 || confidence_permille >= 1000)
		return 0;
	return (uint64_t)(((unsigned __int128)(1000 - confidence_permille) << 64) / 1000);
}

uint64_t xp_bound_residue_ppb(uint64_t n, unsigned confidence_permille)
{
	uint64_t allowed = allowed_miss(confidence_permille);
	uint64_t low = 1, high = PPB_ONE;

	if (n == 0 || allowed == 0)
		return PPB_ONE;
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (miss(mid, n) <= allowed)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

uint64_t xp_bound_extents_needed(uint64_t ppb, unsigned confidence_permille)
{
	uint64_t allowed = allowed_miss(confidence_permille);
	uint64_t low = 1, high = (uint64_t)1 << 40;

	if (ppb == 0 || allowed == 0)
		return UINT64_MAX;
	if (ppb >= PPB_ONE)
		return 1;
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (miss(ppb, mid) <= allowed)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}
