/*
 * source: which ranges a readback reads: all of them or some areas (full.c), or those of a sample
 * plan (sample.c).
 */
#pragma once
#include "verify/verify.h"

struct xp_verify_source {
	struct xp_sample_plan plan; /* mode sample */
	size_t at;		    /* next of the plan */
	uint64_t capacity_bytes;
	uint64_t next_offset;	       /* mode full */
	const struct xp_extent *areas; /* mode full, of areas */
	size_t area_n;
	uint64_t extent_bytes; /* mode sample: no independent extent is smaller */
	/* for the extent job */
	bool (*next)(void *source, struct xp_extent *range);
	uint32_t request_bytes; /* 0: the default */
	uint32_t depth;		/* 0: the default */
	/* for the result */
	uint64_t bytes_planned;
	uint64_t extents;
	uint64_t always_extents;
};

void xp_verify_source_full(struct xp_verify_source *out, const struct xp_verify_request *req);
void xp_verify_source_areas(struct xp_verify_source *out, const struct xp_verify_request *req);
MUST_USE enum xp_rc xp_verify_source_sample(struct xp_verify_source *out,
					    const struct xp_verify_request *req,
					    struct xp_err *err);
/* How many independent extents a list of unread ranges can have spoilt at most. */
uint64_t xp_verify_source_spoilt(const struct xp_verify_source *s, const struct xp_extents *unread);
void xp_verify_source_free(struct xp_verify_source *s);
