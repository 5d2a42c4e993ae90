#include "cli/job_export.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/job_export_old.h"
#include "cli/job_keep.h"

#define CERTIFICATES "certificates/"
#define LOCK_STEP_MS 20u
#define LOCK_WAIT_MS 30000u

struct exporting {
	const struct xp_export_source *source;
	struct xp_export_report *report;
	struct xp_box_index listed; /* of a state folder */
	const struct xp_box_index *files;
	int dir_fd;
};

void xp_export_report_free(struct xp_export_report *r)
{
	json_decref(r->missing);
	json_decref(r->differs);
	*r = (struct xp_export_report){0};
}

/* --- what there is --- */

static enum xp_rc list_file(void *exporting, const char *path, struct xp_err *err)
{
	struct exporting *x = exporting;
	struct xp_box_entry entry = {.kind = XP_BOX_PUT};

	snprintf(entry.path, sizeof(entry.path), "%s", path);
	return xp_box_index_apply(&x->listed, &entry, 0, err);
}

static enum xp_rc read_source(const struct exporting *x, const char *path, char **out, size_t *len,
			      struct xp_err *err)
{
	if (x->source->state)
		return xp_file_read_at(out, len, x->source->state->fd, path, XP_BOX_FILE_MAX, err);
	return xp_box_pair_read(x->source->pair, path, out, len, err);
}

/* Journals and keys stay. */
static bool is_exported(const char *path)
{
	return strncmp(path, "jobs/", 5) != 0 && !xp_durable_is_secret(path) &&
	       strcmp(path, XP_BOX_OWNER_NAME) != 0;
}

/* --- where it goes --- */

/* The folder that PATH stands in, made; *NAME is the last part. */
static enum xp_rc open_parent(const struct exporting *x, const char *path, const char **name,
			      int *out_fd, struct xp_err *err)
{
	AUTO_FD int at = fcntl(x->dir_fd, F_DUPFD_CLOEXEC, 0);
	const char *slash;

	if (at < 0)
		return xp_fail_errno(err, XP_E_IO, "%s", path);
	while ((slash = strchr(path, '/'))) {
		char part[XP_BOX_PATH_LEN];
		bool made;
		int next;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		made = mkdirat(at, part, 0755) == 0;
		if (!made && errno != EEXIST)
			return xp_fail_errno(err, XP_E_IO, "%s", part);
		next = openat(at, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (next < 0)
			return xp_fail_errno(err, XP_E_IO, "%s", part);
		if (made && fsync(at)) {
			close(next);
			return xp_fail_errno(err, XP_E_IO, "%s", part);
		}
		close(at);
		at = next;
		path = slash + 1;
	}
	*name = path;
	*out_fd = STEAL_FD(at);
	return XP_OK;
}

/* As exported: certificates stand in the folder itself. */
static const char *exported_path(const char *path)
{
	size_t len = strlen(CERTIFICATES);

	return strncmp(path, CERTIFICATES, len) == 0 ? path + len : path;
}

static enum xp_rc put(const struct exporting *x, const char *path, const struct xp_log_bytes *bytes,
		      struct xp_err *err)
{
	AUTO_FD int fd = -1;
	const char *name;

	TRY(open_parent(x, exported_path(path), &name, &fd, err));
	return xp_file_write_at(fd, name, bytes->data, bytes->len, 0644, true, err);
}

static enum xp_rc export_bytes(struct exporting *x, const char *path,
			       const struct xp_log_bytes *bytes, struct xp_err *err)
{
	struct xp_export_report *r = x->report;
	AUTO_MEM char *old = NULL;
	size_t old_len = 0;
	enum xp_rc rc = xp_file_read_at(&old, &old_len, x->dir_fd, exported_path(path),
					XP_BOX_FILE_MAX, err);
	enum xp_export_old is = XP_OLD_TORN;

	if (rc == XP_OK)
		is = xp_export_judge_old(path, &(struct xp_log_bytes){old, old_len}, bytes);
	else if (rc != XP_E_NOENT && rc != XP_E_MALFORMED)
		return rc;
	switch (is) {
	case XP_OLD_SAME:
		r->same++;
		return XP_OK;
	case XP_OLD_DIFFERS:
		return json_array_append_new(r->differs, json_string(exported_path(path)))
			       ? xp_fail(err, XP_E_NOMEM, "list of files")
			       : XP_OK;
	case XP_OLD_OUTGROWN:
	case XP_OLD_TORN:
		break;
	}
	TRY(put(x, path, bytes, err));
	if (rc == XP_OK && is == XP_OLD_TORN)
		r->mended++;
	else
		r->written++;
	return XP_OK;
}

static enum xp_rc export_file(struct exporting *x, const char *path, struct xp_err *err)
{
	AUTO_MEM char *data = NULL;
	size_t len = 0;
	struct xp_err why;

	TRY(read_source(x, path, &data, &len, err));
	if (export_bytes(x, path, &(struct xp_log_bytes){data, len}, &why) == XP_OK)
		return XP_OK;
	if (json_array_size(x->report->missing) == 0)
		x->report->why = why;
	return json_array_append_new(x->report->missing, json_string(exported_path(path)))
		       ? xp_fail(err, XP_E_NOMEM, "list of files")
		       : XP_OK;
}

/* One folder for one log: two would write over each other's. */
static enum xp_rc demand_same_log(const struct exporting *x, const char *dir, struct xp_err *err)
{
	AUTO_MEM char *ours = NULL;
	AUTO_MEM char *theirs = NULL;
	struct xp_note_vkey key;
	size_t len = 0;
	size_t their_len = 0;

	if (!xp_box_index_find(x->files, "log.vkey"))
		return XP_OK;
	TRY(read_source(x, "log.vkey", &ours, &len, err));
	if (xp_file_read_at(&theirs, &their_len, x->dir_fd, "log.vkey", 4096, NULL) != XP_OK ||
	    xp_note_vkey_parse(&key, theirs, their_len, NULL) != XP_OK ||
	    (len == their_len && memcmp(ours, theirs, len) == 0))
		return XP_OK;
	return xp_fail(err, XP_E_REFUSED,
		       "%s holds the log of another stick or host (%s); name "
		       "another folder",
		       dir, key.name);
}

/* What an export that was broken off left: ".NAME.0123456789abcdef.tmp". */
static void drop_leftovers(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!dir) {
		xp_close_fd(&fd);
		return;
	}
	while ((e = readdir(dir)) != NULL) {
		char path[XP_BOX_PATH_LEN];
		size_t len = strlen(e->d_name);

		if (e->d_name[0] != '.' || len < 24 || len > 100 ||
		    strcmp(e->d_name + len - 4, ".tmp") != 0 ||
		    strspn(e->d_name + len - 20, "0123456789abcdef") != 16)
			continue;
		snprintf(path, sizeof(path), CERTIFICATES "%.*s", (int)len - 22, e->d_name + 1);
		if (xp_box_path_is_file(path) || xp_box_path_is_file(exported_path(path)))
			unlinkat(dir_fd, e->d_name, 0);
	}
	closedir(dir);
}

