#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "certs/log_reader.h"
#include "certs/log_writer_state.h"
#include "certs/note_text.h"

static void piece_path(char out[XP_TILE_PATH_MAX], const struct xp_log_piece *p)
{
	xp_tile_path(out, p->level, p->n, p->width);
}

static enum xp_rc put_piece(void *ctx, const struct xp_log_piece *piece, struct xp_err *err)
{
	const struct xp_log *log = ctx;
	char path[XP_TILE_PATH_MAX];

	piece_path(path, piece);
	return xp_log_file_put(log, log->log_fd, path,
			       &(struct xp_log_bytes){piece->data, piece->len}, 0644, err);
}

struct xp_log_sink xp_log_put_sink(struct xp_log *log)
{
	return (struct xp_log_sink){.piece = put_piece, .ctx = log};
}

/* The pieces of the right edge that are new since OLD_SIZE. */
struct edge_sink {
	struct xp_log *log;
	uint64_t old_size;
	uint64_t size;
};

static enum xp_rc put_if_new(void *ctx, const struct xp_log_piece *piece, struct xp_err *err)
{
	const struct edge_sink *e = ctx;
	unsigned shift = piece->level == XP_TILE_ENTRIES ? 0 : 8 * piece->level;

	if (e->old_size >> shift == e->size >> shift)
		return XP_OK;
	return put_piece(e->log, piece, err);
}

/* Partial pieces whose full one stands are of no more use. */
static void drop_partial(struct xp_log *log, unsigned level, uint64_t n)
{
	char path[XP_TILE_PATH_MAX];

	xp_tile_partial_dir(path, level, n);
	xp_log_dir_clear(log, path);
}

static void drop_filled(struct xp_log *log, uint64_t old_size)
{
	uint64_t size = xp_log_tree_size(&log->tree);

	for (unsigned level = 0; level < XP_TILE_LEVELS; level++) {
		uint64_t n = old_size >> (8 * level) >> 8;

		if (xp_tile_width(level, n, size) != XP_TILE_WIDTH ||
		    xp_tile_width(level, n, old_size) == 0)
			continue;
		drop_partial(log, level, n);
		if (level == 0)
			drop_partial(log, XP_TILE_ENTRIES, n);
	}
}

enum xp_rc xp_log_commit(struct xp_log *log, uint64_t old_size, struct xp_err *err)
{
	struct edge_sink edge = {.log = log, .old_size = old_size};
	AUTO_MEM char *text = NULL;
	struct xp_merkle_head head;
	size_t len = 0;

	xp_log_tree_head(&head, &log->tree);
	edge.size = head.size;
	TRY(xp_log_tree_edge(&log->tree, &(struct xp_log_sink){put_if_new, &edge}, err));
	TRY(xp_checkpoint_sign(&text, &len, &head, log->signer, err));
	TRY(xp_log_file_put(log, log->log_fd, XP_LOG_CHECKPOINT, &(struct xp_log_bytes){text, len},
			    0644, err));
	TRY(xp_durable_flush(log->durable, err));
	free(log->checkpoint);
	log->checkpoint = STEAL(text);
	log->checkpoint_len = len;
	drop_filled(log, old_size);
	return XP_OK;
}

/* Entries behind the checkpoint, as one file shows them: how many, up to the width it is named by.
 */
struct tail {
	char *data;
	size_t len;
	unsigned entries; /* whole ones, those that the tree has included */
};

static enum xp_rc read_tail(struct tail *best, const struct xp_log *log, uint64_t n, unsigned width,
			    struct xp_err *err)
{
	const struct xp_buf *have = &log->tree.bundle;
	char path[XP_TILE_PATH_MAX];
	AUTO_MEM char *data = NULL;
	size_t len = 0;
	struct xp_span s;
	struct xp_log_bytes leaf;
	struct xp_log_leaf parsed;
	unsigned entries = 0;
	enum xp_rc rc;

	xp_tile_path(path, XP_TILE_ENTRIES, n, width);
	rc = xp_file_read_at(&data, &len, log->log_fd, path, XP_BUNDLE_MAX, err);
	if (rc == XP_E_NOENT)
		return XP_OK;
	TRY(rc);
	if (have->len && memcmp(data, have->data, len < have->len ? len : have->len) != 0)
		return xp_fail(err, XP_E_MALFORMED,
			       "log: %s does not go on where the checkpoint ends", path);
	s = xp_span_of(data, len);
	while (entries < width && xp_bundle_next(&leaf, &s) && leaf.len &&
	       (entries < best->entries ||
		xp_log_leaf_parse(&parsed, leaf.data, leaf.len, NULL) == XP_OK))
		entries++;
	if (entries > best->entries) {
		free(best->data);
		*best = (struct tail){STEAL(data), len, entries};
	}
	return XP_OK;
}

