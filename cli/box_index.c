#include "cli/box_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void drop_pieces(struct xp_box_file *f)
{
	free(f->pieces);
	f->pieces = NULL;
	f->pieces_n = f->pieces_cap = 0;
	f->len = 0;
}

void xp_box_index_free(struct xp_box_index *index)
{
	for (size_t i = 0; i < index->n; i++)
		drop_pieces(&index->files[i]);
	free(index->files);
	*index = (struct xp_box_index){0};
}

/* The first file that does not come before PATH. */
static size_t place_of(const struct xp_box_index *index, const char *path)
{
	size_t low = 0;
	size_t high = index->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(index->files[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct xp_box_file *find(const struct xp_box_index *index, const char *path)
{
	size_t i = place_of(index, path);

	return i < index->n && strcmp(index->files[i].path, path) == 0 ? &index->files[i] : NULL;
}

const struct xp_box_file *xp_box_index_find(const struct xp_box_index *index, const char *path)
{
	return find(index, path);
}

static enum xp_rc find_or_add(struct xp_box_file **out, struct xp_box_index *index,
			      const char *path, struct xp_err *err)
{
	size_t i = place_of(index, path);

	*out = find(index, path);
	if (*out)
		return XP_OK;
	if (index->n == index->cap) {
		size_t cap = index->cap ? 2 * index->cap : 64;
		struct xp_box_file *files = reallocarray(index->files, cap, sizeof(*files));

		if (!files)
			return xp_fail(err, XP_E_NOMEM, "box: %zu files", cap);
		index->files = files;
		index->cap = cap;
	}
	memmove(&index->files[i + 1], &index->files[i], (index->n - i) * sizeof(*index->files));
	index->files[i] = (struct xp_box_file){0};
	snprintf(index->files[i].path, sizeof(index->files[i].path), "%s", path);
	index->n++;
	*out = &index->files[i];
	return XP_OK;
}

static void drop_file(struct xp_box_index *index, size_t i)
{
	drop_pieces(&index->files[i]);
	memmove(&index->files[i], &index->files[i + 1], (index->n - i - 1) * sizeof(*index->files));
	index->n--;
}

static void drop_below(struct xp_box_index *index, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = index->n; i-- > 0;) {
		const char *have = index->files[i].path;

		if (strncmp(have, path, len) == 0 && (have[len] == 0 || have[len] == '/'))
			drop_file(index, i);
	}
}

static void cut(struct xp_box_file *f, uint64_t len)
{
	while (f->pieces_n && f->len > len) {
		struct xp_box_piece *last = &f->pieces[f->pieces_n - 1];
		uint64_t over = f->len - len;

		if (over < last->len) {
			last->len -= over;
			f->len = len;
			return;
		}
		f->len -= last->len;
		f->pieces_n--;
	}
}

static enum xp_rc add_piece(struct xp_box_file *f, const struct xp_box_piece *piece,
			    struct xp_err *err)
{
	if (f->pieces_n == f->pieces_cap) {
		size_t cap = f->pieces_cap ? 2 * f->pieces_cap : 1;
		struct xp_box_piece *pieces = reallocarray(f->pieces, cap, sizeof(*pieces));

		if (!pieces)
			return xp_fail(err, XP_E_NOMEM, "box: %s", f->path);
		f->pieces = pieces;
		f->pieces_cap = cap;
	}
	f->pieces[f->pieces_n++] = *piece;
	f->len += piece->len;
	return XP_OK;
}

bool xp_box_index_is_outgrown(const struct xp_box_index *index, const char *path)
{
	size_t dir_len = 0;
	unsigned width = xp_box_path_partial(&dir_len, path);
	char full[XP_BOX_PATH_LEN];

	if (!width)
		return false;
	/* "000.p" without its end is the full tile */
	snprintf(full, sizeof(full), "%.*s", (int)dir_len - 2, path);
	if (find(index, full))
		return true;
	for (size_t i = 0; i < index->n; i++) {
		size_t other_len = 0;

		if (xp_box_path_partial(&other_len, index->files[i].path) > width &&
		    other_len == dir_len && strncmp(index->files[i].path, path, dir_len) == 0)
			return true;
	}
	return false;
}

static void drop_outgrown(struct xp_box_index *index)
{
	for (size_t i = index->n; i-- > 0;)
		if (xp_box_index_is_outgrown(index, index->files[i].path))
			drop_file(index, i);
}

enum xp_rc xp_box_index_apply(struct xp_box_index *index, const struct xp_box_entry *entry,
			      uint64_t at, struct xp_err *err)
{
	const struct xp_box_piece piece = {.at = at, .len = entry->len};
	struct xp_box_file *f = find(index, entry->path);

	if (entry->kind == XP_BOX_REMOVE) {
		drop_below(index, entry->path);
		return XP_OK;
	}
	if (entry->offset > (f ? f->len : 0))
		return xp_fail(err, XP_E_MALFORMED, "box: a gap in %s", entry->path);
	TRY(find_or_add(&f, index, entry->path, err));
	cut(f, entry->offset);
	if (entry->len)
		TRY(add_piece(f, &piece, err));
	if (strcmp(entry->path, "log/checkpoint") == 0)
		drop_outgrown(index);
	return XP_OK;
}

uint64_t xp_box_index_bytes(const struct xp_box_index *index)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < index->n; i++)
		sum += xp_box_entry_bytes(index->files[i].len);
	return sum;
}
