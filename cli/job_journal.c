#include "cli/job_journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "certs/evidence_json.h"
#include "cli/job_restore.h"

static void free_json(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}
#define AUTO_JSON AUTO(free_json)

/* --- writing --- */

static enum xp_rc contents_json(json_t **out, const struct xp_plan *plan, struct xp_err *err)
{
	AUTO_JSON json_t *list = json_array();

	for (unsigned i = 0; i < plan->passes; i++) {
		json_t *c = NULL;

		TRY(xp_schema_write(&c, &xp_schema_content, &plan->contents[i], err));
		if (json_array_append_new(list, c))
			return xp_fail(err, XP_E_NOMEM, "journal");
	}
	*out = STEAL(list);
	return XP_OK;
}

static json_t *fallbacks_json(const struct xp_plan *plan)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < plan->fallbacks_n; i++)
		json_array_append_new(list, json_string(xp_technique_name(plan->fallbacks[i])));
	return list;
}

static json_t *overwrite_json(const struct xp_sanitize_overwrite *o)
{
	char pattern[2 * sizeof(o->pattern) + 1];

	xp_hex_encode(pattern, o->pattern, sizeof(o->pattern));
	return json_pack("{s:i, s:b, s:s, s:b}", "passes", (int)o->passes, "invert",
			 (int)o->inverts, "pattern", pattern, "deallocate", (int)o->deallocates);
}

/* A later take may stand in another folder. Links stay: what they lead to then is looked at then.
 */
static enum xp_rc absolute_path(char *out, size_t size, const char *path, struct xp_err *err)
{
	AUTO_MEM char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);

	if (path[0] != '/' && !cwd)
		return xp_fail_errno(err, XP_E_IO, "the working folder");
	if ((size_t)snprintf(out, size, "%s%s%s", cwd ? cwd : "", cwd ? "/" : "", path) >= size)
		return xp_fail(err, XP_E_USAGE, "%s: the name is too long", path);
	return XP_OK;
}

enum xp_rc xp_job_journal_start(struct xp_job *job, struct xp_err *err)
{
	const struct xp_job_setup *s = job->setup;
	AUTO_MEM char *draft_text = NULL;
	AUTO_JSON json_t *draft = NULL;
	AUTO_JSON json_t *contents = NULL;
	char path[2 * sizeof(job->target.path)];
	char birth[XP_BIRTH_LEN];
	json_error_t why;
	size_t len = 0;
	json_t *line;

	TRY(absolute_path(path, sizeof(path), job->target.path, err));
	TRY(xp_record_write(&draft_text, &len, &job->record, err));
	draft = json_loadb(draft_text, len, 0, &why);
	if (!draft)
		return xp_fail(err, XP_E_INTERNAL, "the draft of the record: %s", why.text);
	TRY(contents_json(&contents, &job->plan, err));
	line = json_pack("{s:s, s:i, s:s, s:s, s:s, s:i, s:O, s:s, s:s, s:I, s:O}", "type", "job",
			 "version", XP_JOB_JOURNAL_VERSION, "path", path, "confirm",
			 job->target.confirm, "technique", xp_technique_name(job->plan.technique),
			 "passes", (int)job->plan.passes, "contents", contents, "verify",
			 xp_readback_mode_name(job->plan.verification.mode), "scheme",
			 xp_sample_scheme_name(job->plan.verification.scheme), "sample_n",
			 (json_int_t)job->plan.verification.n, "draft", draft);
	if (line && job->has_then)
		json_object_set_new(line, "then", json_string(xp_technique_name(job->then)));
	if (line && *job->folder)
		json_object_set_new(line, "folder", json_string(job->folder));
	if (line && job->plan.verification.search_all)
		json_object_set_new(line, "search_all", json_true());
	if (line)
		json_object_set_new(line, "fallbacks", fallbacks_json(&job->plan));
	if (line)
		json_object_set_new(line, "overwrite", overwrite_json(&job->plan.overwrite));
	xp_job_birth(birth, &job->target);
	if (line && *birth)
		json_object_set_new(line, "birth", json_string(birth));
	if (line && s->out_dir)
		json_object_set_new(line, "out", json_string(s->out_dir));
	if (line && s->key_path)
		json_object_set_new(line, "key", json_string(s->key_path));
	if (line && s->cert_path)
		json_object_set_new(line, "cert", json_string(s->cert_path));
	return xp_journal_add(job->journal, line, err);
}

