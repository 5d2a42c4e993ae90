/* job_unlock: takes the password off a drive that an interrupted security erase left on it. */
#pragma once
#include "cli/job.h"
#include "sanitize/unlock_ata.h"

struct xp_unlocked {
	enum xp_unlock_end end;
	char model[128], serial[256];
};

struct xp_unlock_request {
	const char *path;
	const char *journal; /* the drive must be the one that it names; NULL: whichever */
	bool allow_remote;
	const struct xp_job_door *door; /* the way to the drive; NULL: the real one */
};

/*
 * Tries our documented password once, under the interlock. XP_E_REFUSED: told by xp_say, nothing
 * was touched. XP_E_UNSUPPORTED: no ATA drive.
 */
MUST_USE enum xp_rc xp_unlock_drive(struct xp_unlocked *out, const struct xp_unlock_request *req,
				    struct xp_err *err);
