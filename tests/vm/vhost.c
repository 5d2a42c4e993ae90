#include "tests/vm/vhost.h"

#include "base/cleanup.h"
#include "base/wire.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REGIONS_MAX   8
#define MESSAGE_MAX   512
#define CHAIN_MAX     (64U << 20) /* bytes in a request */
#define QUEUE_NUM_MAX 1024

/* [vhost-user: message types] */
enum {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	RESET_OWNER = 4,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
};
#define FLAG_VERSION	  0x1
#define FLAG_REPLY	  0x4
#define FLAG_NEED_REPLY	  0x8
#define PROTOCOL_FEATURES (1ULL << 30)
#define PROTOCOL_MQ	  (1ULL << 0)
#define PROTOCOL_ACK	  (1ULL << 3)
#define NO_FD		  0x100

struct region {
	uint64_t guest, len, user;
	uint8_t *map;	/* of the file, from its beginning */
	size_t map_len; /* offset and length */
	uint64_t offset;
};

struct queue {
	uint32_t num;
	int kick, call;
	uint64_t desc, avail, used; /* QEMU's addresses */
	uint16_t next;
	bool runs, disabled;
	unsigned generation;
};

struct vhost {
	int listener, peer;
	uint64_t features;
	unsigned queues_n;
	struct queue queues[VHOST_QUEUES_MAX];
	struct region regions[REGIONS_MAX];
	size_t regions_n;
	pthread_mutex_t lock; /* of queues and regions */
	const struct vhost_ops *ops;
	void *ctx;
};

struct message {
	uint32_t request, flags, size;
	uint8_t body[MESSAGE_MAX];
	int fds[REGIONS_MAX];
	size_t fds_n;
};

static void *in_region(const struct region *r, uint64_t base, uint64_t at, uint64_t len)
{
	if (at < base || at - base > r->len || len > r->len - (at - base))
		return NULL;
	return r->map + r->offset + (at - base);
}

static void *guest_memory(const struct vhost *v, uint64_t at, uint64_t len)
{
	for (size_t i = 0; i < v->regions_n; i++) {
		void *p = in_region(&v->regions[i], v->regions[i].guest, at, len);

		if (p)
			return p;
	}
	return NULL;
}

static void *user_memory(const struct vhost *v, uint64_t at, uint64_t len)
{
	for (size_t i = 0; i < v->regions_n; i++) {
		void *p = in_region(&v->regions[i], v->regions[i].user, at, len);

		if (p)
			return p;
	}
	return NULL;
}

/* The request that begins at HEAD; false: it is none. */
static bool gather(const struct vhost *v, const struct queue *q, uint16_t head,
		   struct vhost_chain *c)
{
	const struct vring_desc *table = user_memory(v, q->desc, q->num * sizeof(*table));
	uint32_t n = q->num;
	uint32_t i = head;
	bool is_indirect = false;

	for (size_t steps = 0; table && i < n && steps <= VHOST_PARTS_MAX; steps++) {
		struct vring_desc d = table[i]; /* read once: the guest could change it */

		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (is_indirect || d.len % sizeof(d) || d.len / sizeof(d) > VHOST_PARTS_MAX)
				return false;
			table = guest_memory(v, d.addr, d.len);
			n = d.len / (uint32_t)sizeof(d);
			i = 0;
			is_indirect = true;
			continue;
		}
		if (c->parts_n == VHOST_PARTS_MAX || c->out_len + c->in_len + d.len > CHAIN_MAX)
			return false;
		c->parts[c->parts_n++] =
			(struct vhost_part){d.addr, d.len, (d.flags & VRING_DESC_F_WRITE) != 0};
		*((d.flags & VRING_DESC_F_WRITE) ? &c->in_len : &c->out_len) += d.len;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return true;
		i = d.next;
	}
	return false;
}

static bool pop(struct vhost *v, unsigned queue, struct vhost_chain *c)
{
	struct queue *q = &v->queues[queue];
	const struct vring_avail *avail;
	uint16_t waiting;

	if (!q->runs || q->disabled || !q->num)
		return false;
	avail = user_memory(v, q->avail, sizeof(*avail) + q->num * sizeof(avail->ring[0]));
	if (!avail)
		return false;
	waiting = (uint16_t)(__atomic_load_n(&avail->idx, __ATOMIC_ACQUIRE) - q->next);
	/* more than it has places: the guest has put something else there since (a BIOS whose ring
	 * was its kernel's to take) */
	if (waiting == 0 || waiting > q->num)
		return false;
	c->queue = queue;
	c->generation = q->generation;
	c->head = avail->ring[q->next % q->num];
	c->parts_n = c->out_len = c->in_len = 0;
	q->next++;
	if (gather(v, q, c->head, c))
		return true;
	fprintf(stderr, "vhost: queue %u: a request that is none\n", queue);
	c->parts_n = c->out_len = c->in_len = 0;
	return true;
}

