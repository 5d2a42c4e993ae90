/* Every single bit of the signature file: flipped, the pair must fail or be indeterminate, with a
 * code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/fake/check_stand.h"

static void test_bits_of_signature_are_all_covered(void **state)
{
	struct check_lab l;

	(void)state;
	check_lab_open(&l, true);
	check_lab_passes(&l);
	assert_int_equal(check_lab_flip_bits(&l, l.p7s, l.p7s_len), 0);
	check_lab_passes(&l);
	check_lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits_of_signature_are_all_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
