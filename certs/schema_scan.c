#include "certs/schema_scan.h"

#include <stdlib.h>
#include <string.h>

#include "certs/schema_order.h"
#include "certs/schema_value.h"

#define FIRST_ROOM 8

/* ---- the bytes ---- */

struct cursor {
	const char *at;
	const char *end;
	const struct xp_schema_scan_hooks *hooks;
	const char *last; /* the object that hooks->again.last holds; NULL: none yet */
	size_t last_len;
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

#define EACH_BYTE(b) (0x0101010101010101ULL * (b))

/*
 * Which of the eight bytes of V, as they are loaded, end a plain run of text: a control character,
 * a quote, a backslash, 7Fh or what is not ASCII. The lowest bit that is set is true; others above
 * it may be there for nothing.
 */
static uint64_t ends_of_run(uint64_t v)
{
	const uint64_t quote = v ^ EACH_BYTE('"');
	const uint64_t backslash = v ^ EACH_BYTE('\\');
	const uint64_t del = v ^ EACH_BYTE(0x7f);
	const uint64_t ends = ((v - EACH_BYTE(0x20)) & ~v) | ((quote - EACH_BYTE(1)) & ~quote) |
			      ((backslash - EACH_BYTE(1)) & ~backslash) |
			      ((del - EACH_BYTE(1)) & ~del) | v;

	return ends & EACH_BYTE(0x80);
}

/* Printable ASCII, eight bytes at a time: most of all texts are this, to their ends. */
static size_t take_run(struct cursor *c, char *out, size_t size)
{
	size_t n = 0;

	while (left(c) >= 8 && n + 8 < size) {
		uint64_t v, ends;
		size_t len;

		memcpy(&v, c->at, sizeof(v));
		memcpy(out + n, &v, sizeof(v));
		ends = ends_of_run(v);
		len = ends ? (size_t)__builtin_ctzll(ends) / 8 : 8; /* little endian */
		n += len;
		c->at += len;
		if (ends)
			break;
	}
	return n;
}

/*
 * A text, with a NUL behind it. Of what must be escaped only the quote and the backslash may stand
 * in a record at all, so that nothing else is canonical.
 */
static bool take_text(struct cursor *c, char *out, size_t size)
{
	size_t n;

	if (!take(c, '"'))
		return false;
	n = take_run(c, out, size);
	while (c->at < c->end && *c->at != '"') {
		uint32_t code;
		size_t len;

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
	/* what a run left behind its end: absent bytes of a struct are zeros */
	memset(out + n, 0, size - n < 9 ? size - n : 9);
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

/* 16 and its value of each hex digit in lower case, 0 of all else. */
static const uint8_t digits[256] = {
	['0'] = 16, ['1'] = 17, ['2'] = 18, ['3'] = 19, ['4'] = 20, ['5'] = 21,
	['6'] = 22, ['7'] = 23, ['8'] = 24, ['9'] = 25, ['a'] = 26, ['b'] = 27,
	['c'] = 28, ['d'] = 29, ['e'] = 30, ['f'] = 31,
};

static bool decode_hex(uint8_t *out, size_t n, const char *hex)
{
	uint8_t all = 16;

	for (size_t i = 0; i < n; i++) {
		uint8_t hi = digits[(uint8_t)hex[2 * i]];
		uint8_t lo = digits[(uint8_t)hex[2 * i + 1]];

		all &= hi & lo;
		out[i] = (uint8_t)(hi << 4 | (lo & 15));
	}
	return all & 16;
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

static bool scan_enum(struct cursor *c, const struct xp_scan_field *s, uint8_t *at)
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
	return !is_text || !c->hooks->text_is_fit || c->hooks->text_is_fit(c->hooks->ctx, at);
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

static bool scan_element(struct cursor *c, const struct xp_scan_field *s, uint8_t *base, size_t n,
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
	memset(at + n * f->sub->size, 0, f->sub->size);
	return scan_object(c, s->sub, at + n * f->sub->size);
}

static bool scan_list(struct cursor *c, const struct xp_scan_field *s, uint8_t *base)
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

/*
 * What LAST was read from must go on to live as long as the document's struct: it owns nothing, and
 * a list that grows moves structs, never what they point at.
 */
static bool scan_again(struct cursor *c, const struct xp_scan_field *s, uint8_t *at)
{
	const char *begin = c->at;

	if (c->last && left(c) >= c->last_len && memcmp(c->at, c->last, c->last_len) == 0) {
		c->at += c->last_len;
		return c->hooks->again.copy(at, c->hooks->again.last);
	}
	if (!scan_object(c, s->sub, at))
		return false;
	memcpy(c->hooks->again.last, at, s->f->sub->size);
	c->last = begin;
	c->last_len = (size_t)(c->at - begin);
	return true;
}

static bool scan_value(struct cursor *c, const struct xp_scan_field *s, uint8_t *base)
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
		return f->sub == c->hooks->again.schema ? scan_again(c, s, at)
							: scan_object(c, s->sub, at);
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

static bool scan_present(struct cursor *c, const struct xp_scan_field *s, uint8_t *base)
{
	bool yes = true;

	if (s->f->presence == XP_P_FLAG)
		memcpy(base + s->offset + s->f->flag, &yes, sizeof(yes));
	return scan_value(c, s, base + s->offset);
}

/* There is what must be there, and nothing that would not be written again. */
static bool presence_is_right(const struct xp_schema_scan *s, const uint8_t *base, uint64_t seen)
{
	if ((seen & s->always) != s->always)
		return false;
	for (uint64_t ask = s->asked | (s->asked_if_there & seen); ask; ask &= ask - 1) {
		const struct xp_scan_field *f = &s->fields[__builtin_ctzll(ask)];

		if (xp_schema_field_is_present(f->f, base + f->offset) !=
		    (bool)(seen & ask & (0 - ask)))
			return false;
	}
	return true;
}

/* The first bytes of what stands here; behind the end of the text there are none. */
static uint64_t peek(const struct cursor *c)
{
	uint64_t v = 0;

	if (left(c) >= sizeof(v))
		memcpy(&v, c->at, sizeof(v));
	else
		memcpy(&v, c->at, left(c));
	return v;
}

/* The key of F, whose head stands here. */
static bool take_rest(struct cursor *c, const struct xp_scan_field *f)
{
	const size_t head = sizeof(uint64_t);

	if (left(c) < f->key_len ||
	    (f->key_len > head && memcmp(c->at + head, f->key + head, f->key_len - head) != 0))
		return false;
	c->at += f->key_len;
	return true;
}

static void fill_absent(const struct xp_schema_scan *s, uint8_t *base, uint64_t seen)
{
	for (uint64_t left_out = s->filled & ~seen; left_out; left_out &= left_out - 1) {
		const struct xp_scan_field *f = &s->fields[__builtin_ctzll(left_out)];

		memset(base + f->offset + f->f->offset, 0xff, f->f->size);
	}
}

/* Members in the order of their keys, a comma between two of them, up to the closing brace. */
static bool scan_members(struct cursor *c, const struct xp_schema_scan *s, uint8_t *base,
			 uint64_t *seen)
{
	uint64_t head = peek(c);

	for (size_t i = 0; i < s->n; i++) {
		const struct xp_scan_field *f = &s->fields[i];

		if (((head ^ s->heads[i].bytes) & s->heads[i].mask) || !take_rest(c, f))
			continue;
		if (!scan_present(c, f, base))
			return false;
		*seen |= 1ULL << i;
		if (take(c, '}'))
			return true;
		if (!take(c, ','))
			return false;
		head = peek(c);
	}
	return false;
}

static bool scan_object(struct cursor *c, const struct xp_schema_scan *s, uint8_t *base)
{
	uint64_t seen = 0;

	if (!take(c, '{') || (!take(c, '}') && !scan_members(c, s, base, &seen)))
		return false;
	fill_absent(s, base, seen);
	return presence_is_right(s, base, seen);
}

bool xp_schema_scan_read(void *base, const struct xp_schema_scan *s, const char *text, size_t len,
			 const struct xp_schema_scan_hooks *hooks)
{
	struct cursor c = {.at = text, .end = text + len, .hooks = hooks};

	return scan_object(&c, s, base) && c.at == c.end;
}
