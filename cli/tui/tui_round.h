/*
 * tui_round: a batch of jobs behind the full screen. Plans are made and jobs run in threads; what
 * they tell is left in slots, and the screen's thread takes it from there into the machine. The
 * jobs are those of `run` and `resume`: the same plan, interlock, journal, record.
 */
#pragma once
#include "cli/job_session.h"
#include "cli/job_settle.h"
#include "cli/tui/tui.h"

struct xp_tui_round;

#define XP_TUI_PLAN_MS 30000 /* a drive that does not answer for so long is left out */

/*
 * Begins to plan for the selected drives of T (XP_E_USAGE: none). The round's jobs are added to T.
 * SESSION and OPTIONS outlive the round.
 */
MUST_USE enum xp_rc xp_tui_round_plan(struct xp_tui_round **out, struct xp_tui *t, unsigned id,
				      const struct xp_session *session,
				      const struct xp_plan_options *options, struct xp_err *err);
/* Begins to go on with an interrupted job at PATH. */
MUST_USE enum xp_rc xp_tui_round_resume(struct xp_tui_round **out, struct xp_tui *t, unsigned id,
					const struct xp_session *session,
					const struct xp_tui_left *left, struct xp_err *err);

/* What happened since the last call goes into T. */
void xp_tui_round_poll(struct xp_tui_round *r, struct xp_tui *t, uint64_t now_ms);
/* Does somebody ask a drive, or is about to hold one? Then nobody else should open it. */
bool xp_tui_round_is_busy(const struct xp_tui_round *r);
/* The operator left the plan, made or not. */
bool xp_tui_round_is_leaving(const struct xp_tui_round *r, struct xp_tui *t);
/* Plans are made, and nobody has decided yet. */
bool xp_tui_round_waits(const struct xp_tui_round *r);

/*
 * Carries out what is ready: confirmed by the operator's word, or by LIST (may be NULL) drive by
 * drive. The word for the batch was compared already; what the interlock gets is each target's own
 * confirm string.
 */
MUST_USE enum xp_rc xp_tui_round_go(struct xp_tui_round *r, struct xp_tui *t,
				    struct xp_expect_list *list, struct xp_err *err);
/* All is over, and everything was told and kept. */
bool xp_tui_round_is_over(struct xp_tui_round *r);
/* Of all jobs that ran. */
int xp_tui_round_exit_code(const struct xp_tui_round *r);
/* Does a drive keep a thread of it waiting, which then has the session in its hands? */
bool xp_tui_round_hangs(struct xp_tui_round *r);
/* Waits for the threads; what a drive keeps hanging while it is asked is left behind. */
void xp_tui_round_free(struct xp_tui_round **r);
