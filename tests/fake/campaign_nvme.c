/* NVMe drives for the campaign: one namespace or several, every format, every fault. */
#include "tests/fake/campaign.h"

#include "base/cleanup.h"
#include "base/span.h"
#include "tests/emu/emu_nvme_ask.h"

#include <stdlib.h>
#include <string.h>

#define READ_BYTES 32768u
#define SECTOR	   512

struct drive {
	struct emu_time time;
	struct emu_nvme *d;
	struct emu_nvme *other; /* that it is swapped for */
	struct emu_nvme_slot slot;
	unsigned swaps_after; /* waits */
	unsigned resets_every;
	uint32_t nsid;
	uint64_t bytes;
	uint32_t block_bytes;
};

static void random_namespaces(struct emu_nvme_config *c, struct dice *dice)
{
	uint64_t bytes = (512 + dice_roll(dice, 512)) * 4096;

	c->ns_n = dice_chance(dice, 60) ? 1 : 1 + (unsigned)dice_roll(dice, 4);
	for (unsigned i = 0; i < c->ns_n; i++) {
		struct emu_nvme_ns_config *n = &c->ns[i];

		*n = (struct emu_nvme_ns_config){.bytes = bytes, .attached = 1};
		n->format = (uint8_t)dice_roll(dice, c->formats_n);
		if (c->formats[n->format].metadata_bytes == 8 && dice_chance(dice, 50))
			n->protection = (uint8_t)(1 + dice_roll(dice, 3));
		n->metadata_extended =
			c->formats[n->format].metadata_bytes != 0 && dice_chance(dice, 50);
		if (i > 0 && dice_chance(dice, 30))
			n->attached = 0;
		else if (i > 0 && c->controllers_n > 1 && dice_chance(dice, 30)) {
			n->attached = 3;
			n->is_shared = true;
		}
	}
	if (dice_chance(dice, 20))
		c->unallocated_bytes = bytes;
}

static struct emu_nvme_config random_config(struct dice *dice)
{
	static const enum emu_trimmed trimmed[] = {EMU_TRIMMED_ZERO, EMU_TRIMMED_ONES,
						   EMU_TRIMMED_OLD};
	struct emu_nvme_config c = emu_nvme_ssd(1 << 20);

	c.controllers_n = dice_chance(dice, 20) ? 2 : 1;
	random_namespaces(&c, dice);
	c.encrypts = dice_chance(dice, 85);
	c.sanitize_crypto = c.encrypts && dice_chance(dice, 80);
	c.sanitize_block = dice_chance(dice, 80);
	c.has_media_verification = dice_chance(dice, 40);
	c.sanitize_overwrite = dice_chance(dice, 80);
	c.no_deallocate_inhibited = dice_chance(dice, 30);
	c.has_format = dice_chance(dice, 90);
	c.format_crypto = c.encrypts && dice_chance(dice, 70);
	c.format_all = dice_chance(dice, 15);
	c.erase_all = dice_chance(dice, 25);
	c.has_ns_management = dice_chance(dice, 80);
	c.deallocated = trimmed[dice_roll(dice, 3)];
	c.overwrite_seconds = (uint32_t)dice_roll(dice, 400);
	c.block_seconds = (uint32_t)dice_roll(dice, 100);
	c.crypto_seconds = (uint32_t)dice_roll(dice, 5);
	c.format_seconds = (uint32_t)dice_roll(dice, 20);
	return c;
}

