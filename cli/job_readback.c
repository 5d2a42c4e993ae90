#include "cli/job_readback.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/job_canaries.h"
#include "verify/baseline.h"
#include "verify/keys.h"
#include "verify/left_behind.h"
#include "verify/verify.h"

#define BASELINE_NAME_LEN 32
#define BASELINE_MAX	  (256u << 20)

static void name_file(char out[BASELINE_NAME_LEN], const struct xp_job *job)
{
	snprintf(out, BASELINE_NAME_LEN, "baseline-%u", job->attempt);
}

static void on_baseline_progress(void *ctx, uint64_t done, uint64_t total)
{
	xp_job_emit(((struct xp_attempt *)ctx)->job, XP_EVENT_PROGRESS, "baseline", done, total,
		    NULL);
}

static void on_readback_progress(void *ctx, uint64_t done, uint64_t total)
{
	xp_job_emit(((struct xp_attempt *)ctx)->job, XP_EVENT_PROGRESS, "readback", done, total,
		    NULL);
}

static bool on_cancelled(void *ctx)
{
	const struct xp_engine_hooks *h = &((const struct xp_attempt *)ctx)->req.hooks;

	return h->cancelled(h->ctx);
}

static enum xp_rc begin(struct xp_phase **out, struct xp_attempt *a, enum xp_phase_kind kind,
			struct xp_err *err)
{
	const struct xp_engine_hooks *h = &a->req.hooks;

	TRY(xp_engine_phase_begin(out, &a->job->record.evidence, kind, &a->req, err));
	return h->phase_begin(h->ctx, *out, err);
}

/* Also for a phase that went wrong: its times count. */
static enum xp_rc end(struct xp_phase *phase, const struct xp_attempt *a, enum xp_rc rc,
		      struct xp_err *err)
{
	const struct xp_clock *clock = a->req.clock;

	phase->stalled = rc == XP_E_TIMEOUT;
	if (rc == XP_OK)
		return xp_engine_phase_end(phase, &a->req, err);
	phase->end_s = clock->wall_s(clock->ctx);
	phase->end_ns = clock->monotonic_ns(clock->ctx);
	return rc;
}

static enum xp_rc open_io(struct xp_extent_io **out, const struct xp_attempt *a,
			  const struct xp_identity *id, struct xp_err *err)
{
	struct xp_extent_config cfg = {
		.fd = -1,
		.capacity_bytes = id->capacity_bytes,
		.logical_block_bytes = id->logical_block_bytes,
	};

	return a->req.hooks.open_io(a->req.hooks.ctx, out, &cfg, err);
}

/* --- before --- */

/* On the disk before the erase begins: what stood there cannot be read again. */
static enum xp_rc keep(struct xp_job *job, struct xp_err *err)
{
	AUTO_MEM uint8_t *data = NULL;
	char path[XP_UUID_LEN + BASELINE_NAME_LEN + 8];
	char name[BASELINE_NAME_LEN];
	size_t len = 0;
	enum xp_rc rc;

	TRY(xp_baseline_save(&data, &len, job->baseline, err));
	name_file(name, job);
	rc = xp_file_write_at(xp_journal_folder(job->journal), name, data, len, 0600, true, err);
	snprintf(path, sizeof(path), "jobs/%s/%s", job->id, name);
	if (rc == XP_OK)
		rc = xp_durable_replace(job->setup->state->durable, path, data, len, err);
	if (rc == XP_OK)
		rc = xp_durable_flush(job->setup->state->durable, err);
	job->journal_failed = job->journal_failed || rc != XP_OK;
	return rc;
}

void xp_job_baseline_load(struct xp_job *job)
{
	AUTO_MEM char *data = NULL;
	char name[BASELINE_NAME_LEN];
	struct xp_err why;
	size_t len = 0;

	xp_baseline_free(&job->baseline);
	name_file(name, job);
	if (xp_file_read_at(&data, &len, xp_journal_folder(job->journal), name, BASELINE_MAX,
			    &why) == XP_OK &&
	    xp_baseline_load(&job->baseline, (const uint8_t *)data, len, &why) == XP_OK)
		return;
	xp_job_emit(job, XP_EVENT_WARNING, "baseline", 0, 0, why.msg);
}

enum xp_rc xp_job_baseline(struct xp_attempt *a, struct xp_err *err)
{
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	struct xp_job *job = a->job;
	struct xp_phase *phase = NULL;
	struct xp_verify_request v = {
		.scheme = XP_SAMPLE_SCATTERED,
		.stall_ms = job->setup->stall_ms,
		.ctx = a,
		.progress = on_baseline_progress,
		.cancelled = on_cancelled,
	};
	enum xp_rc rc;

