#include "cli/job.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "certs/evidence_json.h"
#include "cli/job_journal.h"
#include "device/interlock.h"

static void free_json(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}
#define AUTO_JSON AUTO(free_json)

static enum xp_rc damaged(const struct xp_job *job, const char *what, struct xp_err *err)
{
	return xp_fail(err, XP_E_MALFORMED, "journal of job %s: %s", job->id, what);
}

static enum xp_rc read_struct(void *out, const struct xp_schema *schema, const struct xp_job *job,
			      json_t *object, const char *what, struct xp_err *err)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};

	if (!object)
		return damaged(job, what, err);
	TRY(xp_schema_read(out, schema, object, &findings, err));
	if (findings.n || findings.lost)
		return xp_fail(err, XP_E_MALFORMED, "journal of job %s: %s: %s", job->id, what,
			       findings.n ? findings.list[0].text : "no memory");
	return XP_OK;
}

/* The draft of the record: media, policy, the operator's words, host. */
static enum xp_rc read_draft(struct xp_job *job, json_t *line, struct xp_err *err)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	AUTO_MEM char *text =
		json_dumps(json_object_get(line, "draft"), JSON_COMPACT | JSON_SORT_KEYS);

	if (!text)
		return damaged(job, "no draft", err);
	if (xp_record_parse(&job->record, text, strlen(text), &findings, err) == XP_OK)
		return XP_OK;
	return xp_fail(err, XP_E_MALFORMED, "journal of job %s: the draft: %s", job->id,
		       findings.n ? findings.list[0].text : "unreadable");
}

static enum xp_rc read_contents(struct xp_job *job, json_t *line, struct xp_err *err)
{
	json_t *contents = json_object_get(line, "contents");
	struct xp_plan *plan = &job->plan;
	const char *technique = json_string_value(json_object_get(line, "technique"));

	if (!technique || !xp_technique_parse(&plan->technique, technique))
		return damaged(job, "technique", err);
	plan->has_technique = true;
	plan->passes = (unsigned)json_array_size(contents);
	if (plan->passes == 0 || plan->passes > XP_PLAN_PASSES_MAX)
		return damaged(job, "contents", err);
	for (unsigned i = 0; i < plan->passes; i++) {
		plan->contents[i] = (struct xp_content){0};
		TRY(read_struct(&plan->contents[i], &xp_schema_content, job,
				json_array_get(contents, i), "contents", err));
	}
	return XP_OK;
}

static enum xp_rc read_job_line(struct xp_job *job, json_t *line, struct xp_err *err)
{
	const char *mode = json_string_value(json_object_get(line, "verify"));
	const char *scheme = json_string_value(json_object_get(line, "scheme"));

	TRY(read_contents(job, line, err));
	if (!mode || !scheme || !xp_readback_mode_parse(&job->plan.verification.mode, mode) ||
	    !xp_sample_scheme_parse(&job->plan.verification.scheme, scheme))
		return damaged(job, "verification", err);
	job->plan.verification.n = (uint64_t)json_integer_value(json_object_get(line, "sample_n"));
	job->plan.asked = job->record.asked;
	job->plan.accepted = job->record.accepted;
	return XP_OK;
}

static bool pass_is_complete(const struct xp_phase *p)
{
	const struct xp_overwrite_result *o = &p->overwrite;

	return o->flushed &&
	       o->bytes_written + o->unwritten.total_bytes == p->identity.capacity_bytes;
}

/* Keeps what is proven to be over: the first identification and the passes that ended whole. */
static enum xp_rc take_phase(struct xp_job *job, json_t *line, struct xp_err *err)
{
	struct xp_evidence *ev = &job->record.evidence;
	struct xp_phase read = {0};
	struct xp_phase *slot;
	bool keep;
	enum xp_rc rc = read_struct(&read, &xp_schema_phase, job, json_object_get(line, "phase"),
				    "phase", err);

