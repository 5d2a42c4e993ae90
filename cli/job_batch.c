#include "cli/job_batch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/thread.h"
#include "cli/job_attempt.h"
#include "cli/job_export.h"
#include "cli/job_keep.h"
#include "cli/job_progress.h"
#include "cli/job_record.h"
#include "cli/job_tell.h"
#include "cli/output.h"

enum xp_rc xp_batch_new(struct xp_batch *b, unsigned n, struct xp_err *err)
{
	*b = (struct xp_batch){0};
	if (n == 0 || n > XP_BATCH_MAX)
		return xp_fail(err, XP_E_USAGE, "%u targets: from 1 to %d at once", n,
			       XP_BATCH_MAX);
	b->jobs = calloc(n, sizeof(*b->jobs));
	if (!b->jobs)
		return xp_fail(err, XP_E_NOMEM, "%u jobs", n);
	b->n = n;
	return XP_OK;
}

void xp_batch_free(struct xp_batch *b)
{
	for (unsigned i = 0; i < b->n; i++)
		xp_job_free(&b->jobs[i]);
	free(b->jobs);
	*b = (struct xp_batch){0};
}

/* What it left is in the boxes by now; a file more on the stick is for who takes it along. */
static void execute(struct xp_job *job)
{
	xp_job_execute(job);
	if (*job->record_name && job->setup->state)
		xp_export_record_beside_boxes(job->setup->state, job->record_name);
}

static void *worker(void *job)
{
	execute(job);
	return NULL;
}

static bool is_file(const struct xp_job *job)
{
	return job->plan.has_technique && job->plan.technique == XP_FILE_OVERWRITE;
}

static bool is_to_run(const struct xp_job *job)
{
	return job->state == XP_JOB_PLANNED && job->err.rc == XP_OK;
}

/* Files have one worker for them all: there may be many, and they share what is below them. */
static void *file_worker(void *batch)
{
	struct xp_batch *b = batch;

	for (unsigned i = 0; i < b->n; i++)
		if (is_file(&b->jobs[i]) && is_to_run(&b->jobs[i]))
			execute(&b->jobs[i]);
	return NULL;
}

/*
 * Room for what every one of them may come to is there before the first is begun, or none is.
 */
static enum xp_rc demand_room(struct xp_batch *b, struct xp_err *err)
{
	AUTO_MEM const char **ids = calloc(b->n, sizeof(*ids));
	struct xp_keep *keep = NULL;
	struct xp_err why;
	size_t n = 0;

	if (!ids)
		return xp_fail(err, XP_E_NOMEM, "%u jobs", b->n);
	for (unsigned i = 0; i < b->n; i++) {
		const struct xp_job_setup *setup = b->jobs[i].setup;

		if (!is_to_run(&b->jobs[i]))
			continue;
		if (setup && setup->state)
			keep = setup->state->keep;
		ids[n++] = b->jobs[i].id;
	}
	if (!keep || xp_keep_demand_room(keep, ids, n, &why) == XP_OK)
		return XP_OK;
	for (unsigned i = 0; i < b->n; i++) {
		struct xp_job *job = &b->jobs[i];

		if (!is_to_run(job))
			continue;
		TRY(xp_job_refuse_kept(job, &why, err));
		job->state = XP_JOB_REFUSED;
		job->exit_code = xp_rc_exit_code(XP_E_REFUSED);
		if (job->setup->on_settled)
			job->setup->on_settled(job->setup->on_settled_ctx, job);
		xp_job_emit(job, XP_EVENT_END, NULL, 0, 0, xp_job_end_text(job));
	}
	return XP_OK;
}

struct xp_batch_workers {
	const struct xp_state *state;
	pthread_t *threads;
	bool *started;
	unsigned n;
	bool has_files;
	pthread_t files;
};

enum xp_rc xp_batch_start(struct xp_batch_workers **out, struct xp_batch *b, struct xp_err *err)
{
	struct xp_batch_workers *w = calloc(1, sizeof(*w));
	bool has_files = false;

