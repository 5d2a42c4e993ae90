/*
 * writer: one pass over a target: writes the content from an offset to the end, flushes on the way
 * and at the end, and lists what the target did not take.
 */
#pragma once
#include "claim/evidence.h"
#include "device/extent.h"

#define XP_OVERWRITE_CHECKPOINT_BYTES (16ull << 30)
#define XP_OVERWRITE_CHECKPOINT_MS    15000u

struct xp_overwrite_request {
	struct xp_extent_io *io; /* made with a permit */
	uint64_t capacity_bytes;
	uint32_t logical_block_bytes;
	struct xp_content content; /* not XP_CONTENT_UNKNOWN */
	uint32_t pass, passes;	   /* from 1 */
	/* Resume: everything below was written and flushed before, but for what is listed. 0 and
	 * NULL: from the start. Rounded down to a logical block. */
	uint64_t start_offset;
	const struct xp_extents *unwritten_before;
	/* A stretch ends, is flushed and told, after so many bytes or ms; 0: the defaults above. */
	uint64_t checkpoint_bytes;
	uint32_t checkpoint_ms;
	uint32_t stall_ms;	      /* as in struct xp_extent_job */
	bool portable;		      /* no wide instructions of the CPU: for comparisons */
	const struct xp_clock *clock; /* NULL: the machine's own */
	void *ctx;
	/* About ten times a second, and at the end; in bytes of this pass. May be NULL. */
	void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
	/*
	 * Every byte below FLUSHED_BELOW is on the medium or listed in so_far->unwritten. Not
	 * called any more once a flush has failed. An error ends the pass and is returned. May be
	 * NULL.
	 */
	enum xp_rc (*checkpoint)(void *ctx, const struct xp_overwrite_result *so_far,
				 uint64_t flushed_below, struct xp_err *err);
	bool (*cancelled)(void *ctx); /* may be NULL */
};

/*
 * Writes one pass. Sectors that were not written are results (out->unwritten), no error of the
 * call; out->flushed is true only where every flush of this call succeeded, the last one included.
 * out->bytes_written counts the bytes below start_offset that were written before, too.
 * Errors: XP_E_CANCELLED, and those of xp_extent_io_run and of checkpoint. OUT is always filled,
 * and to be freed with xp_overwrite_result_free. After an error it resumes at the last checkpoint.
 */
MUST_USE enum xp_rc xp_overwrite_run(struct xp_overwrite_result *out,
				     const struct xp_overwrite_request *req, struct xp_err *err);
