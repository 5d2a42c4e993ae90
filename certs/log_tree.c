#include "certs/log_tree.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/wire.h"

void xp_log_tree_free(struct xp_log_tree *t)
{
	xp_buf_free(&t->bundle);
}

void xp_log_tree_reset(struct xp_log_tree *t)
{
	t->frontier.size = 0;
	xp_buf_free(&t->bundle);
}

uint64_t xp_log_tree_size(const struct xp_log_tree *t)
{
	return t->frontier.size;
}

void xp_log_tree_head(struct xp_merkle_head *out, const struct xp_log_tree *t)
{
	out->size = t->frontier.size;
	xp_merkle_frontier_root(&out->root, &t->frontier);
}

static enum xp_rc give(const struct xp_log_sink *sink, const struct xp_log_piece *piece,
		       struct xp_err *err)
{
	return sink ? sink->piece(sink->ctx, piece, err) : XP_OK;
}

/* The hash of leaf number SIZE - 1 has come: carries full tiles up. */
static enum xp_rc carry(struct xp_log_tree *t, struct xp_merkle_hash h, uint64_t size,
			const struct xp_log_sink *sink, struct xp_err *err)
{
	for (unsigned level = 0; level < XP_TILE_LEVELS; level++) {
		uint64_t at = (size >> (8 * level)) - 1;
		unsigned slot = (unsigned)(at % XP_TILE_WIDTH);

		t->edge[level][slot] = h;
		if (slot + 1 < XP_TILE_WIDTH)
			break;
		TRY(give(sink,
			 &(struct xp_log_piece){.level = level,
						.n = at / XP_TILE_WIDTH,
						.width = XP_TILE_WIDTH,
						.data = t->edge[level],
						.len = XP_TILE_BYTES},
			 err));
		xp_merkle_fold(&h, t->edge[level], XP_TILE_WIDTH);
	}
	return XP_OK;
}

enum xp_rc xp_log_tree_add(struct xp_log_tree *t, const struct xp_log_bytes *leaf,
			   const struct xp_log_sink *sink, struct xp_err *err)
{
	uint8_t head[2];
	struct xp_merkle_hash h;

	if (leaf->len == 0 || leaf->len > XP_LOG_LEAF_MAX)
		return xp_fail(err, XP_E_USAGE, "a log leaf of %zu bytes", leaf->len);
	if (t->frontier.size >= XP_MERKLE_SIZE_MAX)
		return xp_fail(err, XP_E_UNSUPPORTED, "the log is full");
	put_be16(head, (uint16_t)leaf->len);
	xp_buf_add(&t->bundle, head, sizeof(head));
	xp_buf_add(&t->bundle, leaf->data, leaf->len);
	if (!xp_buf_ok(&t->bundle))
		return xp_fail(err, XP_E_NOMEM, "log");
	xp_merkle_leaf(&h, leaf->data, leaf->len);
	xp_merkle_frontier_add(&t->frontier, &h);
	if (t->frontier.size % XP_TILE_WIDTH == 0) {
		TRY(give(sink,
			 &(struct xp_log_piece){.level = XP_TILE_ENTRIES,
						.n = t->frontier.size / XP_TILE_WIDTH - 1,
						.width = XP_TILE_WIDTH,
						.data = t->bundle.data,
						.len = t->bundle.len},
			 err));
		t->bundle.len = 0;
	}
	return carry(t, h, t->frontier.size, sink, err);
}

enum xp_rc xp_log_tree_edge(const struct xp_log_tree *t, const struct xp_log_sink *sink,
			    struct xp_err *err)
{
	uint64_t size = t->frontier.size;

	if (size % XP_TILE_WIDTH)
		TRY(give(sink,
			 &(struct xp_log_piece){.level = XP_TILE_ENTRIES,
						.n = size / XP_TILE_WIDTH,
						.width = (unsigned)(size % XP_TILE_WIDTH),
						.data = t->bundle.data,
						.len = t->bundle.len},
			 err));
	for (unsigned level = 0; level < XP_TILE_LEVELS; level++) {
		uint64_t hashes = size >> (8 * level);
		unsigned width = (unsigned)(hashes % XP_TILE_WIDTH);

		if (width)
			TRY(give(sink,
				 &(struct xp_log_piece){.level = level,
							.n = hashes / XP_TILE_WIDTH,
							.width = width,
							.data = t->edge[level],
							.len = width * (size_t)XP_MERKLE_HASH_LEN},
				 err));
	}
	return XP_OK;
}

static enum xp_rc load_bundle(struct xp_log_tree *t, int log_fd, unsigned width,
			      const struct xp_log_sink *sink, struct xp_err *err)
{
	uint64_t n = t->frontier.size / XP_TILE_WIDTH;
	unsigned have = (unsigned)(t->frontier.size % XP_TILE_WIDTH);
	AUTO_MEM char *data = NULL;
	size_t len = 0;
	struct xp_span s;
	enum xp_rc rc = xp_tile_read(&data, &len, log_fd, XP_TILE_ENTRIES, n, width, err);

	if (rc == XP_E_NOENT)
		return xp_fail(err, XP_E_MALFORMED,
			       "log: entries %" PRIu64 " to %" PRIu64 " are gone",
			       n * XP_TILE_WIDTH + have, n * XP_TILE_WIDTH + width - 1);
	TRY(rc);
	if (have && (len < t->bundle.len || memcmp(data, t->bundle.data, t->bundle.len) != 0))
		return xp_fail(err, XP_E_MALFORMED, "log: entries below %" PRIu64 " have changed",
			       t->frontier.size);
	s = xp_span_of(data + (have ? t->bundle.len : 0), len - (have ? t->bundle.len : 0));
	for (unsigned i = have; i < width; i++) {
		struct xp_log_bytes leaf;

		if (!xp_bundle_next(&leaf, &s) || leaf.len == 0)
			return xp_fail(err, XP_E_MALFORMED, "log: entry %" PRIu64 " is torn",
				       n * XP_TILE_WIDTH + i);
		TRY(xp_log_tree_add(t, &leaf, sink, err));
	}
	return XP_OK;
}

enum xp_rc xp_log_tree_load(struct xp_log_tree *t, int log_fd, uint64_t size,
			    const struct xp_log_sink *sink, struct xp_err *err)
{
	while (t->frontier.size < size)
		TRY(load_bundle(
			t, log_fd,
			xp_tile_width(XP_TILE_ENTRIES, t->frontier.size / XP_TILE_WIDTH, size),
			sink, err));
	return XP_OK;
}
