#include "cli/tui/tui_inside.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* Where nothing can be kept: what is wrong, and where else it could go. */

static const char *keys_of(const struct xp_tui *t)
{
	if (t->place_server)
		return "Enter take it  f a folder  p repair  r try again  s server only  Esc give "
		       "up";
	return "Enter take it  f a folder  p repair  r try again  Esc give up";
}

static unsigned draw_why(const struct xp_tui *t, struct xp_tui_canvas *c)
{
	AUTO(xp_buf_free) struct xp_buf text = {0};
	const unsigned gap = xp_tui_is_short(c) ? 0 : 1;
	const unsigned below = xp_tui_is_short(c) ? (t->place_typing ? 6 : 7) : 12;
	unsigned lines;
	unsigned room = c->rows > below ? c->rows - below : 1;

	xp_buf_printf(&text, "%s\n", t->place_why);
	lines = xp_tui_pane(c, 2 + gap, room, 0, 0, xp_buf_str(&text));
	return 2 + gap + (lines < room ? lines : room) + gap;
}

static void draw_places(const struct xp_tui *t, struct xp_tui_canvas *c, unsigned row)
{
	unsigned below = xp_tui_is_short(c) ? 2 : 6;
	unsigned end = c->rows > below ? c->rows - below : 0;

	xp_tui_put(c, row++, 0, c->cols, XP_TUI_BOLD,
		   t->places_n ? "Other places that hold boxes:"
			       : "No other medium here holds boxes. With f a folder can be named.");
	for (size_t i = 0; i < t->places_n && row < end; i++, row++) {
		const struct xp_tui_place *p = &t->places[i];
		bool here = i == t->place_cursor;
		unsigned base = here ? XP_TUI_REVERSE : XP_TUI_PLAIN;

		xp_tui_put(c, row, 0, 1, base, here ? ">" : " ");
		xp_tui_put_end(c, row, 2, 34, base, p->folder, 0);
		xp_tui_put(c, row, 37, c->cols, base, p->what);
	}
}

void xp_tui_place_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	unsigned row;

	xp_tui_head(t, c, "nothing can be kept");
	xp_tui_put(c, 1, 0, c->cols, XP_TUI_BOLD,
		   "Nothing was touched. What cannot be recorded is not erased.");
	row = draw_why(t, c);
	if (!t->place_typing || !xp_tui_is_short(c))
		draw_places(t, c, row);
	if (t->place_typing) {
		row = xp_tui_field_row(c);
		xp_tui_put(c, row - 1, 0, c->cols, XP_TUI_PLAIN,
			   "Folder (boxes are made in it where it has none):");
		xp_tui_put(c, row, 0, 2, XP_TUI_BOLD, "> ");
		xp_tui_input_draw(&t->typed, c, row, 2);
	}
	xp_tui_foot(t, c, t->place_typing ? "Enter take it  Esc back" : keys_of(t));
}

static void typing_key(struct xp_tui *t, uint32_t key)
{
	if (key == XP_TUI_ESCAPE || (key == XP_TUI_ENTER && !t->typed.len)) {
		t->place_typing = false;
		xp_tui_input_clear(&t->typed);
	} else if (key == XP_TUI_ENTER) {
		t->place_typing = false;
		xp_tui_wish_add(t, XP_TUI_WISH_PLACE_TYPED, 0);
	} else {
		xp_tui_input_key(&t->typed, key);
	}
}

void xp_tui_place_key(struct xp_tui *t, uint32_t key)
{
	if (t->place_typing) {
		typing_key(t, key);
		return;
	}
	if (xp_tui_cursor_key(t, &t->place_cursor, t->places_n, key))
		return;
	switch (key) {
	case XP_TUI_ENTER:
		if (t->place_cursor < t->places_n)
			xp_tui_wish_add(t, XP_TUI_WISH_PLACE, t->place_cursor);
		else
			xp_tui_beep(t);
		break;
	case 'f':
		t->place_typing = true;
		xp_tui_input_clear(&t->typed);
		break;
	case 'p':
		xp_tui_wish_add(t, XP_TUI_WISH_PLACE_REPAIR, 0);
		break;
	case 'r':
		xp_tui_wish_add(t, XP_TUI_WISH_PLACE_AGAIN, 0);
		break;
	case 's':
		if (t->place_server)
			xp_tui_wish_add(t, XP_TUI_WISH_PLACE_SERVER, 0);
		else
			xp_tui_beep(t);
		break;
	case '?':
		xp_tui_visit(t, XP_TUI_HELP);
		break;
	case 'q':
	case XP_TUI_ESCAPE:
		xp_tui_wish_add(t, XP_TUI_WISH_PLACE_NONE, 0);
		break;
	default:
		break;
	}
}

/* ---- another console is in charge ---- */

void xp_tui_other_draw(struct xp_tui *t, struct xp_tui_canvas *c)
{
	xp_tui_head(t, c, "another console is in charge");
	xp_tui_pane(c, 2, 3, 0, 0,
		    "Drives are chosen and erased on another console of this machine. This one "
		    "shows what is at work there, and takes over when it ends.\n");
	xp_tui_scrolled(t, c, 5, 13, t->other ? t->other : "");
	xp_tui_foot(t, c, "Up/Down read  F1 help  q quit");
}

void xp_tui_other_key(struct xp_tui *t, uint32_t key)
{
	if (xp_tui_scroll_key(t, key))
		return;
	if (key == 'q')
		xp_tui_visit(t, XP_TUI_QUIT);
	else if (key == '?')
		xp_tui_visit(t, XP_TUI_HELP);
}
