#include "certs/timestamp_http.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/about.h"
#include "base/cleanup.h"
#include "base/clock.h"

/* ---- the address ---- */

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '-';
}

bool xp_http_port_parse(char out[XP_HTTP_PORT_LEN], const char *text, size_t len)
{
	unsigned v = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = v * 10 + (unsigned)(text[i] - '0');
	}
	if (v == 0 || v > 0xffff)
		return false;
	snprintf(out, XP_HTTP_PORT_LEN, "%u", v);
	return true;
}

enum xp_rc xp_http_url_parse(struct xp_http_url *out, const char *url, struct xp_err *err)
{
	const char *host = url + strlen("http://");
	const char *end;
	size_t host_len = 0;

	*out = (struct xp_http_url){.port = "80", .path = "/"};
	if (strncasecmp(url, "https://", strlen("https://")) == 0)
		return xp_fail(err, XP_E_UNSUPPORTED,
			       "https is not supported: use the authority's http address (the "
			       "token proves itself), or `timestamp request` and `embed` with "
			       "another program in between");
	if (strncasecmp(url, "http://", strlen("http://")) != 0)
		return xp_fail(err, XP_E_USAGE, "%.200s: not an http address", url);
	end = host + strcspn(host, "/?#");
	while (host + host_len < end && is_host_char(host[host_len]))
		host_len++;
	if (host_len == 0 || host_len >= sizeof(out->host) ||
	    (host + host_len < end &&
	     (host[host_len] != ':' || !xp_http_port_parse(out->port, host + host_len + 1,
							   (size_t)(end - host) - host_len - 1))))
		return xp_fail(err, XP_E_USAGE, "%.200s: no host and port that can be used", url);
	memcpy(out->host, host, host_len);
	if (strlen(end) + 2 > sizeof(out->path) || strchr(end, '#'))
		return xp_fail(err, XP_E_USAGE, "%.200s: too long, or with a fragment", url);
	for (const char *c = end; *c; c++)
		if (*c <= ' ' || *c > '~')
			return xp_fail(err, XP_E_USAGE,
				       "the address holds what no address may hold");
	if (*end)
		snprintf(out->path, sizeof(out->path), "%s%s", *end == '/' ? "" : "/", end);
	return XP_OK;
}

/* ---- the answer ---- */

struct head {
	unsigned status;
	bool has_length, is_chunked, is_reply;
	size_t length;
	size_t head_len; /* up to the body */
};

static enum xp_rc bad(struct xp_err *err, const char *what)
{
	return xp_fail(err, XP_E_MALFORMED, "the server's answer %s", what);
}

static bool value_is(const char *v, size_t len, const char *want)
{
	return len == strlen(want) && strncasecmp(v, want, len) == 0;
}

static enum xp_rc take_length(struct head *h, const char *v, size_t len, struct xp_err *err)
{
	if (h->has_length || len == 0 || len > 9)
		return bad(err, "has no length, or two");
	for (size_t i = 0; i < len; i++) {
		if (v[i] < '0' || v[i] > '9')
			return bad(err, "has a length that is no number");
		h->length = h->length * 10 + (size_t)(v[i] - '0');
	}
	h->has_length = true;
	return h->length <= XP_HTTP_BODY_MAX ? XP_OK : bad(err, "is too large");
}

static enum xp_rc take_field(struct head *h, const char *line, size_t len, struct xp_err *err)
{
	const char *colon = memchr(line, ':', len);
	size_t name_len = colon ? (size_t)(colon - line) : 0;
	const char *v = colon ? colon + 1 : line;
	size_t n = colon ? len - name_len - 1 : 0;

	/* a line that goes on from the last one begins with a blank */
	if (name_len == 0 || memchr(line, ' ', name_len) || memchr(line, '\t', name_len) ||
	    memchr(line, 0, len) || memchr(line, '\r', len) || memchr(line, '\n', len))
		return bad(err, "has a malformed header");
	while (n && (*v == ' ' || *v == '\t')) {
		v++;
		n--;
	}
	while (n && (v[n - 1] == ' ' || v[n - 1] == '\t'))
		n--;
	if (value_is(line, name_len, "Content-Length"))
		return take_length(h, v, n, err);
	if (value_is(line, name_len, "Transfer-Encoding")) {
		if (h->is_chunked || !value_is(v, n, "chunked"))
			return bad(err, "has a coding that is not known");
		h->is_chunked = true;
	} else if (value_is(line, name_len, "Content-Encoding")) {
		if (!value_is(v, n, "identity"))
			return bad(err, "has a coding that is not known");
	} else if (value_is(line, name_len, "Content-Type")) {
		const char *semicolon = memchr(v, ';', n);
		size_t type_len = semicolon ? (size_t)(semicolon - v) : n;

		while (type_len && v[type_len - 1] == ' ')
			type_len--;
		h->is_reply = value_is(v, type_len, "application/timestamp-reply");
	}
	return XP_OK;
}

