/* job_unlock: takes the password off a drive that an interrupted security erase left on it. */
#pragma once
#include "sanitize/unlock_ata.h"

struct xp_unlocked {
	enum xp_unlock_end end;
	char model[128], serial[256];
};

/*
 * Tries our documented password once, under the interlock. JOURNAL (may be NULL): the drive must be
 * the one that it names. XP_E_REFUSED: told by xp_say, nothing was touched. XP_E_UNSUPPORTED: no
 * ATA drive.
 */
MUST_USE enum xp_rc xp_unlock_drive(struct xp_unlocked *out, const char *path, const char *journal,
				    bool allow_remote, struct xp_err *err);
