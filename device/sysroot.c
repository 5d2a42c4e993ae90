#include "device/sysroot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define ATTR_MAX_BYTES (64u << 10)
#define RESOLVE_TRIES  1000

static bool path_of_fd(char *out, size_t size, int fd)
{
	char proc[64];
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, out, size);
	if (n < 0 || (size_t)n >= size)
		return false;
	out[n] = 0;
	return true;
}

enum xp_rc xp_sysroot_open(struct xp_sysroot *out, const char *path, struct xp_err *err)
{
	AUTO_FD int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	struct stat live;

	if (fd < 0)
		return xp_fail_errno(err, errno == EACCES ? XP_E_PERM : XP_E_NOENT, "%s", path);
	if (fstat(fd, &st) || stat("/", &live))
		return xp_fail_errno(err, XP_E_IO, "%s", path);
	memset(out, 0, sizeof(*out));
	out->is_live = st.st_dev == live.st_dev && st.st_ino == live.st_ino;
	if (!path_of_fd(out->path, sizeof(out->path), fd)) {
		if (!out->is_live)
			return xp_fail(err, XP_E_USAGE,
				       "%s: the path is too long, or /proc is missing", path);
		memcpy(out->path, "/", 2);
	}
	out->fd = STEAL_FD(fd);
	return XP_OK;
}

void xp_sysroot_close(struct xp_sysroot *root)
{
	if (root->fd > 0)
		close(root->fd);
	*root = (struct xp_sysroot){.fd = -1};
}

static int open_path(const struct xp_sysroot *root, int flags, const char *path)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT,
	};
	unsigned tries = 0;
	int fd;

	/* the live root needs procfs' magic links, which RESOLVE_IN_ROOT forbids */
	if (root->is_live)
		return openat(root->fd, path, flags | O_CLOEXEC);
	/* EAGAIN: somewhere on the host something was renamed while ".." was looked up */
	do {
		fd = (int)syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
	} while (fd < 0 && errno == EAGAIN && tries++ < RESOLVE_TRIES);
	return fd;
}

/* Puts the formatted path into PATH; false: it does not fit. Absolute paths start at the root, too.
 */
static bool path_format(char path[PATH_MAX], const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
static bool path_format(char path[PATH_MAX], const char *fmt, va_list ap)
{
	int n = vsnprintf(path, PATH_MAX, fmt, ap);
	size_t skip;

	if (n < 0 || n >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	skip = strspn(path, "/");
	memmove(path, path + skip, (size_t)n + 1 - skip);
	if (!path[0])
		memcpy(path, ".", 2);
	return true;
}

#define PATH_FROM_ARGS(ok, path, fmt)                                                              \
	do {                                                                                       \
		va_list ap_;                                                                       \
		va_start(ap_, fmt);                                                                \
		(ok) = path_format((path), (fmt), ap_);                                            \
		va_end(ap_);                                                                       \
	} while (0)

int xp_sysroot_open_at(const struct xp_sysroot *root, int flags, const char *fmt, ...)
{
	char path[PATH_MAX];
	bool ok;

	PATH_FROM_ARGS(ok, path, fmt);
	return ok ? open_path(root, flags, path) : -1;
}

static enum xp_rc rc_of_errno(void)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
	case ESRCH:
	case ENXIO:
	case ENODEV:
		return XP_E_NOENT;
	case EACCES:
	case EPERM:
		return XP_E_PERM;
	default:
		return XP_E_IO;
	}
}

