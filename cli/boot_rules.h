/* boot_rules: what may be erased without a person, and how: from options, kernel and file. */
#pragma once
#include "cli/boot_config.h"
#include "cli/options.h"

#define XP_BOOT_CMDLINE "/proc/cmdline"

/*
 * By --config, --cmdline and the options of `unattended` that stand for keys of the file: what was
 * typed goes before the kernel's words, and those before the file. XP_E_REFUSED: nothing says that
 * drives may be erased without a person, or which.
 */
MUST_USE enum xp_rc xp_boot_rules_read(struct xp_boot_config *config, const struct xp_args *args,
				       struct xp_err *err);
