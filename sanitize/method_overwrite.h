/* method_overwrite: ordinary writes over every addressable block, by the host. */
#pragma once
#include "sanitize/method.h"

extern const struct xp_method xp_method_overwrite_zero;
extern const struct xp_method xp_method_overwrite_random;
extern const struct xp_method xp_method_overwrite_pattern;

/* A target that takes nothing for so long is taken for dead: the pass ends with XP_E_TIMEOUT. */
#define XP_OVERWRITE_STALL_MS 300000u
