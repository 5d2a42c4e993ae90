/*
 * discover: every drive of the host, block nodes grouped by drive (WWN, NGUID, EUI, serial),
 * devices without a block node too, and what the host hides. From sysfs only; opens no drive.
 */
#pragma once
#include "device/target.h"
#include "device/usage.h"

struct xp_drive {
	char path[64]; /* "/dev/sda"; empty: no block node */
	char slot[64];
	char confirm[XP_CONFIRM_LEN]; /* unique among the drives present */
	struct xp_identity identity;
	char nodes[16][64]; /* kernel names of all whole-disk nodes of this drive */
	unsigned nodes_n;
	bool remote; /* iSCSI, FC, NVMe-oF, NBD, RBD */
	bool zoned;  /* host-managed or host-aware zones, ZNS */
	struct xp_uses uses;
};

struct xp_hidden {
	char controller[128];
	char pci[32];
	char driver[32];
	char reason[256];
};

enum xp_complete { XP_COMPLETE_YES, XP_COMPLETE_NO, XP_COMPLETE_UNKNOWN };
/* "yes", "no", "unknown". */
const char *xp_complete_name(enum xp_complete c);

struct xp_inventory {
	char host_serial[128]; /* DMI product serial; empty: not readable */
	char host_model[128];
	enum xp_complete complete;
	struct xp_drive *drives;
	size_t drives_n;
	struct xp_hidden *hidden;
	size_t hidden_n;
};

MUST_USE enum xp_rc xp_inventory_scan(struct xp_inventory *out, const struct xp_sysroot *root,
				      struct xp_err *err);
void xp_inventory_free(struct xp_inventory *inv);
/* The drive that owns a block node ("sda", "sda1", "nvme0n1p2"); NULL: none. */
const struct xp_drive *xp_inventory_drive_of(const struct xp_inventory *inv,
					     const struct xp_sysroot *root, const char *node);
