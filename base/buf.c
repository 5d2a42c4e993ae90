#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool grow(struct xp_buf *b, size_t more)
{
	size_t want;
	size_t cap;
	char *p;

	if (b->failed || __builtin_add_overflow(b->len, more, &want) ||
	    __builtin_add_overflow(want, (size_t)1, &want)) {
		b->failed = true;
		return false;
	}
	if (want <= b->cap)
		return true;
	cap = b->cap ? b->cap : 64;
	while (cap < want && !__builtin_mul_overflow(cap, (size_t)2, &cap))
		;
	p = cap < want ? NULL : realloc(b->data, cap);
	if (!p) {
		b->failed = true;
		return false;
	}
	b->data = p;
	b->cap = cap;
	return true;
}

void xp_buf_add(struct xp_buf *b, const void *data, size_t len)
{
	if (!grow(b, len))
		return;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = 0;
}

void xp_buf_puts(struct xp_buf *b, const char *s)
{
	xp_buf_add(b, s, strlen(s));
}

void xp_buf_putc(struct xp_buf *b, char c)
{
	xp_buf_add(b, &c, 1);
}

void xp_buf_printf(struct xp_buf *b, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	xp_buf_add(b, s, (size_t)n);
	free(s);
}

void xp_buf_hex(struct xp_buf *b, const void *data, size_t len)
{
	const uint8_t *p = data;
	char hex[3];

	for (size_t i = 0; i < len; i++) {
		xp_hex_encode(hex, p + i, 1);
		xp_buf_add(b, hex, 2);
	}
}

bool xp_buf_ok(const struct xp_buf *b)
{
	return !b->failed;
}

const char *xp_buf_str(const struct xp_buf *b)
{
	return b->data ? b->data : "";
}

void xp_buf_free(struct xp_buf *b)
{
	free(b->data);
	*b = (struct xp_buf){0};
}

void xp_hex_encode(char *out, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = 0;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool xp_hex_decode(uint8_t *out, size_t len, const char *hex)
{
	if (strlen(hex) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int hi = nibble(hex[2 * i]);
		int lo = nibble(hex[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}