bool vhost_pop(struct vhost *v, unsigned queue, struct vhost_chain *c)
{
	bool there;

	pthread_mutex_lock(&v->lock);
	there = pop(v, queue, c);
	pthread_mutex_unlock(&v->lock);
	return there;
}

/* Moves LEN bytes between BUF and those parts of C that go this way. */
static size_t move(struct vhost *v, const struct vhost_chain *c, size_t skip, uint8_t *buf,
		   size_t len, bool is_in)
{
	size_t done = 0;

	pthread_mutex_lock(&v->lock);
	for (size_t i = 0; i < c->parts_n && done < len; i++) {
		const struct vhost_part *p = &c->parts[i];
		size_t n = p->len;
		uint8_t *at;

		if (p->is_in != is_in)
			continue;
		if (skip >= n) {
			skip -= n;
			continue;
		}
		at = guest_memory(v, p->at, p->len);
		if (!at || v->queues[c->queue].generation != c->generation)
			break;
		n = n - skip < len - done ? n - skip : len - done;
		if (is_in)
			memcpy(at + skip, buf + done, n);
		else
			memcpy(buf + done, at + skip, n);
		skip = 0;
		done += n;
	}
	pthread_mutex_unlock(&v->lock);
	return done;
}

size_t vhost_read(struct vhost *v, const struct vhost_chain *c, size_t skip, void *out, size_t len)
{
	return move(v, c, skip, out, len, false);
}

size_t vhost_write(struct vhost *v, const struct vhost_chain *c, size_t skip, const void *data,
		   size_t len)
{
	/* read only, when it goes this way */
	return move(v, c, skip, (uint8_t *)(uintptr_t)data, len, true);
}

static void signal_call(const struct queue *q)
{
	uint64_t one = 1;

	if (q->call >= 0 && write(q->call, &one, sizeof(one)) != sizeof(one))
		fprintf(stderr, "vhost: the guest is not told: %m\n");
}

void vhost_push(struct vhost *v, const struct vhost_chain *c, uint32_t used_len)
{
	struct queue *q = &v->queues[c->queue];
	struct vring_used *used;
	const struct vring_avail *avail;

	pthread_mutex_lock(&v->lock);
	used = user_memory(v, q->used, sizeof(*used) + q->num * sizeof(used->ring[0]));
	avail = user_memory(v, q->avail, sizeof(*avail));
	if (q->runs && q->generation == c->generation && used && avail) {
		used->ring[used->idx % q->num] = (struct vring_used_elem){c->head, used_len};
		__atomic_store_n(&used->idx, (uint16_t)(used->idx + 1), __ATOMIC_SEQ_CST);
		if (!(__atomic_load_n(&avail->flags, __ATOMIC_SEQ_CST) &
		      VRING_AVAIL_F_NO_INTERRUPT))
			signal_call(q);
	}
	pthread_mutex_unlock(&v->lock);
}

static void forget_memory(struct vhost *v)
{
	for (size_t i = 0; i < v->regions_n; i++)
		munmap(v->regions[i].map, v->regions[i].map_len);
	v->regions_n = 0;
}

static void swap_fd(int *fd, int by)
{
	if (*fd >= 0)
		close(*fd);
	*fd = by;
}

static void stop_queue(struct queue *q)
{
	q->runs = false;
	q->generation++;
	swap_fd(&q->kick, -1);
}

/* Takes the N-th descriptor out of the message. */
static int take_fd(struct message *m, size_t n)
{
	int fd = -1;

	if (n < m->fds_n) {
		fd = m->fds[n];
		m->fds[n] = -1;
	}
	return fd;
}

