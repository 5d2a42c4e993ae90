/* padded_text: a text as drives tell it: padded with blanks, or cut. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void emu_put_text(uint8_t *out, size_t len, const char *text)
{
	size_t n = strlen(text);

	memset(out, ' ', len);
	memcpy(out, text, n < len ? n : len);
}
