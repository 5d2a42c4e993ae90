/* What the translation layer says of the drive: INQUIRY, vital product data, mode pages. */
#include "base/wire.h"
#include "tests/emu/satl_inside.h"
#include "tests/emu/padded_text.h"

#include <stdio.h>
#include <string.h>

#define PAGE_MAX 572

static size_t standard(const struct emu_satl *s, uint8_t *out)
{
	const struct emu_ata_config *c = emu_ata_config_of(s->drive);

	out[2] = 0x06;
	out[3] = 0x02;
	out[4] = 91;
	out[7] = 0x02;
	emu_put_text(out + 8, 8, s->vendor ? s->vendor : "ATA");
	emu_put_text(out + 16, 16, c->model);
	emu_put_text(out + 32, 4, c->firmware);
	put_be16(out + 58, 0x00a0); /* SAM-5 */
	put_be16(out + 60, 0x0460); /* SPC-4 */
	put_be16(out + 62, 0x04c0); /* SBC-3 */
	return 96;
}

static size_t names(const struct emu_ata_config *c, uint8_t *out)
{
	char t10[8 + 40 + 20 + 1];
	size_t at = 4;

	if (c->wwn) {
		out[at] = 0x01;
		out[at + 1] = 0x03;
		out[at + 3] = 8;
		put_be64(out + at + 4, c->wwn);
		at += 12;
	}
	/* the T10 vendor's name: model and serial */
	snprintf(t10, sizeof(t10), "%-8s%-40s%-20s", "ATA", c->model, c->serial);
	out[at] = 0x02;
	out[at + 1] = 0x01;
	out[at + 3] = sizeof(t10) - 1;
	memcpy(out + at + 4, t10, sizeof(t10) - 1);
	return at + 4 + sizeof(t10) - 1;
}

static size_t page_of(struct emu_satl *s, uint8_t page, uint8_t *out)
{
	static const uint8_t pages[] = {0x00, 0x80, 0x83, 0x89, 0xb0, 0xb1, 0xb2};
	const struct emu_ata_config *c = emu_ata_config_of(s->drive);

	switch (page) {
	case 0x00:
		memcpy(out + 4, pages, sizeof(pages));
		return 4 + sizeof(pages);
	case 0x80:
		emu_put_text(out + 4, 20, c->serial);
		return 24;
	case 0x83:
		return names(c, out);
	case 0x89:
		emu_put_text(out + 8, 8, "EMU");
		emu_put_text(out + 16, 16, "SATL");
		emu_put_text(out + 32, 4, "0001");
		out[36] = 0x34; /* device to host FIS, as after a reset: signature of a disk */
		out[38] = 0x01;
		out[39] = 0x50;
		out[40] = 0x01;
		out[48] = 0x01;
		out[56] = 0xec;
		emu_ata_identify(s->drive, out + 60);
		return 572;
	case 0xb0:
		if (c->has_trim) {
			put_be32(out + 20, 0x3fffc0); /* 64 ranges of 65535 sectors a block */
			put_be32(out + 24, 1);
		}
		return 64;
	case 0xb1:
		put_be16(out + 4, c->is_ssd ? 1 : 7200);
		out[7] = c->is_ssd ? 3 : 2;
		return 64;
	case 0xb2:
		if (c->has_trim) {
			out[5] = 0x80 |
				 (c->trim_is_deterministic && c->trimmed == EMU_TRIMMED_ZERO ? 0x04
											     : 0);
			out[6] = 0x02;
		}
		return 8;
	default:
		return 0;
	}
}

void emu_satl_inquiry(struct emu_satl *s, struct emu_scsi_cmd *cmd)
{
	uint8_t data[PAGE_MAX + 4] = {0};
	bool is_page = (cmd->cdb[1] & 1) != 0;
	size_t allocated = get_be16(cmd->cdb + 3);
	size_t len;

	if (!is_page && cmd->cdb[2] == 0) {
		len = standard(s, data);
	} else {
		len = is_page ? page_of(s, cmd->cdb[2], data) : 0;
		data[1] = cmd->cdb[2];
		put_be16(data + 2, (uint16_t)(len ? len - 4 : 0));
	}
	if (len == 0) {
		emu_satl_sense(s, cmd, 0x05, 0x2400);
		return;
	}
	emu_satl_give(cmd, data, len < allocated ? len : allocated);
}

/* Caching (WCE) and control (D_SENSE) [SPC-5, SBC-4]; PC 01b asks what could be changed: nothing.
 */
void emu_satl_mode_sense(struct emu_satl *s, struct emu_scsi_cmd *cmd)
{
	bool is_10 = cmd->cdb[0] == 0x5a;
	size_t head = is_10 ? 8 : 4;
	size_t allocated = is_10 ? get_be16(cmd->cdb + 7) : cmd->cdb[4];
	unsigned control = cmd->cdb[2] >> 6;
	unsigned page = cmd->cdb[2] & 0x3f;
	uint8_t data[8 + 20 + 12] = {0};
	size_t len = head;

	if (control == 3) {
		emu_satl_sense(s, cmd, 0x05, 0x3900);
		return;
	}
	if (page == 0x08 || page == 0x3f) {
		data[len] = 0x08;
		data[len + 1] = 18;
		data[len + 2] = control == 1 ? 0 : 0x04;
		len += 20;
	}
	if (page == 0x0a || page == 0x3f) {
		data[len] = 0x0a;
		data[len + 1] = 10;
		data[len + 2] = control == 1 || s->fixed_sense ? 0 : 0x04;
		len += 12;
	}
	if (len == head) {
		emu_satl_sense(s, cmd, 0x05, 0x2400);
		return;
	}
	/* no block descriptors; FUA is understood */
	if (is_10) {
		put_be16(data, (uint16_t)(len - 2));
		data[3] = 0x10;
	} else {
		data[0] = (uint8_t)(len - 1);
		data[2] = 0x10;
	}
	emu_satl_give(cmd, data, len < allocated ? len : allocated);
}
