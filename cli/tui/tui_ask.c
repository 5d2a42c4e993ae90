#include "cli/tui/tui_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* ---- details of one drive ---- */

void xp_tui_details_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	const struct xp_tui_drive *d = xp_tui_drive_here(t);

	xp_tui_head(t, c, "one drive");
	if (d)
		xp_tui_scrolled(t, c, 2, 15, d->details ? d->details : "");
	else
		xp_tui_put(c, 2, 0, c->cols, XP_TUI_PLAIN, "It is gone.");
	xp_tui_foot(t, c, "Up/Down read  Esc back");
}

/* ---- jobs that an earlier run left ---- */

void xp_tui_left_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	unsigned row = 3;
	unsigned end = c->rows > 3 ? c->rows - 3 : 0;
	size_t first =
		t->left_cursor * 3 + 6 > end ? t->left_cursor - (end > 6 ? (end - 6) / 3 : 0) : 0;

	xp_tui_head(t, c, "interrupted jobs");
	xp_tui_put(c, 1, 0, c->cols, XP_TUI_BOLD,
		   t->left_n ? "These were begun and not ended: data may remain on the drives."
			     : "No job was interrupted.");
	for (size_t i = first; i < t->left_n && row + 2 < end; i++) {
		const struct xp_tui_left *l = &t->left[i];
		bool here = i == t->left_cursor;
		unsigned base = here ? XP_TUI_REVERSE : XP_TUI_PLAIN;

		xp_tui_put(c, row, 0, 1, base, here ? ">" : " ");
		xp_tui_put_end(c, row, 2, 30, base, l->confirm, 6);
		xp_tui_putf(c, row, 33, base, "%s  %s", l->path,
			    l->taken	 ? "(gone on with)"
			    : l->present ? "(here)"
					 : "(NOT HERE: put the drive in)");
		xp_tui_putf(c, row + 1, 4, XP_TUI_PLAIN, "%s: %s%s", l->technique, l->where,
			    l->password ? "; a password of ours may be on it" : "");
		row += 3;
	}
	xp_tui_foot(t, c, "r go on with this one  Up/Down choose  Esc drives  F1 help  q quit");
}

void xp_tui_left_key(struct xp_tui *t, uint32_t key)
{
	if (xp_tui_cursor_key(t, &t->left_cursor, t->left_n, key))
		return;
	switch (key) {
	case 'r':
		if (t->left_cursor >= t->left_n || t->left[t->left_cursor].taken)
			xp_tui_beep(t);
		else if (!t->left[t->left_cursor].present)
			xp_tui_say(t, "%s is not here; put the drive in first",
				   t->left[t->left_cursor].confirm);
		else
			xp_tui_wish_add(t, XP_TUI_WISH_RESUME, t->left_cursor);
		break;
	case 'q':
		xp_tui_visit(t, XP_TUI_QUIT);
		break;
	case '?':
		xp_tui_visit(t, XP_TUI_HELP);
		break;
	case 'd':
	case XP_TUI_ENTER:
	case XP_TUI_ESCAPE:
		xp_tui_go(t, XP_TUI_LIST);
		break;
	default:
		break;
	}
}

/* ---- questions ---- */

static void draw_text(struct xp_tui *t, struct xp_tui_canvas *c, const char *title,
		      const char *text, const char *keys, unsigned end)
{
	xp_tui_head(t, c, title);
	xp_tui_foot(t, c, keys);
	xp_tui_scrolled_to(t, c, xp_tui_is_short(c) ? 1 : 2, end, 0, text);
}

/* With a line to be typed below the text, and above it, on its row's other half, how much there is
 * to be read. */
static void draw_question(struct xp_tui *t, struct xp_tui_canvas *c, const char *title,
			  const char *text, const char *keys)
{
	draw_text(t, c, title, text, keys, xp_tui_field_row(c) - 1);
}

static void draw_field(const struct xp_tui *t, struct xp_tui_canvas *c, const char *label)
{
	unsigned row = xp_tui_field_row(c);

	xp_tui_put(c, row - 1, 0, c->cols, XP_TUI_PLAIN, label);
	xp_tui_put(c, row, 0, 2, XP_TUI_BOLD, "> ");
	xp_tui_input_draw(&t->typed, c, row, 2);
}

