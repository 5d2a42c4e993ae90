/* tui_result: what a job says of its plan and of its end, as the rows and pages of the machine. */
#pragma once
#include "cli/job.h"
#include "cli/tui/tui.h"

/* The plan is made, or could not be. */
void xp_tui_result_plan(struct xp_tui_job *out, const struct xp_job *job);
/* The job has ended. */
void xp_tui_result_end(struct xp_tui_job *out, struct xp_job *job);
