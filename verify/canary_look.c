#include "verify/canary_look.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"

struct look {
	const struct xp_canaries *canaries;
	const struct xp_verify_request *how;
	size_t next;
	size_t at; /* the place that was delivered last, or one before it */
	uint64_t alive, read;
	uint8_t *expected;     /* a block */
	uint8_t (*blocks)[32]; /* SHA-256 of each place */
	bool is_lost;	       /* no memory: what stands there cannot be told */
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

/* The place at OFFSET; they are most often delivered in their order. n: there is none. */
static size_t place_of(struct look *l, uint64_t offset)
{
	const struct xp_canaries *c = l->canaries;

	if (l->at < c->n && c->offsets[l->at] > offset)
		l->at = 0;
	while (l->at < c->n && c->offsets[l->at] < offset)
		l->at++;
	return l->at < c->n && c->offsets[l->at] == offset ? l->at : c->n;
}

static void deliver(void *ctx, const uint8_t *buf, uint64_t offset, size_t len)
{
	struct look *l = ctx;
	size_t place = place_of(l, offset);

	/* one request a block: nothing else is delivered whole */
	if (len != l->canaries->block_bytes || place == l->canaries->n)
		return;
	l->read++;
	if (!xp_canary_fill(l->expected, l->canaries, offset, len) ||
	    EVP_Digest(buf, len, l->blocks[place], NULL, EVP_sha256(), NULL) != 1)
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

enum xp_rc xp_canaries_look(struct xp_canaries_seen *seen, const struct xp_canaries *canaries,
			    const struct xp_verify_request *how, struct xp_err *err)
{
	AUTO_MEM uint8_t *expected = malloc(canaries->block_bytes);
	AUTO_MEM void *blocks = calloc(canaries->n + 1, 32);
	struct look l = {.canaries = canaries, .how = how, .expected = expected, .blocks = blocks};
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

	*seen = (struct xp_canaries_seen){0};
	if (!expected || !blocks)
		return xp_fail(err, XP_E_NOMEM, "a marker");
	TRY(xp_extent_io_run(how->io, &job, &stats, err));
	if (l.is_lost || !xp_canaries_digest(seen->sha256, canaries, l.blocks))
		return xp_fail(err, XP_E_NOMEM, "a marker");
	seen->alive = l.alive;
	seen->unread = canaries->n - l.read;
	return XP_OK;
}
