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

void xp_extents_free(struct xp_extents *e)
{
	free(e->list);
	*e = (struct xp_extents){0};
}
