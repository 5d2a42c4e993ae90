/*
 * check_batch: what many records say together: a failure that a later record of success names is
 * closed.
 */
#pragma once
#include "certs/check.h"

/* What is kept of a record once it was checked. */
struct xp_check_outcome {
	int exit_code;
	bool is_known; /* a record, of a medium that can be told from its neighbour */
	char id[XP_UUID_LEN];
	uint8_t json_sha256[32];
	enum xp_record_kind kind;
	char *drive;		   /* serial number; none: wwn, then name; owned */
	uint8_t target_sha256[32]; /* of all that tells one target from another */
	int64_t issued_s;
	/* of its evidence: when its first erase began; when its last phase ended, else issued_s */
	int64_t erased_s, ended_s;
	enum xp_scope scope;
	bool has_wwn;	      /* else one namespace cannot be told from its neighbour */
	enum xp_level wanted; /* the lowest level that this record's operator accepted */
	char model[64];
	enum xp_level level;
	char supersedes_id[XP_UUID_LEN];
	uint8_t supersedes_sha256[32];
	char closed_by[XP_UUID_LEN]; /* the record that closed this failure; empty: open */
};

/* SHA-256 of all that tells one target from another; false: it cannot be said. */
bool xp_check_target_digest(uint8_t out[32], const struct xp_identity *id);
/* XP_E_NOMEM. */
MUST_USE enum xp_rc xp_check_outcome_fill(struct xp_check_outcome *o,
					  const struct xp_check_result *r, struct xp_err *err);
void xp_check_outcome_clear(struct xp_check_outcome *o);
/*
 * Fills closed_by: an authentic failure (exit code 3) is closed by a passed record of a
 * sanitization or a destruction that names its id and its digest, is of the same target and not
 * older, whose erase began when the failure had ended, and earned what the failure was to earn, in
 * no narrower scope.
 * XP_E_NOMEM.
 */
MUST_USE enum xp_rc xp_check_batch_close(struct xp_check_outcome *const *list, size_t n,
					 struct xp_err *err);

/* Records that a batch has had already, by their ids. Zeroed to begin with. */
struct xp_check_seen {
	struct xp_check_seen_entry *list; /* open addressing */
	size_t room, n;
};
void xp_check_seen_free(struct xp_check_seen *s);
/*
 * IS_DUPLICATE: the same bytes were there before, with the same verdict. CLASH: the TAG of an
 * authentic record of the same id and other bytes, where this one is authentic, too; else it stays
 * as it was. XP_E_NOMEM.
 */
MUST_USE enum xp_rc xp_check_seen_add(bool *is_duplicate, size_t *clash, struct xp_check_seen *s,
				      const struct xp_check_outcome *o, size_t tag,
				      struct xp_err *err);
