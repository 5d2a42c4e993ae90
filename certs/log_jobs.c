#include "certs/log_jobs.h"

#include <stdlib.h>
#include <string.h>

void xp_log_jobs_free(struct xp_log_jobs *jobs)
{
	free(jobs->list);
	*jobs = (struct xp_log_jobs){0};
}

static enum xp_rc add_start(struct xp_log_jobs *jobs, uint64_t index,
			    const struct xp_log_leaf *leaf, struct xp_err *err)
{
	struct xp_log_job *job;

	if (jobs->n == jobs->cap) {
		size_t cap = jobs->cap ? 2 * jobs->cap : 64;
		struct xp_log_job *list = reallocarray(jobs->list, cap, sizeof(*list));

		if (!list)
			return xp_fail(err, XP_E_NOMEM, "log: the list of jobs");
		jobs->list = list;
		jobs->cap = cap;
	}
	job = &jobs->list[jobs->n++];
	*job = (struct xp_log_job){.index = index};
	memcpy(job->id, leaf->id, sizeof(job->id));
	memcpy(job->time, leaf->time, sizeof(job->time));
	return XP_OK;
}

static enum xp_rc add_record(struct xp_log_tally *t, const struct xp_log_leaf *leaf,
			     struct xp_err *err)
{
	if (t->ended_n == t->ended_cap) {
		size_t cap = t->ended_cap ? 2 * t->ended_cap : 64;
		void *list = reallocarray(t->ended, cap, sizeof(*t->ended));

		if (!list)
			return xp_fail(err, XP_E_NOMEM, "log: the list of records");
		t->ended = list;
		t->ended_cap = cap;
	}
	memcpy(t->ended[t->ended_n++], leaf->id, XP_UUID_LEN);
	return XP_OK;
}

enum xp_rc xp_log_tally_add(struct xp_log_tally *t, uint64_t index, const struct xp_log_leaf *leaf,
			    struct xp_err *err)
{
	switch (leaf->type) {
	case XP_LOG_LEAF_START:
		return add_start(&t->starts, index, leaf, err);
	case XP_LOG_LEAF_RECORD:
		return add_record(t, leaf, err);
	case XP_LOG_LEAF_OTHER:
		return XP_OK;
	}
	return XP_OK;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, XP_UUID_LEN);
}

void xp_log_tally_open_jobs(struct xp_log_jobs *out, struct xp_log_tally *t)
{
	size_t kept = 0;

	if (t->ended_n)
		qsort(t->ended, t->ended_n, XP_UUID_LEN, by_id);
	for (size_t i = 0; i < t->starts.n; i++)
		if (!t->ended_n ||
		    !bsearch(t->starts.list[i].id, t->ended, t->ended_n, XP_UUID_LEN, by_id))
			t->starts.list[kept++] = t->starts.list[i];
	t->starts.n = kept;
	*out = t->starts;
	t->starts = (struct xp_log_jobs){0};
	xp_log_tally_free(t);
}

void xp_log_tally_free(struct xp_log_tally *t)
{
	xp_log_jobs_free(&t->starts);
	free(t->ended);
	*t = (struct xp_log_tally){0};
}
