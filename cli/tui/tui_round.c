#include "cli/tui/tui_round.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/thread.h"
#include "cli/output.h"
#include "cli/tui/tui_result.h"

/* One job on its way. MUTEX guards all but JOB, which is the thread's until it is prepared. */
struct slot {
	struct xp_tui_round *round;
	unsigned index;
	char path[4096];
	struct xp_job *job; /* while it is planned; later it stands in the batch */
	bool prepared;
	struct xp_err err; /* of the preparation */
	bool is_begun, has_event;
	bool is_phase;
	char phase[64];
	uint64_t done, total;
	char warning[256];
	bool settled, ended, told;
};

struct xp_tui_round {
	pthread_mutex_t mutex;
	unsigned id, n;
	size_t first; /* of the machine's jobs */
	struct slot *slots;
	char resume_id[XP_UUID_LEN]; /* empty: a new run */
	const struct xp_session *session;
	struct xp_plan_options own_options; /* of a job that goes on */
	struct xp_job_setup setup;
	struct xp_clock_steady steady;
	struct xp_clock clock;
	struct xp_inventory inventory;
	struct xp_confirms confirms;
	struct xp_batch batch;
	unsigned *slot_of; /* job of the batch -> slot */
	struct xp_batch_workers *workers;
	uint64_t begun_ms;
	unsigned threads; /* that plan, and have the round in their hands */
	bool planned, started, over;
	/* the last words of a batch go to the stick, which may take its time */
	pthread_t closer;
	bool has_closer, closed;
	int exit_code;
};

/* ---- in threads: the plans ---- */

static enum xp_rc reopen(struct xp_tui_round *r, struct slot *s, struct xp_err *err)
{
	json_t *first = NULL;
	const char *confirm;
	enum xp_rc rc = xp_job_reopen(s->job, r->session->setup.state, &first, r->resume_id, err);

	if (rc == XP_OK)
		rc = xp_policy_parse(&r->own_options.policy, s->job->record.policy_json,
				     s->job->record.policy_len, err);
	/* the operator confirmed this very target when the job began; it must still be that one */
	confirm = json_string_value(json_object_get(first, "confirm"));
	if (rc == XP_OK)
		rc = xp_confirms_add(&r->confirms, confirm ? confirm : "", err);
	json_decref(first);
	TRY(rc);
	r->setup.confirms = xp_confirms_list(&r->confirms);
	return xp_job_resume_prepare(s->job, &r->setup, s->path, err);
}

static void *prepare_one(void *slot)
{
	struct slot *s = slot;
	struct xp_tui_round *r = s->round;
	struct xp_err err = {0};
	enum xp_rc rc = *r->resume_id ? reopen(r, s, &err)
				      : xp_job_prepare(s->job, &r->setup, s->path, &err);

	if (rc != XP_OK) {
		snprintf(s->job->target.path, sizeof(s->job->target.path), "%s", s->path);
		s->job->state = XP_JOB_FAILED;
		s->job->err = err;
		s->job->exit_code = xp_rc_exit_code(rc);
	}
	pthread_mutex_lock(&r->mutex);
	s->prepared = true;
	r->threads--;
	pthread_mutex_unlock(&r->mutex);
	return NULL;
}

/* First who is here, then each drive by itself. */
static void *prepare_all(void *round)
{
	struct xp_tui_round *r = round;
	struct xp_err err;

	if (xp_inventory_scan(&r->inventory, r->session->setup.root, &err) != XP_OK)
		xp_say("%s", err.msg);
	pthread_mutex_lock(&r->mutex);
	r->threads += r->n;
	pthread_mutex_unlock(&r->mutex);
	for (unsigned i = 0; i < r->n; i++)
		if (xp_thread_start(NULL, prepare_one, &r->slots[i]) != 0)
			prepare_one(&r->slots[i]);
	pthread_mutex_lock(&r->mutex);
	r->threads--;
	pthread_mutex_unlock(&r->mutex);
	return NULL;
}

/* ---- in threads: the work ---- */

