/* cert_log: `expunge-cert log verify`, `prove` and `checkpoint`: the log, read by a stranger. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/jcs.h"
#include "certs/log_audit.h"
#include "certs/log_code.h"
#include "certs/log_reader.h"
#include "cli/commands_cert.h"
#include "cli/confine.h"
#include "cli/confine_reader.h"
#include "cli/output.h"

#define VKEY_MAX_BYTES 4096u
#define LOG_KEY_OPTION                                                                             \
	{                                                                                          \
		"log-key", XP_OPT_STRING, "FILE", "the log's verifier key, as it was handed over"  \
	}

/* DIR is the log's folder, or the one that `log/` stands in. */
static enum xp_rc open_log_dir(int *out_fd, const char *dir, struct xp_err *err)
{
	AUTO_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int inner;

	if (fd < 0)
		return xp_fail_errno(err,
				     errno == ENOENT || errno == ENOTDIR ? XP_E_NOENT
				     : errno == EACCES			 ? XP_E_PERM
									 : XP_E_IO,
				     "%s", dir);
	if (faccessat(fd, "checkpoint", F_OK, 0) != 0) {
		inner = openat(fd, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (inner >= 0) {
			close(fd);
			fd = inner;
		}
	}
	*out_fd = STEAL_FD(fd);
	return XP_OK;
}

/* From here on there is only the log, and what else the command line names. */
static enum xp_rc confine(const struct xp_args *args, const char *old, struct xp_err *err)
{
	const char *const named[] = {xp_args_string(args, "log-key"), old};
	const char *inputs[XP_ARRAY_LEN(named) + 2] = {args->operands[0]};
	size_t n = 1;
	struct xp_confined confined;

	for (size_t i = 0; i < XP_ARRAY_LEN(named); i++)
		if (named[i])
			inputs[n++] = named[i];
	return xp_confine(&confined, inputs, err);
}

/* The key of --log-key. *OUT NULL: none was given. */
static enum xp_rc read_log_key(const struct xp_note_vkey **out, struct xp_note_vkey *space,
			       const struct xp_args *args, struct xp_err *err)
{
	const char *path = xp_args_string(args, "log-key");
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	*out = NULL;
	if (!path)
		return XP_OK;
	TRY(xp_file_read(&text, &len, path, VKEY_MAX_BYTES, err));
	if (xp_note_vkey_parse(space, text, len, err) != XP_OK)
		return xp_err_prefix(err, "%s", path), XP_E_MALFORMED;
	*out = space;
	return XP_OK;
}

static int exit_code_of(const struct xp_findings *f)
{
	int code = f->lost ? 2 : 0;

	for (size_t i = 0; i < f->n; i++)
		if (f->list[i].code[0] != 'W')
			code = f->list[i].code[0] == 'E' ? 1 : code == 1 ? 1 : 2;
	return code;
}

static const char *verdict_word(int code)
{
	return code == 0 ? "passed" : code == 1 ? "failed" : "indeterminate";
}

/* ---- verify ---- */

static json_t *checkpoint_json(const struct xp_checkpoint *cp)
{
	char hex[2 * XP_MERKLE_HASH_LEN + 1];

	xp_hex_encode(hex, cp->head.root.b, XP_MERKLE_HASH_LEN);
	return json_pack("{s:s, s:o, s:s}", "origin", cp->origin, "size",
			 xp_json_u64(cp->head.size), "root", hex);
}

static json_t *jobs_json(const struct xp_log_jobs *jobs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < jobs->n; i++)
		json_array_append_new(list,
				      json_pack("{s:o, s:s, s:s}", "index",
						xp_json_u64(jobs->list[i].index), "id",
						jobs->list[i].id, "time", jobs->list[i].time));
	return list;
}

static json_t *findings_json(const struct xp_findings *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:o}", "code", f->list[i].code, "text",
						      xp_json_text(f->list[i].text)));
	return list;
}