	xp_job_emit(job, XP_EVENT_PHASE, "baseline", 0, 0, NULL);
	if (job->plan.verification.scheme == XP_SAMPLE_SCATTERED)
		v.sample_n = job->plan.verification.n;
	TRY(begin(&phase, a, XP_PHASE_BASELINE, err));
	TRY(xp_rng_bytes(job->setup->rng, v.seed, sizeof(v.seed), err));
	TRY(open_io(&io, a, &phase->identity, err));
	v.io = io;
	v.capacity_bytes = phase->identity.capacity_bytes;
	v.logical_block_bytes = phase->identity.logical_block_bytes;
	xp_baseline_free(&job->baseline);
	rc = xp_baseline_take(&job->baseline, &phase->baseline, &v, err);
	if (rc == XP_OK && xp_job_wants_canaries(a, &phase->baseline))
		rc = xp_job_canaries_write(a, phase, &v, err);
	job->bytes_read += phase->baseline.bytes_delivered;
	if (rc == XP_OK)
		rc = keep(job, err);
	return end(phase, a, rc, err);
}

/* --- after --- */

static const struct xp_phase *last_erase(const struct xp_attempt *a)
{
	const struct xp_evidence *ev = &a->job->record.evidence;

	for (size_t i = ev->n; i-- > 0;)
		if (ev->phases[i].kind == XP_PHASE_ERASE && ev->phases[i].attempt == a->req.attempt)
			return &ev->phases[i];
	return NULL;
}

/* What the erase left, where that can be known. */
static void expect(struct xp_left_behind *out, const struct xp_attempt *a)
{
	const struct xp_plan *plan = &a->job->plan;
	const struct xp_phase *erase = last_erase(a);

	*out = (struct xp_left_behind){.content = {.kind = XP_CONTENT_UNKNOWN}};
	if (xp_technique_is_host_write(plan->technique) && plan->passes)
		out->content = plan->contents[plan->passes - 1];
	else if (erase)
		xp_left_behind(out, erase);
}

/* The areas that held keys, and a search for copies of them. */
static enum xp_rc read_keys(struct xp_phase *phase, const struct xp_job *job,
			    const struct xp_verify_request *how, struct xp_err *err)
{
	const struct xp_phase *looked = xp_evidence_volumes(&job->record.evidence, phase);
	struct xp_verify_keys_request req = {
		.how = *how,
		.volumes = looked ? looked->volumes : NULL,
		.volume_n = looked ? looked->volume_n : 0,
		.search_all = job->plan.verification.search_all,
	};

	return xp_verify_keys(&phase->readback, &phase->search, &req, err);
}

static enum xp_rc read_and_compare(struct xp_phase *phase, const struct xp_attempt *a,
				   const struct xp_verify_request *v, struct xp_err *err)
{
	struct xp_readback_result *r = &phase->readback;
	struct xp_left_behind left;
	bool looked;

	if (a->req.technique == XP_LUKS_DESTROY)
		return read_keys(phase, a->job, v, err);
	TRY(xp_verify_run(r, v, err));
	if (!xp_technique_is_device_command(a->req.technique))
		return XP_OK;
	expect(&left, a);
	r->reads_deallocated = left.deallocated;
	/* an earlier take left it waiting, and it does not wait any more */
	if (left.while_waiting &&
	    a->job->drive.facts.nvme.sanitize.phase != XP_NVME_SANITIZE_PHASE_VERIFICATION &&
	    a->job->resume.active)
		r->reads_deallocated = XP_ANSWER_YES;
	if (a->job->baseline)
		TRY(xp_baseline_compare(r, a->job->baseline, v, err));
	return xp_job_canaries_look(&looked, r, &a->job->record.evidence, a->req.attempt, v, err);
}

enum xp_rc xp_job_readback(struct xp_attempt *a, struct xp_err *err)
{
	AUTO(xp_extent_io_free) struct xp_extent_io *io = NULL;
	struct xp_job *job = a->job;
	struct xp_phase *phase = NULL;
	struct xp_left_behind left;
	struct xp_verify_request v = {
		.mode = job->plan.verification.mode,
		.scheme = job->plan.verification.scheme,
		.sample_n = job->plan.verification.n,
		.stall_ms = job->setup->stall_ms,
		.ctx = a,
		.progress = on_readback_progress,
		.cancelled = on_cancelled,
	};
	enum xp_rc rc;

	xp_job_emit(job, XP_EVENT_PHASE, "readback", 0, job->plan.verification.bytes, NULL);
	expect(&left, a);
	v.expected = left.content;
	TRY(begin(&phase, a, XP_PHASE_READBACK, err));
	/* the seed is drawn now, after the erase: the drive cannot have known the places */
	if (v.mode == XP_READBACK_SAMPLE)
		TRY(xp_rng_bytes(job->setup->rng, v.seed, sizeof(v.seed), err));
	TRY(open_io(&io, a, &phase->identity, err));
	v.io = io;
	v.capacity_bytes = phase->identity.capacity_bytes;
	v.logical_block_bytes = phase->identity.logical_block_bytes;
	rc = read_and_compare(phase, a, &v, err);
	job->bytes_read += phase->readback.bytes_delivered;
	return end(phase, a, rc, err);
}
