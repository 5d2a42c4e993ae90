#include "tests/emu/libata_door.h"

#include <string.h>

static bool way_of(enum emu_ata_way *out, const struct xpl_message *m)
{
	static const enum emu_ata_way ways[] = {EMU_NON_DATA, EMU_PIO_IN, EMU_PIO_OUT, EMU_DMA_IN,
						EMU_DMA_OUT};

	if (m->way >= sizeof(ways) / sizeof(ways[0]))
		return false;
	*out = ways[m->way];
	return true;
}

static bool is_sound(const struct xpl_message *m)
{
	bool out = m->way == 2 || m->way == 4;
	bool in = m->way == 1 || m->way == 3;

	return m->len <= XPL_DATA_MAX && m->data_in <= XPL_DATA_MAX && (out || m->len == 0) &&
	       (in || m->data_in == 0);
}

static void carry_out(struct emu_libata_port *p, const struct xpl_message *m, const uint8_t *data,
		      struct xpl_message *reply, uint8_t *out, enum emu_ata_way way)
{
	struct emu_ata_result r;
	struct emu_ata_cmd cmd = {
		.command = m->command,
		.is_48bit = (m->flags & XPL_FLAG_48BIT) != 0,
		.feature = m->feature,
		.count = m->count,
		.lba = m->lba,
		.device = m->device,
		.way = way,
		.out = data,
		.in = out,
		.len = m->len ? m->len : m->data_in,
		.give_up_ns = m->timeout_ms * EMU_MS,
	};

	/* LBA 27:24 of a 28-bit command stand in DEVICE */
	if (!cmd.is_48bit)
		cmd.lba |= (uint64_t)(m->device & 0x0f) << 24;
	emu_ata_exec(p->drive, &cmd, &r);
	if (!r.answered) {
		reply->flags |= XPL_FLAG_GONE;
		return;
	}
	reply->command = r.status;
	reply->feature = r.error;
	reply->len = (uint32_t)r.in_len;
	if (p->lost_registers)
		return;
	reply->device = r.device;
	reply->count = r.count;
	reply->lba = r.lba;
}

static uint8_t flags_of(const struct emu_libata_port *p)
{
	return p->drive && emu_ata_is_powered(p->drive) ? XPL_FLAG_ONLINE : 0;
}

bool emu_libata_answer(struct emu_libata_port *p, const struct xpl_message *m, const uint8_t *data,
		       struct xpl_message *reply, uint8_t *out)
{
	enum emu_ata_way way;

	*reply = (struct xpl_message){.magic = XPL_MAGIC, .seq = m->seq, .port = p->number};
	if (m->magic != XPL_MAGIC || m->port != p->number)
		return false;
	if (m->kind == XPL_RESET) {
		reply->kind = XPL_RESET_DONE;
		reply->flags = flags_of(p);
		if (p->drive)
			emu_ata_reset(p->drive);
		return true;
	}
	if (m->kind != XPL_COMMAND || !is_sound(m) || !way_of(&way, m))
		return false;
	reply->kind = XPL_DONE;
	if (p->drive)
		carry_out(p, m, data, reply, out, way);
	else
		reply->flags |= XPL_FLAG_GONE;
	return true;
}

struct xpl_message emu_libata_link(const struct emu_libata_port *p)
{
	return (struct xpl_message){
		.magic = XPL_MAGIC,
		.kind = XPL_LINK,
		.port = p->number,
		.flags = flags_of(p),
	};
}
