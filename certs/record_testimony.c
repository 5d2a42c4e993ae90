#include "certs/record_testimony.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "device/protocol/ata_identify.h"
#include "device/protocol/ata_log30.h"
#include "device/protocol/nvme_identify.h"
#include "device/protocol/scsi_capacity.h"
#include "device/protocol/scsi_inquiry.h"
#include "device/protocol/scsi_log.h"

struct testimony {
	const struct xp_record *r;
	struct xp_findings *f;
	bool claims;
};

#define DEFECT(t, name, ...)                                                                       \
	xp_findings_add((t)->f, (t)->claims ? "E_" name : "W_" name, __VA_ARGS__)

/* ---- what a drive calls itself ---- */

/* "hex:" stands for bytes that are not printable; else two names would look the same. */
static bool hex_is_needed(const char *text)
{
	uint8_t bytes[256];
	size_t digits;

	if (strncmp(text, "hex:", 4) != 0)
		return true;
	digits = strlen(text + 4);
	if (!digits || digits % 2 || digits / 2 > sizeof(bytes) ||
	    !xp_hex_decode(bytes, digits / 2, text + 4))
		return false;
	for (size_t i = 0; i < digits / 2; i++)
		if (bytes[i] < 0x20 || bytes[i] > 0x7e)
			return true;
	return digits >= 8 && memcmp(bytes, "hex:", 4) == 0;
}

static void check_names(const struct testimony *t, const struct xp_identity *id, size_t phase)
{
	const struct {
		const char *name;
		const char *text;
	} names[] = {
		{"vendor", id->vendor}, {"model", id->model},	    {"serial", id->serial},
		{"wwn", id->wwn},	{"firmware", id->firmware},
	};
	bool is_file = id->bus == XP_BUS_FILE || id->bus == XP_BUS_LOOP;

	for (size_t i = 0; i < XP_ARRAY_LEN(names); i++) {
		if (!hex_is_needed(names[i].text))
			DEFECT(t, "EVIDENCE_IDENTITY",
			       "evidence[%zu].identity.%s: hex where no hex is needed, or none",
			       phase, names[i].name);
		if (is_file && names[i].text[0])
			DEFECT(t, "EVIDENCE_IDENTITY", "evidence[%zu].identity.%s: a file has none",
			       phase, names[i].name);
	}
	if (is_file && id->media != XP_MEDIA_VIRTUAL)
		DEFECT(t, "EVIDENCE_IDENTITY", "evidence[%zu].identity.type: a file is no drive",
		       phase);
	if (id->bus == XP_BUS_FILE && id->partition)
		DEFECT(t, "EVIDENCE_IDENTITY",
		       "evidence[%zu].identity.partition: a file is no partition", phase);
}

/* ---- decoded against raw ---- */

static bool has_kind(const struct xp_identity *id, enum xp_raw_kind kind)
{
	for (size_t i = 0; i < id->raw_n; i++)
		if (id->raw[i].kind == kind)
			return true;
	return false;
}

static void compare_name(const struct testimony *t, size_t phase, const char *what,
			 const char *decoded, const char *raw)
{
	if (raw[0] && strcmp(decoded, raw) != 0)
		DEFECT(t, "EVIDENCE_RAW",
		       "evidence[%zu].identity.%s: the drive's raw answer says otherwise", phase,
		       what);
}

static void compare_type(const struct testimony *t, size_t phase, const struct xp_identity *id,
			 enum xp_media raw)
{
	if (id->media != raw && id->media != XP_MEDIA_VIRTUAL)
		DEFECT(t, "EVIDENCE_RAW",
		       "evidence[%zu].identity.type: the drive's raw answer says otherwise", phase);
}

static void compare_capacity(const struct testimony *t, size_t phase, const struct xp_identity *id,
			     uint64_t bytes)
{
	if (!id->partition && bytes != id->capacity_bytes)
		DEFECT(t, "EVIDENCE_RAW",
		       "evidence[%zu].identity.capacity_bytes: the drive's raw answer says "
		       "otherwise",
		       phase);
}

/* Does it claim that the host's own writes reached all of a drive? */
static bool writes_whole_drive(const struct xp_record *r)
{
	return xp_technique_is_host_overwrite(r->claim.technique) &&
	       r->claim.scope == XP_SCOPE_DRIVE;
}

