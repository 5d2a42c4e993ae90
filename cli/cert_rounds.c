#include "cli/cert_rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/check_checkpoint.h"
#include "certs/jcs.h"
#include "certs/record_check.h"
#include "certs/timestamp.h"
#include "cli/policies.h"
#include "cli/output.h"

/* What a worker found of one pair. */
struct slot {
	struct xp_check_result r;
	bool is_of_round; /* of the kind that this round looks at */
	enum xp_rc rc;
	struct xp_err err;
};

/*
 * Reads one file of a pair. A file that is too large is the file's fault, and a finding; one that
 * cannot be read is the end of this record (exit code 66).
 */
static enum xp_rc read_part(char **out, size_t *len, const char *path, size_t max, const char *code,
			    struct xp_findings *f, struct xp_err *err)
{
	enum xp_rc rc = xp_file_read(out, len, path, max, err);

	if (rc != XP_E_MALFORMED)
		return rc;
	xp_findings_add(f, code, "%s", err->msg);
	return XP_OK;
}

/* What the log has to say of one record. */
struct log_files {
	char *proof;
	size_t proof_len;
	char *token; /* over the checkpoint in the proof */
	size_t token_len;
};

static void log_files_free(struct log_files *f)
{
	free(f->proof);
	free(f->token);
}

/* ID.tlog-proof stands beside ID.json, a timestamp of its checkpoint beside that. */
static enum xp_rc read_log_files(struct log_files *f, const char *json_path,
				 struct xp_findings *findings, struct xp_err *err)
{
	static const char suffix[] = ".json";
	size_t n = strlen(json_path);
	AUTO_MEM char *path = NULL;
	enum xp_rc rc;

	if (n > sizeof(suffix) - 1 && strcmp(json_path + n - (sizeof(suffix) - 1), suffix) == 0)
		n -= sizeof(suffix) - 1;
	if (asprintf(&path, "%.*s.tlog-proof.tst", (int)n, json_path) < 0) {
		path = NULL;
		return xp_fail(err, XP_E_NOMEM, "record");
	}
	rc = xp_file_read(&f->token, &f->token_len, path, XP_TIMESTAMP_FILE_MAX, err);
	if (rc == XP_E_MALFORMED)
		xp_findings_add(findings, "E_TIMESTAMP_FORM", "%s", err->msg);
	else if (rc != XP_OK && rc != XP_E_NOENT)
		return rc;
	path[strlen(path) - 4] = 0;
	rc = xp_file_read(&f->proof, &f->proof_len, path, XP_LOG_PROOF_MAX_BYTES, err);
	if (rc == XP_E_MALFORMED)
		xp_findings_add(findings, "E_LOG_PROOF", "%s", err->msg);
	else if (rc != XP_OK && rc != XP_E_NOENT)
		return rc;
	return XP_OK;
}

/* Its own token, and those of --log-token. */
static enum xp_rc stamp(const struct xp_batch *b, struct xp_check *check,
			const struct log_files *files, struct xp_checkpoint_pair *pair,
			struct xp_findings *findings, struct xp_err *err)
{
	AUTO_MEM struct xp_log_bytes *tokens = calloc(b->tokens_n + 1, sizeof(*tokens));

	if (!tokens)
		return xp_fail(err, XP_E_NOMEM, "timestamps");
	for (; pair->tokens_n < b->tokens_n; pair->tokens_n++)
		tokens[pair->tokens_n] = b->tokens[pair->tokens_n];
	if (files->token)
		tokens[pair->tokens_n++] = (struct xp_log_bytes){files->token, files->token_len};
	pair->tokens = tokens;
	pair->proof = files->proof;
	pair->proof_len = files->proof_len;
	pair->keys = &b->log_keys;
	xp_check_stamp(check, pair, findings);
	pair->tokens = NULL;
	return XP_OK;
}

/* The pair, with what its log proves of its time. */
static enum xp_rc check_logged(struct xp_check_result *r, const struct xp_batch *b,
			       struct xp_check *check, const struct xp_pair *on_disk,
			       struct xp_checkpoint_pair *pair, struct xp_err *err)
{
	AUTO(log_files_free) struct log_files files = {0};
	AUTO(xp_findings_free) struct xp_findings found = {0};

