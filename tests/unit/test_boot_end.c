/* A host is ended only after a sync, and only where our image runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/boot_end.h"

struct fake {
	char calls[16];
	int fails;
};

static void fake_sync(void *ctx)
{
	strncat(((struct fake *)ctx)->calls, "s", 2);
}

static int fake_reboot(void *ctx, bool power_off)
{
	struct fake *f = ctx;

	strncat(f->calls, power_off ? "p" : "r", 2);
	errno = f->fails;
	return f->fails ? -1 : 0;
}

static void test_end_syncs_first(void **state)
{
	struct fake f = {0};
	const struct xp_boot_end_ops ops = {.sync = fake_sync, .reboot = fake_reboot, .ctx = &f};
	struct xp_err err;

	(void)state;
	/* "/" is there on every host: it plays the image's mark */
	assert_int_equal(xp_boot_end(XP_BOOT_POWEROFF, "/", &ops, &err), XP_E_IO);
	assert_string_equal(f.calls, "sp");
	assert_int_equal(xp_boot_end(XP_BOOT_REBOOT, "/", &ops, &err), XP_E_IO);
	assert_string_equal(f.calls, "spsr");
	assert_int_equal(xp_boot_end(XP_BOOT_WAIT, "/", &ops, &err), XP_OK);
	assert_string_equal(f.calls, "spsr");
}

static void test_end_refused_says_why(void **state)
{
	struct fake f = {.fails = EPERM};
	const struct xp_boot_end_ops ops = {.sync = fake_sync, .reboot = fake_reboot, .ctx = &f};
	struct xp_err err;

	(void)state;
	assert_int_equal(xp_boot_end(XP_BOOT_POWEROFF, "/", &ops, &err), XP_E_PERM);
}

static void test_end_of_a_foreign_host_never_happens(void **state)
{
	struct fake f = {0};
	const struct xp_boot_end_ops ops = {.sync = fake_sync, .reboot = fake_reboot, .ctx = &f};
	struct xp_err err;

	(void)state;
	assert_int_equal(xp_boot_end(XP_BOOT_POWEROFF, "/nonexistent/mark", &ops, &err),
			 XP_E_USAGE);
	assert_int_equal(xp_boot_end(XP_BOOT_REBOOT, "/nonexistent/mark", &ops, &err), XP_E_USAGE);
	assert_int_equal(xp_boot_end(XP_BOOT_WAIT, "/nonexistent/mark", &ops, &err), XP_OK);
	assert_string_equal(f.calls, "");
	assert_int_equal(xp_boot_end_check(XP_BOOT_REBOOT, "/nonexistent/mark", &err), XP_E_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_end_syncs_first),
		cmocka_unit_test(test_end_refused_says_why),
		cmocka_unit_test(test_end_of_a_foreign_host_never_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
