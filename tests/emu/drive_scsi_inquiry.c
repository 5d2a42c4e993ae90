/* What the drive says of itself: INQUIRY, vital product data, logs. */
#include "base/wire.h"
#include "tests/emu/drive_scsi_inside.h"
#include "tests/emu/padded_text.h"

#include <stdio.h>
#include <string.h>

#define PAGE_MAX 256

static size_t standard(const struct emu_scsi_job *j, uint8_t *out)
{
	const struct emu_scsi_config *c = &j->d->cfg;

	out[2] = 0x07; /* SPC-5 */
	out[3] = 0x12; /* HISUP, format 2 */
	out[4] = 91;
	out[5] = j->lu->pi_type ? 0x01 : 0;
	out[6] = 0x10; /* MULTIP: two ports */
	out[7] = 0x02;
	emu_put_text(out + 8, 8, c->vendor);
	emu_put_text(out + 16, 16, c->product);
	emu_put_text(out + 32, 4, c->revision);
	put_be16(out + 58, 0x00a0); /* SAM-5 */
	put_be16(out + 60, 0x05c0); /* SPC-5 */
	put_be16(out + 62, 0x0600); /* SBC-4 */
	return 96;
}

/* Names of the logical unit, of this port, of the drive. */
enum { OF_UNIT = 0x00, OF_PORT = 0x10, OF_DRIVE = 0x20 };

static size_t put_naa(uint8_t *out, uint8_t association, uint64_t name)
{
	out[0] = association == OF_UNIT ? 0x01 : 0x61; /* SAS, binary */
	out[1] = (uint8_t)((association == OF_UNIT ? 0 : 0x80) | association | 0x03);
	out[3] = 8;
	put_be64(out + 4, name);
	return 12;
}

/* The drive's NAA ends in 0; LUN 0 has its name, then follow two ports, the drive, LUN 1. */
static size_t names(const struct emu_scsi_job *j, uint8_t *out)
{
	uint64_t wwn = j->d->cfg.wwn;
	char text[25];
	size_t at = 4;

	at += put_naa(out + at, OF_UNIT, j->lu->lun ? wwn + 3 + j->lu->lun : wwn);
	at += put_naa(out + at, OF_PORT, wwn + 1 + j->port);
	out[at] = 0x61; /* relative target port */
	out[at + 1] = 0x94;
	out[at + 3] = 4;
	put_be16(out + at + 6, (uint16_t)(j->port + 1));
	at += 8;
	at += put_naa(out + at, OF_DRIVE, wwn + 3);
	snprintf(text, sizeof(text), "naa.%016llX", (unsigned long long)(wwn + 3));
	out[at] = 0x63; /* SCSI name string */
	out[at + 1] = 0xa8;
	out[at + 3] = 24;
	memcpy(out + at + 4, text, strlen(text));
	return at + 4 + 24;
}

/* [SBC-4 Block Limits] */
static size_t limits(const struct emu_scsi_job *j, uint8_t *out)
{
	const struct emu_scsi_config *c = &j->d->cfg;

	put_be16(out + 6, 8);	   /* optimal granularity */
	put_be32(out + 8, 0x8000); /* maximum transfer */
	put_be32(out + 12, 0x400); /* optimal transfer */
	if (c->has_unmap) {
		put_be32(out + 20, 0xffffffff);
		put_be32(out + 24, 64);
		put_be32(out + 28, 8);
	}
	put_be64(out + 36, emu_scsi_write_same_max(j->lu));
	return 64;
}

static size_t page_of(const struct emu_scsi_job *j, uint8_t page, uint8_t *out)
{
	static const uint8_t pages[] = {0x00, 0x80, 0x83, 0x86, 0xb0, 0xb1, 0xb2};
	const struct emu_scsi_config *c = &j->d->cfg;

	switch (page) {
	case 0x00:
		memcpy(out + 4, pages, sizeof(pages));
		return 4 + sizeof(pages);
	case 0x80:
		emu_put_text(out + 4, 20, c->serial);
		return 24;
	case 0x83:
		return names(j, out);
	case 0x86:
		/* SPT: types 1, 2 and 3 can be; guard, reference and application tag are checked */
		out[4] = 0x38 | (j->lu->pi_type ? 0x07 : 0);
		out[6] = 0x01; /* V_SUP */
		return 64;
	case 0xb0:
		return limits(j, out);
	case 0xb1:
		put_be16(out + 4, c->is_ssd ? 1 : (uint16_t)c->rpm);
		out[7] = (uint8_t)(c->wabereq << 6 | c->wacereq << 4 | (c->is_ssd ? 3 : 2));
		return 64;
	case 0xb2:
		if (c->has_unmap) {
			out[5] = 0xe0 | (c->unmapped_zero ? 0x04 : 0);
			out[6] = 0x01; /* resource provisioned */
		}
		return 8;
	default:
		return 0;
	}
}

