#include "tests/fake/fake_drive.h"

#include <string.h>

/* CHECK CONDITION, ILLEGAL REQUEST, INVALID COMMAND OPERATION CODE, in fixed format */
static const uint8_t refused[18] = {0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0};
/* Invalid Command Opcode with Do Not Retry */
#define NVME_REFUSED 0x4001

static const struct fake_answer *find(const struct fake_drive *d, const struct xp_cmd *cmd)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct fake_answer *a = &d->answers[i];

		if (cmd->kind == XP_TRANSPORT_NVME) {
			if (a->cdb[0] == cmd->nvme.opcode && a->cdw10 == cmd->nvme.cdw10 &&
			    a->nsid == cmd->nvme.nsid)
				return a;
		} else if (!memcmp(a->cdb, cmd->cdb, a->cdb_len)) {
			return a;
		}
	}
	return NULL;
}

static enum xp_rc fake_exec(void *ctx, const struct xp_cmd *cmd, struct xp_reply *reply,
			    struct xp_err *err)
{
	struct fake_drive *d = ctx;
	const struct fake_answer *a;

	d->asked++;
	d->last = *cmd;
	a = find(d, cmd);
	reply->answered = true;
	reply->duration_ns = 1000 * d->asked;
	if (!a) {
		reply->scsi_status = 2;
		reply->nvme_status = cmd->kind == XP_TRANSPORT_NVME ? NVME_REFUSED : 0;
		memcpy(reply->sense, refused, sizeof(refused));
		reply->sense_len = sizeof(refused);
		return XP_OK;
	}
	if (a->rc != XP_OK)
		return xp_fail(err, a->rc, "the fake drive does not answer");
	reply->scsi_status = a->status;
	reply->nvme_status = a->nvme_status;
	memcpy(reply->sense, a->sense, a->sense_len);
	reply->sense_len = a->sense_len;
	if (cmd->dir == XP_DATA_IN && a->in) {
		reply->data_len = a->in_len < cmd->data_len ? a->in_len : cmd->data_len;
		memcpy(cmd->data, a->in, reply->data_len);
	} else if (cmd->dir == XP_DATA_OUT) {
		reply->data_len = cmd->data_len;
	}
	return XP_OK;
}

static void fake_close(void *ctx)
{
	struct fake_drive *d = ctx;

	d->closed = true;
}

static const struct xp_transport_ops fake_ops = {
	.name = "fake",
	.exec = fake_exec,
	.close = fake_close,
};

enum xp_rc fake_drive_open(struct xp_transport **out, enum xp_transport_kind kind,
			   struct fake_drive *drive, struct xp_err *err)
{
	return xp_transport_new(out, kind, &fake_ops, drive, err);
}
