/*
 * log_proof: the text of a .tlog-proof file: index, inclusion proof, checkpoint.
 * [c2sp.org/tlog-proof]
 */
#pragma once
#include "certs/log_leaf.h"
#include "certs/note.h"

#define XP_LOG_PROOF_MAX_BYTES (XP_CHECKPOINT_MAX_BYTES + 8192u)

struct xp_log_proof {
	uint64_t index;
	struct xp_merkle_proof path;
	const char *checkpoint; /* points into the text that was parsed */
	size_t checkpoint_len;
};

/* The file's bytes; *OUT malloc'ed, NUL behind it. */
MUST_USE enum xp_rc xp_log_proof_format(char **out, size_t *len, const struct xp_log_proof *proof,
					struct xp_err *err);
/* Syntax only, of hostile bytes. `extra` lines, which nothing authenticates, are refused. */
MUST_USE enum xp_rc xp_log_proof_parse(struct xp_log_proof *out, const char *text, size_t len,
				       struct xp_err *err);

enum xp_log_proof_verdict {
	XP_LOG_PROOF_HOLDS,	  /* the leaf is in the tree of a checkpoint that a key signed */
	XP_LOG_PROOF_KEY_UNKNOWN, /* the leaf is in the tree, but no trusted key signed it */
	XP_LOG_PROOF_SIGNATURE_WRONG, /* the signature that names the key does not hold */
	XP_LOG_PROOF_LEAF_WRONG,      /* another leaf, place or tree */
};
struct xp_log_proof_result {
	enum xp_log_proof_verdict verdict;
	uint64_t index;
	struct xp_checkpoint checkpoint;
};
/* Does TEXT prove LEAF? KEYS may be NULL. XP_E_MALFORMED where the text is no proof at all. */
MUST_USE enum xp_rc xp_log_proof_check(struct xp_log_proof_result *out,
				       const struct xp_log_bytes *text,
				       const struct xp_log_bytes *leaf,
				       const struct xp_note_vkeys *keys, struct xp_err *err);
