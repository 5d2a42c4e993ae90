/*
 * log_reader: reads a log's folder, here or copied from elsewhere, without key, lock or write. What
 * the checkpoint covers never changes, so a log may grow meanwhile.
 */
#pragma once
#include "certs/log_leaf.h"
#include "certs/note.h"

struct xp_log_reader {
	int log_fd; /* the caller's */
	char *text; /* the checkpoint's bytes, with a NUL behind */
	size_t text_len;
	struct xp_checkpoint checkpoint;
	enum xp_note_verdict verdict; /* by the key that was given */
};

/* Reads LOG_FD/checkpoint. VKEY may be NULL. XP_E_NOENT: no log here; XP_E_MALFORMED. */
MUST_USE enum xp_rc xp_log_reader_open(struct xp_log_reader *out, int log_fd,
				       const struct xp_note_vkey *vkey, struct xp_err *err);
void xp_log_reader_free(struct xp_log_reader *r);

/* Calls FN for each entry in order until it fails; the leaf is valid for that call only. */
struct xp_log_visitor {
	enum xp_rc (*leaf)(void *ctx, uint64_t index, const struct xp_log_bytes *leaf,
			   struct xp_err *err);
	void *ctx;
};
MUST_USE enum xp_rc xp_log_reader_each(const struct xp_log_reader *r,
				       const struct xp_log_visitor *visitor, struct xp_err *err);

/* The .tlog-proof text for entry INDEX, checked before it is given out. XP_E_NOENT: no such entry;
 * XP_E_MALFORMED where the log's files do not prove it. */
MUST_USE enum xp_rc xp_log_reader_prove(const struct xp_log_reader *r, uint64_t index, char **out,
					size_t *len, struct xp_err *err);

/* The last record leaf of ID, and of RECORD_SHA256 unless that is NULL. XP_E_NOENT: none. */
MUST_USE enum xp_rc xp_log_reader_find(const struct xp_log_reader *r, const char *id,
				       const uint8_t *record_sha256, uint64_t *index,
				       struct xp_err *err);

/* The root over the first SIZE entries, from the tiles. XP_E_USAGE where the log is smaller. */
MUST_USE enum xp_rc xp_log_reader_root(const struct xp_log_reader *r, uint64_t size,
				       struct xp_merkle_hash *out, struct xp_err *err);
