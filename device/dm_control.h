/*
 * dm_control: two questions to the kernel's device-mapper, by its control node: who is this device,
 * and take it down. A device that is open is never taken down. [Linux, dm-ioctl.h 4.x]
 */
#pragma once
#include "base/err.h"

#include <sys/types.h>

struct xp_dm_status {
	char name[128];
	char uuid[129];
	uint32_t open_count;
	bool suspended;
};

/* XP_E_NOENT: the kernel has no such device. */
MUST_USE enum xp_rc xp_dm_status_read(struct xp_dm_status *out, dev_t dev, struct xp_err *err);

/*
 * Takes the table of DEV down, if it still has that NAME and nobody has it open; what lies below
 * keeps its bytes. XP_E_REFUSED: it is in use, or another device by now.
 */
MUST_USE enum xp_rc xp_dm_remove(dev_t dev, const char *name, struct xp_err *err);
