/*
 * cms_der: DER and nothing but DER: a strict bounded reader over hostile bytes and a small writer.
 * BER freedoms (long lengths, indefinite lengths, unsorted sets) are errors here. [X.690 10, 11]
 */
#pragma once
#include "base/buf.h"
#include "base/span.h"

enum {
	XP_DER_BOOLEAN = 0x01,
	XP_DER_INTEGER = 0x02,
	XP_DER_BIT_STRING = 0x03,
	XP_DER_OCTET_STRING = 0x04,
	XP_DER_OID = 0x06,
	XP_DER_UTC_TIME = 0x17,
	XP_DER_GENERALIZED_TIME = 0x18,
	XP_DER_SEQUENCE = 0x30,
	XP_DER_SET = 0x31,
	XP_DER_CONTEXT_0 = 0xa0, /* constructed */
	XP_DER_CONTEXT_1 = 0xa1,
	XP_DER_CONTEXT_4 = 0xa4,
};

/* Bytes that belong to somebody else. */
struct xp_bytes {
	const uint8_t *data;
	size_t len;
};

struct xp_der {
	uint8_t tag;
	struct xp_bytes body;
	struct xp_bytes whole; /* with tag and length */
};

/* The next element of S. false (and S overrun): none, cut short, or not DER. */
bool xp_der_next(struct xp_der *out, struct xp_span *s);
/* The next element, which must have TAG; BODY runs over its contents. */
bool xp_der_enter(struct xp_span *body, struct xp_span *s, uint8_t tag);
/* The same, with the element itself. */
bool xp_der_expect(struct xp_der *out, struct xp_span *s, uint8_t tag);
/* Is the next element's tag TAG? Consumes nothing. */
bool xp_der_peek(const struct xp_span *s, uint8_t tag);
/* Nothing left and nothing went wrong. */
bool xp_der_is_done(const struct xp_span *s);
/* Is every byte DER, down to the primitive values (lengths, booleans, integers, OIDs)? */
bool xp_der_is_strict(const void *data, size_t len);
/* UTCTime to 2049, GeneralizedTime from 2050, in UTC to the second, as [RFC 5652 11.3] asks. */
bool xp_der_time(int64_t *out_s, const struct xp_der *t);
/* The order of a DER SET OF: as strings of bytes. */
int xp_bytes_compare(struct xp_bytes a, struct xp_bytes b);
static inline bool xp_bytes_equal(struct xp_bytes a, const void *data, size_t len)
{
	return a.len == len && (len == 0 || memcmp(a.data, data, len) == 0);
}

/* Writers: an element with the given contents at the end of B. */
void xp_der_put(struct xp_buf *b, uint8_t tag, const void *body, size_t len);
/* CONTENT becomes the contents of an element at the end of B, and is freed. */
void xp_der_wrap(struct xp_buf *b, uint8_t tag, struct xp_buf *content);
/* An element TAG whose members are sorted as a SET OF wants it. The members are freed. */
void xp_der_put_set(struct xp_buf *b, uint8_t tag, struct xp_buf *members, size_t n);
/* UTCTime or GeneralizedTime by the year. false: outside of the years 1950 to 9999. */
bool xp_der_put_time(struct xp_buf *b, int64_t wall_s);
/* For string literals that hold the contents of an OID. */
#define xp_der_put_oid(b, lit) xp_der_put((b), XP_DER_OID, (lit), sizeof(lit) - 1)
