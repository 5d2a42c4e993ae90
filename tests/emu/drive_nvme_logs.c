/* Log pages, features, asynchronous events. */
#include "base/wire.h"
#include "tests/emu/drive_nvme_inside.h"

#include <string.h>

/* LID */
#define LOG_ERRORS   0x01
#define LOG_HEALTH   0x02
#define LOG_FIRMWARE 0x03
#define LOG_CHANGED  0x04
#define LOG_EFFECTS  0x05
#define LOG_SANITIZE 0x81
#define LOG_MAX	     4096
/* CDW10 of Get Log Page */
#define RAE (1U << 15)
/* FID */
#define F_POWER		0x02
#define F_TEMPERATURE	0x04
#define F_CACHE		0x06
#define F_QUEUES	0x07
#define F_EVENTS	0x0b
#define F_TIMESTAMP	0x0e
#define F_KEEP_ALIVE	0x0f
#define F_SANITIZE	0x17
#define F_HOST_ID	0x81
#define F_RESV_NOTICES	0x82
#define F_RESV_PERSISTS 0x83
/* asynchronous events */
#define EVENT_NOTICE	  2
#define NOTICE_NS	  (1U << 8) /* of Asynchronous Event Configuration */
#define EVENT_IO_SPECIFIC 6

static void put_health(const struct emu_nvme *d, uint8_t *out)
{
	uint64_t on_ns = d->powered_ns + (d->powered ? d->time->now_ns - d->on_since_ns : 0);

	out[0] = d->faults.smart_warning ? 0x04 : 0; /* reliability degraded */
	put_le16(out + 1, 310);			     /* kelvin */
	out[3] = 100;				     /* spare */
	out[4] = 10;
	out[5] = 1;
	put_le64(out + 32, (d->sectors_read + 999) / 1000);
	put_le64(out + 48, (d->sectors_written + 999) / 1000);
	put_le64(out + 112, d->power_ons);
	put_le64(out + 128, on_ns / (3600 * EMU_S));
	put_le64(out + 144, d->unsafe_offs);
	put_le64(out + 160, d->media_errors);
}

static void put_firmware(const struct emu_nvme *d, uint8_t *out)
{
	out[0] = 1; /* slot 1 is active */
	memset(out + 8, ' ', 8);
	memcpy(out + 8, d->cfg.firmware, strnlen(d->cfg.firmware, 8));
}

static void put_changed(struct emu_nvme_ctrl *c, uint8_t *out)
{
	for (unsigned i = 0; i < c->changed_n; i++)
		put_le32(out + 4 * (size_t)i, c->changed[i]);
	c->changed_n = 0;
}

static void put_effects(const struct emu_nvme *d, uint8_t *out)
{
	static const uint8_t plain[] = {0x02, 0x06, 0x08, 0x09, 0x0a, 0x0c, 0x18};
	const uint32_t is_supported = 1;
	const uint32_t erases = 1 | 2;		/* LBCC */
	const uint32_t manages = 1 | 4 | 8;	/* NCC, NIC */
	const uint32_t formats = 1 | 2 | 4 | 8; /* and LBCC */
	const uint32_t alone = 1U << 16;	/* CSE: no other command to the namespace */
	const uint32_t quite_alone = 2U << 16;	/* ... to any namespace */
	const struct emu_nvme_config *c = &d->cfg;
	uint8_t *io = out + 1024;

	for (size_t i = 0; i < sizeof(plain); i++)
		put_le32(out + 4 * (size_t)plain[i], is_supported);
	if (c->has_format)
		put_le32(out + 4 * (size_t)0x80, formats | quite_alone);
	if (c->has_security) {
		put_le32(out + 4 * (size_t)0x81, is_supported);
		put_le32(out + 4 * (size_t)0x82, is_supported);
	}
	if (c->sanitize_block || c->sanitize_crypto || c->sanitize_overwrite)
		put_le32(out + 4 * (size_t)0x84, erases | quite_alone);
	if (c->has_ns_management) {
		put_le32(out + 4 * (size_t)0x0d, manages | alone);
		put_le32(out + 4 * (size_t)0x15, manages | alone);
	}
	put_le32(io + 4 * 0x00, is_supported);
	put_le32(io + 4 * 0x01, erases);
	put_le32(io + 4 * 0x02, is_supported);
	put_le32(io + 4 * 0x05, c->has_compare ? is_supported : 0);
	put_le32(io + 4 * 0x08, c->has_write_zeroes ? erases : 0);
	put_le32(io + 4 * 0x09, c->has_dsm ? erases : 0);
	if (!c->has_reservations)
		return;
	put_le32(io + 4 * 0x0d, is_supported);
	put_le32(io + 4 * 0x0e, is_supported);
	put_le32(io + 4 * 0x11, is_supported);
	put_le32(io + 4 * 0x15, is_supported);
}

