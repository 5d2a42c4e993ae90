/* extent_probe: an extent job that records everything it is told, byte by byte. */
#pragma once
#include "device/extent.h"

struct probe {
	struct xp_extent ranges[64];
	size_t ranges_n, at;
	uint8_t *got;  /* read: by offset */
	uint8_t *seen; /* read or written: how often each byte was told */
	uint64_t failed_bytes;
	int failed_errno;
	unsigned failed_n;
	unsigned fills;
	unsigned cancel_after;
	unsigned asked;
	bool fill_fails;
	uint64_t capacity;
};

/* One range: all of it. */
void probe_init(struct probe *p, uint64_t capacity);
void probe_free(struct probe *p);
struct xp_extent_job probe_job(struct probe *p, bool write);
bool probe_next(void *ctx, struct xp_extent *range);
void probe_deliver(void *ctx, const uint8_t *buf, uint64_t offset, size_t len);
/* What probes write, and what the tests' files hold. */
uint8_t probe_content(uint64_t offset);
/* Each byte of [from, to) was delivered, taken or reported as failed exactly once; or never. */
void probe_assert_seen_once(const struct probe *p, uint64_t from, uint64_t to);
void probe_assert_untouched(const struct probe *p, uint64_t from, uint64_t to);
