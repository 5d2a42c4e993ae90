#include "sanitize/method_overwrite.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "device/extent.h"
#include "sanitize/overwrite/writer.h"

struct overwrite {
	struct xp_extent_io *io;
	struct xp_method_run *run;
	char label[32];
};

static void free_overwrite(struct overwrite **o)
{
	if (*o)
		xp_extent_io_free(&(*o)->io);
	free(*o);
	*o = NULL;
}

static enum xp_rc begin(struct xp_method_run *run, struct xp_err *err)
{
	AUTO(free_overwrite) struct overwrite *o = calloc(1, sizeof(*o));
	const struct xp_identity *id = &run->phase->identity;
	struct xp_extent_config cfg = {
		.permit = run->req->permit,
		.capacity_bytes = id->capacity_bytes,
		.logical_block_bytes = id->logical_block_bytes,
		.stall_ms = run->req->stall_ms,
	};

	if (!o)
		return xp_fail(err, XP_E_NOMEM, "overwrite");
	cfg.fd = xp_permit_fd(run->req->permit, &cfg.direct);
	TRY(xp_extent_io_new(&o->io, &cfg, err));
	o->run = run;
	snprintf(o->label, sizeof(o->label), "overwrite %u/%u", run->phase->overwrite.pass,
		 run->phase->overwrite.passes);
	run->state = STEAL(o);
	return XP_OK;
}

static void on_progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	const struct overwrite *o = ctx;
	const struct xp_engine_hooks *hooks = &o->run->req->hooks;

	hooks->progress(hooks->ctx, o->label, done_bytes, total_bytes);
}

static enum xp_rc on_checkpoint(void *ctx, const struct xp_overwrite_result *so_far,
				uint64_t flushed_below, struct xp_err *err)
{
	const struct overwrite *o = ctx;
	const struct xp_engine_hooks *hooks = &o->run->req->hooks;

	return hooks->checkpoint(hooks->ctx, flushed_below, &so_far->unwritten, err);
}

static bool on_cancelled(void *ctx)
{
	const struct overwrite *o = ctx;
	const struct xp_engine_hooks *hooks = &o->run->req->hooks;

	return hooks->cancelled(hooks->ctx);
}

/* The whole pass in one go: the writer reports and listens while it runs. */
static enum xp_rc poll(struct xp_method_run *run, enum xp_method_state *state, struct xp_err *err)
{
	struct overwrite *o = run->state;
	struct xp_overwrite_result *result = &run->phase->overwrite;
	struct xp_overwrite_request req = {
		.io = o->io,
		.capacity_bytes = run->phase->identity.capacity_bytes,
		.logical_block_bytes = run->phase->identity.logical_block_bytes,
		.content = result->content,
		.pass = result->pass,
		.passes = result->passes,
		.start_offset = run->resume_offset,
		.unwritten_before = run->resume_unwritten,
		.stall_ms = run->req->stall_ms,
		.clock = run->req->clock,
		.ctx = o,
		.progress = on_progress,
		.checkpoint = on_checkpoint,
		.cancelled = on_cancelled,
	};
	struct xp_overwrite_result written = {0};
	enum xp_rc rc = xp_overwrite_run(&written, &req, err);

	xp_overwrite_result_free(result);
	*result = written;
	*state = XP_METHOD_DONE;
	return rc;
}

static void end(struct xp_method_run *run)
{
	struct overwrite *o = run->state;

	free_overwrite(&o);
	run->state = NULL;
}

#define OVERWRITE(TECHNIQUE)                                                                       \
	{                                                                                          \
		.technique = (TECHNIQUE), .label = "overwrite", .start = begin, .attach = begin,   \
		.poll = poll, .end = end                                                           \
	}

const struct xp_method xp_method_overwrite_zero = OVERWRITE(XP_OVERWRITE_ZERO);
const struct xp_method xp_method_overwrite_random = OVERWRITE(XP_OVERWRITE_RANDOM);
const struct xp_method xp_method_overwrite_pattern = OVERWRITE(XP_OVERWRITE_PATTERN);
