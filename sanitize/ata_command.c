#include "sanitize/ata_command.h"

#include "base/cleanup.h"
#include "device/protocol/scsi_sense.h"
#include "sanitize/device_command.h"

#include <stdlib.h>
#include <string.h>

void xp_ata_command(struct xp_cmd *cmd, const struct xp_ata_taskfile *tf, void *data,
		    uint32_t timeout_ms)
{
	bool is_in = tf->protocol == XP_ATA_PIO_IN || tf->protocol == XP_ATA_UDMA_IN;

	*cmd = (struct xp_cmd){
		.kind = XP_TRANSPORT_SCSI,
		.cdb_len = XP_SAT_CDB16_LEN,
		.data = tf->blocks ? data : NULL,
		.data_len = tf->blocks * 512U,
		.timeout_ms = timeout_ms,
	};
	if (tf->blocks)
		cmd->dir = is_in ? XP_DATA_IN : XP_DATA_OUT;
	xp_sat_cdb_build(cmd->cdb, tf);
}

bool xp_ata_reply_is_attention(const struct xp_reply *reply)
{
	struct xp_ata_registers regs;
	struct xp_sense sense;

	xp_sat_registers_parse(&regs, reply->sense, reply->sense_len);
	return reply->answered && regs.form == XP_SAT_NONE &&
	       xp_sense_parse(&sense, reply->sense, reply->sense_len) &&
	       sense.key == XP_SENSE_UNIT_ATTENTION;
}

enum xp_rc xp_ata_ask(struct xp_ata_answer *out, const struct xp_ata_door *door,
		      const struct xp_ata_taskfile *tf, void *data, uint32_t timeout_ms,
		      struct xp_err *err)
{
	struct xp_cmd cmd;

	if (!door->transport)
		return xp_fail(err, XP_E_UNSUPPORTED, "there is no way to the drive");
	xp_ata_command(&cmd, tf, data, timeout_ms);
	for (unsigned i = 0; i < XP_ATA_ATTENTIONS; i++) {
		memset(out, 0, sizeof(*out));
		TRY(xp_transport_exec(door->transport, &cmd, door->permit, &out->reply, err));
		if (!xp_ata_reply_is_attention(&out->reply))
			break;
	}
	xp_sat_registers_parse(&out->regs, out->reply.sense, out->reply.sense_len);
	return XP_OK;
}

enum xp_rc xp_ata_ask_identify(struct xp_ata_identify *out, uint8_t data[XP_ATA_IDENTIFY_LEN],
			       const struct xp_ata_door *door, struct xp_err *err)
{
	struct xp_ata_taskfile tf = xp_ata_identify_device();
	struct xp_ata_answer a;

	memset(data, 0, XP_ATA_IDENTIFY_LEN);
	TRY(xp_ata_ask(&a, door, &tf, data, 0, err));
	if (a.reply.scsi_status != 0 || a.reply.data_len != XP_ATA_IDENTIFY_LEN)
		return xp_fail(err, XP_E_DEVICE, "IDENTIFY DEVICE: no whole answer");
	return xp_ata_identify_parse(out, data, XP_ATA_IDENTIFY_LEN, err);
}

struct xp_ata_door xp_ata_door_of(const struct xp_method_run *run)
{
	return (struct xp_ata_door){.transport = run->req->transport, .permit = run->req->permit};
}

enum xp_rc xp_ata_keep_identify(struct xp_ata_identify *out, struct xp_method_run *run, bool after,
				struct xp_err *err)
{
	struct xp_ata_door door = xp_ata_door_of(run);
	struct xp_ata_identify mine;
	uint8_t data[XP_ATA_IDENTIFY_LEN];

	TRY(xp_ata_ask_identify(out ? out : &mine, data, &door, err));
	return xp_device_command_keep(run, after ? XP_KEEP_AFTER : XP_KEEP_BEFORE,
				      XP_RAW_ATA_IDENTIFY, 0, data, sizeof(data), err);
}

/* IDENTIFY DEVICE as the phase began with it, else as it was kept before. */
static const struct xp_raw *first_identify(const struct xp_method_run *run)
{
	const struct xp_identity *id = &run->phase->identity;
	const struct xp_command_result *c = &run->phase->command;

	for (size_t i = 0; i < id->raw_n; i++)
		if (id->raw[i].kind == XP_RAW_ATA_IDENTIFY)
			return &id->raw[i];
	for (size_t i = 0; i < c->before_n; i++)
		if (c->before[i].kind == XP_RAW_ATA_IDENTIFY)
			return &c->before[i];
	return NULL;
}

enum xp_rc xp_ata_demand_same(struct xp_method_run *run, struct xp_err *err)
{
	const struct xp_raw *first = first_identify(run);
	struct xp_ata_door door = xp_ata_door_of(run);
	struct xp_ata_identify then, now;
	uint8_t data[XP_ATA_IDENTIFY_LEN];

	TRY(xp_ata_ask_identify(&now, data, &door, err));
	if (!first)
		return xp_fail(err, XP_E_REFUSED,
			       "identity_changed: nobody knows who answered before");
	TRY(xp_ata_identify_parse(&then, first->data, first->len, err));
	if (strcmp(then.serial, now.serial) == 0 && strcmp(then.model, now.model) == 0 &&
	    then.wwn == now.wwn)
		return XP_OK;
	return xp_fail(
		err, XP_E_REFUSED,
		"identity_changed: another drive answers now (serial %s) than before (serial "
		"%s)",
		now.serial, then.serial);
}

enum xp_rc xp_ata_keep_during(struct xp_method_run *run, uint32_t arg, const void *data, size_t len,
			      struct xp_err *err)
{
	struct xp_command_result *c = &run->phase->command;
	struct xp_raw *more;
	uint8_t *copy;

	if (len == 0)
		return XP_OK;
	copy = malloc(len);
	more = copy ? reallocarray(c->during, c->during_n + 1, sizeof(*more)) : NULL;
	if (!more) {
		free(copy);
		return xp_fail(err, XP_E_NOMEM, "evidence");
	}
	memcpy(copy, data, len);
	c->during = more;
	more[c->during_n++] =
		(struct xp_raw){.kind = XP_RAW_SENSE, .arg = arg, .data = copy, .len = len};
	return XP_OK;
}

void xp_ata_forget_end(struct xp_method_run *run)
{
	struct xp_command_result *c = &run->phase->command;

	xp_raws_free(&c->during, &c->during_n);
	xp_raws_free(&c->after, &c->after_n);
}

enum xp_rc xp_ata_adopt(struct xp_method_run *run, struct xp_err *err)
{
	const struct xp_phase *old = run->resume_phase;
	int64_t since_s;

	TRY(xp_device_command_adopt(run, err));
	since_s = old->start_s - (int64_t)old->command.earlier_s;
	run->phase->command.earlier_s =
		run->phase->start_s > since_s ? (uint64_t)(run->phase->start_s - since_s) : 0;
	return XP_OK;
}
