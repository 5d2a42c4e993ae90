#include "cli/cert_batch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"

#define DEPTH_MAX 16

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s);
	size_t m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

static enum xp_rc push(struct xp_pairs *p, const struct xp_pair *pair, struct xp_err *err)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 64;
		struct xp_pair *list = reallocarray(p->list, cap, sizeof(*list));

		if (!list)
			return xp_fail(err, XP_E_NOMEM, "list of records");
		p->list = list;
		p->cap = cap;
	}
	p->list[p->n++] = *pair;
	return XP_OK;
}

void xp_pairs_free(struct xp_pairs *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i].json_path);
	for (size_t i = 0; i < p->unread_n; i++)
		free(p->unread[i].path);
	free(p->unread);
	free(p->list);
	*p = (struct xp_pairs){0};
}

/* The error that was recorded is of PATH, somewhere below a folder that was named. */
static enum xp_rc note_unread(struct xp_pairs *p, const char *path, struct xp_err *err)
{
	struct xp_unread *list = reallocarray(p->unread, p->unread_n + 1, sizeof(*list));
	char *copy = strdup(path);

	if (list)
		p->unread = list;
	if (!list || !copy) {
		free(copy);
		return xp_fail(err, XP_E_NOMEM, "list of records");
	}
	p->unread[p->unread_n++] = (struct xp_unread){.path = copy, .why = *err};
	return XP_OK;
}

static bool exists(const char *path)
{
	struct stat st;

	/* a file that is there but cannot be looked at must not count as absent */
	return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static enum xp_rc add_pair(struct xp_pairs *p, const char *json_path, bool from_folder,
			   struct xp_err *err)
{
	AUTO_MEM char *sig = NULL;
	AUTO_MEM char *copy = strdup(json_path);
	struct xp_pair pair = {.from_folder = from_folder};

	if (!copy || asprintf(&sig, "%s.p7s", json_path) < 0) {
		sig = NULL;
		return xp_fail(err, XP_E_NOMEM, "list of records");
	}
	pair.has_json = exists(json_path);
	pair.has_signature = exists(sig);
	pair.json_path = copy;
	TRY(push(p, &pair, err));
	copy = NULL;
	return XP_OK;
}

/* A record without a signature must not hide: its schema gives it away. */
static bool looks_like_record(const char *path)
{
	static const char mark[] = "\"schema\":\"expunge-record/";
	AUTO_MEM char *text = NULL;
	size_t len = 0;
	struct xp_err err;
	enum xp_rc rc = xp_file_read(&text, &len, path, XP_RECORD_MAX_BYTES, &err);

	/* what cannot be read is better reported than ignored */
	return rc != XP_OK || memmem(text, len, mark, sizeof(mark) - 1) != NULL;
}

static enum xp_rc add_file(struct xp_pairs *p, const char *path, struct xp_err *err)
{
	AUTO_MEM char *other = NULL;

	if (ends_with(path, ".json.p7s")) {
		other = strndup(path, strlen(path) - 4);
		if (!other)
			return xp_fail(err, XP_E_NOMEM, "list of records");
		/* with its record it is found by the record's name */
		return exists(other) ? XP_OK : add_pair(p, other, true, err);
	}
	if (ends_with(path, ".json")) {
		if (asprintf(&other, "%s.p7s", path) < 0) {
			other = NULL;
			return xp_fail(err, XP_E_NOMEM, "list of records");
		}
		if (exists(other) || looks_like_record(path))
			return add_pair(p, path, true, err);
	}
	if (!ends_with(path, ".tlog-proof") && !ends_with(path, ".tst"))
		p->ignored++;
	return XP_OK;
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static enum xp_rc add_folder(struct xp_pairs *p, const char *path, unsigned depth,
			     struct xp_err *err);

/* A link is followed to a file, never to a folder: that may lie above, or outside. */
static bool leads_to_folder(const char *path, const struct stat *link)
{
	struct stat st;

	return S_ISLNK(link->st_mode) && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum xp_rc add_entry(struct xp_pairs *p, const char *folder, const char *name,
			    unsigned depth, struct xp_err *err)
{
	AUTO_MEM char *path = NULL;
	struct stat st;

	/* "certs/" as much as "certs" */
	if (asprintf(&path, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name) <
	    0) {
		path = NULL;
		return xp_fail(err, XP_E_NOMEM, "list of records");
	}
	if (lstat(path, &st)) {
		(void)xp_fail_errno(err, XP_E_IO, "%s: it was not checked", path);
		return note_unread(p, path, err);
	}
	if (S_ISDIR(st.st_mode))
		return add_folder(p, path, depth + 1, err);
	if (leads_to_folder(path, &st)) {
		(void)xp_fail(err, XP_E_NOENT,
			      "%s: a link to a folder, in which nothing was checked: name it, too",
			      path);
		return note_unread(p, path, err);
	}
	return add_file(p, path, err);
}

static enum xp_rc add_folder(struct xp_pairs *p, const char *path, unsigned depth,
			     struct xp_err *err)
{
	struct dirent **names = NULL;
	enum xp_rc rc = XP_OK;
	int n;

	if (depth > DEPTH_MAX) {
		(void)xp_fail(err, XP_E_NOENT,
			      "%s: more than %d folders deep: what is in it was not checked", path,
			      DEPTH_MAX);
		return note_unread(p, path, err);
	}
	n = scandir(path, &names, visible, by_bytes);
	if (n < 0 && errno == ENOMEM)
		return xp_fail(err, XP_E_NOMEM, "%s", path);
	if (n < 0 && depth == 0)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "%s", path);
	if (n < 0) {
		(void)xp_fail_errno(err, XP_E_IO, "%s: what is in it was not checked", path);
		return note_unread(p, path, err);
	}
	for (int i = 0; i < n; i++) {
		if (rc == XP_OK)
			rc = add_entry(p, path, names[i]->d_name, depth, err);
		free(names[i]);
	}
	free(names);
	return rc;
}

enum xp_rc xp_pairs_add(struct xp_pairs *p, const char *path, struct xp_err *err)
{
	AUTO_MEM char *json = NULL;
	struct stat st;

	if (stat(path, &st))
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "%s", path);
	if (S_ISDIR(st.st_mode))
		return add_folder(p, path, 0, err);
	if (!ends_with(path, ".p7s"))
		return add_pair(p, path, false, err);
	json = strndup(path, strlen(path) - 4);
	if (!json)
		return xp_fail(err, XP_E_NOMEM, "list of records");
	return add_pair(p, json, false, err);
}
