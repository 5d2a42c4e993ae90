#include "cli/job.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/job_drive.h"
#include "cli/job_journal.h"
#include "cli/job_keep.h"
#include "cli/job_reach.h"
#include "cli/output.h"
#include "device/extent_map.h"
#include "device/probe.h"
#include "device/interlock.h"
#include "device/luks_close.h"

#define OUTPUTS_MAX	     5
#define TRANSCRIPT_MAX_BYTES (64u << 20)

const char **xp_job_nodes(const struct xp_job *job)
{
	const struct xp_drive *drive;
	const char **nodes;
	unsigned n = 0;

	if (job->target.kind == XP_TARGET_IMAGE || !job->setup->inventory)
		return NULL;
	drive = xp_inventory_drive_of(job->setup->inventory, job->setup->root, job->target.node);
	if (!drive)
		return NULL;
	nodes = calloc(drive->nodes_n + 1u, sizeof(*nodes));
	for (unsigned i = 0; nodes && i < drive->nodes_n; i++)
		if (strcmp(drive->nodes[i], job->target.disk) != 0)
			nodes[n++] = drive->nodes[i];
	return nodes;
}

/* A disk or an image that shows a LUKS header, or partitions, which may. */
static bool may_hold_luks(const struct xp_target *t)
{
	static const char *const signs[] = {"crypto_LUKS", "gpt", "dos"};

	for (size_t i = 0; i < XP_ARRAY_LEN(signs); i++)
		if (strstr(t->signatures, signs[i]))
			return true;
	return false;
}

/* LUKS headers: where their destruction is asked for; else on what is erased whole, if they can be
 * read. */
static enum xp_rc find_luks(struct xp_job *job, struct xp_err *err)
{
	const struct xp_plan_options *o = job->setup->options;

	if (o->has_technique && o->technique == XP_LUKS_DESTROY)
		return xp_luks_find(&job->luks, &job->target, err);
	if (may_hold_luks(&job->target) && xp_luks_find(&job->luks, &job->target, NULL) != XP_OK)
		job->luks.n = 0;
	return XP_OK;
}

/* Where a file lies, where it is to be overwritten as one. */
static enum xp_rc find_file(struct xp_job *job, struct xp_err *err)
{
	const struct xp_plan_options *o = job->setup->options;

	if (!o->has_technique || o->technique != XP_FILE_OVERWRITE ||
	    job->target.kind != XP_TARGET_IMAGE)
		return XP_OK;
	TRY(xp_file_facts_find(&job->file, job->setup->root, job->target.path, err));
	job->file_known = true;
	return XP_OK;
}

static enum xp_rc make_plan(struct xp_job *job, struct xp_err *err)
{
	const struct xp_plan_options *o = job->setup->options;
	AUTO_MEM const char **nodes = xp_job_nodes(job);
	struct xp_target target;
	struct xp_plan_request req = {
		.target = &target,
		.refusals = &job->refusals,
		.capabilities = &job->capabilities,
		.policy = o->policy,
		.has_level = o->has_level,
		.level = o->level,
		.has_accept = o->has_accept,
		.accept = o->accept,
		.has_technique = o->has_technique,
		.technique = o->technique,
		.pattern_len = o->pattern_len,
		.no_fallback = o->no_fallback,
		.verify = o->verify,
		.nodes = nodes,
		.facts = job->drive.answered ? &job->drive.facts : NULL,
		.luks = &job->luks,
		.closing = &job->closing,
		.file = job->file_known ? &job->file : NULL,
	};

	memcpy(req.pattern, o->pattern, sizeof(req.pattern));
	xp_job_drive_target(&target, job);
	TRY(xp_plan_make(&job->plan, &req, err));
	/* what stands in the way of a technique that was asked for by name */
	for (size_t i = job->refusals.n; i < job->plan.refusals.n; i++) {
		const struct xp_refusal *r = &job->plan.refusals.list[i];

		TRY(xp_refusals_add(&job->refusals, err, r->code, r->remedy, "%s", r->message));
	}
	return XP_OK;
}

/* The folders that jobs write to; NULL-terminated. */
static void list_outputs(const char *out[OUTPUTS_MAX], const struct xp_job_setup *setup)
{
	unsigned n = 0;

	if (setup->state)
		out[n++] = setup->state->path;
	if (setup->out_dir)
		out[n++] = setup->out_dir;
	if (setup->state && setup->state->keep) {
		out[n++] = xp_keep_dir(setup->state->keep);
		/* the folder's name may lead elsewhere by now; its boxes are still open */
		out[n++] = xp_keep_place(setup->state->keep);
	}
	out[n] = NULL;
}

static struct xp_interlock_request interlock_request(struct xp_job *job,
						     const char *outputs[OUTPUTS_MAX])
{
	const struct xp_job_setup *s = job->setup;

	list_outputs(outputs, s);
	return (struct xp_interlock_request){
		.root = s->root,
		.target = &job->target,
		.confirms = s->confirms,
		.outputs = outputs,
		.allow_remote = s->options->allow_remote,
	};
}

