#include "certs/jcs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

void xp_json_free(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

/* ---- paths ---- */

static void path_add(struct xp_json_path *p, const char *s)
{
	size_t n = strlen(s);

	if (n >= sizeof(p->text) - p->len)
		return;
	memcpy(p->text + p->len, s, n + 1);
	p->len += n;
}

size_t xp_json_path_key(struct xp_json_path *p, const char *key)
{
	size_t back = p->len;

	if (p->len)
		path_add(p, ".");
	for (size_t i = 0; i < 64 && key[i]; i++) {
		unsigned char c = (unsigned char)key[i];
		char one[8] = {(char)c};

		if (c <= 0x20 || c >= 0x7f)
			snprintf(one, sizeof(one), "\\x%02x", c);
		path_add(p, one);
	}
	return back;
}

size_t xp_json_path_index(struct xp_json_path *p, size_t index)
{
	size_t back = p->len;
	char text[32];

	snprintf(text, sizeof(text), "[%zu]", index);
	path_add(p, text);
	return back;
}

void xp_json_path_pop(struct xp_json_path *p, size_t len)
{
	p->len = len;
	p->text[len] = 0;
}

const char *xp_json_path_text(const struct xp_json_path *p)
{
	return p->len ? p->text : "(root)";
}

/* ---- characters ---- */

size_t xp_utf8_next(uint32_t *code, const char *s, size_t left)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *u = (const unsigned char *)s;
	uint32_t c;
	size_t n;

	if (!left)
		return 0;
	if (u[0] < 0x80) {
		*code = u[0];
		return 1;
	}
	n = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
	if (u[0] < 0xc2 || u[0] > 0xf4 || n > left)
		return 0;
	c = u[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return n;
}

bool xp_unicode_is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

bool xp_jcs_text_is_plain(const char *s, size_t len)
{
	if (!len)
		return false;
	while (len) {
		uint32_t c;
		size_t n = xp_utf8_next(&c, s, len);

		if (!n || xp_unicode_is_control(c))
			return false;
		s += n;
		len -= n;
	}
	return true;
}

static bool key_is_plain(const char *key, size_t len)
{
	if (!len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (key[i] < 0x21 || key[i] > 0x7e)
			return false;
	return true;
}

/* ---- writing ---- */

struct writer {
	struct xp_buf buf;
	struct xp_err *err;
};

/* [RFC 8785 3.2.2.2] */
static void write_string(struct writer *w, const char *s, size_t len)
{
	static const char shorts[] = "\b\t\n\f\r";
	static const char letters[] = "btnfr";

	xp_buf_putc(&w->buf, '"');
	for (size_t i = 0; i < len; i++) {
		const char *at = s[i] ? strchr(shorts, s[i]) : NULL;

		if (s[i] == '"' || s[i] == '\\') {
			xp_buf_putc(&w->buf, '\\');
			xp_buf_putc(&w->buf, s[i]);
		} else if (at) {
			xp_buf_putc(&w->buf, '\\');
			xp_buf_putc(&w->buf, letters[at - shorts]);
		} else if ((unsigned char)s[i] < 0x20) {
			xp_buf_printf(&w->buf, "\\u%04x", (unsigned)(unsigned char)s[i]);
		} else {
			xp_buf_putc(&w->buf, s[i]);
		}
	}
	xp_buf_putc(&w->buf, '"');
}

static int compare_keys(const void *a, const void *b)
{
	const char *const *x = a;
	const char *const *y = b;

	return strcmp(*x, *y);
}

/* The keys in order; ASCII only, so that bytes sort as UTF-16 code units do. [RFC 8785 3.2.3] */
static enum xp_rc sorted_keys(const char ***out, size_t *n, json_t *object, struct xp_err *err)
{
	const char **keys = calloc(json_object_size(object) + 1, sizeof(*keys));
	const char *key;
	json_t *value;

	*out = keys;
	*n = 0;
	if (!keys)
		return xp_fail(err, XP_E_NOMEM, "canonical JSON");
	json_object_foreach (object, key, value) {
		if (!key_is_plain(key, strlen(key)))
			return xp_fail(err, XP_E_MALFORMED, "a key that is not printable ASCII");
		keys[(*n)++] = key;
	}
	qsort(keys, *n, sizeof(*keys), compare_keys);
	return XP_OK;
}

static enum xp_rc write_value(struct writer *w, json_t *v, unsigned depth);

static enum xp_rc write_object(struct writer *w, json_t *v, unsigned depth)
{
	AUTO_MEM const char **keys = NULL;
	size_t n;

	TRY(sorted_keys(&keys, &n, v, w->err));
	xp_buf_putc(&w->buf, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			xp_buf_putc(&w->buf, ',');
		write_string(w, keys[i], strlen(keys[i]));
		xp_buf_putc(&w->buf, ':');
		TRY(write_value(w, json_object_get(v, keys[i]), depth));
	}
	xp_buf_putc(&w->buf, '}');
	return XP_OK;
}

static enum xp_rc write_array(struct writer *w, json_t *v, unsigned depth)
{
	xp_buf_putc(&w->buf, '[');
	for (size_t i = 0; i < json_array_size(v); i++) {
		if (i)
			xp_buf_putc(&w->buf, ',');
		TRY(write_value(w, json_array_get(v, i), depth));
	}
	xp_buf_putc(&w->buf, ']');
	return XP_OK;
}

static enum xp_rc write_value(struct writer *w, json_t *v, unsigned depth)
{
	json_int_t i;

	if (!v)
		return xp_fail(w->err, XP_E_INTERNAL, "canonical JSON: a value is missing");
	if ((json_is_object(v) || json_is_array(v)) && depth >= XP_JCS_MAX_DEPTH)
		return xp_fail(w->err, XP_E_MALFORMED, "more than %d levels of JSON",
			       XP_JCS_MAX_DEPTH);
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return write_object(w, v, depth + 1);
	case JSON_ARRAY:
		return write_array(w, v, depth + 1);
	case JSON_STRING:
		write_string(w, json_string_value(v), json_string_length(v));
		return XP_OK;
	case JSON_INTEGER:
		i = json_integer_value(v);
		if (i > XP_JCS_MAX_INT || i < -XP_JCS_MAX_INT)
			return xp_fail(w->err, XP_E_MALFORMED, "an integer of 2^53 or more");
		xp_buf_printf(&w->buf, "%" JSON_INTEGER_FORMAT, i);
		return XP_OK;
	case JSON_TRUE:
		xp_buf_puts(&w->buf, "true");
		return XP_OK;
	case JSON_FALSE:
		xp_buf_puts(&w->buf, "false");
		return XP_OK;
	case JSON_NULL:
		xp_buf_puts(&w->buf, "null");
		return XP_OK;
	case JSON_REAL:
		break;
	}
	return xp_fail(w->err, XP_E_MALFORMED, "a number with a fraction or an exponent");
}

enum xp_rc xp_jcs_write(char **out, size_t *len, json_t *root, struct xp_err *err)
{
	struct writer w = {.err = err};
	enum xp_rc rc = write_value(&w, root, 0);

	*out = NULL;
	*len = 0;
	if (rc == XP_OK && !xp_buf_ok(&w.buf))
		rc = xp_fail(err, XP_E_NOMEM, "canonical JSON");
	if (rc != XP_OK) {
		xp_buf_free(&w.buf);
		return rc;
	}
	*len = w.buf.len;
	*out = w.buf.data;
	return XP_OK;
}

/* ---- reading ---- */

/* Bounds that must hold before a general parser sees the bytes. */
static bool prescan(const char *text, size_t len, struct xp_findings *f)
{
	size_t depth = 0;
	size_t values = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c == '"')
			in_string = true;
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth)
			depth--;
		values += c == '{' || c == '[' || c == ',';
		if (depth > XP_JCS_MAX_DEPTH) {
			xp_findings_add(f, "E_JSON_DEPTH", "byte %zu: more than %d levels", i,
					XP_JCS_MAX_DEPTH);
			return false;
		}
		if (values > XP_JCS_MAX_VALUES) {
			xp_findings_add(f, "E_JSON_SIZE", "byte %zu: more than %u values", i,
					XP_JCS_MAX_VALUES);
			return false;
		}
	}
	return true;
}

