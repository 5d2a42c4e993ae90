#include "cli/tui/tui_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define HANG 15 /* below its label, as the plan is printed */

static bool is_of_round(const struct xp_tui *t, const struct xp_tui_job *j)
{
	return t->round && j->round == t->round;
}

static size_t count(const struct xp_tui *t, enum xp_tui_job_state state, uint64_t *bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < t->jobs_n; i++) {
		const struct xp_tui_job *j = &t->jobs[i];

		if (!is_of_round(t, j) || j->state != state)
			continue;
		n++;
		if (bytes)
			*bytes += j->bytes;
	}
	return n;
}

/* The one that is ready, where it is only one. */
static const struct xp_tui_job *only_one(const struct xp_tui *t)
{
	const struct xp_tui_job *found = NULL;

	for (size_t i = 0; i < t->jobs_n; i++) {
		if (!is_of_round(t, &t->jobs[i]) || t->jobs[i].state != XP_TUI_JOB_READY)
			continue;
		if (found)
			return NULL;
		found = &t->jobs[i];
	}
	return found;
}

/* ---- the plan ---- */

static void add_overview(struct xp_buf *b, const struct xp_tui_job *j)
{
	AUTO(xp_buf_free) struct xp_buf size = {0};

	xp_tui_size_text(&size, j->bytes);
	switch (j->state) {
	case XP_TUI_JOB_ASKING:
		xp_buf_printf(b, "asking    %s ...\n", j->path);
		return;
	case XP_TUI_JOB_READY:
		xp_buf_printf(b, "DESTROYS  %s  %s  (%s%s%s)  %s by %s\n", j->serial,
			      xp_buf_str(&size), j->path, *j->model ? ", " : "", j->model, j->level,
			      j->technique);
		return;
	case XP_TUI_JOB_LEFT:
	case XP_TUI_JOB_RUNNING:
	case XP_TUI_JOB_DONE:
	case XP_TUI_JOB_LOWER:
	case XP_TUI_JOB_REFUSED:
	case XP_TUI_JOB_STOPPED:
	case XP_TUI_JOB_BAD:
		xp_buf_printf(b, "NOT THIS  %s  %s  (%s)  %s\n", *j->serial ? j->serial : j->path,
			      xp_buf_str(&size), j->path, j->text);
		return;
	}
}

static void build_text(struct xp_buf *b, const struct xp_tui *t)
{
	for (size_t i = 0; i < t->jobs_n; i++)
		if (is_of_round(t, &t->jobs[i]))
			add_overview(b, &t->jobs[i]);
	for (size_t i = 0; i < t->jobs_n; i++) {
		if (!is_of_round(t, &t->jobs[i]) || !t->jobs[i].plan)
			continue;
		xp_buf_puts(b, "\n");
		xp_buf_puts(b, t->jobs[i].plan);
	}
}

/* Nobody begins what could not be recorded to its end. */
static bool are_too_many(const struct xp_tui *t)
{
	return t->has_room && count(t, XP_TUI_JOB_READY, NULL) > t->room;
}

static const char *keys_of(const struct xp_tui *t, bool is_ready)
{
	if (is_ready && are_too_many(t))
		return "Esc choose fewer  p another place  Up/Down read";
	return is_ready ? "Enter go on to confirm  Up/Down read  Esc back, nothing done"
			: "Up/Down read  Esc back, nothing done";
}

void xp_tui_plan_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	AUTO(xp_buf_free) struct xp_buf text = {0};
	AUTO(xp_buf_free) struct xp_buf size = {0};
	uint64_t bytes = 0;
	size_t ready = count(t, XP_TUI_JOB_READY, &bytes);
	size_t asking = count(t, XP_TUI_JOB_ASKING, NULL);

	xp_tui_head(t, c, "plan: nothing has been touched yet");
	xp_tui_size_text(&size, bytes);
	if (asking)
		xp_tui_putf(c, 1, 0, XP_TUI_BOLD, "%zu drive%s to answer ...", asking,
			    asking == 1 ? " still has" : "s still have");
	else if (are_too_many(t))
		xp_tui_putf(
			c, 1, 0, XP_TUI_BOLD | XP_TUI_CAUTION,
			"%zu drives, and room for the records of %zu: Esc to choose fewer, p for "
			"another place",
			ready, t->room);
	else if (ready)
		xp_tui_putf(c, 1, 0, XP_TUI_BOLD,
			    "%zu %s would be destroyed, %s of data; nothing of it comes back",
			    ready, ready == 1 ? "drive" : "drives", xp_buf_str(&size));
	else
		xp_tui_put(c, 1, 0, c->cols, XP_TUI_BOLD, "nothing can be done as things stand");
	build_text(&text, t);
	xp_tui_scrolled(t, c, 3, HANG, xp_buf_str(&text));
	xp_tui_foot(t, c, keys_of(t, ready && !asking));
}

