/*
 * job_places: where else boxes can be kept when the stick that was named cannot be used: mounted
 * partitions of media to carry that hold boxes already. Nothing is made there, and no partition is
 * offered because it looks alike.
 */
#pragma once
#include "base/err.h"
#include "device/sysroot.h"

#define XP_KEEP_PLACES_MAX 8

struct xp_keep_place {
	char folder[1024];
	char what[96]; /* "sdc1, vfat, 15 GB, CRUZER" */
};

struct xp_keep_places {
	struct xp_keep_place list[XP_KEEP_PLACES_MAX];
	size_t n;
};

/*
 * Writable FAT and ext partitions on removable, USB or card media with both boxes in their root
 * folder. Left out: NOT_FOLDER (may be NULL), and every partition of the drives whose nodes TAKEN
 * names ("/dev/sda"; NULL-terminated; may be NULL).
 */
MUST_USE enum xp_rc xp_keep_places_find(struct xp_keep_places *out, const struct xp_sysroot *root,
					const char *not_folder, const char *const *taken,
					struct xp_err *err);

/*
 * May FOLDER be taken: is it there, writable, and no memory (but where MEMORY_DOES)? XP_E_REFUSED
 * says why not.
 */
MUST_USE enum xp_rc xp_keep_place_check(const char *folder, bool memory_does, struct xp_err *err);
