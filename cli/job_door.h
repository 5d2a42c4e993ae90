/* job_door: the way to the drive behind a target that has a node on this machine. */
#pragma once
#include "cli/job.h"

const struct xp_job_door *xp_job_door_real(void);
