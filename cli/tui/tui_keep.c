#include "cli/tui/tui_app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/box_pair.h"
#include "cli/expect_match.h"
#include "cli/job_drives.h"
#include "cli/job_keep.h"
#include "cli/job_places.h"

#define EXPECT_MAX_BYTES (16u << 20)
#define BOX_BYTES	 (64ull << 20)

const char *xp_tui_keep_dir(const struct xp_tui_app *app)
{
	if (app->keep_none)
		return NULL;
	return *app->keep ? app->keep : xp_args_string(app->args, "keep");
}

/* ---- which drives are to be erased: no place on them is offered ---- */

struct taken {
	const char **list; /* NULL-terminated; not owned */
	struct xp_expect_paths by_list;
	struct xp_job_summaries jobs;
	struct xp_job_drives by_jobs;
	struct xp_err jobs_err; /* rc XP_OK: which drives the jobs are on is known */
};

static void taken_free(struct taken *t)
{
	free(t->list);
	xp_expect_paths_free(&t->by_list);
	xp_job_drives_free(&t->by_jobs);
	xp_job_summaries_free(&t->jobs);
}

/* By the list of who ordered it; what cannot be read is told when the session is opened. */
static void take_listed(struct taken *t, const struct xp_tui_app *app,
			const struct xp_sysroot *root)
{
	AUTO(xp_inventory_free) struct xp_inventory inventory = {0};
	AUTO(xp_expect_list_free) struct xp_expect_list list = {0};
	AUTO_MEM char *csv = NULL;
	size_t len = 0;

	if (app->expect_path &&
	    xp_file_read(&csv, &len, app->expect_path, EXPECT_MAX_BYTES, NULL) == XP_OK &&
	    xp_expect_list_parse(&list, csv, len, NULL) == XP_OK &&
	    xp_inventory_scan(&inventory, root, NULL) == XP_OK &&
	    xp_expect_paths_find(&t->by_list, &list, &inventory, root, NULL) != XP_OK)
		xp_expect_paths_free(&t->by_list);
}

/* Jobs that were interrupted, as far as the state folder (in RAM) has them by now. */
static enum xp_rc read_open_jobs(struct xp_job_summaries *jobs, const struct xp_tui_app *app,
				 struct xp_err *err)
{
	AUTO(xp_state_close)
	struct xp_state state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1};
	enum xp_rc rc = xp_state_open_existing(&state, xp_args_string(app->args, "state"), err);

	if (rc == XP_E_NOENT)
		return XP_OK;
	return rc == XP_OK ? xp_job_summaries_read_open(jobs, &state, err) : rc;
}

/* By what the drives are: where the jobs were begun, another one may be today. */
static void take_open_jobs(struct taken *t, const struct xp_tui_app *app,
			   const struct xp_sysroot *root)
{
	t->jobs_err = (struct xp_err){0};
	if (read_open_jobs(&t->jobs, app, &t->jobs_err) != XP_OK ||
	    xp_job_drives_find(&t->by_jobs, &t->jobs, root, &t->jobs_err) != XP_OK)
		return;
	t->jobs_err = (struct xp_err){0};
}

static enum xp_rc taken_find(struct taken *t, const struct xp_tui_app *app,
			     const struct xp_sysroot *root, struct xp_err *err)
{
	size_t operands_n = 0;
	size_t n = 0;

	take_listed(t, app, root);
	take_open_jobs(t, app, root);
	while (app->args->operands && app->args->operands[operands_n])
		operands_n++;
	t->list = calloc(operands_n + t->by_list.n + t->by_jobs.n + 1, sizeof(*t->list));
	if (!t->list)
		return xp_fail(err, XP_E_NOMEM, "places");
	for (size_t i = 0; i < operands_n; i++)
		t->list[n++] = app->args->operands[i];
	for (size_t i = 0; i < t->by_list.n; i++)
		t->list[n++] = t->by_list.list[i];
	for (size_t i = 0; i < t->by_jobs.n; i++)
		t->list[n++] = t->by_jobs.paths[i];
	return XP_OK;
}

/* ---- the question ---- */

static void find_places(struct xp_tui_app *app)
{
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	AUTO(taken_free) struct taken taken = {0};
	AUTO_MEM struct xp_keep_places *found = calloc(1, sizeof(*found));
	struct xp_tui *t = &app->tui;
	struct xp_err err;

	t->places_n = t->place_cursor = 0;
	if (!found || xp_sysroot_open(&root, app->sysroot ? app->sysroot : "/", &err) != XP_OK ||
	    taken_find(&taken, app, &root, &err) != XP_OK ||
	    xp_keep_places_find(found, &root, xp_tui_keep_dir(app), taken.list, &err) != XP_OK)
		return;
	free(t->places);
	t->places = calloc(found->n + 1, sizeof(*t->places));
	for (size_t i = 0; t->places && i < found->n; i++) {
		snprintf(t->places[i].folder, sizeof(t->places[i].folder), "%s",
			 found->list[i].folder);
		snprintf(t->places[i].what, sizeof(t->places[i].what), "%s", found->list[i].what);
		t->places_n++;
	}
}

static bool has_upload(const struct xp_tui_app *app)
{
	return xp_args_string(app->args, "upload") || (app->config && *app->config->upload.url);
}

