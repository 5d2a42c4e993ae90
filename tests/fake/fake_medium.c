#include "tests/fake/fake_medium.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint32_t fake_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static uint64_t clock_ns(void *ctx)
{
	return ((struct fake_medium *)ctx)->now_ns;
}

static int64_t clock_s(void *ctx)
{
	return (int64_t)(clock_ns(ctx) / 1000000000);
}

void fake_medium_init(struct fake_medium *m, uint64_t capacity, uint32_t block)
{
	memset(m, 0, sizeof(*m));
	m->data = malloc(capacity);
	if (!m->data)
		abort();
	m->capacity = capacity;
	m->block = block;
	m->rng = 2463534242u;
	m->now_ns = 1000000000;
	m->clock = (struct xp_clock){.wall_s = clock_s, .monotonic_ns = clock_ns, .ctx = m};
	for (uint64_t i = 0; i < capacity; i++)
		m->data[i] = (uint8_t)(0x40 + (i * 7 + i / 512) % 151);
}

void fake_medium_free(struct fake_medium *m)
{
	free(m->data);
	m->data = NULL;
}

struct fake_fault *fake_medium_fault(struct fake_medium *m, uint64_t offset, uint64_t len)
{
	struct fake_fault *f;

	if (m->faults_n == FAKE_FAULTS_MAX)
		abort();
	f = &m->faults[m->faults_n++];
	*f = (struct fake_fault){
		.offset = offset, .len = len, .on_write = true, .on_read = true, .sys_errno = EIO};
	return f;
}

static int start(void *ctx, unsigned slot, const struct xp_extent_transfer *t)
{
	struct fake_medium *m = ctx;

	if (slot >= XP_EXTENT_DEPTH_MAX || m->slots[slot].busy)
		abort();
	m->slots[slot].busy = true;
	m->slots[slot].t = *t;
	m->inflight++;
	m->transfers++;
	m->deepest = m->inflight > m->deepest ? m->inflight : m->deepest;
	m->largest = t->len > m->largest ? t->len : m->largest;
	m->unaligned |= t->offset % m->block || t->len % m->block;
	m->outside |= t->offset + t->len > m->capacity;
	return 0;
}

static struct fake_fault *fault_of(struct fake_medium *m, const struct xp_extent_transfer *t)
{
	for (unsigned i = 0; i < m->faults_n; i++) {
		struct fake_fault *f = &m->faults[i];

		if (f->len && (t->write ? f->on_write : f->on_read) &&
		    t->offset < f->offset + f->len && f->offset < t->offset + t->len)
			return f;
	}
	return NULL;
}

static void copy(struct fake_medium *m, const struct xp_extent_transfer *t, size_t len)
{
	if (t->write) {
		memcpy(m->data + t->offset, t->buf, len);
		m->bytes_written += len;
	} else {
		memcpy(t->buf, m->data + t->offset, len);
		m->bytes_read += len;
	}
}

static int64_t carry_out(struct fake_medium *m, const struct xp_extent_transfer *t)
{
	struct fake_fault *f;
	size_t len = t->len;

	if (m->gone_after && m->transfers > m->gone_after)
		return -ENODEV;
	if (t->offset + t->len > m->capacity)
		return -ENOSPC;
	f = fault_of(m, t);
	if (f && f->lies)
		return (int64_t)len;
	if (f) {
		m->attempts_on_faults++;
		if (f->times && --f->times == 0)
			f->len = 0;
		return -f->sys_errno;
	}
	/* at least one block moves; the rest may end within one */
	if (m->short_transfers && len > m->block && fake_random(&m->rng) % 2)
		len = m->block + fake_random(&m->rng) % (len - m->block);
	copy(m, t, len);
	return (int64_t)len;
}

static int wait_for(void *ctx, struct xp_extent_completion *out, unsigned max, unsigned timeout_ms)
{
	struct fake_medium *m = ctx;
	unsigned n = 0;
	unsigned first = fake_random(&m->rng) % XP_EXTENT_DEPTH_MAX;

	if (m->hang_after && m->transfers > m->hang_after) {
		m->now_ns += timeout_ms * 1000000ull;
		return 0;
	}
	for (unsigned i = 0; i < XP_EXTENT_DEPTH_MAX && n < max; i++) {
		unsigned slot = (first + i) % XP_EXTENT_DEPTH_MAX;

		if (!m->slots[slot].busy || (n && fake_random(&m->rng) % 4 == 0))
			continue;
		out[n].slot = slot;
		out[n].resident = 0;
		out[n++].result = carry_out(m, &m->slots[slot].t);
		m->slots[slot].busy = false;
		m->inflight--;
	}
	return (int)n;
}

static int flush(void *ctx)
{
	struct fake_medium *m = ctx;

	return ++m->flushes == m->fail_flush_at ? -EIO : 0;
}

static void close_medium(void *ctx)
{
	(void)ctx;
}

static const struct xp_extent_backend_ops ops = {
	.kind = XP_IO_URING,
	.emulated = true,
	.start = start,
	.wait = wait_for,
	.flush = flush,
	.close = close_medium,
};

struct xp_extent_io *fake_medium_io(struct fake_medium *m, const struct xp_extent_config *cfg)
{
	struct xp_extent_config c = cfg ? *cfg : (struct xp_extent_config){.block_bytes = 65536};
	struct xp_extent_io *io = NULL;

	c.capacity_bytes = m->capacity;
	c.logical_block_bytes = m->block;
	c.clock = &m->clock;
	if (xp_extent_io_new_over(&io, &c, &ops, m, NULL) != XP_OK)
		abort();
	return io;
}
