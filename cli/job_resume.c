#include "cli/job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "certs/evidence_json.h"
#include "cli/job_close.h"
#include "cli/job_drive.h"
#include "cli/job_host.h"
#include "cli/job_journal.h"
#include "cli/job_needed.h"
#include "cli/job_reach.h"
#include "cli/job_restore.h"
#include "cli/job_resume_plan.h"
#include "device/extent_map.h"
#include "device/interlock.h"
#include "device/luks_close.h"
#include "verify/left_behind.h"

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
	if (plan->passes > XP_PLAN_PASSES_MAX ||
	    xp_technique_is_host_write(plan->technique) != (plan->passes > 0))
		return damaged(job, "contents", err);
	for (unsigned i = 0; i < plan->passes; i++) {
		plan->contents[i] = (struct xp_content){0};
		TRY(read_struct(&plan->contents[i], &xp_schema_content, job,
				json_array_get(contents, i), "contents", err));
	}
	return XP_OK;
}

static enum xp_rc read_fallbacks(struct xp_job *job, json_t *line, struct xp_err *err)
{
	json_t *list = json_object_get(line, "fallbacks");
	struct xp_plan *plan = &job->plan;

	plan->fallbacks_n = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (!name || plan->fallbacks_n == XP_TECHNIQUE_COUNT ||
		    !xp_technique_parse(&plan->fallbacks[plan->fallbacks_n++], name))
			return damaged(job, "fallbacks", err);
	}
	return XP_OK;
}

/* How a drive's own overwrite is to be carried out. */
static enum xp_rc read_overwrite(struct xp_job *job, json_t *line, struct xp_err *err)
{
	const json_t *o = json_object_get(line, "overwrite");
	const char *pattern = json_string_value(json_object_get(o, "pattern"));
	json_int_t passes = json_integer_value(json_object_get(o, "passes"));
	struct xp_sanitize_overwrite *to = &job->plan.overwrite;

	if (!pattern || !xp_hex_decode(to->pattern, sizeof(to->pattern), pattern) || passes < 0 ||
	    passes > XP_SANITIZE_PASSES_MAX)
		return damaged(job, "overwrite", err);
	to->passes = (unsigned)passes;
	to->inverts = json_is_true(json_object_get(o, "invert"));
	to->deallocates = json_is_true(json_object_get(o, "deallocate"));
	return XP_OK;
}

static enum xp_rc read_job_line(struct xp_job *job, json_t *line, struct xp_err *err)
{
	const char *mode = json_string_value(json_object_get(line, "verify"));
	const char *scheme = json_string_value(json_object_get(line, "scheme"));
	const char *then;
	const char *folder;

	TRY(read_contents(job, line, err));
	TRY(read_fallbacks(job, line, err));
	TRY(read_overwrite(job, line, err));
	if (!mode || !scheme || !xp_readback_mode_parse(&job->plan.verification.mode, mode) ||
	    !xp_sample_scheme_parse(&job->plan.verification.scheme, scheme))
		return damaged(job, "verification", err);
	job->plan.verification.n = (uint64_t)json_integer_value(json_object_get(line, "sample_n"));
	then = json_string_value(json_object_get(line, "then"));
	job->has_then = then != NULL;
	if (then && !xp_technique_parse(&job->then, then))
		return damaged(job, "then", err);
	folder = json_string_value(json_object_get(line, "folder"));
	if ((size_t)snprintf(job->folder, sizeof(job->folder), "%s", folder ? folder : "") >=
	    sizeof(job->folder))
		return damaged(job, "folder", err);
	job->plan.verification.search_all = json_is_true(json_object_get(line, "search_all"));
	job->plan.asked = job->record.asked;
	job->plan.accepted = job->record.accepted;
	return XP_OK;
}

static bool pass_is_complete(const struct xp_evidence *ev, const struct xp_phase *p)
{
	const struct xp_overwrite_result *o = &p->overwrite;
	uint64_t goal = xp_evidence_goal_bytes(ev, p);

	return o->flushed && o->bytes_written + o->unwritten.total_bytes == goal && goal > 0;
}

/* Does the drive's answer to its command stand in the journal, whatever it is? */
static bool command_is_over(const struct xp_job *job)
{
	return job->resume.has_command &&
	       (job->resume.note == XP_COMMAND_ENDED || job->resume.note == XP_COMMAND_OPEN);
}