/* The length of a log; 0: there is none. */
static size_t fill_log(struct emu_nvme *d, const struct emu_nvme_cmd *cmd, uint8_t out[LOG_MAX])
{
	const struct emu_nvme_config *c = &d->cfg;

	switch ((uint8_t)emu_cdw(cmd, 10)) {
	case LOG_ERRORS:
		return 64 * 4; /* ELPE entries, and nothing ever went into them */
	case LOG_HEALTH:
		put_health(d, out);
		return 512;
	case LOG_FIRMWARE:
		put_firmware(d, out);
		return 512;
	case LOG_CHANGED:
		put_changed(&d->ctrl[cmd->controller], out);
		return 4096;
	case LOG_EFFECTS:
		put_effects(d, out);
		return 4096;
	case LOG_SANITIZE:
		if (!c->sanitize_block && !c->sanitize_crypto && !c->sanitize_overwrite)
			return 0;
		emu_nvme_sanitize_log(d, out);
		return 512;
	default:
		return 0;
	}
}

static void unmask(struct emu_nvme_ctrl *c, uint8_t lid)
{
	unsigned kept = 0;

	if (lid == LOG_CHANGED)
		c->masked &= ~(1U << EVENT_NOTICE);
	if (lid == LOG_SANITIZE)
		c->masked &= ~(1U << EVENT_IO_SPECIFIC);
	/* what the log has told is not told again */
	for (unsigned i = 0; i < c->events_n; i++)
		if (c->events[i].lid != lid)
			c->events[kept++] = c->events[i];
	c->events_n = kept;
}

/* [NVMe Base, Get Log Page] */
void emu_nvme_do_get_log(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	uint8_t out[LOG_MAX] = {0};
	uint32_t cdw10 = emu_cdw(cmd, 10);
	uint64_t len = (((uint64_t)(emu_cdw(cmd, 11) & 0xffff) << 16 | cdw10 >> 16) + 1) * 4;
	uint64_t offset = (uint64_t)emu_cdw(cmd, 13) << 32 | emu_cdw(cmd, 12);
	size_t has;

	if ((uint8_t)cdw10 == LOG_SANITIZE && d->faults.log_refused) {
		cmd->status = SC_INTERNAL;
		return;
	}
	has = fill_log(d, cmd, out);
	if (has == 0) {
		cmd->status = SC_INVALID_LOG;
		return;
	}
	if (offset % 4 || offset > has) {
		cmd->status = SC_INVALID_FIELD;
		return;
	}
	if (emu_give_padded(cmd, out + offset, has - offset, len) && !(cdw10 & RAE))
		unmask(&d->ctrl[cmd->controller], (uint8_t)cdw10);
}

void emu_nvme_default_features(struct emu_nvme *d, unsigned controller)
{
	struct emu_nvme_ctrl *c = &d->ctrl[controller];
	uint32_t nodrm = c->features[F_SANITIZE]; /* kept: it is saved */

	memset(c->features, 0, sizeof(c->features));
	c->features[F_TEMPERATURE] = 343;
	c->features[F_CACHE] = d->cfg.has_volatile_cache ? 1 : 0;
	c->features[F_QUEUES] = 0x00070007;
	c->features[F_SANITIZE] = nodrm;
	c->events_n = 0;
	c->masked = 0;
}

static bool is_feature(const struct emu_nvme *d, uint8_t fid)
{
	switch (fid) {
	case 0x01: /* arbitration */
	case F_POWER:
	case F_TEMPERATURE:
	case 0x05: /* error recovery */
	case F_QUEUES:
	case 0x08: /* interrupts: coalescing, vectors, write atomicity */
	case 0x09:
	case 0x0a:
	case F_EVENTS:
	case F_KEEP_ALIVE:
	case 0x80: /* software progress */
		return true;
	case F_CACHE:
		return d->cfg.has_volatile_cache;
	case F_SANITIZE:
		return d->cfg.sanitize_block || d->cfg.sanitize_crypto || d->cfg.sanitize_overwrite;
	case F_HOST_ID:
	case F_RESV_NOTICES:
	case F_RESV_PERSISTS:
		return d->cfg.has_reservations;
	default:
		return false;
	}
}