	if (rc == XP_OK && read.end_s > job->resume.last_s)
		job->resume.last_s = read.end_s;
	keep = rc == XP_OK && ((read.kind == XP_PHASE_IDENTIFY && ev->n == 0) ||
			       (read.kind == XP_PHASE_ERASE && pass_is_complete(&read)));
	slot = keep ? xp_evidence_add(ev, read.kind) : NULL;
	if (slot) {
		*slot = read;
		read = (struct xp_phase){0};
	}
	if (slot && slot->kind == XP_PHASE_ERASE) {
		job->resume.first_pass = slot->overwrite.pass + 1;
		job->resume.begun = false;
		job->resume.offset = 0;
		job->resume.list_was_cut = false;
		xp_extents_free(&job->resume.unwritten);
		job->resume.erase_done = slot->overwrite.pass == slot->overwrite.passes;
	}
	xp_identity_free(&read.identity);
	xp_overwrite_result_free(&read.overwrite);
	xp_readback_result_free(&read.readback);
	xp_command_result_free(&read.command);
	if (keep && !slot)
		return xp_fail(err, XP_E_NOMEM, "evidence");
	return rc;
}

static enum xp_rc take_checkpoint(struct xp_job *job, json_t *line, struct xp_err *err)
{
	const char *text = json_string_value(json_object_get(line, "offset"));
	char *end = NULL;

	if (!text || !*text)
		return damaged(job, "checkpoint", err);
	job->resume.offset = strtoull(text, &end, 10);
	if (*end)
		return damaged(job, "checkpoint", err);
	/* no list: the one of the checkpoint before */
	if (!json_object_get(line, "unwritten")) {
		if (job->resume.list_was_cut)
			job->resume.offset = 0;
		return XP_OK;
	}
	xp_extents_free(&job->resume.unwritten);
	TRY(read_struct(&job->resume.unwritten, &xp_schema_extents, job,
			json_object_get(line, "unwritten"), "checkpoint", err));
	job->resume.list_was_cut = job->resume.unwritten.total_count > job->resume.unwritten.n;
	if (!job->resume.list_was_cut)
		return XP_OK;
	/* a list that was cut cannot be gone on with: the pass begins again */
	job->resume.offset = 0;
	xp_extents_free(&job->resume.unwritten);
	return XP_OK;
}

static enum xp_rc take_log(struct xp_job *job, json_t *line, struct xp_err *err)
{
	struct xp_record *r = &job->record;
	const char *origin = json_string_value(json_object_get(line, "origin"));
	const char *root = json_string_value(json_object_get(line, "checkpoint_root"));

	if (!origin || !root ||
	    !xp_hex_decode(r->log.checkpoint_root, sizeof(r->log.checkpoint_root), root))
		return damaged(job, "log", err);
	r->log.present = true;
	snprintf(r->log.origin, sizeof(r->log.origin), "%s", origin);
	r->log.start_index = (uint64_t)json_integer_value(json_object_get(line, "start_index"));
	r->log.checkpoint_size =
		(uint64_t)json_integer_value(json_object_get(line, "checkpoint_size"));
	return XP_OK;
}

static enum xp_rc take_line(struct xp_job *job, json_t *line, struct xp_err *err)
{
	const char *type = json_string_value(json_object_get(line, "type"));

	if (!type)
		return damaged(job, "a line without a type", err);
	if (strcmp(type, "phase-end") == 0)
		return take_phase(job, line, err);
	if (strcmp(type, "checkpoint") == 0)
		return take_checkpoint(job, line, err);
	if (strcmp(type, "phase-begin") == 0) {
		const char *kind = json_string_value(json_object_get(line, "kind"));

		if (kind && strcmp(kind, xp_phase_kind_name(XP_PHASE_ERASE)) == 0)
			job->resume.begun = true;
	}
	if (strcmp(type, "log") == 0)
		return take_log(job, line, err);
	if (strcmp(type, "resume") == 0)
		job->resume.takes++;
	if (strcmp(type, "cancelled") == 0) {
		const char *id = json_string_value(json_object_get(line, "record"));

		const char *sha256 = json_string_value(json_object_get(line, "sha256"));

		snprintf(job->failure_id, sizeof(job->failure_id), "%s", id ? id : "");
		job->has_failure_sha256 =
			sha256 &&
			xp_hex_decode(job->failure_sha256, sizeof(job->failure_sha256), sha256);
	}
	if (strcmp(type, "end") == 0)
		return xp_fail(err, XP_E_USAGE, "job %s has ended; there is nothing to resume",
			       job->id);
	return XP_OK;
}

