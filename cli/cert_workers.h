/*
 * cert_workers: the same work over many items, on as many threads as there are processors, and the
 * results one after the other in the order of the items.
 */
#pragma once
#include "base/err.h"

#define XP_WORKERS_MAX 64

struct xp_work {
	size_t n; /* items */
	unsigned workers;
	void *ctx;
	/* On some thread, WORKER of them; SLOT is zeroed. */
	void (*work)(void *ctx, unsigned worker, size_t item, void *slot);
	/* On the caller's thread, in the order of the items; empties SLOT. */
	void (*take)(void *ctx, size_t item, void *slot);
	size_t slot_bytes;
};

/* The processors that this process may use, at most XP_WORKERS_MAX. */
unsigned xp_workers_count(void);
/* All items, or an error of our own: XP_E_NOMEM. With one worker no thread is made. */
MUST_USE enum xp_rc xp_work_run(const struct xp_work *w, struct xp_err *err);
