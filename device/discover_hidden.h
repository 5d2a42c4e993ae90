/* discover_hidden: what the host keeps from us: RAID controllers, controllers without a driver. */
#pragma once
#include "device/discover.h"
#include "device/usage_scan.h"

/* Adds an entry and makes the inventory incomplete. */
MUST_USE enum xp_rc xp_hidden_add(struct xp_inventory *inv, struct xp_err *err,
				  const char *controller, const char *pci, const char *driver,
				  const char *reason);
/* Looks at every storage controller; lowers inv->complete. */
MUST_USE enum xp_rc xp_hidden_find(struct xp_inventory *inv, const struct xp_scan *s,
				   struct xp_err *err);
