/*
 * tui_canvas: what a screen looks like, as cells in memory. The screens draw into it; a thin layer
 * brings it to a terminal, and tests read it as text. Text of drives and files comes in raw and is
 * escaped here: no other way leads to the terminal.
 */
#pragma once
#include "base/err.h"

#include <stdint.h>

/* How a cell is meant. Colour only repeats what a word says. */
enum xp_tui_look {
	XP_TUI_PLAIN = 0,
	XP_TUI_BOLD = 1,
	XP_TUI_REVERSE = 2,
	XP_TUI_GOOD = 4,
	XP_TUI_CAUTION = 8,
	XP_TUI_BAD = 16,
	XP_TUI_CODE = 32, /* of a QR code: black on white, whatever the terminal's own colours */
};

struct xp_tui_cell {
	uint32_t ch;
	uint8_t look;
};

struct xp_tui_canvas {
	unsigned rows, cols;
	bool utf8; /* characters beyond ASCII can be shown */
	struct xp_tui_cell *cells;
	/* where the cursor stands; shown only where something is typed */
	bool has_cursor;
	unsigned cursor_row, cursor_col;
};

#define XP_TUI_ROWS_MAX 200
#define XP_TUI_COLS_MAX 400

/* An empty canvas of this size (at least 1 x 1, at most the above); may be called again. */
MUST_USE enum xp_rc xp_tui_canvas_size(struct xp_tui_canvas *c, unsigned rows, unsigned cols,
				       struct xp_err *err);
void xp_tui_canvas_clear(struct xp_tui_canvas *c);
void xp_tui_canvas_free(struct xp_tui_canvas *c);

/*
 * TEXT at ROW, COL, in at most WIDTH columns; what does not fit is cut, and what lies outside is
 * not drawn. Returns the columns that were used.
 */
unsigned xp_tui_put(struct xp_tui_canvas *c, unsigned row, unsigned col, unsigned width,
		    unsigned look, const char *text);
unsigned xp_tui_putf(struct xp_tui_canvas *c, unsigned row, unsigned col, unsigned look,
		     const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/*
 * The end of TEXT where it does not fit, behind "..": ends of serial numbers differ, beginnings
 * seldom do. The last BOLD characters are bold.
 */
unsigned xp_tui_put_end(struct xp_tui_canvas *c, unsigned row, unsigned col, unsigned width,
			unsigned look, const char *text, unsigned bold);
/* One character of ours. */
void xp_tui_put_char(struct xp_tui_canvas *c, unsigned row, unsigned col, unsigned look,
		     uint32_t ch);
/* Adds LOOK to a whole row. */
void xp_tui_row_look(struct xp_tui_canvas *c, unsigned row, unsigned look);

/* Columns that TEXT needs when it is shown. */
unsigned xp_tui_text_columns(const struct xp_tui_canvas *c, const char *text);

/*
 * TEXT of several lines from ROW on, HEIGHT rows high, SKIP lines left out first. Long lines go on
 * below their beginning, at HANG columns. Returns how many lines the whole text has at this width.
 */
unsigned xp_tui_pane(struct xp_tui_canvas *c, unsigned row, unsigned height, unsigned skip,
		     unsigned hang, const char *text);

/* Rows as lines of UTF-8, blanks at their ends cut off; malloc'ed, NULL: no memory. */
char *xp_tui_canvas_text(const struct xp_tui_canvas *c);
