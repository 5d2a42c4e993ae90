/*
 * transcript: what was said to a drive and what it answered, as JSON lines. The first line is the
 * head, each further line one exchange. The format is described in docs/testing.md.
 */
#pragma once
#include "base/buf.h"
#include "device/transport.h"

#define XP_TRANSCRIPT_FORMAT "expunge-transcript/1"
/* limits of what is read */
#define XP_TRANSCRIPT_BYTES_MAX	    (64U << 20)
#define XP_TRANSCRIPT_LINE_MAX	    (4U << 20)
#define XP_TRANSCRIPT_EXCHANGES_MAX 10000
#define XP_TRANSCRIPT_DATA_MAX	    (1U << 20) /* bytes of data of one exchange */

struct xp_exchange {
	struct xp_cmd cmd; /* cmd.data is not used */
	uint8_t *out;	   /* dir out: data_len bytes; NULL where withheld */
	bool withheld;	   /* the data could hold a password and was left out */
	enum xp_rc rc;	   /* XP_OK: answered; else XP_E_IO or XP_E_TIMEOUT */
	struct xp_reply reply;
	uint8_t *in; /* dir in: reply.data_len bytes */
	size_t line; /* of the file, from 1 */
};

struct xp_transcript {
	enum xp_transport_kind kind;
	enum xp_bus bus;
	struct xp_exchange *list;
	size_t n;
};

/* The head, with its line end. */
void xp_transcript_head_write(struct xp_buf *b, enum xp_transport_kind kind, enum xp_bus bus);
/* One exchange, with its line end; X->out and X->in as they stand. */
void xp_transcript_exchange_write(struct xp_buf *b, const struct xp_exchange *x);

/* Reads a whole transcript. XP_E_MALFORMED names the line. */
MUST_USE enum xp_rc xp_transcript_parse(struct xp_transcript *out, const char *jsonl, size_t len,
					struct xp_err *err);
void xp_transcript_free(struct xp_transcript *t);
