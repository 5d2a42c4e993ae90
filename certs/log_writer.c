#include "certs/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "certs/log_reader.h"
#include "certs/log_writer_state.h"

#define LOCK_NAME    "log.lock"
#define LOCK_STEP_MS 10u

/* Threads by the mutex, processes (and other handles) by flock. */
static enum xp_rc lock(struct xp_log *log, struct xp_err *err)
{
	unsigned waited_ms = 0;

	pthread_mutex_lock(&log->mutex);
	while (flock(log->lock_fd, LOCK_EX | LOCK_NB)) {
		struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
		enum xp_rc rc;

		if (errno == EINTR)
			continue;
		if (errno == EWOULDBLOCK && waited_ms < log->ops->lock_wait_ms) {
			nanosleep(&step, NULL);
			waited_ms += LOCK_STEP_MS;
			continue;
		}
		rc = errno == EWOULDBLOCK
			     ? xp_fail(err, XP_E_TIMEOUT,
				       "log: another process has kept it locked for %u s",
				       log->ops->lock_wait_ms / 1000)
			     : xp_fail_errno(err, XP_E_IO, "log: " LOCK_NAME);
		pthread_mutex_unlock(&log->mutex);
		return xp_err_of_output(err, rc);
	}
	return XP_OK;
}

static void unlock(struct xp_log *log)
{
	(void)flock(log->lock_fd, LOCK_UN);
	pthread_mutex_unlock(&log->mutex);
}

static enum xp_rc open_locked(struct xp_log *log, const char *origin_hint, const struct xp_rng *rng,
			      struct xp_err *err)
{
	AUTO(xp_secret_free) struct xp_secret pem = {0};
	enum xp_rc rc = xp_log_key_read(&pem, log->state_fd, err);

	if (rc == XP_E_NOENT)
		TRY(xp_log_create(log, origin_hint, rng, err));
	else if (rc == XP_OK)
		TRY(xp_log_attach(log, &pem, err));
	else
		return rc;
	TRY(xp_log_refresh(log, err));
	return xp_durable_flush(log->durable, err);
}

static enum xp_rc open_log(struct xp_log **out, int state_fd, const char *origin_hint,
			   const struct xp_rng *rng, const struct xp_log_outside *outside,
			   struct xp_err *err)
{
	AUTO(xp_log_free) struct xp_log *log = calloc(1, sizeof(*log));
	enum xp_rc rc;

	if (!log)
		return xp_fail(err, XP_E_NOMEM, "log");
	log->log_fd = -1;
	log->lock_fd = -1;
	log->ops = outside->ops;
	log->durable = outside->durable;
	pthread_mutex_init(&log->mutex, NULL);
	log->state_fd = fcntl(state_fd, F_DUPFD_CLOEXEC, 0);
	if (log->state_fd < 0)
		return xp_fail_errno(err, XP_E_IO, "log: the state folder");
	log->lock_fd = openat(state_fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (log->lock_fd < 0)
		return xp_err_of_output(
			err, xp_fail_errno(err, errno == EACCES ? XP_E_PERM : XP_E_IO, LOCK_NAME));
	TRY(lock(log, err));
	rc = open_locked(log, origin_hint, rng, err);
	unlock(log);
	TRY(rc);
	*out = STEAL(log);
	return XP_OK;
}

enum xp_rc xp_log_open(struct xp_log **out, int state_fd, const char *origin_hint,
		       const struct xp_rng *rng, struct xp_err *err)
{
	return xp_log_open_kept(out, state_fd, origin_hint, rng, NULL, err);
}

enum xp_rc xp_log_open_kept(struct xp_log **out, int state_fd, const char *origin_hint,
			    const struct xp_rng *rng, const struct xp_durable *durable,
			    struct xp_err *err)
{
	const struct xp_log_outside outside = {.ops = xp_log_ops_system(), .durable = durable};

	return open_log(out, state_fd, origin_hint, rng, &outside, err);
}

enum xp_rc xp_log_open_with(struct xp_log **out, int state_fd, const char *origin_hint,
			    const struct xp_rng *rng, const struct xp_log_ops *ops,
			    struct xp_err *err)
{
	const struct xp_log_outside outside = {.ops = ops};

