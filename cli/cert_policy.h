/*
 * cert_policy: by whose table a level may have been earned, for `expunge-cert verify`: the policies
 * of --policy, and, where a level is required, none that lets more pass than the one that comes
 * with the program, unless it is among them.
 */
#pragma once
#include "certs/check.h"

/* One --policy. */
struct xp_accepted_policy {
	char name[64]; /* one that comes with the program, in any form it ever had; else empty */
	char *json;    /* canonical; malloc'ed; NULL with a name */
	size_t len;
};

struct xp_accepted_policies {
	struct xp_accepted_policy *list; /* malloc'ed */
	size_t n;
};

/* WORDS ends with NULL; each is a name of ours, or a file. XP_E_USAGE: no policy. */
MUST_USE enum xp_rc xp_accepted_policies_read(struct xp_accepted_policies *out,
					      const char *const *words, struct xp_err *err);
void xp_accepted_policies_free(struct xp_accepted_policies *p);
/* Adds P_POLICY to the findings of a record that was checked. XP_E_NOMEM. */
MUST_USE enum xp_rc xp_accepted_policies_judge(struct xp_check_result *r,
					       const struct xp_accepted_policies *p,
					       const struct xp_requirements *req,
					       struct xp_err *err);
