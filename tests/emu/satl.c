#include "tests/emu/satl_inside.h"

#include "base/wire.h"

#include <stdlib.h>
#include <string.h>

#define INVALID_OPCODE 0x2000
#define INVALID_FIELD  0x2400
#define OUT_OF_RANGE   0x2100
#define POWER_ON       0x2900
#define SANITIZING     0x041b

void emu_satl_sense(const struct emu_satl *s, struct emu_scsi_cmd *cmd, uint8_t key, uint16_t code)
{
	memset(cmd->sense, 0, sizeof(cmd->sense));
	cmd->status = SCSI_CHECK;
	if (s->fixed_sense) {
		cmd->sense[0] = 0x70;
		cmd->sense[2] = key;
		cmd->sense[7] = 10;
		put_be16(cmd->sense + 12, code);
		cmd->sense_len = 18;
		return;
	}
	cmd->sense[0] = 0x72;
	cmd->sense[1] = key;
	put_be16(cmd->sense + 2, code);
	cmd->sense_len = 8;
}

void emu_satl_give(struct emu_scsi_cmd *cmd, const uint8_t *data, size_t len)
{
	cmd->moved = len < cmd->in_len ? len : cmd->in_len;
	if (cmd->moved)
		memcpy(cmd->in, data, cmd->moved);
}

bool emu_satl_send(struct emu_satl *s, struct emu_scsi_cmd *cmd, const struct emu_ata_cmd *ata,
		   struct emu_ata_result *r)
{
	struct emu_ata_cmd sent = *ata;

	sent.give_up_ns = cmd->give_up_ns;
	emu_ata_exec(s->drive, &sent, r);
	cmd->answered = r->answered;
	if (!r->answered)
		s->has_attention = true;
	return r->answered;
}

void emu_satl_plug(struct emu_satl *s, struct emu_ata *drive)
{
	s->drive = drive;
	s->has_attention = true;
}

void emu_satl_power_cycle(struct emu_satl *s)
{
	if (!s->drive)
		return;
	emu_ata_power_off(s->drive);
	emu_ata_power_on(s->drive);
	s->has_attention = true;
}

static void capacity(const struct emu_satl *s, struct emu_scsi_cmd *cmd, bool is_16)
{
	const struct emu_ata_config *c = emu_ata_config_of(s->drive);
	uint64_t last = emu_ata_sectors(s->drive) - 1;
	uint8_t data[32] = {0};

	if (!is_16) {
		put_be32(data, last > 0xfffffffe ? 0xffffffff : (uint32_t)last);
		put_be32(data + 4, c->logical_bytes);
		emu_satl_give(cmd, data, 8);
		return;
	}
	put_be64(data, last);
	put_be32(data + 8, c->logical_bytes);
	data[13] = (uint8_t)(c->physical_exponent & 0x0f);
	if (c->has_trim)
		data[14] = 0x80 |
			   (c->trim_is_deterministic && c->trimmed == EMU_TRIMMED_ZERO ? 0x40 : 0);
	emu_satl_give(cmd, data, sizeof(data));
}

/* An ATA command that ended badly, as a SCSI disk would put it. */
static bool ended_well(const struct emu_satl *s, struct emu_scsi_cmd *cmd,
		       const struct emu_ata_result *r)
{
	if (!(r->status & 0x21))
		return true;
	cmd->moved = 0;
	if (r->error & 0x40)
		emu_satl_sense(s, cmd, 0x03, 0x1104);
	else if (r->error & 0x10)
		emu_satl_sense(s, cmd, 0x05, OUT_OF_RANGE);
	else if (emu_ata_sanitize_state(s->drive) == EMU_SD2)
		emu_satl_sense(s, cmd, 0x02, SANITIZING);
	else
		emu_satl_sense(s, cmd, 0x0b, 0x0000);
	return false;
}

enum io { IO_READ, IO_WRITE, IO_VERIFY };

static void move(struct emu_satl *s, struct emu_scsi_cmd *cmd, enum io io)
{
	size_t block = emu_ata_config_of(s->drive)->logical_bytes;
	bool is_16 = cmd->cdb[0] >= 0x80;
	uint64_t lba = is_16 ? get_be64(cmd->cdb + 2) : get_be32(cmd->cdb + 2);
	uint32_t n = is_16 ? get_be32(cmd->cdb + 10) : get_be16(cmd->cdb + 7);
	size_t len = (size_t)n * block;
	struct emu_ata_result r;
	struct emu_ata_cmd ata = {.is_48bit = true, .device = 0x40, .lba = lba};

	if (n == 0)
		return;
	if (lba >= emu_ata_sectors(s->drive) || n > emu_ata_sectors(s->drive) - lba) {
		emu_satl_sense(s, cmd, 0x05, OUT_OF_RANGE);
		return;
	}
	if (n > 65535 || (io == IO_READ && cmd->in_len < len) ||
	    (io == IO_WRITE && cmd->out_len < len)) {
		emu_satl_sense(s, cmd, 0x05, INVALID_FIELD);
		return;
	}
	ata.count = (uint16_t)n;
	ata.command = io == IO_READ ? 0x25 : io == IO_WRITE ? 0x35 : 0x42;
	ata.way = io == IO_READ ? EMU_DMA_IN : io == IO_WRITE ? EMU_DMA_OUT : EMU_NON_DATA;
	ata.in = cmd->in;
	ata.out = cmd->out;
	ata.len = io == IO_VERIFY ? 0 : len;
	if (emu_satl_send(s, cmd, &ata, &r) && ended_well(s, cmd, &r))
		cmd->moved = ata.len;
}

