#include "device/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *xp_refusal_code_name(enum xp_refusal_code v)
{
	switch (v) {
	case XP_REFUSED_MOUNTED:
		return "mounted";
	case XP_REFUSED_SWAP:
		return "swap";
	case XP_REFUSED_HOLDER:
		return "holder";
	case XP_REFUSED_OPEN_ELSEWHERE:
		return "open_elsewhere";
	case XP_REFUSED_SYSTEM_DISK:
		return "system_disk";
	case XP_REFUSED_BOOT_MEDIUM:
		return "boot_medium";
	case XP_REFUSED_OUTPUT_ON_TARGET:
		return "output_on_target";
	case XP_REFUSED_REMOTE:
		return "remote";
	case XP_REFUSED_ZONED:
		return "zoned";
	case XP_REFUSED_RESERVED:
		return "reserved";
	case XP_REFUSED_SHARED_CONTROLLER:
		return "shared_controller";
	case XP_REFUSED_CONFIRM_MISMATCH:
		return "confirm_mismatch";
	case XP_REFUSED_CONFIRM_AMBIGUOUS:
		return "confirm_ambiguous";
	case XP_REFUSED_IDENTITY_CHANGED:
		return "identity_changed";
	case XP_REFUSED_FROZEN:
		return "frozen";
	case XP_REFUSED_LOCKED:
		return "locked";
	case XP_REFUSED_BRIDGE_UNSAFE:
		return "bridge_unsafe";
	case XP_REFUSED_CLOCK_IMPLAUSIBLE:
		return "clock_implausible";
	case XP_REFUSED_NO_DURABLE_OUTPUT:
		return "no_durable_output";
	case XP_REFUSED_INTERRUPTED_JOB:
		return "interrupted_job";
	case XP_REFUSED_LEVEL_UNREACHABLE:
		return "level_unreachable";
	case XP_REFUSED_UNKNOWN:
		return "unknown";
	}
	return "unknown";
}

enum xp_rc xp_refusals_add(struct xp_refusals *r, struct xp_err *err, enum xp_refusal_code code,
			   const char *remedy, const char *fmt, ...)
{
	struct xp_refusal *slot;
	va_list ap;

	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 8;
		struct xp_refusal *list = reallocarray(r->list, cap, sizeof(*list));

		if (!list)
			return xp_fail(err, XP_E_NOMEM, "a list of %zu refusals", cap);
		r->list = list;
		r->cap = cap;
	}
	slot = &r->list[r->n++];
	slot->code = code;
	snprintf(slot->remedy, sizeof(slot->remedy), "%s", remedy);
	va_start(ap, fmt);
	vsnprintf(slot->message, sizeof(slot->message), fmt, ap);
	va_end(ap);
	return XP_OK;
}

void xp_refusals_free(struct xp_refusals *r)
{
	free(r->list);
	*r = (struct xp_refusals){0};
}
