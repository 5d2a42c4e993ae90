#include "sanitize/restore_ata.h"

#include "base/cleanup.h"
#include "sanitize/ata_command.h"

#include <stdio.h>

/* READ NATIVE MAX, SET MAX: whatever comes in between makes the second abort. */
#define PAIRS 3

/* One command without data: did it end well? */
static enum xp_rc ask(bool *good, const struct xp_ata_door *door, struct xp_ata_taskfile tf,
		      struct xp_err *err)
{
	struct xp_ata_answer a;

	TRY(xp_ata_ask(&a, door, &tf, NULL, 0, err));
	*good = xp_sat_registers_are_good(&a.regs);
	return XP_OK;
}

static enum xp_rc set_max(bool *good, const struct xp_ata_door *door,
			  const struct xp_ata_identify *id, uint64_t last, struct xp_err *err)
{
	*good = false;
	for (unsigned i = 0; i < PAIRS && !*good; i++) {
		TRY(ask(good, door,
			id->has_48bit ? xp_ata_read_native_max_ext() : xp_ata_read_native_max(),
			err));
		if (*good)
			TRY(ask(good, door,
				id->has_48bit ? xp_ata_set_max_ext(last) : xp_ata_set_max(last),
				err));
	}
	return XP_OK;
}

static enum xp_rc change(bool *good, const struct xp_ata_door *door, enum xp_hidden_area area,
			 const struct xp_ata_facts *a, struct xp_err *err)
{
	switch (area) {
	case XP_AREA_HPA:
		return set_max(good, door, &a->id, a->native_sectors - 1, err);
	case XP_AREA_AMAC:
		return ask(good, door, xp_ata_set_amac(a->native_sectors - 1), err);
	case XP_AREA_DCO:
	case XP_AREA_REDUCED: /* none of an ATA drive's */
		break;
	}
	return ask(good, door, xp_ata_dco_restore(), err);
}

static void impossible(struct xp_restore_result *out, const char *why)
{
	out->end = XP_RESTORE_IMPOSSIBLE;
	snprintf(out->why, sizeof(out->why), "%s", why);
}

static const char *refusal(enum xp_hidden_area area)
{
	switch (area) {
	case XP_AREA_HPA:
		return "the drive refuses SET MAX ADDRESS: locked or frozen by a password of its "
		       "own, or changed once already since it was switched on; switch it off and "
		       "on again";
	case XP_AREA_AMAC:
		return "the drive refuses SET ACCESSIBLE MAX ADDRESS EXT: frozen, locked, or "
		       "changed once already since it was switched on; switch it off and on again";
	case XP_AREA_DCO:
	case XP_AREA_REDUCED: /* none of an ATA drive's */
		break;
	}
	return "the drive refuses DEVICE CONFIGURATION RESTORE: frozen until it is switched off "
	       "and "
	       "on again, or an HPA still stands";
}

void xp_ata_restore_next(struct xp_restore_result *out, const struct xp_drive_facts *facts)
{
	const struct xp_hidden_facts *h = &facts->hidden;

	*out = (struct xp_restore_result){.from_bytes = h->current_bytes,
					  .to_bytes = h->current_bytes};
	if (!facts->is_ata || !h->apply)
		return;
	if (!h->known) {
		impossible(out, h->why);
	} else if (h->native_bytes > h->current_bytes) {
		out->end = XP_RESTORE_POWER_CYCLE;
		out->area = facts->ata.id.has_amac ? XP_AREA_AMAC : XP_AREA_HPA;
		out->to_bytes = h->native_bytes;
		out->more = h->factory_bytes > h->native_bytes;
	} else if (h->factory_bytes > h->native_bytes) {
		out->end = XP_RESTORE_POWER_CYCLE;
		out->area = XP_AREA_DCO;
		out->to_bytes = h->factory_bytes;
	}
}

enum xp_rc xp_ata_restore_step(struct xp_restore_result *out, struct xp_transport *t,
			       const struct xp_permit *permit, const struct xp_drive_facts *facts,
			       struct xp_err *err)
{
	const struct xp_ata_door door = {.transport = t, .permit = permit};
	uint8_t data[XP_ATA_IDENTIFY_LEN];
	struct xp_ata_identify now;
	bool good;

	xp_ata_restore_next(out, facts);
	if (out->end != XP_RESTORE_POWER_CYCLE)
		return XP_OK;
	TRY(change(&good, &door, out->area, &facts->ata, err));
	if (!good) {
		impossible(out, refusal(out->area));
		return XP_OK;
	}
	TRY(xp_ata_ask_identify(&now, data, &door, err));
	/* a DCO that was lifted may count only behind the power cycle; the others at once */
	if (out->area != XP_AREA_DCO && xp_ata_identify_bytes(&now) != out->to_bytes)
		impossible(out, "the drive took the change and does not show it");
	return XP_OK;
}
