/*
 * record_backing: a claim about a drive rests on the drive's own answers, and on those of each
 * phase. Inside certs/ only.
 */
#pragma once
#include "certs/record_check.h"

/* CLAIMS: a level rests on it. */
void xp_record_check_backing(const struct xp_record *r, bool claims, struct xp_findings *findings);
