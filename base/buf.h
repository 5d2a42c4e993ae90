/* buf: a growable byte string. Failure to grow is sticky and reported once, by xp_buf_ok. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xp_buf {
	char *data; /* NUL-terminated once anything was added; NULL while empty */
	size_t len; /* bytes, without the NUL */
	size_t cap;
	bool failed;
};

void xp_buf_add(struct xp_buf *b, const void *data, size_t len);
void xp_buf_puts(struct xp_buf *b, const char *s);
void xp_buf_putc(struct xp_buf *b, char c);
void xp_buf_printf(struct xp_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Bytes as lower-case hex. */
void xp_buf_hex(struct xp_buf *b, const void *data, size_t len);
/* false: memory ran out at some point and the content is not to be used. */
bool xp_buf_ok(const struct xp_buf *b);
/* The string (never NULL); it stays the buffer's. */
const char *xp_buf_str(const struct xp_buf *b);
void xp_buf_free(struct xp_buf *b);

/* Lower-case hex of LEN bytes into OUT (2*LEN+1 bytes). */
void xp_hex_encode(char *out, const void *data, size_t len);
/* Exactly LEN bytes from lower-case hex; false on any other input. */
bool xp_hex_decode(uint8_t *out, size_t len, const char *hex);
