#include "cli/job_attempt.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/job_drive.h"
#include "cli/job_host.h"
#include "cli/program.h"
#include "cli/job_journal.h"
#include "cli/job_reach.h"
#include "cli/job_readback.h"

/* What E says of the job, with the job's name and drive. */
static void emit(struct xp_job *job, struct xp_event e)
{
	e.job = job->id;
	e.target = job->target.path;
	e.serial = *job->media.serial ? job->media.serial : job->target.identity.name;
	if (job->events.emit)
		job->events.emit(job->events.ctx, &e);
}

void xp_job_emit(struct xp_job *job, enum xp_event_kind kind, const char *phase, uint64_t done,
		 uint64_t total, const char *text)
{
	emit(job, (struct xp_event){
			  .kind = kind,
			  .phase = phase,
			  .done_bytes = done,
			  .total_bytes = total,
			  .text = text,
		  });
}

/* --- hooks of the engine --- */

static enum xp_rc journalled(struct xp_job *job, enum xp_rc rc)
{
	job->journal_failed = job->journal_failed || rc != XP_OK;
	return rc;
}

static enum xp_rc on_phase_begin(void *ctx, const struct xp_phase *phase, struct xp_err *err)
{
	struct xp_job *job = ((struct xp_attempt *)ctx)->job;

	return journalled(job, xp_job_journal_phase_begin(job, phase, err));
}

static enum xp_rc on_checkpoint(void *ctx, uint64_t offset, const struct xp_extents *unwritten,
				struct xp_err *err)
{
	struct xp_job *job = ((struct xp_attempt *)ctx)->job;

	return journalled(job, xp_job_journal_checkpoint(job, offset, unwritten, err));
}

static enum xp_rc on_phase_end(void *ctx, const struct xp_phase *phase, struct xp_err *err)
{
	struct xp_job *job = ((struct xp_attempt *)ctx)->job;

	return journalled(job, xp_job_journal_phase_end(job, phase, err));
}

static enum xp_rc on_command(void *ctx, enum xp_command_note what, const struct xp_phase *phase,
			     struct xp_err *err)
{
	struct xp_job *job = ((struct xp_attempt *)ctx)->job;

	return journalled(job, xp_job_journal_command(job, what, phase, err));
}

static void on_progress(void *ctx, const char *label, uint64_t done, uint64_t total)
{
	xp_job_emit(((struct xp_attempt *)ctx)->job, XP_EVENT_PROGRESS, label, done, total, NULL);
}

static void on_silent(void *ctx, const char *label, uint64_t estimate_s)
{
	emit(((struct xp_attempt *)ctx)->job, (struct xp_event){
						      .kind = XP_EVENT_PROGRESS,
						      .phase = label,
						      .is_silent = true,
						      .estimate_s = estimate_s,
					      });
}

static bool on_cancelled(void *ctx)
{
	const struct xp_job *job = ((const struct xp_attempt *)ctx)->job;

	return job->setup->cancelled && job->setup->cancelled();
}

static void on_sleep(void *ctx, uint32_t ms)
{
	xp_job_drive_sleep(((const struct xp_attempt *)ctx)->job, ms);
}

static enum xp_rc on_identify(void *ctx, struct xp_identity *out, struct xp_err *err)
{
	const struct xp_attempt *a = ctx;

	return xp_job_drive_identify(out, a->job, a->permit, err);
}

static enum xp_rc on_open_io(void *ctx, struct xp_extent_io **out,
			     const struct xp_extent_config *cfg, struct xp_err *err)
{
	const struct xp_attempt *a = ctx;
	struct xp_extent_config own = *cfg;

	return xp_job_drive_open_io(out, a->job, a->permit, &own, err);
}

/* The operator's word on backups of headers and keys. */
static enum xp_answer copies_alive(const struct xp_record *r)
{
	if (!*r->header_backups || strcmp(r->header_backups, "unknown") == 0)
		return XP_ANSWER_UNKNOWN;
	return strcmp(r->header_backups, "none") == 0 ? XP_ANSWER_NO : XP_ANSWER_YES;
}

static enum xp_answer plaintext_before(const struct xp_record *r)
{
	enum xp_answer answer = XP_ANSWER_UNKNOWN;

	(void)xp_answer_parse(&answer, r->plaintext_before);
	return answer;
}

