/*
 * keys: after keys were destroyed: reads the areas where they stood, byte for byte and with a
 * digest each, and searches the rest of the target for headers that would bring them back.
 */
#pragma once
#include "verify/verify.h"

struct xp_verify_keys_request {
	struct xp_verify_request how; /* io, sizes, expected, hooks; mode and areas are set here */
	const struct xp_luks_volume *volumes;
	size_t volume_n;
	bool search_all; /* all of the target; else its beginning and its end */
};

/*
 * RESULT is a full readback of the areas; both are to be freed, also after an error. Errors as
 * xp_verify_run's; what cannot be read outside of the areas is not counted as searched.
 */
MUST_USE enum xp_rc xp_verify_keys(struct xp_readback_result *result, struct xp_key_search *search,
				   const struct xp_verify_keys_request *req, struct xp_err *err);

/*
 * The search alone, with nothing overwritten: how.io and how.capacity_bytes, search_all, and the
 * volumes, whose own areas are left out. SEARCH is to be freed, also after an error.
 */
MUST_USE enum xp_rc xp_verify_search_headers(struct xp_key_search *search,
					     const struct xp_verify_keys_request *req,
					     struct xp_err *err);

/* Where the search looks unless it is to look everywhere. */
#define XP_KEYS_SEARCH_HEAD (256ull << 20)
#define XP_KEYS_SEARCH_TAIL (64ull << 20)
