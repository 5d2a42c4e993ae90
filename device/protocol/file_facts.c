#include "device/protocol/file_facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/names.h"

static const char *const fs_names[] = {
	[XP_FS_UNKNOWN] = "unknown", [XP_FS_EXT] = "ext",     [XP_FS_XFS] = "xfs",
	[XP_FS_FAT] = "fat",	     [XP_FS_TMPFS] = "tmpfs", [XP_FS_BTRFS] = "btrfs",
	[XP_FS_ZFS] = "zfs",	     [XP_FS_F2FS] = "f2fs",   [XP_FS_OVERLAY] = "overlay",
	[XP_FS_NETWORK] = "network", [XP_FS_FUSE] = "fuse",
};
XP_NAMES(file_system, xp_file_system, fs_names, XP_FS_COUNT)

static const char *const below_names[] = {
	[XP_BELOW_UNKNOWN] = "unknown", [XP_BELOW_MAGNETIC] = "magnetic",
	[XP_BELOW_FLASH] = "flash",	[XP_BELOW_VIRTUAL] = "virtual",
	[XP_BELOW_MEMORY] = "memory",
};
XP_NAMES(file_below, xp_file_below, below_names, XP_BELOW_MEMORY + 1)

void xp_place_facts_free(struct xp_file_facts *f)
{
	free(f->extents);
	memset(f, 0, sizeof(*f));
}

static const char *fs_doubt(const struct xp_file_facts *f)
{
	switch (f->fs) {
	case XP_FS_EXT:
	case XP_FS_XFS:
	case XP_FS_FAT:
		return NULL;
	case XP_FS_TMPFS:
		return f->swap_active ? "tmpfs may have put older contents into swap space" : NULL;
	case XP_FS_BTRFS:
		return "btrfs writes elsewhere, and keeps what snapshots and reflinks need";
	case XP_FS_ZFS:
		return "ZFS writes elsewhere, and keeps what snapshots need";
	case XP_FS_F2FS:
		return "f2fs writes elsewhere";
	case XP_FS_OVERLAY:
		return "overlayfs copies a file before it is written; the lower copy stays";
	case XP_FS_NETWORK:
		return "a server keeps the file as it likes";
	case XP_FS_FUSE:
		return "a program keeps the file as it likes";
	case XP_FS_UNKNOWN:
	case XP_FS_COUNT:
		break;
	}
	return "it is not known where this file system writes";
}

static const char *below_doubt(const struct xp_file_facts *f)
{
	switch (f->below) {
	case XP_BELOW_MAGNETIC:
	case XP_BELOW_VIRTUAL:
		return NULL;
	case XP_BELOW_MEMORY:
		return f->fs == XP_FS_TMPFS ? NULL : "what carries the file system is not known";
	case XP_BELOW_FLASH:
		return "flash writes elsewhere, and keeps the old blocks";
	case XP_BELOW_UNKNOWN:
		break;
	}
	return "what carries the file system is not known";
}

const char *xp_place_doubt_before(const struct xp_file_facts *f)
{
	const char *doubt = fs_doubt(f);

	if (!doubt)
		doubt = below_doubt(f);
	if (doubt || f->fs == XP_FS_TMPFS)
		return doubt;
	if (!f->map_known)
		return "the file system does not tell where the file lies";
	if (f->shared)
		return "other files or snapshots have the same bytes";
	if (f->encoded)
		return "the file system compresses or encrypts the file";
	if (f->elsewhere)
		return "a part of the file has no place of its own";
	if (f->journals_data)
		return "the file system writes contents into its journal, too";
	return NULL;
}

/* Does every byte of E lie in LATER where it lay? Both lists are sorted. */
static bool stayed(const struct xp_file_extent *e, const struct xp_file_facts *later)
{
	uint64_t at = e->offset;
	uint64_t end = e->offset + e->len;

	for (size_t i = 0; i < later->extent_n && at < end; i++) {
		const struct xp_file_extent *l = &later->extents[i];

		if (l->offset + l->len <= at)
			continue;
		if (l->offset > at ||
		    l->physical + (at - l->offset) != e->physical + (at - e->offset))
			return false;
		at = l->offset + l->len;
	}
	return at >= end;
}

const char *xp_place_doubt(const struct xp_file_facts *before, const struct xp_file_facts *after)
{
	const char *doubt = xp_place_doubt_before(before);

	if (!doubt)
		doubt = xp_place_doubt_before(after);
	if (doubt || before->fs == XP_FS_TMPFS)
		return doubt;
	for (size_t i = 0; i < before->extent_n; i++)
		if (!stayed(&before->extents[i], after))
			return "the file system moved the file while it was written";
	return NULL;
}

/* The host's own drive, and what keeps its old blocks. */
static const char *advice_below(const struct xp_file_facts *f)
{
	switch (f->below) {
	case XP_BELOW_FLASH:
		return "the drive keeps old blocks: put another key in its place now, and have the "
		       "drive sanitize itself before it leaves";
	case XP_BELOW_UNKNOWN:
	case XP_BELOW_MAGNETIC:
	case XP_BELOW_VIRTUAL:
	case XP_BELOW_MEMORY:
		break;
	}
	return "an old copy may lie in free space or in a journal: put another key in its place, "
	       "and overwrite the volume when it is given up";
}

const char *xp_place_advice(const struct xp_file_facts *f)
{
	switch (f->fs) {
	case XP_FS_BTRFS:
	case XP_FS_ZFS:
	case XP_FS_F2FS:
		return "older versions may stand in snapshots and free space: put another key in "
		       "its "
		       "place, delete the snapshots, and erase the volume when it is given up";
	case XP_FS_OVERLAY:
		return "the layer below may still hold it: put another key in its place, and "
		       "overwrite "
		       "the file there";
	case XP_FS_NETWORK:
	case XP_FS_FUSE:
		return "whoever serves the files keeps the bytes: put another key in its place, "
		       "and "
		       "have them erased there";
	case XP_FS_TMPFS:
		return "it may have been written to swap space: put another key in its place, and "
		       "erase the swap space";
	case XP_FS_UNKNOWN:
	case XP_FS_EXT:
	case XP_FS_XFS:
	case XP_FS_FAT:
	case XP_FS_COUNT:
		break;
	}
	return advice_below(f);
}
