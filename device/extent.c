#include "device/extent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "device/extent_backend.h"
#include "device/extent_queue.h"

#define DEFAULT_BLOCK_BYTES (1u << 20)
#define DEFAULT_DEPTH	    4u
#define HUGE_PAGE	    (2u << 20)
#define FILE_ALIGN	    4096u /* holds for O_DIRECT on every usual file system, and is a page */
#define BLOCK_TRIES	    3u
#define BUSY_TRIES	    64u
#define POLL_MS		    200u
/* After so many failed blocks in a row, without one success, the halving stops at 1/16 of a
 * request. */
#define COARSE_AFTER 256u
#define COARSE_PARTS 16u

struct slot {
	struct xp_extent_transfer t; /* what goes to the backend */
	struct xp_extent_piece want; /* the part of it that was asked for */
};

struct xp_extent_io {
	struct xp_extent_config cfg;
	const struct xp_extent_backend_ops *ops;
	void *backend; /* NULL: to be opened by the next run */
	bool given;    /* the backend was given by the caller and stays */
	pid_t owner;   /* thread that opened it: a ring belongs to one thread */
	unsigned opened_depth;
	bool direct;
	bool lost;	/* the target hangs: requests are still with the kernel */
	uint32_t align; /* of offsets and lengths that the backend can do */
	uint32_t unit;	/* what a failure is narrowed down to */
	struct xp_io_how how;
	struct xp_extent_sync *main_sync; /* the backend, where it is plain calls */
	struct xp_extent_sync *side;	  /* buffered second way; NULL: not opened yet */
	uint8_t *arena;
	size_t arena_len;
	_Atomic uint64_t
		busy_since_ns; /* last completion while requests are under way; 0: none are */
};

enum stop { RUNNING, STOP_CANCELLED, STOP_GONE, STOP_STALLED, STOP_BROKEN };

struct run {
	struct xp_extent_io *io;
	const struct xp_extent_job *job;
	struct xp_extent_stats *stats;
	struct xp_err *err;
	uint32_t request_bytes;
	unsigned depth;
	bool shared; /* all writes come from one buffer that was filled once */
	bool shared_filled;
	bool demote; /* O_DIRECT is not taken: go on without, once nothing is under way */
	struct slot slots[XP_EXTENT_DEPTH_MAX];
	unsigned free_list[XP_EXTENT_DEPTH_MAX];
	unsigned free_n;
	unsigned inflight;
	struct xp_extent_queue retry; /* served before new ranges */
	struct xp_extent fresh;	      /* what is left of the last range of next() */
	bool exhausted;
	unsigned bad_streak;
	enum stop stop;
	enum xp_rc rc;
	uint64_t stop_ns;
	uint64_t last_ns; /* last completion, or start after idleness */
};

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

static uint64_t now_ns(const struct xp_extent_io *io)
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
	io->direct = (flags & O_DIRECT) != 0; /* what the descriptor does, whatever was said */
	if (io->direct)
		io->align = S_ISREG(st.st_mode) ? FILE_ALIGN : io->unit;
	if (io->direct && io->align > io->unit)
		io->unit = io->align;
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
	uint64_t now = now_ns(io);

	return since && now > since ? (now - since) / 1000000 : 0;
}

static bool is_gone(const struct xp_extent_io *io, int e)
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

/* --- the way to the target --- */

static enum xp_rc backend_open(struct run *r)
{
	struct xp_extent_io *io = r->io;
	size_t arena = (size_t)r->request_bytes * (r->shared ? 1 : r->depth);
	int fd = io->cfg.fd;

	TRY(arena_make(io, arena, r->err));
	if (io->given) {
		io->how = (struct xp_io_how){.backend = io->ops->kind, .direct = true};
		return XP_OK;
	}
	if (io->backend && (io->owner != gettid() || io->opened_depth < r->depth))
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
						     io->arena_len, r->depth, r->err);

		if (rc == XP_E_NOMEM)
			return rc;
		if (rc == XP_OK)
			io->ops = &xp_extent_uring_ops;
	}
	if (!io->backend) {
		/* after O_DIRECT was not taken, the buffered second way is the only one */
		if (!io->direct && (fcntl(fd, F_GETFL) & O_DIRECT))
			TRY(xp_extent_sync_open_buffered(&io->main_sync, fd, r->err));
		else
			TRY(xp_extent_sync_open(&io->main_sync, fd, false, r->err));
		io->backend = io->main_sync;
		io->ops = &xp_extent_sync_ops;
	}
	if (io->main_sync && io->main_sync->in_memory)
		xp_io_how_add_fallback(&io->how, "the file lies in memory");
	io->owner = gettid();
	io->opened_depth = r->depth;
	return XP_OK;
}

