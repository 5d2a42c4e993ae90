#include "certs/schema_order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void xp_schema_scan_free(struct xp_schema_scan **s)
{
	for (size_t i = 0; *s && i < (*s)->n; i++) {
		xp_schema_scan_free(&(*s)->fields[i].sub);
		free((*s)->fields[i].words);
	}
	free(*s);
	*s = NULL;
}

static enum xp_rc take_words(struct xp_scan_field *out, const struct xp_field *f,
			     struct xp_err *err)
{
	out->words = calloc(f->max + 1, sizeof(*out->words));
	if (!out->words)
		return xp_fail(err, XP_E_NOMEM, "schema");
	for (; out->words_n < f->max; out->words_n++) {
		struct xp_scan_word *w = &out->words[out->words_n];

		w->text = f->name((unsigned)out->words_n);
		w->len = strlen(w->text);
	}
	return XP_OK;
}

static enum xp_rc add_fields(struct xp_schema_scan *s, const struct xp_schema *schema,
			     size_t offset, struct xp_err *err);

static enum xp_rc add_field(struct xp_schema_scan *s, const struct xp_field *f, size_t offset,
			    struct xp_err *err)
{
	struct xp_scan_field *out = &s->fields[s->n];
	int n;

	if (f->type == XP_F_INLINE)
		return add_fields(s, f->sub, offset + f->offset, err);
	if (s->n == XP_SCAN_FIELDS_MAX)
		return xp_fail(err, XP_E_UNSUPPORTED, "an object of more than %d fields",
			       XP_SCAN_FIELDS_MAX);
	n = snprintf(out->key, sizeof(out->key), "\"%s\":", f->key);
	if (n < 0 || (size_t)n >= sizeof(out->key))
		return xp_fail(err, XP_E_UNSUPPORTED, "a long key");
	out->key_len = (size_t)n;
	out->f = f;
	out->offset = offset;
	s->n++;
	if (f->type == XP_F_ENUM)
		TRY(take_words(out, f, err));
	return f->sub ? xp_schema_scan_new(&out->sub, f->sub, err) : XP_OK;
}

static enum xp_rc add_fields(struct xp_schema_scan *s, const struct xp_schema *schema,
			     size_t offset, struct xp_err *err)
{
	for (size_t i = 0; i < schema->n; i++)
		TRY(add_field(s, &schema->fields[i], offset, err));
	return XP_OK;
}

/* Bytes of the struct that tell whether a field is there. */
struct place {
	size_t begin, end;
};

static struct place place_of(const struct xp_scan_field *s)
{
	const struct xp_field *f = s->f;
	size_t at = s->offset + (f->count_size ? f->count : f->offset);

	return (struct place){at, at + (f->count_size ? f->count_size : f->size)};
}

/* Does another field write there, too? Then that it was not read says nothing. */
static bool is_shared(const struct xp_schema_scan *s, size_t i)
{
	const struct place p = place_of(&s->fields[i]);

	for (size_t k = 0; k < s->n; k++) {
		const struct xp_field *f = s->fields[k].f;
		size_t base = s->fields[k].offset;
		size_t len = f->type == XP_F_STRINGS ? f->size * f->max : f->size;
		const struct place all[] = {
			place_of(&s->fields[k]),
			{base + f->offset, base + f->offset + len},
			{base + f->flag, base + f->flag + (f->presence == XP_P_FLAG)},
			{base + f->cap, base + f->cap + (f->cap ? sizeof(size_t) : 0)},
		};

		for (size_t m = 0; k != i && m < XP_ARRAY_LEN(all); m++)
			if (p.begin < all[m].end && all[m].begin < p.end)
				return true;
	}
	return false;
}

/* Of what is optional: can it be read and yet be empty, which is not canonical? */
static bool may_be_empty(enum xp_field_type type)
{
	switch (type) {
	case XP_F_TEXT:
	case XP_F_ASCII:
	case XP_F_WORD:
	case XP_F_TOKEN:
	case XP_F_UUID:
	case XP_F_UUID7:
	case XP_F_SHA256:
	case XP_F_DATE:
	case XP_F_UINT:
	case XP_F_DECIMAL:
	case XP_F_HEX_PART:
	case XP_F_HEX_HEAP:
		return false;
	case XP_F_CONST:
	case XP_F_BOOL:
	case XP_F_SIGNED:
	case XP_F_TIME:
	case XP_F_HEX:
	case XP_F_ENUM:
	case XP_F_OBJECT:
	case XP_F_INLINE:
	case XP_F_LIST:
	case XP_F_HEAP:
	case XP_F_STRINGS:
	case XP_F_TREE:
		break;
	}
	return true;
}

/* Is a field that was not read, in a struct of zeros, surely absent? */
static bool is_absent_unread(const struct xp_schema_scan *s, size_t i)
{
	switch (s->fields[i].f->type) {
	case XP_F_CONST:
	case XP_F_HEX:
	case XP_F_ENUM:
	case XP_F_OBJECT:
	case XP_F_INLINE:
		return false; /* these are never empty */
	default:
		return !is_shared(s, i);
	}
}

static void set_heads(struct xp_schema_scan *s)
{
	for (size_t i = 0; i < s->n; i++) {
		uint8_t mask[8] = {0};

		for (size_t k = 0; k < sizeof(mask) && k < s->fields[i].key_len; k++)
			mask[k] = 0xff;
		memcpy(&s->heads[i].mask, mask, sizeof(mask));
		memcpy(&s->heads[i].bytes, s->fields[i].key, sizeof(mask));
		s->heads[i].bytes &= s->heads[i].mask;
	}
}

static void sort_presence(struct xp_schema_scan *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct xp_field *f = s->fields[i].f;
		uint64_t bit = 1ULL << i;

		if (f->presence == XP_P_UNLESS_MAX)
			s->filled |= bit;
		if (f->presence == XP_P_ALWAYS)
			s->always |= bit;
		else if (f->presence != XP_P_OPTIONAL || !is_absent_unread(s, i))
			s->asked |= bit;
		else if (may_be_empty(f->type))
			s->asked_if_there |= bit;
	}
}

static int by_key(const void *a, const void *b)
{
	const struct xp_scan_field *x = a;
	const struct xp_scan_field *y = b;

	return strcmp(x->f->key, y->f->key);
}

enum xp_rc xp_schema_scan_new(struct xp_schema_scan **out, const struct xp_schema *schema,
			      struct xp_err *err)
{
	AUTO(xp_schema_scan_free) struct xp_schema_scan *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return xp_fail(err, XP_E_NOMEM, "schema");
	s->struct_size = schema->size;
	TRY(add_fields(s, schema, 0, err));
	qsort(s->fields, s->n, sizeof(s->fields[0]), by_key);
	for (size_t i = 1; i < s->n; i++)
		if (by_key(&s->fields[i - 1], &s->fields[i]) == 0)
			return xp_fail(err, XP_E_UNSUPPORTED, "two fields of one key");
	set_heads(s);
	sort_presence(s);
	*out = STEAL(s);
	return XP_OK;
}
