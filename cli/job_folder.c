#include "cli/job_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Names of one file (hard links) that were met. */
struct met {
	ino_t *list;
	size_t n;
};

void xp_folder_free(struct xp_folder *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->files[i]);
	free(f->files);
	free(f->path);
	*f = (struct xp_folder){0};
}

static enum xp_rc add_file(struct xp_folder *f, struct met *met, const FTSENT *e, size_t max,
			   struct xp_err *err)
{
	char **files;
	ino_t *inodes;

	for (size_t i = 0; i < met->n && e->fts_statp->st_nlink > 1; i++)
		if (met->list[i] == e->fts_statp->st_ino)
			return XP_OK;
	if (f->n == max)
		return xp_fail(err, XP_E_USAGE,
			       "%s and others: more than %zu files at once; name smaller folders",
			       e->fts_path, max);
	files = reallocarray(f->files, f->n + 2, sizeof(*files));
	if (files)
		f->files = files;
	inodes = reallocarray(met->list, met->n + 1, sizeof(*inodes));
	if (inodes)
		met->list = inodes;
	if (!files || !inodes)
		return xp_fail(err, XP_E_NOMEM, "a list of files");
	met->list[met->n++] = e->fts_statp->st_ino;
	files[f->n] = strdup(e->fts_path);
	if (!files[f->n])
		return xp_fail(err, XP_E_NOMEM, "a list of files");
	files[++f->n] = NULL;
	return XP_OK;
}

static enum xp_rc take_entry(struct xp_folder *f, struct met *met, const FTSENT *e, size_t max,
			     struct xp_err *err)
{
	switch (e->fts_info) {
	case FTS_F:
		return e->fts_statp->st_size > 0 ? add_file(f, met, e, max, err) : XP_OK;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		errno = e->fts_errno;
		return xp_fail_errno(err, errno == EACCES ? XP_E_PERM : XP_E_IO, "%s", e->fts_path);
	default:
		/* folders are entered, links and devices are no files */
		return XP_OK;
	}
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static enum xp_rc walk(struct xp_folder *f, char *real, size_t max, struct xp_err *err)
{
	char *const roots[] = {real, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, by_name);
	struct met met = {0};
	enum xp_rc rc = XP_OK;
	FTSENT *e;

	if (!fts)
		return xp_fail_errno(err, XP_E_IO, "%s", real);
	while (rc == XP_OK && (e = fts_read(fts)) != NULL)
		rc = take_entry(f, &met, e, max, err);
	fts_close(fts);
	free(met.list);
	return rc;
}

enum xp_rc xp_folder_read(struct xp_folder *out, const char *path, size_t max, struct xp_err *err)
{
	AUTO(xp_folder_free) struct xp_folder f = {0};
	AUTO_MEM char *real = realpath(path, NULL);
	const char *name;

	if (!real)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "%s", path);
	name = strrchr(real, '/');
	if (!name || !name[1])
		return xp_fail(err, XP_E_USAGE, "%s is the root of all files", path);
	snprintf(f.confirm, sizeof(f.confirm), "%s", name + 1);
	f.path = STEAL(real);
	TRY(walk(&f, f.path, max, err));
	if (f.n == 0)
		return xp_fail(err, XP_E_USAGE, "%s: no file there to overwrite", path);
	*out = f;
	f = (struct xp_folder){0};
	return XP_OK;
}

/* ---- the folders themselves ---- */

#define NAME_BYTES 8
#define DEPTH_MAX  100

struct pruning {
	const struct xp_rng *rng;
	struct xp_err *err;
	dev_t dev;  /* of the root: nothing beyond it is entered */
	bool takes; /* else it only looks */
	char *stays;
};

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
	*d = NULL;
}

static enum xp_rc must_stay(const struct pruning *p, const char *name)
{
	snprintf(p->stays, 256, "%.255s", name);
	return XP_OK;
}

/* The name goes in two steps, as a file's does. */
static enum xp_rc take_away(const struct pruning *p, int dir, const char *name, bool is_folder)
{
	uint8_t bytes[NAME_BYTES];
	char other[2 * NAME_BYTES + 1];

