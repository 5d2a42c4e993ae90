#include "tests/fake/boot_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

char boot_folder[256];

int boot_folder_set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(boot_folder, sizeof(boot_folder), "%.200s/boot.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(boot_folder) ? 0 : -1;
}

int boot_folder_tear_down(void **state)
{
	char command[512];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", boot_folder);
	return system(command);
}

void boot_folder_path(char path[512], const char *name)
{
	snprintf(path, 512, "%s/%s", boot_folder, name);
	for (char *at = path + strlen(boot_folder) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(path, 0755);
		*at = '/';
	}
}

void boot_folder_write(const char *name, const void *data, size_t len)
{
	char path[512];
	FILE *f;

	boot_folder_path(path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}
