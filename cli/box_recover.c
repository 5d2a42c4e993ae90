#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/rng.h"
#include "cli/box_pair_inside.h"

#define COPY_BYTES   (256u << 10)
#define LOCK_STEP_MS 20u
#define LOCK_WAIT_MS 60000u

enum xp_rc xp_box_pair_lock(struct xp_box_pair *pair, struct xp_err *err)
{
	unsigned waited_ms = 0;

	while (flock(pair->dir_fd, LOCK_EX | LOCK_NB)) {
		struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};

		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return xp_fail_errno(err, XP_E_IO, "%s: lock", pair->dir);
		if (waited_ms >= LOCK_WAIT_MS)
			return xp_fail(err, XP_E_TIMEOUT,
				       "%s: another process has kept its boxes locked for %u s",
				       pair->dir, LOCK_WAIT_MS / 1000);
		nanosleep(&step, NULL);
		waited_ms += LOCK_STEP_MS;
	}
	return XP_OK;
}

void xp_box_pair_unlock(struct xp_box_pair *pair)
{
	(void)flock(pair->dir_fd, LOCK_UN);
}

static const char *state_text(const struct xp_box *box)
{
	switch (box->state) {
	case XP_BOX_GONE:
		return "is gone";
	case XP_BOX_BAD: /* "NAME: what is wrong" */
		return strlen(box->why.msg) > strlen(box->name) + 2
			       ? box->why.msg + strlen(box->name) + 2
			       : "cannot be used";
	case XP_BOX_BLANK:
		return "is blank";
	case XP_BOX_TORN:
		return "is damaged";
	case XP_BOX_GOOD:
		break;
	}
	return "can be read";
}

void xp_box_pair_note_trouble(struct xp_box_pair *pair)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct xp_box *box = &pair->box[i];

		if (box->state == XP_BOX_GOOD || *pair->trouble)
			continue;
		snprintf(pair->trouble, sizeof(pair->trouble),
			 "%s/%s: %s; the other box alone is used", pair->dir, box->name,
			 state_text(box));
		xp_log(XP_LOG_WARNING, "%s", pair->trouble);
	}
}

enum xp_rc xp_box_pair_mirror(struct xp_box_pair *pair, uint64_t from, struct xp_err *err)
{
	struct xp_box *good = xp_box_pair_best(pair);
	struct xp_box *other = xp_box_pair_other(pair);
	AUTO_MEM uint8_t *buf = malloc(COPY_BYTES);

	if (!buf)
		return xp_fail(err, XP_E_NOMEM, "%s", pair->dir);
	if (from == XP_BOX_DATA_OFFSET)
		TRY(xp_box_begin_anew(other, &good->header, err));
	for (uint64_t at = from; at < good->tail; at += COPY_BYTES) {
		size_t len = good->tail - at < COPY_BYTES ? (size_t)(good->tail - at) : COPY_BYTES;

		TRY(xp_box_read(good, buf, len, at, err));
		TRY(xp_box_write(other, buf, len, at, err));
	}
	/* an entry that was never acknowledged may lie behind it, and would follow again now */
	memset(buf, 0, XP_BOX_SECTOR);
	if (good->tail < other->bytes)
		TRY(xp_box_write(other, buf, XP_BOX_SECTOR, good->tail, err));
	TRY(xp_box_sync(other, err));
	/* the header last: until then none holds */
	TRY(xp_box_write_header(other, &good->header, err));
	other->chain = good->chain;
	other->tail = good->tail;
	other->state = XP_BOX_GOOD;
	return XP_OK;
}

/* A pair that was never used: a new id for both. */
static enum xp_rc begin_new(struct xp_box_pair *pair, struct xp_err *err)
{
	struct xp_box_header header = {.generation = 1, .bytes = pair->box[0].bytes};

	if (!pair->writes) {
		pair->box[0].state = XP_BOX_BLANK;
		return XP_OK;
	}
	TRY(xp_rng_bytes(xp_rng_system(), header.id, sizeof(header.id), err));
	for (unsigned i = 0; i < 2; i++) {
		TRY(xp_box_write_header(&pair->box[i], &header, err));
		TRY(xp_box_chain_begin(&pair->box[i].chain, &header, err));
		pair->box[i].tail = XP_BOX_DATA_OFFSET;
		pair->box[i].state = XP_BOX_GOOD;
	}
	return XP_OK;
}

