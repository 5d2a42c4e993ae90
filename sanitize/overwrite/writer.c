#include "sanitize/overwrite/writer.h"

#include "base/cleanup.h"
#include "sanitize/overwrite/pattern.h"

#define CHUNK_BYTES (64ull << 20) /* how often the end of a stretch is looked for */
#define PROGRESS_NS 100000000ull

struct writer {
	const struct xp_overwrite_request *req;
	const struct xp_clock *clock;
	struct xp_overwrite_result *out;
	struct xp_pattern *pattern;
	struct xp_err *err;
	enum xp_rc rc;	      /* of a callback that cannot return it */
	uint64_t next_offset; /* where the next range begins */
	uint64_t stretch_end; /* bytes: the stretch ends here at the latest */
	uint64_t stretch_ns;  /* when it began */
	uint64_t done;	      /* bytes written or given up, all stretches */
	uint64_t progress_ns; /* of the last report */
};

static uint64_t now_ns(const struct writer *w)
{
	return w->clock->monotonic_ns(w->clock->ctx);
}

static bool stretch_is_over(const struct writer *w)
{
	uint64_t ms = w->req->checkpoint_ms ? w->req->checkpoint_ms : XP_OVERWRITE_CHECKPOINT_MS;

	return w->next_offset >= w->stretch_end || now_ns(w) - w->stretch_ns >= ms * 1000000;
}

static bool next_range(void *ctx, struct xp_extent *range)
{
	struct writer *w = ctx;
	uint64_t begin = w->next_offset;
	uint64_t end = begin - begin % CHUNK_BYTES + CHUNK_BYTES;

	if (w->rc != XP_OK || stretch_is_over(w))
		return false;
	if (end > w->stretch_end)
		end = w->stretch_end;
	*range = (struct xp_extent){.offset = begin, .len = end - begin};
	w->next_offset = end;
	return true;
}

static bool fill_range(void *ctx, uint8_t *buf, uint64_t offset, size_t len)
{
	struct writer *w = ctx;

	return xp_pattern_fill(w->pattern, buf, offset, len);
}

static void tell_progress(struct writer *w, size_t len)
{
	uint64_t now;

	w->done += len;
	if (!w->req->progress)
		return;
	now = now_ns(w);
	if (now - w->progress_ns < PROGRESS_NS && w->done < w->req->capacity_bytes)
		return;
	w->progress_ns = now;
	w->req->progress(w->req->ctx, w->done, w->req->capacity_bytes);
}

static void took_range(void *ctx, uint64_t offset, size_t len)
{
	struct writer *w = ctx;

	(void)offset;
	w->out->bytes_written += len;
	tell_progress(w, len);
}

static void failed_range(void *ctx, uint64_t offset, size_t len, int sys_errno)
{
	struct writer *w = ctx;

	(void)sys_errno;
	if (w->rc == XP_OK)
		w->rc = xp_extents_add(&w->out->unwritten, offset, len, w->err);
	tell_progress(w, len);
}

static bool is_cancelled(void *ctx)
{
	const struct writer *w = ctx;

	return w->rc != XP_OK || (w->req->cancelled && w->req->cancelled(w->req->ctx));
}

/* A better way that was lost on the way stays told. */
static void keep_how(struct xp_io_how *how, const struct xp_io_how *now, bool first)
{
	if (first || now->fallback[0] || !how->fallback[0])
		*how = *now;
}

static enum xp_rc write_stretch(struct writer *w, bool first)
{
	const struct xp_overwrite_request *req = w->req;
	uint64_t bytes =
		req->checkpoint_bytes ? req->checkpoint_bytes : XP_OVERWRITE_CHECKPOINT_BYTES;
	uint64_t left = req->capacity_bytes - w->next_offset;
	const struct xp_extent_job job = {
		.write = true,
		.stall_ms = req->stall_ms,
		.ctx = w,
		.next = next_range,
		.fill = fill_range,
		.period_bytes = xp_pattern_period(w->pattern),
		.written = took_range,
		.failed = failed_range,
		.cancelled = is_cancelled,
	};
	struct xp_extent_stats stats;
	enum xp_rc rc;

