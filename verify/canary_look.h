/* canary_look: looks for markers that were written before an erase (claim/canary.h). */
#pragma once
#include "claim/canary.h"
#include "verify/verify.h"

/* ALIVE: how many still stand where they were put. By the io of HOW; what cannot be read is not
 * alive. */
MUST_USE enum xp_rc xp_canaries_look(uint64_t *alive, const struct xp_canaries *canaries,
				     const struct xp_verify_request *how, struct xp_err *err);
