/* method_overwrite: ordinary writes over every addressable block, by the host. */
#pragma once
#include "sanitize/method.h"

extern const struct xp_method xp_method_overwrite_zero;
extern const struct xp_method xp_method_overwrite_random;
extern const struct xp_method xp_method_overwrite_pattern;
