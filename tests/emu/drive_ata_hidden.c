#include "base/wire.h"
#include "tests/emu/drive_ata_inside.h"

#include <string.h>

#define LBA28_MAX 0x0fffffffULL
/* DCO data: revision in word 0, the last LBA in words 3 to 6 */
#define DCO_LAST_LBA 6

void emu_ata_hidden_power_on(struct emu_ata *d)
{
	struct emu_ata_hidden *h = &d->hid;

	h->now = h->kept;
	h->changed = false;
	h->dco_frozen = false;
	h->amac_frozen = false;
	h->max_locked = h->max_password_set;
	h->max_frozen = false;
}

void emu_ata_do_read_native_max(struct emu_ata *d, const struct emu_ata_cmd *cmd,
				struct emu_ata_result *r)
{
	uint64_t last = d->hid.native - 1;

	if (!d->cfg.has_hpa) {
		emu_ata_abort(r);
		return;
	}
	if (!cmd->is_48bit && last > LBA28_MAX)
		last = LBA28_MAX;
	r->lba = last;
}

/* The new last address, lasting or until the next power-on. */
static void set_last(struct emu_ata *d, uint64_t last, bool lasting, struct emu_ata_result *r)
{
	struct emu_ata_hidden *h = &d->hid;

	if (last >= h->native) {
		r->status = ST_READY | ST_ERR;
		r->error = ER_IDNF;
		return;
	}
	if (lasting && h->changed) {
		emu_ata_abort(r);
		return;
	}
	h->now = last + 1;
	if (!lasting)
		return;
	h->kept = h->now;
	h->changed = true;
}

/* SET MAX SET PASSWORD, LOCK, UNLOCK, FREEZE LOCK */
static void max_security(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	struct emu_ata_hidden *h = &d->hid;
	bool has_password = cmd->feature == 0x01 || cmd->feature == 0x03;

	if (h->max_frozen || (has_password && (cmd->way != EMU_PIO_OUT || cmd->len != 512))) {
		emu_ata_abort(r);
		return;
	}
	switch (cmd->feature) {
	case 0x01:
		if (h->max_locked)
			break;
		memcpy(h->max_password, cmd->out + 2, EMU_PASSWORD_LEN);
		h->max_password_set = true;
		return;
	case 0x02:
		if (!h->max_password_set)
			break;
		h->max_locked = true;
		return;
	case 0x03:
		if (!h->max_password_set ||
		    memcmp(h->max_password, cmd->out + 2, EMU_PASSWORD_LEN) != 0)
			break;
		h->max_locked = false;
		return;
	case 0x04:
		if (!h->max_password_set)
			break;
		h->max_frozen = true;
		return;
	default:
		break;
	}
	emu_ata_abort(r);
}

void emu_ata_do_set_max(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	bool is_ext = cmd->command == 0x37;
	/* it must follow READ NATIVE MAX of its own kind at once */
	bool follows = d->last_command == (is_ext ? 0x27 : 0xf8);

	if (!d->cfg.has_hpa) {
		emu_ata_abort(r);
		return;
	}
	if (!is_ext && !follows && cmd->feature != 0) {
		max_security(d, cmd, r);
		return;
	}
	if (!follows || cmd->way != EMU_NON_DATA || d->hid.max_locked || d->hid.max_frozen) {
		emu_ata_abort(r);
		return;
	}
	set_last(d, cmd->lba, (cmd->count & 1) != 0, r);
}

void emu_ata_do_amac(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	struct emu_ata_hidden *h = &d->hid;

	if (!d->cfg.has_amac) {
		emu_ata_abort(r);
		return;
	}
	switch (cmd->feature) {
	case 0x0000:
		r->lba = h->native - 1;
		break;
	case 0x0001:
		if (h->amac_frozen || d->sec.locked)
			emu_ata_abort(r);
		else
			set_last(d, cmd->lba, true, r);
		break;
	case 0x0002:
		if (d->sec.locked)
			emu_ata_abort(r);
		else
			h->amac_frozen = true;
		break;
	default:
		emu_ata_abort(r);
		break;
	}
}

static void dco_identify(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	uint8_t data[512] = {0};

	put_le16(data, 2);
	put_le16(data + 2, 0x0007);
	put_le16(data + 4, 0x007f);
	put_le64(data + DCO_LAST_LBA, d->cfg.sectors - 1);
	put_le16(data + 14, 0x009f);
	emu_ata_checksum(data);
	emu_ata_answer(cmd, r, data, sizeof(data));
}

static bool dco_is_whole(const struct emu_ata_cmd *cmd)
{
	uint8_t sum = 0;

	if (cmd->len != 512 || cmd->out[510] != 0xa5)
		return false;
	for (size_t i = 0; i < 512; i++)
		sum = (uint8_t)(sum + cmd->out[i]);
	return sum == 0;
}

static void dco_set(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	uint64_t last = dco_is_whole(cmd) ? get_le64(cmd->out + DCO_LAST_LBA) : UINT64_MAX;

	if (last == 0 || last >= d->cfg.sectors) {
		emu_ata_abort(r);
		return;
	}
	d->hid.native = d->hid.now = d->hid.kept = last + 1;
}

/* [ATA8-ACS DEVICE CONFIGURATION] */
void emu_ata_do_dco(struct emu_ata *d, const struct emu_ata_cmd *cmd, struct emu_ata_result *r)
{
	struct emu_ata_hidden *h = &d->hid;
	bool has_hpa = h->now != h->native || h->kept != h->native;
	enum emu_ata_way way = EMU_NON_DATA;

	switch (cmd->feature) {
	case 0xc2:
		way = EMU_PIO_IN;
		break;
	case 0xc3:
		way = EMU_PIO_OUT;
		break;
	case 0xc4:
		way = EMU_DMA_IN;
		break;
	case 0xc5:
		way = EMU_DMA_OUT;
		break;
	default:
		break;
	}
	if (!d->cfg.has_dco || h->dco_frozen || cmd->way != way) {
		emu_ata_abort(r);
		return;
	}
	switch (cmd->feature) {
	case 0xc0:
		if (has_hpa)
			emu_ata_abort(r);
		else
			h->native = h->now = h->kept = d->cfg.sectors;
		break;
	case 0xc1:
		h->dco_frozen = true;
		break;
	case 0xc2:
	case 0xc4:
		dco_identify(d, cmd, r);
		break;
	case 0xc3:
	case 0xc5:
		if (has_hpa)
			emu_ata_abort(r);
		else
			dco_set(d, cmd, r);
		break;
	default:
		emu_ata_abort(r);
		break;
	}
}
