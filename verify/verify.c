#include "verify/verify.h"

#include <string.h>

#include "base/clock.h"
#include "verify/mismatches.h"
#include "verify/source.h"

#define PROGRESS_NS 100000000ull

struct reader {
	const struct xp_verify_request *req;
	const struct xp_clock *clock;
	struct xp_readback_result *out;
	struct xp_expect *expect;
	struct xp_mismatches differences;
	struct xp_verify_source source;
	struct xp_err *err;
	enum xp_rc rc; /* of a callback that cannot return it */
	uint64_t done; /* bytes read or given up */
	uint64_t progress_ns;
};

static void tell_progress(struct reader *r, size_t len)
{
	uint64_t now;

	r->done += len;
	if (!r->req->progress)
		return;
	now = r->clock->monotonic_ns(r->clock->ctx);
	if (now - r->progress_ns < PROGRESS_NS && r->done < r->source.bytes_planned)
		return;
	r->progress_ns = now;
	r->req->progress(r->req->ctx, r->done, r->source.bytes_planned);
}

static void compare(void *ctx, const uint8_t *buf, uint64_t offset, size_t len)
{
	struct reader *r = ctx;

	if (r->rc == XP_OK && !xp_expect_matches(r->expect, buf, offset, len))
		r->rc = xp_mismatches_look(&r->differences, buf, offset, len, r->err);
	if (r->req->look)
		r->req->look(r->req->look_ctx, buf, offset, len);
	tell_progress(r, len);
}

static void note_unread(void *ctx, uint64_t offset, size_t len, int sys_errno)
{
	struct reader *r = ctx;

	(void)sys_errno;
	if (r->rc == XP_OK)
		r->rc = xp_extents_add(&r->out->read_errors, offset, len, r->err);
	tell_progress(r, len);
}

static bool next_range(void *ctx, struct xp_extent *range)
{
	struct reader *r = ctx;

	return r->source.next(&r->source, range);
}

static bool is_cancelled(void *ctx)
{
	const struct reader *r = ctx;

	return r->rc != XP_OK || (r->req->cancelled && r->req->cancelled(r->req->ctx));
}

static uint32_t coverage_ppm(uint64_t bytes, uint64_t capacity)
{
	return (uint32_t)((unsigned __int128)bytes * 1000000 / capacity);
}

static enum xp_rc read_all(struct reader *r)
{
	struct xp_readback_result *out = r->out;
	const struct xp_extent_job job = {
		.request_bytes = r->source.request_bytes,
		.depth = r->source.depth,
		.stall_ms = r->req->stall_ms,
		.ctx = r,
		.next = next_range,
		.deliver = compare,
		.failed = note_unread,
		.cancelled = is_cancelled,
	};
	struct xp_extent_stats stats;
	enum xp_rc rc = xp_extent_io_run(r->req->io, &job, &stats, r->err);

	if (r->rc != XP_OK)
		rc = r->rc;
	xp_mismatches_finish(&r->differences);
	xp_extents_sort(&out->read_errors);
	out->how = stats.how;
	out->bytes_delivered = stats.bytes_done;
	out->coverage_ppm = coverage_ppm(stats.bytes_done, r->req->capacity_bytes);
	/* what was not read to its end bounds nothing; what could not be read lowers n */
	out->extents = 0;
	if (rc == XP_OK)
		out->extents =
			r->source.extents - xp_verify_source_spoilt(&r->source, &out->read_errors);
	return rc;
}

static enum xp_rc choose_source(struct reader *r)
{
	const struct xp_verify_request *req = r->req;

	if (req->capacity_bytes == 0 || req->logical_block_bytes == 0)
		return xp_fail(r->err, XP_E_USAGE, "a target without a size");
	switch (req->mode) {
	case XP_READBACK_NONE:
		return xp_fail(r->err, XP_E_USAGE, "no mode of readback was chosen");
	case XP_READBACK_FULL:
		if (req->areas)
			xp_verify_source_areas(&r->source, req);
		else
			xp_verify_source_full(&r->source, req);
		break;
	case XP_READBACK_SAMPLE:
		r->out->scheme = req->scheme;
		memcpy(r->out->seed, req->seed, sizeof(r->out->seed));
		TRY(xp_verify_source_sample(&r->source, req, r->err));
		break;
	}
	r->out->bytes_planned = r->source.bytes_planned;
	r->out->always_extents = r->source.always_extents;
	return XP_OK;
}

enum xp_rc xp_verify_run(struct xp_readback_result *out, const struct xp_verify_request *req,
			 struct xp_err *err)
{
	struct reader r = {.req = req, .out = out, .err = err, .rc = XP_OK};
	enum xp_rc rc;

	*out = (struct xp_readback_result){.mode = req->mode, .expected = req->expected};
	r.clock = req->clock ? req->clock : xp_clock_system();
	rc = req->portable ? xp_expect_new_portable(&r.expect, &req->expected, err)
			   : xp_expect_new(&r.expect, &req->expected, err);
	if (rc == XP_OK)
		rc = xp_mismatches_init(&r.differences, out, r.expect, req->logical_block_bytes,
					err);
	if (rc == XP_OK)
		rc = choose_source(&r);
	if (rc == XP_OK)
		rc = read_all(&r);
	xp_verify_source_free(&r.source);
	xp_mismatches_free(&r.differences);
	xp_expect_free(&r.expect);
	return rc;
}
