/* ATA drives for the campaign: hard disks and SSDs, every fault of drive and translation layer. */
#include "tests/fake/campaign.h"

#include "base/cleanup.h"
#include "base/wire.h"
#include "device/protocol/ata_security.h"
#include "sanitize/unlock_ata.h"
#include "tests/emu/emu_transport.h"
#include "tests/fake/ata_rig.h"

#include <stdlib.h>
#include <string.h>

#define OWNERS "the owner's own password"

struct drive {
	struct ata_rig rig;
	struct emu_ata *other; /* that it is swapped for */
	bool is_owned;	       /* somebody's password is set */
};

static struct emu_ata_config random_config(struct dice *dice)
{
	uint64_t sectors = 4096 + 8 * dice_roll(dice, 1024);
	struct emu_ata_config c =
		dice_chance(dice, 50) ? emu_ata_hdd(sectors) : emu_ata_ssd(sectors);

	c.encrypts = dice_chance(dice, c.is_ssd ? 80 : 20);
	c.sanitize_crypto = c.encrypts && dice_chance(dice, 80);
	c.sanitize_block = c.is_ssd && dice_chance(dice, 80);
	c.sanitize_overwrite = dice_chance(dice, 80);
	c.has_sanitize = dice_chance(dice, 90);
	c.has_security = dice_chance(dice, 95);
	c.has_enhanced_erase = c.has_security && dice_chance(dice, 85);
	c.frozen_at_power_on = dice_chance(dice, 8);
	c.restricted_overrides = dice_chance(dice, 20);
	if (dice_chance(dice, 15)) {
		c.has_hpa = c.has_dco = false;
		c.has_amac = true;
	}
	c.erase_seconds = 2 + (uint32_t)dice_roll(dice, 200);
	c.enhanced_seconds = 2 + (uint32_t)dice_roll(dice, 200);
	c.sanitize_seconds = 2 + (uint32_t)dice_roll(dice, 200);
	return c;
}

/* Some of it is kept from the host. */
static void hide(struct emu_ata *d, struct dice *dice)
{
	uint64_t last = emu_ata_sectors(d) - 1 - 8 * (1 + dice_roll(dice, 128));

	if (emu_ata_config_of(d)->has_amac) {
		emu_ask(d, 0x78, true, 1, 0, last);
		return;
	}
	emu_ask(d, 0x27, true, 0, 0, 0);
	emu_ask(d, 0x37, true, 0, 1, last);
}

static void random_faults(struct drive *d, struct campaign_rig *rig, struct dice *dice)
{
	struct emu_ata_faults *f = emu_ata_faults(d->rig.d);
	uint64_t sectors = emu_ata_config_of(d->rig.d)->sectors;

	f->erase_refused = dice_chance(dice, 5);
	f->set_password_forgotten = dice_chance(dice, 3);
	f->sanitize_ignored = dice_chance(dice, 5);
	f->sanitize_stalls_at = dice_chance(dice, 3) ? 1 + (uint32_t)dice_roll(dice, 65535) : 0;
	f->sanitize_fails_at = dice_chance(dice, 4) ? 1 + (uint32_t)dice_roll(dice, 65535) : 0;
	f->vendor_pattern = dice_chance(dice, 10);
	f->pattern = 0x33cc55aa;
	f->keeps_key = dice_chance(dice, 6);
	if (dice_chance(dice, 25))
		f->leave = campaign_leave(dice, sectors);
	rig->lies = f->keeps_key || f->leave.kind != EMU_LEAVE_NOTHING;
}

static void random_layer(struct drive *d, struct dice *dice)
{
	struct emu_satl *s = &d->rig.unit;

	if (dice_chance(dice, 4))
		s->registers = dice_chance(dice, 50) ? EMU_REGISTERS_ZERO : EMU_REGISTERS_LOST;
	s->fixed_sense = dice_chance(dice, 5);
	s->drops_erase = dice_chance(dice, 4);
	if (dice_chance(dice, 3))
		s->vanishes_after = s->commands + 1 + dice_roll(dice, 300);
	if (dice_chance(dice, 3)) {
		struct emu_ata_config c = *emu_ata_config_of(d->rig.d);

		c.serial[0] = 'X';
		d->other = emu_ata_new(&c, &d->rig.time);
		if (!d->other)
			abort();
		emu_ask_sanitize(d->other, 0x0012, 0, 0);
		s->swap_for = d->other;
		s->swaps_after = s->commands + 1 + dice_roll(dice, 300);
	}
}

/* What others did to it before. */
static void random_past(struct drive *d, struct dice *dice)
{
	static const uint16_t operations[] = {0x0011, 0x0012, 0x0014};
	struct emu_ata *e = d->rig.d;
	uint16_t op = operations[dice_roll(dice, 3)];

	if (dice_chance(dice, 15))
		hide(e, dice);
	if (dice_chance(dice, 15)) {
		emu_ask_sanitize(e, op, op == 0x0014 ? 1 : 0, 0);
		/* it has ended and customer data came behind it, or it still runs */
		if (dice_chance(dice, 60)) {
			emu_time_pass(&d->rig.time, 7200 * EMU_S);
			emu_ata_sanitize_state(e);
			ata_rig_stain(e);
		}
	}
	if (dice_chance(dice, 4)) {
		struct emu_ata_result r = emu_ask_password(e, 0xf1, 0, OWNERS);

		d->is_owned = emu_is_good(&r);
	}
	if (dice_chance(dice, 4))
		emu_ask_sanitize(e, 0x0020, 0, 0);
	if (dice_chance(dice, 15))
		emu_satl_power_cycle(&d->rig.unit);
}

