/* record_phases: can the phases of a record be, each by itself and one after the other? */
#pragma once
#include "certs/record.h"

struct xp_sample_memo;

/* EVIDENCE_IDENTITY, _MEDIA, _TIME, _EXTENTS and VERIFICATION: E_ where CLAIMS, else W_. MEMO may
 * be NULL. */
void xp_record_check_phases(const struct xp_record *r, bool claims, struct xp_sample_memo *memo,
			    struct xp_findings *findings);
