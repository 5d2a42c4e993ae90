#include "device/extent_sg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/wire.h"
#include "device/extent_backend.h"
#include "device/protocol/scsi_sense.h"

/* [SBC-4] */
#define READ_16		     0x88
#define WRITE_16	     0x8a
#define SYNCHRONIZE_CACHE_16 0x91
#define CDB_16_LEN	     16
#define OFF_LBA		     2
#define OFF_BLOCKS	     10
/* What every host adapter moves at once. */
#define CHUNK_BYTES	 (128u << 10)
#define IO_TIMEOUT_MS	 60000
#define FLUSH_TIMEOUT_MS 300000
#define ATTENTION_TRIES	 4

struct sg {
	struct xp_transport *t;
	const struct xp_permit *permit;
	uint32_t block_bytes;
	struct xp_extent_completion *done; /* room for XP_EXTENT_DEPTH_MAX */
	unsigned done_n;
};

/* What the drive's answer means to those above; 0: it was carried out. */
static int errno_of(const struct xp_cmd *cmd, const struct xp_reply *reply, bool *attention)
{
	struct xp_sense sense;

	*attention = false;
	if (xp_reply_is_good(cmd, reply))
		return 0;
	if (!xp_sense_parse(&sense, reply->sense, reply->sense_len))
		return EIO;
	if (sense.key == XP_SENSE_RECOVERED)
		return 0;
	*attention = sense.key == XP_SENSE_UNIT_ATTENTION && !sense.is_deferred;
	if (sense.key == XP_SENSE_DATA_PROTECT)
		return EROFS;
	/* MEDIUM NOT PRESENT */
	if (sense.key == XP_SENSE_NOT_READY && sense.asc == 0x3a)
		return ENOMEDIUM;
	return EIO;
}

/* Sends CMD, again where the drive only had to tell of something that happened before. */
static int send(struct sg *s, const struct xp_cmd *cmd, uint32_t *moved)
{
	struct xp_reply reply;
	struct xp_err why;
	bool attention = true;
	int e = EIO;

	*moved = 0;
	for (unsigned i = 0; attention && i < ATTENTION_TRIES; i++) {
		enum xp_rc rc = xp_transport_exec(s->t, cmd, s->permit, &reply, &why);

		if (rc == XP_E_TIMEOUT)
			return ETIMEDOUT;
		if (rc == XP_E_REFUSED || rc == XP_E_PERM)
			return EPERM;
		if (rc != XP_OK)
			return EIO;
		e = errno_of(cmd, &reply, &attention);
	}
	if (e == 0)
		*moved = reply.data_len;
	return e;
}

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
	uint32_t moved;
	int e;

	cmd.cdb[0] = write ? WRITE_16 : READ_16;
	put_be64(cmd.cdb + OFF_LBA, offset / s->block_bytes);
	put_be32(cmd.cdb + OFF_BLOCKS, len / s->block_bytes);
	e = send(s, &cmd, &moved);
	/* data that did not come, or was not taken, was not moved */
	return e == 0 && moved != len ? EIO : e;
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

	if (s->done_n == XP_EXTENT_DEPTH_MAX)
		return -EAGAIN;
	s->done[s->done_n++] =
		(struct xp_extent_completion){.slot = slot, .result = transfer(s, t)};
	return 0;
}

static int sg_wait(void *ctx, struct xp_extent_completion *out, unsigned max, unsigned timeout_ms)
{
	struct sg *s = ctx;
	unsigned n = s->done_n < max ? s->done_n : max;

	(void)timeout_ms; /* what was started has ended */
	memcpy(out, s->done, n * sizeof(*out));
	memmove(s->done, s->done + n, (s->done_n - n) * sizeof(*out));
	s->done_n -= n;
	return (int)n;
}

static int sg_flush(void *ctx)
{
	struct sg *s = ctx;
	struct xp_cmd cmd = {
		.kind = XP_TRANSPORT_SCSI,
		.cdb = {SYNCHRONIZE_CACHE_16},
		.cdb_len = CDB_16_LEN,
		.timeout_ms = FLUSH_TIMEOUT_MS,
	};
	uint32_t moved;

	return -send(s, &cmd, &moved);
}

static void sg_close(void *ctx)
{
	struct sg *s = ctx;

	free(s->done);
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
	if (!s)
		return xp_fail(err, XP_E_NOMEM, "reading by commands");
	s->t = t;
	s->permit = cfg->permit;
	s->block_bytes = cfg->logical_block_bytes;
	s->done = calloc(XP_EXTENT_DEPTH_MAX, sizeof(*s->done));
	if (!s->done) {
		sg_close(s);
		return xp_fail(err, XP_E_NOMEM, "reading by commands");
	}
	return xp_extent_io_new_over(out, cfg, &sg_ops, s, err);
}
