#include "sanitize/restore_ata.h"

#include "base/cleanup.h"
#include "device/probe_identity.h"
#include "sanitize/ata_command.h"

#include <stdio.h>

/* READ NATIVE MAX, SET MAX: whatever comes in between makes the second abort. */
#define PAIRS 3

enum said { SAID_GOOD, SAID_NO, SAID_ATTENTION };

/* One command without data, once: behind an attention another drive may stand there. */
static enum xp_rc ask(enum said *said, const struct xp_ata_door *door, struct xp_ata_taskfile tf,
		      struct xp_err *err)
{
	struct xp_ata_registers regs;
	struct xp_reply reply = {0};
	struct xp_cmd cmd;

	xp_ata_command(&cmd, &tf, NULL, 0);
	TRY(xp_transport_exec(door->transport, &cmd, door->permit, &reply, err));
	xp_sat_registers_parse(&regs, reply.sense, reply.sense_len);
	*said = xp_ata_reply_is_attention(&reply)  ? SAID_ATTENTION
		: xp_sat_registers_are_good(&regs) ? SAID_GOOD
						   : SAID_NO;
	return XP_OK;
}

/* READ NATIVE MAX directly before SET MAX: nothing may come in between. */
static enum xp_rc set_max(enum said *said, const struct xp_ata_door *door,
			  const struct xp_ata_facts *a, struct xp_err *err)
{
	const uint64_t last = a->native_sectors - 1;
	const bool is_ext = a->id.has_48bit;

	TRY(ask(said, door, is_ext ? xp_ata_read_native_max_ext() : xp_ata_read_native_max(), err));
	if (*said != SAID_GOOD)
		return XP_OK;
	return ask(said, door, is_ext ? xp_ata_set_max_ext(last) : xp_ata_set_max(last), err);
}

static enum xp_rc change_once(enum said *said, const struct xp_ata_door *door,
			      enum xp_hidden_area area, const struct xp_ata_facts *a,
			      struct xp_err *err)
{
	switch (area) {
	case XP_AREA_HPA:
		return set_max(said, door, a, err);
	case XP_AREA_AMAC:
		return ask(said, door, xp_ata_set_amac(a->native_sectors - 1), err);
	case XP_AREA_DCO:
	case XP_AREA_REDUCED: /* none of an ATA drive's */
		break;
	}
	return ask(said, door, xp_ata_dco_restore(), err);
}

/* Each time it is asked who is there, before anything is sent that lasts. */
static enum xp_rc change(bool *good, const struct xp_ata_door *door, enum xp_hidden_area area,
			 const struct xp_drive_facts *facts, struct xp_err *err)
{
	enum said said = SAID_ATTENTION;
	unsigned refusals = 0;

	for (unsigned i = 0; i < XP_ATA_ATTENTIONS + PAIRS && said != SAID_GOOD; i++) {
		TRY(xp_probe_demand_same(door->transport, facts, err));
		TRY(change_once(&said, door, area, &facts->ata, err));
		if (said == SAID_NO && (area != XP_AREA_HPA || ++refusals == PAIRS))
			break;
	}
	*good = said == SAID_GOOD;
	return XP_OK;
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
	TRY(change(&good, &door, out->area, facts, err));
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
