#include "cli/job.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/job_attempt.h"
#include "cli/job_folder.h"
#include "cli/job_host.h"
#include "cli/job_journal.h"
#include "cli/job_log.h"
#include "cli/job_record.h"
#include "cli/job_restore.h"
#include "device/interlock.h"
#include "sanitize/method_file_overwrite.h"

#define EXIT_LOWER 3 /* done, and no more can be said */

/* --- the ends --- */

static void fail(struct xp_job *job, const struct xp_err *err)
{
	job->err = *err;
	job->state = XP_JOB_FAILED;
	job->exit_code = xp_rc_exit_code(err->rc);
}

/* The code of a refusal says that nothing was touched: not once the job has begun. */
static int code_when_begun(enum xp_rc rc)
{
	return xp_rc_exit_code(rc == XP_E_REFUSED ? XP_E_IO : rc);
}

static void fail_begun(struct xp_job *job, const struct xp_err *err)
{
	fail(job, err);
	job->exit_code = code_when_begun(err->rc);
}

/* What was refused deep down names its code in front. */
static enum xp_refusal_code code_of(const struct xp_err *err)
{
	const char *name = xp_refusal_code_name(XP_REFUSED_IDENTITY_CHANGED);

	return strncmp(err->msg, name, strlen(name)) == 0 ? XP_REFUSED_IDENTITY_CHANGED
							  : XP_REFUSED_UNKNOWN;
}

static void refuse(struct xp_job *job, const struct xp_err *err)
{
	/* a refusal is told from the list, by its code */
	if (job->refusals.n == 0 &&
	    xp_refusals_add(&job->refusals, NULL, code_of(err),
			    "look what is there now (expunge list, expunge plan), and begin again",
			    "%s", err->msg) != XP_OK)
		job->err = *err;
	job->state = XP_JOB_REFUSED;
	job->exit_code = xp_rc_exit_code(XP_E_REFUSED);
}

/* The take was cancelled: a failure record says so, and the job can be resumed. */
static void end_cancelled(struct xp_job *job)
{
	char id[XP_UUID_LEN];
	int64_t now_ms = xp_clock_wall_ms(job->setup->clock);
	struct xp_err err;

	job->record.evidence.cancelled = true;
	job->state = XP_JOB_INTERRUPTED;
	job->exit_code = xp_rc_exit_code(XP_E_CANCELLED);
	if (xp_uuid7(id, job->setup->rng, now_ms, &err) != XP_OK ||
	    xp_job_record_write(job, id, &err) != XP_OK ||
	    xp_job_journal_cancelled(job, id, &err) != XP_OK)
		fail_begun(job, &err);
}

static bool is_about_the_target(enum xp_rc rc)
{
	return rc == XP_E_IO || rc == XP_E_DEVICE || rc == XP_E_TIMEOUT || rc == XP_E_REFUSED ||
	       rc == XP_E_INDETERMINATE || rc == XP_E_UNSUPPORTED;
}

/* Nothing is wrong with the target: the journal stands open, and the job goes on once there is
 * room. */
static void end_without_journal(struct xp_job *job, struct xp_err *err)
{
	if (job->setup->state->keep)
		(void)xp_err_prefix(err,
				    "what comes next cannot be kept; put the stick back and go on "
				    "with: expunge resume %s",
				    job->id);
	else
		(void)xp_err_prefix(err,
				    "the state folder %s takes no more; make room there and go on "
				    "with: expunge resume %s",
				    job->setup->state->path, job->id);
	fail_begun(job, err);
}

/* The last of its files takes the folder with it. */
static void remove_folder(struct xp_job *job, const char *path)
{
	char stays[256];
	struct xp_err err;

	if (*job->folder &&
	    xp_folder_prune(stays, job->folder, path, job->setup->rng, &err) != XP_OK)
		xp_job_emit(job, XP_EVENT_WARNING, "unlink", 0, 0, err.msg);
}

/* Its contents are gone and the record is kept: now the name. What fails here is no residue. */
static void remove_file(struct xp_job *job, const struct xp_permit *permit)
{
	struct xp_err err;

	if (job->plan.technique != XP_FILE_OVERWRITE ||
	    (job->exit_code != 0 && job->exit_code != EXIT_LOWER))
		return;
	if (!job->file_gone && xp_file_remove(permit, job->setup->rng, &err) != XP_OK)
		xp_job_emit(job, XP_EVENT_WARNING, "unlink", 0, 0, err.msg);
	else
		remove_folder(job, job->target.path);
}

/* The job had ended, but for its last line. */
static void end_as_written(struct xp_job *job, const struct xp_permit *permit)
{
	const struct xp_evidence *ev = &job->record.evidence;
	struct xp_err err;

	for (size_t i = 0; i < ev->n; i++) {
		if (ev->phases[i].kind == XP_PHASE_ERASE)
			job->bytes_written += ev->phases[i].overwrite.bytes_written;
		if (ev->phases[i].kind == XP_PHASE_READBACK)
			job->bytes_read += ev->phases[i].readback.bytes_delivered;
	}
	job->state = XP_JOB_ENDED;
	job->exit_code =
		xp_claim_exit_code(&job->record.claim, job->plan.asked, job->plan.accepted);
	remove_file(job, permit);
	if (xp_job_journal_end(job, &err) != XP_OK)
		fail_begun(job, &err);
}