void emu_scsi_do_inquiry(struct emu_scsi_job *j)
{
	uint8_t data[PAGE_MAX] = {0};
	bool is_page = (j->cdb[1] & 1) != 0;
	size_t len;

	if (!is_page && j->cdb[2] == 0) {
		len = standard(j, data);
	} else {
		len = is_page ? page_of(j, j->cdb[2], data) : 0;
		data[1] = j->cdb[2];
		put_be16(data + 2, (uint16_t)(len ? len - 4 : 0));
	}
	if (len == 0) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return;
	}
	emu_scsi_give(j, data, len, get_be16(j->cdb + 3));
}

void emu_scsi_do_report_luns(struct emu_scsi_job *j)
{
	uint8_t data[8 + 8 * EMU_SCSI_LUNS_MAX] = {0};
	size_t allocated = get_be32(j->cdb + 6);

	if (j->cdb[2] > 2 || allocated < 16) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return;
	}
	if (j->cdb[2] == 1) { /* well known ones: none */
		emu_scsi_give(j, data, 8, allocated);
		return;
	}
	put_be32(data, j->d->cfg.luns * 8);
	for (unsigned i = 0; i < j->d->cfg.luns; i++)
		data[8 + 8 * i + 1] = (uint8_t)i;
	emu_scsi_give(j, data, 8 + 8 * j->d->cfg.luns, allocated);
}

static size_t put_counter(uint8_t *out, uint16_t code, uint64_t value)
{
	put_be16(out, code);
	out[2] = 0x02; /* binary list */
	out[3] = 8;
	put_be64(out + 4, value);
	return 12;
}

/* Error counters: corrected with delay .. uncorrected. */
static size_t put_errors(uint8_t *out, uint64_t uncorrected)
{
	size_t at = 0;

	for (uint16_t code = 0; code < 6; code++)
		at += put_counter(out + at, code, 0);
	return at + put_counter(out + at, 0x0006, uncorrected);
}

static size_t put_temperature(uint8_t *out)
{
	static const uint8_t data[] = {0, 0, 0x03, 2, 0, 35, 0, 1, 0x03, 2, 0, 65};

	memcpy(out, data, sizeof(data));
	return sizeof(data);
}

/* The parameters of one page; 0: not there. [SPC-5, SBC-4] */
static size_t log_page(const struct emu_scsi_job *j, uint8_t page, uint8_t *out)
{
	static const uint8_t pages[] = {0x00, 0x02, 0x03, 0x0d, 0x11, 0x15, 0x2f};
	bool exceeded = j->d->faults.threshold_exceeded;

	switch (page) {
	case 0x00:
		if (j->d->cfg.is_ssd) {
			memcpy(out, pages, sizeof(pages));
			return sizeof(pages);
		}
		memcpy(out, pages, 4);
		memcpy(out + 4, pages + 5, 2);
		return 6;
	case 0x02:
		return put_errors(out, j->lu->write_errors);
	case 0x03:
		return put_errors(out, j->lu->read_errors);
	case 0x0d:
		return put_temperature(out);
	case 0x11: /* percentage used */
		if (!j->d->cfg.is_ssd)
			return 0;
		put_be16(out, 0x0001);
		out[2] = 0x03;
		out[3] = 4;
		out[7] = 1;
		return 8;
	case 0x15: /* background scan: power-on minutes, none running */
		out[2] = 0x03;
		out[3] = 12;
		put_be32(out + 4, (uint32_t)(j->d->time->now_ns / (60 * EMU_S)));
		return 16;
	case 0x2f:
		out[2] = 0x03;
		out[3] = 4;
		out[4] = exceeded ? 0x5d : 0;
		out[5] = exceeded ? 0x10 : 0;
		out[6] = 35;
		return 8;
	default:
		return 0;
	}
}

void emu_scsi_do_log_sense(struct emu_scsi_job *j)
{
	uint8_t data[PAGE_MAX] = {0};
	uint8_t page = j->cdb[2] & 0x3f;
	size_t len = j->cdb[3] || get_be16(j->cdb + 5) ? 0 : log_page(j, page, data + 4);

	if (len == 0) {
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
		return;
	}
	data[0] = page;
	put_be16(data + 2, (uint16_t)len);
	emu_scsi_give(j, data, 4 + len, get_be16(j->cdb + 7));
}

/* The list of diagnostic pages: itself. */
void emu_scsi_do_receive_diagnostic(struct emu_scsi_job *j)
{
	static const uint8_t pages[] = {0, 0, 0, 1, 0x00};

	if ((j->cdb[1] & 1) && j->cdb[2] != 0)
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
	else
		emu_scsi_give(j, pages, sizeof(pages), get_be16(j->cdb + 3));
}

/* The default self-test, which passes; nothing else. */
void emu_scsi_do_send_diagnostic(struct emu_scsi_job *j)
{
	if (!(j->cdb[1] & 0x04) || (j->cdb[1] & 0xe0) || get_be16(j->cdb + 3))
		emu_scsi_check(j, SK_ILLEGAL, AC_FIELD);
	else
		(void)emu_scsi_busy(j, EMU_S);
}
