#include "cli/tui/tui_terminal.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/secret.h"
#include "cli/tui/tui.h"

struct xp_tui_terminal {
	SCREEN *screen;
	bool utf8, colours;
	struct termios before;
	struct xp_buf end_text;
};

/* ncurses has macros of these names */
#undef timeout
#undef erase

static bool knows_utf8(void)
{
	const char *term = getenv("TERM");

	if (!term || strncmp(term, "vt1", 3) == 0 || strncmp(term, "vt2", 3) == 0 ||
	    strncmp(term, "vt3", 3) == 0)
		return false;
	if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
		return true;
	/* Linux's own console shows UTF-8, whatever nobody has set */
	return strcmp(term, "linux") == 0 && setlocale(LC_CTYPE, "C.UTF-8") != NULL;
}

static void note_end(struct xp_tui_terminal *t)
{
	static const char *const names[] = {"sgr0", "cnorm", "rmkx", "rmcup"};

	for (size_t i = 0; i < XP_ARRAY_LEN(names); i++) {
		const char *text = tigetstr((char *)(uintptr_t)names[i]);

		if (text && text != (char *)-1)
			xp_buf_puts(&t->end_text, text);
	}
	xp_buf_puts(&t->end_text, "\r\n");
}

static void begin_colours(struct xp_tui_terminal *t)
{
	const char *none = getenv("NO_COLOR");

	t->colours = has_colors() && !(none && *none) && start_color() == OK &&
		     use_default_colors() == OK;
	if (!t->colours)
		return;
	init_pair(1, COLOR_GREEN, -1);
	init_pair(2, COLOR_YELLOW, -1);
	init_pair(3, COLOR_RED, -1);
	init_pair(4, COLOR_WHITE, COLOR_BLACK);
}

/*
 * What is typed at the other end of a serial line comes from another terminal than TERM names: the
 * keys as terminals commonly send them, where TERM says nothing else.
 */
static void know_keys(void)
{
	static const struct {
		const char *sent;
		int key;
	} common[] = {
		{"\033[A", KEY_UP},	{"\033OA", KEY_UP},	{"\033[B", KEY_DOWN},
		{"\033OB", KEY_DOWN},	{"\033[5~", KEY_PPAGE}, {"\033[6~", KEY_NPAGE},
		{"\033[1~", KEY_HOME},	{"\033[7~", KEY_HOME},	{"\033[H", KEY_HOME},
		{"\033OH", KEY_HOME},	{"\033[4~", KEY_END},	{"\033[8~", KEY_END},
		{"\033[F", KEY_END},	{"\033OF", KEY_END},	{"\033OP", KEY_F(1)},
		{"\033[11~", KEY_F(1)}, {"\033[[A", KEY_F(1)},	{"\033[21~", KEY_F(10)},
	};

	for (size_t i = 0; i < XP_ARRAY_LEN(common); i++)
		if (key_defined(common[i].sent) == 0)
			define_key(common[i].sent, common[i].key);
}

enum xp_rc xp_tui_terminal_open(struct xp_tui_terminal **out, bool ascii, struct xp_err *err)
{
	struct xp_tui_terminal *t;

	*out = NULL;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return xp_fail(err, XP_E_USAGE,
			       "the full screen needs a terminal; in a script use expunge run");
	setlocale(LC_CTYPE, "");
	t = calloc(1, sizeof(*t));
	if (!t)
		return xp_fail(err, XP_E_NOMEM, "terminal");
	t->utf8 = !ascii && knows_utf8();
	if (tcgetattr(STDIN_FILENO, &t->before)) {
		free(t);
		return xp_fail_errno(err, XP_E_IO, "terminal");
	}
	t->screen = newterm(NULL, stdout, stdin);
	if (!t->screen || !tigetstr((char *)(uintptr_t) "cup") ||
	    tigetstr((char *)(uintptr_t) "cup") == (char *)-1) {
		const char *term = getenv("TERM");

		if (t->screen)
			endwin();
		free(t);
		return xp_fail(err, XP_E_USAGE,
			       "a terminal of the kind %s (TERM) cannot show a full screen; in a "
			       "script use expunge run",
			       term ? term : "(none)");
	}
	note_end(t);
	raw();
	noecho();
	nonl();
	set_escdelay(100);
	keypad(stdscr, TRUE);
	know_keys();
	nodelay(stdscr, TRUE);
	begin_colours(t);
	*out = t;
	return XP_OK;
}

void xp_tui_terminal_close(struct xp_tui_terminal **t)
{
	if (!*t)
		return;
	endwin();
	delscreen((*t)->screen);
	xp_buf_free(&(*t)->end_text);
	free(*t);
	*t = NULL;
}

bool xp_tui_terminal_is_utf8(const struct xp_tui_terminal *t)
{
	return t->utf8;
}

void xp_tui_terminal_size(const struct xp_tui_terminal *t, unsigned *rows, unsigned *cols)
{
	(void)t;
	*rows = LINES > 0 ? (unsigned)LINES : 24;
	*cols = COLS > 0 ? (unsigned)COLS : 80;
}

