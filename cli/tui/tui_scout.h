/*
 * tui_scout: looks for drives in processes of its own, so that one that hangs in the kernel never
 * holds up the screen. The scout itself touches no drive: for each question it forks a child that
 * does, for a bounded time. It is forked before any job holds anything, and puts the terminal in
 * order where the program dies without a word.
 */
#pragma once
#include "cli/job_list.h"

struct xp_tui_scout {
	pid_t pid;	/* 0: none */
	int to;		/* questions, a JSON line each */
	int found_fd;	/* answers to "scan" */
	int answers_fd; /* answers to "ask" */
};

struct xp_tui_scout_setup {
	const char *const *targets; /* NULL-terminated; NULL or none: every drive of the host */
	const struct xp_plan_options *options;
	/* what brings the terminal back to where it was; may be NULL */
	const char *terminal_end;
	const struct termios *terminal;
};

#define XP_TUI_SCAN_S 20 /* a child that takes longer is ended; one second more for each target */
unsigned xp_tui_scan_seconds(const char *const *targets);

MUST_USE enum xp_rc xp_tui_scout_start(struct xp_tui_scout *s,
				       const struct xp_tui_scout_setup *setup, struct xp_err *err);
/* All drives; PATHS of SKIP (an array of texts, taken) are not touched and not in the answer. */
bool xp_tui_scout_scan(struct xp_tui_scout *s, json_t *skip);
/* What the drives at these paths (taken) can do. */
bool xp_tui_scout_ask(struct xp_tui_scout *s, json_t *paths);
void xp_tui_scout_stop(struct xp_tui_scout *s);
