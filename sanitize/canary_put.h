/* canary_put: writes markers over a held target before it is erased (claim/canary.h). */
#pragma once
#include "claim/canary.h"
#include "device/extent.h"

struct xp_canaries_write {
	const struct xp_canaries *canaries;
	struct xp_extent_io *io; /* to be written, under the permit */
	uint32_t stall_ms;
	void *ctx;
	bool (*cancelled)(void *ctx);
};

/* WRITTEN: how many the target took; they are on the medium when it returns. */
MUST_USE enum xp_rc xp_canaries_put(uint64_t *written, const struct xp_canaries_write *w,
				    struct xp_err *err);
