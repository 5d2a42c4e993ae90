/*
 * schema: one table says which fields a struct has in JSON, and is used both ways: to write the
 * struct and to read and judge what a stranger wrote. Objects are closed.
 */
#pragma once
#include "certs/jcs.h"

#include <stddef.h>

/* The type of a field: what it is in C and the only form it may have in JSON. */
enum xp_field_type {
	XP_F_TEXT,   /* char[]: UTF-8, at most size - 1 bytes */
	XP_F_ASCII,  /* char[]: 20h-7Eh */
	XP_F_WORD,   /* char[]: one of words */
	XP_F_TOKEN,  /* char[]: [a-z0-9] and inner [.-] */
	XP_F_UUID,   /* char[37] */
	XP_F_UUID7,  /* char[37], version 7 */
	XP_F_SHA256, /* char[65]: 64 hex digits */
	XP_F_DATE,   /* char[21]: YYYY-MM-DDThh:mm:ssZ */
	XP_F_CONST,  /* nothing in C: always words[0] */
	XP_F_BOOL,
	XP_F_UINT,     /* unsigned of any size: a JSON integer below 2^53 */
	XP_F_DECIMAL,  /* unsigned of any size: a decimal string; optional ones are above 0 */
	XP_F_SIGNED,   /* int64_t: a decimal string with a sign where it is below 0 */
	XP_F_TIME,     /* int64_t seconds: YYYY-MM-DDThh:mm:ssZ */
	XP_F_HEX,      /* uint8_t[size]: 2 * size hex digits */
	XP_F_HEX_PART, /* uint8_t[size], length in count: hex */
	XP_F_HEX_HEAP, /* uint8_t *, length in count, at most max: hex */
	XP_F_ENUM,     /* an enum of max values, words by name() */
	XP_F_OBJECT,   /* a struct: an object of sub */
	XP_F_INLINE,   /* a struct whose fields of sub stand in the object around it; no key */
	XP_F_LIST,     /* an array of at most max structs in place, how many in count */
	XP_F_HEAP,     /* a pointer to structs, how many in count, room in cap: at most max */
	XP_F_STRINGS,  /* char[max][size], how many in count: texts */
	XP_F_TREE,     /* json_t *: any object */
};

enum xp_presence {
	XP_P_ALWAYS,
	XP_P_OPTIONAL,	 /* absent where empty or 0 */
	XP_P_UNLESS_MAX, /* an unsigned number that is absent where all its bits are set */
	XP_P_FLAG,	 /* present where the bool at flag says so */
	XP_P_WHEN,  /* present exactly where when() of the struct says so (on what stands before it)
		     */
	XP_P_GIVEN, /* an object that is written where when() says so, and may be there on reading
		     */
};

struct xp_schema;

struct xp_field {
	const char *key;
	enum xp_field_type type;
	enum xp_presence presence;
	size_t offset;
	size_t size;  /* bytes in C; of one string for XP_F_STRINGS */
	size_t count; /* offset of the length */
	size_t count_size;
	size_t cap; /* offset of the room; 0: none */
	size_t max;
	size_t flag; /* offset */
	bool (*when)(const void *base);
	const char *(*name)(unsigned v);
	const char *const *words; /* ends with NULL */
	const struct xp_schema *sub;
	const char *mismatch; /* the code where a constant differs; NULL: E_SCHEMA_VALUE */
};

struct xp_schema {
	const struct xp_field *fields;
	size_t n;
	size_t size; /* of the struct */
};

#define XP_MEMBER_SIZE(S, M) sizeof(((S *)NULL)->M)
/* A row: key, type and presence (names without prefix), struct, member, then designators. */
#define XP_FIELD(KEY, TYPE, PRESENCE, S, M, ...)                                                   \
	{                                                                                          \
		.key = (KEY), .type = XP_F_##TYPE, .presence = XP_P_##PRESENCE,                    \
		.offset = offsetof(S, M), .size = XP_MEMBER_SIZE(S, M), __VA_ARGS__                \
	}
#define XP_COUNT(S, M) .count = offsetof(S, M), .count_size = XP_MEMBER_SIZE(S, M)
#define XP_SCHEMA(S, FIELDS)                                                                       \
	{                                                                                          \
		.fields = (FIELDS), .n = XP_ARRAY_LEN(FIELDS), .size = sizeof(S)                   \
	}

/* The object for the struct at BASE. Errors: XP_E_INTERNAL with the path of a field out of its
 * type. */
MUST_USE enum xp_rc xp_schema_write(json_t **out, const struct xp_schema *s, const void *base,
				    struct xp_err *err);
/*
 * Fills the zeroed struct at BASE from OBJECT as far as it is well formed. Each breach is a finding
 * that names the path: E_SCHEMA_TYPE, _VALUE, _STRING_TOO_LONG, _RANGE, _MISSING_KEY, _UNKNOWN_KEY.
 * Errors: XP_E_NOMEM. What was allocated is the struct's, also after an error.
 */
MUST_USE enum xp_rc xp_schema_read(void *base, const struct xp_schema *s, json_t *object,
				   struct xp_findings *findings, struct xp_err *err);

/* Calls EACH for every text (XP_F_TEXT, also in lists) of the struct at BASE that is not empty. */
void xp_schema_each_text(const struct xp_schema *s, const void *base,
			 void (*each)(void *ctx, const char *path, const char *text), void *ctx);