enum xp_rc xp_job_journal_attempt(struct xp_job *job, const char *why, struct xp_err *err)
{
	AUTO_JSON json_t *contents = NULL;

	TRY(contents_json(&contents, &job->plan, err));
	return xp_journal_add(job->journal,
			      json_pack("{s:s, s:i, s:s, s:O, s:s}", "type", "attempt", "attempt",
					(int)job->attempt, "technique",
					xp_technique_name(job->plan.technique), "contents",
					contents, "why", why),
			      err);
}

enum xp_rc xp_job_journal_command(struct xp_job *job, enum xp_command_note what,
				  const struct xp_phase *phase, struct xp_err *err)
{
	json_t *body = NULL;

	TRY(xp_schema_write(&body, &xp_schema_phase, phase, err));
	return xp_journal_add(job->journal,
			      json_pack("{s:s, s:s, s:o}", "type", "command", "note",
					xp_command_note_name(what), "phase", body),
			      err);
}

static enum xp_rc add_phase(struct xp_job *job, const char *type, const struct xp_phase *phase,
			    struct xp_err *err)
{
	json_t *body = NULL;

	TRY(xp_schema_write(&body, &xp_schema_phase, phase, err));
	return xp_journal_add(job->journal, json_pack("{s:s, s:o}", "type", type, "phase", body),
			      err);
}

enum xp_rc xp_job_journal_phase_begin(struct xp_job *job, const struct xp_phase *phase,
				      struct xp_err *err)
{
	json_t *line = json_pack("{s:s, s:s, s:s, s:i, s:i}", "type", "phase-begin", "kind",
				 xp_phase_kind_name(phase->kind), "technique",
				 xp_technique_name(phase->technique), "pass",
				 (int)phase->overwrite.pass, "attempt", (int)phase->attempt);

	job->has_told = false;
	return xp_journal_add(job->journal, line, err);
}

enum xp_rc xp_job_journal_phase_end(struct xp_job *job, const struct xp_phase *phase,
				    struct xp_err *err)
{
	return add_phase(job, "phase-end", phase, err);
}

static json_t *u64_json(uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return json_string(text);
}

enum xp_rc xp_job_journal_checkpoint(struct xp_job *job, uint64_t offset,
				     const struct xp_extents *unwritten, struct xp_err *err)
{
	bool same = job->has_told && job->told_count == unwritten->total_count &&
		    job->told_bytes == unwritten->total_bytes;
	json_t *list = NULL;

	if (!same)
		TRY(xp_schema_write(&list, &xp_schema_extents, unwritten, err));
	TRY(xp_journal_add(job->journal,
			   json_pack("{s:s, s:o, s:o*}", "type", "checkpoint", "offset",
				     u64_json(offset), "unwritten", list),
			   err));
	job->has_told = true;
	job->told_count = unwritten->total_count;
	job->told_bytes = unwritten->total_bytes;
	return XP_OK;
}

enum xp_rc xp_job_journal_resume(struct xp_job *job, struct xp_err *err)
{
	char now[XP_TIME_LEN];

	xp_time_format(now, job->setup->clock->wall_s(job->setup->clock->ctx));
	return xp_journal_add(job->journal, json_pack("{s:s, s:s}", "type", "resume", "time", now),
			      err);
}

enum xp_rc xp_job_journal_log(struct xp_job *job, struct xp_err *err)
{
	const struct xp_record *r = &job->record;
	char root[65];

