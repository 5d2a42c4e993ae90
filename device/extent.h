/*
 * extent: reading and writing ranges of a target, fast: io_uring, O_DIRECT, registered buffers,
 * with fall-backs that are recorded. Retries a failed range down to the logical block and reports
 * exactly what could not be read or written.
 */
#pragma once
#include "base/clock.h"
#include "base/extents.h"
#include "device/interlock.h"
#include "device/protocol/io_how.h"

struct xp_extent_io;

struct xp_drive_facts;

struct xp_extent_config {
	int fd; /* open for what is asked; stays the caller's */
	const struct xp_permit
		*permit; /* needed to write: fd must be the permit's own; NULL: read only */
	/* for transfers by commands: who is to answer behind a unit attention; NULL: anybody */
	const struct xp_drive_facts *known;
	bool direct;  /* fd has O_DIRECT */
	bool repeats; /* what will be written is the same in every logical block */
	uint64_t capacity_bytes;
	uint32_t logical_block_bytes;
	uint32_t block_bytes;	      /* one request; 0: the default */
	uint32_t depth;		      /* requests in flight; 0: the default */
	bool no_uring;		      /* use plain pread/pwrite (tests, or the user's wish) */
	const struct xp_clock *clock; /* for stalls; NULL: the machine's own */
	uint32_t stall_ms; /* for a flush: no answer for so long is XP_E_TIMEOUT; 0: the default */
};

/* Bounds of one target: requests in flight, and the memory of their buffers. */
#define XP_EXTENT_DEPTH_MAX  64u
#define XP_EXTENT_MEMORY_MAX (8u << 20)
/* No request ended for so long while some were under way: the target is given up. */
#define XP_EXTENT_STALL_DEFAULT_MS 600000u
#define XP_EXTENT_STALL_NEVER	   UINT32_MAX
/* After a cancellation requests under way get this long to end; then they are abandoned. */
#define XP_EXTENT_DRAIN_MS 30000u

MUST_USE enum xp_rc xp_extent_io_new(struct xp_extent_io **out, const struct xp_extent_config *cfg,
				     struct xp_err *err);
void xp_extent_io_free(struct xp_extent_io **io);

struct xp_extent_job {
	bool write;
	uint32_t request_bytes; /* 0: the config's block_bytes */
	uint32_t depth;		/* 0: the config's */
	uint32_t stall_ms;	/* 0: XP_EXTENT_STALL_DEFAULT_MS; or XP_EXTENT_STALL_NEVER */
	void *ctx;
	/* The next range; false: no more. Ranges may have any length; they are cut into requests.
	 */
	bool (*next)(void *ctx, struct xp_extent *range);
	/* write: puts what belongs at [offset, offset+len) into buf; false: it cannot, and the run
	 * ends with XP_E_INTERNAL, nothing of it written. */
	bool (*fill)(void *ctx, uint8_t *buf, uint64_t offset, size_t len);
	/* write: the content repeats every N bytes from byte 0 of the target; a buffer is filled
	 * once and used again where N divides the logical block. 0: every buffer is filled. */
	uint32_t period_bytes;
	/* read: these bytes stand there. They may be parts of a range, and come in any order. */
	void (*deliver)(void *ctx, const uint8_t *buf, uint64_t offset, size_t len);
	/* after a write: the device took these bytes (may be NULL). Called in any order. */
	void (*written)(void *ctx, uint64_t offset, size_t len);
	/* This range could not be read or written, after all retries. */
	void (*failed)(void *ctx, uint64_t offset, size_t len, int sys_errno);
	/* Asked often, while waiting too; true: stop in good order. May be NULL. */
	bool (*cancelled)(void *ctx);
};

struct xp_extent_stats {
	uint64_t bytes_done;	 /* read: delivered by the device; write: taken by it */
	uint64_t bytes_resident; /* read: came from the host's page cache, not from the device */
	uint64_t bytes_failed;
	bool stalled; /* the target stopped to answer; what was under way counts as failed */
	struct xp_io_how how;
};

/*
 * Runs the job to its end on the calling thread; no thread is made. One run at a time. Failed
 * ranges are no error of the run: they are reported by `failed`, to the logical block, after a
 * request was halved and a block tried three times (in a long stretch where nothing works, less
 * finely). Errors: XP_E_CANCELLED; XP_E_REFUSED (a write without a permit); XP_E_USAGE (a range
 * outside of the capacity); XP_E_NOMEM; XP_E_IO where the target is gone (ENODEV, ENXIO, ...) or io
 * itself cannot work; XP_E_TIMEOUT where it hangs (see stall_ms). STATS is always filled.
 *
 * A target that hangs: with io_uring, run returns when stall_ms are over, or XP_EXTENT_DRAIN_MS
 * after a cancellation. Requests that never ended stay with the kernel, which keeps their pages; IO
 * can then only be freed. With the plain calls (how.backend is XP_IO_SYNC) the thread itself may
 * hang in the kernel, and so may xp_extent_io_flush: whoever watches it asks xp_extent_io_idle_ms
 * from another thread, and abandons the thread together with IO.
 */
MUST_USE enum xp_rc xp_extent_io_run(struct xp_extent_io *io, const struct xp_extent_job *job,
				     struct xp_extent_stats *stats, struct xp_err *err);
/* Everything written so far is on the medium (fdatasync, and the drive's cache flushed). */
MUST_USE enum xp_rc xp_extent_io_flush(struct xp_extent_io *io, struct xp_err *err);

/*
 * Adds the places of an image file where nothing is stored, for a file that was written whole: what
 * stood there was let go without being overwritten, or the file system stores no zeros. A block
 * device has none.
 */
MUST_USE enum xp_rc xp_extent_io_holes(struct xp_extents *out, const struct xp_extent_io *io,
				       struct xp_err *err);

/* The same, of [FROM, TO) only. */
MUST_USE enum xp_rc xp_extent_io_holes_in(struct xp_extents *out, const struct xp_extent_io *io,
					  uint64_t from, uint64_t to, struct xp_err *err);

/* Milliseconds since the last request ended while some are under way; 0: none are. From any thread.
 */
uint64_t xp_extent_io_idle_ms(const struct xp_extent_io *io);