	TRY(xp_rng_bytes(p->rng, bytes, sizeof(bytes), p->err));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(other + 2 * i, 3, "%02x", bytes[i]);
	/* the job of another file may be faster */
	if (renameat2(dir, name, dir, other, RENAME_NOREPLACE))
		return errno == ENOENT ? XP_OK
				       : xp_fail_errno(p->err, XP_E_IO, "%s: its name", name);
	if (unlinkat(dir, other, is_folder ? AT_REMOVEDIR : 0) == 0)
		return fsync(dir) ? xp_fail_errno(p->err, XP_E_IO, "%s", name) : XP_OK;
	/* something came into it meanwhile: it keeps its name */
	if (errno == ENOTEMPTY && renameat2(dir, other, dir, name, RENAME_NOREPLACE) == 0)
		return must_stay(p, name);
	return xp_fail_errno(p->err, XP_E_IO, "%s, now %s: taking its name away", name, other);
}

static enum xp_rc prune_folder(const struct pruning *p, int parent, const char *name,
			       unsigned depth);

static enum xp_rc prune_entry(const struct pruning *p, int dir, const char *name, unsigned depth)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? XP_OK : xp_fail_errno(p->err, XP_E_IO, "%s", name);
	if (S_ISDIR(st.st_mode) && st.st_dev == p->dev && depth < DEPTH_MAX)
		return prune_folder(p, dir, name, depth + 1);
	if (st.st_dev != p->dev ||
	    !(S_ISLNK(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0)))
		return must_stay(p, name);
	return p->takes ? take_away(p, dir, name, false) : XP_OK;
}

static enum xp_rc prune_folder(const struct pruning *p, int parent, const char *name,
			       unsigned depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO(close_dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d) {
		enum xp_rc rc =
			errno == ENOENT
				? XP_OK
				: xp_fail_errno(p->err, errno == EACCES ? XP_E_PERM : XP_E_IO, "%s",
						name);

		xp_close_fd(&fd);
		return rc;
	}
	while (!*p->stays && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			TRY(prune_entry(p, fd, e->d_name, depth));
	return p->takes && !*p->stays ? take_away(p, parent, name, true) : XP_OK;
}

/* One folder with all below it: gone, or STAYS says what is in the way, and nothing was touched. */
static enum xp_rc prune_one(struct pruning *p, char *path)
{
	char *last = strrchr(path, '/');
	enum xp_rc rc;

	*last = 0;
	AUTO_FD int parent = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*last = '/';
	if (parent < 0 && errno == ENOENT)
		return XP_OK;
	if (parent < 0)
		return xp_fail_errno(p->err, errno == EACCES ? XP_E_PERM : XP_E_IO, "%s", path);
	p->takes = false;
	rc = prune_folder(p, parent, last + 1, 0);
	p->takes = true;
	return rc == XP_OK && !*p->stays ? prune_folder(p, parent, last + 1, 0) : rc;
}

enum xp_rc xp_folder_prune(char stays[256], const char *root, const char *path,
			   const struct xp_rng *rng, struct xp_err *err)
{
	struct pruning p = {.rng = rng, .err = err, .stays = stays};
	size_t len = strlen(root);
	char at[PATH_MAX];
	struct stat st;

	stays[0] = 0;
	if (len < 2 || strncmp(path, root, len) != 0 || path[len] != '/' ||
	    (size_t)snprintf(at, sizeof(at), "%s", path) >= sizeof(at))
		return xp_fail(err, XP_E_INTERNAL, "%s is not below %s", path, root);
	/* another file's job was faster */
	if (lstat(root, &st) && errno == ENOENT)
		return XP_OK;
	if (!S_ISDIR(st.st_mode))
		return xp_fail(err, XP_E_REFUSED, "%s is no folder by now", root);
	p.dev = st.st_dev;
	while (!*stays && strlen(at) > len) {
		*strrchr(at, '/') = 0;
		if (access(at, F_OK) == 0)
			TRY(prune_one(&p, at));
	}
	return XP_OK;
}
