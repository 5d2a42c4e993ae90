#include "cli/clock_set.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/about.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/names.h"
#include "cli/program.h"

#define NOTE_NAME      "clock.note"
#define NOTE_MAX_BYTES 128u
#define YEAR_2100_MS   4102444800000LL /* 2100-01-01T00:00:00Z */
#define BOOT_ID_LEN    36
#define ZERO_BOOT_ID   "00000000-0000-0000-0000-000000000000"

static const char *const source_names[] = {
	[XP_CLOCK_SYSTEM] = "system", [XP_CLOCK_OPERATOR] = "operator", [XP_CLOCK_NTP] = "ntp"};
XP_NAMES(clock_source, xp_clock_source, source_names, XP_CLOCK_NTP + 1)

static int set_system(void *ctx, int64_t wall_ms)
{
	struct timespec ts = {
		.tv_sec = (time_t)(wall_ms / 1000),
		.tv_nsec = (long)(wall_ms % 1000) * 1000000L,
	};

	(void)ctx;
	return clock_settime(CLOCK_REALTIME, &ts);
}

const struct xp_clock_setter *xp_clock_setter_system(void)
{
	static const struct xp_clock_setter setter = {.set = set_system};

	return &setter;
}

enum xp_rc xp_clock_time_read(int64_t *wall_s, const char *text, struct xp_err *err)
{
	static const size_t minutes = sizeof("2026-11-22T10:00") - 1;
	size_t len = strlen(text);
	char full[XP_TIME_LEN];

	if (len && text[len - 1] == 'Z')
		len--;
	if (len == minutes)
		snprintf(full, sizeof(full), "%.*s:00Z", (int)len, text);
	else if (len == minutes + 3)
		snprintf(full, sizeof(full), "%.*sZ", (int)len, text);
	else
		full[0] = 0;
	if (full[0] && full[10] == ' ')
		full[10] = 'T';
	if (!xp_time_parse(wall_s, full))
		return xp_fail(err, XP_E_USAGE,
			       "%.40s: not a time; write UTC, as in 2026-11-22T10:00:00Z", text);
	return XP_OK;
}

enum xp_rc xp_clock_set(const struct xp_clock_setter *setter, int64_t wall_ms, struct xp_err *err)
{
	char text[XP_TIME_LEN];

	xp_time_format(text, wall_ms / 1000);
	if (wall_ms < XP_ABOUT_BUILD_DAY_S * 1000 || wall_ms >= YEAR_2100_MS)
		return xp_fail(err, XP_E_USAGE,
			       "%s: the clock is not set to that: this version was made later, or "
			       "the year is past 2099",
			       text);
	if (setter->set(setter->ctx, wall_ms) != 0)
		return xp_fail_errno(err, errno == EPERM ? XP_E_PERM : XP_E_IO,
				     "the clock could not be set to %s", text);
	return XP_OK;
}

enum xp_rc xp_clock_note_write(int state_fd, enum xp_clock_source source, struct xp_err *err)
{
	char boot_id[BOOT_ID_LEN + 1];
	char text[NOTE_MAX_BYTES];
	int n;

	xp_program_boot_id(boot_id);
	n = snprintf(text, sizeof(text), "%s %s\n", boot_id, xp_clock_source_name(source));
	return xp_file_write_at(state_fd, NOTE_NAME, text, (size_t)n, 0644, true, err);
}

enum xp_clock_source xp_clock_note_read(int state_fd)
{
	enum xp_clock_source source = XP_CLOCK_SYSTEM;
	char boot_id[BOOT_ID_LEN + 1];
	AUTO_MEM char *text = NULL;
	size_t len = 0;

	xp_program_boot_id(boot_id);
	if (strcmp(boot_id, ZERO_BOOT_ID) == 0 ||
	    xp_file_read_at(&text, &len, state_fd, NOTE_NAME, NOTE_MAX_BYTES, NULL) != XP_OK)
		return XP_CLOCK_SYSTEM;
	if (len < BOOT_ID_LEN + 2 || memcmp(text, boot_id, BOOT_ID_LEN) != 0 ||
	    text[len - 1] != '\n')
		return XP_CLOCK_SYSTEM;
	text[len - 1] = 0;
	if (!xp_clock_source_parse(&source, text + BOOT_ID_LEN + 1))
		return XP_CLOCK_SYSTEM;
	return source;
}
