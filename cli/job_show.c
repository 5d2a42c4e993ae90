#include "cli/job.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/job_luks.h"
#include "cli/job_tell.h"
#include "cli/output.h"
#include "device/refusal.h"

static void set_text(json_t *o, const char *key, const char *value)
{
	json_object_set_new(o, key, xp_json_text(value));
}

static json_t *refusals_json(const struct xp_refusals *refusals)
{
	json_t *list = json_array();

	for (size_t i = 0; i < refusals->n; i++) {
		json_t *o = json_object();

		set_text(o, "code", xp_refusal_code_name(refusals->list[i].code));
		set_text(o, "message", refusals->list[i].message);
		set_text(o, "remedy", refusals->list[i].remedy);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *steps_json(const struct xp_plan *plan)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < plan->steps_n; i++) {
		const struct xp_plan_step *s = &plan->steps[i];
		json_t *o = json_pack("{s:s, s:s, s:I}", "action", s->action, "why", s->why,
				      "seconds", (json_int_t)s->seconds);

		if (s->has_technique)
			set_text(o, "technique", xp_technique_name(s->technique));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *obstacles_json(const struct xp_capabilities *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->obstacles_n; i++) {
		json_t *o = json_object();

		set_text(o, "technique", xp_technique_name(c->obstacles[i].technique));
		set_text(o, "code", xp_refusal_code_name(c->obstacles[i].code));
		set_text(o, "why", c->obstacles[i].why);
		set_text(o, "remedy", c->obstacles[i].remedy);
		json_array_append_new(list, o);
	}
	return list;
}

/* What the drive offers of itself, in the order in which it was found. */
static json_t *techniques_json(const struct xp_capabilities *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->n; i++)
		json_array_append_new(list, json_string(xp_technique_name(c->list[i].technique)));
	return list;
}

static json_t *fallbacks_json(const struct xp_plan *plan)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < plan->fallbacks_n; i++)
		json_array_append_new(list, json_string(xp_technique_name(plan->fallbacks[i])));
	return list;
}

static json_t *reasons_json(const struct xp_claim *claim)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < claim->reasons_n; i++)
		json_array_append_new(list, json_pack("{s:i, s:s, s:s}", "rule",
						      (int)claim->reasons[i].rule, "code",
						      claim->reasons[i].code, "text",
						      claim->reasons[i].text));
	return list;
}

json_t *xp_job_plan_json(const struct xp_job *job)
{
	const struct xp_plan *plan = &job->plan;
	const struct xp_identity *id = &job->media;
	json_t *o = json_object();
	json_t *blast = json_array();
	json_t *not_covered = json_array();

	for (size_t i = 0; i < plan->blast_radius_n; i++)
		json_array_append_new(blast, xp_json_text(plan->blast_radius[i]));
	for (unsigned i = 0; i < plan->expected.not_covered_n; i++)
		json_array_append_new(not_covered, json_string(plan->expected.not_covered[i]));
	set_text(o, "path", job->target.path);
	set_text(o, "confirm", job->target.confirm);
	set_text(o, "model", id->model);
	set_text(o, "serial", id->serial);
	json_object_set_new(o, "bytes", xp_json_u64(id->capacity_bytes));
	set_text(o, "media", xp_media_name(id->media));
	set_text(o, "bus", xp_bus_name(id->bus));
	set_text(o, "signatures", job->target.signatures);
	if (job->luks.n)
		json_object_set_new(o, "luks", xp_job_luks_json(&job->luks));
	json_object_set_new(o, "blast_radius", blast);
	json_object_set_new(o, "refusals", refusals_json(&job->refusals));
	json_object_set_new(o, "steps", steps_json(plan));
	json_object_set_new(o, "techniques", techniques_json(&job->capabilities));
	json_object_set_new(o, "obstacles", obstacles_json(&job->capabilities));
	json_object_set_new(o, "fallbacks", fallbacks_json(plan));
	if (job->drive.exists && !job->drive.answered)
		set_text(o, "drive_unknown", job->drive.why.msg);
	json_object_set_new(o, "verification",
			    json_pack("{s:s, s:s, s:o}", "mode",
				      xp_readback_mode_name(plan->verification.mode), "scheme",
				      xp_sample_scheme_name(plan->verification.scheme), "bytes",
				      xp_json_u64(plan->verification.bytes)));
	set_text(o, "asked", xp_level_name(plan->asked));
	set_text(o, "expected_claim", xp_level_name(plan->expected.level));
	set_text(o, "scope", xp_scope_name(plan->expected.scope));
	json_object_set_new(o, "reasons", reasons_json(&plan->expected));
	json_object_set_new(o, "not_covered", not_covered);
	set_text(o, "message", plan->message);
	json_object_set_new(o, "exit_code", json_integer(plan->exit_code));
	return o;
}

