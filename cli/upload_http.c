#include "cli/upload_http.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/about.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/upload_answer.h"

#define PIECE_BYTES (64u << 10)

struct xp_tls {
	SSL_CTX *ctx;
};

/* One connection, and until when it must be through. */
struct line {
	int fd;
	SSL *ssl;
	const char *host;
	uint64_t end_ns;
};

static void line_close(struct line *l)
{
	SSL_free(l->ssl);
	xp_close_fd(&l->fd);
}

static enum xp_rc fail_ssl(struct xp_err *err, enum xp_rc rc, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *why = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return xp_fail(err, rc, "%s: %s", what, why ? why : "TLS failed");
}

/* ---- whom it believes ---- */

static enum xp_rc take_ca(SSL_CTX *ctx, const char *ca, size_t len, struct xp_err *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	BIO *bio = BIO_new_mem_buf(ca, (int)len);
	unsigned n = 0;
	X509 *cert;

	while (bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (X509_STORE_add_cert(store, cert) == 1)
			n++;
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (n == 0)
		return xp_fail(err, XP_E_MALFORMED,
			       "there is no certificate of an authority in the file");
	return XP_OK;
}

enum xp_rc xp_tls_new(struct xp_tls **out, const char *ca, size_t ca_len, struct xp_err *err)
{
	AUTO(xp_tls_free) struct xp_tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return xp_fail(err, XP_E_NOMEM, "TLS");
	tls->ctx = SSL_CTX_new(TLS_client_method());
	if (!tls->ctx || !SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION))
		return fail_ssl(err, XP_E_INTERNAL, "TLS");
	SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
	if (ca)
		TRY(take_ca(tls->ctx, ca, ca_len, err));
	else if (!SSL_CTX_set_default_verify_paths(tls->ctx))
		return fail_ssl(err, XP_E_IO, "the system's authorities");
	*out = STEAL(tls);
	return XP_OK;
}

void xp_tls_free(struct xp_tls **tls)
{
	if (*tls)
		SSL_CTX_free((*tls)->ctx);
	free(*tls);
	*tls = NULL;
}

/* ---- the connection ---- */

static uint64_t now_ns(void)
{
	const struct xp_clock *c = xp_clock_system();

	return c->monotonic_ns(c->ctx);
}

static enum xp_rc wait_for(const struct line *l, short events, struct xp_err *err)
{
	for (;;) {
		struct pollfd p = {.fd = l->fd, .events = events};
		uint64_t now = now_ns();
		int n = now < l->end_ns ? poll(&p, 1, (int)((l->end_ns - now) / 1000000u) + 1) : 0;

		if (n > 0)
			return XP_OK;
		if (n == 0)
			return xp_fail(err, XP_E_TIMEOUT, "%s: no answer in time", l->host);
		if (errno != EINTR)
			return xp_fail_errno(err, XP_E_IO, "%s", l->host);
	}
}

static enum xp_rc connect_one(struct line *l, const struct addrinfo *a, struct xp_err *err)
{
	socklen_t len = sizeof(int);
	int why = 0;

	l->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return xp_fail_errno(err, XP_E_IO, "%s", l->host);
	if (connect(l->fd, a->ai_addr, a->ai_addrlen) == 0)
		return XP_OK;
	if (errno != EINPROGRESS)
		return xp_fail_errno(err, XP_E_IO, "%s", l->host);
	TRY(wait_for(l, POLLOUT, err));
	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &why, &len) != 0)
		return xp_fail_errno(err, XP_E_IO, "%s", l->host);
	errno = why;
	return why == 0 ? XP_OK : xp_fail_errno(err, XP_E_IO, "%s", l->host);
}

static enum xp_rc connect_to(struct line *l, const struct xp_https_url *url, struct xp_err *err)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | (url->is_v6 ? AI_NUMERICHOST : 0),
	};
	struct addrinfo *list = NULL;
	enum xp_rc rc = XP_E_IO;
	int why = getaddrinfo(url->host, url->port, &hints, &list);

	if (why)
		return xp_fail(err, XP_E_IO, "%s: %s", url->host, gai_strerror(why));
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		rc = connect_one(l, a, err);
		if (rc == XP_OK || rc == XP_E_TIMEOUT)
			break;
		xp_close_fd(&l->fd);
		l->fd = -1;
	}
	freeaddrinfo(list);
	return rc;
}

/* What an SSL call wants before it is tried again; anything else is its end. */
static enum xp_rc want(const struct line *l, int result, const char *doing, struct xp_err *err)
{
	switch (SSL_get_error(l->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(l, POLLIN, err);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(l, POLLOUT, err);
	case SSL_ERROR_SYSCALL:
		ERR_clear_error();
		return xp_fail(err, XP_E_IO, "%s: the connection was cut while %s", l->host, doing);
	default:
		(void)fail_ssl(err, XP_E_IO, doing);
		return xp_err_prefix(err, "%s", l->host);
	}
}

static enum xp_rc name_server(struct line *l, const struct xp_https_url *url, struct xp_err *err)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(l->ssl);
	char name[sizeof(url->host)]; /* the library's macro knows no const */

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, url->host) == 1)
		return XP_OK;
	ERR_clear_error();
	memcpy(name, url->host, sizeof(name));
	if (X509_VERIFY_PARAM_set1_host(param, url->host, 0) == 1 &&
	    SSL_set_tlsext_host_name(l->ssl, name) == 1)
		return XP_OK;
	return fail_ssl(err, XP_E_INTERNAL, url->host);
}

