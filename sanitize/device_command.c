#include "sanitize/device_command.h"

#include "base/cleanup.h"
#include "base/wire.h"

#include <stdlib.h>
#include <string.h>

#define SQE_LEN 64

/* The submission queue entry as the specification lays it out, without identifier and pointers. */
static void keep_sqe(struct xp_command_result *c, const struct xp_nvme_sqe *q)
{
	const uint32_t dwords[] = {q->cdw10, q->cdw11, q->cdw12, q->cdw13, q->cdw14, q->cdw15};

	memset(c->cdb, 0, sizeof(c->cdb));
	c->cdb_len = SQE_LEN;
	c->cdb[0] = q->opcode;
	put_le32(c->cdb + 4, q->nsid);
	for (size_t i = 0; i < XP_ARRAY_LEN(dwords); i++)
		put_le32(c->cdb + 40 + 4 * i, dwords[i]);
}

enum xp_rc xp_device_command_send(struct xp_method_run *run, const struct xp_cmd *cmd,
				  struct xp_reply *reply, struct xp_err *err)
{
	struct xp_command_result *c = &run->phase->command;
	bool is_nvme = cmd->kind == XP_TRANSPORT_NVME;

	if (is_nvme) {
		keep_sqe(c, &cmd->nvme);
	} else {
		memset(c->cdb, 0, sizeof(c->cdb));
		memcpy(c->cdb, cmd->cdb, cmd->cdb_len);
		c->cdb_len = cmd->cdb_len;
	}
	c->nvme_status = 0xffffffff;
	c->scsi_status = 0;
	c->sense_len = 0;
	TRY(xp_device_command_ask(run, cmd, reply, err));
	if (is_nvme) {
		c->nvme_status = reply->nvme_status;
		return XP_OK;
	}
	c->scsi_status = reply->scsi_status;
	c->sense_len =
		reply->sense_len < sizeof(c->sense) ? reply->sense_len : (uint32_t)sizeof(c->sense);
	memcpy(c->sense, reply->sense, c->sense_len);
	return XP_OK;
}

enum xp_rc xp_device_command_ask(struct xp_method_run *run, const struct xp_cmd *cmd,
				 struct xp_reply *reply, struct xp_err *err)
{
	memset(reply, 0, sizeof(*reply));
	if (!run->req->transport)
		return xp_fail(err, XP_E_UNSUPPORTED, "%s: there is no way to the drive",
			       xp_technique_name(run->req->technique));
	return xp_transport_exec(run->req->transport, cmd, run->req->permit, reply, err);
}

enum xp_rc xp_device_command_keep(struct xp_method_run *run, enum xp_keep where,
				  enum xp_raw_kind kind, uint32_t arg, const void *data, size_t len,
				  struct xp_err *err)
{
	struct xp_command_result *c = &run->phase->command;
	struct xp_raw **list = where == XP_KEEP_BEFORE ? &c->before : &c->after;
	size_t *n = where == XP_KEEP_BEFORE ? &c->before_n : &c->after_n;
	uint8_t *copy = malloc(len ? len : 1);
	struct xp_raw *slot = NULL;

	if (!copy)
		return xp_fail(err, XP_E_NOMEM, "evidence");
	if (len)
		memcpy(copy, data, len);
	for (size_t i = 0; i < *n; i++)
		if ((*list)[i].kind == kind && (*list)[i].arg == arg)
			slot = &(*list)[i];
	if (!slot) {
		struct xp_raw *more = reallocarray(*list, *n + 1, sizeof(*more));

		if (!more) {
			free(copy);
			return xp_fail(err, XP_E_NOMEM, "evidence");
		}
		*list = more;
		slot = &more[(*n)++];
		*slot = (struct xp_raw){.kind = kind, .arg = arg};
	}
	free(slot->data);
	slot->data = copy;
	slot->len = len;
	return XP_OK;
}

enum xp_rc xp_device_command_note(struct xp_method_run *run, enum xp_command_note what,
				  struct xp_err *err)
{
	const struct xp_engine_hooks *h = &run->req->hooks;

	return h->command_note ? h->command_note(h->ctx, what, run->phase, err) : XP_OK;
}

void xp_device_command_progress(const struct xp_method_run *run, const char *label,
				uint32_t of_65536)
{
	const struct xp_engine_hooks *h = &run->req->hooks;
	uint64_t total = run->phase->identity.capacity_bytes;

	if (h->progress)
		h->progress(h->ctx, label, (uint64_t)((unsigned __int128)total * of_65536 / 65536),
			    total);
}

enum xp_rc xp_device_command_wait(const struct xp_method_run *run, struct xp_err *err)
{
	const struct xp_engine_hooks *h = &run->req->hooks;

	if (!h->cancelled(h->ctx) && h->sleep_ms)
		h->sleep_ms(h->ctx, XP_POLL_MS);
	if (h->cancelled(h->ctx))
		return xp_fail(err, XP_E_CANCELLED, "cancelled; the drive goes on by itself");
	return XP_OK;
}
