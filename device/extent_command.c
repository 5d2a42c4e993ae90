#include "device/extent_command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device/probe_identity.h"

/* [SBC-4] */
#define SYNCHRONIZE_CACHE_16 0x91
#define CDB_16_LEN	     16
#define ASC_NO_MEDIUM	     0x3a
#define FLUSH_TIMEOUT_MS     300000
#define ATTENTION_TRIES	     4

enum xp_rc xp_extent_way_open(struct xp_extent_way *w, const struct xp_extent_config *cfg,
			      struct xp_transport *t, struct xp_err *err)
{
	*w = (struct xp_extent_way){.t = t, .permit = cfg->permit, .known = cfg->known};
	w->done = calloc(XP_EXTENT_DEPTH_MAX, sizeof(*w->done));
	return w->done ? XP_OK : xp_fail(err, XP_E_NOMEM, "transfers by commands");
}

void xp_extent_way_close(struct xp_extent_way *w)
{
	free(w->done);
	*w = (struct xp_extent_way){0};
}

static int errno_of(enum xp_rc rc)
{
	switch (rc) {
	case XP_E_TIMEOUT:
		return ETIMEDOUT;
	case XP_E_REFUSED:
	case XP_E_PERM:
		return EPERM;
	default:
		return EIO;
	}
}

static int errno_of_sense(const struct xp_sense *s)
{
	if (s->key == XP_SENSE_RECOVERED)
		return 0;
	if (s->key == XP_SENSE_DATA_PROTECT)
		return EROFS;
	if (s->key == XP_SENSE_NOT_READY && s->asc == ASC_NO_MEDIUM)
		return ENOMEDIUM;
	return EIO;
}

/* An attention is what a drive gives that was put into the place of another: 0, or an errno. */
static int ask_who_is_there(struct xp_extent_way *w)
{
	enum xp_rc rc = XP_OK;
	struct xp_err why;

	if (w->is_another)
		return ENODEV;
	if (!w->is_doubtful || !w->known)
		return 0;
	rc = xp_probe_demand_same(w->t, w->known, &why);
	w->is_doubtful = rc != XP_OK;
	w->is_another = rc == XP_E_REFUSED;
	return w->is_another ? ENODEV : rc == XP_OK ? 0 : errno_of(rc);
}

int xp_extent_way_send(struct xp_extent_way *w, const struct xp_cmd *cmd, struct xp_reply *reply,
		       struct xp_sense *sense)
{
	struct xp_err why;

	for (unsigned i = 0; i < ATTENTION_TRIES; i++) {
		int e = ask_who_is_there(w);
		enum xp_rc rc;

		*sense = (struct xp_sense){0};
		if (e)
			return e;
		rc = xp_transport_exec(w->t, cmd, w->permit, reply, &why);
		if (rc != XP_OK)
			return errno_of(rc);
		if (xp_reply_is_good(cmd, reply))
			return 0;
		if (!xp_sense_parse(sense, reply->sense, reply->sense_len)) {
			*sense = (struct xp_sense){0};
			return EIO;
		}
		if (sense->key != XP_SENSE_UNIT_ATTENTION || sense->is_deferred)
			return errno_of_sense(sense);
		w->is_doubtful = true;
	}
	return EIO;
}

int xp_extent_way_flush(struct xp_extent_way *w)
{
	const struct xp_cmd cmd = {
		.kind = XP_TRANSPORT_SCSI,
		.cdb = {SYNCHRONIZE_CACHE_16},
		.cdb_len = CDB_16_LEN,
		.timeout_ms = FLUSH_TIMEOUT_MS,
	};
	struct xp_reply reply = {0};
	struct xp_sense sense;

	return xp_extent_way_send(w, &cmd, &reply, &sense);
}

bool xp_extent_way_is_full(const struct xp_extent_way *w)
{
	return w->done_n == XP_EXTENT_DEPTH_MAX;
}

int xp_extent_way_put(struct xp_extent_way *w, unsigned slot, int64_t result)
{
	if (xp_extent_way_is_full(w))
		return -EAGAIN;
	w->done[w->done_n++] = (struct xp_extent_completion){.slot = slot, .result = result};
	return 0;
}

int xp_extent_way_take(struct xp_extent_way *w, struct xp_extent_completion *out, unsigned max)
{
	unsigned n = w->done_n < max ? w->done_n : max;

	memcpy(out, w->done, n * sizeof(*out));
	memmove(w->done, w->done + n, (w->done_n - n) * sizeof(*out));
	w->done_n -= n;
	return (int)n;
}