/* jansson's texts quote the input; only its verdict and the place are passed on. */
static void add_parse_error(struct xp_findings *f, json_error_t *e)
{
	const char *code = "E_JSON_SYNTAX";
	const char *what = "not JSON";

	switch (json_error_code(e)) {
	case json_error_duplicate_key:
		code = "E_JSON_DUPLICATE_KEY";
		what = "a key stands twice in one object";
		break;
	case json_error_invalid_utf8:
		code = "E_JSON_STRING";
		what = "not UTF-8";
		break;
	case json_error_null_character:
	case json_error_null_byte_in_key:
		code = "E_JSON_STRING";
		what = "U+0000 in a string";
		break;
	case json_error_numeric_overflow:
		code = "E_JSON_NUMBER";
		what = "a number out of range";
		break;
	case json_error_end_of_input_expected:
		what = "bytes after the end";
		break;
	case json_error_premature_end_of_input:
		what = "the end is missing";
		break;
	case json_error_stack_overflow:
		code = "E_JSON_DEPTH";
		what = "too many levels";
		break;
	default:
		break;
	}
	xp_findings_add(f, code, "line %d, byte %d: %s", e->line, e->position, what);
}

static void check_values(struct xp_json_path *p, json_t *v, struct xp_findings *f)
{
	json_int_t i;
	const char *key;
	json_t *member;
	size_t back;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		json_object_foreach (v, key, member) {
			back = xp_json_path_key(p, key);
			if (!key_is_plain(key, strlen(key)))
				xp_findings_add(f, "E_JSON_KEY", "%s: not a printable ASCII key",
						xp_json_path_text(p));
			check_values(p, member, f);
			xp_json_path_pop(p, back);
		}
		break;
	case JSON_ARRAY:
		for (size_t k = 0; k < json_array_size(v); k++) {
			back = xp_json_path_index(p, k);
			check_values(p, json_array_get(v, k), f);
			xp_json_path_pop(p, back);
		}
		break;
	case JSON_STRING:
		if (!xp_jcs_text_is_plain(json_string_value(v), json_string_length(v)))
			xp_findings_add(f, "E_JSON_STRING",
					"%s: empty, or with a control or bidi character",
					xp_json_path_text(p));
		break;
	case JSON_INTEGER:
		i = json_integer_value(v);
		if (i > XP_JCS_MAX_INT || i < -XP_JCS_MAX_INT)
			xp_findings_add(f, "E_JSON_NUMBER", "%s: 2^53 or more",
					xp_json_path_text(p));
		break;
	case JSON_REAL:
		xp_findings_add(f, "E_JSON_NUMBER", "%s: a fraction or an exponent",
				xp_json_path_text(p));
		break;
	case JSON_NULL:
		xp_findings_add(f, "E_JSON_NULL", "%s: null", xp_json_path_text(p));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		break;
	}
}

