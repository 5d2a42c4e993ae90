#include "cli/tui/tui_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* ---- the summary ---- */

static size_t count(const struct xp_tui *t, enum xp_tui_job_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < t->jobs_n; i++)
		n += t->jobs[i].state == state;
	return n;
}

static void add_counts(struct xp_buf *b, const struct xp_tui *t)
{
	static const struct {
		enum xp_tui_job_state state;
		const char *text;
	} rows[] = {
		{XP_TUI_JOB_DONE, "done, and the evidence supports it"},
		{XP_TUI_JOB_LOWER, "done, at a lower level than asked"},
		{XP_TUI_JOB_BAD, "FAILED or unknown: data may remain, set them aside"},
		{XP_TUI_JOB_STOPPED, "stopped: can be gone on with"},
		{XP_TUI_JOB_REFUSED, "refused: nothing was touched"},
		{XP_TUI_JOB_RUNNING, "still at work"},
	};

	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++)
		if (count(t, rows[i].state))
			xp_buf_printf(b, "%5zu  %s\n", count(t, rows[i].state), rows[i].text);
}

static void add_job(struct xp_buf *b, const struct xp_tui_job *j)
{
	if (j->state == XP_TUI_JOB_LEFT || j->state == XP_TUI_JOB_ASKING ||
	    j->state == XP_TUI_JOB_READY)
		return;
	xp_buf_printf(b, "%-10s %s  %s", xp_tui_job_word(j), *j->serial ? j->serial : j->path,
		      j->model);
	if (*j->text && (!*j->record || j->state == XP_TUI_JOB_BAD))
		xp_buf_printf(b, "\n           %s", j->text);
	/* that of a failure, or of a job that has not ended, certifies nothing */
	if (*j->record)
		xp_buf_printf(b, "\n           %s %s",
			      j->state == XP_TUI_JOB_BAD || j->state == XP_TUI_JOB_STOPPED
				      ? "record"
				      : "certificate",
			      j->record);
	xp_buf_puts(b, "\n");
}

void xp_tui_summary_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	AUTO(xp_buf_free) struct xp_buf text = {0};

	xp_tui_head(t, c, "summary");
	add_counts(&text, t);
	if (!text.len)
		xp_buf_puts(&text, "Nothing was erased in this sitting.\n");
	xp_buf_puts(&text, "\n");
	/* what needs a hand comes first */
	for (size_t i = 0; i < t->jobs_n; i++)
		if (t->jobs[i].state == XP_TUI_JOB_BAD)
			add_job(&text, &t->jobs[i]);
	for (size_t i = 0; i < t->jobs_n; i++)
		if (t->jobs[i].state != XP_TUI_JOB_BAD)
			add_job(&text, &t->jobs[i]);
	if (t->where)
		xp_buf_printf(&text, "\nThe certificates and records lie in\n%s", t->where);
	if (t->host_signs && t->jobs_n)
		xp_buf_puts(&text, "\nThis machine's own key signed, no person's (role host): "
				   "somebody must sign for these records later, by expunge-cert "
				   "endorse, or expunge-cert validate.\n");
	if (*t->checkpoint_note)
		xp_buf_printf(&text,
			      "\nThe log stands at this checkpoint; c shows it as a code that "
			      "a telephone reads, so that it leaves this machine:\n%s",
			      t->checkpoint_note);
	xp_tui_scrolled(t, c, 2, 11, xp_buf_str(&text));
	xp_tui_foot(t, c, "c checkpoint code  d drives  w work  Up/Down read  F1 help  q quit");
}

void xp_tui_summary_key(struct xp_tui *t, uint32_t key)
{
	if (xp_tui_scroll_key(t, key))
		return;
	switch (key) {
	case 'c':
		xp_tui_wish_add(t, XP_TUI_WISH_SUMMARY, 0);
		xp_tui_visit(t, XP_TUI_CHECKPOINT);
		break;
	case 'w':
		xp_tui_go(t, XP_TUI_WORK);
		break;
	case 'd':
	case XP_TUI_ENTER:
	case XP_TUI_ESCAPE:
		xp_tui_go(t, XP_TUI_LIST);
		break;
	case '?':
		xp_tui_visit(t, XP_TUI_HELP);
		break;
	case 'q':
		xp_tui_visit(t, XP_TUI_QUIT);
		break;
	default:
		break;
	}
}

