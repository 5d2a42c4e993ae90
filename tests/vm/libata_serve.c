#include "tests/vm/libata_serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct libata_server {
	int listener;
	int machine; /* -1: none; written to under out_lock */
	struct emu_libata_port *ports;
	unsigned ports_n;
	pthread_mutex_t *lock;
	pthread_mutex_t out_lock;
	pthread_t thread;
};

static int get_all(int fd, void *to, size_t n)
{
	uint8_t *p = to;

	while (n) {
		ssize_t k = read(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static int send_all(int fd, const void *from, size_t n)
{
	const uint8_t *p = from;

	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static int send_message(struct libata_server *s, const struct xpl_message *m, const uint8_t *data)
{
	int rc = -1;

	pthread_mutex_lock(&s->out_lock);
	if (s->machine >= 0 && send_all(s->machine, m, sizeof(*m)) == 0)
		rc = m->len ? send_all(s->machine, data, m->len) : 0;
	pthread_mutex_unlock(&s->out_lock);
	return rc;
}

static void set_machine(struct libata_server *s, int fd)
{
	pthread_mutex_lock(&s->out_lock);
	if (s->machine >= 0)
		close(s->machine);
	s->machine = fd;
	pthread_mutex_unlock(&s->out_lock);
}

/* Until the machine goes away, or says what no machine says. */
static void serve(struct libata_server *s, int fd, uint8_t *in, uint8_t *out)
{
	struct xpl_message m;
	struct xpl_message reply;

	while (get_all(fd, &m, sizeof(m)) == 0) {
		bool sound;

		if (m.magic != XPL_MAGIC || m.len > XPL_DATA_MAX || m.port >= s->ports_n ||
		    get_all(fd, in, m.len)) {
			fprintf(stderr, "libata: a message that makes no sense\n");
			return;
		}
		pthread_mutex_lock(s->lock);
		sound = emu_libata_answer(&s->ports[m.port], &m, in, &reply, out);
		pthread_mutex_unlock(s->lock);
		if (!sound || send_message(s, &reply, out))
			return;
	}
}

static void *run(void *arg)
{
	struct libata_server *s = arg;
	uint8_t *in = malloc(XPL_DATA_MAX);
	uint8_t *out = malloc(XPL_DATA_MAX);

	while (in && out) {
		int fd = accept(s->listener, NULL, NULL);

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			break;
		set_machine(s, fd);
		serve(s, fd, in, out);
		set_machine(s, -1);
	}
	free(in);
	free(out);
	return NULL;
}

static int listen_at(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(a.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1)) {
		close(fd);
		return -1;
	}
	return fd;
}

struct libata_server *libata_serve_start(const char *path, struct emu_libata_port *ports,
					 unsigned ports_n, pthread_mutex_t *lock)
{
	struct libata_server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct libata_server){.machine = -1,
				    .ports = ports,
				    .ports_n = ports_n,
				    .lock = lock,
				    .out_lock = PTHREAD_MUTEX_INITIALIZER};
	s->listener = listen_at(path);
	if (s->listener >= 0 && pthread_create(&s->thread, NULL, run, s) == 0)
		return s;
	if (s->listener >= 0)
		close(s->listener);
	free(s);
	return NULL;
}

void libata_serve_link(struct libata_server *s, unsigned port)
{
	struct xpl_message m;

	pthread_mutex_lock(s->lock);
	m = emu_libata_link(&s->ports[port]);
	pthread_mutex_unlock(s->lock);
	(void)send_message(s, &m, NULL);
}
