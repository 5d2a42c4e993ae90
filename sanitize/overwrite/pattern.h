/*
 * pattern: what an overwrite pass writes, computed from the byte offset alone, so that every block
 * can be computed again from its place. Random: the AES-128-CTR keystream whose counter block is
 * the 128-bit big-endian number offset/16.
 */
#pragma once
#include "claim/evidence.h"

struct xp_pattern;

/* XP_E_USAGE for XP_CONTENT_UNKNOWN or a pattern length out of range. The key is copied. */
MUST_USE enum xp_rc xp_pattern_new(struct xp_pattern **out, const struct xp_content *content,
				   struct xp_err *err);
/* The same without the CPU's wide AES instructions, for tests and comparisons. */
MUST_USE enum xp_rc xp_pattern_new_portable(struct xp_pattern **out,
					    const struct xp_content *content, struct xp_err *err);
/* Wipes the key. */
void xp_pattern_free(struct xp_pattern **p);
/* The bytes of [offset, offset+len). false: the cipher failed, BUF is not to be written. */
MUST_USE bool xp_pattern_fill(struct xp_pattern *p, uint8_t *buf, uint64_t offset, size_t len);
/* The content repeats every so many bytes from byte 0; 0: it does not. */
uint32_t xp_pattern_period(const struct xp_pattern *p);
/* "aes-128-ctr evp", "aes-128-ctr vaes", "repeat". */
const char *xp_pattern_engine(const struct xp_pattern *p);
