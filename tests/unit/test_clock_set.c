/* The clock is set to what can be, and who set it is known until the next boot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/about.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/clock_set.h"

struct fake {
	int64_t wall_ms;
	unsigned calls;
	int fails; /* errno */
};

static int fake_set(void *ctx, int64_t wall_ms)
{
	struct fake *f = ctx;

	f->calls++;
	f->wall_ms = wall_ms;
	errno = f->fails;
	return f->fails ? -1 : 0;
}

static void test_time_forms_are_read(void **state)
{
	static const char *const same[] = {"2026-11-22T10:05:00Z", "2026-11-22T10:05Z",
					   "2026-11-22T10:05",	   "2026-11-22 10:05",
					   "2026-11-22 10:05:00",  "2026-11-22 10:05:00Z"};
	struct xp_err err;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(same); i++) {
		int64_t t = 0;

		assert_int_equal(xp_clock_time_read(&t, same[i], &err), XP_OK);
		assert_int_equal(t, 1795341900);
	}
}

static void test_time_anything_else_is_refused(void **state)
{
	static const char *const bad[] = {"",
					  "Z",
					  "now",
					  "10:05",
					  "2026",
					  "2026-11-22",
					  "2026-02-30T10:05Z",
					  "2026-11-22T24:05Z",
					  "2026-11-22T10:05:00+01:00",
					  "2026-11-22T10:05:61Z",
					  "22.11.2026 10:05",
					  "2026-11-22T10:05:00ZZ",
					  "2026-11-22x10:05:00Z"};
	struct xp_err err;
	int64_t t;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++)
		if (xp_clock_time_read(&t, bad[i], &err) != XP_E_USAGE)
			fail_msg("taken: %s", bad[i]);
}

static void test_set_plausible_goes_to_the_clock(void **state)
{
	struct fake f = {0};
	const struct xp_clock_setter setter = {.set = fake_set, .ctx = &f};
	const int64_t ms = XP_ABOUT_BUILD_DAY_S * 1000 + 86400123;
	struct xp_err err;

	(void)state;
	assert_int_equal(xp_clock_set(&setter, ms, &err), XP_OK);
	assert_true(f.wall_ms == ms);
	f.fails = EPERM;
	assert_int_equal(xp_clock_set(&setter, ms, &err), XP_E_PERM);
	f.fails = EINVAL;
	assert_int_equal(xp_clock_set(&setter, ms, &err), XP_E_IO);
}

static void test_set_implausible_never_reaches_the_clock(void **state)
{
	static const int64_t bad[] = {INT64_MIN,       -1,	 0, XP_ABOUT_BUILD_DAY_S * 1000 - 1,
				      4102444800000LL, INT64_MAX};
	struct fake f = {0};
	const struct xp_clock_setter setter = {.set = fake_set, .ctx = &f};
	struct xp_err err;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(bad); i++)
		assert_int_equal(xp_clock_set(&setter, bad[i], &err), XP_E_USAGE);
	assert_int_equal(f.calls, 0);
}

static void test_note_holds_for_this_boot_only(void **state)
{
	static const char other[] = "12345678-1234-1234-1234-123456789abc operator\n";
	char dir[] = "/tmp/xp_clock_XXXXXX";
	AUTO_FD int fd = -1;
	struct xp_err err;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(xp_clock_note_read(fd), XP_CLOCK_SYSTEM);
	assert_int_equal(xp_clock_note_write(fd, XP_CLOCK_OPERATOR, &err), XP_OK);
	assert_int_equal(xp_clock_note_read(fd), XP_CLOCK_OPERATOR);
	assert_int_equal(xp_clock_note_write(fd, XP_CLOCK_NTP, &err), XP_OK);
	assert_int_equal(xp_clock_note_read(fd), XP_CLOCK_NTP);
	assert_int_equal(
		xp_file_write_at(fd, "clock.note", other, sizeof(other) - 1, 0644, true, &err),
		XP_OK);
	assert_int_equal(xp_clock_note_read(fd), XP_CLOCK_SYSTEM);
	assert_int_equal(xp_file_write_at(fd, "clock.note", "x", 1, 0644, true, &err), XP_OK);
	assert_int_equal(xp_clock_note_read(fd), XP_CLOCK_SYSTEM);
	assert_int_equal(unlinkat(fd, "clock.note", 0), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_forms_are_read),
		cmocka_unit_test(test_time_anything_else_is_refused),
		cmocka_unit_test(test_set_plausible_goes_to_the_clock),
		cmocka_unit_test(test_set_implausible_never_reaches_the_clock),
		cmocka_unit_test(test_note_holds_for_this_boot_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