/*
 * Between two takes nobody holds the drive, and what was written to it meanwhile reads as changed,
 * like an erase. Only where it is known what the erase left, and that is read back, would it show.
 */
static bool would_show_later_writes(const struct xp_job *job, const struct xp_phase *erase)
{
	struct xp_left_behind left;

	xp_left_behind(&left, erase);
	return left.content.kind != XP_CONTENT_UNKNOWN &&
	       job->plan.verification.mode != XP_READBACK_NONE;
}

/* SAS drives must be seen at it anew; the log of an NVMe sanitize tells of later writes. */
static bool method_asks_again(enum xp_technique t)
{
	switch (t) {
	case XP_SCSI_SANITIZE_CRYPTO:
	case XP_SCSI_SANITIZE_BLOCK:
	case XP_SCSI_SANITIZE_OVERWRITE:
	case XP_SCSI_FORMAT:
	case XP_NVME_SANITIZE_CRYPTO:
	case XP_NVME_SANITIZE_BLOCK:
	case XP_NVME_SANITIZE_OVERWRITE:
		return true;
	default:
		return false;
	}
}

/* What an earlier take saw of the command is forgotten where it proves nothing any more. */
static void doubt_command(struct xp_job *job)
{
	if (!job->resume.has_command || job->resume.note == XP_COMMAND_SECRET ||
	    would_show_later_writes(job, &job->resume.command) ||
	    (job->resume.note == XP_COMMAND_ACCEPTED &&
	     method_asks_again(job->resume.command.technique)))
		return;
	job->resume.note = XP_COMMAND_SENT;
	job->resume.erase_done = false;
}

/* The passes of the attempt up to this one need no more than to be told. */
static void take_pass(struct xp_job *job, const struct xp_phase *p)
{
	if (xp_technique_is_device_command(p->technique)) {
		job->resume.erase_done = command_is_over(job);
		return;
	}
	if (!pass_is_complete(&job->record.evidence, p))
		return;
	job->resume.first_pass = p->overwrite.pass + 1;
	job->resume.begun = false;
	job->resume.offset = 0;
	job->resume.list_was_cut = false;
	xp_extents_free(&job->resume.unwritten);
	job->resume.erase_done = p->overwrite.pass == p->overwrite.passes;
}

/* The clock said so then: it cannot say less now. */
static void knows_time(struct xp_job *job, int64_t at_s)
{
	if (at_s > job->resume.last_s)
		job->resume.last_s = at_s;
}

/* Lines that bear a time of their own. */
static void take_time(struct xp_job *job, const json_t *line)
{
	const char *text = json_string_value(json_object_get(line, "time"));
	int64_t at_s = 0;

	if (text && xp_time_parse(&at_s, text))
		knows_time(job, at_s);
}

static enum xp_rc take_phase(struct xp_job *job, json_t *line, struct xp_err *err)
{
	struct xp_evidence *ev = &job->record.evidence;
	struct xp_phase read = {0};
	struct xp_phase *slot;
	enum xp_rc rc = read_struct(&read, &xp_schema_phase, job, json_object_get(line, "phase"),
				    "phase", err);

	if (rc == XP_OK)
		knows_time(job, read.end_s);
	slot = rc == XP_OK ? xp_evidence_add(ev, read.kind) : NULL;
	if (!slot) {
		xp_phase_free(&read);
		return rc == XP_OK ? xp_fail(err, XP_E_NOMEM, "evidence") : rc;
	}
	*slot = read;
	if (slot->kind == XP_PHASE_ERASE)
		take_pass(job, slot);
	return XP_OK;
}

/*
 * Of the attempt that was broken off only what is proven to be over stands: the first look at the
 * target, what was read before, and the passes that ended whole. What came behind is done anew.
 */
static bool stands(const struct xp_job *job, size_t i, size_t last_erase)
{
	const struct xp_phase *p = &job->record.evidence.phases[i];

	if (i == 0 || p->attempt < job->resume.attempt)
		return true;
	switch (p->kind) {
	case XP_PHASE_BASELINE: /* before the command was about to be sent it is read anew */
		return job->resume.has_command;
	case XP_PHASE_ERASE:
		return xp_technique_is_device_command(p->technique)
			       ? job->resume.erase_done && i == last_erase
			       : pass_is_complete(&job->record.evidence, p);
	case XP_PHASE_IDENTIFY:
		return p->volume_n > 0 || p->file_known; /* nobody could look at it again */
	case XP_PHASE_READBACK:
		break;
	}
	return false;
}

