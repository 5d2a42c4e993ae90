#include "cli/box_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "cli/box_pair_inside.h"

static const char *const names[2] = {XP_BOX_NAME_A, XP_BOX_NAME_B};

enum xp_rc xp_box_pair_open(struct xp_box_pair **out, const struct xp_box_pair_request *req,
			    struct xp_err *err)
{
	AUTO(xp_box_pair_free) struct xp_box_pair *pair = calloc(1, sizeof(*pair));

	if (!pair)
		return xp_fail(err, XP_E_NOMEM, "%s", req->dir);
	pthread_mutex_init(&pair->mutex, NULL);
	snprintf(pair->dir, sizeof(pair->dir), "%s", req->dir);
	pair->writes = req->writes;
	pair->source = req->source;
	for (unsigned i = 0; i < 2; i++)
		pair->box[i] = (struct xp_box){.ops = req->ops, .fd = -1};
	/* one of its own: locks belong to what was opened */
	pair->dir_fd = openat(req->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pair->dir_fd < 0)
		return xp_fail_errno(err, XP_E_IO, "%s", req->dir);
	TRY(xp_box_pair_lock(pair, err));
	for (unsigned i = 0; i < 2; i++)
		if (xp_box_open(&pair->box[i], pair->dir_fd, names[i], pair->writes, err) != XP_OK)
			return xp_err_prefix(err, "%s", pair->dir);
	TRY(xp_box_pair_settle(pair, err));
	TRY(xp_box_pair_demand_both(pair, err));
	*out = STEAL(pair);
	return XP_OK;
}

static void forget_told(struct xp_box_pair *pair)
{
	for (size_t i = 0; i < pair->told_n; i++) {
		/* keys are among them */
		if (pair->told[i].bytes)
			xp_wipe(pair->told[i].bytes, pair->told[i].entry.len);
		free(pair->told[i].bytes);
	}
	pair->told_n = 0;
}

void xp_box_pair_free(struct xp_box_pair **pair)
{
	struct xp_box_pair *p = *pair;

	if (!p)
		return;
	forget_told(p);
	free(p->told);
	xp_box_index_free(&p->index);
	for (unsigned i = 0; i < 2; i++)
		xp_box_close(&p->box[i]);
	xp_close_fd(&p->dir_fd);
	pthread_mutex_destroy(&p->mutex);
	free(p);
	*pair = NULL;
}

void xp_box_pair_id(char out[2 * XP_BOX_ID_LEN + 1], const struct xp_box_pair *pair)
{
	xp_hex_encode(out, pair->box[pair->best].header.id, XP_BOX_ID_LEN);
}

const struct xp_box_index *xp_box_pair_index(const struct xp_box_pair *pair)
{
	return &pair->index;
}

const char *xp_box_pair_trouble(const struct xp_box_pair *pair)
{
	return *pair->trouble ? pair->trouble : NULL;
}

void xp_box_pair_place(char out[64], const struct xp_box_pair *pair)
{
	const struct xp_box *box = &pair->box[pair->box[0].fd < 0];

	snprintf(out, 64, "/proc/self/fd/%d", box->fd);
}

/* Bytes of a file, from the best box. */
static enum xp_rc read_file(struct xp_box_pair *pair, const struct xp_box_file *f, char *out,
			    struct xp_err *err)
{
	uint64_t done = 0;

	for (size_t i = 0; i < f->pieces_n; i++) {
		TRY(xp_box_read(xp_box_pair_best(pair), out + done, (size_t)f->pieces[i].len,
				f->pieces[i].at, err));
		done += f->pieces[i].len;
	}
	return XP_OK;
}

enum xp_rc xp_box_pair_read(struct xp_box_pair *pair, const char *path, char **out, size_t *len,
			    struct xp_err *err)
{
	const struct xp_box_file *f = xp_box_index_find(&pair->index, path);
	AUTO_MEM char *data = NULL;

	if (!f)
		return xp_fail(err, XP_E_NOENT, "%s: not in the boxes", path);
	if (f->len > XP_BOX_FILE_MAX)
		return xp_fail(err, XP_E_MALFORMED, "%s: too large", path);
	data = malloc((size_t)f->len + 1);
	if (!data)
		return xp_fail(err, XP_E_NOMEM, "%s", path);
	TRY(read_file(pair, f, data, err));
	data[f->len] = 0;
	*len = (size_t)f->len;
	*out = STEAL(data);
	return XP_OK;
}

