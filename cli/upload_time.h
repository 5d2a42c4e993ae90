/*
 * upload_time: a time server's answer [RFC 4330]: packets out and in, and what may be believed.
 * There is no proof in it: it is good for a clock that says 1970, and records say that it was so.
 */
#pragma once
#include "base/err.h"

#define XP_SNTP_BYTES 48

/* A request whose transmit time is NONCE, which an answer must give back. */
void xp_sntp_request(uint8_t out[XP_SNTP_BYTES], uint64_t nonce);
/*
 * What is to be added to a clock that said SENT_MS and GOT_MS (Unix, milliseconds) when the request
 * left and the answer came. XP_E_MALFORMED: too short, not for this request, from a server that is
 * not synchronized itself, or a time before this version was made or after 2099.
 */
MUST_USE enum xp_rc xp_sntp_answer(int64_t *offset_ms, const uint8_t *data, size_t len,
				   uint64_t nonce, int64_t sent_ms, int64_t got_ms,
				   struct xp_err *err);
/* Asks HOST ("name", "name:port", "[v6]:port"; 123 where none is given) once. */
MUST_USE enum xp_rc xp_sntp_ask(int64_t *offset_ms, const char *host, unsigned timeout_ms,
				struct xp_err *err);
