#include "tests/bench/paced.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "device/extent_backend.h"

struct paced {
	void *ring; /* made by the thread that uses it */
	int fd;
	uint64_t bytes_per_s;
	uint64_t busy_until_ns; /* the drive has work until then */
	struct {
		bool ended;
		uint64_t due_ns;
		struct xp_extent_completion done;
	} slots[XP_EXTENT_DEPTH_MAX];
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int paced_start(void *ctx, unsigned slot, const struct xp_extent_transfer *t)
{
	struct paced *p = ctx;
	uint64_t now = now_ns();

	if (!p->ring) {
		struct xp_io_how how = {0};
		enum xp_rc rc = xp_extent_uring_open(&p->ring, &how, p->fd, NULL, 0,
						     XP_EXTENT_DEPTH_MAX, NULL);

		if (rc != XP_OK)
			return -ENODEV;
	}
	if (p->busy_until_ns < now)
		p->busy_until_ns = now;
	p->busy_until_ns += t->len * 1000000000 / p->bytes_per_s;
	p->slots[slot].due_ns = p->busy_until_ns;
	p->slots[slot].ended = false;
	return xp_extent_uring_ops.start(p->ring, slot, t);
}

/* The slot that is due first of those that have ended; -1: none has. */
static int first_due(const struct paced *p)
{
	int first = -1;

	for (int i = 0; i < (int)XP_EXTENT_DEPTH_MAX; i++) {
		if (p->slots[i].ended && (first < 0 || p->slots[i].due_ns < p->slots[first].due_ns))
			first = i;
	}
	return first;
}

static int paced_wait(void *ctx, struct xp_extent_completion *out, unsigned max,
		      unsigned timeout_ms)
{
	struct paced *p = ctx;
	struct xp_extent_completion done[XP_EXTENT_DEPTH_MAX];
	int slot = first_due(p);
	int n = xp_extent_uring_ops.wait(p->ring, done, XP_EXTENT_DEPTH_MAX,
					 slot < 0 ? timeout_ms : 0);
	uint64_t now;

	if (n < 0 || max == 0)
		return n;
	for (int i = 0; i < n; i++) {
		p->slots[done[i].slot].ended = true;
		p->slots[done[i].slot].done = done[i];
	}
	slot = first_due(p);
	if (slot < 0)
		return 0;
	now = now_ns();
	if (p->slots[slot].due_ns > now) {
		uint64_t wait = p->slots[slot].due_ns - now;
		const struct timespec ts = {.tv_sec = (time_t)(wait / 1000000000),
					    .tv_nsec = (long)(wait % 1000000000)};

		nanosleep(&ts, NULL);
	}
	p->slots[slot].ended = false;
	out[0] = p->slots[slot].done;
	return 1;
}

static int paced_flush(void *ctx)
{
	const struct paced *p = ctx;

	return fdatasync(p->fd) == 0 ? 0 : -errno;
}

static void paced_close(void *ctx)
{
	struct paced *p = ctx;

	if (p->ring)
		xp_extent_uring_ops.close(p->ring);
	free(p);
}

static const struct xp_extent_backend_ops paced_ops = {
	.kind = XP_IO_URING,
	.start = paced_start,
	.wait = paced_wait,
	.flush = paced_flush,
	.close = paced_close,
};

enum xp_rc paced_io_new(struct xp_extent_io **out, const struct xp_extent_config *cfg,
			uint64_t bytes_per_s, struct xp_err *err)
{
	struct paced *p = calloc(1, sizeof(*p));

	if (!p)
		return xp_fail(err, XP_E_NOMEM, "a paced target");
	p->fd = cfg->fd;
	p->bytes_per_s = bytes_per_s;
	return xp_extent_io_new_over(out, cfg, &paced_ops, p, err);
}
