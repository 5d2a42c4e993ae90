#include "cli/tui/tui_inside.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

/* A scanner types its characters closer than this, and its Enter not later than that. */
#define SCAN_GAP_MS 80
#define SCAN_END_MS 300
#define SCAN_MIN    4

enum sort { BY_PLACE, BY_SERIAL, BY_SIZE, BY_MODEL, BY_STATE, SORTS };
static const char *const sort_names[] = {"place", "serial", "size", "model", "state"};

/* ---- the drives ---- */

void xp_tui_drives_free(struct xp_tui_drive *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].details);
	free(list);
}

const struct xp_tui_job *xp_tui_drive_job(const struct xp_tui *t, const struct xp_tui_drive *d)
{
	for (size_t i = t->jobs_n; i > 0; i--) {
		const struct xp_tui_job *j = &t->jobs[i - 1];

		if (j->state != XP_TUI_JOB_LEFT && j->state != XP_TUI_JOB_ASKING &&
		    j->state != XP_TUI_JOB_READY && xp_tui_job_is_of(j, d))
			return j;
	}
	return NULL;
}

bool xp_tui_drive_is_free(const struct xp_tui *t, const struct xp_tui_drive *d)
{
	const struct xp_tui_job *j = xp_tui_drive_job(t, d);

	return *d->path && !*d->use && !(j && xp_tui_job_at_work(j));
}

size_t xp_tui_selected(const struct xp_tui *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->drives_n; i++)
		n += t->drives[i].selected;
	return n;
}

struct xp_tui_drive *xp_tui_drive_here(const struct xp_tui *t)
{
	return t->cursor < t->shown_n ? &t->drives[t->shown[t->cursor]] : NULL;
}

static bool has_text(const char *text, const char *word)
{
	return strcasestr(text, word) != NULL;
}

static bool passes(const struct xp_tui *t, const struct xp_tui_drive *d)
{
	const char *f = t->filter.text;

	return !*f || has_text(d->place, f) || has_text(d->path, f) || has_text(d->model, f) ||
	       has_text(d->serial, f) || has_text(d->bus, f) || has_text(d->use, f) ||
	       has_text(d->best, f) || has_text(d->media, f);
}

static int compare_places(const struct xp_tui_drive *a, const struct xp_tui_drive *b)
{
	int order = strverscmp(a->place, b->place);

	return order ? order : strverscmp(a->path, b->path);
}

/* 0: selected, 1: free, 2: at work, 3: in use; what is to be looked at comes together. */
static int rank_of(const struct xp_tui *t, const struct xp_tui_drive *d)
{
	const struct xp_tui_job *j = xp_tui_drive_job(t, d);

	if (d->selected)
		return 0;
	if (j && xp_tui_job_at_work(j))
		return 2;
	return *d->use ? 3 : 1;
}

static int compare(const struct xp_tui *t, const struct xp_tui_drive *a,
		   const struct xp_tui_drive *b)
{
	int order = 0;

	switch ((enum sort)t->sort) {
	case BY_SERIAL:
		order = strcmp(a->serial, b->serial);
		break;
	case BY_SIZE:
		order = (a->bytes > b->bytes) - (a->bytes < b->bytes);
		break;
	case BY_MODEL:
		order = strcasecmp(a->model, b->model);
		break;
	case BY_STATE:
		order = rank_of(t, a) - rank_of(t, b);
		break;
	case BY_PLACE:
	case SORTS:
		break;
	}
	return order ? order : compare_places(a, b);
}

void xp_tui_list_arrange(struct xp_tui *t)
{
	size_t here = t->cursor < t->shown_n ? t->shown[t->cursor] : 0;

	t->shown_n = 0;
	for (size_t i = 0; t->shown && i < t->drives_n; i++) {
		size_t at = t->shown_n;

		if (!passes(t, &t->drives[i]))
			continue;
		for (; at && compare(t, &t->drives[i], &t->drives[t->shown[at - 1]]) < 0; at--)
			t->shown[at] = t->shown[at - 1];
		t->shown[at] = i;
		t->shown_n++;
	}
	for (size_t i = 0; i < t->shown_n; i++)
		if (t->shown[i] == here)
			t->cursor = i;
	if (t->cursor >= t->shown_n)
		t->cursor = t->shown_n ? t->shown_n - 1 : 0;
}