static enum xp_rc run_prepare(struct run *r)
{
	const struct xp_extent_config *cfg = &r->io->cfg;
	const struct xp_extent_job *job = r->job;
	uint32_t unit = r->io->unit;
	uint32_t bytes = job->request_bytes ? job->request_bytes : cfg->block_bytes;
	unsigned depth = job->depth ? job->depth : cfg->depth;

	if (!bytes)
		bytes = DEFAULT_BLOCK_BYTES;
	if (bytes > XP_EXTENT_MEMORY_MAX)
		bytes = XP_EXTENT_MEMORY_MAX;
	bytes -= bytes % unit;
	r->request_bytes = bytes ? bytes : unit;
	depth = depth ? depth : DEFAULT_DEPTH;
	if (depth > XP_EXTENT_DEPTH_MAX)
		depth = XP_EXTENT_DEPTH_MAX;
	if (depth > XP_EXTENT_MEMORY_MAX / r->request_bytes)
		depth = XP_EXTENT_MEMORY_MAX / r->request_bytes;
	r->depth = depth;
	r->shared = job->write && job->period_bytes && unit % job->period_bytes == 0;
	TRY(backend_open(r));
	if (r->io->ops->kind == XP_IO_SYNC)
		r->depth = 1;
	r->io->how.block_bytes = r->request_bytes;
	r->io->how.depth = r->depth;
	r->shared_filled = false;
	r->inflight = 0;
	r->free_n = 0;
	for (unsigned i = r->depth; i-- > 0;)
		r->free_list[r->free_n++] = i;
	return XP_OK;
}

/* --- what one transfer left behind --- */

static void stop_run(struct run *r, enum stop why, enum xp_rc rc)
{
	if (r->stop != RUNNING)
		return;
	r->stop = why;
	r->rc = rc;
	r->stop_ns = now_ns(r->io);
}

static void push_retry(struct run *r, uint64_t offset, uint64_t len, unsigned tries)
{
	struct xp_extent_piece p = {.offset = offset, .len = len, .tries = tries};

	if (len && !xp_extent_queue_push(&r->retry, &p))
		stop_run(r, STOP_BROKEN, xp_fail(r->err, XP_E_NOMEM, "ranges to try again"));
}

static void report_failed(struct run *r, uint64_t offset, uint64_t len, int e)
{
	r->stats->bytes_failed += len;
	r->job->failed(r->job->ctx, offset, (size_t)len, e);
}

/* A range that failed: halves first, then the block again, then the truth. */
static void narrow_failure(struct run *r, const struct xp_extent_piece *p, int e)
{
	bool coarse = r->bad_streak >= COARSE_AFTER;
	uint64_t unit = r->io->unit;
	uint64_t finest = coarse ? r->request_bytes / COARSE_PARTS : unit;
	uint64_t end = p->offset + p->len;
	uint64_t mid = p->offset + p->len / 2;

	mid -= mid % unit;
	if (mid <= p->offset)
		mid = p->offset - p->offset % unit + unit;
	if (mid < end && p->len > finest) {
		push_retry(r, mid, end - mid, 0);
		push_retry(r, p->offset, mid - p->offset, 0);
	} else if (!coarse && p->tries + 1 < BLOCK_TRIES) {
		push_retry(r, p->offset, p->len, p->tries + 1);
	} else {
		r->bad_streak++;
		report_failed(r, p->offset, p->len, e);
	}
}

