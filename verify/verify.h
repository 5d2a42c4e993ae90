/*
 * verify: reads a target and says whether the erase took. It computes what it expects by itself and
 * shares no code with sanitize: a witness that shares code with the actor shares its bugs.
 */
#pragma once
#include "claim/evidence.h"
#include "claim/sample_plan.h"
#include "device/extent.h"

struct xp_verify_request {
	struct xp_extent_io *io; /* read only is enough */
	uint64_t capacity_bytes;
	uint32_t logical_block_bytes;
	enum xp_readback_mode mode;   /* sample or full */
	enum xp_sample_scheme scheme; /* mode sample */
	uint64_t sample_n;	      /* scheme scattered: extents; 0: the default */
	uint8_t seed[32];	      /* mode sample */
	struct xp_content expected;
	/* mode full: only these areas, in order and one request at a time; NULL: all of the target
	 */
	const struct xp_extent *areas;
	size_t area_n;
	uint32_t stall_ms;	      /* as in struct xp_extent_job */
	bool portable;		      /* no wide instructions of the CPU: for comparisons */
	const struct xp_clock *clock; /* NULL: the machine's own */
	void *ctx;
	void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes); /* may be NULL */
	bool (*cancelled)(void *ctx);						/* may be NULL */
	/* Sees the bytes at each place that was delivered, as they are compared. May be NULL. */
	void (*look)(void *look_ctx, const uint8_t *buf, uint64_t offset, size_t len);
	void *look_ctx;
};

/*
 * Reads and compares. Mismatches and read errors are results, not errors of the call. A result of
 * an error of the call bounds nothing: its extents are 0. What could not be read is taken off
 * extents. bytes_delivered and coverage count what the device delivered, not what the page cache
 * held. OUT is to be freed with xp_readback_result_free, also after an error (it holds what was
 * read).
 */
MUST_USE enum xp_rc xp_verify_run(struct xp_readback_result *out,
				  const struct xp_verify_request *req, struct xp_err *err);
