#include "cli/tui/tui_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/output.h"

#define NAME_W	12
#define BAR_W	14
#define RATE_MS 500 /* a rate that is measured over less says nothing */

/* ---- what jobs tell ---- */

enum xp_rc xp_tui_jobs_add(struct xp_tui *t, size_t *first, unsigned round, size_t n,
			   struct xp_err *err)
{
	struct xp_tui_job *list = reallocarray(t->jobs, t->jobs_n + n, sizeof(*list));

	if (!list)
		return xp_fail(err, XP_E_NOMEM, "jobs");
	memset(list + t->jobs_n, 0, n * sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[t->jobs_n + i].round = round;
	t->jobs = list;
	*first = t->jobs_n;
	t->jobs_n += n;
	return XP_OK;
}

void xp_tui_round_ready(struct xp_tui *t, const char *word)
{
	snprintf(t->word, sizeof(t->word), "%s", word);
	t->round_ready = true;
}

void xp_tui_job_event(struct xp_tui *t, size_t job, const struct xp_tui_event *e, uint64_t now_ms)
{
	struct xp_tui_job *j = &t->jobs[job];

	if (e->is_phase) {
		snprintf(j->phase, sizeof(j->phase), "%s", e->phase ? e->phase : "");
		j->phase_ms = now_ms;
		j->phase_done = e->done;
	}
	if (e->is_phase || e->is_progress) {
		j->done = e->done;
		j->total = e->total;
		return;
	}
	snprintf(j->text, sizeof(j->text), "%s", e->text ? e->text : "");
	xp_tui_say(t, "%s: %s", j->serial, j->text);
}

size_t xp_tui_running(const struct xp_tui *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->jobs_n; i++)
		n += xp_tui_job_at_work(&t->jobs[i]);
	return n;
}

void xp_tui_job_ended(struct xp_tui *t, size_t job)
{
	const struct xp_tui_job *j = &t->jobs[job];

	if (j->state == XP_TUI_JOB_BAD || j->state == XP_TUI_JOB_STOPPED)
		xp_tui_beep(t);
	if (xp_tui_running(t))
		return;
	xp_tui_wish_add(t, XP_TUI_WISH_SUMMARY, 0);
	/* who reads something else is not torn away from it */
	if (t->screen == XP_TUI_WORK)
		xp_tui_visit(t, XP_TUI_SUMMARY);
	else
		xp_tui_say(t, "all jobs have ended; e shows the summary");
}

/* ---- words ---- */

bool xp_tui_job_at_work(const struct xp_tui_job *j)
{
	return j->state == XP_TUI_JOB_RUNNING;
}

unsigned xp_tui_job_percent(const struct xp_tui_job *j)
{
	return j->total ? (unsigned)((double)j->done * 100.0 / (double)j->total) : 0;
}

const char *xp_tui_job_word(const struct xp_tui_job *j)
{
	switch (j->state) {
	case XP_TUI_JOB_ASKING:
		return "asking";
	case XP_TUI_JOB_READY:
		return "ready";
	case XP_TUI_JOB_LEFT:
		return "left out";
	case XP_TUI_JOB_RUNNING:
		return "at work";
	case XP_TUI_JOB_DONE:
		if (strcmp(j->level, "purge") == 0)
			return "ok, purge";
		return strcmp(j->level, "clear") == 0 ? "ok, clear" : "ok";
	case XP_TUI_JOB_LOWER:
		return strcmp(j->level, "clear") == 0 ? "only clear" : "lower";
	case XP_TUI_JOB_REFUSED:
		return "refused";
	case XP_TUI_JOB_STOPPED:
		return "stopped";
	case XP_TUI_JOB_BAD:
		break;
	}
	return "FAILED";
}

