#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

static uint64_t system_monotonic_ns(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int64_t system_wall_ms(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Not by time(2): it may be a tick behind, and a later moment would have an earlier second. */
static int64_t system_wall_s(void *ctx)
{
	return system_wall_ms(ctx) / 1000;
}

int64_t xp_clock_wall_ms(const struct xp_clock *clock)
{
	return clock->wall_ms ? clock->wall_ms(clock->ctx) : clock->wall_s(clock->ctx) * 1000;
}

const struct xp_clock *xp_clock_system(void)
{
	static const struct xp_clock clock = {
		.wall_s = system_wall_s,
		.monotonic_ns = system_monotonic_ns,
		.wall_ms = system_wall_ms,
	};

	return &clock;
}

static int64_t steady_wall_ms(void *ctx)
{
	const struct xp_clock_steady *s = ctx;

	return s->wall_ms + (int64_t)((system_monotonic_ns(NULL) - s->monotonic_ns) / 1000000);
}

static int64_t steady_wall_s(void *ctx)
{
	return steady_wall_ms(ctx) / 1000;
}

struct xp_clock xp_clock_steady_from_now(struct xp_clock_steady *state)
{
	state->wall_ms = system_wall_ms(NULL);
	state->monotonic_ns = system_monotonic_ns(NULL);
	return (struct xp_clock){.wall_s = steady_wall_s,
				 .monotonic_ns = system_monotonic_ns,
				 .wall_ms = steady_wall_ms,
				 .ctx = state};
}

void xp_time_format(char out[XP_TIME_LEN], int64_t wall_s)
{
	const int64_t min = -62167219200, max = 253402300799;
	time_t t = (time_t)(wall_s < min ? min : wall_s > max ? max : wall_s);
	struct tm tm;
	char text[80];

	gmtime_r(&t, &tm);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	memcpy(out, text, XP_TIME_LEN - 1);
	out[XP_TIME_LEN - 1] = 0;
}

static bool digits(int *v, const char *p, int n)
{
	*v = 0;
	for (int i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		*v = *v * 10 + (p[i] - '0');
	}
	return true;
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar, whose years begin in March here. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y < 0 ? y - 399 : y) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

bool xp_time_parse(int64_t *wall_s, const char *text)
{
	int year, month, day, hour, minute, second;

	if (strnlen(text, XP_TIME_LEN) != XP_TIME_LEN - 1 || !digits(&year, text, 4) ||
	    !digits(&month, text + 5, 2) || !digits(&day, text + 8, 2) ||
	    !digits(&hour, text + 11, 2) || !digits(&minute, text + 14, 2) ||
	    !digits(&second, text + 17, 2))
		return false;
	if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
	    text[16] != ':' || text[19] != 'Z')
		return false;
	if (month < 1 || month > 12 || day < 1 || day > days_in(year, month) || hour > 23 ||
	    minute > 59 || second > 59)
		return false;
	*wall_s = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return true;
}

bool xp_clock_is_synchronized(int64_t *offset_ns)
{
	struct timex tx = {0};
	int state = adjtimex(&tx);

	if (offset_ns)
		*offset_ns = (tx.status & STA_NANO) ? tx.offset : tx.offset * 1000;
	return state >= 0 && state != TIME_ERROR && !(tx.status & STA_UNSYNC);
}