static void on_event(void *ctx, const struct xp_event *e)
{
	struct slot *s = ctx;
	struct xp_tui_round *r = s->round;

	pthread_mutex_lock(&r->mutex);
	switch (e->kind) {
	case XP_EVENT_PHASE:
		s->is_phase = true;
		snprintf(s->phase, sizeof(s->phase), "%s", e->phase ? e->phase : "");
		s->done = e->done_bytes;
		s->total = e->total_bytes;
		s->has_event = true;
		break;
	case XP_EVENT_PROGRESS:
		s->done = e->done_bytes;
		s->total = e->total_bytes;
		s->has_event = true;
		break;
	case XP_EVENT_WARNING:
		snprintf(s->warning, sizeof(s->warning), "%s", e->text ? e->text : "");
		break;
	case XP_EVENT_END:
		s->ended = true;
		break;
	}
	pthread_mutex_unlock(&r->mutex);
}

static void on_settled(void *ctx, const struct xp_job *job)
{
	struct xp_tui_round *r = ctx;
	struct slot *s = &r->slots[r->slot_of[job - r->batch.jobs]];

	pthread_mutex_lock(&r->mutex);
	s->settled = true;
	pthread_mutex_unlock(&r->mutex);
}

static void *close_batch(void *round)
{
	struct xp_tui_round *r = round;

	xp_batch_join(&r->workers);
	pthread_mutex_lock(&r->mutex);
	r->closed = true;
	pthread_mutex_unlock(&r->mutex);
	return NULL;
}

/* ---- the screen's thread ---- */

static enum xp_rc round_new(struct xp_tui_round **out, unsigned id, unsigned n,
			    const struct xp_session *session, const struct xp_plan_options *options,
			    struct xp_err *err)
{
	struct xp_tui_round *r = calloc(1, sizeof(*r));

	*out = r;
	if (!r)
		return xp_fail(err, XP_E_NOMEM, "plan");
	pthread_mutex_init(&r->mutex, NULL);
	r->id = id;
	r->session = session;
	r->clock = xp_clock_steady_from_now(&r->steady);
	r->setup = session->setup;
	r->setup.options = options ? options : &r->own_options;
	r->setup.inventory = &r->inventory;
	r->setup.clock = &r->clock;
	r->setup.confirms = xp_confirms_list(&r->confirms);
	r->setup.on_settled_ctx = r;
	r->setup.on_settled = on_settled;
	r->slots = calloc(n, sizeof(*r->slots));
	if (!r->slots)
		return xp_fail(err, XP_E_NOMEM, "plan");
	for (unsigned i = 0; i < n; i++) {
		r->slots[i].round = r;
		r->slots[i].index = i;
		r->slots[i].job = calloc(1, sizeof(*r->slots[i].job));
		if (!r->slots[i].job)
			return xp_fail(err, XP_E_NOMEM, "plan");
	}
	r->n = n;
	return XP_OK;
}

static enum xp_rc begin(struct xp_tui_round *r, struct xp_tui *t, struct xp_err *err)
{
	r->begun_ms = t->now_ms;
	t->round_ready = false;
	r->threads = 1;
	if (xp_thread_start(NULL, prepare_all, r) == 0)
		return XP_OK;
	r->threads = 0;
	return xp_fail(err, XP_E_NOMEM, "no thread to be had");
}

enum xp_rc xp_tui_round_plan(struct xp_tui_round **out, struct xp_tui *t, unsigned id,
			     const struct xp_session *session,
			     const struct xp_plan_options *options, struct xp_err *err)
{
	struct xp_tui_round *r;
	unsigned n = 0;

	*out = NULL;
	for (size_t i = 0; i < t->drives_n; i++)
		n += t->drives[i].selected;
	if (n == 0 || n > XP_BATCH_MAX)
		return xp_fail(err, XP_E_USAGE, "%u drives are selected: from 1 to %d at once", n,
			       XP_BATCH_MAX);
	TRY(round_new(out, id, n, session, options, err));
	r = *out;
	TRY(xp_tui_jobs_add(t, &r->first, id, n, err));
	n = 0;
	for (size_t i = 0; i < t->drives_n; i++) {
		const struct xp_tui_drive *d = &t->drives[i];
		struct xp_tui_job *j = &t->jobs[r->first + n];

		if (!d->selected)
			continue;
		snprintf(r->slots[n++].path, sizeof(r->slots[0].path), "%s", d->path);
		snprintf(j->path, sizeof(j->path), "%s", d->path);
		snprintf(j->serial, sizeof(j->serial), "%s", d->serial);
		snprintf(j->model, sizeof(j->model), "%s", d->model);
		snprintf(j->confirm, sizeof(j->confirm), "%s", d->confirm);
		snprintf(j->drive_confirm, sizeof(j->drive_confirm), "%s", d->confirm);
		j->diskseq = d->diskseq;
		j->bytes = d->bytes;
	}
	t->round = id;
	return begin(r, t, err);
}

