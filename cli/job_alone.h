/*
 * job_alone: one process at a time does WHAT with a state folder. Held by a name in the kernel that
 * vanishes with its holder, so that nothing is left by a process that dies.
 */
#pragma once
#include "base/err.h"

/*
 * XP_OK: *FD (the caller's to close) holds it. XP_E_REFUSED: another process does. STATE as on the
 * command line; NULL: the default.
 */
MUST_USE enum xp_rc xp_hold_alone(int *fd, const char *what, const char *state, struct xp_err *err);
