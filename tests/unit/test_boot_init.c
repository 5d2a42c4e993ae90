#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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

static void write_text(const char *name, const char *text)
{
	boot_folder_write(name, text, strlen(text));
}

static bool read_words(struct words *words, const char *text)
{
	char path[512];

	write_text("cmdline", text);
	snprintf(path, sizeof(path), "%s/cmdline", boot_folder);
	return words_read(words, path);
}

static void test_words_of_ours_are_taken_and_others_left(void **state)
{
	static struct words w;
	char path[256];

	(void)state;
	assert_true(read_words(&w, "quiet xexpunge.shell=1 expunge.shell=2 expunge.net=dhcp "
				   "expunge.stick=PARTUUID=0123abcd-01 expunge.unattended=0\n"));
	assert_false(w.is_shell);
	assert_string_equal(w.net, "dhcp");
	assert_string_equal(w.stick, "0123abcd-01");
	assert_int_equal(w.unattended, 0);
	assert_null(w.config);
	config_path(path, sizeof(path), &w);
	assert_string_equal(path, STICK_PLACE "/expunge.json");

	assert_true(read_words(&w, "expunge.config=other.json expunge.shell=1"));
	assert_true(w.is_shell);
	assert_int_equal(w.unattended, -1);
	config_path(path, sizeof(path), &w);
	assert_string_equal(path, STICK_PLACE "/other.json");
	assert_true(read_words(&w, "expunge.config=/etc/other.json"));
	config_path(path, sizeof(path), &w);
	assert_string_equal(path, "/etc/other.json");
	assert_true(read_words(&w, ""));
	assert_null(w.stick);
}

