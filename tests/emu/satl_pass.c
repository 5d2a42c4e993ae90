/* ATA PASS-THROUGH and the registers that come back. */
#include "base/wire.h"
#include "tests/emu/satl_inside.h"

#include <string.h>

#define FLAG_CK_COND 0x20
#define FLAG_T_TYPE  0x10
#define FLAG_T_DIR   0x08
#define FLAG_BLOCKS  0x04
#define T_LENGTH     0x03

#define INVALID_FIELD 0x2400

/* PROTOCOL */
enum {
	P_HARD_RESET = 0,
	P_SOFT_RESET = 1,
	P_NON_DATA = 3,
	P_PIO_IN,
	P_PIO_OUT,
	P_DMA,
	P_UDMA_IN = 10,
	P_UDMA_OUT,
	P_RETURN = 15
};

struct pass {
	unsigned protocol;
	uint8_t flags;
	struct emu_ata_cmd ata;
};

static void parse_12(struct pass *p, const uint8_t *c)
{
	p->ata.feature = c[3];
	p->ata.count = c[4];
	p->ata.lba = c[5] | (uint64_t)c[6] << 8 | (uint64_t)c[7] << 16;
	p->ata.device = c[8];
	p->ata.command = c[9];
}

static void parse_16(struct pass *p, const uint8_t *c)
{
	p->ata.feature = c[4];
	p->ata.count = c[6];
	p->ata.lba = c[8] | (uint64_t)c[10] << 8 | (uint64_t)c[12] << 16;
	p->ata.device = c[13];
	p->ata.command = c[14];
	if (!p->ata.is_48bit)
		return;
	p->ata.feature |= (uint16_t)(c[3] << 8);
	p->ata.count |= (uint16_t)(c[5] << 8);
	p->ata.lba |= (uint64_t)c[7] << 24 | (uint64_t)c[9] << 32 | (uint64_t)c[11] << 40;
}

static void parse_32(struct pass *p, const uint8_t *c)
{
	p->ata.feature = c[21];
	p->ata.count = c[23];
	p->ata.lba = c[19] | (uint64_t)c[18] << 8 | (uint64_t)c[17] << 16;
	p->ata.device = c[24];
	p->ata.command = c[25];
	if (!p->ata.is_48bit)
		return;
	p->ata.feature |= (uint16_t)(c[20] << 8);
	p->ata.count |= (uint16_t)(c[22] << 8);
	p->ata.lba |= (uint64_t)c[16] << 24 | (uint64_t)c[15] << 32 | (uint64_t)c[14] << 40;
}

static bool parse(struct pass *p, const uint8_t *c, size_t len)
{
	const uint8_t *head = c + (c[0] == 0x7f ? 10 : 1);

	*p = (struct pass){.protocol = head[0] >> 1 & 0x0f, .flags = head[1]};
	p->ata.is_48bit = (head[0] & 1) != 0;
	if (c[0] == 0x85 && len == 16)
		parse_16(p, c);
	else if (c[0] == 0xa1 && len == 12 && !p->ata.is_48bit)
		parse_12(p, c);
	else if (c[0] == 0x7f && len == 32)
		parse_32(p, c);
	else
		return false;
	if (!p->ata.is_48bit)
		p->ata.lba |= (uint64_t)(p->ata.device & 0x0f) << 24;
	return true;
}

/* How many bytes the CDB says that the drive will move. */
static size_t transfer_len(const struct emu_satl *s, const struct pass *p,
			   const struct emu_scsi_cmd *cmd)
{
	size_t unit = 1;
	size_t n = 0;

	switch (p->flags & T_LENGTH) {
	case 1:
		n = p->ata.feature;
		break;
	case 2:
		n = p->ata.count;
		if (n == 0 && (p->flags & FLAG_BLOCKS))
			n = p->ata.is_48bit ? 65536 : 256;
		break;
	case 3: /* what the transport moves */
		return p->flags & FLAG_T_DIR ? cmd->in_len : cmd->out_len;
	default:
		break;
	}
	if (p->flags & FLAG_BLOCKS)
		unit = p->flags & FLAG_T_TYPE ? emu_ata_config_of(s->drive)->logical_bytes : 512;
	return n * unit;
}

static bool set_way(struct pass *p)
{
	bool in = (p->flags & FLAG_T_DIR) != 0;

	switch (p->protocol) {
	case P_NON_DATA:
		p->ata.way = EMU_NON_DATA;
		return (p->flags & T_LENGTH) == 0;
	case P_PIO_IN:
		p->ata.way = EMU_PIO_IN;
		return in;
	case P_PIO_OUT:
		p->ata.way = EMU_PIO_OUT;
		return !in;
	case P_DMA:
		p->ata.way = in ? EMU_DMA_IN : EMU_DMA_OUT;
		return true;
	case P_UDMA_IN:
		p->ata.way = EMU_DMA_IN;
		return in;
	case P_UDMA_OUT:
		p->ata.way = EMU_DMA_OUT;
		return !in;
	default:
		return false;
	}
}

