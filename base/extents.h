/* extents: ranges of bytes on a target, and lists of them that stay bounded. */
#pragma once
#include "base/err.h"

struct xp_extent {
	uint64_t offset; /* bytes from the start of the target */
	uint64_t len;	 /* bytes */
};

/* A list that can grow; total_bytes and total_count go on counting where the list itself is cut. */
#define XP_EXTENTS_MAX 4096
struct xp_extents {
	struct xp_extent *list;
	size_t n;
	size_t cap;
	uint64_t total_count;
	uint64_t total_bytes;
};

/* Adds, joining with the last one where they touch. Past XP_EXTENTS_MAX only the totals grow. */
MUST_USE enum xp_rc xp_extents_add(struct xp_extents *e, uint64_t offset, uint64_t len,
				   struct xp_err *err);
/* Sorted by offset, neighbours and overlaps joined; a list that was cut is sorted only. */
void xp_extents_sort(struct xp_extents *e);
void xp_extents_free(struct xp_extents *e);