static enum xp_rc tell(struct xp_box_pair *pair, const struct xp_box_entry *entry,
		       const void *bytes, struct xp_err *err)
{
	struct xp_box_told *told;

	if (pair->told_n == pair->told_cap) {
		size_t cap = pair->told_cap ? 2 * pair->told_cap : 16;

		told = reallocarray(pair->told, cap, sizeof(*told));
		if (!told)
			return xp_fail(err, XP_E_NOMEM, "%s", entry->path);
		pair->told = told;
		pair->told_cap = cap;
	}
	told = &pair->told[pair->told_n];
	*told = (struct xp_box_told){.entry = *entry};
	if (entry->len) {
		told->bytes = malloc(entry->len);
		if (!told->bytes)
			return xp_fail(err, XP_E_NOMEM, "%s", entry->path);
		memcpy(told->bytes, bytes, entry->len);
	}
	pair->told_n++;
	return XP_OK;
}

enum xp_rc xp_box_pair_tell(struct xp_box_pair *pair, const struct xp_box_entry *entry,
			    const void *bytes, struct xp_err *err)
{
	enum xp_rc rc;

	if (!pair->writes)
		return xp_fail(err, XP_E_INTERNAL, "%s: opened to be read", pair->dir);
	pthread_mutex_lock(&pair->mutex);
	rc = tell(pair, entry, bytes, err);
	pthread_mutex_unlock(&pair->mutex);
	return rc;
}

enum xp_rc xp_box_pair_tell_over(struct xp_box_pair *pair,
				 bool (*is_over)(void *ctx, const char *path), void *ctx,
				 struct xp_err *err)
{
	enum xp_rc rc = XP_OK;

	pthread_mutex_lock(&pair->mutex);
	for (size_t i = 0; rc == XP_OK && i < pair->index.n; i++) {
		struct xp_box_entry entry = {.kind = XP_BOX_REMOVE};

		if (!is_over(ctx, pair->index.files[i].path))
			continue;
		memcpy(entry.path, pair->index.files[i].path, sizeof(entry.path));
		rc = tell(pair, &entry, NULL, err);
	}
	pthread_mutex_unlock(&pair->mutex);
	return rc;
}

/* Do the boxes have exactly this already? What cannot be read differs. */
static bool is_known(struct xp_box_pair *pair, const struct xp_box_told *t)
{
	const struct xp_box_file *f = xp_box_index_find(&pair->index, t->entry.path);
	AUTO_MEM char *data = NULL;
	size_t len = 0;

	if (t->entry.kind == XP_BOX_REMOVE)
		return false;
	if (!f || f->len != t->entry.offset + t->entry.len)
		return false;
	if (xp_box_pair_read(pair, t->entry.path, &data, &len, NULL) != XP_OK)
		return false;
	return !t->entry.len || memcmp(data + t->entry.offset, t->bytes, t->entry.len) == 0;
}

/* The entries to be written, one behind another, and the index as it is with them. */
struct batch {
	struct xp_buf bytes;
	struct xp_box_chain chain;
	uint64_t number;
};

static enum xp_rc add_entry(struct batch *b, struct xp_box_pair *pair, struct xp_box_entry *entry,
			    const void *bytes, struct xp_err *err)
{
	const struct xp_box *good = xp_box_pair_best(pair);
	uint64_t at = good->tail + b->bytes.len + XP_BOX_HEAD_LEN;

	entry->batch = b->number;
	TRY(xp_box_entry_write(&b->bytes, entry, bytes, &b->chain, &good->header, err));
	return xp_box_index_apply(&pair->index, entry, at, err);
}

static bool is_out_of_order(const struct xp_box_pair *pair, const struct xp_box_told *t)
{
	const struct xp_box_file *f = xp_box_index_find(&pair->index, t->entry.path);

	return t->entry.kind == XP_BOX_APPEND && t->entry.offset != (f ? f->len : 0);
}

/*
 * What was told does not fit what is there: a line before it never came here, or another process
 * was faster. All of the file, then, as the state folder has it now.
 */
static enum xp_rc add_whole(struct batch *b, struct xp_box_pair *pair, const char *path,
			    struct xp_err *err)
{
	struct xp_box_entry entry = {.kind = XP_BOX_PUT};
	AUTO_MEM char *data = NULL;
	size_t len = 0;
	enum xp_rc rc;

	snprintf(entry.path, sizeof(entry.path), "%s", path);
	rc = pair->source.read(pair->source.ctx, path, &data, &len, err);
	if (rc == XP_E_NOENT)
		return XP_OK;
	TRY(rc);
	if (len > XP_BOX_FILE_MAX)
		return xp_fail(err, XP_E_MALFORMED, "%s: %zu bytes are too many", path, len);
	entry.len = (uint32_t)len;
	rc = add_entry(b, pair, &entry, data, err);
	xp_wipe(data, len);
	return rc;
}

