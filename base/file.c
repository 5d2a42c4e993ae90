#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

static enum xp_rc open_failed(struct xp_err *err, const char *name)
{
	enum xp_rc rc = XP_E_IO;

	if (errno == ENOENT || errno == ENOTDIR)
		rc = XP_E_NOENT;
	else if (errno == EACCES || errno == EPERM)
		rc = XP_E_PERM;
	return xp_fail_errno(err, rc, "%s", name);
}

/* A place that is not there, or is no folder, is no missing input. */
static enum xp_rc place_failed(struct xp_err *err, const char *name)
{
	return xp_err_of_output(
		err, xp_fail_errno(err, errno == EACCES || errno == EPERM ? XP_E_PERM : XP_E_IO,
				   "%s", name));
}

enum xp_rc xp_fd_write_all(int fd, const void *data, size_t len, struct xp_err *err)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return xp_err_of_output(err, xp_fail_errno(err, XP_E_IO, "write"));
		p += n;
		len -= (size_t)n;
	}
	return XP_OK;
}

enum xp_rc xp_fd_read_exactly(int fd, void *data, size_t len, struct xp_err *err)
{
	uint8_t *p = data;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return xp_fail_errno(err, XP_E_IO, "read");
		if (n == 0)
			return xp_fail(err, XP_E_IO, "it ended early");
		p += n;
		len -= (size_t)n;
	}
	return XP_OK;
}

enum xp_rc xp_fd_pread_all(int fd, void *data, size_t len, off_t offset, size_t *got,
			   struct xp_err *err)
{
	char *p = data;

	*got = 0;
	while (*got < len) {
		ssize_t n = pread(fd, p + *got, len - *got, offset + (off_t)*got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return xp_fail_errno(err, XP_E_IO, "read at byte %lld",
					     (long long)offset + (long long)*got);
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return XP_OK;
}

static enum xp_rc read_fd(char **out, size_t *len, int fd, const char *name, size_t max_bytes,
			  struct xp_err *err)
{
	struct stat st;
	AUTO_MEM char *data = NULL;
	size_t cap;
	size_t used = 0;

	if (fstat(fd, &st))
		return xp_fail_errno(err, XP_E_IO, "%s", name);
	if (!S_ISREG(st.st_mode))
		return xp_fail(err, XP_E_MALFORMED, "%s: not a regular file", name);
	/* sysfs and procfs say size 0 or 4096 whatever the content: the size is a hint only */
	cap = st.st_size > 0 && (uint64_t)st.st_size <= max_bytes ? (size_t)st.st_size + 1 : 4096;
	for (;;) {
		size_t got = 0;
		char *p;

		p = realloc(data, cap + 1);
		if (!p)
			return xp_fail(err, XP_E_NOMEM, "%s: %zu bytes", name, cap);
		data = p;
		TRY(xp_fd_pread_all(fd, data + used, cap - used, (off_t)used, &got, err));
		used += got;
		if (used < cap)
			break;
		if (used > max_bytes)
			return xp_fail(err, XP_E_MALFORMED, "%s: larger than %zu bytes", name,
				       max_bytes);
		cap *= 2;
	}
	if (used > max_bytes)
		return xp_fail(err, XP_E_MALFORMED, "%s: larger than %zu bytes", name, max_bytes);
	data[used] = 0;
	*out = STEAL(data);
	*len = used;
	return XP_OK;
}

/*
 * A tape winds back and a watchdog starts to count when they are opened: what is no file is left
 * alone. What cannot be looked at is for open to complain of.
 */
static enum xp_rc refuse_odd(int dir_fd, const char *name, int flags, struct xp_err *err)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, flags) == 0 && !S_ISREG(st.st_mode) &&
	    !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode))
		return xp_fail(err, XP_E_MALFORMED, "%s: not a regular file", name);
	return XP_OK;
}

enum xp_rc xp_file_read(char **out, size_t *len, const char *path, size_t max_bytes,
			struct xp_err *err)
{
	AUTO_FD int fd = -1;

	TRY(refuse_odd(AT_FDCWD, path, 0, err));
	/* O_NONBLOCK: a FIFO that came to the place of a file since must not hang us */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return open_failed(err, path);
	return read_fd(out, len, fd, path, max_bytes, err);
}

enum xp_rc xp_file_read_at(char **out, size_t *len, int dir_fd, const char *name, size_t max_bytes,
			   struct xp_err *err)
{
	AUTO_FD int fd = -1;