/* [NVMe Base, Get Features] */
void emu_nvme_do_get_features(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	struct emu_nvme_ctrl *c = &d->ctrl[cmd->controller];
	uint8_t fid = (uint8_t)emu_cdw(cmd, 10);
	unsigned select = emu_cdw(cmd, 10) >> 8 & 7;
	struct emu_nvme_ns *ns;

	if (fid == F_TIMESTAMP) {
		uint8_t out[8] = {0};

		put_le64(out, (uint64_t)d->time->epoch_s * 1000 + d->time->now_ns / EMU_MS);
		out[6] = out[7] = 0;
		emu_give(cmd, out, sizeof(out));
		return;
	}
	if (!is_feature(d, fid)) {
		cmd->status = SC_INVALID_FIELD;
		return;
	}
	if (select == 3) {
		cmd->result = fid == F_SANITIZE ? 5 : 4; /* changeable; saved */
	} else if (fid == F_HOST_ID) {
		emu_give(cmd, c->host, emu_cdw(cmd, 11) & 1 ? 16 : 8);
	} else if (fid == F_RESV_PERSISTS) {
		ns = emu_active(d, cmd);
		if (!ns)
			cmd->status = SC_INVALID_NAMESPACE;
		else
			cmd->result = ns->held.persists;
	} else {
		cmd->result = c->features[fid];
	}
}

/* [NVMe Base, Set Features] */
void emu_nvme_do_set_features(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	struct emu_nvme_ctrl *c = &d->ctrl[cmd->controller];
	uint8_t fid = (uint8_t)emu_cdw(cmd, 10);
	uint32_t value = emu_cdw(cmd, 11);
	struct emu_nvme_ns *ns;

	if (fid == F_TIMESTAMP) {
		emu_take(cmd, 8);
		return;
	}
	if (!is_feature(d, fid)) {
		cmd->status = SC_INVALID_FIELD;
		return;
	}
	switch (fid) {
	case F_QUEUES: /* as many as were asked for, and no more than eight */
		if ((value & 0xffff) == 0xffff || value >> 16 == 0xffff) {
			cmd->status = SC_INVALID_FIELD;
			return;
		}
		cmd->result = ((value & 0xffff) < 7 ? value & 0xffff : 7) |
			      ((value >> 16) < 7 ? value >> 16 : 7) << 16;
		c->features[fid] = cmd->result;
		break;
	case F_SANITIZE: /* one for the whole subsystem */
		for (unsigned i = 0; i < d->cfg.controllers_n; i++)
			d->ctrl[i].features[fid] = value & 1;
		break;
	case F_HOST_ID:
		cmd->status = SC_NOT_CHANGEABLE; /* it came with the connection */
		break;
	case F_RESV_PERSISTS:
		ns = emu_active(d, cmd);
		if (!ns)
			cmd->status = SC_INVALID_NAMESPACE;
		else
			ns->held.persists = value & 1;
		break;
	default:
		c->features[fid] = value;
		break;
	}
}

void emu_nvme_raise(struct emu_nvme *d, const struct emu_event *event)
{
	for (unsigned i = 0; i < d->cfg.controllers_n; i++) {
		struct emu_nvme_ctrl *c = &d->ctrl[i];

		if (c->events_n < EMU_EVENTS_MAX)
			c->events[c->events_n++] = *event;
	}
}

void emu_nvme_ns_changed(struct emu_nvme *d, uint32_t nsid, uint32_t controllers)
{
	for (unsigned i = 0; i < d->cfg.controllers_n; i++) {
		struct emu_nvme_ctrl *c = &d->ctrl[i];
		bool known = false;

		if (!(controllers >> i & 1) || !(c->features[F_EVENTS] & NOTICE_NS))
			continue;
		for (unsigned k = 0; k < c->changed_n; k++)
			known = known || c->changed[k] == nsid;
		if (!known && c->changed_n < EMU_NVME_NS_MAX)
			c->changed[c->changed_n++] = nsid;
		if (c->events_n < EMU_EVENTS_MAX)
			c->events[c->events_n++] =
				(struct emu_event){.type = EVENT_NOTICE, .lid = LOG_CHANGED};
	}
}

bool emu_nvme_event(struct emu_nvme *d, unsigned controller, uint32_t *result)
{
	struct emu_nvme_ctrl *c = &d->ctrl[controller];

	if (!d->powered)
		return false;
	emu_nvme_sanitize_settle(d);
	for (unsigned i = 0; i < c->events_n; i++) {
		const struct emu_event e = c->events[i];

		if (c->masked >> e.type & 1)
			continue;
		*result = e.type | (uint32_t)e.info << 8 | (uint32_t)e.lid << 16;
		c->masked |= 1U << e.type;
		memmove(c->events + i, c->events + i + 1, (c->events_n - i - 1) * sizeof(e));
		c->events_n--;
		return true;
	}
	return false;
}

/* [NVMe Base, Asynchronous Event Request] */
void emu_nvme_do_event_request(struct emu_nvme *d, struct emu_nvme_cmd *cmd)
{
	if (!emu_nvme_event(d, cmd->controller, &cmd->result))
		cmd->is_held = true;
}
