#include "device/probe_inside.h"

#include "device/protocol/scsi_cmd.h"
#include "device/protocol/scsi_log.h"

#include <stdio.h>
#include <string.h>

#define TYPE_DISK	0x00
#define TYPE_ZONED_DISK 0x14
/* the first version that a USB bridge must know before it is asked for VPD pages: SPC-3 */
#define VERSION_SPC3	   5
#define VPD_SHORT	   252
#define LOG_EXCEPTIONS	   0x2f
#define LOG_EXCEPTIONS_LEN 64
#define ATA_IDENTIFY_CMD   0xec

/* One VPD page that the drive lists; *LEN is what came. */
static enum xp_asked read_page(struct xp_probe *p, uint8_t page, uint8_t *data, uint32_t *len)
{
	uint8_t cdb[XP_SCSI_CDB_MAX];
	char what[32];
	enum xp_asked answer;
	uint8_t n = xp_scsi_inquiry(cdb, true, page, (uint16_t)*len);

	snprintf(what, sizeof(what), "VPD page %02xh", page);
	answer = xp_probe_scsi(p, what, cdb, n, data, len);
	if (answer == XP_ASKED_GOOD)
		xp_probe_keep(p, XP_RAW_SCSI_VPD, page, data, *len);
	return answer;
}

static bool lists(const struct xp_scsi_facts *s, uint8_t page)
{
	return s->pages == XP_ASKED_GOOD && s->vpd.has[page];
}

static void ask_names(struct xp_probe *p, struct xp_scsi_facts *s)
{
	uint8_t data[XP_SCSI_VPD_LEN];
	struct xp_err err = {0};
	uint32_t len = VPD_SHORT;

	if (lists(s, XP_VPD_SERIAL) && read_page(p, XP_VPD_SERIAL, data, &len) == XP_ASKED_GOOD)
		xp_probe_decoded(
			p, "VPD page 80h",
			xp_scsi_vpd_serial_parse(s->serial, sizeof(s->serial), data, len, &err),
			&err);
	len = sizeof(data);
	if (lists(s, XP_VPD_DESIGNATORS) &&
	    read_page(p, XP_VPD_DESIGNATORS, data, &len) == XP_ASKED_GOOD)
		xp_probe_decoded(p, "VPD page 83h",
				 xp_scsi_vpd_names_parse(&s->names, data, len, &err), &err);
}

static void ask_translation(struct xp_probe *p, struct xp_scsi_facts *s)
{
	uint8_t data[XP_SCSI_VPD_LEN];
	struct xp_err err = {0};
	uint32_t len = sizeof(data);

	if (!lists(s, XP_VPD_ATA))
		return;
	s->translation = read_page(p, XP_VPD_ATA, data, &len);
	if (s->translation == XP_ASKED_GOOD)
		s->translation = xp_probe_decoded(
			p, "VPD page 89h", xp_scsi_vpd_ata_parse(&s->sat, data, len, &err), &err);
	s->sat.identify = NULL; /* it points into DATA; IDENTIFY DEVICE is asked afresh */
}

static void ask_pages(struct xp_probe *p, struct xp_scsi_facts *s)
{
	uint8_t data[XP_SCSI_VPD_LEN];
	struct xp_err err = {0};
	uint32_t len = VPD_SHORT;

	s->pages = read_page(p, XP_VPD_PAGES, data, &len);
	if (s->pages == XP_ASKED_GOOD)
		s->pages = xp_probe_decoded(
			p, "VPD page 00h", xp_scsi_vpd_pages_parse(&s->vpd, data, len, &err), &err);
	ask_names(p, s);
	ask_translation(p, s);
	len = VPD_SHORT;
	if (lists(s, XP_VPD_LIMITS)) {
		s->limits_page = read_page(p, XP_VPD_LIMITS, data, &len);
		if (s->limits_page == XP_ASKED_GOOD)
			s->limits_page = xp_probe_decoded(
				p, "VPD page b0h",
				xp_scsi_vpd_limits_parse(&s->limits, data, len, &err), &err);
	}
	len = VPD_SHORT;
	if (lists(s, XP_VPD_MEDIA)) {
		s->media_page = read_page(p, XP_VPD_MEDIA, data, &len);
		if (s->media_page == XP_ASKED_GOOD)
			s->media_page = xp_probe_decoded(
				p, "VPD page b1h",
				xp_scsi_vpd_media_parse(&s->media, data, len, &err), &err);
	}
	len = VPD_SHORT;
	if (lists(s, XP_VPD_PROVISIONING)) {
		s->provisioning_page = read_page(p, XP_VPD_PROVISIONING, data, &len);
		if (s->provisioning_page == XP_ASKED_GOOD)
			s->provisioning_page = xp_probe_decoded(
				p, "VPD page b2h",
				xp_scsi_vpd_provisioning_parse(&s->provisioning, data, len, &err),
				&err);
	}
}