static enum xp_rc read_head(struct head *h, bool *has_head, const char *data, size_t len,
			    struct xp_err *err)
{
	const char *end = memmem(data, len, "\r\n\r\n", 4);
	const char *line = data;

	*h = (struct head){0};
	*has_head = end && (size_t)(end - data) <= XP_HTTP_HEAD_MAX;
	if (!*has_head)
		return len > XP_HTTP_HEAD_MAX ? bad(err, "has no end of its header") : XP_OK;
	h->head_len = (size_t)(end - data) + 4;
	for (bool first = true; line < end; first = false) {
		const char *eol = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
		size_t n = (size_t)(eol - line);

		if (!first) {
			TRY(take_field(h, line, n, err));
		} else {
			if (n < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ')
				return bad(err, "is not HTTP");
			for (size_t i = 9; i < 12; i++) {
				if (line[i] < '0' || line[i] > '9')
					return bad(err, "is not HTTP");
				h->status = h->status * 10 + (unsigned)(line[i] - '0');
			}
		}
		line = eol + 2;
	}
	if (h->status != 200)
		return xp_fail(err, XP_E_MALFORMED, "the server answered with status %u",
			       h->status);
	if (!h->is_reply)
		return bad(err, "is not a timestamp reply");
	if (h->is_chunked && h->has_length)
		return bad(err, "has two lengths");
	return XP_OK;
}

/* One chunk's size line. 1: a chunk, 0: more must come, -1: malformed. */
static int take_chunk_size(size_t *size, struct xp_span *s)
{
	const uint8_t *end = memmem(s->at, s->left, "\r\n", 2);
	size_t n;

	if (!end)
		return s->left > 64 ? -1 : 0;
	n = (size_t)(end - s->at);
	*size = 0;
	if (n == 0 || n > 6)
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = s->at[i];
		unsigned digit = c >= '0' && c <= '9'	? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
							: 16;

		if (digit == 16)
			return -1;
		*size = *size << 4 | digit;
	}
	xp_span_take(s, n + 2);
	return 1;
}

static enum xp_rc read_chunks(struct xp_buf *body, bool *done, struct xp_span s, struct xp_err *err)
{
	size_t size = 0;
	int rc;

	while ((rc = take_chunk_size(&size, &s)) == 1) {
		if (size > XP_HTTP_BODY_MAX - body->len)
			return bad(err, "is too large");
		if (s.left < size + 2)
			return XP_OK;
		if (memcmp(s.at + size, "\r\n", 2) != 0)
			return bad(err, "has a malformed chunk");
		xp_buf_add(body, s.at, size);
		xp_span_take(&s, size + 2);
		if (size > 0)
			continue;
		*done = true;
		return s.left ? bad(err, "goes on behind its end") : XP_OK;
	}
	return rc < 0 ? bad(err, "has a malformed chunk") : XP_OK;
}

enum xp_rc xp_http_answer(struct xp_buf *body, bool *done, const char *data, size_t len,
			  bool at_end, struct xp_err *err)
{
	struct head h;
	bool has_head = false;
	size_t n;

	*done = false;
	xp_buf_free(body);
	TRY(read_head(&h, &has_head, data, len, err));
	if (has_head && h.is_chunked) {
		TRY(read_chunks(body, done, xp_span_of(data + h.head_len, len - h.head_len), err));
	} else if (has_head) {
		n = len - h.head_len;
		if (n > XP_HTTP_BODY_MAX || (h.has_length && n > h.length))
			return bad(err, "is too large, or goes on behind its end");
		*done = h.has_length ? n == h.length : at_end;
		if (*done && n)
			xp_buf_add(body, data + h.head_len, n);
	}
	if (at_end && !*done)
		return bad(err, "is cut short");
	if (*done && body->len == 0)
		return bad(err, "is empty");
	return !body->failed ? XP_OK : xp_fail(err, XP_E_NOMEM, "answer");
}

/* ---- the connection ---- */

/* Waits for EVENTS until the deadline. */
static enum xp_rc wait_for(int fd, short events, uint64_t until_ns, struct xp_err *err)
{
	const struct xp_clock *clock = xp_clock_system();

