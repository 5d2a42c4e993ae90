/* clock: the only way to the time, so that tests can set it. */
#pragma once
#include "base/err.h"

#define XP_TIME_LEN 21 /* "YYYY-MM-DDThh:mm:ssZ" and a NUL */

struct xp_clock {
	int64_t (*wall_s)(void *ctx);	     /* seconds since 1970-01-01T00:00:00Z */
	uint64_t (*monotonic_ns)(void *ctx); /* never steps; goes on while the host sleeps */
	int64_t (*wall_ms)(void *ctx);	     /* finer, where the clock can; may be NULL */
	void *ctx;
};

/* The machine's own clock. */
const struct xp_clock *xp_clock_system(void);
/* Milliseconds since 1970, as fine as the clock can. */
int64_t xp_clock_wall_ms(const struct xp_clock *clock);
/*
 * The system's clock as it stands now, carried on by the monotonic one: a step of the wall clock in
 * the middle of a job does not make its phases overlap. STATE is the caller's and outlives the
 * clock.
 */
struct xp_clock_steady {
	int64_t wall_ms;
	uint64_t monotonic_ns;
};
struct xp_clock xp_clock_steady_from_now(struct xp_clock_steady *state);
/* UTC, as the record writes it. Years 0000-9999; outside: clamped. */
void xp_time_format(char out[XP_TIME_LEN], int64_t wall_s);
/* Exactly "YYYY-MM-DDThh:mm:ssZ", a date that exists. */
MUST_USE bool xp_time_parse(int64_t *wall_s, const char *text);
/* Is the kernel's clock synchronized (adjtimex)? offset in ns where it says so. */
bool xp_clock_is_synchronized(int64_t *offset_ns);
