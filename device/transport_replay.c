#include "device/transport.h"

#include "base/cleanup.h"
#include "device/opcodes.h"
#include "device/transcript.h"

#include <string.h>

struct replay {
	struct xp_transcript transcript;
	size_t next;
};

static bool is_same_command(const struct xp_exchange *x, const struct xp_cmd *cmd)
{
	const struct xp_cmd *was = &x->cmd;

	if (was->dir != cmd->dir || was->data_len != cmd->data_len)
		return false;
	if (cmd->dir == XP_DATA_OUT && !x->withheld &&
	    memcmp(x->out, cmd->data, cmd->data_len) != 0)
		return false;
	if (x->withheld && !xp_opcode_carries_secret(cmd))
		return false;
	if (cmd->kind == XP_TRANSPORT_SCSI)
		return was->cdb_len == cmd->cdb_len && !memcmp(was->cdb, cmd->cdb, cmd->cdb_len);
	return was->nvme.is_io == cmd->nvme.is_io && was->nvme.opcode == cmd->nvme.opcode &&
	       was->nvme.nsid == cmd->nvme.nsid && was->nvme.cdw10 == cmd->nvme.cdw10 &&
	       was->nvme.cdw11 == cmd->nvme.cdw11 && was->nvme.cdw12 == cmd->nvme.cdw12 &&
	       was->nvme.cdw13 == cmd->nvme.cdw13 && was->nvme.cdw14 == cmd->nvme.cdw14 &&
	       was->nvme.cdw15 == cmd->nvme.cdw15;
}

static enum xp_rc replay_exec(void *ctx, const struct xp_cmd *cmd, struct xp_reply *reply,
			      struct xp_err *err)
{
	struct replay *r = ctx;
	const struct xp_exchange *x;
	char name[64];

	xp_opcode_name(name, sizeof(name), cmd);
	if (r->next == r->transcript.n)
		return xp_fail(err, XP_E_MALFORMED,
			       "transcript line %zu: it ends here, but %s was to be answered",
			       r->next + 2, name);
	x = &r->transcript.list[r->next];
	if (!is_same_command(x, cmd))
		return xp_fail(err, XP_E_MALFORMED,
			       "transcript line %zu: it answers another command than %s", x->line,
			       name);
	r->next++;
	if (x->rc != XP_OK)
		return xp_fail(err, x->rc, "transcript line %zu: the drive gave no answer to %s",
			       x->line, name);
	if (x->in)
		memcpy(cmd->data, x->in, x->reply.data_len);
	*reply = x->reply;
	return XP_OK;
}

static void replay_close(void *ctx)
{
	struct replay *r = ctx;

	xp_transcript_free(&r->transcript);
	free(r);
}

static const struct xp_transport_ops replay_ops = {
	.name = "replay",
	.exec = replay_exec,
	.close = replay_close,
};

enum xp_rc xp_transport_replay_open(struct xp_transport **out, enum xp_bus *bus, const char *jsonl,
				    size_t len, struct xp_err *err)
{
	struct replay *r = calloc(1, sizeof(*r));
	enum xp_rc rc;

	if (!r)
		return xp_fail(err, XP_E_NOMEM, "no memory for a transport");
	rc = xp_transcript_parse(&r->transcript, jsonl, len, err);
	if (rc != XP_OK) {
		replay_close(r);
		return rc;
	}
	if (bus)
		*bus = r->transcript.bus;
	return xp_transport_new(out, r->transcript.kind, &replay_ops, r, err);
}