	TRY(refuse_odd(dir_fd, name, AT_SYMLINK_NOFOLLOW, err));
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return open_failed(err, name);
	return read_fd(out, len, fd, name, max_bytes, err);
}

/* A name for a file that is not whole yet, in the same folder. */
static enum xp_rc temporary_name(char tmp[NAME_MAX + 1], const char *name, struct xp_err *err)
{
	uint64_t salt;
	int n;

	if (getrandom(&salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
		return xp_fail_errno(err, XP_E_IO, "getrandom");
	n = snprintf(tmp, NAME_MAX + 1, ".%.200s.%016llx.tmp", name, (unsigned long long)salt);
	if (n < 0 || n > NAME_MAX)
		return xp_fail(err, XP_E_USAGE, "%s: the name is too long", name);
	return XP_OK;
}

static enum xp_rc fill(int fd, const void *data, size_t len, struct xp_err *err)
{
	TRY(xp_fd_write_all(fd, data, len, err));
	if (fsync(fd))
		return xp_fail_errno(err, XP_E_IO, "fsync");
	return XP_OK;
}

/* Gives the whole file its name; without REPLACE, EEXIST where there is one. */
static enum xp_rc name_temporary(int dir_fd, const char *tmp, const char *name, bool replace,
				 struct xp_err *err)
{
	if (renameat2(dir_fd, tmp, dir_fd, name, replace ? 0 : RENAME_NOREPLACE) == 0)
		return XP_OK;
	/* file systems without RENAME_NOREPLACE: link does not replace either */
	if (replace || errno != EINVAL || linkat(dir_fd, tmp, dir_fd, name, 0))
		return xp_fail_errno(err, XP_E_IO, "rename");
	unlinkat(dir_fd, tmp, 0);
	return XP_OK;
}

static enum xp_rc write_named(int dir_fd, const char *name, const void *data, size_t len,
			      mode_t mode, bool replace, struct xp_err *err)
{
	char tmp[NAME_MAX + 1];
	AUTO_FD int fd = -1;
	enum xp_rc rc;

	TRY(temporary_name(tmp, name, err));
	fd = openat(dir_fd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return place_failed(err, name);
	rc = fill(fd, data, len, err);
	if (rc == XP_OK)
		rc = name_temporary(dir_fd, tmp, name, replace, err);
	if (rc != XP_OK)
		unlinkat(dir_fd, tmp, 0);
	return rc;
}

/* A file without a name until it is whole: a death in between leaves nothing behind. */
static enum xp_rc write_unnamed(bool *done, int dir_fd, const char *name, const void *data,
				size_t len, mode_t mode, struct xp_err *err)
{
	AUTO_FD int fd = openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
	char path[64];

	*done = false;
	if (fd < 0)
		return XP_OK;
	TRY(fill(fd, data, len, err));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*done = linkat(AT_FDCWD, path, dir_fd, name, AT_SYMLINK_FOLLOW) == 0;
	if (!*done && errno == EEXIST)
		return xp_fail_errno(err, XP_E_IO, "link");
	return XP_OK;
}

enum xp_rc xp_file_write_at(int dir_fd, const char *name, const void *data, size_t len, mode_t mode,
			    bool replace, struct xp_err *err)
{
	bool done = false;
	enum xp_rc rc = XP_OK;

	if (!replace)
		rc = write_unnamed(&done, dir_fd, name, data, len, mode, err);
	if (rc == XP_OK && !done)
		rc = write_named(dir_fd, name, data, len, mode, replace, err);
	if (rc == XP_OK && fsync(dir_fd))
		rc = xp_fail_errno(err, XP_E_IO, "fsync of the folder");
	if (rc != XP_OK)
		xp_err_prefix(err, "%s", name);
	return xp_err_of_output(err, rc);
}

enum xp_rc xp_dir_make_open(int *out_fd, const char *path, mode_t mode, struct xp_err *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	int fd;

	if (len == 0 || len >= sizeof(part))
		return xp_fail(err, XP_E_USAGE, "%s: not a usable folder name", path);
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (part[i] != '/' && part[i] != 0)
			continue;
		part[i] = 0;
		if (mkdir(part, i == len ? mode : 0755) && errno != EEXIST)
			return place_failed(err, part);
		if (i < len)
			part[i] = '/';
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return place_failed(err, path);
	*out_fd = fd;
	return XP_OK;
}
