/*
 * box_pair: two boxes that hold the same, each entry in the one before it is written to the other,
 * so that whatever a pulled stick or a loss of power tears, the other has it (docs/boxes.md).
 *
 * Threads may share a handle, and processes may share the boxes: what another one has written is
 * read before anything is added.
 */
#pragma once
#include "cli/box.h"

#define XP_BOX_NAME_A "expunge-a.box"
#define XP_BOX_NAME_B "expunge-b.box"

struct xp_box_pair;

/* Where the whole of a file is to be had, when an entry of it does not fit what the boxes have. */
struct xp_box_source {
	void *ctx;
	/* *OUT is malloc'ed. */
	enum xp_rc (*read)(void *ctx, const char *path, char **out, size_t *len,
			   struct xp_err *err);
	/*
	 * The folder of the boxes, opened anew (the callee's to close); -1 with errno. May be NULL:
	 * boxes that both failed are not looked for again.
	 */
	int (*open_dir)(void *ctx);
};

struct xp_box_pair_request {
	int dir_fd;
	const char *dir; /* its name, for messages */
	bool writes;	 /* false: nothing is repaired, one box is enough */
	const struct xp_box_ops *ops;
	struct xp_box_source source;
};

/*
 * Opens, and brings both to the longest history of the highest generation; two of nothing but zeros
 * become a new pair. Returns locked against other processes: xp_box_pair_unlock. Errors: XP_E_NOENT
 * (no boxes there); XP_E_REFUSED (one is gone or bad, they belong to different sticks, both are
 * damaged, what was acknowledged is missing): the text says what to do; XP_E_TIMEOUT.
 */
MUST_USE enum xp_rc xp_box_pair_open(struct xp_box_pair **out,
				     const struct xp_box_pair_request *req, struct xp_err *err);
void xp_box_pair_unlock(struct xp_box_pair *pair);
void xp_box_pair_free(struct xp_box_pair **pair);

/* Of a locked pair, or one that nobody else uses. The id as 32 hex digits. */
void xp_box_pair_id(char out[2 * XP_BOX_ID_LEN + 1], const struct xp_box_pair *pair);
const struct xp_box_index *xp_box_pair_index(const struct xp_box_pair *pair);
/* A file as the boxes have it; *OUT malloc'ed. XP_E_NOENT. */
MUST_USE enum xp_rc xp_box_pair_read(struct xp_box_pair *pair, const char *path, char **out,
				     size_t *len, struct xp_err *err);
/* What was said of a box that is not used: NULL where both are. */
const char *xp_box_pair_trouble(const struct xp_box_pair *pair);
/* The boxes' own place on a medium: a name that leads there, also when the folder was unmounted. */
void xp_box_pair_place(char out[64], const struct xp_box_pair *pair);

/*
 * Nothing is kept any more from when OWNER (XP_BOX_OWNER_LEN characters) is no longer what
 * XP_BOX_OWNER_NAME in the boxes says: another state folder has taken them over, and two that both
 * go on would undo each other's log.
 */
void xp_box_pair_set_owner(struct xp_box_pair *pair, const char *owner);

/* Takes an entry to be kept (a copy of BYTES). Nothing is kept before the next flush. */
MUST_USE enum xp_rc xp_box_pair_tell(struct xp_box_pair *pair, const struct xp_box_entry *entry,
				     const void *bytes, struct xp_err *err);
/* XP_OK: all that was told stands in both boxes, or in the one that is left. */
MUST_USE enum xp_rc xp_box_pair_flush(struct xp_box_pair *pair, struct xp_err *err);
/* Tells that every file is gone of which IS_OVER says so. */
MUST_USE enum xp_rc xp_box_pair_tell_over(struct xp_box_pair *pair,
					  bool (*is_over)(void *ctx, const char *path), void *ctx,
					  struct xp_err *err);
/* Somebody waits for it to be back. Returns what was said before. */
bool xp_box_pair_set_waited_for(struct xp_box_pair *pair, bool is_waited_for);
/* Have both boxes failed, and were they not found again? The stick was pulled out. */
bool xp_box_pair_is_gone(struct xp_box_pair *pair);
/* Bytes that can still be kept, once what was replaced has been let go. */
MUST_USE enum xp_rc xp_box_pair_room(uint64_t *out, struct xp_box_pair *pair, struct xp_err *err);

/* Makes two boxes of BYTES each, of zeros, in a folder that has none. XP_E_IO with EEXIST. */
MUST_USE enum xp_rc xp_box_pair_make(int dir_fd, uint64_t bytes, struct xp_err *err);
/* Makes the box that is gone or cannot be used anew, as a copy of the other. *NAME: which. */
MUST_USE enum xp_rc xp_box_pair_repair(const char **name, int dir_fd, const char *dir,
				       struct xp_err *err);
