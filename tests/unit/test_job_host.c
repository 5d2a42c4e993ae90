#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/job_host.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_image_sha256_takes_one_digest_and_nothing_else(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
		{HEX "\n", HEX},
		{"", ""},
		{HEX, ""},
		{HEX "\n\n", ""},
		{HEX "0\n", ""},
		{"ABCDEF6789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", ""},
		{" 23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef01\n", ""},
	};
	const char *folder = getenv("TMPDIR");
	char path[512];
	char out[65];

	(void)state;
	snprintf(path, sizeof(path), "%s/image.sha256", folder ? folder : "/tmp");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs(rows[i].text, f);
		fclose(f);
		memset(out, 'x', sizeof(out));
		xp_job_image_sha256(out, path);
		assert_string_equal(out, rows[i].want);
	}
	unlink(path);
	xp_job_image_sha256(out, path);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_image_sha256_takes_one_digest_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
