/*
 * check_dates: do the times that a record and its signatures hold fit one another? None of them is
 * impossible, so all is W_: what an auditor should ask about.
 *
 * A job is signed at its end by the clock that dated it. Whoever dates work back later has either a
 * signing time that is late, or evidence, an id or a certificate that tell of it. Who also sets the
 * clock back is found out by none of these: then only a timestamp tells, and it tells no more than
 * that the signature is older.
 *
 *   W_SIGNED_LATE     performer or host (of a validation: anyone) signed more than a day after
 *                     the record was issued
 *   W_DATES           evidence that ended more than a day before; an id that was drawn, or a
 *                     certificate that began, more than a day after what it dates
 *   W_TIMESTAMP_LATE  the proven time is more than 31 days younger than the signature
 */
#pragma once
#include "certs/check.h"

/* RESULT's signatures and record were judged; its record is not NULL. */
void xp_check_dates(struct xp_check_result *result);
