/* schema_value: single values of a schema, to JSON and back. Used by schema*.c only. */
#pragma once
#include "certs/schema.h"

struct xp_schema_reader {
	struct xp_json_path path;
	struct xp_findings *findings;
	struct xp_err *err;
};
/* A finding at the place where the reader is. */
void xp_schema_finding(struct xp_schema_reader *r, const char *code, const char *text);

uint64_t xp_schema_count(const struct xp_field *f, const uint8_t *base);
void xp_schema_count_set(const struct xp_field *f, uint8_t *base, uint64_t n);
/* Is there nothing to write: an empty string, 0, no bytes, no elements, no tree? */
bool xp_schema_value_is_empty(const struct xp_field *f, const uint8_t *base);

/* Is it written? A matter of the whole struct at BASE. */
bool xp_schema_field_is_present(const struct xp_field *f, const uint8_t *base);
/* Strings of a closed form (words, identifiers, dates): is S of it? */
bool xp_schema_string_has_form(const struct xp_field *f, const char *s);

/* PATH is for the message of an error. */
MUST_USE enum xp_rc xp_schema_value_write(json_t **out, const struct xp_field *f,
					  const uint8_t *base, const struct xp_json_path *path,
					  struct xp_err *err);
MUST_USE enum xp_rc xp_schema_string_write(json_t **out, const struct xp_field *f,
					   const uint8_t *at, const struct xp_json_path *path,
					   struct xp_err *err);
MUST_USE enum xp_rc xp_schema_value_read(struct xp_schema_reader *r, const struct xp_field *f,
					 json_t *v, uint8_t *base);
void xp_schema_string_read(struct xp_schema_reader *r, const struct xp_field *f, json_t *v,
			   uint8_t *at);
