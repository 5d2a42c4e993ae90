/*
 * schema_scan: a document read straight into its struct, in one pass, by the same table as
 * certs/schema.h: canonical bytes only, every field in its place and of its form. It says yes or
 * "not surely": whatever it does not take is for xp_jcs_read and xp_schema_read, which say why.
 */
#pragma once
#include "certs/schema.h"

struct xp_schema_scan; /* a schema, its fields in the order of canonical JSON */

/* XP_E_NOMEM; XP_E_UNSUPPORTED: a schema of a shape that cannot be read in one pass. */
MUST_USE enum xp_rc xp_schema_scan_new(struct xp_schema_scan **out, const struct xp_schema *s,
				       struct xp_err *err);
void xp_schema_scan_free(struct xp_schema_scan **s);

struct xp_schema_scan_hooks {
	/* A text field or string of the document that says nothing it must not. NULL: all may. */
	bool (*text_is_fit)(void *ctx, const char *text);
	/*
	 * Takes the object that begins at AT, for the field F (XP_F_TREE): its length in bytes;
	 * 0: not known. NULL: none is.
	 */
	size_t (*take_tree)(void *ctx, const struct xp_field *f, const char *at, size_t left);
	void *ctx;
	/*
	 * Objects of SCHEMA stand in a document again and again, byte for byte the same: LAST has
	 * room for the struct of the one read last, COPY makes another of it with everything
	 * allocated anew. NULL schema: each is read.
	 */
	struct {
		const struct xp_schema *schema;
		void *last;
		bool (*copy)(void *out, const void *last);
	} again;
};

/*
 * Fills the struct at BASE, which is zeros but for the room of its lists in place (XP_F_LIST).
 * true: TEXT is the one canonical form of what the struct holds now: xp_schema_read would accept it
 * and xp_schema_write would give it again. false: not surely so; what was allocated is the
 * struct's.
 */
bool xp_schema_scan_read(void *base, const struct xp_schema_scan *s, const char *text, size_t len,
			 const struct xp_schema_scan_hooks *hooks);
