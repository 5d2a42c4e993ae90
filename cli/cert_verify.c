/* cert_verify: `expunge-cert verify`: may these certificates be relied upon, and for what? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/timestamp.h"
#include "cli/cert_rounds.h"
#include "cli/commands_cert.h"
#include "cli/output.h"

#define INPUT_MAX_BYTES	   (16u << 20)
#define LOG_KEYS_MAX_BYTES (1u << 20)

static const struct xp_option options[] = {
	{"trust", XP_OPT_LIST, "FILE", "a root certificate that you trust, in PEM"},
	{"trust-fingerprint", XP_OPT_LIST, "HEX", "SHA-256 that a trusted certificate must have"},
	{"crl", XP_OPT_LIST, "FILE", "a revocation list"},
	{"roles", XP_OPT_STRING, "FILE", "a roster: which certificate is whose, in which role"},
	{"serial", XP_OPT_STRING, "S", "the drive that it must be about"},
	{"require-level", XP_OPT_STRING, "L",
	 "clear or purge (the level that the record asked for)"},
	{"require-scope", XP_OPT_STRING, "S", "drive, namespace, logical-unit, partition or file"},
	{"require-role", XP_OPT_STRING, "R", "somebody must have signed in this role"},
	{"policy", XP_OPT_LIST, "P",
	 "a policy by which it may be judged: a file, or the name of one of ours"},
	{"require-time", XP_OPT_FLAG, NULL, "the time of the signature must be proven"},
	{"tsa", XP_OPT_LIST, "FILE", "a root of a timestamp authority that you trust, in PEM"},
	{"log-key", XP_OPT_LIST, "FILE",
	 "verifier keys of logs, one a line: each record must stand in one of them"},
	{"log-token", XP_OPT_LIST, "FILE",
	 "a timestamp of a checkpoint of such a log (timestamp embed)"},
	{"json", XP_OPT_FLAG, NULL, "one JSON document on standard output"},
	{"jsonl", XP_OPT_FLAG, NULL, "one JSON line a record, as they come"},
	{"summary", XP_OPT_FLAG, NULL, "by drive; of the records only those that did not pass"},
	{0},
};

static void batch_free(struct xp_batch *b)
{
	for (size_t i = 0; i < b->tokens_n; i++)
		free((void *)(uintptr_t)b->tokens[i].data);
	free(b->tokens);
	free(b->log_key_list);
	xp_accepted_policies_free(&b->policies);
	xp_batch_close(b);
	xp_check_free(&b->check);
	xp_pairs_free(&b->pairs);
	xp_verdicts_free(&b->verdicts);
}

typedef enum xp_rc add_fn(struct xp_trust *t, const char *data, size_t len, const char *name,
			  struct xp_err *err);

static enum xp_rc add_files(struct xp_batch *b, struct xp_trust *to, const char *option,
			    add_fn *add, struct xp_err *err)
{
	for (const char *const *file = xp_args_list(b->args, option); *file; file++) {
		AUTO_MEM char *data = NULL;
		size_t len = 0;

		TRY(xp_file_read(&data, &len, *file, INPUT_MAX_BYTES, err));
		TRY(add(to, data, len, *file, err));
	}
	return XP_OK;
}

static enum xp_rc read_requirements(struct xp_batch *b, struct xp_err *err)
{
	const char *level = xp_args_string(b->args, "require-level");
	const char *scope = xp_args_string(b->args, "require-scope");
	const char *role = xp_args_string(b->args, "require-role");

	b->req.level_given = level != NULL;
	b->req.scope_given = scope != NULL;
	b->req.role_given = role != NULL;
	b->req.time = xp_args_flag(b->args, "require-time");
	b->req.serial = xp_args_string(b->args, "serial");
	if (b->req.serial && !*b->req.serial)
		return xp_fail(err, XP_E_USAGE, "--serial needs a serial number");
	if (level && (!xp_level_parse(&b->req.level, level) || b->req.level == XP_NONE))
		return xp_fail(err, XP_E_USAGE, "--require-level %s: clear or purge is wanted",
			       level);
	if (scope && !xp_scope_parse(&b->req.scope, scope))
		return xp_fail(err, XP_E_USAGE, "--require-scope %s: no such scope", scope);
	if (role && !xp_role_parse(&b->req.role, role))
		return xp_fail(err, XP_E_USAGE, "--require-role %s: no such role", role);
	if (b->json && b->jsonl)
		return xp_fail(err, XP_E_USAGE, "--json and --jsonl exclude each other");
	return XP_OK;
}

static enum xp_rc read_log_keys(struct xp_batch *b, struct xp_err *err)
{
	size_t n = 0;

	for (const char *const *file = xp_args_list(b->args, "log-key"); *file; file++) {
		AUTO_MEM char *text = NULL;
		size_t len = 0;
		enum xp_rc rc;

		TRY(xp_file_read(&text, &len, *file, LOG_KEYS_MAX_BYTES, err));
		rc = xp_note_vkeys_add(&b->log_key_list, &n, text, len, err);
		if (rc == XP_E_MALFORMED)
			return xp_fail(err, XP_E_USAGE,
				       "%s: not the verifier key of a log, or "
				       "not one a line",
				       *file);
		TRY(rc);
	}
	b->log_keys = (struct xp_note_vkeys){b->log_key_list, n};
	return XP_OK;
}

/* The files that stand for an operand: a record, its signature, its proof; a folder as it is. */
static enum xp_rc inputs_of(char *out[4], const char *operand, struct xp_err *err)
{
	static const char *const suffixes[] = {".p7s", ".json", NULL};
	size_t n = strlen(operand);
	const char *stem_end = operand + n;

