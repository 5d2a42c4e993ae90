#include "certs/cms_der.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define DEPTH_MAX 24

/* One length octet, or 81h to 83h and that many octets, never more than needed. */
static bool read_length(size_t *len, struct xp_span *s)
{
	uint8_t first = xp_span_u8(s);
	unsigned octets = first & 0x7f;
	size_t v = 0;

	if (s->overrun)
		return false;
	if (first < 0x80) {
		*len = first;
		return true;
	}
	if (octets < 1 || octets > 3)
		return false;
	for (unsigned i = 0; i < octets; i++)
		v = v << 8 | xp_span_u8(s);
	*len = v;
	if (octets == 1)
		return v >= 0x80;
	return v >> (8 * (octets - 1)) != 0;
}

bool xp_der_next(struct xp_der *out, struct xp_span *s)
{
	const uint8_t *start = s->at;
	const uint8_t *body;
	size_t len = 0;

	*out = (struct xp_der){.tag = xp_span_u8(s)};
	/* 1Fh would begin a tag of several octets: nothing in this profile has one */
	if (s->overrun || (out->tag & 0x1f) == 0x1f || !read_length(&len, s)) {
		s->overrun = true;
		return false;
	}
	body = xp_span_take(s, len);
	if (!body)
		return false;
	out->body = (struct xp_bytes){body, len};
	out->whole = (struct xp_bytes){start, (size_t)(body - start) + len};
	return true;
}

bool xp_der_expect(struct xp_der *out, struct xp_span *s, uint8_t tag)
{
	if (!xp_der_next(out, s))
		return false;
	if (out->tag != tag)
		s->overrun = true;
	return out->tag == tag;
}

bool xp_der_enter(struct xp_span *body, struct xp_span *s, uint8_t tag)
{
	struct xp_der d;

	if (!xp_der_expect(&d, s, tag)) {
		*body = (struct xp_span){.overrun = true};
		return false;
	}
	*body = xp_span_of(d.body.data, d.body.len);
	return true;
}

bool xp_der_peek(const struct xp_span *s, uint8_t tag)
{
	return !s->overrun && s->left > 0 && s->at[0] == tag;
}

bool xp_der_is_done(const struct xp_span *s)
{
	return !s->overrun && s->left == 0;
}

static bool primitive_is_strict(const struct xp_der *d)
{
	const uint8_t *p = d->body.data;
	size_t n = d->body.len;

	switch (d->tag) {
	case XP_DER_BOOLEAN:
		return n == 1 && (p[0] == 0 || p[0] == 0xff);
	case XP_DER_INTEGER:
		if (n == 0)
			return false;
		return n == 1 || !((p[0] == 0 && p[1] < 0x80) || (p[0] == 0xff && p[1] >= 0x80));
	case XP_DER_BIT_STRING:
		if (n == 0 || p[0] > 7 || (n == 1 && p[0] != 0))
			return false;
		return (p[n - 1] & ((1u << p[0]) - 1)) == 0 || n == 1;
	case XP_DER_OID:
		if (n == 0 || p[n - 1] >= 0x80 || p[0] == 0x80)
			return false;
		for (size_t i = 1; i < n; i++)
			if (p[i] == 0x80 && p[i - 1] < 0x80)
				return false;
		return true;
	case 0x05: /* NULL */
		return n == 0;
	default:
		return true;
	}
}

/* Depth first with an own stack: hostile nesting costs no stack frames. */
bool xp_der_is_strict(const void *data, size_t len)
{
	struct xp_span stack[DEPTH_MAX];
	unsigned depth = 1;

	stack[0] = xp_span_of(data, len);
	while (depth) {
		struct xp_span *top = &stack[depth - 1];
		struct xp_der d;

		if (top->left == 0) {
			depth--;
			continue;
		}
		if (!xp_der_next(&d, top))
			return false;
		if (!(d.tag & 0x20)) {
			/* SEQUENCE and SET are never primitive */
			if (d.tag == 0x10 || d.tag == 0x11 || d.tag == 0 ||
			    !primitive_is_strict(&d))
				return false;
			continue;
		}
		/* of the universal types only SEQUENCE and SET are constructed in DER */
		if (d.tag < 0x40 && d.tag != XP_DER_SEQUENCE && d.tag != XP_DER_SET)
			return false;
		if (depth == DEPTH_MAX)
			return false;
		stack[depth++] = xp_span_of(d.body.data, d.body.len);
	}
	return true;
}