static void random_cuts(struct drive *d, struct erase_lab *lab, struct dice *dice)
{
	if (dice_chance(dice, 40)) {
		lab->cut_at = 1 + dice_roll(dice, 60);
		lab->cut = (enum lab_cut)dice_roll(dice, 3);
	}
	if (dice_chance(dice, 15))
		emu_ata_cut_power_at(d->rig.d,
				     d->rig.time.now_ns + dice_roll(dice, 400) * EMU_S + 1);
}

static void make(struct campaign_rig *rig, struct erase_lab *lab, struct dice *dice)
{
	static const enum xp_technique techniques[] = {
		XP_ATA_SANITIZE_CRYPTO, XP_ATA_SANITIZE_BLOCK,	      XP_ATA_SANITIZE_OVERWRITE,
		XP_ATA_SECURE_ERASE,	XP_ATA_SECURE_ERASE_ENHANCED,
	};
	struct emu_ata_config cfg = random_config(dice);
	struct drive *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	ata_rig_make(&d->rig, lab, &cfg);
	emu_media_stain(emu_ata_media(d->rig.d), 0, (uint32_t)cfg.sectors);
	*rig = (struct campaign_rig){.ctx = d, .technique = techniques[dice_roll(dice, 5)]};
	random_past(d, dice);
	/* mostly what the drive has; the others must be refused */
	erase_lab_ask(lab);
	if (dice_chance(dice, 85) && lab->capabilities.n > 3)
		rig->technique =
			lab->capabilities.list[3 + dice_roll(dice, lab->capabilities.n - 3)]
				.technique;
	erase_lab_meet(lab);
	random_faults(d, rig, dice);
	random_layer(d, dice);
	random_cuts(d, lab, dice);
}

static void free_rig(struct campaign_rig *rig)
{
	struct drive *d = rig->ctx;

	ata_rig_free(&d->rig);
	emu_ata_free(&d->other);
	free(d);
}

static uint64_t bytes(const struct campaign_rig *rig)
{
	const struct drive *d = rig->ctx;

	return emu_ata_sectors(d->rig.d) * 512;
}

static uint32_t block_bytes(const struct campaign_rig *rig)
{
	(void)rig;
	return 512;
}

/* READ (16), as the host's own driver sends it, to the drive that it began with. */
static bool read_drive(const struct campaign_rig *rig, uint64_t offset, void *data, size_t len)
{
	const struct drive *d = rig->ctx;
	struct emu_satl straight = {.drive = d->rig.d};
	uint8_t cdb[16] = {0x88};
	struct emu_scsi_cmd cmd = {.cdb = cdb, .cdb_len = 16, .in = data, .in_len = len};

	put_be64(cdb + 2, offset / 512);
	put_be32(cdb + 10, (uint32_t)(len / 512));
	emu_satl_exec(&straight, &cmd);
	return cmd.answered && cmd.status == 0 && cmd.moved == len;
}

static bool is_stained(const struct campaign_rig *rig, uint64_t offset, uint64_t len)
{
	const struct drive *d = rig->ctx;

	return emu_media_stains(emu_ata_media(d->rig.d), offset / 512, len / 512).sectors != 0;
}

static struct campaign_residue residue(const struct campaign_rig *rig)
{
	const struct drive *d = rig->ctx;
	struct emu_media *m = emu_ata_media(d->rig.d);
	uint64_t now = emu_ata_sectors(d->rig.d);
	struct emu_stains in = emu_media_stains(m, 0, now);
	struct emu_stains all = emu_media_stains(m, 0, emu_ata_config_of(d->rig.d)->sectors);

	return (struct campaign_residue){
		.reachable = in.sectors * 512,
		.elsewhere = (all.sectors - in.sectors + all.spare) * 512,
	};
}

static bool has_way_out(struct campaign_rig *rig, struct erase_lab *lab)
{
	struct drive *d = rig->ctx;
	struct emu_satl straight = {.drive = d->rig.d};
	AUTO(xp_transport_free) struct xp_transport *t = NULL;
	struct xp_ata_password password = {.text = XP_ATA_TEMPORARY_PASSWORD};
	struct xp_unlock how = {.permit = lab->permit, .passwords = &password, .n = 1};
	enum xp_unlock_end end = XP_UNLOCK_WRONG;

	/* hot-plugged: no firmware freezes it */
	emu_ata_cut_power_at(d->rig.d, 0);
	emu_satl_power_cycle(&straight);
	if (emu_ata_security_state(d->rig.d) != EMU_SEC4)
		return true;
	/* its owner has to wait until the sanitize has ended; a failed one needs another */
	if (d->is_owned && (emu_ata_sanitize_state(d->rig.d) == EMU_SD2 ||
			    emu_ata_sanitize_state(d->rig.d) == EMU_SD3))
		return true;
	if (d->is_owned)
		memcpy(password.text, OWNERS, sizeof(OWNERS));
	if (emu_transport_open(&t, &straight, NULL) != XP_OK)
		abort();
	how.transport = t;
	return xp_ata_unlock(&end, &how, NULL) == XP_OK && end == XP_UNLOCK_DONE;
}

const struct campaign_kind campaign_ata = {
	.name = "ata",
	.make = make,
	.free = free_rig,
	.bytes = bytes,
	.block_bytes = block_bytes,
	.read = read_drive,
	.is_stained = is_stained,
	.residue = residue,
	.has_way_out = has_way_out,
};
