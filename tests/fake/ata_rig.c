#include "tests/fake/ata_rig.h"

#include <stdlib.h>
#include <string.h>

void ata_rig_stain(struct emu_ata *d)
{
	uint64_t sectors = emu_ata_config_of(d)->sectors;

	/* of a large drive the first sectors will do */
	emu_media_stain(emu_ata_media(d), 0, sectors < 4096 ? (uint32_t)sectors : 4096);
	emu_media_stain_spare(emu_ata_media(d));
}

void ata_rig_make(struct ata_rig *r, struct erase_lab *lab, const struct emu_ata_config *cfg)
{
	*r = (struct ata_rig){.time = {.epoch_s = 1800000000}, .lab = lab};
	r->d = emu_ata_new(cfg, &r->time);
	if (!r->d)
		abort();
	r->unit = (struct emu_satl){.drive = r->d};
	ata_rig_stain(r->d);
	ata_rig_again(r);
}

void ata_rig_again(struct ata_rig *r)
{
	erase_lab_begin(r->lab, emu_satl_unit(&r->unit), XP_BUS_ATA);
}

void ata_rig_free(struct ata_rig *r)
{
	emu_ata_free(&r->d);
}

struct emu_stains ata_rig_stains(const struct ata_rig *r)
{
	return emu_media_stains(emu_ata_media(r->d), 0, emu_ata_config_of(r->d)->sectors);
}

bool ata_rig_bears(const struct ata_rig *r, const struct xp_claim *c)
{
	struct emu_stains left = ata_rig_stains(r);

	return (c->level < XP_CLEAR || left.sectors == 0) &&
	       (c->level < XP_PURGE || left.spare == 0);
}
