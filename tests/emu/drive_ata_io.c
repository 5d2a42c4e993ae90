#include "base/wire.h"
#include "tests/emu/drive_ata_inside.h"

#include <string.h>

/* what a sector costs: 200 MB/s of a disk, 500 MB/s of flash */
#define DISK_NS_PER_BYTE  5
#define FLASH_NS_PER_BYTE 2

static uint32_t count_of(const struct emu_ata_cmd *cmd)
{
	if (cmd->count)
		return cmd->count;
	return cmd->is_48bit ? 65536 : 256;
}

static void fail_at(struct emu_ata_result *r, uint8_t error, uint64_t lba)
{
	r->status = ST_READY | ST_ERR;
	r->error = error;
	r->lba = lba;
	r->in_len = 0;
}

/* The range is there, and the time that it takes goes by. */
static bool reach(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	uint64_t n = count_of(cmd);
	uint64_t done;
	enum emu_end end;

	if (cmd->lba >= d->hid.now || n > d->hid.now - cmd->lba) {
		fail_at(r, ER_IDNF, cmd->lba > d->hid.now ? cmd->lba : d->hid.now);
		return false;
	}
	end = emu_ata_busy(d,
			   n * d->cfg.logical_bytes *
				   (d->cfg.is_ssd ? FLASH_NS_PER_BYTE : DISK_NS_PER_BYTE),
			   &done);
	emu_ata_cut_off(d, end, r);
	return end == EMU_END_DONE;
}

void emu_ata_do_read(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	uint32_t n = count_of(cmd);
	uint64_t bad;

	if (cmd->len != (size_t)n * d->cfg.logical_bytes) {
		emu_ata_abort(r);
		return;
	}
	if (!reach(d, cmd, r))
		return;
	if (emu_media_fails(d->media, cmd->lba, n, false, &bad)) {
		fail_at(r, ER_UNC, bad);
		return;
	}
	emu_media_read(d->media, cmd->lba, n, cmd->in, d->cfg.trimmed);
	r->in_len = cmd->len;
}

void emu_ata_do_verify(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	uint64_t bad;

	if (reach(d, cmd, r) && emu_media_fails(d->media, cmd->lba, count_of(cmd), false, &bad))
		fail_at(r, ER_UNC, bad);
}

void emu_ata_do_write(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	uint32_t n = count_of(cmd);
	uint64_t bad;
	bool fails;

	if (cmd->len != (size_t)n * d->cfg.logical_bytes) {
		emu_ata_abort(r);
		return;
	}
	if (!reach(d, cmd, r))
		return;
	fails = emu_media_fails(d->media, cmd->lba, n, true, &bad);
	/* what stands before the bad sector is written */
	emu_media_write(d->media, cmd->lba, fails ? (uint32_t)(bad - cmd->lba) : n, cmd->out);
	if (fails)
		fail_at(r, ER_IDNF, bad);
}

/* [ACS-3 DATA SET MANAGEMENT]: 8 bytes a range, LBA in the lower 48 bits, sectors above. */
void emu_ata_do_trim(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	if (!d->cfg.has_trim || cmd->feature != 0x0001 || cmd->count == 0 || cmd->count > 8 ||
	    cmd->len != cmd->count * 512U) {
		emu_ata_abort(r);
		return;
	}
	for (size_t at = 0; at < cmd->len; at += 8) {
		uint64_t entry = get_le64(cmd->out + at);
		uint64_t lba = entry & 0xffffffffffffULL;
		uint64_t n = entry >> 48;

		if (n == 0)
			continue;
		if (lba >= d->hid.now || n > d->hid.now - lba) {
			fail_at(r, ER_IDNF, lba);
			return;
		}
		emu_media_trim(d->media, lba, n);
	}
}

/* The protocols there are, and TCG Level 0 Discovery: TPer, Locking with media encryption, Opal 2.
 */
void emu_ata_do_trusted_receive(struct emu_ata *d, const struct emu_ata_cmd *cmd,
				struct emu_ata_result *r)
{
	static const uint8_t protocols[] = {0, 0, 0, 0, 0, 0, 0, 2, 0x00, 0x01};
	static const uint8_t discovery[] = {
		[3] = 96,    [5] = 1,		      /* length after itself, version 0001h */
		[48] = 0x00, 0x01,    0x10, 12, 0x01, /* TPer: sync */
		[64] = 0x00, 0x02,    0x10, 12, 0x01 | 0x08, /* Locking: supported, encrypts */
		[80] = 0x02, 0x03,    0x10, 12, 0x08,
		0x00,	     0x00,    0x01, /* Opal 2: first ComID, one */
		[99] = 0,
	};
	unsigned specific = (unsigned)(cmd->lba >> 8 & 0xffff);
	size_t len = ((cmd->lba & 0xff) << 8 | (cmd->count & 0xff)) * 512U;
	const uint8_t *data = NULL;
	size_t n = 0;

	if (d->cfg.has_trusted && cmd->feature == 0x00 && specific == 0x0000) {
		data = protocols;
		n = sizeof(protocols);
	} else if (d->cfg.has_trusted && cmd->feature == 0x01 && specific == 0x0001) {
		data = discovery;
		n = sizeof(discovery);
	}
	if (!data || len == 0 || cmd->len != len) {
		emu_ata_abort(r);
		return;
	}
	memset(cmd->in, 0, len);
	memcpy(cmd->in, data, n);
	r->in_len = len;
}
