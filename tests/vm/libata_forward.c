/*
 * libata_forward: runs in the virtual machine and carries messages between the module xp_libata and
 * the process that plays the drives, which sits at the other end of a virtio-serial port. It
 * changes nothing, and ends when either side does.
 *
 * usage: libata_forward MODULE-NODE PORT-NODE
 */
#include "tests/emu/libata_wire.h"
#include "tests/vm/whole_io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BUFFER_LEN (sizeof(struct xpl_message) + XPL_DATA_MAX)

struct way {
	int module;
	int port;
};

static int put_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static void *to_drives(void *arg)
{
	const struct way *w = arg;
	uint8_t *buffer = malloc(BUFFER_LEN);

	while (buffer) {
		ssize_t n = read(w->module, buffer, BUFFER_LEN);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || put_all(w->port, buffer, (size_t)n))
			break;
	}
	free(buffer);
	fprintf(stderr, "libata_forward: the way to the drives ended\n");
	exit(1);
}

int main(int argc, char **argv)
{
	struct way w;
	pthread_t thread;
	uint8_t *buffer = malloc(BUFFER_LEN);
	struct xpl_message *m = (struct xpl_message *)(void *)buffer;

	if (argc != 3 || !buffer) {
		fprintf(stderr, "usage: libata_forward MODULE-NODE PORT-NODE\n");
		return 64;
	}
	w.module = open(argv[1], O_RDWR | O_CLOEXEC);
	w.port = open(argv[2], O_RDWR | O_CLOEXEC);
	if (w.module < 0 || w.port < 0) {
		perror("libata_forward: open");
		return 66;
	}
	if (pthread_create(&thread, NULL, to_drives, &w)) {
		fprintf(stderr, "libata_forward: no thread\n");
		return 70;
	}
	while (get_all(w.port, buffer, sizeof(*m)) == 0) {
		if (m->magic != XPL_MAGIC || m->len > XPL_DATA_MAX ||
		    get_all(w.port, buffer + sizeof(*m), m->len))
			break;
		if (write(w.module, buffer, sizeof(*m) + m->len) < 0)
			perror("libata_forward: the module");
	}
	fprintf(stderr, "libata_forward: the way from the drives ended\n");
	free(buffer);
	return 1;
}