static void check_ata(const struct testimony *t, const struct xp_identity *id, size_t phase,
		      const struct xp_ata_identify *ata)
{
	char wwn[24];
	enum xp_media media = ata->has_hybrid_information	      ? XP_MEDIA_HYBRID
			      : ata->rotation == XP_ATA_ROTATION_NONE ? XP_MEDIA_SSD
			      : ata->rotation == XP_ATA_ROTATION_RPM  ? XP_MEDIA_HDD
								      : id->media;

	compare_name(t, phase, "serial", id->serial, ata->serial);
	compare_name(t, phase, "model", id->model, ata->model);
	compare_name(t, phase, "firmware", id->firmware, ata->firmware);
	snprintf(wwn, sizeof(wwn), "naa.%016llx", (unsigned long long)ata->wwn);
	compare_name(t, phase, "wwn", id->wwn, ata->wwn ? wwn : "");
	compare_type(t, phase, id, media);
	if (id->bus == XP_BUS_ATA)
		compare_capacity(t, phase, id, xp_ata_identify_bytes(ata));
	else if (!id->partition && writes_whole_drive(t->r) &&
		 xp_ata_identify_bytes(ata) > id->capacity_bytes)
		DEFECT(t, "EVIDENCE_RAW",
		       "evidence[%zu].identity.capacity_bytes: the drive has more than the bridge "
		       "in front of it gives, and only that was written",
		       phase);
}

/* A drive that speaks SCSI itself; behind a translation the answers are of the layer between. */
static void check_scsi(const struct testimony *t, const struct xp_identity *id, size_t phase,
		       const struct xp_raw *raw)
{
	struct xp_scsi_inquiry inquiry;
	struct xp_scsi_capacity capacity;

	if (raw->kind == XP_RAW_SCSI_INQUIRY &&
	    xp_scsi_inquiry_parse(&inquiry, raw->data, raw->len, NULL) == XP_OK) {
		compare_name(t, phase, "vendor", id->vendor, inquiry.vendor);
		compare_name(t, phase, "model", id->model, inquiry.product);
		compare_name(t, phase, "firmware", id->firmware, inquiry.revision);
	}
	if (raw->kind == XP_RAW_SCSI_READ_CAPACITY &&
	    xp_scsi_capacity_parse(&capacity, raw->data, raw->len, NULL) == XP_OK)
		compare_capacity(t, phase, id, capacity.bytes);
}

static void check_scsi_names(const struct testimony *t, const struct xp_identity *id, size_t phase,
			     const struct xp_raw *raw)
{
	struct xp_scsi_names names;

	/* of a bridge the page may be its own */
	if (raw->kind != XP_RAW_SCSI_VPD || raw->arg != XP_VPD_DESIGNATORS ||
	    (id->bus != XP_BUS_SAS && id->bus != XP_BUS_SCSI) ||
	    xp_scsi_vpd_names_parse(&names, raw->data, raw->len, NULL) != XP_OK)
		return;
	compare_name(t, phase, "wwn", id->wwn, names.naa[0] ? names.naa : names.eui);
}

/* What speaks one language is not attached by another's; how far writes reach depends on it. */
static void check_bus(const struct testimony *t, const struct xp_identity *id, size_t phase)
{
	bool is_other = id->bus == XP_BUS_ATA || id->bus == XP_BUS_SAS || id->bus == XP_BUS_SCSI ||
			id->bus == XP_BUS_USB || id->bus == XP_BUS_MMC;

	if ((is_other && has_kind(id, XP_RAW_NVME_ID_CTRL)) ||
	    (id->bus == XP_BUS_NVME &&
	     (has_kind(id, XP_RAW_ATA_IDENTIFY) || has_kind(id, XP_RAW_SCSI_INQUIRY))))
		DEFECT(t, "EVIDENCE_RAW",
		       "evidence[%zu].identity.bus: the drive's raw answer is of another kind",
		       phase);
}

/* Answers that cannot be decoded say nothing, for or against. */
static void check_raw(const struct testimony *t, const struct xp_identity *id, size_t phase)
{
	for (size_t i = 0; i < id->raw_n; i++) {
		const struct xp_raw *raw = &id->raw[i];
		struct xp_ata_identify ata;
		struct xp_nvme_ctrl ctrl;

		if (raw->kind == XP_RAW_ATA_IDENTIFY &&
		    xp_ata_identify_parse(&ata, raw->data, raw->len, NULL) == XP_OK) {
			check_ata(t, id, phase, &ata);
		} else if (raw->kind == XP_RAW_NVME_ID_CTRL &&
			   xp_nvme_ctrl_parse(&ctrl, raw->data, raw->len, NULL) == XP_OK) {
			compare_name(t, phase, "serial", id->serial, ctrl.serial);
			compare_name(t, phase, "model", id->model, ctrl.model);
			compare_name(t, phase, "firmware", id->firmware, ctrl.firmware);
			compare_type(t, phase, id, XP_MEDIA_SSD);
		} else if (!has_kind(id, XP_RAW_ATA_IDENTIFY)) {
			check_scsi(t, id, phase, raw);
			check_scsi_names(t, id, phase, raw);
		}
	}
}

