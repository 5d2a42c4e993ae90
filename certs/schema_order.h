/*
 * schema_order: a schema as schema_scan.c goes through it: its fields in the order of canonical
 * JSON, and what is quickly said of each. Inside certs/schema_*.c only.
 */
#pragma once
#include "certs/schema_scan.h"

#define XP_SCAN_FIELDS_MAX 64 /* of one object, those of its inline parts too: bits of a word */
#define XP_SCAN_KEY_MAX	   48

struct xp_scan_word {
	const char *text;
	size_t len;
};

struct xp_scan_field {
	const struct xp_field *f;
	size_t offset;		   /* of the struct that F is a field of, from that of the object */
	char key[XP_SCAN_KEY_MAX]; /* with its quotes and the colon */
	size_t key_len;
	struct xp_schema_scan *sub; /* of objects and lists of them */
	struct xp_scan_word *words; /* of XP_F_ENUM */
	size_t words_n;
};

struct xp_schema_scan {
	size_t n;
	size_t struct_size;
	/* of each key the first bytes, as they are loaded; close together, most of them are passed
	 */
	struct {
		uint64_t bytes, mask;
	} heads[XP_SCAN_FIELDS_MAX];
	struct xp_scan_field fields[XP_SCAN_FIELDS_MAX];
	/* bits of fields: must be there; whether they should be is asked of the struct, in any case
	 * or where they are there */
	uint64_t always, asked, asked_if_there;
	uint64_t filled; /* bits of fields that are absent where all their bits are set */
};
