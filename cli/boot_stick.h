/*
 * boot_stick: a run without a person whose stick was pulled out for longer than its jobs wait: it
 * is waited for, as long as somebody can end that by a key.
 */
#pragma once
#include "cli/boot_console.h"
#include "cli/options.h"

/* Do the boxes of --keep, where it is given, hold all that the state folder has? They are told. */
bool xp_boot_boxes_hold(const struct xp_args *args, struct xp_err *err);

/*
 * Where they do not: waits for them. true: they were away, and are back. false: they were not away,
 * a key ended it, or nobody can press one; what is to be done then is said.
 */
bool xp_boot_stick_comes_back(struct xp_consoles *consoles, const struct xp_args *args);
