#include "cli/upload_courier.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/wire.h"
#include "cli/upload_http.h"
#include "cli/upload_time.h"

#define NOBODY	       65534
#define LINE_FD	       3
#define NAME_MAX_BYTES 2048u
#define GRACE_MS       60000u /* for the look-up of a name, which knows no deadline */
#define MEMORY_MAX     (512ull << 20)

enum errand { ERRAND_PUT = 1, ERRAND_GET, ERRAND_TIME };

/* A question: errand, time-out, length of the name and of the bytes, then both. */
#define ASK_BYTES 20
/* An answer: code, length of the text, of the bytes, a number, then both. */
#define TELL_BYTES    24
#define TELL_TEXT_MAX 511u

struct xp_courier {
	pid_t pid;
	int fd;
	bool broken; /* the process is gone or speaks nonsense: nothing more is asked of it */
	pthread_mutex_t mutex;
};

/* ---- in the process itself ---- */

struct question {
	enum errand errand;
	unsigned timeout_ms;
	char name[NAME_MAX_BYTES + 1];
	uint8_t *bytes;
	size_t len;
};

static enum xp_rc hear(struct question *q, int fd)
{
	uint8_t head[ASK_BYTES];
	uint32_t name_len;
	uint64_t len;

	TRY(xp_fd_read_exactly(fd, head, sizeof(head), NULL));
	q->errand = (enum errand)get_le32(head);
	q->timeout_ms = get_le32(head + 4);
	name_len = get_le32(head + 8);
	len = get_le64(head + 12);
	if (name_len > NAME_MAX_BYTES || len > XP_HTTP_BODY_MAX_BYTES)
		return XP_E_MALFORMED;
	q->len = (size_t)len;
	q->bytes = malloc(q->len + 1);
	if (!q->bytes)
		return XP_E_NOMEM;
	TRY(xp_fd_read_exactly(fd, q->name, name_len, NULL));
	q->name[name_len] = 0;
	return xp_fd_read_exactly(fd, q->bytes, q->len, NULL);
}

static enum xp_rc tell(int fd, enum xp_rc rc, const char *text, const struct xp_buf *bytes,
		       int64_t number, struct xp_err *err)
{
	size_t text_len = strnlen(text, TELL_TEXT_MAX);
	uint8_t head[TELL_BYTES];

	put_le32(head, (uint32_t) - (int)rc);
	put_le32(head + 4, (uint32_t)text_len);
	put_le64(head + 8, bytes->len);
	put_le64(head + 16, (uint64_t)number);
	TRY(xp_fd_write_all(fd, head, sizeof(head), err));
	TRY(xp_fd_write_all(fd, text, text_len, err));
	return bytes->len ? xp_fd_write_all(fd, bytes->data, bytes->len, err) : XP_OK;
}

static enum xp_rc ask_server(unsigned *status, struct xp_buf *body, const char *method,
			     const struct question *q, const struct xp_tls *tls, const char *header,
			     struct xp_err *err)
{
	struct xp_https_url url;
	const bool puts = strcmp(method, "PUT") == 0;
	const struct xp_http_request req = {
		.method = method,
		.url = &url,
		.header = header,
		.body = puts ? q->bytes : NULL,
		.body_len = puts ? q->len : 0,
		.timeout_ms = q->timeout_ms,
	};

	TRY(xp_https_url_parse(&url, q->name, err));
	return xp_http_do(status, body, tls, &req, err);
}

/* Where it went wrong decides whether trying again can help. */
static enum xp_rc bad_status(unsigned status, const char *method, const char *url,
			     struct xp_err *err)
{
	if (status >= 300 && status < 400)
		return xp_fail(err, XP_E_REFUSED,
			       "%s: the server sends us elsewhere (%u); redirects are not followed",
			       url, status);
	return xp_fail(err, XP_E_IO, "%s: the server answers %s with %u", url, method, status);
}

static enum xp_rc do_put(const struct question *q, const struct xp_tls *tls, const char *header,
			 struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf ignored = {0};
	AUTO(xp_buf_free) struct xp_buf back = {0};
	unsigned status = 0;

	TRY(ask_server(&status, &ignored, "PUT", q, tls, header, err));
	if (status != 200 && status != 201 && status != 204)
		return bad_status(status, "PUT", q->name, err);
	TRY(ask_server(&status, &back, "GET", q, tls, header, err));
	if (status != 200)
		return bad_status(status, "GET", q->name, err);
	if (back.len != q->len || (q->len && memcmp(back.data, q->bytes, q->len) != 0))
		return xp_fail(err, XP_E_MALFORMED,
			       "%s: the server gives back other bytes than were put there (%zu of "
			       "%zu)",
			       q->name, back.len, q->len);
	return XP_OK;
}

