/*
 * fake_medium: a medium in memory below the extent interface, with faults: bad blocks, short
 * transfers, a drive that vanishes or hangs, results in any order. Its clock runs only while it
 * hangs.
 */
#pragma once
#include "base/clock.h"
#include "device/extent_backend.h"

#define FAKE_FAULTS_MAX 64

struct fake_fault {
	uint64_t offset, len;
	bool on_write, on_read;
	int sys_errno;
	unsigned times; /* fails so often, then it works; 0: always */
	bool lies;	/* reports success, and keeps the old data */
};

struct fake_medium {
	uint8_t *data;
	uint64_t capacity;
	uint32_t block;
	struct fake_fault faults[FAKE_FAULTS_MAX];
	unsigned faults_n;
	bool short_transfers;	/* every second one moves only a part */
	unsigned gone_after;	/* transfers; then ENODEV for ever; 0: never */
	unsigned hang_after;	/* transfers; then nothing ends any more; 0: never */
	unsigned fail_flush_at; /* the n-th flush fails with EIO; 0: none */
	/* seen */
	unsigned transfers, flushes, attempts_on_faults;
	uint64_t bytes_written, bytes_read;
	size_t largest;
	unsigned deepest;
	bool unaligned; /* a transfer that was not a multiple of the block */
	bool outside;	/* a transfer beyond the capacity */
	/* inside */
	uint64_t now_ns;
	uint32_t rng;
	struct {
		bool busy;
		struct xp_extent_transfer t;
	} slots[XP_EXTENT_DEPTH_MAX];
	unsigned inflight;
	struct xp_clock clock;
};

void fake_medium_init(struct fake_medium *m, uint64_t capacity, uint32_t block);
void fake_medium_free(struct fake_medium *m);
struct fake_fault *fake_medium_fault(struct fake_medium *m, uint64_t offset, uint64_t len);
/* An io over it. CFG may be NULL; its capacity, block and clock are those of the medium. */
struct xp_extent_io *fake_medium_io(struct fake_medium *m, const struct xp_extent_config *cfg);
/* A small deterministic generator for tests. */
uint32_t fake_random(uint32_t *state);