/* The cursor goes with its drive, wherever that stands now. */
static void keep_cursor(struct xp_tui *t, const struct xp_tui_drive *was)
{
	for (size_t i = 0; was && i < t->shown_n; i++)
		if (xp_tui_drive_is_same(&t->drives[t->shown[i]], was))
			t->cursor = i;
}

void xp_tui_drives_set(struct xp_tui *t, struct xp_tui_drive *list, size_t n)
{
	struct xp_tui_drive *old = t->drives;
	const struct xp_tui_drive *was = xp_tui_drive_here(t);
	size_t old_n = t->drives_n;
	size_t *shown = calloc(n + 1, sizeof(*shown));

	if (!shown) {
		xp_tui_drives_free(list, n);
		return;
	}
	for (size_t i = 0; i < old_n; i++) {
		bool there = false;

		for (size_t k = 0; k < n; k++) {
			if (!xp_tui_drive_is_same(&old[i], &list[k]))
				continue;
			there = true;
			list[k].selected = old[i].selected && !*list[k].use;
		}
		if (old[i].selected && !there) {
			xp_tui_say(t, "%s is gone; it was selected", old[i].serial);
			xp_tui_beep(t);
		}
	}
	t->drives = list;
	t->drives_n = n;
	free(t->shown);
	t->shown = shown;
	t->shown_n = 0;
	t->scanned = true;
	xp_tui_list_arrange(t);
	keep_cursor(t, was);
	xp_tui_drives_free(old, old_n);
}

/* ---- drawing ---- */

struct columns {
	unsigned place, model, serial, size, bus, best, state, model_w, serial_w, state_w;
};

static struct columns columns_for(unsigned cols)
{
	unsigned extra = cols > 80 ? cols - 80 : 0;
	struct columns w = {.place = 5, .model = 14};

	w.model_w = 16 + (extra / 4 > 24 ? 24 : extra / 4);
	w.serial_w = 18 + (extra / 4 > 14 ? 14 : extra / 4);
	w.serial = w.model + w.model_w + 1;
	w.size = w.serial + w.serial_w + 1;
	w.bus = w.size + 8;
	w.best = w.bus + 5;
	w.state = w.best + 6;
	w.state_w = cols > w.state ? cols - w.state : 0;
	return w;
}

static void state_text(char *out, size_t size, unsigned *look, const struct xp_tui *t,
		       const struct xp_tui_drive *d)
{
	const struct xp_tui_job *j = xp_tui_drive_job(t, d);

	*look = XP_TUI_PLAIN;
	if (j && xp_tui_job_at_work(j)) {
		snprintf(out, size, "%u%% %s", xp_tui_job_percent(j), j->phase);
	} else if (j) {
		*look = xp_tui_job_look(j);
		snprintf(out, size, "%s", xp_tui_job_word(j));
	} else if (*d->use) {
		*look = XP_TUI_CAUTION;
		snprintf(out, size, "%s", d->use);
	} else if (d->locked) {
		*look = XP_TUI_CAUTION;
		snprintf(out, size, "locked");
	} else {
		snprintf(out, size, "%s", *d->path ? "free" : "no node");
	}
}

static void draw_drive(const struct xp_tui *t, struct xp_tui_canvas *c, unsigned row,
		       const struct xp_tui_drive *d, bool here)
{
	struct columns w = columns_for(c->cols);
	AUTO(xp_buf_free) struct xp_buf size = {0};
	char state[160];
	unsigned look;
	unsigned base = here ? XP_TUI_REVERSE : XP_TUI_PLAIN;

	if (here)
		xp_tui_row_look(c, row, XP_TUI_REVERSE);
	xp_tui_put(c, row, 0, 1, base, here ? ">" : " ");
	xp_tui_put(c, row, 1, 3, base,
		   d->selected			? "[x]"
		   : xp_tui_drive_is_free(t, d) ? "[ ]"
						: " - ");
	xp_tui_put(c, row, w.place, 8, base, *d->place ? d->place : "?");
	xp_tui_put(c, row, w.model, w.model_w, base, *d->model ? d->model : "-");
	xp_tui_put_end(c, row, w.serial, w.serial_w, base, *d->serial ? d->serial : "-", 6);
	xp_tui_size_text(&size, d->bytes);
	xp_tui_putf(c, row, w.size, base, "%7.7s", xp_buf_str(&size));
	xp_tui_put(c, row, w.bus, 4, base, d->bus);
	xp_tui_put(c, row, w.best, 5, base, !d->asked ? "..." : *d->best ? d->best : "none");
	state_text(state, sizeof(state), &look, t, d);
	xp_tui_put(c, row, w.state, w.state_w, base | look, state);
	if (d->light_on)
		xp_tui_put(c, row, 4, 1, base | XP_TUI_BOLD, "*");
}