static void print_identity(FILE *f, const struct xp_target *t, const struct xp_identity *id)
{
	AUTO(xp_buf_free) struct xp_buf size = {0};

	xp_buf_size(&size, id->capacity_bytes);
	if (t->kind == XP_TARGET_IMAGE)
		xp_tell_line(f, "what", "disk image, file %s", id->name);
	else if (*id->name)
		xp_tell_line(f, "what", "%s device over the file %s", xp_bus_name(id->bus),
			     id->name);
	else
		xp_tell_line(f, "what", "%s on %s, model %s, serial number %s",
			     xp_media_name(id->media), xp_bus_name(id->bus),
			     *id->model ? id->model : "unavailable",
			     *id->serial ? id->serial : "unavailable");
	if (t->kind == XP_TARGET_IMAGE)
		xp_tell_line(f, "size", "%s (%" PRIu64 " bytes)", xp_buf_str(&size),
			     id->capacity_bytes);
	else
		xp_tell_line(f, "size", "%s (%" PRIu64 " bytes, blocks of %u)", xp_buf_str(&size),
			     id->capacity_bytes, id->logical_block_bytes);
	if (*t->signatures)
		xp_tell_line(f, "found on it", "%s", t->signatures);
}

/* Why the drive's own commands are not to be had, where they are not. */
static void print_drive(FILE *f, const struct xp_job *job)
{
	const struct xp_capabilities *c = &job->capabilities;

	if (job->drive.exists && !job->drive.answered)
		xp_tell_line(f, "note", "the drive was not asked what it can do: %s",
			     job->drive.why.msg);
	for (unsigned i = 0; i < c->obstacles_n; i++) {
		const struct xp_obstacle *o = &c->obstacles[i];

		xp_tell_line(f, i ? "" : "not now", "%s (%s): %s", xp_technique_name(o->technique),
			     xp_refusal_code_name(o->code), o->why);
		xp_tell_line(f, "  would help", "%s", o->remedy);
	}
}

static void print_fallbacks(FILE *f, const struct xp_job *job)
{
	const struct xp_plan *plan = &job->plan;
	AUTO(xp_buf_free) struct xp_buf b = {0};

	/* a job that is taken up may have tried some */
	for (unsigned i = job->next_fallback; i < plan->fallbacks_n; i++)
		xp_buf_printf(&b, "%s%s", i > job->next_fallback ? ", then " : "",
			      xp_technique_name(plan->fallbacks[i]));
	if (job->next_fallback < plan->fallbacks_n)
		xp_tell_line(f, "if it fails", "%s", xp_buf_str(&b));
}

static void print_steps(FILE *f, const struct xp_plan *plan)
{
	for (unsigned i = 0; i < plan->steps_n; i++) {
		const struct xp_plan_step *s = &plan->steps[i];
		AUTO(xp_buf_free) struct xp_buf b = {0};

		xp_buf_printf(&b, "%u. %s", i + 1, s->action);
		if (s->has_technique)
			xp_buf_printf(&b, " (%s)", xp_technique_name(s->technique));
		if (s->seconds) {
			xp_buf_puts(&b, ", about ");
			xp_buf_duration(&b, s->seconds);
		}
		xp_buf_printf(&b, ": %s", s->why);
		xp_tell_line(f, i ? "" : "steps", "%s", xp_buf_str(&b));
	}
}

static void print_expectation(FILE *f, const struct xp_plan *plan)
{
	xp_tell_line(f, "will claim", "%s, scope %s (asked: %s)",
		     xp_level_name(plan->expected.level), xp_scope_name(plan->expected.scope),
		     xp_level_name(plan->asked));
	for (unsigned i = 0; i < plan->expected.reasons_n; i++)
		xp_tell_line(f, i ? "" : "because", "%s", plan->expected.reasons[i].text);
	for (unsigned i = 0; i < plan->expected.not_covered_n; i++)
		xp_tell_line(f, i ? "" : "not covered", "%s", plan->expected.not_covered[i]);
}

