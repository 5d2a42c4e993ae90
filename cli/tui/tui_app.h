/*
 * tui_app: the full screen with everything that it drives: terminal, scout, session, rounds. Its
 * loop takes keys and answers, carries out wishes, and draws; nothing in it waits for a drive.
 */
#pragma once
#include "base/buf.h"
#include "cli/boot_config.h"
#include "cli/job_session.h"
#include "cli/job_settle.h"
#include "cli/tui/tui_drives.h"
#include "cli/tui/tui_round.h"
#include "cli/tui/tui_scout.h"
#include "cli/tui/tui_terminal.h"

#define XP_TUI_ROUNDS_MAX 64

/* What must be there before drives are shown, in this order. */
enum xp_tui_stage {
	XP_TUI_IN_CHARGE,
	XP_TUI_SET_CLOCK,
	XP_TUI_NAME,
	XP_TUI_UNLOCK_KEY,
	XP_TUI_OPEN,
	XP_TUI_LATE_NAME, /* where the key that was opened names no performer */
	XP_TUI_READY
};

struct xp_tui_errand; /* what is done for one drive behind the screen: its light, its password */

struct xp_tui_app {
	/* the caller's */
	const struct xp_args *args;
	const struct xp_boot_config *config;
	const struct xp_plan_options *options;
	const char *key, *cert, *out; /* from the options or the configuration; NULL: none */
	const char *passphrase_file;
	const char *fields_path, *expect_path;
	bool ascii;
	/* for drives that are no nodes of this machine; NULL: the real ones */
	const struct xp_job_door *door;
	const char *sysroot;

	struct xp_tui tui;
	struct xp_tui_terminal *terminal;
	struct xp_tui_canvas canvas;
	struct xp_tui_scout scout;
	struct xp_tui_known *known;
	struct xp_buf found, answers, messages; /* what came, up to the next line end */
	int messages_fd;			/* what others would print on the screen */
	int stderr_fd;				/* where it goes otherwise */
	uint64_t scan_ms, ask_ms; /* when the question was put that is open now; 0: none */
	uint64_t next_scan_ms;
	uint64_t drawn_ms;

	char keep[4096];   /* chosen in place of --keep; empty: as that says */
	bool keep_none;	   /* a server keeps it alone */
	bool keep_will_do; /* for fewer drives: giving up the question leads back */
	struct xp_err keep_err;

	int alone_fd; /* held: no other console is in charge */
	uint64_t other_ms;

	enum xp_tui_stage stage;
	bool is_open; /* the session */
	bool host_key, asked_name, clock_set;
	struct xp_secret passphrase; /* until the session has the key */
	struct xp_session session;
	bool has_expect;
	struct xp_expect_list expect;

	struct xp_tui_round *rounds[XP_TUI_ROUNDS_MAX];
	unsigned rounds_n;
	unsigned last_round;
	enum xp_tui_wish waiting; /* until nobody has a drive open */
	size_t waiting_arg;
	uint64_t waiting_ms; /* since when; 0: it was told */
	struct xp_tui_errand *errand;
	bool has_hung; /* a round that is gone left a thread that still knows the session */
	int exit_code;
	bool over;
	bool ends_alone;     /* told to by a signal */
	struct xp_err fatal; /* rc XP_OK: none */
};

/* Runs until the operator or a signal ends it. Errors: before anything was held. */
MUST_USE enum xp_rc xp_tui_app_run(struct xp_tui_app *app, int *exit_code, struct xp_err *err);

/* ---- within cli/tui ---- */
uint64_t xp_tui_now_ms(void);
/* One step on the way to the list; waits for the operator where it must. */
void xp_tui_app_advance(struct xp_tui_app *app);
/* Where what the summary names lies by now. */
void xp_tui_app_read_where(struct xp_tui_app *app);
/* The screen is gone, and with it the summary: where is what it named? */
void xp_tui_app_say_where(const struct xp_tui_app *app);
/* The wishes of those steps; false: another wish. */
bool xp_tui_app_stage_wish(struct xp_tui_app *app, enum xp_tui_wish wish, size_t arg);
/* Interrupted jobs, from the state folder into the machine. */
void xp_tui_app_read_left(struct xp_tui_app *app);

/* tui_rounds.c: for the drives that are selected, or for interrupted job ARG. */
void xp_tui_rounds_begin(struct xp_tui_app *app, enum xp_tui_wish wish, size_t arg);
/* The plan is confirmed: by a word, or by the list. */
void xp_tui_rounds_go(struct xp_tui_app *app, bool by_list);
/* The plan is not to be carried out. */
void xp_tui_rounds_leave(struct xp_tui_app *app);
void xp_tui_rounds_drop(struct xp_tui_app *app, unsigned i);
/* More drives are planned than there is room for: asks for another place. */
void xp_tui_rounds_other_place(struct xp_tui_app *app);

/* Becomes the one in charge, or shows what the other one does. */
void xp_tui_other_advance(struct xp_tui_app *app);
/* Where boxes are kept, as it was said or chosen since; NULL: nowhere. */
const char *xp_tui_keep_dir(const struct xp_tui_app *app);
/* Nothing can be kept there, WHY: asks where else. */
void xp_tui_keep_ask(struct xp_tui_app *app, const struct xp_err *why);
/* Learns for how many jobs there is room. */
void xp_tui_keep_read_room(struct xp_tui_app *app);
/* The session is closed, and opened anew when a place is chosen. */
void xp_tui_app_reopen(struct xp_tui_app *app);
/* Is there no room for a single job? */
bool xp_tui_keep_is_full(struct xp_tui_app *app, struct xp_err *err);
/* The wishes of that question; false: another wish. */
bool xp_tui_keep_wish(struct xp_tui_app *app, enum xp_tui_wish wish, size_t arg);

void xp_tui_errand_light(struct xp_tui_app *app, const struct xp_tui_drive *d);
void xp_tui_errand_unlock(struct xp_tui_app *app, const struct xp_tui_drive *d);
void xp_tui_errand_poll(struct xp_tui_app *app);