	return open_log(out, state_fd, origin_hint, rng, &outside, err);
}

void xp_log_free(struct xp_log **log)
{
	struct xp_log *l = *log;

	if (!l)
		return;
	xp_close_fd(&l->state_fd);
	xp_close_fd(&l->log_fd);
	xp_close_fd(&l->lock_fd);
	xp_note_signer_free(&l->signer);
	xp_log_tree_free(&l->tree);
	free(l->checkpoint);
	pthread_mutex_destroy(&l->mutex);
	free(l);
	*log = NULL;
}

static enum xp_rc append_locked(struct xp_log *log, const struct xp_log_bytes *leaves, size_t n,
				uint64_t *index, struct xp_err *err)
{
	struct xp_log_sink sink = xp_log_put_sink(log);
	uint64_t old_size;

	TRY(xp_log_refresh(log, err));
	old_size = xp_log_tree_size(&log->tree);
	/* until the checkpoint stands, the tree is ahead of the disk */
	log->stale = true;
	for (size_t i = 0; i < n; i++)
		TRY(xp_log_tree_add(&log->tree, &leaves[i], &sink, err));
	TRY(xp_log_commit(log, old_size, err));
	log->stale = false;
	*index = old_size;
	return XP_OK;
}

enum xp_rc xp_log_append_many(struct xp_log *log, const struct xp_log_bytes *leaves, size_t n,
			      uint64_t *index, struct xp_err *err)
{
	enum xp_rc rc;

	if (n == 0)
		return xp_fail(err, XP_E_USAGE, "log: nothing to append");
	for (size_t i = 0; i < n; i++) {
		struct xp_log_leaf leaf;

		if (xp_log_leaf_parse(&leaf, leaves[i].data, leaves[i].len, err) != XP_OK)
			return xp_fail(err, XP_E_USAGE, "not a leaf of the log");
	}
	TRY(lock(log, err));
	rc = append_locked(log, leaves, n, index, err);
	unlock(log);
	return rc;
}

enum xp_rc xp_log_append(struct xp_log *log, const void *leaf, size_t len, uint64_t *index,
			 struct xp_err *err)
{
	return xp_log_append_many(log, &(struct xp_log_bytes){leaf, len}, 1, index, err);
}

const char *xp_log_origin(const struct xp_log *log)
{
	return xp_note_signer_vkey(log->signer)->name;
}

const struct xp_note_vkey *xp_log_vkey(const struct xp_log *log)
{
	return xp_note_signer_vkey(log->signer);
}

/* Reading needs no lock: what a checkpoint covers never changes. */
static enum xp_rc read_log(struct xp_log_reader *r, const struct xp_log *log, struct xp_err *err)
{
	TRY(xp_log_reader_open(r, log->log_fd, xp_log_vkey(log), err));
	if (r->verdict != XP_NOTE_VERIFIED)
		return xp_fail(err, XP_E_MALFORMED,
			       "log: its checkpoint is not signed by " XP_LOG_KEY_NAME);
	return XP_OK;
}

enum xp_rc xp_log_checkpoint_latest(struct xp_log *log, struct xp_merkle_head *out,
				    struct xp_err *err)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};

	TRY(read_log(&r, log, err));
	*out = r.checkpoint.head;
	return XP_OK;
}

enum xp_rc xp_log_checkpoint_text(struct xp_log *log, char **out, size_t *len, struct xp_err *err)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};

	TRY(read_log(&r, log, err));
	*len = r.text_len;
	*out = STEAL(r.text);
	return XP_OK;
}

enum xp_rc xp_log_prove(struct xp_log *log, uint64_t index, char **out, size_t *len,
			struct xp_err *err)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};

	TRY(read_log(&r, log, err));
	return xp_log_reader_prove(&r, index, out, len, err);
}

enum xp_rc xp_log_find_record(struct xp_log *log, const char *id, uint64_t *index,
			      struct xp_err *err)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};

	TRY(read_log(&r, log, err));
	return xp_log_reader_find(&r, id, NULL, index, err);
}

static enum xp_rc count(void *ctx, uint64_t index, const struct xp_log_bytes *bytes,
			struct xp_err *err)
{
	struct xp_log_leaf leaf;

	TRY(xp_log_leaf_parse(&leaf, bytes->data, bytes->len, err));
	return xp_log_tally_add(ctx, index, &leaf, err);
}

enum xp_rc xp_log_open_jobs(struct xp_log *log, struct xp_log_jobs *out, struct xp_err *err)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};
	AUTO(xp_log_tally_free) struct xp_log_tally tally = {0};

	TRY(read_log(&r, log, err));
	TRY(xp_log_reader_each(&r, &(struct xp_log_visitor){count, &tally}, err));
	xp_log_tally_open_jobs(out, &tally);
	return XP_OK;
}

enum xp_rc xp_log_holds(struct xp_log *log, const struct xp_merkle_head *old, bool *holds,
			struct xp_err *err)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};
	struct xp_merkle_hash root;

	*holds = false;
	TRY(read_log(&r, log, err));
	TRY(xp_log_reader_root(&r, r.checkpoint.head.size, &root, err));
	if (!xp_merkle_hash_equals(&root, &r.checkpoint.head.root))
		return xp_fail(err, XP_E_MALFORMED,
			       "log: the tiles do not give the checkpoint's root");
	if (old->size > r.checkpoint.head.size)
		return XP_OK;
	TRY(xp_log_reader_root(&r, old->size, &root, err));
	*holds = xp_merkle_hash_equals(&root, &old->root);
	return XP_OK;
}
