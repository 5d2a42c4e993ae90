/* Where else boxes can be kept: which mounted partitions are offered, and which never are. */
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

#include "base/cleanup.h"
#include "cli/job_places.h"
#include "tests/fake/tree.h"

#define BOXES(folder) "file " folder "/expunge-a.box x\nfile " folder "/expunge-b.box x\n"

/* A stick, an internal disk, a card reader's slot that says that it is removable. */
static const char host[] = "disk sda 8:0 pci0000:00/ata1/host0/target0:0:0/0:0:0:0 4000000\n"
			   "part sda1 8:1 sda 1 2048 3000000\n"
			   "disk sdb 8:16 pci0000:00/usb1/1-1/host1/target1:0:0/1:0:0:0 2000000\n"
			   "part sdb1 8:17 sdb 1 2048 1000000\n"
			   "part sdb2 8:18 sdb 2 1003000 900000\n"
			   "set sdb device/model CRUZER\n"
			   "disk sdc 8:32 pci0000:00/ata2/host2/target2:0:0/2:0:0:0 2000000\n"
			   "set sdc removable 1\n"
			   "part sdc1 8:33 sdc 1 2048 1000000\n" BOXES("mnt/disk")
				   BOXES("mnt/stick") BOXES("mnt/card");

struct case_of {
	const char *what, *mount, *taken, *not_folder;
	const char *folder; /* that is offered; NULL: nothing is */
};

static void test_places_are_media_to_carry_that_hold_boxes(void **state)
{
	static const struct case_of cases[] = {
		{"a stick", "mount self 40 27 8:17 / /mnt/stick rw - vfat /dev/sdb1 rw\n", NULL,
		 NULL, "/mnt/stick"},
		{"a card", "mount self 40 27 8:33 / /mnt/card rw - ext4 /dev/sdc1 rw\n", NULL, NULL,
		 "/mnt/card"},
		{"an internal disk", "mount self 40 27 8:1 / /mnt/disk rw - vfat /dev/sda1 rw\n",
		 NULL, NULL, NULL},
		{"NTFS", "mount self 40 27 8:17 / /mnt/stick rw - ntfs3 /dev/sdb1 rw\n", NULL, NULL,
		 NULL},
		{"no boxes", "mount self 40 27 8:17 / /mnt/empty rw - vfat /dev/sdb1 rw\n", NULL,
		 NULL, NULL},
		{"one box",
		 "file mnt/half/expunge-a.box x\n"
		 "mount self 40 27 8:17 / /mnt/half rw - vfat /dev/sdb1 rw\n",
		 NULL, NULL, NULL},
		{"a box that is a link",
		 "file mnt/links/expunge-a.box x\nlink mnt/links/expunge-b.box expunge-a.box\n"
		 "mount self 40 27 8:17 / /mnt/links rw - ext4 /dev/sdb1 rw\n",
		 NULL, NULL, NULL},
		{"read-only",
		 "mount self 40 27 8:17 / /mnt/stick ro - vfat /dev/sdb1 ro,umask=77\n", NULL, NULL,
		 NULL},
		{"a folder of it elsewhere",
		 "mount self 40 27 8:17 /sub /mnt/stick rw - vfat /dev/sdb1 rw\n", NULL, NULL,
		 NULL},
		{"the one that failed",
		 "mount self 40 27 8:17 / /mnt/stick rw - vfat /dev/sdb1 rw\n", NULL, "/mnt/stick",
		 NULL},
		{"a drive that is to be erased",
		 "mount self 40 27 8:17 / /mnt/stick rw - vfat /dev/sdb1 rw\n", "/dev/sdb", NULL,
		 NULL},
		{"a partition of one",
		 "mount self 40 27 8:17 / /mnt/stick rw - vfat /dev/sdb1 rw\n", "/dev/sdb2", NULL,
		 NULL},
		{"another one is", "mount self 40 27 8:17 / /mnt/stick rw - vfat /dev/sdb1 rw\n",
		 "/dev/sda", NULL, "/mnt/stick"},
		{"a device that is gone",
		 "mount self 40 27 8:99 / /mnt/stick rw - vfat /dev/sdx1 rw\n", NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(cases); i++) {
		const char *const taken[] = {cases[i].taken, NULL};
		AUTO(xp_tree_remove) struct xp_tree tree;
		struct xp_keep_places found;
		struct xp_err err;

		xp_tree_new(&tree);
		xp_tree_add(&tree, host);
		xp_tree_add(&tree, cases[i].mount);
		assert_int_equal(
			xp_keep_places_find(&found, &tree.root, cases[i].not_folder, taken, &err),
			XP_OK);
		if (found.n != (cases[i].folder != NULL))
			fail_msg("%s: %zu places", cases[i].what, found.n);
		if (found.n)
			assert_string_equal(found.list[0].folder, cases[i].folder);
	}
}

static void test_places_are_told_once_and_with_what_they_are(void **state)
{
	AUTO(xp_tree_remove) struct xp_tree tree;
	struct xp_keep_places found;
	struct xp_err err;

	(void)state;
	xp_tree_new(&tree);
	xp_tree_add(&tree, host);
	xp_tree_add(&tree,
		    BOXES("mnt/again") BOXES(
			    "mnt/two") "mount self 40 27 8:17 / /mnt/stick rw - vfat /dev/sdb1 rw\n"
				       "mount self 41 27 8:17 / /mnt/again rw - vfat /dev/sdb1 rw\n"
				       "mount self 42 27 8:18 / /mnt/two rw - ext4 /dev/sdb2 rw\n");
	assert_int_equal(xp_keep_places_find(&found, &tree.root, NULL, NULL, &err), XP_OK);
	assert_int_equal(found.n, 2);
	assert_string_equal(found.list[0].what, "sdb1, vfat, 512 MB, CRUZER");
	assert_string_equal(found.list[1].folder, "/mnt/two");
}

static void test_place_that_is_typed_must_be_there_and_last(void **state)
{
	char folder[] = "/var/tmp/expunge-place-XXXXXX";
	struct xp_err err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(xp_keep_place_check(folder, false, &err), XP_OK);
	rmdir(folder);
	assert_int_equal(xp_keep_place_check(folder, false, &err), XP_E_NOENT);
	assert_int_equal(xp_keep_place_check("/etc/passwd", false, &err), XP_E_REFUSED);
	if (access("/dev/shm", W_OK) != 0)
		return;
	assert_int_equal(xp_keep_place_check("/dev/shm", false, &err), XP_E_REFUSED);
	assert_int_equal(xp_keep_place_check("/dev/shm", true, &err), XP_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places_are_media_to_carry_that_hold_boxes),
		cmocka_unit_test(test_places_are_told_once_and_with_what_they_are),
		cmocka_unit_test(test_place_that_is_typed_must_be_there_and_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
