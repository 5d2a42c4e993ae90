#include "cli/tui/tui.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/tui/tui_inside.h"

#define MESSAGE_MS 8000 /* a message stays so long, unless another one comes */

void xp_tui_init(struct xp_tui *t)
{
	memset(t, 0, sizeof(*t));
	t->screen = XP_TUI_LIST;
}

static void jobs_free(struct xp_tui *t)
{
	for (size_t i = 0; i < t->jobs_n; i++) {
		free(t->jobs[i].plan);
		free(t->jobs[i].result);
	}
	free(t->jobs);
}

void xp_tui_free(struct xp_tui *t)
{
	xp_tui_drives_free(t->drives, t->drives_n);
	jobs_free(t);
	free(t->shown);
	free(t->left);
	free(t->places);
	free(t->other);
	free(t->where);
	free(t->code);
	xp_secret_free(&t->secret);
	memset(t, 0, sizeof(*t));
}

/* ---- wishes and words ---- */

void xp_tui_wish_add(struct xp_tui *t, enum xp_tui_wish wish, size_t arg)
{
	if (t->wishes_n == XP_TUI_WISHES_MAX)
		return;
	t->wishes[t->wishes_n].wish = wish;
	t->wishes[t->wishes_n++].arg = arg;
}

enum xp_tui_wish xp_tui_wish_take(struct xp_tui *t, size_t *arg)
{
	enum xp_tui_wish wish;

	if (!t->wishes_n)
		return XP_TUI_WISH_NONE;
	wish = t->wishes[0].wish;
	*arg = t->wishes[0].arg;
	t->wishes_n--;
	memmove(&t->wishes[0], &t->wishes[1], t->wishes_n * sizeof(t->wishes[0]));
	return wish;
}

void xp_tui_beep(struct xp_tui *t)
{
	t->beep = true;
}

bool xp_tui_beep_take(struct xp_tui *t)
{
	bool due = t->beep;

	t->beep = false;
	return due;
}

void xp_tui_say(struct xp_tui *t, const char *fmt, ...)
{
	char *text = t->messages[t->messages_n % XP_TUI_MESSAGES_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, XP_TUI_MESSAGE_LEN, fmt, ap);
	va_end(ap);
	t->messages_n++;
	memcpy(t->pinned, text, sizeof(t->pinned));
	t->message_ms = t->now_ms;
	t->message_keys_n = t->keys_n;
}

/*
 * A message goes with the screen that it was said on, when somebody leaves that: a screen that
 * comes by itself does not take away what nobody has answered.
 */
static void leave_message(struct xp_tui *t)
{
	if (t->message_keys_n != t->keys_n)
		t->pinned[0] = 0;
}

void xp_tui_go(struct xp_tui *t, enum xp_tui_screen screen)
{
	leave_message(t);
	t->screen = screen;
	t->back_n = 0;
	t->scroll = 0;
	xp_tui_input_clear(&t->typed);
}

void xp_tui_visit(struct xp_tui *t, enum xp_tui_screen screen)
{
	if (t->screen == screen)
		return;
	if (t->back_n == XP_ARRAY_LEN(t->back)) {
		t->back_n--;
		memmove(&t->back[0], &t->back[1], t->back_n * sizeof(t->back[0]));
	}
	leave_message(t);
	t->back[t->back_n++] = t->screen;
	t->screen = screen;
	t->scroll = 0;
	xp_tui_input_clear(&t->typed);
}

void xp_tui_back(struct xp_tui *t)
{
	leave_message(t);
	t->screen = t->back_n ? t->back[--t->back_n] : XP_TUI_LIST;
	t->scroll = 0;
	xp_tui_input_clear(&t->typed);
}

/* ---- what all screens have ---- */

unsigned xp_tui_body_rows(const struct xp_tui_canvas *c)
{
	return c->rows > 3 ? c->rows - 3 : 0;
}

void xp_tui_head(const struct xp_tui *t, struct xp_tui_canvas *c, const char *title)
{
	char right[200] = "";
	unsigned width;

	xp_tui_row_look(c, 0, XP_TUI_REVERSE);
	xp_tui_putf(c, 0, 1, XP_TUI_REVERSE | XP_TUI_BOLD, "expunge  %s", title);
	if (*t->signer)
		snprintf(right, sizeof(right), "signs: %s", t->signer);
	width = xp_tui_text_columns(c, right);
	if (width + 40 < c->cols)
		xp_tui_put(c, 0, c->cols - width - 1, width, XP_TUI_REVERSE, right);
}