static void draw_heading(const struct xp_tui *t, struct xp_tui_canvas *c)
{
	struct columns w = columns_for(c->cols);

	(void)t;
	xp_tui_put(c, 1, w.place, 8, XP_TUI_BOLD, "PLACE");
	xp_tui_put(c, 1, w.model, w.model_w, XP_TUI_BOLD, "MODEL");
	xp_tui_put(c, 1, w.serial, w.serial_w, XP_TUI_BOLD, "SERIAL");
	xp_tui_put(c, 1, w.size + 3, 5, XP_TUI_BOLD, "SIZE");
	xp_tui_put(c, 1, w.bus, 4, XP_TUI_BOLD, "BUS");
	xp_tui_put(c, 1, w.best, 5, XP_TUI_BOLD, "BEST");
	xp_tui_put(c, 1, w.state, w.state_w, XP_TUI_BOLD, "STATE");
}

/* The line above the foot: what is chosen, how it is sorted, what is typed. */
static void draw_status(const struct xp_tui *t, struct xp_tui_canvas *c, unsigned row)
{
	AUTO(xp_buf_free) struct xp_buf bytes = {0};
	uint64_t sum = 0;

	for (size_t i = 0; i < t->drives_n; i++)
		if (t->drives[i].selected)
			sum += t->drives[i].bytes;
	xp_tui_size_text(&bytes, sum);
	if (t->filtering || *t->filter.text) {
		xp_tui_put(c, row, 0, 8, XP_TUI_BOLD, "filter: ");
		if (t->filtering)
			xp_tui_input_draw(&t->filter, c, row, 8);
		else
			xp_tui_putf(c, row, 8, XP_TUI_BOLD, "%s  (%zu of %zu drives; / changes it)",
				    t->filter.text, t->shown_n, t->drives_n);
		return;
	}
	xp_tui_putf(c, row, 0, XP_TUI_PLAIN, "%zu drive%s, %zu selected (%s), by %s%s%s",
		    t->drives_n, t->drives_n == 1 ? "" : "s", xp_tui_selected(t),
		    xp_buf_str(&bytes), sort_names[t->sort], *t->notice ? "; " : "", t->notice);
}

void xp_tui_list_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	unsigned body = xp_tui_body_rows(c);
	unsigned rows = body > 2 ? body - 2 : 0;
	size_t first = rows && t->cursor >= rows ? t->cursor - rows + 1 : 0;

	xp_tui_head(t, c, "drives");
	draw_heading(t, c);
	if (!t->scanned)
		xp_tui_put(c, 3, 5, c->cols, XP_TUI_PLAIN, "looking for drives ...");
	else if (!t->shown_n)
		xp_tui_put(c, 3, 5, c->cols, XP_TUI_PLAIN,
			   t->drives_n ? "no drive fits the filter" : "no drives");
	for (size_t i = first; i < t->shown_n && i - first < rows; i++)
		draw_drive(t, c, 2 + (unsigned)(i - first), &t->drives[t->shown[i]],
			   i == t->cursor);
	if (c->rows > 4)
		draw_status(t, c, c->rows - 3);
	xp_tui_foot(t, c,
		    "Space select  a all  / filter  s sort  d details  Enter plan  F1 help  "
		    "q quit");
}

/* ---- keys ---- */

static void say_why_not(struct xp_tui *t, const struct xp_tui_drive *d)
{
	const struct xp_tui_job *j = xp_tui_drive_job(t, d);

	xp_tui_beep(t);
	if (j && xp_tui_job_at_work(j))
		xp_tui_say(t, "%s is being erased", d->serial);
	else if (*d->use)
		xp_tui_say(t, "%s cannot be selected: %s", d->serial, d->use);
	else
		xp_tui_say(t, "%s has no device node and cannot be selected", d->serial);
}

