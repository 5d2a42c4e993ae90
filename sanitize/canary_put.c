#include "sanitize/canary_put.h"

struct put {
	const struct xp_canaries_write *w;
	size_t next;
	uint64_t bytes;
};

static bool next_marker(void *ctx, struct xp_extent *range)
{
	struct put *p = ctx;
	const struct xp_canaries *c = p->w->canaries;

	if (p->next == c->n)
		return false;
	*range = (struct xp_extent){.offset = c->offsets[p->next++], .len = c->block_bytes};
	return true;
}

static bool fill(void *ctx, uint8_t *buf, uint64_t offset, size_t len)
{
	const struct put *p = ctx;

	return xp_canary_fill(buf, p->w->canaries, offset, len);
}

static void was_written(void *ctx, uint64_t offset, size_t len)
{
	struct put *p = ctx;

	(void)offset;
	p->bytes += len;
}

/* A block that takes no marker is none: it is not counted. */
static void was_refused(void *ctx, uint64_t offset, size_t len, int sys_errno)
{
	(void)ctx;
	(void)offset;
	(void)len;
	(void)sys_errno;
}

static bool is_cancelled(void *ctx)
{
	const struct put *p = ctx;

	return p->w->cancelled && p->w->cancelled(p->w->ctx);
}

enum xp_rc xp_canaries_put(uint64_t *written, const struct xp_canaries_write *w, struct xp_err *err)
{
	struct put p = {.w = w};
	struct xp_extent_stats stats;
	struct xp_extent_job job = {
		.write = true,
		.request_bytes = w->canaries->block_bytes,
		.stall_ms = w->stall_ms,
		.ctx = &p,
		.next = next_marker,
		.fill = fill,
		.written = was_written,
		.failed = was_refused,
		.cancelled = is_cancelled,
	};

	*written = 0;
	TRY(xp_extent_io_run(w->io, &job, &stats, err));
	TRY(xp_extent_io_flush(w->io, err));
	*written = p.bytes / w->canaries->block_bytes;
	return XP_OK;
}
