#include "certs/record_backing.h"

#include <string.h>

#include "base/cleanup.h"
#include "device/protocol/ata_identify.h"
#include "device/protocol/nvme_identify.h"
#include "device/protocol/scsi_capacity.h"
#include "device/protocol/scsi_inquiry.h"

struct backing {
	const struct xp_record *r;
	struct xp_findings *f;
};

#define DEFECT(b, ...) xp_findings_add((b)->f, "E_EVIDENCE_RAW", __VA_ARGS__)

/* What decodes of the drive's answers in one phase. */
struct answers {
	bool ata, nvme, inquiry, capacity;
	bool serial; /* one of them has a serial number */
	bool wwn;    /* ... a name of VPD page 83h */
};

static void add_ata(struct answers *a, const struct xp_raw *raw)
{
	struct xp_ata_identify ata;

	if (xp_ata_identify_parse(&ata, raw->data, raw->len, NULL) != XP_OK)
		return;
	a->ata = true;
	a->serial |= ata.serial[0] != 0;
}

static void add_nvme(struct answers *a, const struct xp_raw *raw)
{
	struct xp_nvme_ctrl ctrl;

	if (xp_nvme_ctrl_parse(&ctrl, raw->data, raw->len, NULL) != XP_OK)
		return;
	a->nvme = true;
	a->serial |= ctrl.serial[0] != 0;
}

static void add_scsi(struct answers *a, const struct xp_raw *raw)
{
	struct xp_scsi_inquiry inquiry;
	struct xp_scsi_capacity capacity;
	struct xp_scsi_names names;
	char text[520];

	if (raw->kind == XP_RAW_SCSI_INQUIRY)
		a->inquiry |= xp_scsi_inquiry_parse(&inquiry, raw->data, raw->len, NULL) == XP_OK;
	else if (raw->kind == XP_RAW_SCSI_READ_CAPACITY)
		a->capacity |=
			xp_scsi_capacity_parse(&capacity, raw->data, raw->len, NULL) == XP_OK;
	else if (raw->kind == XP_RAW_SCSI_VPD && raw->arg == XP_VPD_SERIAL)
		a->serial |= xp_scsi_vpd_serial_parse(text, sizeof(text), raw->data, raw->len,
						      NULL) == XP_OK &&
			     text[0];
	else if (raw->kind == XP_RAW_SCSI_VPD && raw->arg == XP_VPD_DESIGNATORS)
		a->wwn |= xp_scsi_vpd_names_parse(&names, raw->data, raw->len, NULL) == XP_OK &&
			  (names.naa[0] || names.eui[0]);
}

static struct answers answers_of(const struct xp_identity *id)
{
	bool is_ata = false;
	struct answers a = {0};

	for (size_t i = 0; i < id->raw_n; i++)
		is_ata |= id->raw[i].kind == XP_RAW_ATA_IDENTIFY;
	for (size_t i = 0; i < id->raw_n; i++) {
		const struct xp_raw *raw = &id->raw[i];

		if (raw->kind == XP_RAW_ATA_IDENTIFY)
			add_ata(&a, raw);
		else if (raw->kind == XP_RAW_NVME_ID_CTRL)
			add_nvme(&a, raw);
		else if (!is_ata)
			/* else of the translation in front of it */
			add_scsi(&a, raw);
	}
	return a;
}

/*
 * A drive that speaks SCSI itself, by all that a claim needs of it. One whose last sanitize failed
 * cannot say its size until an erase has succeeded; it is the same in all phases.
 */
static bool is_scsi_drive(const struct answers *a, const struct xp_identity *id, bool behind)
{
	return (id->bus == XP_BUS_SAS || id->bus == XP_BUS_SCSI) && a->inquiry &&
	       (a->capacity || id->partition || !behind);
}

/* BEHIND: no further erase was carried out from this phase on. */
static void check_phase(const struct backing *b, size_t i, bool behind)
{
	const struct xp_identity *id = &b->r->evidence.phases[i].identity;
	const struct answers a = answers_of(id);

	if (!a.ata && !a.nvme && !is_scsi_drive(&a, id, behind))
		DEFECT(b,
		       "evidence[%zu].identity.raw: no answer of the drive itself stands behind "
		       "what is claimed of it",
		       i);
	else if (id->serial[0] && !a.serial)
		DEFECT(b,
		       "evidence[%zu].identity.serial: none of the drive's answers has a serial "
		       "number",
		       i);
	else if (!id->serial[0] && id->wwn[0] && !a.ata && !a.nvme && !a.wwn)
		DEFECT(b, "evidence[%zu].identity.wwn: none of the drive's answers has a name", i);
}

/* Less may be claimed of what could not be asked; whose name it has is then the host's word. */
static void remark_names(const struct backing *b)
{
	for (size_t i = 0; i < b->r->evidence.n; i++) {
		const struct xp_identity *id = &b->r->evidence.phases[i].identity;

		if (id->media == XP_MEDIA_VIRTUAL || !id->serial[0] || answers_of(id).serial)
			continue;
		xp_findings_add(b->f, "W_EVIDENCE_RAW",
				"evidence[%zu].identity.serial: none of the drive's answers has a "
				"serial number; it stands on the host's word",
				i);
		return;
	}
}

void xp_record_check_backing(const struct xp_record *r, bool claims, struct xp_findings *findings)
{
	const struct backing b = {.r = r, .f = findings};
	size_t behind = 0;

	if (!claims)
		return;
	if (r->claim.level < XP_PURGE && r->claim.scope <= XP_SCOPE_LOGICAL_UNIT) {
		remark_names(&b);
		return;
	}
	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].kind == XP_PHASE_ERASE)
			behind = i + 1;
	for (size_t i = 0; i < r->evidence.n; i++)
		if (r->evidence.phases[i].identity.media != XP_MEDIA_VIRTUAL)
			check_phase(&b, i, i >= behind);
}