static void fill_request(struct xp_attempt *a, struct xp_job *job, const struct xp_permit *permit)
{
	struct xp_engine_request *req = &a->req;

	*a = (struct xp_attempt){.job = job, .permit = permit};
	*req = (struct xp_engine_request){
		.permit = permit,
		.technique = job->plan.technique,
		.attempt = job->attempt,
		.take = job->resume.takes + 1,
		.passes = job->plan.passes,
		.contents = job->plan.contents,
		.overwrite = job->plan.overwrite,
		.first_pass = 1,
		.stall_ms = job->setup->stall_ms,
		.clock = job->setup->clock,
		.transport = job->drive.transport,
		.facts = job->drive.answered ? &job->drive.facts : NULL,
		.hooks = {.ctx = a,
			  .phase_begin = on_phase_begin,
			  .checkpoint = on_checkpoint,
			  .phase_end = on_phase_end,
			  .progress = on_progress,
			  .silent = on_silent,
			  .cancelled = on_cancelled,
			  .command_note = on_command,
			  .sleep_ms = on_sleep,
			  .identify = on_identify,
			  .open_io = on_open_io},
	};
	if (job->resume.active && job->resume.attempt == job->attempt) {
		req->first_pass = job->resume.first_pass;
		req->resumes = job->resume.begun;
		req->resume_offset = job->resume.offset;
		req->resume_unwritten = &job->resume.unwritten;
		req->resume_phase = job->resume.has_command ? &job->resume.command : NULL;
		req->resume_note = job->resume.note;
	}
	/* a command that was never about to be sent is nothing to go on with */
	if (xp_technique_is_device_command(req->technique) && !req->resume_phase)
		req->resumes = false;
	req->file = job->file_known ? &job->file : NULL;
	if (req->technique == XP_LUKS_DESTROY) {
		req->volumes = job->luks.list;
		req->volume_n = job->luks.n;
		req->keys.can_be_off = XP_ANSWER_YES; /* whoever formats it decides */
		req->keys.copies_alive = copies_alive(&job->record);
		req->keys.plaintext_before = plaintext_before(&job->record);
	}
	xp_program_boot_id(req->boot_id);
}

/* --- phases --- */

enum xp_rc xp_job_identify_phase(struct xp_job *job, const struct xp_permit *permit,
				 struct xp_err *err)
{
	struct xp_attempt a;

	fill_request(&a, job, permit);
	return xp_engine_identify(&job->record.evidence, &a.req, err);
}

enum xp_rc xp_job_draw_keys(struct xp_job *job, struct xp_err *err)
{
	for (unsigned i = 0; i < job->plan.passes; i++)
		if (job->plan.contents[i].kind == XP_CONTENT_RANDOM)
			TRY(xp_rng_bytes(job->setup->rng, job->plan.contents[i].key,
					 sizeof(job->plan.contents[i].key), err));
	return XP_OK;
}

static enum xp_rc erase(struct xp_attempt *a, struct xp_err *err)
{
	struct xp_job *job = a->job;
	struct xp_evidence *ev = &job->record.evidence;
	bool by_host = xp_technique_is_host_write(a->req.technique);
	size_t before = ev->n;
	enum xp_rc rc;

	xp_job_emit(job, XP_EVENT_PHASE, by_host ? "overwrite" : "erase", 0,
		    job->media.capacity_bytes, NULL);
	rc = xp_engine_erase(ev, &a->req, err);
	for (size_t i = before; i < ev->n; i++)
		if (ev->phases[i].kind == XP_PHASE_ERASE)
			job->bytes_written += ev->phases[i].overwrite.bytes_written;
	return rc;
}

/* A drive that was at a sanitize, or in the failure of one, could not say how large it is. */
static void take_capacity(struct xp_identity *media, const struct xp_identity *now)
{
	if (media->capacity_bytes)
		return;
	media->capacity_bytes = now->capacity_bytes;
	media->logical_block_bytes = now->logical_block_bytes;
	media->physical_block_bytes = now->physical_block_bytes;
}

/* Nor could it be asked for hidden areas: that is done now, and tells as much. */
static void ask_capacity_again(struct xp_job *job, const struct xp_permit *permit)
{
	struct xp_evidence *ev = &job->record.evidence;
	bool is_known = ev->capacity_after_given ? ev->capacity_after.hidden_areas_known
						 : ev->capacity.hidden_areas_known;
	bool restored = ev->capacity_after.restored;
	struct xp_err why;

	if (is_known || !job->drive.answered || xp_job_drive_ask(job, permit, &why) != XP_OK ||
	    !job->drive.answered)
		return;
	ev->capacity_after = xp_job_drive_capacity(job);
	ev->capacity_after.restored = restored;
	ev->capacity_after_given = true;
}