void xp_tui_foot(const struct xp_tui *t, struct xp_tui_canvas *c, const char *keys)
{
	if (c->rows < 3)
		return;
	if (*t->pinned)
		xp_tui_put(c, c->rows - 2, 0, c->cols, XP_TUI_BOLD, t->pinned);
	else if (*t->standing)
		xp_tui_put(c, c->rows - 2, 0, c->cols, XP_TUI_CAUTION, t->standing);
	xp_tui_row_look(c, c->rows - 1, XP_TUI_REVERSE);
	xp_tui_put(c, c->rows - 1, 1, c->cols - 1, XP_TUI_REVERSE, keys);
}

bool xp_tui_is_short(const struct xp_tui_canvas *c)
{
	return c->rows < 16;
}

unsigned xp_tui_field_row(const struct xp_tui_canvas *c)
{
	unsigned below = xp_tui_is_short(c) ? 3 : 5;

	return c->rows > below + 2 ? c->rows - below : 2;
}

void xp_tui_scrolled(struct xp_tui *t, struct xp_tui_canvas *c, unsigned row, unsigned hang,
		     const char *text)
{
	xp_tui_scrolled_to(t, c, row, c->rows > 2 ? c->rows - 2 : 0, hang, text);
}

void xp_tui_scrolled_to(struct xp_tui *t, struct xp_tui_canvas *c, unsigned row, unsigned end,
			unsigned hang, const char *text)
{
	unsigned height = end > row ? end - row : 0;
	unsigned lines;

	/* what is there must be known before it is known how far down one can go */
	lines = xp_tui_pane(c, row, 0, 0, hang, text);
	t->scroll_max = lines > height ? lines - height : 0;
	if (t->scroll > t->scroll_max)
		t->scroll = t->scroll_max;
	xp_tui_pane(c, row, height, t->scroll, hang, text);
	if (t->scroll < t->scroll_max)
		xp_tui_putf(c, end, c->cols > 24 ? c->cols - 24 : 0, XP_TUI_REVERSE,
			    " %u lines more below ", t->scroll_max - t->scroll);
}

bool xp_tui_scroll_key(struct xp_tui *t, uint32_t key)
{
	unsigned page = t->rows > 6 ? t->rows - 6 : 1;

	switch (key) {
	case XP_TUI_UP:
		t->scroll -= t->scroll > 0;
		return true;
	case XP_TUI_DOWN:
		t->scroll += t->scroll < t->scroll_max;
		return true;
	case XP_TUI_PAGE_UP:
		t->scroll = t->scroll > page ? t->scroll - page : 0;
		return true;
	case XP_TUI_PAGE_DOWN:
	case ' ':
		t->scroll = t->scroll + page < t->scroll_max ? t->scroll + page : t->scroll_max;
		return true;
	case XP_TUI_HOME:
		t->scroll = 0;
		return true;
	case XP_TUI_END:
		t->scroll = t->scroll_max;
		return true;
	default:
		return false;
	}
}

bool xp_tui_cursor_key(const struct xp_tui *t, size_t *cursor, size_t n, uint32_t key)
{
	size_t page = t->rows > 6 ? t->rows - 6 : 1;

	switch (key) {
	case XP_TUI_UP:
		*cursor -= *cursor > 0;
		break;
	case XP_TUI_DOWN:
		*cursor += 1;
		break;
	case XP_TUI_PAGE_UP:
		*cursor = *cursor > page ? *cursor - page : 0;
		break;
	case XP_TUI_PAGE_DOWN:
		*cursor += page;
		break;
	case XP_TUI_HOME:
		*cursor = 0;
		break;
	case XP_TUI_END:
		*cursor = n;
		break;
	default:
		return false;
	}
	if (*cursor >= n)
		*cursor = n ? n - 1 : 0;
	return true;
}