	xp_hex_encode(root, r->log.checkpoint_root, sizeof(r->log.checkpoint_root));
	return xp_journal_add(
		job->journal,
		json_pack("{s:s, s:s, s:I, s:I, s:s}", "type", "log", "origin", r->log.origin,
			  "start_index", (json_int_t)r->log.start_index, "checkpoint_size",
			  (json_int_t)r->log.checkpoint_size, "checkpoint_root", root),
		err);
}

enum xp_rc xp_job_journal_cancelled(struct xp_job *job, const char *record_id, struct xp_err *err)
{
	char sha256[65];

	xp_hex_encode(sha256, job->record_sha256, sizeof(job->record_sha256));
	return xp_journal_add(job->journal,
			      json_pack("{s:s, s:s, s:s}", "type", "cancelled", "record", record_id,
					"sha256", sha256),
			      err);
}

enum xp_rc xp_job_journal_end(struct xp_job *job, struct xp_err *err)
{
	return xp_journal_add(job->journal,
			      json_pack("{s:s, s:s, s:s, s:s, s:i}", "type", "end", "outcome",
					xp_outcome_name(job->record.claim.outcome), "claim",
					xp_level_name(job->record.claim.level), "record",
					job->record_name, "exit_code", job->exit_code),
			      err);
}

/* --- reading --- */

static bool is_job_id(const char *name)
{
	return strlen(name) == XP_UUID_LEN - 1 &&
	       strspn(name, "0123456789abcdef-") == XP_UUID_LEN - 1;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct xp_job_summary *)a)->id,
		      ((const struct xp_job_summary *)b)->id);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

void xp_job_birth(char out[XP_BIRTH_LEN], const struct xp_target *t)
{
	struct statx stx;

	out[0] = 0;
	if (t->kind == XP_TARGET_IMAGE && statx(AT_FDCWD, t->path, 0, STATX_BTIME, &stx) == 0 &&
	    (stx.stx_mask & STATX_BTIME))
		snprintf(out, XP_BIRTH_LEN, "%lld.%09u", (long long)stx.stx_btime.tv_sec,
			 stx.stx_btime.tv_nsec);
}

static void summarize_media(struct xp_job_summary *s, const json_t *line)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	json_t *media = json_object_get(json_object_get(line, "draft"), "media");
	struct xp_err err;

	if (!media ||
	    json_integer_value(json_object_get(line, "version")) != XP_JOB_JOURNAL_VERSION)
		return;
	snprintf(s->birth, sizeof(s->birth), "%s", text_of(line, "birth"));
	/* the record's own words stand there, too (slot, asset tag): what is missing counts, not
	 * they
	 */
	s->has_media =
		xp_schema_read(&s->media, &xp_schema_identity, media, &findings, &err) == XP_OK &&
		(s->media.capacity_bytes != 0 || s->media.bus == XP_BUS_SCSI ||
		 s->media.bus == XP_BUS_SAS);
	xp_raws_free(&s->media.raw, &s->media.raw_n);
}

bool xp_job_summary_names(const struct xp_job_summary *s, const struct xp_target *t)
{
	const struct xp_identity *a = &s->media;
	const struct xp_identity *b = &t->identity;

	if (!s->has_media || a->partition != b->partition)
		return false;
	/* a loop and the file below it are the same bytes; a restart may number file systems anew
	 */
	if (a->inode || b->inode) {
		char birth[XP_BIRTH_LEN];

		xp_job_birth(birth, t);
		return a->inode == b->inode &&
		       (a->fs_dev == b->fs_dev || strcmp(a->name, b->name) == 0) &&
		       (!*birth || !*s->birth || strcmp(birth, s->birth) == 0);
	}
	return strcmp(s->confirm, t->confirm) == 0 ||
	       (*a->serial && *a->wwn && strcmp(a->serial, b->serial) == 0 &&
		strcmp(a->wwn, b->wwn) == 0);
}

