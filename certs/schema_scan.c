#include "certs/schema_scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/schema_value.h"

#define FIELDS_MAX 64 /* of one object, those of its inline parts too: bits of a word */
#define KEY_MAX	   48
#define FIRST_ROOM 4

struct word {
	const char *text;
	size_t len;
};

struct scan_field {
	const struct xp_field *f;
	size_t offset;	   /* of the struct that F is a field of, from that of the object */
	char key[KEY_MAX]; /* with its quotes and the colon */
	size_t key_len;
	struct xp_schema_scan *sub; /* of objects and lists of them */
	struct word *words;	    /* of XP_F_ENUM */
	size_t words_n;
};

struct xp_schema_scan {
	size_t n;
	size_t struct_size;
	struct scan_field fields[FIELDS_MAX];
};

/* ---- a schema in the order of its keys ---- */

void xp_schema_scan_free(struct xp_schema_scan **s)
{
	for (size_t i = 0; *s && i < (*s)->n; i++) {
		xp_schema_scan_free(&(*s)->fields[i].sub);
		free((*s)->fields[i].words);
	}
	free(*s);
	*s = NULL;
}

static enum xp_rc take_words(struct scan_field *out, const struct xp_field *f, struct xp_err *err)
{
	out->words = calloc(f->max + 1, sizeof(*out->words));
	if (!out->words)
		return xp_fail(err, XP_E_NOMEM, "schema");
	for (; out->words_n < f->max; out->words_n++) {
		struct word *w = &out->words[out->words_n];

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
	struct scan_field *out = &s->fields[s->n];
	int n;

	if (f->type == XP_F_INLINE)
		return add_fields(s, f->sub, offset + f->offset, err);
	if (s->n == FIELDS_MAX)
		return xp_fail(err, XP_E_UNSUPPORTED, "an object of more than %d fields",
			       FIELDS_MAX);
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

static int by_key(const void *a, const void *b)
{
	const struct scan_field *x = a;
	const struct scan_field *y = b;

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
	*out = STEAL(s);
	return XP_OK;
}

/* ---- the bytes ---- */

struct cursor {
	const char *at;
	const char *end;
	const struct xp_schema_scan_hooks *hooks;
};

static size_t left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static bool take(struct cursor *c, char what)
{
	if (c->at == c->end || *c->at != what)
		return false;
	c->at++;
	return true;
}

static bool take_literal(struct cursor *c, const char *text, size_t len)
{
	if (left(c) < len || memcmp(c->at, text, len) != 0)
		return false;
	c->at += len;
	return true;
}

/* What stands between two quotes without anything escaped in it; for what holds no such thing. */
static bool take_quoted(struct cursor *c, const char **text, size_t *len)
{
	const char *end;

	if (!take(c, '"'))
		return false;
	end = memchr(c->at, '"', left(c));
	if (!end)
		return false;
	*text = c->at;
	*len = (size_t)(end - c->at);
	c->at = end + 1;
	return true;
}

/*
 * A text, with a NUL behind it. Of what must be escaped only the quote and the backslash may stand
 * in a record at all, so that nothing else is canonical.
 */
static bool take_text(struct cursor *c, char *out, size_t size)
{
	size_t n = 0;

	if (!take(c, '"'))
		return false;
	while (c->at < c->end && *c->at != '"') {
		uint32_t code;
		size_t len;

		/* most of all texts are this, to their ends */
		if (*c->at >= 0x20 && *c->at < 0x7f && *c->at != '\\' && n + 1 < size) {
			out[n++] = *c->at++;
			continue;
		}
		if (*c->at == '\\') {
			c->at++;
			if (c->at == c->end || (*c->at != '"' && *c->at != '\\'))
				return false;
		}
		len = xp_utf8_next(&code, c->at, left(c));
		if (!len || xp_unicode_is_control(code) || n + len >= size)
			return false;
		memcpy(out + n, c->at, len);
		n += len;
		c->at += len;
	}
	out[n] = 0;
	return n && take(c, '"');
}

/* "0" or digits without a zero before them. */
static bool take_number(struct cursor *c, uint64_t *out)
{
	const char *start = c->at;
	uint64_t v = 0;

	while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*c->at - '0'), &v))
			return false;
		c->at++;
	}
	*out = v;
	return c->at > start && (*start != '0' || c->at == start + 1);
}