static void simple(struct emu_satl *s, struct emu_scsi_cmd *cmd, uint8_t command, bool is_48bit)
{
	struct emu_ata_cmd ata = {.command = command, .is_48bit = is_48bit, .device = 0x40};
	struct emu_ata_result r;

	if (emu_satl_send(s, cmd, &ata, &r))
		(void)ended_well(s, cmd, &r);
}

static void unmap(struct emu_satl *s, struct emu_scsi_cmd *cmd)
{
	uint8_t ranges[512] = {0};
	struct emu_ata_cmd ata = {.command = 0x06,
				  .is_48bit = true,
				  .feature = 1,
				  .count = 1,
				  .device = 0x40,
				  .way = EMU_DMA_OUT,
				  .out = ranges,
				  .len = sizeof(ranges)};
	size_t len = get_be16(cmd->cdb + 7);
	size_t used = 0;
	struct emu_ata_result r;

	if (len < 8 || len > cmd->out_len || get_be16(cmd->out + 2) + 8U > len) {
		emu_satl_sense(s, cmd, 0x05, 0x1a00);
		return;
	}
	for (size_t at = 8; at + 16 <= 8U + get_be16(cmd->out + 2); at += 16) {
		uint64_t lba = get_be64(cmd->out + at);
		uint32_t n = get_be32(cmd->out + at + 8);

		while (n && used < 64) {
			uint32_t part = n > 65535 ? 65535 : n;

			put_le64(ranges + 8 * used++,
				 (lba & 0xffffffffffffULL) | (uint64_t)part << 48);
			lba += part;
			n -= part;
		}
		if (n) {
			emu_satl_sense(s, cmd, 0x05, 0x2600);
			return;
		}
	}
	if (emu_satl_send(s, cmd, &ata, &r) && ended_well(s, cmd, &r))
		cmd->moved = len;
}

static void request_sense(struct emu_satl *s, struct emu_scsi_cmd *cmd)
{
	bool wants_descriptors = (cmd->cdb[1] & 1) != 0;
	struct emu_satl as = *s;
	struct emu_scsi_cmd inner = {0};
	size_t allocated = cmd->cdb[4];
	uint8_t *sense = inner.sense;

	as.fixed_sense = !wants_descriptors;
	if (emu_ata_sanitize_state(s->drive) == EMU_SD2) {
		emu_satl_sense(&as, &inner, 0x02, SANITIZING);
		if (wants_descriptors) {
			sense[7] = 8;
			sense[8] = 0x02;
			sense[9] = 6;
			inner.sense_len = 16;
		}
		sense += wants_descriptors ? 12 : 15;
		sense[0] = 0x80;
		put_be16(sense + 1, emu_ata_sanitize_progress(s->drive));
	} else if (s->has_attention) {
		emu_satl_sense(&as, &inner, 0x06, POWER_ON);
		s->has_attention = false;
	} else {
		emu_satl_sense(&as, &inner, 0x00, 0x0000);
	}
	emu_satl_give(cmd, inner.sense, inner.sense_len < allocated ? inner.sense_len : allocated);
}

/* SECURITY PROTOCOL IN becomes TRUSTED RECEIVE DMA. */
static void security_in(struct emu_satl *s, struct emu_scsi_cmd *cmd)
{
	bool in_blocks = (cmd->cdb[4] & 0x80) != 0;
	uint64_t bytes = (uint64_t)get_be32(cmd->cdb + 6) * (in_blocks ? 512 : 1);
	uint64_t blocks = (bytes + 511) / 512;
	struct emu_ata_cmd ata = {.command = 0x5d, .device = 0x40, .way = EMU_DMA_IN};
	struct emu_ata_result r;
	uint8_t *data;

	if (blocks == 0 || blocks > 0xffff) {
		emu_satl_sense(s, cmd, 0x05, INVALID_FIELD);
		return;
	}
	data = calloc(blocks, 512);
	if (!data)
		abort();
	ata.feature = cmd->cdb[1];
	ata.count = (uint16_t)(blocks & 0xff);
	ata.lba = blocks >> 8 | (uint64_t)get_be16(cmd->cdb + 2) << 8;
	ata.in = data;
	ata.len = blocks * 512;
	if (emu_satl_send(s, cmd, &ata, &r) && ended_well(s, cmd, &r))
		emu_satl_give(cmd, data, bytes < ata.len ? bytes : ata.len);
	free(data);
}

