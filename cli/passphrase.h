/* passphrase: asks for one on the terminal, or takes it from a file. It never passes an argument.
 */
#pragma once
#include "base/secret.h"

/* The first line of FILE. An empty one is refused. */
MUST_USE enum xp_rc xp_passphrase_read(struct xp_secret *out, const char *file, struct xp_err *err);
/*
 * Asks on the controlling terminal, without showing what is typed; with TWICE, twice, and both must
 * be the same. XP_E_USAGE where there is no terminal (the text names OPTION as the other way).
 */
MUST_USE enum xp_rc xp_passphrase_ask(struct xp_secret *out, const char *what, bool twice,
				      const char *option, struct xp_err *err);
