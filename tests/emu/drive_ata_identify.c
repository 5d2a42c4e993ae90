#include "base/wire.h"
#include "tests/emu/drive_ata_inside.h"

#include <string.h>

static void put_text(uint8_t *words, size_t len, const char *text)
{
	size_t n = strlen(text);

	/* two characters a word, the first in its high byte, padded with blanks */
	for (size_t i = 0; i < len; i++)
		words[i ^ 1] = i < n ? (uint8_t)text[i] : ' ';
}

void emu_ata_checksum(uint8_t data[512])
{
	uint8_t sum = 0;

	data[510] = 0xa5;
	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + data[i]);
	data[511] = (uint8_t)(0x100 - sum);
}

/* Words 89 and 90: steps of two minutes, in 8 bits or, with bit 15, in 15. */
static uint16_t time_word(uint32_t seconds)
{
	uint32_t steps = (seconds + 119) / 120;

	if (steps < 0xff)
		return (uint16_t)steps;
	return (uint16_t)(0x8000 | (steps < 0x7fff ? steps : 0x7fff));
}

static void put_word(uint8_t *data, unsigned n, unsigned value)
{
	put_le16(data + 2 * (size_t)n, (uint16_t)value);
}

static unsigned bit(bool set, unsigned n)
{
	return (set ? 1U : 0U) << n;
}

static void fixed_words(const struct emu_ata_config *c, uint8_t *id)
{
	put_word(id, 0, 0x0040);
	put_word(id, 1, 0x3fff);
	put_word(id, 2, 0xc837);
	put_word(id, 3, 16);
	put_word(id, 6, 63);
	put_text(id + 20, 20, c->serial);
	put_text(id + 46, 8, c->firmware);
	put_text(id + 54, 40, c->model);
	put_word(id, 47, 0x8010);
	put_word(id, 48, 0x4000 | bit(c->has_trusted, 0));
	put_word(id, 49, 0x2f00);
	put_word(id, 50, 0x4000);
	put_word(id, 53, 0x0006);
	put_word(id, 63, 0x0007);
	put_word(id, 64, 0x0003);
	for (unsigned w = 65; w <= 68; w++)
		put_word(id, w, 120);
	put_word(id, 75, 31);
	put_word(id, 76, 0x010e);
	put_word(id, 80, 0x0ff0);
	put_word(id, 88, 0x407f);
	put_word(id, 106,
		 0x4000 | bit(c->physical_exponent != 0, 13) | bit(c->logical_bytes > 512, 12) |
			 (c->physical_exponent & 0x0f));
	for (unsigned i = 0; i < 4; i++)
		put_word(id, 108 + i, (unsigned)(c->wwn >> (48 - 16 * i)));
	if (c->logical_bytes > 512)
		put_le32(id + 2 * 117, c->logical_bytes / 2);
	put_word(id, 168, c->is_ssd ? 3 : 2);
	put_word(id, 209, 0x4000);
	put_word(id, 217, c->is_ssd ? 1 : 7200);
	put_word(id, 222, 0x10ff);
}

static void feature_words(struct emu_ata *d, uint8_t *id)
{
	const struct emu_ata_config *c = &d->cfg;
	bool has_hpa_now = c->has_hpa && d->hid.now < d->hid.native;
	unsigned set_82 = 0x7068 | bit(c->has_smart, 0) | bit(c->has_security, 1);
	unsigned set_83 = 0x7400 | bit(c->has_hpa, 8) | bit(c->has_dco, 11);
	unsigned set_84 = 0x4063 | bit(c->wwn != 0, 8);

	if (c->has_sanitize)
		put_word(id, 59,
			 0x1110 | bit(c->has_antifreeze, 10) | bit(true, 11) |
				 bit(c->sanitize_crypto, 13) | bit(c->sanitize_overwrite, 14) |
				 bit(c->sanitize_block, 15));
	put_word(id, 69,
		 bit(c->trim_is_deterministic, 14) |
			 bit(c->trim_is_deterministic && c->trimmed == EMU_TRIMMED_ZERO, 5) |
			 bit(c->encrypts, 4));
	put_word(id, 82, set_82 | bit(c->has_hpa, 10));
	put_word(id, 83, set_83);
	put_word(id, 84, set_84);
	put_word(id, 85,
		 0x7068 | bit(d->smart_enabled, 0) | bit(d->sec.enabled, 1) | bit(has_hpa_now, 10));
	put_word(id, 86, 0xb400 | bit(d->hid.max_password_set, 8) | bit(c->has_dco, 11));
	put_word(id, 87, set_84);
	put_word(id, 105, c->has_trim ? 8 : 0);
	put_word(id, 119, 0x4000 | bit(c->has_amac, 8));
	put_word(id, 120, 0x4000 | bit(c->has_amac, 8));
	put_word(id, 169, bit(c->has_trim, 0));
	if (!c->has_security)
		return;
	put_word(id, 89, time_word(c->erase_seconds));
	put_word(id, 90, c->has_enhanced_erase ? time_word(c->enhanced_seconds) : 0);
	put_word(id, 92, d->sec.master_id);
	put_word(id, 128,
		 1 | bit(d->sec.enabled, 1) | bit(d->sec.locked, 2) | bit(d->sec.frozen, 3) |
			 bit(d->sec.expired, 4) | bit(c->has_enhanced_erase, 5) |
			 bit(d->sec.maximum, 8));
}

