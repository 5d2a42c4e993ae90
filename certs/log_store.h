/*
 * log_store: how the log's files come to the disk: whole or not at all, in an order that a power
 * loss cannot turn round. Every step goes through a table, so that a test can end the world at any
 * of them.
 */
#pragma once
#include "base/err.h"

#include <sys/types.h>

/* Each as the system call of its name: -1 and errno on failure. */
struct xp_log_ops {
	int (*create)(void *ctx, int dir_fd, const char *name, mode_t mode); /* new, O_EXCL */
	ssize_t (*write)(void *ctx, int fd, const void *data, size_t len);
	int (*sync)(void *ctx, int fd); /* of a file or a folder */
	int (*rename)(void *ctx, int from_fd, const char *from, int to_fd, const char *to);
	int (*mkdir)(void *ctx, int dir_fd, const char *name);
	int (*unlink)(void *ctx, int dir_fd, const char *name, int flags);
	void *ctx;
	unsigned lock_wait_ms; /* how long another writer is waited for */
};
const struct xp_log_ops *xp_log_ops_system(void);

/*
 * Puts a file below DIR_FD in the place PATH (folders are made): a temporary file, write, fsync,
 * rename, fsync of each folder that changed. One writer at a time.
 */
MUST_USE enum xp_rc xp_log_put(const struct xp_log_ops *ops, int dir_fd, const char *path,
			       const void *data, size_t len, mode_t mode, struct xp_err *err);
/* The same, unless the file is there with exactly these bytes. *CHANGED: it was there with others.
 */
MUST_USE enum xp_rc xp_log_ensure(const struct xp_log_ops *ops, int dir_fd, const char *path,
				  const void *data, size_t len, bool *changed, struct xp_err *err);
/* Makes the folder NAME and returns an open descriptor of it. */
MUST_USE enum xp_rc xp_log_mkdir_open(const struct xp_log_ops *ops, int dir_fd, const char *name,
				      int *out_fd, struct xp_err *err);
/* Takes PATH away for good. No such file: fine. */
MUST_USE enum xp_rc xp_log_remove(const struct xp_log_ops *ops, int dir_fd, const char *path,
				  struct xp_err *err);
/* Takes the folder PATH and the files in it away, as far as that goes. */
void xp_log_clear_dir(const struct xp_log_ops *ops, int dir_fd, const char *path);