/* Is the one the beginning of the other? Both good, of one generation. */
static enum xp_rc demand_one_history(struct xp_box_pair *pair, struct xp_err *err)
{
	const struct xp_box *good = xp_box_pair_best(pair);
	const struct xp_box *other = xp_box_pair_other(pair);
	uint8_t hash[XP_BOX_HASH_LEN];
	bool has;

	TRY(xp_box_hash_at(hash, &has, good, other->chain.entries, err));
	if (has && memcmp(hash, other->chain.hash, sizeof(hash)) == 0)
		return XP_OK;
	return xp_fail(err, XP_E_REFUSED,
		       "%s: its two boxes tell different histories, and which is right cannot be "
		       "told. Keep both; use another stick",
		       pair->dir);
}

static enum xp_rc refuse_different(const struct xp_box_pair *pair, struct xp_err *err)
{
	return xp_fail(err, XP_E_REFUSED,
		       "%s: its two boxes are of different sticks; put each back where it belongs",
		       pair->dir);
}

/* Who leads, of two good ones. */
static enum xp_rc choose_of_two(struct xp_box_pair *pair, struct xp_err *err)
{
	const struct xp_box *a = &pair->box[0];
	const struct xp_box *b = &pair->box[1];

	if (memcmp(a->header.id, b->header.id, XP_BOX_ID_LEN) != 0 ||
	    a->header.bytes != b->header.bytes)
		return refuse_different(pair, err);
	if (a->header.generation != b->header.generation) {
		pair->best = b->header.generation > a->header.generation;
		return XP_OK;
	}
	pair->best = b->chain.entries > a->chain.entries;
	return demand_one_history(pair, err);
}

static enum xp_rc choose(struct xp_box_pair *pair, struct xp_err *err)
{
	const struct xp_box *a = &pair->box[0];
	const struct xp_box *b = &pair->box[1];
	bool has_a = a->state == XP_BOX_GOOD;
	bool has_b = b->state == XP_BOX_GOOD;

	if (a->state == XP_BOX_GONE && b->state == XP_BOX_GONE)
		return xp_fail(
			err, XP_E_NOENT,
			"%s: no boxes there (%s, %s); make them with: expunge keep make %s; "
			"where there were some, and the file system is damaged, find them with: "
			"expunge keep rescue",
			pair->dir, a->name, b->name, pair->dir);
	if (has_a && has_b)
		return choose_of_two(pair, err);
	pair->best = has_b;
	if (has_a || has_b) {
		const struct xp_box *good = xp_box_pair_best(pair);
		const struct xp_box *other = xp_box_pair_other(pair);

		/* torn behind a header that holds: it says whose it is */
		if (other->state == XP_BOX_TORN && other->header.generation &&
		    memcmp(good->header.id, other->header.id, XP_BOX_ID_LEN) != 0)
			return refuse_different(pair, err);
		return XP_OK;
	}
	if (a->state == XP_BOX_BLANK && b->state == XP_BOX_BLANK)
		return a->bytes == b->bytes ? begin_new(pair, err) : refuse_different(pair, err);
	return xp_fail(
		err, XP_E_REFUSED,
		"%s: neither box can be used (%s: %s; %s: %s), and what they may hold is not "
		"written over. %s",
		pair->dir, a->name, state_text(a), b->name, state_text(b),
		a->state == XP_BOX_BAD || b->state == XP_BOX_BAD
			? "See to the medium, or use another stick"
			: "Keep them; use another stick");
}

enum xp_rc xp_box_pair_demand_both(struct xp_box_pair *pair, struct xp_err *err)
{
	const struct xp_box *other = xp_box_pair_other(pair);