enum xp_rc xp_job_interlock_check(struct xp_job *job, struct xp_err *err)
{
	const char *outputs[OUTPUTS_MAX];
	struct xp_interlock_request req = interlock_request(job, outputs);

	req.closing = &job->closing;
	return xp_interlock_check(&job->refusals, &req, err);
}

enum xp_rc xp_job_interlock_acquire(struct xp_permit **permit, struct xp_job *job,
				    struct xp_err *err)
{
	const char *outputs[OUTPUTS_MAX];
	struct xp_interlock_request req = interlock_request(job, outputs);

	return xp_interlock_acquire(permit, &job->refusals, &req, err);
}

/* It would keep us waiting as well: there is no plan for it now. */
static enum xp_rc refuse_unreachable(struct xp_job *job, const char *path, const char *why,
				     struct xp_err *err)
{
	struct stat st;

	snprintf(job->target.path, sizeof(job->target.path), "%s", path);
	job->target.kind = XP_TARGET_DISK;
	job->target.dev = stat(path, &st) == 0 ? st.st_rdev : 0;
	snprintf(job->plan.message, sizeof(job->plan.message), "%s: %s", path, why);
	job->plan.exit_code = xp_rc_exit_code(XP_E_REFUSED);
	return xp_refusals_add(&job->refusals, err, XP_REFUSED_UNKNOWN,
			       "wait until the drive is through, or start the computer again where "
			       "it is not at work any more",
			       "%s: %s", path, why);
}

enum xp_rc xp_job_prepare(struct xp_job *job, const struct xp_job_setup *setup, const char *path,
			  struct xp_err *err)
{
	char why[384];

	job->setup = setup;
	job->attempt = 1;
	TRY(xp_uuid7(job->id, setup->rng, xp_clock_wall_ms(setup->clock), err));
	if (!xp_job_can_reach(why, sizeof(why), setup->root, path))
		return refuse_unreachable(job, path, why, err);
	TRY(xp_target_resolve(&job->target, setup->root, path, err));
	if (setup->close_mappings)
		xp_luks_mappings_find(&job->closing, setup->root, &job->target);
	TRY(xp_job_interlock_check(job, err));
	if (setup->state && !job->resume.active)
		TRY(xp_job_refuse_open_jobs(job, err));
	TRY(find_luks(job, err));
	TRY(find_file(job, err));
	TRY(xp_job_drive_ask(job, NULL, err));
	TRY(make_plan(job, err));
	if (job->plan.reaches_all)
		TRY(xp_target_confirm_drive(&job->target, setup->root, err));
	return XP_OK;
}

enum xp_rc xp_job_prepare_replay(struct xp_job *job, const struct xp_job_setup *setup,
				 const char *path, struct xp_err *err)
{
	AUTO_MEM char *jsonl = NULL;
	size_t len = 0;

	job->setup = setup;
	TRY(xp_file_read(&jsonl, &len, path, TRANSCRIPT_MAX_BYTES, err));
	TRY(xp_probe_transcript(&job->drive.facts, &job->target, jsonl, len, err));
	snprintf(job->target.path, sizeof(job->target.path), "%s", path);
	TRY(xp_identity_copy(&job->media, &job->target.identity, err));
	job->drive.exists = job->drive.answered = true;
	xp_job_drive_find_capabilities(job);
	return make_plan(job, err);
}

enum xp_rc xp_job_prepare_listed(struct xp_job *job, const struct xp_job_setup *setup,
				 const struct xp_drive *drive, bool asks, struct xp_err *err)
{
	struct xp_target *t = &job->target;

	job->setup = setup;
	t->kind = XP_TARGET_DISK;
	t->identity = drive->identity; /* has no raw answers */
	snprintf(t->path, sizeof(t->path), "%s", drive->path);
	snprintf(t->confirm, sizeof(t->confirm), "%s", drive->confirm);
	if (drive->nodes_n) {
		snprintf(t->node, sizeof(t->node), "%s", drive->nodes[0]);
		snprintf(t->disk, sizeof(t->disk), "%s", drive->nodes[0]);
	}
	if (asks) {
		TRY(xp_job_drive_ask(job, NULL, err));
	} else {
		TRY(xp_identity_copy(&job->media, &t->identity, err));
		xp_job_drive_find_capabilities(job);
	}
	return make_plan(job, err);
}

void xp_job_free(struct xp_job *job)
{
	xp_journal_close(&job->journal);
	xp_record_free(&job->record);
	xp_plan_free(&job->plan);
	xp_job_drive_free(job);
	xp_baseline_free(&job->baseline);
	xp_refusals_free(&job->refusals);
	xp_target_free(&job->target);
	xp_place_facts_free(&job->file);
	xp_extents_free(&job->resume.unwritten);
	xp_phase_free(&job->resume.command);
	xp_policy_free(&job->resume.policy);
}