static int print_audit_json(const struct xp_log_audit *a, const struct xp_findings *f, int code)
{
	json_t *doc = json_pack("{s:s, s:i, s:b}", "verdict", verdict_word(code), "exit", code,
				"signed", a->is_signed);

	if (a->checkpoint.origin[0])
		json_object_set_new(doc, "checkpoint", checkpoint_json(&a->checkpoint));
	if (a->old.origin[0]) {
		json_t *old = checkpoint_json(&a->old);

		json_object_set_new(old, "holds", json_boolean(a->old_holds));
		json_object_set_new(doc, "old", old);
	}
	json_object_set_new(doc, "entries",
			    json_pack("{s:o, s:o, s:o, s:o}", "hashed", xp_json_u64(a->entries),
				      "starts", xp_json_u64(a->starts), "records",
				      xp_json_u64(a->records), "others", xp_json_u64(a->others)));
	json_object_set_new(doc, "open_jobs", jobs_json(&a->open_jobs));
	json_object_set_new(doc, "findings", findings_json(f));
	code = xp_print_json(doc) ? 70 : code;
	return code;
}

static void print_audit(const struct xp_log_audit *a, const struct xp_findings *f, int code)
{
	char hex[2 * XP_MERKLE_HASH_LEN + 1];

	if (a->checkpoint.origin[0]) {
		xp_hex_encode(hex, a->checkpoint.head.root.b, XP_MERKLE_HASH_LEN);
		printf("log         %s\n", a->checkpoint.origin);
		printf("checkpoint  %" PRIu64 " entries, root %s\n", a->checkpoint.head.size, hex);
		printf("signature   %s\n", a->is_signed ? "holds, by the key of --log-key"
							: "not by a key that is trusted");
		printf("entries     %" PRIu64 " hashed again: %" PRIu64 " starts, %" PRIu64
		       " records, %" PRIu64 " others\n",
		       a->entries, a->starts, a->records, a->others);
	}
	if (a->old.origin[0])
		printf("older       %" PRIu64 " entries: %s\n", a->old.head.size,
		       a->old_holds ? "the beginning of this log"
				    : "not shown to be its beginning");
	printf("open jobs   %zu\n", a->open_jobs.n);
	for (size_t i = 0; i < a->open_jobs.n; i++)
		printf("            entry %" PRIu64 ": %s began %s, no record\n",
		       a->open_jobs.list[i].index, a->open_jobs.list[i].id,
		       a->open_jobs.list[i].time);
	for (size_t i = 0; i < f->n; i++) {
		printf("%s  ", f->list[i].code);
		xp_print_escaped(stdout, f->list[i].text);
		putchar('\n');
	}
	printf("%s\n", verdict_word(code));
}

/* A code that somebody photographed off a screen is the checkpoint in short. */
static enum xp_rc read_old(char **out, size_t *len, const struct xp_args *args,
			   const struct xp_note_vkey *vkey, struct xp_err *err)
{
	const char *path = xp_args_string(args, "old");
	AUTO_MEM char *text = NULL;
	size_t text_len = 0;

	*out = NULL;
	if (!path)
		return XP_OK;
	TRY(xp_file_read(&text, &text_len, path, XP_CHECKPOINT_MAX_BYTES, err));
	if (!xp_log_code_is(text, text_len)) {
		*out = STEAL(text);
		*len = text_len;
		return XP_OK;
	}
	if (!vkey)
		return xp_fail(err, XP_E_USAGE, "%s is a code: it needs --log-key to be read",
			       path);
	if (xp_log_code_read(out, len, text, text_len, vkey, err) != XP_OK)
		return xp_err_prefix(err, "%s", path);
	return XP_OK;
}

static enum xp_rc verify(const struct xp_args *args, struct xp_log_audit *audit,
			 struct xp_findings *findings, struct xp_err *err)
{
	struct xp_log_audit_input in = {.log_fd = -1};
	struct xp_note_vkey vkey;
	AUTO_MEM char *old = NULL;
	AUTO_FD int fd = -1;

	TRY(confine(args, xp_args_string(args, "old"), err));
	TRY(read_log_key(&in.vkey, &vkey, args, err));
	TRY(read_old(&old, &in.old_len, args, in.vkey, err));
	in.old = old;
	TRY(open_log_dir(&fd, args->operands[0], err));
	in.log_fd = fd;
	return xp_log_audit_run(audit, findings, &in, err);
}