/* Reads front to back: some attributes refuse an offset, and all may change between two reads. */
static enum xp_rc read_whole(char **out, size_t *len, const struct xp_sysroot *root,
			     const char *path, size_t max_bytes, struct xp_err *err)
{
	AUTO_FD int fd = open_path(root, O_RDONLY | O_NONBLOCK, path);
	AUTO_MEM char *data = NULL;
	size_t cap = 0;
	size_t used = 0;

	if (fd < 0)
		return xp_fail_errno(err, rc_of_errno(), "/%s", path);
	for (;;) {
		ssize_t n;

		if (used == cap) {
			char *p = realloc(data, (cap ? cap * 2 : 4096) + 1);

			if (!p)
				return xp_fail(err, XP_E_NOMEM, "/%s", path);
			data = p;
			cap = cap ? cap * 2 : 4096;
		}
		n = read(fd, data + used, cap - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return xp_fail_errno(err, rc_of_errno(), "/%s", path);
		if (n == 0)
			break;
		used += (size_t)n;
		if (used > max_bytes)
			return xp_fail(err, XP_E_MALFORMED, "/%s: larger than %zu bytes", path,
				       max_bytes);
	}
	data[used] = 0;
	*len = used;
	*out = STEAL(data);
	return XP_OK;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum xp_rc read_path(char **out, size_t *len, const struct xp_sysroot *root,
			    const char *path, struct xp_err *err)
{
	AUTO_MEM char *data = NULL;
	size_t used = 0;
	size_t start = 0;

	TRY(read_whole(&data, &used, root, path, ATTR_MAX_BYTES, err));
	while (used && is_blank(data[used - 1]))
		used--;
	while (start < used && is_blank(data[start]))
		start++;
	memmove(data, data + start, used - start);
	*len = used - start;
	data[*len] = 0;
	*out = STEAL(data);
	return XP_OK;
}

enum xp_rc xp_sysroot_read_max(char **out, size_t *len, const struct xp_sysroot *root,
			       size_t max_bytes, struct xp_err *err, const char *fmt, ...)
{
	char path[PATH_MAX];
	bool ok;

	PATH_FROM_ARGS(ok, path, fmt);
	if (!ok)
		return xp_fail_errno(err, XP_E_USAGE, "path");
	return read_whole(out, len, root, path, max_bytes, err);
}

enum xp_rc xp_sysroot_read(char **out, size_t *len, const struct xp_sysroot *root,
			   struct xp_err *err, const char *fmt, ...)
{
	char path[PATH_MAX];
	bool ok;

	PATH_FROM_ARGS(ok, path, fmt);
	if (!ok)
		return xp_fail_errno(err, XP_E_USAGE, "path");
	return read_path(out, len, root, path, err);
}

bool xp_sysroot_read_u64(uint64_t *out, const struct xp_sysroot *root, const char *fmt, ...)
{
	AUTO_MEM char *text = NULL;
	char path[PATH_MAX];
	uint64_t value = 0;
	size_t len = 0;
	bool ok;

	PATH_FROM_ARGS(ok, path, fmt);
	if (!ok || read_path(&text, &len, root, path, NULL) != XP_OK || len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
			return false;
	}
	*out = value;
	return true;
}

bool xp_sysroot_read_text(char *out, size_t size, const struct xp_sysroot *root, const char *fmt,
			  ...)
{
	AUTO_MEM char *text = NULL;
	char path[PATH_MAX];
	size_t len = 0;
	bool ok;

	out[0] = 0;
	PATH_FROM_ARGS(ok, path, fmt);
	if (!ok || read_path(&text, &len, root, path, NULL) != XP_OK)
		return false;
	if (len >= size || memchr(text, 0, len))
		return false;
	memcpy(out, text, len + 1);
	return true;
}

bool xp_sysroot_has(const struct xp_sysroot *root, const char *fmt, ...)
{
	char path[PATH_MAX];
	bool ok;

	PATH_FROM_ARGS(ok, path, fmt);
	if (!ok)
		return false;
	AUTO_FD int fd = open_path(root, O_PATH, path);

	return fd >= 0;
}

bool xp_sysroot_link(char *out, size_t size, const struct xp_sysroot *root, const char *fmt, ...)
{
	char path[PATH_MAX];
	ssize_t n;
	bool ok;

	out[0] = 0;
	PATH_FROM_ARGS(ok, path, fmt);
	if (!ok)
		return false;
	AUTO_FD int fd = open_path(root, O_PATH | O_NOFOLLOW, path);

	if (fd < 0)
		return false;
	n = readlinkat(fd, "", out, size);
	if (n < 0 || (size_t)n >= size) {
		out[0] = 0;
		return false;
	}
	out[n] = 0;
	return true;
}

bool xp_sysroot_realpath(char *out, size_t size, const struct xp_sysroot *root, const char *fmt,
			 ...)
{
	char path[PATH_MAX];
	char real[PATH_MAX];
	const char *below = real;
	size_t root_len = strlen(root->path);
	bool ok;

	out[0] = 0;
	PATH_FROM_ARGS(ok, path, fmt);
	if (!ok)
		return false;
	AUTO_FD int fd = open_path(root, O_PATH, path);

	if (fd < 0 || !path_of_fd(real, sizeof(real), fd))
		return false;
	if (root_len > 1) {
		if (strncmp(real, root->path, root_len) || real[root_len] != '/')
			return false;
		below = real + root_len;
	}
	below += strspn(below, "/");
	if (strlen(below) >= size)
		return false;
	memcpy(out, below, strlen(below) + 1);
	return true;
}

void xp_names_free(struct xp_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->list[i]);
	free(names->list);
	*names = (struct xp_names){0};
}

static int compare_names(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

enum xp_rc xp_sysroot_list(struct xp_names *out, const struct xp_sysroot *root, struct xp_err *err,
			   const char *fmt, ...)
{
	AUTO(xp_names_free) struct xp_names names = {0};
	AUTO(close_dir) DIR *dir = NULL;
	char path[PATH_MAX];
	size_t cap = 0;
	bool ok;
	int fd;

	PATH_FROM_ARGS(ok, path, fmt);
	if (!ok)
		return xp_fail_errno(err, XP_E_USAGE, "path");
	fd = open_path(root, O_RDONLY | O_DIRECTORY, path);
	if (fd < 0)
		return xp_fail_errno(err, rc_of_errno(), "/%s", path);
	dir = fdopendir(fd);
	if (!dir) {
		/* a process may end between the two, and its folder with it */
		enum xp_rc rc = xp_fail_errno(err, rc_of_errno(), "/%s", path);

		close(fd);
		return rc;
	}
	for (;;) {
		struct dirent *e;

		errno = 0;
		e = readdir(dir);
		if (!e && errno)
			return xp_fail_errno(err, rc_of_errno(), "/%s", path);
		if (!e)
			break;
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (names.n == cap) {
			char **list = reallocarray(names.list, cap ? cap * 2 : 16, sizeof(*list));

			if (!list)
				return xp_fail(err, XP_E_NOMEM, "/%s", path);
			names.list = list;
			cap = cap ? cap * 2 : 16;
		}
		names.list[names.n] = strdup(e->d_name);
		if (!names.list[names.n])
			return xp_fail(err, XP_E_NOMEM, "/%s", path);
		names.n++;
	}
	if (names.n)
		qsort(names.list, names.n, sizeof(*names.list), compare_names);
	*out = names;
	names = (struct xp_names){0};
	return XP_OK;
}