static enum xp_rc take_lines(struct xp_job *job, json_t *lines, struct xp_err *err)
{
	json_t *first = json_array_get(lines, 0);
	const char *birth;
	size_t i;
	json_t *line;

	if (!first)
		return xp_fail(err, XP_E_USAGE,
			       "job %s was interrupted before it touched anything; run it anew",
			       job->id);
	if (json_integer_value(json_object_get(first, "version")) != XP_JOB_JOURNAL_VERSION)
		return damaged(job, "another version", err);
	TRY(read_draft(job, first, err));
	TRY(read_job_line(job, first, err));
	TRY(xp_policy_parse(&job->resume.policy, job->record.policy_json, job->record.policy_len,
			    err));
	xp_evidence_free(&job->record.evidence);
	job->record.evidence.clock_synchronized =
		job->record.clock.synchronized ? XP_ANSWER_YES : XP_ANSWER_NO;
	job->record.evidence.capacity.current = job->record.media.capacity_bytes;
	job->resume.active = true;
	birth = json_string_value(json_object_get(first, "birth"));
	snprintf(job->resume.birth, sizeof(job->resume.birth), "%s", birth ? birth : "");
	job->resume.takes = 1;
	job->resume.first_pass = 1;
	json_array_foreach (lines, i, line) {
		TRY(take_line(job, line, err));
	}
	return XP_OK;
}

enum xp_rc xp_job_reopen(struct xp_job *job, const struct xp_state *state, json_t **first_line,
			 const char *id, struct xp_err *err)
{
	AUTO_JSON json_t *lines = NULL;

	if (strlen(id) != XP_UUID_LEN - 1)
		return xp_fail(err, XP_E_USAGE, "%s is no job id", id);
	memcpy(job->id, id, XP_UUID_LEN);
	TRY(xp_journal_open(&job->journal, &lines, state->jobs_fd, id, err));
	TRY(take_lines(job, lines, err));
	*first_line = json_incref(json_array_get(lines, 0));
	return XP_OK;
}

/* The same target still? What a restart of the host may change does not count. */
static bool is_same_target(const struct xp_identity *then, const struct xp_identity *now,
			   const char **difference)
{
	struct xp_identity a = *then;
	struct xp_identity b = *now;

	a.diskseq = b.diskseq = 0;
	if (b.bus != XP_BUS_FILE && b.bus != XP_BUS_LOOP)
		a.fs_dev = b.fs_dev = 0;
	return xp_identity_same(&a, &b, difference);
}

enum xp_rc xp_job_resume_prepare(struct xp_job *job, const struct xp_job_setup *setup,
				 const char *path, struct xp_err *err)
{
	const char *difference = NULL;
	char birth[XP_BIRTH_LEN];
	char text[256];
	const char *outputs[] = {setup->state->path, setup->out_dir, NULL};
	struct xp_interlock_request req = {
		.root = setup->root,
		.target = &job->target,
		.confirms = setup->confirms,
		.outputs = outputs,
		.allow_remote = setup->options->allow_remote,
	};

	job->setup = setup;
	TRY(xp_target_resolve(&job->target, setup->root, path, err));
	xp_job_birth(birth, &job->target);
	if (!is_same_target(&job->record.media, &job->target.identity, &difference) ||
	    (*job->resume.birth && strcmp(birth, job->resume.birth) != 0)) {
		snprintf(text, sizeof(text), "find the drive that job %s was on and name its path",
			 job->id);
		TRY(xp_refusals_add(&job->refusals, err, XP_REFUSED_IDENTITY_CHANGED, text,
				    "%s is not the target of job %s: %s differs", path, job->id,
				    difference ? difference : "the time it was made"));
	}
	return xp_interlock_check(&job->refusals, &req, err);
}