static bool set_memory(struct vhost *v, struct message *m)
{
	uint32_t n = get_le32(m->body);

	forget_memory(v);
	if (n > REGIONS_MAX || m->size < 8 + n * 32 || m->fds_n < n)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *at = m->body + 8 + (size_t)i * 32;
		struct region r = {
			.guest = get_le64(at),
			.len = get_le64(at + 8),
			.user = get_le64(at + 16),
			.offset = get_le64(at + 24),
		};
		AUTO_FD int fd = take_fd(m, i);

		if (__builtin_add_overflow(r.len, r.offset, &r.map_len))
			return false;
		r.map = mmap(NULL, r.map_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (r.map == MAP_FAILED)
			return false;
		v->regions[v->regions_n++] = r;
	}
	return true;
}

/* The queue that the message is about, or NULL. */
static struct queue *queue_of(struct vhost *v, uint32_t index)
{
	return index < v->queues_n ? &v->queues[index] : NULL;
}

static bool about_fd(struct vhost *v, struct message *m)
{
	uint64_t word = get_le64(m->body);
	struct queue *q = queue_of(v, word & 0xff);
	int fd = word & NO_FD ? -1 : take_fd(m, 0);

	if (!q || m->size < 8) {
		swap_fd(&fd, -1);
		return false;
	}
	if (m->request == SET_VRING_KICK) {
		/* shared with QEMU: whether it blocks is not ours to say */
		swap_fd(&q->kick, fd);
		q->runs = fd >= 0;
	} else if (m->request == SET_VRING_CALL) {
		swap_fd(&q->call, fd);
		signal_call(q); /* what was told to the one before may have been lost */
	} else {
		swap_fd(&fd, -1);
	}
	return true;
}

static bool about_queue(struct vhost *v, struct message *m, uint64_t *answer)
{
	uint32_t value = get_le32(m->body + 4);
	struct queue *q = queue_of(v, get_le32(m->body));

	if (!q || m->size < (m->request == SET_VRING_ADDR ? 40 : 8))
		return false;
	switch (m->request) {
	case SET_VRING_NUM:
		if (value == 0 || value > QUEUE_NUM_MAX)
			return false;
		q->num = value;
		break;
	case SET_VRING_ADDR:
		q->desc = get_le64(m->body + 8);
		q->used = get_le64(m->body + 16);
		q->avail = get_le64(m->body + 24);
		break;
	case SET_VRING_BASE:
		q->next = (uint16_t)value;
		break;
	case SET_VRING_ENABLE:
		q->disabled = value == 0;
		break;
	default: /* GET_VRING_BASE stops it */
		stop_queue(q);
		*answer = (uint64_t)q->next << 32 | get_le32(m->body);
		break;
	}
	return true;
}

/* *HAS_ANSWER where the message wants one of its own; false: the message is wrong. */
static bool obey(struct vhost *v, struct message *m, uint64_t *answer, bool *has_answer)
{
	*has_answer = false;
	switch (m->request) {
	case GET_FEATURES:
		*answer = v->features | PROTOCOL_FEATURES;
		return *has_answer = true;
	case GET_PROTOCOL_FEATURES:
		*answer = PROTOCOL_MQ | PROTOCOL_ACK;
		return *has_answer = true;
	case GET_QUEUE_NUM:
		*answer = v->queues_n;
		return *has_answer = true;
	case SET_FEATURES:
	case SET_PROTOCOL_FEATURES:
	case SET_OWNER:
	case RESET_OWNER:
		return true;
	case SET_MEM_TABLE:
		return set_memory(v, m);
	case SET_VRING_KICK:
	case SET_VRING_CALL:
	case SET_VRING_ERR:
		return about_fd(v, m);
	case GET_VRING_BASE:
		*has_answer = true;
		return about_queue(v, m, answer);
	case SET_VRING_NUM:
	case SET_VRING_ADDR:
	case SET_VRING_BASE:
	case SET_VRING_ENABLE:
		return about_queue(v, m, answer);
	default:
		fprintf(stderr, "vhost: message %u is none\n", m->request);
		return false;
	}
}

static void take_fds(struct message *m, struct msghdr *h)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n && m->fds_n < REGIONS_MAX; i++)
			memcpy(&m->fds[m->fds_n++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
}

/* false: QEMU is gone, or speaks something else. */
static bool receive(int peer, struct message *m)
{
	uint8_t head[12];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(REGIONS_MAX * sizeof(int))];
	struct iovec io = {head, sizeof(head)};
	struct msghdr h = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};

	*m = (struct message){0};
	if (recvmsg(peer, &h, MSG_WAITALL | MSG_CMSG_CLOEXEC) != sizeof(head))
		return false;
	take_fds(m, &h);
	m->request = get_le32(head);
	m->flags = get_le32(head + 4);
	m->size = get_le32(head + 8);
	if (m->size > sizeof(m->body))
		return false;
	return m->size == 0 || recv(peer, m->body, m->size, MSG_WAITALL) == (ssize_t)m->size;
}

