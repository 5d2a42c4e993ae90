/* check_pair: the signatures of one record: each verified, bound to its certificate and to the
 * record. */
#pragma once
#include "certs/check_cache.h"
#include "certs/check_roles.h"
#include "certs/timestamp_check.h"

/* Clocks of honest people differ by no more than that. */
#define XP_CHECK_CLOCK_SLACK_S 300

struct xp_check_memo;

struct xp_check {
	const struct xp_clock *clock;
	struct xp_trust trust;
	struct xp_trust tsa; /* anchors only; revocation lists stand in TRUST */
	struct xp_roster roster;
	struct xp_requirements req;
	struct xp_check_cache *cache; /* one context, one thread */
	struct xp_check_memo *memo;   /* the same; NULL: every record goes the long way */
	bool is_shared;		      /* trust, tsa and roster are another's */
	const struct xp_check_peers *peers;
	struct xp_timestamp stamp; /* of the checkpoint that the next pair is proven in */
};

/* RESULT holds the record and the digest of its bytes already. */
MUST_USE enum xp_rc xp_check_signatures(struct xp_check_result *result, const struct xp_check *c,
					const void *p7s, size_t p7s_len, struct xp_err *err);

/* What proves the time of the signature SI of S, a timestamp of its own or that of a checkpoint. */
void xp_check_timestamp(struct xp_check_signer *s, const struct xp_check *c,
			const struct xp_cms_signer *si, struct xp_findings *findings);
/* W_TIMESTAMP_SAME_CA, where that is so. */
void xp_check_same_ca(const struct xp_check_signer *s, struct xp_findings *findings);
