/* tui_lab: the full screen's machine on a canvas of any size, with drives, keys and a clock of
 * ours. */
#pragma once
#include "cli/tui/tui.h"

struct xp_tui_lab {
	struct xp_tui t;
	struct xp_tui_canvas c;
	uint64_t now_ms;
	char *shown; /* of the last look */
};

void xp_tui_lab_new(struct xp_tui_lab *l, unsigned rows, unsigned cols);
void xp_tui_lab_free(struct xp_tui_lab *l);
/* A size of the terminal from now on. */
void xp_tui_lab_resize(struct xp_tui_lab *l, unsigned rows, unsigned cols);
/* N drives SERIAL00001..., free, of 4 TB each. */
void xp_tui_lab_drives(struct xp_tui_lab *l, size_t n);
/* The same list again with one drive changed by WHAT (may be NULL), as a scan would bring it. */
void xp_tui_lab_scan(struct xp_tui_lab *l, size_t n, void (*what)(struct xp_tui_drive *list));
/* Characters as fingers type them, or as a scanner does with Enter behind them. */
void xp_tui_lab_type(struct xp_tui_lab *l, const char *text);
void xp_tui_lab_scanner(struct xp_tui_lab *l, const char *text, uint64_t gap_ms);
void xp_tui_lab_key(struct xp_tui_lab *l, uint32_t key);
/* Time that goes by without a key. */
void xp_tui_lab_wait(struct xp_tui_lab *l, uint64_t ms);
/* What is to be seen now; good until the next look. */
const char *xp_tui_lab_look(struct xp_tui_lab *l);
/* The row that TEXT stands in; fails where it is not to be seen. */
unsigned xp_tui_lab_row(struct xp_tui_lab *l, const char *text);
/* A round of N jobs, planned for the first N drives, ready or not. Returns the first. */
size_t xp_tui_lab_round(struct xp_tui_lab *l, unsigned round, size_t n, const char *word);
