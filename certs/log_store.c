#include "certs/log_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define TMP_NAME ".log.tmp"
#define PATH_LEN 256

static int sys_create(void *ctx, int dir_fd, const char *name, mode_t mode)
{
	(void)ctx;
	return openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
}

static ssize_t sys_write(void *ctx, int fd, const void *data, size_t len)
{
	(void)ctx;
	return write(fd, data, len);
}

static int sys_sync(void *ctx, int fd)
{
	(void)ctx;
	return fsync(fd);
}

static int sys_rename(void *ctx, int from_fd, const char *from, int to_fd, const char *to)
{
	(void)ctx;
	return renameat(from_fd, from, to_fd, to);
}

static int sys_mkdir(void *ctx, int dir_fd, const char *name)
{
	(void)ctx;
	return mkdirat(dir_fd, name, 0755);
}

static int sys_unlink(void *ctx, int dir_fd, const char *name, int flags)
{
	(void)ctx;
	return unlinkat(dir_fd, name, flags);
}

const struct xp_log_ops *xp_log_ops_system(void)
{
	static const struct xp_log_ops ops = {
		.create = sys_create,
		.write = sys_write,
		.sync = sys_sync,
		.rename = sys_rename,
		.mkdir = sys_mkdir,
		.unlink = sys_unlink,
		.lock_wait_ms = 60000,
	};

	return &ops;
}

static enum xp_rc failed(struct xp_err *err, const char *what, const char *path)
{
	return xp_err_of_output(
		err, xp_fail_errno(err, errno == EACCES || errno == EPERM ? XP_E_PERM : XP_E_IO,
				   "log: %s %s", what, path));
}

static int open_dir(int dir_fd, const char *name)
{
	return openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static bool is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	unsigned n = 0;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return true;
	}
	while (n < 3 && (entry = readdir(dir)))
		n++;
	closedir(dir);
	return n < 3; /* "." and ".." */
}

enum xp_rc xp_log_mkdir_open(const struct xp_log_ops *ops, int dir_fd, const char *name,
			     int *out_fd, struct xp_err *err)
{
	bool made = ops->mkdir(ops->ctx, dir_fd, name) == 0;
	AUTO_FD int fd = -1;

	if (!made && errno != EEXIST)
		return failed(err, "mkdir", name);
	fd = open_dir(dir_fd, name);
	if (fd < 0)
		return failed(err, "open", name);
	/* an empty one may be by somebody who died before the next line */
	if ((made || is_empty(fd)) && ops->sync(ops->ctx, dir_fd))
		return failed(err, "fsync of the folder of", name);
	*out_fd = STEAL_FD(fd);
	return XP_OK;
}

/* Opens (and makes) the folder that PATH stands in; *NAME is the last part. */
static enum xp_rc open_parent(const struct xp_log_ops *ops, int dir_fd, const char *path,
			      const char **name, int *out_fd, struct xp_err *err)
{
	AUTO_FD int at = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	const char *slash;

	if (at < 0)
		return failed(err, "open the folder of", path);
	while ((slash = strchr(path, '/'))) {
		char part[PATH_LEN];
		int next = -1;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		TRY(xp_log_mkdir_open(ops, at, part, &next, err));
		close(at);
		at = next;
		path = slash + 1;
	}
	*name = path;
	*out_fd = STEAL_FD(at);
	return XP_OK;
}

static enum xp_rc write_all(const struct xp_log_ops *ops, int fd, const void *data, size_t len,
			    struct xp_err *err)
{
	const char *p = data;

	while (len) {
		ssize_t n = ops->write(ops->ctx, fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(err, "write", TMP_NAME);
		p += n;
		len -= (size_t)n;
	}
	return XP_OK;
}

static enum xp_rc write_tmp(const struct xp_log_ops *ops, int dir_fd, const void *data, size_t len,
			    mode_t mode, struct xp_err *err)
{
	AUTO_FD int fd = ops->create(ops->ctx, dir_fd, TMP_NAME, mode);

	if (fd < 0 && errno == EEXIST) { /* left by an interruption */
		if (ops->unlink(ops->ctx, dir_fd, TMP_NAME, 0))
			return failed(err, "unlink", TMP_NAME);
		fd = ops->create(ops->ctx, dir_fd, TMP_NAME, mode);
	}
	if (fd < 0)
		return failed(err, "create", TMP_NAME);
	TRY(write_all(ops, fd, data, len, err));
	return ops->sync(ops->ctx, fd) ? failed(err, "fsync", TMP_NAME) : XP_OK;
}

enum xp_rc xp_log_put(const struct xp_log_ops *ops, int dir_fd, const char *path, const void *data,
		      size_t len, mode_t mode, struct xp_err *err)
{
	AUTO_FD int parent = -1;
	const char *name = path;
	enum xp_rc rc;

	TRY(open_parent(ops, dir_fd, path, &name, &parent, err));
	rc = write_tmp(ops, dir_fd, data, len, mode, err);
	if (rc == XP_OK && ops->rename(ops->ctx, dir_fd, TMP_NAME, parent, name))
		rc = failed(err, "rename to", path);
	if (rc != XP_OK) {
		(void)ops->unlink(ops->ctx, dir_fd, TMP_NAME, 0);
		return rc;
	}
	return ops->sync(ops->ctx, parent) ? failed(err, "fsync of the folder of", path) : XP_OK;
}

enum xp_rc xp_log_ensure(const struct xp_log_ops *ops, int dir_fd, const char *path,
			 const void *data, size_t len, bool *changed, struct xp_err *err)
{
	AUTO_MEM char *found = NULL;
	size_t found_len = 0;
	enum xp_rc rc = xp_file_read_at(&found, &found_len, dir_fd, path, len, err);

	*changed = rc == XP_E_MALFORMED;
	if (rc == XP_OK) {
		*changed = found_len != len || memcmp(found, data, len) != 0;
		if (!*changed)
			return XP_OK;
	} else if (rc != XP_E_NOENT && rc != XP_E_MALFORMED) {
		return rc;
	}
	return xp_log_put(ops, dir_fd, path, data, len, 0644, err);
}

enum xp_rc xp_log_remove(const struct xp_log_ops *ops, int dir_fd, const char *path,
			 struct xp_err *err)
{
	AUTO_FD int parent = -1;
	const char *name = path;

	TRY(open_parent(ops, dir_fd, path, &name, &parent, err));
	if (ops->unlink(ops->ctx, parent, name, 0))
		return errno == ENOENT ? XP_OK : failed(err, "unlink", path);
	return ops->sync(ops->ctx, parent) ? failed(err, "fsync of the folder of", path) : XP_OK;
}

void xp_log_clear_dir(const struct xp_log_ops *ops, int dir_fd, const char *path)
{
	int fd = open_dir(dir_fd, path);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)ops->unlink(ops->ctx, fd, entry->d_name, 0);
	closedir(dir);
	(void)ops->unlink(ops->ctx, dir_fd, path, AT_REMOVEDIR);
}
