/* policy: what an organization asks of a sanitization, as data. JSON in docs/policies/. */
#pragma once
#include "claim/evidence.h"
#include "claim/terms.h"

#define XP_POLICY_MAX_BYTES (1u << 20)

struct xp_policy;

/*
 * Parses a policy file. Unknown keys, levels, techniques: XP_E_MALFORMED with the place.
 * The policy keeps its own bytes (canonical form and sha256 go into the record).
 */
MUST_USE enum xp_rc xp_policy_parse(struct xp_policy **out, const char *json, size_t len,
				    struct xp_err *err);
void xp_policy_free(struct xp_policy **p);

const char *xp_policy_name(const struct xp_policy *p);	   /* "nist-800-88r2" */
const char *xp_policy_standard(const struct xp_policy *p); /* "NIST SP 800-88" */
const char *xp_policy_edition(const struct xp_policy *p);  /* "r2" */
enum xp_level xp_policy_level(const struct xp_policy *p);  /* asked where the user says nothing */
enum xp_readback_mode xp_policy_readback(const struct xp_policy *p);
enum xp_sample_scheme xp_policy_sample_scheme(const struct xp_policy *p);
/* The cap for a technique on a media class after PASSES host passes (ignored by device commands). */
enum xp_level xp_policy_cap(const struct xp_policy *p, enum xp_technique t, enum xp_media m,
			    unsigned passes);
/* Passes that an overwrite needs on this media to reach its cap (1; r1 USB flash: 2). */
unsigned xp_policy_overwrite_passes(const struct xp_policy *p, enum xp_media m);
/* The file's bytes as they were read. */
const char *xp_policy_json(const struct xp_policy *p, size_t *len);