	bytes -= bytes % req->logical_block_bytes;
	if (!bytes)
		bytes = req->logical_block_bytes;
	w->stretch_end = w->next_offset + (bytes < left ? bytes : left);
	w->stretch_ns = now_ns(w);
	rc = xp_extent_io_run(req->io, &job, &stats, w->err);
	keep_how(&w->out->how, &stats.how, first);
	xp_extents_sort(&w->out->unwritten);
	return w->rc != XP_OK ? w->rc : rc;
}

/* A flush that failed cannot be made good by a later one: the kernel forgets. */
static enum xp_rc write_all(struct writer *w)
{
	const struct xp_overwrite_request *req = w->req;
	bool flushed = true;
	bool first = true;
	enum xp_rc rc;

	/* also where all was written before: its last flush is asked for again */
	do {
		struct xp_err flush_err;

		if (w->next_offset < req->capacity_bytes)
			TRY(write_stretch(w, first));
		first = false;
		rc = xp_extent_io_flush(req->io, &flush_err);
		flushed = flushed && rc == XP_OK;
		if (rc == XP_E_TIMEOUT)
			return xp_fail(w->err, rc, "%s", flush_err.msg);
		w->out->flushed = flushed && w->next_offset == req->capacity_bytes;
		if (flushed && req->checkpoint)
			TRY(req->checkpoint(req->ctx, w->out, w->next_offset, w->err));
	} while (w->next_offset < req->capacity_bytes);
	return XP_OK;
}

static enum xp_rc take_up(struct writer *w)
{
	const struct xp_overwrite_request *req = w->req;
	const struct xp_extents *before = req->unwritten_before;
	uint64_t missing = 0;

	if (req->capacity_bytes == 0 || req->logical_block_bytes == 0 ||
	    req->start_offset > req->capacity_bytes)
		return xp_fail(w->err, XP_E_USAGE, "a pass from byte %llu of %llu",
			       (unsigned long long)req->start_offset,
			       (unsigned long long)req->capacity_bytes);
	w->next_offset = req->start_offset - req->start_offset % req->logical_block_bytes;
	for (size_t i = 0; before && i < before->n; i++) {
		const struct xp_extent *e = &before->list[i];
		uint64_t left = e->offset < w->next_offset ? w->next_offset - e->offset : 0;
		uint64_t len = e->len < left ? e->len : left;

		TRY(xp_extents_add(&w->out->unwritten, e->offset, len, w->err));
		missing += len;
	}
	/* a list that was cut cannot be taken up: what it no longer names would count as written */
	if ((before && before->total_count > before->n) || missing > w->next_offset)
		return xp_fail(w->err, XP_E_USAGE,
			       "the list of unwritten sectors is not complete: start anew");
	w->out->resumed_from = w->next_offset;
	w->out->bytes_written = w->next_offset - missing;
	w->done = w->next_offset;
	return XP_OK;
}

enum xp_rc xp_overwrite_run(struct xp_overwrite_result *out, const struct xp_overwrite_request *req,
			    struct xp_err *err)
{
	AUTO(xp_pattern_free) struct xp_pattern *pattern = NULL;
	struct writer w = {.req = req, .out = out, .err = err, .rc = XP_OK};

	*out = (struct xp_overwrite_result){
		.pass = req->pass, .passes = req->passes, .content = req->content};
	w.clock = req->clock ? req->clock : xp_clock_system();
	if (req->portable)
		TRY(xp_pattern_new_portable(&pattern, &req->content, err));
	else
		TRY(xp_pattern_new(&pattern, &req->content, err));
	w.pattern = pattern;
	TRY(take_up(&w));
	return write_all(&w);
}
