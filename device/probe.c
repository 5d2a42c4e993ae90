#include "device/probe.h"

#include "base/cleanup.h"
#include "device/probe_inside.h"
#include "device/protocol/nvme_cmd.h"
#include "device/protocol/scsi_cmd.h"

#include <stdio.h>
#include <string.h>

#define RAW_MAX		64 /* answers that one probe keeps */
#define ATTENTION_TRIES 4
/* long enough for a disk that has to spin up first */
#define PROBE_TIMEOUT_MS 30000

const char *xp_asked_name(enum xp_asked v)
{
	switch (v) {
	case XP_ASKED_NEVER:
		return "not asked";
	case XP_ASKED_GOOD:
		return "good";
	case XP_ASKED_REFUSED:
		return "refused";
	case XP_ASKED_MALFORMED:
		return "malformed";
	case XP_ASKED_NONE:
		return "no answer";
	}
	return "not asked";
}

void xp_drive_facts_free(struct xp_drive_facts *facts)
{
	free(facts->nvme.ns);
	*facts = (struct xp_drive_facts){0};
}

void xp_probe_note(struct xp_probe *p, const char *what, enum xp_asked answer, const char *why)
{
	struct xp_drive_facts *f = p->facts;
	struct xp_fact_note *note;

	if (f->notes_n == XP_FACT_NOTES_MAX)
		return;
	note = &f->notes[f->notes_n++];
	snprintf(note->what, sizeof(note->what), "%s", what);
	snprintf(note->why, sizeof(note->why), "%s", why);
	note->answer = answer;
}

static void refusal_text(char *out, size_t out_len, const struct xp_cmd *cmd,
			 const struct xp_reply *reply)
{
	struct xp_sense s;

	if (cmd->kind == XP_TRANSPORT_NVME)
		snprintf(out, out_len, "NVMe status %03xh", reply->nvme_status & 0x7ff);
	else if (xp_sense_parse(&s, reply->sense, reply->sense_len))
		snprintf(out, out_len, "sense %xh/%02xh/%02xh", s.key, s.asc, s.ascq);
	else
		snprintf(out, out_len, "SCSI status %02xh", reply->scsi_status);
}

/* A unit attention tells of something that happened before: the command was not carried out. */
static bool is_unit_attention(const struct xp_cmd *cmd, const struct xp_reply *reply)
{
	struct xp_sense s;

	return cmd->kind == XP_TRANSPORT_SCSI && reply->scsi_status == XP_SCSI_CHECK_CONDITION &&
	       xp_sense_parse(&s, reply->sense, reply->sense_len) && !s.is_deferred &&
	       s.key == XP_SENSE_UNIT_ATTENTION;
}

enum xp_asked xp_probe_send(struct xp_probe *p, const char *what, struct xp_cmd *cmd,
			    struct xp_reply *reply)
{
	struct xp_reply own;
	struct xp_reply *r = reply ? reply : &own;
	struct xp_err err = {0};
	char why[64];
	enum xp_rc rc = XP_OK;

	*r = (struct xp_reply){0};
	if (p->broken != XP_OK || p->is_silent)
		return XP_ASKED_NONE;
	cmd->timeout_ms = PROBE_TIMEOUT_MS;
	cmd->kind = p->facts->transport;
	for (unsigned tries = 0; tries < ATTENTION_TRIES; tries++) {
		rc = xp_transport_exec(p->t, cmd, NULL, r, &err);
		if (rc != XP_OK || !is_unit_attention(cmd, r))
			break;
	}
	/* the drive answered, and the transcript could not be written: no word about the drive */
	if (rc == XP_E_IO && err.is_output) {
		p->broken = rc;
		p->err = err;
		return XP_ASKED_NONE;
	}
	switch (rc) {
	case XP_OK:
		break;
	case XP_E_IO:
	case XP_E_TIMEOUT:
		/* what does not answer once is not waited for again and again */
		p->is_silent = rc == XP_E_TIMEOUT;
		xp_probe_note(p, what, XP_ASKED_NONE, err.msg);
		return XP_ASKED_NONE;
	default: /* the transcript does not fit, no permission, no memory, our bug */
		p->broken = rc;
		p->err = err;
		return XP_ASKED_NONE;
	}
	if (xp_reply_is_good(cmd, r))
		return XP_ASKED_GOOD;
	refusal_text(why, sizeof(why), cmd, r);
	xp_probe_note(p, what, XP_ASKED_REFUSED, why);
	return XP_ASKED_REFUSED;
}

enum xp_asked xp_probe_scsi(struct xp_probe *p, const char *what, const uint8_t *cdb,
			    uint8_t cdb_len, void *data, uint32_t *len)
{
	struct xp_cmd cmd = {
		.cdb_len = cdb_len,
		.dir = XP_DATA_IN,
		.data = data,
		.data_len = *len,
	};
	struct xp_reply reply;
	enum xp_asked answer;

	memcpy(cmd.cdb, cdb, cdb_len);
	memset(data, 0, *len);
	answer = xp_probe_send(p, what, &cmd, &reply);
	*len = answer == XP_ASKED_GOOD ? reply.data_len : 0;
	return answer;
}