static enum xp_rc encode(struct batch *b, struct xp_box_pair *pair, struct xp_err *err)
{
	const struct xp_box *good = xp_box_pair_best(pair);

	b->bytes.len = 0;
	b->chain = good->chain;
	b->number = good->chain.batch + 1;
	for (size_t i = 0; i < pair->told_n; i++) {
		struct xp_box_told *t = &pair->told[i];
		/* another process may have replaced it since, and must not be undone */
		bool anew = pair->again || t->entry.kind == XP_BOX_PUT || is_out_of_order(pair, t);

		if (b->bytes.len == 0 && is_known(pair, t))
			continue;
		if (t->entry.kind != XP_BOX_REMOVE && anew && pair->source.read)
			TRY(add_whole(b, pair, t->entry.path, err));
		else
			TRY(add_entry(b, pair, &t->entry, t->bytes, err));
	}
	return XP_OK;
}

/* Into the one, synced; only then into the other. */
static enum xp_rc put(struct xp_box_pair *pair, const struct batch *b, struct xp_err *err)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct xp_box *box = &pair->box[i];

		if (box->state != XP_BOX_GOOD)
			continue;
		if (xp_box_write(box, b->bytes.data, b->bytes.len, box->tail, err) != XP_OK ||
		    xp_box_sync(box, err) != XP_OK)
			continue;
		box->tail += b->bytes.len;
		box->chain = b->chain;
		kept++;
	}
	if (kept == 0)
		return err ? err->rc : XP_E_IO;
	if (xp_box_pair_best(pair)->state != XP_BOX_GOOD)
		pair->best = 1 - pair->best;
	xp_box_pair_note_trouble(pair);
	return XP_OK;
}

/* The index was moved on for what was not written after all: read it again. */
static enum xp_rc undo(struct xp_box_pair *pair, struct xp_err *err)
{
	struct xp_box *good = xp_box_pair_best(pair);

	xp_box_index_free(&pair->index);
	return good->state == XP_BOX_GOOD ? xp_box_scan(good, &pair->index, err) : XP_OK;
}

static enum xp_rc make_room(struct batch *b, struct xp_box_pair *pair, struct xp_err *err)
{
	const struct xp_box *good = xp_box_pair_best(pair);

	if (good->bytes - good->tail >= b->bytes.len)
		return XP_OK;
	TRY(undo(pair, err));
	TRY(xp_box_pair_compact(pair, err));
	TRY(encode(b, pair, err));
	good = xp_box_pair_best(pair);
	if (good->bytes - good->tail >= b->bytes.len)
		return XP_OK;
	errno = ENOSPC;
	return xp_fail_errno(err, XP_E_IO, "the boxes in %s are full", pair->dir);
}

void xp_box_pair_set_owner(struct xp_box_pair *pair, const char *owner)
{
	snprintf(pair->owner, sizeof(pair->owner), "%s", owner);
}

static enum xp_rc demand_owner(struct xp_box_pair *pair, struct xp_err *err)
{
	AUTO_MEM char *now = NULL;
	size_t len = 0;

	if (!*pair->owner)
		return XP_OK;
	TRY(xp_box_pair_read(pair, XP_BOX_OWNER_NAME, &now, &len, err));
	return strcmp(now, pair->owner) == 0
		       ? XP_OK
		       : xp_fail(err, XP_E_REFUSED,
				 "%s: a process with another state folder has taken these boxes "
				 "over; start again, with that folder or an empty one",
				 pair->dir);
}

static enum xp_rc flush(struct xp_box_pair *pair, struct xp_err *err)
{
	struct batch b = {0};
	enum xp_rc rc = xp_box_pair_catch_up(pair, err);

	if (rc == XP_OK)
		rc = demand_owner(pair, err);
	if (rc == XP_OK)
		rc = encode(&b, pair, err);
	if (rc == XP_OK && b.bytes.len)
		rc = make_room(&b, pair, err);
	if (rc == XP_OK && b.bytes.len)
		rc = put(pair, &b, err);
	if (rc != XP_OK && b.bytes.len && undo(pair, NULL) != XP_OK)
		xp_box_index_free(&pair->index);
	if (b.bytes.data)
		xp_wipe(b.bytes.data, b.bytes.len);
	xp_buf_free(&b.bytes);
	return rc;
}

enum xp_rc xp_box_pair_flush(struct xp_box_pair *pair, struct xp_err *err)
{
	enum xp_rc rc = XP_OK;

	pthread_mutex_lock(&pair->mutex);
	if (pair->told_n) {
		rc = xp_box_pair_lock(pair, err);
		if (rc == XP_OK) {
			rc = flush(pair, err);
			xp_box_pair_unlock(pair);
		}
		/* another thread may have told it, and must hear that it is not kept */
		pair->again = rc != XP_OK;
		if (rc == XP_OK)
			forget_told(pair);
	}
	pthread_mutex_unlock(&pair->mutex);
	return rc;
}