static void summarize_command(struct xp_job_summary *s, const char *name)
{
	enum xp_command_note note;

	if (!xp_command_note_parse(&note, name))
		return;
	switch (note) {
	case XP_COMMAND_SECRET:
		s->has_secret = true;
		snprintf(s->where, sizeof(s->where), "a password is being set on the drive");
		return;
	case XP_COMMAND_SENT:
		s->goes_on = true;
		snprintf(s->where, sizeof(s->where), "%.40s is being sent to the drive",
			 s->technique);
		return;
	case XP_COMMAND_ACCEPTED:
		snprintf(s->where, sizeof(s->where), "the drive took %.40s, and is at it by itself",
			 s->technique);
		return;
	case XP_COMMAND_ENDED:
		s->goes_on = false;
		snprintf(s->where, sizeof(s->where), "the drive has answered to %.40s",
			 s->technique);
		return;
	case XP_COMMAND_OPEN:
		s->has_secret = false;
		return;
	}
}

static void summarize_line(struct xp_job_summary *s, const json_t *line)
{
	const char *type = text_of(line, "type");

	if (strcmp(type, "job") == 0) {
		summarize_media(s, line);
		snprintf(s->path, sizeof(s->path), "%s", text_of(line, "path"));
		snprintf(s->confirm, sizeof(s->confirm), "%s", text_of(line, "confirm"));
		snprintf(s->technique, sizeof(s->technique), "%s", text_of(line, "technique"));
		snprintf(s->where, sizeof(s->where), "before the first phase");
	} else if (strcmp(type, "phase-begin") == 0) {
		snprintf(s->where, sizeof(s->where), "in phase %s", text_of(line, "kind"));
	} else if (strcmp(type, "capacity") == 0) {
		xp_job_restore_summarize(s->where, sizeof(s->where), line);
	} else if (strcmp(type, "attempt") == 0) {
		snprintf(s->technique, sizeof(s->technique), "%s", text_of(line, "technique"));
		snprintf(s->where, sizeof(s->where), "before attempt %d",
			 (int)json_integer_value(json_object_get(line, "attempt")));
		s->goes_on = false;
	} else if (strcmp(type, "command") == 0) {
		summarize_command(s, text_of(line, "note"));
	} else if (strcmp(type, "unlocked") == 0) {
		s->has_secret = false;
	} else if (strcmp(type, "checkpoint") == 0) {
		snprintf(s->where, sizeof(s->where), "in phase erase, done up to byte %s",
			 text_of(line, "offset"));
	} else if (strcmp(type, "phase-end") == 0) {
		snprintf(s->where, sizeof(s->where), "last phase: %s",
			 text_of(json_object_get(line, "phase"), "phase"));
	} else if (strcmp(type, "cancelled") == 0) {
		/* the phase ended because the take did, not because it was done */
		snprintf(s->where, sizeof(s->where), "stopped before the job was done%s",
			 s->goes_on ? "; the drive goes on with its erase by itself" : "");
	} else if (strcmp(type, "end") == 0) {
		s->ended = true;
		s->exit_code = (int)json_integer_value(json_object_get(line, "exit_code"));
		snprintf(s->outcome, sizeof(s->outcome), "%s", text_of(line, "outcome"));
		snprintf(s->claim, sizeof(s->claim), "%s", text_of(line, "claim"));
		snprintf(s->record, sizeof(s->record), "%s", text_of(line, "record"));
		snprintf(s->where, sizeof(s->where), "ended");
	}
}

static void summarize(struct xp_job_summary *s, const struct xp_state *state)
{
	AUTO_JSON json_t *lines = NULL;
	struct xp_err err;
	size_t i;
	json_t *line;

	s->damaged = xp_journal_peek(&lines, &s->running, state->jobs_fd, s->id, &err) != XP_OK;
	json_array_foreach (lines, i, line) {
		summarize_line(s, line);
	}
	s->untouched = !s->damaged && json_array_size(lines) == 0;
	if (!s->untouched && !s->has_media)
		s->damaged = true;
	if (s->damaged)
		snprintf(s->where, sizeof(s->where),
			 "the journal is damaged: jobs/%s/journal.jsonl", s->id);
	else if (s->untouched)
		snprintf(s->where, sizeof(s->where), "before it touched anything");
}

