#include "tests/emu/scsi_ask.h"

#include "base/wire.h"

#include <string.h>

static uint32_t meaning(const uint8_t *s, size_t len)
{
	bool fixed = (s[0] & 0x7e) == 0x70;
	uint32_t deferred = s[0] & 1 ? EMU_DEFERRED : 0;

	if (len < (fixed ? 14U : 8U))
		return EMU_NO_SENSE_DATA;
	if (fixed)
		return deferred | (uint32_t)s[2] << 16 | get_be16(s + 12);
	return deferred | (uint32_t)s[1] << 16 | get_be16(s + 2);
}

static uint32_t run(struct emu_host *h)
{
	h->cmd.give_up_ns = h->give_up_ns;
	emu_scsi_exec(&h->bay, &h->cmd);
	if (!h->cmd.answered)
		return EMU_NO_ANSWER;
	switch (h->cmd.status) {
	case 0x00:
		return EMU_GOOD;
	case 0x02:
		return meaning(h->cmd.sense, h->cmd.sense_len);
	case 0x18:
		return EMU_CONFLICT;
	default:
		return EMU_NO_SENSE_DATA;
	}
}

uint32_t emu_host_in(struct emu_host *h, const uint8_t *cdb, size_t cdb_len, size_t len)
{
	memset(h->data, 0xcc, sizeof(h->data));
	h->cmd = (struct emu_scsi_cmd){
		.cdb = cdb, .cdb_len = cdb_len, .in = len ? h->data : NULL, .in_len = len};
	return run(h);
}

uint32_t emu_host_out(struct emu_host *h, const uint8_t *cdb, size_t cdb_len, size_t len)
{
	h->cmd = (struct emu_scsi_cmd){
		.cdb = cdb, .cdb_len = cdb_len, .out = len ? h->data : NULL, .out_len = len};
	return run(h);
}

uint32_t emu_host_ready(struct emu_host *h)
{
	return emu_host_in(h, EMU_CDB(0, 0, 0, 0, 0, 0), 0);
}

void emu_host_plug(struct emu_host *h, struct emu_scsi *drive)
{
	h->bay.drive = drive;
	while (emu_host_ready(h) == 0x062900)
		continue;
}

uint32_t emu_host_sense(struct emu_host *h, bool descriptors, int *progress)
{
	uint32_t got = emu_host_in(h, EMU_CDB(0x03, descriptors, 0, 0, 252, 0), 252);
	const uint8_t *s = h->data;

	*progress = -1;
	if (got != EMU_GOOD)
		return got;
	if ((s[0] & 0x7e) == 0x70 && (s[15] & 0x80))
		*progress = get_be16(s + 16);
	else if ((s[0] & 0x7e) == 0x72 && s[7] >= 8 && s[8] == 0x02 && (s[12] & 0x80))
		*progress = get_be16(s + 13);
	return meaning(s, h->cmd.moved);
}

static void address(uint8_t cdb[16], uint8_t opcode, uint64_t lba, uint32_t n)
{
	memset(cdb, 0, 16);
	cdb[0] = opcode;
	put_be64(cdb + 2, lba);
	put_be32(cdb + 10, n);
}

uint32_t emu_host_read(struct emu_host *h, uint64_t lba, uint32_t n, size_t block)
{
	uint8_t cdb[16];

	address(cdb, 0x88, lba, n);
	return emu_host_in(h, cdb, sizeof(cdb), n * block);
}

uint32_t emu_host_write(struct emu_host *h, uint64_t lba, uint32_t n, size_t block)
{
	uint8_t cdb[16];

	address(cdb, 0x8a, lba, n);
	return emu_host_out(h, cdb, sizeof(cdb), n * block);
}

uint32_t emu_host_sanitize(struct emu_host *h, uint8_t byte1, uint8_t passes, uint32_t pattern)
{
	uint8_t cdb[10] = {0x48, byte1};
	size_t len = (byte1 & 0x1f) == 0x01 ? 8 : 0;

	put_be16(cdb + 7, (uint16_t)len);
	h->data[0] = passes;
	h->data[1] = 0;
	put_be16(h->data + 2, 4);
	put_be32(h->data + 4, pattern);
	return emu_host_out(h, cdb, sizeof(cdb), len);
}
