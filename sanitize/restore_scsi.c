#include "sanitize/restore_scsi.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "device/probe_identity.h"
#include "device/protocol/scsi_capacity.h"
#include "device/protocol/scsi_mode.h"
#include "device/protocol/scsi_sense.h"

/* Some drives look over their lists when that is changed. */
#define SELECT_TIMEOUT_MS 300000
#define ATTENTION_TRIES	  4
/* header, descriptor, and pages that are not looked at */
#define MODE_DATA_LEN 252

struct asker {
	struct xp_transport *t;
	const struct xp_permit *permit;
};

bool xp_scsi_restore_applies(const struct xp_drive_facts *facts)
{
	const struct xp_scsi_facts *s = &facts->scsi;

	return facts->transport == XP_TRANSPORT_SCSI && !facts->is_ata && !facts->is_bridged &&
	       facts->hidden.apply && s->inquiry == XP_ASKED_GOOD && s->inq.type == 0 &&
	       s->read_capacity == XP_ASKED_GOOD && s->capacity.logical_bytes != 0;
}

/* *SENSE (with REPLY's status) is what it said. */
static enum xp_rc ask_once(struct xp_reply *reply, struct xp_sense *sense, const struct asker *a,
			   const struct xp_cmd *cmd, struct xp_err *err)
{
	*sense = (struct xp_sense){0};
	TRY(xp_transport_exec(a->t, cmd, a->permit, reply, err));
	if (!reply->answered || reply->host_status != 0)
		return xp_fail(err, XP_E_IO, "the drive does not answer");
	if (!xp_reply_is_good(cmd, reply) && !xp_sense_parse(sense, reply->sense, reply->sense_len))
		*sense = (struct xp_sense){0};
	return XP_OK;
}

/* It tells of something before, and did not carry the command out. */
static bool is_attention(const struct xp_cmd *cmd, const struct xp_reply *reply,
			 const struct xp_sense *sense)
{
	return !xp_reply_is_good(cmd, reply) && sense->key == XP_SENSE_UNIT_ATTENTION;
}

/* What changes nothing is asked again behind an attention. */
static enum xp_rc ask(struct xp_reply *reply, struct xp_sense *sense, const struct asker *a,
		      const struct xp_cmd *cmd, struct xp_err *err)
{
	for (unsigned i = 0; i < ATTENTION_TRIES; i++) {
		TRY(ask_once(reply, sense, a, cmd, err));
		if (!is_attention(cmd, reply, sense))
			break;
	}
	return XP_OK;
}

static void say(struct xp_scsi_restore_result *out, const char *what, const struct xp_sense *s)
{
	snprintf(out->why, sizeof(out->why), "the drive refuses %s (sense %x/%02x/%02x)", what,
		 s->key, s->asc, s->ascq);
}

/* A drive without a block descriptor has nothing that could have been set. */
static enum xp_rc read_descriptor(bool *can, struct xp_scsi_restore_result *out,
				  const struct asker *a, struct xp_err *err)
{
	uint8_t data[MODE_DATA_LEN] = {0};
	struct xp_cmd cmd = {.kind = XP_TRANSPORT_SCSI,
			     .dir = XP_DATA_IN,
			     .data = data,
			     .data_len = sizeof(data)};
	struct xp_reply reply = {0};
	struct xp_scsi_blocks blocks;
	struct xp_sense sense;
	struct xp_err why = {0};

	*can = false;
	cmd.cdb_len = xp_scsi_mode_sense_blocks(cmd.cdb, sizeof(data));
	TRY(ask(&reply, &sense, a, &cmd, err));
	if (!xp_reply_is_good(&cmd, &reply))
		say(out, "MODE SENSE", &sense);
	else if (xp_scsi_mode_blocks_parse(&blocks, data, reply.data_len, &why) != XP_OK)
		snprintf(out->why, sizeof(out->why), "%.180s", why.msg);
	else if (blocks.is_write_protected)
		snprintf(out->why, sizeof(out->why), "the drive is write protected");
	else
		*can = true;
	return XP_OK;
}

static enum xp_rc set_all(bool *good, struct xp_scsi_restore_result *out, const struct asker *a,
			  const struct xp_drive_facts *facts, struct xp_err *err)
{
	const uint32_t block_bytes = facts->scsi.capacity.logical_bytes;
	uint8_t list[XP_SCSI_BLOCKS_LIST_LEN];
	struct xp_cmd cmd = {.kind = XP_TRANSPORT_SCSI,
			     .dir = XP_DATA_OUT,
			     .data = list,
			     .data_len = sizeof(list),
			     .timeout_ms = SELECT_TIMEOUT_MS};
	struct xp_reply reply = {0};
	struct xp_sense sense;

	cmd.cdb_len = xp_scsi_mode_select_blocks(cmd.cdb, list, UINT64_MAX, block_bytes);
	/* behind an attention another drive may stand there */
	for (unsigned i = 0; i < ATTENTION_TRIES; i++) {
		TRY(xp_probe_demand_same(a->t, facts, err));
		TRY(ask_once(&reply, &sense, a, &cmd, err));
		if (!is_attention(&cmd, &reply, &sense))
			break;
	}
	*good = xp_reply_is_good(&cmd, &reply);
	if (!*good)
		say(out, "to show all of its blocks, MODE SELECT", &sense);
	return XP_OK;
}

static enum xp_rc read_capacity(struct xp_scsi_capacity *out, const struct asker *a,
				struct xp_err *err)
{
	uint8_t data[XP_SCSI_CAPACITY_LEN] = {0};
	struct xp_cmd cmd = {.kind = XP_TRANSPORT_SCSI,
			     .dir = XP_DATA_IN,
			     .data = data,
			     .data_len = sizeof(data)};
	struct xp_reply reply = {0};
	struct xp_sense sense;

	cmd.cdb_len = xp_scsi_read_capacity_16(cmd.cdb, sizeof(data));
	TRY(ask(&reply, &sense, a, &cmd, err));
	if (!xp_reply_is_good(&cmd, &reply))
		return xp_fail(err, XP_E_IO, "READ CAPACITY is refused after MODE SELECT");
	return xp_scsi_capacity_parse(out, data, reply.data_len, err);
}

enum xp_rc xp_scsi_restore(struct xp_scsi_restore_result *out, struct xp_transport *t,
			   const struct xp_permit *permit, const struct xp_drive_facts *facts,
			   struct xp_err *err)
{
	const struct asker a = {.t = t, .permit = permit};
	const struct xp_scsi_capacity *was = &facts->scsi.capacity;
	struct xp_scsi_capacity now;
	bool good;

	*out = (struct xp_scsi_restore_result){.bytes = was->bytes};
	TRY(read_descriptor(&good, out, &a, err));
	if (good)
		TRY(set_all(&good, out, &a, facts, err));
	if (!good)
		return XP_OK;
	TRY(read_capacity(&now, &a, err));
	if (now.logical_bytes != was->logical_bytes || now.bytes < was->bytes) {
		snprintf(out->why, sizeof(out->why),
			 "the drive took MODE SELECT, and has %llu bytes in blocks of %u now",
			 (unsigned long long)now.bytes, now.logical_bytes);
		return XP_OK;
	}
	out->is_whole = true;
	out->bytes = now.bytes;
	return XP_OK;
}
