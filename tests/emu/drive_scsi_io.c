#include "base/wire.h"
#include "tests/emu/drive_scsi_inside.h"

#include <stdlib.h>
#include <string.h>

/* what a byte costs: 200 MB/s of a disk, 1 GB/s of flash */
#define DISK_NS_PER_BYTE  5
#define FLASH_NS_PER_BYTE 1
#define MOVE_MAX	  0x8000 /* blocks, as VPD B0h says */

uint32_t emu_scsi_kept_bytes(const struct emu_scsi_lu *lu)
{
	return lu->block_bytes + (lu->pi_type ? EMU_SCSI_PI : 0);
}

struct emu_scsi_range emu_scsi_range_of(const uint8_t *cdb)
{
	if (cdb[0] >= 0x80)
		return (struct emu_scsi_range){get_be64(cdb + 2), get_be32(cdb + 10)};
	return (struct emu_scsi_range){get_be32(cdb + 2), get_be16(cdb + 7)};
}

uint64_t emu_scsi_transfer_ns(const struct emu_scsi_lu *lu, uint64_t blocks)
{
	return blocks * lu->block_bytes *
	       (lu->drive->cfg.is_ssd ? FLASH_NS_PER_BYTE : DISK_NS_PER_BYTE);
}

bool emu_scsi_reach(struct emu_scsi_job *j, const struct emu_scsi_range *r)
{
	uint64_t blocks = j->lu->blocks;

	if (r->lba <= blocks && r->n <= blocks - r->lba)
		return true;
	emu_scsi_check_at(j, SK_ILLEGAL, AC_RANGE, r->lba > blocks ? r->lba : blocks);
	return false;
}

void emu_scsi_do_capacity_10(struct emu_scsi_job *j)
{
	uint64_t last = j->lu->blocks - 1;
	uint8_t data[8];

	put_be32(data, last >= UINT32_MAX ? UINT32_MAX : (uint32_t)last);
	put_be32(data + 4, j->lu->block_bytes);
	emu_scsi_give(j, data, sizeof(data), sizeof(data));
}

void emu_scsi_do_capacity_16(struct emu_scsi_job *j)
{
	const struct emu_scsi_config *c = &j->d->cfg;
	uint8_t data[32] = {0};

	put_be64(data, j->lu->blocks - 1);
	put_be32(data + 8, j->lu->block_bytes);
	if (j->lu->pi_type)
		data[12] = (uint8_t)(0x01 | (j->lu->pi_type - 1) << 1);
	if (j->lu->block_bytes == c->logical_bytes)
		data[13] = (uint8_t)(c->physical_exponent & 0x0f);
	if (c->has_unmap)
		data[14] = 0x80 | (c->unmapped_zero ? 0x40 : 0);
	emu_scsi_give(j, data, sizeof(data), get_be32(j->cdb + 10));
}

/* The blocks of a transfer, as they are kept, and how a part of them is told. */
struct move {
	struct emu_scsi_range range;
	unsigned protect;
	uint32_t kept, passed; /* bytes of a block: on the medium, to the host */
	uint8_t *buf;
};

/* false: the host was told, or gets no answer any more. */
static bool begin(struct emu_scsi_job *j, struct move *m)
{
	*m = (struct move){.range = emu_scsi_range_of(j->cdb)};
	if (!emu_scsi_take_protect(j, &m->protect) || !emu_scsi_reach(j, &m->range))
		return false;
	if (m->range.n > MOVE_MAX) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return false;
	}
	m->kept = emu_scsi_kept_bytes(j->lu);
	m->passed = j->lu->block_bytes + (m->protect ? EMU_SCSI_PI : 0);
	return true;
}

static bool pass_time(struct emu_scsi_job *j, struct move *m)
{
	if (!emu_scsi_busy(j, emu_scsi_transfer_ns(j->lu, m->range.n)))
		return false;
	m->buf = malloc(m->range.n * m->kept + 1);
	if (!m->buf)
		abort();
	return true;
}

static enum emu_trimmed unmapped_reads(const struct emu_scsi *d)
{
	return d->faults.unmapped_lies ? d->faults.unmapped_as : d->cfg.trimmed;
}

/* After an erase nothing can be read that was not written since; if so, M ends before it. */
static void stop_at_unwritten(struct emu_scsi_job *j, struct move *m)
{
	uint64_t lba;

	if (!emu_scsi_first_unwritten(j->lu, &m->range, &lba) || j->lu->unwritten.answer < 2)
		return;
	m->range.n = lba - m->range.lba;
	emu_scsi_check_at(j, SK_MEDIUM,
			  j->lu->unwritten.answer == 3 ? AC_WRITE_REQUIRED : AC_READ_ERROR, lba);
}

/*
 * Reads into M's buffer what can be read; what cannot ends it, and the host is told. RANGE.n
 * becomes the blocks that were read.
 */
