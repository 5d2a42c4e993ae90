/* tui_inside: what the screens of the machine share; for cli/tui only. */
#pragma once
#include "base/buf.h"
#include "cli/tui/tui.h"

void xp_tui_wish_add(struct xp_tui *t, enum xp_tui_wish wish, size_t arg);
/* One step back; to the list where there is none. */
void xp_tui_back(struct xp_tui *t);
void xp_tui_beep(struct xp_tui *t);

/* A line of text that is typed. false: the key was none for it. */
bool xp_tui_input_key(struct xp_tui_input *in, uint32_t key);
void xp_tui_input_draw(const struct xp_tui_input *in, struct xp_tui_canvas *c, unsigned row,
		       unsigned col);
void xp_tui_input_clear(struct xp_tui_input *in);

/* The rows between head and foot. */
#define XP_TUI_BODY 1
unsigned xp_tui_body_rows(const struct xp_tui_canvas *c);
/* Fewer rows than a terminal commonly has: what only sets things apart is left out. */
bool xp_tui_is_short(const struct xp_tui_canvas *c);
/* Where a line is typed; what it is about stands in the row above. */
unsigned xp_tui_field_row(const struct xp_tui_canvas *c);
void xp_tui_head(const struct xp_tui *t, struct xp_tui_canvas *c, const char *title);
void xp_tui_foot(const struct xp_tui *t, struct xp_tui_canvas *c, const char *keys);
/* A pane that Up, Down, Page and Home move; from ROW on. */
void xp_tui_scrolled(struct xp_tui *t, struct xp_tui_canvas *c, unsigned row, unsigned hang,
		     const char *text);
/* The same, up to the row before END, which says how much there is below. */
void xp_tui_scrolled_to(struct xp_tui *t, struct xp_tui_canvas *c, unsigned row, unsigned end,
			unsigned hang, const char *text);
bool xp_tui_scroll_key(struct xp_tui *t, uint32_t key);
/* Moves *CURSOR within N rows; false: the key was another one. */
bool xp_tui_cursor_key(const struct xp_tui *t, size_t *cursor, size_t n, uint32_t key);

/* The drive under the cursor; NULL: none. */
struct xp_tui_drive *xp_tui_drive_here(const struct xp_tui *t);
/* The last job on the drive; NULL: none. */
const struct xp_tui_job *xp_tui_drive_job(const struct xp_tui *t, const struct xp_tui_drive *d);
bool xp_tui_drive_is_free(const struct xp_tui *t, const struct xp_tui_drive *d);
size_t xp_tui_selected(const struct xp_tui *t);
void xp_tui_list_arrange(struct xp_tui *t);
void xp_tui_list_flush(struct xp_tui *t);

/* In one word, or a few; and how it is to look. */
const char *xp_tui_job_word(const struct xp_tui_job *j);
unsigned xp_tui_job_look(const struct xp_tui_job *j);
bool xp_tui_job_at_work(const struct xp_tui_job *j);
unsigned xp_tui_job_percent(const struct xp_tui_job *j);

void xp_tui_list_draw(struct xp_tui *t, struct xp_tui_canvas *c);
void xp_tui_list_key(struct xp_tui *t, uint32_t key);
void xp_tui_details_draw(struct xp_tui *t, struct xp_tui_canvas *c);
void xp_tui_plan_draw(struct xp_tui *t, struct xp_tui_canvas *c);
void xp_tui_plan_key(struct xp_tui *t, uint32_t key);
void xp_tui_confirm_draw(struct xp_tui *t, struct xp_tui_canvas *c);
void xp_tui_confirm_key(struct xp_tui *t, uint32_t key);
void xp_tui_work_draw(struct xp_tui *t, struct xp_tui_canvas *c);
void xp_tui_work_key(struct xp_tui *t, uint32_t key);
void xp_tui_result_draw(struct xp_tui *t, struct xp_tui_canvas *c);
void xp_tui_summary_draw(struct xp_tui *t, struct xp_tui_canvas *c);
void xp_tui_summary_key(struct xp_tui *t, uint32_t key);
void xp_tui_checkpoint_draw(struct xp_tui *t, struct xp_tui_canvas *c);
void xp_tui_left_draw(struct xp_tui *t, struct xp_tui_canvas *c);
void xp_tui_left_key(struct xp_tui *t, uint32_t key);
void xp_tui_ask_draw(struct xp_tui *t, struct xp_tui_canvas *c);
void xp_tui_ask_key(struct xp_tui *t, uint32_t key);
void xp_tui_place_draw(struct xp_tui *t, struct xp_tui_canvas *c);
void xp_tui_other_draw(struct xp_tui *t, struct xp_tui_canvas *c);
void xp_tui_other_key(struct xp_tui *t, uint32_t key);
void xp_tui_place_key(struct xp_tui *t, uint32_t key);
void xp_tui_help_draw(struct xp_tui *t, struct xp_tui_canvas *c);
void xp_tui_messages_draw(struct xp_tui *t, struct xp_tui_canvas *c);
/* Is B the drive that A was, or another one that came to its place? */
bool xp_tui_drive_is_same(const struct xp_tui_drive *a, const struct xp_tui_drive *b);
/* Is or was J a job on this very drive? */
bool xp_tui_job_is_of(const struct xp_tui_job *j, const struct xp_tui_drive *d);
