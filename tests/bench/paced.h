/* paced: an extent io over io_uring whose requests end no faster than a drive of a given rate ends
 * them. */
#pragma once
#include "device/extent.h"

MUST_USE enum xp_rc paced_io_new(struct xp_extent_io **out, const struct xp_extent_config *cfg,
				 uint64_t bytes_per_s, struct xp_err *err);
