/*
 * box_index: what the entries of a box come to: which files there are now, and where in the box
 * their bytes lie. The same entries always come to the same files.
 */
#pragma once
#include "cli/box_format.h"

struct xp_box_piece {
	uint64_t at; /* in the box */
	uint64_t len;
};

struct xp_box_file {
	char path[XP_BOX_PATH_LEN];
	uint64_t len;
	struct xp_box_piece *pieces;
	size_t pieces_n, pieces_cap;
};

struct xp_box_index {
	struct xp_box_file *files; /* by path */
	size_t n, cap;
};

void xp_box_index_free(struct xp_box_index *index);
/*
 * Takes an entry whose bytes lie at AT. XP_E_MALFORMED: it begins behind the end of its file.
 *
 * A checkpoint of the log lets go of the partial tiles that wider ones have replaced: until it
 * stands, the narrow ones are what the checkpoint before it needs.
 */
MUST_USE enum xp_rc xp_box_index_apply(struct xp_box_index *index, const struct xp_box_entry *entry,
				       uint64_t at, struct xp_err *err);
/* NULL: no such file. */
const struct xp_box_file *xp_box_index_find(const struct xp_box_index *index, const char *path);
/* Is a wider tile in the place of the partial one that PATH names? */
bool xp_box_index_is_outgrown(const struct xp_box_index *index, const char *path);
/* Bytes that a box takes that is written anew from it. */
uint64_t xp_box_index_bytes(const struct xp_box_index *index);