unsigned xp_tui_job_look(const struct xp_tui_job *j)
{
	switch (j->state) {
	case XP_TUI_JOB_DONE:
		return XP_TUI_GOOD;
	case XP_TUI_JOB_LOWER:
	case XP_TUI_JOB_REFUSED:
	case XP_TUI_JOB_STOPPED:
		return XP_TUI_CAUTION;
	case XP_TUI_JOB_BAD:
		return XP_TUI_BAD | XP_TUI_BOLD;
	case XP_TUI_JOB_ASKING:
	case XP_TUI_JOB_READY:
	case XP_TUI_JOB_LEFT:
	case XP_TUI_JOB_RUNNING:
		break;
	}
	return XP_TUI_PLAIN;
}

/* ---- the screen ---- */

static void draw_bar(struct xp_tui_canvas *c, unsigned row, unsigned col, unsigned width,
		     unsigned base, unsigned percent)
{
	xp_tui_put(c, row, col, 1, base, "[");
	for (unsigned i = 0; i < width; i++)
		xp_tui_put(c, row, col + 1 + i, 1, base, i * 100 < percent * width ? "#" : ".");
	xp_tui_put(c, row, col + 1 + width, 1, base, "]");
}

static void rate_text(struct xp_buf *b, const struct xp_tui *t, const struct xp_tui_job *j)
{
	uint64_t ms = t->now_ms - j->phase_ms;
	uint64_t done = j->done - j->phase_done;
	uint64_t rate;

	if (ms < RATE_MS || j->done <= j->phase_done)
		return;
	rate = done * 1000 / ms;
	if (rate && j->total > j->done) {
		xp_buf_puts(b, "ETA ");
		xp_buf_duration(b, (j->total - j->done) / rate + 1);
	}
	xp_buf_printf(b, "  %u MB/s", (unsigned)(rate / 1000000));
}

static void draw_job(const struct xp_tui *t, struct xp_tui_canvas *c, unsigned row, size_t i)
{
	const struct xp_tui_job *j = &t->jobs[i];
	unsigned bar = c->cols > 100 ? BAR_W + 10 : BAR_W;
	unsigned col = 2 + NAME_W + 1;
	bool here = i == t->job_cursor;
	unsigned base = here ? XP_TUI_REVERSE : XP_TUI_PLAIN;
	AUTO(xp_buf_free) struct xp_buf rate = {0};

	if (here)
		xp_tui_row_look(c, row, XP_TUI_REVERSE);
	xp_tui_put(c, row, 0, 1, base, here ? ">" : " ");
	xp_tui_put_end(c, row, 2, NAME_W, base, *j->serial ? j->serial : j->path, 6);
	if (!xp_tui_job_at_work(j)) {
		unsigned used =
			xp_tui_put(c, row, col, 10, base | xp_tui_job_look(j), xp_tui_job_word(j));

		if (j->state == XP_TUI_JOB_BAD)
			used += xp_tui_put(c, row, col + used, 22, base | XP_TUI_BOLD,
					   " - PULL AND SET ASIDE");
		xp_tui_putf(c, row, col + (used < 10 ? 10 : used), base, " %s", j->text);
		return;
	}
	draw_bar(c, row, col, bar, base, xp_tui_job_percent(j));
	col += bar + 3;
	if (j->total)
		xp_tui_putf(c, row, col, base, "%3u%%", xp_tui_job_percent(j));
	xp_tui_put(c, row, col + 5, 16, base, t->stopping ? "stopping" : j->phase);
	rate_text(&rate, t, j);
	xp_tui_put(c, row, col + 22, c->cols, base, xp_buf_str(&rate));
	if (j->celsius)
		xp_tui_putf(c, row, c->cols > 5 ? c->cols - 5 : 0, base, " %3dC", j->celsius);
}

/* Of the jobs that are more than plans. */
static bool is_shown(const struct xp_tui_job *j)
{
	return j->state != XP_TUI_JOB_ASKING && j->state != XP_TUI_JOB_READY &&
	       j->state != XP_TUI_JOB_LEFT;
}

/* The row of the job among those that are shown. */
static size_t place_of(const struct xp_tui *t, size_t job)
{
	size_t n = 0;

	for (size_t i = 0; i < job && i < t->jobs_n; i++)
		n += is_shown(&t->jobs[i]);
	return n;
}

