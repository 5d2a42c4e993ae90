/*
 * extent_backend: what carries the requests of an extent run: io_uring, plain calls, SCSI commands,
 * or an emulated medium. For the device room and its tests; others use device/extent.h.
 */
#pragma once
#include "device/extent.h"

struct xp_extent_transfer {
	bool write;
	uint8_t *buf;
	size_t len; /* bytes */
	uint64_t offset;
	bool same; /* write: every logical block of BUF holds the same bytes */
};

struct xp_extent_completion {
	unsigned slot;
	int64_t result;	   /* bytes moved, or -errno */
	uint64_t resident; /* of those, bytes that came from the host's page cache */
};

struct xp_extent_backend_ops {
	enum xp_io_backend kind;
	bool emulated; /* no target of the host behind it: writing needs no permit */
	/* Takes over one transfer for SLOT, or returns -errno. BUF stays put until it ended. */
	int (*start)(void *ctx, unsigned slot, const struct xp_extent_transfer *t);
	/*
	 * Waits up to TIMEOUT_MS for at least one transfer to end. Returns how many of OUT are
	 * filled, 0 when time is up, or -errno where the backend itself is broken.
	 */
	int (*wait)(void *ctx, struct xp_extent_completion *out, unsigned max, unsigned timeout_ms);
	int (*flush)(void *ctx); /* 0 or -errno */
	/* After a run: why it went by something less than the kind says; "": it did not. May be
	 * NULL. */
	const char *(*note)(const void *ctx);
	void (*close)(void *ctx);
};

/* An io over a given backend (takes CTX). cfg->fd is not used, cfg->permit only where it must be.
 */
MUST_USE enum xp_rc xp_extent_io_new_over(struct xp_extent_io **out,
					  const struct xp_extent_config *cfg,
					  const struct xp_extent_backend_ops *ops, void *ctx,
					  struct xp_err *err);

/* Appends a reason to how->fallback; what does not fit is cut. */
void xp_io_how_add_fallback(struct xp_io_how *how, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* --- io_uring --- */

extern const struct xp_extent_backend_ops xp_extent_uring_ops;
/*
 * A ring for the calling thread, with FD and ARENA registered where that is possible. HOW gets what
 * was reached and why not more. XP_E_UNSUPPORTED: no io_uring here; HOW says why.
 */
MUST_USE enum xp_rc xp_extent_uring_open(void **out, struct xp_io_how *how, int fd, void *arena,
					 size_t arena_len, unsigned depth, struct xp_err *err);

/* --- plain calls --- */

struct xp_extent_sync {
	int fd;
	bool owns_fd;
	bool buffered;	   /* no O_DIRECT: the page cache is in between */
	bool in_memory;	   /* tmpfs: the page cache is the medium */
	unsigned patience; /* how often more a page that stays in the cache is waited for */
	bool pending;	   /* DONE holds the one transfer that ended */
	struct xp_extent_completion done;
};
extern const struct xp_extent_backend_ops xp_extent_sync_ops;
/* *OUT is a malloc'ed struct xp_extent_sync. OWNS_FD: fd is closed with it, also after an error. */
MUST_USE enum xp_rc xp_extent_sync_open(struct xp_extent_sync **out, int fd, bool owns_fd,
					struct xp_err *err);
/* A second, buffered way to the file or device behind FD, for what O_DIRECT cannot reach. */
MUST_USE enum xp_rc xp_extent_sync_open_buffered(struct xp_extent_sync **out, int fd,
						 struct xp_err *err);
/* How many bytes of the range are in the page cache; all where that cannot be known. */
uint64_t xp_extent_sync_resident(const struct xp_extent_sync *s, uint64_t offset, size_t len);
/*
 * Drops what the page cache has of the first LEN bytes, again and again while some of it stays: a
 * page that the kernel has in its hands for a moment (it makes room, or moves it) cannot be dropped
 * then. Returns what stayed. PAUSE: what lies between two tries; NULL: some milliseconds.
 */
uint64_t xp_extent_sync_drop(const struct xp_extent_sync *s, size_t len, void (*pause)(void *ctx),
			     void *ctx);
/*
 * One transfer, at once. A buffered write is on the medium when it returns; a buffered read drops
 * the page cache first and says in RESIDENT how much could not be dropped (all of it where that
 * cannot be known). Returns the bytes moved or -errno.
 */
int64_t xp_extent_sync_transfer(struct xp_extent_sync *s, const struct xp_extent_transfer *t,
				uint64_t *resident);