void xp_tui_keep_ask(struct xp_tui_app *app, const struct xp_err *why)
{
	struct xp_tui *t = &app->tui;

	snprintf(t->place_why, sizeof(t->place_why), "%s", why->msg);
	t->place_server = has_upload(app);
	t->place_typing = false;
	app->keep_will_do = false;
	find_places(app);
	app->keep_err = *why;
	xp_tui_go(t, XP_TUI_PLACE);
}

void xp_tui_keep_read_room(struct xp_tui_app *app)
{
	struct xp_tui *t = &app->tui;
	struct xp_err err;

	t->has_room = app->session.keep && xp_keep_room(&t->room, app->session.keep, &err) == XP_OK;
}

bool xp_tui_keep_is_full(struct xp_tui_app *app, struct xp_err *err)
{
	/* no job has this id: it stands for the first that will be begun */
	static const char *const one[] = {"00000000-0000-7000-8000-000000000000"};

	return app->session.keep && xp_keep_demand_room(app->session.keep, one, 1, err) != XP_OK;
}

/* ---- the answer ---- */

static void try_again(struct xp_tui_app *app)
{
	xp_tui_go(&app->tui, XP_TUI_LIST);
}

static void refuse(struct xp_tui_app *app, const struct xp_err *err)
{
	xp_tui_say(&app->tui, "%s", err->msg);
	app->tui.beep = true;
}

/* Boxes in a folder that has none; never over others, and never on a drive that will be erased. */
static enum xp_rc make_boxes(const char *folder, struct xp_err *err)
{
	AUTO_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return xp_fail_errno(err, XP_E_IO, "%s", folder);
	if (faccessat(fd, XP_BOX_NAME_A, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    faccessat(fd, XP_BOX_NAME_B, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return XP_OK;
	return xp_box_pair_make(fd, BOX_BYTES, err);
}

static enum xp_rc demand_not_taken(const struct xp_tui_app *app, const char *folder,
				   struct xp_err *err)
{
	AUTO(xp_sysroot_close) struct xp_sysroot root = {.fd = -1};
	AUTO(taken_free) struct taken taken = {0};

	TRY(xp_sysroot_open(&root, app->sysroot ? app->sysroot : "/", err));
	TRY(taken_find(&taken, app, &root, err));
	if (taken.jobs_err.rc != XP_OK) {
		*err = taken.jobs_err;
		return xp_err_prefix(err, "whether %s lies on the drive of a job cannot be told",
				     folder);
	}
	TRY(xp_job_drives_demand_free(folder, &taken.jobs, &root, err));
	for (size_t i = 0; taken.list[i]; i++) {
		AUTO(xp_target_free) struct xp_target target = {0};
		size_t on = 1;

		if (xp_target_resolve(&target, &root, taken.list[i], NULL) == XP_OK)
			TRY(xp_interlock_find_output(&on, &root, folder, &target, 1, err));
		if (on == 0)
			return xp_fail(err, XP_E_REFUSED,
				       "output_on_target: %s lies on %s, which is to be erased",
				       folder, taken.list[i]);
	}
	return XP_OK;
}

static void take_folder(struct xp_tui_app *app, const char *given, bool is_typed)
{
	char folder[4096];
	struct xp_err err;

	/* what is typed counts from nowhere: a mistake must not end up in some folder */
	snprintf(folder, sizeof(folder), "%s", given);
	if (folder[0] != '/')
		xp_fail(&err, XP_E_REFUSED, "%.200s: type the whole path, from / on", folder);
	else if (xp_keep_place_check(folder, has_upload(app), &err) == XP_OK &&
		 demand_not_taken(app, folder, &err) == XP_OK &&
		 (!is_typed || make_boxes(folder, &err) == XP_OK)) {
		snprintf(app->keep, sizeof(app->keep), "%s", folder);
		try_again(app);
		return;
	}
	refuse(app, &err);
}

static void repair(struct xp_tui_app *app)
{
	const char *folder = xp_tui_keep_dir(app);
	AUTO_FD int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	const char *name = NULL;
	struct xp_err err;

	if (fd < 0) {
		xp_fail_errno(&err, XP_E_IO, "%s", folder ? folder : "no folder");
		refuse(app, &err);
		return;
	}
	if (xp_box_pair_repair(&name, fd, folder, &err) != XP_OK) {
		refuse(app, &err);
		return;
	}
	try_again(app);
	xp_tui_say(&app->tui, "%s%s", name ? name : "both boxes",
		   name ? " is made anew from the other" : " can be used");
}

bool xp_tui_keep_wish(struct xp_tui_app *app, enum xp_tui_wish wish, size_t arg)
{
	struct xp_tui *t = &app->tui;

	switch (wish) {
	case XP_TUI_WISH_PLACE:
		if (arg < t->places_n)
			take_folder(app, t->places[arg].folder, false);
		return true;
	case XP_TUI_WISH_PLACE_TYPED:
		take_folder(app, t->typed.text, true);
		return true;
	case XP_TUI_WISH_PLACE_REPAIR:
		repair(app);
		return true;
	case XP_TUI_WISH_PLACE_AGAIN:
		try_again(app);
		return true;
	case XP_TUI_WISH_PLACE_SERVER:
		app->keep_none = has_upload(app);
		try_again(app);
		return true;
	case XP_TUI_WISH_PLACE_NONE:
		if (app->keep_will_do)
			try_again(app);
		else
			app->fatal = app->keep_err;
		return true;
	default:
		return false;
	}
}
