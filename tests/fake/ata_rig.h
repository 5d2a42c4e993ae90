/* ata_rig: an emulated ATA drive full of customer data behind a translation layer, in the lab. */
#pragma once
#include "tests/emu/emu_ask.h"
#include "tests/emu/satl.h"
#include "tests/fake/erase_lab.h"

struct ata_rig {
	struct emu_time time;
	struct emu_ata *d;
	struct emu_satl unit;
	struct erase_lab *lab;
};

/* A new job of LAB on a new drive. Aborts where memory runs out. */
void ata_rig_make(struct ata_rig *r, struct erase_lab *lab, const struct emu_ata_config *cfg);
void ata_rig_free(struct ata_rig *r);
/* Another job on the same drive. */
void ata_rig_again(struct ata_rig *r);
/* Every sector, user, hidden and spare, becomes customer data. */
void ata_rig_stain(struct emu_ata *d);
/* What a laboratory would find now. */
struct emu_stains ata_rig_stains(const struct ata_rig *r);
/* Does the medium hold what the claim says? */
bool ata_rig_bears(const struct ata_rig *r, const struct xp_claim *c);
