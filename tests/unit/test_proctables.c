/* The kernel's tables as text: whole, cut, oversized, and lying. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "device/blockmap.h"
#include "device/proctables.h"

/* Lines as proc(5) gives them: no, one and several optional tags; escapes; an empty source. */
static const char mounts_text[] =
	"22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
	"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
	"40 22 0:45 /@home /home\\040of\\134all rw shared:9 master:2 propagate_from:3 - btrfs "
	"/dev/sd\\011x rw,subvol=/@home\n"
	"41 22 0:46 / /t rw - tmpfs  rw\n";

static enum xp_rc parse_mounts(struct xp_mounts *m, const char *text, size_t len)
{
	struct xp_err err = {0};

	return xp_mounts_parse(m, text, len, "mnt:[1]", &err);
}

static void test_mounts_parse_all_fields(void **state)
{
	struct xp_mounts m = {0};

	(void)state;
	assert_int_equal(parse_mounts(&m, mounts_text, strlen(mounts_text)), XP_OK);
	assert_int_equal(m.n, 4);
	assert_int_equal(m.list[0].dev, makedev(254, 0));
	assert_string_equal(m.list[0].point, "/");
	assert_string_equal(m.list[0].source, "/dev/vda");
	assert_string_equal(m.list[1].root, "/mnt1");
	assert_string_equal(m.list[1].fstype, "ext3");
	assert_string_equal(m.list[2].point, "/home of\\all");
	assert_string_equal(m.list[2].source, "/dev/sd\tx");
	assert_string_equal(m.list[2].options, "rw,subvol=/@home");
	assert_string_equal(m.list[3].source, "");
	assert_string_equal(m.list[3].ns, "mnt:[1]");
	xp_mounts_free(&m);
}

/* Cut anywhere, it is refused or it is what a shorter table would have been: never a crash. */
static void test_mounts_parse_truncated_never_invents(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(mounts_text); len++) {
		struct xp_mounts m = {0};
		enum xp_rc rc = parse_mounts(&m, mounts_text, len);
		size_t lines = 0;

		for (size_t i = 0; i < len; i++)
			lines += mounts_text[i] == '\n';
		assert_true(rc == XP_OK || rc == XP_E_MALFORMED);
		if (rc == XP_OK)
			assert_true(m.n >= lines && m.n <= lines + 1);
		xp_mounts_free(&m);
	}
}

static void test_mounts_parse_lies_are_malformed(void **state)
{
	static const char *const lies[] = {
		"x 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
		"22 -1 8:1 / / rw - ext4 /dev/sda1 rw\n",
		"99999999999999999999999 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
		"22 1 8 / / rw - ext4 /dev/sda1 rw\n",
		"22 1 8:1:2 / / rw - ext4 /dev/sda1 rw\n",
		"22 1 4294967304:1 / / rw - ext4 /dev/sda1 rw\n",
		"22 1 8:1 / / rw ext4 /dev/sda1 rw\n",
		"22 1 8:1 / / rw - ext4 /dev/sda1\n",
		"22 1 8:1 / /a\\04 rw - ext4 /dev/sda1 rw\n",
		"22 1 8:1 / /a\\777 rw - ext4 /dev/sda1 rw\n",
		"22 1 8:1 / /a\\ rw - ext4 /dev/sda1 rw\n",
		"\n22 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(lies); i++) {
		struct xp_mounts m = {0};

		if (parse_mounts(&m, lies[i], strlen(lies[i])) != XP_E_MALFORMED)
			fail_msg("passed: %s", lies[i]);
		xp_mounts_free(&m);
	}
}

/* Some file systems write their options without the kernel's escapes. */
static void test_mounts_parse_raw_options_are_kept(void **state)
{
	static const char text[] = "22 1 0:41 / /c rw - 9p C:\\ rw,path=C:\\a b\n";
	struct xp_mounts m = {0};

	(void)state;
	assert_int_equal(parse_mounts(&m, text, strlen(text)), XP_OK);
	assert_string_equal(m.list[0].source, "C:\\");
	assert_string_equal(m.list[0].options, "rw,path=C:\\a b");
	xp_mounts_free(&m);
}

