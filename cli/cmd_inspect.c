#include "cli/commands_expunge.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/cmd_inspect_facts.h"
#include "cli/cmd_inspect_luks.h"
#include "cli/job_reach.h"
#include "cli/output.h"
#include "device/probe.h"
#include "device/probe_node.h"
#include "device/transcript.h"
#include "device/usage.h"
#include "sanitize/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const struct xp_option inspect_options[] = {
	{"json", XP_OPT_FLAG, NULL, "one JSON document on standard output"},
	{"replay", XP_OPT_STRING, "FILE", "show the drive of a transcript; no TARGET"},
	{"record-transcript", XP_OPT_STRING, "FILE",
	 "write what was asked and answered to FILE, which must not exist"},
	{"blank-serials", XP_OPT_FLAG, NULL, "leave serial numbers and WWNs out of the transcript"},
	{NULL, XP_OPT_FLAG, NULL, NULL},
};

/* What inspect found out. */
struct inspection {
	struct xp_target target;
	struct xp_drive_facts facts;
	bool has_facts;	   /* a drive answered */
	struct xp_err why; /* where none did: why; rc 0: there is none to ask */
	struct xp_uses uses;
	struct xp_err uses_why; /* rc 0: uses is complete */
	json_t *luks;		/* members for the document; NULL: a transcript has none */
	bool is_replay;
	bool blanks_serials;
};

static void inspection_free(struct inspection **in)
{
	if (!*in)
		return;
	xp_target_free(&(*in)->target);
	xp_drive_facts_free(&(*in)->facts);
	xp_uses_free(&(*in)->uses);
	json_decref((*in)->luks);
	free(*in);
	*in = NULL;
}

/* Puts a recorder around T where a transcript was asked for. */
static enum xp_rc add_recorder(struct xp_transport **t, enum xp_bus bus, const char *path,
			       bool blank, struct xp_err *err)
{
	struct xp_transport *inner = STEAL(*t);
	AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0) {
		enum xp_rc rc = xp_fail_errno(err, XP_E_IO, "%s", path);

		xp_transport_free(&inner);
		return rc;
	}
	return xp_transport_record_open(t, inner, bus, blank, fd, err);
}

static enum xp_rc ask_drive(struct inspection *in, const char *transcript, struct xp_err *err)
{
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	struct xp_target *target = &in->target;

	TRY(xp_probe_open_node(&t, target->identity.bus, target->disk, err));
	if (transcript)
		TRY(add_recorder(&t, target->identity.bus, transcript, in->blanks_serials, err));
	TRY(xp_probe_drive(&in->facts, t, &target->identity, err));
	in->has_facts = true;
	return XP_OK;
}

static enum xp_rc inspect_target(struct inspection *in, const char *path, const char *transcript,
				 struct xp_err *err)
{
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	char why[384];

	TRY(xp_sysroot_open(&root, "/", err));
	if (!xp_job_can_reach(why, sizeof(why), &root, path))
		return xp_fail(err, XP_E_REFUSED, "%s: %s", path, why);
	TRY(xp_target_resolve(&in->target, &root, path, err));
	if (xp_uses_find(&in->uses, &root, &in->target, 0, &in->uses_why) == XP_OK)
		in->uses_why = (struct xp_err){0};
	in->luks = json_object();
	xp_inspect_luks(in->luks, &in->target, &root);
	if (!xp_probe_can_ask(in->target.identity.bus, in->target.disk)) {
		if (transcript)
			return xp_fail(
				err, XP_E_UNSUPPORTED,
				"%s: there is no drive behind it that could be asked, and so "
				"no transcript",
				path);
		return XP_OK;
	}
	/* what the kernel says stands, even where the drive does not answer */
	if (ask_drive(in, transcript, &in->why) != XP_OK && transcript) {
		*err = in->why;
		return err->rc;
	}
	return XP_OK;
}

static enum xp_rc inspect_transcript(struct inspection *in, const char *path, struct xp_err *err)
{
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	in->is_replay = true;
	TRY(xp_file_read(&text, &len, path, XP_TRANSCRIPT_BYTES_MAX, err));
	TRY(xp_probe_transcript(&in->facts, &in->target, text, len, err));
	in->has_facts = true;
	return XP_OK;
}

static void set_text(json_t *o, const char *key, const char *v)
{
	if (v[0])
		json_object_set_new(o, key, json_string(v));
}