/* ---- raw answers around a command, and what no drive can do ---- */

/* The serial number in an answer that names its drive; false: it names none. */
static bool serial_of(char *out, size_t size, const struct xp_raw *raw,
		      const struct xp_identity *id)
{
	struct xp_ata_identify ata;
	struct xp_nvme_ctrl ctrl;
	char text[520];

	if (raw->kind == XP_RAW_ATA_IDENTIFY &&
	    xp_ata_identify_parse(&ata, raw->data, raw->len, NULL) == XP_OK)
		snprintf(out, size, "%s", ata.serial);
	else if (raw->kind == XP_RAW_NVME_ID_CTRL &&
		 xp_nvme_ctrl_parse(&ctrl, raw->data, raw->len, NULL) == XP_OK)
		snprintf(out, size, "%s", ctrl.serial);
	/* of a bridge or a translation layer the page may be its own */
	else if (raw->kind == XP_RAW_SCSI_VPD && raw->arg == 0x80 &&
		 (id->bus == XP_BUS_SAS || id->bus == XP_BUS_SCSI) &&
		 !has_kind(id, XP_RAW_ATA_IDENTIFY) &&
		 xp_scsi_vpd_serial_parse(text, sizeof(text), raw->data, raw->len, NULL) == XP_OK)
		snprintf(out, size, "%.*s", (int)size - 1, text);
	else
		return false;
	return out[0] != 0;
}

static void check_serials(const struct testimony *t, const struct xp_raw *raw, size_t n,
			  const struct xp_identity *id, size_t phase, const char *where)
{
	for (size_t i = 0; i < n; i++) {
		char serial[256];

		if (serial_of(serial, sizeof(serial), &raw[i], id) &&
		    strcmp(serial, id->serial) != 0)
			DEFECT(t, "EVIDENCE_RAW",
			       "evidence[%zu].%s[%zu]: the answer of another drive", phase, where,
			       i);
	}
}

/* A SCSI drive's own word of what it is made of (VPD page B1h), asked before its sanitize. */
static void check_media_page(const struct testimony *t, const struct xp_phase *p, size_t phase)
{
	const struct xp_identity *id = &p->identity;
	struct xp_scsi_media media;

	if ((id->bus != XP_BUS_SAS && id->bus != XP_BUS_SCSI) || has_kind(id, XP_RAW_ATA_IDENTIFY))
		return;
	for (size_t i = 0; i < p->command.before_n; i++) {
		const struct xp_raw *raw = &p->command.before[i];

		if (raw->kind != XP_RAW_SCSI_VPD || raw->arg != XP_VPD_MEDIA ||
		    xp_scsi_vpd_media_parse(&media, raw->data, raw->len, NULL) != XP_OK)
			continue;
		if (media.is_non_rotating || media.is_rotating)
			compare_type(t, phase, id,
				     media.is_non_rotating ? XP_MEDIA_SSD : XP_MEDIA_HDD);
	}
}

/* What tells how long a drive was powered on; each counts for itself. */
enum hours_source { HOURS_ATA, HOURS_NVME, HOURS_SCSI, HOURS_SOURCES };

/* Power-on hours, where the drive told them; HOURS_SOURCES: it did not. */
static enum hours_source hours_of(uint64_t *out, const struct xp_raw *raw)
{
	struct xp_ata_general_statistics ata;
	struct xp_nvme_health nvme;
	uint32_t minutes;

	if (raw->kind == XP_RAW_ATA_LOG && raw->arg == 0x0401 &&
	    xp_ata_general_statistics_parse(&ata, raw->data, raw->len, NULL) == XP_OK &&
	    ata.power_on_hours_known) {
		*out = ata.power_on_hours;
		return HOURS_ATA;
	}
	if (raw->kind == XP_RAW_NVME_LOG && raw->arg == 2 &&
	    xp_nvme_health_parse(&nvme, raw->data, raw->len, NULL) == XP_OK) {
		*out = nvme.power_on_hours;
		return HOURS_NVME;
	}
	if (raw->kind == XP_RAW_SCSI_LOG && raw->arg == XP_SCSI_LOG_BACKGROUND << 8 &&
	    xp_scsi_power_on_minutes_parse(&minutes, raw->data, raw->len, NULL) == XP_OK) {
		*out = minutes / 60;
		return HOURS_SCSI;
	}
	return HOURS_SOURCES;
}

