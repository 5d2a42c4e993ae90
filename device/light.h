/*
 * light: what sysfs has of the place that a drive sits in: the slot's locate light, where the
 * enclosure has one, and the temperature. Asks no drive by itself.
 */
#pragma once
#include "device/sysroot.h"

/* Is there a light at the disk's place, and does it shine? NODE: "sda". */
bool xp_light_read(bool *is_on, const struct xp_sysroot *root, const char *node);
/*
 * On or off, through the enclosure's driver. XP_E_UNSUPPORTED: no enclosure, or one without a
 * light. XP_E_PERM, XP_E_IO.
 */
MUST_USE enum xp_rc xp_light_set(const struct xp_sysroot *root, const char *node, bool on,
				 struct xp_err *err);

/* Degrees Celsius, where the kernel has them; 0: unknown. */
int xp_drive_celsius(const struct xp_sysroot *root, const char *node);