enum xp_rc xp_tui_round_resume(struct xp_tui_round **out, struct xp_tui *t, unsigned id,
			       const struct xp_session *session, const struct xp_tui_left *left,
			       struct xp_err *err)
{
	struct xp_tui_round *r;
	struct xp_tui_job *j;

	*out = NULL;
	TRY(round_new(out, id, 1, session, NULL, err));
	r = *out;
	TRY(xp_tui_jobs_add(t, &r->first, id, 1, err));
	j = &t->jobs[r->first];
	snprintf(r->resume_id, sizeof(r->resume_id), "%s", left->id);
	snprintf(r->slots[0].path, sizeof(r->slots[0].path), "%s", left->path);
	snprintf(j->path, sizeof(j->path), "%s", left->path);
	snprintf(j->serial, sizeof(j->serial), "%s", left->confirm);
	snprintf(j->confirm, sizeof(j->confirm), "%s", left->confirm);
	snprintf(j->drive_confirm, sizeof(j->drive_confirm), "%s", left->confirm);
	r->own_options.allow_remote = false;
	return begin(r, t, err);
}

bool xp_tui_round_is_busy(const struct xp_tui_round *r)
{
	if (!r->planned)
		return true;
	for (unsigned i = 0; r->started && i < r->n; i++)
		if (r->slots[i].is_begun && !r->slots[i].settled && !r->slots[i].ended)
			return true;
	return false;
}

bool xp_tui_round_waits(const struct xp_tui_round *r)
{
	return r->planned && !r->started && !r->over;
}

bool xp_tui_round_is_leaving(const struct xp_tui_round *r, struct xp_tui *t)
{
	if (r->started || *r->resume_id)
		return false;
	for (unsigned i = 0; i < r->n; i++)
		t->jobs[r->first + i].state = XP_TUI_JOB_LEFT;
	return true;
}

bool xp_tui_round_is_over(struct xp_tui_round *r)
{
	bool closed;

	if (!r->over || !r->workers)
		return r->over;
	if (!r->has_closer) {
		r->has_closer = xp_thread_start(&r->closer, close_batch, r) == 0;
		return !r->has_closer;
	}
	pthread_mutex_lock(&r->mutex);
	closed = r->closed;
	pthread_mutex_unlock(&r->mutex);
	return closed;
}

int xp_tui_round_exit_code(const struct xp_tui_round *r)
{
	return r->exit_code;
}

/* Prepared ones move into the batch; one that still hangs keeps its memory for ever. */
static enum xp_rc gather(struct xp_tui_round *r, struct xp_tui *t, struct xp_err *err)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n; i++)
		n += r->slots[i].prepared;
	r->slot_of = calloc(r->n + 1u, sizeof(*r->slot_of));
	if (!r->slot_of)
		return xp_fail(err, XP_E_NOMEM, "plan");
	if (n)
		TRY(xp_batch_new(&r->batch, n, err));
	n = 0;
	for (unsigned i = 0; i < r->n; i++) {
		struct slot *s = &r->slots[i];
		struct xp_tui_job *j = &t->jobs[r->first + i];

		if (!s->prepared) {
			j->state = XP_TUI_JOB_REFUSED;
			snprintf(j->text, sizeof(j->text), "it did not answer in time");
			continue;
		}
		r->slot_of[n] = i;
		r->batch.jobs[n++] = *s->job;
		free(STEAL(s->job));
	}
	return XP_OK;
}

