#include "tests/emu/emu_ask.h"

#include "base/wire.h"

#include <string.h>

struct emu_ata_result emu_ask(struct emu_ata *d, uint8_t command, bool is_48bit, uint16_t feature,
			      uint16_t count, uint64_t lba)
{
	struct emu_ata_cmd cmd = {
		.command = command,
		.is_48bit = is_48bit,
		.feature = feature,
		.count = count,
		.lba = lba,
		.device = 0x40,
	};
	struct emu_ata_result r;

	emu_ata_exec(d, &cmd, &r);
	return r;
}

static bool is_dma(uint8_t command)
{
	return command == 0x06 || command == 0x25 || command == 0x35 || command == 0xc8 ||
	       command == 0xca || command == 0x47 || command == 0x5d;
}

struct emu_ata_result emu_ask_in(struct emu_ata *d, const struct emu_ata_cmd *cmd, void *data,
				 size_t len)
{
	struct emu_ata_cmd sent = *cmd;
	struct emu_ata_result r;

	sent.way = is_dma(cmd->command) ? EMU_DMA_IN : EMU_PIO_IN;
	sent.in = data;
	sent.len = len;
	emu_ata_exec(d, &sent, &r);
	return r;
}

struct emu_ata_result emu_ask_out(struct emu_ata *d, const struct emu_ata_cmd *cmd,
				  const void *data, size_t len)
{
	struct emu_ata_cmd sent = *cmd;
	struct emu_ata_result r;

	sent.way = is_dma(cmd->command) ? EMU_DMA_OUT : EMU_PIO_OUT;
	sent.out = data;
	sent.len = len;
	emu_ata_exec(d, &sent, &r);
	return r;
}

struct emu_ata_result emu_ask_password(struct emu_ata *d, uint8_t command, uint16_t control,
				       const char *password)
{
	struct emu_ata_cmd cmd = {.command = command, .count = 1, .device = 0x40};
	uint8_t data[512] = {0};
	size_t len = strlen(password);

	put_le16(data, control);
	memcpy(data + 2, password, len < 32 ? len : 32);
	return emu_ask_out(d, &cmd, data, sizeof(data));
}

struct emu_ata_result emu_ask_erase(struct emu_ata *d, uint16_t control, const char *password)
{
	struct emu_ata_result r = emu_ask(d, 0xf3, false, 0, 0, 0);

	return emu_is_good(&r) ? emu_ask_password(d, 0xf4, control, password) : r;
}

struct emu_ata_result emu_ask_read(struct emu_ata *d, uint64_t lba, uint8_t *sector)
{
	struct emu_ata_cmd cmd = {
		.command = 0x25, .is_48bit = true, .count = 1, .lba = lba, .device = 0x40};

	return emu_ask_in(d, &cmd, sector, emu_ata_config_of(d)->logical_bytes);
}

struct emu_ata_result emu_ask_write(struct emu_ata *d, uint64_t lba, const uint8_t *sector)
{
	struct emu_ata_cmd cmd = {
		.command = 0x35, .is_48bit = true, .count = 1, .lba = lba, .device = 0x40};

	return emu_ask_out(d, &cmd, sector, emu_ata_config_of(d)->logical_bytes);
}

struct emu_ata_result emu_ask_sanitize(struct emu_ata *d, uint16_t feature, uint16_t count,
				       uint32_t pattern)
{
	uint64_t lba = 0;

	switch (feature) {
	case 0x11:
		lba = 0x43727970;
		break;
	case 0x12:
		lba = 0x426b4572;
		break;
	case 0x14:
		lba = 0x4f57ULL << 32 | pattern;
		break;
	case 0x20:
		lba = 0x46724c6b;
		break;
	case 0x40:
		lba = 0x416e7469;
		break;
	default:
		break;
	}
	return emu_ask(d, 0xb4, true, feature, count, lba);
}

bool emu_is_good(const struct emu_ata_result *r)
{
	return r->answered && r->status == 0x50 && r->error == 0;
}

bool emu_is_abort(const struct emu_ata_result *r)
{
	return r->answered && (r->status & 0x01) && r->error == 0x04;
}
