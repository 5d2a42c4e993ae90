/* record_tree: the sample record as a tree of JSON, for tests that change or look at one place. */
#pragma once
#include <jansson.h>

json_t *record_tree_new(void);
/* The object or array at a path such as "evidence[1].overwrite"; "" is the root. */
json_t *record_tree_at(json_t *root, const char *path);
