/* policies: the policies that come with the program, byte for byte from docs/policies/. */
#pragma once
#include <stddef.h>

struct xp_builtin_policy {
	const char *name;
	const char *json;
	size_t len;
};

/* NAME without ".json"; false: not one of ours. */
_Bool xp_builtin_policy_find(struct xp_builtin_policy *out, const char *name);