static void toggle(struct xp_tui *t)
{
	struct xp_tui_drive *d = xp_tui_drive_here(t);

	if (!d)
		return;
	if (!d->selected && !xp_tui_drive_is_free(t, d)) {
		say_why_not(t, d);
		return;
	}
	d->selected = !d->selected;
	if (t->cursor + 1 < t->shown_n && t->sort != BY_STATE)
		t->cursor++;
}

/* Every free one that is shown, but what was erased just now. */
static void select_all(struct xp_tui *t)
{
	for (size_t i = 0; i < t->shown_n; i++) {
		struct xp_tui_drive *d = &t->drives[t->shown[i]];
		const struct xp_tui_job *j = xp_tui_drive_job(t, d);

		if (xp_tui_drive_is_free(t, d) &&
		    !(j && (j->state == XP_TUI_JOB_DONE || j->state == XP_TUI_JOB_LOWER)))
			d->selected = true;
	}
	xp_tui_say(t, "%zu selected", xp_tui_selected(t));
}

static void begin_plan(struct xp_tui *t)
{
	if (xp_tui_selected(t)) {
		xp_tui_wish_add(t, XP_TUI_WISH_PLAN, 0);
	} else if (xp_tui_drive_here(t)) {
		xp_tui_visit(t, XP_TUI_DETAILS);
	}
}

static void drive_wish(struct xp_tui *t, enum xp_tui_wish wish)
{
	if (xp_tui_drive_here(t))
		xp_tui_wish_add(t, wish, t->shown[t->cursor]);
}

static void list_command(struct xp_tui *t, char key)
{
	switch (key) {
	case 'a':
		select_all(t);
		break;
	case 'n':
		for (size_t i = 0; i < t->drives_n; i++)
			t->drives[i].selected = false;
		break;
	case '/':
		t->filtering = true;
		break;
	case 's':
		t->sort = (t->sort + 1) % SORTS;
		break;
	case 'd':
		if (xp_tui_drive_here(t))
			xp_tui_visit(t, XP_TUI_DETAILS);
		return;
	case 'u':
		drive_wish(t, XP_TUI_WISH_UNLOCK);
		return;
	case 'l':
		drive_wish(t, XP_TUI_WISH_LIGHT);
		return;
	case 'r':
		xp_tui_wish_add(t, XP_TUI_WISH_ASK, 0);
		return;
	case 'w':
		xp_tui_visit(t, XP_TUI_WORK);
		return;
	case 'e':
		xp_tui_visit(t, XP_TUI_SUMMARY);
		xp_tui_wish_add(t, XP_TUI_WISH_SUMMARY, 0);
		return;
	case 'i':
		xp_tui_visit(t, XP_TUI_INTERRUPTED);
		return;
	case 'o':
		xp_tui_visit(t, XP_TUI_OPERATOR);
		snprintf(t->typed.text, sizeof(t->typed.text), "%s", t->person);
		t->typed.len = strlen(t->typed.text);
		return;
	case 't':
		xp_tui_visit(t, XP_TUI_CLOCK);
		return;
	case 'k':
		xp_tui_visit(t, XP_TUI_KEYBOARD);
		return;
	case 'm':
		xp_tui_visit(t, XP_TUI_MESSAGES);
		return;
	case '?':
		xp_tui_visit(t, XP_TUI_HELP);
		return;
	case 'q':
		xp_tui_visit(t, XP_TUI_QUIT);
		return;
	default:
		break;
	}
	xp_tui_list_arrange(t);
}

/* ---- the scanner ---- */

/* Label and drive may differ in case; nothing else may. More than one: none. */
static size_t find_scanned(const struct xp_tui *t, const char *text)
{
	size_t found = t->drives_n;

	for (size_t i = 0; i < t->drives_n; i++) {
		const struct xp_tui_drive *d = &t->drives[i];

		if (strcasecmp(d->serial, text) != 0 && strcasecmp(d->confirm, text) != 0)
			continue;
		if (found != t->drives_n)
			return t->drives_n + 1;
		found = i;
	}
	return found;
}

