/*
 * disks: the whole disks of a blockmap with their facts, grouped by drive, and the string that
 * confirms each one among all that are present.
 */
#pragma once
#include "device/sysfacts.h"
#include "device/target.h"

struct xp_disk {
	const struct xp_block_node *node; /* of the blockmap */
	struct xp_sysfacts facts;
	size_t group;		      /* disks of one drive have one number */
	unsigned namespaces;	      /* NVMe: different namespaces of the drive; else 0 */
	char base[XP_CONFIRM_LEN];    /* what confirms it, were it alone */
	char confirm[XP_CONFIRM_LEN]; /* what confirms it among the disks present */
};

struct xp_disks {
	struct xp_disk *list;
	size_t n;
	size_t groups;
};

/* MAP stays the caller's and must outlive OUT. Loops without a file and empty memory disks are left
 * out. */
MUST_USE enum xp_rc xp_disks_read(struct xp_disks *out, const struct xp_sysroot *root,
				  const struct xp_blockmap *map, struct xp_err *err);
void xp_disks_free(struct xp_disks *disks);
/* By kernel name; NULL: none. */
const struct xp_disk *xp_disks_by_name(const struct xp_disks *disks, const char *name);
/* How many different targets this string would fit (partitions by their disk's string). */
size_t xp_disks_fitting(const struct xp_disks *disks, const char *base);
/* What confirms all namespaces of D's drive at once: "SERIAL:ns=1,2"; with one only: D's own
 * string. */
void xp_disks_drive_confirm(char out[XP_CONFIRM_LEN], const struct xp_disks *disks,
			    const struct xp_disk *d);