void xp_tui_size_text(struct xp_buf *b, uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	uint64_t rest = 0;
	unsigned u = 0;

	while (bytes >= 1000 && u + 1 < XP_ARRAY_LEN(units)) {
		rest = bytes % 1000;
		bytes /= 1000;
		u++;
	}
	if (u && bytes < 100)
		xp_buf_printf(b, "%u.%u %s", (unsigned)bytes, (unsigned)(rest / 100), units[u]);
	else
		xp_buf_printf(b, "%u %s", (unsigned)bytes, units[u]);
}

/* ---- a typed line ---- */

void xp_tui_input_clear(struct xp_tui_input *in)
{
	*in = (struct xp_tui_input){0};
}

static void input_erase(struct xp_tui_input *in)
{
	while (in->len && ((unsigned char)in->text[in->len - 1] & 0xc0) == 0x80)
		in->len--;
	in->len -= in->len > 0;
	in->text[in->len] = 0;
}

static void input_add(struct xp_tui_input *in, uint32_t key)
{
	char bytes[4];
	size_t n = 0;

	if (key < 0x80) {
		bytes[n++] = (char)key;
	} else if (key < 0x800) {
		bytes[n++] = (char)(0xc0 | key >> 6);
		bytes[n++] = (char)(0x80 | (key & 0x3f));
	} else if (key < 0x10000) {
		bytes[n++] = (char)(0xe0 | key >> 12);
		bytes[n++] = (char)(0x80 | (key >> 6 & 0x3f));
		bytes[n++] = (char)(0x80 | (key & 0x3f));
	}
	if (in->len + n >= sizeof(in->text))
		return;
	memcpy(in->text + in->len, bytes, n);
	in->len += n;
	in->text[in->len] = 0;
}

bool xp_tui_input_key(struct xp_tui_input *in, uint32_t key)
{
	if (key == XP_TUI_BACKSPACE)
		input_erase(in);
	else if (key == ('U' & 0x1f))
		xp_tui_input_clear(in);
	else if (key >= 0x20 && key != 0x7f && key < XP_TUI_KEY_FIRST)
		input_add(in, key);
	else
		return false;
	return true;
}

void xp_tui_input_draw(const struct xp_tui_input *in, struct xp_tui_canvas *c, unsigned row,
		       unsigned col)
{
	unsigned room = c->cols > col + 2 ? c->cols - col - 2 : 1;
	unsigned used = xp_tui_put_end(c, row, col, room, XP_TUI_BOLD, in->text, 0);

	for (unsigned i = used; i < room && i < 40; i++)
		xp_tui_put_char(c, row, col + i, XP_TUI_PLAIN, '_');
	c->has_cursor = true;
	c->cursor_row = row;
	c->cursor_col = col + used;
}

/* ---- a passphrase ---- */

bool xp_tui_wants_secret(const struct xp_tui *t)
{
	return t->screen == XP_TUI_PASSPHRASE && t->secret.data;
}

void xp_tui_secret_byte(struct xp_tui *t, uint8_t byte)
{
	if (!xp_tui_wants_secret(t))
		return;
	if (byte == '\r' || byte == '\n') {
		xp_tui_wish_add(t, t->secret_len ? XP_TUI_WISH_KEY : XP_TUI_WISH_NONE, 0);
	} else if (byte == 0x1b) {
		xp_wipe(t->secret.data, t->secret.len);
		t->secret_len = 0;
		xp_tui_wish_add(t, XP_TUI_WISH_HOST_KEY, 0);
	} else if (byte == 0x7f || byte == 8) {
		while (t->secret_len && (t->secret.data[t->secret_len - 1] & 0xc0) == 0x80)
			t->secret.data[--t->secret_len] = 0;
		if (t->secret_len)
			t->secret.data[--t->secret_len] = 0;
	} else if (byte == ('U' & 0x1f)) {
		xp_wipe(t->secret.data, t->secret.len);
		t->secret_len = 0;
	} else if (byte >= 0x20 && t->secret_len + 1 < t->secret.len) {
		t->secret.data[t->secret_len++] = byte;
	}
}

/* ---- dispatch ---- */

