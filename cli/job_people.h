/* job_people: whom a record names, and that nobody else signs in their name. */
#pragma once
#include "certs/sign.h"

/*
 * Would a verifier refuse RECORD once KEY has signed it: it names another one in the signer's role,
 * or somebody as validator or site, who would have to sign themselves? XP_E_USAGE says whom; asked
 * before the first erase, since nothing mends a signed record.
 */
MUST_USE enum xp_rc xp_job_people_demand(const struct xp_record *record,
					 const struct xp_signing_key *key, struct xp_err *err);
/*
 * Names the signer and, unless the record does so already, the person behind the key. In a later
 * take, which may be another person's, who signs takes the place of those named in that role.
 */
void xp_job_people_describe(struct xp_record *record, const struct xp_signing_key *key);
