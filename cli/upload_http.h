/*
 * upload_http: one request to one server over TLS: its certificate must chain to the authority that
 * was named and be for the name that was asked; redirects are not followed. Runs in the courier
 * (upload_courier), which has no rights worth taking.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "cli/https_url.h"

#define XP_HTTP_BODY_MAX_BYTES (32u << 20)

struct xp_tls;

/* CA: PEM bytes; NULL: the system's store. XP_E_MALFORMED: there is no certificate in it. */
MUST_USE enum xp_rc xp_tls_new(struct xp_tls **out, const char *ca, size_t ca_len,
			       struct xp_err *err);
void xp_tls_free(struct xp_tls **tls);

struct xp_http_request {
	const char *method; /* "GET", "PUT" */
	const struct xp_https_url *url;
	const char *header; /* one further line, or NULL */
	const void *body;   /* NULL: none */
	size_t body_len;
	unsigned timeout_ms; /* for all of it but the look-up of the name */
};

/*
 * *STATUS and BODY as the server answered; any status is an answer. XP_E_IO: no connection, or no
 * whole answer. XP_E_TIMEOUT. XP_E_REFUSED: the certificate is not the server's. XP_E_MALFORMED.
 */
MUST_USE enum xp_rc xp_http_do(unsigned *status, struct xp_buf *body, const struct xp_tls *tls,
			       const struct xp_http_request *req, struct xp_err *err);