static void take_error(struct run *r, const struct slot *s, int e)
{
	const struct xp_extent_piece *p = &s->want;

	if (is_gone(r->io, e)) {
		report_failed(r, p->offset, p->len, e);
		errno = e;
		stop_run(r, STOP_GONE,
			 xp_fail_errno(r->err, XP_E_IO, "the target is gone at byte %llu",
				       (unsigned long long)p->offset));
	} else if ((e == EAGAIN || e == EINTR || e == EBUSY) && p->tries < BUSY_TRIES) {
		push_retry(r, p->offset, p->len, p->tries + 1);
	} else if (e == EINVAL && r->io->direct && !r->io->given) {
		r->demote = true;
		push_retry(r, p->offset, p->len, p->tries);
	} else {
		narrow_failure(r, p, e);
	}
}

static void take_bytes(struct run *r, const struct slot *s, uint64_t got, uint64_t resident)
{
	uint64_t want_end = s->want.offset + s->want.len;
	uint64_t end = s->t.offset + got;
	size_t len;

	if (got < s->t.len) /* what is torn within a block does not count */
		end -= end % r->io->unit;
	if (end > want_end)
		end = want_end;
	if (end <= s->want.offset) {
		take_error(r, s, r->job->write ? EIO : ENODATA);
		return;
	}
	len = (size_t)(end - s->want.offset);
	resident = resident < len ? resident : len;
	r->bad_streak = 0;
	r->stats->bytes_done += len - resident;
	r->stats->bytes_resident += resident;
	if (!r->job->write)
		r->job->deliver(r->job->ctx, s->t.buf + (s->want.offset - s->t.offset),
				s->want.offset, len);
	else if (r->job->written)
		r->job->written(r->job->ctx, s->want.offset, len);
	push_retry(r, end, want_end - end, 0);
}

static void take_completion(struct run *r, const struct slot *s, int64_t result, uint64_t resident)
{
	if (result < 0)
		take_error(r, s, (int)-result);
	else
		take_bytes(r, s, (uint64_t)result < s->t.len ? (uint64_t)result : s->t.len,
			   resident);
}

/* --- what comes next --- */

static bool next_piece(struct run *r, struct xp_extent_piece *p)
{
	if (xp_extent_queue_pop(&r->retry, p))
		return true;
	while (!r->fresh.len && !r->exhausted) {
		if (!r->job->next(r->job->ctx, &r->fresh)) {
			r->fresh.len = 0;
			r->exhausted = true;
		}
	}
	if (!r->fresh.len)
		return false;
	*p = (struct xp_extent_piece){.offset = r->fresh.offset, .len = r->fresh.len};
	r->fresh.len = 0;
	if (p->len > r->io->cfg.capacity_bytes || p->offset > r->io->cfg.capacity_bytes - p->len) {
		stop_run(r, STOP_BROKEN,
			 xp_fail(r->err, XP_E_USAGE, "bytes %llu+%llu lie outside of the target",
				 (unsigned long long)p->offset, (unsigned long long)p->len));
		return false;
	}
	return true;
}

/* Puts back what one request cannot hold. */
static void keep_rest(struct run *r, const struct xp_extent_piece *p, uint64_t taken)
{
	uint64_t left = p->len - taken;

	if (!left)
		return;
	if (p->tries == 0 && !r->fresh.len)
		r->fresh = (struct xp_extent){.offset = p->offset + taken, .len = left};
	else
		push_retry(r, p->offset + taken, left, p->tries);
}

/*
 * Makes one transfer of the front of P. false: it needs the buffered second way (the tail of a file
 * whose size is no multiple of what O_DIRECT can do, or the edge of a range).
 */
static bool cut_piece(struct run *r, struct slot *s, const struct xp_extent_piece *p)
{
	uint64_t a = r->io->align;
	uint64_t body_end = r->io->cfg.capacity_bytes - r->io->cfg.capacity_bytes % a;
	uint64_t end = p->offset + p->len;
	uint64_t lo = p->offset - p->offset % a;
	uint64_t hi = lo - lo % r->request_bytes + r->request_bytes;
	bool aligned = p->offset < body_end;

	s->want = *p;
	hi = hi < end ? hi : end;
	if (r->job->write && (lo != p->offset || p->len < a))
		aligned = false;
	if (!aligned) {
		if (p->offset < body_end && hi > lo + a)
			hi = lo + a;
		s->want.len = hi - p->offset;
		s->t.offset = p->offset;
		s->t.len = (size_t)s->want.len;
		return false;
	}
	hi = hi < body_end ? hi : body_end;
	if (r->job->write)
		hi -= hi % a;
	s->want.len = hi - p->offset;
	s->t.offset = lo;
	s->t.len = (size_t)((hi + a - 1) / a * a - lo);
	return true;
}