static enum xp_rc do_errand(struct xp_buf *out, int64_t *number, const struct question *q,
			    const struct xp_tls *tls, const char *header, struct xp_err *err)
{
	unsigned status = 0;

	switch (q->errand) {
	case ERRAND_PUT:
		return do_put(q, tls, header, err);
	case ERRAND_GET:
		TRY(ask_server(&status, out, "GET", q, tls, header, err));
		return status == 200 ? XP_OK : bad_status(status, "GET", q->name, err);
	case ERRAND_TIME:
		return xp_sntp_ask(number, q->name, q->timeout_ms, err);
	}
	return xp_fail(err, XP_E_USAGE, "no such errand");
}

/* What it came with, but for the line to who asks it: that becomes descriptor 3. */
static enum xp_rc close_all(int keep_fd, struct xp_err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < LINE_FD && null >= 0; fd++)
		if (dup2(null, fd) != fd)
			return xp_fail_errno(err, XP_E_IO, "the courier");
	if (null < 0 || (keep_fd != LINE_FD && dup2(keep_fd, LINE_FD) != LINE_FD) ||
	    close_range(LINE_FD + 1, ~0u, 0) != 0)
		return xp_fail_errno(err, XP_E_IO, "the courier");
	return XP_OK;
}

/* The rest: its user, its rights. */
static enum xp_rc give_away(struct xp_err *err)
{
	/* what name look-ups read; of the system's authorities what they are linked to, too */
	static const char *const inputs[] = {"/etc",
					     "/run/systemd/resolve",
					     "/run/resolvconf",
					     "/usr/share/ca-certificates",
					     "/usr/local/share/ca-certificates",
					     "/run/udhcpc",
					     NULL};
	const struct rlimit none = {0, 0};
	const struct rlimit memory = {MEMORY_MAX, MEMORY_MAX};
	struct xp_confined confined;

	(void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
	(void)setrlimit(RLIMIT_AS, &memory);
#else
	(void)memory;
#endif
	if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
			       setresuid(NOBODY, NOBODY, NOBODY) != 0))
		return xp_fail_errno(err, XP_E_IO, "the courier: a user of its own");
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		return xp_fail_errno(err, XP_E_IO, "the courier");
	/* after the change of user, which clears it [prctl(2) PR_SET_PDEATHSIG] */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return xp_fail_errno(err, XP_E_IO, "the courier");
	return xp_confine_net(&confined, inputs, err);
}

static void serve(int fd, const struct xp_tls *tls, const char *header)
{
	for (;;) {
		AUTO(xp_buf_free) struct xp_buf out = {0};
		struct question q = {0};
		struct xp_err err = {0};
		int64_t number = 0;
		enum xp_rc rc;

		if (hear(&q, fd) != XP_OK) {
			free(q.bytes);
			return;
		}
		rc = do_errand(&out, &number, &q, tls, header, &err);
		free(q.bytes);
		if (rc != XP_OK)
			xp_buf_free(&out);
		if (tell(fd, rc, rc == XP_OK ? "" : err.msg, &out, number, &err) != XP_OK)
			return;
	}
}

static void live(int fd, const struct xp_courier_config *config)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
	AUTO(xp_tls_free) struct xp_tls *tls = NULL;
	const struct xp_buf nothing = {0};
	struct xp_err err;
	enum xp_rc rc;

	/* it lives as long as who asks it, who decides when to stop */
	for (size_t i = 0; i < XP_ARRAY_LEN(signals); i++)
		signal(signals[i], SIG_IGN);
	rc = close_all(fd, &err);
	if (rc != XP_OK)
		_exit(1);
	rc = xp_tls_new(&tls, config->ca, config->ca_len, &err);
	if (rc == XP_OK)
		rc = give_away(&err);
	if (tell(LINE_FD, rc, rc == XP_OK ? "" : err.msg, &nothing, 0, &err) == XP_OK &&
	    rc == XP_OK)
		serve(LINE_FD, tls, config->header);
	_exit(0);
}

/* ---- who asks it ---- */

static enum xp_rc broke(struct xp_courier *c, struct xp_err *err)
{
	c->broken = true;
	return xp_fail(err, XP_E_IO, "the process that speaks to the network has ended");
}

static enum xp_rc listen_for(struct xp_courier *c, void *data, size_t len, unsigned timeout_ms,
			     struct xp_err *err)
{
	uint8_t *p = data;

	while (len) {
		struct pollfd look = {.fd = c->fd, .events = POLLIN};
		int ready = poll(&look, 1, (int)timeout_ms);
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0) {
			c->broken = true;
			return xp_fail(err, XP_E_TIMEOUT, "the network answers nothing");
		}
		n = read(c->fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return broke(c, err);
		p += n;
		len -= (size_t)n;
	}
	return XP_OK;
}

