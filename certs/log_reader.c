#include "certs/log_reader.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/log_proof.h"
#include "certs/log_tiles.h"

enum xp_rc xp_log_reader_open(struct xp_log_reader *out, int log_fd,
			      const struct xp_note_vkey *vkey, struct xp_err *err)
{
	AUTO(xp_log_reader_free) struct xp_log_reader r = {.log_fd = log_fd};

	*out = (struct xp_log_reader){.log_fd = log_fd};
	TRY(xp_file_read_at(&r.text, &r.text_len, log_fd, "checkpoint", XP_CHECKPOINT_MAX_BYTES,
			    err));
	TRY(xp_checkpoint_read(&r.checkpoint, &r.verdict, r.text, r.text_len, vkey, err));
	*out = r;
	r.text = NULL;
	return XP_OK;
}

void xp_log_reader_free(struct xp_log_reader *r)
{
	free(r->text);
	r->text = NULL;
}

/* Behind WIDTH entries nothing may stand, or, where the whole tile has come since, all the rest. */
static bool ends_there(struct xp_span *s, unsigned width)
{
	struct xp_log_bytes leaf;

	if (s->left == 0)
		return true;
	for (; width < XP_TILE_WIDTH; width++)
		if (!xp_bundle_next(&leaf, s))
			return false;
	return s->left == 0;
}

static enum xp_rc visit_bundle(const struct xp_log_reader *r, uint64_t n,
			       const struct xp_log_visitor *visitor, struct xp_err *err)
{
	unsigned width = xp_tile_width(XP_TILE_ENTRIES, n, r->checkpoint.head.size);
	AUTO_MEM char *data = NULL;
	size_t len = 0;
	struct xp_span s;

	TRY(xp_tile_read(&data, &len, r->log_fd, XP_TILE_ENTRIES, n, width, err));
	s = xp_span_of(data, len);
	for (unsigned i = 0; i < width; i++) {
		struct xp_log_bytes leaf;

		if (!xp_bundle_next(&leaf, &s))
			return xp_fail(err, XP_E_MALFORMED, "log: entry %" PRIu64 " is torn",
				       n * XP_TILE_WIDTH + i);
		TRY(visitor->leaf(visitor->ctx, n * XP_TILE_WIDTH + i, &leaf, err));
	}
	if (!ends_there(&s, width))
		return xp_fail(err, XP_E_MALFORMED,
			       "log: more stands behind entry %" PRIu64 " in its file",
			       n * XP_TILE_WIDTH + width - 1);
	return XP_OK;
}

enum xp_rc xp_log_reader_each(const struct xp_log_reader *r, const struct xp_log_visitor *visitor,
			      struct xp_err *err)
{
	uint64_t size = r->checkpoint.head.size;

	for (uint64_t n = 0; n * XP_TILE_WIDTH < size; n++)
		TRY(visit_bundle(r, n, visitor, err));
	return XP_OK;
}

enum xp_rc xp_log_reader_prove(const struct xp_log_reader *r, uint64_t index, char **out,
			       size_t *len, struct xp_err *err)
{
	AUTO(xp_tile_reader_free) struct xp_tile_reader *tiles = NULL;
	const struct xp_merkle_head *head = &r->checkpoint.head;
	struct xp_log_proof proof = {
		.index = index, .checkpoint = r->text, .checkpoint_len = r->text_len};
	struct xp_merkle_reader reader;
	struct xp_merkle_hash leaf;

	if (index >= head->size)
		return xp_fail(err, XP_E_NOENT, "log: no entry %" PRIu64 " among %" PRIu64, index,
			       head->size);
	TRY(xp_tile_reader_new(&tiles, r->log_fd, head->size, err));
	reader = xp_tile_merkle_reader(tiles);
	TRY(xp_merkle_prove_inclusion(&proof.path, &reader, index, head->size, err));
	TRY(reader.subtree(reader.ctx, &leaf, 0, index, err));
	if (!xp_merkle_check_inclusion(&proof.path, index, &leaf, head))
		return xp_fail(err, XP_E_MALFORMED,
			       "log: the tiles do not prove entry %" PRIu64 " under the checkpoint",
			       index);
	return xp_log_proof_format(out, len, &proof, err);
}

struct search {
	const char *id;
	const uint8_t *record_sha256;
	uint64_t index;
	bool found;
};

static enum xp_rc match(void *ctx, uint64_t index, const struct xp_log_bytes *bytes,
			struct xp_err *err)
{
	struct search *s = ctx;
	struct xp_log_leaf leaf;

	TRY(xp_log_leaf_parse(&leaf, bytes->data, bytes->len, err));
	if (leaf.type == XP_LOG_LEAF_RECORD && strcmp(leaf.id, s->id) == 0 &&
	    (!s->record_sha256 || memcmp(leaf.record, s->record_sha256, 32) == 0)) {
		s->index = index;
		s->found = true;
	}
	return XP_OK;
}

enum xp_rc xp_log_reader_find(const struct xp_log_reader *r, const char *id,
			      const uint8_t *record_sha256, uint64_t *index, struct xp_err *err)
{
	struct search s = {.id = id, .record_sha256 = record_sha256};

	TRY(xp_log_reader_each(r, &(struct xp_log_visitor){match, &s}, err));
	if (!s.found)
		return xp_fail(err, XP_E_NOENT, "log: no record %.40s%s in it", id,
			       record_sha256 ? " with these bytes" : "");
	*index = s.index;
	return XP_OK;
}

enum xp_rc xp_log_reader_root(const struct xp_log_reader *r, uint64_t size,
			      struct xp_merkle_hash *out, struct xp_err *err)
{
	AUTO(xp_tile_reader_free) struct xp_tile_reader *tiles = NULL;
	struct xp_merkle_reader reader;

	if (size > r->checkpoint.head.size)
		return xp_fail(err, XP_E_USAGE, "log: smaller than %" PRIu64 " entries", size);
	TRY(xp_tile_reader_new(&tiles, r->log_fd, r->checkpoint.head.size, err));
	reader = xp_tile_merkle_reader(tiles);
	return xp_merkle_root(out, &reader, size, err);
}