bool xp_der_time(int64_t *out_s, const struct xp_der *t)
{
	char text[XP_TIME_LEN];
	char full[16];
	const char *p = full;
	size_t n = t->body.len;

	if (t->tag == XP_DER_UTC_TIME && n == 13) {
		memcpy(full + 2, t->body.data, n);
		memcpy(full, full[2] >= '5' ? "19" : "20", 2);
	} else if (t->tag == XP_DER_GENERALIZED_TIME && n == 15) {
		memcpy(full, t->body.data, n);
	} else {
		return false;
	}
	full[15] = 0;
	if (full[14] != 'Z')
		return false;
	for (unsigned i = 0; i < 14; i++)
		if (full[i] < '0' || full[i] > '9')
			return false;
	snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", p, p + 4, p + 6, p + 8,
		 p + 10, p + 12);
	if (t->tag == XP_DER_GENERALIZED_TIME && memcmp(full, "2050", 4) < 0)
		return false;
	return xp_time_parse(out_s, text);
}

int xp_bytes_compare(struct xp_bytes a, struct xp_bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.data, b.data, n) : 0;

	if (c)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}

void xp_der_put(struct xp_buf *b, uint8_t tag, const void *body, size_t len)
{
	uint8_t head[5] = {tag};
	size_t n = 1;

	if (len > 0xffffff) {
		b->failed = true;
		return;
	}
	if (len < 0x80) {
		head[n++] = (uint8_t)len;
	} else {
		unsigned octets = len > 0xffff ? 3 : len > 0xff ? 2 : 1;

		head[n++] = (uint8_t)(0x80 | octets);
		while (octets--)
			head[n++] = (uint8_t)(len >> (8 * octets));
	}
	xp_buf_add(b, head, n);
	if (len)
		xp_buf_add(b, body, len);
}

void xp_der_wrap(struct xp_buf *b, uint8_t tag, struct xp_buf *content)
{
	if (!xp_buf_ok(content))
		b->failed = true;
	else
		xp_der_put(b, tag, content->data, content->len);
	xp_buf_free(content);
}

static int compare_members(const void *a, const void *b)
{
	const struct xp_buf *x = a;
	const struct xp_buf *y = b;

	return xp_bytes_compare((struct xp_bytes){(const uint8_t *)x->data, x->len},
				(struct xp_bytes){(const uint8_t *)y->data, y->len});
}

void xp_der_put_set(struct xp_buf *b, uint8_t tag, struct xp_buf *members, size_t n)
{
	struct xp_buf all = {0};

	qsort(members, n, sizeof(*members), compare_members);
	for (size_t i = 0; i < n; i++) {
		if (!xp_buf_ok(&members[i]))
			all.failed = true;
		else
			xp_buf_add(&all, members[i].data, members[i].len);
		xp_buf_free(&members[i]);
	}
	xp_der_wrap(b, tag, &all);
}

bool xp_der_put_time(struct xp_buf *b, int64_t wall_s)
{
	char t[XP_TIME_LEN];
	char full[16];

	xp_time_format(t, wall_s);
	/* "YYYY-MM-DDThh:mm:ssZ" without its punctuation */
	snprintf(full, sizeof(full), "%.4s%.2s%.2s%.2s%.2s%.2sZ", t, t + 5, t + 8, t + 11, t + 14,
		 t + 17);
	if (memcmp(full, "1950", 4) < 0)
		return false;
	if (memcmp(full, "2050", 4) < 0)
		xp_der_put(b, XP_DER_UTC_TIME, full + 2, 13);
	else
		xp_der_put(b, XP_DER_GENERALIZED_TIME, full, 15);
	return true;
}