	if (b->log_keys.n) {
		TRY(read_log_files(&files, on_disk->json_path, &found, err));
		TRY(stamp(b, check, &files, pair, &found, err));
	}
	TRY(xp_check_pair(r, check, pair->json, pair->json_len, pair->p7s, pair->p7s_len, err));
	for (size_t i = 0; i < found.n; i++)
		xp_findings_add(&r->findings, found.list[i].code, "%s", found.list[i].text);
	r->findings.lost |= found.lost;
	if (b->log_keys.n)
		xp_check_log(r, files.proof, files.proof_len, &b->log_keys);
	return XP_OK;
}

/* In canonical JSON there is one way to write it; what only looks so is a record like any other. */
static bool is_validation(const char *json, size_t len)
{
	static const char mark[] = "\"kind\":\"validation\"";

	return json && memmem(json, len, mark, sizeof(mark) - 1) != NULL;
}

/* Judged by the policy of its time; what today's of that name would give is told beside it. */
static enum xp_rc check_today(struct xp_check_result *r, const struct xp_batch *b,
			      struct xp_err *err)
{
	AUTO(xp_policy_free) struct xp_policy *policy = NULL;
	struct xp_builtin_policy today;
	struct xp_err why = {0};

	if (!r->record || !r->record->policy_json)
		return XP_OK;
	for (unsigned i = 0; i < XP_ARRAY_LEN(b->today); i++)
		if (b->today[i].json && b->today[i].len == r->record->policy_len &&
		    memcmp(b->today[i].json, r->record->policy_json, r->record->policy_len) == 0)
			return XP_OK;
	/* what is no policy has its finding already */
	if (xp_policy_parse(&policy, r->record->policy_json, r->record->policy_len, &why) !=
		    XP_OK ||
	    !xp_builtin_policy_find(&today, xp_policy_name(policy)))
		return XP_OK;
	return xp_record_check_today(r->record, today.json, today.len, &r->findings, err);
}

static enum xp_rc check_one(struct slot *slot, const struct xp_batch *b, struct xp_check *check,
			    const struct xp_pair *pair, struct xp_err *err)
{
	struct xp_check_result *r = &slot->r;
	struct xp_checkpoint_pair bytes = {0};
	struct xp_findings early = {0};
	AUTO_MEM char *sig_path = NULL;
	AUTO_MEM char *json = NULL;
	AUTO_MEM char *p7s = NULL;
	size_t json_len = 0;
	size_t p7s_len = 0;
	enum xp_rc rc = XP_OK;

	if (asprintf(&sig_path, "%s.p7s", pair->json_path) < 0) {
		sig_path = NULL;
		return xp_fail(err, XP_E_NOMEM, "record");
	}
	if (!pair->has_json)
		xp_findings_add(&early, "E_RECORD_MISSING", "a signature without its record");
	else
		rc = read_part(&json, &json_len, pair->json_path, XP_RECORD_MAX_BYTES,
			       "E_JSON_SIZE", &early, err);
	slot->is_of_round = is_validation(json, json_len) == (b->round != XP_ROUND_RECORDS);
	if (!slot->is_of_round) {
		xp_findings_free(&early);
		return XP_OK;
	}
	if (rc == XP_OK && pair->has_signature)
		rc = read_part(&p7s, &p7s_len, sig_path, XP_CMS_MAX_BYTES, "E_CMS_SIZE", &early,
			       err);
	if (rc == XP_OK && early.n) {
		r->findings = early;
		return XP_OK;
	}
	xp_findings_free(&early);
	if (rc != XP_OK)
		return rc;
	bytes.json = json;
	bytes.json_len = json_len;
	bytes.p7s = p7s;
	bytes.p7s_len = p7s_len;
	TRY(check_logged(r, b, check, pair, &bytes, err));
	TRY(xp_accepted_policies_judge(r, &b->policies, &b->req, err));
	return check_today(r, b, err);
}

/* R, and the verdict number CLASH, which was given before; SIZE_MAX: there is none. */
static enum xp_rc blame_both(struct xp_batch *b, enum xp_blame why, size_t clash, const char *file,
			     struct xp_check_result *r, struct xp_err *err)
{
	AUTO_MEM char *text = NULL;

	if (clash == SIZE_MAX)
		return XP_OK;
	text = xp_blame_text(why, b->verdicts.list[clash].file, file);
	if (!text)
		return xp_fail(err, XP_E_NOMEM, "results");
	xp_findings_add(&r->findings, xp_blame_code(why), "%s", text);
	return xp_verdict_blame(&b->verdicts, clash, why, file, err);
}

