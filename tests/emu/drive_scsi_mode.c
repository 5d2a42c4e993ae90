/* Mode parameters: pages, and the block descriptor that sets capacity and block length. */
#include "base/wire.h"
#include "tests/emu/drive_scsi_inside.h"

#include <string.h>

struct page {
	uint8_t code, len; /* bytes after the first two */
	uint8_t initial[EMU_SCSI_PAGE_MAX];
	uint8_t changeable[EMU_SCSI_PAGE_MAX];
};

/* Read-write error recovery, caching (WCE), control (D_SENSE), informational exceptions. */
static const struct page pages[EMU_SCSI_PAGES] = {
	{0x01, 10, {0x81, 10, 0xc0, 20, 0, 0, 0, 0, 20, 0, 0, 0}, {0, 0, 0xc0, 0xff}},
	{0x08, 18, {0x88, 18, 0x14}, {0, 0, 0x04}},
	{0x0a, 10, {0x8a, 10, 0x00}, {0, 0, 0x04}},
	{0x1c, 10, {0x9c, 10, 0x10, 0x06}, {0, 0, 0x0c, 0x0f}},
};
#define PAGE_CACHING 1
#define PAGE_CONTROL 2
#define WCE	     0x04

void emu_scsi_modes_reset(struct emu_scsi_lu *lu)
{
	for (unsigned i = 0; i < EMU_SCSI_PAGES; i++)
		memcpy(lu->modes.page[i], pages[i].initial, EMU_SCSI_PAGE_MAX);
	if (!lu->drive->cfg.has_write_cache)
		lu->modes.page[PAGE_CACHING][2] &= (uint8_t)~WCE;
}

bool emu_scsi_wants_descriptors(const struct emu_scsi_lu *lu)
{
	return (lu->modes.page[PAGE_CONTROL][2] & 0x04) != 0;
}

static const uint8_t *values(const struct emu_scsi_lu *lu, unsigned i, unsigned control)
{
	switch (control) {
	case 0:
		return lu->modes.page[i];
	case 1:
		return pages[i].changeable;
	case 2:
		return pages[i].initial;
	default:
		return lu->saved.page[i];
	}
}

static size_t put_pages(const struct emu_scsi_lu *lu, const uint8_t *cdb, uint8_t *out)
{
	unsigned control = cdb[2] >> 6;
	uint8_t wanted = cdb[2] & 0x3f;
	size_t at = 0;

	for (unsigned i = 0; i < EMU_SCSI_PAGES; i++) {
		if (wanted != 0x3f && wanted != pages[i].code)
			continue;
		memcpy(out + at, values(lu, i, control), 2U + pages[i].len);
		out[at] = 0x80 | pages[i].code; /* PS: it can be saved */
		out[at + 1] = pages[i].len;
		at += 2U + pages[i].len;
	}
	return at;
}

static size_t put_descriptor(const struct emu_scsi_lu *lu, bool is_long, uint8_t *out)
{
	if (is_long) {
		put_be64(out, lu->blocks);
		put_be32(out + 12, lu->next_block_bytes);
		return 16;
	}
	put_be32(out, lu->blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)lu->blocks);
	put_be32(out + 4, lu->next_block_bytes);
	return 8;
}

void emu_scsi_do_mode_sense(struct emu_scsi_job *j)
{
	bool is_10 = j->cdb[0] == 0x5a;
	bool is_long = is_10 && (j->cdb[1] & 0x10);
	size_t head = is_10 ? 8 : 4;
	uint8_t data[8 + 16 + EMU_SCSI_PAGES * EMU_SCSI_PAGE_MAX] = {0};
	size_t descriptor = 0;
	size_t len;

	if (!(j->cdb[1] & 0x08))
		descriptor = put_descriptor(j->lu, is_long, data + head);
	len = put_pages(j->lu, j->cdb, data + head + descriptor);
	if ((len == 0 && (j->cdb[2] & 0x3f) != 0) || (j->cdb[3] && j->cdb[3] != 0xff)) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return;
	}
	len += head + descriptor;
	/* DPO and FUA are understood */
	if (is_10) {
		put_be16(data, (uint16_t)(len - 2));
		data[3] = 0x10;
		data[4] = is_long ? 0x01 : 0;
		put_be16(data + 6, (uint16_t)descriptor);
		emu_scsi_give(j, data, len, get_be16(j->cdb + 7));
	} else {
		data[0] = (uint8_t)(len - 1);
		data[2] = 0x10;
		data[3] = (uint8_t)descriptor;
		emu_scsi_give(j, data, len, j->cdb[4]);
	}
}

/* What a MODE SELECT asks for, before any of it is done. */
struct wanted {
	bool has_descriptor;
	uint64_t blocks;
	uint32_t block_bytes;
	struct emu_scsi_modes modes;
};