enum xp_asked xp_probe_nvme(struct xp_probe *p, const char *what,
			    const struct xp_nvme_dwords *dwords, void *data)
{
	struct xp_cmd cmd = {
		.nvme = {.opcode = dwords->opcode,
			 .nsid = dwords->nsid,
			 .cdw10 = dwords->cdw10,
			 .cdw11 = dwords->cdw11,
			 .is_io = dwords->is_io},
		.dir = dwords->data_len ? XP_DATA_IN : XP_DATA_NONE,
		.data = dwords->data_len ? data : NULL,
		.data_len = dwords->data_len,
	};

	if (dwords->data_len)
		memset(data, 0, dwords->data_len);
	return xp_probe_send(p, what, &cmd, NULL);
}

enum xp_asked xp_probe_decoded(struct xp_probe *p, const char *what, enum xp_rc rc,
			       const struct xp_err *err)
{
	if (rc == XP_OK)
		return XP_ASKED_GOOD;
	xp_probe_note(p, what, XP_ASKED_MALFORMED, err->msg);
	return XP_ASKED_MALFORMED;
}

void xp_probe_keep(struct xp_probe *p, enum xp_raw_kind kind, uint32_t arg, const void *data,
		   size_t len)
{
	struct xp_identity *id = p->id;
	struct xp_raw *list;
	uint8_t *copy;

	if (id->raw_n >= RAW_MAX || p->broken != XP_OK || len == 0)
		return;
	copy = malloc(len);
	list = realloc(id->raw, (id->raw_n + 1) * sizeof(*list));
	if (list)
		id->raw = list;
	if (!copy || !list) {
		free(copy);
		p->broken = xp_fail(&p->err, XP_E_NOMEM, "no memory for a drive's answers");
		return;
	}
	memcpy(copy, data, len);
	list[id->raw_n++] = (struct xp_raw){.kind = kind, .arg = arg, .data = copy, .len = len};
}

void xp_probe_set(char *out, size_t out_len, const char *value)
{
	if (value[0] && strlen(value) < out_len)
		memcpy(out, value, strlen(value) + 1);
}

void xp_probe_tcg(struct xp_probe *p)
{
	uint8_t data[XP_TCG_DISCOVERY_LEN];
	uint8_t cdb[XP_SCSI_CDB_MAX];
	struct xp_drive_facts *f = p->facts;
	struct xp_nvme_dwords dwords;
	struct xp_err err = {0};
	uint32_t len = sizeof(data);
	static const char what[] = "TCG discovery";

	if (f->transport == XP_TRANSPORT_NVME) {
		dwords = xp_nvme_security_receive(XP_TCG_PROTOCOL, XP_TCG_COMID_DISCOVERY, len);
		f->tcg_asked = xp_probe_nvme(p, what, &dwords, data);
	} else {
		uint8_t n = xp_scsi_security_in(cdb, XP_TCG_PROTOCOL, XP_TCG_COMID_DISCOVERY, len);

		f->tcg_asked = xp_probe_scsi(p, what, cdb, n, data, &len);
	}
	if (f->tcg_asked == XP_ASKED_GOOD)
		f->tcg_asked = xp_probe_decoded(
			p, what, xp_tcg_discovery_parse(&f->tcg, data, len, &err), &err);
}

enum xp_rc xp_probe_drive(struct xp_drive_facts *facts, struct xp_transport *t,
			  struct xp_identity *id, struct xp_err *err)
{
	struct xp_probe p = {.t = t, .facts = facts, .id = id};
	enum xp_asked first;

	*facts = (struct xp_drive_facts){.transport = xp_transport_kind_of(t)};
	if (facts->transport == XP_TRANSPORT_NVME) {
		xp_probe_nvme_drive(&p);
		first = facts->nvme.identify;
	} else {
		xp_probe_scsi_drive(&p);
		first = facts->scsi.inquiry;
	}
	if (p.broken != XP_OK) {
		if (err)
			*err = p.err;
		return p.broken;
	}
	if (first != XP_ASKED_GOOD)
		return xp_fail(err, first == XP_ASKED_NONE ? XP_E_IO : XP_E_DEVICE,
			       "the drive does not say what it is: %s",
			       facts->notes_n ? facts->notes[0].why : xp_asked_name(first));
	return XP_OK;
}

static void name_target(struct xp_target *target)
{
	const struct xp_identity *id = &target->identity;
	const char *confirm = id->serial[0] ? id->serial : id->wwn;

	target->kind = XP_TARGET_DISK;
	snprintf(target->path, sizeof(target->path), "transcript");
	snprintf(target->confirm, sizeof(target->confirm), "%s", confirm);
}

enum xp_rc xp_probe_transcript(struct xp_drive_facts *facts, struct xp_target *target,
			       const char *jsonl, size_t len, struct xp_err *err)
{
	AUTO(xp_transport_free) struct xp_transport *t = NULL;

	*facts = (struct xp_drive_facts){0};
	*target = (struct xp_target){0};
	TRY(xp_transport_replay_open(&t, &target->identity.bus, jsonl, len, err));
	TRY(xp_probe_drive(facts, t, &target->identity, err));
	name_target(target);
	return XP_OK;
}
