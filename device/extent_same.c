#include "device/extent_same.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/wire.h"
#include "device/extent_command.h"
#include "device/protocol/scsi_mode.h"

/* What the drive writes by itself takes a while; a disk does this much in a second at worst. */
#define TIMEOUT_BASE_MS 60000
#define BYTES_PER_MS	1000

struct same {
	struct xp_extent_way way;
	struct xp_extent_io *inner;
	uint32_t block_bytes;
	bool refused;	  /* the drive does not take WRITE SAME: never again */
	bool has_written; /* by WRITE SAME: the drive's cache is flushed by a command */
	char refusal[80]; /* for io_how */
};

/* 0, or an errno; EOPNOTSUPP: the drive says that it cannot do this, and has not done it. */
static int send(struct same *s, const struct xp_cmd *cmd)
{
	struct xp_reply reply = {0};
	struct xp_sense sense;
	int e = xp_extent_way_send(&s->way, cmd, &reply, &sense);

	if (!e || sense.is_deferred || sense.key != XP_SENSE_ILLEGAL_REQUEST)
		return e;
	if (!s->refused)
		snprintf(s->refusal, sizeof(s->refusal),
			 "WRITE SAME was refused (%x/%02x/%02x): written block by block", sense.key,
			 sense.asc, sense.ascq);
	return EOPNOTSUPP;
}

static int write_same(struct same *s, const struct xp_extent_transfer *t)
{
	struct xp_cmd cmd = {
		.kind = XP_TRANSPORT_SCSI,
		.dir = XP_DATA_OUT,
		.data = t->buf,
		.data_len = s->block_bytes,
		.timeout_ms = (uint32_t)(TIMEOUT_BASE_MS + t->len / BYTES_PER_MS),
	};

	cmd.cdb_len = xp_scsi_write_same(cmd.cdb, t->offset / s->block_bytes,
					 (uint32_t)(t->len / s->block_bytes), false);
	return send(s, &cmd);
}

/* --- the ordinary way --- */

struct plain {
	const struct xp_extent_transfer *t;
	bool begun;
	uint64_t moved; /* in one piece from the beginning */
	int sys_errno;
};

static bool next_range(void *ctx, struct xp_extent *range)
{
	struct plain *p = ctx;

	*range = (struct xp_extent){.offset = p->t->offset, .len = p->t->len};
	return !p->begun && (p->begun = true);
}

static bool fill_range(void *ctx, uint8_t *buf, uint64_t offset, size_t len)
{
	const struct plain *p = ctx;

	memcpy(buf, p->t->buf + (offset - p->t->offset), len);
	return true;
}

static void deliver_range(void *ctx, const uint8_t *buf, uint64_t offset, size_t len)
{
	struct plain *p = ctx;

	memcpy(p->t->buf + (offset - p->t->offset), buf, len);
}

static void failed_range(void *ctx, uint64_t offset, size_t len, int sys_errno)
{
	struct plain *p = ctx;

	(void)offset;
	(void)len;
	p->sys_errno = sys_errno ? sys_errno : EIO;
}

/* Whole or not at all: what failed is narrowed down by whoever asked. */
static int64_t transfer(struct same *s, const struct xp_extent_transfer *t)
{
	struct plain p = {.t = t};
	const struct xp_extent_job job = {
		.write = t->write,
		.stall_ms = XP_EXTENT_STALL_NEVER,
		.ctx = &p,
		.next = next_range,
		.fill = fill_range,
		.deliver = deliver_range,
		.failed = failed_range,
	};
	struct xp_extent_stats stats;
	enum xp_rc rc = xp_extent_io_run(s->inner, &job, &stats, NULL);

	if (rc == XP_E_TIMEOUT)
		return -ETIMEDOUT;
	if (rc != XP_OK)
		return p.sys_errno ? -p.sys_errno : -ENODEV;
	return p.sys_errno ? -p.sys_errno : (int64_t)t->len;
}

static int64_t carry_out(struct same *s, const struct xp_extent_transfer *t)
{
	int e;

	if (!t->write || !t->same || s->refused || t->offset % s->block_bytes ||
	    t->len % s->block_bytes || !t->len)
		return transfer(s, t);
	e = write_same(s, t);
	if (e == EOPNOTSUPP) {
		s->refused = true;
		return transfer(s, t);
	}
	s->has_written = true;
	return e ? -e : (int64_t)t->len;
}

/* --- the backend --- */

static int same_start(void *ctx, unsigned slot, const struct xp_extent_transfer *t)
{
	struct same *s = ctx;

	if (xp_extent_way_is_full(&s->way))
		return -EAGAIN;
	return xp_extent_way_put(&s->way, slot, carry_out(s, t));
}

static int same_wait(void *ctx, struct xp_extent_completion *out, unsigned max, unsigned timeout_ms)
{
	(void)timeout_ms;
	return xp_extent_way_take(&((struct same *)ctx)->way, out, max);
}

/* The kernel knows nothing of what went by a command: the drive is told itself. */
static int same_flush(void *ctx)
{
	struct same *s = ctx;
	int e = s->has_written ? xp_extent_way_flush(&s->way) : 0;

	if (e)
		return -e;
	return xp_extent_io_flush(s->inner, NULL) == XP_OK ? 0 : -EIO;
}

static const char *same_note(const void *ctx)
{
	return ((const struct same *)ctx)->refusal;
}

static void same_close(void *ctx)
{
	struct same *s = ctx;

	xp_extent_io_free(&s->inner);
	xp_extent_way_close(&s->way);
	free(s);
}

static const struct xp_extent_backend_ops same_ops = {
	.kind = XP_IO_WRITE_SAME,
	.start = same_start,
	.wait = same_wait,
	.flush = same_flush,
	.note = same_note,
	.close = same_close,
};

enum xp_rc xp_extent_same_new(struct xp_extent_io **out, const struct xp_extent_config *cfg,
			      struct xp_transport *t, struct xp_extent_io *inner,
			      uint64_t max_blocks, struct xp_err *err)
{
	struct xp_extent_config own = *cfg;
	struct same *s = calloc(1, sizeof(*s));
	uint64_t most = XP_EXTENT_MEMORY_MAX / cfg->logical_block_bytes;

	if (!s || xp_extent_way_open(&s->way, cfg, t, err) != XP_OK) {
		free(s);
		xp_extent_io_free(&inner);
		return xp_fail(err, XP_E_NOMEM, "writing by WRITE SAME");
	}
	s->block_bytes = cfg->logical_block_bytes;
	s->inner = inner;
	if (max_blocks && max_blocks < most)
		most = max_blocks;
	own.block_bytes = (uint32_t)(most * cfg->logical_block_bytes);
	return xp_extent_io_new_over(out, &own, &same_ops, s, err);
}
