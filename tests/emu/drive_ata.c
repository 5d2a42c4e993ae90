#include "tests/emu/drive_ata_inside.h"

#include "base/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* what any command costs */
#define COMMAND_NS (50 * EMU_US)

/* In which states a command is carried out. */
#define WHEN_LOCKED	0x01
#define WHEN_SANITIZING 0x02 /* and after one that failed */
#define WAY_ANY		0x04 /* its handler checks how data moves */

struct row {
	uint8_t command;
	bool is_48bit;
	enum emu_ata_way way;
	unsigned when;
	emu_ata_handler *handler; /* NULL: nothing is to be done */
};

static void do_check_power(struct emu_ata *d, const struct emu_ata_cmd *cmd,
			   struct emu_ata_result *r)
{
	(void)d;
	(void)cmd;
	r->count = 0xff; /* active or idle */
}

static const struct row rows[] = {
	{0x06, true, EMU_DMA_OUT, 0, emu_ata_do_trim},
	{0x20, false, EMU_PIO_IN, 0, emu_ata_do_read},
	{0x24, true, EMU_PIO_IN, 0, emu_ata_do_read},
	{0x25, true, EMU_DMA_IN, 0, emu_ata_do_read},
	{0xc8, false, EMU_DMA_IN, 0, emu_ata_do_read},
	{0x40, false, EMU_NON_DATA, 0, emu_ata_do_verify},
	{0x42, true, EMU_NON_DATA, 0, emu_ata_do_verify},
	{0x30, false, EMU_PIO_OUT, 0, emu_ata_do_write},
	{0x34, true, EMU_PIO_OUT, 0, emu_ata_do_write},
	{0x35, true, EMU_DMA_OUT, 0, emu_ata_do_write},
	{0x3d, true, EMU_DMA_OUT, 0, emu_ata_do_write},
	{0xca, false, EMU_DMA_OUT, 0, emu_ata_do_write},
	{0xe7, false, EMU_NON_DATA, 0, NULL}, /* FLUSH CACHE */
	{0xea, true, EMU_NON_DATA, 0, NULL},
	{0x27, true, EMU_NON_DATA, WHEN_LOCKED, emu_ata_do_read_native_max},
	{0xf8, false, EMU_NON_DATA, WHEN_LOCKED, emu_ata_do_read_native_max},
	{0x37, true, EMU_NON_DATA, 0, emu_ata_do_set_max},
	{0xf9, false, EMU_NON_DATA, WAY_ANY, emu_ata_do_set_max},
	{0x78, true, EMU_NON_DATA, WHEN_LOCKED, emu_ata_do_amac},
	{0xb1, false, EMU_NON_DATA, WAY_ANY, emu_ata_do_dco},
	{0x2f, true, EMU_PIO_IN, WHEN_LOCKED | WHEN_SANITIZING, emu_ata_do_read_log},
	{0x47, true, EMU_DMA_IN, WHEN_LOCKED | WHEN_SANITIZING, emu_ata_do_read_log},
	{0xb0, false, EMU_NON_DATA, WHEN_LOCKED | WHEN_SANITIZING | WAY_ANY, emu_ata_do_smart},
	{0xb4, true, EMU_NON_DATA, WHEN_LOCKED | WHEN_SANITIZING, emu_ata_do_sanitize},
	{0x5c, false, EMU_PIO_IN, 0, emu_ata_do_trusted_receive},
	{0x5d, false, EMU_DMA_IN, 0, emu_ata_do_trusted_receive},
	{0xe5, false, EMU_NON_DATA, WHEN_LOCKED | WHEN_SANITIZING, do_check_power},
	{0xe0, false, EMU_NON_DATA, WHEN_LOCKED, NULL},			  /* STANDBY IMMEDIATE */
	{0xe1, false, EMU_NON_DATA, WHEN_LOCKED | WHEN_SANITIZING, NULL}, /* IDLE IMMEDIATE */
	{0xec, false, EMU_PIO_IN, WHEN_LOCKED | WHEN_SANITIZING, emu_ata_do_identify},
	{0xef, false, EMU_NON_DATA, WHEN_LOCKED, NULL}, /* SET FEATURES */
	{0xf1, false, EMU_PIO_OUT, WHEN_LOCKED, emu_ata_do_set_password},
	{0xf2, false, EMU_PIO_OUT, WHEN_LOCKED, emu_ata_do_unlock},
	{0xf3, false, EMU_NON_DATA, WHEN_LOCKED, emu_ata_do_erase_prepare},
	{0xf4, false, EMU_PIO_OUT, WHEN_LOCKED, emu_ata_do_erase_unit},
	{0xf5, false, EMU_NON_DATA, WHEN_LOCKED, emu_ata_do_freeze_lock},
	{0xf6, false, EMU_PIO_OUT, WHEN_LOCKED, emu_ata_do_disable_password},
};

