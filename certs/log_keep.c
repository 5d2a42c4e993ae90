#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "certs/log_writer_state.h"

#define KEPT_PATH_MAX (XP_TILE_PATH_MAX + sizeof(XP_LOG_DIR_NAME) + 1)

/* As seen from the state folder. */
static void kept_path(char out[KEPT_PATH_MAX], const struct xp_log *log, int in, const char *path)
{
	snprintf(out, KEPT_PATH_MAX, "%s%.*s", in == log->state_fd ? "" : XP_LOG_DIR_NAME "/",
		 XP_TILE_PATH_MAX, path);
}

enum xp_rc xp_log_file_put(const struct xp_log *log, int in, const char *path,
			   const struct xp_log_bytes *bytes, mode_t mode, struct xp_err *err)
{
	char kept[KEPT_PATH_MAX];

	TRY(xp_log_put(log->ops, in, path, bytes->data, bytes->len, mode, err));
	kept_path(kept, log, in, path);
	return xp_durable_replace(log->durable, kept, bytes->data, bytes->len, err);
}

enum xp_rc xp_log_file_ensure(const struct xp_log *log, int in, const char *path,
			      const struct xp_log_bytes *bytes, bool *changed, struct xp_err *err)
{
	char kept[KEPT_PATH_MAX];

	TRY(xp_log_ensure(log->ops, in, path, bytes->data, bytes->len, changed, err));
	kept_path(kept, log, in, path);
	return xp_durable_replace(log->durable, kept, bytes->data, bytes->len, err);
}

enum xp_rc xp_log_file_remove(const struct xp_log *log, int in, const char *path,
			      struct xp_err *err)
{
	char kept[KEPT_PATH_MAX];

	TRY(xp_log_remove(log->ops, in, path, err));
	kept_path(kept, log, in, path);
	return xp_durable_remove(log->durable, kept, err);
}

void xp_log_dir_clear(const struct xp_log *log, const char *path)
{
	char kept[KEPT_PATH_MAX];

	if (faccessat(log->log_fd, path, F_OK, AT_SYMLINK_NOFOLLOW))
		return;
	xp_log_clear_dir(log->ops, log->log_fd, path);
	kept_path(kept, log, log->log_fd, path);
	if (xp_durable_remove(log->durable, kept, NULL) != XP_OK)
		xp_log(XP_LOG_WARNING, "log: %s is of no more use, and is kept", path);
}
