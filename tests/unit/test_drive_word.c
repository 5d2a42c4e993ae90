/* The drive's own word on what went wrong, as a person reads it. */
#include "device/protocol/drive_word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* ATA Status Return, as the kernel gives it [SAT-3 12.2.2.7]: ERROR at 11, STATUS at 21. */
static const uint8_t aborted[22] = {0x72, 0x0b, 0x00, 0x00, 0, 0, 0, 14, 0x09, 0x0c, 0,
				    0x04, 0,	0,    0,    0, 0, 0, 0,	 0,    0x40, 0x51};

static void says(const uint8_t *sense, size_t len, const char *text)
{
	char word[XP_DRIVE_WORD_LEN];

	xp_drive_word(word, sense, len);
	assert_string_equal(word, text);
}

static void test_word_of_registers(void **state)
{
	uint8_t s[22];

	(void)state;
	says(aborted, sizeof(aborted), "status 51h, error 04h (command aborted)");
	memcpy(s, aborted, sizeof(s));
	s[11] = 0x40;
	says(s, sizeof(s), "status 51h, error 40h (data that cannot be read)");
	s[11] = 0x10;
	says(s, sizeof(s), "status 51h, error 10h (address not found)");
	s[21] = 0x70;
	says(s, sizeof(s), "status 70h, error 10h (device fault)");
	s[21] = 0x50;
	s[11] = 0;
	says(s, sizeof(s), "status 50h, error 00h (no error)");
}

static void test_word_of_sense(void **state)
{
	static const uint8_t fixed[18] = {0x70, 0, 0x05, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x26, 0x00};
	static const uint8_t failed[8] = {0x72, 0x03, 0x31, 0x03};
	static const uint8_t other[8] = {0x72, 0x04, 0x99, 0x01};

	(void)state;
	says(fixed, sizeof(fixed), "sense 5h, 26h/00h (invalid field in the parameter list)");
	says(failed, sizeof(failed), "sense 3h, 31h/03h (sanitize failed)");
	says(other, sizeof(other), "sense 4h, 99h/01h");
}

static void test_word_of_nothing_is_empty(void **state)
{
	static const uint8_t garbage[4] = {0x13, 0x37, 0, 0};

	(void)state;
	says(NULL, 0, "");
	says(garbage, sizeof(garbage), "");
	for (size_t n = 0; n < sizeof(aborted); n++) {
		char word[XP_DRIVE_WORD_LEN];

		xp_drive_word(word, aborted, n); /* cut anywhere: nothing beyond is read */
		assert_null(strstr(word, "status 51h"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_word_of_registers),
		cmocka_unit_test(test_word_of_sense),
		cmocka_unit_test(test_word_of_nothing_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
