/* job_luks: LUKS volumes, their mappings and copies of their headers as JSON. */
#pragma once
#include "device/luks.h"
#include "device/luks_close.h"

#include <jansson.h>

/* One entry a volume: `luks[]` of inspect and plan. */
json_t *xp_job_luks_json(const struct xp_luks_volumes *volumes);
json_t *xp_job_luks_mappings_json(const struct xp_luks_mappings *mappings);