	for (size_t i = 0; suffixes[i]; i++) {
		size_t m = strlen(suffixes[i]);
		size_t left = (size_t)(stem_end - operand);

		if (left > m && strncmp(stem_end - m, suffixes[i], m) == 0)
			stem_end -= m;
	}
	n = (size_t)(stem_end - operand);
	if (asprintf(&out[0], "%.*s.tlog-proof", (int)n, operand) < 0 ||
	    asprintf(&out[1], "%s.p7s", operand) < 0 ||
	    asprintf(&out[2], "%.*s.json", (int)n, operand) < 0 ||
	    asprintf(&out[3], "%.*s.tlog-proof.tst", (int)n, operand) < 0)
		return xp_fail(err, XP_E_NOMEM, "inputs");
	return XP_OK;
}

/* The options that name files: what they hold may come from strangers as well as the records. */
static const char *const file_lists[] = {"policy", "log-key", "log-token", "trust", "crl", "tsa"};

static size_t count_list(const char *const *list)
{
	size_t n = 0;

	while (list[n])
		n++;
	return n;
}

/* From here on there is nothing to be had but the files that the command line names. */
static enum xp_rc confine(struct xp_batch *b, struct xp_err *err)
{
	const char *roles = xp_args_string(b->args, "roles");
	size_t made_n = 4 * (size_t)b->args->operands_n;
	size_t n = made_n + b->args->operands_n + 1;
	AUTO_MEM char **made = calloc(made_n + 1, sizeof(*made));
	AUTO_MEM const char **inputs = NULL;
	enum xp_rc rc = XP_OK;

	for (size_t i = 0; i < XP_ARRAY_LEN(file_lists); i++)
		n += count_list(xp_args_list(b->args, file_lists[i]));
	inputs = calloc(n + 1, sizeof(*inputs));
	if (!made || !inputs)
		rc = xp_fail(err, XP_E_NOMEM, "inputs");
	n = 0;
	for (unsigned i = 0; rc == XP_OK && i < b->args->operands_n; i++) {
		rc = inputs_of(&made[4 * i], b->args->operands[i], err);
		for (unsigned k = 0; rc == XP_OK && k < 4; k++)
			inputs[n++] = made[4 * i + k];
		inputs[n++] = b->args->operands[i];
	}
	for (size_t i = 0; rc == XP_OK && i < XP_ARRAY_LEN(file_lists); i++)
		for (const char *const *file = xp_args_list(b->args, file_lists[i]); *file; file++)
			inputs[n++] = *file;
	if (rc == XP_OK && roles)
		inputs[n++] = roles;
	if (rc == XP_OK)
		rc = xp_confine(&b->confined, inputs, err);
	for (size_t i = 0; made && i < made_n; i++)
		free(made[i]);
	return rc;
}

static enum xp_rc read_tokens(struct xp_batch *b, struct xp_err *err)
{
	const char *const *files = xp_args_list(b->args, "log-token");
	const size_t n = count_list(files);

	if (n && !b->log_keys.n)
		return xp_fail(err, XP_E_USAGE, "--log-token needs --log-key");
	b->tokens = calloc(n + 1, sizeof(*b->tokens));
	if (!b->tokens)
		return xp_fail(err, XP_E_NOMEM, "timestamps");
	for (; b->tokens_n < n; b->tokens_n++) {
		struct xp_log_bytes *t = &b->tokens[b->tokens_n];
		char *data = NULL;

		TRY(xp_file_read(&data, &t->len, files[b->tokens_n], XP_TIMESTAMP_FILE_MAX, err));
		t->data = data;
	}
	return XP_OK;
}

