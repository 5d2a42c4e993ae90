#include "cli/tui/tui_canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/output.h"

static unsigned clamp(unsigned v, unsigned max)
{
	return v == 0 ? 1 : v > max ? max : v;
}

enum xp_rc xp_tui_canvas_size(struct xp_tui_canvas *c, unsigned rows, unsigned cols,
			      struct xp_err *err)
{
	struct xp_tui_cell *cells;

	rows = clamp(rows, XP_TUI_ROWS_MAX);
	cols = clamp(cols, XP_TUI_COLS_MAX);
	cells = calloc((size_t)rows * cols, sizeof(*cells));
	if (!cells)
		return xp_fail(err, XP_E_NOMEM, "screen");
	free(c->cells);
	c->cells = cells;
	c->rows = rows;
	c->cols = cols;
	xp_tui_canvas_clear(c);
	return XP_OK;
}

void xp_tui_canvas_clear(struct xp_tui_canvas *c)
{
	for (size_t i = 0; i < (size_t)c->rows * c->cols; i++)
		c->cells[i] = (struct xp_tui_cell){.ch = ' '};
	c->has_cursor = false;
}

void xp_tui_canvas_free(struct xp_tui_canvas *c)
{
	free(c->cells);
	*c = (struct xp_tui_canvas){0};
}

void xp_tui_put_char(struct xp_tui_canvas *c, unsigned row, unsigned col, unsigned look,
		     uint32_t ch)
{
	if (row >= c->rows || col >= c->cols)
		return;
	c->cells[(size_t)row * c->cols + col] =
		(struct xp_tui_cell){.ch = ch, .look = (uint8_t)look};
}

void xp_tui_row_look(struct xp_tui_canvas *c, unsigned row, unsigned look)
{
	for (unsigned i = 0; row < c->rows && i < c->cols; i++) {
		struct xp_tui_cell *cell = &c->cells[(size_t)row * c->cols + i];

		cell->look = (uint8_t)(cell->look | look);
	}
}

/* ---- text ---- */

/* One well-formed character (xp_buf_escaped leaves no others); returns its bytes. */
static size_t next_char(uint32_t *cp, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	*cp = len == 1 ? s[0] : s[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++)
		*cp = *cp << 6 | (s[i] & 0x3fu);
	return len;
}

/*
 * Letters that every terminal with UTF-8 shows in one column, and that stand by themselves: Latin,
 * Greek, Cyrillic, a few signs. The rest is shown as a number, so that columns never shift.
 */
static bool is_one_column(uint32_t cp)
{
	return (cp >= 0xa1 && cp < 0x300 && cp != 0xad) || (cp >= 0x370 && cp < 0x483) ||
	       (cp >= 0x48a && cp < 0x530) || (cp >= 0x2010 && cp < 0x2028) ||
	       (cp >= 0x2030 && cp < 0x205f) || cp == 0x20ac;
}

/* Escaped, and without what this terminal could not show in one column a character. */
static void make_safe(struct xp_buf *out, const char *text, bool utf8)
{
	AUTO(xp_buf_free) struct xp_buf escaped = {0};
	const char *s;
	uint32_t cp;

	xp_buf_escaped(&escaped, text);
	for (s = xp_buf_str(&escaped); *s;) {
		size_t len = next_char(&cp, s);

		if (cp < 0x80 || (utf8 && is_one_column(cp)))
			xp_buf_add(out, s, len);
		else
			xp_buf_printf(out, "\\u{%04x}", (unsigned)cp);
		s += len;
	}
}

static unsigned columns_of(const char *safe)
{
	unsigned n = 0;

	for (; *safe; safe++)
		n += ((unsigned char)*safe & 0xc0) != 0x80;
	return n;
}

unsigned xp_tui_text_columns(const struct xp_tui_canvas *c, const char *text)
{
	AUTO(xp_buf_free) struct xp_buf safe = {0};

	make_safe(&safe, text, c->utf8);
	return columns_of(xp_buf_str(&safe));
}

static unsigned put_safe(struct xp_tui_canvas *c, unsigned row, unsigned col, unsigned width,
			 unsigned look, const char *safe)
{
	unsigned n = 0;
	uint32_t cp;

	while (*safe && n < width) {
		safe += next_char(&cp, safe);
		xp_tui_put_char(c, row, col + n, look, cp);
		n++;
	}
	return n;
}

unsigned xp_tui_put(struct xp_tui_canvas *c, unsigned row, unsigned col, unsigned width,
		    unsigned look, const char *text)
{
	AUTO(xp_buf_free) struct xp_buf safe = {0};

	make_safe(&safe, text, c->utf8);
	return put_safe(c, row, col, width, look, xp_buf_str(&safe));
}

