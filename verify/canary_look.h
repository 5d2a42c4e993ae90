/* canary_look: looks for markers that were written before an erase (claim/canary.h). */
#pragma once
#include "claim/canary.h"
#include "verify/verify.h"

struct xp_canaries_seen {
	uint64_t alive;	 /* how many stand where they were put; one that cannot be read does not */
	uint64_t unread; /* places that could not be read */
	uint8_t sha256[32]; /* of what stands in their places: xp_canaries_digest */
};

/* By the io of HOW. */
MUST_USE enum xp_rc xp_canaries_look(struct xp_canaries_seen *seen,
				     const struct xp_canaries *canaries,
				     const struct xp_verify_request *how, struct xp_err *err);
