/* job_export_old: what a file is that stands where one is to be exported to. Pure. */
#pragma once
#include "certs/log_leaf.h"

enum xp_export_old {
	XP_OLD_SAME,	 /* or it says the same: a signature with a time stamp added */
	XP_OLD_OUTGROWN, /* ours goes on where it ends */
	XP_OLD_TORN,	 /* not whole: a stick was pulled */
	XP_OLD_DIFFERS,	 /* whole, and something else */
};

/* PATH is that of the state folder. */
enum xp_export_old xp_export_judge_old(const char *path, const struct xp_log_bytes *old,
				       const struct xp_log_bytes *ours);
