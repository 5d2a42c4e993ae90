/*
 * luks_close: takes down mappings of LUKS volumes that stand on a target and that nobody uses, by
 * libcryptsetup, which also drops their keys from the kernel. Nothing is written to the target.
 */
#pragma once
#include "device/target.h"

#define XP_LUKS_MAPPINGS_MAX 16

struct xp_luks_mapping {
	char node[64];	/* dm-0 */
	char name[128]; /* what it is called */
	char uuid[41];	/* the volume's, as the kernel has it of the mapping; empty: it does not say
			 */
	bool suspended;
};

struct xp_luks_mappings {
	struct xp_luks_mapping list[XP_LUKS_MAPPINGS_MAX];
	size_t n;
};

/* Mappings of LUKS volumes right above the target or one of its partitions, by sysfs below ROOT. */
void xp_luks_mappings_find(struct xp_luks_mappings *out, const struct xp_sysroot *root,
			   const struct xp_target *target);

/*
 * Closes one, and sees that the kernel shows it no more. XP_E_REFUSED: it is in use (mounted, or
 * something stands on it). On the live root only.
 */
MUST_USE enum xp_rc xp_luks_close(const struct xp_luks_mapping *m, const struct xp_sysroot *root,
				  struct xp_err *err);
