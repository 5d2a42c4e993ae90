/*
 * log_writer: the append-only Merkle log of a state folder: `log/` (checkpoint, tile/...) as static
 * files, `log.key` (Ed25519, 0600) and `log.vkey` (for --log-key) beside it. [c2sp.org/tlog-tiles]
 *
 * A handle may be used by several threads, and several processes may append to one log: each call
 * locks. What xp_log_append has acknowledged is never lost: opening repairs what a crash left
 * behind, or refuses.
 */
#pragma once
#include "base/durable.h"
#include "certs/log_jobs.h"
#include "certs/log_leaf.h"
#include "certs/log_store.h"
#include "certs/note.h"

struct xp_log;

/*
 * Opens the log below STATE_FD (which stays the caller's) and makes it on first use. ORIGIN_HINT
 * counts only then: "dns-name/usb-ID" is taken as it is, a bare dns-name gets "/usb-" and 16 random
 * hex digits, NULL stands for "expunge.local". All leaves are hashed again. Whole leaves behind the
 * checkpoint are kept, a torn one is cut, damaged tiles are made anew. Errors: XP_E_MALFORMED where
 * the entries hold less than the checkpoint says or something else, where the checkpoint is not by
 * log.key, or where one of them is gone; XP_E_TIMEOUT where another process keeps the lock;
 * XP_E_IO, XP_E_PERM.
 */
MUST_USE enum xp_rc xp_log_open(struct xp_log **out, int state_fd, const char *origin_hint,
				const struct xp_rng *rng, struct xp_err *err);
void xp_log_free(struct xp_log **log);
/* The same; each file is also kept by DURABLE (may be NULL), which must live as long as the handle.
 */
MUST_USE enum xp_rc xp_log_open_kept(struct xp_log **out, int state_fd, const char *origin_hint,
				     const struct xp_rng *rng, const struct xp_durable *durable,
				     struct xp_err *err);
/* The same with every write, rename and rename through OPS, which must live as long as the handle.
 */
MUST_USE enum xp_rc xp_log_open_with(struct xp_log **out, int state_fd, const char *origin_hint,
				     const struct xp_rng *rng, const struct xp_log_ops *ops,
				     struct xp_err *err);

/*
 * Appends a leaf (canonical JSON, see log_leaf; else XP_E_USAGE). When it returns XP_OK the leaf is
 * on the disk, under a signed checkpoint. After an error the leaf may or may not be in the log;
 * earlier ones are.
 */
MUST_USE enum xp_rc xp_log_append(struct xp_log *log, const void *leaf, size_t len, uint64_t *index,
				  struct xp_err *err);

/* The same for N leaves at once, under one checkpoint; *INDEX is the first one's. */
MUST_USE enum xp_rc xp_log_append_many(struct xp_log *log, const struct xp_log_bytes *leaves,
				       size_t n, uint64_t *index, struct xp_err *err);

/* Valid as long as the handle. */
const char *xp_log_origin(const struct xp_log *log);
const struct xp_note_vkey *xp_log_vkey(const struct xp_log *log);

/* The latest checkpoint: size and root; and as the signed note (*OUT malloc'ed, NUL behind it). */
MUST_USE enum xp_rc xp_log_checkpoint_latest(struct xp_log *log, struct xp_merkle_head *out,
					     struct xp_err *err);
MUST_USE enum xp_rc xp_log_checkpoint_text(struct xp_log *log, char **out, size_t *len,
					   struct xp_err *err);

/* The proof that leaf INDEX is in the log, under the latest checkpoint, as the text of a
 * .tlog-proof file; *OUT malloc'ed. XP_E_NOENT where there is no such leaf. */
MUST_USE enum xp_rc xp_log_prove(struct xp_log *log, uint64_t index, char **out, size_t *len,
				 struct xp_err *err);
/* Finds the record leaf of ID (a record's id). XP_E_NOENT: none. */
MUST_USE enum xp_rc xp_log_find_record(struct xp_log *log, const char *id, uint64_t *index,
				       struct xp_err *err);

/* Start leaves without a record leaf. */
MUST_USE enum xp_rc xp_log_open_jobs(struct xp_log *log, struct xp_log_jobs *out,
				     struct xp_err *err);

/* Is an older checkpoint of this log (size and root) the beginning of today's? XP_OK: *HOLDS is the
 * answer; a larger size than today's is false. */
MUST_USE enum xp_rc xp_log_holds(struct xp_log *log, const struct xp_merkle_head *old, bool *holds,
				 struct xp_err *err);