static void ask_capacity(struct xp_probe *p, struct xp_scsi_facts *s)
{
	uint8_t data[XP_SCSI_CAPACITY_LEN];
	uint8_t cdb[XP_SCSI_CDB_MAX];
	struct xp_err err = {0};
	uint32_t len = XP_SCSI_CAPACITY_LEN;
	uint8_t n = xp_scsi_read_capacity_16(cdb, len);
	static const char capacity[] = "READ CAPACITY (16)";

	s->read_capacity = xp_probe_scsi(p, capacity, cdb, n, data, &len);
	if (s->read_capacity == XP_ASKED_GOOD) {
		xp_probe_keep(p, XP_RAW_SCSI_READ_CAPACITY, 0, data, len);
		s->read_capacity = xp_probe_decoded(
			p, capacity, xp_scsi_capacity_parse(&s->capacity, data, len, &err), &err);
	}
}

static void ask_state(struct xp_probe *p, struct xp_scsi_facts *s)
{
	uint8_t data[VPD_SHORT];
	uint8_t cdb[XP_SCSI_CDB_MAX];
	uint32_t len = VPD_SHORT;
	uint8_t n = xp_scsi_request_sense(cdb, VPD_SHORT);
	static const char sense[] = "REQUEST SENSE";

	ask_capacity(p, s);
	s->request_sense = xp_probe_scsi(p, sense, cdb, n, data, &len);
	if (s->request_sense == XP_ASKED_GOOD && !xp_sense_parse(&s->sense, data, len)) {
		xp_probe_note(p, sense, XP_ASKED_MALFORMED, "no sense data");
		s->request_sense = XP_ASKED_MALFORMED;
	}
}

static enum xp_tristate ask_opcode(struct xp_probe *p, const char *what, int service_action)
{
	uint8_t data[64];
	uint8_t cdb[XP_SCSI_CDB_MAX];
	uint32_t len = sizeof(data);
	uint8_t n = xp_scsi_report_opcode(cdb, XP_SCSI_SANITIZE, service_action, len);
	bool supported = false;

	if (xp_probe_scsi(p, what, cdb, n, data, &len) != XP_ASKED_GOOD ||
	    !xp_scsi_report_opcode_parse(&supported, data, len))
		return XP_UNSAID;
	return supported ? XP_YES : XP_NO;
}

static void ask_exceptions(struct xp_probe *p, struct xp_scsi_facts *s)
{
	uint8_t data[LOG_EXCEPTIONS_LEN];
	uint8_t cdb[XP_SCSI_CDB_MAX];
	uint32_t len = sizeof(data);
	uint8_t n = xp_scsi_log_sense(cdb, LOG_EXCEPTIONS, LOG_EXCEPTIONS_LEN);

	s->exceptions = xp_probe_scsi(p, "log page 2fh", cdb, n, data, &len);
	if (s->exceptions != XP_ASKED_GOOD)
		return;
	/* page header 4, header of parameter 0000h 4, then ASC and ASCQ [SPC-5] */
	if (len < 10 || (data[0] & 0x3f) != LOG_EXCEPTIONS || data[4] || data[5]) {
		s->exceptions = XP_ASKED_MALFORMED;
		return;
	}
	s->exception_asc = data[8];
	s->exception_ascq = data[9];
}

/* How long it has been powered on: it never falls, which tells one drive from its twin. */
static void ask_power_on_time(struct xp_probe *p)
{
	uint8_t data[XP_SCSI_LOG_BACKGROUND_LEN];
	uint8_t cdb[XP_SCSI_CDB_MAX];
	uint32_t len = sizeof(data);
	uint8_t n = xp_scsi_log_sense(cdb, XP_SCSI_LOG_BACKGROUND, XP_SCSI_LOG_BACKGROUND_LEN);

	if (xp_probe_scsi(p, "log page 15h", cdb, n, data, &len) == XP_ASKED_GOOD)
		xp_probe_keep(p, XP_RAW_SCSI_LOG, XP_SCSI_LOG_BACKGROUND << 8, data, len);
}

