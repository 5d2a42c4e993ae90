#include "tests/fake/bare_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void bare_ata_make(struct bare_ata *w, const struct emu_ata_config *cfg)
{
	*w = (struct bare_ata){0};
	w->d = emu_ata_new(cfg, &w->time);
	assert_non_null(w->d);
	w->media = emu_ata_media(w->d);
}

void bare_ata_make_stained(struct bare_ata *w, const struct emu_ata_config *cfg)
{
	bare_ata_make(w, cfg);
	emu_media_stain(w->media, 0, (uint32_t)cfg->sectors);
	emu_media_stain_spare(w->media);
}

void bare_ata_cycle(struct bare_ata *w)
{
	emu_ata_power_off(w->d);
	emu_ata_power_on(w->d);
}

void bare_scsi_make(struct bare_scsi *w, const struct emu_scsi_config *cfg)
{
	const struct emu_scsi_config ssd = emu_scsi_ssd(BARE_SCSI_SECTORS);

	*w = (struct bare_scsi){0};
	w->d = emu_scsi_new(cfg ? cfg : &ssd, &w->time);
	assert_non_null(w->d);
	emu_host_plug(&w->h, w->d);
	w->m = emu_scsi_media(w->d, 0);
}

void bare_scsi_make_stained(struct bare_scsi *w, const struct emu_scsi_config *cfg)
{
	uint64_t sectors = cfg ? cfg->sectors : BARE_SCSI_SECTORS;

	bare_scsi_make(w, cfg);
	emu_media_stain(w->m, 0, 200);
	emu_media_stain(w->m, sectors - 10, 10);
	emu_media_stain_spare(w->m);
}

uint64_t bare_scsi_stains(struct bare_scsi *w)
{
	struct emu_stains s = emu_media_stains(w->m, 0, BARE_SCSI_SECTORS);

	return s.sectors + s.spare;
}

void bare_scsi_power_cycle(struct bare_scsi *w)
{
	emu_scsi_power_off(w->d);
	emu_time_pass(&w->time, 100 * EMU_S);
	emu_scsi_power_on(w->d);
	assert_int_equal(emu_host_in(&w->h, EMU_CDB(0x12, 0, 0, 0, 96, 0), 96), EMU_GOOD);
}

void bare_nvme_make(struct bare_nvme *w, const struct emu_nvme_config *cfg)
{
	*w = (struct bare_nvme){0};
	w->d = emu_nvme_new(cfg, &w->time);
	assert_non_null(w->d);
}

void bare_nvme_make_stained(struct bare_nvme *w, const struct emu_nvme_config *cfg)
{
	bare_nvme_make(w, cfg);
	emu_nvme_stain(w->d);
}

uint32_t bare_draw(uint64_t *rng, uint32_t below)
{
	*rng ^= *rng << 13;
	*rng ^= *rng >> 7;
	*rng ^= *rng << 17;
	return (uint32_t)(*rng >> 20) % below;
}
