/* Who uses what, from captured trees: every stack, also those that the running kernel lacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device/interlock.h"
#include "device/usage.h"
#include "tests/fake/tree.h"

static void describe(const struct xp_uses *uses)
{
	for (size_t i = 0; i < uses->n; i++)
		print_message("  %s %s: %s [%s] {%s}\n", xp_refusal_code_name(uses->list[i].code),
			      uses->list[i].kind, uses->list[i].where, uses->list[i].node,
			      uses->list[i].remedy);
}

static void find(struct xp_uses *uses, struct xp_tree *t, const char *path)
{
	struct xp_target target;
	struct xp_err err = {0};

	if (xp_target_resolve(&target, &t->root, path, &err) != XP_OK)
		fail_msg("%s: %s", path, err.msg);
	if (xp_uses_find(uses, &t->root, &target, 0, &err) != XP_OK)
		fail_msg("%s: %s", path, err.msg);
	xp_target_free(&target);
}

static bool has_use(const struct xp_uses *uses, enum xp_refusal_code code, const char *kind,
		    const char *where)
{
	for (size_t i = 0; i < uses->n; i++) {
		const struct xp_use *u = &uses->list[i];

		if (u->code == code && !strcmp(u->kind, kind) && strstr(u->where, where)) {
			assert_true(u->remedy[0] != 0);
			return true;
		}
	}
	return false;
}

struct row {
	const char *name;
	const char *manifest; /* beside base.txt */
	const char *more;
	const char *target;
	enum xp_refusal_code code;
	const char *kind;
	const char *where;
};

