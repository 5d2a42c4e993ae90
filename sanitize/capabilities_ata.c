#include "sanitize/capabilities.h"

/* A crypto scramble is over in moments [ACS-3]. */
#define CRYPTO_SECONDS 10
/* What a disk's own overwrite does in a second, for an estimate only. */
#define OVERWRITE_BYTES_PER_S 150000000ULL

static const char thaw[] =
	"power the drive off and on again by itself (hot-plug it behind a started system), suspend "
	"and resume the computer, or put the drive into another one: most firmware freezes drives "
	"at start-up";

/* Something that keeps all sanitize operations from being carried out. */
static bool obstruct_sanitize(struct xp_capabilities *out, enum xp_technique t,
			      const struct xp_drive_facts *facts)
{
	const struct xp_ata_facts *a = &facts->ata;
	bool overrides = a->security_page == XP_ASKED_GOOD && a->security_log.capabilities_known &&
			 a->security_log.restricted_sanitize_overrides;

	if (a->sanitize_status != XP_ASKED_GOOD)
		xp_capabilities_obstacle(
			out, t, XP_REFUSED_BRIDGE_UNSAFE,
			"connect the drive to a port whose adapter returns the drive's registers",
			"the drive has %s, but its status does not come back through %s (%s): "
			"nobody could see it end",
			xp_technique_name(t), facts->is_bridged ? "this USB bridge" : "this port",
			xp_asked_name(a->sanitize_status));
	else if (a->sanitize.frozen)
		xp_capabilities_obstacle(
			out, t, XP_REFUSED_FROZEN,
			"power the drive off and on again; where the firmware freezes it at every "
			"start, hot-plug it or use another computer",
			"the drive's sanitize feature is frozen until the next power cycle");
	else if (a->id.security.locked && !overrides)
		xp_capabilities_obstacle(out, t, XP_REFUSED_LOCKED,
					 "unlock the drive: expunge unlock where an interrupted "
					 "job locked it, else with its owner's password",
					 "the drive is locked with a password, and a locked drive "
					 "takes no %s",
					 xp_technique_name(t));
	else
		return false;
	return true;
}

static void add_sanitize(struct xp_capabilities *out, enum xp_technique t, uint64_t seconds,
			 const struct xp_drive_facts *facts)
{
	if (!obstruct_sanitize(out, t, facts))
		xp_capabilities_add(out, t, seconds);
}

static bool obstruct_erase(struct xp_capabilities *out, enum xp_technique t,
			   const struct xp_target *target, const struct xp_drive_facts *facts)
{
	const struct xp_ata_facts *a = &facts->ata;
	const struct xp_ata_security *s = &a->id.security;

	if (facts->is_bridged || target->identity.bus == XP_BUS_USB)
		xp_capabilities_obstacle(
			out, t, XP_REFUSED_BRIDGE_UNSAFE, "connect the drive to a SATA port",
			"behind a USB bridge: some bridges let a password be set and then refuse "
			"the erase, which would leave the drive locked");
	else if (a->registers != XP_ASKED_GOOD)
		xp_capabilities_obstacle(
			out, t, XP_REFUSED_BRIDGE_UNSAFE,
			"connect the drive to a port whose adapter returns the drive's registers",
			"the drive's registers do not come back through this port (%s): nobody "
			"could see whether the erase succeeded",
			xp_asked_name(a->registers));
	else if (s->frozen)
		xp_capabilities_obstacle(out, t, XP_REFUSED_FROZEN, thaw,
					 "the drive's security is frozen: it takes no password "
					 "and no security erase");
	else if (s->count_expired)
		xp_capabilities_obstacle(out, t, XP_REFUSED_LOCKED,
					 "power the drive off and on again",
					 "too many wrong passwords were tried: the drive takes "
					 "none until it is power cycled");
	else if (s->enabled || s->locked)
		xp_capabilities_obstacle(
			out, t, XP_REFUSED_LOCKED,
			"expunge unlock where an interrupted job set it; else its owner has to "
			"take the password away",
			"a password that is not of this job is set on the drive%s",
			s->locked ? ", and it is locked" : "");
	else
		return false;
	return true;
}

static void add_erase(struct xp_capabilities *out, enum xp_technique t, uint64_t minutes,
		      const struct xp_target *target, const struct xp_drive_facts *facts)
{
	if (!obstruct_erase(out, t, target, facts))
		xp_capabilities_add(out, t, minutes * 60);
}

void xp_capabilities_ata(struct xp_capabilities *out, const struct xp_target *target,
			 const struct xp_drive_facts *facts)
{
	const struct xp_ata_identify *id = &facts->ata.id;
	const struct xp_ata_security *s = &id->security;
	uint64_t overwrite_s = xp_ata_identify_bytes(id) / OVERWRITE_BYTES_PER_S + 1;

	if (facts->ata.identify != XP_ASKED_GOOD)
		return;
	if (id->sanitize.supported && id->sanitize.crypto)
		add_sanitize(out, XP_ATA_SANITIZE_CRYPTO, CRYPTO_SECONDS, facts);
	if (id->sanitize.supported && id->sanitize.block)
		add_sanitize(out, XP_ATA_SANITIZE_BLOCK, 0, facts);
	if (id->sanitize.supported && id->sanitize.overwrite)
		add_sanitize(out, XP_ATA_SANITIZE_OVERWRITE, overwrite_s, facts);
	if (id->security_is_contradictory || !s->supported)
		return;
	add_erase(out, XP_ATA_SECURE_ERASE, s->normal_minutes, target, facts);
	if (s->has_enhanced_erase)
		add_erase(out, XP_ATA_SECURE_ERASE_ENHANCED, s->enhanced_minutes, target, facts);
}
