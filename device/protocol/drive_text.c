#include "device/protocol/drive_text.h"

#include "base/buf.h"

#include <string.h>

#define FIELD_MAX 256

static bool is_pad(uint8_t c)
{
	return c == ' ' || c == 0;
}

void xp_drive_text(char *out, size_t out_len, const uint8_t *field, size_t len, bool swapped)
{
	uint8_t text[FIELD_MAX];
	size_t from = 0;
	bool is_ascii = true;

	out[0] = 0;
	if (len > FIELD_MAX || (swapped && len % 2))
		return;
	for (size_t i = 0; i < len; i++)
		text[i] = field[swapped ? i ^ 1 : i];
	while (len && is_pad(text[len - 1]))
		len--;
	while (from < len && is_pad(text[from]))
		from++;
	for (size_t i = from; i < len; i++)
		is_ascii = is_ascii && text[i] >= 0x20 && text[i] <= 0x7e;
	len -= from;
	/* what calls itself so must not look like bytes in hex */
	if (len >= 4 && memcmp(text + from, "hex:", 4) == 0)
		is_ascii = false;
	if (is_ascii && len < out_len) {
		memcpy(out, text + from, len);
		out[len] = 0;
	} else if (!is_ascii && 2 * len + 5 <= out_len) {
		memcpy(out, "hex:", 4);
		xp_hex_encode(out + 4, text + from, len);
	}
}