/* Each stack, and the target it must keep from being erased. */
static const struct row rows[] = {
	{"ext4 on a partition", "disk.txt", "mount 1 40 27 8:17 / /srv rw - ext4 /dev/sdb1 rw\n",
	 "/dev/sdb", XP_REFUSED_MOUNTED, "mount", "/srv"},
	{"ext4 on the whole disk", "disk.txt", "mount 1 40 27 8:16 / /srv rw - ext4 /dev/sdb rw\n",
	 "/dev/sdb", XP_REFUSED_MOUNTED, "mount", "/srv"},
	{"a mount whose source says something else", "disk.txt",
	 "mount 1 40 27 8:17 / /srv rw - ext4 /dev/mapper/lie rw\n", "/dev/sdb", XP_REFUSED_MOUNTED,
	 "mount", "/srv"},
	{"a mount point with blanks", "disk.txt",
	 "mount 1 40 27 8:17 / /srv/a\\040b rw - ext4 /dev/sdb1 rw\n", "/dev/sdb",
	 XP_REFUSED_MOUNTED, "mount", "/srv/a b"},
	{"another mount namespace only", "disk.txt",
	 "proc 900 container 4026532999\n"
	 "mount 900 140 1 8:18 / /data rw - xfs /dev/sdb2 rw\n",
	 "/dev/sdb", XP_REFUSED_MOUNTED, "mount", "mnt:[4026532999]"},
	{"an XFS log on the disk", "disk.txt",
	 "mount 1 40 27 8:99 / /srv rw - xfs /dev/elsewhere rw,logdev=/dev/sdb1\n", "/dev/sdb",
	 XP_REFUSED_MOUNTED, "mount", "/srv"},
	{"bcachefs by its joined source", "disk.txt",
	 "mount 1 40 27 0:99 / /srv rw - bcachefs /dev/sdx:/dev/sdb2 rw\n", "/dev/sdb",
	 XP_REFUSED_MOUNTED, "mount", "/srv"},
	{"swap on a partition", "disk.txt", "swap /dev/sdb2 partition\n", "/dev/sdb",
	 XP_REFUSED_SWAP, "swap", "/dev/sdb2"},
	{"a swap file on a mounted file system", "disk.txt",
	 "mount 1 40 27 8:17 / /srv rw - ext4 /dev/sdb1 rw\nswap /srv/swap\\040file file\n",
	 "/dev/sdb", XP_REFUSED_SWAP, "swap", "/srv/swap file"},
	{"LVM on a partition", "disk.txt",
	 "disk dm-0 254:0 virtual 100\nset dm-0 dm/name vg-data\nset dm-0 dm/uuid LVM-xyz\n"
	 "hold sdb1 dm-0\n",
	 "/dev/sdb", XP_REFUSED_HOLDER, "lvm", "vg-data"},
	{"LVM, mounted", "disk.txt",
	 "disk dm-0 254:0 virtual 100\nset dm-0 dm/name vg-data\nset dm-0 dm/uuid LVM-xyz\n"
	 "hold sdb1 dm-0\nmount 1 40 27 254:0 / /srv rw - ext4 /dev/mapper/vg-data rw\n",
	 "/dev/sdb", XP_REFUSED_MOUNTED, "mount", "/srv on dm-0"},
	{"dm-crypt", "disk.txt",
	 "disk dm-3 254:3 virtual 100\nset dm-3 dm/name secret\n"
	 "set dm-3 dm/uuid CRYPT-LUKS2-00-secret\nhold sdb2 dm-3\n",
	 "/dev/sdb", XP_REFUSED_HOLDER, "crypt", "secret"},
	{"swap on dm-crypt", "disk.txt",
	 "disk dm-3 254:3 virtual 100\nset dm-3 dm/name cryptswap\n"
	 "set dm-3 dm/uuid CRYPT-PLAIN-cryptswap\nhold sdb2 dm-3\nswap /dev/dm-3 partition\n",
	 "/dev/sdb", XP_REFUSED_SWAP, "swap", "/dev/dm-3"},
	{"an md array", "disk.txt",
	 "disk md0 9:0 virtual 100\nset md0 md/array_state clean\nhold sdb1 md0\n", "/dev/sdb",
	 XP_REFUSED_HOLDER, "md", "md0"},
	{"an md array that is not active and has no links", "disk.txt",
	 "disk md127 9:127 virtual 0\nset md127 md/array_state inactive\n"
	 "set md127 md/dev-sdb2/state spare\n",
	 "/dev/sdb", XP_REFUSED_HOLDER, "md", "md127"},
	{"btrfs, by its anonymous number", "disk.txt",
	 "mount 1 40 27 0:55 /@ /srv rw - btrfs /dev/sdb1 rw,subvol=/@\n"
	 "link sys/fs/btrfs/0f0f/devices/sdb1 /sys/class/block/sdb1\n"
	 "link sys/fs/btrfs/0f0f/devices/sdb2 /sys/class/block/sdb2\n",
	 "/dev/sdb2", XP_REFUSED_MOUNTED, "mount", "/srv"},
	{"btrfs member that no mount names", "disk.txt",
	 "link sys/fs/btrfs/0f0f/devices/sdb2 /sys/class/block/sdb2\n", "/dev/sdb",
	 XP_REFUSED_MOUNTED, "btrfs", "0f0f"},
	{"ZFS member", "disk.txt",
	 "dir sys/module/zfs\nfile run/udev/data/b8:17 E:ID_FS_TYPE=zfs_member\n", "/dev/sdb",
	 XP_REFUSED_HOLDER, "zfs", "ZFS"},
	{"bcache backing device", "disk.txt",
	 "disk bcache0 251:0 virtual 100\nhold sdb1 bcache0\nset sdb1 bcache/state clean\n",
	 "/dev/sdb", XP_REFUSED_HOLDER, "bcache", "bcache0"},
	{"bcache cache without a set", "disk.txt", "set sdb2 bcache/cache_replacement_policy lru\n",
	 "/dev/sdb", XP_REFUSED_HOLDER, "bcache", "registered"},
	{"dm-multipath", "multipath.txt",
	 "disk dm-9 254:9 virtual 100\nset dm-9 dm/name mpatha\nset dm-9 dm/uuid mpath-35000c5\n"
	 "hold sdc dm-9\nhold sdd dm-9\n",
	 "/dev/sdc", XP_REFUSED_HOLDER, "multipath", "mpatha"},
	{"the other path is mounted", "multipath.txt",
	 "mount 1 40 27 8:48 / /srv rw - ext4 /dev/sdd rw\n", "/dev/sdc", XP_REFUSED_MOUNTED,
	 "mount", "/srv"},
	{"the other path's sg node is open", "multipath.txt",
	 "proc 500 qemu-kvm 4026531841\nfd 500 9 /dev/sg4\n", "/dev/sdc", XP_REFUSED_OPEN_ELSEWHERE,
	 "process", "sg4"},
	{"loop on a file on the disk", "disk.txt",
	 "mount 1 40 27 8:17 / /srv rw - ext4 /dev/sdb1 rw\n"
	 "disk loop3 7:3 virtual 100\nset loop3 loop/backing_file /srv/vm/disk.img\n",
	 "/dev/sdb", XP_REFUSED_HOLDER, "loop", "loop3"},
	{"loop on the node itself", "disk.txt",
	 "disk loop3 7:3 virtual 100\nset loop3 loop/backing_file /dev/sdb2\n", "/dev/sdb",
	 XP_REFUSED_HOLDER, "loop", "loop3"},
	{"loop on loop on the disk, mounted", "disk.txt",
	 "disk loop3 7:3 virtual 100\nset loop3 loop/backing_file /dev/sdb\n"
	 "disk loop4 7:4 virtual 100\nset loop4 loop/backing_file /dev/loop3\n"
	 "mount 1 40 27 7:4 / /mnt rw - ext4 /dev/loop4 rw\n",
	 "/dev/sdb", XP_REFUSED_MOUNTED, "mount", "/mnt on loop4"},
	{"the loop below is mounted", "disk.txt",
	 "disk loop3 7:3 virtual 100\nset loop3 loop/backing_file /dev/sdb\n"
	 "disk loop4 7:4 virtual 100\nset loop4 loop/backing_file /dev/loop3\n"
	 "mount 1 40 27 7:3 / /mnt rw - ext4 /dev/loop3 rw\n",
	 "/dev/loop4", XP_REFUSED_MOUNTED, "mount", "/mnt"},
	{"another loop on the same file is mounted", "disk.txt",
	 "disk loop3 7:3 virtual 100\nset loop3 loop/backing_file /srv/disk.img\n"
	 "disk loop4 7:4 virtual 100\nset loop4 loop/backing_file /srv/disk.img\n"
	 "mount 1 40 27 7:3 / /mnt rw - ext4 /dev/loop3 rw\n",
	 "/dev/loop4", XP_REFUSED_MOUNTED, "mount", "/mnt"},
	{"a process has the disk open", "disk.txt",
	 "proc 500 qemu 4026531841\nfd 500 11 /dev/sdb\n", "/dev/sdb", XP_REFUSED_OPEN_ELSEWHERE,
	 "process", "qemu, pid 500"},
	{"a process has a partition open", "disk.txt",
	 "proc 500 dd 4026531841\nfd 500 0 /dev/sdb2\n", "/dev/sdb", XP_REFUSED_OPEN_ELSEWHERE,
	 "process", "sdb2"},
	{"a process has a by-id link open", "disk.txt",
	 "proc 500 dd 4026531841\nfd 500 0 /dev/disk/by-id/wwn-0x5000000000000002\n", "/dev/sdb",
	 XP_REFUSED_OPEN_ELSEWHERE, "process", "sdb"},
	{"a process has the disk open, a partition is the target", "disk.txt",
	 "proc 500 dd 4026531841\nfd 500 0 /dev/sdb\n", "/dev/sdb2", XP_REFUSED_OPEN_ELSEWHERE,
	 "process", "sdb"},
	{"a process has sg open", "disk.txt", "proc 500 smartd 4026531841\nfd 500 4 /dev/sg1\n",
	 "/dev/sdb", XP_REFUSED_OPEN_ELSEWHERE, "process", "sg1"},
	{"a process has bsg open", "disk.txt",
	 "proc 500 tool 4026531841\nfd 500 4 /dev/bsg/1:0:0:0\n", "/dev/sdb",
	 XP_REFUSED_OPEN_ELSEWHERE, "process", "1:0:0:0"},
	{"a process has it mapped", "disk.txt",
	 "proc 500 db 4026531841\n"
	 "file proc/500/maps 7f00-7f10 rw-s 00000000 00:06 99                /dev/sdb1\n",
	 "/dev/sdb", XP_REFUSED_OPEN_ELSEWHERE, "process", "mapped"},
	{"an NVMe target of the kernel exports it", "disk.txt",
	 "file sys/kernel/config/nvmet/subsystems/nqn.x/namespaces/1/device_path /dev/sdb\n",
	 "/dev/sdb", XP_REFUSED_HOLDER, "export", "nqn.x"},
	{"a SCSI target of the kernel exports it", "disk.txt",
	 "file sys/kernel/config/target/core/iblock_0/d0/udev_path /dev/sdb1\n", "/dev/sdb",
	 XP_REFUSED_HOLDER, "export", "iblock_0"},
	{"a sibling namespace is mounted", "nvme.txt",
	 "mount 1 40 27 259:2 / /srv rw - ext4 /dev/nvme0n2p1 rw\n", "/dev/nvme0n1",
	 XP_REFUSED_MOUNTED, "mount", "/srv"},
	{"the controller is open, its digit is another", "nvme.txt",
	 "proc 500 nvme 4026531841\nfd 500 3 /dev/nvme1\n", "/dev/nvme0n1",
	 XP_REFUSED_OPEN_ELSEWHERE, "process", "nvme1"},
	{"the system disk", "disk.txt", "", "/dev/sda", XP_REFUSED_SYSTEM_DISK, "system", "sda"},
	{"a partition of the system disk", "disk.txt", "", "/dev/sda1", XP_REFUSED_SYSTEM_DISK,
	 "system", "sda"},
};

