/*
 * record_testimony: is the evidence of a record free of contradictions in itself? What the claim's
 * rules look at is theirs; this is about the rest of what a reader is shown.
 */
#pragma once
#include "certs/record.h"

/* Adds EVIDENCE_... and VERIFICATION with E_ where CLAIMS (a level is claimed), else with W_. */
void xp_record_check_testimony(const struct xp_record *r, bool claims,
			       struct xp_findings *findings);