static void drop_unproven(struct xp_job *job)
{
	struct xp_evidence *ev = &job->record.evidence;
	size_t last_erase = 0;
	size_t n = 0;

	for (size_t i = 0; i < ev->n; i++)
		if (ev->phases[i].kind == XP_PHASE_ERASE)
			last_erase = i;
	for (size_t i = 0; i < ev->n; i++) {
		if (!stands(job, i, last_erase)) {
			xp_phase_free(&ev->phases[i]);
			continue;
		}
		if (n != i)
			ev->phases[n] = ev->phases[i];
		n++;
	}
	ev->n = n;
}

/* Another technique took over: what was known of the one before is over. */
static enum xp_rc take_attempt(struct xp_job *job, json_t *line, struct xp_err *err)
{
	json_int_t attempt = json_integer_value(json_object_get(line, "attempt"));

	if (attempt <= (json_int_t)job->resume.attempt || attempt > UINT32_MAX)
		return damaged(job, "attempt", err);
	TRY(read_contents(job, line, err));
	job->resume.attempt = (uint32_t)attempt;
	job->has_then = false;
	job->resume.first_pass = 1;
	job->resume.begun = job->resume.erase_done = job->resume.list_was_cut = false;
	job->resume.has_command = false;
	job->resume.offset = 0;
	xp_extents_free(&job->resume.unwritten);
	xp_phase_free(&job->resume.command);
	for (unsigned i = 0; i < job->plan.fallbacks_n; i++)
		if (job->plan.fallbacks[i] == job->plan.technique)
			job->next_fallback = i + 1;
	return XP_OK;
}

static enum xp_rc take_command(struct xp_job *job, json_t *line, struct xp_err *err)
{
	const char *note = json_string_value(json_object_get(line, "note"));

