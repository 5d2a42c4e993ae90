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

#include "tests/fake/boot_folder.h"
#include "vm-images/boot/init.h"

/* In the image it is init.c that has it, and that talks to consoles. */
void say(const char *format, ...)
{
	(void)format;
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
	boot_folder_write("usr/bin/expunge", big, sizeof(big));
	add_line(list, "usr/bin/expunge", big, sizeof(big));
	boot_folder_write("modules/sd_mod.ko", "driver", 6);
	add_line(list, "modules/sd_mod.ko", "driver", 6);
	boot_folder_write("etc/empty", "", 0);
	add_line(list, "etc/empty", "", 0);
	boot_folder_path(path, "bin");
	assert_int_equal(symlink("usr/bin", path), 0);
	add_line(list, "bin", "usr/bin", 7);
	strncat(list, "end 4\n", 8);
	boot_folder_write(WHOLE_LIST, list, strlen(list));
}

static void test_whole_system_is_whole(void **state)
{
	static char list[4096];
	struct whole w;

	(void)state;
	make_system(list);
	assert_true(whole_check(&w, boot_folder));
	assert_int_equal(w.n, 4);
	assert_int_equal(w.bad, 0);
	assert_true(w.is_listed);
	/* what somebody adds is not ours to judge */
	boot_folder_write("etc/expunge/site.pem", "pem", 3);
	assert_true(whole_check(&w, boot_folder));
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
		boot_folder_write(name, big, len);
		add_line(list, name, big, len);
	}
	strncat(list, "end 200\n", 10);
	boot_folder_write(WHOLE_LIST, list, strlen(list));
	assert_true(whole_check(&w, boot_folder));
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
	boot_folder_write("usr/bin/expunge", big, sizeof(big));
	assert_false(whole_check(&w, boot_folder));
	assert_int_equal(w.bad, 1);
	assert_string_equal(w.first, "usr/bin/expunge");
	assert_false(w.are_drivers_bad);
	assert_true(w.is_listed);

	/* cut off where the archive ended */
	big[69000] ^= 1;
	boot_folder_write("usr/bin/expunge", big, 65536);
	assert_false(whole_check(&w, boot_folder));
	boot_folder_write("usr/bin/expunge", big, sizeof(big));
	assert_true(whole_check(&w, boot_folder));

	boot_folder_path(path, "modules/sd_mod.ko");
	unlink(path);
	assert_false(whole_check(&w, boot_folder));
	assert_string_equal(w.first, "modules/sd_mod.ko");
	assert_true(w.are_drivers_bad);
	boot_folder_write("modules/sd_mod.ko", "driver", 6);

	boot_folder_path(path, "bin");
	unlink(path);
	assert_int_equal(symlink("usr/sbi", path), 0);
	assert_false(whole_check(&w, boot_folder));
	assert_string_equal(w.first, "bin");
	/* neither a folder nor a pipe is a file, and none is waited for */
	unlink(path);
	mkdir(path, 0755);
	assert_false(whole_check(&w, boot_folder));
	rmdir(path);
	mkfifo(path, 0644);
	assert_false(whole_check(&w, boot_folder));
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
		boot_folder_write(WHOLE_LIST, list, n);
		assert_false(whole_check(&w, boot_folder));
		assert_false(w.is_listed);
	}
	boot_folder_write(WHOLE_LIST, list, len);
	assert_true(whole_check(&w, boot_folder));
	boot_folder_path(path, WHOLE_LIST);
	unlink(path);
	assert_false(whole_check(&w, boot_folder));
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
		boot_folder_write(WHOLE_LIST, lies[i], strlen(lies[i]));
		assert_false(whole_check(&w, boot_folder));
	}
	memset(long_line, 'a', sizeof(long_line));
	boot_folder_write(WHOLE_LIST, long_line, sizeof(long_line));
	assert_false(whole_check(&w, boot_folder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole_system_is_whole, boot_folder_set_up,
						boot_folder_tear_down),
		cmocka_unit_test_setup_teardown(test_whole_every_length_is_hashed_as_openssl_does,
						boot_folder_set_up, boot_folder_tear_down),
		cmocka_unit_test_setup_teardown(test_whole_file_that_differs_is_named,
						boot_folder_set_up, boot_folder_tear_down),
		cmocka_unit_test_setup_teardown(test_whole_list_that_is_cut_anywhere_is_none,
						boot_folder_set_up, boot_folder_tear_down),
		cmocka_unit_test_setup_teardown(test_whole_list_that_lies_is_none,
						boot_folder_set_up, boot_folder_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
