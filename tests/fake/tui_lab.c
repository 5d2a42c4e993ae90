#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/fake/tui_lab.h"

void xp_tui_lab_new(struct xp_tui_lab *l, unsigned rows, unsigned cols)
{
	memset(l, 0, sizeof(*l));
	xp_tui_init(&l->t);
	l->now_ms = 1000;
	xp_tui_lab_resize(l, rows, cols);
}

void xp_tui_lab_free(struct xp_tui_lab *l)
{
	xp_tui_free(&l->t);
	xp_tui_canvas_free(&l->c);
	free(l->shown);
}

void xp_tui_lab_resize(struct xp_tui_lab *l, unsigned rows, unsigned cols)
{
	struct xp_err err;

	assert_int_equal(xp_tui_canvas_size(&l->c, rows, cols, &err), XP_OK);
}

void xp_tui_lab_scan(struct xp_tui_lab *l, size_t n, void (*what)(struct xp_tui_drive *list))
{
	struct xp_tui_drive *list = calloc(n + 1, sizeof(*list));

	assert_non_null(list);
	for (size_t i = 0; i < n; i++) {
		struct xp_tui_drive *d = &list[i];

		snprintf(d->path, sizeof(d->path), "/dev/sd%c", (char)('a' + i % 26));
		snprintf(d->place, sizeof(d->place), "Slot %zu", i + 1);
		snprintf(d->model, sizeof(d->model), "MODEL-%zu", i % 3);
		snprintf(d->serial, sizeof(d->serial), "SERIAL%05zu", i + 1);
		snprintf(d->confirm, sizeof(d->confirm), "SERIAL%05zu", i + 1);
		snprintf(d->bus, sizeof(d->bus), "sata");
		snprintf(d->best, sizeof(d->best), "purge");
		d->bytes = 4000000000000u;
		d->diskseq = i + 1;
		d->asked = true;
		d->details = strdup("/dev/sdx\n  model        MODEL\n");
	}
	if (what)
		what(list);
	xp_tui_drives_set(&l->t, list, n);
}

void xp_tui_lab_drives(struct xp_tui_lab *l, size_t n)
{
	xp_tui_lab_scan(l, n, NULL);
}

void xp_tui_lab_key(struct xp_tui_lab *l, uint32_t key)
{
	l->now_ms += 200;
	xp_tui_key_press(&l->t, key, l->now_ms);
}

void xp_tui_lab_wait(struct xp_tui_lab *l, uint64_t ms)
{
	l->now_ms += ms;
	xp_tui_tick(&l->t, l->now_ms);
}

void xp_tui_lab_type(struct xp_tui_lab *l, const char *text)
{
	for (; *text; text++)
		xp_tui_lab_key(l, (unsigned char)*text);
	xp_tui_lab_wait(l, 200);
}

void xp_tui_lab_scanner(struct xp_tui_lab *l, const char *text, uint64_t gap_ms)
{
	l->now_ms += 1000;
	for (; *text; text++) {
		l->now_ms += gap_ms;
		xp_tui_key_press(&l->t, (unsigned char)*text, l->now_ms);
	}
	l->now_ms += gap_ms;
	xp_tui_key_press(&l->t, XP_TUI_ENTER, l->now_ms);
}

const char *xp_tui_lab_look(struct xp_tui_lab *l)
{
	xp_tui_draw(&l->t, &l->c);
	free(l->shown);
	l->shown = xp_tui_canvas_text(&l->c);
	assert_non_null(l->shown);
	return l->shown;
}

unsigned xp_tui_lab_row(struct xp_tui_lab *l, const char *text)
{
	const char *at = strstr(xp_tui_lab_look(l), text);
	unsigned row = 0;

	if (!at)
		fail_msg("\"%s\" is not to be seen in:\n%s", text, l->shown);
	for (const char *s = l->shown; s < at; s++)
		row += *s == '\n';
	return row;
}

size_t xp_tui_lab_round(struct xp_tui_lab *l, unsigned round, size_t n, const char *word)
{
	size_t first = 0;
	struct xp_err err;

	assert_int_equal(xp_tui_jobs_add(&l->t, &first, round, n, &err), XP_OK);
	for (size_t i = 0; i < n; i++) {
		const struct xp_tui_drive *d = &l->t.drives[i];
		struct xp_tui_job *j = &l->t.jobs[first + i];

		snprintf(j->path, sizeof(j->path), "%s", d->path);
		snprintf(j->serial, sizeof(j->serial), "%s", d->serial);
		snprintf(j->model, sizeof(j->model), "%s", d->model);
		snprintf(j->confirm, sizeof(j->confirm), "%s", d->confirm);
		snprintf(j->drive_confirm, sizeof(j->drive_confirm), "%s", d->confirm);
		snprintf(j->level, sizeof(j->level), "purge");
		snprintf(j->technique, sizeof(j->technique), "ata-sanitize-crypto");
		j->diskseq = d->diskseq;
		j->bytes = d->bytes;
		j->plan = strdup("/dev/sdx\n  destroys     everything\n");
		j->state = XP_TUI_JOB_READY;
	}
	l->t.round = round;
	xp_tui_round_ready(&l->t, word);
	xp_tui_visit(&l->t, XP_TUI_PLAN);
	return first;
}
