/* Whether the initial file system was unpacked whole: cut off, changed, without its list, with a
 * list that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm-images/boot/init.h"

/* In the image it is init.c that has it, and that talks to consoles. */
void say(const char *format, ...)
{
	(void)format;
}

static char folder[256];

static void path_of(char path[512], const char *name)
{
	snprintf(path, 512, "%s/%s", folder, name);
	for (char *at = path + strlen(folder) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(path, 0755);
		*at = '/';
	}
}

static void write_file(const char *name, const void *data, size_t len)
{
	char path[512];
	FILE *f;

	path_of(path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%.200s/boot-whole.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[512];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

/* One line of the list, hashed by somebody else. */
static void add_line(char *list, const char *name, const void *data, size_t len)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	char *at = list + strlen(list);

	SHA256(data, len, hash);
	for (unsigned i = 0; i < sizeof(hash); i++)
		at += snprintf(at, 3, "%02x", hash[i]);
	snprintf(at, 300, " %zu %s\n", len, name);
}

static char big[70001];

/* Three files and a link, as the image has them, and their list. */
static void make_system(char *list)
{
	char path[512];

	memset(big, 'b', sizeof(big));
	list[0] = '\0';
	write_file("usr/bin/expunge", big, sizeof(big));
	add_line(list, "usr/bin/expunge", big, sizeof(big));
	write_file("modules/sd_mod.ko", "driver", 6);
	add_line(list, "modules/sd_mod.ko", "driver", 6);
	write_file("etc/empty", "", 0);
	add_line(list, "etc/empty", "", 0);
	path_of(path, "bin");
	assert_int_equal(symlink("usr/bin", path), 0);
	add_line(list, "bin", "usr/bin", 7);
	strncat(list, "end 4\n", 8);
	write_file(WHOLE_LIST, list, strlen(list));
}

static void test_whole_system_is_whole(void **state)
{
	static char list[4096];
	struct whole w;

	(void)state;
	make_system(list);
	assert_true(whole_check(&w, folder));
	assert_int_equal(w.n, 4);
	assert_int_equal(w.bad, 0);
	assert_true(w.is_listed);
	/* what somebody adds is not ours to judge */
	write_file("etc/expunge/site.pem", "pem", 3);
	assert_true(whole_check(&w, folder));
}

static void test_whole_every_length_is_hashed_as_openssl_does(void **state)
{
	static char list[200000];
	struct whole w;

	(void)state;
	memset(big, 'x', sizeof(big));
	for (size_t len = 0; len < 200; len++) {
		char name[32];

		snprintf(name, sizeof(name), "f%zu", len);
		write_file(name, big, len);
		add_line(list, name, big, len);
	}
	strncat(list, "end 200\n", 10);
	write_file(WHOLE_LIST, list, strlen(list));
	assert_true(whole_check(&w, folder));
	assert_int_equal(w.n, 200);
}

static void test_whole_file_that_differs_is_named(void **state)
{
	static char list[4096];
	struct whole w;
	char path[512];

	(void)state;
	make_system(list);
	big[69000] ^= 1;
	write_file("usr/bin/expunge", big, sizeof(big));
	assert_false(whole_check(&w, folder));
	assert_int_equal(w.bad, 1);
	assert_string_equal(w.first, "usr/bin/expunge");
	assert_false(w.are_drivers_bad);
	assert_true(w.is_listed);

	/* cut off where the archive ended */
	big[69000] ^= 1;
	write_file("usr/bin/expunge", big, 65536);
	assert_false(whole_check(&w, folder));
	write_file("usr/bin/expunge", big, sizeof(big));
	assert_true(whole_check(&w, folder));

	path_of(path, "modules/sd_mod.ko");
	unlink(path);
	assert_false(whole_check(&w, folder));
	assert_string_equal(w.first, "modules/sd_mod.ko");
	assert_true(w.are_drivers_bad);
	write_file("modules/sd_mod.ko", "driver", 6);

	path_of(path, "bin");
	unlink(path);
	assert_int_equal(symlink("usr/sbi", path), 0);
	assert_false(whole_check(&w, folder));
	assert_string_equal(w.first, "bin");
	/* neither a folder nor a pipe is a file, and none is waited for */
	unlink(path);
	mkdir(path, 0755);
	assert_false(whole_check(&w, folder));
	rmdir(path);
	mkfifo(path, 0644);
	assert_false(whole_check(&w, folder));
}

static void test_whole_list_that_is_cut_anywhere_is_none(void **state)
{
	static char list[4096];
	struct whole w;
	char path[512];
	size_t len;

	(void)state;
	make_system(list);
	len = strlen(list);
	for (size_t n = 0; n < len; n++) {
		write_file(WHOLE_LIST, list, n);
		assert_false(whole_check(&w, folder));
		assert_false(w.is_listed);
	}
	write_file(WHOLE_LIST, list, len);
	assert_true(whole_check(&w, folder));
	path_of(path, WHOLE_LIST);
	unlink(path);
	assert_false(whole_check(&w, folder));
	assert_false(w.is_listed);
}

static void test_whole_list_that_lies_is_none(void **state)
{
	static const char *const lies[] = {
		"end 0\n",
		"end 1\n",
		"end\n",
		"end -1\n",
		"x 1 y\nend 1\n",
		"0000000000000000000000000000000000000000000000000000000000000000 0 \nend 1\n",
		"0000000000000000000000000000000000000000000000000000000000000000 x etc\nend 1\n",
		"0000000000000000000000000000000000000000000000000000000000000000 0 etc\nend 1\n",
	};
	static char long_line[2000];
	struct whole w;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		write_file(WHOLE_LIST, lies[i], strlen(lies[i]));
		assert_false(whole_check(&w, folder));
	}
	memset(long_line, 'a', sizeof(long_line));
	write_file(WHOLE_LIST, long_line, sizeof(long_line));
	assert_false(whole_check(&w, folder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole_system_is_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_whole_every_length_is_hashed_as_openssl_does,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_whole_file_that_differs_is_named, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_whole_list_that_is_cut_anywhere_is_none,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_whole_list_that_lies_is_none, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