static int run_verify(const struct xp_args *args)
{
	AUTO(xp_log_audit_free) struct xp_log_audit audit = {0};
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	struct xp_err err;
	int code;

	if (verify(args, &audit, &findings, &err) != XP_OK)
		return xp_say_error(&err);
	code = exit_code_of(&findings);
	if (xp_args_flag(args, "json"))
		return print_audit_json(&audit, &findings, code);
	print_audit(&audit, &findings, code);
	return code;
}

static const struct xp_option verify_options[] = {
	LOG_KEY_OPTION,
	{"old", XP_OPT_STRING, "FILE", "an older checkpoint of this log that left its place"},
	{"json", XP_OPT_FLAG, NULL, "one JSON document on standard output"},
	{0},
};

const struct xp_command xp_cert_command_log_verify = {
	.name = "log verify",
	.operands = "DIR",
	.summary = "Hash a whole log again and judge its checkpoint.",
	.details = "Without --log-key nobody vouches for the log: the result is indeterminate "
		   "at best.\nA log tells what was written to it. That it was not shortened or "
		   "written anew\nshows only against a checkpoint that left its place (--old); "
		   "what nobody logged\nshows only against the list of assets.",
	.options = verify_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_verify,
};

/* ---- prove ---- */

/* The id that a record's bytes give themselves. */
static enum xp_rc record_id(char id[XP_UUID_LEN], const char *path, const char *json, size_t len,
			    struct xp_err *err)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	AUTO(xp_json_free) json_t *doc = NULL;
	const char *text;

	if (xp_jcs_read(&doc, json, len, &findings, err) != XP_OK)
		return xp_err_prefix(err, "%s", path), err->rc;
	text = json_string_value(json_object_get(doc, "id"));
	if (!text || strlen(text) != XP_UUID_LEN - 1)
		return xp_fail(err, XP_E_MALFORMED, "%s: no id in it; is it a record?", path);
	memcpy(id, text, XP_UUID_LEN);
	return XP_OK;
}

/* FILE's proof stands beside it: ID.json and ID.tlog-proof. */
static enum xp_rc write_proof(char **name, const char *record, const char *text, size_t len,
			      struct xp_err *err)
{
	size_t stem = strlen(record);
	AUTO_MEM char *dir = strdup(record);
	AUTO_FD int fd = -1;

	if (stem > 5 && strcmp(record + stem - 5, ".json") == 0)
		stem -= 5;
	if (!dir || asprintf(name, "%.*s.tlog-proof", (int)stem, record) < 0) {
		*name = NULL;
		return xp_fail(err, XP_E_NOMEM, "%s", record);
	}
	fd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return xp_fail_errno(err, XP_E_IO, "the folder of %s", record);
	return xp_file_write_at(fd, basename(*name), text, len, 0644, true, err);
}

/* Where a key was given, the checkpoint must be by it. */
static bool is_vouched_for(const struct xp_log_reader *r, const struct xp_note_vkey *vkey)
{
	if (!vkey || r->verdict == XP_NOTE_VERIFIED)
		return true;
	xp_say("the checkpoint of %s is not signed by the key of --log-key", r->checkpoint.origin);
	return false;
}

/* What the log says of a record; the proof's text comes behind it. */
struct found {
	uint8_t is_there; /* else why not has been said */
	uint64_t index, size;
	char origin[sizeof(((struct xp_checkpoint *)NULL)->origin)];
};

static enum xp_rc find(struct found *f, char **text, size_t *text_len, const struct xp_args *args,
		       struct xp_err *err)
{
	const char *record = xp_args_string(args, "record");
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};
	AUTO_MEM char *json = NULL;
	AUTO_FD int fd = -1;
	struct xp_note_vkey space;
	const struct xp_note_vkey *vkey;
	char id[XP_UUID_LEN];
	uint8_t sha[32];
	size_t len = 0;
	enum xp_rc rc;

	TRY(read_log_key(&vkey, &space, args, err));
	TRY(xp_file_read(&json, &len, record, XP_RECORD_MAX_BYTES, err));
	TRY(record_id(id, record, json, len, err));
	SHA256((const unsigned char *)json, len, sha);
	TRY(open_log_dir(&fd, args->operands[0], err));
	TRY(xp_log_reader_open(&r, fd, vkey, err));
	if (!is_vouched_for(&r, vkey))
		return XP_OK;
	rc = xp_log_reader_find(&r, id, sha, &f->index, err);
	if (rc == XP_E_NOENT) {
		xp_say("%s: log %s holds no such record", record, r.checkpoint.origin);
		return XP_OK;
	}
	TRY(rc);
	TRY(xp_log_reader_prove(&r, f->index, text, text_len, err));
	f->size = r.checkpoint.head.size;
	snprintf(f->origin, sizeof(f->origin), "%s", r.checkpoint.origin);
	f->is_there = true;
	return XP_OK;
}

