/*
 * unlock_ata: takes away a password that an interrupted erase left on an ATA drive. Knows only
 * passwords that it is given, tries each once, and never so many that the drive stops to listen.
 */
#pragma once
#include "device/interlock.h"
#include "device/transport.h"

struct xp_ata_password {
	char text[33]; /* at most 32 bytes, as SET PASSWORD had it */
	bool is_master;
};

enum xp_unlock_end {
	XP_UNLOCK_NOT_NEEDED, /* no password is set */
	XP_UNLOCK_DONE,	      /* it was taken away: IDENTIFY DEVICE shows none */
	XP_UNLOCK_WRONG,      /* one is set that is none of those given */
	XP_UNLOCK_FROZEN,     /* the drive takes no security command until a power cycle */
	XP_UNLOCK_EXPIRED, /* too many wrong ones were tried: none is taken until a power cycle */
	XP_UNLOCK_NO_FEATURE, /* the drive knows no passwords, or contradicts itself */
};
/* What it is and what to do now, a sentence each. */
const char *xp_unlock_end_text(enum xp_unlock_end end);

struct xp_unlock {
	struct xp_transport *transport;
	const struct xp_permit *permit;
	const struct xp_ata_password *passwords;
	size_t n; /* at most XP_UNLOCK_TRIES of them are tried */
};
#define XP_UNLOCK_TRIES 3

/* Errors: the drive does not answer (XP_E_IO, XP_E_TIMEOUT, XP_E_DEVICE, XP_E_MALFORMED). */
MUST_USE enum xp_rc xp_ata_unlock(enum xp_unlock_end *end, const struct xp_unlock *how,
				  struct xp_err *err);
