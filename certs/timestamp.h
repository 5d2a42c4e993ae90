/*
 * timestamp: asks an authority for a token over a signature, reads its reply, and puts the token
 * into the signature file as its one unsigned attribute. [RFC 3161]
 */
#pragma once
#include "base/rng.h"
#include "certs/cms_der.h"
#include "certs/record.h"

#define XP_TIMESTAMP_FILE_MAX (256u << 10)

/*
 * A request for the first signature in the file P7S that carries no token: SHA-256 of its octets,
 * 16 random bytes as nonce, and the wish for the authority's certificate. XP_E_USAGE: each
 * signature carries one; XP_E_MALFORMED: no signature file.
 */
MUST_USE enum xp_rc xp_timestamp_request(struct xp_buf *out, struct xp_bytes p7s,
					 const struct xp_rng *rng, struct xp_err *err);
/* The same for any bytes: a checkpoint of the log. */
MUST_USE enum xp_rc xp_timestamp_request_for(struct xp_buf *out, struct xp_bytes what,
					     const struct xp_rng *rng, struct xp_err *err);
/*
 * Is TOKEN a timestamp of WHAT, as far as it shows by itself? REQUEST may be empty. XP_E_REFUSED,
 * and FINDINGS say why.
 */
MUST_USE enum xp_rc xp_timestamp_demand(struct xp_bytes token, struct xp_bytes what,
					struct xp_bytes request, int64_t now_s,
					struct xp_findings *findings, struct xp_err *err);
/*
 * The token in a reply; it points into REPLY. XP_E_UNSUPPORTED: the authority refused;
 * XP_E_MALFORMED: not a reply.
 */
MUST_USE enum xp_rc xp_timestamp_reply_token(struct xp_bytes *token, struct xp_bytes reply,
					     struct xp_err *err);
/*
 * P7S with TOKEN at the signature that it stamps. REQUEST may be empty; else the token must answer
 * it. A token that shows by itself that it is wrong is not taken: XP_E_REFUSED, and FINDINGS say
 * why. Whether the authority is to be believed is left to those who check.
 */
MUST_USE enum xp_rc xp_timestamp_embed(struct xp_buf *out, struct xp_bytes p7s,
				       struct xp_bytes token, struct xp_bytes request,
				       int64_t now_s, struct xp_findings *findings,
				       struct xp_err *err);