static bool fill_slot(struct run *r, struct slot *s, unsigned index, bool own)
{
	bool shared = r->shared && !own;
	bool filled = true;

	s->t.write = r->job->write;
	s->t.buf = r->io->arena + (r->shared ? 0 : (size_t)index * r->request_bytes);
	if (!r->job->write)
		return true;
	if (shared && !r->shared_filled)
		filled = r->job->fill(r->job->ctx, s->t.buf, 0, r->request_bytes);
	else if (!shared)
		filled = r->job->fill(r->job->ctx, s->t.buf, s->t.offset, s->t.len);
	r->shared_filled = shared && filled;
	if (!filled)
		stop_run(r, STOP_BROKEN,
			 xp_fail(r->err, XP_E_INTERNAL, "the content could not be made"));
	return filled;
}

/* The second way: only with nothing else under way, since both would touch the same pages. */
static void do_sideways(struct run *r, struct slot *s)
{
	uint64_t resident = 0;
	int64_t got = -EIO;

	if (!r->io->side && !r->io->given &&
	    xp_extent_sync_open_buffered(&r->io->side, r->io->cfg.fd, NULL) != XP_OK)
		r->io->side = NULL;
	if (r->io->side) {
		xp_io_how_add_fallback(&r->io->how,
				       "buffered where O_DIRECT cannot reach (odd size)");
		if (!fill_slot(r, s, 0, true))
			return;
		got = xp_extent_sync_transfer(r->io->side, &s->t, &resident);
	}
	take_completion(r, s, got, resident);
}

/* Starts as much as fits. */
static void start_some(struct run *r)
{
	struct xp_extent_piece p;

	while (r->stop == RUNNING && !r->demote && r->free_n && next_piece(r, &p)) {
		unsigned index = r->free_list[r->free_n - 1];
		struct slot *s = &r->slots[index];
		int rc;

		if (!cut_piece(r, s, &p)) {
			if (r->inflight) { /* later, alone */
				push_retry(r, p.offset, p.len, p.tries);
				return;
			}
			keep_rest(r, &p, s->want.len);
			do_sideways(r, s);
			continue;
		}
		keep_rest(r, &p, s->want.len);
		if (!fill_slot(r, s, index, false))
			return;
		if (r->inflight == 0)
			r->last_ns = now_ns(r->io);
		atomic_store(&r->io->busy_since_ns, r->last_ns);
		rc = r->io->ops->start(r->io->backend, index, &s->t);
		if (rc < 0) {
			take_completion(r, s, rc, 0);
			continue;
		}
		r->free_n--;
		r->inflight++;
	}
}

/* --- the run --- */

static void give_up(struct run *r, uint64_t idle_ns)
{
	bool taken[XP_EXTENT_DEPTH_MAX] = {false};

	r->io->lost = true;
	if (r->stop != RUNNING)
		return;
	r->stats->stalled = true;
	for (unsigned i = 0; i < r->free_n; i++)
		taken[r->free_list[i]] = true;
	for (unsigned i = 0; i < r->depth; i++) {
		if (!taken[i])
			report_failed(r, r->slots[i].want.offset, r->slots[i].want.len, ETIMEDOUT);
	}
	stop_run(r, STOP_STALLED,
		 xp_fail(r->err, XP_E_TIMEOUT, "no answer from the target for %llu s",
			 (unsigned long long)(idle_ns / 1000000000)));
}

static void check_time(struct run *r)
{
	uint32_t stall_ms = r->job->stall_ms ? r->job->stall_ms : XP_EXTENT_STALL_DEFAULT_MS;
	uint64_t now = now_ns(r->io);

	if (r->stop != RUNNING) {
		if (now - r->stop_ns > XP_EXTENT_DRAIN_MS * 1000000ull)
			give_up(r, now - r->last_ns);
	} else if (stall_ms != XP_EXTENT_STALL_NEVER && now - r->last_ns > stall_ms * 1000000ull) {
		give_up(r, now - r->last_ns);
	}
}