bool xp_box_pair_set_waited_for(struct xp_box_pair *pair, bool is_waited_for)
{
	bool before;

	pthread_mutex_lock(&pair->mutex);
	before = pair->is_waited_for;
	pair->is_waited_for = is_waited_for;
	pthread_mutex_unlock(&pair->mutex);
	return before;
}

bool xp_box_pair_is_gone(struct xp_box_pair *pair)
{
	bool is_gone;

	pthread_mutex_lock(&pair->mutex);
	is_gone = pair->box[0].state == XP_BOX_BAD && pair->box[1].state == XP_BOX_BAD;
	pthread_mutex_unlock(&pair->mutex);
	return is_gone;
}

enum xp_rc xp_box_pair_room(uint64_t *out, struct xp_box_pair *pair, struct xp_err *err)
{
	uint64_t used;
	enum xp_rc rc;

	pthread_mutex_lock(&pair->mutex);
	rc = xp_box_pair_lock(pair, err);
	if (rc == XP_OK) {
		rc = xp_box_pair_catch_up(pair, err);
		xp_box_pair_unlock(pair);
	}
	used = XP_BOX_DATA_OFFSET + xp_box_index_bytes(&pair->index);
	*out = pair->box[pair->best].bytes > used ? pair->box[pair->best].bytes - used : 0;
	pthread_mutex_unlock(&pair->mutex);
	return rc;
}

/* --- written anew --- */

static enum xp_rc copy_files(struct xp_box_pair *pair, struct xp_box *to, struct xp_err *err)
{
	uint64_t at = XP_BOX_DATA_OFFSET;

	TRY(xp_box_chain_begin(&to->chain, &to->header, err));
	for (size_t i = 0; i < pair->index.n; i++) {
		const struct xp_box_file *f = &pair->index.files[i];
		struct xp_box_entry entry = {.kind = XP_BOX_PUT, .len = (uint32_t)f->len};
		AUTO(xp_buf_free) struct xp_buf b = {0};
		AUTO_MEM char *data = NULL;
		size_t len = 0;
		enum xp_rc rc;

		snprintf(entry.path, sizeof(entry.path), "%s", f->path);
		TRY(xp_box_pair_read(pair, f->path, &data, &len, err));
		rc = xp_box_entry_write(&b, &entry, data, &to->chain, &to->header, err);
		xp_wipe(data, len);
		TRY(rc);
		rc = xp_box_write(to, b.data, b.len, at, err);
		at += b.len;
		xp_wipe(b.data, b.len);
		TRY(rc);
	}
	to->tail = at;
	return xp_box_sync(to, err);
}

enum xp_rc xp_box_pair_compact(struct xp_box_pair *pair, struct xp_err *err)
{
	struct xp_box *good = xp_box_pair_best(pair);
	struct xp_box *other = xp_box_pair_other(pair);
	struct xp_box_header header = good->header;
	uint64_t entries = good->chain.entries;

	if (XP_BOX_DATA_OFFSET + xp_box_index_bytes(&pair->index) >= good->tail)
		return XP_OK;
	if (other->state != XP_BOX_GOOD)
		return xp_fail(err, XP_E_IO,
			       "the box %s/%s is full, and without the other one it cannot be "
			       "written anew",
			       pair->dir, good->name);
	/* what is copied is what was kept: read once more, each entry by its hash */
	xp_box_index_free(&pair->index);
	TRY(xp_box_scan(good, &pair->index, err));
	if (good->state != XP_BOX_GOOD || good->chain.entries != entries)
		return xp_fail(err, XP_E_IO, "%s/%s does not read as it did", pair->dir,
			       good->name);
	header.generation++;
	header.entries = pair->index.n;
	TRY(xp_box_begin_anew(other, &header, err));
	TRY(copy_files(pair, other, err));
	TRY(xp_box_write_header(other, &header, err));
	other->state = XP_BOX_GOOD;
	pair->best = 1 - pair->best;
	xp_box_index_free(&pair->index);
	xp_box_forget(other);
	TRY(xp_box_scan(other, &pair->index, err));
	if (other->state != XP_BOX_GOOD)
		return xp_fail(err, XP_E_IO, "%s/%s does not read as it was written", pair->dir,
			       other->name);
	if (xp_box_pair_mirror(pair, XP_BOX_DATA_OFFSET, err) != XP_OK && good->state != XP_BOX_BAD)
		return err ? err->rc : XP_E_IO;
	xp_box_pair_note_trouble(pair);
	return XP_OK;
}
