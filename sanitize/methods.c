#include "sanitize/method.h"

#include "sanitize/method_overwrite.h"

const struct xp_method *xp_method_find(enum xp_technique technique)
{
	static const struct xp_method *const methods[] = {
		&xp_method_overwrite_zero,
		&xp_method_overwrite_random,
		&xp_method_overwrite_pattern,
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (methods[i]->technique == technique)
			return methods[i];
	return NULL;
}
