#include "cli/commands_expunge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/job_tell.h"
#include "cli/job_list.h"
#include "cli/output.h"
#include "device/discover.h"

static const struct xp_option options[] = {
	{"root", XP_OPT_STRING, "DIR",
	 "read a captured tree of sysfs and procfs, not this machine"},
	{"json", XP_OPT_FLAG, NULL, "one JSON document on stdout"},
	{0},
};

/* ---- JSON ---- */

static const char *complete_name(enum xp_complete v)
{
	switch (v) {
	case XP_COMPLETE_YES:
		return "yes";
	case XP_COMPLETE_NO:
		return "no";
	case XP_COMPLETE_UNKNOWN:
		break;
	}
	return "unknown";
}

/* The text as JSON takes it: what is not UTF-8 is escaped first. */
static json_t *text_json(const char *text)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	json_t *plain = json_string(text);

	if (plain)
		return plain;
	xp_buf_escaped(&b, text);
	return json_string(xp_buf_str(&b));
}

static json_t *uses_json(const struct xp_uses *uses)
{
	json_t *list = json_array();

	for (size_t i = 0; i < uses->n; i++) {
		const struct xp_use *u = &uses->list[i];
		json_t *one = json_object();

		json_object_set_new(one, "code", json_string(xp_refusal_code_name(u->code)));
		json_object_set_new(one, "kind", text_json(u->kind));
		json_object_set_new(one, "where", text_json(u->where));
		json_object_set_new(one, "node", text_json(u->node));
		json_object_set_new(one, "remedy", text_json(u->remedy));
		json_array_append_new(list, one);
	}
	return list;
}

/* What the drive says of itself goes over what sysfs says of it. */
static void add_details(json_t *o, const struct xp_list_answer *answer)
{
	const char *key;
	json_t *v;

	json_object_foreach (answer->details, key, v) {
		json_object_set(o, key, v);
	}
}

static json_t *drive_json(const struct xp_drive *d, const struct xp_list_answer *answer)
{
	json_t *o = json_object();
	json_t *nodes = json_array();

	json_object_set_new(o, "path", text_json(d->path));
	json_object_set_new(o, "confirm", text_json(d->confirm));
	json_object_set_new(o, "slot", text_json(d->slot));
	json_object_set_new(o, "vendor", text_json(d->identity.vendor));
	json_object_set_new(o, "model", text_json(d->identity.model));
	json_object_set_new(o, "serial", text_json(d->identity.serial));
	json_object_set_new(o, "wwn", text_json(d->identity.wwn));
	json_object_set_new(o, "firmware", text_json(d->identity.firmware));
	json_object_set_new(o, "bytes", xp_json_u64(d->identity.capacity_bytes));
	json_object_set_new(o, "bus", json_string(xp_bus_name(d->identity.bus)));
	json_object_set_new(o, "media", json_string(xp_media_name(d->identity.media)));
	for (unsigned i = 0; i < d->nodes_n; i++)
		json_array_append_new(nodes, text_json(d->nodes[i]));
	json_object_set_new(o, "nodes", nodes);
	json_object_set_new(o, "remote", json_boolean(d->remote));
	json_object_set_new(o, "zoned", json_boolean(d->zoned));
	json_object_set_new(o, "in_use", uses_json(&d->uses));
	add_details(o, answer);
	return o;
}

static json_t *hidden_json(const struct xp_inventory *inv)
{
	json_t *list = json_array();

	for (size_t i = 0; i < inv->hidden_n; i++) {
		json_t *one = json_object();

		json_object_set_new(one, "controller", text_json(inv->hidden[i].controller));
		json_object_set_new(one, "pci", text_json(inv->hidden[i].pci));
		json_object_set_new(one, "driver", text_json(inv->hidden[i].driver));
		json_object_set_new(one, "reason", text_json(inv->hidden[i].reason));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *host_json(const struct xp_inventory *inv)
{
	json_t *host = json_object();

	json_object_set_new(host, "serial", text_json(inv->host_serial));
	json_object_set_new(host, "model", text_json(inv->host_model));
	json_object_set_new(host, "complete", json_string(complete_name(inv->complete)));
	return host;
}

/* ---- for people ---- */

static void field(const char *text, int width)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};

	xp_buf_escaped(&b, text[0] ? text : "-");
	printf("%-*s ", width, xp_buf_str(&b));
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

/* Why not more is to be had, where the drive has more. */
static void print_obstacles(const struct xp_list_answer *answer)
{
	const json_t *list = json_object_get(answer->details, "obstacles");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		printf("    not now  %s (%s): ", text_of(o, "technique"), text_of(o, "code"));
		xp_print_escaped(stdout, text_of(o, "why"));
		printf("\n             what would help: ");
		xp_print_escaped(stdout, text_of(o, "remedy"));
		putchar('\n');
	}
	if (!*text_of(answer->details, "drive_unknown"))
		return;
	printf("    note     the drive was not asked what it can do: ");
	xp_print_escaped(stdout, text_of(answer->details, "drive_unknown"));
	putchar('\n');
}