/* Keys that mean the same everywhere, unless something is typed. */
static bool common_key(struct xp_tui *t, uint32_t key)
{
	if (key == XP_TUI_F1) {
		xp_tui_visit(t, XP_TUI_HELP);
		return true;
	}
	if (key == XP_TUI_F10) {
		xp_tui_visit(t, XP_TUI_QUIT);
		return true;
	}
	return false;
}

/* A pane to be read, and nothing else. */
static void reader_key(struct xp_tui *t, uint32_t key)
{
	if (xp_tui_scroll_key(t, key))
		return;
	if (key == XP_TUI_ESCAPE || key == XP_TUI_ENTER || key == 'q')
		xp_tui_back(t);
	else if (key == '?')
		xp_tui_visit(t, XP_TUI_HELP);
}

void xp_tui_key_press(struct xp_tui *t, uint32_t key, uint64_t now_ms)
{
	xp_tui_tick(t, now_ms);
	t->keys_n++;
	if (common_key(t, key))
		return;
	switch (t->screen) {
	case XP_TUI_LIST:
		xp_tui_list_key(t, key);
		return;
	case XP_TUI_PLAN:
		xp_tui_plan_key(t, key);
		return;
	case XP_TUI_CONFIRM:
		xp_tui_confirm_key(t, key);
		return;
	case XP_TUI_WORK:
		xp_tui_work_key(t, key);
		return;
	case XP_TUI_SUMMARY:
		xp_tui_summary_key(t, key);
		return;
	case XP_TUI_INTERRUPTED:
		xp_tui_left_key(t, key);
		return;
	case XP_TUI_PLACE:
		xp_tui_place_key(t, key);
		return;
	case XP_TUI_OTHER:
		xp_tui_other_key(t, key);
		return;
	case XP_TUI_OPERATOR:
	case XP_TUI_CLOCK:
	case XP_TUI_KEYBOARD:
	case XP_TUI_QUIT:
	case XP_TUI_PASSPHRASE:
		xp_tui_ask_key(t, key);
		return;
	case XP_TUI_DETAILS:
	case XP_TUI_RESULT:
	case XP_TUI_CHECKPOINT:
	case XP_TUI_MESSAGES:
	case XP_TUI_HELP:
		reader_key(t, key);
		return;
	}
}

void xp_tui_tick(struct xp_tui *t, uint64_t now_ms)
{
	t->now_ms = now_ms;
	if (*t->pinned && now_ms - t->message_ms > MESSAGE_MS)
		t->pinned[0] = 0;
	xp_tui_list_flush(t);
}

static void draw_screen(struct xp_tui *t, struct xp_tui_canvas *c)
{
	switch (t->screen) {
	case XP_TUI_LIST:
		xp_tui_list_draw(t, c);
		return;
	case XP_TUI_DETAILS:
		xp_tui_details_draw(t, c);
		return;
	case XP_TUI_PLAN:
		xp_tui_plan_draw(t, c);
		return;
	case XP_TUI_CONFIRM:
		xp_tui_confirm_draw(t, c);
		return;
	case XP_TUI_WORK:
		xp_tui_work_draw(t, c);
		return;
	case XP_TUI_RESULT:
		xp_tui_result_draw(t, c);
		return;
	case XP_TUI_SUMMARY:
		xp_tui_summary_draw(t, c);
		return;
	case XP_TUI_CHECKPOINT:
		xp_tui_checkpoint_draw(t, c);
		return;
	case XP_TUI_INTERRUPTED:
		xp_tui_left_draw(t, c);
		return;
	case XP_TUI_OPERATOR:
	case XP_TUI_PASSPHRASE:
	case XP_TUI_CLOCK:
	case XP_TUI_KEYBOARD:
	case XP_TUI_QUIT:
		xp_tui_ask_draw(t, c);
		return;
	case XP_TUI_PLACE:
		xp_tui_place_draw(t, c);
		return;
	case XP_TUI_OTHER:
		xp_tui_other_draw(t, c);
		return;
	case XP_TUI_MESSAGES:
		xp_tui_messages_draw(t, c);
		return;
	case XP_TUI_HELP:
		xp_tui_help_draw(t, c);
		return;
	}
}

void xp_tui_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	xp_tui_canvas_clear(c);
	t->rows = c->rows;
	t->cols = c->cols;
	draw_screen(t, c);
}