static enum xp_rc shake_hands(struct line *l, const struct xp_tls *tls,
			      const struct xp_https_url *url, struct xp_err *err)
{
	l->ssl = SSL_new(tls->ctx);
	if (!l->ssl || SSL_set_fd(l->ssl, l->fd) != 1)
		return fail_ssl(err, XP_E_NOMEM, url->host);
	TRY(name_server(l, url, err));
	for (;;) {
		int n = SSL_connect(l->ssl);
		long verdict;

		if (n == 1)
			return XP_OK;
		verdict = SSL_get_verify_result(l->ssl);
		if (SSL_get_error(l->ssl, n) == SSL_ERROR_SSL && verdict != X509_V_OK) {
			ERR_clear_error();
			return xp_fail(err, XP_E_REFUSED, "%s: the server's certificate: %s",
				       url->host, X509_verify_cert_error_string(verdict));
		}
		TRY(want(l, n, "shaking hands", err));
	}
}

static enum xp_rc send_all(struct line *l, const void *data, size_t len, struct xp_err *err)
{
	const char *p = data;

	while (len) {
		size_t done = 0;
		int n = SSL_write_ex(l->ssl, p, len < PIECE_BYTES ? len : PIECE_BYTES, &done);

		if (n != 1)
			TRY(want(l, n, "sending", err));
		p += done;
		len -= done;
	}
	return XP_OK;
}

/* ---- the request ---- */

static enum xp_rc write_head(struct xp_buf *out, const struct xp_http_request *req,
			     struct xp_err *err)
{
	const struct xp_https_url *u = req->url;

	xp_buf_printf(out, "%s %s HTTP/1.1\r\n", req->method, u->path);
	xp_buf_printf(out, u->is_v6 ? "Host: [%s]" : "Host: %s", u->host);
	if (strcmp(u->port, "443") != 0)
		xp_buf_printf(out, ":%s", u->port);
	xp_buf_puts(out, "\r\nUser-Agent: expunge/" XP_ABOUT_VERSION
			 "\r\nConnection: close\r\nAccept-Encoding: identity\r\n"
			 "Cache-Control: no-cache\r\n");
	if (req->header)
		xp_buf_printf(out, "%s\r\n", req->header);
	if (req->body) {
		uint8_t sha256[SHA256_DIGEST_LENGTH];

		SHA256(req->body, req->body_len, sha256);
		xp_buf_printf(out,
			      "Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n"
			      "Expunge-SHA256: ",
			      req->body_len);
		xp_buf_hex(out, sha256, sizeof(sha256));
		xp_buf_puts(out, "\r\n");
	}
	xp_buf_puts(out, "\r\n");
	return xp_buf_ok(out) ? XP_OK : xp_fail(err, XP_E_NOMEM, "request");
}

/* Reads until the answer is whole or the server has said that it ends. */
static enum xp_rc receive(struct xp_buf *in, struct xp_answer *head, struct line *l,
			  struct xp_err *err)
{
	AUTO_MEM char *piece = malloc(PIECE_BYTES);
	bool has_head = false;

	if (!piece)
		return xp_fail(err, XP_E_NOMEM, "answer");
	for (;;) {
		size_t got = 0;
		int n = SSL_read_ex(l->ssl, piece, PIECE_BYTES, &got);

		if (n != 1 && SSL_get_error(l->ssl, n) == SSL_ERROR_ZERO_RETURN)
			break;
		if (n != 1)
			TRY(want(l, n, "reading its answer", err));
		xp_buf_add(in, piece, got);
		if (!xp_buf_ok(in))
			return xp_fail(err, XP_E_NOMEM, "answer");
		if (!has_head)
			TRY(xp_answer_head(head, &has_head, in->data ? in->data : "", in->len,
					   err));
		/* 100 Continue and the like come before the answer */
		while (has_head && head->status < 200 && head->head_len) {
			memmove(in->data, in->data + head->head_len, in->len - head->head_len);
			in->len -= head->head_len;
			TRY(xp_answer_head(head, &has_head, in->data, in->len, err));
		}
		if (has_head && xp_answer_is_whole(head, in->data, in->len))
			return XP_OK;
		if (in->len > XP_HTTP_BODY_MAX_BYTES + XP_ANSWER_HEAD_MAX)
			return xp_fail(err, XP_E_MALFORMED, "%s: the answer is too large", l->host);
	}
	return has_head ? XP_OK
			: xp_fail(err, XP_E_IO, "%s: the server closed without an answer", l->host);
}

enum xp_rc xp_http_do(unsigned *status, struct xp_buf *body, const struct xp_tls *tls,
		      const struct xp_http_request *req, struct xp_err *err)
{
	AUTO(line_close)
	struct line l = {
		.fd = -1,
		.host = req->url->host,
		.end_ns = now_ns() + (uint64_t)req->timeout_ms * 1000000u,
	};
	AUTO(xp_buf_free) struct xp_buf head = {0};
	AUTO(xp_buf_free) struct xp_buf in = {0};
	struct xp_answer answer = {0};

	TRY(write_head(&head, req, err));
	TRY(connect_to(&l, req->url, err));
	TRY(shake_hands(&l, tls, req->url, err));
	TRY(send_all(&l, head.data, head.len, err));
	if (req->body)
		TRY(send_all(&l, req->body, req->body_len, err));
	TRY(receive(&in, &answer, &l, err));
	*status = answer.status;
	if (xp_answer_body(body, &answer, in.data, in.len, XP_HTTP_BODY_MAX_BYTES, err) != XP_OK)
		return xp_err_prefix(err, "%s", req->url->host);
	return XP_OK;
}
