#include "sanitize/capabilities.h"

/* A crypto scramble is over in moments [ACS-3]. */
#define CRYPTO_SECONDS 10

void xp_capabilities_ata(struct xp_capabilities *out, const struct xp_target *target,
			 const struct xp_drive_facts *facts)
{
	const struct xp_ata_identify *id = &facts->ata.id;

	(void)target;
	if (facts->ata.identify != XP_ASKED_GOOD || !id->sanitize.supported)
		return;
	if (id->sanitize.crypto)
		xp_capabilities_add(out, XP_ATA_SANITIZE_CRYPTO, CRYPTO_SECONDS);
	if (id->sanitize.block)
		xp_capabilities_add(out, XP_ATA_SANITIZE_BLOCK, 0);
	if (id->sanitize.overwrite)
		xp_capabilities_add(out, XP_ATA_SANITIZE_OVERWRITE, 0);
}
