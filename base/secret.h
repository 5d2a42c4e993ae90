/* secret: a buffer for keys and passphrases: locked in memory, kept out of dumps, wiped at the end.
 */
#pragma once
#include "base/err.h"

struct xp_secret {
	uint8_t *data;
	size_t len;    /* bytes in use */
	size_t mapped; /* bytes of the mapping */
};

/* A zeroed secret of LEN bytes. Where memory cannot be locked, XP_E_NOMEM. */
MUST_USE enum xp_rc xp_secret_new(struct xp_secret *out, size_t len, struct xp_err *err);
/* The first line of a file, without its line end, as a secret (at most 1024 bytes). */
MUST_USE enum xp_rc xp_secret_read_line(struct xp_secret *out, int fd, struct xp_err *err);
/* Wipes, unlocks, unmaps. Takes a zeroed struct, too. */
void xp_secret_free(struct xp_secret *s);
/* memset that the compiler cannot drop. */
void xp_wipe(void *p, size_t len);
