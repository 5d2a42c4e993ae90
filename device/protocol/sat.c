#include "device/protocol/sat.h"

#include "base/span.h"

#include <string.h>

/* Byte 1: multiple count 7:5, protocol 4:1, EXTEND 0. */
#define PROTOCOL_SHIFT 1
#define PROTOCOL_MASK  0x0f
#define MULTIPLE_MASK  0xe0
#define EXTEND	       0x01
/* Byte 2: off-line 7:6, CK_COND 5, T_TYPE 4, T_DIR 3, BYT_BLOK 2, T_LENGTH 1:0. */
#define OFF_LINE_MASK  0xc0
#define CK_COND	       0x20
#define T_TYPE	       0x10
#define T_DIR_IN       0x08
#define BYT_BLOK       0x04
#define T_LENGTH_MASK  0x03
#define T_LENGTH_COUNT 0x02

/* Sense data. */
#define RESPONSE_MASK 0x7f
/* only sense of this command: 71h and 73h (deferred) tell of an earlier one */
#define FIXED_CURRENT	   0x70
#define DESC_CURRENT	   0x72
#define DESC_HEADER_LEN	   8
#define DESC_ADDITIONAL	   7 /* offset of ADDITIONAL SENSE LENGTH */
#define DESC_TYPE_ATA	   0x09
#define DESC_ATA_LEN	   0x0c
#define FIXED_EXTEND	   0x80
#define FIXED_COUNT_HI_SET 0x40
#define FIXED_LBA_HI_SET   0x20
/* ATA PASS-THROUGH INFORMATION AVAILABLE: what marks fixed sense as holding registers */
#define ASC_INFO_AVAILABLE  0x00
#define ASCQ_INFO_AVAILABLE 0x1d
#define FIXED_ASC	    12
#define FIXED_ASCQ	    13

static bool goes_in(enum xp_ata_protocol p)
{
	return p == XP_ATA_PIO_IN || p == XP_ATA_UDMA_IN;
}

void xp_sat_cdb_build(uint8_t cdb[XP_SAT_CDB16_LEN], const struct xp_ata_taskfile *tf)
{
	memset(cdb, 0, XP_SAT_CDB16_LEN);
	cdb[0] = XP_SAT_CDB16;
	cdb[1] = (uint8_t)((unsigned)tf->protocol << PROTOCOL_SHIFT | (tf->is_48bit ? EXTEND : 0));
	if (tf->wants_registers)
		cdb[2] |= CK_COND;
	if (tf->blocks)
		cdb[2] |= (uint8_t)(BYT_BLOK | T_LENGTH_COUNT |
				    (goes_in(tf->protocol) ? T_DIR_IN : 0));
	cdb[4] = (uint8_t)tf->feature;
	cdb[6] = (uint8_t)tf->count;
	cdb[8] = (uint8_t)tf->lba;
	cdb[10] = (uint8_t)(tf->lba >> 8);
	cdb[12] = (uint8_t)(tf->lba >> 16);
	cdb[13] = tf->device;
	cdb[14] = tf->command;
	if (!tf->is_48bit) {
		cdb[13] |= (uint8_t)(tf->lba >> 24 & 0x0f);
		return;
	}
	cdb[3] = (uint8_t)(tf->feature >> 8);
	cdb[5] = (uint8_t)(tf->count >> 8);
	cdb[7] = (uint8_t)(tf->lba >> 24);
	cdb[9] = (uint8_t)(tf->lba >> 32);
	cdb[11] = (uint8_t)(tf->lba >> 40);
}

/* The registers of the 16-byte form. */
static bool parse_16(struct xp_ata_taskfile *tf, const uint8_t *c)
{
	tf->feature = c[4];
	tf->count = c[6];
	tf->lba = c[8] | (uint64_t)c[10] << 8 | (uint64_t)c[12] << 16;
	tf->device = c[13];
	tf->command = c[14];
	if (!tf->is_48bit) {
		tf->lba |= (uint64_t)(c[13] & 0x0f) << 24;
		return c[3] == 0 && c[5] == 0 && c[7] == 0 && c[9] == 0 && c[11] == 0 && c[15] == 0;
	}
	tf->feature |= (uint16_t)(c[3] << 8);
	tf->count |= (uint16_t)(c[5] << 8);
	tf->lba |= (uint64_t)c[7] << 24 | (uint64_t)c[9] << 32 | (uint64_t)c[11] << 40;
	return c[15] == 0;
}

static bool parse_12(struct xp_ata_taskfile *tf, const uint8_t *c)
{
	tf->feature = c[3];
	tf->count = c[4];
	tf->lba = c[5] | (uint64_t)c[6] << 8 | (uint64_t)c[7] << 16 | (uint64_t)(c[8] & 0x0f) << 24;
	tf->device = c[8];
	tf->command = c[9];
	return !tf->is_48bit && c[10] == 0 && c[11] == 0;
}

