#include "sanitize/capabilities.h"

#include "sanitize/method.h"

#include <stdarg.h>
#include <stdio.h>

void xp_capabilities_add(struct xp_capabilities *out, enum xp_technique t, uint64_t seconds)
{
	/* what this build cannot carry out is no capability of it */
	if (!xp_method_find(t))
		return;
	for (unsigned i = 0; i < out->n; i++)
		if (out->list[i].technique == t)
			return;
	/* there is room for each technique once */
	out->list[out->n++] = (struct xp_capability){t, seconds};
}

void xp_capabilities_obstacle(struct xp_capabilities *out, enum xp_technique t,
			      enum xp_refusal_code code, const char *remedy, const char *fmt, ...)
{
	struct xp_obstacle *o;
	va_list ap;

	for (unsigned i = 0; i < out->obstacles_n; i++)
		if (out->obstacles[i].technique == t)
			return;
	o = &out->obstacles[out->obstacles_n++];
	o->technique = t;
	o->code = code;
	snprintf(o->remedy, sizeof(o->remedy), "%s", remedy);
	va_start(ap, fmt);
	vsnprintf(o->why, sizeof(o->why), fmt, ap);
	va_end(ap);
}

void xp_capabilities_drive(struct xp_capabilities *out, const struct xp_target *target,
			   const struct xp_drive_facts *facts)
{
	out->capacity.current = facts->hidden.current_bytes;
	out->capacity.native = facts->hidden.native_bytes;
	out->capacity.factory = facts->hidden.factory_bytes;
	out->capacity.hidden_areas_apply = facts->hidden.apply;
	out->capacity.hidden_areas_known = facts->hidden.known;
	/* the drive's own commands reach the whole drive, never a part of it */
	if (target->kind != XP_TARGET_DISK)
		return;
	if (facts->transport == XP_TRANSPORT_NVME)
		xp_capabilities_nvme(out, target, facts);
	else if (facts->is_ata)
		xp_capabilities_ata(out, target, facts);
	else
		xp_capabilities_scsi(out, target, facts);
}
