/*
 * check_checkpoint: one timestamp over a log's checkpoint serves every record that is proven to
 * stand in that tree: its signatures are older than the token.
 */
#pragma once
#include "certs/check.h"
#include "certs/log_leaf.h"

struct xp_checkpoint_pair {
	const void *json;
	size_t json_len;
	const void *p7s;
	size_t p7s_len;
	const char *proof; /* the tlog-proof file's bytes */
	size_t proof_len;
	const struct xp_note_vkeys *keys;
	const struct xp_log_bytes *tokens; /* DER; those of other checkpoints are passed over */
	size_t tokens_n;
};

/*
 * Finds the time that tokens prove for the pair, which is checked next with C; without one C
 * forgets that of the pair before. What is wrong with a token that is of this checkpoint is added
 * to FINDINGS, with the codes of timestamps; what is wrong with proof, record or signatures is left
 * to their own checks.
 */
void xp_check_stamp(struct xp_check *c, const struct xp_checkpoint_pair *pair,
		    struct xp_findings *findings);