static enum xp_rc prepare(struct xp_batch *b, struct xp_err *err)
{
	const char *roles = xp_args_string(b->args, "roles");

	b->json = xp_args_flag(b->args, "json");
	b->jsonl = xp_args_flag(b->args, "jsonl");
	b->summary = xp_args_flag(b->args, "summary");
	TRY(read_requirements(b, err));
	TRY(xp_check_new(&b->check, xp_clock_system(), err));
	TRY(confine(b, err));
	TRY(xp_accepted_policies_read(&b->policies, xp_args_list(b->args, "policy"), err));
	TRY(read_log_keys(b, err));
	TRY(read_tokens(b, err));
	TRY(add_files(b, xp_check_trust(b->check), "trust", xp_trust_add_anchors, err));
	TRY(add_files(b, xp_check_trust(b->check), "crl", xp_trust_add_crls, err));
	TRY(xp_trust_watch_crls(xp_check_trust(b->check), err));
	TRY(add_files(b, xp_check_tsa(b->check), "tsa", xp_trust_add_anchors, err));
	for (const char *const *hex = xp_args_list(b->args, "trust-fingerprint"); *hex; hex++)
		TRY(xp_trust_add_fingerprint(xp_check_trust(b->check), *hex, err));
	TRY(xp_trust_check(xp_check_trust(b->check), err));
	if (roles) {
		AUTO_MEM char *data = NULL;
		size_t len = 0;

		TRY(xp_file_read(&data, &len, roles, INPUT_MAX_BYTES, err));
		TRY(xp_check_set_roster(b->check, data, len, roles, err));
	}
	for (unsigned i = 0; i < b->args->operands_n; i++)
		TRY(xp_pairs_add(&b->pairs, b->args->operands[i], err));
	if (b->pairs.n == 0 && b->pairs.unread_n == 0)
		return xp_fail(err, XP_E_NOENT, "there is no record here (%llu other files)",
			       (unsigned long long)b->pairs.ignored);
	return XP_OK;
}

static uint64_t duplicates(const struct xp_batch *b)
{
	uint64_t n = 0;

	for (size_t i = 0; i < b->verdicts.n; i++)
		n += b->verdicts.list[i].is_duplicate;
	return n;
}

static void count(const struct xp_batch *b, uint64_t n[5], uint64_t *closed)
{
	*closed = 0;
	for (size_t i = 0; i < b->verdicts.n; i++) {
		int code = b->verdicts.list[i].o.exit_code;

		if (b->verdicts.list[i].is_duplicate)
			continue;
		if (b->verdicts.list[i].o.closed_by[0])
			(*closed)++;
		else
			n[code >= 0 && code < 4 ? code : 4]++;
	}
}

static int print_document(const struct xp_batch *b, const uint64_t n[5], uint64_t closed,
			  unsigned unused_lists)
{
	json_t *doc = json_pack(
		"{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "exit", b->exit_code, "passed",
		(json_int_t)n[0], "failed", (json_int_t)n[1], "indeterminate", (json_int_t)n[2],
		"policy", (json_int_t)n[3], "closed", (json_int_t)closed, "ignored",
		(json_int_t)b->pairs.ignored, "other_drives", (json_int_t)b->other_drives,
		"duplicates", (json_int_t)duplicates(b));
	int rc;

	json_object_set(doc, "unread", b->unread);
	json_object_set_new(doc, "unused_lists", json_integer(unused_lists));
	json_object_set_new(doc, "confined",
			    json_pack("{s:b, s:b}", "seccomp", b->confined.by_seccomp, "landlock",
				      b->confined.by_landlock));
	if (b->summary)
		json_object_set_new(doc, "drives", xp_verdicts_drives_json(&b->verdicts));
	rc = xp_verdicts_print_json(&b->verdicts, doc, b->summary);
	return rc ? rc : b->exit_code;
}

/* Their verdicts were shown before the records that closed them were read. */
static void print_closed(const struct xp_batch *b)
{
	bool first = true;

	for (size_t i = 0; i < b->verdicts.n; i++) {
		const struct xp_check_outcome *o = &b->verdicts.list[i].o;

		if (!o->closed_by[0])
			continue;
		if (first)
			puts("");
		first = false;
		printf("closed: the failure %s, by %s of the same drive, which passed\n", o->id,
		       o->closed_by);
	}
}

/* Nor were those known that have another record's id, or stand in another history of their log. */
static void say_twins(const struct xp_batch *b)
{
	for (size_t i = 0; i < b->verdicts.n; i++) {
		const struct xp_verdict *v = &b->verdicts.list[i];

		if (v->twin && !b->json)
			xp_say("E_ID_TWICE: two records of one id were given, and neither may be "
			       "relied upon: %s and %s",
			       v->file, v->twin);
		if (v->fork && !b->json)
			xp_say("E_LOG_FORK: one log has two histories, and neither may be relied "
			       "upon: %s and %s",
			       v->file, v->fork);
	}
}

