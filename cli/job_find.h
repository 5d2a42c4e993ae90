/*
 * job_find: where the drive of a job is now. The kernel numbers disks as they come, so a path of
 * the last boot may lead to another drive today; the drive is known by its serial number and WWN.
 */
#pragma once
#include "cli/job.h"

/*
 * The path of the only present drive that MEDIA (as a job's journal has it) can be: GIVEN, where
 * that leads to it, or where there is nothing to go by (images, partitions, what has no name). None
 * or several fit: GIVEN too, and *FITS says how many; what is there is then compared and refused.
 */
void xp_job_find(char *path, size_t size, unsigned *fits, const struct xp_identity *media,
		 const struct xp_inventory *inventory, const char *given);
