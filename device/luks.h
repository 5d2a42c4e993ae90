/*
 * luks: LUKS volumes on a target: where they begin, what their headers say, by our own decoder and
 * by libcryptsetup. Only reads; libcryptsetup gets a sealed copy in memory and never the target, so
 * that it cannot mend a damaged header.
 */
#pragma once
#include "device/extent.h"
#include "device/protocol/luks_header.h"
#include "device/target.h"

#define XP_LUKS_VOLUMES_MAX 16

struct xp_luks_volumes {
	struct xp_luks_volume list[XP_LUKS_VOLUMES_MAX]; /* by offset */
	size_t n;
};

/*
 * Opens the target to read, finds what begins with it or, failing that, with one of its partitions,
 * and asks libcryptsetup for its opinion. Not for two threads at once. No volume: n is 0. Errors:
 * XP_E_IO, XP_E_PERM, XP_E_NOMEM.
 */
MUST_USE enum xp_rc xp_luks_find(struct xp_luks_volumes *out, const struct xp_target *target,
				 struct xp_err *err);

/*
 * Reads the headers of the volume at out->offset with out->room through IO. XP_E_NOENT: there is
 * none. What cannot be read counts as zeros.
 */
MUST_USE enum xp_rc xp_luks_read(struct xp_luks_volume *out, struct xp_extent_io *io,
				 struct xp_err *err);

/* Sets before_sha256 and unread_bytes from what stands in the volume's area. */
MUST_USE enum xp_rc xp_luks_digest(struct xp_luks_volume *v, struct xp_extent_io *io,
				   struct xp_err *err);

/*
 * Does a LUKS header, or what is left of one, begin in the first sector behind NODE ("/dev/sda1")?
 * false also where that cannot be read, and then *READ is.
 */
bool xp_luks_begins_at(bool *read, const char *node);
