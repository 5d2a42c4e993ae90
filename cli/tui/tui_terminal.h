/* tui_terminal: a canvas brought to a terminal by ncurses, and its keys. Decides nothing. */
#pragma once
#include "cli/tui/tui_canvas.h"

#include <termios.h>

struct xp_tui_terminal;

/*
 * ASCII: no character beyond it is shown, whatever the terminal could. XP_E_USAGE: standard input
 * and output are no terminal, or one that cannot move its cursor.
 */
MUST_USE enum xp_rc xp_tui_terminal_open(struct xp_tui_terminal **out, bool ascii,
					 struct xp_err *err);
/* Gives the terminal back as it was. */
void xp_tui_terminal_close(struct xp_tui_terminal **t);

bool xp_tui_terminal_is_utf8(const struct xp_tui_terminal *t);
void xp_tui_terminal_size(const struct xp_tui_terminal *t, unsigned *rows, unsigned *cols);
/* The next key that was pressed (see tui.h); false: none. */
bool xp_tui_terminal_key(struct xp_tui_terminal *t, uint32_t *key);
/* Bytes as they come, past all buffers; -1: none. What an escape sequence sends is left out. */
int xp_tui_terminal_byte(struct xp_tui_terminal *t);
void xp_tui_terminal_show(struct xp_tui_terminal *t, const struct xp_tui_canvas *c, bool beeps);

/* What brings the terminal back, for somebody who must do it in our place. */
const struct termios *xp_tui_terminal_before(const struct xp_tui_terminal *t);
const char *xp_tui_terminal_end_text(const struct xp_tui_terminal *t);
