/* extent_io: the inside of an extent io, shared by its making (extent.c) and its runs
 * (extent_run.c). */
#pragma once
#include <stdatomic.h>
#include <sys/types.h>

#include "device/extent_backend.h"

struct xp_extent_io {
	struct xp_extent_config cfg;
	const struct xp_extent_backend_ops *ops;
	void *backend; /* NULL: to be opened by the next run */
	bool given;    /* the backend was given by the caller and stays */
	pid_t owner;   /* thread that opened it: a ring belongs to one thread */
	unsigned opened_depth;
	bool direct;
	bool is_file; /* an image: others may cut it while it is written */
	/* a loop: bytes of the file below it that stayed in the host's cache, whichever they are */
	uint64_t resident_below;
	bool lost;	/* the target hangs: requests are still with the kernel */
	uint32_t align; /* of offsets and lengths that the backend can do */
	uint32_t unit;	/* what a failure is narrowed down to */
	struct xp_io_how how;
	struct xp_extent_sync *main_sync; /* the backend, where it is plain calls */
	struct xp_extent_sync *side;	  /* buffered second way; NULL: not opened yet */
	uint8_t *arena;
	size_t arena_len;
	_Atomic uint64_t
		busy_since_ns; /* last completion while requests are under way; 0: none are */
};

/* Is the image shorter than it was said to be? */
bool xp_extent_io_is_cut(const struct xp_extent_io *io);
/*
 * For a loop: what O_DIRECT reads of it would come out of the cache of the file below. Drops that,
 * and notes in io->resident_below what stays, all where it cannot be told.
 */
void xp_extent_io_drop_below(struct xp_extent_io *io);
uint64_t xp_extent_io_now_ns(const struct xp_extent_io *io);
/*
 * Opens the way to the target for the calling thread, with buffers of ARENA_BYTES and room for
 * DEPTH requests; a way that is open and will do is kept. io->how says what it is.
 */
MUST_USE enum xp_rc xp_extent_io_open(struct xp_extent_io *io, size_t arena_bytes, unsigned depth,
				      struct xp_err *err);
/* O_DIRECT is not taken: what is opened next goes through the page cache. Nothing is under way. */
void xp_extent_io_drop_direct(struct xp_extent_io *io);
/* The buffered second way; NULL: there is none. */
struct xp_extent_sync *xp_extent_io_side(struct xp_extent_io *io);
/* Does errno E mean that the target is no longer there? */
bool xp_extent_io_is_gone(const struct xp_extent_io *io, int e);
