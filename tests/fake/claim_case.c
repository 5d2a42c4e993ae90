#include "tests/fake/claim_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

bool claim_has_rule(const struct xp_claim *c, unsigned rule)
{
	for (unsigned i = 0; i < c->reasons_n; i++) {
		if (c->reasons[i].rule == rule)
			return true;
	}
	return false;
}

bool claim_leaves_out(const struct xp_claim *c, const char *words)
{
	for (unsigned i = 0; i < c->not_covered_n; i++) {
		if (strstr(c->not_covered[i], words))
			return true;
	}
	return false;
}

/* The policy under which a case is flawless. */
struct xp_policy *claim_policy_for(enum claim_case which)
{
	return claim_policy_load(
		which == CLAIM_SSD_PATTERN_R1 || which == CLAIM_STICK_TWO_PASSES ? "r1" : "r2",
		NULL);
}

void claim_judge(struct xp_claim *c, enum claim_case which, struct xp_evidence *ev)
{
	struct xp_policy *p = claim_policy_for(which);

	xp_claim_compute(c, ev, p);
	xp_policy_free(&p);
}

struct spoil claim_spoil_of(struct xp_evidence *ev)
{
	struct spoil s = {.ev = ev, .first = &ev->phases[0], .last = &ev->phases[ev->n - 1]};

	s.erase = claim_evidence_phase(ev, XP_PHASE_ERASE);
	s.readback = claim_evidence_phase(ev, XP_PHASE_READBACK);
	return s;
}
