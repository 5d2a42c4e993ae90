#include "device/extent_sg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/wire.h"
#include "device/extent_command.h"

/* [SBC-4] */
#define READ_16	   0x88
#define WRITE_16   0x8a
#define CDB_16_LEN 16
#define OFF_LBA	   2
#define OFF_BLOCKS 10
/* What every host adapter moves at once. */
#define CHUNK_BYTES   (128u << 10)
#define IO_TIMEOUT_MS 60000

struct sg {
	struct xp_extent_way way;
	uint32_t block_bytes;
};

static int move_chunk(struct sg *s, bool write, void *buf, uint64_t offset, uint32_t len)
{
	struct xp_cmd cmd = {
		.kind = XP_TRANSPORT_SCSI,
		.cdb_len = CDB_16_LEN,
		.dir = write ? XP_DATA_OUT : XP_DATA_IN,
		.data = buf,
		.data_len = len,
		.timeout_ms = IO_TIMEOUT_MS,
	};
	struct xp_reply reply = {0};
	struct xp_sense sense;
	int e;

	cmd.cdb[0] = write ? WRITE_16 : READ_16;
	put_be64(cmd.cdb + OFF_LBA, offset / s->block_bytes);
	put_be32(cmd.cdb + OFF_BLOCKS, len / s->block_bytes);
	e = xp_extent_way_send(&s->way, &cmd, &reply, &sense);
	/* data that did not come, or was not taken, was not moved */
	return e == 0 && reply.data_len != len ? EIO : e;
}

/* The bytes that were moved, or -errno where none were. */
static int64_t transfer(struct sg *s, const struct xp_extent_transfer *t)
{
	uint32_t most = CHUNK_BYTES / s->block_bytes * s->block_bytes;
	size_t at = 0;

	if (t->offset % s->block_bytes || t->len % s->block_bytes)
		return -EINVAL;
	if (most == 0)
		most = s->block_bytes;
	while (at < t->len) {
		size_t left = t->len - at;
		uint32_t len = left < most ? (uint32_t)left : most;
		int e = move_chunk(s, t->write, t->buf + at, t->offset + at, len);

		if (e)
			return at ? (int64_t)at : -e;
		at += len;
	}
	return (int64_t)at;
}

static int sg_start(void *ctx, unsigned slot, const struct xp_extent_transfer *t)
{
	struct sg *s = ctx;

	if (xp_extent_way_is_full(&s->way))
		return -EAGAIN;
	return xp_extent_way_put(&s->way, slot, transfer(s, t));
}

static int sg_wait(void *ctx, struct xp_extent_completion *out, unsigned max, unsigned timeout_ms)
{
	(void)timeout_ms;
	return xp_extent_way_take(&((struct sg *)ctx)->way, out, max);
}

static int sg_flush(void *ctx)
{
	return -xp_extent_way_flush(&((struct sg *)ctx)->way);
}

static void sg_close(void *ctx)
{
	struct sg *s = ctx;

	xp_extent_way_close(&s->way);
	free(s);
}

static const struct xp_extent_backend_ops sg_ops = {
	.kind = XP_IO_SG,
	.start = sg_start,
	.wait = sg_wait,
	.flush = sg_flush,
	.close = sg_close,
};

enum xp_rc xp_extent_sg_new(struct xp_extent_io **out, const struct xp_extent_config *cfg,
			    struct xp_transport *t, struct xp_err *err)
{
	struct sg *s;

	if (xp_transport_kind_of(t) != XP_TRANSPORT_SCSI)
		return xp_fail(err, XP_E_UNSUPPORTED, "reading by commands: SCSI only");
	if (cfg->logical_block_bytes < 512)
		return xp_fail(err, XP_E_USAGE, "blocks of %u bytes", cfg->logical_block_bytes);
	s = calloc(1, sizeof(*s));
	if (!s || xp_extent_way_open(&s->way, cfg, t, err) != XP_OK) {
		free(s);
		return xp_fail(err, XP_E_NOMEM, "reading by commands");
	}
	s->block_bytes = cfg->logical_block_bytes;
	return xp_extent_io_new_over(out, cfg, &sg_ops, s, err);
}