/* Byte 2 against the protocol: does the data really go where the protocol says? */
static bool parse_transfer(struct xp_ata_taskfile *tf, uint8_t flags)
{
	bool in = (flags & T_DIR_IN) != 0;

	if (flags & (OFF_LINE_MASK | T_TYPE))
		return false;
	tf->wants_registers = (flags & CK_COND) != 0;
	switch (tf->protocol) {
	case XP_ATA_NON_DATA:
		tf->blocks = 0;
		return (flags & (T_LENGTH_MASK | BYT_BLOK | T_DIR_IN)) == 0;
	case XP_ATA_PIO_IN:
	case XP_ATA_UDMA_IN:
	case XP_ATA_DMA:
		if (!in)
			return false;
		break;
	case XP_ATA_PIO_OUT:
	case XP_ATA_UDMA_OUT:
		if (in)
			return false;
		break;
	default:
		return false;
	}
	tf->blocks = tf->count;
	return (flags & BYT_BLOK) && (flags & T_LENGTH_MASK) == T_LENGTH_COUNT;
}

bool xp_sat_cdb_parse(struct xp_ata_taskfile *tf, const uint8_t *cdb, size_t len)
{
	bool is_16 = len == XP_SAT_CDB16_LEN && cdb[0] == XP_SAT_CDB16;
	bool is_12 = len == XP_SAT_CDB12_LEN && cdb[0] == XP_SAT_CDB12;

	*tf = (struct xp_ata_taskfile){0};
	if ((!is_16 && !is_12) || (cdb[1] & MULTIPLE_MASK))
		return false;
	tf->protocol = (enum xp_ata_protocol)(cdb[1] >> PROTOCOL_SHIFT & PROTOCOL_MASK);
	tf->is_48bit = (cdb[1] & EXTEND) != 0;
	return (is_16 ? parse_16(tf, cdb) : parse_12(tf, cdb)) && parse_transfer(tf, cdb[2]);
}

/* The 14 bytes of the ATA Status Return descriptor, from its third on. */
static void parse_descriptor(struct xp_ata_registers *out, const uint8_t *d)
{
	out->form = XP_SAT_DESCRIPTOR;
	out->is_48bit = (d[2] & 1) != 0;
	out->error = d[3];
	out->count = (uint16_t)(d[4] << 8 | d[5]);
	out->lba = d[7] | (uint64_t)d[9] << 8 | (uint64_t)d[11] << 16 | (uint64_t)d[6] << 24 |
		   (uint64_t)d[8] << 32 | (uint64_t)d[10] << 40;
	out->device = d[12];
	out->status = d[13];
	out->count_is_whole = true;
	out->lba_is_whole = true;
}

static void parse_descriptors(struct xp_ata_registers *out, const uint8_t *sense, size_t len)
{
	struct xp_span s;
	size_t all = DESC_HEADER_LEN + (size_t)sense[DESC_ADDITIONAL];

	s = xp_span_of(sense + DESC_HEADER_LEN, (len < all ? len : all) - DESC_HEADER_LEN);
	while (s.left >= 2) {
		const uint8_t *head = s.at;
		const uint8_t *d = xp_span_take(&s, 2 + (size_t)head[1]);

		if (!d)
			return;
		if (d[0] == DESC_TYPE_ATA && d[1] == DESC_ATA_LEN) {
			parse_descriptor(out, d);
			return;
		}
	}
}

static void parse_fixed(struct xp_ata_registers *out, const uint8_t *sense)
{
	out->form = XP_SAT_FIXED;
	out->error = sense[3];
	out->status = sense[4];
	out->device = sense[5];
	out->count = sense[6];
	out->is_48bit = (sense[8] & FIXED_EXTEND) != 0;
	out->lba = sense[9] | (uint64_t)sense[10] << 8 | (uint64_t)sense[11] << 16;
	/* a 28-bit command has nothing above 8 bits of COUNT */
	out->count_is_whole = !out->is_48bit;
	out->lba_is_whole = !(sense[8] & FIXED_LBA_HI_SET);
	if (!out->is_48bit && (sense[8] & (FIXED_COUNT_HI_SET | FIXED_LBA_HI_SET)))
		out->count_is_whole = false;
}

void xp_sat_registers_parse(struct xp_ata_registers *out, const uint8_t *sense, size_t len)
{
	uint8_t response;

	*out = (struct xp_ata_registers){.form = XP_SAT_NONE};
	if (len < DESC_HEADER_LEN)
		return;
	response = sense[0] & RESPONSE_MASK;
	if (response == DESC_CURRENT)
		parse_descriptors(out, sense, len);
	else if (response == FIXED_CURRENT && len > FIXED_ASCQ &&
		 sense[FIXED_ASC] == ASC_INFO_AVAILABLE && sense[FIXED_ASCQ] == ASCQ_INFO_AVAILABLE)
		parse_fixed(out, sense);
}

bool xp_sat_registers_are_lost(const struct xp_ata_registers *r)
{
	return r->form == XP_SAT_NONE || r->status == 0;
}

bool xp_sat_registers_are_good(const struct xp_ata_registers *r)
{
	return !xp_sat_registers_are_lost(r) && (r->status & XP_ATA_STATUS_READY) &&
	       !(r->status & (XP_ATA_STATUS_BSY | XP_ATA_STATUS_DF | XP_ATA_STATUS_ERR));
}