static void random_faults(struct drive *d, struct campaign_rig *rig, struct dice *dice)
{
	struct emu_nvme_faults *f = emu_nvme_faults(d->d);

	f->sanitize_ignored = dice_chance(dice, 6);
	f->sanitize_stalls_at = dice_chance(dice, 3) ? 1 + (uint32_t)dice_roll(dice, 65535) : 0;
	f->sanitize_fails_at = dice_chance(dice, 4) ? 1 + (uint32_t)dice_roll(dice, 65535) : 0;
	f->sanitize_dies_by_power = dice_chance(dice, 10);
	f->progress_lost = dice_chance(dice, 8);
	f->success_early = dice_chance(dice, 5);
	f->log_refused = dice_chance(dice, 3);
	f->keeps_key = dice_chance(dice, 6);
	f->detached_left = dice_chance(dice, 6);
	f->vendor_pattern = dice_chance(dice, 10);
	f->pattern = 0x33cc55aa;
	f->format_ignored = dice_chance(dice, 6);
	f->format_changes_lba = dice_chance(dice, 4);
	f->format_drops_protection = dice_chance(dice, 4);
	if (dice_chance(dice, 25)) {
		f->leave = campaign_leave(dice, d->bytes / SECTOR);
		/* a drive leaves whole blocks; of less no comparison of blocks would tell */
		f->leave.first -= f->leave.first % (d->block_bytes / SECTOR);
		f->leave.n += (d->block_bytes / SECTOR - f->leave.n % (d->block_bytes / SECTOR)) %
			      (d->block_bytes / SECTOR);
		f->leave_unmapped = dice_chance(dice, 20);
	}
	if (dice_chance(dice, 3))
		f->vanishes_after = 1 + (uint32_t)dice_roll(dice, 100);
	/* a success that the log tells while it runs, and without progress, cannot be told from one
	 */
	rig->lies = f->keeps_key || f->detached_left || f->format_ignored ||
		    f->leave.kind != EMU_LEAVE_NOTHING || (f->success_early && f->progress_lost);
}

/* Whatever happens while nobody looks. */
static void on_wait(void *ctx)
{
	struct drive *d = ctx;

	if (d->resets_every && d->slot.drive == d->d)
		emu_nvme_reset(d->d, 0);
	if (d->other && d->swaps_after && --d->swaps_after == 0)
		d->slot.drive = d->other;
}

static void random_surroundings(struct drive *d, struct erase_lab *lab, struct dice *dice)
{
	struct emu_nvme_config c = *emu_nvme_config_of(d->d);

	d->resets_every = dice_chance(dice, 10);
	if (dice_chance(dice, 4)) {
		c.serial[0] = 'X';
		d->other = emu_nvme_new(&c, &d->time);
		if (!d->other)
			abort();
		emu_nvme_ask_sanitize(d->other, 0x202, 0);
		d->swaps_after = 1 + (unsigned)dice_roll(dice, 10);
	}
	lab->on_wait = on_wait;
	lab->on_wait_ctx = d;
	if (dice_chance(dice, 40)) {
		lab->cut_at = 1 + dice_roll(dice, 30);
		lab->cut = (enum lab_cut)dice_roll(dice, 3);
	}
	if (dice_chance(dice, 15))
		emu_nvme_cut_power_at(d->d, d->time.now_ns + dice_roll(dice, 300) * EMU_S + 1);
}

/* What others did to it before: the very same command, perhaps. */
static void random_past(struct drive *d, struct dice *dice)
{
	static const uint32_t words[] = {0x202, 0x204, 0x213, 0x002, 0x004, 0x013, 0x212, 0x214};

	if (!dice_chance(dice, 35))
		return;
	emu_nvme_ask_sanitize(d->d, words[dice_roll(dice, XP_ARRAY_LEN(words))], 0);
	/* it has ended and customer data came behind it, or it still runs */
	if (dice_chance(dice, 70)) {
		emu_time_pass(&d->time, 7200 * EMU_S);
		emu_nvme_sanitize_state(d->d);
		emu_nvme_stain(d->d);
	}
}

static void begin(struct drive *d, struct erase_lab *lab)
{
	erase_lab_begin_nvme(lab, &d->slot, d->nsid);
	lab->kernel_bytes = d->bytes;
	lab->kernel_block_bytes = lab->kernel_physical_bytes = d->block_bytes;
}

static void make(struct campaign_rig *rig, struct erase_lab *lab, struct dice *dice)
{
	static const enum xp_technique techniques[] = {
		XP_NVME_SANITIZE_CRYPTO, XP_NVME_SANITIZE_BLOCK, XP_NVME_SANITIZE_OVERWRITE,
		XP_NVME_FORMAT_CRYPTO, XP_NVME_FORMAT_USER};
	struct emu_nvme_config cfg = random_config(dice);
	struct drive *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	d->time.epoch_s = 1800000000;
	d->d = emu_nvme_new(&cfg, &d->time);
	if (!d->d)
		abort();
	d->slot.drive = d->d;
	d->nsid = 1;
	d->bytes = cfg.ns[0].bytes;
	d->block_bytes = 1U << cfg.formats[cfg.ns[0].format].data_exponent;
	emu_nvme_stain(d->d);
	*rig = (struct campaign_rig){.ctx = d, .technique = techniques[dice_roll(dice, 5)]};
	random_past(d, dice);
	begin(d, lab);
	/* mostly what the drive has; the others must be refused */
	erase_lab_ask(lab);
	if (dice_chance(dice, 85) && lab->capabilities.n > 3)
		rig->technique =
			lab->capabilities.list[3 + dice_roll(dice, lab->capabilities.n - 3)]
				.technique;
	random_faults(d, rig, dice);
	random_surroundings(d, lab, dice);
}

