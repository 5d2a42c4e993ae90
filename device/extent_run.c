#include "device/extent.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "device/extent_io.h"
#include "device/extent_queue.h"

#define DEFAULT_BLOCK_BYTES (1u << 20)
#define DEFAULT_DEPTH	    4u
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
	bytes = bytes ? bytes : unit;
	r->request_bytes = bytes;
	depth = depth ? depth : DEFAULT_DEPTH;
	if (depth > XP_EXTENT_DEPTH_MAX)
		depth = XP_EXTENT_DEPTH_MAX;
	if (depth > XP_EXTENT_MEMORY_MAX / bytes)
		depth = XP_EXTENT_MEMORY_MAX / bytes;
	r->depth = depth;
	r->shared = job->write && job->period_bytes && unit % job->period_bytes == 0;
	TRY(xp_extent_io_open(r->io, (size_t)bytes * (r->shared ? 1 : depth), depth, r->err));
	/* these move one at a time */
	if (r->io->ops->kind != XP_IO_URING)
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
	r->stop_ns = xp_extent_io_now_ns(r->io);
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

	if (xp_extent_io_is_gone(r->io, e)) {
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
	if (!r->job->write && r->io->resident_below) {
		uint64_t below = r->io->resident_below < len ? r->io->resident_below : len;

		if (r->io->resident_below != UINT64_MAX)
			r->io->resident_below -= below;
		resident = resident > below ? resident : below;
	}
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
	s->t.same = shared;
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
	struct xp_extent_sync *side = xp_extent_io_side(r->io);

	if (side) {
		xp_io_how_add_fallback(&r->io->how,
				       "buffered where O_DIRECT cannot reach (odd size)");
		if (!fill_slot(r, s, 0, true))
			return;
		got = xp_extent_sync_transfer(side, &s->t, &resident);
	}
	take_completion(r, s, got, resident);
}

/*
 * A write beyond the end would make a file whole again that somebody cut: the blocks that were let
 * go would never be overwritten, and nobody could see it.
 */
static bool stop_where_cut(struct run *r)
{
	if (!r->job->write || !xp_extent_io_is_cut(r->io))
		return false;
	stop_run(
		r, STOP_GONE,
		xp_fail(r->err, XP_E_IO, "the file was cut by somebody else while it was written"));
	return true;
}

/* Starts as much as fits. */
static void start_some(struct run *r)
{
	struct xp_extent_piece p;

	while (r->stop == RUNNING && !r->demote && r->free_n && !stop_where_cut(r) &&
	       next_piece(r, &p)) {
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
			r->last_ns = xp_extent_io_now_ns(r->io);
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
	uint64_t now = xp_extent_io_now_ns(r->io);

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
	r->last_ns = xp_extent_io_now_ns(r->io);
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
	xp_extent_io_drop_direct(r->io);
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
		r->last_ns = xp_extent_io_now_ns(io);
		run_loop(r);
		rc = r->rc;
	}
	atomic_store(&io->busy_since_ns, 0);
	if (io->given && io->ops->note && io->ops->note(io->backend)[0])
		xp_io_how_add_fallback(&io->how, "%s", io->ops->note(io->backend));
	stats->how = io->how;
	xp_extent_queue_free(&r->retry);
	return rc;
}
