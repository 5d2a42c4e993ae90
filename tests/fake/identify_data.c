#include "tests/fake/identify_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

void identify_data_read(uint8_t *out, size_t len, const char *name)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "tests/data/identify/%s", name);
	f = fopen(path, "re");
	assert_non_null(f);
	for (size_t i = 0; i < len; i += 2) {
		unsigned word = 0;

		assert_int_equal(fscanf(f, "%4x", &word), 1);
		out[i] = (uint8_t)word;
		out[i + 1] = (uint8_t)(word >> 8);
	}
	fclose(f);
}
