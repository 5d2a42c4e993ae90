/*
 * job_settle: what is decided about a batch between its plans and its first hold: no target twice,
 * names that fit several, what the expect list says, what is refused already.
 */
#pragma once
#include "cli/job_confirm.h"
#include "cli/job_fields.h"

/*
 * The list as CSV, read for the host HOST_SERIAL; PATH is what it is called. XP_E_REFUSED: it is
 * another host's.
 */
MUST_USE enum xp_rc xp_expect_list_for_host(struct xp_expect_list *out, const char *csv, size_t len,
					    const char *path, const char *host_serial,
					    struct xp_err *err);
/* XP_E_USAGE where job I is on the same target as one before it. */
MUST_USE enum xp_rc xp_batch_demand_once(const struct xp_batch *b, unsigned i, struct xp_err *err);
/*
 * The job's line of the list, which confirms it by the list's own word: a serial number that two
 * drives share confirms neither. A target that is not on the list is refused.
 */
MUST_USE enum xp_rc xp_batch_expect(struct xp_job *job, struct xp_expect_list *list,
				    struct xp_confirms *confirms, struct xp_err *err);
/*
 * Images of one name in different folders: the name fits them all and confirms none; each gets the
 * long string.
 */
MUST_USE enum xp_rc xp_batch_part_same_names(struct xp_batch *b, const struct xp_confirms *confirms,
					     struct xp_err *err);
/* What the plan refuses already: nothing is asked, nothing is held. */
void xp_batch_settle_refused(struct xp_batch *b);