	if (!pair->writes || other->state == XP_BOX_GOOD) {
		xp_box_pair_note_trouble(pair);
		return XP_OK;
	}
	return xp_fail(
		err, XP_E_REFUSED,
		"%s: %s: %s, and one box alone is not enough. If the stick is sound: expunge "
		"keep repair %s; else save what is there: expunge export FOLDER --keep %s",
		pair->dir, other->name, state_text(other), pair->dir, pair->dir);
}

static enum xp_rc mend(struct xp_box_pair *pair, struct xp_err *err)
{
	struct xp_box *good = xp_box_pair_best(pair);
	struct xp_box *other = xp_box_pair_other(pair);
	bool is_same =
		other->state == XP_BOX_GOOD && other->header.generation == good->header.generation;
	bool is_behind = other->state == XP_BOX_TORN || other->state == XP_BOX_BLANK ||
			 (other->state == XP_BOX_GOOD && !is_same) ||
			 (is_same && other->chain.entries < good->chain.entries);

	if (!pair->writes || !is_behind)
		return XP_OK;
	if (other->bytes != good->bytes)
		return refuse_different(pair, err);
	xp_log(XP_LOG_WARNING, "%s: %s is mended from %s", pair->dir, other->name, good->name);
	/* what cannot be written is bad from now on */
	if (xp_box_pair_mirror(pair, is_same ? other->tail : XP_BOX_DATA_OFFSET, err) != XP_OK &&
	    other->state != XP_BOX_BAD)
		return err ? err->rc : XP_E_IO;
	return XP_OK;
}

/*
 * What a process that died had written and not synced would be taken for kept, and what the medium
 * failed to take may still stand in memory.
 */
static enum xp_rc read_from_medium(const struct xp_box_pair *pair, struct xp_box *box,
				   struct xp_err *err)
{
	if (box->fd < 0)
		return XP_OK;
	if (pair->writes && xp_box_sync(box, NULL) != XP_OK)
		return XP_OK;
	xp_box_forget(box);
	return xp_box_scan(box, NULL, err);
}

enum xp_rc xp_box_pair_settle(struct xp_box_pair *pair, struct xp_err *err)
{
	bool lost = false;

	pair->best = 0;
	for (unsigned i = 0; i < 2; i++)
		if (pair->box[i].state != XP_BOX_BAD)
			TRY(read_from_medium(pair, &pair->box[i], err));
	TRY(choose(pair, err));
	xp_box_index_free(&pair->index);
	if (xp_box_pair_best(pair)->state != XP_BOX_GOOD)
		return XP_OK;
	TRY(xp_box_scan(xp_box_pair_best(pair), &pair->index, err));
	TRY(xp_box_lost_some(&lost, xp_box_pair_best(pair), err));
	if (lost)
		return xp_fail(err, XP_E_REFUSED,
			       "%s: both boxes are damaged at the same place, and what was kept "
			       "behind it is missing. Keep them; use another stick",
			       pair->dir);
	return mend(pair, err);
}

/* Has another process written the box anew? */
static bool is_other_generation(struct xp_box *box)
{
	uint8_t sector[XP_BOX_SECTOR];
	struct xp_box_header now;

	if (box->state != XP_BOX_GOOD || xp_box_read(box, sector, sizeof(sector), 0, NULL) != XP_OK)
		return false;
	return !xp_box_header_read(&now, sector) || now.generation != box->header.generation ||
	       now.entries != box->header.entries ||
	       memcmp(now.id, box->header.id, XP_BOX_ID_LEN) != 0;
}

/* Boxes that turned out not to be one history are written by this process no more. */
static enum xp_rc settle_again(struct xp_box_pair *pair, struct xp_err *err)
{
	struct xp_err why = {0};
	enum xp_rc rc = xp_box_pair_settle(pair, &why);

	if (rc == XP_OK)
		return XP_OK;
	for (unsigned i = 0; i < 2; i++) {
		pair->box[i].state = XP_BOX_BAD;
		pair->box[i].why = why;
	}
	if (err)
		*err = why;
	return rc;
}

/* Reads on. What another process had no time to sync is not relied on before it is. */
static enum xp_rc take_in(struct xp_box *box, struct xp_box_index *index, struct xp_err *err)
{
	uint64_t had = box->chain.entries;

