#include "cli/tui/tui_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/job_alone.h"
#include "cli/job_journal.h"

/* Several consoles may each show the full screen: one is in charge, the others show what it does.
 */

#define LOOK_EVERY_MS 2000

static void say_job(struct xp_buf *b, const struct xp_job_summary *s)
{
	xp_buf_printf(b, "%s  %s  %s\n", s->running ? "at work    " : "interrupted", s->confirm,
		      s->path);
	xp_buf_printf(b, "             %s: %s\n", s->technique, s->where);
}

static void read_jobs(struct xp_tui_app *app)
{
	AUTO(xp_state_close)
	struct xp_state state = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1};
	AUTO(xp_job_summaries_free) struct xp_job_summaries all = {0};
	AUTO(xp_buf_free) struct xp_buf b = {0};

	if (xp_state_open_existing(&state, xp_args_string(app->args, "state"), NULL) == XP_OK &&
	    xp_job_summaries_read_open(&all, &state, NULL) == XP_OK)
		for (size_t i = 0; i < all.n; i++)
			if (!all.list[i].ended && !all.list[i].untouched)
				say_job(&b, &all.list[i]);
	if (!b.len)
		xp_buf_puts(&b, "No job is at work.\n");
	free(app->tui.other);
	app->tui.other = xp_buf_ok(&b) ? strdup(xp_buf_str(&b)) : NULL;
}

void xp_tui_other_advance(struct xp_tui_app *app)
{
	struct xp_tui *t = &app->tui;
	struct xp_err err;

	if (t->screen != XP_TUI_LIST && t->screen != XP_TUI_OTHER)
		return; /* something is read meanwhile */
	if (app->other_ms && t->now_ms - app->other_ms < LOOK_EVERY_MS)
		return;
	app->other_ms = t->now_ms;
	switch (xp_hold_alone(&app->alone_fd, "full-screen", xp_args_string(app->args, "state"),
			      &err)) {
	case XP_OK:
		app->stage = XP_TUI_SET_CLOCK;
		xp_tui_go(t, XP_TUI_LIST);
		return;
	case XP_E_REFUSED:
		read_jobs(app);
		if (t->screen != XP_TUI_OTHER)
			xp_tui_go(t, XP_TUI_OTHER);
		return;
	default:
		app->fatal = err;
		return;
	}
}
