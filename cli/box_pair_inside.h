/* box_pair_inside: what a handle of the pair holds, for the files that recover and that write. */
#pragma once
#include "cli/box_pair.h"

#include <pthread.h>

struct xp_box_told {
	struct xp_box_entry entry;
	uint8_t *bytes;
};

/* A box that is read where it lies, past the file system (box_raw). */
struct xp_box_raw_way {
	struct xp_box_ops ops;
	uint64_t at;
};

struct xp_box_pair {
	pthread_mutex_t mutex;
	int dir_fd; /* locked with flock while the boxes are read and written */
	char dir[256];
	bool writes;
	struct xp_box_source source;
	struct xp_box box[2];
	struct xp_box_raw_way raw[2];
	unsigned best; /* the box that reads come from */
	struct xp_box_index index;
	struct xp_box_told *told;
	size_t told_n, told_cap;
	bool is_waited_for;
	bool again; /* what was told was not kept the last time, and may be outdated */
	char owner[XP_BOX_OWNER_LEN + 1]; /* empty: whoever */
	char trouble[600];
};

MUST_USE enum xp_rc xp_box_pair_lock(struct xp_box_pair *pair, struct xp_err *err);

/* Reads both boxes from their beginning, decides which leads, and repairs the other. It may stay
 * alone. */
MUST_USE enum xp_rc xp_box_pair_settle(struct xp_box_pair *pair, struct xp_err *err);
/* Both are wanted before anything is begun: one alone could not stand a torn write. */
MUST_USE enum xp_rc xp_box_pair_demand_both(struct xp_box_pair *pair, struct xp_err *err);
/*
 * The stick was pulled out: opens the boxes again where source.open_dir leads, if it is the same
 * pair with all that was acknowledged. Stays locked. XP_E_REFUSED: another one.
 */
MUST_USE enum xp_rc xp_box_pair_reopen(struct xp_box_pair *pair, struct xp_err *err);
/* Takes in what other processes have written since; a stick that is back is opened again. */
MUST_USE enum xp_rc xp_box_pair_catch_up(struct xp_box_pair *pair, struct xp_err *err);
/* Copies the bytes from FROM on of the best box to the other, syncs, then the header. */
MUST_USE enum xp_rc xp_box_pair_mirror(struct xp_box_pair *pair, uint64_t from, struct xp_err *err);
/* Writes both boxes anew, first the one and then the other, without what was replaced. */
MUST_USE enum xp_rc xp_box_pair_compact(struct xp_box_pair *pair, struct xp_err *err);
/* Remembers that a box is used no more, and says so once. */
void xp_box_pair_note_trouble(struct xp_box_pair *pair);

static inline struct xp_box *xp_box_pair_best(struct xp_box_pair *pair)
{
	return &pair->box[pair->best];
}

static inline struct xp_box *xp_box_pair_other(struct xp_box_pair *pair)
{
	return &pair->box[1 - pair->best];
}
