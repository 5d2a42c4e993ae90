#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/box_pair_inside.h"

/* A stick that was pulled out and is back: the same boxes, or none. */

/* The box that was acknowledged furthest. */
static const struct xp_box *furthest(const struct xp_box_pair *pair)
{
	const struct xp_box *a = &pair->box[0];
	const struct xp_box *b = &pair->box[1];

	if (a->header.generation != b->header.generation)
		return a->header.generation > b->header.generation ? a : b;
	return b->chain.entries > a->chain.entries ? b : a;
}

/* Does FOUND go on from where we were? */
static enum xp_rc demand_same(const struct xp_box_pair *pair, struct xp_box_pair *found,
			      struct xp_err *err)
{
	const struct xp_box *had = furthest(pair);
	const struct xp_box *has = xp_box_pair_best(found);
	uint8_t hash[XP_BOX_HASH_LEN];
	bool there = false;

	if (memcmp(had->header.id, has->header.id, XP_BOX_ID_LEN) != 0)
		return xp_fail(err, XP_E_REFUSED,
			       "%s: this is another stick; put the one back that was there",
			       pair->dir);
	if (has->header.generation > had->header.generation)
		return XP_OK; /* written anew from what was there, by another process */
	if (has->header.generation == had->header.generation)
		TRY(xp_box_hash_at(hash, &there, has, had->chain.entries, err));
	if (there && memcmp(hash, had->chain.hash, sizeof(hash)) == 0)
		return XP_OK;
	return xp_fail(
		err, XP_E_REFUSED,
		"%s: what was kept there is missing: this is a copy from before, or the stick "
		"is damaged",
		pair->dir);
}

/* The descriptor keeps its number: names that lead there stay. */
static void replace_fd(int *old, int *now)
{
	if (*old >= 0 && *now >= 0 && dup3(*now, *old, O_CLOEXEC) >= 0) {
		xp_close_fd(now);
		return;
	}
	xp_close_fd(old);
	*old = *now;
	*now = -1;
}

static void take(struct xp_box_pair *pair, struct xp_box_pair *found)
{
	for (unsigned i = 0; i < 2; i++) {
		int fd = pair->box[i].fd;

		replace_fd(&fd, &found->box[i].fd);
		pair->box[i] = found->box[i];
		pair->box[i].fd = fd;
		found->box[i].fd = -1;
	}
	replace_fd(&pair->dir_fd, &found->dir_fd);
	pair->best = found->best;
	xp_box_index_free(&pair->index);
	pair->index = found->index;
	found->index = (struct xp_box_index){0};
	pair->trouble[0] = 0;
	/* what was told meanwhile may be outdated */
	pair->again = true;
}

enum xp_rc xp_box_pair_reopen(struct xp_box_pair *pair, struct xp_err *err)
{
	AUTO(xp_box_pair_free) struct xp_box_pair *found = NULL;
	AUTO_FD int dir_fd = pair->source.open_dir(pair->source.ctx);
	struct xp_box_pair_request req = {.dir_fd = dir_fd,
					  .dir = pair->dir,
					  .writes = pair->writes,
					  .ops = pair->box[0].ops,
					  .source = pair->source};

	if (dir_fd < 0)
		return xp_fail_errno(err, XP_E_IO, "%s: the stick was pulled out", pair->dir);
	/* it may be the same folder after all, and a lock of ours would keep us out */
	xp_box_pair_unlock(pair);
	/* nothing is written before it is known whose they are */
	req.writes = false;
	TRY(xp_box_pair_open(&found, &req, err));
	TRY(demand_same(pair, found, err));
	xp_box_pair_free(&found);
	req.writes = pair->writes;
	TRY(xp_box_pair_open(&found, &req, err));
	TRY(demand_same(pair, found, err));
	take(pair, found);
	xp_log(XP_LOG_WARNING, "%s: the stick is back, and is gone on with", pair->dir);
	return XP_OK;
}
