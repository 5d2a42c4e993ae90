#include "sanitize/capabilities.h"

/* The drive's own estimate; 0 where it gives none. */
static uint64_t estimate(uint32_t seconds)
{
	return seconds == XP_NVME_NO_ESTIMATE ? 0 : seconds;
}

void xp_capabilities_nvme(struct xp_capabilities *out, const struct xp_target *target,
			  const struct xp_drive_facts *facts)
{
	const struct xp_nvme_ctrl *c = &facts->nvme.ctrl;
	const struct xp_nvme_sanitize_log *log = &facts->nvme.sanitize;
	bool has_log = facts->nvme.sanitize_log == XP_ASKED_GOOD;

	(void)target;
	/* without its log no sanitize can be seen through */
	if (facts->nvme.identify != XP_ASKED_GOOD || !has_log)
		return;
	if (c->sanitize_crypto)
		xp_capabilities_add(out, XP_NVME_SANITIZE_CRYPTO, estimate(log->crypto_s));
	if (c->sanitize_block)
		xp_capabilities_add(out, XP_NVME_SANITIZE_BLOCK, estimate(log->block_s));
	if (c->sanitize_overwrite)
		xp_capabilities_add(out, XP_NVME_SANITIZE_OVERWRITE, estimate(log->overwrite_s));
}
