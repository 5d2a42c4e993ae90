/*
 * boot_console: the screens and keyboards that a run without a person speaks to: what it says
 * stands on all of them, and a key on any of them is a person.
 */
#pragma once
#include "base/err.h"

#include <termios.h>

#define XP_CONSOLES_MAX 8

struct xp_consoles {
	struct {
		int out_fd, key_fd; /* key_fd -1: nobody can press a key there */
		bool owned;
		bool raw;      /* SAVED is to be put back */
		bool is_stuck; /* it took nothing for a while */
		struct termios saved;
	} list[XP_CONSOLES_MAX];
	unsigned n;
};

/*
 * PATHS: terminals, NULL-terminated; empty: the standard ones, where keys count only on a terminal.
 * What was typed before now is dropped. One that cannot be opened is an error only if all are.
 */
MUST_USE enum xp_rc xp_consoles_open(struct xp_consoles *c, const char *const *paths,
				     struct xp_err *err);
/* A line on each; control characters in it are shown escaped. */
void xp_consoles_say(struct xp_consoles *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A warning for all of them, and for standard error, each once. */
void xp_consoles_warn(struct xp_consoles *c, const char *message);
/* A line that the next one takes the place of; terminals only. "": ends such a line. */
void xp_consoles_show(struct xp_consoles *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Waits up to TIMEOUT_MS. true: a key, or the program was told to end. */
bool xp_consoles_key(struct xp_consoles *c, unsigned timeout_ms);
/* Can anybody press a key at all? */
bool xp_consoles_have_keys(const struct xp_consoles *c);
/* Keys count again, after xp_consoles_release; those that were pressed meanwhile do not. */
void xp_consoles_listen(struct xp_consoles *c);
/* The terminals as they were; for what speaks to them itself. Nothing is listened to any more. */
void xp_consoles_release(struct xp_consoles *c);
void xp_consoles_close(struct xp_consoles *c);