static void read_descriptor(struct wanted *w, const uint8_t *d, size_t len,
			    const struct emu_scsi_lu *lu)
{
	uint64_t all = len == 16 ? UINT64_MAX : UINT32_MAX;

	w->has_descriptor = true;
	w->blocks = len == 16 ? get_be64(d) : get_be32(d);
	w->block_bytes = len == 16 ? get_be32(d + 12) : get_be32(d + 4) & 0xffffff;
	if (w->block_bytes == 0)
		w->block_bytes = lu->next_block_bytes;
	/* all ones: as many as there can be; zero: as it is, or with another length as many as can
	 * be */
	if (w->block_bytes != lu->block_bytes)
		w->blocks = w->blocks == all ? 0 : w->blocks;
	else if (w->blocks == all)
		w->blocks = lu->blocks_max;
	else if (w->blocks == 0)
		w->blocks = lu->blocks;
}

static bool is_length(uint32_t n)
{
	return n == 512 || n == 520 || n == 528 || n == 4096 || n == 4160 || n == 4224;
}

/* [SPC-5, SBC-4 block descriptor]: fewer blocks at once, another length with the next format. */
static bool is_descriptor_possible(const struct emu_scsi_lu *lu, const struct wanted *w)
{
	if (!w->has_descriptor)
		return true;
	return is_length(w->block_bytes) &&
	       w->blocks <= (w->block_bytes == lu->block_bytes
				     ? lu->blocks_max
				     : emu_scsi_blocks_in(&lu->drive->cfg, w->block_bytes, 0));
}

static bool read_page(struct wanted *w, const uint8_t *p, size_t len)
{
	for (unsigned i = 0; i < EMU_SCSI_PAGES; i++) {
		if ((p[0] & 0x3f) != pages[i].code)
			continue;
		if ((p[0] & 0x40) || p[1] != pages[i].len || len < 2U + pages[i].len)
			return false;
		for (unsigned at = 2; at < 2U + pages[i].len; at++) {
			uint8_t can = pages[i].changeable[at];

			if ((p[at] ^ w->modes.page[i][at]) & ~can)
				return false;
			w->modes.page[i][at] = p[at];
		}
		return true;
	}
	return false;
}

static uint16_t read_list(struct wanted *w, const struct emu_scsi_job *j, size_t len)
{
	const uint8_t *p = j->cmd->out;
	bool is_10 = j->cdb[0] == 0x55;
	size_t at = is_10 ? 8 : 4;
	size_t descriptor;
	bool is_long;

	if (len > j->cmd->out_len || len < at)
		return AC_LIST_LENGTH;
	descriptor = is_10 ? get_be16(p + 6) : p[3];
	is_long = is_10 && (p[4] & 1);
	if (descriptor && descriptor != (is_long ? 16U : 8U))
		return AC_LIST_FIELD;
	if (len - at < descriptor)
		return AC_LIST_LENGTH;
	if (descriptor)
		read_descriptor(w, p + at, descriptor, j->lu);
	if (!is_descriptor_possible(j->lu, w) ||
	    (w->has_descriptor && j->d->faults.mode_select_refused))
		return AC_LIST_FIELD;
	if (j->d->faults.mode_select_ignored)
		w->has_descriptor = false;
	for (at += descriptor; at < len; at += 2U + p[at + 1]) {
		if (len - at < 2)
			return AC_LIST_LENGTH;
		if (!read_page(w, p + at, len - at))
			return AC_LIST_FIELD;
	}
	return 0;
}

static void apply(struct emu_scsi_job *j, const struct wanted *w)
{
	struct emu_scsi_lu *lu = j->lu;
	bool changed = memcmp(&w->modes, &lu->modes, sizeof(w->modes)) != 0;

	lu->modes = w->modes;
	if (j->cdb[1] & 0x01)
		lu->saved = w->modes;
	if (w->has_descriptor) {
		changed |= w->block_bytes != lu->next_block_bytes;
		lu->next_block_bytes = w->block_bytes;
		lu->next_blocks = w->block_bytes == lu->block_bytes ? 0 : w->blocks;
	}
	if (w->has_descriptor && w->block_bytes == lu->block_bytes && w->blocks != lu->blocks) {
		lu->blocks = w->blocks;
		emu_scsi_tell(lu, AC_CAPACITY, j->nexus);
	}
	if (changed)
		emu_scsi_tell(lu, AC_MODE_CHANGED, j->nexus);
}

void emu_scsi_do_mode_select(struct emu_scsi_job *j)
{
	size_t len = j->cdb[0] == 0x55 ? get_be16(j->cdb + 7) : j->cdb[4];
	struct wanted w = {.modes = j->lu->modes};
	uint16_t wrong;

	if (len == 0)
		return;
	if (!(j->cdb[1] & 0x10)) { /* PF: pages in a format of the vendor's: none */
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return;
	}
	wrong = read_list(&w, j, len);
	if (wrong) {
		emu_scsi_check(j, SK_ILLEGAL, wrong);
		return;
	}
	apply(j, &w);
	j->cmd->moved = len;
}
