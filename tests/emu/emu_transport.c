#include "tests/emu/emu_transport.h"

#include <string.h>

static enum xp_rc emu_exec(void *ctx, const struct xp_cmd *cmd, struct xp_reply *reply,
			   struct xp_err *err)
{
	struct emu_satl *unit = ctx;
	struct emu_time *time = unit->drive ? emu_ata_time(unit->drive) : NULL;
	uint64_t start = time ? time->now_ns : 0;
	struct emu_scsi_cmd scsi = {
		.cdb = cmd->cdb,
		.cdb_len = cmd->cdb_len,
		.give_up_ns = cmd->timeout_ms * EMU_MS,
	};

	if (cmd->dir == XP_DATA_OUT) {
		scsi.out = cmd->data;
		scsi.out_len = cmd->data_len;
	} else if (cmd->dir == XP_DATA_IN) {
		scsi.in = cmd->data;
		scsi.in_len = cmd->data_len;
	}
	emu_satl_exec(unit, &scsi);
	if (!scsi.answered && time && time->now_ns - start >= scsi.give_up_ns)
		return xp_fail(err, XP_E_TIMEOUT, "the emulated drive did not answer in time");
	if (!scsi.answered)
		return xp_fail(err, XP_E_IO, "the emulated drive is gone");
	reply->answered = true;
	reply->scsi_status = scsi.status;
	reply->data_len = (uint32_t)scsi.moved;
	reply->sense_len = (uint32_t)scsi.sense_len;
	memcpy(reply->sense, scsi.sense, scsi.sense_len);
	reply->duration_ns = time->now_ns - start + 1;
	return XP_OK;
}

static const struct xp_transport_ops emu_ops = {
	.name = "emu", .exec = emu_exec, .close = NULL, /* the unit is the caller's */
};

enum xp_rc emu_transport_open(struct xp_transport **out, struct emu_satl *unit, struct xp_err *err)
{
	return xp_transport_new(out, XP_TRANSPORT_SCSI, &emu_ops, unit, err);
}
