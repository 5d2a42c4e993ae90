#include "cli/state_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/secret.h"
#include "cli/box_format.h"

#define KEPT_MAX_BYTES (64u << 20)

static enum xp_rc default_dir(char out[4096], struct xp_err *err)
{
	const char *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (geteuid() == 0)
		snprintf(out, 4096, "/var/lib/expunge");
	else if (xdg && xdg[0] == '/')
		snprintf(out, 4096, "%s/expunge", xdg);
	else if (home && home[0] == '/')
		snprintf(out, 4096, "%s/.local/state/expunge", home);
	else
		return xp_fail(err, XP_E_USAGE, "no home folder for the state; give --state DIR");
	return XP_OK;
}

static enum xp_rc open_below(int *out, int fd, const char *name, bool make, struct xp_err *err)
{
	if (make && mkdirat(fd, name, 0700) && errno != EEXIST)
		return xp_err_of_output(err, xp_fail_errno(err, XP_E_IO, "state folder: %s", name));
	*out = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (*out < 0)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO,
				     "state folder: %s", name);
	return XP_OK;
}

static enum xp_rc state_path(struct xp_state *s, const char *dir, struct xp_err *err)
{
	*s = (struct xp_state){.fd = -1, .jobs_fd = -1, .certificates_fd = -1};
	s->is_default = !dir;
	if (!dir)
		return default_dir(s->path, err);
	if (strlen(dir) >= sizeof(s->path))
		return xp_fail(err, XP_E_USAGE, "--state: the name is too long");
	snprintf(s->path, sizeof(s->path), "%s", dir);
	return XP_OK;
}

static void move_state(struct xp_state *out, struct xp_state *s)
{
	*out = *s;
	*s = (struct xp_state){.fd = -1, .jobs_fd = -1, .certificates_fd = -1};
}

enum xp_rc xp_state_open(struct xp_state *out, const char *dir, struct xp_err *err)
{
	AUTO(xp_state_close) struct xp_state s = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1};

	TRY(state_path(&s, dir, err));
	if (xp_dir_make_open(&s.fd, s.path, 0700, err) != XP_OK)
		return xp_err_prefix(err, "state folder");
	TRY(open_below(&s.jobs_fd, s.fd, "jobs", true, err));
	TRY(open_below(&s.certificates_fd, s.fd, "certificates", true, err));
	move_state(out, &s);
	return XP_OK;
}

enum xp_rc xp_state_open_existing(struct xp_state *out, const char *dir, struct xp_err *err)
{
	AUTO(xp_state_close) struct xp_state s = {.fd = -1, .jobs_fd = -1, .certificates_fd = -1};

	TRY(state_path(&s, dir, err));
	s.fd = open(s.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.fd < 0)
		return xp_fail_errno(err,
				     errno == ENOENT || errno == ENOTDIR ? XP_E_NOENT
				     : errno == EACCES || errno == EPERM ? XP_E_PERM
									 : XP_E_IO,
				     "state folder %s", s.path);
	TRY(open_below(&s.jobs_fd, s.fd, "jobs", false, err));
	TRY(open_below(&s.certificates_fd, s.fd, "certificates", false, err));
	move_state(out, &s);
	return XP_OK;
}

void xp_state_close(struct xp_state *s)
{
	xp_close_fd(&s->jobs_fd);
	xp_close_fd(&s->certificates_fd);
	xp_close_fd(&s->fd);
	s->jobs_fd = s->certificates_fd = s->fd = -1;
}

static void csv_field(struct xp_buf *b, const char *text)
{
	xp_buf_putc(b, '"');
	for (; *text; text++) {
		if (*text == '"')
			xp_buf_putc(b, '"');
		xp_buf_putc(b, *text);
	}
	xp_buf_putc(b, '"');
}