static void fetch(struct emu_scsi_job *j, struct move *m)
{
	struct emu_scsi_lu *lu = j->lu;
	uint64_t bad;

	stop_at_unwritten(j, m);
	if (emu_media_fails(lu->media, m->range.lba, m->range.n, false, &bad)) {
		lu->read_errors++;
		m->range.n = bad - m->range.lba;
		emu_scsi_check_at(j, SK_MEDIUM, AC_READ_ERROR, bad);
	}
	emu_media_read(lu->media, m->range.lba, (uint32_t)m->range.n, m->buf, unmapped_reads(j->d));
	for (uint64_t i = 0; lu->pi_type && i < m->range.n; i++) {
		struct emu_scsi_range one = {m->range.lba + i, 1};
		uint8_t *block = m->buf + i * m->kept;
		uint64_t unwritten;
		uint16_t wrong;

		/* what was never written has no protection information that could be wrong */
		if (emu_scsi_first_unwritten(lu, &one, &unwritten))
			memset(block + lu->block_bytes, 0xff, m->kept - lu->block_bytes);
		wrong = emu_scsi_check_pi(lu, block, one.lba, m->protect);
		if (wrong) {
			m->range.n = i;
			emu_scsi_check_at(j, SK_ABORTED, wrong, one.lba);
		}
	}
}

void emu_scsi_do_read(struct emu_scsi_job *j)
{
	struct move m;

	if (!begin(j, &m))
		return;
	if (j->cmd->in_len < m.range.n * m.passed) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return;
	}
	if (!pass_time(j, &m))
		return;
	fetch(j, &m);
	for (uint64_t i = 0; i < m.range.n; i++)
		memcpy(j->cmd->in + i * m.passed, m.buf + i * m.kept, m.passed);
	j->cmd->moved = m.range.n * m.passed;
	free(m.buf);
}

/* The blocks from the host, with protection information; how many are fine. */
static void take_blocks(struct emu_scsi_job *j, struct move *m)
{
	const struct emu_scsi_lu *lu = j->lu;

	for (uint64_t i = 0; i < m->range.n; i++) {
		uint8_t *block = m->buf + i * m->kept;
		uint16_t wrong;

		memcpy(block, j->cmd->out + i * m->passed, m->passed);
		if (!m->protect) {
			emu_scsi_make_pi(lu, block, m->range.lba + i);
			continue;
		}
		wrong = emu_scsi_check_pi(lu, block, m->range.lba + i, m->protect);
		if (wrong) {
			m->range.n = i;
			emu_scsi_check_at(j, SK_ABORTED, wrong, m->range.lba + i);
		}
	}
}

void emu_scsi_do_write(struct emu_scsi_job *j)
{
	struct move m;
	uint64_t bad;

	if (!begin(j, &m))
		return;
	if (j->cmd->out_len < m.range.n * m.passed) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return;
	}
	if (!pass_time(j, &m))
		return;
	take_blocks(j, &m);
	/* what stands before the bad block is written */
	if (emu_media_fails(j->lu->media, m.range.lba, m.range.n, true, &bad)) {
		j->lu->write_errors++;
		m.range.n = bad - m.range.lba;
		emu_scsi_check_at(j, SK_MEDIUM, AC_WRITE_ERROR, bad);
	}
	emu_media_write(j->lu->media, m.range.lba, (uint32_t)m.range.n, m.buf);
	emu_scsi_note_written(j->lu, m.range.lba, m.range.n);
	j->cmd->moved = m.range.n * m.passed;
	free(m.buf);
}

/* BYTCHK 01b compares block by block, 11b every block with the same one. */
static void compare(struct emu_scsi_job *j, const struct move *m, bool is_same)
{
	for (uint64_t i = 0; i < m->range.n; i++) {
		const uint8_t *theirs = j->cmd->out + (is_same ? 0 : i * m->passed);

		if (memcmp(m->buf + i * m->kept, theirs, m->passed) != 0) {
			emu_scsi_check_at(j, SK_MISCOMPARE, AC_MISCOMPARE, m->range.lba + i);
			return;
		}
	}
}

void emu_scsi_do_verify(struct emu_scsi_job *j)
{
	unsigned how = j->cdb[1] >> 1 & 3;
	uint64_t sent;
	struct move m;

	if (!begin(j, &m))
		return;
	sent = how == 0 ? 0 : (how == 3 ? (m.range.n > 0) : m.range.n) * m.passed;
	if (how == 2 || j->cmd->out_len < sent) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return;
	}
	if (!pass_time(j, &m))
		return;
	fetch(j, &m);
	if (how != 0 && j->cmd->status == SC_GOOD)
		compare(j, &m, how == 3);
	if (j->cmd->status == SC_GOOD)
		j->cmd->moved = sent;
	free(m.buf);
}

void emu_scsi_do_synchronize(struct emu_scsi_job *j)
{
	struct emu_scsi_range r = emu_scsi_range_of(j->cdb);

	(void)emu_scsi_reach(j, &r);
}

/* Started or stopped; ejecting and power conditions are beyond it. */
void emu_scsi_do_start_stop(struct emu_scsi_job *j)
{
	if (j->cdb[4] & 0xf0)
		return; /* a power condition: it wakes by itself */
	if (j->cdb[4] & 0x02)
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
	else
		j->lu->stopped = !(j->cdb[4] & 0x01);
}