static void find_of(struct xp_uses *uses, struct xp_tree *t, const struct row *r)
{
	xp_tree_new(t);
	xp_tree_add_manifest(t, "base.txt");
	xp_tree_add_manifest(t, r->manifest);
	xp_tree_add(t, r->more);
	find(uses, t, r->target);
}

static void test_uses_of_each_stack_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct xp_uses uses = {0};
		struct xp_tree t;

		find_of(&uses, &t, r);
		if (!has_use(&uses, r->code, r->kind, r->where)) {
			describe(&uses);
			fail_msg("%s: no %s %s \"%s\"", r->name, xp_refusal_code_name(r->code),
				 r->kind, r->where);
		}
		xp_uses_free(&uses);
		xp_tree_remove(&t);
	}
}

/* What must not stand in the way: the same trees, other targets. */
static const struct row free_rows[] = {
	{"a disk that nobody uses", "disk.txt", "", "/dev/sdb", 0, "", ""},
	{"through a link", "disk.txt", "", "/dev/disk/by-id/wwn-0x5000000000000002", 0, "", ""},
	{"a partition beside a mounted one", "disk.txt",
	 "mount 1 40 27 8:17 / /srv rw - ext4 /dev/sdb1 rw\n", "/dev/sdb2", 0, "", ""},
	{"a controller with the digit of the other drive's namespace is open", "nvme.txt",
	 "proc 500 nvme 4026531841\nfd 500 3 /dev/nvme1\n", "/dev/nvme1n1", 0, "", ""},
	{"the namespace of another drive is mounted", "nvme.txt",
	 "mount 1 40 27 259:2 / /srv rw - ext4 /dev/nvme0n2p1 rw\n", "/dev/nvme1n1", 0, "", ""},
	{"one path or both, nobody uses it", "multipath.txt", "", "/dev/sdc", 0, "", ""},
	{"a ZFS member, but no ZFS", "disk.txt",
	 "file run/udev/data/b8:17 E:ID_FS_TYPE=zfs_member\n", "/dev/sdb", 0, "", ""},
	{"a loop on a file on another disk", "disk.txt",
	 "disk loop3 7:3 virtual 100\nset loop3 loop/backing_file /var/x.img\n", "/dev/sdb", 0, "",
	 ""},
};

