#include "cli/job_needed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/job_journal.h"
#include "cli/job_reread.h"
#include "device/refusal.h"

static bool on_cancelled(void *ctx)
{
	const struct xp_job *job = ctx;

	return job->setup->cancelled && job->setup->cancelled();
}

/* The newest ended job on the same target with a claim, or NULL. */
static const struct xp_job_summary *newest_success(const struct xp_job_summaries *all,
						   const struct xp_job *job)
{
	for (size_t i = all->n; i-- > 0;) {
		const struct xp_job_summary *s = &all->list[i];

		if (!s->ended || s->damaged || !xp_job_summary_names(s, &job->target))
			continue;
		return strncmp(s->outcome, "sanitized", 9) == 0 ? s : NULL;
	}
	return NULL;
}

static const struct xp_job_summary *interrupted(const struct xp_job_summaries *all,
						const struct xp_job *job)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct xp_job_summary *s = &all->list[i];

		if (!s->ended && !s->damaged && !s->running &&
		    xp_job_summary_names(s, &job->target))
			return s;
	}
	return NULL;
}

/* Where anything is in doubt the job is needed. */
static bool still_reads_so(struct xp_job *job, const struct xp_record *record)
{
	AUTO(xp_reread_free) struct xp_reread again = {0};
	struct xp_reread_request req = {
		.root = job->setup->root,
		.target = &job->target,
		.record = record,
		.rng = job->setup->rng,
		.ctx = job,
		.cancelled = on_cancelled,
	};
	struct xp_err err;

	return xp_reread_run(&again, &req, &err) == XP_OK && again.verdict == XP_REREAD_CLEAN;
}

/* The record of the newest success stands in for a new job, if it is good enough and still true. */
static void settle_done(struct xp_job *job, const struct xp_job_summary *s)
{
	struct xp_record *record = &job->record;
	struct xp_err err;

	if (xp_record_read_at(record, job->setup->state->certificates_fd, s->record, &err) !=
		    XP_OK ||
	    xp_claim_exit_code(&record->claim, job->plan.asked, job->plan.accepted) != 0 ||
	    !still_reads_so(job, record)) {
		xp_record_free(record);
		memset(record, 0, sizeof(*record));
		return;
	}
	job->state = XP_JOB_NOT_NEEDED;
	job->exit_code = 0;
	memcpy(job->id, s->id, sizeof(job->id));
	snprintf(job->record_name, sizeof(job->record_name), "%s", s->record);
	snprintf(job->signature_name, sizeof(job->signature_name), "%.59s.p7s", s->record);
}

static bool only_interrupted(const struct xp_refusals *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].code != XP_REFUSED_INTERRUPTED_JOB)
			return false;
	return r->n > 0;
}

/* The interrupted job takes the place of the new one: its plan; what is asked is asked today. */
static enum xp_rc take_up(struct xp_job *job, const struct xp_job_summary *s, struct xp_err *err)
{
	const struct xp_job_setup *setup = job->setup;
	const enum xp_level asked = job->plan.asked;
	const enum xp_level accepted = job->plan.accepted;
	char path[sizeof(job->target.path)];
	json_t *first = NULL;
	enum xp_rc rc;

	memcpy(path, job->target.path, sizeof(path));
	xp_job_free(job);
	memset(job, 0, sizeof(*job));
	job->setup = setup;
	rc = xp_job_reopen(job, setup->state, &first, s->id, err);
	json_decref(first);
	if (rc == XP_OK)
		rc = xp_job_resume_prepare(job, setup, path, err);
	job->plan.asked = asked;
	job->plan.accepted = accepted;
	return rc;
}

enum xp_rc xp_job_settle_needed(struct xp_batch *b, struct xp_err *err)
{
	for (unsigned i = 0; i < b->n; i++) {
		AUTO(xp_job_summaries_free) struct xp_job_summaries all = {0};
		struct xp_job *job = &b->jobs[i];
		const struct xp_job_summary *s;

		if (job->state != XP_JOB_PLANNED)
			continue;
		TRY(xp_job_summaries_read(&all, job->setup->state, err));
		s = interrupted(&all, job);
		if (s && only_interrupted(&job->refusals)) {
			struct xp_err why;

			if (take_up(job, s, &why) != XP_OK) {
				job->err = why;
				job->state = XP_JOB_FAILED;
				job->exit_code = xp_rc_exit_code(job->err.rc);
			}
			continue;
		}
		if (!s && !job->refusals.n && (s = newest_success(&all, job)) != NULL)
			settle_done(job, s);
	}
	return XP_OK;
}

bool xp_job_file_is_gone(const struct xp_job *job, const char *path)
{
	char record[XP_UUID_LEN + 8];

	snprintf(record, sizeof(record), "%s.json", job->id);
	return job->plan.technique == XP_FILE_OVERWRITE && access(path, F_OK) && errno == ENOENT &&
	       faccessat(job->setup->state->certificates_fd, record, F_OK, AT_SYMLINK_NOFOLLOW) ==
		       0;
}