void xp_tui_plan_key(struct xp_tui *t, uint32_t key)
{
	if (xp_tui_scroll_key(t, key))
		return;
	if (key == XP_TUI_ESCAPE) {
		xp_tui_wish_add(t, XP_TUI_WISH_LEAVE, 0);
		t->round = 0;
		xp_tui_go(t, XP_TUI_LIST);
	} else if (key == '?') {
		xp_tui_visit(t, XP_TUI_HELP);
	} else if (key == 'p' && t->round_ready && are_too_many(t)) {
		xp_tui_wish_add(t, XP_TUI_WISH_PLACE_OTHER, 0);
	} else if (key == XP_TUI_ENTER) {
		if (t->round_ready && count(t, XP_TUI_JOB_READY, NULL) && !are_too_many(t))
			xp_tui_visit(t, XP_TUI_CONFIRM);
		else
			xp_tui_beep(t);
	}
}

/* ---- the confirmation ---- */

static void draw_targets(const struct xp_tui *t, struct xp_tui_canvas *c, unsigned row,
			 unsigned rows)
{
	size_t left = count(t, XP_TUI_JOB_READY, NULL);

	for (size_t i = 0; i < t->jobs_n && rows; i++) {
		const struct xp_tui_job *j = &t->jobs[i];
		AUTO(xp_buf_free) struct xp_buf size = {0};

		if (!is_of_round(t, j) || j->state != XP_TUI_JOB_READY)
			continue;
		if (rows == 1 && left > 1) {
			xp_tui_putf(c, row, 2, XP_TUI_PLAIN, "... and %zu more", left);
			return;
		}
		xp_tui_size_text(&size, j->bytes);
		xp_tui_put_end(c, row, 2, 24, XP_TUI_PLAIN, j->serial, 6);
		xp_tui_putf(c, row, 27, XP_TUI_PLAIN, "%8s  %s%s%s", xp_buf_str(&size), j->model,
			    *j->model ? "  " : "", j->path);
		row++;
		rows--;
		left--;
	}
}

void xp_tui_confirm_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	const struct xp_tui_job *one = only_one(t);
	size_t ready = count(t, XP_TUI_JOB_READY, NULL);
	unsigned first = xp_tui_is_short(c) ? 2 : 4;
	unsigned field = xp_tui_field_row(c);
	unsigned bottom = field > first + 3 ? field - 2 : first + 1;

	xp_tui_head(t, c, "confirm");
	xp_tui_putf(c, first / 2, 0, XP_TUI_BOLD | XP_TUI_BAD, "EVERYTHING ON %s WILL BE DESTROYED",
		    one ? "THIS DRIVE" : "THESE DRIVES");
	draw_targets(t, c, first, bottom - first);
	if (one) {
		xp_tui_putf(c, bottom, 0, XP_TUI_PLAIN, "To confirm, scan or type: %s",
			    one->confirm);
	} else {
		xp_tui_putf(c, bottom, 0, XP_TUI_PLAIN,
			    "To confirm, type the number and the word: %zu %s", ready, t->word);
	}
	if (t->has_expect_list)
		xp_tui_put(c, bottom + 1, 0, c->cols, XP_TUI_PLAIN,
			   "or the word  list  : what stands on the list of expected drives is "
			   "confirmed");
	xp_tui_put(c, bottom + 2, 0, 2, XP_TUI_BOLD, "> ");
	xp_tui_input_draw(&t->typed, c, bottom + 2, 2);
	xp_tui_foot(t, c, "Enter confirm  Esc back, nothing done");
}

static bool is_confirmed(const struct xp_tui *t)
{
	const struct xp_tui_job *one = only_one(t);
	char wanted[64];

	if (one)
		return *one->confirm && strcmp(t->typed.text, one->confirm) == 0;
	snprintf(wanted, sizeof(wanted), "%zu %s", count(t, XP_TUI_JOB_READY, NULL), t->word);
	return *t->word && strcmp(t->typed.text, wanted) == 0;
}

static void go(struct xp_tui *t, enum xp_tui_wish wish)
{
	xp_tui_wish_add(t, wish, 0);
	for (size_t i = 0; i < t->drives_n; i++)
		t->drives[i].selected = false;
	t->job_cursor = 0;
	for (size_t i = t->jobs_n; i > 0; i--)
		if (is_of_round(t, &t->jobs[i - 1]))
			t->job_cursor = i - 1;
	t->round = 0;
	t->pinned[0] = 0;
	xp_tui_go(t, XP_TUI_WORK);
}

void xp_tui_confirm_key(struct xp_tui *t, uint32_t key)
{
	if (key == XP_TUI_ESCAPE) {
		xp_tui_back(t);
	} else if (key != XP_TUI_ENTER) {
		xp_tui_input_key(&t->typed, key);
	} else if (is_confirmed(t)) {
		go(t, XP_TUI_WISH_GO);
	} else if (t->has_expect_list && strcmp(t->typed.text, "list") == 0) {
		go(t, XP_TUI_WISH_GO_LIST);
	} else {
		xp_tui_say(t, "that is not what was asked for: nothing is confirmed, nothing was "
			      "touched");
		xp_tui_beep(t);
		xp_tui_input_clear(&t->typed);
	}
}
