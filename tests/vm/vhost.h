/*
 * vhost: the half of a virtio device that stands outside of QEMU [vhost-user protocol; virtio 1.1
 * split virtqueues]: one socket a device. Whatever comes from the guest is bounded here.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VHOST_QUEUES_MAX 8
#define VHOST_PARTS_MAX	 512

struct vhost;

struct vhost_part {
	uint64_t at; /* guest physical */
	uint32_t len;
	bool is_in; /* for the device to write */
};
/* One request of the guest. */
struct vhost_chain {
	unsigned queue;
	uint16_t head;
	unsigned generation; /* of the queue */
	size_t parts_n;
	size_t out_len, in_len;
	struct vhost_part parts[VHOST_PARTS_MAX];
};

struct vhost_ops {
	/* The guest has put something into the queue. On the device's own thread. */
	void (*kicked)(void *ctx, unsigned queue);
	/* QEMU is gone, or has come. */
	void (*connected)(void *ctx, bool is_there);
};

/* Listens at PATH and serves one QEMU after another, on a thread of its own. NULL: errno. */
struct vhost *vhost_new(const char *path, unsigned queues, uint64_t features,
			const struct vhost_ops *ops, void *ctx);
/* The next request, or false. May be called from any thread, as all below. */
bool vhost_pop(struct vhost *v, unsigned queue, struct vhost_chain *c);
/* What the guest sends from byte SKIP on; how much there was. */
size_t vhost_read(struct vhost *v, const struct vhost_chain *c, size_t skip, void *out, size_t len);
size_t vhost_write(struct vhost *v, const struct vhost_chain *c, size_t skip, const void *data,
		   size_t len);
/* Gives the request back; USED bytes were written. One whose queue was stopped since is dropped. */
void vhost_push(struct vhost *v, const struct vhost_chain *c, uint32_t used);
