/* job_confirm: what the operator confirmed: given by option, by list, or typed now. */
#pragma once
#include "cli/job_batch.h"

struct xp_confirms {
	char **list; /* NULL-terminated */
	size_t n;
};

MUST_USE enum xp_rc xp_confirms_add(struct xp_confirms *c, const char *text, struct xp_err *err);
/* NULL-terminated, never NULL; good until the next add. */
const char *const *xp_confirms_list(const struct xp_confirms *c);
/* Asks on the terminal for each planned target that is not confirmed yet. Without a terminal
 * nothing is asked, and the interlock refuses. */
MUST_USE enum xp_rc xp_confirms_ask(struct xp_confirms *c, const struct xp_batch *batch,
				    struct xp_err *err);
/* Was exactly TEXT given? */
bool xp_confirms_have(const struct xp_confirms *c, const char *text);
void xp_confirms_free(struct xp_confirms *c);
