/* WRITE SAME, UNMAP, GET LBA STATUS; and which blocks were written since an erase. */
#include "base/span.h"
#include "base/wire.h"
#include "tests/emu/drive_scsi_inside.h"

#include <stdlib.h>
#include <string.h>

#define UNMAP_BIT	      0x08
#define NDOB		      0x01
#define UNMAP_DESCRIPTORS_MAX 64
/* so far GET LBA STATUS looks */
#define STATUS_LOOKS 65536
/* of blocks that are written each by itself */
#define COUNTED_MAX 65536

void emu_scsi_note_written(struct emu_scsi_lu *lu, uint64_t lba, uint64_t n)
{
	struct emu_scsi_unwritten *u = &lu->unwritten;
	uint64_t end = lba + n;
	size_t kept = 0;

	if (!u->active || n == 0)
		return;
	/* whatever touches the new one becomes one with it */
	for (size_t i = 0; i < u->written_n; i++) {
		if (u->written[i].end < lba || u->written[i].first > end) {
			u->written[kept++] = u->written[i];
			continue;
		}
		if (u->written[i].first < lba)
			lba = u->written[i].first;
		if (u->written[i].end > end)
			end = u->written[i].end;
	}
	if (kept == u->written_cap) {
		u->written_cap = u->written_cap ? u->written_cap * 2 : 64;
		u->written = realloc(u->written, u->written_cap * sizeof(*u->written));
		if (!u->written)
			abort();
	}
	u->written[kept] = (struct emu_scsi_span){lba, end};
	u->written_n = kept + 1;
}

bool emu_scsi_first_unwritten(const struct emu_scsi_lu *lu, const struct emu_scsi_range *r,
			      uint64_t *lba)
{
	const struct emu_scsi_unwritten *u = &lu->unwritten;
	bool moved = true;

	*lba = r->lba;
	if (!u->active || r->n == 0)
		return false;
	while (moved) {
		moved = false;
		for (size_t i = 0; i < u->written_n; i++) {
			if (*lba >= u->written[i].first && *lba < u->written[i].end) {
				*lba = u->written[i].end;
				moved = true;
			}
		}
	}
	return *lba - r->lba < r->n;
}

/* The block that is to be written everywhere; false: the host was told. */
static bool take_block(struct emu_scsi_job *j, const struct emu_scsi_range *r, unsigned protect,
		       uint8_t *block)
{
	const struct emu_scsi_lu *lu = j->lu;
	uint32_t passed = lu->block_bytes + (protect ? EMU_SCSI_PI : 0);

	memset(block, 0, emu_scsi_kept_bytes(lu));
	if (j->cdb[0] == 0x93 && (j->cdb[1] & NDOB)) {
		emu_scsi_make_pi(lu, block, r->lba);
		return true;
	}
	if (j->cmd->out_len < passed) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return false;
	}
	memcpy(block, j->cmd->out, passed);
	if (!protect)
		emu_scsi_make_pi(lu, block, r->lba);
	j->cmd->moved = passed;
	return true;
}

uint32_t emu_scsi_write_same_max(const struct emu_scsi_lu *lu)
{
	uint32_t max = lu->drive->cfg.write_same_max;
	bool counts = lu->pi_type == 1 || lu->pi_type == 2;

	return max == 0 && counts ? COUNTED_MAX : max;
}

/* The reference tag counts with the blocks: those with one are written each by itself. */
static void write_all(struct emu_scsi_lu *lu, const struct emu_scsi_range *r, uint8_t *block)
{
	uint8_t *pi = block + lu->block_bytes;

	if (lu->pi_type == 0 || lu->pi_type == 3) {
		emu_media_write_same(lu->media, r->lba, r->n, block);
		return;
	}
	for (uint64_t i = 0; i < r->n; i++) {
		put_be32(pi + 4, (uint32_t)(r->lba + i));
		emu_media_write(lu->media, r->lba + i, 1, block);
	}
}

