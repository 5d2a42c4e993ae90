#include "device/extent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "device/extent_io.h"

#define HUGE_PAGE  (2u << 20)
#define FILE_ALIGN 4096u /* holds for O_DIRECT on every usual file system, and is a page */

void xp_io_how_add_fallback(struct xp_io_how *how, const char *fmt, ...)
{
	size_t used = strnlen(how->fallback, sizeof(how->fallback));
	char text[sizeof(how->fallback)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (strstr(how->fallback, text))
		return;
	if (used && used + 3 < sizeof(how->fallback)) {
		memcpy(how->fallback + used, "; ", 3);
		used += 2;
	}
	snprintf(how->fallback + used, sizeof(how->fallback) - used, "%s", text);
}

uint64_t xp_extent_io_now_ns(const struct xp_extent_io *io)
{
	return io->cfg.clock->monotonic_ns(io->cfg.clock->ctx);
}

static void backend_close(struct xp_extent_io *io)
{
	if (io->backend && !io->given)
		io->ops->close(io->backend);
	if (!io->given) {
		io->backend = NULL;
		io->main_sync = NULL;
	}
}

static void arena_free(struct xp_extent_io *io)
{
	if (io->arena)
		munmap(io->arena, io->arena_len);
	io->arena = NULL;
	io->arena_len = 0;
}

/* Memory for LEN bytes at a 2 MiB border where it is that large, so that huge pages can back it. */
static enum xp_rc arena_make(struct xp_extent_io *io, size_t len, struct xp_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	bool huge = len >= HUGE_PAGE;
	size_t want = (len + page - 1) / page * page;
	size_t mapped = want + (huge ? HUGE_PAGE : 0);
	uint8_t *p, *at;

	if (io->arena_len >= want)
		return XP_OK;
	backend_close(io); /* a ring holds the old arena */
	arena_free(io);
	p = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return xp_fail_errno(err, XP_E_NOMEM, "%zu bytes of buffers", mapped);
	at = p;
	if (huge) {
		size_t head = (HUGE_PAGE - (uintptr_t)p % HUGE_PAGE) % HUGE_PAGE;

		at = p + head;
		if (head)
			munmap(p, head);
		if (mapped - head > want)
			munmap(at + want, mapped - head - want);
		(void)madvise(at, want, MADV_HUGEPAGE);
	}
	io->arena = at;
	io->arena_len = want;
	return XP_OK;
}

static enum xp_rc check_config(const struct xp_extent_config *cfg, struct xp_err *err)
{
	if (cfg->capacity_bytes == 0 || cfg->capacity_bytes > INT64_MAX)
		return xp_fail(err, XP_E_USAGE, "a target of %llu bytes",
			       (unsigned long long)cfg->capacity_bytes);
	if (cfg->logical_block_bytes == 0 || cfg->logical_block_bytes > XP_EXTENT_MEMORY_MAX)
		return xp_fail(err, XP_E_USAGE, "a logical block of %u bytes",
			       cfg->logical_block_bytes);
	return XP_OK;
}

static struct xp_extent_io *io_alloc(const struct xp_extent_config *cfg)
{
	struct xp_extent_io *io = calloc(1, sizeof(*io));

	if (!io)
		return NULL;
	io->cfg = *cfg;
	if (!io->cfg.clock)
		io->cfg.clock = xp_clock_system();
	io->unit = cfg->logical_block_bytes < 512 ? 512 : cfg->logical_block_bytes;
	io->align = 1;
	return io;
}

enum xp_rc xp_extent_io_new(struct xp_extent_io **out, const struct xp_extent_config *cfg,
			    struct xp_err *err)
{
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	int flags = fcntl(cfg->fd, F_GETFL);
	struct stat st;

	TRY(check_config(cfg, err));
	if (flags < 0 || fstat(cfg->fd, &st) != 0)
		return xp_fail_errno(err, XP_E_IO, "descriptor %d", cfg->fd);
	if (cfg->permit && xp_permit_fd(cfg->permit, NULL) != cfg->fd)
		return xp_fail(err, XP_E_REFUSED, "the permit is for another descriptor");
	io = io_alloc(cfg);
	if (!io)
		return xp_fail(err, XP_E_NOMEM, "reading and writing");
	io->is_file = S_ISREG(st.st_mode);
	io->direct = (flags & O_DIRECT) != 0; /* what the descriptor does, whatever was said */
	if (io->direct)
		io->align = S_ISREG(st.st_mode) ? FILE_ALIGN : io->unit;
	if (io->direct && io->align > io->unit)
		io->unit = io->align;
	if (!cfg->permit && S_ISBLK(st.st_mode))
		xp_extent_io_drop_below(io);
	*out = STEAL(io);
	return XP_OK;
}

enum xp_rc xp_extent_io_new_over(struct xp_extent_io **out, const struct xp_extent_config *cfg,
				 const struct xp_extent_backend_ops *ops, void *ctx,
				 struct xp_err *err)
{
	struct xp_extent_io *io;
	enum xp_rc rc = check_config(cfg, err);

	io = rc == XP_OK ? io_alloc(cfg) : NULL;
	if (!io) {
		ops->close(ctx);
		return rc != XP_OK ? rc : xp_fail(err, XP_E_NOMEM, "reading and writing");
	}
	io->ops = ops;
	io->backend = ctx;
	io->given = true;
	io->direct = true;
	io->align = io->unit;
	*out = io;
	return XP_OK;
}

void xp_extent_io_free(struct xp_extent_io **io)
{
	if (!*io)
		return;
	if ((*io)->given)
		(*io)->ops->close((*io)->backend);
	backend_close(*io);
	if ((*io)->side)
		xp_extent_sync_ops.close((*io)->side);
	/* requests that never ended may still reach for their buffers: those pages stay */
	if (!(*io)->lost)
		arena_free(*io);
	free(*io);
	*io = NULL;
}

uint64_t xp_extent_io_idle_ms(const struct xp_extent_io *io)
{
	uint64_t since = atomic_load(&io->busy_since_ns);
	uint64_t now = xp_extent_io_now_ns(io);

	return since && now > since ? (now - since) / 1000000 : 0;
}

bool xp_extent_io_is_gone(const struct xp_extent_io *io, int e)
{
	off_t size;

	if (e == ENODEV || e == ENXIO || e == EBADF || e == ENOMEDIUM || e == ESHUTDOWN)
		return true;
	if (io->given)
		return false;
	/* a drive that was pulled answers EIO, and the kernel sets its size to nothing */
	size = lseek(io->cfg.fd, 0, SEEK_END);
	return size < 0 || (uint64_t)size < io->cfg.capacity_bytes;
}

enum xp_rc xp_extent_io_open(struct xp_extent_io *io, size_t arena_bytes, unsigned depth,
			     struct xp_err *err)
{
	int fd = io->cfg.fd;

	TRY(arena_make(io, arena_bytes, err));
	if (io->given) {
		io->how = (struct xp_io_how){.backend = io->ops->kind, .direct = true};
		return XP_OK;
	}
	if (io->backend && (io->owner != gettid() || io->opened_depth < depth))
		backend_close(io);
	if (io->backend)
		return XP_OK;
	io->how.backend = XP_IO_SYNC;
	io->how.direct = io->direct;
	io->how.registered_buffers = false;
	if (!io->direct)
		xp_io_how_add_fallback(&io->how, "no O_DIRECT: through the page cache");
	if (io->cfg.no_uring)
		xp_io_how_add_fallback(&io->how, "plain calls were asked for");
	if (io->direct && !io->cfg.no_uring) {
		enum xp_rc rc = xp_extent_uring_open(&io->backend, &io->how, fd, io->arena,
						     io->arena_len, depth, err);

		if (rc == XP_E_NOMEM)
			return rc;
		if (rc == XP_OK)
			io->ops = &xp_extent_uring_ops;
	}
	if (!io->backend) {
		/* after O_DIRECT was not taken, the buffered second way is the only one */
		if (!io->direct && (fcntl(fd, F_GETFL) & O_DIRECT))
			TRY(xp_extent_sync_open_buffered(&io->main_sync, fd, err));
		else
			TRY(xp_extent_sync_open(&io->main_sync, fd, false, err));
		io->backend = io->main_sync;
		io->ops = &xp_extent_sync_ops;
	}
	if (io->main_sync && io->main_sync->in_memory)
		xp_io_how_add_fallback(&io->how, "the file lies in memory");
	io->owner = gettid();
	io->opened_depth = depth;
	return XP_OK;
}

void xp_extent_io_drop_direct(struct xp_extent_io *io)
{
	backend_close(io);
	io->direct = false;
	io->align = 1;
	xp_io_how_add_fallback(&io->how, "O_DIRECT refused by the file system");
}

struct xp_extent_sync *xp_extent_io_side(struct xp_extent_io *io)
{
	if (!io->side && !io->given &&
	    xp_extent_sync_open_buffered(&io->side, io->cfg.fd, NULL) != XP_OK)
		io->side = NULL;
	return io->side;
}

/*
 * fdatasync that gives up after TIMEOUT_MS with -ETIME. A thread in a call that never ends keeps
 * its whole process from ending, so the call is made in a child that can be left behind; it holds
 * nothing but the target itself.
 */
static int sync_within(int fd, uint32_t timeout_ms)
{
	siginfo_t end = {0};
	struct pollfd p;
	pid_t child;
	int rc;

	child = timeout_ms == XP_EXTENT_STALL_NEVER ? -1 : fork();
	if (child < 0)
		return fdatasync(fd) == 0 ? 0 : -errno;
	if (child == 0) {
		if (fd > 0)
			close_range(0, (unsigned)fd - 1, 0);
		close_range((unsigned)fd + 1, ~0u, 0);
		_exit(fdatasync(fd) == 0 ? 0 : errno);
	}
	p = (struct pollfd){.fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN};
	do {
		rc = p.fd < 0 ? 1 : poll(&p, 1, (int)timeout_ms);
	} while (rc < 0 && errno == EINTR);
	if (p.fd >= 0)
		close(p.fd);
	if (rc <= 0) {
		kill(child, SIGKILL);
		return -ETIME;
	}
	while (waitid(P_PID, (id_t)child, &end, WEXITED) < 0)
		if (errno != EINTR)
			return -errno;
	return end.si_code == CLD_EXITED ? -end.si_status : -EIO;
}

enum xp_rc xp_extent_io_flush(struct xp_extent_io *io, struct xp_err *err)
{
	int rc = 0;

	if (io->lost)
		return xp_fail(err, XP_E_TIMEOUT, "the target does not answer");
	atomic_store(&io->busy_since_ns, xp_extent_io_now_ns(io));
	if (io->side)
		rc = xp_extent_sync_ops.flush(io->side);
	if (rc == 0 && io->main_sync)
		rc = xp_extent_sync_ops.flush(io->main_sync);
	if (rc == 0 && io->given)
		rc = io->ops->flush(io->backend);
	else if (rc == 0)
		rc = sync_within(io->cfg.fd,
				 io->cfg.stall_ms ? io->cfg.stall_ms : XP_EXTENT_STALL_DEFAULT_MS);
	atomic_store(&io->busy_since_ns, 0);
	if (rc == 0)
		return XP_OK;
	if (rc == -ETIME) {
		io->lost = true;
		return xp_fail(err, XP_E_TIMEOUT, "flushing the target: no answer");
	}
	errno = -rc;
	return xp_fail_errno(err, XP_E_IO, "flushing the target");
}