void xp_tui_work_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	unsigned body = xp_tui_body_rows(c);
	unsigned rows = body > 1 ? body - 1 : 1;
	size_t at = place_of(t, t->job_cursor);
	size_t first = at >= rows ? at - rows + 1 : 0;
	size_t n = 0;
	size_t ended = 0;

	xp_tui_head(t, c, t->stopping ? "work: stopping in good order" : "work");
	for (size_t i = 0; i < t->jobs_n; i++) {
		if (!is_shown(&t->jobs[i]))
			continue;
		ended += !xp_tui_job_at_work(&t->jobs[i]);
		if (n >= first && n - first < rows)
			draw_job(t, c, 2 + (unsigned)(n - first), i);
		n++;
	}
	xp_tui_putf(c, 1, 0, XP_TUI_BOLD, "%zu of %zu ended", ended, n);
	xp_tui_foot(t, c, "Enter details  d drives  l light  e summary  F1 help  q stop and quit");
}

/* From a row of the screen back to the job. */
static void set_cursor(struct xp_tui *t, size_t place)
{
	size_t n = 0;

	for (size_t i = 0; i < t->jobs_n; i++) {
		if (!is_shown(&t->jobs[i]))
			continue;
		t->job_cursor = i;
		if (n++ == place)
			return;
	}
}

/* The drive of the job in the list; drives_n: it is gone. */
static size_t drive_of(const struct xp_tui *t, const struct xp_tui_job *j)
{
	size_t i = 0;

	while (i < t->drives_n && (strcmp(t->drives[i].path, j->path) != 0 ||
				   strcmp(t->drives[i].confirm, j->drive_confirm) != 0))
		i++;
	return i;
}

void xp_tui_work_key(struct xp_tui *t, uint32_t key)
{
	size_t place = place_of(t, t->job_cursor);

	if (xp_tui_cursor_key(t, &place, place_of(t, t->jobs_n), key)) {
		set_cursor(t, place);
		return;
	}
	switch (key) {
	case XP_TUI_ENTER:
		if (t->job_cursor < t->jobs_n)
			xp_tui_visit(t, XP_TUI_RESULT);
		break;
	case 'l':
		if (t->job_cursor < t->jobs_n && drive_of(t, &t->jobs[t->job_cursor]) < t->drives_n)
			xp_tui_wish_add(t, XP_TUI_WISH_LIGHT, drive_of(t, &t->jobs[t->job_cursor]));
		break;
	case 'e':
		xp_tui_visit(t, XP_TUI_SUMMARY);
		xp_tui_wish_add(t, XP_TUI_WISH_SUMMARY, 0);
		break;
	case 'm':
		xp_tui_visit(t, XP_TUI_MESSAGES);
		break;
	case '?':
		xp_tui_visit(t, XP_TUI_HELP);
		break;
	case 'q':
		xp_tui_visit(t, XP_TUI_QUIT);
		break;
	case 'd':
	case XP_TUI_ESCAPE:
		xp_tui_go(t, XP_TUI_LIST);
		break;
	default:
		break;
	}
}

void xp_tui_result_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	const struct xp_tui_job *j = t->job_cursor < t->jobs_n ? &t->jobs[t->job_cursor] : NULL;
	AUTO(xp_buf_free) struct xp_buf text = {0};

	xp_tui_head(t, c, "one drive");
	if (j) {
		xp_buf_printf(&text, "%s  %s: %s\n", j->serial, j->path, xp_tui_job_word(j));
		if (*j->text)
			xp_buf_printf(&text, "  %s\n", j->text);
		if (j->state == XP_TUI_JOB_BAD)
			xp_buf_puts(&text, "  Data may remain: pull the drive and set it aside, "
					   "apart from those that are done.\n");
		if (j->result)
			xp_buf_printf(&text, "\n%s", j->result);
		if (j->plan)
			xp_buf_printf(&text, "\nThe plan was:\n%s", j->plan);
	}
	xp_tui_scrolled(t, c, 2, 15, xp_buf_str(&text));
	xp_tui_foot(t, c, "Up/Down read  Esc back");
}
