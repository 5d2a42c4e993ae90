#include "verify/source.h"

/* Small extents: many requests in flight, with small buffers. */
#define SMALL_EXTENT 65536u
#define SMALL_DEPTH  32u
#define UNIT_MIN     4096u

static bool next_extent(void *source, struct xp_extent *range)
{
	struct xp_verify_source *s = source;

	if (s->at == s->plan.n)
		return false;
	*range = s->plan.list[s->at++];
	return true;
}

/* [SP 800-88r1 4.7.3]: at least 5 % of one of 1000 subsections; else one unit. */
static uint64_t smallest_extent(const struct xp_verify_request *req)
{
	uint64_t unit = req->logical_block_bytes > UNIT_MIN ? req->logical_block_bytes : UNIT_MIN;
	uint64_t units = req->scheme == XP_SAMPLE_R1 ? req->capacity_bytes / unit / 1000 / 20 : 1;

	return (units ? units : 1) * unit;
}

enum xp_rc xp_verify_source_sample(struct xp_verify_source *out,
				   const struct xp_verify_request *req, struct xp_err *err)
{
	*out = (struct xp_verify_source){.capacity_bytes = req->capacity_bytes,
					 .next = next_extent};
	TRY(xp_sample_plan_make(&out->plan, req->scheme, req->sample_n, req->capacity_bytes,
				req->logical_block_bytes, req->seed, err));
	out->bytes_planned = out->plan.bytes;
	out->extents = out->plan.independent;
	out->always_extents = out->plan.always;
	out->extent_bytes = smallest_extent(req);
	if (out->plan.n && out->plan.bytes / out->plan.n <= SMALL_EXTENT) {
		out->request_bytes = SMALL_EXTENT;
		out->depth = SMALL_DEPTH;
	}
	return XP_OK;
}

uint64_t xp_verify_source_spoilt(const struct xp_verify_source *s, const struct xp_extents *unread)
{
	uint64_t n = 0;

	if (unread->total_count > unread->n || !s->extent_bytes)
		return s->extents;
	/* so many extents of at least extent_bytes, none over another, can touch a range */
	for (size_t i = 0; i < unread->n; i++)
		n += (unread->list[i].len - 1) / s->extent_bytes + 2;
	return n < s->extents ? n : s->extents;
}

void xp_verify_source_free(struct xp_verify_source *s)
{
	xp_sample_plan_free(&s->plan);
}
