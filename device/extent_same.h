/*
 * extent_same: writing what repeats in every logical block by WRITE SAME (16) without UNMAP
 * [SBC-4]: the data crosses the bus once for many blocks, and the drive writes it as if it had been
 * sent for each. All other requests, and all from the first that the drive refuses on, go by an
 * ordinary io.
 */
#pragma once
#include "device/extent.h"
#include "device/transport.h"

/*
 * Takes INNER, which reaches the same bytes, also after an error. T stays the caller's and must
 * outlive the io; every command goes under cfg->permit. MAX_BLOCKS: of one command; 0: the drive
 * names no limit.
 */
MUST_USE enum xp_rc xp_extent_same_new(struct xp_extent_io **out,
				       const struct xp_extent_config *cfg, struct xp_transport *t,
				       struct xp_extent_io *inner, uint64_t max_blocks,
				       struct xp_err *err);