/* They never fall. */
static void check_hours(const struct testimony *t, uint64_t last[HOURS_SOURCES],
			const struct xp_raw *raw, size_t n, size_t phase, const char *where)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t hours;
		enum hours_source source = hours_of(&hours, &raw[i]);

		if (source == HOURS_SOURCES)
			continue;
		if (hours < last[source])
			DEFECT(t, "EVIDENCE_RAW",
			       "evidence[%zu].%s[%zu]: fewer power-on hours than before", phase,
			       where, i);
		last[source] = hours;
	}
}

static void check_answers(const struct testimony *t)
{
	uint64_t hours[HOURS_SOURCES] = {0};

	for (size_t i = 0; i < t->r->evidence.n; i++) {
		const struct xp_phase *p = &t->r->evidence.phases[i];
		const struct xp_command_result *c = &p->command;

		check_media_page(t, p, i);
		check_serials(t, p->identity.raw, p->identity.raw_n, &p->identity, i,
			      "identity.raw");
		check_serials(t, c->before, c->before_n, &p->identity, i, "command.before");
		check_serials(t, c->during, c->during_n, &p->identity, i, "command.during");
		check_serials(t, c->after, c->after_n, &p->identity, i, "command.after");
		check_hours(t, hours, p->identity.raw, p->identity.raw_n, i, "identity.raw");
		check_hours(t, hours, c->before, c->before_n, i, "command.before");
		check_hours(t, hours, c->during, c->during_n, i, "command.during");
		check_hours(t, hours, c->after, c->after_n, i, "command.after");
	}
}

/* ---- the run ---- */

static void check_counts(const struct testimony *t, size_t i)
{
	const struct xp_phase *p = &t->r->evidence.phases[i];

	if (!p->attempt)
		DEFECT(t, "EVIDENCE_TIME", "evidence[%zu].attempt: they count from 1", i);
	if (!p->take || (i && p->take < p[-1].take))
		DEFECT(t, "EVIDENCE_TIME", "evidence[%zu].take: they count from 1, and never back",
		       i);
	if (p->kind == XP_PHASE_ERASE && p->overwrite.resumed_from && !p->interrupted)
		DEFECT(t, "EVIDENCE_EXTENTS",
		       "evidence[%zu].overwrite.resumed_from_bytes: it was not interrupted", i);
}

/* A readback is of the erase before it, and expects what that wrote. */
static void check_readback(const struct testimony *t, size_t i)
{
	const struct xp_phase *p = &t->r->evidence.phases[i];
	const struct xp_phase *erase = NULL;

	for (size_t k = 0; k < i; k++)
		if (t->r->evidence.phases[k].kind == XP_PHASE_ERASE)
			erase = &t->r->evidence.phases[k];
	if (!erase || erase->attempt != p->attempt || erase->technique != p->technique)
		DEFECT(t, "VERIFICATION", "evidence[%zu]: a readback of nothing that was erased",
		       i);
	else if (xp_technique_is_host_write(p->technique) && p->readback.mode != XP_READBACK_NONE &&
		 !xp_content_same(&erase->overwrite.content, &p->readback.expected))
		DEFECT(t, "VERIFICATION",
		       "evidence[%zu].readback.expected: something else was written", i);
	if (p->readback.mode == XP_READBACK_FULL &&
	    (p->readback.extents || p->readback.always_extents))
		DEFECT(t, "VERIFICATION",
		       "evidence[%zu].readback.extents: a full readback draws no places", i);
}

static void check_end(const struct testimony *t)
{
	const struct xp_evidence *ev = &t->r->evidence;

	if (ev->n && t->r->capacity_after_known &&
	    t->r->capacity_after_bytes != ev->phases[ev->n - 1].identity.capacity_bytes)
		DEFECT(t, "EVIDENCE_MEDIA",
		       "capacity.after_bytes: the last phase found another capacity");
}

void xp_record_check_testimony(const struct xp_record *r, bool claims, struct xp_findings *findings)
{
	const struct testimony t = {.r = r, .f = findings, .claims = claims};

	for (size_t i = 0; i < r->evidence.n; i++) {
		const struct xp_phase *p = &r->evidence.phases[i];

		check_names(&t, &p->identity, i);
		check_raw(&t, &p->identity, i);
		check_bus(&t, &p->identity, i);
		check_counts(&t, i);
		/* a validator's readback is of what another record tells */
		if (p->kind == XP_PHASE_READBACK && r->kind != XP_RECORD_VALIDATION)
			check_readback(&t, i);
	}
	check_answers(&t);
	check_end(&t);
}