void xp_job_summaries_free(struct xp_job_summaries *s)
{
	free(s->list);
	*s = (struct xp_job_summaries){0};
}

static enum xp_rc list_ids(struct xp_job_summaries *out, DIR *dir, bool only_open,
			   struct xp_err *err)
{
	const struct dirent *e;

	while ((e = readdir(dir)) != NULL) {
		struct xp_job_summary *p;

		if (!is_job_id(e->d_name) ||
		    (only_open && xp_journal_has_ended(dirfd(dir), e->d_name)))
			continue;
		p = reallocarray(out->list, out->n + 1, sizeof(*p));
		if (!p)
			return xp_fail(err, XP_E_NOMEM, "list of jobs");
		out->list = p;
		p[out->n] = (struct xp_job_summary){0};
		memcpy(p[out->n].id, e->d_name, XP_UUID_LEN);
		out->n++;
	}
	return XP_OK;
}

static enum xp_rc read_summaries(struct xp_job_summaries *out, const struct xp_state *state,
				 bool only_open, struct xp_err *err)
{
	int fd = openat(state->jobs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	enum xp_rc rc;

	*out = (struct xp_job_summaries){0};
	if (!dir) {
		xp_close_fd(&fd);
		return xp_fail_errno(err, XP_E_IO, "%s/jobs", state->path);
	}
	rc = list_ids(out, dir, only_open, err);
	closedir(dir);
	if (rc != XP_OK)
		return rc;
	if (out->n)
		qsort(out->list, out->n, sizeof(*out->list), compare_ids);
	for (size_t i = 0; i < out->n; i++)
		summarize(&out->list[i], state);
	return XP_OK;
}

enum xp_rc xp_job_summaries_read(struct xp_job_summaries *out, const struct xp_state *state,
				 struct xp_err *err)
{
	return read_summaries(out, state, false, err);
}

enum xp_rc xp_job_summaries_read_open(struct xp_job_summaries *out, const struct xp_state *state,
				      struct xp_err *err)
{
	return read_summaries(out, state, true, err);
}

static enum xp_rc refuse_damaged(struct xp_job *job, const struct xp_job_summary *s,
				 struct xp_err *err)
{
	char remedy[512];

	snprintf(remedy, sizeof(remedy),
		 "look at %.300s/jobs/%s/journal.jsonl; move that folder away if the job need not "
		 "go on",
		 job->setup->state->path, s->id);
	return xp_refusals_add(&job->refusals, err, XP_REFUSED_INTERRUPTED_JOB, remedy,
			       "%s: the journal of job %s is damaged, and it %s this target",
			       job->target.path, s->id, s->has_media ? "is on" : "may be on");
}

enum xp_rc xp_job_refuse_open_jobs(struct xp_job *job, struct xp_err *err)
{
	AUTO(xp_job_summaries_free) struct xp_job_summaries all = {0};

	TRY(xp_job_summaries_read_open(&all, job->setup->state, err));
	for (size_t i = 0; i < all.n; i++) {
		const struct xp_job_summary *s = &all.list[i];
		char remedy[256];

		if (s->ended || s->untouched ||
		    (s->has_media && !xp_job_summary_names(s, &job->target)))
			continue;
		if (s->damaged) {
			TRY(refuse_damaged(job, s, err));
			continue;
		}
		if (s->running)
			snprintf(remedy, sizeof(remedy), "wait for it: expunge wait %s", s->id);
		else
			snprintf(remedy, sizeof(remedy), "go on with it: expunge resume %s", s->id);
		TRY(xp_refusals_add(&job->refusals, err, XP_REFUSED_INTERRUPTED_JOB, remedy,
				    "%s: job %s on it %s (%s)", job->target.path, s->id,
				    s->running ? "is running" : "was interrupted", s->where));
	}
	return XP_OK;
}
