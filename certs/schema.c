#include "certs/schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/span.h"
#include "certs/schema_value.h"

/* ---- writing ---- */

struct writer {
	struct xp_json_path path;
	struct xp_err *err;
};

static enum xp_rc write_fields(struct writer *w, json_t *object, const struct xp_schema *s,
			       const uint8_t *base);

bool xp_schema_field_is_present(const struct xp_field *f, const uint8_t *base)
{
	bool flag;

	switch (f->presence) {
	case XP_P_ALWAYS:
		return true;
	case XP_P_OPTIONAL:
		return !xp_schema_value_is_empty(f, base);
	case XP_P_UNLESS_MAX:
		return !xp_mem_is_filled(base + f->offset, 0xff, f->size);
	case XP_P_FLAG:
		memcpy(&flag, base + f->flag, sizeof(flag));
		return flag;
	case XP_P_WHEN:
	case XP_P_GIVEN:
		return f->when(base);
	}
	return false;
}

static enum xp_rc write_struct(struct writer *w, json_t **out, const struct xp_schema *s,
			       const uint8_t *base)
{
	AUTO(xp_json_free) json_t *object = json_object();

	if (!object)
		return xp_fail(w->err, XP_E_NOMEM, "record");
	TRY(write_fields(w, object, s, base));
	*out = STEAL(object);
	return XP_OK;
}

static enum xp_rc write_list(struct writer *w, json_t **out, const struct xp_field *f,
			     const uint8_t *base)
{
	const uint8_t *at = base + f->offset;
	uint64_t n = xp_schema_count(f, base);
	AUTO(xp_json_free) json_t *list = json_array();

	if (!list)
		return xp_fail(w->err, XP_E_NOMEM, "record");
	if (n > f->max)
		return xp_fail(w->err, XP_E_INTERNAL, "record: %s: %zu elements, at most %zu",
			       xp_json_path_text(&w->path), (size_t)n, f->max);
	if (f->type == XP_F_HEAP)
		memcpy(&at, base + f->offset, sizeof(at));
	for (size_t i = 0; i < n; i++) {
		json_t *item = NULL;
		size_t back = xp_json_path_index(&w->path, i);

		if (f->type == XP_F_STRINGS) {
			TRY(xp_schema_string_write(&item, f, at + i * f->size, &w->path, w->err));
		} else {
			TRY(write_struct(w, &item, f->sub, at + i * f->sub->size));
		}
		xp_json_path_pop(&w->path, back);
		if (json_array_append_new(list, item) != 0)
			return xp_fail(w->err, XP_E_NOMEM, "record");
	}
	*out = STEAL(list);
	return XP_OK;
}

static enum xp_rc write_field(struct writer *w, json_t *object, const struct xp_field *f,
			      const uint8_t *base)
{
	json_t *v = NULL;

	switch (f->type) {
	case XP_F_INLINE:
		return write_fields(w, object, f->sub, base + f->offset);
	case XP_F_OBJECT:
		TRY(write_struct(w, &v, f->sub, base + f->offset));
		break;
	case XP_F_LIST:
	case XP_F_HEAP:
	case XP_F_STRINGS:
		TRY(write_list(w, &v, f, base));
		break;
	default:
		TRY(xp_schema_value_write(&v, f, base, &w->path, w->err));
		break;
	}
	if (json_object_set_new(object, f->key, v) != 0)
		return xp_fail(w->err, XP_E_NOMEM, "record");
	return XP_OK;
}

static enum xp_rc write_fields(struct writer *w, json_t *object, const struct xp_schema *s,
			       const uint8_t *base)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct xp_field *f = &s->fields[i];
		size_t back = w->path.len;

		if (!xp_schema_field_is_present(f, base))
			continue;
		if (f->type != XP_F_INLINE)
			xp_json_path_key(&w->path, f->key);
		TRY(write_field(w, object, f, base));
		xp_json_path_pop(&w->path, back);
	}
	return XP_OK;
}

enum xp_rc xp_schema_write(json_t **out, const struct xp_schema *s, const void *base,
			   struct xp_err *err)
{
	struct writer w = {.err = err};

	*out = NULL;
	return write_struct(&w, out, s, base);
}

/* ---- reading ---- */

static enum xp_rc read_fields(struct xp_schema_reader *r, const struct xp_schema *s, json_t *object,
			      uint8_t *base);
static void find_unknown(struct xp_schema_reader *r, const struct xp_schema *s, json_t *object);

static enum xp_rc read_struct(struct xp_schema_reader *r, const struct xp_schema *s, json_t *v,
			      uint8_t *base)
{
	if (!json_is_object(v)) {
		xp_schema_finding(r, "E_SCHEMA_TYPE", "an object is expected");
		return XP_OK;
	}
	TRY(read_fields(r, s, v, base));
	find_unknown(r, s, v);
	return XP_OK;
}

/* Room for N structs, owned by the struct at BASE from here on. */
static enum xp_rc heap_make(struct xp_schema_reader *r, const struct xp_field *f, size_t n,
			    uint8_t *base, uint8_t **at)
{
	uint8_t *list = calloc(n, f->sub->size);

	if (!list)
		return xp_fail(r->err, XP_E_NOMEM, "record");
	memcpy(base + f->offset, &list, sizeof(list));
	xp_schema_count_set(f, base, n);
	if (f->cap)
		memcpy(base + f->cap, &n, sizeof(n));
	*at = list;
	return XP_OK;
}