/* Only what belongs to the one record, where one was named: "certificates/ID.tlog-proof", ... */
static bool is_wanted(const struct exporting *x, const char *path)
{
	const char *record = x->source->record;
	const size_t len = strlen(CERTIFICATES);

	return !record || strncmp(path, CERTIFICATES, len) != 0 ||
	       strncmp(path + len, record, strcspn(record, ".")) == 0;
}

/* Others may export there at the same time: who writes second finds what is there already. */
static enum xp_rc lock(const struct exporting *x, const char *dir, struct xp_err *err)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};

	for (unsigned waited_ms = 0; flock(x->dir_fd, LOCK_EX | LOCK_NB) != 0;
	     waited_ms += LOCK_STEP_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return xp_fail_errno(err, XP_E_IO, "%s: lock", dir);
		if (waited_ms >= LOCK_WAIT_MS)
			return xp_fail(err, XP_E_TIMEOUT,
				       "%s: another process has been exporting there for %u s", dir,
				       LOCK_WAIT_MS / 1000);
		nanosleep(&step, NULL);
	}
	return XP_OK;
}

static enum xp_rc export_all(struct exporting *x, const char *dir, struct xp_err *err)
{
	TRY(lock(x, dir, err));
	TRY(demand_same_log(x, dir, err));
	drop_leftovers(x->dir_fd);
	for (size_t i = 0; i < x->files->n; i++) {
		const char *path = x->files->files[i].path;

		if (is_exported(path) && is_wanted(x, path) &&
		    !xp_box_index_is_outgrown(x->files, path))
			TRY(export_file(x, path, err));
	}
	return XP_OK;
}

enum xp_rc xp_export(struct xp_export_report *report, const struct xp_export_source *source,
		     const char *dir, struct xp_err *err)
{
	struct exporting x = {.source = source, .report = report, .dir_fd = -1};
	enum xp_rc rc = XP_OK;

	*report = (struct xp_export_report){.missing = json_array(), .differs = json_array()};
	if (!report->missing || !report->differs)
		return xp_fail(err, XP_E_NOMEM, "export");
	if (source->state) {
		rc = xp_state_each_file(source->state->fd, list_file, &x, err);
		x.files = &x.listed;
	} else {
		x.files = xp_box_pair_index(source->pair);
	}
	if (rc == XP_OK)
		rc = xp_dir_make_open(&x.dir_fd, dir, 0755, err);
	if (rc == XP_OK)
		rc = export_all(&x, dir, err);
	xp_close_fd(&x.dir_fd);
	xp_box_index_free(&x.listed);
	return rc;
}

static void export_beside_boxes(const struct xp_state *state, const char *record)
{
	const struct xp_export_source source = {.state = state, .record = record};
	struct xp_export_report r = {0};
	char dir[4096 + 32];
	struct stat st;
	struct xp_err err;

	if (!state->keep)
		return;
	snprintf(dir, sizeof(dir), "%s/certificates", xp_keep_dir(state->keep));
	if (stat(dir, &st) || !S_ISDIR(st.st_mode))
		return;
	if (xp_export(&r, &source, dir, &err) != XP_OK)
		xp_log(XP_LOG_WARNING, "%s: nothing was exported: %s", dir, err.msg);
	else if (json_array_size(r.missing))
		xp_log(XP_LOG_WARNING,
		       "%s: %zu files could not be written (%s); the boxes have them: expunge "
		       "export FOLDER --keep %s",
		       dir, json_array_size(r.missing), r.why.msg, xp_keep_dir(state->keep));
	xp_export_report_free(&r);
}

void xp_export_beside_boxes(const struct xp_state *state)
{
	export_beside_boxes(state, NULL);
}

void xp_export_record_beside_boxes(const struct xp_state *state, const char *record)
{
	export_beside_boxes(state, record);
}
