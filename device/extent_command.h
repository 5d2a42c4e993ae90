/*
 * extent_command: what the backends that carry transfers by SCSI commands share: one command at a
 * time under the permit, by one worker, and what has ended until it is fetched. For
 * device/extent_*.c only.
 */
#pragma once
#include "device/extent_backend.h"
#include "device/protocol/scsi_sense.h"
#include "device/transport.h"

struct xp_extent_way {
	struct xp_transport *t;
	const struct xp_permit *permit;
	const struct xp_drive_facts *known; /* who is to answer; NULL: it is not asked */
	bool is_doubtful;		   /* behind an attention, until the drive said who it is */
	bool is_another;		   /* somebody else answered: nothing is sent any more */
	struct xp_extent_completion *done; /* room for XP_EXTENT_DEPTH_MAX */
	unsigned done_n;
};

MUST_USE enum xp_rc xp_extent_way_open(struct xp_extent_way *w, const struct xp_extent_config *cfg,
				       struct xp_transport *t, struct xp_err *err);
void xp_extent_way_close(struct xp_extent_way *w);

/*
 * Sends CMD; 0, or an errno. Behind a unit attention it is sent again, and anything else is
 * sent, once the drive has said that it is the one that is known; ENODEV: it is another. SENSE
 * (with key 0 where there is none) is the last that came, REPLY the last answer.
 */
int xp_extent_way_send(struct xp_extent_way *w, const struct xp_cmd *cmd, struct xp_reply *reply,
		       struct xp_sense *sense);
/* The drive's cache onto its medium. */
int xp_extent_way_flush(struct xp_extent_way *w);

/* A transfer of SLOT that has ended; -EAGAIN: there is no more room. */
int xp_extent_way_put(struct xp_extent_way *w, unsigned slot, int64_t result);
bool xp_extent_way_is_full(const struct xp_extent_way *w);
/* As wait of a backend: what was started has ended. */
int xp_extent_way_take(struct xp_extent_way *w, struct xp_extent_completion *out, unsigned max);
