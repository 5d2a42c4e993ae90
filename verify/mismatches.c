#include "verify/mismatches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

enum xp_rc xp_mismatches_init(struct xp_mismatches *f, struct xp_readback_result *out,
			      struct xp_expect *expect, uint32_t logical_block_bytes,
			      struct xp_err *err)
{
	f->out = out;
	f->expect = expect;
	f->block_bytes = logical_block_bytes < 512 ? 512 : logical_block_bytes;
	f->scratch = malloc(f->block_bytes);
	return f->scratch ? XP_OK : xp_fail(err, XP_E_NOMEM, "a block to compare with");
}

void xp_mismatches_free(struct xp_mismatches *f)
{
	free(f->scratch);
	f->scratch = NULL;
}

const char *xp_mismatches_kind(const uint8_t *p, size_t len)
{
	if (xp_mem_is_filled(p, 0x00, len))
		return "zero";
	if (xp_mem_is_filled(p, 0xff, len))
		return "ff";
	for (size_t period = 1; period <= XP_PATTERN_MAX && 2 * period <= len; period++) {
		if (memcmp(p, p + period, len - period) == 0)
			return "pattern";
	}
	return "data";
}

static uint64_t first_block(const struct xp_mismatches *f, const struct xp_mismatch *m)
{
	return m->offset / f->block_bytes;
}

static uint64_t last_block(const struct xp_mismatches *f, const struct xp_mismatch *m)
{
	return (m->offset + m->len - 1) / f->block_bytes;
}

/* Joins B to A where it follows in the next block and looks alike. */
static bool join(const struct xp_mismatches *f, struct xp_mismatch *a, const struct xp_mismatch *b)
{
	if (last_block(f, a) + 1 != first_block(f, b) || strcmp(a->kind, b->kind) != 0)
		return false;
	a->len = b->offset + b->len - a->offset;
	return true;
}

static enum xp_rc add(struct xp_mismatches *f, const struct xp_mismatch *m, struct xp_err *err)
{
	struct xp_readback_result *out = f->out;

	out->mismatch_total++;
	if (out->mismatch_n && join(f, &out->mismatches[out->mismatch_n - 1], m))
		return XP_OK;
	if (out->mismatch_n == XP_MISMATCHES_MAX)
		return XP_OK;
	if (!out->mismatches) {
		out->mismatches = calloc(XP_MISMATCHES_MAX, sizeof(*out->mismatches));
		if (!out->mismatches)
			return xp_fail(err, XP_E_NOMEM, "a list of mismatches");
	}
	out->mismatches[out->mismatch_n++] = *m;
	return XP_OK;
}

/* One block, or a part of one; LEFT bytes are to be seen from its start on. */
static enum xp_rc look_at_block(struct xp_mismatches *f, const uint8_t *found, uint64_t offset,
				size_t len, size_t left, struct xp_err *err)
{
	struct xp_mismatch m = {0};
	size_t first = 0;
	size_t last = len;

	if (!xp_expect_bytes(f->expect, f->scratch, offset, len))
		return xp_fail(err, XP_E_INTERNAL, "the expected content could not be computed");
	if (memcmp(found, f->scratch, len) == 0)
		return XP_OK;
	while (found[first] == f->scratch[first])
		first++;
	while (found[last - 1] == f->scratch[last - 1])
		last--;
	m.offset = offset + first;
	m.len = last - first;
	left -= first;
	memcpy(m.found, found + first, left < sizeof(m.found) ? left : sizeof(m.found));
	snprintf(m.kind, sizeof(m.kind), "%s", xp_mismatches_kind(found, len));
	return add(f, &m, err);
}

enum xp_rc xp_mismatches_look(struct xp_mismatches *f, const uint8_t *found, uint64_t offset,
			      size_t len, struct xp_err *err)
{
	while (len) {
		size_t to_edge = (size_t)(f->block_bytes - offset % f->block_bytes);
		size_t part = len < to_edge ? len : to_edge;

		TRY(look_at_block(f, found, offset, part, len, err));
		found += part;
		offset += part;
		len -= part;
	}
	return XP_OK;
}

static int by_offset(const void *a, const void *b)
{
	uint64_t x = ((const struct xp_mismatch *)a)->offset;
	uint64_t y = ((const struct xp_mismatch *)b)->offset;

	return x < y ? -1 : x > y;
}

void xp_mismatches_finish(struct xp_mismatches *f)
{
	struct xp_mismatch *list = f->out->mismatches;
	size_t kept = 0;

	if (!f->out->mismatch_n)
		return;
	qsort(list, f->out->mismatch_n, sizeof(*list), by_offset);
	for (size_t i = 1; i < f->out->mismatch_n; i++) {
		if (!join(f, &list[kept], &list[i]))
			list[++kept] = list[i];
	}
	f->out->mismatch_n = kept + 1;
}
