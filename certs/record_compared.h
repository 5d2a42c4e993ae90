/*
 * record_compared: what stood there before a device's own erase, against what stands there now.
 * Inside certs/ only.
 */
#pragma once
#include "certs/record_check.h"

/* CLAIMS: a level rests on it. */
void xp_record_check_compared(const struct xp_record *r, bool claims, struct xp_findings *findings);
