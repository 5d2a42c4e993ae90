/*
 * timestamp_http: one POST to a timestamp authority and its answer, from a server that may be
 * hostile. Plain HTTP: what goes out is a hash, and what comes back proves itself by its signature.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#include <stddef.h>

#define XP_HTTP_HEAD_MAX (16u << 10)
#define XP_HTTP_BODY_MAX (256u << 10)
#define XP_HTTP_PORT_LEN 6

struct xp_http_url {
	char host[254];
	char port[XP_HTTP_PORT_LEN];
	char path[1024]; /* with the query */
};

/* The port in TEXT[0..LEN), which ends nowhere: 1 to 65535, without leading zeros in OUT. */
bool xp_http_port_parse(char out[XP_HTTP_PORT_LEN], const char *text, size_t len);

/* http:// only. XP_E_UNSUPPORTED: https; XP_E_USAGE: anything else. */
MUST_USE enum xp_rc xp_http_url_parse(struct xp_http_url *out, const char *url, struct xp_err *err);

/*
 * Reads what has come so far. *DONE: the answer is whole, and its body is in BODY. AT_END: no more
 * will come. XP_E_MALFORMED: no answer with a timestamp reply. BODY is written anew each time.
 */
MUST_USE enum xp_rc xp_http_answer(struct xp_buf *body, bool *done, const char *data, size_t len,
				   bool at_end, struct xp_err *err);

/*
 * Posts a timestamp request and waits for the whole answer, TIMEOUT_MS for everything but the look
 * up of the name. Errors: XP_E_IO, XP_E_TIMEOUT, XP_E_MALFORMED.
 */
MUST_USE enum xp_rc xp_http_post(struct xp_buf *body, const struct xp_http_url *url,
				 const void *request, size_t len, unsigned timeout_ms,
				 struct xp_err *err);