static void print_counts(const struct xp_batch *b, const uint64_t n[5], uint64_t closed)
{
	const struct {
		uint64_t n;
		const char *text;
	} counts[] = {{n[0], "passed"},
		      {n[1], "failed"},
		      {n[2], "indeterminate"},
		      {n[3], "not what is required"},
		      {n[4], "could not be checked"},
		      {closed, closed == 1 ? "failure closed by a later record"
					   : "failures closed by later records"},
		      {b->other_drives, "of other drives"}};
	const char *between = ": ";
	uint64_t twice = duplicates(b);
	uint64_t records = b->verdicts.n + b->other_drives - twice;

	printf("\n%llu record%s", (unsigned long long)records, records == 1 ? "" : "s");
	for (size_t i = 0; i < XP_ARRAY_LEN(counts); i++) {
		if (counts[i].n == 0)
			continue;
		printf("%s%llu %s", between, (unsigned long long)counts[i].n, counts[i].text);
		between = ", ";
	}
	if (twice)
		printf("; %llu given twice", (unsigned long long)twice);
	if (json_array_size(b->unread))
		printf("; %zu could not be read", json_array_size(b->unread));
	if (b->pairs.ignored)
		printf("; %llu file%s that %s no record", (unsigned long long)b->pairs.ignored,
		       b->pairs.ignored == 1 ? "" : "s", b->pairs.ignored == 1 ? "is" : "are");
	puts("");
}

/* A list that speaks of nobody here is a list of another CA: better said than passed over. */
static unsigned say_unused_lists(struct xp_batch *b)
{
	const struct xp_trust *t = xp_check_trust(b->check);
	unsigned n = 0;

	for (int i = 0; i < t->crl_used_n; i++)
		n += !t->crl_used[i];
	if (n)
		xp_say("W_CRL_UNUSED: %u of the lists of --crl %s of no authority above these "
		       "signers",
		       n, n == 1 ? "is" : "are");
	return n;
}

static int report(struct xp_batch *b)
{
	uint64_t n[5] = {0};
	struct xp_err err = {0};
	uint64_t closed;
	unsigned unused;

	if (xp_verdicts_close(&b->verdicts, &err) != XP_OK)
		return xp_say_error(&err);
	for (size_t i = 0; i < b->verdicts.n; i++)
		if (!b->verdicts.list[i].o.closed_by[0])
			b->exit_code =
				xp_check_exit_worse(b->exit_code, b->verdicts.list[i].o.exit_code);
	if (b->req.serial && b->verdicts.n == 0 && b->other_drives) {
		xp_say("P_SERIAL: none of the %llu records is about the drive %s",
		       (unsigned long long)b->other_drives, b->req.serial);
		b->exit_code = xp_check_exit_worse(b->exit_code, 3);
	}
	count(b, n, &closed);
	unused = say_unused_lists(b);
	say_twins(b);
	if (b->json)
		return print_document(b, n, closed, unused);
	if (b->jsonl)
		return b->exit_code;
	if (b->summary)
		xp_verdicts_drives_print(&b->verdicts);
	else
		print_closed(b);
	if (b->summary || b->pairs.n > 1 || b->pairs.ignored || b->pairs.unread_n)
		print_counts(b, n, closed);
	return b->exit_code;
}

static int run_verify(const struct xp_args *args)
{
	AUTO(batch_free) struct xp_batch b = {.args = args};
	struct xp_err err = {0};

	if (prepare(&b, &err) != XP_OK) {
		int code = xp_say_error(&err);

		/* of the program's codes only these have a meaning here */
		return code == 64 || code == 70 ? code : 66;
	}
	if (xp_batch_run(&b, &err) != XP_OK)
		return xp_say_error(&err);
	return report(&b);
}

const struct xp_command xp_cert_command_verify = {
	.name = "verify",
	.operands = "FILE or DIR...",
	.summary = "Check records and their signatures.",
	.details =
		"A record is FILE with its signature beside it as FILE.p7s; in a DIR, all of "
		"them.\n"
		"Exit codes: 0 passed, 1 failed, 2 indeterminate, 3 authentic but not what is\n"
		"required, 64 usage, 66 no such input, 70 our bug. The worst of several counts,\n"
		"in the order 1, 70, 66, 2, 3, 0.",
	.options = options,
	.operands_min = 1,
	.operands_max = ~0u,
	.run = run_verify,
};
