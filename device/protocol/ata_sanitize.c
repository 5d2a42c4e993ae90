#include "device/protocol/ata_sanitize.h"

#define COUNT_SUCCEEDED	  0x8000U
#define COUNT_IN_PROGRESS 0x4000U
#define COUNT_FROZEN	  0x2000U
#define COUNT_ANTIFREEZE  0x1000U
#define PROGRESS_MASK	  0xffffU

static void decide_refusal(struct xp_ata_sanitize_status *out, const struct xp_ata_registers *r)
{
	unsigned reason = r->lba & 0xff;

	if (!(r->error & XP_ATA_ERROR_ABRT))
		return;
	out->reason = reason < XP_ATA_SANITIZE_REASON_RESERVED ? (enum xp_ata_sanitize_reason)reason
							       : XP_ATA_SANITIZE_REASON_RESERVED;
	out->state = out->reason == XP_ATA_SANITIZE_REASON_FAILED ? XP_ATA_SANITIZE_FAILED
								  : XP_ATA_SANITIZE_REFUSED;
}

void xp_ata_sanitize_status_decide(struct xp_ata_sanitize_status *out,
				   const struct xp_ata_registers *r)
{
	*out = (struct xp_ata_sanitize_status){.state = XP_ATA_SANITIZE_UNKNOWN};
	if (xp_sat_registers_are_lost(r))
		return;
	if (r->status & XP_ATA_STATUS_ERR) {
		decide_refusal(out, r);
		return;
	}
	/* COUNT 15:8 holds the verdict: without it there is none */
	if (!xp_sat_registers_are_good(r) || r->form != XP_SAT_DESCRIPTOR || !r->count_is_whole)
		return;
	/* a drive that is not at it returns FFFFh in LBA: zeros are an adapter's */
	if (r->count == 0 && r->lba == 0)
		return;
	out->frozen = (r->count & COUNT_FROZEN) != 0;
	out->antifreeze = (r->count & COUNT_ANTIFREEZE) != 0;
	if (r->count & COUNT_IN_PROGRESS) {
		out->state = XP_ATA_SANITIZE_RUNNING;
		out->progress = (uint16_t)(r->lba & PROGRESS_MASK);
	} else if (r->count & COUNT_SUCCEEDED) {
		out->state = XP_ATA_SANITIZE_SUCCEEDED;
	} else {
		out->state = XP_ATA_SANITIZE_NONE;
	}
}

const char *xp_ata_sanitize_state_name(enum xp_ata_sanitize_state state)
{
	switch (state) {
	case XP_ATA_SANITIZE_UNKNOWN:
		return "unknown";
	case XP_ATA_SANITIZE_RUNNING:
		return "running";
	case XP_ATA_SANITIZE_SUCCEEDED:
		return "succeeded";
	case XP_ATA_SANITIZE_NONE:
		return "none";
	case XP_ATA_SANITIZE_FAILED:
		return "failed";
	case XP_ATA_SANITIZE_REFUSED:
		return "refused";
	}
	return "unknown";
}
