/*
 * log_tree: the log's tree as it grows leaf by leaf: the hashes of its right edge and the bundle
 * that is not full yet. Who grows it says what becomes of the files: written, compared, or left
 * alone.
 */
#pragma once
#include "base/buf.h"
#include "certs/log_tiles.h"

/* A tile (its hashes) or a bundle (its entries; LEVEL is XP_TILE_ENTRIES) of the tree. */
struct xp_log_piece {
	unsigned level;
	uint64_t n;
	unsigned width;
	const void *data;
	size_t len;
};
/* Receives each piece that became full, and at xp_log_tree_edge those that are not. */
struct xp_log_sink {
	enum xp_rc (*piece)(void *ctx, const struct xp_log_piece *piece, struct xp_err *err);
	void *ctx;
};

struct xp_log_tree {
	struct xp_merkle_frontier frontier;
	struct xp_merkle_hash edge[XP_TILE_LEVELS][XP_TILE_WIDTH];
	struct xp_buf bundle;
};
void xp_log_tree_free(struct xp_log_tree *t); /* the members */
/* Back to the empty tree. */
void xp_log_tree_reset(struct xp_log_tree *t);
uint64_t xp_log_tree_size(const struct xp_log_tree *t);
void xp_log_tree_head(struct xp_merkle_head *out, const struct xp_log_tree *t);

/* SINK may be NULL. After an error the tree is half grown: reset it. */
MUST_USE enum xp_rc xp_log_tree_add(struct xp_log_tree *t, const struct xp_log_bytes *leaf,
				    const struct xp_log_sink *sink, struct xp_err *err);
/* The pieces at the right edge that are not full: first the bundle, then the tiles. */
MUST_USE enum xp_rc xp_log_tree_edge(const struct xp_log_tree *t, const struct xp_log_sink *sink,
				     struct xp_err *err);
/*
 * Grows the tree to SIZE leaves from the bundles below LOG_FD. XP_E_MALFORMED where they hold less,
 * hold something else than entries, or do not begin with what the tree has of its last bundle.
 */
MUST_USE enum xp_rc xp_log_tree_load(struct xp_log_tree *t, int log_fd, uint64_t size,
				     const struct xp_log_sink *sink, struct xp_err *err);
