/*
 * log_writer_state: what a handle of the log holds, for the files that write and that repair it.
 * All functions here want the lock.
 */
#pragma once
#include "certs/log_tree.h"
#include "certs/log_writer.h"

#include <pthread.h>

struct xp_log {
	pthread_mutex_t mutex;
	int state_fd;
	int log_fd;
	int lock_fd;
	const struct xp_log_ops *ops;
	const struct xp_durable *durable; /* may be NULL */
	struct xp_note_signer *signer;
	struct xp_log_tree tree;
	char *checkpoint; /* the signed note that the tree stands under */
	size_t checkpoint_len;
	bool stale; /* the tree is not what is on the disk: read all of it again */
};

/* What a log is written through. */
struct xp_log_outside {
	const struct xp_log_ops *ops;
	const struct xp_durable *durable;
};

#define XP_LOG_KEY_NAME	  "log.key"
#define XP_LOG_VKEY_NAME  "log.vkey"
#define XP_LOG_DIR_NAME	  "log"
#define XP_LOG_CHECKPOINT "checkpoint"

/*
 * xp_log_put, xp_log_ensure and xp_log_remove for the log, and for whoever else keeps it. IN is
 * log->log_fd or log->state_fd.
 */
MUST_USE enum xp_rc xp_log_file_put(const struct xp_log *log, int in, const char *path,
				    const struct xp_log_bytes *bytes, mode_t mode,
				    struct xp_err *err);
MUST_USE enum xp_rc xp_log_file_ensure(const struct xp_log *log, int in, const char *path,
				       const struct xp_log_bytes *bytes, bool *changed,
				       struct xp_err *err);
MUST_USE enum xp_rc xp_log_file_remove(const struct xp_log *log, int in, const char *path,
				       struct xp_err *err);
/* xp_log_clear_dir below log->log_fd. What stays behind does no harm. */
void xp_log_dir_clear(const struct xp_log *log, const char *path);

/* Makes key, folder and the empty checkpoint; refuses where there is something to lose. */
MUST_USE enum xp_rc xp_log_create(struct xp_log *log, const char *origin_hint,
				  const struct xp_rng *rng, struct xp_err *err);
/* Opens what is there: the folder, the key, the origin that the checkpoint names. */
MUST_USE enum xp_rc xp_log_attach(struct xp_log *log, const struct xp_secret *pem,
				  struct xp_err *err);
/* log.key as a secret; XP_E_NOENT: none yet. */
MUST_USE enum xp_rc xp_log_key_read(struct xp_secret *pem, int state_fd, struct xp_err *err);

/* Brings the tree to what is on the disk, and the disk to what the tree shows: repairs or refuses.
 */
MUST_USE enum xp_rc xp_log_refresh(struct xp_log *log, struct xp_err *err);
/* Writes what changed since the tree had OLD_SIZE leaves, then the checkpoint. */
MUST_USE enum xp_rc xp_log_commit(struct xp_log *log, uint64_t old_size, struct xp_err *err);
/* Writes full pieces as they come. */
struct xp_log_sink xp_log_put_sink(struct xp_log *log);