/* ---- the code ---- */

static bool is_dark(const struct xp_tui *t, int row, int col)
{
	int n = (int)t->code_size;

	return row >= 0 && col >= 0 && row < n && col < n && t->code[row * n + col];
}

/* Two modules above each other in one cell: dark is left black, light is drawn white. */
static void draw_halves(const struct xp_tui *t, struct xp_tui_canvas *c, int quiet)
{
	int n = (int)t->code_size;
	int rows = (n + 2 * quiet + 1) / 2;

	for (int row = 0; row < rows; row++) {
		for (int col = -quiet; col < n + quiet; col++) {
			bool above = is_dark(t, 2 * row - quiet, col);
			bool below = is_dark(t, 2 * row + 1 - quiet, col);
			uint32_t ch = above && below ? ' '
				      : above	     ? 0x2584
				      : below	     ? 0x2580
						     : 0x2588;

			xp_tui_put_char(c, (unsigned)row, (unsigned)(col + quiet), XP_TUI_CODE, ch);
		}
	}
}

/* A module is two blanks, the dark ones black: where only ASCII is to be had. */
static void draw_blanks(const struct xp_tui *t, struct xp_tui_canvas *c, int quiet)
{
	int n = (int)t->code_size;

	for (int row = -quiet; row < n + quiet; row++)
		for (int col = -quiet; col < n + quiet; col++)
			for (unsigned k = 0; k < 2; k++)
				xp_tui_put_char(c, (unsigned)(row + quiet),
						(unsigned)(col + quiet) * 2 + k, XP_TUI_CODE,
						is_dark(t, row, col) ? ' ' : '#');
}

static void draw_words(const struct xp_tui *t, struct xp_tui_canvas *c)
{
	AUTO(xp_buf_free) struct xp_buf text = {0};

	xp_tui_head(t, c, "the log's checkpoint");
	if (!*t->checkpoint_note)
		xp_buf_puts(&text, "There is no log yet.\n");
	else
		xp_buf_printf(&text,
			      "%s\nAs a code it needs %u rows and %u columns on this terminal, "
			      "or one that shows UTF-8. Photograph these lines instead.\n",
			      t->checkpoint_note, t->code_size + 4, 2 * (t->code_size + 4));
	xp_tui_pane(c, 2, xp_tui_body_rows(c), 0, 0, xp_buf_str(&text));
	xp_tui_foot(t, c, "Esc back");
}

void xp_tui_checkpoint_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	unsigned n = t->code_size;
	unsigned legend;

	if (n && c->utf8 && (n + 3) / 2 <= c->rows && n + 2 <= c->cols) {
		unsigned quiet = (n + 8) / 2 <= c->rows ? 4 : (2 * c->rows - n) / 2;

		draw_halves(t, c, (int)quiet);
		legend = n + 2 * quiet + 2;
	} else if (n && n + 4 <= c->rows && 2 * (n + 4) <= c->cols) {
		draw_blanks(t, c, 2);
		legend = 2 * (n + 4) + 2;
	} else {
		draw_words(t, c);
		return;
	}
	if (legend + 20 > c->cols)
		return;
	xp_tui_put(c, 1, legend, c->cols, XP_TUI_BOLD, "The log's checkpoint");
	xp_tui_put(c, 3, legend, c->cols, XP_TUI_PLAIN, "Photograph it: who keeps");
	xp_tui_put(c, 4, legend, c->cols, XP_TUI_PLAIN, "it can tell later whether");
	xp_tui_put(c, 5, legend, c->cols, XP_TUI_PLAIN, "the log was changed.");
	xp_tui_put(c, 7, legend, c->cols, XP_TUI_PLAIN, "Esc back");
}
