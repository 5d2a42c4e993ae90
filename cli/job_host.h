/* job_host: what the record says of the host, its clock and this program. */
#pragma once
#include "cli/job.h"

/*
 * Fills record.host, .clock and .tool. Facts that cannot be read stay empty. STATE (may be NULL)
 * knows who set the clock.
 */
void xp_job_describe_host(struct xp_record *record, const struct xp_inventory *inventory,
			  const struct xp_state *state);

/*
 * The plausible-clock rule: not before the day of this version, the newest record in the state
 * folder or the certificate's notBefore, nor past its notAfter; nor before LAST_S, the last moment
 * that an earlier take of the job knew (0: none). Adds refusals (clock_implausible).
 */
MUST_USE enum xp_rc xp_job_check_clock(struct xp_refusals *refusals,
				       const struct xp_job_setup *setup, int64_t last_s,
				       struct xp_err *err);