void xp_job_plan_print(FILE *f, const struct xp_job *job)
{
	const struct xp_plan *plan = &job->plan;
	AUTO(xp_buf_free) struct xp_buf confirm = {0};

	xp_print_escaped(f, job->target.path);
	fputc('\n', f);
	print_identity(f, &job->target, &job->media);
	print_drive(f, job);
	for (size_t i = 0; i < plan->blast_radius_n; i++)
		xp_tell_line(f, i ? "" : "destroys", "%s", plan->blast_radius[i]);
	for (size_t i = 0; i < job->refusals.n; i++) {
		const struct xp_refusal *r = &job->refusals.list[i];

		xp_tell_line(f, "REFUSED", "%s: %s", xp_refusal_code_name(r->code), r->message);
		xp_tell_line(f, "  would help", "%s", r->remedy);
	}
	print_steps(f, plan);
	print_fallbacks(f, job);
	if ((plan->has_technique && !job->resume.active) || plan->expected.reasons_n)
		print_expectation(f, plan);
	if (*plan->message && job->refusals.n == 0)
		xp_tell_line(f, "note", "%s", plan->message);
	xp_buf_shell_word(&confirm, job->target.confirm);
	if (*job->target.confirm)
		xp_tell_line(f, "confirm with", "--confirm %s", xp_buf_str(&confirm));
}

static const char *outcome_text(const struct xp_job *job)
{
	switch (job->state) {
	case XP_JOB_PLANNED:
		return "planned";
	case XP_JOB_REFUSED:
		return "refused";
	case XP_JOB_ENDED:
		return xp_outcome_name(job->record.claim.outcome);
	case XP_JOB_INTERRUPTED:
		return "interrupted";
	case XP_JOB_FAILED:
		return "error";
	case XP_JOB_DETACHED:
		return "running";
	case XP_JOB_NOT_NEEDED:
		return "already_sanitized";
	}
	return "error";
}

const char *xp_job_end_text(struct xp_job *job)
{
	const struct xp_claim *claim = &job->record.claim;

	if (job->state == XP_JOB_ENDED)
		snprintf(job->end_text, sizeof(job->end_text), "%s, claim %s, scope %s",
			 outcome_text(job), xp_level_name(claim->level),
			 xp_scope_name(claim->scope));
	else if (job->state == XP_JOB_REFUSED && job->refusals.n)
		snprintf(job->end_text, sizeof(job->end_text), "refused (%s), nothing was touched",
			 xp_refusal_code_name(job->refusals.list[0].code));
	else if (job->state == XP_JOB_INTERRUPTED)
		snprintf(job->end_text, sizeof(job->end_text),
			 "interrupted; expunge resume goes on with it");
	else if (job->state == XP_JOB_FAILED)
		snprintf(job->end_text, sizeof(job->end_text), "%s", job->err.msg);
	else
		snprintf(job->end_text, sizeof(job->end_text), "%s", outcome_text(job));
	return job->end_text;
}

static json_t *closed_json(const struct xp_job *job)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < job->closed_n; i++) {
		char at[XP_TIME_LEN];

		xp_time_format(at, job->closed[i].at_s);
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s}", "name", job->closed[i].name,
						"uuid", job->closed[i].uuid, "at", at));
	}
	return list;
}

json_t *xp_job_result_json(const struct xp_job *job)
{
	const struct xp_claim *claim = &job->record.claim;
	bool has_claim = job->state == XP_JOB_ENDED || job->state == XP_JOB_NOT_NEEDED ||
			 job->state == XP_JOB_INTERRUPTED;
	json_t *o = json_object();

	set_text(o, "path", job->target.path);
	set_text(o, "confirm", job->target.confirm);
	set_text(o, "serial", job->media.serial);
	set_text(o, "job", job->id);
	set_text(o, "outcome", outcome_text(job));
	set_text(o, "claim", xp_level_name(has_claim ? claim->level : XP_NONE));
	set_text(o, "scope", has_claim ? xp_scope_name(claim->scope) : "");
	set_text(o, "asked", xp_level_name(job->plan.asked));
	json_object_set_new(o, "reasons", has_claim ? reasons_json(claim) : json_array());
	json_object_set_new(o, "refusals", refusals_json(&job->refusals));
	if (job->closed_n)
		json_object_set_new(o, "closed", closed_json(job));
	set_text(o, "record", job->record_name);
	set_text(o, "signature", job->signature_name);
	json_object_set_new(o, "bytes_written", xp_json_u64(job->bytes_written));
	json_object_set_new(o, "bytes_read", xp_json_u64(job->bytes_read));
	json_object_set_new(o, "seconds", json_integer((json_int_t)job->seconds));
	if (job->err.rc != XP_OK)
		set_text(o, "error", job->err.msg);
	json_object_set_new(o, "exit_code", json_integer(job->exit_code));
	return o;
}