unsigned xp_tui_putf(struct xp_tui_canvas *c, unsigned row, unsigned col, unsigned look,
		     const char *fmt, ...)
{
	AUTO_MEM char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return xp_tui_put(c, row, col, c->cols, look, text ? text : "(no memory)");
}

unsigned xp_tui_put_end(struct xp_tui_canvas *c, unsigned row, unsigned col, unsigned width,
			unsigned look, const char *text, unsigned bold)
{
	AUTO(xp_buf_free) struct xp_buf safe = {0};
	const char *s;
	unsigned n;
	unsigned at = 0;
	uint32_t cp;

	make_safe(&safe, text, c->utf8);
	s = xp_buf_str(&safe);
	n = columns_of(s);
	if (n > width && width > 2) {
		at = put_safe(c, row, col, 2, look, "..");
		for (; n > width - 2; n--)
			s += next_char(&cp, s);
	}
	for (; *s && at < width; n--) {
		s += next_char(&cp, s);
		xp_tui_put_char(c, row, col + at, n <= bold ? look | XP_TUI_BOLD : look, cp);
		at++;
	}
	return at;
}

/* ---- panes ---- */

struct pane {
	struct xp_tui_canvas *c;
	unsigned row, height, skip;
	unsigned line; /* of the whole text */
};

static void pane_put(const struct pane *p, unsigned col, const char *text, size_t len)
{
	AUTO(xp_buf_free) struct xp_buf part = {0};

	if (p->line < p->skip || p->line - p->skip >= p->height)
		return;
	xp_buf_add(&part, text, len);
	put_safe(p->c, p->row + p->line - p->skip, col, p->c->cols, XP_TUI_PLAIN,
		 xp_buf_str(&part));
}

/* The bytes of the first COLUMNS characters of S, up to LEN. */
static size_t bytes_of_columns(const char *s, size_t len, unsigned columns)
{
	size_t at = 0;
	uint32_t cp;

	while (at < len && columns-- > 0)
		at += next_char(&cp, s + at);
	return at < len ? at : len;
}

/* One line of the text, which is safe: as many rows as it needs. */
static void pane_line(struct pane *p, unsigned hang, const char *text)
{
	unsigned width = p->c->cols;
	size_t left = strlen(text);
	unsigned col = 0;

	if (hang + 16 > width)
		hang = 0;
	while (left) {
		size_t fits = bytes_of_columns(text, left, width - col);
		size_t next = fits;

		if (fits < left) {
			size_t word = fits;

			while (word > 0 && text[word] != ' ')
				word--;
			/* a word that is longer than the row is broken */
			if (word > 0 && (col > 0 || word > hang)) {
				fits = word;
				next = word + 1;
			}
		}
		pane_put(p, col, text, fits);
		p->line++;
		text += next;
		left -= next;
		col = hang;
	}
}

unsigned xp_tui_pane(struct xp_tui_canvas *c, unsigned row, unsigned height, unsigned skip,
		     unsigned hang, const char *text)
{
	struct pane p = {.c = c, .row = row, .height = height, .skip = skip};

	while (*text) {
		AUTO(xp_buf_free) struct xp_buf line = {0};
		AUTO(xp_buf_free) struct xp_buf safe = {0};
		size_t len = strcspn(text, "\n");

		xp_buf_add(&line, text, len);
		make_safe(&safe, xp_buf_str(&line), c->utf8);
		if (safe.len)
			pane_line(&p, hang, xp_buf_str(&safe));
		else
			p.line++;
		text += len + (text[len] == '\n');
	}
	return p.line;
}

/* ---- for tests and for the pages that show the screens ---- */

static void add_utf8(struct xp_buf *b, uint32_t cp)
{
	if (cp < 0x80) {
		xp_buf_putc(b, (char)cp);
	} else if (cp < 0x800) {
		xp_buf_putc(b, (char)(0xc0 | cp >> 6));
		xp_buf_putc(b, (char)(0x80 | (cp & 0x3f)));
	} else {
		xp_buf_putc(b, (char)(0xe0 | (cp >> 12 & 0x0f)));
		xp_buf_putc(b, (char)(0x80 | (cp >> 6 & 0x3f)));
		xp_buf_putc(b, (char)(0x80 | (cp & 0x3f)));
	}
}

char *xp_tui_canvas_text(const struct xp_tui_canvas *c)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};

	for (unsigned row = 0; row < c->rows; row++) {
		const struct xp_tui_cell *cells = &c->cells[(size_t)row * c->cols];
		unsigned n = c->cols;

		while (n && cells[n - 1].ch == ' ')
			n--;
		for (unsigned i = 0; i < n; i++)
			add_utf8(&b, cells[i].ch);
		xp_buf_putc(&b, '\n');
	}
	return xp_buf_ok(&b) ? strdup(xp_buf_str(&b)) : NULL;
}
