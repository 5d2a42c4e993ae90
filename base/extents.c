#include "base/extents.h"

#include <stdlib.h>

enum xp_rc xp_extents_add(struct xp_extents *e, uint64_t offset, uint64_t len, struct xp_err *err)
{
	struct xp_extent *last = e->n ? &e->list[e->n - 1] : NULL;

	if (len == 0)
		return XP_OK;
	e->total_bytes += len;
	/* only while the list is whole may the last entry be taken for the neighbour */
	if (last && e->total_count == e->n && last->offset + last->len == offset) {
		last->len += len;
		return XP_OK;
	}
	e->total_count++;
	if (e->n == XP_EXTENTS_MAX)
		return XP_OK;
	if (!e->list || e->n == e->cap) {
		size_t cap = e->cap ? 2 * e->cap : 8;
		struct xp_extent *p = reallocarray(e->list, cap, sizeof(*p));

		if (!p)
			return xp_fail(err, XP_E_NOMEM, "a list of %zu extents", cap);
		e->list = p;
		e->cap = cap;
	}
	e->list[e->n++] = (struct xp_extent){.offset = offset, .len = len};
	return XP_OK;
}

static int compare(const void *a, const void *b)
{
	const struct xp_extent *x = a;
	const struct xp_extent *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void xp_extents_sort(struct xp_extents *e)
{
	size_t kept = 0;

	if (e->n)
		qsort(e->list, e->n, sizeof(*e->list), compare);
	if (e->n < 2 || e->total_count != e->n)
		return;
	for (size_t i = 1; i < e->n; i++) {
		struct xp_extent *last = &e->list[kept];
		const struct xp_extent *next = &e->list[i];
		uint64_t end = next->offset + next->len;

		if (next->offset > last->offset + last->len)
			e->list[++kept] = *next;
		else if (end > last->offset + last->len)
			last->len = end - last->offset;
	}
	e->n = kept + 1;
	e->total_count = e->n;
	e->total_bytes = 0;
	for (size_t i = 0; i < e->n; i++)
		e->total_bytes += e->list[i].len;
}

void xp_extents_free(struct xp_extents *e)
{
	free(e->list);
	*e = (struct xp_extents){0};
}
