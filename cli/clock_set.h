/*
 * clock_set: the host's clock, set by the operator's word or from a time server, and who it was:
 * records name the source of their times, and a time that somebody typed is no synchronized one.
 */
#pragma once
#include "base/clock.h"

enum xp_clock_source { XP_CLOCK_SYSTEM, XP_CLOCK_OPERATOR, XP_CLOCK_NTP };
const char *xp_clock_source_name(enum xp_clock_source v); /* "system", "operator", "ntp" */
bool xp_clock_source_parse(enum xp_clock_source *out, const char *name);

/* How the clock is set; tests put their own there. Returns 0, or -1 with errno. */
struct xp_clock_setter {
	int (*set)(void *ctx, int64_t wall_ms);
	void *ctx;
};
const struct xp_clock_setter *xp_clock_setter_system(void);

/*
 * A time in UTC as a person writes it: 2026-11-22T10:00:00Z, 2026-11-22T10:00Z, or with a blank for
 * the T and without the Z. XP_E_USAGE: anything else.
 */
MUST_USE enum xp_rc xp_clock_time_read(int64_t *wall_s, const char *text, struct xp_err *err);

/*
 * To be said wherever a person sets the clock. The hardware clock would give the typed time back
 * after the next start as the machine's own, and records would no longer say that a person did.
 */
#define XP_CLOCK_HARDWARE_STAYS                                                                    \
	"the hardware clock stays as it is: after the next start set the time again"

/*
 * Sets the system's clock. XP_E_USAGE: a time before this version was made, or after 2100.
 * XP_E_PERM: only root may. The wall clock steps; a struct xp_clock_steady that was taken before
 * does not.
 */
MUST_USE enum xp_rc xp_clock_set(const struct xp_clock_setter *setter, int64_t wall_ms,
				 struct xp_err *err);

/*
 * Notes in the state folder that SOURCE set the clock of this boot, so that whatever process makes
 * the next record says so.
 */
MUST_USE enum xp_rc xp_clock_note_write(int state_fd, enum xp_clock_source source,
					struct xp_err *err);
/* Who set it in this boot: XP_CLOCK_SYSTEM where nobody did, or the note is of another boot. */
enum xp_clock_source xp_clock_note_read(int state_fd);
