#include "device/extent_backend.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/cleanup.h"

struct uring {
	struct io_uring ring;
	bool ready; /* the ring is to be taken down */
	int fd;
	bool fixed_file;
	bool fixed_buffer;
	unsigned inflight;
	int broken; /* -errno: entries are stuck in the ring */
};

static void uring_close(void *ctx)
{
	struct uring *u = ctx;

	if (!u)
		return;
	/*
	 * The kernel takes a ring down behind our back, and would hold the target until then:
	 * whoever opens it next would find it in use. Not with a request under way: that would wait
	 * for it.
	 */
	if (u->inflight == 0 && u->fixed_file)
		(void)io_uring_unregister_files(&u->ring);
	if (u->inflight == 0 && u->fixed_buffer)
		(void)io_uring_unregister_buffers(&u->ring);
	if (u->ready)
		io_uring_queue_exit(&u->ring);
	free(u);
}

static void free_uring(struct uring **u)
{
	uring_close(*u);
	*u = NULL;
}

static int uring_start(void *ctx, unsigned slot, const struct xp_extent_transfer *t)
{
	struct uring *u = ctx;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	int fd = u->fixed_file ? 0 : u->fd;
	int rc;

	if (!sqe)
		return -EBUSY;
	if (u->fixed_buffer && t->write)
		io_uring_prep_write_fixed(sqe, fd, t->buf, (unsigned)t->len, t->offset, 0);
	else if (u->fixed_buffer)
		io_uring_prep_read_fixed(sqe, fd, t->buf, (unsigned)t->len, t->offset, 0);
	else if (t->write)
		io_uring_prep_write(sqe, fd, t->buf, (unsigned)t->len, t->offset);
	else
		io_uring_prep_read(sqe, fd, t->buf, (unsigned)t->len, t->offset);
	if (u->fixed_file)
		sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data64(sqe, slot);
	/* sent at once: the device works while the next buffer is made */
	rc = io_uring_submit(&u->ring);
	u->inflight++;
	/* an entry that could not be sent yet goes along with the next call into the kernel */
	if (rc < 0 && rc != -EAGAIN && rc != -EBUSY && rc != -EINTR)
		u->broken = rc; /* the entry is in the ring and counts as under way */
	return 0;
}

static int uring_wait(void *ctx, struct xp_extent_completion *out, unsigned max,
		      unsigned timeout_ms)
{
	struct uring *u = ctx;
	struct __kernel_timespec ts = {.tv_sec = timeout_ms / 1000,
				       .tv_nsec = (long long)(timeout_ms % 1000) * 1000000};
	struct io_uring_cqe *cqe = NULL;
	int n = 0;
	int rc;

	if (u->broken)
		return u->broken;
	if (io_uring_peek_cqe(&u->ring, &cqe) != 0) {
		rc = io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &ts, NULL);
		if (rc < 0 && rc != -ETIME && rc != -EINTR && rc != -EAGAIN && rc != -EBUSY)
			return rc;
	}
	while ((unsigned)n < max && io_uring_peek_cqe(&u->ring, &cqe) == 0 && cqe) {
		out[n++] = (struct xp_extent_completion){
			.slot = (unsigned)io_uring_cqe_get_data64(cqe), .result = cqe->res};
		io_uring_cqe_seen(&u->ring, cqe);
		u->inflight--;
	}
	return n;
}

static int uring_flush(void *ctx)
{
	const struct uring *u = ctx;

	return fdatasync(u->fd) == 0 ? 0 : -errno;
}

const struct xp_extent_backend_ops xp_extent_uring_ops = {
	.kind = XP_IO_URING,
	.start = uring_start,
	.wait = uring_wait,
	.flush = uring_flush,
	.close = uring_close,
};

static int make_ring(struct uring *u, unsigned depth)
{
	int rc = io_uring_queue_init(depth, &u->ring,
				     IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);

	if (rc == -EINVAL) /* before Linux 6.1 */
		rc = io_uring_queue_init(depth, &u->ring, 0);
	if (rc < 0)
		return rc;
	u->ready = true;
	/* a wait with a time limit needs it (Linux 5.11) */
	return u->ring.features & IORING_FEAT_EXT_ARG ? 0 : -ENOSYS;
}

enum xp_rc xp_extent_uring_open(void **out, struct xp_io_how *how, int fd, void *arena,
				size_t arena_len, unsigned depth, struct xp_err *err)
{
	AUTO(free_uring) struct uring *u = calloc(1, sizeof(*u));
	struct iovec iov = {.iov_base = arena, .iov_len = arena_len};
	int rc;

	if (!u)
		return xp_fail(err, XP_E_NOMEM, "io_uring");
	u->fd = fd;
	rc = make_ring(u, depth);
	if (rc < 0) {
		xp_io_how_add_fallback(how, "no io_uring (%s)", strerrordesc_np(-rc));
		errno = -rc;
		return xp_fail_errno(err, XP_E_UNSUPPORTED, "io_uring");
	}
	/* an empty buffer could be registered, and nothing be moved with it */
	rc = arena ? io_uring_register_buffers(&u->ring, &iov, 1) : -EINVAL;
	u->fixed_buffer = rc == 0;
	if (rc < 0)
		xp_io_how_add_fallback(how, "buffers not registered (%s)", strerrordesc_np(-rc));
	rc = io_uring_register_files(&u->ring, &fd, 1);
	u->fixed_file = rc == 0;
	if (rc < 0)
		xp_io_how_add_fallback(how, "file not registered (%s)", strerrordesc_np(-rc));
	how->backend = XP_IO_URING;
	how->registered_buffers = u->fixed_buffer;
	*out = STEAL(u);
	return XP_OK;
}
