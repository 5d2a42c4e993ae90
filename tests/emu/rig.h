/*
 * rig: a set of emulated drives as a JSON file describes it, and all that can be done to them from
 * outside: power, plugging, faults, customer data to be found again. docs/testing.md has the keys.
 */
#pragma once
#include "tests/emu/drive_ata.h"
#include "tests/emu/drive_scsi.h"
#include "tests/emu/nvme_tcp_door.h"
#include "tests/emu/satl.h"

#define EMU_RIG_DRIVES_MAX 64
#define EMU_RIG_NAME_LEN   31

enum emu_rig_kind { EMU_ATA_HDD, EMU_ATA_SSD, EMU_SAS_HDD, EMU_SAS_SSD, EMU_NVME_SSD };
enum emu_rig_door { EMU_DOOR_PROCESS, EMU_DOOR_VHOST_USER, EMU_DOOR_LIBATA, EMU_DOOR_NVME_TCP };

struct emu_rig_drive {
	char name[EMU_RIG_NAME_LEN + 1]; /* letters, digits, _ */
	enum emu_rig_kind kind;
	enum emu_rig_door door;
	bool absent; /* in no slot when the rig begins */
	struct emu_time time;
	struct emu_ata *ata;   /* of the ATA kinds */
	struct emu_scsi *scsi; /* of the SAS kinds */
	struct emu_nvme *nvme; /* of the NVMe kind */
	/* The slot that bears the drive's name, and that a door opens to. What sits in it can
	 * change. */
	struct emu_satl satl;
	struct emu_scsi_bay bay;
	struct emu_nvme_port port;
	struct emu_unit unit;
};

struct emu_rig {
	double speed; /* simulated seconds in a real one; 0: the file does not say */
	struct emu_rig_drive *drives;
	size_t n;
};

/* What is wrong with a rig or a wish, and where. */
struct emu_why {
	char text[256];
};
bool emu_why(struct emu_why *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Makes the rig of LEN bytes of JSON. FOLDER: where the images lie that drives wear. NULL: WHY says
 * what is wrong; a key that nobody knows is wrong.
 */
struct emu_rig *emu_rig_new(const char *text, size_t len, const char *folder, struct emu_why *why);
struct emu_rig *emu_rig_read(const char *path, struct emu_why *why);
void emu_rig_free(struct emu_rig **rig);
struct emu_rig_drive *emu_rig_find(const struct emu_rig *rig, const char *name);
const char *emu_rig_door_name(enum emu_rig_door door);
/* The medium of the drive that was built under this name, wherever it is plugged in now. */
struct emu_media *emu_rig_media(const struct emu_rig_drive *d);

/* Plays a fault, or ends it: KEY as in the rig file. */
bool emu_rig_fault(struct emu_rig *rig, struct emu_rig_drive *d, const char *key, const char *value,
		   struct emu_why *why);

bool emu_rig_is_plugged(const struct emu_rig_drive *slot);
/* The slot's drive is pulled out, and has no power. */
void emu_rig_unplug(struct emu_rig_drive *slot);
/* FROM's drive is put into SLOT, which is emptied first. Both must be of ATA, of SAS, or of NVMe.
 */
bool emu_rig_plug(struct emu_rig_drive *slot, struct emu_rig_drive *from, struct emu_why *why);

/* Customer data wherever the drive can hold some: a very large one has it in places. */
void emu_rig_stain(struct emu_rig_drive *d);
struct emu_rig_stains {
	/* sectors of customer data; an NVMe drive hides what no controller sees, or nobody has
	 * allocated */
	uint64_t user, hidden, spare;
};
struct emu_rig_stains emu_rig_stains(const struct emu_rig_drive *d);