static void test_uses_of_others_do_not_count(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(free_rows) / sizeof(free_rows[0]); i++) {
		const struct row *r = &free_rows[i];
		struct xp_uses uses = {0};
		struct xp_tree t;

		find_of(&uses, &t, r);
		if (uses.n) {
			describe(&uses);
			fail_msg("%s: it is free", r->name);
		}
		xp_uses_free(&uses);
		xp_tree_remove(&t);
	}
}

static void test_uses_live_stick_is_the_boot_medium(void **state)
{
	struct xp_uses uses = {0};
	struct xp_tree t;

	(void)state;
	xp_tree_new(&t);
	xp_tree_add_manifest(&t, "usbstick.txt");
	find(&uses, &t, "/dev/sdb");
	assert_true(uses.n > 0);
	assert_int_equal(uses.list[0].code, XP_REFUSED_BOOT_MEDIUM);
	assert_true(has_use(&uses, XP_REFUSED_MOUNTED, "mount", "/run/live/medium"));
	xp_uses_free(&uses);
	xp_tree_remove(&t);
}

/* Copied to memory: nothing of the stick is mounted, only the command line still names it. */
static void test_uses_stick_named_by_the_command_line_is_the_boot_medium(void **state)
{
	struct xp_uses uses = {0};
	struct xp_tree t;

	(void)state;
	xp_tree_new(&t);
	xp_tree_add_manifest(&t, "usbstick.txt");
	xp_tree_add(&t, "file proc/cmdline boot=live toram root=live:UUID=ABCD-1234\n"
			"link dev/disk/by-uuid/ABCD-1234 ../../sdb1\n"
			"file proc/1/mountinfo 27 1 0:30 / / rw - tmpfs tmpfs rw\n");
	find(&uses, &t, "/dev/sdb");
	assert_true(has_use(&uses, XP_REFUSED_BOOT_MEDIUM, "boot", "sdb"));
	xp_uses_free(&uses);
	xp_tree_remove(&t);
}

