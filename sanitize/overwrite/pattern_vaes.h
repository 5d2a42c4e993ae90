/* pattern_vaes: the AES-128-CTR keystream by the CPU's 256-bit AES instructions, where it has them.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XP_VAES_KEYS 11 /* round keys of AES-128 */

struct xp_vaes_key {
	uint8_t round[XP_VAES_KEYS][16];
};

/* Does this CPU have them, and does the system keep its wide registers? */
bool xp_vaes_available(void);
void xp_vaes_expand(struct xp_vaes_key *out, const uint8_t key[16]);
/* LEN bytes of keystream from counter block BLOCK on. LEN is a multiple of 16. */
void xp_vaes_keystream(const struct xp_vaes_key *key, uint8_t *out, uint64_t block, size_t len);
