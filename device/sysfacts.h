/* sysfacts: what sysfs says of a whole disk without asking the drive: identity, bus, media, slot.
 */
#pragma once
#include "device/blockmap.h"
#include "device/protocol/identity.h"

struct xp_sysfacts {
	struct xp_identity identity; /* no raw answers: nothing to free */
	char slot[64];
	char by_path[256];   /* udev's by-path name, or the place in the device tree */
	char hctl[32];	     /* SCSI host:channel:target:lun; empty: no SCSI */
	char subsystem[256]; /* NVMe: the subsystem's NQN, or its sysfs name; else empty */
	uint64_t nsid;	     /* NVMe namespace; else 0 */
	bool remote;
	bool zoned;
};

/* NODE is a whole disk. Facts that are not there stay empty. */
void xp_sysfacts_read(struct xp_sysfacts *out, const struct xp_sysroot *root,
		      const struct xp_block_node *node);

/*
 * Puts a string of a drive into an identity field: outer blanks off; printable ASCII as it is,
 * anything else as "hex:" and lower-case hex. What does not fit is cut (hex at a whole byte).
 */
void xp_identity_text(char *out, size_t size, const char *text, size_t len);

/* Do two disks belong to one drive (paths, namespaces, logical units)? Both are not virtual layers.
 */
bool xp_sysfacts_same_drive(const struct xp_sysfacts *a, const struct xp_sysfacts *b);

/* dm, md, bcache, loop, memory: a layer over something else, not a drive. */
bool xp_sysfacts_is_layer(const struct xp_sysfacts *f);
