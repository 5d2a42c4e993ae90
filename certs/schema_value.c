#include "certs/schema_value.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

void xp_schema_finding(struct xp_schema_reader *r, const char *code, const char *text)
{
	xp_findings_add(r->findings, code, "%s: %s", xp_json_path_text(&r->path), text);
}

/* ---- unsigned numbers of any size ---- */

static uint64_t load_uint(const uint8_t *at, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, at, size); /* little endian: the low bytes; see the assertion below */
	return v;
}

static void store_uint(uint8_t *at, size_t size, uint64_t v)
{
	memcpy(at, &v, size);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are loaded by their low bytes");

static uint64_t uint_max(size_t size)
{
	return size >= 8 ? UINT64_MAX : (1ULL << (8 * size)) - 1;
}

uint64_t xp_schema_count(const struct xp_field *f, const uint8_t *base)
{
	return load_uint(base + f->count, f->count_size);
}

void xp_schema_count_set(const struct xp_field *f, uint8_t *base, uint64_t n)
{
	store_uint(base + f->count, f->count_size, n);
}

bool xp_schema_value_is_empty(const struct xp_field *f, const uint8_t *base)
{
	const uint8_t *at = base + f->offset;

	switch (f->type) {
	case XP_F_TEXT:
	case XP_F_ASCII:
	case XP_F_WORD:
	case XP_F_TOKEN:
	case XP_F_UUID:
	case XP_F_UUID7:
	case XP_F_SHA256:
	case XP_F_DATE:
		return !at[0];
	case XP_F_BOOL:
	case XP_F_UINT:
	case XP_F_DECIMAL:
	case XP_F_SIGNED:
	case XP_F_TIME:
	case XP_F_TREE:
		return load_uint(at, f->size) == 0;
	case XP_F_HEX_PART:
	case XP_F_HEX_HEAP:
	case XP_F_LIST:
	case XP_F_HEAP:
	case XP_F_STRINGS:
		return xp_schema_count(f, base) == 0;
	case XP_F_CONST:
	case XP_F_HEX:
	case XP_F_ENUM:
	case XP_F_OBJECT:
	case XP_F_INLINE:
		break;
	}
	return false;
}

/* ---- writing ---- */

static enum xp_rc made(json_t **out, json_t *v, const struct xp_json_path *path, struct xp_err *err)
{
	if (!v)
		return xp_fail(err, XP_E_INTERNAL, "record: %s: not UTF-8, or no memory",
			       xp_json_path_text(path));
	*out = v;
	return XP_OK;
}

static json_t *hex_json(const uint8_t *data, size_t len)
{
	char *hex = len > SIZE_MAX / 2 - 1 ? NULL : malloc(2 * len + 1);
	json_t *v;

	if (!hex)
		return NULL;
	xp_hex_encode(hex, data, len);
	v = json_stringn(hex, 2 * len);
	free(hex);
	return v;
}

static json_t *decimal_json(uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	return json_string(text);
}

static json_t *signed_json(const uint8_t *at)
{
	char text[24];
	int64_t v;

	memcpy(&v, at, sizeof(v));
	snprintf(text, sizeof(text), "%" PRId64, v);
	return json_string(text);
}

static json_t *time_json(const uint8_t *at)
{
	char text[XP_TIME_LEN];
	int64_t v;

	memcpy(&v, at, sizeof(v));
	xp_time_format(text, v);
	return json_string(text);
}

static json_t *heap_hex_json(const struct xp_field *f, const uint8_t *base)
{
	const uint8_t *data;

	memcpy(&data, base + f->offset, sizeof(data));
	return hex_json(data, xp_schema_count(f, base));
}

static json_t *tree_json(const uint8_t *at)
{
	json_t *tree;

	memcpy(&tree, at, sizeof(tree));
	return json_incref(tree);
}

/*
 * A text that was cut to its room may end within a character; that character goes. A longer way of
 * saying why must not keep a record from being written.
 */
static size_t whole_length(const char *text, size_t len, size_t size)
{
	size_t start = len;
	uint32_t code;

	if (len + 1 < size)
		return len;
	while (start && len - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start && ((unsigned char)text[start - 1] & 0xc0) == 0xc0)
		start--;
	return start < len && !xp_utf8_next(&code, text + start, len - start) ? start : len;
}

enum xp_rc xp_schema_string_write(json_t **out, const struct xp_field *f, const uint8_t *at,
				  const struct xp_json_path *path, struct xp_err *err)
{
	const char *text = (const char *)at;
	size_t len = strnlen(text, f->size);

	return made(out, json_stringn(text, whole_length(text, len, f->size)), path, err);
}

enum xp_rc xp_schema_value_write(json_t **out, const struct xp_field *f, const uint8_t *base,
				 const struct xp_json_path *path, struct xp_err *err)
{
	const uint8_t *at = base + f->offset;
	uint64_t v;

	switch (f->type) {
	case XP_F_TEXT:
	case XP_F_ASCII:
	case XP_F_WORD:
	case XP_F_TOKEN:
	case XP_F_UUID:
	case XP_F_UUID7:
	case XP_F_SHA256:
	case XP_F_DATE:
		return xp_schema_string_write(out, f, at, path, err);
	case XP_F_CONST:
		return made(out, json_string(f->words[0]), path, err);
	case XP_F_BOOL:
		return made(out, json_boolean(load_uint(at, f->size)), path, err);
	case XP_F_UINT:
		v = load_uint(at, f->size);
		if (v > XP_JCS_MAX_INT)
			return xp_fail(err, XP_E_INTERNAL, "record: %s: 2^53 or more",
				       xp_json_path_text(path));
		return made(out, json_integer((json_int_t)v), path, err);
	case XP_F_DECIMAL:
		return made(out, decimal_json(load_uint(at, f->size)), path, err);
	case XP_F_SIGNED:
		return made(out, signed_json(at), path, err);
	case XP_F_TIME:
		return made(out, time_json(at), path, err);
	case XP_F_HEX:
		return made(out, hex_json(at, f->size), path, err);
	case XP_F_HEX_PART:
		v = xp_schema_count(f, base);
		return made(out, v > f->size ? NULL : hex_json(at, v), path, err);
	case XP_F_HEX_HEAP:
		return made(out, heap_hex_json(f, base), path, err);
	case XP_F_ENUM:
		v = load_uint(at, f->size);
		return made(out, v < f->max ? json_string(f->name((unsigned)v)) : NULL, path, err);
	case XP_F_TREE:
		return made(out, tree_json(at), path, err);
	case XP_F_OBJECT:
	case XP_F_INLINE:
	case XP_F_LIST:
	case XP_F_HEAP:
	case XP_F_STRINGS:
		break;
	}
	return xp_fail(err, XP_E_INTERNAL, "record: %s: not a value", xp_json_path_text(path));
}

/* ---- reading: the forms of strings ---- */

static bool is_decimal(uint64_t *out, const char *s)
{
	uint64_t v = 0;

	if (!s[0] || (s[0] == '0' && s[1]))
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}

static bool is_signed(int64_t *out, const char *s)
{
	bool minus = s[0] == '-';
	uint64_t v;

	if (!is_decimal(&v, s + minus) || (minus && !v) || v > (uint64_t)INT64_MAX + minus)
		return false;
	*out = minus ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

static bool is_hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_hex(const char *s)
{
	size_t n = 0;

	while (is_hex_digit(s[n]))
		n++;
	return !s[n] && n % 2 == 0;
}

static bool is_uuid(const char *s, bool version_7)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	bool is_right = true;

	if (strlen(s) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < sizeof(form) - 1; i++)
		is_right &= form[i] == '-' ? s[i] == '-' : is_hex_digit(s[i]);
	return is_right && (!version_7 || (s[14] == '7' && strchr("89ab", s[19])));
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if (*s < 0x20 || *s > 0x7e)
			return false;
	return true;
}

static bool is_token(const char *s)
{
	static const char ends[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t n = strlen(s);

	return n && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n &&
	       strchr(ends, s[0]) && strchr(ends, s[n - 1]);
}

static bool is_word(const char *const *words, const char *s)
{
	for (; *words; words++)
		if (strcmp(*words, s) == 0)
			return true;
	return false;
}

bool xp_schema_string_has_form(const struct xp_field *f, const char *s)
{
	int64_t when;

	switch (f->type) {
	case XP_F_ASCII:
		return is_ascii(s);
	case XP_F_WORD:
		return is_word(f->words, s);
	case XP_F_TOKEN:
		return is_token(s);
	case XP_F_UUID:
		return is_uuid(s, false);
	case XP_F_UUID7:
		return is_uuid(s, true);
	case XP_F_SHA256:
		return strlen(s) == 64 && is_hex(s);
	case XP_F_DATE:
		return xp_time_parse(&when, s);
	default:
		return true;
	}
}

/* ---- reading: values ---- */

void xp_schema_string_read(struct xp_schema_reader *r, const struct xp_field *f, json_t *v,
			   uint8_t *at)
{
	const char *s = json_string_value(v);

	if (!s)
		xp_schema_finding(r, "E_SCHEMA_TYPE", "a string is expected");
	else if (!*s)
		xp_schema_finding(r, "E_SCHEMA_VALUE", "an empty string");
	else if (!xp_schema_string_has_form(f, s))
		xp_schema_finding(r, "E_SCHEMA_VALUE", "not of the form of this field");
	else if (strlen(s) >= f->size)
		xp_schema_finding(r, "E_SCHEMA_STRING_TOO_LONG", "longer than this field may be");
	else
		memcpy(at, s, strlen(s) + 1);
}

static void read_uint(struct xp_schema_reader *r, const struct xp_field *f, json_t *v, uint8_t *at)
{
	json_int_t i = json_integer_value(v);
	bool needs_some = f->presence == XP_P_OPTIONAL;

	if (!json_is_integer(v))
		xp_schema_finding(r, "E_SCHEMA_TYPE", "an integer is expected");
	else if (i < needs_some || i > XP_JCS_MAX_INT || (uint64_t)i > uint_max(f->size))
		xp_schema_finding(r, "E_SCHEMA_RANGE", "out of the range of this field");
	else
		store_uint(at, f->size, (uint64_t)i);
}

static void read_bool(struct xp_schema_reader *r, json_t *v, uint8_t *at)
{
	bool yes = json_is_true(v);

	if (!json_is_boolean(v))
		xp_schema_finding(r, "E_SCHEMA_TYPE", "true or false is expected");
	else
		memcpy(at, &yes, sizeof(yes));
}

/* Decimal strings, times, constants, enums: a string that stands for something else. */
static void read_coded(struct xp_schema_reader *r, const struct xp_field *f, const char *s,
		       uint8_t *at)
{
	uint64_t u = 0;
	int64_t i = 0;
	bool ok = false;

	if (f->type == XP_F_DECIMAL) {
		ok = is_decimal(&u, s) && u <= uint_max(f->size) &&
		     (u || f->presence != XP_P_OPTIONAL);
		if (ok)
			store_uint(at, f->size, u);
	} else if (f->type == XP_F_SIGNED || f->type == XP_F_TIME) {
		ok = f->type == XP_F_TIME ? xp_time_parse(&i, s) : is_signed(&i, s);
		if (ok)
			memcpy(at, &i, sizeof(i));
	} else if (f->type == XP_F_ENUM) {
		for (unsigned k = 0; k < f->max && !ok; k++) {
			ok = strcmp(s, f->name(k)) == 0;
			if (ok)
				store_uint(at, f->size, k);
		}
	} else if (f->type == XP_F_CONST) {
		ok = strcmp(s, f->words[0]) == 0;
	}
	if (!ok)
		xp_schema_finding(r, f->mismatch ? f->mismatch : "E_SCHEMA_VALUE",
				  "not of the form of this field");
}

static enum xp_rc read_hex(struct xp_schema_reader *r, const struct xp_field *f, const char *s,
			   uint8_t *base)
{
	size_t n = strlen(s) / 2;
	size_t max = f->type == XP_F_HEX_HEAP ? f->max : f->size;
	uint8_t *at = base + f->offset;

	if (!n || !is_hex(s)) {
		xp_schema_finding(r, "E_SCHEMA_VALUE", "not lower-case hex");
		return XP_OK;
	}
	if (n > max || (f->type == XP_F_HEX && n != max)) {
		xp_schema_finding(r, n > max ? "E_SCHEMA_STRING_TOO_LONG" : "E_SCHEMA_VALUE",
				  "not the number of bytes of this field");
		return XP_OK;
	}
	if (f->type == XP_F_HEX_HEAP) {
		at = malloc(n);
		if (!at)
			return xp_fail(r->err, XP_E_NOMEM, "record");
		memcpy(base + f->offset, &at, sizeof(at));
	}
	if (!xp_hex_decode(at, n, s))
		xp_schema_finding(r, "E_SCHEMA_VALUE", "not lower-case hex");
	if (f->type != XP_F_HEX)
		xp_schema_count_set(f, base, n);
	return XP_OK;
}

static void read_tree(struct xp_schema_reader *r, json_t *v, uint8_t *at)
{
	if (!json_is_object(v) || !json_object_size(v)) {
		xp_schema_finding(r, "E_SCHEMA_TYPE", "an object with something in it is expected");
		return;
	}
	json_incref(v);
	memcpy(at, &v, sizeof(v));
}

enum xp_rc xp_schema_value_read(struct xp_schema_reader *r, const struct xp_field *f, json_t *v,
				uint8_t *base)
{
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
		xp_schema_string_read(r, f, v, at);
		return XP_OK;
	case XP_F_BOOL:
		read_bool(r, v, at);
		return XP_OK;
	case XP_F_UINT:
		read_uint(r, f, v, at);
		return XP_OK;
	case XP_F_TREE:
		read_tree(r, v, at);
		return XP_OK;
	case XP_F_CONST:
	case XP_F_DECIMAL:
	case XP_F_SIGNED:
	case XP_F_TIME:
	case XP_F_ENUM:
		if (json_is_string(v))
			read_coded(r, f, json_string_value(v), at);
		else
			xp_schema_finding(r, "E_SCHEMA_TYPE", "a string is expected");
		return XP_OK;
	case XP_F_HEX:
	case XP_F_HEX_PART:
	case XP_F_HEX_HEAP:
		if (json_is_string(v))
			return read_hex(r, f, json_string_value(v), base);
		xp_schema_finding(r, "E_SCHEMA_TYPE", "a string is expected");
		return XP_OK;
	case XP_F_OBJECT:
	case XP_F_INLINE:
	case XP_F_LIST:
	case XP_F_HEAP:
	case XP_F_STRINGS:
		break;
	}
	return xp_fail(r->err, XP_E_INTERNAL, "record: %s: not a value",
		       xp_json_path_text(&r->path));
}
