/*
 * job_output: certificates that are written onto a drive whose job has not ended go with it when
 * the job goes on.
 */
#pragma once
#include "cli/job_journal.h"

/*
 * FOLDER (which need not be there yet) lies on no drive that a job of this state folder is on, or
 * may be on, which has not ended: see cli/job_drives.h.
 */
MUST_USE enum xp_rc xp_output_demand_free_of(const char *folder, const struct xp_state *state,
					     const struct xp_sysroot *root, struct xp_err *err);
/*
 * FOLDER does not lie on MEDIUM (a drive, a partition or an image), which is to be read past its
 * file system: what is written there could hit what is to be saved. XP_E_REFUSED, as above.
 */
MUST_USE enum xp_rc xp_output_demand_elsewhere(const char *folder, const char *medium,
					       struct xp_err *err);
