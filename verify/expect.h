/*
 * expect: what should stand on the target after an erase, computed by the witness alone. Random
 * content: AES-128 in counter mode, counter block = the 128-bit big-endian number offset/16.
 */
#pragma once
#include "claim/evidence.h"

struct xp_expect;

/* XP_E_USAGE: a pattern length out of range. XP_CONTENT_UNKNOWN expects nothing: all matches. */
MUST_USE enum xp_rc xp_expect_new(struct xp_expect **out, const struct xp_content *content,
				  struct xp_err *err);
/* The same without wide instructions of the CPU: for tests and comparisons. */
MUST_USE enum xp_rc xp_expect_new_portable(struct xp_expect **out, const struct xp_content *content,
					   struct xp_err *err);
void xp_expect_free(struct xp_expect **e);

/* Do the bytes found at [offset, offset+len) match? A cipher that fails matches nothing. */
bool xp_expect_matches(struct xp_expect *e, const uint8_t *found, uint64_t offset, size_t len);
/* The bytes that should stand at [offset, offset+len). false: the cipher failed. */
MUST_USE bool xp_expect_bytes(struct xp_expect *e, uint8_t *out, uint64_t offset, size_t len);
