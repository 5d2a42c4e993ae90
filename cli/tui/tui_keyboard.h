/*
 * tui_keyboard: keyboard layouts of Linux's own console. A layout is what the keys of letters,
 * digits and signs give, plain, with Shift and with AltGr; everything else stays as the kernel has
 * it. Terminals at the end of a line bring a keyboard of their own.
 */
#pragma once
#include "base/err.h"

/* Names for people, NULL-terminated; the first is the kernel's own. */
const char *const *xp_tui_keyboard_names(void);
/* "de" and the like, as expunge.json has them; false: none of ours. */
bool xp_tui_keyboard_find(size_t *index, const char *name);

/* How the console is told; tests put their own there. TABLE: 0 plain, 1 Shift, 2 AltGr. */
struct xp_tui_keyboard_setter {
	/* CH: the character that KEY gives; 0: none. Returns 0, or -1 with errno. */
	int (*set)(void *ctx, unsigned table, unsigned key, uint32_t ch);
	void *ctx;
};
/* Is FD a console that has a keymap? */
bool xp_tui_keyboard_is_console(int fd);
/* FD is the console; CTX of the setter. */
struct xp_tui_keyboard_setter xp_tui_keyboard_console(int *fd);

MUST_USE enum xp_rc xp_tui_keyboard_load(const struct xp_tui_keyboard_setter *setter, size_t index,
					 struct xp_err *err);