static void scanned(struct xp_tui *t, const char *text)
{
	size_t i = find_scanned(t, text);

	if (i >= t->drives_n) {
		xp_tui_say(t,
			   i == t->drives_n ? "no drive here has the serial number %s"
					    : "several drives have the serial number %s",
			   text);
		xp_tui_beep(t);
		return;
	}
	/* it is shown, whatever the filter says */
	xp_tui_input_clear(&t->filter);
	xp_tui_list_arrange(t);
	for (size_t k = 0; k < t->shown_n; k++)
		if (t->shown[k] == i)
			t->cursor = k;
	if (t->drives[i].selected) {
		xp_tui_say(t, "%s is selected already", t->drives[i].serial);
	} else if (!xp_tui_drive_is_free(t, &t->drives[i])) {
		say_why_not(t, &t->drives[i]);
	} else {
		t->drives[i].selected = true;
		xp_tui_say(t, "%s is selected", t->drives[i].serial);
	}
}

/* What was typed by fingers after all. */
static void scan_as_commands(struct xp_tui *t)
{
	struct xp_tui_scan scan = t->scan;

	t->scan.len = 0;
	for (size_t i = 0; i < scan.len && t->screen == XP_TUI_LIST; i++) {
		if (t->filtering)
			xp_tui_input_key(&t->filter, (unsigned char)scan.text[i]);
		else
			list_command(t, scan.text[i]);
	}
	xp_tui_list_arrange(t);
}

void xp_tui_list_flush(struct xp_tui *t)
{
	uint64_t gap = t->now_ms - t->scan.last_ms;

	if (!t->scan.len)
		return;
	if (t->scan.len == 1 && gap > SCAN_GAP_MS) {
		scan_as_commands(t);
	} else if (gap > SCAN_END_MS) {
		if (t->scan.len < SCAN_MIN) {
			scan_as_commands(t);
			return;
		}
		t->scan.text[t->scan.len] = 0;
		xp_tui_say(t, "%s came without an Enter behind it", t->scan.text);
		xp_tui_beep(t);
		t->scan.len = 0;
	}
}

static void filter_key(struct xp_tui *t, uint32_t key)
{
	if (key == XP_TUI_ESCAPE) {
		xp_tui_input_clear(&t->filter);
		t->filtering = false;
	} else if (key == XP_TUI_ENTER) {
		t->filtering = false;
		if (t->filter.len >= SCAN_MIN && find_scanned(t, t->filter.text) < t->drives_n) {
			struct xp_tui_input text = t->filter;

			scanned(t, text.text);
			return;
		}
	} else if (!xp_tui_input_key(&t->filter, key)) {
		xp_tui_cursor_key(t, &t->cursor, t->shown_n, key);
	}
	xp_tui_list_arrange(t);
}

void xp_tui_list_key(struct xp_tui *t, uint32_t key)
{
	if (t->filtering) {
		filter_key(t, key);
		return;
	}
	if (key > ' ' && key < 0x7f) {
		if (t->scan.len < XP_TUI_SCAN_MAX)
			t->scan.text[t->scan.len++] = (char)key;
		t->scan.last_ms = t->now_ms;
		return;
	}
	if (key == XP_TUI_ENTER && t->scan.len >= SCAN_MIN) {
		t->scan.text[t->scan.len] = 0;
		t->scan.len = 0;
		scanned(t, t->scan.text);
		return;
	}
	/* a blank within what a scanner types */
	if (key == ' ' && t->scan.len > 1) {
		if (t->scan.len < XP_TUI_SCAN_MAX)
			t->scan.text[t->scan.len++] = ' ';
		t->scan.last_ms = t->now_ms;
		return;
	}
	scan_as_commands(t);
	if (t->screen != XP_TUI_LIST)
		return;
	if (t->filtering) {
		filter_key(t, key);
		return;
	}
	if (key == ' ')
		toggle(t);
	else if (key == XP_TUI_ENTER)
		begin_plan(t);
	else if (key == XP_TUI_ESCAPE)
		xp_tui_input_clear(&t->filter);
	else
		xp_tui_cursor_key(t, &t->cursor, t->shown_n, key);
	xp_tui_list_arrange(t);
}