/* [SBC-4 WRITE SAME] */
void emu_scsi_do_write_same(struct emu_scsi_job *j)
{
	const struct emu_scsi_config *c = &j->d->cfg;
	struct emu_scsi_lu *lu = j->lu;
	struct emu_scsi_range r = emu_scsi_range_of(j->cdb);
	uint8_t block[EMU_SCSI_BLOCK_MAX + EMU_SCSI_PI];
	bool wants_unmap = (j->cdb[1] & UNMAP_BIT) != 0;
	uint32_t max = emu_scsi_write_same_max(lu);
	unsigned protect;
	uint64_t bad;

	if (!emu_scsi_take_protect(j, &protect) || !emu_scsi_reach(j, &r))
		return;
	if (r.n == 0)
		r.n = lu->blocks - r.lba;
	if (j->d->faults.write_same_refused || (wants_unmap && !c->has_unmap) ||
	    (max && r.n > max)) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return;
	}
	if (!take_block(j, &r, protect, block) || !emu_scsi_busy(j, emu_scsi_transfer_ns(lu, r.n)))
		return;
	if (j->d->faults.write_same_ignored)
		return;
	if (wants_unmap && c->unmapped_zero && xp_mem_is_filled(block, 0, lu->block_bytes)) {
		emu_media_trim(lu->media, r.lba, r.n);
		return;
	}
	if (emu_media_fails(lu->media, r.lba, r.n, true, &bad)) {
		lu->write_errors++;
		r.n = bad - r.lba;
		emu_scsi_check_at(j, SK_MEDIUM, AC_WRITE_ERROR, bad);
	}
	write_all(lu, &r, block);
	emu_scsi_note_written(lu, r.lba, r.n);
}

/* [SBC-4 UNMAP]: a header of 8 bytes, then 16 a range. */
void emu_scsi_do_unmap(struct emu_scsi_job *j)
{
	const uint8_t *list = j->cmd->out;
	size_t len = get_be16(j->cdb + 7);
	size_t ranges;

	if (len == 0)
		return;
	if (len < 8 || len > j->cmd->out_len || get_be16(list + 2) % 16 ||
	    get_be16(list + 2) + 8U > len) {
		emu_scsi_check(j, SK_ILLEGAL, AC_LIST_LENGTH);
		return;
	}
	ranges = get_be16(list + 2) / 16U;
	if (ranges > UNMAP_DESCRIPTORS_MAX) {
		emu_scsi_check(j, SK_ILLEGAL, AC_LIST_FIELD);
		return;
	}
	for (size_t i = 0; i < ranges; i++) {
		const uint8_t *d = list + 8 + 16 * i;
		struct emu_scsi_range r = {get_be64(d), get_be32(d + 8)};

		if (!emu_scsi_reach(j, &r))
			return;
		emu_media_trim(j->lu->media, r.lba, r.n);
	}
	j->cmd->moved = len;
}

/* [SBC-4 GET LBA STATUS]: one range after another, mapped (0) or deallocated (1). */
void emu_scsi_do_lba_status(struct emu_scsi_job *j)
{
	struct emu_scsi_lu *lu = j->lu;
	struct emu_scsi_range at = {get_be64(j->cdb + 2), 1};
	size_t allocated = get_be32(j->cdb + 10);
	uint8_t data[8 + 16 * 64] = {0};
	size_t len = 8;
	unsigned looks = 0;

	if (!emu_scsi_reach(j, &at))
		return;
	if (allocated < 24) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return;
	}
	while (at.lba < lu->blocks && looks < STATUS_LOOKS && len + 16 <= sizeof(data) &&
	       len + 16 <= allocated) {
		bool trimmed = emu_media_is_trimmed(lu->media, at.lba);
		uint64_t end = at.lba;

		while (end < lu->blocks && looks++ < STATUS_LOOKS &&
		       emu_media_is_trimmed(lu->media, end) == trimmed)
			end++;
		if (end == at.lba)
			break;
		put_be64(data + len, at.lba);
		put_be32(data + len + 8, (uint32_t)(end - at.lba));
		data[len + 12] = trimmed ? 0x01 : 0x00;
		at.lba = end;
		len += 16;
	}
	put_be32(data, (uint32_t)(len - 4));
	emu_scsi_give(j, data, len, allocated);
}
