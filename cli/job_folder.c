#include "cli/job_folder.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
	TRY(walk(&f, real, max, err));
	if (f.n == 0)
		return xp_fail(err, XP_E_USAGE, "%s: no file there to overwrite", path);
	*out = f;
	f = (struct xp_folder){0};
	return XP_OK;
}