static void test_mounts_parse_hidden_nul_is_malformed(void **state)
{
	static const char text[] = "22 1 8:1 / / rw - ext4 a rw\n\0"
				   "23 1 8:17 / /srv rw - ext4 b rw\n";
	struct xp_mounts m = {0};

	(void)state;
	assert_int_equal(parse_mounts(&m, text, sizeof(text) - 1), XP_E_MALFORMED);
	xp_mounts_free(&m);
}

static void test_mounts_parse_many_and_long_lines(void **state)
{
	AUTO(xp_buf_free) struct xp_buf b = {0};
	struct xp_mounts m = {0};

	(void)state;
	for (unsigned i = 0; i < 3000; i++)
		xp_buf_printf(&b, "%u 1 0:%u / /m%u rw - overlay overlay rw,lowerdir=%0*d\n", i, i,
			      i, (int)(i % 100) * 10 + 1, 0);
	assert_true(xp_buf_ok(&b));
	assert_int_equal(parse_mounts(&m, b.data, b.len), XP_OK);
	assert_int_equal(m.n, 3000);
	xp_mounts_free(&m);
}

static enum xp_rc parse_swaps(struct xp_swaps *s, const char *text)
{
	struct xp_err err = {0};

	return xp_swaps_parse(s, text, strlen(text), &err);
}

#define HEAD "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

static void test_swaps_parse(void **state)
{
	struct xp_swaps s = {0};

	(void)state;
	assert_int_equal(parse_swaps(&s, HEAD "/dev/sda2                               partition\t"
					      "1048572\t\t0\t\t-2\n"
					      "/a\\040b file 1 0 -3\n"),
			 XP_OK);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.list[0].path, "/dev/sda2");
	assert_false(s.list[0].is_file);
	assert_string_equal(s.list[1].path, "/a b");
	assert_true(s.list[1].is_file);
	xp_swaps_free(&s);
	assert_int_equal(parse_swaps(&s, HEAD), XP_OK);
	assert_int_equal(s.n, 0);
	xp_swaps_free(&s);
	assert_int_equal(parse_swaps(&s, ""), XP_OK);
	xp_swaps_free(&s);
}

static void test_swaps_parse_lies_are_malformed(void **state)
{
	static const char *const lies[] = {
		"/dev/sda2 partition 1 0 -2\n", HEAD "/dev/sda2\n",	HEAD " partition 1 0 -2\n",
		HEAD "/dev/sda2 parti 1 0\n",	HEAD "/a\\04 file 1\n", HEAD "\n",
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(lies); i++) {
		struct xp_swaps s = {0};

		if (parse_swaps(&s, lies[i]) != XP_E_MALFORMED)
			fail_msg("passed: %s", lies[i]);
		xp_swaps_free(&s);
	}
}

static void test_dev_parse(void **state)
{
	static const char *const lies[] = {"",
					   ":",
					   "8",
					   "8:",
					   ":1",
					   "8:1 ",
					   "8:1:1",
					   "-8:1",
					   "4096:1",
					   "8:1048576",
					   " 8:1",
					   "8:x",
					   "99999999999999999999:1"};
	dev_t dev;

	(void)state;
	assert_true(xp_dev_parse(&dev, "259:1048575"));
	assert_int_equal(dev, makedev(259, 1048575));
	for (size_t i = 0; i < XP_ARRAY_LEN(lies); i++)
		if (xp_dev_parse(&dev, lies[i]))
			fail_msg("passed: %s", lies[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mounts_parse_all_fields),
		cmocka_unit_test(test_mounts_parse_truncated_never_invents),
		cmocka_unit_test(test_mounts_parse_lies_are_malformed),
		cmocka_unit_test(test_mounts_parse_raw_options_are_kept),
		cmocka_unit_test(test_mounts_parse_hidden_nul_is_malformed),
		cmocka_unit_test(test_mounts_parse_many_and_long_lines),
		cmocka_unit_test(test_swaps_parse),
		cmocka_unit_test(test_swaps_parse_lies_are_malformed),
		cmocka_unit_test(test_dev_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
