/* cmd_inspect_facts: what a drive says of itself, as JSON. */
#pragma once
#include "device/drive_facts.h"

#include <jansson.h>

/* NULL: no memory. Parts that the drive did not answer are left out, and stand in not_answered[].
 */
json_t *xp_inspect_facts(const struct xp_drive_facts *facts);