static void own_identify(struct emu_ata *d, uint8_t *out)
{
	uint64_t sectors = d->hid.now;

	memset(out, 0, 512);
	fixed_words(&d->cfg, out);
	feature_words(d, out);
	put_le32(out + 2 * 60, sectors > 0x0fffffff ? 0x0fffffff : (uint32_t)sectors);
	put_le64(out + 2 * 100, sectors);
	emu_ata_checksum(out);
}

void emu_ata_identify(struct emu_ata *d, uint8_t out[512])
{
	if (d->cfg.wears)
		emu_ata_worn_identify(d, out);
	else
		own_identify(d, out);
	if (d->faults.checksum_wrong)
		out[511] ^= 0x01;
}

void emu_ata_do_identify(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	uint8_t data[512];

	emu_ata_identify(d, data);
	emu_ata_answer(cmd, r, data, sizeof(data));
}

/* The first quadword of a page: valid, page number, revision 1. */
static void page_head(uint8_t *page, unsigned number)
{
	put_le64(page, 1ULL << 63 | (uint64_t)number << 16 | 1);
}

static bool identify_log_page(struct emu_ata *d, unsigned page, uint8_t *out)
{
	page_head(out, page);
	switch (page) {
	case 0x00:
		out[8] = 3;
		out[10] = 0x01;
		out[11] = 0x06;
		return true;
	case 0x01:
		emu_ata_identify(d, out);
		return true;
	case 0x06:
		put_le64(out + 40, 1ULL << 63 | bit(d->cfg.has_trusted, 0));
		put_le64(out + 48, 1ULL << 63 | bit(d->cfg.encrypts, 0) |
					   bit(d->cfg.restricted_overrides, 7));
		return true;
	default:
		return false;
	}
}

static bool statistics_page(struct emu_ata *d, unsigned page, uint8_t *out)
{
	uint64_t on_ns = d->powered_ns + d->time->now_ns - d->on_since_ns;

	page_head(out, page);
	switch (page) {
	case 0x00:
		out[8] = 2;
		out[10] = 0x01;
		return true;
	case 0x01:
		put_le64(out + 8, 3ULL << 62 | d->power_ons);
		put_le64(out + 16, 3ULL << 62 | (on_ns / (3600 * EMU_S)));
		return true;
	default:
		return false;
	}
}

void emu_ata_do_read_log(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	unsigned first = (unsigned)((cmd->lba >> 8 & 0xff) | (cmd->lba >> 32 & 0xff) << 8);
	uint8_t log = (uint8_t)cmd->lba;

	if (cmd->count == 0 || cmd->len != cmd->count * 512U) {
		emu_ata_abort(r);
		return;
	}
	memset(cmd->in, 0, cmd->len);
	for (unsigned i = 0; i < cmd->count; i++) {
		uint8_t *page = cmd->in + 512 * (size_t)i;
		bool there = false;

		if (log == 0x00 && first + i == 0) {
			put_le16(page, 1);
			put_le16(page + 2 * 0x04, 2);
			put_le16(page + 2 * 0x30, 9);
			there = true;
		} else if (log == 0x04) {
			there = statistics_page(d, first + i, page);
		} else if (log == 0x30) {
			there = identify_log_page(d, first + i, page);
		}
		if (!there) {
			emu_ata_abort(r);
			return;
		}
	}
	r->in_len = cmd->len;
}

void emu_ata_do_smart(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	uint8_t data[512] = {0x10, 0x00};
	bool is_on = cmd->feature == 0xd8;

	/* LBA 23:8 holds C24Fh, or it is no SMART command */
	if (!d->cfg.has_smart || (cmd->lba >> 8 & 0xffff) != 0xc24f) {
		emu_ata_abort(r);
		return;
	}
	switch (cmd->feature) {
	case 0xd8:
	case 0xd9:
		d->smart_enabled = is_on;
		return;
	case 0xd0:
	case 0xd1:
		if (!d->smart_enabled || cmd->way != EMU_PIO_IN)
			break;
		data[511] = 0xf0;
		emu_ata_answer(cmd, r, data, sizeof(data));
		return;
	case 0xda:
		if (!d->smart_enabled || cmd->way != EMU_NON_DATA)
			break;
		if (d->faults.threshold_exceeded)
			r->lba = (r->lba & 0xff) | 0x2cf400;
		return;
	default:
		break;
	}
	emu_ata_abort(r);
}