/* What was proven stands; a drive that does not come out of it is told of. */
static void leave(struct xp_attempt *a)
{
	struct xp_err why;

	if (xp_engine_leave(&a->req, &why) != XP_OK)
		xp_job_emit(a->job, XP_EVENT_WARNING, "verification", 0, 0, why.msg);
}

/* A drive at a sanitize, or left by one in its failure, refuses reads, and the kernel repeats them
 * for minutes. */
static bool gives_data(const struct xp_job *job)
{
	char what[96];

	return !job->drive.answered || !xp_job_is_at_work(what, sizeof(what), &job->drive.facts);
}

static enum xp_rc run_attempt(struct xp_job *job, const struct xp_permit *permit,
			      struct xp_err *err)
{
	struct xp_evidence *ev = &job->record.evidence;
	bool is_erased = job->resume.erase_done && job->resume.attempt == job->attempt;
	bool reads = job->plan.verification.mode != XP_READBACK_NONE ||
		     job->plan.technique == XP_LUKS_DESTROY;
	struct xp_attempt a;

	fill_request(&a, job, permit);
	TRY(xp_engine_identify(ev, &a.req, err));
	if (reads && xp_technique_is_device_command(a.req.technique)) {
		/* once the command was about to be sent, it is too late to look */
		if (is_erased || a.req.resumes)
			xp_job_baseline_load(job);
		else if (ev->phases[ev->n - 1].identity.capacity_bytes && gives_data(job))
			TRY(xp_job_baseline(&a, err));
	}
	if (!is_erased)
		TRY(erase(&a, err));
	if (reads)
		TRY(xp_job_readback(&a, err));
	leave(&a);
	/* the same target was there to the end */
	TRY(xp_engine_identify(ev, &a.req, err));
	take_capacity(&job->record.media, &ev->phases[ev->n - 1].identity);
	job->record.capacity_after_known = true;
	job->record.capacity_after_bytes = ev->phases[ev->n - 1].identity.capacity_bytes;
	ask_capacity_again(job, permit);
	return XP_OK;
}

/* --- the next technique, where one earned too little --- */

static bool is_offered(const struct xp_job *job, enum xp_technique t)
{
	for (unsigned i = 0; i < job->capabilities.n; i++)
		if (job->capabilities.list[i].technique == t)
			return true;
	return false;
}

enum xp_rc xp_job_check_plan(struct xp_job *job, const struct xp_permit *permit, struct xp_err *err)
{
	const struct xp_capabilities *c = &job->capabilities;
	enum xp_technique t = job->plan.technique;

	TRY(xp_job_drive_ask(job, permit, err));
	/* a drive that is still at it offers little, and is only to be waited for */
	if (job->resume.active || is_offered(job, t))
		return XP_OK;
	for (unsigned i = 0; i < c->obstacles_n; i++)
		if (c->obstacles[i].technique == t)
			return xp_refusals_add(&job->refusals, err, c->obstacles[i].code,
					       c->obstacles[i].remedy, "%s: %s", job->target.path,
					       c->obstacles[i].why);
	return xp_refusals_add(&job->refusals, err, XP_REFUSED_UNKNOWN, "plan again",
			       "%s: the drive no longer offers %s", job->target.path,
			       xp_technique_name(t));
}

/* After these another technique may do better; after all others it cannot, or must not. */
static bool may_go_on(const struct xp_job *job, enum xp_rc rc)
{
	if (job->journal_failed)
		return false;
	return rc == XP_OK || rc == XP_E_DEVICE || rc == XP_E_IO || rc == XP_E_UNSUPPORTED ||
	       rc == XP_E_INDETERMINATE;
}

static const struct xp_policy *policy_of(const struct xp_job *job)
{
	return job->resume.policy ? job->resume.policy : job->setup->options->policy;
}