static void free_rig(struct campaign_rig *rig)
{
	struct drive *d = rig->ctx;

	emu_nvme_free(&d->d);
	emu_nvme_free(&d->other);
	free(d);
}

static uint64_t bytes(const struct campaign_rig *rig)
{
	const struct drive *d = rig->ctx;

	return d->bytes;
}

static uint32_t block_bytes(const struct campaign_rig *rig)
{
	const struct drive *d = rig->ctx;

	return d->block_bytes;
}

/* Metadata that comes in between is left out. */
static bool read_part(const struct drive *d, uint64_t offset, uint8_t *data, size_t len)
{
	const struct emu_nvme_ns_config *n = &emu_nvme_config_of(d->d)->ns[d->nsid - 1];
	uint32_t between = n->metadata_extended
				   ? emu_nvme_config_of(d->d)->formats[n->format].metadata_bytes
				   : 0;
	size_t blocks = len / d->block_bytes;
	size_t raw_len = blocks * (d->block_bytes + between);
	AUTO_MEM uint8_t *raw = malloc(raw_len);

	if (!raw)
		abort();
	if (emu_nvme_ask_read(d->d, d->nsid, offset / d->block_bytes, raw, raw_len) != 0)
		return false;
	for (size_t i = 0; i < blocks; i++)
		memcpy(data + i * d->block_bytes, raw + i * (d->block_bytes + between),
		       d->block_bytes);
	return true;
}

static bool read_drive(const struct campaign_rig *rig, uint64_t offset, void *data, size_t len)
{
	const struct drive *d = rig->ctx;

	for (size_t at = 0; at < len; at += READ_BYTES)
		if (!read_part(d, offset + at, (uint8_t *)data + at,
			       len - at < READ_BYTES ? len - at : READ_BYTES))
			return false;
	return true;
}

/* Every block that can be read holds one byte, over and over. */
static bool reads_as_nothing(const struct campaign_rig *rig)
{
	const struct drive *d = rig->ctx;
	uint8_t data[8192];

	for (uint64_t at = 0; at < d->bytes; at += sizeof(data)) {
		size_t len = d->bytes - at < sizeof(data) ? d->bytes - at : sizeof(data);

		if (!read_part(d, at, data, len) || !xp_mem_is_filled(data, data[0], len))
			return false;
	}
	return true;
}

/*
 * What a drive left and gave up reads as nothing: it is out of every readback's reach. So is what
 * stands under a key that was kept, once the end of the media verification, such as a loss of
 * power, has deallocated all of it.
 */
static bool is_in_reach(const struct campaign_rig *rig)
{
	const struct drive *d = rig->ctx;
	const struct emu_nvme_faults *f = emu_nvme_faults(d->d);

	return !f->leave_unmapped && !(f->keeps_key && reads_as_nothing(rig));
}

static bool is_stained(const struct campaign_rig *rig, uint64_t offset, uint64_t len)
{
	const struct drive *d = rig->ctx;
	uint64_t first = offset / SECTOR;

	return is_in_reach(rig) && emu_media_stains(emu_nvme_media(d->d, d->nsid), first,
						    (offset + len + SECTOR - 1) / SECTOR - first)
						   .sectors != 0;
}

static struct campaign_residue residue(const struct campaign_rig *rig)
{
	const struct drive *d = rig->ctx;
	struct emu_stains own =
		emu_media_stains(emu_nvme_media(d->d, d->nsid), 0, d->bytes / SECTOR);
	struct emu_stains all = emu_nvme_stains(d->d);

	if (!is_in_reach(rig))
		own.sectors = 0;
	return (struct campaign_residue){
		.reachable = own.sectors * SECTOR,
		.elsewhere = (all.sectors - own.sectors + all.spare) * SECTOR,
	};
}

const struct campaign_kind campaign_nvme = {
	.name = "nvme",
	.make = make,
	.free = free_rig,
	.bytes = bytes,
	.block_bytes = block_bytes,
	.read = read_drive,
	.is_stained = is_stained,
	.residue = residue,
	.has_way_out = campaign_nothing_locks,
};