static json_t *uses_json(const struct xp_uses *uses)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < uses->n; i++) {
		const struct xp_use *u = &uses->list[i];
		json_t *j = json_object();

		json_object_set_new(j, "code", json_string(xp_refusal_code_name(u->code)));
		set_text(j, "kind", u->kind);
		set_text(j, "where", u->where);
		set_text(j, "node", u->node);
		json_array_append_new(list, j);
	}
	return list;
}

/* One text a line into an array. */
static json_t *lines_json(const char *text)
{
	json_t *list = json_array();

	while (list && *text) {
		size_t n = strcspn(text, "\n");

		if (n)
			json_array_append_new(list, json_stringn(text, n));
		text += n + (text[n] == '\n');
	}
	return list;
}

static const char *kind_name(enum xp_target_kind kind)
{
	switch (kind) {
	case XP_TARGET_DISK:
		return "disk";
	case XP_TARGET_PARTITION:
		return "partition";
	case XP_TARGET_IMAGE:
		return "image";
	}
	return "disk";
}

/* What can be done with it, and what is in the way of more. */
static void add_techniques(json_t *o, const struct inspection *in)
{
	struct xp_capabilities *c = calloc(1, sizeof(*c));
	json_t *techniques = json_array();
	json_t *obstacles = json_array();

	if (c) {
		xp_capabilities_host(c, &in->target);
		if (in->has_facts)
			xp_capabilities_drive(c, &in->target, &in->facts);
	}
	for (unsigned i = 0; c && i < c->n; i++)
		json_array_append_new(techniques,
				      json_string(xp_technique_name(c->list[i].technique)));
	for (unsigned i = 0; c && i < c->obstacles_n; i++) {
		const struct xp_obstacle *b = &c->obstacles[i];
		json_t *j = json_object();

		set_text(j, "technique", xp_technique_name(b->technique));
		set_text(j, "code", xp_refusal_code_name(b->code));
		set_text(j, "why", b->why);
		set_text(j, "remedy", b->remedy);
		json_array_append_new(obstacles, j);
	}
	json_object_set_new(o, "techniques", techniques);
	json_object_set_new(o, "obstacles", obstacles);
	free(c);
}

static json_t *document(const struct inspection *in)
{
	const struct xp_identity *id = &in->target.identity;
	json_t *o = json_object();

	set_text(o, "path", in->target.path);
	set_text(o, "kind", kind_name(in->target.kind));
	set_text(o, "confirm", in->target.confirm);
	set_text(o, "slot", in->target.slot);
	set_text(o, "vendor", id->vendor);
	set_text(o, "model", id->model);
	set_text(o, "serial", id->serial);
	set_text(o, "wwn", id->wwn);
	set_text(o, "firmware", id->firmware);
	set_text(o, "bus", xp_bus_name(id->bus));
	set_text(o, "media", xp_media_name(id->media));
	json_object_set_new(o, "bytes", xp_json_u64(id->capacity_bytes));
	json_object_set_new(o, "logical_block_bytes", json_integer(id->logical_block_bytes));
	json_object_set_new(o, "physical_block_bytes", json_integer(id->physical_block_bytes));
	if (!in->is_replay) {
		json_object_set_new(o, "signatures", lines_json(in->target.signatures));
		json_object_set_new(o, "in_use", uses_json(&in->uses));
		if (in->uses_why.rc != XP_OK)
			set_text(o, "in_use_unknown", in->uses_why.msg);
		json_object_update(o, in->luks);
	}
	add_techniques(o, in);
	if (in->has_facts)
		json_object_set_new(o, "drive", xp_inspect_facts(&in->facts));
	else if (in->why.rc != XP_OK)
		set_text(o, "drive_unknown", in->why.msg);
	return o;
}

/* "logical_block_bytes" as "logical block bytes". */
static void print_label(const char *key, int indent)
{
	printf("%*s", indent * 2, "");
	for (; *key; key++)
		putchar(*key == '_' ? ' ' : *key);
}

static bool is_size(const char *key)
{
	size_t n = strlen(key);

	return n >= 5 && strcmp(key + n - 5, "bytes") == 0;
}

static void print_scalar(const char *key, const json_t *v)
{
	AUTO(xp_buf_free) struct xp_buf size = {0};

	if (json_is_string(v) && is_size(key)) {
		xp_buf_size(&size, strtoull(json_string_value(v), NULL, 10));
		fputs(xp_buf_str(&size), stdout);
		if (strlen(json_string_value(v)) > 3) {
			fputs(" (", stdout);
			xp_print_escaped(stdout, json_string_value(v));
			putchar(')');
		}
	} else if (json_is_string(v)) {
		xp_print_escaped(stdout, json_string_value(v));
	} else if (json_is_integer(v)) {
		printf("%lld", (long long)json_integer_value(v));
	} else {
		fputs(json_is_true(v) ? "yes" : "no", stdout);
	}
}

