/* clock: the only way to the time, so that tests can set it. */
#pragma once
#include "base/err.h"

#define XP_TIME_LEN 21 /* "YYYY-MM-DDThh:mm:ssZ" and a NUL */

struct xp_clock {
	int64_t (*wall_s)(void *ctx); /* seconds since 1970-01-01T00:00:00Z */
	uint64_t (*monotonic_ns)(void *ctx);
	int64_t (*wall_ms)(void *ctx); /* finer, where the clock can; may be NULL */
	void *ctx;
};

/* The machine's own clock. */
const struct xp_clock *xp_clock_system(void);
/* Milliseconds since 1970, as fine as the clock can. */
int64_t xp_clock_wall_ms(const struct xp_clock *clock);
/* UTC, as the record writes it. Years 0000-9999; outside: clamped. */
void xp_time_format(char out[XP_TIME_LEN], int64_t wall_s);
/* Exactly "YYYY-MM-DDThh:mm:ssZ", a date that exists. */
MUST_USE bool xp_time_parse(int64_t *wall_s, const char *text);
/* Is the kernel's clock synchronized (adjtimex)? offset in ns where it says so. */
bool xp_clock_is_synchronized(int64_t *offset_ns);