	TRY(xp_box_scan_on(box, index, err));
	/* where that fails, its state says so */
	if (box->chain.entries != had && xp_box_sync(box, NULL) != XP_OK)
		xp_log(XP_LOG_WARNING, "%s", box->why.msg);
	return XP_OK;
}

/*
 * Has another process, for which this box is not bad, kept there what the good one does not have?
 * Two that each write one box alone would tell two histories.
 */
static bool went_on_without_us(const struct xp_box *bad, const struct xp_box *good)
{
	struct xp_box probe = *bad;
	uint8_t sector[XP_BOX_SECTOR];

	if (bad->state != XP_BOX_BAD || bad->fd < 0 || bad->header.generation == 0 ||
	    xp_box_read(&probe, sector, sizeof(sector), 0, NULL) != XP_OK ||
	    !xp_box_header_read(&probe.header, sector) ||
	    memcmp(probe.header.id, good->header.id, XP_BOX_ID_LEN) != 0)
		return false;
	if (probe.header.generation != good->header.generation)
		return probe.header.generation > good->header.generation;
	if (probe.header.generation != bad->header.generation) {
		probe.tail = XP_BOX_DATA_OFFSET;
		if (xp_box_chain_begin(&probe.chain, &probe.header, NULL) != XP_OK)
			return true;
	}
	return xp_box_scan_on(&probe, NULL, NULL) != XP_OK ||
	       probe.chain.entries > good->chain.entries;
}

/* The other one, once the good one has read on. */
static enum xp_rc bring_up_other(struct xp_box_pair *pair, struct xp_err *err)
{
	const struct xp_box *good = xp_box_pair_best(pair);
	struct xp_box *other = xp_box_pair_other(pair);

	TRY(take_in(other, NULL, err));
	if (other->state != XP_BOX_GOOD)
		return XP_OK;
	if (other->chain.entries > good->chain.entries) {
		pair->best = 1 - pair->best;
		return settle_again(pair, err);
	}
	if (other->chain.entries < good->chain.entries &&
	    xp_box_pair_mirror(pair, other->tail, err) != XP_OK && other->state != XP_BOX_BAD)
		return err ? err->rc : XP_E_IO;
	return XP_OK;
}

static bool are_both_bad(const struct xp_box_pair *pair)
{
	return pair->box[0].state == XP_BOX_BAD && pair->box[1].state == XP_BOX_BAD;
}

static enum xp_rc catch_up(struct xp_box_pair *pair, struct xp_err *err)
{
	const struct xp_box *other;
	struct xp_box *good;

	if (is_other_generation(&pair->box[0]) || is_other_generation(&pair->box[1])) {
		TRY(settle_again(pair, err));
		xp_box_pair_note_trouble(pair);
		return XP_OK;
	}
	if (xp_box_pair_best(pair)->state != XP_BOX_GOOD)
		pair->best = 1 - pair->best;
	good = xp_box_pair_best(pair);
	other = xp_box_pair_other(pair);
	if (good->state != XP_BOX_GOOD)
		return xp_fail(err, XP_E_IO, "neither box in %s can be used: %s", pair->dir,
			       good->why.msg);
	TRY(take_in(good, &pair->index, err));
	if (good->state != XP_BOX_GOOD)
		TRY(settle_again(pair, err));
	else if (other->state == XP_BOX_GOOD)
		TRY(bring_up_other(pair, err));
	else if (went_on_without_us(other, good))
		return xp_fail(err, XP_E_REFUSED,
			       "%s: another process has gone on with %s, which failed in this one; "
			       "start again to go on with both",
			       pair->dir, other->name);
	xp_box_pair_note_trouble(pair);
	return XP_OK;
}

enum xp_rc xp_box_pair_catch_up(struct xp_box_pair *pair, struct xp_err *err)
{
	enum xp_rc rc = are_both_bad(pair) ? XP_E_IO : catch_up(pair, err);

	if (rc == XP_OK || !are_both_bad(pair) || !pair->source.open_dir)
		return rc == XP_OK || !are_both_bad(pair) ? rc : catch_up(pair, err);
	return xp_box_pair_reopen(pair, err);
}
