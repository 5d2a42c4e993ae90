/* job_look: are the targets there at all? Asked before anything of ours is made for them. */
#pragma once
#include "cli/job_batch.h"

/*
 * Looks at each of the N PATHS, as far as the first that is a target, or that nobody can look at
 * now. Where there is none, B gets a failed job for each of them, to be reported; else it stays
 * empty. Writes nothing.
 */
MUST_USE enum xp_rc xp_job_look(struct xp_batch *b, const char *const *paths, unsigned n,
				const struct xp_sysroot *root, struct xp_err *err);
