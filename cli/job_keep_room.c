#include "cli/job_keep_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sanitize/journal.h"

struct ids {
	char (*list)[XP_UUID_LEN];
	size_t n, cap;
};

static enum xp_rc add_id(struct ids *ids, const char *id, struct xp_err *err)
{
	for (size_t i = 0; i < ids->n; i++)
		if (strncmp(ids->list[i], id, XP_UUID_LEN - 1) == 0)
			return XP_OK;
	if (ids->n == ids->cap) {
		size_t cap = ids->cap ? 2 * ids->cap : 64;
		char(*list)[XP_UUID_LEN] = reallocarray(ids->list, cap, sizeof(*list));

		if (!list)
			return xp_fail(err, XP_E_NOMEM, "list of jobs");
		ids->list = list;
		ids->cap = cap;
	}
	snprintf(ids->list[ids->n++], XP_UUID_LEN, "%s", id);
	return XP_OK;
}

/* Jobs that have not ended, and records that room was set aside for (".ID.reserve"). */
static enum xp_rc add_ids_of(struct ids *ids, const struct xp_keep *keep, const char *folder,
			     bool of_jobs, struct xp_err *err)
{
	int fd = openat(keep->state_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	enum xp_rc rc = XP_OK;

	if (!dir) {
		xp_close_fd(&fd);
		return xp_fail_errno(err, XP_E_IO, "state folder: %s", folder);
	}
	while (rc == XP_OK && (e = readdir(dir)) != NULL) {
		size_t len = strlen(e->d_name);

		if (of_jobs && len == XP_UUID_LEN - 1 &&
		    !xp_journal_has_ended(dirfd(dir), e->d_name))
			rc = add_id(ids, e->d_name, err);
		if (!of_jobs && e->d_name[0] == '.' && len > XP_UUID_LEN &&
		    strcmp(e->d_name + XP_UUID_LEN, ".reserve") == 0)
			rc = add_id(ids, e->d_name + 1, err);
	}
	closedir(dir);
	return rc;
}

bool xp_keep_has_room_besides(struct xp_keep *keep, uint64_t bytes)
{
	struct ids ids = {0};
	uint64_t room = 0;
	bool has = add_ids_of(&ids, keep, "jobs", true, NULL) == XP_OK &&
		   add_ids_of(&ids, keep, "certificates", false, NULL) == XP_OK &&
		   xp_box_pair_room(&room, keep->pair, NULL) == XP_OK &&
		   room >= ids.n * XP_KEEP_JOB_BYTES + bytes;

	free(ids.list);
	return has;
}

bool xp_keep_is_baseline(const char *path)
{
	return strncmp(path, "jobs/", 5) == 0 && strstr(path, "/baseline-");
}

bool xp_keep_is_over(void *ctx, const char *path)
{
	const struct xp_keep *keep = ctx;
	char folder[XP_BOX_PATH_LEN];

	if (!xp_keep_is_baseline(path))
		return false;
	snprintf(folder, sizeof(folder), "%.*s", 5 + XP_UUID_LEN - 1, path);
	return xp_journal_has_ended(keep->state_fd, folder);
}

/* *OPEN_N: jobs that have not ended; *FITS: so many there may be in all. */
static enum xp_rc measure(size_t *open_n, uint64_t *fits, struct ids *ids, struct xp_keep *keep,
			  struct xp_err *err)
{
	TRY(xp_box_pair_tell_over(keep->pair, xp_keep_is_over, keep, err));
	TRY(xp_keep_flush(keep, err));
	TRY(add_ids_of(ids, keep, "jobs", true, err));
	TRY(add_ids_of(ids, keep, "certificates", false, err));
	TRY(xp_box_pair_room(fits, keep->pair, err));
	*open_n = ids->n;
	*fits /= XP_KEEP_JOB_BYTES;
	if (xp_box_pair_trouble(keep->pair))
		return xp_fail(err, XP_E_REFUSED, "%s", xp_box_pair_trouble(keep->pair));
	return XP_OK;
}

static enum xp_rc demand(struct xp_keep *keep, struct ids *ids, const char *const *more, size_t n,
			 struct xp_err *err)
{
	char held[64] = "";
	uint64_t fits = 0;
	size_t open_n = 0;

	TRY(measure(&open_n, &fits, ids, keep, err));
	for (size_t i = 0; i < n; i++)
		TRY(add_id(ids, more[i], err));
	if (ids->n <= fits)
		return XP_OK;
	if (open_n)
		snprintf(held, sizeof(held), " (%zu that have not ended hold theirs)", open_n);
	if (fits <= open_n)
		return xp_fail(err, XP_E_REFUSED,
			       "the boxes in %s are full: there is no room for the record of one "
			       "more drive%s",
			       keep->dir, held);
	return xp_fail(err, XP_E_REFUSED,
		       "the boxes in %s have room for the records of %llu more drives, not of "
		       "%zu%s",
		       keep->dir, (unsigned long long)(fits - open_n), ids->n - open_n, held);
}

enum xp_rc xp_keep_demand_room(struct xp_keep *keep, const char *const *ids, size_t n,
			       struct xp_err *err)
{
	struct ids all = {0};
	enum xp_rc rc = demand(keep, &all, ids, n, err);

	free(all.list);
	return rc;
}

enum xp_rc xp_keep_room(size_t *jobs, struct xp_keep *keep, struct xp_err *err)
{
	struct ids all = {0};
	uint64_t fits = 0;
	size_t open_n = 0;
	enum xp_rc rc = measure(&open_n, &fits, &all, keep, err);

	free(all.list);
	*jobs = rc == XP_OK && fits > open_n ? (size_t)(fits - open_n) : 0;
	return rc;
}
