/* Every single bit of the record: flipped, the pair must fail or be indeterminate, with a code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/fake/check_stand.h"

static void test_bits_of_record_are_all_covered(void **state)
{
	struct check_lab l;

	(void)state;
	check_lab_open(&l, false);
	check_lab_passes(&l);
	assert_int_equal(check_lab_flip_bits(&l, (uint8_t *)l.json, l.json_len), 0);
	check_lab_passes(&l);
	check_lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits_of_record_are_all_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