/*
 * The same record twice counts once; two authentic records of one id are one too many, and neither
 * is the one that may stay. So it is with two histories of one log.
 */
static enum xp_rc look_back(bool *is_duplicate, struct xp_batch *b, const char *file,
			    struct xp_check_result *r, struct xp_err *err)
{
	AUTO(xp_check_outcome_clear) struct xp_check_outcome o = {0};
	size_t clash = SIZE_MAX;

	TRY(xp_check_outcome_fill(&o, r, err));
	TRY(xp_check_seen_add(is_duplicate, &clash, &b->verdicts.seen, &o, b->verdicts.n, err));
	TRY(blame_both(b, XP_BLAME_TWIN, clash, file, r, err));
	clash = SIZE_MAX;
	TRY(xp_check_logs_add(&clash, &b->verdicts.logs, r, &b->log_keys, b->verdicts.n, err));
	return blame_both(b, XP_BLAME_FORK, clash, file, r, err);
}

/* *LINE: the record's document in one line; NULL where none is asked for. */
static enum xp_rc write_line(char **line, const struct xp_batch *b, const char *file,
			     const struct xp_check_result *r, bool is_duplicate, struct xp_err *err)
{
	AUTO(xp_json_free) json_t *j = NULL;

	if (!b->json && !b->jsonl)
		return XP_OK;
	j = xp_verdict_json(file, r);
	if (j && is_duplicate)
		json_object_set_new(j, "duplicate", json_true());
	*line = j ? json_dumps(j, JSON_COMPACT) : NULL;
	return *line ? XP_OK : xp_fail(err, XP_E_NOMEM, "results");
}

static enum xp_rc keep(struct xp_batch *b, const char *file, struct xp_check_result *r,
		       struct xp_err *err)
{
	AUTO_MEM char *line = NULL;
	struct xp_verdict *v;
	bool is_duplicate;

	TRY(look_back(&is_duplicate, b, file, r, err));
	TRY(write_line(&line, b, file, r, is_duplicate, err));
	v = xp_verdicts_add(&b->verdicts);
	if (!v)
		return xp_fail(err, XP_E_NOMEM, "results");
	if (xp_check_outcome_fill(&v->o, r, err) != XP_OK) {
		b->verdicts.n--;
		return XP_E_NOMEM;
	}
	v->file = file;
	v->is_duplicate = is_duplicate;
	if (b->jsonl) {
		puts(line);
	} else if (b->json) {
		v->json = STEAL(line);
	} else if ((!b->summary || v->o.exit_code != 0) && !is_duplicate) {
		if (b->printed)
			puts("");
		b->printed = true;
		xp_verdict_print(file, r);
	}
	return XP_OK;
}

/* In a folder, --serial picks; for a file that the user named, it demands. */
static bool is_of_another_drive(const struct xp_batch *b, const struct xp_pair *pair,
				const struct xp_check_result *r)
{
	return pair->from_folder && b->req.serial && r->record &&
	       strcmp(r->record->media.serial, b->req.serial) != 0;
}

/* ---- the rounds ---- */

static void work(void *ctx, unsigned worker, size_t item, void *at)
{
	const struct xp_batch *b = ctx;
	struct xp_check *check = b->shared[worker];
	const struct xp_pair *pair = &b->pairs.list[item];
	struct xp_requirements req = b->req;
	struct slot *s = at;

	if (pair->from_folder)
		req.serial = NULL;
	xp_check_require(check, &req);
	s->rc = check_one(s, b, check, pair, &s->err);
}

static enum xp_rc take_result(struct xp_batch *b, const struct xp_pair *pair, struct slot *s)
{
	if (b->round == XP_ROUND_VOICES)
		return xp_check_peers_add_voice(b->peers, &s->r, &s->err);
	if (b->round == XP_ROUND_RECORDS && b->validations)
		TRY(xp_check_peers_add_subject(b->peers, &s->r, &s->err));
	if (is_of_another_drive(b, pair, &s->r)) {
		b->other_drives++;
		return XP_OK;
	}
	return keep(b, pair->json_path, &s->r, &s->err);
}

