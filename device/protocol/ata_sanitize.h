/* ata_sanitize: what the registers after SANITIZE STATUS EXT say. Pure. [ACS-3 SANITIZE DEVICE] */
#pragma once
#include "device/protocol/sat.h"

enum xp_ata_sanitize_state {
	XP_ATA_SANITIZE_UNKNOWN, /* registers lost, cut off, or contradictory: never a success */
	XP_ATA_SANITIZE_RUNNING,
	XP_ATA_SANITIZE_SUCCEEDED, /* the last one ended without error */
	XP_ATA_SANITIZE_NONE,	   /* none ran, or it was not seen through: no success */
	XP_ATA_SANITIZE_FAILED,	   /* the last one failed; sectors are left unsanitized */
	XP_ATA_SANITIZE_REFUSED,   /* the drive refused the command: see reason */
};

/* LBA 7:0 after ABRT. */
enum xp_ata_sanitize_reason {
	XP_ATA_SANITIZE_REASON_NONE = 0,
	XP_ATA_SANITIZE_REASON_FAILED = 1,
	XP_ATA_SANITIZE_REASON_UNSUPPORTED = 2,
	XP_ATA_SANITIZE_REASON_FROZEN = 3,
	XP_ATA_SANITIZE_REASON_ANTIFREEZE = 4,
	XP_ATA_SANITIZE_REASON_RESERVED = 5, /* any other value */
};

struct xp_ata_sanitize_status {
	enum xp_ata_sanitize_state state;
	enum xp_ata_sanitize_reason reason;
	bool frozen;
	bool antifreeze;
	uint16_t progress; /* of 65536, while running */
};

void xp_ata_sanitize_status_decide(struct xp_ata_sanitize_status *out,
				   const struct xp_ata_registers *r);
/* "running", ... */
const char *xp_ata_sanitize_state_name(enum xp_ata_sanitize_state state);