/* Our own stick: mounted, or pulled out and back, when only its name on the command line leads
 * there. */
static void test_uses_our_own_stick_is_the_boot_medium(void **state)
{
	static const char *const mounts[] = {
		"mount 1 28 27 8:17 / /run/expunge/stick rw - vfat /dev/sdb1 rw\n", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		struct xp_uses uses = {0};
		struct xp_tree t;

		xp_tree_new(&t);
		xp_tree_add_manifest(&t, "usbstick.txt");
		xp_tree_add(&t, "file proc/cmdline quiet expunge.stick=PARTUUID=1234abcd-01\n"
				"link dev/disk/by-partuuid/1234abcd-01 ../../sdb1\n"
				"file proc/1/mountinfo 27 1 0:30 / / rw - rootfs none rw\n");
		xp_tree_add(&t, mounts[i]);
		find(&uses, &t, "/dev/sdb");
		assert_true(has_use(&uses, XP_REFUSED_BOOT_MEDIUM, "boot", "sdb"));
		xp_uses_free(&uses);
		xp_tree_remove(&t);
	}
}

static void test_uses_root_on_lvm_on_luks_is_the_system_disk(void **state)
{
	static const char *const system[] = {"/dev/sda", "/dev/sda1", "/dev/sda2", "/dev/dm-0",
					     "/dev/dm-1"};
	struct xp_uses uses = {0};
	struct xp_tree t;

	(void)state;
	xp_tree_new(&t);
	xp_tree_add_manifest(&t, "rootonlvm.txt");
	for (size_t i = 0; i < sizeof(system) / sizeof(system[0]); i++) {
		find(&uses, &t, system[i]);
		assert_true(uses.n > 0);
		assert_int_equal(uses.list[0].code, XP_REFUSED_SYSTEM_DISK);
		xp_uses_free(&uses);
	}
	/* the free volume beside it is not what the system stands on */
	find(&uses, &t, "/dev/dm-2");
	assert_int_equal(uses.n, 0);
	xp_uses_free(&uses);
	xp_tree_remove(&t);
}

/* ---- images in a captured tree ---- */

