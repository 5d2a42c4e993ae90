#include "cli/tui/tui_app.h"

#include <stdio.h>
#include <string.h>

/* The rounds of one sitting: begun, confirmed, left, and gone. */

static struct xp_tui_round *round_that_waits(const struct xp_tui_app *app)
{
	for (unsigned i = app->rounds_n; i > 0; i--)
		if (xp_tui_round_waits(app->rounds[i - 1]))
			return app->rounds[i - 1];
	return NULL;
}

void xp_tui_rounds_drop(struct xp_tui_app *app, unsigned i)
{
	app->has_hung = app->has_hung || xp_tui_round_hangs(app->rounds[i]);
	xp_tui_round_free(&app->rounds[i]);
	app->rounds_n--;
	memmove(&app->rounds[i], &app->rounds[i + 1], (app->rounds_n - i) * sizeof(app->rounds[0]));
}

void xp_tui_rounds_begin(struct xp_tui_app *app, enum xp_tui_wish wish, size_t arg)
{
	struct xp_tui *t = &app->tui;
	struct xp_tui_round **slot = &app->rounds[app->rounds_n];
	unsigned id = ++app->last_round;
	struct xp_err err;
	enum xp_rc rc;

	if (app->rounds_n == XP_TUI_ROUNDS_MAX) {
		xp_tui_say(t, "too much is at work already; wait for some of it");
		return;
	}
	if (wish == XP_TUI_WISH_RESUME && arg < t->left_n)
		rc = xp_tui_round_resume(slot, t, id, &app->session, &t->left[arg], &err);
	else
		rc = xp_tui_round_plan(slot, t, id, &app->session, app->options, &err);
	if (*slot)
		app->rounds_n++;
	xp_tui_keep_read_room(app);
	if (rc != XP_OK) {
		xp_tui_say(t, "%s", err.msg);
		if (*slot)
			xp_tui_rounds_drop(app, app->rounds_n - 1);
		return;
	}
	if (wish == XP_TUI_WISH_RESUME) {
		t->left[arg].taken = true;
		t->job_cursor = t->jobs_n - 1;
		xp_tui_go(t, XP_TUI_WORK);
	} else {
		xp_tui_visit(t, XP_TUI_PLAN);
	}
}

void xp_tui_rounds_go(struct xp_tui_app *app, bool by_list)
{
	struct xp_tui_round *r = round_that_waits(app);
	struct xp_err err;

	if (r && xp_tui_round_go(r, &app->tui, by_list ? &app->expect : NULL, &err) != XP_OK)
		xp_tui_say(&app->tui, "%s", err.msg);
}

void xp_tui_rounds_leave(struct xp_tui_app *app)
{
	struct xp_tui *t = &app->tui;

	for (unsigned i = app->rounds_n; i > 0; i--)
		if (xp_tui_round_is_leaving(app->rounds[i - 1], t))
			xp_tui_rounds_drop(app, i - 1);
}

/* More drives are planned than there is room for. What is at work keeps the boxes that it has. */
void xp_tui_rounds_other_place(struct xp_tui_app *app)
{
	struct xp_tui *t = &app->tui;
	size_t planned = 0;
	struct xp_err why;

	for (size_t i = 0; i < t->jobs_n; i++)
		planned += t->round && t->jobs[i].round == t->round;
	t->round = 0;
	xp_tui_rounds_leave(app);
	xp_tui_go(t, XP_TUI_LIST);
	if (app->rounds_n || app->errand) {
		xp_tui_say(t, "another place can be taken once nothing is at work");
		return;
	}
	if (app->has_hung) {
		xp_tui_say(t, "a drive still hangs; choose fewer, or quit and name another place");
		return;
	}
	xp_fail(&why, XP_E_REFUSED,
		"no_durable_output: %.300s has room for the records of %zu more drives, and %zu "
		"were chosen. Esc leads back, to choose fewer",
		xp_tui_keep_dir(app) ? xp_tui_keep_dir(app) : "", t->room, planned);
	xp_tui_app_reopen(app);
	xp_tui_keep_ask(app, &why);
	app->keep_will_do = true;
}
