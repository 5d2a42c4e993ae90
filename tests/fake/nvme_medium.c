#include "tests/fake/nvme_medium.h"

#include "base/cleanup.h"
#include "device/extent_backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IO_FLUSH    0x00
#define IO_WRITE    0x01
#define IO_READ	    0x02
#define CHUNK_BYTES (256u << 10)

struct medium {
	struct nvme_medium how;
	uint32_t block_bytes;
	struct xp_extent_completion *done;
	unsigned done_n;
};

static bool boundary(const struct medium *m)
{
	return m->how.boundary && m->how.boundary(m->how.ctx);
}

static int exec(const struct medium *m, uint8_t opcode, uint64_t lba, uint32_t blocks, uint8_t *buf,
		size_t len)
{
	const uint32_t cdw[6] = {(uint32_t)lba, (uint32_t)(lba >> 32), blocks ? blocks - 1 : 0};
	struct emu_nvme_cmd cmd = {.controller = m->how.slot->controller, .is_io = true};

	if (boundary(m) || !m->how.slot->drive)
		return EIO;
	emu_nvme_sqe(cmd.sqe, opcode, m->how.nsid, cdw);
	cmd.len = len;
	if (opcode == IO_WRITE)
		cmd.out = buf;
	else
		cmd.in = buf;
	emu_nvme_exec(m->how.slot->drive, &cmd);
	return boundary(m) || !cmd.answered || cmd.status ? EIO : 0;
}

static int64_t transfer(const struct medium *m, const struct xp_extent_transfer *t)
{
	size_t at = 0;

	while (at < t->len) {
		size_t len = t->len - at < CHUNK_BYTES ? t->len - at : CHUNK_BYTES;
		int e = exec(m, t->write ? IO_WRITE : IO_READ, (t->offset + at) / m->block_bytes,
			     (uint32_t)(len / m->block_bytes), t->buf + at, len);

		if (e)
			return at ? (int64_t)at : -e;
		at += len;
	}
	return (int64_t)at;
}

static int medium_start(void *ctx, unsigned slot, const struct xp_extent_transfer *t)
{
	struct medium *m = ctx;

	if (m->done_n == XP_EXTENT_DEPTH_MAX)
		return -EAGAIN;
	m->done[m->done_n++] =
		(struct xp_extent_completion){.slot = slot, .result = transfer(m, t)};
	return 0;
}

static int medium_wait(void *ctx, struct xp_extent_completion *out, unsigned max,
		       unsigned timeout_ms)
{
	struct medium *m = ctx;
	unsigned n = m->done_n < max ? m->done_n : max;

	(void)timeout_ms;
	memcpy(out, m->done, n * sizeof(*out));
	memmove(m->done, m->done + n, (m->done_n - n) * sizeof(*out));
	m->done_n -= n;
	return (int)n;
}

static int medium_flush(void *ctx)
{
	const struct medium *m = ctx;

	return -exec(m, IO_FLUSH, 0, 0, NULL, 0);
}

static void medium_close(void *ctx)
{
	struct medium *m = ctx;

	free(m->done);
	free(m);
}

static const struct xp_extent_backend_ops medium_ops = {
	.kind = XP_IO_SYNC,
	.emulated = true,
	.start = medium_start,
	.wait = medium_wait,
	.flush = medium_flush,
	.close = medium_close,
};

enum xp_rc nvme_medium_io(struct xp_extent_io **out, const struct xp_extent_config *cfg,
			  const struct nvme_medium *how, struct xp_err *err)
{
	struct medium *m = calloc(1, sizeof(*m));

	if (m)
		m->done = calloc(XP_EXTENT_DEPTH_MAX, sizeof(*m->done));
	if (!m || !m->done)
		abort();
	m->how = *how;
	m->block_bytes = cfg->logical_block_bytes;
	return xp_extent_io_new_over(out, cfg, &medium_ops, m, err);
}