/* The rules between plan and hold, as `run` has them. */
static enum xp_rc settle(struct xp_tui_round *r, struct xp_err *err)
{
	for (unsigned i = 0; i < r->batch.n; i++) {
		struct xp_job *job = &r->batch.jobs[i];
		struct xp_err why;

		if (job->state != XP_JOB_PLANNED ||
		    xp_batch_demand_once(&r->batch, i, &why) == XP_OK)
			continue;
		job->state = XP_JOB_FAILED;
		job->err = why;
		job->exit_code = xp_rc_exit_code(why.rc);
	}
	if (!*r->resume_id) {
		TRY(xp_batch_part_same_names(&r->batch, &r->confirms, err));
		xp_batch_settle_refused(&r->batch);
	}
	for (unsigned i = 0; *r->resume_id && i < r->batch.n; i++)
		if (r->batch.jobs[i].refusals.n && r->batch.jobs[i].state == XP_JOB_PLANNED) {
			r->batch.jobs[i].state = XP_JOB_REFUSED;
			r->batch.jobs[i].exit_code = xp_rc_exit_code(XP_E_REFUSED);
		}
	return XP_OK;
}

static void make_word(char out[16])
{
	static const char *const words[] = {
		"amber",   "anchor",  "apple",	 "barrel", "basil",  "beacon", "birch",	  "bridge",
		"candle",  "canyon",  "cedar",	 "chalk",  "cobalt", "copper", "coral",	  "cotton",
		"desert",  "ember",   "falcon",	 "fern",   "flint",  "forest", "garnet",  "ginger",
		"glacier", "granite", "hazel",	 "heron",  "indigo", "island", "ivory",	  "jasper",
		"juniper", "kettle",  "lantern", "lemon",  "linen",  "maple",  "marble",  "meadow",
		"mint",	   "nickel",  "nutmeg",	 "oak",	   "olive",  "opal",   "orchid",  "pebble",
		"pepper",  "pine",    "plum",	 "quartz", "raven",  "river",  "saffron", "silver",
		"spruce",  "stone",   "thistle", "timber", "topaz",  "walnut", "willow",  "zinc",
	};
	uint8_t byte = 0;

	_Static_assert(XP_ARRAY_LEN(words) == 64, "a power of two, so that none comes oftener");
	out[0] = 0; /* no word confirms nothing */
	if (xp_rng_bytes(xp_rng_system(), &byte, 1, NULL) == XP_OK)
		snprintf(out, 16, "%s", words[byte % XP_ARRAY_LEN(words)]);
}

static void take_plans(struct xp_tui_round *r, struct xp_tui *t)
{
	char word[16];
	struct xp_err err;

	r->planned = true;
	if (gather(r, t, &err) != XP_OK || settle(r, &err) != XP_OK) {
		xp_tui_say(t, "%s", err.msg);
		r->over = true;
	}
	for (unsigned i = 0; i < r->batch.n; i++)
		xp_tui_result_plan(&t->jobs[r->first + r->slot_of[i]], &r->batch.jobs[i]);
	if (*r->resume_id) {
		if (!r->over && xp_tui_round_go(r, t, NULL, &err) != XP_OK)
			xp_tui_say(t, "%s", err.msg);
		return;
	}
	make_word(word);
	if (t->round == r->id)
		xp_tui_round_ready(t, word);
}

enum xp_rc xp_tui_round_go(struct xp_tui_round *r, struct xp_tui *t, struct xp_expect_list *list,
			   struct xp_err *err)
{
	bool any = false;

