#include "device/extent_queue.h"

#include <stdlib.h>

bool xp_extent_queue_push(struct xp_extent_queue *q, const struct xp_extent_piece *p)
{
	if (q->n == q->cap) {
		size_t cap = q->cap ? 2 * q->cap : 64;
		struct xp_extent_piece *list = reallocarray(q->list, cap, sizeof(*list));

		if (!list)
			return false;
		q->list = list;
		q->cap = cap;
	}
	q->list[q->n++] = *p;
	return true;
}

bool xp_extent_queue_pop(struct xp_extent_queue *q, struct xp_extent_piece *p)
{
	if (!q->n)
		return false;
	*p = q->list[--q->n];
	return true;
}

void xp_extent_queue_free(struct xp_extent_queue *q)
{
	free(q->list);
	*q = (struct xp_extent_queue){0};
}
