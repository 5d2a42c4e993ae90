/*
 * extent: reading and writing ranges of a target, fast: io_uring, O_DIRECT, registered buffers, with
 * fall-backs that are recorded. Retries a failed range down to the logical block and reports exactly
 * what could not be read or written.
 */
#pragma once
#include "base/extents.h"
#include "device/interlock.h"
#include "device/protocol/io_how.h"

struct xp_extent_io;

struct xp_extent_config {
	int fd;				/* open for what is asked; stays the caller's */
	const struct xp_permit *permit; /* needed to write: fd must be the permit's own; NULL: read only */
	bool direct;			/* fd has O_DIRECT */
	uint64_t capacity_bytes;
	uint32_t logical_block_bytes;
	uint32_t block_bytes;		/* one request; 0: the default */
	uint32_t depth;			/* requests in flight; 0: the default */
	bool no_uring;			/* use plain pread/pwrite (tests, or the user's wish) */
};

MUST_USE enum xp_rc xp_extent_io_new(struct xp_extent_io **out, const struct xp_extent_config *cfg,
				     struct xp_err *err);
void xp_extent_io_free(struct xp_extent_io **io);

struct xp_extent_job {
	bool write;
	void *ctx;
	/* The next range; false: no more. Ranges may have any length; they are cut into requests. */
	bool (*next)(void *ctx, struct xp_extent *range);
	/* write: puts what belongs at [offset, offset+len) into buf. */
	void (*fill)(void *ctx, uint8_t *buf, uint64_t offset, size_t len);
	/* write: the content repeats every N bytes from byte 0 of the target; a buffer is filled once
	 * and used again where N divides the request size. 0: every buffer is filled. */
	uint32_t period_bytes;
	/* read: the device delivered these bytes. */
	void (*deliver)(void *ctx, const uint8_t *buf, uint64_t offset, size_t len);
	/* after a write: the device took these bytes (may be NULL). Called in any order. */
	void (*written)(void *ctx, uint64_t offset, size_t len);
	/* This range could not be read or written, after all retries. */
	void (*failed)(void *ctx, uint64_t offset, size_t len, int sys_errno);
	/* Asked often; true: stop in good order. */
	bool (*cancelled)(void *ctx);
};

struct xp_extent_stats {
	uint64_t bytes_done;   /* read: delivered by the device; write: taken by it */
	uint64_t bytes_failed;
	struct xp_io_how how;
};

/*
 * Runs the job to its end. Failed ranges are no error of the run: they are reported by `failed`.
 * Errors: XP_E_CANCELLED, XP_E_NOMEM, XP_E_IO where the target is gone (ENODEV, ENXIO) or io itself
 * cannot work. STATS is always filled.
 */
MUST_USE enum xp_rc xp_extent_io_run(struct xp_extent_io *io, const struct xp_extent_job *job,
				     struct xp_extent_stats *stats, struct xp_err *err);
/* Everything written so far is on the medium (fdatasync, and the drive's cache flushed). */
MUST_USE enum xp_rc xp_extent_io_flush(struct xp_extent_io *io, struct xp_err *err);
