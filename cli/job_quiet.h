/*
 * job_quiet: waits until the host's drives have settled: none came or went for a while, and no
 * controller is still looking. What starts by itself must not start before the drives are there.
 */
#pragma once
#include "base/clock.h"
#include "device/sysroot.h"

enum xp_quiet_end {
	XP_QUIET_SETTLED,
	XP_QUIET_GAVE_UP, /* max_s is over: it goes on with what is there */
	XP_QUIET_STOPPED, /* by the caller's look */
};

struct xp_quiet_request {
	const struct xp_sysroot *root;
	const struct xp_clock *clock;
	uint32_t settle_s, max_s;
	void *ctx;
	/*
	 * Once a second or so: DRIVES are there now, quiet for QUIET_S; BUSY names a controller
	 * that still looks (or ""). Returns true to stop. It is this that waits, too.
	 */
	bool (*look)(void *ctx, size_t drives, uint32_t quiet_s, const char *busy);
};

MUST_USE enum xp_rc xp_quiet_wait(enum xp_quiet_end *end, const struct xp_quiet_request *req,
				  struct xp_err *err);
