#include "cli/tui/tui_code.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <qrencode.h>

#include "base/buf.h"
#include "base/cleanup.h"

enum xp_rc xp_tui_code_make(uint8_t **out, unsigned *size, const char *text, struct xp_err *err)
{
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
	size_t n;

	*out = NULL;
	*size = 0;
	if (!code)
		return errno == ENOMEM
			       ? xp_fail(err, XP_E_NOMEM, "code")
			       : xp_fail(err, XP_E_USAGE, "the text is too long for a code");
	n = (size_t)code->width;
	if (n <= XP_TUI_CODE_MODULES)
		*out = malloc(n * n);
	for (size_t i = 0; *out && i < n * n; i++)
		(*out)[i] = code->data[i] & 1;
	QRcode_free(code);
	if (n > XP_TUI_CODE_MODULES)
		return xp_fail(err, XP_E_USAGE, "the text is too long for a code on this screen");
	if (!*out)
		return xp_fail(err, XP_E_NOMEM, "code");
	*size = (unsigned)n;
	return XP_OK;
}

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
enum xp_rc xp_tui_code_text(char out[XP_TUI_CODE_TEXT_MAX], const char *note, struct xp_err *err)
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
	xp_buf_puts(&b, "EXPUNGE-LOG1 ");
	for (size_t i = 0; i < lens[0]; i++)
		xp_buf_putc(&b, (char)toupper((unsigned char)lines[0][i]));
	xp_buf_printf(&b, " %.*s ", (int)lens[1], lines[1]);
	add_base32(&b, root, sizeof(root));
	xp_buf_putc(&b, ' ');
	add_base32(&b, sig + 4, sizeof(sig) - 4);
	if (!xp_buf_ok(&b) || b.len >= XP_TUI_CODE_TEXT_MAX)
		return xp_fail(err, XP_E_NOMEM, "code");
	memcpy(out, xp_buf_str(&b), b.len + 1);
	return XP_OK;
}
