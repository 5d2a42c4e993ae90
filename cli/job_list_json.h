/* job_list_json: drives, and what the host hides, as `list --json` and the full screen have them.
 */
#pragma once
#include "cli/job_list.h"

/* What the drive says of itself goes over what sysfs says of it. */
json_t *xp_list_drive_json(const struct xp_drive *d, const struct xp_list_answer *answer);
json_t *xp_list_hidden_json(const struct xp_inventory *inv);
json_t *xp_list_host_json(const struct xp_inventory *inv);