static void ask_reservation(struct xp_probe *p, struct xp_scsi_facts *s)
{
	uint8_t data[24];
	uint8_t cdb[XP_SCSI_CDB_MAX];
	uint32_t len = sizeof(data);
	uint8_t n = xp_scsi_read_reservation(cdb, sizeof(data));

	s->reservation = xp_probe_scsi(p, "READ RESERVATION", cdb, n, data, &len);
	if (s->reservation != XP_ASKED_GOOD)
		return;
	if (len < 8)
		s->reservation = XP_ASKED_MALFORMED;
	else /* ADDITIONAL LENGTH */
		s->is_reserved = (data[4] | data[5] | data[6] | data[7]) != 0;
}

/* A drive may be more than one disk. */
static void ask_luns(struct xp_probe *p, struct xp_scsi_facts *s)
{
	uint8_t data[64];
	uint8_t cdb[XP_SCSI_CDB_MAX];
	uint32_t len = sizeof(data);
	uint8_t n = xp_scsi_report_luns(cdb, len);
	static const char what[] = "REPORT LUNS";

	s->luns_asked = xp_probe_scsi(p, what, cdb, n, data, &len);
	if (s->luns_asked != XP_ASKED_GOOD)
		return;
	s->luns = xp_scsi_report_luns_parse(data, len);
	if (s->luns == 0) {
		xp_probe_note(p, what, XP_ASKED_MALFORMED, "no list of logical units");
		s->luns_asked = XP_ASKED_MALFORMED;
	}
}

static void take_identity(struct xp_probe *p, const struct xp_scsi_facts *s)
{
	struct xp_identity *id = p->id;

	xp_probe_set(id->vendor, sizeof(id->vendor), s->inq.vendor);
	xp_probe_set(id->model, sizeof(id->model), s->inq.product);
	xp_probe_set(id->firmware, sizeof(id->firmware), s->inq.revision);
	if (id->bus == XP_BUS_UNKNOWN)
		id->bus = XP_BUS_SCSI;
	/* what a USB bridge says of itself is not the drive's */
	if (id->bus == XP_BUS_USB) {
		id->serial[0] = 0;
		xp_probe_note(p, "serial", XP_ASKED_NONE,
			      "a USB bridge does not pass the drive's own serial on");
	} else {
		xp_probe_set(id->serial, sizeof(id->serial), s->serial);
		xp_probe_set(id->wwn, sizeof(id->wwn),
			     s->names.naa[0] ? s->names.naa : s->names.eui);
	}
	if (id->media != XP_MEDIA_VIRTUAL && id->media != XP_MEDIA_USB_FLASH) {
		if (s->media.is_non_rotating)
			id->media = XP_MEDIA_SSD;
		else if (s->media.is_rotating)
			id->media = XP_MEDIA_HDD;
		else
			id->media = XP_MEDIA_UNKNOWN;
	}
	if (s->read_capacity != XP_ASKED_GOOD)
		return;
	/* the drive's own word: the kernel may not have noticed a format, or knows no such blocks
	 */
	id->capacity_bytes = s->capacity.bytes;
	id->logical_block_bytes = s->capacity.logical_bytes;
	id->physical_block_bytes = s->capacity.physical_bytes;
}

/* What only a drive with SCSI commands of its own is asked. */
static void ask_scsi_only(struct xp_probe *p, struct xp_scsi_facts *s)
{
	struct xp_hidden_facts *h = &p->facts->hidden;

	take_identity(p, s);
	h->apply = true;
	h->current_bytes = s->capacity.bytes;
	snprintf(h->why, sizeof(h->why),
		 "a reduced capacity (MODE SELECT) or a bridge's own cannot be seen");
	/* a bridge on USB may hang at what it does not know */
	if (p->id->bus == XP_BUS_USB)
		return;
	s->sanitize_crypto = ask_opcode(p, "SANITIZE crypto?", XP_SCSI_ACTION_CRYPTO);
	s->sanitize_block = ask_opcode(p, "SANITIZE block?", XP_SCSI_ACTION_BLOCK);
	s->sanitize_overwrite = ask_opcode(p, "SANITIZE overwrite?", XP_SCSI_ACTION_OVERWRITE);
	ask_exceptions(p, s);
	ask_power_on_time(p);
	ask_reservation(p, s);
	ask_luns(p, s);
	xp_probe_tcg(p);
}

