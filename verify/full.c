#include "verify/source.h"

#define CHUNK_BYTES (64ull << 20)

static bool next_chunk(void *source, struct xp_extent *range)
{
	struct xp_verify_source *s = source;
	uint64_t left = s->capacity_bytes - s->next_offset;

	if (!left)
		return false;
	*range = (struct xp_extent){.offset = s->next_offset,
				    .len = left < CHUNK_BYTES ? left : CHUNK_BYTES};
	s->next_offset += range->len;
	return true;
}

void xp_verify_source_full(struct xp_verify_source *out, const struct xp_verify_request *req)
{
	*out = (struct xp_verify_source){
		.capacity_bytes = req->capacity_bytes,
		.next = next_chunk,
		.bytes_planned = req->capacity_bytes,
	};
}

static bool next_area(void *source, struct xp_extent *range)
{
	struct xp_verify_source *s = source;

	if (s->at == s->area_n)
		return false;
	*range = s->areas[s->at++];
	return true;
}

void xp_verify_source_areas(struct xp_verify_source *out, const struct xp_verify_request *req)
{
	*out = (struct xp_verify_source){
		.capacity_bytes = req->capacity_bytes,
		.next = next_area,
		.areas = req->areas,
		.area_n = req->area_n,
		.depth = 1,
	};
	for (size_t i = 0; i < req->area_n; i++)
		out->bytes_planned += req->areas[i].len;
}