static enum xp_rc compare_bytes(json_t *root, const char *text, size_t len, struct xp_findings *f,
				struct xp_err *err)
{
	struct xp_err why = {0};
	AUTO_MEM char *canonical = NULL;
	size_t canonical_len;
	size_t at = 0;
	enum xp_rc rc = xp_jcs_write(&canonical, &canonical_len, root, &why);

	if (rc == XP_E_NOMEM)
		return xp_fail(err, rc, "%s", why.msg);
	if (rc != XP_OK) {
		xp_findings_add(f, "E_JSON_NOT_CANONICAL", "no canonical form: %s", why.msg);
		return XP_OK;
	}
	while (at < len && at < canonical_len && text[at] == canonical[at])
		at++;
	if (at < len || at < canonical_len)
		xp_findings_add(f, "E_JSON_NOT_CANONICAL",
				"byte %zu differs from the canonical form [RFC 8785]", at);
	return XP_OK;
}

enum xp_rc xp_jcs_read(json_t **out, const char *text, size_t len, struct xp_findings *f,
		       struct xp_err *err)
{
	struct xp_json_path path = {0};
	size_t before = f->n;
	json_error_t e;

	*out = NULL;
	if (!len || len > XP_RECORD_MAX_BYTES)
		xp_findings_add(f, "E_JSON_SIZE", "%zu bytes; 1 to %u are allowed", len,
				XP_RECORD_MAX_BYTES);
	else if (memchr(text, 0, len))
		xp_findings_add(f, "E_JSON_SYNTAX", "a NUL byte");
	else if (prescan(text, len, f)) {
		*out = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
		if (!*out)
			add_parse_error(f, &e);
	}
	if (!*out)
		return xp_fail(err, XP_E_MALFORMED, "not canonical JSON");
	if (!json_is_object(*out))
		xp_findings_add(f, "E_JSON_ROOT", "the document is not an object");
	TRY(compare_bytes(*out, text, len, f, err));
	check_values(&path, *out, f);
	if (f->n != before || f->lost)
		return xp_fail(err, XP_E_MALFORMED, "not canonical JSON");
	return XP_OK;
}

/* ---- comparing ---- */

static bool object_differs(struct xp_json_path *p, json_t *a, json_t *b)
{
	const char *key;
	json_t *v;

	json_object_foreach (a, key, v) {
		size_t back = xp_json_path_key(p, key);

		if (!json_object_get(b, key) || xp_json_differs(p, v, json_object_get(b, key)))
			return true;
		xp_json_path_pop(p, back);
	}
	json_object_foreach (b, key, v) {
		if (!json_object_get(a, key)) {
			xp_json_path_key(p, key);
			return true;
		}
	}
	return false;
}

bool xp_json_differs(struct xp_json_path *p, json_t *a, json_t *b)
{
	if (json_typeof(a) != json_typeof(b))
		return true;
	if (json_is_object(a))
		return object_differs(p, a, b);
	if (!json_is_array(a))
		return !json_equal(a, b);
	for (size_t i = 0; i < json_array_size(a) || i < json_array_size(b); i++) {
		size_t back = xp_json_path_index(p, i);
		json_t *x = json_array_get(a, i);
		json_t *y = json_array_get(b, i);

		if (!x || !y || xp_json_differs(p, x, y))
			return true;
		xp_json_path_pop(p, back);
	}
	return false;
}