enum xp_rc xp_state_index_add(const struct xp_state *s, const char *const *fields,
			      struct xp_err *err)
{
	static const char header[] = "id,issued,kind,outcome,claim,scope,model,serial,path\n";
	AUTO(xp_buf_free) struct xp_buf b = {0};
	AUTO_FD int fd = openat(s->fd, "index.csv",
				O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;

	if (fd < 0 || flock(fd, LOCK_EX) || fstat(fd, &st))
		return xp_fail_errno(err, XP_E_IO, "index.csv");
	if (st.st_size == 0)
		xp_buf_puts(&b, header);
	for (size_t i = 0; fields[i]; i++) {
		if (i)
			xp_buf_putc(&b, ',');
		csv_field(&b, fields[i]);
	}
	xp_buf_putc(&b, '\n');
	if (!xp_buf_ok(&b))
		return xp_fail(err, XP_E_NOMEM, "index.csv");
	TRY(xp_fd_write_all(fd, b.data, b.len, err));
	if (fsync(fd))
		return xp_fail_errno(err, XP_E_IO, "index.csv: fsync");
	TRY(xp_durable_append(s->durable, "index.csv", (uint64_t)st.st_size, b.data, b.len, err));
	/* before another process may add a line behind it */
	return xp_durable_flush(s->durable, err);
}

enum xp_rc xp_state_keep_file(const struct xp_state *s, const char *path, struct xp_err *err)
{
	AUTO_MEM char *data = NULL;
	size_t len = 0;
	enum xp_rc rc;

	if (!s->durable)
		return XP_OK;
	TRY(xp_file_read_at(&data, &len, s->fd, path, KEPT_MAX_BYTES, err));
	rc = xp_durable_replace(s->durable, path, data, len, err);
	xp_wipe(data, len);
	return rc;
}

static void reserve_name(char out[NAME_MAX], const char *id)
{
	snprintf(out, NAME_MAX, ".%.100s.reserve", id);
}

enum xp_rc xp_reserve_take(int dir_fd, const char *id, uint64_t len, struct xp_err *err)
{
	char name[NAME_MAX];
	AUTO_FD int fd = -1;

	reserve_name(name, id);
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return xp_fail_errno(err, XP_E_IO, "room for the record");
	errno = posix_fallocate(fd, 0, (off_t)len);
	if (errno == 0 && fsync(fd) == 0)
		return XP_OK;
	xp_err_set(err, XP_E_IO, errno, XP_PLACE, "room for the record (%llu bytes)",
		   (unsigned long long)len);
	unlinkat(dir_fd, name, 0);
	return XP_E_IO;
}

void xp_reserve_drop(int dir_fd, const char *id)
{
	char name[NAME_MAX];

	reserve_name(name, id);
	unlinkat(dir_fd, name, 0);
}

/* The log's origin wants a lower-case DNS name; what the host calls itself may be none. */
enum xp_rc xp_state_log_open(struct xp_log **out, const struct xp_state *s,
			     const struct xp_rng *rng, struct xp_err *err)
{
	char name[160] = "";
	bool is_dns = gethostname(name, 128) == 0 && *name;

	for (char *p = name; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
		is_dns = is_dns && ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
				    *p == '-' || *p == '.');
	}
	if (is_dns && !strchr(name, '.'))
		memcpy(name + strlen(name), ".local", sizeof(".local"));
	return xp_log_open_kept(out, s->fd, is_dns ? name : NULL, rng, s->durable, err);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

enum xp_rc xp_state_each_file(int fd,
			      enum xp_rc (*take)(void *ctx, const char *path, struct xp_err *err),
			      void *ctx, struct xp_err *err)
{
	char root[64];
	char *const roots[] = {root, NULL};
	enum xp_rc rc = XP_OK;
	FTSENT *e;
	FTS *fts;

	snprintf(root, sizeof(root), "/proc/self/fd/%d/.", fd);
	fts = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, by_name);
	if (!fts)
		return xp_fail_errno(err, XP_E_IO, "state folder");
	while (rc == XP_OK && (e = fts_read(fts)) != NULL) {
		const char *path = e->fts_path + strlen(root);

		while (*path == '/')
			path++;
		if (e->fts_info == FTS_F && xp_box_path_is_file(path))
			rc = take(ctx, path, err);
	}
	fts_close(fts);
	return rc;
}
