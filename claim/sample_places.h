/*
 * sample_places: where residue betrays itself: partition tables, boot sectors, superblocks and
 * their copies, labels of volume managers and of encryption. Read always, apart from any random
 * choice.
 */
#pragma once
#include "base/extents.h"

/*
 * The places on a target of CAPACITY bytes, widened to whole units of UNIT_BYTES counted from byte
 * 0 (the last unit may be short), sorted, merged, inside the capacity. *OUT is malloc'ed.
 */
MUST_USE enum xp_rc xp_sample_places(struct xp_extent **out, size_t *n, uint64_t capacity_bytes,
				     uint32_t unit_bytes, uint32_t logical_block_bytes,
				     struct xp_err *err);