static void test_ready(struct emu_satl *s, struct emu_scsi_cmd *cmd)
{
	if (emu_ata_sanitize_state(s->drive) == EMU_SD2)
		emu_satl_sense(s, cmd, 0x02, SANITIZING);
	else if (emu_ata_sanitize_state(s->drive) == EMU_SD3)
		emu_satl_sense(s, cmd, 0x03, 0x3103);
	else
		simple(s, cmd, 0xe5, false);
}

static void report_luns(struct emu_scsi_cmd *cmd)
{
	static const uint8_t one[16] = {[3] = 8};

	emu_satl_give(cmd, one, sizeof(one));
}

static void dispatch(struct emu_satl *s, struct emu_scsi_cmd *cmd)
{
	switch (cmd->cdb[0]) {
	case 0x00:
		test_ready(s, cmd);
		break;
	case 0x12:
		emu_satl_inquiry(s, cmd);
		break;
	case 0x03:
		request_sense(s, cmd);
		break;
	case 0x1a:
	case 0x5a:
		emu_satl_mode_sense(s, cmd);
		break;
	case 0x1b: /* START STOP UNIT: STANDBY IMMEDIATE, or nothing is to be done */
		if (!(cmd->cdb[4] & 1))
			simple(s, cmd, 0xe0, false);
		break;
	case 0x25:
		capacity(s, cmd, false);
		break;
	case 0x9e:
		if ((cmd->cdb[1] & 0x1f) == 0x10)
			capacity(s, cmd, true);
		else
			emu_satl_sense(s, cmd, 0x05, INVALID_FIELD);
		break;
	case 0x28:
	case 0x88:
		move(s, cmd, IO_READ);
		break;
	case 0x2a:
	case 0x8a:
		move(s, cmd, IO_WRITE);
		break;
	case 0x2f:
	case 0x8f:
		move(s, cmd, IO_VERIFY);
		break;
	case 0x35:
	case 0x91:
		simple(s, cmd, 0xea, true);
		break;
	case 0x42:
		unmap(s, cmd);
		break;
	case 0xa0:
		report_luns(cmd);
		break;
	case 0xa2:
		security_in(s, cmd);
		break;
	case 0x7f:
	case 0x85:
	case 0xa1:
		if (s->no_pass_through || (cmd->cdb[0] == 0x7f && get_be16(cmd->cdb + 8) != 0x1ff0))
			emu_satl_sense(s, cmd, 0x05, INVALID_OPCODE);
		else
			emu_satl_pass_through(s, cmd);
		break;
	default:
		emu_satl_sense(s, cmd, 0x05, INVALID_OPCODE);
		break;
	}
}

/* The length that a CDB of this opcode has at least. */
static size_t cdb_len(uint8_t opcode)
{
	static const uint8_t by_group[8] = {6, 10, 10, 32, 16, 12, 6, 6};

	return by_group[opcode >> 5];
}

void emu_satl_exec(struct emu_satl *s, struct emu_scsi_cmd *cmd)
{
	uint8_t opcode = cmd->cdb[0];

	cmd->answered = false;
	cmd->status = SCSI_GOOD;
	cmd->moved = 0;
	cmd->sense_len = 0;
	s->commands++;
	if (s->vanishes_after && s->commands > s->vanishes_after)
		s->drive = NULL;
	if (s->swaps_after && s->commands == s->swaps_after + 1)
		emu_satl_plug(s, s->swap_for);
	if (!s->drive || cmd->cdb_len < cdb_len(opcode))
		return;
	cmd->answered = true;
	if (s->has_attention && opcode != 0x12 && opcode != 0xa0 && opcode != 0x03) {
		s->has_attention = false;
		emu_satl_sense(s, cmd, 0x06, POWER_ON);
		return;
	}
	dispatch(s, cmd);
}

static void unit_exec(void *ctx, struct emu_scsi_cmd *cmd)
{
	emu_satl_exec(ctx, cmd);
}

static void unit_power_off(void *ctx)
{
	struct emu_satl *s = ctx;

	if (s->drive)
		emu_ata_power_off(s->drive);
}

static void unit_power_on(void *ctx)
{
	struct emu_satl *s = ctx;

	if (s->drive)
		emu_ata_power_on(s->drive);
	s->has_attention = true;
}

static void unit_reset(void *ctx)
{
	struct emu_satl *s = ctx;

	if (s->drive)
		emu_ata_reset(s->drive);
	s->has_attention = true;
}

static struct emu_time *unit_time(void *ctx)
{
	struct emu_satl *s = ctx;

	return s->drive ? emu_ata_time(s->drive) : NULL;
}

struct emu_unit emu_satl_unit(struct emu_satl *s)
{
	static const struct emu_unit_ops ops = {
		.exec = unit_exec,
		.power_off = unit_power_off,
		.power_on = unit_power_on,
		.reset = unit_reset,
		.time = unit_time,
	};

	return (struct emu_unit){&ops, s};
}
