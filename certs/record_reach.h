/*
 * record_reach: what a record says of how far the erase reached, against its own evidence. Inside
 * certs/ only.
 */
#pragma once
#include "certs/record_check.h"

/* CLAIMS: a level rests on it. */
void xp_record_check_reach(const struct xp_record *r, bool claims, struct xp_findings *findings);
