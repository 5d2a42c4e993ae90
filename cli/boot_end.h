/*
 * boot_end: how a host ends that was booted for this: switched off or started again, after all that
 * is written is on its disk. Only where our own image runs: a server is not switched off because a
 * file says so.
 */
#pragma once
#include "cli/boot_config.h"

/* Present in the boot image only: the hash that records name. */
#define XP_BOOT_IMAGE_MARK "/etc/expunge/image.sha256"

struct xp_boot_end_ops {
	void (*sync)(void *ctx);
	int (*reboot)(void *ctx, bool power_off); /* -1 with errno; else it does not return */
	void *ctx;
};
const struct xp_boot_end_ops *xp_boot_end_system(void);

/* XP_E_USAGE: THEN would end a host that does not run our image (MARK is absent). */
MUST_USE enum xp_rc xp_boot_end_check(enum xp_boot_then then, const char *mark, struct xp_err *err);
/* Checks again, syncs, ends. XP_OK only for XP_BOOT_WAIT, which does nothing. */
MUST_USE enum xp_rc xp_boot_end(enum xp_boot_then then, const char *mark,
				const struct xp_boot_end_ops *ops, struct xp_err *err);
