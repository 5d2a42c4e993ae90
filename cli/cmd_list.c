#include "cli/commands_expunge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/job_options.h"
#include "cli/job_tell.h"
#include "cli/output.h"
#include "device/discover.h"
#include "sanitize/plan.h"

static const struct xp_option options[] = {
	{"root", XP_OPT_STRING, "DIR",
	 "read a captured tree of sysfs and procfs, not this machine"},
	{"json", XP_OPT_FLAG, NULL, "one JSON document on stdout"},
	{0},
};

/* ---- the best that can be had ---- */

struct best {
	bool known;
	enum xp_technique technique;
	enum xp_level level;
};

struct question {
	struct xp_target target;
	struct xp_capabilities capabilities;
	struct xp_plan plan;
};

/* As the plan would choose, were the drive free; no command is sent to ask for more. */
static enum xp_rc best_of(struct best *out, const struct xp_drive *d,
			  const struct xp_policy *policy, struct xp_err *err)
{
	AUTO_MEM struct question *q = calloc(1, sizeof(*q));
	enum xp_rc rc;

	*out = (struct best){0};
	if (!q)
		return xp_fail(err, XP_E_NOMEM, "%s", d->path);
	if (!d->path[0] || !d->identity.capacity_bytes || d->zoned)
		return XP_OK;
	const struct xp_plan_request req = {.target = &q->target,
					    .capabilities = &q->capabilities,
					    .policy = policy,
					    .has_accept = true,
					    .accept = XP_CLEAR};

	q->target.kind = XP_TARGET_DISK;
	q->target.identity = d->identity; /* stays the drive's */
	snprintf(q->target.path, sizeof(q->target.path), "%s", d->path);
	snprintf(q->target.confirm, sizeof(q->target.confirm), "%s", d->confirm);
	xp_capabilities_host(&q->capabilities, &q->target);
	rc = xp_plan_make(&q->plan, &req, err);
	if (rc == XP_OK && q->plan.has_technique)
		*out = (struct best){true, q->plan.technique, q->plan.expected.level};
	xp_plan_free(&q->plan);
	return rc;
}

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

static json_t *drive_json(const struct xp_drive *d, const struct best *best)
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
	if (best->known)
		json_object_set_new(o, "best",
				    json_pack("{s:s,s:s}", "technique",
					      xp_technique_name(best->technique), "level",
					      xp_level_name(best->level)));
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

static void print_drive(const struct xp_drive *d, const struct best *best, bool with_head)
{
	AUTO(xp_buf_free) struct xp_buf size = {0};
	AUTO(xp_buf_free) struct xp_buf model = {0};
	AUTO(xp_buf_free) struct xp_buf confirm = {0};

	xp_buf_size(&size, d->identity.capacity_bytes);
	xp_buf_printf(&model, "%s%s%s", d->identity.vendor, d->identity.vendor[0] ? " " : "",
		      d->identity.model[0] ? d->identity.model : d->identity.name);
	if (with_head)
		printf("%-14s %-7s %-9s %-24s %s\n", "DRIVE", "BUS", "MEDIA", "MODEL OR FILE",
		       "SIZE");
	field(d->path[0] ? d->path : "(no node)", 14);
	field(xp_bus_name(d->identity.bus), 7);
	field(xp_media_name(d->identity.media), 9);
	field(xp_buf_str(&model), 24);
	printf("%s\n", xp_buf_str(&size));
	printf("    confirm  ");
	xp_buf_shell_word(&confirm, d->confirm);
	xp_print_escaped(stdout, xp_buf_str(&confirm));
	if (d->slot[0]) {
		printf("    slot ");
		xp_print_escaped(stdout, d->slot);
	}
	printf("\n    best     %s%s%s\n", best->known ? xp_level_name(best->level) : "nothing here",
	       best->known ? " by " : "", best->known ? xp_technique_name(best->technique) : "");
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

static enum xp_rc list(int *exit_code, const struct xp_args *args, struct xp_err *err)
{
	AUTO(xp_inventory_free) struct xp_inventory inv = {0};
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	AUTO(xp_policy_free) struct xp_policy *policy = NULL;
	const char *dir = xp_args_string(args, "root");
	bool json = xp_args_flag(args, "json");
	json_t *drives = NULL;
	struct best best;

	TRY(xp_sysroot_open(&root, dir ? dir : "/", err));
	TRY(xp_inventory_scan(&inv, &root, err));
	TRY(xp_policy_load(&policy, "nist-800-88r2", err));
	if (json)
		drives = json_array();
	for (size_t i = 0; i < inv.drives_n; i++) {
		enum xp_rc rc = best_of(&best, &inv.drives[i], policy, err);

		if (rc != XP_OK) {
			json_decref(drives);
			return rc;
		}
		if (json)
			json_array_append_new(drives, drive_json(&inv.drives[i], &best));
		else
			print_drive(&inv.drives[i], &best, i == 0);
	}
	if (json) {
		*exit_code =
			xp_print_json(json_pack("{s:o,s:o,s:o}", "host", host_json(&inv), "hidden",
						hidden_json(&inv), "drives", drives));
		return XP_OK;
	}
	if (!inv.drives_n)
		printf("No drives.\n");
	print_hidden(&inv);
	*exit_code = 0;
	return XP_OK;
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
	.details = "Opens no drive and sends no command. Loop devices that have a file are shown, "
		   "too.",
	.options = options,
	.operands_min = 0,
	.operands_max = 0,
	.run = run,
};
