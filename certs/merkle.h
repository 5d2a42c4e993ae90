/*
 * merkle: the hash tree of the log: leaf and node hashes, roots, proofs and their checks. Pure.
 * [RFC 6962 2.1; RFC 9162 2.1.3.2, 2.1.4.2 for the checks]
 */
#pragma once
#include "base/err.h"

#define XP_MERKLE_HASH_LEN 32
/* No tree here has more than 2^62 leaves; 63 hashes prove anything in it. */
#define XP_MERKLE_SIZE_MAX  (1ULL << 62)
#define XP_MERKLE_PROOF_MAX 64

struct xp_merkle_hash {
	uint8_t b[XP_MERKLE_HASH_LEN];
};

void xp_merkle_leaf(struct xp_merkle_hash *out, const void *leaf, size_t len);
/* OUT may be LEFT or RIGHT. */
void xp_merkle_node(struct xp_merkle_hash *out, const struct xp_merkle_hash *left,
		    const struct xp_merkle_hash *right);
bool xp_merkle_hash_equals(const struct xp_merkle_hash *a, const struct xp_merkle_hash *b);
/* The hash of the perfect tree over N hashes, N a power of two up to 256. */
void xp_merkle_fold(struct xp_merkle_hash *out, const struct xp_merkle_hash *hashes, size_t n);

/* The right edge of a growing tree: node[k] is the perfect tree of 2^k leaves where bit k of size
 * is set. All zero: the empty tree. */
struct xp_merkle_frontier {
	uint64_t size;
	struct xp_merkle_hash node[63];
};
/* The caller keeps size below XP_MERKLE_SIZE_MAX. */
void xp_merkle_frontier_add(struct xp_merkle_frontier *f, const struct xp_merkle_hash *leaf);
void xp_merkle_frontier_root(struct xp_merkle_hash *out, const struct xp_merkle_frontier *f);

/* Where the perfect subtrees come from: the hash over leaves [INDEX << LEVEL, (INDEX + 1) <<
 * LEVEL). */
struct xp_merkle_reader {
	enum xp_rc (*subtree)(void *ctx, struct xp_merkle_hash *out, unsigned level, uint64_t index,
			      struct xp_err *err);
	void *ctx;
};

struct xp_merkle_proof {
	unsigned n;
	struct xp_merkle_hash hash[XP_MERKLE_PROOF_MAX];
};

/* The root over the first SIZE leaves. Errors: the reader's. */
MUST_USE enum xp_rc xp_merkle_root(struct xp_merkle_hash *out, const struct xp_merkle_reader *r,
				   uint64_t size, struct xp_err *err);
/* That leaf INDEX is in the tree of SIZE leaves. XP_E_USAGE unless INDEX < SIZE. */
MUST_USE enum xp_rc xp_merkle_prove_inclusion(struct xp_merkle_proof *out,
					      const struct xp_merkle_reader *r, uint64_t index,
					      uint64_t size, struct xp_err *err);
/* That the tree of OLD_SIZE leaves is the beginning of that of SIZE. XP_E_USAGE unless
 * OLD_SIZE <= SIZE; empty for OLD_SIZE 0 and for equal sizes. */
MUST_USE enum xp_rc xp_merkle_prove_consistency(struct xp_merkle_proof *out,
						const struct xp_merkle_reader *r, uint64_t old_size,
						uint64_t size, struct xp_err *err);

struct xp_merkle_head {
	uint64_t size;
	struct xp_merkle_hash root;
};
/* LEAF is the leaf's hash. Proofs that are too short, too long or of another place are false. */
MUST_USE bool xp_merkle_check_inclusion(const struct xp_merkle_proof *proof, uint64_t index,
					const struct xp_merkle_hash *leaf,
					const struct xp_merkle_head *head);
MUST_USE bool xp_merkle_check_consistency(const struct xp_merkle_proof *proof,
					  const struct xp_merkle_head *old,
					  const struct xp_merkle_head *head);
