#include "tests/emu/emu_transport_nvme.h"

static enum xp_rc nvme_exec(void *ctx, const struct xp_cmd *cmd, struct xp_reply *reply,
			    struct xp_err *err)
{
	struct emu_nvme_slot *slot = ctx;
	const struct xp_nvme_sqe *q = &cmd->nvme;
	const uint32_t cdw[6] = {q->cdw10, q->cdw11, q->cdw12, q->cdw13, q->cdw14, q->cdw15};
	struct emu_nvme_cmd nvme = {
		.controller = slot->controller,
		.is_io = q->is_io,
		.give_up_ns = cmd->timeout_ms * EMU_MS,
	};
	struct emu_time *time;
	uint64_t start;

	if (!slot->drive)
		return xp_fail(err, XP_E_IO, "no drive is there");
	time = emu_nvme_time(slot->drive);
	start = time->now_ns;
	emu_nvme_sqe(nvme.sqe, q->opcode, q->nsid, cdw);
	nvme.len = cmd->data_len;
	if (cmd->dir == XP_DATA_OUT)
		nvme.out = cmd->data;
	else if (cmd->dir == XP_DATA_IN)
		nvme.in = cmd->data;
	emu_nvme_exec(slot->drive, &nvme);
	if (nvme.is_held ||
	    (!nvme.answered && nvme.give_up_ns && time->now_ns - start >= nvme.give_up_ns))
		return xp_fail(err, XP_E_TIMEOUT, "the emulated drive did not answer in time");
	if (!nvme.answered)
		return xp_fail(err, XP_E_IO, "the emulated drive is gone");
	reply->answered = true;
	reply->nvme_status = nvme.status;
	reply->nvme_result = nvme.result;
	/* as the host's driver says: whole, or not at all */
	reply->data_len = nvme.status == 0 ? cmd->data_len : 0;
	reply->duration_ns = time->now_ns - start + 1;
	return XP_OK;
}

static void nvme_close(void *ctx)
{
	(void)ctx; /* the slot is the caller's */
}

static const struct xp_transport_ops nvme_ops = {
	.name = "emu",
	.exec = nvme_exec,
	.close = nvme_close,
};

enum xp_rc emu_transport_nvme_open(struct xp_transport **out, struct emu_nvme_slot *slot,
				   struct xp_err *err)
{
	return xp_transport_new(out, XP_TRANSPORT_NVME, &nvme_ops, slot, err);
}
