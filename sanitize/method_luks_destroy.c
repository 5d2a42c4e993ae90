#include "sanitize/method_luks_destroy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "device/luks.h"
#include "sanitize/overwrite/writer.h"

struct destroy {
	struct xp_extent_io *io;
	struct xp_method_run *run;
	uint64_t done;	/* bytes of the areas before this one */
	uint64_t total; /* of all areas */
	uint64_t at;	/* where this one begins */
	char label[32];
};

static void free_destroy(struct destroy **d)
{
	if (*d)
		xp_extent_io_free(&(*d)->io);
	free(*d);
	*d = NULL;
}

static enum xp_rc open_io(struct xp_extent_io **io, const struct xp_method_run *run,
			  const struct xp_permit *permit, struct xp_err *err)
{
	struct xp_extent_config cfg = {
		.permit = permit,
		.capacity_bytes = run->phase->identity.capacity_bytes,
		.logical_block_bytes = run->phase->identity.logical_block_bytes,
		.stall_ms = run->req->stall_ms,
	};

	cfg.fd = xp_permit_fd(run->req->permit, &cfg.direct);
	return xp_extent_io_new(io, &cfg, err);
}

/* ---- before ---- */

static enum xp_rc look_at(struct xp_luks_volume *v, const struct xp_luks_volume *planned,
			  struct xp_extent_io *io, struct xp_err *err)
{
	enum xp_rc rc;

	*v = (struct xp_luks_volume){.offset = planned->offset, .room = planned->room};
	rc = xp_luks_read(v, io, err);
	if (rc == XP_E_NOENT || (rc == XP_OK && !xp_luks_is_same(v, planned)))
		return xp_fail(err, XP_E_REFUSED,
			       "the LUKS header at byte %llu is not the one that the plan found",
			       (unsigned long long)planned->offset);
	TRY(rc);
	/* the other reader's word is the plan's: it looked at the same headers */
	v->library = planned->library;
	v->area_bytes = xp_luks_area_needed(v);
	return xp_luks_digest(v, io, err);
}

static enum xp_rc look(struct xp_method_run *run, struct xp_err *err)
{
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	const struct xp_engine_request *req = run->req;
	struct xp_phase *phase = run->phase;

	if (req->volume_n == 0)
		return xp_fail(err, XP_E_UNSUPPORTED, "no LUKS header was found");
	phase->volumes = calloc(req->volume_n, sizeof(*phase->volumes));
	if (!phase->volumes)
		return xp_fail(err, XP_E_NOMEM, "LUKS headers");
	TRY(open_io(&io, run, NULL, err));
	for (size_t i = 0; i < req->volume_n; i++) {
		TRY(look_at(&phase->volumes[i], &req->volumes[i], io, err));
		phase->volume_n = i + 1;
	}
	return XP_OK;
}

/* ---- the areas ---- */

static enum xp_rc begin(struct xp_method_run *run, struct xp_err *err)
{
	AUTO(free_destroy) struct destroy *d = calloc(1, sizeof(*d));

	if (!d)
		return xp_fail(err, XP_E_NOMEM, "luks-destroy");
	if (!run->looked || run->phase->overwrite.passes != 1)
		return xp_fail(err, XP_E_INTERNAL, "luks-destroy: what to destroy is not known");
	run->phase->command.keys = run->req->keys;
	TRY(open_io(&d->io, run, run->req->permit, err));
	d->run = run;
	for (size_t i = 0; i < run->looked->volume_n; i++)
		d->total += run->looked->volumes[i].area_bytes;
	snprintf(d->label, sizeof(d->label), "keys 1/1");
	run->state = STEAL(d);
	return XP_OK;
}

static void on_progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	const struct destroy *d = ctx;
	const struct xp_engine_hooks *hooks = &d->run->req->hooks;

	(void)total_bytes;
	hooks->progress(hooks->ctx, d->label, d->done + done_bytes - d->at, d->total);
}

static bool on_cancelled(void *ctx)
{
	const struct destroy *d = ctx;
	const struct xp_engine_hooks *hooks = &d->run->req->hooks;

	return hooks->cancelled(hooks->ctx);
}

/* What the file system holds of a file's area is no hole: else it let go what stood there. */
static enum xp_rc list_holes(struct xp_overwrite_result *part, const struct destroy *d,
			     uint64_t end, struct xp_err *err)
{
	AUTO(xp_extents_free) struct xp_extents holes = {0};

	TRY(xp_extent_io_holes_in(&holes, d->io, d->at, end, err));
	for (size_t i = 0; i < holes.n; i++)
		TRY(xp_extents_add(&part->unwritten, holes.list[i].offset, holes.list[i].len, err));
	part->bytes_written -=
		part->bytes_written < holes.total_bytes ? part->bytes_written : holes.total_bytes;
	xp_extents_sort(&part->unwritten);
	return XP_OK;
}

static enum xp_rc add_part(struct xp_overwrite_result *sum, const struct xp_overwrite_result *part,
			   bool first, struct xp_err *err)
{
	sum->bytes_written += part->bytes_written;
	sum->flushed = part->flushed && (first || sum->flushed);
	if (first || part->how.fallback[0])
		sum->how = part->how;
	for (size_t i = 0; i < part->unwritten.n; i++)
		TRY(xp_extents_add(&sum->unwritten, part->unwritten.list[i].offset,
				   part->unwritten.list[i].len, err));
	return XP_OK;
}

static enum xp_rc write_area(struct destroy *d, const struct xp_luks_volume *v, bool first,
			     struct xp_err *err)
{
	struct xp_method_run *run = d->run;
	struct xp_overwrite_result *sum = &run->phase->overwrite;
	struct xp_overwrite_result part = {0};
	struct xp_overwrite_request req = {
		.io = d->io,
		.capacity_bytes = v->offset + v->area_bytes,
		.logical_block_bytes = run->phase->identity.logical_block_bytes,
		.content = sum->content,
		.pass = sum->pass,
		.passes = sum->passes,
		.start_offset = v->offset,
		.stall_ms = run->req->stall_ms,
		.clock = run->req->clock,
		.ctx = d,
		.progress = on_progress,
		.cancelled = on_cancelled,
	};
	enum xp_rc rc;
	enum xp_rc add_rc;

	d->at = v->offset;
	rc = xp_overwrite_run(&part, &req, err);
	/* the writer counts from the start of the target */
	part.bytes_written -= part.bytes_written < d->at ? part.bytes_written : d->at;
	if (rc == XP_OK)
		rc = list_holes(&part, d, req.capacity_bytes, err);
	add_rc = add_part(sum, &part, first, rc == XP_OK ? err : NULL);
	xp_overwrite_result_free(&part);
	d->done += v->area_bytes;
	return rc == XP_OK ? add_rc : rc;
}

/* Also after an interruption: a few megabytes are written anew, with the same key. */
static enum xp_rc poll(struct xp_method_run *run, enum xp_method_state *state, struct xp_err *err)
{
	struct destroy *d = run->state;

	for (size_t i = 0; i < run->looked->volume_n; i++)
		TRY(write_area(d, &run->looked->volumes[i], i == 0, err));
	*state = XP_METHOD_DONE;
	return XP_OK;
}

static void end(struct xp_method_run *run)
{
	struct destroy *d = run->state;

	free_destroy(&d);
	run->state = NULL;
}

const struct xp_method xp_method_luks_destroy = {
	.technique = XP_LUKS_DESTROY,
	.label = "keys",
	.look = look,
	.start = begin,
	.attach = begin,
	.poll = poll,
	.end = end,
};
