/*
 * probe_identity: who the drive is, once more, by its own word and in as few commands as possible.
 * All of them are allowed while a sanitize runs, and none changes anything.
 */
#pragma once
#include "device/drive_facts.h"

/*
 * ID holds the kernel's view of the target now, without raw answers; it gets the drive's own words
 * and its raw answers. KNOWN is what xp_probe_drive found (family, pages, medium). NSID: the
 * namespace that the target is; 0: none.
 *
 * XP_E_IO, XP_E_TIMEOUT, XP_E_DEVICE: the drive does not say who it is; ID then is not to be used.
 */
MUST_USE enum xp_rc xp_probe_identity(struct xp_identity *id, struct xp_transport *t,
				      const struct xp_drive_facts *known, uint32_t nsid,
				      struct xp_err *err);

/*
 * Who answers now is who KNOWN tells of, by names alone: XP_E_REFUSED where it is another drive,
 * which a unit attention may mean as well as a reset. To be asked directly before what destroys or
 * changes something, and again before that is sent again. XP_E_IO, XP_E_TIMEOUT, XP_E_DEVICE: it
 * does not say.
 */
MUST_USE enum xp_rc xp_probe_demand_same(struct xp_transport *t, const struct xp_drive_facts *known,
					 struct xp_err *err);

/*
 * Does the kernel's name of a drive go with what the drive itself says? It may be padded, cut or
 * wrapped into other words on its way; a name that is missing on either side contradicts nothing.
 */
bool xp_serials_agree(const char *kernel, const char *drive);