static void say_unread(struct xp_batch *b, const char *path, const struct xp_err *err)
{
	json_array_append_new(b->unread, json_pack("{s:o, s:o}", "path", xp_text_json(path), "text",
						   xp_text_json(err->msg)));
	xp_say_error(err);
	b->exit_code = xp_check_exit_worse(
		b->exit_code, err->rc == XP_E_NOMEM || err->rc == XP_E_INTERNAL ? 70 : 66);
}

static void take(void *ctx, size_t item, void *at)
{
	struct xp_batch *b = ctx;
	struct xp_pair *pair = &b->pairs.list[item];
	struct slot *s = at;
	/* what cannot be read is told once: a validation by the last round, all else before */
	bool is_told = b->round == XP_ROUND_RECORDS ||
		       (b->round == XP_ROUND_VALIDATIONS && s->is_of_round);

	b->validations += b->round == XP_ROUND_VOICES && s->is_of_round;
	if (s->rc == XP_OK && s->is_of_round) {
		s->rc = take_result(b, pair, s);
		/* a voice that was lost would be missed by nobody */
		is_told |= s->rc != XP_OK;
	}
	if (is_told && (s->rc != XP_OK || s->is_of_round))
		pair->is_told = true;
	xp_check_result_free(&s->r);
	if (s->rc != XP_OK && is_told)
		say_unread(b, pair->json_path, &s->err);
}

/* A file that is read twice, and was a validation to one round only, must not slip through both. */
static void say_untold(struct xp_batch *b)
{
	for (size_t i = 0; i < b->pairs.n; i++) {
		struct xp_err err = {0};

		if (!b->pairs.list[i].is_told &&
		    xp_fail(&err, XP_E_IO, "%s: it changed while it was read",
			    b->pairs.list[i].json_path) != XP_OK)
			say_unread(b, b->pairs.list[i].json_path, &err);
	}
}

static enum xp_rc run_round(struct xp_batch *b, enum xp_round round, struct xp_err *err)
{
	const struct xp_work w = {.n = b->pairs.n,
				  .workers = b->workers,
				  .ctx = b,
				  .work = work,
				  .take = take,
				  .slot_bytes = sizeof(struct slot)};

	b->round = round;
	return xp_work_run(&w, err);
}

/* In canonical form, as they stand in records: most are by one of these. */
static enum xp_rc prepare_today(struct xp_batch *b, struct xp_err *err)
{
	static const char *const names[] = {"nist-800-88r2", "nist-800-88r1"};

	for (unsigned i = 0; i < XP_ARRAY_LEN(b->today); i++) {
		AUTO(xp_json_free) json_t *tree = NULL;
		struct xp_builtin_policy p;

		if (!xp_builtin_policy_find(&p, names[i]))
			continue;
		tree = json_loadb(p.json, p.len, 0, NULL);
		TRY(xp_jcs_write(&b->today[i].json, &b->today[i].len, tree, err));
	}
	return XP_OK;
}

enum xp_rc xp_batch_run(struct xp_batch *b, struct xp_err *err)
{
	b->unread = json_array();
	if (!b->unread)
		return xp_fail(err, XP_E_NOMEM, "results");
	for (size_t i = 0; i < b->pairs.unread_n; i++)
		say_unread(b, b->pairs.unread[i].path, &b->pairs.unread[i].why);
	TRY(prepare_today(b, err));
	TRY(xp_check_peers_new(&b->peers, err));
	for (b->workers = 0; b->workers < xp_workers_count(); b->workers++)
		TRY(xp_check_share(&b->shared[b->workers], b->check, err));
	TRY(run_round(b, XP_ROUND_VOICES, err));
	for (unsigned i = 0; i < b->workers; i++)
		xp_check_set_peers(b->shared[i], b->peers);
	xp_check_peers_settle(b->peers, false);
	TRY(run_round(b, XP_ROUND_RECORDS, err));
	xp_check_peers_settle(b->peers, true);
	if (b->validations)
		TRY(run_round(b, XP_ROUND_VALIDATIONS, err));
	say_untold(b);
	return XP_OK;
}

void xp_batch_close(struct xp_batch *b)
{
	for (unsigned i = 0; i < XP_WORKERS_MAX; i++)
		xp_check_free(&b->shared[i]);
	xp_check_peers_free(&b->peers);
	json_decref(b->unread);
	for (unsigned i = 0; i < XP_ARRAY_LEN(b->today); i++)
		free(b->today[i].json);
}
