/*
 * job_output: certificates that are written onto a drive whose job has not ended go with it when
 * the job goes on.
 */
#pragma once
#include "cli/job_journal.h"

/*
 * Does FOLDER (which need not be there yet) lie on the target of one of these jobs? XP_E_REFUSED,
 * with the code output_on_target in front. A target that is not here holds no folder.
 */
MUST_USE enum xp_rc xp_output_demand_free(const char *folder, const struct xp_job_summaries *open,
					  const struct xp_sysroot *root, struct xp_err *err);
/* The same for the jobs of a state folder that have not ended. */
MUST_USE enum xp_rc xp_output_demand_free_of(const char *folder, const struct xp_state *state,
					     const struct xp_sysroot *root, struct xp_err *err);
/*
 * FOLDER does not lie on MEDIUM (a drive, a partition or an image), which is to be read past its
 * file system: what is written there could hit what is to be saved. XP_E_REFUSED, as above.
 */
MUST_USE enum xp_rc xp_output_demand_elsewhere(const char *folder, const char *medium,
					       struct xp_err *err);
