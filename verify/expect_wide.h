/* expect_wide: comparing by wide instructions of the CPU, where it has them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xp_wide_key {
	uint32_t word[44]; /* the key schedule of AES-128, FIPS 197 figure 11 */
};

bool xp_wide_can_compare(void); /* AVX2 */
bool xp_wide_can_cipher(void);	/* VAES besides */

/* Are LEN bytes all zero? Needs xp_wide_can_compare. */
bool xp_wide_is_zero(const uint8_t *p, size_t len);

/* The next two need xp_wide_can_cipher. */
void xp_wide_schedule(struct xp_wide_key *out, const uint8_t key[16]);
/* Is FOUND the keystream from counter BLOCK on? LEN is a multiple of 16. */
bool xp_wide_is_keystream(const struct xp_wide_key *key, const uint8_t *found, uint64_t block,
			  size_t len);
