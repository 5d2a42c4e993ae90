/* canonical: any JSON in its canonical form, so that a fuzzer meets what lies behind that demand.
 */
#pragma once
#include "certs/jcs.h"

#include <jansson.h>
#include <stdlib.h>

static inline void try_canonical(const uint8_t *data, size_t len,
				 void (*take)(const uint8_t *data, size_t len))
{
	json_t *tree = json_loadb((const char *)data, len, 0, NULL);
	char *json = NULL;
	size_t json_len;

	if (tree && xp_jcs_write(&json, &json_len, tree, NULL) == XP_OK)
		take((const uint8_t *)json, json_len);
	free(json);
	json_decref(tree);
}
