#include "cli/job_keep_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/secret.h"
#include "cli/output.h"

/*
 * In the state folder: the id of the boxes that it belongs to, and the name under which it is the
 * one that they are told from, as long as XP_BOX_OWNER_NAME in them says the same.
 */
#define MARK_NAME    "keep.id"
#define WAIT_STEP_MS 500u
#define ID_LEN	     (2 * XP_BOX_ID_LEN)
#define MARK_LEN     (ID_LEN + XP_BOX_OWNER_LEN)

/* --- as told --- */

static enum xp_rc tell(struct xp_keep *keep, struct xp_box_entry *entry, const char *path,
		       const void *bytes, size_t len, struct xp_err *err)
{
	if (strlen(path) >= sizeof(entry->path) || len > XP_BOX_FILE_MAX)
		return xp_fail(err, XP_E_IO, "%.200s: %zu bytes are too many for the boxes", path,
			       len);
	snprintf(entry->path, sizeof(entry->path), "%s", path);
	entry->len = (uint32_t)len;
	if (xp_box_pair_tell(keep->pair, entry, bytes, err) != XP_OK)
		return xp_err_prefix(err, "%s", keep->dir);
	return XP_OK;
}

static enum xp_rc keep_append(void *ctx, const char *path, uint64_t offset, const void *bytes,
			      size_t len, struct xp_err *err)
{
	struct xp_box_entry entry = {.kind = XP_BOX_APPEND, .offset = offset};

	return tell(ctx, &entry, path, bytes, len, err);
}

static enum xp_rc keep_replace(void *ctx, const char *path, const void *bytes, size_t len,
			       struct xp_err *err)
{
	struct xp_box_entry entry = {.kind = XP_BOX_PUT};
	struct xp_keep *keep = ctx;

	if (xp_keep_is_baseline(path) && !xp_keep_has_room_besides(keep, xp_box_entry_bytes(len))) {
		xp_log(XP_LOG_WARNING,
		       "%s has no room for %s: after a loss of power its job is judged without",
		       keep->dir, path);
		return XP_OK;
	}
	return tell(keep, &entry, path, bytes, len, err);
}

static enum xp_rc keep_remove(void *ctx, const char *path, struct xp_err *err)
{
	struct xp_box_entry entry = {.kind = XP_BOX_REMOVE};

	return tell(ctx, &entry, path, NULL, 0, err);
}

/* The stick was pulled out while a job runs: it waits here, before what it would have kept. */
static enum xp_rc wait_for_stick(const struct xp_keep *keep, struct xp_err *err)
{
	const struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};
	const bool is_first = !xp_box_pair_set_waited_for(keep->pair, true);
	char told[sizeof(err->msg)] = "";
	uint64_t waited_ms = 0;
	enum xp_rc rc = err->rc;

	if (is_first)
		xp_log(XP_LOG_WARNING,
		       "%s: the stick was pulled out; jobs wait for it: put it back", keep->dir);
	while (rc != XP_OK && waited_ms / 1000 < keep->wait_s && !xp_cancel_requested()) {
		nanosleep(&step, NULL);
		waited_ms += WAIT_STEP_MS;
		rc = xp_box_pair_flush(keep->pair, err);
		if (rc != XP_OK && !xp_box_pair_is_gone(keep->pair))
			break;
		if (rc == XP_E_REFUSED && is_first && strcmp(told, err->msg) != 0) {
			memcpy(told, err->msg, sizeof(told));
			xp_log(XP_LOG_WARNING, "%s", told);
		}
	}
	if (rc == XP_OK)
		(void)xp_box_pair_set_waited_for(keep->pair, false);
	return rc;
}

enum xp_rc xp_keep_flush(void *ctx, struct xp_err *err)
{
	const struct xp_keep *keep = ctx;
	struct xp_err why = {0};
	enum xp_rc rc = xp_box_pair_flush(keep->pair, &why);

	/* a screen, or whoever began the jobs, must not stand still */
	if (rc != XP_OK && keep->wait_s && !pthread_equal(pthread_self(), keep->opener) &&
	    xp_box_pair_is_gone(keep->pair))
		rc = wait_for_stick(keep, &why);
	if (rc == XP_OK)
		return XP_OK;
	if (err)
		*err = why;
	return xp_err_prefix(err, "%s", keep->dir);
}

