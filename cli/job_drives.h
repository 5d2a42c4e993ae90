/*
 * job_drives: which drives that are here now have a job that has not ended. The kernel numbers
 * disks anew at each boot: a drive is known by its names, and one that these cannot tell from the
 * job's counts as the job's.
 */
#pragma once
#include "cli/job_journal.h"

struct xp_job_drives {
	char (*paths)[80];  /* "/dev/sdb", the whole disk */
	const char **ids;   /* of a job that is on it, or may be; owned by the summaries */
	bool *are_nameless; /* nothing but their size tells them from the job's */
	size_t n;
};

/*
 * OPEN must outlive OUT. Of an image the loops are looked at that show it. XP_E_REFUSED: a job's
 * journal does not say which drive it is on; OUT has the others' drives all the same.
 */
MUST_USE enum xp_rc xp_job_drives_find(struct xp_job_drives *out,
				       const struct xp_job_summaries *open,
				       const struct xp_sysroot *root, struct xp_err *err);
void xp_job_drives_free(struct xp_job_drives *d);

/*
 * FOLDER (which need not be there yet) lies on none of the drives that one of the jobs is on, or
 * may be on. XP_E_REFUSED, with the code output_on_target in front, where it does. A job whose
 * journal does not say which drive it is on is logged as a warning.
 */
MUST_USE enum xp_rc xp_job_drives_demand_free(const char *folder,
					      const struct xp_job_summaries *open,
					      const struct xp_sysroot *root, struct xp_err *err);