/* Drops what stays untried; false: there is no technique left that could earn more than EARNED. */
static bool choose_next(enum xp_technique *out, struct xp_job *job, enum xp_level earned)
{
	AUTO_MEM struct xp_claim *claim = malloc(sizeof(*claim));

	while (claim && job->next_fallback < job->plan.fallbacks_n) {
		enum xp_technique t = job->plan.fallbacks[job->next_fallback++];

		xp_claim_expect_with(claim, &job->media, &job->capabilities.capacity, t,
				     xp_policy_overwrite_passes(policy_of(job), job->media.media),
				     policy_of(job));
		if (claim->level > earned && is_offered(job, t)) {
			*out = t;
			return true;
		}
	}
	return false;
}

static bool earned_enough(enum xp_level *earned, char *why, size_t why_size,
			  const struct xp_job *job)
{
	AUTO_MEM struct xp_claim *claim = malloc(sizeof(*claim));

	*earned = XP_NONE;
	if (!claim)
		return true; /* nothing more is begun without memory */
	xp_claim_compute(claim, &job->record.evidence, policy_of(job));
	*earned = claim->level;
	snprintf(why, why_size, "%s earned %s", xp_technique_name(job->plan.technique),
		 xp_level_name(claim->level));
	for (unsigned i = 0; i < claim->reasons_n; i++)
		if (claim->reasons[i].rule) {
			snprintf(why, why_size, "%s earned %s: %.180s",
				 xp_technique_name(job->plan.technique),
				 xp_level_name(claim->level), claim->reasons[i].text);
			break;
		}
	return claim->level >= job->plan.accepted;
}

/* MORE: the plan now names another technique, and the journal says so. */
static enum xp_rc begin_next(bool *more, struct xp_job *job, const struct xp_permit *permit,
			     struct xp_err *err)
{
	enum xp_technique next;
	enum xp_level earned;
	char why[256];

	*more = false;
	if (earned_enough(&earned, why, sizeof(why), job) ||
	    job->next_fallback >= job->plan.fallbacks_n)
		return XP_OK;
	TRY(xp_job_drive_ask(job, permit, err));
	if (!choose_next(&next, job, earned))
		return XP_OK;
	job->attempt++;
	xp_plan_switch(&job->plan, next, policy_of(job), job->media.media);
	xp_baseline_free(&job->baseline);
	TRY(xp_job_draw_keys(job, err));
	xp_job_emit(job, XP_EVENT_WARNING, xp_technique_name(next), 0, 0, why);
	TRY(journalled(job, xp_job_journal_attempt(job, why, err)));
	*more = true;
	return XP_OK;
}

void xp_job_begin_with_keys(struct xp_job *job)
{
	if (!job->plan.keys_first)
		return;
	job->has_then = true;
	job->then = job->plan.technique;
	xp_plan_switch(&job->plan, XP_LUKS_DESTROY, policy_of(job), job->media.media);
}

/* The keys are gone, or could not be reached: now what the plan is about. */
static enum xp_rc begin_then(bool *more, struct xp_job *job, const struct xp_permit *permit,
			     struct xp_err *err)
{
	const char *why = "the keys were destroyed first; this is what the plan is about";

	if (!job->has_then)
		return begin_next(more, job, permit, err);
	*more = false;
	job->has_then = false;
	TRY(xp_job_drive_ask(job, permit, err));
	if (!is_offered(job, job->then))
		return begin_next(more, job, permit, err);
	job->attempt++;
	xp_plan_switch(&job->plan, job->then, policy_of(job), job->media.media);
	TRY(xp_job_draw_keys(job, err));
	TRY(journalled(job, xp_job_journal_attempt(job, why, err)));
	*more = true;
	return XP_OK;
}

enum xp_rc xp_job_carry_out(struct xp_job *job, const struct xp_permit *permit, struct xp_err *err)
{
	struct xp_err next_err = {0};
	bool more = true;
	enum xp_rc next_rc = XP_OK;
	enum xp_rc rc = XP_OK;

	while (more) {
		rc = run_attempt(job, permit, err);
		if (!may_go_on(job, rc) || on_cancelled(&(struct xp_attempt){.job = job}))
			return rc;
		next_rc = begin_then(&more, job, permit, &next_err);
		if (rc != XP_OK && next_rc == XP_OK && more)
			xp_job_emit(job, XP_EVENT_WARNING, "erase", 0, 0, err->msg);
		if (next_rc != XP_OK)
			more = false;
	}
	/* of two failures the first is the one to tell */
	if (rc != XP_OK || next_rc == XP_OK)
		return rc;
	if (err)
		*err = next_err;
	return next_rc;
}
