#include "cli/job_find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "device/probe_identity.h"

/* By every name that both sides know, and by one at least. */
static bool is_it(const struct xp_identity *drive, const struct xp_identity *media)
{
	bool has_wwn = drive->wwn[0] && media->wwn[0];
	bool has_serial = drive->serial[0] && media->serial[0];

	if ((has_wwn && strcmp(drive->wwn, media->wwn) != 0) ||
	    (has_serial && !xp_serials_agree(drive->serial, media->serial)))
		return false;
	return has_wwn || has_serial;
}

static bool has_node(const struct xp_drive *d, const char *path)
{
	AUTO_MEM char *real = realpath(path, NULL);
	const char *slash = real ? strrchr(real, '/') : NULL;

	for (unsigned i = 0; slash && i < d->nodes_n; i++)
		if (strcmp(d->nodes[i], slash + 1) == 0)
			return true;
	return false;
}

void xp_job_find(char *path, size_t size, unsigned *fits, const struct xp_identity *media,
		 const struct xp_inventory *inventory, const char *given)
{
	const struct xp_drive *found = NULL;
	bool is_given = false;

	*fits = 0;
	snprintf(path, size, "%s", given);
	if (media->inode || media->partition || (!media->serial[0] && !media->wwn[0]))
		return;
	for (size_t i = 0; i < inventory->drives_n; i++) {
		const struct xp_drive *d = &inventory->drives[i];

		if (!d->nodes_n || !is_it(&d->identity, media))
			continue;
		(*fits)++;
		found = d;
		is_given = is_given || has_node(d, given);
	}
	if (*fits == 1 && !is_given)
		snprintf(path, size, "/dev/%s", found->nodes[0]);
}
