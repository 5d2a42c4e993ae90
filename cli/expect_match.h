/*
 * expect_match: which line of an expect list speaks of which target. A line holds a drive's serial
 * number or its confirm string; of an NVMe drive with several namespaces SERIAL:ns=1,2 names the
 * namespaces that are meant.
 */
#pragma once
#include "cli/job_fields.h"
#include "device/discover.h"

/* The line that speaks of T, which is the namespace NSID (0: none); NULL: no line does. */
struct xp_expected *xp_expected_find(const struct xp_expect_list *list, const struct xp_target *t,
				     uint64_t nsid);

/* Does the line name several namespaces? */
bool xp_expected_is_set(const struct xp_expected *e);

/* Is every line's target present, on a host that hides no drives? An empty list expects nothing. */
bool xp_expect_is_met(const struct xp_expect_list *list, const struct xp_inventory *inv);

struct xp_expect_paths {
	char (*list)[80];
	size_t n;
};
/* The node of each present drive that a line speaks of, or of the first namespace that it names. */
MUST_USE enum xp_rc xp_expect_paths_find(struct xp_expect_paths *out,
					 const struct xp_expect_list *list,
					 const struct xp_inventory *inv,
					 const struct xp_sysroot *root, struct xp_err *err);
void xp_expect_paths_free(struct xp_expect_paths *p);