	for (unsigned i = 0; i < r->batch.n; i++) {
		struct xp_job *job = &r->batch.jobs[i];

		if (job->state != XP_JOB_PLANNED)
			continue;
		if (list)
			TRY(xp_batch_expect(job, list, &r->confirms, err));
		else
			TRY(xp_confirms_add(&r->confirms, job->target.confirm, err));
	}
	if (list)
		xp_batch_settle_refused(&r->batch);
	r->setup.confirms = xp_confirms_list(&r->confirms);
	/* the clock is read once a take, when it begins */
	r->clock = xp_clock_steady_from_now(&r->steady);
	for (unsigned i = 0; i < r->batch.n; i++) {
		struct xp_job *job = &r->batch.jobs[i];
		struct slot *s = &r->slots[r->slot_of[i]];

		if (job->state != XP_JOB_PLANNED) {
			xp_tui_result_plan(&t->jobs[r->first + s->index], job);
			continue;
		}
		any = true;
		s->is_begun = true;
		t->jobs[r->first + s->index].state = XP_TUI_JOB_RUNNING;
		t->jobs[r->first + s->index].phase_ms = t->now_ms;
		job->events = (struct xp_events){.ctx = s, .emit = on_event};
	}
	r->started = true;
	r->over = !any;
	if (!any || xp_batch_start(&r->workers, &r->batch, err) == XP_OK)
		return XP_OK;
	/* nothing was begun */
	r->over = true;
	for (unsigned i = 0; i < r->n; i++)
		if (t->jobs[r->first + i].state == XP_TUI_JOB_RUNNING)
			t->jobs[r->first + i].state = XP_TUI_JOB_REFUSED;
	return err->rc;
}

static void poll_plans(struct xp_tui_round *r, struct xp_tui *t, uint64_t now_ms)
{
	bool all = true;

	pthread_mutex_lock(&r->mutex);
	for (unsigned i = 0; i < r->n; i++)
		all = all && r->slots[i].prepared;
	if (all || now_ms - r->begun_ms > XP_TUI_PLAN_MS)
		take_plans(r, t);
	pthread_mutex_unlock(&r->mutex);
}

static void tell(struct slot *s, struct xp_tui *t, size_t job, uint64_t now_ms)
{
	struct xp_tui_event e = {
		.is_phase = s->is_phase,
		.is_progress = s->has_event,
		.phase = s->phase,
		.done = s->done,
		.total = s->total,
	};

	if (s->has_event)
		xp_tui_job_event(t, job, &e, now_ms);
	if (*s->warning) {
		e = (struct xp_tui_event){.text = s->warning};
		xp_tui_job_event(t, job, &e, now_ms);
	}
	s->has_event = s->is_phase = false;
	s->warning[0] = 0;
}

void xp_tui_round_poll(struct xp_tui_round *r, struct xp_tui *t, uint64_t now_ms)
{
	bool all = r->started;

	if (!r->planned) {
		poll_plans(r, t, now_ms);
		return;
	}
	pthread_mutex_lock(&r->mutex);
	for (unsigned i = 0; r->started && i < r->batch.n; i++) {
		struct slot *s = &r->slots[r->slot_of[i]];
		size_t job = r->first + s->index;

		if (!s->is_begun || s->told)
			continue;
		tell(s, t, job, now_ms);
		all = all && s->ended;
		if (!s->ended)
			continue;
		s->told = true;
		r->exit_code = xp_exit_worse(r->exit_code, r->batch.jobs[i].exit_code);
		xp_tui_result_end(&t->jobs[job], &r->batch.jobs[i]);
		xp_tui_job_ended(t, job);
	}
	pthread_mutex_unlock(&r->mutex);
	r->over = r->over || all;
}

bool xp_tui_round_hangs(struct xp_tui_round *r)
{
	bool hangs;

	pthread_mutex_lock(&r->mutex);
	hangs = r->threads != 0;
	pthread_mutex_unlock(&r->mutex);
	return hangs;
}

void xp_tui_round_free(struct xp_tui_round **round)
{
	struct xp_tui_round *r = *round;
	bool hangs;

	if (!r)
		return;
	*round = NULL;
	if (r->has_closer)
		pthread_join(r->closer, NULL);
	xp_batch_join(&r->workers);
	hangs = xp_tui_round_hangs(r);
	xp_batch_free(&r->batch);
	/* a thread that a drive keeps waiting still has the round in its hands */
	if (hangs)
		return;
	for (unsigned i = 0; i < r->n; i++) {
		if (r->slots[i].job)
			xp_job_free(r->slots[i].job);
		free(r->slots[i].job);
	}
	xp_confirms_free(&r->confirms);
	xp_inventory_free(&r->inventory);
	xp_plan_options_free(&r->own_options);
	pthread_mutex_destroy(&r->mutex);
	free(r->slots);
	free(r->slot_of);
	free(r);
}
