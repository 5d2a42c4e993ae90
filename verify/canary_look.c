#include "verify/canary_look.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct look {
	const struct xp_canaries *canaries;
	const struct xp_verify_request *how;
	size_t next;
	uint64_t alive;
	uint8_t *expected; /* a block */
	bool is_lost;	   /* no memory: what stands there cannot be told */
};

static bool next_marker(void *ctx, struct xp_extent *range)
{
	struct look *l = ctx;

	if (l->next == l->canaries->n)
		return false;
	*range = (struct xp_extent){.offset = l->canaries->offsets[l->next++],
				    .len = l->canaries->block_bytes};
	return true;
}

static void deliver(void *ctx, const uint8_t *buf, uint64_t offset, size_t len)
{
	struct look *l = ctx;

	if (len != l->canaries->block_bytes)
		return; /* one request a block: nothing else is delivered whole */
	if (!xp_canary_fill(l->expected, l->canaries, offset, len))
		l->is_lost = true;
	else if (memcmp(buf, l->expected, len) == 0)
		l->alive++;
}

static void was_unreadable(void *ctx, uint64_t offset, size_t len, int sys_errno)
{
	(void)ctx;
	(void)offset;
	(void)len;
	(void)sys_errno;
}

static bool is_cancelled(void *ctx)
{
	const struct look *l = ctx;

	return l->how->cancelled && l->how->cancelled(l->how->ctx);
}

enum xp_rc xp_canaries_look(uint64_t *alive, const struct xp_canaries *canaries,
			    const struct xp_verify_request *how, struct xp_err *err)
{
	AUTO_MEM uint8_t *expected = malloc(canaries->block_bytes);
	struct look l = {.canaries = canaries, .how = how, .expected = expected};
	struct xp_extent_stats stats;
	struct xp_extent_job job = {
		.request_bytes = canaries->block_bytes,
		.stall_ms = how->stall_ms,
		.ctx = &l,
		.next = next_marker,
		.deliver = deliver,
		.failed = was_unreadable,
		.cancelled = is_cancelled,
	};

	*alive = 0;
	if (!expected)
		return xp_fail(err, XP_E_NOMEM, "a marker");
	TRY(xp_extent_io_run(how->io, &job, &stats, err));
	if (l.is_lost)
		return xp_fail(err, XP_E_NOMEM, "a marker");
	*alive = l.alive;
	return XP_OK;
}
