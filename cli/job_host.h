/* job_host: what the record says of the host, its clock and this program. */
#pragma once
#include "cli/job.h"

/* What `make image` puts into the boot image: the sha256 of its bill of materials. */
#define XP_JOB_IMAGE_SHA256_FILE "/etc/expunge/image.sha256"

/* 64 lower-case hex digits and a newline from PATH; anything else, or no such file: empty. */
void xp_job_image_sha256(char out[65], const char *path);

/*
 * Fills record.host, .clock and .tool. Facts that cannot be read stay empty. STATE (may be NULL)
 * knows who set the clock.
 */
void xp_job_describe_host(struct xp_record *record, const struct xp_inventory *inventory,
			  const struct xp_state *state);

/*
 * When the job of that id began: ids are UUIDv7, whose first 48 bits are milliseconds. NAME may go
 * on behind the id; 0: it is none.
 */
int64_t xp_job_id_start_s(const char *name);
/*
 * The plausible-clock rule: not before the day of this version, the newest record in the state
 * folder or the certificate's notBefore, nor past its notAfter; nor before LAST_S, the last moment
 * that an earlier take of the job knew (0: none). Adds refusals (clock_implausible).
 */
MUST_USE enum xp_rc xp_job_check_clock(struct xp_refusals *refusals,
				       const struct xp_job_setup *setup, int64_t last_s,
				       struct xp_err *err);
