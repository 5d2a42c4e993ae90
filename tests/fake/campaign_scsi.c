/* SAS drives for the campaign: hard disks and SSDs of every block length, every fault. */
#include "tests/fake/campaign.h"

#include "base/cleanup.h"
#include "base/wire.h"
#include "tests/emu/drive_scsi.h"

#include <stdlib.h>
#include <string.h>

#define READ_BLOCKS 64u

struct drive {
	struct emu_time time;
	struct emu_scsi *d;
	struct emu_scsi *other; /* that it is swapped for */
	struct emu_scsi_bay bay;
	unsigned swaps_after; /* waits */
	uint64_t blocks;      /* that a host can reach */
	uint32_t block_bytes;
};

static struct emu_scsi_config random_config(struct dice *dice)
{
	static const uint32_t lengths[] = {512, 512, 512, 520, 528, 4096};
	uint64_t sectors = 4096 + 8 * dice_roll(dice, 1024);
	struct emu_scsi_config c =
		dice_chance(dice, 50) ? emu_scsi_hdd(sectors) : emu_scsi_ssd(sectors);

	c.logical_bytes = lengths[dice_roll(dice, XP_ARRAY_LEN(lengths))];
	if (c.logical_bytes == 4096)
		c.sectors = sectors / 8;
	if (c.logical_bytes != 520 && c.logical_bytes != 528 && dice_chance(dice, 15))
		c.pi_type = (unsigned)dice_roll(dice, 4);
	c.encrypts = dice_chance(dice, c.is_ssd ? 80 : 20);
	c.sanitize_crypto = c.encrypts && dice_chance(dice, 80);
	c.sanitize_block = c.is_ssd && dice_chance(dice, 80);
	c.sanitize_overwrite = dice_chance(dice, 85);
	c.wabereq = (unsigned)dice_roll(dice, 4);
	c.wacereq = (unsigned)dice_roll(dice, 4);
	c.luns = dice_chance(dice, 10) ? 2 : 1;
	c.sanitize_spans_luns = dice_chance(dice, 50);
	c.has_opcodes = dice_chance(dice, 90);
	c.sanitize_seconds = (uint32_t)dice_roll(dice, 200);
	c.format_seconds = (uint32_t)dice_roll(dice, 200);
	return c;
}

static void stain(struct emu_scsi *d)
{
	const struct emu_scsi_config *c = emu_scsi_config_of(d);

	for (unsigned lun = 0; lun < c->luns; lun++) {
		emu_media_stain(emu_scsi_media(d, lun), 0, (uint32_t)c->sectors);
		emu_media_stain_spare(emu_scsi_media(d, lun));
	}
}

static void random_faults(struct drive *d, struct campaign_rig *rig, struct dice *dice)
{
	struct emu_scsi_faults *f = emu_scsi_faults(d->d);
	struct emu_scsi_config c = *emu_scsi_config_of(d->d);

	f->sanitize_ignored = dice_chance(dice, 4);
	f->format_ignored = dice_chance(dice, 8);
	f->sanitize_stalls_at = dice_chance(dice, 3) ? 1 + (uint32_t)dice_roll(dice, 65535) : 0;
	f->sanitize_fails_at = dice_chance(dice, 4) ? 1 + (uint32_t)dice_roll(dice, 65535) : 0;
	f->format_stalls_at = dice_chance(dice, 3) ? 1 + (uint32_t)dice_roll(dice, 65535) : 0;
	f->format_fails_at = dice_chance(dice, 4) ? 1 + (uint32_t)dice_roll(dice, 65535) : 0;
	f->sanitize_forgotten = dice_chance(dice, 15);
	f->progress_unsaid = dice_chance(dice, 10);
	f->keeps_key = dice_chance(dice, 6);
	f->vendor_pattern = dice_chance(dice, 10);
	f->pattern = 0x33cc55aa;
	f->format_block_bytes = dice_chance(dice, 2) ? 4096 : 0;
	f->format_drops_pi = dice_chance(dice, 5);
	f->fixed_sense = dice_chance(dice, 20);
	f->sense_lost = dice_chance(dice, 3);
	f->reserved_elsewhere = dice_chance(dice, 3);
	if (dice_chance(dice, 25))
		f->leave = campaign_leave(dice, c.sectors);
	if (dice_chance(dice, 3))
		f->vanishes_after = emu_scsi_commands(d->d) + 1 + dice_roll(dice, 200);
	if (dice_chance(dice, 3)) {
		c.serial[0] = 'X';
		c.wwn += 0x1000;
		d->other = emu_scsi_new(&c, &d->time);
		if (!d->other)
			abort();
		d->swaps_after = 1 + (unsigned)dice_roll(dice, 20);
	}
	/* Good, and nothing done: SAS drives keep no flag that would tell */
	rig->lies = f->sanitize_ignored || f->format_ignored || f->keeps_key ||
		    f->leave.kind != EMU_LEAVE_NOTHING;
}