	if (w) {
		w->threads = calloc(b->n, sizeof(*w->threads));
		w->started = calloc(b->n, sizeof(*w->started));
		w->n = b->n;
		w->state = b->n && b->jobs[0].setup ? b->jobs[0].setup->state : NULL;
	}
	*out = w;
	if (!w || !w->threads || !w->started)
		return xp_fail(err, XP_E_NOMEM, "%u workers", b->n);
	TRY(demand_room(b, err));
	for (unsigned i = 0; i < b->n; i++) {
		if (!is_to_run(&b->jobs[i]))
			continue;
		if (is_file(&b->jobs[i])) {
			has_files = true;
			continue;
		}
		w->started[i] = xp_thread_start(&w->threads[i], worker, &b->jobs[i]) == 0;
		if (!w->started[i])
			worker(&b->jobs[i]); /* no thread to be had: one after another, then */
	}
	w->has_files = has_files && xp_thread_start(&w->files, file_worker, b) == 0;
	if (has_files && !w->has_files)
		file_worker(b);
	return XP_OK;
}

void xp_batch_join(struct xp_batch_workers **workers)
{
	struct xp_batch_workers *w = *workers;

	if (!w)
		return;
	for (unsigned i = 0; w->started && i < w->n; i++)
		if (w->started[i])
			pthread_join(w->threads[i], NULL);
	if (w->has_files)
		pthread_join(w->files, NULL);
	if (w->state)
		xp_export_beside_boxes(w->state);
	free(w->threads);
	free(w->started);
	free(w);
	*workers = NULL;
}

enum xp_rc xp_batch_run(struct xp_batch *b, int events_fd, bool quiet, const struct xp_clock *clock,
			struct xp_err *err)
{
	AUTO(xp_progress_free) struct xp_progress *progress = NULL;
	AUTO(xp_batch_join) struct xp_batch_workers *workers = NULL;
	unsigned slots = 0;

	for (unsigned i = 0; i < b->n; i++)
		slots += is_to_run(&b->jobs[i]);
	if (slots == 0)
		return XP_OK;
	TRY(xp_progress_new(&progress, slots, events_fd, quiet, clock, err));
	slots = 0;
	for (unsigned i = 0; i < b->n; i++)
		if (is_to_run(&b->jobs[i]))
			b->jobs[i].events = xp_progress_events(progress, slots++);
	TRY(xp_batch_start(&workers, b, err));
	xp_progress_draw_until_end(progress);
	return XP_OK;
}

static int report_json(const struct xp_batch *b, int exit_code)
{
	json_t *results = json_array();
	json_t *doc;

	for (unsigned i = 0; i < b->n; i++)
		json_array_append_new(results, xp_job_result_json(&b->jobs[i]));
	doc = json_pack("{s:o}", "results", results);
	if (b->expect) {
		json_t *absent = json_array();

		for (size_t i = 0; i < b->expect->n; i++)
			if (!b->expect->list[i].seen)
				json_array_append_new(absent,
						      json_string(b->expect->list[i].serial));
		json_object_set_new(doc, "absent", absent);
	}
	return xp_exit_worse(exit_code, xp_print_json(doc));
}

int xp_batch_report(const struct xp_batch *b, bool json, bool jsonl)
{
	int exit_code = 0;

	for (unsigned i = 0; i < b->n; i++)
		exit_code = xp_exit_worse(exit_code, b->jobs[i].exit_code);
	if (json)
		return report_json(b, exit_code);
	for (unsigned i = 0; i < b->n; i++) {
		if (jsonl) {
			json_t *o = xp_job_result_json(&b->jobs[i]);
			AUTO_MEM char *text = json_dumps(o, JSON_COMPACT);

			json_decref(o);
			puts(text ? text : "{}");
		} else {
			xp_tell_job(&b->jobs[i]);
		}
	}
	return exit_code;
}