	if (!note || !xp_command_note_parse(&job->resume.note, note))
		return damaged(job, "command", err);
	xp_phase_free(&job->resume.command);
	TRY(read_struct(&job->resume.command, &xp_schema_phase, job, json_object_get(line, "phase"),
			"command", err));
	job->resume.has_command = true;
	knows_time(job, job->resume.command.start_s);
	knows_time(job, job->resume.command.end_s);
	if (job->resume.note == XP_COMMAND_SECRET)
		job->resume.has_secret = true;
	if (job->resume.note == XP_COMMAND_OPEN)
		job->resume.has_secret = false;
	return XP_OK;
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
	take_time(job, line);
	if (strcmp(type, "phase-end") == 0)
		return take_phase(job, line, err);
	if (strcmp(type, "checkpoint") == 0)
		return take_checkpoint(job, line, err);
	if (strcmp(type, "attempt") == 0)
		return take_attempt(job, line, err);
	if (strcmp(type, "command") == 0)
		return take_command(job, line, err);
	if (strcmp(type, "phase-begin") == 0) {
		const char *kind = json_string_value(json_object_get(line, "kind"));

		if (kind && strcmp(kind, xp_phase_kind_name(XP_PHASE_ERASE)) == 0)
			job->resume.begun = true;
	}
	if (strcmp(type, "log") == 0)
		return take_log(job, line, err);
	if (strcmp(type, "capacity") == 0)
		return xp_job_restore_take_line(job, line, err);
	if (strcmp(type, "unlocked") == 0)
		job->resume.has_secret = false;
	if (strcmp(type, "closed") == 0)
		return xp_job_close_take_line(job, line, err);
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

/* What the draft knew before the first phase; the phases stand in the lines behind it. */
static void take_evidence_head(struct xp_record *r)
{
	struct xp_evidence *ev = &r->evidence;
	struct xp_firmware_row *firmware = STEAL(ev->firmware);
	struct xp_evidence head = {
		.capacity = ev->capacity,
		.firmware = firmware,
		.firmware_n = ev->firmware_n,
		.clock_synchronized = r->clock.synchronized ? XP_ANSWER_YES : XP_ANSWER_NO,
	};

	ev->firmware_n = 0;
	xp_evidence_free(ev);
	*ev = head;
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
	take_evidence_head(&job->record);
	job->resume.active = true;
	job->attempt = job->resume.attempt = 1;
	birth = json_string_value(json_object_get(first, "birth"));
	snprintf(job->resume.birth, sizeof(job->resume.birth), "%s", birth ? birth : "");
	job->resume.takes = 1;
	job->resume.first_pass = 1;
	knows_time(job, xp_job_id_start_s(job->id));
	json_array_foreach (lines, i, line) {
		TRY(take_line(job, line, err));
	}
	doubt_command(job);
	drop_unproven(job);
	job->attempt = job->resume.attempt;
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
static bool is_same_target(const struct xp_job *job, const char **difference)
{
	struct xp_identity a = job->record.media;
	struct xp_identity b = job->media;

	a.diskseq = b.diskseq = 0;
	if (b.bus != XP_BUS_FILE && b.bus != XP_BUS_LOOP)
		a.fs_dev = b.fs_dev = 0;
	/* what the job itself made larger */
	if (xp_job_restore_allows(job, b.capacity_bytes))
		a.capacity_bytes = b.capacity_bytes;
	return xp_identity_same(&a, &b, difference);
}

static bool has_volumes(const struct xp_evidence *ev)
{
	for (size_t i = 0; i < ev->n; i++)
		if (ev->phases[i].volume_n)
			return true;
	return false;
}

/* A drive that was made larger: the kernel may know it as it was. */
static enum xp_rc resolve(struct xp_job *job, const char *path, struct xp_err *err)
{
	const struct xp_sysroot *root = job->setup->root;

	TRY(xp_target_resolve(&job->target, root, path, err));
	if (job->restore.n == 0)
		return XP_OK;
	xp_job_drive_look_again(job);
	xp_target_free(&job->target);
	return xp_target_resolve(&job->target, root, path, err);
}

/* Whatever is opened would wait with the kernel; the journal stands, and the drive is at it. */
static enum xp_rc refuse_unreachable(struct xp_job *job, const char *path, const char *why,
				     struct xp_err *err)
{
	snprintf(job->target.path, sizeof(job->target.path), "%s", path);
	return xp_refusals_add(&job->refusals, err, XP_REFUSED_UNKNOWN,
			       "wait until the drive is through, and resume then",
			       "%s: job %s cannot go on yet: %s", path, job->id, why);
}

enum xp_rc xp_job_resume_prepare(struct xp_job *job, const struct xp_job_setup *setup,
				 const char *path, struct xp_err *err)
{
	const char *difference = NULL;
	char birth[XP_BIRTH_LEN];
	char text[384];

	job->setup = setup;
	xp_journal_keep(job->journal, setup->state->durable);
	if (xp_job_file_is_gone(job, path)) {
		snprintf(job->target.path, sizeof(job->target.path), "%s", path);
		job->file_gone = true;
		return xp_job_resume_plan(job, err);
	}
	if (!xp_job_can_reach(text, sizeof(text), setup->root, path))
		return refuse_unreachable(job, path, text, err);
	TRY(resolve(job, path, err));
	if (setup->close_mappings)
		xp_luks_mappings_find(&job->closing, setup->root, &job->target);
	xp_job_birth(birth, &job->target);
	TRY(xp_job_drive_ask(job, NULL, err));
	if (!is_same_target(job, &difference) ||
	    (*job->resume.birth && strcmp(birth, job->resume.birth) != 0)) {
		snprintf(text, sizeof(text), "find the drive that job %s was on and name its path",
			 job->id);
		TRY(xp_refusals_add(&job->refusals, err, XP_REFUSED_IDENTITY_CHANGED, text,
				    "%s is not the target of job %s: %s differs", path, job->id,
				    difference ? difference : "the time it was made"));
	}
	if (job->plan.technique == XP_FILE_OVERWRITE) {
		TRY(xp_file_facts_find(&job->file, setup->root, job->target.path, err));
		job->file_known = true;
	}
	/* nothing was written yet: the headers are still there to be found */
	if (job->plan.technique == XP_LUKS_DESTROY && !has_volumes(&job->record.evidence))
		TRY(xp_luks_find(&job->luks, &job->target, err));
	TRY(xp_job_interlock_check(job, err));
	return xp_job_resume_plan(job, err);
}