static bool may_be_ata(const struct xp_probe *p, const struct xp_scsi_facts *s)
{
	if (s->translation == XP_ASKED_GOOD)
		return s->sat.command == ATA_IDENTIFY_CMD;
	return strcmp(s->inq.vendor, "ATA") == 0 || p->id->bus == XP_BUS_ATA;
}

/* Who it is, in its first words. */
static enum xp_asked ask_inquiry(struct xp_probe *p, struct xp_scsi_facts *s)
{
	uint8_t data[XP_SCSI_INQUIRY_LEN];
	uint8_t cdb[XP_SCSI_CDB_MAX];
	struct xp_err err = {0};
	uint32_t len = sizeof(data);
	uint8_t n = xp_scsi_inquiry(cdb, false, 0, XP_SCSI_INQUIRY_LEN);

	s->inquiry = xp_probe_scsi(p, "INQUIRY", cdb, n, data, &len);
	if (s->inquiry != XP_ASKED_GOOD)
		return s->inquiry;
	xp_probe_keep(p, XP_RAW_SCSI_INQUIRY, 0, data, len);
	s->inquiry = xp_probe_decoded(p, "INQUIRY", xp_scsi_inquiry_parse(&s->inq, data, len, &err),
				      &err);
	return s->inquiry;
}

enum xp_asked xp_probe_scsi_names(struct xp_probe *p)
{
	struct xp_scsi_facts *s = &p->facts->scsi;

	if (ask_inquiry(p, s) == XP_ASKED_GOOD)
		ask_names(p, s);
	return s->inquiry;
}

enum xp_asked xp_probe_scsi_identity(struct xp_probe *p)
{
	struct xp_scsi_facts *s = &p->facts->scsi;

	if (xp_probe_scsi_names(p) != XP_ASKED_GOOD)
		return s->inquiry;
	ask_capacity(p, s);
	take_identity(p, s);
	if (p->id->bus != XP_BUS_USB)
		ask_power_on_time(p);
	return XP_ASKED_GOOD;
}

void xp_probe_scsi_drive(struct xp_probe *p)
{
	struct xp_scsi_facts *s = &p->facts->scsi;

	if (ask_inquiry(p, s) != XP_ASKED_GOOD || p->broken != XP_OK)
		return;
	if (!s->inq.is_connected || (s->inq.type != TYPE_DISK && s->inq.type != TYPE_ZONED_DISK)) {
		p->broken = xp_fail(&p->err, XP_E_UNSUPPORTED,
				    "this is no disk (peripheral device type %02xh)", s->inq.type);
		return;
	}
	if (p->id->bus != XP_BUS_USB || s->inq.version >= VERSION_SPC3)
		ask_pages(p, s);
	ask_state(p, s);
	p->facts->is_bridged = p->id->bus == XP_BUS_USB;
	if (may_be_ata(p, s))
		xp_probe_ata(p);
	if (!p->facts->is_ata)
		ask_scsi_only(p, s);
}

/* Thin blocks may be let go instead of written, and a bridge may translate into anything. */
static bool may_write_same(const struct xp_drive_facts *facts)
{
	const struct xp_scsi_facts *s = &facts->scsi;

	return facts->transport == XP_TRANSPORT_SCSI && !facts->is_ata && !facts->is_bridged &&
	       s->inquiry == XP_ASKED_GOOD && s->inq.type == 0 && s->media.is_rotating &&
	       s->media.zoned == 0 && s->limits_page == XP_ASKED_GOOD &&
	       s->read_capacity == XP_ASKED_GOOD && !s->capacity.is_provisioned;
}

void xp_probe_write_same(struct xp_drive_facts *facts, struct xp_transport *t)
{
	struct xp_identity unused = {0};
	struct xp_probe p = {.t = t, .facts = facts, .id = &unused};
	struct xp_scsi_facts *s = &facts->scsi;
	uint8_t data[64];
	uint8_t cdb[XP_SCSI_CDB_MAX];
	uint32_t len = sizeof(data);
	uint8_t n;

	s->write_same = XP_UNSAID;
	if (!may_write_same(facts))
		return;
	n = xp_scsi_report_opcode(cdb, XP_SCSI_WRITE_SAME_16, -1, len);
	if (xp_probe_scsi(&p, "WRITE SAME?", cdb, n, data, &len) == XP_ASKED_GOOD)
		s->write_same = xp_scsi_report_opcode_is_standard(data, len) ? XP_YES : XP_NO;
}
