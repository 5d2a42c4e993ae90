/*
 * check_logs: what the proofs of one batch say of their logs together. A log whose key signed two
 * roots for one size, or that has two records in one place, was forked.
 */
#pragma once
#include "certs/check.h"

/* What was seen of logs so far. Zeroed to begin with. */
struct xp_check_logs {
	struct xp_check_logs_entry *list; /* open addressing */
	size_t room, n;
};
void xp_check_logs_free(struct xp_check_logs *s);
/*
 * Adds the proof of R, where it holds. CLASH: the TAG of a record whose proof is of another history
 * of the same log; else it stays as it was. Of two keys of one name in KEYS nobody knows which log
 * is whose: these are passed over. XP_E_NOMEM.
 */
MUST_USE enum xp_rc xp_check_logs_add(size_t *clash, struct xp_check_logs *s,
				      const struct xp_check_result *r,
				      const struct xp_note_vkeys *keys, size_t tag,
				      struct xp_err *err);
