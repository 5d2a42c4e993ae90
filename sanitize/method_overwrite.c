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

	if (!o)
		return xp_fail(err, XP_E_NOMEM, "overwrite");
	TRY(xp_engine_open_io(&o->io, run->req, run->phase, err));
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

/* Adds to OUT what MORE has and LISTED (sorted) has not. */
static enum xp_rc add_new(struct xp_extents *out, const struct xp_extents *more,
			  const struct xp_extents *listed, struct xp_err *err)
{
	for (size_t i = 0; i < more->n; i++) {
		uint64_t at = more->list[i].offset;
		uint64_t end = at + more->list[i].len;

		for (size_t k = 0; k < listed->n && at < end; k++) {
			const struct xp_extent *e = &listed->list[k];

			if (e->offset + e->len <= at || e->offset >= end)
				continue;
			if (e->offset > at)
				TRY(xp_extents_add(out, at, e->offset - at, err));
			at = e->offset + e->len;
		}
		if (at < end)
			TRY(xp_extents_add(out, at, end - at, err));
	}
	return XP_OK;
}

/*
 * A file that was written whole has no holes. Where it has, somebody cut or punched it meanwhile,
 * or its file system does not store what was written: these places were not overwritten.
 */
static enum xp_rc list_holes(struct xp_overwrite_result *result, const struct xp_extent_io *io,
			     struct xp_err *err)
{
	struct xp_extents holes = {0};
	struct xp_extents new = {0};
	enum xp_rc rc = xp_extent_io_holes(&holes, io, err);

	if (rc == XP_OK)
		rc = add_new(&new, &holes, &result->unwritten, err);
	for (size_t i = 0; i < new.n &&rc == XP_OK; i++)
		rc = xp_extents_add(&result->unwritten, new.list[i].offset, new.list[i].len, err);
	if (result->bytes_written >= new.total_bytes)
		result->bytes_written -= new.total_bytes;
	xp_extents_sort(&result->unwritten);
	xp_extents_free(&holes);
	xp_extents_free(&new);
	return rc;
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

	if (rc == XP_OK)
		rc = list_holes(&written, o->io, err);
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
