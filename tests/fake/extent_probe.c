#include "tests/fake/extent_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

bool probe_next(void *ctx, struct xp_extent *range)
{
	struct probe *p = ctx;

	if (p->at == p->ranges_n)
		return false;
	*range = p->ranges[p->at++];
	return true;
}

void probe_deliver(void *ctx, const uint8_t *buf, uint64_t offset, size_t len)
{
	struct probe *p = ctx;

	assert_true(offset + len <= p->capacity);
	memcpy(p->got + offset, buf, len);
	for (size_t i = 0; i < len; i++)
		p->seen[offset + i]++;
}

uint8_t probe_content(uint64_t offset)
{
	return (uint8_t)(offset * 31 + offset / 4096);
}

static bool probe_fill(void *ctx, uint8_t *buf, uint64_t offset, size_t len)
{
	struct probe *p = ctx;

	for (size_t i = 0; i < len; i++)
		buf[i] = probe_content(offset + i);
	p->fills++;
	return !p->fill_fails;
}

static void probe_written(void *ctx, uint64_t offset, size_t len)
{
	struct probe *p = ctx;

	assert_true(offset + len <= p->capacity);
	for (size_t i = 0; i < len; i++)
		p->seen[offset + i]++;
}

static void probe_failed(void *ctx, uint64_t offset, size_t len, int sys_errno)
{
	struct probe *p = ctx;

	assert_true(offset + len <= p->capacity);
	for (size_t i = 0; i < len; i++)
		p->seen[offset + i]++;
	p->failed_bytes += len;
	p->failed_errno = sys_errno;
	p->failed_n++;
}

static bool probe_cancelled(void *ctx)
{
	struct probe *p = ctx;

	return p->cancel_after && ++p->asked > p->cancel_after;
}

void probe_init(struct probe *p, uint64_t capacity)
{
	memset(p, 0, sizeof(*p));
	p->capacity = capacity;
	p->got = calloc(1, capacity);
	p->seen = calloc(1, capacity);
	p->ranges_n = 1;
	p->ranges[0].len = capacity;
}

void probe_free(struct probe *p)
{
	free(p->got);
	free(p->seen);
}

struct xp_extent_job probe_job(struct probe *p, bool write)
{
	return (struct xp_extent_job){
		.write = write,
		.ctx = p,
		.next = probe_next,
		.fill = probe_fill,
		.deliver = probe_deliver,
		.written = probe_written,
		.failed = probe_failed,
		.cancelled = probe_cancelled,
	};
}

void probe_assert_seen_once(const struct probe *p, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		if (p->seen[i] != 1)
			fail_msg("byte %llu was told %u times", (unsigned long long)i, p->seen[i]);
	}
}

void probe_assert_untouched(const struct probe *p, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		if (p->seen[i] != 0)
			fail_msg("byte %llu was told", (unsigned long long)i);
	}
}
