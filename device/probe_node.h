/*
 * probe_node: from a target to a transport: which targets have a drive behind them that can be
 * asked, and how it is reached.
 */
#pragma once
#include "device/drive_facts.h"
#include "device/target.h"
#include "device/transport.h"

/* Is there a drive with commands of its own? Images, virtio, loop, dm and the like have none. */
bool xp_probe_can_ask(enum xp_bus bus, const char *disk);

/* By an open descriptor of the whole disk (dup'ed), as its bus wants it. */
MUST_USE enum xp_rc xp_probe_open_fd(struct xp_transport **out, enum xp_bus bus, int fd,
				     struct xp_err *err);
/* Opens /dev/DISK for asking only: O_RDONLY, nothing is locked. XP_E_PERM, XP_E_IO. */
MUST_USE enum xp_rc xp_probe_open_node(struct xp_transport **out, enum xp_bus bus, const char *disk,
				       struct xp_err *err);
/*
 * The same by the generic node of a SCSI disk (/dev/sgN), which opens also while the kernel waits
 * for the disk. XP_E_NOENT: there is none.
 */
MUST_USE enum xp_rc xp_probe_open_generic(struct xp_transport **out, const struct xp_sysroot *root,
					  const char *disk, struct xp_err *err);
/* The namespace that the disk is; 0: it is none, or it cannot be told. */
uint32_t xp_probe_nsid(const struct xp_sysroot *root, const char *disk);
/*
 * Takes this host's own controllers of the drive off the list of foreign ones: paths to the same
 * namespaces, which are held with them.
 */
void xp_probe_own_controllers(struct xp_drive_facts *facts, const struct xp_sysroot *root);
/*
 * Reservations of shared namespaces that DISK's own way could not ask for: an I/O command reaches
 * the namespace of its node only, so each is asked by a node of its own. What has none stays
 * unasked.
 */
void xp_probe_sibling_reservations(struct xp_drive_facts *facts, const struct xp_sysroot *root,
				   const char *disk);