/* Whatever happened to the target after the first phase began is told in a signed record. */
static void end_with_record(struct xp_job *job, const struct xp_permit *permit,
			    const struct xp_err *run_err)
{
	const struct xp_plan *plan = &job->plan;
	struct xp_err err;

	if (xp_job_record_write(job, job->id, &err) != XP_OK) {
		fail_begun(job, &err);
		return;
	}
	job->state = XP_JOB_ENDED;
	job->exit_code = xp_claim_exit_code(&job->record.claim, plan->asked, plan->accepted);
	if (run_err)
		job->err = *run_err;
	if (run_err && job->exit_code == 0)
		job->exit_code = code_when_begun(run_err->rc);
	remove_file(job, permit);
	if (xp_job_journal_end(job, &err) != XP_OK)
		fail_begun(job, &err);
}

/* Nothing was erased yet, and the operator has to do something first: there is nothing to certify.
 */
static void end_waiting(struct xp_job *job, const struct xp_err *err)
{
	job->err = *err;
	job->state = XP_JOB_INTERRUPTED;
	job->exit_code = xp_rc_exit_code(XP_E_CANCELLED);
}

static void run_held(struct xp_job *job, const struct xp_permit *permit)
{
	struct xp_err err;
	enum xp_rc rc = xp_job_restore(job, permit, &err);

	if (rc == XP_OK)
		rc = xp_job_carry_out(job, permit, &err);
	if (job->restore.waits)
		end_waiting(job, &err);
	else if (rc == XP_E_CANCELLED)
		end_cancelled(job);
	else if (rc == XP_OK)
		end_with_record(job, permit, NULL);
	else if (job->journal_failed)
		end_without_journal(job, &err);
	else if (is_about_the_target(rc))
		end_with_record(job, permit, &err);
	else
		fail_begun(job, &err);
}

static enum xp_rc begin_new(struct xp_job *job, struct xp_err *err)
{
	TRY(xp_job_record_begin(job, err));
	xp_job_begin_with_keys(job);
	TRY(xp_job_draw_keys(job, err));
	TRY(xp_journal_create(&job->journal, job->setup->state->jobs_fd, job->id, err));
	xp_journal_keep(job->journal, job->setup->state->durable);
	return xp_job_journal_start(job, err);
}

/* The log has the start before the first destructive byte; once, also after an interruption. */
static enum xp_rc log_start(struct xp_job *job, struct xp_err *err)
{
	if (job->record.log.present)
		return XP_OK;
	TRY(xp_job_log_start(job, err));
	return xp_job_journal_log(job, err);
}

static enum xp_rc begin(bool *written, struct xp_job *job, struct xp_err *err)
{
	enum xp_rc rc = XP_OK;

	if (job->resume.active)
		rc = xp_job_record_take_written(written, job, err);
	if (rc == XP_OK && !*written)
		rc = job->resume.active ? xp_job_journal_resume(job, err) : begin_new(job, err);
	if (rc == XP_OK)
		rc = log_start(job, err);
	if (rc != XP_E_IO)
		return rc;
	/* this take has touched nothing yet */
	TRY(xp_refusals_add(&job->refusals, err, XP_REFUSED_NO_DURABLE_OUTPUT,
			    "make room there, or name another folder with --state",
			    "%s: nothing can be written into %s: %s", job->target.path,
			    job->setup->state->path, err->msg));
	return XP_E_REFUSED;
}

/* Refusals that are cheap to find are found before anything is held. */
static enum xp_rc check_before(struct xp_job *job, struct xp_err *err)
{
	TRY(xp_job_check_clock(&job->refusals, job->setup, job->resume.last_s, err));
	return xp_job_record_reserve(job, err);
}

void xp_job_execute(struct xp_job *job)
{
	AUTO(xp_permit_release) struct xp_permit *permit = NULL;
	uint64_t start_ns = job->setup->clock->monotonic_ns(job->setup->clock->ctx);
	bool written = false;
	struct xp_err err = {0};
	enum xp_rc rc;

	xp_job_emit(job, XP_EVENT_PHASE, "interlock", 0, 0, NULL);
	rc = check_before(job, &err);
	if (rc == XP_OK && job->refusals.n == 0 && !job->file_gone)
		rc = xp_job_interlock_acquire(&permit, job, &err);
	/* while the operator was asked, another process may have begun and died */
	if (rc == XP_OK && permit && !job->resume.active)
		rc = xp_job_refuse_open_jobs(job, &err);
	if (rc == XP_OK && permit && job->refusals.n == 0)
		rc = xp_job_check_plan(job, permit, &err);
	if (job->refusals.n)
		rc = XP_E_REFUSED;
	if (rc == XP_OK)
		rc = begin(&written, job, &err);
	if (rc == XP_E_REFUSED)
		refuse(job, &err);
	else if (rc != XP_OK)
		fail(job, &err);
	if (job->setup->on_settled)
		job->setup->on_settled(job->setup->on_settled_ctx, job);
	if (rc == XP_OK && written)
		end_as_written(job, permit);
	else if (rc == XP_OK)
		run_held(job, permit);
	xp_permit_release(&permit);
	xp_job_record_unreserve(job);
	job->seconds =
		(job->setup->clock->monotonic_ns(job->setup->clock->ctx) - start_ns) / 1000000000u;
	xp_job_emit(job, XP_EVENT_END, NULL, 0, 0, xp_job_end_text(job));
}
