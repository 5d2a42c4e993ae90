#include "certs/log_code.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define CODE_HEAD "EXPUNGE-LOG1 "

/* [RFC 4648 6], without padding */
static void add_base32(struct xp_buf *b, const uint8_t *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | data[i];
		for (have += 8; have >= 5; have -= 5)
			xp_buf_putc(b, digits[bits >> (have - 5) & 31]);
		bits &= (1u << have) - 1;
	}
	if (have)
		xp_buf_putc(b, digits[bits << (5 - have) & 31]);
}

/* Exactly LEN bytes from padded base64 of N characters. */
static bool decode(uint8_t *out, size_t len, const char *text, size_t n)
{
	uint8_t bytes[128];

	if (n % 4 || n > 160 || n / 4 * 3 > sizeof(bytes) || n / 4 * 3 < len ||
	    n / 4 * 3 - len > 2 || EVP_DecodeBlock(bytes, (const uint8_t *)text, (int)n) < 0)
		return false;
	memcpy(out, bytes, len);
	return true;
}

/* Origin, size and root, a line each; a blank line; "(em dash) NAME BASE64". */
enum xp_rc xp_log_code_write(char out[XP_LOG_CODE_MAX], const char *note, struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	const char *lines[5];
	size_t lens[5];
	const char *signature;
	uint8_t root[32];
	uint8_t sig[4 + 64];

	for (size_t i = 0; i < XP_ARRAY_LEN(lines); i++) {
		lines[i] = note;
		lens[i] = strcspn(note, "\n");
		note += lens[i] + (note[lens[i]] == '\n');
	}
	signature = lens[4] ? memrchr(lines[4], ' ', lens[4]) : NULL;
	if (!lens[0] || lens[0] > 200 || !lens[1] || lens[1] > 20 || lens[3] || !signature ||
	    *note || strspn(lines[1], "0123456789") != lens[1] ||
	    !decode(root, sizeof(root), lines[2], lens[2]) ||
	    !decode(sig, sizeof(sig), signature + 1, (size_t)(lines[4] + lens[4] - signature - 1)))
		return xp_fail(err, XP_E_MALFORMED, "no checkpoint with one signature");
	xp_buf_puts(&b, CODE_HEAD);
	for (size_t i = 0; i < lens[0]; i++)
		xp_buf_putc(&b, (char)toupper((unsigned char)lines[0][i]));
	xp_buf_printf(&b, " %.*s ", (int)lens[1], lines[1]);
	add_base32(&b, root, sizeof(root));
	xp_buf_putc(&b, ' ');
	add_base32(&b, sig + 4, sizeof(sig) - 4);
	if (!xp_buf_ok(&b) || b.len >= XP_LOG_CODE_MAX)
		return xp_fail(err, XP_E_NOMEM, "code");
	memcpy(out, xp_buf_str(&b), b.len + 1);
	return XP_OK;
}

/* ---- back ---- */

bool xp_log_code_is(const char *text, size_t len)
{
	return len >= sizeof(CODE_HEAD) - 1 && memcmp(text, CODE_HEAD, sizeof(CODE_HEAD) - 1) == 0;
}

/* Exactly LEN bytes from base32 without padding, in the one way that they can be written. */
static bool read_base32(uint8_t *out, size_t len, const char *text, size_t n)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t at = 0;

	if (n != (len * 8 + 4) / 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= '2' && c <= '7'))
			return false;
		bits = (bits << 5 | (uint32_t)(c >= 'A' ? c - 'A' : c - '2' + 26)) & 0xfff;
		have += 5;
		if (have < 8)
			continue;
		have -= 8;
		out[at++] = (uint8_t)(bits >> have);
	}
	return at == len && (bits & ((1u << have) - 1)) == 0;
}

static void add_base64(struct xp_buf *b, const uint8_t *data, size_t len)
{
	uint8_t text[128];

	xp_buf_add(b, text, (size_t)EVP_EncodeBlock(text, data, (int)len));
}

/* The words of the code: where each begins and how long it is. */
struct words {
	const char *at[4];
	size_t len[4];
};

static bool split(struct words *w, const char *text, size_t len)
{
	const char *end = text + len;

	text += sizeof(CODE_HEAD) - 1;
	for (unsigned i = 0; i < 4; i++) {
		const char *blank = memchr(text, ' ', (size_t)(end - text));

		if ((blank != NULL) != (i < 3))
			return false;
		w->at[i] = text;
		w->len[i] = (size_t)((blank ? blank : end) - text);
		if (!w->len[i])
			return false;
		text = blank ? blank + 1 : end;
	}
	return true;
}

static bool is_origin(const struct words *w, const char *name)
{
	if (strlen(name) != w->len[0])
		return false;
	for (size_t i = 0; i < w->len[0]; i++)
		if (toupper((unsigned char)name[i]) != w->at[0][i])
			return false;
	return true;
}

static bool is_size(const struct words *w)
{
	for (size_t i = 0; i < w->len[1]; i++)
		if (w->at[1][i] < '0' || w->at[1][i] > '9')
			return false;
	return w->len[1] <= 20;
}

enum xp_rc xp_log_code_read(char **out, size_t *out_len, const char *text, size_t len,
			    const struct xp_note_vkey *key, struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	uint8_t root[32];
	uint8_t sig[4 + 64];
	struct words w;

	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (!xp_log_code_is(text, len) || !split(&w, text, len) || !is_size(&w) ||
	    !read_base32(root, sizeof(root), w.at[2], w.len[2]) ||
	    !read_base32(sig + 4, 64, w.at[3], w.len[3]))
		return xp_fail(err, XP_E_MALFORMED, "this is no code of a checkpoint");
	if (!is_origin(&w, key->name))
		return xp_fail(err, XP_E_MALFORMED, "the code is of the log %.*s, the key of %s",
			       (int)(w.len[0] < XP_ORIGIN_MAX ? w.len[0] : XP_ORIGIN_MAX), w.at[0],
			       key->name);
	memcpy(sig, key->id, 4);
	xp_buf_printf(&b, "%s\n%.*s\n", key->name, (int)w.len[1], w.at[1]);
	add_base64(&b, root, sizeof(root));
	xp_buf_printf(&b, "\n\n\xe2\x80\x94 %s ", key->name);
	add_base64(&b, sig, sizeof(sig));
	xp_buf_putc(&b, '\n');
	*out = xp_buf_ok(&b) ? strdup(xp_buf_str(&b)) : NULL;
	if (!*out)
		return xp_fail(err, XP_E_NOMEM, "checkpoint");
	*out_len = b.len;
	return XP_OK;
}
