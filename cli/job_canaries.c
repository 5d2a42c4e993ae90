#include "cli/job_canaries.h"

#include <string.h>

#include "base/cleanup.h"
#include "sanitize/canary_put.h"
#include "verify/baseline.h"
#include "verify/canary_look.h"

/* Of so many blocks one that says something is enough to see a change. */
#define INFORMATIVE_PART 100

static const struct xp_policy *policy_of(const struct xp_job *job)
{
	return job->resume.policy ? job->resume.policy : job->setup->options->policy;
}

bool xp_job_wants_canaries(const struct xp_attempt *a, const struct xp_baseline_result *baseline)
{
	return xp_policy_writes_canaries(policy_of(a->job)) &&
	       xp_technique_is_device_command(a->req.technique) &&
	       !xp_technique_is_sanitize_overwrite(a->req.technique) &&
	       baseline->informative_blocks < baseline->blocks / INFORMATIVE_PART;
}

/* The places of a baseline, and its markers. */
static enum xp_rc make(struct xp_canaries *out, const struct xp_verify_request *places,
		       struct xp_err *err)
{
	struct xp_sample_plan plan = {0};
	enum xp_rc rc =
		xp_sample_plan_make(&plan, places->scheme, places->sample_n, places->capacity_bytes,
				    places->logical_block_bytes, places->seed, err);

	if (rc == XP_OK)
		rc = xp_canaries_make(out, &plan, places->logical_block_bytes, places->seed, err);
	xp_sample_plan_free(&plan);
	return rc;
}

static bool on_cancelled(void *ctx)
{
	const struct xp_engine_hooks *h = &((const struct xp_attempt *)ctx)->req.hooks;

	return h->cancelled(h->ctx);
}

static enum xp_rc write_all(uint64_t *written, struct xp_attempt *a, const struct xp_phase *phase,
			    const struct xp_canaries *canaries, struct xp_err *err)
{
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	struct xp_canaries_write w = {
		.canaries = canaries,
		.stall_ms = a->job->setup->stall_ms,
		.ctx = a,
		.cancelled = on_cancelled,
	};
	enum xp_rc rc = xp_journal_add(a->job->journal,
				       json_pack("{s:s, s:i, s:i}", "type", "canaries", "attempt",
						 (int)a->job->attempt, "n", (int)canaries->n),
				       err);

	a->job->journal_failed = a->job->journal_failed || rc != XP_OK;
	if (rc != XP_OK)
		return rc;
	TRY(xp_engine_open_io(&io, &a->req, phase, err));
	w.io = io;
	return xp_canaries_put(written, &w, err);
}

enum xp_rc xp_job_canaries_write(struct xp_attempt *a, struct xp_phase *phase,
				 const struct xp_verify_request *how, struct xp_err *err)
{
	AUTO(xp_canaries_free) struct xp_canaries canaries = {0};
	struct xp_canaries_seen seen;
	uint64_t written = 0;

	xp_job_emit(a->job, XP_EVENT_PHASE, "markers", 0, 0, NULL);
	TRY(make(&canaries, how, err));
	TRY(write_all(&written, a, phase, &canaries, err));
	a->job->bytes_written += written * canaries.block_bytes;
	xp_baseline_result_free(&phase->baseline);
	xp_baseline_free(&a->job->baseline);
	TRY(xp_baseline_take(&a->job->baseline, &phase->baseline, how, err));
	TRY(xp_canaries_look(&seen, &canaries, how, err));
	phase->baseline.canaries = seen.alive;
	phase->baseline.canaries_read = seen.alive > 0;
	if (seen.alive)
		memcpy(phase->baseline.canaries_sha256, seen.sha256, sizeof(seen.sha256));
	return XP_OK;
}

static const struct xp_phase *baseline_of(const struct xp_evidence *ev, uint32_t attempt)
{
	for (size_t i = ev->n; i-- > 0;)
		if (ev->phases[i].kind == XP_PHASE_BASELINE && ev->phases[i].attempt == attempt)
			return ev->phases[i].baseline.canaries ? &ev->phases[i] : NULL;
	return NULL;
}

enum xp_rc xp_job_canaries_look(bool *looked, struct xp_readback_result *out,
				const struct xp_evidence *ev, uint32_t attempt,
				const struct xp_verify_request *how, struct xp_err *err)
{
	AUTO(xp_canaries_free) struct xp_canaries canaries = {0};
	const struct xp_phase *phase = baseline_of(ev, attempt);
	struct xp_canaries_seen seen;

	*looked = phase != NULL;
	if (!phase)
		return XP_OK;
	TRY(xp_canaries_of_baseline(&canaries, phase, err));
	TRY(xp_canaries_look(&seen, &canaries, how, err));
	out->canaries_alive = seen.alive;
	out->canaries_read = true;
	memcpy(out->canaries_sha256, seen.sha256, sizeof(seen.sha256));
	*looked = seen.unread == 0;
	return XP_OK;
}

uint64_t xp_job_canaries_written(const struct xp_evidence *ev, uint32_t attempt)
{
	const struct xp_phase *phase = baseline_of(ev, attempt);

	return phase ? phase->baseline.canaries : 0;
}
