/* span: a bounded cursor over bytes that somebody else wrote. Reading past the end is remembered.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct xp_span {
	const uint8_t *at;
	size_t left;
	bool overrun; /* a read went past the end: the whole parse is malformed */
};

static inline struct xp_span xp_span_of(const void *data, size_t len)
{
	return (struct xp_span){.at = data, .left = len, .overrun = false};
}

/* The next LEN bytes, or NULL (and overrun) where fewer are left. */
static inline const uint8_t *xp_span_take(struct xp_span *s, size_t len)
{
	const uint8_t *p = s->at;

	if (s->overrun || len > s->left) {
		s->overrun = true;
		return NULL;
	}
	s->at += len;
	s->left -= len;
	return p;
}

/* A cursor over the next LEN bytes; empty and overrun where fewer are left. */
static inline struct xp_span xp_span_sub(struct xp_span *s, size_t len)
{
	const uint8_t *p = xp_span_take(s, len);

	return p ? xp_span_of(p, len) : (struct xp_span){.at = NULL, .left = 0, .overrun = true};
}

static inline uint8_t xp_span_u8(struct xp_span *s)
{
	const uint8_t *p = xp_span_take(s, 1);

	return p ? *p : 0;
}

static inline bool xp_mem_is_filled(const void *mem, int byte, size_t len)
{
	const uint8_t *p = mem;

	return len == 0 || (p[0] == (uint8_t)byte && memcmp(p, p + 1, len - 1) == 0);
}
