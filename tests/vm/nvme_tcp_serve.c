#include "tests/vm/nvme_tcp_serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINKS_MAX 64
#define READ_LEN  (256 * 1024)
/* how often drives are asked for events, and connections whether they are at their end */
#define LOOK_MS 50
/* a host that takes nothing for so long is gone */
#define SEND_S 10

struct one {
	int fd;
	struct emu_nvme_link *link;
};

struct nvme_tcp_server {
	struct nvme_tcp_serve_config cfg;
	int listener, stop;
	uint16_t port;
	struct one links[LINKS_MAX]; /* the oldest first */
	unsigned links_n;
	uint8_t *in;
	pthread_t thread;
};

static int listen_at(uint16_t *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(*port),
				.sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, LINKS_MAX) ||
	    getsockname(fd, (struct sockaddr *)&a, &len)) {
		close(fd);
		return -1;
	}
	*port = ntohs(a.sin_port);
	return fd;
}

static bool send_all(int fd, const struct xp_buf *out)
{
	size_t at = 0;

	if (!xp_buf_ok(out))
		return false;
	while (at < out->len) {
		ssize_t n = send(fd, out->data + at, out->len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

static void drop(struct nvme_tcp_server *s, unsigned i)
{
	bool is_locked = s->cfg.begin(s->cfg.ctx);

	emu_nvme_link_free(&s->links[i].link);
	if (is_locked)
		s->cfg.end(s->cfg.ctx);
	close(s->links[i].fd);
	memmove(&s->links[i], &s->links[i + 1], (--s->links_n - i) * sizeof(s->links[0]));
}

static void welcome(struct nvme_tcp_server *s)
{
	const struct timeval patience = {.tv_sec = SEND_S};
	const int on = 1;
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	struct one *o = &s->links[s->links_n];

	if (fd < 0)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	o->link = s->links_n < LINKS_MAX ? emu_nvme_link_new(s->cfg.slot) : NULL;
	if (!o->link) {
		close(fd);
		return;
	}
	o->fd = fd;
	s->links_n++;
}

/* false: the connection is at its end. */
static bool serve(struct nvme_tcp_server *s, struct one *o, bool is_readable)
{
	struct xp_buf out = {0};
	ssize_t n = 0;
	bool goes_on;

	if (is_readable) {
		n = recv(o->fd, s->in, READ_LEN, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
	}
	if (!s->cfg.begin(s->cfg.ctx))
		return false;
	goes_on = n > 0 ? emu_nvme_link_feed(o->link, s->in, (size_t)n, &out)
			: emu_nvme_link_poll(o->link, &out);
	s->cfg.end(s->cfg.ctx);
	if (out.len && !send_all(o->fd, &out))
		goes_on = false;
	xp_buf_free(&out);
	return goes_on;
}

static void *run(void *arg)
{
	struct nvme_tcp_server *s = arg;

	for (;;) {
		struct pollfd fds[LINKS_MAX + 2] = {{.fd = s->stop, .events = POLLIN},
						    {.fd = s->listener, .events = POLLIN}};
		unsigned asked = s->links_n;
		unsigned at = 0;

		if (s->links_n == LINKS_MAX)
			fds[1].events = 0;
		for (unsigned i = 0; i < asked; i++)
			fds[i + 2] = (struct pollfd){.fd = s->links[i].fd, .events = POLLIN};
		if (poll(fds, asked + 2, LOOK_MS) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		/* older connections first: what a host has closed is free before it comes again */
		for (unsigned i = 0; i < asked; i++) {
			if (serve(s, &s->links[at], fds[i + 2].revents != 0))
				at++;
			else
				drop(s, at);
		}
		if (fds[1].revents)
			welcome(s);
	}
	while (s->links_n)
		drop(s, s->links_n - 1);
	return NULL;
}

struct nvme_tcp_server *nvme_tcp_serve_start(const struct nvme_tcp_serve_config *cfg)
{
	struct nvme_tcp_server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->cfg = *cfg;
	s->port = cfg->port;
	s->in = malloc(READ_LEN);
	s->listener = listen_at(&s->port);
	s->stop = eventfd(0, EFD_CLOEXEC);
	if (s->in && s->listener >= 0 && s->stop >= 0 &&
	    pthread_create(&s->thread, NULL, run, s) == 0)
		return s;
	if (s->listener >= 0)
		close(s->listener);
	if (s->stop >= 0)
		close(s->stop);
	free(s->in);
	free(s);
	return NULL;
}

uint16_t nvme_tcp_serve_port(const struct nvme_tcp_server *s)
{
	return s->port;
}

void nvme_tcp_serve_stop(struct nvme_tcp_server **server)
{
	struct nvme_tcp_server *s = *server;

	if (!s)
		return;
	(void)eventfd_write(s->stop, 1);
	pthread_join(s->thread, NULL);
	close(s->listener);
	close(s->stop);
	free(s->in);
	free(s);
	*server = NULL;
}
