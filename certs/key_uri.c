#include "certs/key_uri.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define SCHEME "pkcs11:"

struct attribute {
	const char *name;
	bool is_query; /* stands behind the question mark */
	size_t at, size;
};

#define FIELD(f) offsetof(struct xp_key_uri, f), sizeof(((struct xp_key_uri *)NULL)->f)

static const struct attribute ATTRIBUTES[] = {
	{"token", false, FIELD(token)},
	{"serial", false, FIELD(serial)},
	{"object", false, FIELD(object)},
	{"id", false, FIELD(id)},
	{"type", false, 0, 0},
	{"module-path", true, FIELD(module_path)},
	{"pin-source", true, FIELD(pin_path)},
};

bool xp_key_uri_is(const char *text)
{
	return strncasecmp(text, SCHEME, sizeof(SCHEME) - 1) == 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* false: a character that has to be written as %XX, a broken escape, or too long. */
static bool unescape(uint8_t *out, size_t size, size_t *len, const char *text, size_t n)
{
	*len = 0;
	for (size_t i = 0; i < n; i++) {
		int byte = (unsigned char)text[i];

		if (byte <= 0x20 || byte >= 0x7f)
			return false;
		if (byte == '%') {
			int high = n - i > 2 ? hex_value(text[i + 1]) : -1;
			int low = n - i > 2 ? hex_value(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			byte = high * 16 + low;
			i += 2;
		}
		if (*len == size)
			return false;
		out[(*len)++] = (uint8_t)byte;
	}
	return true;
}

static enum xp_rc take_path(char *path, const char *name, struct xp_err *err)
{
	static const char file[] = "file:";
	const char *from = path;

	if (strcmp(name, "pin-source") == 0 && strncmp(from, file, sizeof(file) - 1) == 0)
		from += sizeof(file) - 1;
	if (strncmp(from, "///", 3) == 0)
		from += 2;
	if (from[0] != '/' || from[1] == '/')
		return xp_fail(err, XP_E_USAGE, "%s: an absolute path is wanted, not \"%s\"", name,
			       path);
	memmove(path, from, strlen(from) + 1);
	return XP_OK;
}

static enum xp_rc take_value(struct xp_key_uri *out, const struct attribute *a, const char *value,
			     size_t n, struct xp_err *err)
{
	bool is_bytes = strcmp(a->name, "id") == 0;
	uint8_t *to = (uint8_t *)out + a->at;
	size_t len = 0;

	if (!a->size) {
		if (n == 7 && memcmp(value, "private", 7) == 0)
			return XP_OK;
		return xp_fail(err, XP_E_USAGE, "type: only type=private is a key that signs");
	}
	if (!unescape(to, is_bytes ? a->size : a->size - 1, &len, value, n))
		return xp_fail(err, XP_E_USAGE,
			       "%s: \"%.*s\" is too long, or holds what must be written as %%XX",
			       a->name, n < 200 ? (int)n : 200, value);
	if (!len)
		return xp_fail(err, XP_E_USAGE, "%s: says nothing", a->name);
	if (is_bytes) {
		out->id_len = len;
		return XP_OK;
	}
	if (memchr(to, 0, len))
		return xp_fail(err, XP_E_USAGE, "%s: holds a NUL", a->name);
	return a->is_query ? take_path((char *)to, a->name, err) : XP_OK;
}

static enum xp_rc take_attribute(struct xp_key_uri *out, unsigned *seen, bool is_query,
				 const char *text, size_t n, struct xp_err *err)
{
	const char *equals = memchr(text, '=', n);
	size_t name_len = equals ? (size_t)(equals - text) : n;

	for (unsigned i = 0; equals && i < XP_ARRAY_LEN(ATTRIBUTES); i++) {
		const struct attribute *a = &ATTRIBUTES[i];

		if (a->is_query != is_query || strlen(a->name) != name_len ||
		    memcmp(a->name, text, name_len) != 0)
			continue;
		if (*seen & 1u << i)
			return xp_fail(err, XP_E_USAGE, "%s: stands there twice", a->name);
		*seen |= 1u << i;
		return take_value(out, a, equals + 1, n - name_len - 1, err);
	}
	if (name_len == 9 && memcmp(text, "pin-value", 9) == 0)
		return xp_fail(err, XP_E_USAGE,
			       "pin-value: a command line is no place for a PIN; use "
			       "pin-source=file:/PATH, --passphrase-file, or type it");
	if (name_len == 11 && memcmp(text, "module-name", 11) == 0)
		return xp_fail(err, XP_E_USAGE,
			       "module-name: modules are not searched for; name the file with "
			       "module-path");
	return xp_fail(err, XP_E_USAGE, "\"%.*s\" is not understood%s",
		       name_len < 200 ? (int)name_len : 200, text,
		       is_query ? " behind a question mark" : "");
}

static enum xp_rc take_all(struct xp_key_uri *out, unsigned *seen, bool is_query, const char *text,
			   size_t n, struct xp_err *err)
{
	const char *end = text + n;

	while (text < end) {
		const char *stop = memchr(text, is_query ? '&' : ';', (size_t)(end - text));
		size_t len = (size_t)((stop ? stop : end) - text);

		TRY(take_attribute(out, seen, is_query, text, len, err));
		text += len;
		if (!stop)
			break;
		if (++text == end)
			return xp_fail(err, XP_E_USAGE, "it ends with a separator");
	}
	return XP_OK;
}

static enum xp_rc parse(struct xp_key_uri *out, const char *text, struct xp_err *err)
{
	const char *path = text + sizeof(SCHEME) - 1;
	const char *query = strchr(path, '?');
	size_t path_len = query ? (size_t)(query - path) : strlen(path);
	unsigned seen = 0;

	TRY(take_all(out, &seen, false, path, path_len, err));
	if (!query)
		return XP_OK;
	return take_all(out, &seen, true, query + 1, strlen(query + 1), err);
}

enum xp_rc xp_key_uri_parse(struct xp_key_uri *out, const char *text, struct xp_err *err)
{
	enum xp_rc rc;

	*out = (struct xp_key_uri){0};
	if (!xp_key_uri_is(text))
		return xp_fail(err, XP_E_USAGE, "%s: not a pkcs11: URI", text);
	rc = parse(out, text, err);
	if (rc != XP_OK)
		xp_err_prefix(err, "%.200s", text);
	return rc;
}

enum xp_rc xp_key_uri_add_module(char *out, size_t size, const char *text, const char *path,
				 struct xp_err *err)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	AUTO(xp_buf_free) struct xp_buf b = {0};
	struct xp_key_uri uri;

	TRY(xp_key_uri_parse(&uri, text, err));
	if (*uri.module_path)
		return xp_fail(err, XP_E_USAGE, "%.200s: names its module already", text);
	xp_buf_printf(&b, "%s%cmodule-path=", text, strchr(text, '?') ? '&' : '?');
	for (const char *p = path; *p; p++) {
		if (strchr(plain, *p))
			xp_buf_putc(&b, *p);
		else
			xp_buf_printf(&b, "%%%02x", (unsigned)(unsigned char)*p);
	}
	if (!xp_buf_ok(&b))
		return xp_fail(err, XP_E_NOMEM, "%.200s", text);
	TRY(xp_key_uri_parse(&uri, xp_buf_str(&b), err));
	if (b.len >= size)
		return xp_fail(err, XP_E_USAGE, "%.200s: too long", text);
	memcpy(out, xp_buf_str(&b), b.len + 1);
	return XP_OK;
}
