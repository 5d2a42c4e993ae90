/* The machine's own clock, as it is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"

/* Over the turn of a second: whoever asks later is never told an earlier one. */
static void test_seconds_are_not_behind_the_milliseconds(void **state)
{
	const struct xp_clock *c = xp_clock_system();
	int64_t begin_ms = xp_clock_wall_ms(c);
	uint64_t begin_ns = c->monotonic_ns(c->ctx);

	(void)state;
	while (c->monotonic_ns(c->ctx) - begin_ns < 1100000000u) {
		int64_t ms = xp_clock_wall_ms(c);
		int64_t s = c->wall_s(c->ctx);

		/* the machine may set its clock meanwhile, by more than a tick */
		if (ms - begin_ms < 0 || ms - s * 1000 > 2000)
			skip();
		assert_true(s >= ms / 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seconds_are_not_behind_the_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
