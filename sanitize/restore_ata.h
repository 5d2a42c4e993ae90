/*
 * restore_ata: gives back to the host what HPA, AMAC or DCO keep from it. A drive takes one lasting
 * change a power cycle, so each call makes one, checks it, and says whether another has to follow.
 */
#pragma once
#include "claim/evidence.h"
#include "device/drive_facts.h"
#include "device/interlock.h"

enum xp_restore_end {
	XP_RESTORE_NOT_NEEDED,	/* nothing is hidden */
	XP_RESTORE_POWER_CYCLE, /* a change was made: it counts when the drive was off and on again,
				   and the kernel has looked again */
	XP_RESTORE_IMPOSSIBLE,	/* see why */
};

struct xp_restore_result {
	enum xp_restore_end end;
	enum xp_hidden_area area; /* of the change that was made or could not be */
	uint64_t from_bytes, to_bytes;
	bool more; /* another change is to follow: a DCO behind an HPA */
	char why[192];
};

/*
 * The change that is to be made next, by FACTS: HPA or AMAC first, DCO once they are gone.
 * OUT->end is XP_RESTORE_POWER_CYCLE where there is one; nothing is asked of the drive.
 */
void xp_ata_restore_next(struct xp_restore_result *out, const struct xp_drive_facts *facts);

/*
 * Makes the next change: HPA or AMAC first, DCO once they are gone. FACTS are as probed under
 * PERMIT just now, and who they tell of must answer. XP_E_REFUSED: another drive does, and nothing
 * was sent to it. Errors: the drive does not answer (XP_E_IO, XP_E_TIMEOUT, XP_E_DEVICE,
 * XP_E_MALFORMED): whether something was changed is not known, and asking again tells.
 */
MUST_USE enum xp_rc xp_ata_restore_step(struct xp_restore_result *out, struct xp_transport *t,
					const struct xp_permit *permit,
					const struct xp_drive_facts *facts, struct xp_err *err);