static void draw_passphrase(struct xp_tui *t, struct xp_tui_canvas *c)
{
	AUTO(xp_buf_free) struct xp_buf text = {0};
	unsigned row = xp_tui_field_row(c);
	unsigned stars = t->secret_len > 40 ? 40 : (unsigned)t->secret_len;

	xp_buf_printf(&text,
		      "The key %s needs its passphrase.\n%sWithout it, Escape goes on with this "
		      "machine's own key. The record then says that a host signed, not a person "
		      "(role host).",
		      t->key_name, xp_tui_is_short(c) ? "" : "\n");
	/* nothing can be scrolled here: every key may be one of the passphrase */
	if (!xp_tui_is_short(c))
		xp_buf_puts(&text, " Such a certificate passes only for a verifier who trusts this "
				   "key, or after somebody signed for it later: expunge-cert "
				   "endorse, or expunge-cert validate.\n");
	draw_question(t, c, "passphrase", xp_buf_str(&text),
		      "Enter done  Esc without it: this machine's own key signs");
	xp_tui_put(c, row - 1, 0, c->cols, XP_TUI_PLAIN, "Passphrase (it is not shown):");
	xp_tui_put(c, row, 0, 2, XP_TUI_BOLD, "> ");
	for (unsigned i = 0; i < stars; i++)
		xp_tui_put_char(c, row, 2 + i, XP_TUI_PLAIN, '*');
	c->has_cursor = true;
	c->cursor_row = row;
	c->cursor_col = 2 + stars;
}

static void draw_quit(struct xp_tui *t, struct xp_tui_canvas *c)
{
	AUTO(xp_buf_free) struct xp_buf text = {0};
	size_t running = xp_tui_running(t);

	if (running && t->stopping)
		xp_buf_printf(&text,
			      "%zu jobs are being stopped in good order. The program ends when "
			      "they have.\n",
			      running);
	else if (running)
		xp_buf_printf(&text,
			      "%zu %s at work.\n\ny  stops them in good order. Data may remain "
			      "then; the journal keeps where they stand, and they can be gone on "
			      "with later. What a drive does by itself goes on in the drive.\n"
			      "n  lets them go on.\n",
			      running, running == 1 ? "job is" : "jobs are");
	else
		xp_buf_puts(&text, "Nothing is at work.\n\ny  ends the program.\nn  goes back.\n");
	draw_text(t, c, "quit?", xp_buf_str(&text),
		  running ? "y stop them  n go on" : "y end  n back",
		  c->rows > 2 ? c->rows - 2 : 0);
}

static void draw_layouts(struct xp_tui *t, struct xp_tui_canvas *c)
{
	xp_tui_head(t, c, "keyboard");
	if (!t->layouts)
		xp_tui_put(c, 2, 0, c->cols, XP_TUI_PLAIN,
			   "This terminal brings its own keyboard; only a console has a layout.");
	for (unsigned i = 0; t->layouts && t->layouts[i]; i++)
		xp_tui_putf(c, 2 + i, 0, i == t->layout_cursor ? XP_TUI_REVERSE : XP_TUI_PLAIN,
			    "%s %s", i == t->layout_cursor ? ">" : " ", t->layouts[i]);
	xp_tui_foot(t, c, "Enter take it  Esc back");
}

void xp_tui_ask_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	AUTO(xp_buf_free) struct xp_buf text = {0};

	switch (t->screen) {
	case XP_TUI_PASSPHRASE:
		draw_passphrase(t, c);
		return;
	case XP_TUI_QUIT:
		draw_quit(t, c);
		return;
	case XP_TUI_KEYBOARD:
		draw_layouts(t, c);
		return;
	case XP_TUI_CLOCK:
		xp_buf_printf(&text,
			      "%s\n\nA certificate with a wrong time is worth nothing, so nothing "
			      "is erased before the clock is right. What is typed here stands in "
			      "the record as the operator's word.\n",
			      t->clock_why);
		draw_question(t, c, "clock", xp_buf_str(&text), "Enter set it  Esc back");
		draw_field(t, c, "Time in UTC, as 2026-11-22 14:05:");
		return;
	default:
		draw_question(t, c, "operator",
			      "Who does this work? The name goes into every record, as the "
			      "performer. An empty one leaves it out.\n",
			      "Enter done  Esc without a name");
		draw_field(t, c, "Name:");
		return;
	}
}

