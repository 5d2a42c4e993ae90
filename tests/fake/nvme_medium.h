/*
 * nvme_medium: the bytes of an emulated namespace as an extent io, by Read and Write commands, with
 * a hook around each.
 */
#pragma once
#include "device/extent.h"
#include "tests/emu/emu_transport_nvme.h"

struct nvme_medium {
	struct emu_nvme_slot *slot;
	uint32_t nsid;
	void *ctx;
	/* Before and behind each command; true: the process is no more. May be NULL. */
	bool (*boundary)(void *ctx);
};

/* M is copied; the slot stays the caller's. CFG: capacity, block, permit. */
MUST_USE enum xp_rc nvme_medium_io(struct xp_extent_io **out, const struct xp_extent_config *cfg,
				   const struct nvme_medium *m, struct xp_err *err);
