/*
 * doors: the ways from a drive on the stage to a kernel in a virtual machine. Opening one writes
 * the words that QEMU needs, one a line, and what the guest must know: "drive NAME DOOR WHERE" and
 * "modules NAME..." a line. A new door is a function here, a row in rigd.c, a word in
 * tests/emu/rig.c and, where the guest finds the node in a way of its own,
 * tests/vm/guest/node-DOOR.
 */
#pragma once
#include <stdio.h>

#include "tests/vm/stage.h"

struct door_place {
	struct stage *stage;
	struct emu_rig_drive *drive;
	unsigned index;	    /* of the drive in the rig */
	const char *folder; /* for sockets: short, since their names are */
	FILE *qemu, *guest;
};

/* A SCSI host adapter of its own for the drive, by way of QEMU's vhost-user-scsi-pci. false: errno.
 */
bool door_vhost_open(const struct door_place *place);
/* An NVMe/TCP target of the drive's own, which the guest reaches through a user network. false:
 * errno.
 */
bool door_nvme_open(const struct door_place *place);
/* A SATA port behind the kernel's own libata, by way of the module of tests/vm/module.sh. */
bool door_libata_open(const struct door_place *place);
