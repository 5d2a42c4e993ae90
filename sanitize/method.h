/*
 * method: one way to destroy data, as a row of functions. A method is one file plus one row in
 * methods.c. The engine journals before start, polls until done, and attaches after an
 * interruption.
 */
#pragma once
#include "claim/evidence.h"
#include "device/interlock.h"
#include "sanitize/engine.h"

enum xp_method_state {
	XP_METHOD_RUNNING, /* poll again */
	XP_METHOD_DONE,	   /* the phase holds the result */
};

/* One pass or one command under way. */
struct xp_method_run {
	const struct xp_engine_request *req;
	struct xp_phase *phase; /* the method fills its result part */
	const struct xp_phase
		*looked;	/* what look() left, of this take or of one before; or NULL */
	uint64_t resume_offset; /* bytes that an earlier take has on the medium; 0: none */
	const struct xp_extents *resume_unwritten; /* what that take could not write; may be NULL */
	const struct xp_phase *resume_phase; /* device techniques: see struct xp_engine_request */
	void *state;			     /* the method's own; freed by its end function */
};

struct xp_method {
	enum xp_technique technique;
	const char *label; /* for a progress line: "overwrite" */
	/*
	 * Looks at what is going to be destroyed, in an identify phase of its own (run->phase) that
	 * is on disk before anything is written; once an attempt. May be NULL.
	 */
	enum xp_rc (*look)(struct xp_method_run *run, struct xp_err *err);
	/* Starts from nothing. Errors: the pass cannot be begun. */
	enum xp_rc (*start)(struct xp_method_run *run, struct xp_err *err);
	/* Takes up what an interrupted take left (resume_offset, or a command that still runs). */
	enum xp_rc (*attach)(struct xp_method_run *run, struct xp_err *err);
	enum xp_rc (*poll)(struct xp_method_run *run, enum xp_method_state *state,
			   struct xp_err *err);
	/* Once the readback is over: a drive that waits for that is told. May be NULL. */
	enum xp_rc (*leave)(struct xp_method_run *run, struct xp_err *err);
	void (*end)(struct xp_method_run *run);
};

/* NULL: this build has no method for the technique. */
const struct xp_method *xp_method_find(enum xp_technique technique);