static void print_drive(const struct xp_drive *d, const struct xp_list_answer *answer,
			bool with_head)
{
	const char *vendor = *text_of(answer->details, "model") ? text_of(answer->details, "vendor")
								: d->identity.vendor;
	const char *own_model = *text_of(answer->details, "model")
					? text_of(answer->details, "model")
					: d->identity.model;
	const char *media = *text_of(answer->details, "media") ? text_of(answer->details, "media")
							       : xp_media_name(d->identity.media);
	AUTO(xp_buf_free) struct xp_buf size = {0};
	AUTO(xp_buf_free) struct xp_buf model = {0};
	AUTO(xp_buf_free) struct xp_buf confirm = {0};

	xp_buf_size(&size, d->identity.capacity_bytes);
	xp_buf_printf(&model, "%s%s%s", vendor, vendor[0] ? " " : "",
		      own_model[0] ? own_model : d->identity.name);
	if (with_head)
		printf("%-14s %-7s %-9s %-24s %s\n", "DRIVE", "BUS", "MEDIA", "MODEL OR FILE",
		       "SIZE");
	field(d->path[0] ? d->path : "(no node)", 14);
	field(xp_bus_name(d->identity.bus), 7);
	field(media, 9);
	field(xp_buf_str(&model), 24);
	printf("%s\n", xp_buf_str(&size));
	printf("    confirm  ");
	xp_buf_shell_word(&confirm, d->confirm);
	xp_print_escaped(stdout, xp_buf_str(&confirm));
	if (d->slot[0]) {
		printf("    slot ");
		xp_print_escaped(stdout, d->slot);
	}
	printf("\n    best     %s%s%s\n",
	       answer->has_best ? xp_level_name(answer->level) : "nothing here",
	       answer->has_best ? " by " : "",
	       answer->has_best ? xp_technique_name(answer->technique) : "");
	print_obstacles(answer);
	if (d->nodes_n > 1) {
		printf("    nodes   ");
		for (unsigned i = 0; i < d->nodes_n; i++) {
			putchar(' ');
			xp_print_escaped(stdout, d->nodes[i]);
		}
		putchar('\n');
	}
	if (d->remote || d->zoned)
		printf("    note     %s%s%s\n", d->remote ? "remote" : "",
		       d->remote && d->zoned ? ", " : "", d->zoned ? "zoned" : "");
	for (size_t i = 0; i < d->uses.n; i++) {
		const struct xp_use *u = &d->uses.list[i];

		printf("    in use   %s: ", xp_refusal_code_name(u->code));
		xp_print_escaped(stdout, u->where);
		printf("\n             what would help: ");
		xp_print_escaped(stdout, u->remedy);
		putchar('\n');
	}
}

static void print_hidden(const struct xp_inventory *inv)
{
	for (size_t i = 0; i < inv->hidden_n; i++) {
		printf("HIDDEN  ");
		xp_print_escaped(stdout, inv->hidden[i].controller);
		putchar(' ');
		xp_print_escaped(stdout, inv->hidden[i].pci);
		putchar(' ');
		xp_print_escaped(stdout, inv->hidden[i].driver);
		printf(": ");
		xp_print_escaped(stdout, inv->hidden[i].reason);
		putchar('\n');
	}
	switch (inv->complete) {
	case XP_COMPLETE_YES:
		return;
	case XP_COMPLETE_NO:
		printf("This list is NOT complete: the host hides drives.\n");
		return;
	case XP_COMPLETE_UNKNOWN:
		printf("Whether this list is complete cannot be told.\n");
		return;
	}
}

/* ---- the command ---- */

static void show(int *exit_code, const struct xp_inventory *inv,
		 const struct xp_list_answer *answers, bool json)
{
	json_t *drives = json ? json_array() : NULL;

	for (size_t i = 0; i < inv->drives_n; i++) {
		if (json)
			json_array_append_new(drives, drive_json(&inv->drives[i], &answers[i]));
		else
			print_drive(&inv->drives[i], &answers[i], i == 0);
	}
	*exit_code = 0;
	if (json) {
		*exit_code = xp_print_json(json_pack("{s:o,s:o,s:o}", "host", host_json(inv),
						     "hidden", hidden_json(inv), "drives", drives));
		return;
	}
	if (!inv->drives_n)
		printf("No drives.\n");
	print_hidden(inv);
}

static enum xp_rc list(int *exit_code, const struct xp_args *args, struct xp_err *err)
{
	AUTO(xp_inventory_free) struct xp_inventory inv = {0};
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	AUTO(xp_plan_options_free)
	struct xp_plan_options plan_options = {.has_accept = true, .accept = XP_CLEAR};
	const char *dir = xp_args_string(args, "root");
	const struct xp_job_setup setup = {
		.root = &root,
		.inventory = &inv,
		.options = &plan_options,
		.out_fd = -1,
		.clock = xp_clock_system(),
		.rng = xp_rng_system(),
	};
	struct xp_list_answer *answers;
	enum xp_rc rc;

	TRY(xp_sysroot_open(&root, dir ? dir : "/", err));
	TRY(xp_inventory_scan(&inv, &root, err));
	TRY(xp_policy_load(&plan_options.policy, "nist-800-88r2", err));
	answers = calloc(inv.drives_n + 1, sizeof(*answers));
	if (!answers)
		return xp_fail(err, XP_E_NOMEM, "list of drives");
	rc = xp_list_ask(answers, &setup, err);
	if (rc == XP_OK)
		show(exit_code, &inv, answers, xp_args_flag(args, "json"));
	xp_list_answers_free(answers, inv.drives_n);
	return rc;
}

static int run(const struct xp_args *args)
{
	int exit_code = 0;
	struct xp_err err = {0};

	return list(&exit_code, args, &err) == XP_OK
		       ? exit_code
		       : xp_report_error(&err, xp_args_flag(args, "json"), "drives");
}

const struct xp_command xp_command_list = {
	.name = "list",
	.operands = "",
	.summary = "Show every drive: what it is, what confirms it, who uses it; and what the host "
		   "hides.",
	.details =
		"Drives are asked what they can do, for ten seconds at most, by commands that only "
		"read.\nLoop devices that have a file are shown, too.",
	.options = options,
	.operands_min = 0,
	.operands_max = 0,
	.run = run,
};
