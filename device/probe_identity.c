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

enum xp_rc xp_probe_identity(struct xp_identity *id, struct xp_transport *t,
			     const struct xp_drive_facts *known, uint32_t nsid, struct xp_err *err)
{
	AUTO_MEM struct xp_drive_facts *facts = malloc(sizeof(*facts));
	struct xp_probe p = {.t = t, .facts = facts, .id = id};
	enum xp_asked first;

	if (!facts)
		return xp_fail(err, XP_E_NOMEM, "no memory for a drive's answers");
	*facts = *known;
	facts->notes_n = 0;
	facts->nvme.ns = NULL; /* KNOWN's */
	facts->nvme.ns_n = 0;
	first = ask(&p, nsid);
	if (p.broken != XP_OK) {
		if (err)
			*err = p.err;
		return p.broken;
	}
	if (first == XP_ASKED_GOOD)
		return XP_OK;
	return xp_fail(err,
		       p.is_silent		? XP_E_TIMEOUT
		       : first == XP_ASKED_NONE ? XP_E_IO
						: XP_E_DEVICE,
		       "the drive does not say who it is: %s",
		       facts->notes_n ? facts->notes[0].why : xp_asked_name(first));
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
