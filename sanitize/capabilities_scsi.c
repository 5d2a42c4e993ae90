#include "sanitize/capabilities.h"

#define CRYPTO_SECONDS 10

void xp_capabilities_scsi(struct xp_capabilities *out, const struct xp_target *target,
			  const struct xp_drive_facts *facts)
{
	const struct xp_scsi_facts *f = &facts->scsi;

	(void)target;
	if (f->sanitize_crypto == XP_YES)
		xp_capabilities_add(out, XP_SCSI_SANITIZE_CRYPTO, CRYPTO_SECONDS);
	if (f->sanitize_block == XP_YES)
		xp_capabilities_add(out, XP_SCSI_SANITIZE_BLOCK, 0);
	if (f->sanitize_overwrite == XP_YES)
		xp_capabilities_add(out, XP_SCSI_SANITIZE_OVERWRITE, 0);
}