static void test_uses_of_an_image_are_found(void **state)
{
	static const struct row images[] = {
		{"loop", NULL,
		 "disk loop3 7:3 virtual 100\nset loop3 loop/backing_file /srv/disk.img\n", NULL,
		 XP_REFUSED_HOLDER, "loop", "loop3"},
		{"swap", NULL, "swap /srv/disk.img file\n", NULL, XP_REFUSED_SWAP, "swap",
		 "/srv/disk.img"},
		{"open", NULL, "proc 500 qemu 4026531841\nfd 500 11 /srv/disk.img\n", NULL,
		 XP_REFUSED_OPEN_ELSEWHERE, "process", "qemu"},
		{"mapped", NULL,
		 "proc 500 db 4026531841\n"
		 "file proc/500/maps 7f00-7f10 rw-s 00000000 08:02 99          /srv/disk.img\n",
		 NULL, XP_REFUSED_OPEN_ELSEWHERE, "process", "mapped"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		struct xp_uses uses = {0};
		struct xp_tree t;

		xp_tree_new(&t);
		xp_tree_add_manifest(&t, "base.txt");
		xp_tree_add(&t, "file srv/disk.img some data\n");
		find(&uses, &t, "/srv/disk.img");
		assert_int_equal(uses.n, 0);
		xp_tree_add(&t, images[i].more);
		find(&uses, &t, "/srv/disk.img");
		if (!has_use(&uses, images[i].code, images[i].kind, images[i].where)) {
			describe(&uses);
			fail_msg("%s: not found", images[i].name);
		}
		xp_uses_free(&uses);
		xp_tree_remove(&t);
	}
}

/* ---- what cannot be understood ---- */

static void test_uses_malformed_tables_are_errors(void **state)
{
	static const char *const lies[] = {
		"mount 1 40 27 8:17 / /srv rw - ext4 /dev/sdb1\n",
		"mount 1 garbage\n",
		"file proc/swaps not a table\\n/dev/sdb2 partition 1 1 1\n",
		"file sys/class/block/sdb/size -5\n",
		"file sys/class/block/sdb1/partition x\n",
		"file sys/class/block/sdb1/dev 8\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct xp_target target;
		struct xp_uses uses = {0};
		struct xp_err err = {0};
		struct xp_tree t;
		enum xp_rc rc;

		xp_tree_new(&t);
		xp_tree_add_manifest(&t, "base.txt");
		xp_tree_add_manifest(&t, "disk.txt");
		xp_tree_add(&t, lies[i]);
		rc = xp_target_resolve(&target, &t.root, "/dev/sdb", &err);
		if (rc == XP_OK)
			rc = xp_uses_find(&uses, &t.root, &target, 0, &err);
		if (rc != XP_E_MALFORMED && !(rc == XP_OK && uses.n)) {
			describe(&uses);
			fail_msg("%s: passed as free: %d %s", lies[i], rc, err.msg);
		}
		xp_uses_free(&uses);
		xp_tree_remove(&t);
	}
}

static void test_acquire_in_a_captured_tree_is_refused(void **state)
{
	struct xp_target target;
	struct xp_permit *permit = NULL;
	struct xp_refusals refusals = {0};
	struct xp_err err = {0};
	struct xp_tree t;

	(void)state;
	xp_tree_new(&t);
	xp_tree_add_manifest(&t, "base.txt");
	xp_tree_add_manifest(&t, "disk.txt");
	assert_int_equal(xp_target_resolve(&target, &t.root, "/dev/sdb", &err), XP_OK);
	const char *confirms[] = {target.confirm, NULL};
	struct xp_interlock_request req = {
		.root = &t.root, .target = &target, .confirms = confirms};

	assert_int_equal(xp_interlock_check(&refusals, &req, &err), XP_OK);
	assert_int_equal(refusals.n, 0);
	assert_int_equal(xp_interlock_acquire(&permit, &refusals, &req, &err), XP_E_REFUSED);
	assert_null(permit);
	assert_int_equal(refusals.list[0].code, XP_REFUSED_UNKNOWN);
	xp_refusals_free(&refusals);
	xp_target_free(&target);
	xp_tree_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uses_of_each_stack_are_found),
		cmocka_unit_test(test_uses_of_others_do_not_count),
		cmocka_unit_test(test_uses_live_stick_is_the_boot_medium),
		cmocka_unit_test(test_uses_our_own_stick_is_the_boot_medium),
		cmocka_unit_test(test_uses_stick_named_by_the_command_line_is_the_boot_medium),
		cmocka_unit_test(test_uses_root_on_lvm_on_luks_is_the_system_disk),
		cmocka_unit_test(test_uses_of_an_image_are_found),
		cmocka_unit_test(test_uses_malformed_tables_are_errors),
		cmocka_unit_test(test_acquire_in_a_captured_tree_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
