#include "device/transport.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "device/opcodes.h"
#include "device/protocol/sat.h"
#include "device/protocol/scsi_cmd.h"
#include "device/transport_inside.h"

#define DEFAULT_TIMEOUT_MS 60000
/* no command of this project moves more at once; SG_IO and NVMe have limits of their own below */
#define DATA_MAX (16U << 20)

/* PERIPHERAL DEVICE TYPE of INQUIRY data [SPC-5]. */
#define INQUIRY_TYPE_MASK   0x1f
#define INQUIRY_TYPE_DISK   0x00
#define INQUIRY_TYPE_ZONED  0x14
#define INQUIRY_TYPE_UNSEEN (-1)

struct xp_transport {
	enum xp_transport_kind kind;
	const struct xp_transport_ops *ops;
	void *ctx;
	int peripheral_type; /* by the last INQUIRY that went through here */
};

enum xp_rc xp_transport_new(struct xp_transport **out, enum xp_transport_kind kind,
			    const struct xp_transport_ops *ops, void *ctx, struct xp_err *err)
{
	struct xp_transport *t = calloc(1, sizeof(*t));

	if (!t) {
		if (ops->close)
			ops->close(ctx);
		return xp_fail(err, XP_E_NOMEM, "no memory for a transport");
	}
	t->kind = kind;
	t->ops = ops;
	t->ctx = ctx;
	t->peripheral_type = INQUIRY_TYPE_UNSEEN;
	*out = t;
	return XP_OK;
}

void xp_transport_free(struct xp_transport **t)
{
	if (!*t)
		return;
	if ((*t)->ops->close)
		(*t)->ops->close((*t)->ctx);
	free(*t);
	*t = NULL;
}

enum xp_transport_kind xp_transport_kind_of(const struct xp_transport *t)
{
	return t->kind;
}

void xp_transport_take_apart(struct xp_transport **t, const struct xp_transport_ops **ops,
			     void **ctx)
{
	*ops = (*t)->ops;
	*ctx = (*t)->ctx;
	free(*t);
	*t = NULL;
}

static enum xp_rc check_shape(const struct xp_transport *t, const struct xp_cmd *cmd,
			      struct xp_err *err)
{
	bool has_data = cmd->dir != XP_DATA_NONE;

	if (cmd->kind != t->kind)
		return xp_fail(err, XP_E_INTERNAL, "a command of another kind of transport");
	if (has_data != (cmd->data_len != 0) || (has_data && !cmd->data) ||
	    cmd->data_len > DATA_MAX)
		return xp_fail(err, XP_E_INTERNAL, "data of %u bytes does not fit the command",
			       cmd->data_len);
	if (cmd->kind == XP_TRANSPORT_SCSI && (cmd->cdb_len < 6 || cmd->cdb_len > sizeof(cmd->cdb)))
		return xp_fail(err, XP_E_INTERNAL, "a CDB of %u bytes", cmd->cdb_len);
	return XP_OK;
}

/* A1h is ATA PASS-THROUGH (12) on a disk and BLANK on an optical drive: it must have said it is
 * one. */
static bool is_ambiguous(const struct xp_transport *t, const struct xp_cmd *cmd)
{
	return cmd->kind == XP_TRANSPORT_SCSI && cmd->cdb[0] == XP_SAT_CDB12 &&
	       t->peripheral_type != INQUIRY_TYPE_DISK && t->peripheral_type != INQUIRY_TYPE_ZONED;
}

static void remember_type(struct xp_transport *t, const struct xp_cmd *cmd,
			  const struct xp_reply *reply)
{
	const uint8_t *data = cmd->data;

	if (cmd->kind != XP_TRANSPORT_SCSI || cmd->cdb[0] != XP_SCSI_INQUIRY || cmd->cdb[1] != 0)
		return;
	if (reply->answered && reply->scsi_status == XP_SCSI_GOOD && reply->data_len > 0)
		t->peripheral_type = data[0] & INQUIRY_TYPE_MASK;
	else
		t->peripheral_type = INQUIRY_TYPE_UNSEEN;
}

enum xp_rc xp_transport_exec(struct xp_transport *t, const struct xp_cmd *cmd,
			     const struct xp_permit *permit, struct xp_reply *reply,
			     struct xp_err *err)
{
	const struct xp_clock *clock = xp_clock_system();
	struct xp_cmd sent = *cmd;
	char name[64];
	uint64_t start;
	enum xp_rc rc;

	*reply = (struct xp_reply){0};
	TRY(check_shape(t, cmd, err));
	if (!permit && (!xp_opcode_is_read_only(cmd) || is_ambiguous(t, cmd))) {
		xp_opcode_name(name, sizeof(name), cmd);
		return xp_fail(
			err, XP_E_REFUSED,
			"%s is not known to be read-only: it needs a permit; nothing was sent",
			name);
	}
	if (sent.timeout_ms == 0)
		sent.timeout_ms = DEFAULT_TIMEOUT_MS;
	start = clock->monotonic_ns(clock->ctx);
	rc = t->ops->exec(t->ctx, &sent, reply, err);
	if (rc != XP_OK) {
		*reply = (struct xp_reply){0};
		return rc;
	}
	if (reply->duration_ns == 0)
		reply->duration_ns = clock->monotonic_ns(clock->ctx) - start;
	if (reply->data_len > cmd->data_len || reply->sense_len > XP_SENSE_MAX) {
		*reply = (struct xp_reply){0};
		return xp_fail(err, XP_E_IO, "the transport claims more data than was asked for");
	}
	remember_type(t, cmd, reply);
	return XP_OK;
}

bool xp_reply_is_good(const struct xp_cmd *cmd, const struct xp_reply *reply)
{
	if (!reply->answered)
		return false;
	if (cmd->kind == XP_TRANSPORT_NVME)
		return reply->nvme_status == 0;
	return reply->host_status == 0 && reply->scsi_status == XP_SCSI_GOOD;
}