	for (;;) {
		uint64_t now_ns = clock->monotonic_ns(clock->ctx);
		struct pollfd p = {.fd = fd, .events = events};
		int rc;

		if (now_ns >= until_ns)
			return xp_fail(err, XP_E_TIMEOUT, "the server took too long");
		rc = poll(&p, 1, (int)((until_ns - now_ns) / 1000000 + 1));
		if (rc > 0)
			return XP_OK;
		if (rc < 0 && errno != EINTR)
			return xp_fail_errno(err, XP_E_IO, "waiting for the server");
	}
}

static enum xp_rc connect_one(int *out_fd, const struct addrinfo *a, uint64_t until_ns,
			      struct xp_err *err)
{
	AUTO_FD int fd =
		socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	int why = 0;
	socklen_t len = sizeof(why);

	if (fd < 0)
		return xp_fail_errno(err, XP_E_IO, "socket");
	if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
		if (errno != EINPROGRESS)
			return xp_fail_errno(err, XP_E_IO, "connecting to the server");
		TRY(wait_for(fd, POLLOUT, until_ns, err));
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &len) != 0)
			return xp_fail_errno(err, XP_E_IO, "connecting to the server");
		errno = why;
		if (why)
			return xp_fail_errno(err, XP_E_IO, "connecting to the server");
	}
	*out_fd = STEAL_FD(fd);
	return XP_OK;
}

static enum xp_rc connect_any(int *out_fd, const struct xp_http_url *url, uint64_t until_ns,
			      struct xp_err *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	int why = getaddrinfo(url->host, url->port, &hints, &list);
	enum xp_rc rc;

	if (why)
		return xp_fail(err, XP_E_IO, "%s: %s", url->host, gai_strerror(why));
	rc = xp_fail(err, XP_E_IO, "%s has no address", url->host);
	for (const struct addrinfo *a = list; a && rc != XP_OK && rc != XP_E_TIMEOUT;
	     a = a->ai_next)
		rc = connect_one(out_fd, a, until_ns, err);
	freeaddrinfo(list);
	return rc;
}

static enum xp_rc send_all(int fd, const struct xp_buf *b, uint64_t until_ns, struct xp_err *err)
{
	size_t at = 0;

	while (at < b->len) {
		ssize_t n;

		TRY(wait_for(fd, POLLOUT, until_ns, err));
		n = send(fd, b->data + at, b->len - at, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return xp_fail_errno(err, XP_E_IO, "sending to the server");
		at += n > 0 ? (size_t)n : 0;
	}
	return XP_OK;
}

static enum xp_rc receive(struct xp_buf *body, int fd, uint64_t until_ns, struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf all = {0};
	bool done = false;

	while (!done) {
		char part[4096];
		ssize_t n;

		TRY(wait_for(fd, POLLIN, until_ns, err));
		n = recv(fd, part, sizeof(part), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return xp_fail_errno(err, XP_E_IO, "receiving from the server");
		xp_buf_add(&all, part, (size_t)n);
		if (!all.data || all.failed)
			return all.failed ? xp_fail(err, XP_E_NOMEM, "answer")
					  : bad(err, "is empty");
		/* chunks of one byte cost five more each */
		if (all.len > XP_HTTP_HEAD_MAX + 8 * XP_HTTP_BODY_MAX)
			return bad(err, "is too large");
		TRY(xp_http_answer(body, &done, all.data, all.len, n == 0, err));
	}
	return XP_OK;
}

enum xp_rc xp_http_post(struct xp_buf *body, const struct xp_http_url *url, const void *request,
			size_t len, unsigned timeout_ms, struct xp_err *err)
{
	const struct xp_clock *clock = xp_clock_system();
	AUTO(xp_buf_free) struct xp_buf b = {0};
	AUTO_FD int fd = -1;
	uint64_t until_ns;

	xp_buf_printf(&b,
		      "POST %s HTTP/1.1\r\nHost: %s:%s\r\nUser-Agent: expunge-cert/%s\r\n"
		      "Content-Type: application/timestamp-query\r\n"
		      "Accept: application/timestamp-reply\r\nContent-Length: %zu\r\n"
		      "Connection: close\r\n\r\n",
		      url->path, url->host, url->port, XP_ABOUT_VERSION, len);
	xp_buf_add(&b, request, len);
	if (!xp_buf_ok(&b))
		return xp_fail(err, XP_E_NOMEM, "request");
	until_ns = clock->monotonic_ns(clock->ctx) + (uint64_t)timeout_ms * 1000000u;
	TRY(connect_any(&fd, url, until_ns, err));
	TRY(send_all(fd, &b, until_ns, err));
	return receive(body, fd, until_ns, err);
}