const struct termios *xp_tui_terminal_before(const struct xp_tui_terminal *t)
{
	return &t->before;
}

const char *xp_tui_terminal_end_text(const struct xp_tui_terminal *t)
{
	return xp_buf_str(&t->end_text);
}

/* ---- keys ---- */

static uint32_t function_key(wint_t ch)
{
	static const struct {
		wint_t ch;
		uint32_t key;
	} keys[] = {
		{KEY_UP, XP_TUI_UP},	     {KEY_DOWN, XP_TUI_DOWN},
		{KEY_PPAGE, XP_TUI_PAGE_UP}, {KEY_NPAGE, XP_TUI_PAGE_DOWN},
		{KEY_HOME, XP_TUI_HOME},     {KEY_END, XP_TUI_END},
		{KEY_ENTER, XP_TUI_ENTER},   {KEY_BACKSPACE, XP_TUI_BACKSPACE},
		{KEY_F(1), XP_TUI_F1},	     {KEY_F(10), XP_TUI_F10},
	};

	for (size_t i = 0; i < XP_ARRAY_LEN(keys); i++)
		if (keys[i].ch == ch)
			return keys[i].key;
	return 0;
}

static uint32_t control_key(wint_t ch)
{
	switch (ch) {
	case '\r':
	case '\n':
		return XP_TUI_ENTER;
	case 0x1b:
		return XP_TUI_ESCAPE;
	case 0x7f:
	case 8:
		return XP_TUI_BACKSPACE;
	case 'C' & 0x1f:
		return XP_TUI_F10;
	default:
		return (uint32_t)ch;
	}
}

bool xp_tui_terminal_key(struct xp_tui_terminal *t, uint32_t *key)
{
	wint_t ch = 0;
	int rc;

	(void)t;
	while ((rc = get_wch(&ch)) != ERR) {
		*key = rc == KEY_CODE_YES ? function_key(ch) : control_key(ch);
		if (rc != KEY_CODE_YES && ch == ('L' & 0x1f))
			clearok(curscr, TRUE);
		else if (*key)
			return true;
	}
	return false;
}

int xp_tui_terminal_byte(struct xp_tui_terminal *t)
{
	struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
	uint8_t bytes[16];
	ssize_t n;
	int byte;

	(void)t;
	if (poll(&fd, 1, 0) <= 0 || !(fd.revents & POLLIN))
		return -1;
	/* one by one, so that what stands behind an Enter is not taken for it */
	if (read(STDIN_FILENO, bytes, 1) != 1)
		return -1;
	byte = bytes[0];
	if (byte != 0x1b) {
		xp_wipe(bytes, sizeof(bytes));
		return byte;
	}
	/* a key that sends a sequence: it is over before a finger could type more */
	if (poll(&fd, 1, 50) <= 0)
		return byte;
	n = read(STDIN_FILENO, bytes, sizeof(bytes));
	xp_wipe(bytes, sizeof(bytes));
	return n > 0 ? -1 : byte;
}

/* ---- drawing ---- */

static attr_t attributes(const struct xp_tui_terminal *t, uint8_t look, short *pair)
{
	attr_t a = A_NORMAL;

	*pair = 0;
	if (look & XP_TUI_BOLD)
		a |= A_BOLD;
	if (look & XP_TUI_REVERSE)
		a |= A_REVERSE;
	if (!t->colours)
		return a;
	if (look & XP_TUI_CODE)
		*pair = 4;
	else if (look & XP_TUI_BAD)
		*pair = 3;
	else if (look & XP_TUI_CAUTION)
		*pair = 2;
	else if (look & XP_TUI_GOOD)
		*pair = 1;
	return a;
}

static void show_cell(const struct xp_tui_terminal *t, unsigned row, unsigned col,
		      const struct xp_tui_cell *cell)
{
	wchar_t text[2] = {(wchar_t)cell->ch, 0};
	short pair;
	attr_t a = attributes(t, cell->look, &pair);
	cchar_t ch;

	/* a light module of a code: a blank in reverse fills its place wholly */
	if (cell->look & XP_TUI_CODE && cell->ch == '#') {
		text[0] = ' ';
		a |= A_REVERSE;
	}
	if (!t->utf8 && text[0] > 0x7e)
		text[0] = '?';
	if (setcchar(&ch, text, a, pair, NULL) == OK)
		mvadd_wch((int)row, (int)col, &ch);
}

void xp_tui_terminal_show(struct xp_tui_terminal *t, const struct xp_tui_canvas *c, bool beeps)
{
	for (unsigned row = 0; row < c->rows; row++)
		for (unsigned col = 0; col < c->cols; col++)
			show_cell(t, row, col, &c->cells[(size_t)row * c->cols + col]);
	if (c->has_cursor) {
		curs_set(1);
		move((int)c->cursor_row, (int)c->cursor_col);
	} else {
		curs_set(0);
		move((int)c->rows - 1, 0);
	}
	if (beeps)
		beep();
	refresh();
}