/* One command by another path. */
static bool ask(const struct drive *d, struct emu_scsi_cmd *cmd)
{
	struct emu_scsi_bay bay = {.drive = d->d, .port = 1, .host = 1};

	/* attentions come first */
	for (unsigned i = 0; i < 6; i++) {
		cmd->answered = false;
		emu_scsi_exec(&bay, cmd);
		if (cmd->answered && cmd->status == 0)
			return true;
	}
	return false;
}

/* Some of it is kept from the host: MODE SELECT (10) with fewer blocks. */
static void hide(struct drive *d, struct dice *dice)
{
	uint8_t cdb[10] = {0x55, 0x10};
	uint8_t list[24] = {0};
	uint64_t blocks = d->blocks - 8 * (1 + dice_roll(dice, 32));
	struct emu_scsi_cmd cmd = {
		.cdb = cdb, .cdb_len = sizeof(cdb), .out = list, .out_len = sizeof(list)};

	cdb[8] = sizeof(list);
	list[4] = 1; /* LONGLBA */
	list[7] = 16;
	put_be64(list + 8, blocks);
	put_be32(list + 20, d->block_bytes);
	if (ask(d, &cmd))
		d->blocks = blocks;
}

/* What others did to it before. */
static void random_past(struct drive *d, struct dice *dice)
{
	uint8_t cdb[10] = {0x48, 0x82};
	uint8_t list[8] = {1, 0, 0, 4, 0xde, 0xad, 0xbe, 0xef};
	struct emu_scsi_cmd cmd = {.cdb = cdb, .cdb_len = sizeof(cdb)};

	if (dice_chance(dice, 15))
		hide(d, dice);
	if (dice_chance(dice, 15)) {
		if (!emu_scsi_config_of(d->d)->is_ssd) {
			cdb[1] = 0x81;
			cdb[8] = sizeof(list);
			cmd.out = list;
			cmd.out_len = sizeof(list);
		}
		ask(d, &cmd);
		/* it has ended and customer data came behind it, or it still runs */
		if (dice_chance(dice, 60)) {
			emu_time_pass(&d->time, 7200 * EMU_S);
			emu_scsi_state(d->d, 0);
			stain(d->d);
		}
	}
	if (dice_chance(dice, 10)) {
		emu_scsi_power_off(d->d);
		emu_scsi_power_on(d->d);
	}
}

/* Another drive is in its place, in the middle of the job. */
static void on_wait(void *ctx)
{
	struct drive *d = ctx;

	if (d->other && d->swaps_after && --d->swaps_after == 0)
		d->bay.drive = d->other;
}

static void begin(struct drive *d, struct erase_lab *lab)
{
	erase_lab_begin(lab, emu_scsi_unit(&d->bay), XP_BUS_SAS);
	lab->kernel_bytes = d->blocks * d->block_bytes;
	lab->kernel_block_bytes = d->block_bytes;
	lab->kernel_physical_bytes = d->block_bytes << emu_scsi_config_of(d->d)->physical_exponent;
}

static void random_cuts(struct drive *d, struct erase_lab *lab, struct dice *dice)
{
	if (dice_chance(dice, 40)) {
		lab->cut_at = 1 + dice_roll(dice, 40);
		lab->cut = (enum lab_cut)dice_roll(dice, 3);
	}
	if (dice_chance(dice, 15))
		emu_scsi_cut_power_at(d->d, d->time.now_ns + dice_roll(dice, 300) * EMU_S + 1);
}

