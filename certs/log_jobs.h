/*
 * log_jobs: which jobs the log saw begin and not end: start leaves without a record leaf of their
 * id.
 */
#pragma once
#include "certs/log_leaf.h"

struct xp_log_job {
	uint64_t index; /* of the start leaf */
	char id[XP_UUID_LEN];
	char time[XP_TIME_LEN];
};
struct xp_log_jobs {
	struct xp_log_job *list;
	size_t n;
	size_t cap;
};
void xp_log_jobs_free(struct xp_log_jobs *jobs);

/* Collects leaves in any order; zero it first. */
struct xp_log_tally {
	struct xp_log_jobs starts;
	char (*ended)[XP_UUID_LEN];
	size_t ended_n;
	size_t ended_cap;
};
MUST_USE enum xp_rc xp_log_tally_add(struct xp_log_tally *t, uint64_t index,
				     const struct xp_log_leaf *leaf, struct xp_err *err);
/* What is open, in the log's order; takes the tally's memory and zeroes it. */
void xp_log_tally_open_jobs(struct xp_log_jobs *out, struct xp_log_tally *t);
void xp_log_tally_free(struct xp_log_tally *t);
