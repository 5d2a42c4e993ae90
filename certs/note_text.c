#include "certs/note_text.h"

#include <string.h>

#include "certs/jcs.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void xp_base64_encode(char *out, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t o = 0;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)p[i] << 16;

		if (n > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (n > 2)
			v |= p[i + 2];
		out[o++] = alphabet[v >> 18];
		out[o++] = alphabet[v >> 12 & 63];
		out[o++] = '=';
		out[o++] = '=';
		if (n > 1)
			out[o - 2] = alphabet[v >> 6 & 63];
		if (n > 2)
			out[o - 1] = alphabet[v & 63];
	}
	out[o] = 0;
}

/* The value of a base64 digit, or 64. */
static unsigned digit(char c)
{
	const char *p = c ? strchr(alphabet, c) : NULL;

	return p ? (unsigned)(p - alphabet) : 64;
}

bool xp_base64_decode(uint8_t *out, size_t out_len, const char *text, size_t text_len)
{
	size_t o = 0;

	if (out_len == 0 || text_len != XP_BASE64_LEN(out_len))
		return false;
	for (size_t i = 0; i < text_len; i += 4) {
		size_t n = out_len - o < 3 ? out_len - o : 3;
		uint32_t v = 0;

		for (size_t j = 0; j < 4; j++) {
			unsigned d = digit(text[i + j]);

			if (j > n ? text[i + j] != '=' : d == 64)
				return false;
			v = v << 6 | (j > n ? 0 : d);
		}
		for (size_t j = 0; j < n; j++)
			out[o++] = (uint8_t)(v >> (16 - 8 * j));
		/* bits behind the last byte must be zero, or two texts would mean the same */
		if (n < 3 && (v & (0xffffffU >> (8 * n))))
			return false;
	}
	return true;
}

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* One part of an origin: begins and ends with a letter or digit, EXTRA may stand inside. */
static bool part_is_valid(const char *p, size_t len, const char *extra)
{
	if (len == 0 || !is_lower_alnum(p[0]) || !is_lower_alnum(p[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_lower_alnum(p[i]) && !strchr(extra, p[i]))
			return false;
	return true;
}

bool xp_note_origin_is_valid(const char *name)
{
	size_t host_len = strcspn(name, "/");
	const char *p = name;
	unsigned labels = 0;

	if (strlen(name) >= XP_ORIGIN_MAX || name[host_len] != '/')
		return false;
	while (p < name + host_len) {
		size_t n = strcspn(p, "./");

		if (n > 63 || !part_is_valid(p, n, "-"))
			return false;
		labels++;
		p += n;
		if (*p == '.' && p[1] == '/')
			return false;
		if (*p == '.')
			p++;
	}
	while (*p == '/') {
		size_t n = strcspn(++p, "/");

		if (!part_is_valid(p, n, "-._"))
			return false;
		p += n;
	}
	return labels >= 2;
}

bool xp_note_name_is_valid(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '+')
			return false;
	return len > 0;
}

bool xp_note_number(uint64_t *out, const char *text, size_t len)
{
	*out = 0;
	if (len == 0 || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9' ||
		    __builtin_mul_overflow(*out, (uint64_t)10, out) ||
		    __builtin_add_overflow(*out, (uint64_t)(text[i] - '0'), out))
			return false;
	return true;
}

/* The characters with the property White_Space [Unicode 15, PropList] above ASCII. */
static bool is_wide_space(uint32_t cp)
{
	return cp == 0x85 || cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) ||
	       cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

static bool is_note_text(const char *note, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t cp = 0;
		size_t n = xp_utf8_next(&cp, note + i, len - i);

		if (n == 0 || (cp < 0x20 && cp != '\n'))
			return false;
		i += n;
	}
	return true;
}

enum xp_rc xp_note_split(struct xp_note_cursor *out, const char *note, size_t len,
			 struct xp_err *err)
{
	size_t at = len;

	*out = (struct xp_note_cursor){0};
	if (len > XP_CHECKPOINT_MAX_BYTES)
		return xp_fail(err, XP_E_MALFORMED, "checkpoint: larger than %u bytes",
			       XP_CHECKPOINT_MAX_BYTES);
	if (!is_note_text(note, len))
		return xp_fail(err, XP_E_MALFORMED, "checkpoint: not plain text");
	if (len < 2 || note[len - 1] != '\n')
		return xp_fail(err, XP_E_MALFORMED, "checkpoint: does not end with a line");
	/* the last empty line divides the text from the signatures */
	while (at >= 2 && !(note[at - 1] == '\n' && note[at - 2] == '\n'))
		at--;
	if (at < 2 || at == len)
		return xp_fail(err, XP_E_MALFORMED, "checkpoint: no signature");
	out->text_len = at - 1;
	out->at = note + at;
	out->left = len - at;
	return XP_OK;
}

/* A key name of any note: no spaces of any script, no plus. The text is known to be UTF-8. */
static bool is_key_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t cp = 0;
		size_t n = xp_utf8_next(&cp, name + i, len - i);

		if (n == 0 || cp <= ' ' || cp == '+' || cp == 0x7f || is_wide_space(cp))
			return false;
		i += n;
	}
	return len > 0;
}

/* Canonical base64 of at least five bytes; the first four are the key's id. */
static bool read_id(struct xp_note_line *line)
{
	uint8_t last[3];
	uint8_t first[6];
	size_t len = line->base64_len;
	size_t pad;

	if (len < 8 || len % 4)
		return false;
	pad = line->base64[len - 1] != '=' ? 0 : line->base64[len - 2] != '=' ? 1 : 2;
	if (len / 4 * 3 - pad < sizeof(line->id) + 1)
		return false;
	for (size_t i = 0; i + 4 < len; i++)
		if (digit(line->base64[i]) == 64)
			return false;
	if (!xp_base64_decode(last, 3 - pad, line->base64 + len - 4, 4))
		return false;
	if (!xp_base64_decode(first, len == 8 ? 6 - pad : 6, line->base64, 8))
		return false;
	memcpy(line->id, first, sizeof(line->id));
	return true;
}

bool xp_note_next_line(struct xp_note_line *out, struct xp_note_cursor *at)
{
	static const char start[] = XP_NOTE_DASH " ";
	const size_t start_len = sizeof(start) - 1;
	const char *end;
	const char *space;

	if (at->malformed || at->left == 0)
		return false;
	at->malformed = true;
	if (at->lines++ == XP_NOTE_LINES_MAX || at->left < start_len ||
	    memcmp(at->at, start, start_len) != 0)
		return false;
	end = memchr(at->at, '\n', at->left);
	out->name = at->at + start_len;
	space = end && end > out->name ? memchr(out->name, ' ', (size_t)(end - out->name)) : NULL;
	if (!space)
		return false;
	out->name_len = (size_t)(space - out->name);
	out->base64 = space + 1;
	out->base64_len = (size_t)(end - out->base64);
	if (!is_key_name(out->name, out->name_len) || !read_id(out))
		return false;
	at->left -= (size_t)(end + 1 - at->at);
	at->at = end + 1;
	at->malformed = false;
	return true;
}