static void make(struct campaign_rig *rig, struct erase_lab *lab, struct dice *dice)
{
	static const enum xp_technique techniques[] = {XP_SCSI_SANITIZE_CRYPTO,
						       XP_SCSI_SANITIZE_BLOCK,
						       XP_SCSI_SANITIZE_OVERWRITE, XP_SCSI_FORMAT};
	struct emu_scsi_config cfg = random_config(dice);
	struct drive *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	d->time.epoch_s = 1800000000;
	d->d = emu_scsi_new(&cfg, &d->time);
	if (!d->d)
		abort();
	d->bay.drive = d->d;
	d->blocks = cfg.sectors;
	d->block_bytes = cfg.logical_bytes;
	stain(d->d);
	*rig = (struct campaign_rig){.ctx = d, .technique = techniques[dice_roll(dice, 4)]};
	random_past(d, dice);
	begin(d, lab);
	/* mostly what the drive has; the others must be refused */
	erase_lab_ask(lab);
	if (dice_chance(dice, 85) && lab->capabilities.n > 3)
		rig->technique =
			lab->capabilities.list[3 + dice_roll(dice, lab->capabilities.n - 3)]
				.technique;
	random_faults(d, rig, dice);
	lab->on_wait = on_wait;
	lab->on_wait_ctx = d;
	random_cuts(d, lab, dice);
}

static void free_rig(struct campaign_rig *rig)
{
	struct drive *d = rig->ctx;

	emu_scsi_free(&d->d);
	emu_scsi_free(&d->other);
	free(d);
}

static uint64_t bytes(const struct campaign_rig *rig)
{
	const struct drive *d = rig->ctx;

	return d->blocks * d->block_bytes;
}

static uint32_t block_bytes(const struct campaign_rig *rig)
{
	const struct drive *d = rig->ctx;

	return d->block_bytes;
}

static bool read_drive(const struct campaign_rig *rig, uint64_t offset, void *data, size_t len)
{
	const struct drive *d = rig->ctx;

	for (size_t at = 0; at < len; at += READ_BLOCKS * d->block_bytes) {
		size_t part = len - at < READ_BLOCKS * d->block_bytes
				      ? len - at
				      : READ_BLOCKS * d->block_bytes;
		uint8_t cdb[16] = {0x88};
		struct emu_scsi_cmd cmd = {
			.cdb = cdb, .cdb_len = 16, .in = (uint8_t *)data + at, .in_len = part};

		put_be64(cdb + 2, (offset + at) / d->block_bytes);
		put_be32(cdb + 10, (uint32_t)(part / d->block_bytes));
		if (!ask(d, &cmd) || cmd.moved != part)
			return false;
	}
	return true;
}

static bool is_stained(const struct campaign_rig *rig, uint64_t offset, uint64_t len)
{
	const struct drive *d = rig->ctx;
	uint64_t first = offset / d->block_bytes;
	uint64_t end = (offset + len + d->block_bytes - 1) / d->block_bytes;

	return emu_media_stains(emu_scsi_media(d->d, 0), first, end - first).sectors != 0;
}

/* Of the unit that is the target: another one is another scope. */
static struct campaign_residue residue(const struct campaign_rig *rig)
{
	const struct drive *d = rig->ctx;
	struct emu_media *m = emu_scsi_media(d->d, 0);
	struct emu_stains in = emu_media_stains(m, 0, d->blocks);
	struct emu_stains all = emu_media_stains(m, 0, emu_scsi_config_of(d->d)->sectors);

	return (struct campaign_residue){
		.reachable = in.sectors * d->block_bytes,
		.elsewhere = (all.sectors - in.sectors + all.spare) * d->block_bytes,
	};
}

const struct campaign_kind campaign_scsi = {
	.name = "scsi",
	.make = make,
	.free = free_rig,
	.bytes = bytes,
	.block_bytes = block_bytes,
	.read = read_drive,
	.is_stained = is_stained,
	.residue = residue,
	.has_way_out = campaign_nothing_locks,
};
