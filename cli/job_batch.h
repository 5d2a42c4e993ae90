/*
 * job_batch: several jobs at once, one worker a target, and how they are told: progress while they
 * run, results at the end.
 */
#pragma once
#include "cli/job.h"

#define XP_BATCH_MAX 1024

struct xp_batch {
	struct xp_job *jobs;
	unsigned n;
	const struct xp_expect_list *expect; /* what stands on it and is absent is reported; NULL */
};

/* Room for N jobs, all zero. */
MUST_USE enum xp_rc xp_batch_new(struct xp_batch *b, unsigned n, struct xp_err *err);
void xp_batch_free(struct xp_batch *b);

/* Runs every job that is not refused or failed yet; returns when all have ended. EVENTS_FD: -1
 * none. */
MUST_USE enum xp_rc xp_batch_run(struct xp_batch *b, int events_fd, bool quiet,
				 const struct xp_clock *clock, struct xp_err *err);

/*
 * The same without a word to anybody but the jobs' own events, which are set already: workers
 * start, and are waited for. OUT is to be joined also after an error.
 */
struct xp_batch_workers;
MUST_USE enum xp_rc xp_batch_start(struct xp_batch_workers **out, struct xp_batch *b,
				   struct xp_err *err);
void xp_batch_join(struct xp_batch_workers **workers);

/* The results: JSON on stdout, or lines for a person. Returns the worst exit code. */
int xp_batch_report(const struct xp_batch *b, bool json, bool jsonl);