/* It says something of the boxes, and is no file of the state folder. */
static bool is_owner(const char *path)
{
	return strcmp(path, XP_BOX_OWNER_NAME) == 0;
}

static enum xp_rc read_local(void *ctx, const char *path, char **out, size_t *len,
			     struct xp_err *err)
{
	const struct xp_keep *keep = ctx;

	if (is_owner(path)) {
		*len = strlen(keep->owner);
		*out = strdup(keep->owner);
		return *out ? XP_OK : xp_fail(err, XP_E_NOMEM, "%s", path);
	}
	return xp_file_read_at(out, len, keep->state_fd, path, XP_BOX_FILE_MAX, err);
}

static int open_again(void *ctx)
{
	const struct xp_keep *keep = ctx;

	return open(keep->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* --- state folder and boxes brought together --- */

static mode_t mode_of(const char *path)
{
	return xp_durable_is_secret(path) || strncmp(path, "jobs/", 5) == 0 ? 0600 : 0644;
}

/* Writes a file of the boxes into the state folder; its form was checked, and leads nowhere else.
 */
static enum xp_rc put_local(const struct xp_keep *keep, const char *path, const char *data,
			    size_t len, struct xp_err *err)
{
	mode_t mode = mode_of(path);
	AUTO_FD int at = fcntl(keep->state_fd, F_DUPFD_CLOEXEC, 0);
	const char *slash;

	if (at < 0)
		return xp_fail_errno(err, XP_E_IO, "%s", path);
	while ((slash = strchr(path, '/'))) {
		char part[XP_BOX_PATH_LEN];
		int next;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdirat(at, part, 0700) && errno != EEXIST)
			return xp_fail_errno(err, XP_E_IO, "state folder: %s", part);
		next = openat(at, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (next < 0)
			return xp_fail_errno(err, XP_E_IO, "state folder: %s", part);
		close(at);
		at = next;
		path = slash + 1;
	}
	return xp_file_write_at(at, path, data, len, mode, true, err);
}

static enum xp_rc restore(struct xp_keep *keep, const char *path, struct xp_err *err)
{
	AUTO_MEM char *data = NULL;
	size_t len = 0;
	enum xp_rc rc;

	TRY(xp_box_pair_read(keep->pair, path, &data, &len, err));
	rc = put_local(keep, path, data, len, err);
	xp_wipe(data, len);
	return rc;
}

struct meeting {
	struct xp_keep *keep;
	bool is_marked; /* the boxes were last told from here: what the folder has is newer */
	bool seeds;	/* the boxes are empty: they take what is there */
	bool writes;
	size_t local_n; /* files there */
	size_t told_n;	/* of which the boxes had no, or another one */
};

static bool is_same(struct meeting *m, const char *path, const char *data, size_t len)
{
	const struct xp_box_file *f = xp_box_index_find(xp_box_pair_index(m->keep->pair), path);
	AUTO_MEM char *kept = NULL;
	size_t kept_len = 0;

	if (!f || f->len != len ||
	    xp_box_pair_read(m->keep->pair, path, &kept, &kept_len, NULL) != XP_OK)
		return false;
	return memcmp(kept, data, len) == 0;
}

static enum xp_rc meet_file(struct meeting *m, const char *path, struct xp_err *err)
{
	struct xp_box_entry entry = {.kind = XP_BOX_PUT};
	AUTO_MEM char *data = NULL;
	size_t len = 0;
	enum xp_rc rc = XP_OK;

	m->local_n++;
	TRY(read_local(m->keep, path, &data, &len, err));
	if (!is_same(m, path, data, len) &&
	    !xp_box_index_is_outgrown(xp_box_pair_index(m->keep->pair), path)) {
		m->told_n++;
		if (m->writes && (m->is_marked || m->seeds))
			rc = tell(m->keep, &entry, path, data, len, err);
	}
	xp_wipe(data, len);
	return rc;
}

static enum xp_rc meet_one(void *meeting, const char *path, struct xp_err *err)
{
	struct meeting *m = meeting;

	return is_owner(path) || xp_keep_is_over(m->keep, path) ? XP_OK : meet_file(m, path, err);
}

/* A job that a person has taken away from the state folder. */
static bool is_taken_away(const struct meeting *m, char folder[XP_BOX_PATH_LEN], const char *path)
{
	if (!m->is_marked || strncmp(path, "jobs/", 5) != 0)
		return false;
	snprintf(folder, XP_BOX_PATH_LEN, "%.*s", 5 + XP_UUID_LEN - 1, path);
	return faccessat(m->keep->state_fd, folder, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
	       errno == ENOENT;
}

/* What the boxes have and the state folder has not. */
static enum xp_rc restore_all(struct meeting *m, struct xp_err *err)
{
	const struct xp_box_index *index = xp_box_pair_index(m->keep->pair);

	for (size_t i = 0; i < index->n; i++) {
		const char *path = index->files[i].path;
		char folder[XP_BOX_PATH_LEN];

		if (is_owner(path))
			continue;
		if (is_taken_away(m, folder, path)) {
			if (m->writes)
				TRY(keep_remove(m->keep, folder, err));
			continue;
		}
		if (faccessat(m->keep->state_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		TRY(restore(m->keep, path, err));
	}
	return XP_OK;
}

static enum xp_rc refuse_stranger(const struct xp_keep *keep, const char *state, struct xp_err *err)
{
	return xp_fail(
		err, XP_E_REFUSED,
		"the state folder %s holds something else than the boxes in %s; name an empty "
		"one with --state",
		state, keep->dir);
}

/* Is this the folder that the boxes were told from last? Another one's is a past of theirs. */
static enum xp_rc read_mark(struct meeting *m, const char *id, struct xp_err *err)
{
	AUTO_MEM char *mark = NULL;
	AUTO_MEM char *owner = NULL;
	size_t len = 0;
	enum xp_rc rc = xp_file_read_at(&mark, &len, m->keep->state_fd, MARK_NAME, MARK_LEN, err);

	if (rc != XP_OK && rc != XP_E_NOENT && rc != XP_E_MALFORMED)
		return rc;
	if (rc != XP_OK || len != MARK_LEN || strncmp(mark, id, ID_LEN) != 0 ||
	    !xp_box_index_find(xp_box_pair_index(m->keep->pair), XP_BOX_OWNER_NAME))
		return XP_OK;
	TRY(xp_box_pair_read(m->keep->pair, XP_BOX_OWNER_NAME, &owner, &len, err));
	m->is_marked = strcmp(mark + ID_LEN, owner) == 0;
	if (m->is_marked)
		snprintf(m->keep->owner, sizeof(m->keep->owner), "%s", owner);
	return XP_OK;
}

/* From now on the boxes are told from here. The mark means nothing before they say so, too. */
static enum xp_rc take_over(struct meeting *m, const char *id, struct xp_err *err)
{
	struct xp_box_entry entry = {.kind = XP_BOX_PUT};
	struct xp_keep *keep = m->keep;
	uint8_t random[XP_BOX_OWNER_LEN / 2];
	char mark[MARK_LEN + 1];

	TRY(xp_rng_bytes(xp_rng_system(), random, sizeof(random), err));
	xp_hex_encode(keep->owner, random, sizeof(random));
	snprintf(mark, sizeof(mark), "%s%s", id, keep->owner);
	TRY(xp_file_write_at(keep->state_fd, MARK_NAME, mark, MARK_LEN, 0600, true, err));
	return tell(keep, &entry, XP_BOX_OWNER_NAME, keep->owner, XP_BOX_OWNER_LEN, err);
}

static bool are_empty(const struct xp_box_index *index)
{
	return index->n == 0 || (index->n == 1 && is_owner(index->files[0].path));
}

static enum xp_rc meet(struct xp_keep *keep, const struct xp_state *state, bool writes,
		       struct xp_err *err)
{
	struct meeting m = {.keep = keep, .writes = writes};
	char id[ID_LEN + 1];

	xp_box_pair_id(id, keep->pair);
	TRY(read_mark(&m, id, err));
	m.seeds = are_empty(xp_box_pair_index(keep->pair));
	/* before the files: what is kept of a seeding that ends halfway is then known as ours */
	if (writes && !m.is_marked && m.seeds)
		TRY(take_over(&m, id, err));
	TRY(xp_state_each_file(keep->state_fd, meet_one, &m, err));
	/* unmarked files may be of a filling that was broken off: then they are all the same */
	if (!m.is_marked && !m.seeds && m.told_n)
		return refuse_stranger(keep, state->path, err);
	if (!m.seeds)
		TRY(restore_all(&m, err));
	if (writes && !m.is_marked && !m.seeds)
		TRY(take_over(&m, id, err));
	if (writes && m.seeds && m.told_n)
		xp_say("the boxes in %s are empty: they take what is in %s", keep->dir,
		       state->path);
	/*
	 * Still under the lock of the opening: another process would keep later lines meanwhile,
	 * and what was read here would undo them.
	 */
	if (!writes)
		return XP_OK;
	TRY(xp_keep_flush(keep, err));
	xp_box_pair_set_owner(keep->pair, keep->owner);
	return XP_OK;
}

enum xp_rc xp_keep_open(struct xp_keep **out, struct xp_state *state, const char *dir, bool writes,
			struct xp_err *err)
{
	AUTO(xp_keep_free) struct xp_keep *keep = calloc(1, sizeof(*keep));
	AUTO_MEM char *real = realpath(dir, NULL);
	AUTO_FD int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct xp_box_pair_request req = {.dir_fd = dir_fd, .dir = dir, .writes = writes};

	if (!keep)
		return xp_fail(err, XP_E_NOMEM, "--keep");
	keep->state_fd = -1;
	if (dir_fd < 0 || !real)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "--keep %s", dir);
	snprintf(keep->dir, sizeof(keep->dir), "%s", real);
	keep->state_fd = fcntl(state->fd, F_DUPFD_CLOEXEC, 0);
	if (keep->state_fd < 0)
		return xp_fail_errno(err, XP_E_IO, "--keep %s", dir);
	req.ops = xp_box_ops_system();
	req.source =
		(struct xp_box_source){.ctx = keep, .read = read_local, .open_dir = open_again};
	keep->opener = pthread_self();
	TRY(xp_box_pair_open(&keep->pair, &req, err));
	xp_box_pair_place(keep->place, keep->pair);
	TRY(meet(keep, state, writes, err));
	xp_box_pair_unlock(keep->pair);
	keep->durable = (struct xp_durable){
		.ctx = keep,
		.append = keep_append,
		.replace = keep_replace,
		.remove = keep_remove,
		.flush = xp_keep_flush,
	};
	state->keep = keep;
	if (writes)
		state->durable = &keep->durable;
	*out = STEAL(keep);
	return XP_OK;
}

void xp_keep_free(struct xp_keep **keep)
{
	if (!*keep)
		return;
	xp_box_pair_free(&(*keep)->pair);
	xp_close_fd(&(*keep)->state_fd);
	free(*keep);
	*keep = NULL;
}

enum xp_rc xp_kept_state_open(struct xp_kept_state *out, const struct xp_args *args, bool writes,
			      struct xp_err *err)
{
	const char *dir = xp_args_string(args, "keep");

	out->keep = NULL;
	if (!dir)
		return xp_state_open_existing(&out->state, xp_args_string(args, "state"), err);
	TRY(xp_state_open(&out->state, xp_args_string(args, "state"), err));
	if (xp_keep_open(&out->keep, &out->state, dir, writes, err) == XP_OK)
		return XP_OK;
	xp_state_close(&out->state);
	return err->rc;
}

void xp_kept_state_close(struct xp_kept_state *s)
{
	xp_keep_free(&s->keep);
	xp_state_close(&s->state);
}

const char *xp_keep_dir(const struct xp_keep *keep)
{
	return keep->dir;
}

void xp_keep_wait_for_stick(struct xp_keep *keep, uint32_t seconds)
{
	keep->wait_s = seconds;
}

const char *xp_keep_place(const struct xp_keep *keep)
{
	return keep->place;
}
