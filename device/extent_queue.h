/* extent_queue: ranges that are to be tried again, the last one first. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xp_extent_piece {
	uint64_t offset;
	uint64_t len;
	unsigned tries; /* that failed */
};

struct xp_extent_queue {
	struct xp_extent_piece *list;
	size_t n;
	size_t cap;
};

/* false: no memory. */
bool xp_extent_queue_push(struct xp_extent_queue *q, const struct xp_extent_piece *p);
/* false: empty. */
bool xp_extent_queue_pop(struct xp_extent_queue *q, struct xp_extent_piece *p);
void xp_extent_queue_free(struct xp_extent_queue *q);
