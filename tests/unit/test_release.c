/* What release would take down, in which order, and what it leaves to whom it belongs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "device/release.h"
#include "tests/fake/tree.h"

#define DM(node, minor, name, uuid)                                                                \
	"disk " node " 254:" minor " virtual 4000\nset " node " dm/name " name "\nset " node       \
	" dm/uuid " uuid "\n"
#define VAULT                                                                                      \
	DM("dm-0", "0", "vault", "CRYPT-LUKS2-0123456789abcdef0123456789abcdef-vault")             \
	"hold sdb2 dm-0\n"
#define VOLUME DM("dm-1", "1", "vg-lv", "LVM-abcdef") "hold dm-0 dm-1\n"
#define ARRAY  "disk md0 9:0 virtual 4000\nset md0 md/array_state clean\nhold sdb1 md0\n"

static void find(struct xp_release_plan *plan, struct xp_refusals *refusals, const char *more,
		 const char *path)
{
	struct xp_target target;
	struct xp_err err = {0};
	struct xp_tree t;

	xp_tree_new(&t);
	xp_tree_add_manifest(&t, "base.txt");
	xp_tree_add_manifest(&t, "disk.txt");
	xp_tree_add(&t, more);
	if (xp_target_resolve(&target, &t.root, path, &err) != XP_OK ||
	    xp_release_find(plan, refusals, &t.root, &target, &err) != XP_OK)
		fail_msg("%s", err.msg);
	xp_target_free(&target);
	xp_tree_remove(&t);
}

struct good {
	const char *what, *more, *target;
	const char *steps; /* "kind:name ..." in order */
};

static const struct good goods[] = {
	{"nothing", "", "/dev/sdb", ""},
	{"a mapping", VAULT, "/dev/sdb", "crypt:vault "},
	{"... on the partition", VAULT, "/dev/sdb2", "crypt:vault "},
	{"... not on its neighbour", VAULT, "/dev/sdb1", ""},
	{"a volume on it goes first", VAULT VOLUME, "/dev/sdb", "dm:vg-lv crypt:vault "},
	{"swap on top goes before", VAULT VOLUME "swap /dev/dm-1 partition\n", "/dev/sdb",
	 "swap:/dev/dm-1 dm:vg-lv crypt:vault "},
	{"swap on a partition", "swap /dev/sdb2 partition\n", "/dev/sdb", "swap:/dev/sdb2 "},
	{"an array", ARRAY, "/dev/sdb", "md:md0 "},
	{"an array that is not active and has no links",
	 "disk md127 9:127 virtual 0\nset md127 md/array_state inactive\n"
	 "set md127 md/dev-sdb2/state spare\n",
	 "/dev/sdb", "md:md127 "},
	{"an array over both partitions of one disk", ARRAY "hold sdb2 md0\n", "/dev/sdb",
	 "md:md0 "},
	{"partitions of an array go with it",
	 ARRAY "part md0p1 259:0 md0 1 8 100\n" DM("dm-0", "0", "x", "LVM-x") "hold md0p1 dm-0\n",
	 "/dev/sdb", "dm:x md:md0 "},
	{"the same volume on two of its own",
	 VAULT DM("dm-2", "2", "other", "LVM-1") "hold sdb1 dm-2\n" DM(
		 "dm-3", "3", "striped", "LVM-2") "hold dm-0 dm-3\nhold dm-2 dm-3\n",
	 "/dev/sdb", "dm:striped crypt:vault dm:other "},
};

static void test_release_finds_what_stands_on_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(*goods); i++) {
		struct xp_refusals refusals = {0};
		struct xp_release_plan plan;
		char got[512] = "";

		find(&plan, &refusals, goods[i].more, goods[i].target);
		for (size_t k = 0; k < plan.n; k++)
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s:%s ",
				 xp_release_kind_name(plan.list[k].kind), plan.list[k].name);
		if (refusals.n)
			fail_msg("%s: %s", goods[i].what, refusals.list[0].message);
		if (strcmp(got, goods[i].steps) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", goods[i].what, got, goods[i].steps);
		xp_release_plan_free(&plan);
		xp_refusals_free(&refusals);
	}
}

struct bad {
	const char *what, *more, *target;
	enum xp_refusal_code code;
	const char *says;
};

