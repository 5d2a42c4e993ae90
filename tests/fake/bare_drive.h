/* bare_drive: an emulated drive and its clock, nothing in front of it: for tests of the drive. */
#pragma once
#include "tests/emu/drive_ata.h"
#include "tests/emu/drive_nvme.h"
#include "tests/emu/scsi_ask.h"

struct bare_ata {
	struct emu_time time;
	struct emu_ata *d;
	struct emu_media *media;
};
void bare_ata_make(struct bare_ata *w, const struct emu_ata_config *cfg);
/* Full of customer data, its spare area too. */
void bare_ata_make_stained(struct bare_ata *w, const struct emu_ata_config *cfg);
void bare_ata_cycle(struct bare_ata *w);

#define BARE_SCSI_SECTORS 4096

struct bare_scsi {
	struct emu_time time;
	struct emu_scsi *d;
	struct emu_host h;
	struct emu_media *m;
};
/* CFG NULL: an SSD of BARE_SCSI_SECTORS. */
void bare_scsi_make(struct bare_scsi *w, const struct emu_scsi_config *cfg);
/* With customer data at its beginning, at its end and in its spare area. */
void bare_scsi_make_stained(struct bare_scsi *w, const struct emu_scsi_config *cfg);
/* How many sectors of BARE_SCSI_SECTORS and of the spare area hold customer data. */
uint64_t bare_scsi_stains(struct bare_scsi *w);
/* Off for a while and on again, which the host hears of. */
void bare_scsi_power_cycle(struct bare_scsi *w);

struct bare_nvme {
	struct emu_time time;
	struct emu_nvme *d;
};
void bare_nvme_make(struct bare_nvme *w, const struct emu_nvme_config *cfg);
/* Full of customer data. */
void bare_nvme_make_stained(struct bare_nvme *w, const struct emu_nvme_config *cfg);

/* 0 to BELOW - 1, from a generator whose seed is not 0. */
uint32_t bare_draw(uint64_t *rng, uint32_t below);