static enum xp_rc hear_answer(struct xp_courier *c, struct xp_buf *out, int64_t *number, size_t max,
			      unsigned timeout_ms, struct xp_err *err)
{
	AUTO_MEM char *bytes = NULL;
	char text[TELL_TEXT_MAX + 1];
	uint8_t head[TELL_BYTES];
	uint32_t text_len, rc;
	uint64_t len;

	TRY(listen_for(c, head, sizeof(head), timeout_ms, err));
	rc = get_le32(head);
	text_len = get_le32(head + 4);
	len = get_le64(head + 8);
	if (text_len > TELL_TEXT_MAX || len > max || rc > (uint32_t)-XP_E_INTERNAL)
		return broke(c, err);
	*number = (int64_t)get_le64(head + 16);
	bytes = malloc((size_t)len + 1);
	if (!bytes)
		return xp_fail(err, XP_E_NOMEM, "answer");
	TRY(listen_for(c, text, text_len, timeout_ms, err));
	TRY(listen_for(c, bytes, (size_t)len, timeout_ms, err));
	text[text_len] = 0;
	if (rc != 0)
		return xp_fail(err, (enum xp_rc) - (int)rc, "%s", text);
	if (out)
		xp_buf_add(out, bytes, (size_t)len);
	return XP_OK;
}

struct order {
	enum errand errand;
	const char *name;
	const void *bytes;
	size_t len;
	size_t max; /* of the answer */
	unsigned timeout_ms;
};

static enum xp_rc send_order(struct xp_courier *c, const struct order *o, struct xp_err *err)
{
	uint8_t head[ASK_BYTES];
	size_t name_len = strlen(o->name);

	if (name_len > NAME_MAX_BYTES || o->len > XP_HTTP_BODY_MAX_BYTES)
		return xp_fail(err, XP_E_USAGE, "%.100s: too long, or too large", o->name);
	put_le32(head, (uint32_t)o->errand);
	put_le32(head + 4, o->timeout_ms);
	put_le32(head + 8, (uint32_t)name_len);
	put_le64(head + 12, o->len);
	if (xp_fd_write_all(c->fd, head, sizeof(head), err) != XP_OK ||
	    xp_fd_write_all(c->fd, o->name, name_len, err) != XP_OK ||
	    (o->len && xp_fd_write_all(c->fd, o->bytes, o->len, err) != XP_OK))
		return broke(c, err);
	return XP_OK;
}

static enum xp_rc ask(struct xp_courier *c, struct xp_buf *out, int64_t *number,
		      const struct order *o, struct xp_err *err)
{
	enum xp_rc rc;

	pthread_mutex_lock(&c->mutex);
	rc = c->broken ? broke(c, err) : send_order(c, o, err);
	if (rc == XP_OK) /* a put is two requests, and each looks the name up */
		rc = hear_answer(c, out, number, o->max, 2 * o->timeout_ms + GRACE_MS, err);
	pthread_mutex_unlock(&c->mutex);
	return rc;
}

enum xp_rc xp_courier_start(struct xp_courier **out, const struct xp_courier_config *config,
			    struct xp_err *err)
{
	AUTO(xp_courier_free) struct xp_courier *c = calloc(1, sizeof(*c));
	int64_t number;
	int fds[2];

	if (!c)
		return xp_fail(err, XP_E_NOMEM, "the courier");
	c->fd = -1;
	pthread_mutex_init(&c->mutex, NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return xp_fail_errno(err, XP_E_IO, "socketpair");
	c->pid = fork();
	if (c->pid == 0)
		live(fds[1], config);
	close(fds[1]);
	c->fd = fds[0];
	if (c->pid < 0)
		return xp_fail_errno(err, XP_E_IO, "fork");
	TRY(hear_answer(c, NULL, &number, 0, GRACE_MS, err));
	*out = STEAL(c);
	return XP_OK;
}

void xp_courier_free(struct xp_courier **c)
{
	if (!*c)
		return;
	xp_close_fd(&(*c)->fd);
	if ((*c)->pid > 0) {
		kill((*c)->pid, SIGKILL);
		while (waitpid((*c)->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	pthread_mutex_destroy(&(*c)->mutex);
	free(*c);
	*c = NULL;
}

int xp_courier_pid(const struct xp_courier *c)
{
	return (int)c->pid;
}

enum xp_rc xp_courier_put(struct xp_courier *c, const char *url, const void *bytes, size_t len,
			  unsigned timeout_ms, struct xp_err *err)
{
	const struct order o = {.errand = ERRAND_PUT,
				.name = url,
				.bytes = bytes,
				.len = len,
				.timeout_ms = timeout_ms};
	int64_t number;

	return ask(c, NULL, &number, &o, err);
}

enum xp_rc xp_courier_get(struct xp_courier *c, struct xp_buf *out, const char *url, size_t max,
			  unsigned timeout_ms, struct xp_err *err)
{
	const struct order o = {
		.errand = ERRAND_GET, .name = url, .max = max, .timeout_ms = timeout_ms};
	int64_t number;

	TRY(ask(c, out, &number, &o, err));
	return xp_buf_ok(out) ? XP_OK : xp_fail(err, XP_E_NOMEM, "%s", url);
}

enum xp_rc xp_courier_time(struct xp_courier *c, int64_t *offset_ms, const char *host,
			   unsigned timeout_ms, struct xp_err *err)
{
	const struct order o = {.errand = ERRAND_TIME, .name = host, .timeout_ms = timeout_ms};

	return ask(c, NULL, offset_ms, &o, err);
}
