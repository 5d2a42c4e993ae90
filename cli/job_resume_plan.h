/* job_resume_plan: what a job that is taken up will do, for who is asked to agree. */
#pragma once
#include "cli/job.h"

/*
 * Fills steps, blast radius and expected claim of the job's plan, which the journal does not have.
 * The first step, "resume", says where the job stands. Nothing that is carried out follows from
 * them. Where the claim cannot be foreseen (the name of a file is gone already), expected has no
 * reasons. XP_E_NOMEM.
 */
MUST_USE enum xp_rc xp_job_resume_plan(struct xp_job *job, struct xp_err *err);
