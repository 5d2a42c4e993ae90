#include "sanitize/unlock_ata.h"

#include "sanitize/ata_command.h"

#include <string.h>

const char *xp_unlock_end_text(enum xp_unlock_end end)
{
	switch (end) {
	case XP_UNLOCK_NOT_NEEDED:
		return "no password is set on the drive";
	case XP_UNLOCK_DONE:
		return "the password was taken away; the drive is open";
	case XP_UNLOCK_WRONG:
		return "a password is set on the drive that is not one of expunge's: only its "
		       "owner can take it away";
	case XP_UNLOCK_FROZEN:
		return "the drive's security is frozen: power the drive off and on again by "
		       "itself, suspend and resume the computer, or put the drive into another "
		       "one, then unlock again";
	case XP_UNLOCK_EXPIRED:
		return "too many wrong passwords were tried: power the drive off and on again, "
		       "then unlock again";
	case XP_UNLOCK_NO_FEATURE:
		return "the drive knows no passwords, or says contradictory things about them";
	}
	return "";
}

static enum xp_rc send(bool *good, const struct xp_ata_door *door, struct xp_ata_taskfile tf,
		       const struct xp_ata_password *p, struct xp_err *err)
{
	uint8_t data[XP_ATA_SECURITY_DATA_LEN];
	struct xp_ata_answer a;

	xp_ata_security_data(data, p->text, strlen(p->text), p->is_master, false);
	TRY(xp_ata_ask(&a, door, &tf, data, 0, err));
	*good = xp_sat_registers_are_good(&a.regs);
	return XP_OK;
}

/* Registers may be lost on the way: what IDENTIFY DEVICE shows afterwards decides. */
static enum xp_rc try_one(const struct xp_ata_door *door, const struct xp_ata_password *p,
			  struct xp_ata_identify *id, struct xp_err *err)
{
	uint8_t data[XP_ATA_IDENTIFY_LEN];
	bool good;

	if (id->security.locked) {
		TRY(send(&good, door, xp_ata_security_unlock(), p, err));
		TRY(xp_ata_ask_identify(id, data, door, err));
		if (id->security.locked)
			return XP_OK;
	}
	TRY(send(&good, door, xp_ata_security_disable_password(), p, err));
	return xp_ata_ask_identify(id, data, door, err);
}

enum xp_rc xp_ata_unlock(enum xp_unlock_end *end, const struct xp_unlock *how, struct xp_err *err)
{
	const struct xp_ata_door door = {how->transport, how->permit};
	uint8_t data[XP_ATA_IDENTIFY_LEN];
	struct xp_ata_identify id;

	TRY(xp_ata_ask_identify(&id, data, &door, err));
	*end = XP_UNLOCK_NO_FEATURE;
	if (id.security_is_contradictory || !id.security.supported)
		return XP_OK;
	*end = XP_UNLOCK_NOT_NEEDED;
	for (size_t i = 0; id.security.enabled && i < how->n && i < XP_UNLOCK_TRIES; i++) {
		if (id.security.frozen || id.security.count_expired)
			break;
		*end = XP_UNLOCK_DONE;
		TRY(try_one(&door, &how->passwords[i], &id, err));
	}
	if (!id.security.enabled)
		return XP_OK;
	*end = id.security.frozen	   ? XP_UNLOCK_FROZEN
	       : id.security.count_expired ? XP_UNLOCK_EXPIRED
					   : XP_UNLOCK_WRONG;
	return XP_OK;
}
