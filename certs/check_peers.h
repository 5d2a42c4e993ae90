/*
 * check_peers: records that speak of other records. A batch is checked in three rounds: the
 * validations alone, to know who says what of which record; the records, each with what was said of
 * it; the validations again, each with the record that it is about. Between the rounds only what is
 * needed of each is kept.
 */
#pragma once
#include "certs/check.h"

MUST_USE enum xp_rc xp_check_peers_new(struct xp_check_peers **out, struct xp_err *err);
void xp_check_peers_free(struct xp_check_peers **p);

/* Round one: a validation, as it was found (of another kind: nothing is kept). XP_E_NOMEM. */
MUST_USE enum xp_rc xp_check_peers_add_voice(struct xp_check_peers *p,
					     const struct xp_check_result *r, struct xp_err *err);
/* After round one; and after round two, with SUBJECTS_ARE_KNOWN. Until then no finding says that a
 * subject is missing. */
void xp_check_peers_settle(struct xp_check_peers *p, bool subjects_are_known);
/* Round two: kept only where a validation speaks of it. XP_E_NOMEM. */
MUST_USE enum xp_rc xp_check_peers_add_subject(struct xp_check_peers *p,
					       const struct xp_check_result *r, struct xp_err *err);

/*
 * Adds to the findings of a record:
 *   P_REJECTED             somebody who may decide rejects it
 *   W_VALIDATION_IGNORED   a validation of it does not count; its own verdict says why
 *   W_HOST_ENDORSED        a site vouches for the host whose key signed it (in place of
 * I_UNTRUSTED) and fills result->voices; of a validation: I_SUBJECT_MISSING      the record that it
 * is about was not given E_SUBJECT_DIFFERS      that record has another id, kind, medium or other
 * signatures E_SUBJECT_TIME         it is older than that record E_SAME_PERSON, E_SAME_KEY   they
 * decide about their own work E_SEED                 its own places follow from the performer's
 * seed P_SUBJECT              it accepts a record that did not pass P may be NULL.
 */
void xp_check_peers_judge(struct xp_check_result *r, const struct xp_check_peers *p);
