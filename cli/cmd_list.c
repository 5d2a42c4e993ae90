#include "cli/commands_expunge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/job_tell.h"
#include "cli/job_list.h"
#include "cli/job_list_json.h"
#include "cli/output.h"
#include "device/discover.h"

static const struct xp_option options[] = {
	{"root", XP_OPT_STRING, "DIR",
	 "read a captured tree of sysfs and procfs, not this machine"},
	{"json", XP_OPT_FLAG, NULL, "one JSON document on stdout"},
	{0},
};

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
	if (*text_of(answer->details, "at_work")) {
		printf("    now      ");
		xp_print_escaped(stdout, text_of(answer->details, "at_work"));
		putchar('\n');
	}
	if (!*text_of(answer->details, "drive_unknown"))
		return;
	printf("    note     the drive was not asked what it can do: ");
	xp_print_escaped(stdout, text_of(answer->details, "drive_unknown"));
	putchar('\n');
}

/* By the first sectors: what keys it has, inspect tells. */
static void print_luks(const struct xp_list_answer *answer)
{
	const json_t *list = json_object_get(answer->details, "luks");

	if (json_array_size(list) == 0)
		return;
	printf("    LUKS    ");
	for (size_t i = 0; i < json_array_size(list); i++) {
		putchar(' ');
		xp_print_escaped(stdout, json_string_value(json_array_get(list, i)));
	}
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
	print_luks(answer);
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
			json_array_append_new(drives,
					      xp_list_drive_json(&inv->drives[i], &answers[i]));
		else
			print_drive(&inv->drives[i], &answers[i], i == 0);
	}
	*exit_code = 0;
	if (json) {
		*exit_code = xp_print_json(json_pack("{s:o,s:o,s:o}", "host",
						     xp_list_host_json(inv), "hidden",
						     xp_list_hidden_json(inv), "drives", drives));
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
