/*
 * log_tiles: the log's files: where a tile or a bundle of entries stands, and how both are read.
 * [c2sp.org/tlog-tiles]
 */
#pragma once
#include "certs/log_leaf.h"
#include "certs/merkle.h"

#include "base/span.h"

#define XP_TILE_WIDTH	 256u
#define XP_TILE_LEVELS	 8u
#define XP_TILE_BYTES	 (XP_TILE_WIDTH * XP_MERKLE_HASH_LEN)
#define XP_BUNDLE_MAX	 (XP_TILE_WIDTH * (2u + XP_LOG_LEAF_MAX))
#define XP_TILE_PATH_MAX 64
#define XP_TILE_ENTRIES	 99u /* in the place of a level: the entries themselves */

/* "tile/0/x001/234.p/5"; the full one has no ".p/W". */
void xp_tile_path(char out[XP_TILE_PATH_MAX], unsigned level, uint64_t n, unsigned width);
/* The folder of the partial ones: "tile/0/x001/234.p". */
void xp_tile_partial_dir(char out[XP_TILE_PATH_MAX], unsigned level, uint64_t n);

/* How many hashes (or entries) tile N of LEVEL has in a tree of SIZE leaves: 0 to 256. */
unsigned xp_tile_width(unsigned level, uint64_t n, uint64_t size);

/*
 * The bytes of a tile or bundle that is WIDTH wide in the tree that is looked at; the full file
 * serves where the log has grown since. *OUT malloc'ed. XP_E_NOENT: neither is there.
 */
MUST_USE enum xp_rc xp_tile_read(char **out, size_t *len, int log_fd, unsigned level, uint64_t n,
				 unsigned width, struct xp_err *err);

/* The next entry of a bundle; false at its end, or (S->overrun) where an entry is torn. */
MUST_USE bool xp_bundle_next(struct xp_log_bytes *leaf, struct xp_span *s);

/* Perfect subtrees from the tiles of a tree of SIZE leaves; keeps the last tile of each level. */
struct xp_tile_reader {
	int log_fd; /* the caller's */
	uint64_t size;
	struct {
		uint64_t n;
		unsigned width; /* 0: none */
		struct xp_merkle_hash hash[XP_TILE_WIDTH];
	} kept[XP_TILE_LEVELS];
};
MUST_USE enum xp_rc xp_tile_reader_new(struct xp_tile_reader **out, int log_fd, uint64_t size,
				       struct xp_err *err);
void xp_tile_reader_free(struct xp_tile_reader **r);
/* The view of it that builds proofs; valid as long as R. */
struct xp_merkle_reader xp_tile_merkle_reader(struct xp_tile_reader *r);