/* The widths of the partial bundles N that stand there, as a set. */
static enum xp_rc list_partials(bool found[XP_TILE_WIDTH], const struct xp_log *log, uint64_t n,
				struct xp_err *err)
{
	char path[XP_TILE_PATH_MAX];
	const struct dirent *entry;
	DIR *dir;
	int fd;

	memset(found, 0, XP_TILE_WIDTH * sizeof(*found));
	xp_tile_partial_dir(path, XP_TILE_ENTRIES, n);
	fd = openat(log->log_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? XP_OK : xp_fail_errno(err, XP_E_IO, "log: %s", path);
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return xp_fail_errno(err, XP_E_IO, "log: %s", path);
	}
	while ((entry = readdir(dir))) {
		uint64_t width;

		if (xp_note_number(&width, entry->d_name, strlen(entry->d_name)) && width > 0 &&
		    width < XP_TILE_WIDTH)
			found[width] = true;
	}
	closedir(dir);
	return XP_OK;
}

static enum xp_rc add_tail(struct xp_log *log, const struct tail *tail, unsigned have,
			   struct xp_err *err)
{
	struct xp_log_sink sink = xp_log_put_sink(log);
	struct xp_span s = xp_span_of(tail->data, tail->len);
	struct xp_log_bytes leaf;

	for (unsigned i = 0; i < tail->entries && xp_bundle_next(&leaf, &s); i++)
		if (i >= have)
			TRY(xp_log_tree_add(&log->tree, &leaf, &sink, err));
	return XP_OK;
}

/* Takes in what stands behind the tree's end in its last bundle. *GREW: it may go on in the next.
 */
static enum xp_rc absorb_bundle(struct xp_log *log, bool *grew, struct xp_err *err)
{
	uint64_t n = xp_log_tree_size(&log->tree) / XP_TILE_WIDTH;
	unsigned have = (unsigned)(xp_log_tree_size(&log->tree) % XP_TILE_WIDTH);
	bool partial[XP_TILE_WIDTH];
	struct tail best = {.entries = have};
	enum xp_rc rc = list_partials(partial, log, n, err);

	for (unsigned width = have + 1; rc == XP_OK && width <= XP_TILE_WIDTH; width++)
		if (width == XP_TILE_WIDTH || partial[width])
			rc = read_tail(&best, log, n, width, err);
	*grew = rc == XP_OK && best.entries > have;
	if (*grew)
		rc = add_tail(log, &best, have, err);
	free(best.data);
	return rc;
}

/* Files that say more than could be read of them: torn. The whole entries of theirs are in the
 * tree. */
static enum xp_rc drop_torn(struct xp_log *log, struct xp_err *err)
{
	uint64_t n = xp_log_tree_size(&log->tree) / XP_TILE_WIDTH;
	unsigned have = (unsigned)(xp_log_tree_size(&log->tree) % XP_TILE_WIDTH);
	bool torn[XP_TILE_WIDTH + 1];
	char path[XP_TILE_PATH_MAX];

	TRY(list_partials(torn, log, n, err));
	xp_tile_path(path, XP_TILE_ENTRIES, n, XP_TILE_WIDTH);
	torn[XP_TILE_WIDTH] = faccessat(log->log_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	for (unsigned width = have + 1; width <= XP_TILE_WIDTH; width++) {
		if (!torn[width])
			continue;
		xp_tile_path(path, XP_TILE_ENTRIES, n, width);
		xp_log(XP_LOG_WARNING, "log: %s was torn; its whole entries are kept", path);
		TRY(xp_log_file_remove(log, log->log_fd, path, err));
	}
	return XP_OK;
}

/* What a writer left that did not come to its checkpoint. */
static enum xp_rc absorb(struct xp_log *log, struct xp_err *err)
{
	uint64_t old_size = xp_log_tree_size(&log->tree);
	bool grew = true;

	while (grew) {
		TRY(absorb_bundle(log, &grew, err));
		if (xp_log_tree_size(&log->tree) % XP_TILE_WIDTH)
			grew = false;
	}
	if (xp_log_tree_size(&log->tree) > old_size) {
		xp_log(XP_LOG_WARNING, "log: %" PRIu64 " entries of an interrupted run are kept",
		       xp_log_tree_size(&log->tree) - old_size);
		TRY(xp_log_commit(log, old_size, err));
	}
	return drop_torn(log, err);
}

static enum xp_rc read_checkpoint(struct xp_log_reader *r, const struct xp_log *log,
				  struct xp_err *err)
{
	enum xp_rc rc = xp_log_reader_open(r, log->log_fd, xp_note_signer_vkey(log->signer), err);

