/* refusal: why the interlock says no. Codes are a contract (interface.md). */
#pragma once
#include "base/err.h"

enum xp_refusal_code {
	XP_REFUSED_MOUNTED,
	XP_REFUSED_SWAP,
	XP_REFUSED_HOLDER,
	XP_REFUSED_OPEN_ELSEWHERE,
	XP_REFUSED_SYSTEM_DISK,
	XP_REFUSED_BOOT_MEDIUM,
	XP_REFUSED_OUTPUT_ON_TARGET,
	XP_REFUSED_REMOTE,
	XP_REFUSED_ZONED,
	XP_REFUSED_RESERVED,
	XP_REFUSED_SHARED_CONTROLLER,
	XP_REFUSED_CONFIRM_MISMATCH,
	XP_REFUSED_CONFIRM_AMBIGUOUS,
	XP_REFUSED_IDENTITY_CHANGED,
	XP_REFUSED_FROZEN,
	XP_REFUSED_LOCKED,
	XP_REFUSED_BRIDGE_UNSAFE,
	XP_REFUSED_CLOCK_IMPLAUSIBLE,
	XP_REFUSED_NO_DURABLE_OUTPUT,
	XP_REFUSED_INTERRUPTED_JOB,
	XP_REFUSED_LEVEL_UNREACHABLE, /* nothing here reaches the level, and less is not allowed */
	XP_REFUSED_UNKNOWN,	      /* what cannot be known refuses */
};
const char *xp_refusal_code_name(enum xp_refusal_code v); /* "mounted", ... */

struct xp_refusal {
	enum xp_refusal_code code;
	char message[384]; /* what holds it, where, who */
	char remedy[384];  /* what would release it */
};

struct xp_refusals {
	struct xp_refusal *list;
	size_t n;
	size_t cap;
};

MUST_USE enum xp_rc xp_refusals_add(struct xp_refusals *r, struct xp_err *err,
				    enum xp_refusal_code code, const char *remedy, const char *fmt,
				    ...) __attribute__((format(printf, 5, 6)));
void xp_refusals_free(struct xp_refusals *r);
