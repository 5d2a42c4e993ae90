#include "cli/tui/tui_inside.h"

#include <string.h>

/* Is that the drive from before, or one that came to its place? */

/* The same but for @PLACE, which is added while another one here has the same name. */
static bool differ_by_place_alone(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	return n > m ? differ_by_place_alone(b, a)
		     : strncmp(a, b, n) == 0 && (!b[n] || b[n] == '@');
}

/*
 * Of two drives of one name the other one may have come to the place of the first: where the string
 * that confirms it is another one now, only the kernel's number of the disk, or the path of an
 * image, tells that it is the same.
 */
static bool has_that_name(const char *a, const char *b, const char *path, bool is_that_disk)
{
	return strcmp(a, b) == 0 ||
	       ((is_that_disk || strncmp(path, "/dev/", 5) != 0) && differ_by_place_alone(a, b));
}

bool xp_tui_drive_is_same(const struct xp_tui_drive *a, const struct xp_tui_drive *b)
{
	const bool are_known = a->diskseq && b->diskseq;

	return strcmp(a->path, b->path) == 0 && a->bytes == b->bytes &&
	       (!are_known || a->diskseq == b->diskseq) &&
	       has_that_name(a->confirm, b->confirm, a->path, are_known);
}

bool xp_tui_job_is_of(const struct xp_tui_job *j, const struct xp_tui_drive *d)
{
	const bool are_known = j->diskseq && d->diskseq;
	const bool is_that_disk = are_known && j->diskseq == d->diskseq;

	/* a drive may leave and come back while it is erased */
	return strcmp(j->path, d->path) == 0 &&
	       (!are_known || is_that_disk || xp_tui_job_at_work(j)) &&
	       has_that_name(j->drive_confirm, d->confirm, d->path, is_that_disk);
}
