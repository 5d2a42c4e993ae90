/*
 * file_facts: what is known of a file's place: its file system, where its bytes lie below, and what
 * could keep an older copy of them. Plain data and names; device/extent_map finds it out.
 */
#pragma once
#include "base/err.h"

/* What a file system does with a byte that is overwritten. */
enum xp_file_system {
	XP_FS_UNKNOWN,
	XP_FS_EXT, /* ext2, ext3, ext4 */
	XP_FS_XFS,
	XP_FS_FAT,   /* vfat, exfat, msdos */
	XP_FS_TMPFS, /* in memory, or in swap space */
	XP_FS_BTRFS, /* these write elsewhere, or somewhere else altogether */
	XP_FS_ZFS,
	XP_FS_F2FS,
	XP_FS_OVERLAY,
	XP_FS_NETWORK,
	XP_FS_FUSE,
	XP_FS_COUNT,
};
const char *xp_file_system_name(enum xp_file_system v); /* "ext", "xfs", ... */
bool xp_file_system_parse(enum xp_file_system *out, const char *name);

/* What carries the file system, as far as the host can see. */
enum xp_file_below {
	XP_BELOW_UNKNOWN,
	XP_BELOW_MAGNETIC, /* a hard disk */
	XP_BELOW_FLASH,	   /* flash writes elsewhere, too */
	XP_BELOW_VIRTUAL,  /* a loop device, dm, md, a virtual disk */
	XP_BELOW_MEMORY,
};
const char *xp_file_below_name(enum xp_file_below v);
bool xp_file_below_parse(enum xp_file_below *out, const char *name);

struct xp_file_extent {
	uint64_t offset;   /* in the file, bytes */
	uint64_t physical; /* on what carries the file system, bytes */
	uint64_t len;
};

#define XP_FILE_EXTENTS_MAX 4096
struct xp_file_facts {
	enum xp_file_system fs;
	enum xp_file_below below;
	uint64_t links; /* hard links, this name too */
	bool map_known; /* the extents are all there are; else the map is not to be had */
	struct xp_file_extent *extents; /* sorted, joined where they touch; malloc'ed */
	size_t extent_n;
	bool shared;	    /* some bytes are also those of another file or a snapshot */
	bool encoded;	    /* compressed or encrypted by the file system */
	bool elsewhere;	    /* bytes without a place of their own: inline, not yet allocated, ... */
	bool journals_data; /* contents go through the journal, too */
	bool swap_active;   /* tmpfs: the host has swap space */
};

void xp_place_facts_free(struct xp_file_facts *f);

/*
 * Why writing in place cannot be known to hit all that AFTER (looked at when it was written) and
 * BEFORE tell of; NULL: it can.
 */
const char *xp_place_doubt(const struct xp_file_facts *before, const struct xp_file_facts *after);
/* The same where F alone is known, for a plan. */
const char *xp_place_doubt_before(const struct xp_file_facts *f);

/* What to do about a key that lay there, where it cannot be known that its bytes were hit. */
const char *xp_place_advice(const struct xp_file_facts *f);
