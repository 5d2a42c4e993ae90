#include "cli/commands_expunge.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/output.h"
#include "device/release.h"

static const struct xp_option options[] = {
	{"confirm", XP_OPT_LIST, "STRING",
	 "the target's confirm string; without it nothing is done"},
	{"json", XP_OPT_FLAG, NULL, "one JSON document on standard output"},
	{0},
};

struct release {
	struct xp_sysroot root;
	struct xp_target target;
	struct xp_refusals refusals;
	struct xp_release_plan plan;
	size_t done; /* steps of the plan */
	int lock;
};

static void release_free(struct release **r)
{
	if (!*r)
		return;
	if ((*r)->lock >= 0)
		close((*r)->lock);
	xp_release_plan_free(&(*r)->plan);
	xp_refusals_free(&(*r)->refusals);
	xp_target_free(&(*r)->target);
	xp_sysroot_close(&(*r)->root);
	free(*r);
	*r = NULL;
}

/* One that does not go ends it: what lies below has a user then. */
static enum xp_rc take_down(struct release *r, struct xp_err *err)
{
	struct xp_err why;

	for (; r->done < r->plan.n; r->done++) {
		const struct xp_release_step *s = &r->plan.list[r->done];
		enum xp_rc rc = xp_release_do(s, &r->root, &why);

		if (rc == XP_E_REFUSED) {
			TRY(xp_refusals_add(&r->refusals, err,
					    s->kind == XP_RELEASE_SWAP ? XP_REFUSED_SWAP
								       : XP_REFUSED_HOLDER,
					    "end what uses it, and release again", "%s: %s: %s",
					    r->target.path, s->name, why.msg));
			return xp_fail(err, XP_E_REFUSED, "%s", why.msg);
		}
		if (rc != XP_OK) {
			*err = why;
			return rc;
		}
	}
	return XP_OK;
}

static enum xp_rc release(struct release *r, const struct xp_args *args, struct xp_err *err)
{
	const char *const *confirms = xp_args_list(args, "confirm");
	const char *path = args->operands[0];

	TRY(xp_sysroot_open(&r->root, "/", err));
	TRY(xp_target_resolve(&r->target, &r->root, path, err));
	TRY(xp_release_find(&r->plan, &r->refusals, &r->root, &r->target, err));
	if (r->refusals.n)
		return xp_fail(err, XP_E_REFUSED, "%s", r->refusals.list[0].message);
	if (r->plan.n == 0)
		return XP_OK;
	TRY(xp_release_lock(&r->lock, &r->refusals, &r->root, &r->target, confirms, err));
	return take_down(r, err);
}

static json_t *steps_json(const struct release *r, size_t from, size_t to)
{
	json_t *list = json_array();

	for (size_t i = from; i < to; i++) {
		const struct xp_release_step *s = &r->plan.list[i];
		json_t *o = json_object();

		json_object_set_new(o, "kind", json_string(xp_release_kind_name(s->kind)));
		json_object_set_new(o, "node", xp_json_text(s->node));
		json_object_set_new(o, "name", xp_json_text(s->name));
		if (*s->uuid)
			json_object_set_new(o, "uuid", xp_json_text(s->uuid));
		json_array_append_new(list, o);
	}
	return list;
}

static int print_json(const struct release *r, const struct xp_err *err, int exit_code)
{
	json_t *o = json_object();
	json_t *refusals = json_array();

	for (size_t i = 0; i < r->refusals.n; i++) {
		const struct xp_refusal *f = &r->refusals.list[i];
		json_t *j = json_object();

		json_object_set_new(j, "code", json_string(xp_refusal_code_name(f->code)));
		json_object_set_new(j, "message", xp_json_text(f->message));
		json_object_set_new(j, "remedy", xp_json_text(f->remedy));
		json_array_append_new(refusals, j);
	}
	json_object_set_new(o, "path", xp_json_text(r->target.path));
	json_object_set_new(o, "confirm", xp_json_text(r->target.confirm));
	json_object_set_new(o, "released", steps_json(r, 0, r->done));
	json_object_set_new(o, "left", steps_json(r, r->done, r->plan.n));
	json_object_set_new(o, "refusals", refusals);
	if (err->rc != XP_OK)
		json_object_set_new(o, "error", xp_json_text(err->msg));
	json_object_set_new(o, "exit_code", json_integer(exit_code));
	return xp_exit_worse(exit_code, xp_print_json(o));
}

static void print_steps(const struct release *r, size_t from, size_t to, const char *what)
{
	for (size_t i = from; i < to; i++) {
		const struct xp_release_step *s = &r->plan.list[i];

		printf("%s %s ", what, xp_release_kind_name(s->kind));
		xp_print_escaped(stdout, s->name);
		if (strcmp(s->node, s->name) != 0)
			printf(" (%s)", s->node);
		putchar('\n');
	}
}

static int tell(const struct release *r, const struct xp_err *err)
{
	int exit_code = err->rc == XP_OK ? 0 : xp_rc_exit_code(err->rc);

	print_steps(r, 0, r->done, "released");
	print_steps(r, r->done, r->plan.n, "not released:");
	for (size_t i = 0; i < r->refusals.n; i++)
		xp_say("%s: %s; %s", xp_refusal_code_name(r->refusals.list[i].code),
		       r->refusals.list[i].message, r->refusals.list[i].remedy);
	if (err->rc != XP_OK && r->refusals.n == 0)
		return xp_say_error(err);
	if (err->rc == XP_OK && r->plan.n == 0)
		xp_say("%s: nothing stands on it that could be released", r->target.path);
	return exit_code;
}

static int run(const struct xp_args *args)
{
	AUTO(release_free) struct release *r = calloc(1, sizeof(*r));
	bool json = xp_args_flag(args, "json");
	struct xp_err err = {0};
	enum xp_rc rc;

	if (!r) {
		xp_fail(&err, XP_E_NOMEM, "release");
		return xp_report_error(&err, json, "released");
	}
	r->root.fd = r->lock = -1;
	rc = release(r, args, &err);
	if (rc == XP_OK)
		err = (struct xp_err){0};
	if (json)
		return print_json(r, &err, rc == XP_OK ? 0 : xp_rc_exit_code(rc));
	return tell(r, &err);
}

const struct xp_command xp_command_release = {
	.name = "release",
	.operands = "TARGET",
	.summary = "Take down unused swap, LVM, crypt, dm and md that stand only on a target.",
	.details = "Nothing is erased. Without the target's --confirm it says what it would take "
		   "down\n"
		   "and does nothing. What is mounted, open or stands elsewhere too refuses.\n"
		   "Exits 0 (all is down, or there was nothing), 4 (refused).",
	.options = options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