	if (rc == XP_E_NOENT)
		return xp_fail(err, XP_E_MALFORMED, "log: its checkpoint is gone");
	TRY(rc);
	if (r->verdict != XP_NOTE_VERIFIED)
		return xp_fail(err, XP_E_MALFORMED,
			       "log: its checkpoint is not signed by " XP_LOG_KEY_NAME);
	return XP_OK;
}

static enum xp_rc compare_root(const struct xp_log *log, const struct xp_merkle_head *head,
			       struct xp_err *err)
{
	struct xp_merkle_head found;

	xp_log_tree_head(&found, &log->tree);
	if (found.size != head->size || !xp_merkle_hash_equals(&found.root, &head->root))
		return xp_fail(err, XP_E_MALFORMED,
			       "log: its entries are not those that the checkpoint was made over");
	return XP_OK;
}

struct compare_sink {
	const struct xp_log *log;
	bool differs;
};

static enum xp_rc compare_piece(void *ctx, const struct xp_log_piece *piece, struct xp_err *err)
{
	struct compare_sink *c = ctx;
	char path[XP_TILE_PATH_MAX];
	AUTO_MEM char *data = NULL;
	size_t len = 0;
	enum xp_rc rc;

	piece_path(path, piece);
	rc = xp_file_read_at(&data, &len, c->log->log_fd, path, piece->len, err);
	if (rc == XP_E_NOENT || rc == XP_E_MALFORMED ||
	    (rc == XP_OK && (len != piece->len || memcmp(data, piece->data, len) != 0)))
		c->differs = true;
	else
		TRY(rc);
	return XP_OK;
}

static enum xp_rc ensure_piece(void *ctx, const struct xp_log_piece *piece, struct xp_err *err)
{
	const struct xp_log *log = ctx;
	char path[XP_TILE_PATH_MAX];
	bool changed;

	piece_path(path, piece);
	TRY(xp_log_file_ensure(log, log->log_fd, path,
			       &(struct xp_log_bytes){piece->data, piece->len}, &changed, err));
	if (changed)
		xp_log(XP_LOG_WARNING, "log: %s was damaged and is made anew", path);
	return XP_OK;
}

/* The tree from the entries alone, every piece given to SINK. */
static enum xp_rc walk(struct xp_log *log, uint64_t size, const struct xp_log_sink *sink,
		       struct xp_err *err)
{
	xp_log_tree_reset(&log->tree);
	TRY(xp_log_tree_load(&log->tree, log->log_fd, size, sink, err));
	return xp_log_tree_edge(&log->tree, sink, err);
}

static enum xp_rc load_all(struct xp_log *log, const struct xp_merkle_head *head,
			   struct xp_err *err)
{
	struct compare_sink compare = {.log = log};

	TRY(walk(log, head->size, &(struct xp_log_sink){compare_piece, &compare}, err));
	/* not before the entries are known to be right is anything made from them */
	TRY(compare_root(log, head, err));
	if (compare.differs)
		TRY(walk(log, head->size, &(struct xp_log_sink){ensure_piece, log}, err));
	for (unsigned level = 0; level < XP_TILE_LEVELS; level++)
		for (uint64_t n = 0; xp_tile_width(level, n, head->size) == XP_TILE_WIDTH; n++) {
			drop_partial(log, level, n);
			if (level == 0)
				drop_partial(log, XP_TILE_ENTRIES, n);
		}
	return XP_OK;
}

static enum xp_rc load_new(struct xp_log *log, const struct xp_merkle_head *head,
			   struct xp_err *err)
{
	if (head->size < xp_log_tree_size(&log->tree))
		return xp_fail(err, XP_E_MALFORMED,
			       "log: its checkpoint went back from %" PRIu64 " to %" PRIu64
			       " entries",
			       xp_log_tree_size(&log->tree), head->size);
	TRY(xp_log_tree_load(&log->tree, log->log_fd, head->size, NULL, err));
	return compare_root(log, head, err);
}

static enum xp_rc refresh(struct xp_log *log, struct xp_err *err)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {0};
	bool all = log->stale || !log->checkpoint;

	TRY(read_checkpoint(&r, log, err));
	if (all || r.text_len != log->checkpoint_len ||
	    memcmp(r.text, log->checkpoint, r.text_len) != 0) {
		log->stale = true;
		TRY((all ? load_all : load_new)(log, &r.checkpoint.head, err));
		free(log->checkpoint);
		log->checkpoint = STEAL(r.text);
		log->checkpoint_len = r.text_len;
		log->stale = false;
	}
	return absorb(log, err);
}

enum xp_rc xp_log_refresh(struct xp_log *log, struct xp_err *err)
{
	enum xp_rc rc = refresh(log, err);

	if (rc != XP_OK)
		log->stale = true;
	return rc;
}
