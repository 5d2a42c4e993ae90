/* check_roles: who may act in which role: the certificate's policies and the verifier's roster. */
#pragma once
#include "certs/check.h"

struct xp_roster_entry {
	uint8_t cert_sha256[32];
	enum xp_role role;
	char person[64];
};

struct xp_roster {
	struct xp_roster_entry *list;
	size_t n;
};

MUST_USE enum xp_rc xp_roster_parse(struct xp_roster *out, const char *json, size_t len,
				    const char *name, struct xp_err *err);
void xp_roster_free(struct xp_roster *r);

/*
 * Judges the role that the record gives to a signer and finds the person behind it. COMMITMENT is
 * what the signature itself says.
 */
void xp_roles_judge(struct xp_check_signer *s, const X509 *cert, enum xp_commitment commitment,
		    const struct xp_roster *roster, struct xp_findings *findings);
/* One person, or one key, in two roles? */
void xp_roles_judge_separation(const struct xp_check_signer *s, unsigned n,
			       struct xp_findings *findings);
