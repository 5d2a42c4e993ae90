/*
 * job_keep: `--keep DIR`: the state folder is filled from the boxes in DIR, and everything durable
 * goes to them. On the boot stick the state folder is in RAM, and the boxes are what is left.
 */
#pragma once
#include "cli/commands.h"
#include "cli/state_folder.h"

/* The row of an option table. */
#define XP_KEEP_OPTION_ROW                                                                         \
	{                                                                                          \
		"keep", XP_OPT_STRING, "DIR",                                                      \
			"keep everything in the boxes there, too (expunge keep make)"              \
	}

/*
 * What a job takes of the boxes, with room to spare (docs/boxes.md has the measures): journal,
 * record, signature, its part of the log. A baseline is kept where there is room for it besides,
 * until its job has ended.
 */
#define XP_KEEP_JOB_BYTES (768ull << 10)

struct xp_keep;

/*
 * Opens the boxes in DIR and brings STATE and them together: a state folder that has nothing is
 * filled; what it has and they have not, since somebody died or the stick was pulled, is kept now;
 * an empty pair takes what is there. From then on state->durable keeps everything, until
 * xp_keep_free. WRITES false: the state folder is filled, and the boxes stay as they are; one of
 * them is enough. Errors: XP_E_NOENT (no boxes), XP_E_REFUSED (boxes that cannot be relied on, or a
 * state folder of another stick), XP_E_IO.
 */
MUST_USE enum xp_rc xp_keep_open(struct xp_keep **out, struct xp_state *state, const char *dir,
				 bool writes, struct xp_err *err);
void xp_keep_free(struct xp_keep **keep);

/* The state folder of --state as ARGS have it; with --keep filled from there, else as it is. */
struct xp_kept_state {
	struct xp_state state;
	struct xp_keep *keep; /* NULL: without --keep */
};
/* Without --keep it must exist (XP_E_NOENT). */
MUST_USE enum xp_rc xp_kept_state_open(struct xp_kept_state *out, const struct xp_args *args,
				       bool writes, struct xp_err *err);
void xp_kept_state_close(struct xp_kept_state *s);

/*
 * Threads other than the one that opened it wait so long for a stick that was pulled out, while
 * nobody asks for an end; 0, which is the default: they are told at once.
 */
void xp_keep_wait_for_stick(struct xp_keep *keep, uint32_t seconds);

const char *xp_keep_dir(const struct xp_keep *keep);
/* A path that leads to the boxes' medium even when the folder was unmounted; it stays KEEP's. */
const char *xp_keep_place(const struct xp_keep *keep);

/*
 * Is there room for what all jobs may come to that have not ended, and for those of IDS? Else
 * XP_E_REFUSED: the text says for how many.
 */
MUST_USE enum xp_rc xp_keep_demand_room(struct xp_keep *keep, const char *const *ids, size_t n,
					struct xp_err *err);
/* For how many jobs there is room besides those that have not ended. */
MUST_USE enum xp_rc xp_keep_room(size_t *jobs, struct xp_keep *keep, struct xp_err *err);