static void test_words_too_many_are_refused(void **state)
{
	static struct words w;
	static char text[5000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	assert_false(read_words(&w, text));
	text[4095] = '\0';
	assert_true(read_words(&w, text));
	assert_false(words_read(&w, "/nonexistent"));
}

static void test_words_params_belong_to_their_module(void **state)
{
	static struct words w;
	char out[64];

	(void)state;
	assert_true(read_words(&w, "libata.allow_tpm=1 usb-storage.quirks=a:b:u nvme.x=1 "
				   "libata.force=1:noncq libat.a=2 libata=3 nvme_core.y=2"));
	words_params(out, sizeof(out), &w, "libata");
	assert_string_equal(out, "allow_tpm=1 force=1:noncq");
	words_params(out, sizeof(out), &w, "usb_storage");
	assert_string_equal(out, "quirks=a:b:u");
	words_params(out, sizeof(out), &w, "nvme");
	assert_string_equal(out, "x=1");
	words_params(out, sizeof(out), &w, "sd_mod");
	assert_string_equal(out, "");
	/* what does not fit is left out whole */
	words_params(out, 13, &w, "libata");
	assert_string_equal(out, "allow_tpm=1");
}

/* ---- the stick ---- */

#define DISK_ID "0123abcd"

/* A disk with one table entry, and a partition where the kernel has it. */
static void put_disk(const char *disk, const char *part, uint32_t id, uint32_t table_start,
		     const char *kernel_start, size_t len)
{
	unsigned char mbr[512] = {0};
	char name[128];

	for (unsigned i = 0; i < 4; i++) {
		mbr[0x1b8 + i] = (unsigned char)(id >> (8 * i));
		mbr[0x1be + 8 + i] = (unsigned char)(table_start >> (8 * i));
	}
	mbr[0x1fe] = 0x55;
	mbr[0x1ff] = 0xaa;
	snprintf(name, sizeof(name), "dev/%s", disk);
	boot_folder_write(name, mbr, len);
	snprintf(name, sizeof(name), "sys/class/block/%s/%s/partition", disk, part);
	write_text(name, "1\n");
	snprintf(name, sizeof(name), "sys/class/block/%s/%s/start", disk, part);
	write_text(name, kernel_start);
}

static enum stick_found find(char node[32], const char *partuuid)
{
	char sys[300];
	char dev[300];

	snprintf(sys, sizeof(sys), "%s/sys", boot_folder);
	snprintf(dev, sizeof(dev), "%s/dev", boot_folder);
	return stick_find(node, 32, partuuid, sys, dev);
}

static void test_stick_is_found_by_its_number_alone(void **state)
{
	char node[32];

	(void)state;
	assert_int_equal(find(node, DISK_ID "-01"), STICK_NONE);
	put_disk("sda", "sda1", 0x99999999, 2048, "2048\n", 512);
	put_disk("nvme0n1", "nvme0n1p1", 0x0123abcd, 2048, "2048\n", 512);
	assert_int_equal(find(node, DISK_ID "-01"), STICK_ONE);
	assert_string_equal(node, "nvme0n1p1");
	assert_int_equal(find(node, DISK_ID "-02"), STICK_NONE);
	assert_string_equal(node, "");
	assert_int_equal(find(node, "0123abce-01"), STICK_NONE);
}

static void test_stick_with_a_twin_is_none(void **state)
{
	char node[32];

	(void)state;
	put_disk("sda", "sda1", 0x0123abcd, 2048, "2048\n", 512);
	put_disk("sdb", "sdb1", 0x0123abcd, 2048, "2048\n", 512);
	assert_int_equal(find(node, DISK_ID "-01"), STICK_MANY);
	assert_string_equal(node, "");
}

static void test_stick_that_contradicts_itself_is_none(void **state)
{
	static const struct {
		const char *name;
		uint32_t table_start;
		const char *kernel_start;
		size_t len;
	} rows[] = {
		{"the kernel has it elsewhere", 2048, "4096\n", 512},
		{"no number", 2048, "x\n", 512},
		{"nothing", 2048, "", 512},
		{"an end in the middle", 2048, "2048\n", 511},
		{"an empty disk", 2048, "2048\n", 0},
	};
	char node[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_disk("sda", "sda1", 0x0123abcd, rows[i].table_start, rows[i].kernel_start,
			 rows[i].len);
		if (find(node, DISK_ID "-01") != STICK_NONE)
			fail_msg("%s: it was taken", rows[i].name);
	}
}

static void test_stick_name_that_is_none_finds_nothing(void **state)
{
	static const char *const names[] = {"",
					    "0123abcd",
					    "0123abcd-00",
					    "0123abcd-05",
					    "0123ABCD-01",
					    "0123abcd-1",
					    "0123abcd-001",
					    "0123abcd-0x",
					    "../../etc-01",
					    "0123abcd:01",
					    " 123abcd-01",
					    "-123abcd-01"};
	char node[32];

	(void)state;
	put_disk("sda", "sda1", 0x0123abcd, 2048, "2048\n", 512);
	assert_int_equal(find(node, DISK_ID "-01"), STICK_ONE);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(find(node, names[i]), STICK_NONE);
}

static void test_net_is_asked_only_by_what_needs_it(void **state)
{
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/expunge.json", boot_folder);
	assert_false(net_is_asked(path));
	write_text("expunge.json", "{\"version\": 1, \"unattended\": {\"expect\": \"a.csv\"}}");
	assert_false(net_is_asked(path));
	write_text("expunge.json", "{\"version\": 1, \"ntp\": \"time.example\"}");
	assert_true(net_is_asked(path));
	write_text("expunge.json", "{\"unattended\": {\"expect\": \"https://a.example/b\"}}");
	assert_true(net_is_asked(path));
	write_text("expunge.json", "");
	assert_false(net_is_asked(path));
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, boot_folder_set_up, boot_folder_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_words_of_ours_are_taken_and_others_left),
		ROW(test_words_too_many_are_refused),
		ROW(test_words_params_belong_to_their_module),
		ROW(test_stick_is_found_by_its_number_alone),
		ROW(test_stick_with_a_twin_is_none),
		ROW(test_stick_that_contradicts_itself_is_none),
		ROW(test_stick_name_that_is_none_finds_nothing),
		ROW(test_net_is_asked_only_by_what_needs_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
