/* names: enum values and the words that users, scripts and records write for them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The name of V in a table of N; "?" for a value outside of it, so that printing it is safe. */
static inline const char *xp_names_of(const char *const *names, size_t n, size_t v)
{
	return v < n ? names[v] : "?";
}

/* The place of NAME in a table of N. false: no such name (or none given). */
static inline bool xp_names_find(size_t *out, const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; name && i < n; i++) {
		if (strcmp(names[i], name) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

/*
 * Defines xp_PREFIX_name and xp_PREFIX_parse over the table NAMES for ENUM; COUNT is the number of
 * values, so that a new value without a name does not compile.
 */
#define XP_NAMES(prefix, type, names, count)                                                       \
	_Static_assert(sizeof(names) / sizeof((names)[0]) == (size_t)(count),                      \
		       "a name for each value of " #type);                                         \
	const char *xp_##prefix##_name(enum type v)                                                \
	{                                                                                          \
		return xp_names_of(names, sizeof(names) / sizeof((names)[0]), (size_t)v);          \
	}                                                                                          \
	bool xp_##prefix##_parse(enum type *out, const char *name)                                 \
	{                                                                                          \
		size_t i;                                                                          \
                                                                                                   \
		if (!xp_names_find(&i, names, sizeof(names) / sizeof((names)[0]), name))           \
			return false;                                                              \
		*out = (enum type)i;                                                               \
		return true;                                                                       \
	}