static void wait_some(struct run *r)
{
	struct xp_extent_completion done[XP_EXTENT_DEPTH_MAX];
	int n = r->io->ops->wait(r->io->backend, done, XP_EXTENT_DEPTH_MAX, POLL_MS);

	if (n < 0) {
		errno = -n;
		r->io->lost = true;
		stop_run(r, STOP_BROKEN, xp_fail_errno(r->err, XP_E_IO, "waiting for the target"));
		return;
	}
	if (n == 0) {
		check_time(r);
		return;
	}
	r->last_ns = now_ns(r->io);
	for (int i = 0; i < n; i++) {
		struct slot s = r->slots[done[i].slot];

		take_completion(r, &s, done[i].result, done[i].resident);
		r->free_list[r->free_n++] = done[i].slot;
		r->inflight--;
		start_some(r); /* the target gets work before the next buffer is looked at */
	}
	atomic_store(&r->io->busy_since_ns, r->inflight ? r->last_ns : 0);
}

static void demote(struct run *r)
{
	r->demote = false;
	backend_close(r->io);
	r->io->direct = false;
	r->io->align = 1;
	xp_io_how_add_fallback(&r->io->how, "O_DIRECT refused by the file system");
	if (run_prepare(r) != XP_OK)
		stop_run(r, STOP_BROKEN, r->err ? r->err->rc : XP_E_IO);
}

static void run_loop(struct run *r)
{
	for (;;) {
		if (r->stop == RUNNING && r->job->cancelled && r->job->cancelled(r->job->ctx))
			stop_run(r, STOP_CANCELLED, xp_fail(r->err, XP_E_CANCELLED, "cancelled"));
		if (r->demote && r->inflight == 0 && r->stop == RUNNING)
			demote(r);
		start_some(r);
		if (r->io->lost)
			break;
		if (r->inflight)
			wait_some(r);
		else if (r->stop != RUNNING || !r->demote)
			break;
	}
}

enum xp_rc xp_extent_io_run(struct xp_extent_io *io, const struct xp_extent_job *job,
			    struct xp_extent_stats *stats, struct xp_err *err)
{
	AUTO_MEM struct run *r = calloc(1, sizeof(*r));
	enum xp_rc rc;

	*stats = (struct xp_extent_stats){.how = io->how};
	if (!r)
		return xp_fail(err, XP_E_NOMEM, "reading and writing");
	if (job->write && !io->cfg.permit && !(io->given && io->ops->emulated))
		return xp_fail(err, XP_E_REFUSED, "writing without a permit");
	if (io->lost)
		return xp_fail(err, XP_E_TIMEOUT, "the target does not answer");
	r->io = io;
	r->job = job;
	r->stats = stats;
	r->err = err;
	r->rc = XP_OK;
	rc = run_prepare(r);
	if (rc == XP_OK) {
		r->last_ns = now_ns(io);
		run_loop(r);
		rc = r->rc;
	}
	atomic_store(&io->busy_since_ns, 0);
	stats->how = io->how;
	xp_extent_queue_free(&r->retry);
	return rc;
}

enum xp_rc xp_extent_io_flush(struct xp_extent_io *io, struct xp_err *err)
{
	int rc = 0;

	if (io->lost)
		return xp_fail(err, XP_E_TIMEOUT, "the target does not answer");
	atomic_store(&io->busy_since_ns, now_ns(io));
	if (io->side)
		rc = xp_extent_sync_ops.flush(io->side);
	if (rc == 0 && io->main_sync)
		rc = xp_extent_sync_ops.flush(io->main_sync);
	if (rc == 0 && io->given)
		rc = io->ops->flush(io->backend);
	else if (rc == 0)
		rc = fdatasync(io->cfg.fd) == 0 ? 0 : -errno;
	atomic_store(&io->busy_since_ns, 0);
	if (rc == 0)
		return XP_OK;
	errno = -rc;
	return xp_fail_errno(err, XP_E_IO, "flushing the target");
}