static struct emu_ata_config plain(const char *model, const char *serial, uint64_t sectors)
{
	struct emu_ata_config c = {
		.sectors = sectors,
		.logical_bytes = 512,
		.physical_exponent = 3,
		.spare_sectors = 64,
		.has_security = true,
		.has_enhanced_erase = true,
		.has_sanitize = true,
		.sanitize_overwrite = true,
		.has_antifreeze = true,
		.has_smart = true,
		.has_hpa = true,
		.sanitize_seconds = 3600,
		.erase_seconds = 3600,
		.enhanced_seconds = 3600,
	};

	snprintf(c.model, sizeof(c.model), "%s", model);
	snprintf(c.serial, sizeof(c.serial), "%s", serial);
	snprintf(c.firmware, sizeof(c.firmware), "EM01");
	return c;
}

struct emu_ata_config emu_ata_hdd(uint64_t sectors)
{
	struct emu_ata_config c = plain("EMULATED HARD DISK", "EMUHDD0001", sectors);

	c.wwn = 0x5000c50000000001ULL;
	c.has_dco = true;
	return c;
}

struct emu_ata_config emu_ata_ssd(uint64_t sectors)
{
	struct emu_ata_config c = plain("EMULATED SOLID STATE", "EMUSSD0001", sectors);

	c.wwn = 0x5002538000000001ULL;
	c.is_ssd = true;
	c.encrypts = true;
	c.sanitize_crypto = true;
	c.sanitize_block = true;
	c.has_trim = true;
	c.trim_is_deterministic = true;
	c.has_trusted = true;
	c.erase_seconds = 120;
	c.enhanced_seconds = 10;
	c.sanitize_seconds = 60;
	return c;
}

struct emu_ata *emu_ata_new(const struct emu_ata_config *cfg, struct emu_time *time)
{
	struct emu_media_config mc = {
		.sectors = cfg->sectors,
		.sector_bytes = cfg->logical_bytes,
		.spare_sectors = cfg->spare_sectors,
		.is_flash = cfg->is_ssd,
		.encrypts = cfg->encrypts,
	};
	struct emu_ata *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->cfg = *cfg;
	d->time = time;
	d->media = emu_media_new(&mc);
	if (!d->media) {
		free(d);
		return NULL;
	}
	/* an image says of itself whether SMART is on, and who set the master password */
	d->smart_enabled = cfg->has_smart && (!cfg->wears || (cfg->image[2 * 85] & 1));
	d->sec.master_id = cfg->wears ? get_le16(cfg->image + 2 * 92) : 0xfffe;
	d->hid.native = d->hid.kept = cfg->sectors;
	emu_ata_power_on(d);
	return d;
}

void emu_ata_free(struct emu_ata **d)
{
	if (!*d)
		return;
	emu_media_free(&(*d)->media);
	free(*d);
	*d = NULL;
}

struct emu_ata_faults *emu_ata_faults(struct emu_ata *d)
{
	return &d->faults;
}

struct emu_media *emu_ata_media(struct emu_ata *d)
{
	return d->media;
}

const struct emu_ata_config *emu_ata_config_of(const struct emu_ata *d)
{
	return &d->cfg;
}

struct emu_time *emu_ata_time(struct emu_ata *d)
{
	return d->time;
}

uint64_t emu_ata_sectors(const struct emu_ata *d)
{
	return d->hid.now;
}

void emu_ata_power_off(struct emu_ata *d)
{
	if (!d->powered)
		return;
	emu_ata_sanitize_settle(d);
	d->powered_ns += d->time->now_ns - d->on_since_ns;
	d->powered = false;
}