/* The members of a list's entry on one line. */
static void print_entry(json_t *entry, int indent)
{
	const char *key;
	json_t *v;
	const char *gap = "";

	printf("%*s- ", indent * 2, "");
	if (!json_is_object(entry)) {
		print_scalar("", entry);
	} else {
		json_object_foreach (entry, key, v) {
			fputs(gap, stdout);
			print_label(key, 0);
			fputs(": ", stdout);
			print_scalar(key, v);
			gap = ", ";
		}
	}
	putchar('\n');
}

static void print_list(const char *key, json_t *list, int indent)
{
	print_label(key, indent);
	if (json_array_size(list) == 0) {
		puts(": none");
		return;
	}
	puts(":");
	for (size_t i = 0; i < json_array_size(list); i++)
		print_entry(json_array_get(list, i), indent + 1);
}

#define DEPTH_MAX 4
static void print_page(json_t *o, int indent)
{
	/* the document is ours: it is never deeper than this */
	struct {
		void *at;
		json_t *o;
	} stack[DEPTH_MAX] = {{json_object_iter(o), o}};
	int depth = 0;

	while (depth >= 0) {
		void *at = stack[depth].at;
		const char *key;
		json_t *v;

		if (!at) {
			depth--;
			continue;
		}
		key = json_object_iter_key(at);
		v = json_object_iter_value(at);
		stack[depth].at = json_object_iter_next(stack[depth].o, at);
		if (json_is_array(v)) {
			print_list(key, v, indent + depth);
			continue;
		}
		print_label(key, indent + depth);
		fputs(":", stdout);
		if (!json_is_object(v)) {
			putchar(' ');
			print_scalar(key, v);
		} else if (depth + 1 < DEPTH_MAX) {
			depth++;
			stack[depth].at = json_object_iter(v);
			stack[depth].o = v;
		}
		putchar('\n');
	}
}

static int inspect_run(const struct xp_args *args)
{
	AUTO(inspection_free) struct inspection *in = NULL;
	const char *replay = xp_args_string(args, "replay");
	const char *transcript = xp_args_string(args, "record-transcript");
	bool blank = xp_args_flag(args, "blank-serials");
	struct xp_err err = {0};
	enum xp_rc rc;
	json_t *doc;

	if ((replay != NULL) == (args->operands_n == 1) || (replay && transcript) ||
	    (blank && !transcript)) {
		xp_fail(&err, XP_E_USAGE,
			"give a TARGET, or --replay FILE instead (--record-transcript needs a "
			"TARGET)");
		return xp_report_error(&err, xp_args_flag(args, "json"), NULL);
	}
	in = calloc(1, sizeof(*in));
	if (!in) {
		xp_fail(&err, XP_E_NOMEM, "no memory to inspect a target");
		return xp_report_error(&err, xp_args_flag(args, "json"), NULL);
	}
	in->blanks_serials = blank;
	rc = replay ? inspect_transcript(in, replay, &err)
		    : inspect_target(in, args->operands[0], transcript, &err);
	if (rc != XP_OK)
		return xp_report_error(&err, xp_args_flag(args, "json"), NULL);
	doc = document(in);
	if (in->why.rc != XP_OK)
		xp_say("%s: the drive was not asked: %s", in->target.path, in->why.msg);
	if (xp_args_flag(args, "json"))
		return xp_print_json(doc);
	print_page(doc, 0);
	json_decref(doc);
	return 0;
}

const struct xp_command xp_command_inspect = {
	.name = "inspect",
	.operands = "[TARGET]",
	.summary = "Show what a target is, and what a drive says of itself.",
	.details =
		"Shows identity, capacity, signatures and users of a TARGET. A drive is asked, by\n"
		"commands that only read, for its sanitize and security features and their\n"
		"state, hidden areas, namespaces, encryption and health. Nothing is written.\n"
		"A transcript holds all that was asked and answered, serial numbers too; with\n"
		"--replay it is shown again, on any machine.",
	.options = inspect_options,
	.operands_min = 0,
	.operands_max = 1,
	.run = inspect_run,
};