static enum xp_rc read_list(struct xp_schema_reader *r, const struct xp_field *f, json_t *v,
			    uint8_t *base)
{
	uint8_t *at = base + f->offset;
	size_t n = json_array_size(v);

	if (!json_is_array(v)) {
		xp_schema_finding(r, "E_SCHEMA_TYPE", "an array is expected");
		return XP_OK;
	}
	if (n > f->max || (!n && f->presence == XP_P_OPTIONAL)) {
		xp_schema_finding(r, "E_SCHEMA_RANGE", "too many elements, or none");
		return XP_OK;
	}
	if (f->type != XP_F_HEAP)
		xp_schema_count_set(f, base, n);
	else if (n)
		TRY(heap_make(r, f, n, base, &at));
	for (size_t i = 0; i < n; i++) {
		size_t back = xp_json_path_index(&r->path, i);

		if (f->type == XP_F_STRINGS)
			xp_schema_string_read(r, f, json_array_get(v, i), at + i * f->size);
		else
			TRY(read_struct(r, f->sub, json_array_get(v, i), at + i * f->sub->size));
		xp_json_path_pop(&r->path, back);
	}
	return XP_OK;
}

static enum xp_rc read_value(struct xp_schema_reader *r, const struct xp_field *f, json_t *v,
			     uint8_t *base)
{
	bool yes = true;

	if (f->presence == XP_P_FLAG)
		memcpy(base + f->flag, &yes, sizeof(yes));
	switch (f->type) {
	case XP_F_OBJECT:
		return read_struct(r, f->sub, v, base + f->offset);
	case XP_F_LIST:
	case XP_F_HEAP:
	case XP_F_STRINGS:
		return read_list(r, f, v, base);
	default:
		return xp_schema_value_read(r, f, v, base);
	}
}

static enum xp_rc read_field(struct xp_schema_reader *r, const struct xp_field *f, json_t *object,
			     uint8_t *base)
{
	json_t *v;

	if (f->type == XP_F_INLINE)
		return read_fields(r, f->sub, object, base + f->offset);
	v = json_object_get(object, f->key);
	xp_json_path_key(&r->path, f->key);
	if (f->presence == XP_P_WHEN && v && !f->when(base)) {
		xp_schema_finding(r, "E_SCHEMA_UNKNOWN_KEY", "not a field of this kind");
		return XP_OK;
	}
	if (v)
		return read_value(r, f, v, base);
	if (f->presence == XP_P_UNLESS_MAX)
		memset(base + f->offset, 0xff, f->size);
	if (f->presence == XP_P_ALWAYS || (f->presence == XP_P_WHEN && f->when(base)))
		xp_schema_finding(r, "E_SCHEMA_MISSING_KEY", "missing");
	return XP_OK;
}

static enum xp_rc read_fields(struct xp_schema_reader *r, const struct xp_schema *s, json_t *object,
			      uint8_t *base)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t back = r->path.len;

		TRY(read_field(r, &s->fields[i], object, base));
		xp_json_path_pop(&r->path, back);
	}
	return XP_OK;
}

static bool has_key(const struct xp_schema *s, const char *key)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct xp_field *f = &s->fields[i];

		if (f->type == XP_F_INLINE ? has_key(f->sub, key) : strcmp(f->key, key) == 0)
			return true;
	}
	return false;
}

static void find_unknown(struct xp_schema_reader *r, const struct xp_schema *s, json_t *object)
{
	const char *key;
	json_t *v;

	json_object_foreach (object, key, v) {
		size_t back = xp_json_path_key(&r->path, key);

		if (!has_key(s, key))
			xp_schema_finding(r, "E_SCHEMA_UNKNOWN_KEY", "not a field of this version");
		xp_json_path_pop(&r->path, back);
	}
}

enum xp_rc xp_schema_read(void *base, const struct xp_schema *s, json_t *object,
			  struct xp_findings *findings, struct xp_err *err)
{
	struct xp_schema_reader r = {.findings = findings, .err = err};

	return read_struct(&r, s, object, base);
}

/* ---- texts ---- */

struct visitor {
	struct xp_json_path path;
	void (*each)(void *ctx, const char *path, const char *text);
	void *ctx;
};

static void visit_fields(struct visitor *v, const struct xp_schema *s, const uint8_t *base);

static void visit_text(struct visitor *v, const uint8_t *at)
{
	if (*at)
		v->each(v->ctx, xp_json_path_text(&v->path), (const char *)at);
}

static void visit_list(struct visitor *v, const struct xp_field *f, const uint8_t *base)
{
	const uint8_t *at = base + f->offset;

	if (f->type == XP_F_HEAP)
		memcpy(&at, base + f->offset, sizeof(at));
	for (size_t i = 0; i < xp_schema_count(f, base); i++) {
		size_t back = xp_json_path_index(&v->path, i);

		if (f->type == XP_F_STRINGS)
			visit_text(v, at + i * f->size);
		else
			visit_fields(v, f->sub, at + i * f->sub->size);
		xp_json_path_pop(&v->path, back);
	}
}

static void visit_fields(struct visitor *v, const struct xp_schema *s, const uint8_t *base)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct xp_field *f = &s->fields[i];
		size_t back = v->path.len;

		if (!xp_schema_field_is_present(f, base))
			continue;
		if (f->key)
			xp_json_path_key(&v->path, f->key);
		if (f->type == XP_F_TEXT)
			visit_text(v, base + f->offset);
		else if (f->type == XP_F_OBJECT || f->type == XP_F_INLINE)
			visit_fields(v, f->sub, base + f->offset);
		else if (f->type == XP_F_LIST || f->type == XP_F_HEAP || f->type == XP_F_STRINGS)
			visit_list(v, f, base);
		xp_json_path_pop(&v->path, back);
	}
}

void xp_schema_each_text(const struct xp_schema *s, const void *base,
			 void (*each)(void *ctx, const char *path, const char *text), void *ctx)
{
	struct visitor v = {.each = each, .ctx = ctx};

	visit_fields(&v, s, base);
}