static void quit_key(struct xp_tui *t, uint32_t key)
{
	if (key == 'y' || key == 'Y') {
		if (!xp_tui_running(t)) {
			xp_tui_wish_add(t, XP_TUI_WISH_QUIT, 0);
			t->over = true;
			return;
		}
		t->stopping = true;
		xp_tui_wish_add(t, XP_TUI_WISH_STOP, 0);
		xp_tui_go(t, XP_TUI_WORK);
	} else if (key == 'n' || key == 'N' || key == XP_TUI_ESCAPE) {
		xp_tui_back(t);
	}
}

static void layout_key(struct xp_tui *t, uint32_t key)
{
	size_t n = 0;

	while (t->layouts && t->layouts[n])
		n++;
	if (xp_tui_cursor_key(t, &t->layout_cursor, n, key))
		return;
	if (key == XP_TUI_ENTER && n)
		xp_tui_wish_add(t, XP_TUI_WISH_KEYBOARD, t->layout_cursor);
	if (key == XP_TUI_ENTER || key == XP_TUI_ESCAPE)
		xp_tui_back(t);
}

static void field_key(struct xp_tui *t, uint32_t key)
{
	if (key >= XP_TUI_UP && key <= XP_TUI_PAGE_DOWN)
		(void)xp_tui_scroll_key(t, key);
	else if (key == XP_TUI_ESCAPE)
		xp_tui_back(t);
	else if (key == XP_TUI_ENTER)
		xp_tui_wish_add(
			t, t->screen == XP_TUI_CLOCK ? XP_TUI_WISH_CLOCK : XP_TUI_WISH_PERSON, 0);
	else
		xp_tui_input_key(&t->typed, key);
}

void xp_tui_ask_key(struct xp_tui *t, uint32_t key)
{
	switch (t->screen) {
	case XP_TUI_QUIT:
		quit_key(t, key);
		return;
	case XP_TUI_KEYBOARD:
		layout_key(t, key);
		return;
	case XP_TUI_PASSPHRASE:
		return; /* its bytes come another way */
	default:
		field_key(t, key);
		return;
	}
}

/* ---- help and messages ---- */

static const char help_text[] =
	"THE LIST OF DRIVES\n"
	"  Space        selects the drive under the cursor, or not\n"
	"  a, n         select all that are free; none\n"
	"  scanner      a serial number that is scanned selects its drive\n"
	"  /            filter; Enter keeps it, Esc takes it away\n"
	"  s            sort by place, serial, size, model, state\n"
	"  d            details of the drive\n"
	"  Enter        the plan for what is selected; nothing is touched yet\n"
	"  l            the slot's light on or off\n"
	"  u            take a password of ours off a locked drive\n"
	"  r            ask all drives anew what they can do\n"
	"  w, e         what is at work; the summary\n"
	"  i            jobs that were interrupted\n"
	"  o, t, k      operator's name, time, keyboard layout\n"
	"  m            earlier messages\n"
	"  q, F10       quit\n"
	"\n"
	"MARKS\n"
	"  [x] selected, [ ] free, - in use or at work, * its light is on\n"
	"\n"
	"HOW IT GOES\n"
	"  Select drives, Enter shows the plan with everything that it destroys,\n"
	"  Enter again asks for the confirmation: the serial number of one drive,\n"
	"  or the number of drives and a word. Then the work begins. A drive that\n"
	"  FAILED may still hold data: pull it and set it aside.\n"
	"\n"
	"  F1 and ? show this page; Esc leads back everywhere.\n";

void xp_tui_help_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	xp_tui_head(t, c, "help");
	xp_tui_scrolled(t, c, 2, 15, help_text);
	xp_tui_foot(t, c, "Up/Down read  Esc back");
}

void xp_tui_messages_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	AUTO(xp_buf_free) struct xp_buf text = {0};
	size_t n = t->messages_n < XP_TUI_MESSAGES_MAX ? t->messages_n : XP_TUI_MESSAGES_MAX;

	/* the newest first */
	for (size_t i = 0; i < n; i++)
		xp_buf_printf(&text, "%s\n",
			      t->messages[(t->messages_n - 1 - i) % XP_TUI_MESSAGES_MAX]);
	xp_tui_head(t, c, "messages");
	xp_tui_scrolled(t, c, 2, 2, n ? xp_buf_str(&text) : "No messages.\n");
	xp_tui_foot(t, c, "Up/Down read  Esc back");
}
