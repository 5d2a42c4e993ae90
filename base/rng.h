/* rng: random bytes from the kernel, injectable for tests; never used for pass data. */
#pragma once
#include "base/err.h"

struct xp_rng {
	enum xp_rc (*bytes)(void *ctx, void *out, size_t len, struct xp_err *err);
	void *ctx;
};

const struct xp_rng *xp_rng_system(void);
MUST_USE enum xp_rc xp_rng_bytes(const struct xp_rng *rng, void *out, size_t len,
				 struct xp_err *err);

#define XP_UUID_LEN 37
/* UUIDv7 [RFC 9562 5.7]: 48 bits of Unix ms, version, 74 random bits. Lower case. */
MUST_USE enum xp_rc xp_uuid7(char out[XP_UUID_LEN], const struct xp_rng *rng, int64_t wall_ms,
			     struct xp_err *err);
