/* method_luks_destroy: headers and key slots of LUKS volumes, overwritten with random bytes. */
#pragma once
#include "sanitize/method.h"

extern const struct xp_method xp_method_luks_destroy;