/* The ATA Status Return descriptor in descriptor sense. */
static void descriptor(const struct emu_satl *s, struct emu_scsi_cmd *cmd)
{
	const struct emu_ata_result *r = &s->last;
	uint8_t *d = cmd->sense + 8;

	cmd->sense[7] = 14;
	cmd->sense_len = 22;
	d[0] = 0x09;
	d[1] = 12;
	if (s->registers == EMU_REGISTERS_ZERO)
		return;
	d[3] = r->error;
	d[5] = (uint8_t)r->count;
	d[7] = (uint8_t)r->lba;
	d[9] = (uint8_t)(r->lba >> 8);
	d[11] = (uint8_t)(r->lba >> 16);
	d[12] = r->device;
	d[13] = r->status;
	if (!s->last_is_48bit) {
		d[12] = (uint8_t)((d[12] & 0xf0) | (r->lba >> 24 & 0x0f));
		return;
	}
	d[2] = 1;
	d[4] = (uint8_t)(r->count >> 8);
	d[6] = (uint8_t)(r->lba >> 24);
	d[8] = (uint8_t)(r->lba >> 32);
	d[10] = (uint8_t)(r->lba >> 40);
}

/* Fixed sense has no room for COUNT 15:8 and LBA 47:24. */
static void fixed(const struct emu_satl *s, struct emu_scsi_cmd *cmd)
{
	const struct emu_ata_result *r = &s->last;
	uint8_t *f = cmd->sense;

	if (s->registers == EMU_REGISTERS_ZERO)
		return;
	f[3] = r->error;
	f[4] = r->status;
	f[5] = r->device;
	f[6] = (uint8_t)r->count;
	f[9] = (uint8_t)r->lba;
	f[10] = (uint8_t)(r->lba >> 8);
	f[11] = (uint8_t)(r->lba >> 16);
	if (!s->last_is_48bit) {
		f[5] = (uint8_t)((f[5] & 0xf0) | (r->lba >> 24 & 0x0f));
		return;
	}
	f[8] = (uint8_t)(0x80 | (r->count >> 8 ? 0x40 : 0) | (r->lba >> 24 ? 0x20 : 0));
}

static void return_registers(const struct emu_satl *s, struct emu_scsi_cmd *cmd, bool wanted)
{
	bool failed = (s->last.status & 0x21) != 0;
	uint16_t code = failed ? 0x0000 : 0x001d;

	if (failed && (s->last.error & 0x40))
		emu_satl_sense(s, cmd, 0x03, code = 0x1104);
	else if (failed && (s->last.error & 0x10))
		emu_satl_sense(s, cmd, 0x05, code = 0x2100);
	else if (failed)
		emu_satl_sense(s, cmd, 0x0b, code);
	else if (wanted && s->registers != EMU_REGISTERS_LOST)
		emu_satl_sense(s, cmd, 0x01, code);
	else
		return;
	if (s->registers == EMU_REGISTERS_LOST)
		return;
	/* registers in fixed sense are known by 00/1D alone */
	if (s->fixed_sense && code == 0x001d)
		fixed(s, cmd);
	else if (!s->fixed_sense)
		descriptor(s, cmd);
}

void emu_satl_pass_through(struct emu_satl *s, struct emu_scsi_cmd *cmd)
{
	struct emu_ata_result r;
	struct pass p;

	if (!parse(&p, cmd->cdb, cmd->cdb_len)) {
		emu_satl_sense(s, cmd, 0x05, INVALID_FIELD);
		return;
	}
	if (p.protocol == P_HARD_RESET || p.protocol == P_SOFT_RESET) {
		emu_ata_reset(s->drive);
		return;
	}
	if (p.protocol == P_RETURN) {
		return_registers(s, cmd, true);
		return;
	}
	if (!set_way(&p)) {
		emu_satl_sense(s, cmd, 0x05, INVALID_FIELD);
		return;
	}
	p.ata.len = p.ata.way == EMU_NON_DATA ? 0 : transfer_len(s, &p, cmd);
	if (p.ata.len > (p.flags & FLAG_T_DIR ? cmd->in_len : cmd->out_len)) {
		emu_satl_sense(s, cmd, 0x05, INVALID_FIELD);
		return;
	}
	p.ata.in = cmd->in;
	p.ata.out = cmd->out;
	if (s->drops_erase && p.ata.command == 0xf4) {
		emu_satl_sense(s, cmd, 0x05, 0x2000);
		return;
	}
	if (!emu_satl_send(s, cmd, &p.ata, &r))
		return;
	s->last = r;
	s->last_is_48bit = p.ata.is_48bit;
	cmd->moved = p.flags & FLAG_T_DIR ? r.in_len : p.ata.len;
	return_registers(s, cmd, (p.flags & FLAG_CK_COND) != 0);
}