/* In the process that reads log and record. */
static enum xp_rc serve_proof(void *ctx, struct xp_span question, struct xp_buf *answer,
			      struct xp_err *err)
{
	struct found f = {0};
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	(void)question;
	TRY(find(&f, &text, &len, ctx, err));
	xp_buf_add(answer, &f, sizeof(f));
	if (len)
		xp_buf_add(answer, text, len);
	return XP_OK;
}

/* *CODE: 1 where the log answers no. */
static enum xp_rc prove(int *code, const struct xp_args *args, struct xp_err *err)
{
	const char *record = xp_args_string(args, "record");
	const char *const inputs[] = {args->operands[0], record, xp_args_string(args, "log-key"),
				      NULL};
	const struct xp_reader_job job = {
		.serve = serve_proof, .ctx = (void *)(uintptr_t)args, .inputs = inputs};
	AUTO(xp_buf_free) struct xp_buf answer = {0};
	AUTO_MEM char *name = NULL;
	struct found f;

	if (!record)
		return xp_fail(err, XP_E_USAGE, "log prove: --record FILE is missing");
	TRY(xp_reader_once(&answer, &job, err));
	if (answer.len < sizeof(f))
		return xp_fail(err, XP_E_INTERNAL, "log prove: half an answer");
	memcpy(&f, answer.data, sizeof(f));
	f.origin[sizeof(f.origin) - 1] = 0;
	*code = f.is_there ? 0 : 1;
	if (!f.is_there)
		return XP_OK;
	TRY(write_proof(&name, record, answer.data + sizeof(f), answer.len - sizeof(f), err));
	printf("entry %" PRIu64 " of %" PRIu64 " in log ", f.index, f.size);
	xp_print_escaped(stdout, f.origin);
	fputs(": ", stdout);
	xp_print_escaped(stdout, name);
	putchar('\n');
	return XP_OK;
}

static int run_prove(const struct xp_args *args)
{
	struct xp_err err;
	int code = 0;

	return prove(&code, args, &err) == XP_OK ? code : xp_say_error(&err);
}

static const struct xp_option prove_options[] = {
	{"record", XP_OPT_STRING, "FILE", "the record, ID.json"},
	LOG_KEY_OPTION,
	{0},
};

const struct xp_command xp_cert_command_log_prove = {
	.name = "log prove",
	.operands = "DIR",
	.summary = "Write ID.tlog-proof beside a record that is in the log.",
	.options = prove_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_prove,
};

/* ---- checkpoint ---- */

static enum xp_rc checkpoint(int *code, const struct xp_args *args, struct xp_err *err)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};
	struct xp_note_vkey space;
	const struct xp_note_vkey *vkey;
	AUTO_FD int fd = -1;

	TRY(confine(args, NULL, err));
	TRY(read_log_key(&vkey, &space, args, err));
	TRY(open_log_dir(&fd, args->operands[0], err));
	TRY(xp_log_reader_open(&r, fd, vkey, err));
	*code = is_vouched_for(&r, vkey) ? 0 : 1;
	if (*code == 0)
		fwrite(r.text, 1, r.text_len, stdout);
	return XP_OK;
}

static int run_checkpoint(const struct xp_args *args)
{
	struct xp_err err;
	int code = 0;

	return checkpoint(&code, args, &err) == XP_OK ? code : xp_say_error(&err);
}

static const struct xp_option checkpoint_options[] = {
	LOG_KEY_OPTION,
	{0},
};

const struct xp_command xp_cert_command_log_checkpoint = {
	.name = "log checkpoint",
	.operands = "DIR",
	.summary = "Print the signed checkpoint, to be kept in another place.",
	.options = checkpoint_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_checkpoint,
};
