/* cmd_inspect_luks: LUKS headers on a target, copies of them elsewhere on it, and their mappings.
 */
#pragma once
#include "device/target.h"

#include <jansson.h>

/*
 * Sets `luks`, `luks_mappings` and, where a volume was found, `luks_copies` and
 * `luks_searched_bytes`; `luks_unknown` where the target could not be read. Only reads.
 */
void xp_inspect_luks(json_t *o, const struct xp_target *target, const struct xp_sysroot *root);
