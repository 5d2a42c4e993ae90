#include "certs/log_tiles.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/wire.h"

/* "x001/x234/067" [tlog-tiles, Merkle Tree] */
static void index_path(char out[40], uint64_t n)
{
	char rest[40];

	snprintf(out, 40, "%03u", (unsigned)(n % 1000));
	for (n /= 1000; n; n /= 1000) {
		snprintf(rest, sizeof(rest), "%.34s", out);
		snprintf(out, 40, "x%03u/%.34s", (unsigned)(n % 1000), rest);
	}
}

static void tile_base(char out[XP_TILE_PATH_MAX], unsigned level, uint64_t n, const char *end)
{
	char index[40];

	index_path(index, n);
	if (level == XP_TILE_ENTRIES)
		snprintf(out, XP_TILE_PATH_MAX, "tile/entries/%s%s", index, end);
	else
		snprintf(out, XP_TILE_PATH_MAX, "tile/%u/%s%s", level % 64, index, end);
}

void xp_tile_path(char out[XP_TILE_PATH_MAX], unsigned level, uint64_t n, unsigned width)
{
	char end[8] = "";

	if (width < XP_TILE_WIDTH)
		snprintf(end, sizeof(end), ".p/%u", width % XP_TILE_WIDTH);
	tile_base(out, level, n, end);
}

void xp_tile_partial_dir(char out[XP_TILE_PATH_MAX], unsigned level, uint64_t n)
{
	tile_base(out, level, n, ".p");
}

unsigned xp_tile_width(unsigned level, uint64_t n, uint64_t size)
{
	uint64_t hashes = level == XP_TILE_ENTRIES ? size : size >> (8 * level);
	uint64_t before = n * XP_TILE_WIDTH;

	if (n > XP_MERKLE_SIZE_MAX / XP_TILE_WIDTH || hashes <= before)
		return 0;
	return hashes - before < XP_TILE_WIDTH ? (unsigned)(hashes - before) : XP_TILE_WIDTH;
}

enum xp_rc xp_tile_read(char **out, size_t *len, int log_fd, unsigned level, uint64_t n,
			unsigned width, struct xp_err *err)
{
	size_t max = level == XP_TILE_ENTRIES ? XP_BUNDLE_MAX : XP_TILE_BYTES;
	char path[XP_TILE_PATH_MAX];
	enum xp_rc rc;

	xp_tile_path(path, level, n, width);
	rc = xp_file_read_at(out, len, log_fd, path, max, err);
	if (rc != XP_E_NOENT || width == XP_TILE_WIDTH)
		return rc;
	xp_tile_path(path, level, n, XP_TILE_WIDTH);
	if (xp_file_read_at(out, len, log_fd, path, max, NULL) == XP_OK)
		return XP_OK;
	return rc;
}

bool xp_bundle_next(struct xp_log_bytes *leaf, struct xp_span *s)
{
	const uint8_t *head;

	if (s->overrun || s->left == 0)
		return false;
	head = xp_span_take(s, 2);
	if (!head)
		return false;
	leaf->len = get_be16(head);
	leaf->data = xp_span_take(s, leaf->len);
	return leaf->data != NULL;
}

enum xp_rc xp_tile_reader_new(struct xp_tile_reader **out, int log_fd, uint64_t size,
			      struct xp_err *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return xp_fail(err, XP_E_NOMEM, "log");
	(*out)->log_fd = log_fd;
	(*out)->size = size;
	return XP_OK;
}

void xp_tile_reader_free(struct xp_tile_reader **r)
{
	free(*r);
	*r = NULL;
}

static enum xp_rc keep_tile(struct xp_tile_reader *r, unsigned level, uint64_t n,
			    struct xp_err *err)
{
	unsigned width = xp_tile_width(level, n, r->size);
	AUTO_MEM char *data = NULL;
	size_t len = 0;

	if (r->kept[level].width == width && r->kept[level].n == n)
		return XP_OK;
	r->kept[level].width = 0;
	TRY(xp_tile_read(&data, &len, r->log_fd, level, n, width, err));
	if (len != width * (size_t)XP_MERKLE_HASH_LEN && len != XP_TILE_BYTES)
		return xp_fail(err, XP_E_MALFORMED, "log: tile %u/%" PRIu64 " of %zu bytes", level,
			       n, len);
	memcpy(r->kept[level].hash, data, width * (size_t)XP_MERKLE_HASH_LEN);
	r->kept[level].n = n;
	r->kept[level].width = width;
	return XP_OK;
}

static enum xp_rc tile_subtree(void *ctx, struct xp_merkle_hash *out, unsigned level,
			       uint64_t index, struct xp_err *err)
{
	struct xp_tile_reader *r = ctx;
	unsigned tile_level = level / 8;
	unsigned count = 1U << level % 8;
	uint64_t first = index << level % 8;
	unsigned at = (unsigned)(first % XP_TILE_WIDTH);

	if (tile_level >= XP_TILE_LEVELS)
		return xp_fail(err, XP_E_INTERNAL, "log: a subtree of level %u", level);
	TRY(keep_tile(r, tile_level, first / XP_TILE_WIDTH, err));
	if (at + count > r->kept[tile_level].width)
		return xp_fail(err, XP_E_INTERNAL, "log: a subtree beyond the tree");
	xp_merkle_fold(out, r->kept[tile_level].hash + at, count);
	return XP_OK;
}

struct xp_merkle_reader xp_tile_merkle_reader(struct xp_tile_reader *r)
{
	return (struct xp_merkle_reader){.subtree = tile_subtree, .ctx = r};
}
