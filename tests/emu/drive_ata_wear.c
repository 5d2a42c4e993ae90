/* A drive that looks like one that somebody has: its own IDENTIFY DEVICE data, worn. */
#include "base/wire.h"
#include "tests/emu/drive_ata_inside.h"

#include <string.h>

static uint16_t word(const uint8_t *id, unsigned n)
{
	return get_le16(id + 2 * (size_t)n);
}

static bool has(const uint8_t *id, unsigned n, unsigned bit)
{
	return word(id, n) != 0xffff && (word(id, n) >> bit & 1);
}

/* The words that are valid only with 01b in bits 15:14. */
static bool has_marked(const uint8_t *id, unsigned n, unsigned bit)
{
	return (word(id, n) & 0xc000) == 0x4000 && has(id, n, bit);
}

static void take_text(char *out, size_t len, const uint8_t *words)
{
	size_t end = 0;
	size_t begin = 0;

	for (size_t i = 0; i < len; i++) {
		out[i] = (char)words[i ^ 1];
		if (out[i] != ' ')
			end = i + 1;
	}
	while (begin < end && out[begin] == ' ')
		begin++;
	memmove(out, out + begin, end - begin);
	out[end - begin] = 0;
}

static uint32_t seconds(uint16_t w)
{
	return (w & 0x8000 ? w & 0x7fffU : w & 0xffU) * 120U;
}

static void take_capacity(struct emu_ata_config *c, const uint8_t *id)
{
	c->sectors = get_le64(id + 2 * (has(id, 69, 3) ? 230 : 100));
	c->logical_bytes = has_marked(id, 106, 12) ? get_le32(id + 2 * 117) * 2 : 512;
	c->physical_exponent = has_marked(id, 106, 13) ? word(id, 106) & 0x0fU : 0;
}

bool emu_ata_wear(struct emu_ata_config *c, const uint8_t identify[512])
{
	const uint8_t *id = identify;

	*c = (struct emu_ata_config){.wears = true, .spare_sectors = 64, .sanitize_seconds = 3600};
	memcpy(c->image, id, sizeof(c->image));
	take_text(c->serial, 20, id + 20);
	take_text(c->firmware, 8, id + 46);
	take_text(c->model, 40, id + 54);
	if (has_marked(id, 84, 8))
		c->wwn = (uint64_t)word(id, 108) << 48 | (uint64_t)word(id, 109) << 32 |
			 (uint64_t)word(id, 110) << 16 | word(id, 111);
	c->is_ssd = word(id, 217) == 1;
	c->encrypts = has(id, 69, 4);
	c->has_security = has(id, 82, 1);
	c->has_enhanced_erase = has(id, 128, 5);
	c->frozen_at_power_on = has(id, 128, 3);
	c->erase_seconds = seconds(word(id, 89));
	c->enhanced_seconds = seconds(word(id, 90));
	c->has_sanitize = has(id, 59, 12);
	c->has_antifreeze = has(id, 59, 10);
	c->sanitize_crypto = has(id, 59, 13);
	c->sanitize_overwrite = has(id, 59, 14);
	c->sanitize_block = has(id, 59, 15);
	c->has_hpa = has(id, 82, 10);
	c->has_dco = has_marked(id, 83, 11);
	c->has_amac = has_marked(id, 119, 8);
	c->has_trim = has(id, 169, 0);
	c->trim_is_deterministic = has(id, 69, 14);
	c->trimmed = has(id, 69, 5) ? EMU_TRIMMED_ZERO : EMU_TRIMMED_OLD;
	c->has_smart = has(id, 82, 0);
	c->has_trusted = has_marked(id, 48, 0);
	take_capacity(c, id);
	/* only drives with 48-bit addresses are emulated */
	return has_marked(id, 83, 10) && c->sectors != 0 && c->sectors < 1ULL << 48 &&
	       c->logical_bytes >= 512 && c->logical_bytes % 512 == 0 && c->logical_bytes <= 65536;
}

static void put_bit(uint8_t *id, unsigned n, unsigned bit, bool set)
{
	unsigned w = word(id, n) & ~(1U << bit);

	put_le16(id + 2 * (size_t)n, (uint16_t)(w | (set ? 1U : 0U) << bit));
}

/* The image with what has changed since. */
void emu_ata_worn_identify(const struct emu_ata *d, uint8_t out[512])
{
	uint64_t sectors = d->hid.now;

	memcpy(out, d->cfg.image, 512);
	put_bit(out, 85, 0, d->smart_enabled);
	put_bit(out, 85, 1, d->sec.enabled);
	if (d->hid.now < d->hid.native)
		put_bit(out, 85, 10, d->cfg.has_hpa);
	if (d->hid.max_password_set)
		put_bit(out, 86, 8, true);
	if (d->cfg.has_security) {
		put_le16(out + 2 * 92, d->sec.master_id);
		put_bit(out, 128, 1, d->sec.enabled);
		put_bit(out, 128, 2, d->sec.locked);
		put_bit(out, 128, 3, d->sec.frozen);
		put_bit(out, 128, 4, d->sec.expired);
		put_bit(out, 128, 8, d->sec.maximum);
	}
	put_le32(out + 2 * 60, sectors > 0x0fffffff ? 0x0fffffff : (uint32_t)sectors);
	put_le64(out + 2 * 100, sectors);
	if (has(d->cfg.image, 69, 3))
		put_le64(out + 2 * 230, sectors);
	if (out[510] == 0xa5)
		emu_ata_checksum(out);
}
