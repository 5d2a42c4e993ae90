#include "device/probe_identity.h"

#include "base/cleanup.h"
#include "device/probe_inside.h"

#include <ctype.h>
#include <string.h>

/* a serial number that is part of a longer one has so many characters at least */
#define PART_MIN 6

static enum xp_asked ask(struct xp_probe *p, uint32_t nsid)
{
	if (p->facts->transport == XP_TRANSPORT_NVME)
		return xp_probe_nvme_identity(p, nsid);
	return p->facts->is_ata ? xp_probe_ata_identity(p) : xp_probe_scsi_identity(p);
}

/* What is asked anew, and what is KNOWN's. */
static void forget(struct xp_drive_facts *facts, const struct xp_drive_facts *known)
{
	*facts = *known;
	facts->notes_n = 0;
	facts->nvme.ns = NULL; /* KNOWN's */
	facts->nvme.ns_n = 0;
}

static enum xp_rc outcome(const struct xp_probe *p, enum xp_asked first, struct xp_err *err)
{
	if (p->broken != XP_OK) {
		if (err)
			*err = p->err;
		return p->broken;
	}
	if (first == XP_ASKED_GOOD)
		return XP_OK;
	return xp_fail(err,
		       p->is_silent		? XP_E_TIMEOUT
		       : first == XP_ASKED_NONE ? XP_E_IO
						: XP_E_DEVICE,
		       "the drive does not say who it is: %s",
		       p->facts->notes_n ? p->facts->notes[0].why : xp_asked_name(first));
}

enum xp_rc xp_probe_identity(struct xp_identity *id, struct xp_transport *t,
			     const struct xp_drive_facts *known, uint32_t nsid, struct xp_err *err)
{
	AUTO_MEM struct xp_drive_facts *facts = malloc(sizeof(*facts));
	struct xp_probe p = {.t = t, .facts = facts, .id = id};
	enum xp_asked first;

	if (!facts)
		return xp_fail(err, XP_E_NOMEM, "no memory for a drive's answers");
	forget(facts, known);
	first = ask(&p, nsid);
	return outcome(&p, first, err);
}

static const char *serial_of(const struct xp_drive_facts *f)
{
	if (f->transport == XP_TRANSPORT_NVME)
		return f->nvme.ctrl.serial;
	return f->is_ata ? f->ata.id.serial : f->scsi.serial;
}

/* A name that it had and that it does not give now is no other drive's. */
static bool lacks_names(const struct xp_scsi_facts *known, const struct xp_scsi_facts *now)
{
	return (known->serial[0] && !now->serial[0]) ||
	       (known->names.naa[0] && !now->names.naa[0]) ||
	       (known->names.eui[0] && !now->names.eui[0]);
}

static bool are_same(const struct xp_drive_facts *a, const struct xp_drive_facts *b)
{
	if (strcmp(serial_of(a), serial_of(b)) != 0)
		return false;
	if (a->transport == XP_TRANSPORT_NVME)
		return strcmp(a->nvme.ctrl.model, b->nvme.ctrl.model) == 0;
	if (a->is_ata)
		return strcmp(a->ata.id.model, b->ata.id.model) == 0 &&
		       a->ata.id.wwn == b->ata.id.wwn;
	return strcmp(a->scsi.inq.vendor, b->scsi.inq.vendor) == 0 &&
	       strcmp(a->scsi.inq.product, b->scsi.inq.product) == 0 &&
	       strcmp(a->scsi.names.naa, b->scsi.names.naa) == 0 &&
	       strcmp(a->scsi.names.eui, b->scsi.names.eui) == 0;
}

enum xp_rc xp_probe_demand_same(struct xp_transport *t, const struct xp_drive_facts *known,
				struct xp_err *err)
{
	AUTO(xp_identity_free) struct xp_identity id = {0};
	AUTO_MEM struct xp_drive_facts *now = malloc(sizeof(*now));
	struct xp_probe p = {.t = t, .facts = now, .id = &id};
	bool is_scsi = known->transport == XP_TRANSPORT_SCSI && !known->is_ata;

	if (!now)
		return xp_fail(err, XP_E_NOMEM, "no memory for a drive's answers");
	forget(now, known);
	now->scsi.serial[0] = 0;
	now->scsi.names = (struct xp_scsi_names){0};
	TRY(outcome(&p, is_scsi ? xp_probe_scsi_names(&p) : ask(&p, 0), err));
	if (is_scsi && lacks_names(&known->scsi, &now->scsi))
		return xp_fail(err, XP_E_IO, "the drive does not say who it is: %s",
			       now->notes_n ? now->notes[0].why : "a name is missing");
	if (are_same(known, now))
		return XP_OK;
	return xp_fail(err, XP_E_REFUSED,
		       "identity_changed: another drive answers now (serial %.100s) than before "
		       "(serial %.100s)",
		       serial_of(now), serial_of(known));
}

/* Letters and digits alone. */
static void distil(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text && n + 1 < size; text++)
		if (isalnum((unsigned char)*text))
			out[n++] = (char)toupper((unsigned char)*text);
	out[n] = 0;
}

bool xp_serials_agree(const char *kernel, const char *drive)
{
	char a[256];
	char b[256];

	distil(a, sizeof(a), kernel);
	distil(b, sizeof(b), drive);
	if (!a[0] || !b[0] || strcmp(a, b) == 0)
		return true;
	/* a few characters stand in many a name */
	return strlen(a) >= PART_MIN && strlen(b) >= PART_MIN && (strstr(a, b) || strstr(b, a));
}