static bool reply(int peer, uint32_t request, uint64_t answer)
{
	uint8_t out[20];

	put_le32(out, request);
	put_le32(out + 4, FLAG_VERSION | FLAG_REPLY);
	put_le32(out + 8, 8);
	put_le64(out + 12, answer);
	return send(peer, out, sizeof(out), MSG_NOSIGNAL) == sizeof(out);
}

static bool serve_message(struct vhost *v)
{
	struct message m;
	uint64_t answer = 0;
	bool has_answer = false;
	bool good = receive(v->peer, &m);

	if (good) {
		pthread_mutex_lock(&v->lock);
		good = obey(v, &m, &answer, &has_answer);
		pthread_mutex_unlock(&v->lock);
		if (has_answer)
			good = good && reply(v->peer, m.request, answer);
		else if (m.flags & FLAG_NEED_REPLY)
			good = reply(v->peer, m.request, good ? 0 : 1);
		/* a queue that was just started may hold requests already */
		for (unsigned q = 0; q < v->queues_n; q++)
			if (v->queues[q].runs)
				v->ops->kicked(v->ctx, q);
	}
	for (size_t i = 0; i < m.fds_n; i++)
		if (m.fds[i] >= 0)
			close(m.fds[i]);
	return good;
}

static void serve(struct vhost *v)
{
	for (;;) {
		struct pollfd fds[1 + VHOST_QUEUES_MAX] = {{.fd = v->peer, .events = POLLIN}};
		uint64_t n;

		for (unsigned q = 0; q < v->queues_n; q++)
			fds[1 + q] = (struct pollfd){.fd = v->queues[q].kick, .events = POLLIN};
		if (poll(fds, 1 + v->queues_n, -1) < 0 && errno != EINTR)
			return;
		for (unsigned q = 0; q < v->queues_n; q++)
			if (fds[1 + q].revents && read(fds[1 + q].fd, &n, sizeof(n)) > 0)
				v->ops->kicked(v->ctx, q);
		if (fds[0].revents && !serve_message(v))
			return;
	}
}

static void *run(void *arg)
{
	struct vhost *v = arg;

	for (;;) {
		v->peer = accept4(v->listener, NULL, NULL, SOCK_CLOEXEC);
		if (v->peer < 0)
			continue;
		v->ops->connected(v->ctx, true);
		serve(v);
		v->ops->connected(v->ctx, false);
		pthread_mutex_lock(&v->lock);
		for (unsigned q = 0; q < v->queues_n; q++) {
			stop_queue(&v->queues[q]);
			swap_fd(&v->queues[q].call, -1);
			v->queues[q].disabled = false;
		}
		forget_memory(v);
		pthread_mutex_unlock(&v->lock);
		swap_fd(&v->peer, -1);
	}
	return NULL;
}

struct vhost *vhost_new(const char *path, unsigned queues, uint64_t features,
			const struct vhost_ops *ops, void *ctx)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct vhost *v = calloc(1, sizeof(*v));
	pthread_t thread;

	if (!v || queues > VHOST_QUEUES_MAX ||
	    snprintf(at.sun_path, sizeof(at.sun_path), "%s", path) >= (int)sizeof(at.sun_path)) {
		free(v);
		errno = ENAMETOOLONG;
		return NULL;
	}
	v->queues_n = queues;
	v->features = features | 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC;
	v->ops = ops;
	v->ctx = ctx;
	v->peer = -1;
	for (unsigned q = 0; q < queues; q++)
		v->queues[q].kick = v->queues[q].call = -1;
	pthread_mutex_init(&v->lock, NULL);
	v->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unlink(path);
	if (v->listener < 0 || bind(v->listener, (const struct sockaddr *)&at, sizeof(at)) ||
	    listen(v->listener, 1) || pthread_create(&thread, NULL, run, v)) {
		swap_fd(&v->listener, -1);
		free(v);
		return NULL;
	}
	pthread_detach(thread);
	return v;
}