static const struct bad bads[] = {
	{"a volume that is mounted",
	 VAULT VOLUME "mount 1 40 27 254:1 / /srv rw - ext4 /dev/mapper/vg-lv rw\n", "/dev/sdb",
	 XP_REFUSED_MOUNTED, "/srv"},
	{"a partition beside it that is mounted",
	 VAULT "mount 1 40 27 8:17 / /srv rw - ext4 /dev/sdb1 rw\n", "/dev/sdb", XP_REFUSED_MOUNTED,
	 "/srv"},
	{"a partition of an array that is mounted",
	 ARRAY "part md0p1 259:0 md0 1 8 100\nmount 1 40 27 259:0 / /srv rw - ext4 /dev/md0p1 rw\n",
	 "/dev/sdb", XP_REFUSED_MOUNTED, "/srv"},
	{"a volume over two disks", VAULT VOLUME "hold sda1 dm-1\n", "/dev/sdb", XP_REFUSED_HOLDER,
	 "also stands on sda1"},
	{"an array over two disks", ARRAY "hold sda1 md0\n", "/dev/sdb", XP_REFUSED_HOLDER,
	 "also stands on sda1"},
	{"an array over two partitions, of which one is meant", ARRAY "hold sdb2 md0\n",
	 "/dev/sdb1", XP_REFUSED_HOLDER, "also stands on sdb2"},
	{"an inactive array with a member elsewhere",
	 "disk md127 9:127 virtual 0\nset md127 md/array_state inactive\n"
	 "set md127 md/dev-sdb2/state spare\nset md127 md/dev-sda1/state spare\n",
	 "/dev/sdb", XP_REFUSED_HOLDER, "also stands on sda1"},
	{"a volume that a process has open",
	 VAULT VOLUME "proc 500 dd 4026531841\nfd 500 3 /dev/dm-1\n", "/dev/sdb",
	 XP_REFUSED_OPEN_ELSEWHERE, "pid 500"},
	{"a disk that a process has open", VAULT "proc 500 dd 4026531841\nfd 500 3 /dev/sdb\n",
	 "/dev/sdb", XP_REFUSED_OPEN_ELSEWHERE, "pid 500"},
	{"bcache",
	 "disk bcache0 251:0 virtual 100\nhold sdb1 bcache0\nset sdb1 bcache/state clean\n",
	 "/dev/sdb", XP_REFUSED_HOLDER, "bcache"},
	{"a stranger to all of these", "disk drbd0 147:0 virtual 100\nhold sdb1 drbd0\n",
	 "/dev/sdb", XP_REFUSED_HOLDER, "drbd0"},
	{"a member of ZFS",
	 VAULT "dir sys/module/zfs\nfile run/udev/data/b8:17 E:ID_FS_TYPE=zfs_member\n", "/dev/sdb",
	 XP_REFUSED_HOLDER, "ZFS"},
	{"the system's disk", "", "/dev/sda", XP_REFUSED_SYSTEM_DISK, "sda"},
	{"a table without a name", "disk dm-0 254:0 virtual 4000\nhold sdb2 dm-0\n", "/dev/sdb",
	 XP_REFUSED_UNKNOWN, "dm-0"},
};

static void test_release_refuses_what_is_used_or_elsewhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
		struct xp_refusals refusals = {0};
		struct xp_release_plan plan;
		bool found = false;

		find(&plan, &refusals, bads[i].more, bads[i].target);
		for (size_t k = 0; k < refusals.n; k++) {
			found = found || (refusals.list[k].code == bads[i].code &&
					  strstr(refusals.list[k].message, bads[i].says));
			assert_true(refusals.list[k].remedy[0] != 0);
		}
		for (size_t k = 0; k < refusals.n && !found; k++)
			print_error("%s\n", refusals.list[k].message);
		if (!found)
			fail_msg("%s: no %s that says \"%s\"", bads[i].what,
				 xp_refusal_code_name(bads[i].code), bads[i].says);
		xp_release_plan_free(&plan);
		xp_refusals_free(&refusals);
	}
}

static void test_release_in_a_captured_tree_takes_nothing_down(void **state)
{
	static const enum xp_release_kind kinds[] = {XP_RELEASE_SWAP, XP_RELEASE_DM,
						     XP_RELEASE_CRYPT, XP_RELEASE_MD};
	struct xp_err err = {0};
	struct xp_tree t;

	(void)state;
	xp_tree_new(&t);
	for (size_t i = 0; i < 4; i++) {
		const struct xp_release_step step = {.kind = kinds[i], .name = "x"};

		assert_int_equal(xp_release_do(&step, &t.root, &err), XP_E_REFUSED);
	}
	xp_tree_remove(&t);
}

static void test_release_of_an_image_is_unsupported(void **state)
{
	const struct xp_target target = {.kind = XP_TARGET_IMAGE, .path = "x.img"};
	struct xp_refusals refusals = {0};
	struct xp_release_plan plan;
	struct xp_err err = {0};
	struct xp_tree t;

	(void)state;
	xp_tree_new(&t);
	assert_int_equal(xp_release_find(&plan, &refusals, &t.root, &target, &err),
			 XP_E_UNSUPPORTED);
	assert_int_equal(plan.n, 0);
	xp_tree_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_release_finds_what_stands_on_it),
		cmocka_unit_test(test_release_refuses_what_is_used_or_elsewhere),
		cmocka_unit_test(test_release_in_a_captured_tree_takes_nothing_down),
		cmocka_unit_test(test_release_of_an_image_is_unsupported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