static int nibble(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static bool decode_hex(uint8_t *out, size_t n, const char *hex)
{
	int bad = 0;

	for (size_t i = 0; i < n; i++) {
		int hi = nibble(hex[2 * i]);
		int lo = nibble(hex[2 * i + 1]);

		bad |= hi | lo;
		out[i] = (uint8_t)((unsigned)hi << 4 | (unsigned)lo);
	}
	return bad >= 0;
}

/* ---- values ---- */

static bool is_number_for(const struct xp_field *f, uint64_t v)
{
	return (f->size >= 8 || v < 1ULL << (8 * f->size)) && (v || f->presence != XP_P_OPTIONAL);
}

static bool scan_uint(struct cursor *c, const struct xp_field *f, uint8_t *at)
{
	uint64_t v;

	if (!take_number(c, &v) || v > XP_JCS_MAX_INT || !is_number_for(f, v))
		return false;
	memcpy(at, &v, f->size); /* little endian, as in schema_value.c */
	return true;
}

static bool scan_decimal(struct cursor *c, const struct xp_field *f, uint8_t *at)
{
	uint64_t v;

	if (!take(c, '"') || !take_number(c, &v) || !take(c, '"') || !is_number_for(f, v))
		return false;
	memcpy(at, &v, f->size);
	return true;
}

static bool scan_signed(struct cursor *c, uint8_t *at)
{
	bool minus;
	uint64_t v;
	int64_t i;

	if (!take(c, '"'))
		return false;
	minus = take(c, '-');
	if (!take_number(c, &v) || !take(c, '"') || (minus && !v) ||
	    v > (uint64_t)INT64_MAX + minus)
		return false;
	i = minus ? (int64_t)(0 - v) : (int64_t)v;
	memcpy(at, &i, sizeof(i));
	return true;
}

static bool scan_time(struct cursor *c, uint8_t *at)
{
	char text[XP_TIME_LEN];
	int64_t t;

	if (!take(c, '"') || left(c) < XP_TIME_LEN)
		return false;
	memcpy(text, c->at, XP_TIME_LEN - 1);
	text[XP_TIME_LEN - 1] = 0;
	c->at += XP_TIME_LEN - 1;
	if (!xp_time_parse(&t, text))
		return false;
	memcpy(at, &t, sizeof(t));
	return take(c, '"');
}

static bool scan_bool(struct cursor *c, uint8_t *at)
{
	bool yes = take_literal(c, "true", 4);

	if (!yes && !take_literal(c, "false", 5))
		return false;
	memcpy(at, &yes, sizeof(yes));
	return true;
}

static bool scan_enum(struct cursor *c, const struct scan_field *s, uint8_t *at)
{
	const char *text;
	size_t len;

	if (!take_quoted(c, &text, &len))
		return false;
	for (uint64_t k = 0; k < s->words_n; k++) {
		if (s->words[k].len != len || memcmp(s->words[k].text, text, len) != 0)
			continue;
		memcpy(at, &k, s->f->size);
		return true;
	}
	return false;
}

static bool scan_const(struct cursor *c, const struct xp_field *f)
{
	const char *text;
	size_t len;

	return take_quoted(c, &text, &len) && len == strlen(f->words[0]) &&
	       memcmp(text, f->words[0], len) == 0;
}

static bool scan_hex(struct cursor *c, const struct xp_field *f, uint8_t *base)
{
	size_t max = f->type == XP_F_HEX_HEAP ? f->max : f->size;
	uint8_t *at = base + f->offset;
	const char *hex;
	size_t len, n;

	if (!take_quoted(c, &hex, &len))
		return false;
	n = len / 2;
	if (!n || len % 2 || n > max || (f->type == XP_F_HEX && n != max))
		return false;
	if (f->type == XP_F_HEX_HEAP) {
		at = malloc(n);
		if (!at)
			return false;
		memcpy(base + f->offset, &at, sizeof(at));
	}
	if (f->type != XP_F_HEX)
		xp_schema_count_set(f, base, n);
	return decode_hex(at, n, hex);
}

static bool scan_string(struct cursor *c, const struct xp_field *f, char *at)
{
	bool is_text = f->type == XP_F_TEXT || f->type == XP_F_STRINGS;

	if (!take_text(c, at, f->size) || !xp_schema_string_has_form(f, at))
		return false;
	return !is_text || !c->hooks->text_is_fit || c->hooks->text_is_fit(at);
}

static bool scan_tree(struct cursor *c, const struct xp_field *f)
{
	size_t n = c->hooks->take_tree ? c->hooks->take_tree(c->hooks->ctx, f, c->at, left(c)) : 0;

	c->at += n;
	return n != 0;
}

static bool scan_object(struct cursor *c, const struct xp_schema_scan *s, uint8_t *base);

/* ---- lists ---- */

/* Room for one more; what is there is the struct's at any time. NULL: no memory. */
static uint8_t *heap_next(const struct xp_field *f, uint8_t *base, size_t n, size_t *room)
{
	size_t size = f->sub->size;
	uint8_t *list;

	memcpy(&list, base + f->offset, sizeof(list));
	if (n == *room) {
		size_t more = *room ? 2 * *room : FIRST_ROOM;
		uint8_t *grown = reallocarray(list, more, size);

		if (!grown)
			return NULL;
		list = grown;
		*room = more;
		memcpy(base + f->offset, &list, sizeof(list));
	}
	memset(list + n * size, 0, size);
	xp_schema_count_set(f, base, n + 1);
	return list + n * size;
}

static bool scan_element(struct cursor *c, const struct scan_field *s, uint8_t *base, size_t n,
			 size_t *room)
{
	const struct xp_field *f = s->f;
	uint8_t *at = base + f->offset;

	if (n == f->max)
		return false;
	if (f->type == XP_F_STRINGS) {
		xp_schema_count_set(f, base, n + 1);
		return scan_string(c, f, (char *)at + n * f->size);
	}
	if (f->type == XP_F_HEAP) {
		at = heap_next(f, base, n, room);
		return at && scan_object(c, s->sub, at);
	}
	xp_schema_count_set(f, base, n + 1);
	return scan_object(c, s->sub, at + n * f->sub->size);
}

static bool scan_list(struct cursor *c, const struct scan_field *s, uint8_t *base)
{
	size_t room = 0;
	size_t n = 0;

	if (!take(c, '['))
		return false;
	while (!take(c, ']')) {
		if (n && !take(c, ','))
			return false;
		if (!scan_element(c, s, base, n++, &room))
			return false;
	}
	if (s->f->cap)
		memcpy(base + s->f->cap, &n, sizeof(n));
	return true;
}

/* ---- objects ---- */

static bool scan_value(struct cursor *c, const struct scan_field *s, uint8_t *base)
{
	const struct xp_field *f = s->f;
	uint8_t *at = base + f->offset;

	switch (f->type) {
	case XP_F_TEXT:
	case XP_F_ASCII:
	case XP_F_WORD:
	case XP_F_TOKEN:
	case XP_F_UUID:
	case XP_F_UUID7:
	case XP_F_SHA256:
	case XP_F_DATE:
		return scan_string(c, f, (char *)at);
	case XP_F_CONST:
		return scan_const(c, f);
	case XP_F_BOOL:
		return scan_bool(c, at);
	case XP_F_UINT:
		return scan_uint(c, f, at);
	case XP_F_DECIMAL:
		return scan_decimal(c, f, at);
	case XP_F_SIGNED:
		return scan_signed(c, at);
	case XP_F_TIME:
		return scan_time(c, at);
	case XP_F_HEX:
	case XP_F_HEX_PART:
	case XP_F_HEX_HEAP:
		return scan_hex(c, f, base);
	case XP_F_ENUM:
		return scan_enum(c, s, at);
	case XP_F_OBJECT:
		return scan_object(c, s->sub, at);
	case XP_F_LIST:
	case XP_F_HEAP:
	case XP_F_STRINGS:
		return scan_list(c, s, base);
	case XP_F_TREE:
		return scan_tree(c, f);
	case XP_F_INLINE:
		break;
	}
	return false;
}

static bool scan_present(struct cursor *c, const struct scan_field *s, uint8_t *base)
{
	bool yes = true;

	if (s->f->presence == XP_P_FLAG)
		memcpy(base + s->offset + s->f->flag, &yes, sizeof(yes));
	return scan_value(c, s, base + s->offset);
}

/* There is what must be there, and nothing that would not be written again. */
static bool presence_is_right(const struct xp_schema_scan *s, const uint8_t *base, uint64_t seen)
{
	for (size_t i = 0; i < s->n; i++)
		if (xp_schema_field_is_present(s->fields[i].f, base + s->fields[i].offset) !=
		    (bool)(seen >> i & 1))
			return false;
	return true;
}

static bool scan_object(struct cursor *c, const struct xp_schema_scan *s, uint8_t *base)
{
	uint64_t seen = 0;
	bool more = false; /* a member stands before this place */
	bool ended;

	if (!take(c, '{'))
		return false;
	ended = take(c, '}');
	for (size_t i = 0; i < s->n; i++) {
		const struct scan_field *f = &s->fields[i];

		if (ended || !take_literal(c, f->key, f->key_len)) {
			if (f->f->presence == XP_P_UNLESS_MAX)
				memset(base + f->offset + f->f->offset, 0xff, f->f->size);
			continue;
		}
		if (!scan_present(c, f, base))
			return false;
		seen |= 1ULL << i;
		more = take(c, ',');
		ended = !more && take(c, '}');
		if (!more && !ended)
			return false;
	}
	return ended && presence_is_right(s, base, seen);
}

bool xp_schema_scan_read(void *base, const struct xp_schema_scan *s, const char *text, size_t len,
			 const struct xp_schema_scan_hooks *hooks)
{
	struct cursor c = {.at = text, .end = text + len, .hooks = hooks};

	return scan_object(&c, s, base) && c.at == c.end;
}
