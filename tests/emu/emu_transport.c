#include "tests/emu/emu_transport.h"

#include <stdlib.h>
#include <string.h>

static enum xp_rc emu_exec(void *ctx, const struct xp_cmd *cmd, struct xp_reply *reply,
			   struct xp_err *err)
{
	struct emu_unit *unit = ctx;
	struct emu_time *time = unit->ops->time(unit->ctx);
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
	unit->ops->exec(unit->ctx, &scsi);
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

static void emu_close(void *ctx)
{
	free(ctx); /* the unit's name only */
}

static const struct xp_transport_ops emu_ops = {
	.name = "emu",
	.exec = emu_exec,
	.close = emu_close,
};

enum xp_rc emu_transport_open_unit(struct xp_transport **out, struct emu_unit unit,
				   struct xp_err *err)
{
	struct emu_unit *mine = malloc(sizeof(*mine));

	if (!mine)
		return xp_fail(err, XP_E_NOMEM, "transport");
	*mine = unit;
	return xp_transport_new(out, XP_TRANSPORT_SCSI, &emu_ops, mine, err);
}

enum xp_rc emu_transport_open(struct xp_transport **out, struct emu_satl *unit, struct xp_err *err)
{
	return emu_transport_open_unit(out, emu_satl_unit(unit), err);
}
