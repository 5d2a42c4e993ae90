/*
 * restore_scsi: gives back to the host the blocks of a SCSI or SAS drive that a MODE SELECT took
 * away: the block descriptor is set to as many as the drive has [SBC-4 6.5.2]. It counts at once
 * and is saved; how many there are is known only afterwards, and asking again does no harm.
 */
#pragma once
#include "device/drive_facts.h"
#include "device/interlock.h"

struct xp_scsi_restore_result {
	bool is_whole; /* the drive has set itself to all of its blocks, and shows so many: */
	uint64_t bytes;
	char why[192]; /* where it has not */
};

/* Can the drive be asked at all? One behind a translation or a bridge cannot. */
bool xp_scsi_restore_applies(const struct xp_drive_facts *facts);

/*
 * Sets and looks. FACTS are as probed under PERMIT just now, and who they tell of must answer:
 * XP_E_REFUSED where another drive does, to which nothing was sent. A drive that refuses is a
 * result.
 * Errors: it does not answer (XP_E_IO, XP_E_TIMEOUT, XP_E_MALFORMED): asking again tells.
 */
MUST_USE enum xp_rc xp_scsi_restore(struct xp_scsi_restore_result *out, struct xp_transport *t,
				    const struct xp_permit *permit,
				    const struct xp_drive_facts *facts, struct xp_err *err);
