/*
 * left_behind: what a device technique leaves to be read, worked out from the command as it went to
 * the drive and from the drive's raw answers, not from what somebody meant to do.
 */
#pragma once
#include "claim/evidence.h"

struct xp_left_behind {
	struct xp_content content;  /* XP_CONTENT_UNKNOWN: nothing can be expected */
	enum xp_answer deallocated; /* yes: the drive answers for blocks that it gave up */
	bool while_waiting; /* NVMe media verification: not given up until the drive is told, or off
			     */
};

/* ERASE is the erase phase of a device technique that has ended. */
void xp_left_behind(struct xp_left_behind *out, const struct xp_phase *erase);