void emu_ata_power_on(struct emu_ata *d)
{
	if (d->powered)
		return;
	d->powered = true;
	d->power_ons++;
	d->on_since_ns = d->time->now_ns;
	d->last_command = 0;
	emu_ata_security_power_on(d);
	emu_ata_sanitize_power_on(d);
	emu_ata_hidden_power_on(d);
}

bool emu_ata_is_powered(const struct emu_ata *d)
{
	return d->powered;
}

void emu_ata_reset(struct emu_ata *d)
{
	d->last_command = 0;
	d->sec.prepared = false;
}

void emu_ata_cut_power_at(struct emu_ata *d, uint64_t at_ns)
{
	d->cut_at_ns = at_ns;
}

enum emu_end emu_ata_busy(struct emu_ata *d, uint64_t ns, uint64_t *done_ns)
{
	uint64_t start = d->time->now_ns;
	uint64_t end = start + ns;
	enum emu_end how = EMU_END_DONE;

	if (d->give_up_at_ns && end > d->give_up_at_ns) {
		end = d->give_up_at_ns;
		how = EMU_END_RESET;
	}
	if (d->cut_at_ns && end >= d->cut_at_ns) {
		end = d->cut_at_ns > start ? d->cut_at_ns : start;
		how = EMU_END_POWER;
	}
	switch (emu_time_until(d->time, end)) {
	case EMU_WAKE_TIME:
		break;
	case EMU_WAKE_POWER:
		how = EMU_END_POWER;
		break;
	case EMU_WAKE_RESET:
		how = EMU_END_RESET;
		break;
	}
	*done_ns = d->time->now_ns - start;
	return how;
}

void emu_ata_cut_off(struct emu_ata *d, enum emu_end end, struct emu_ata_result *r)
{
	switch (end) {
	case EMU_END_DONE:
		return;
	case EMU_END_POWER:
		d->cut_at_ns = 0;
		emu_ata_power_off(d);
		emu_ata_power_on(d);
		break;
	case EMU_END_RESET:
		emu_ata_reset(d);
		break;
	}
	r->answered = false;
}

void emu_ata_abort(struct emu_ata_result *r)
{
	r->status = ST_READY | ST_ERR;
	r->error = ER_ABRT;
	r->in_len = 0;
}

bool emu_ata_answer(const struct emu_ata_cmd *cmd, struct emu_ata_result *r, const uint8_t *data,
		    size_t len)
{
	if (cmd->len != len) {
		emu_ata_abort(r);
		return false;
	}
	memcpy(cmd->in, data, len);
	r->in_len = len;
	return true;
}

static bool may_run(const struct emu_ata *d, const struct row *row, const struct emu_ata_cmd *cmd)
{
	if (row->is_48bit != cmd->is_48bit || (!(row->when & WAY_ANY) && row->way != cmd->way))
		return false;
	if (d->sec.locked && !(row->when & WHEN_LOCKED))
		return false;
	if ((d->san.state == EMU_SD2 || d->san.state == EMU_SD3) && !(row->when & WHEN_SANITIZING))
		return false;
	return true;
}

static void run(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].command != cmd->command)
			continue;
		if (!may_run(d, &rows[i], cmd))
			break;
		if (rows[i].handler)
			rows[i].handler(d, cmd, r);
		return;
	}
	emu_ata_abort(r);
}

void emu_ata_exec(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	uint64_t done;
	enum emu_end end;

	*r = (struct emu_ata_result){
		.answered = d->powered,
		.status = ST_READY,
		.device = cmd->device,
		.count = cmd->count,
		.lba = cmd->lba,
	};
	if (!d->powered)
		return;
	d->give_up_at_ns = cmd->give_up_ns ? d->time->now_ns + cmd->give_up_ns : 0;
	end = emu_ata_busy(d, COMMAND_NS, &done);
	if (end != EMU_END_DONE) {
		emu_ata_cut_off(d, end, r);
		return;
	}
	emu_ata_sanitize_settle(d);
	run(d, cmd, r);
	/* ERASE PREPARE holds for the very next command, READ NATIVE MAX likewise for SET MAX */
	if (cmd->command != 0xf3)
		d->sec.prepared = false;
	d->last_command = r->answered && !(r->status & ST_ERR) ? cmd->command : 0;
}
