/* The inventory, from captured trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device/discover.h"
#include "tests/fake/tree.h"

static void scan(struct xp_inventory *inv, struct xp_tree *t)
{
	struct xp_err err = {0};

	if (xp_inventory_scan(inv, &t->root, &err) != XP_OK)
		fail_msg("%s", err.msg);
}

static void build(struct xp_tree *t, const char *manifest, const char *more)
{
	xp_tree_new(t);
	xp_tree_add_manifest(t, "base.txt");
	xp_tree_add_manifest(t, manifest);
	xp_tree_add(t, more);
}

static const struct xp_drive *by_path(const struct xp_inventory *inv, const char *path)
{
	for (size_t i = 0; i < inv->drives_n; i++)
		if (!strcmp(inv->drives[i].path, path))
			return &inv->drives[i];
	print_error("%s is not listed\n", path);
	abort();
}

static void test_scan_plain_host_is_complete(void **state)
{
	struct xp_inventory inv = {0};
	const struct xp_drive *d;
	struct xp_tree t;

	(void)state;
	build(&t, "disk.txt", "");
	scan(&inv, &t);
	assert_string_equal(inv.host_serial, "HOST0001");
	assert_string_equal(inv.host_model, "ACME R1");
	assert_int_equal(inv.complete, XP_COMPLETE_YES);
	assert_int_equal(inv.drives_n, 2);
	assert_int_equal(inv.hidden_n, 0);
	d = by_path(&inv, "/dev/sda");
	assert_int_equal(d->identity.media, XP_MEDIA_SSD);
	assert_int_equal(d->uses.list[0].code, XP_REFUSED_SYSTEM_DISK);
	d = by_path(&inv, "/dev/sdb");
	assert_int_equal(d->identity.bus, XP_BUS_ATA);
	assert_int_equal(d->identity.media, XP_MEDIA_HDD);
	assert_string_equal(d->identity.model, "DATA HDD 4T");
	assert_string_equal(d->identity.firmware, "CC45");
	assert_string_equal(d->identity.wwn, "naa.5000000000000002");
	assert_string_equal(d->identity.serial, "");
	assert_string_equal(d->confirm, "naa.5000000000000002");
	assert_string_equal(d->slot, "ata2");
	assert_true(d->identity.capacity_bytes == 7814037168ULL * 512);
	assert_int_equal(d->identity.physical_block_bytes, 4096);
	assert_int_equal(d->uses.n, 0);
	assert_ptr_equal(xp_inventory_drive_of(&inv, &t.root, "sdb2"), d);
	assert_ptr_equal(xp_inventory_drive_of(&inv, &t.root, "/dev/sdb"), d);
	assert_null(xp_inventory_drive_of(&inv, &t.root, "sdz"));
	assert_null(xp_inventory_drive_of(&inv, &t.root, "../sdb"));
	xp_inventory_free(&inv);
	xp_tree_remove(&t);
}

static void test_scan_two_paths_are_one_drive(void **state)
{
	struct xp_inventory inv = {0};
	const struct xp_drive *d;
	struct xp_tree t;

	(void)state;
	build(&t, "multipath.txt", "");
	scan(&inv, &t);
	assert_int_equal(inv.drives_n, 2);
	d = by_path(&inv, "/dev/sdc");
	assert_int_equal(d->nodes_n, 2);
	assert_string_equal(d->nodes[0], "sdc");
	assert_string_equal(d->nodes[1], "sdd");
	assert_int_equal(d->identity.bus, XP_BUS_SAS);
	assert_ptr_equal(xp_inventory_drive_of(&inv, &t.root, "sdd"), d);
	/* two paths to one unit are not two targets: the short string stays unique */
	assert_string_equal(d->confirm, "naa.5000c50000000006");
	xp_inventory_free(&inv);
	xp_tree_remove(&t);
}

static void test_scan_namespaces_are_one_drive(void **state)
{
	struct xp_inventory inv = {0};
	const struct xp_drive *d;
	struct xp_tree t;

	(void)state;
	build(&t, "nvme.txt", "");
	scan(&inv, &t);
	assert_int_equal(inv.drives_n, 3);
	d = by_path(&inv, "/dev/nvme0n1");
	assert_string_equal(d->confirm, "NV0001:ns=1,2");
	assert_true(d->identity.capacity_bytes == 5000000ULL * 512);
	assert_string_equal(d->slot, "0000:01:00.0");
	assert_int_equal(d->nodes_n, 2);
	assert_int_equal(d->identity.media, XP_MEDIA_SSD);
	assert_false(d->remote);
	/* nvme1n1 belongs to controller nvme0, and is another drive */
	assert_string_equal(by_path(&inv, "/dev/nvme1n1")->confirm, "NV0002");
	xp_inventory_free(&inv);
	xp_tree_remove(&t);
}

static void test_scan_multipath_head_is_matched_to_its_controllers(void **state)
{
	struct xp_inventory inv = {0};
	const struct xp_drive *d;
	struct xp_tree t;

	(void)state;
	/* native multipath: the node hangs off the subsystem, hidden paths have no number */
	build(&t, "disk.txt",
	      "file sys/devices/virtual/nvme-subsystem/nvme-subsys4/model ARRAY NS\n"
	      "file sys/devices/virtual/nvme-subsystem/nvme-subsys4/serial AR0001\n"
	      "file sys/devices/virtual/nvme-subsystem/nvme-subsys4/subsysnqn nqn.2020-01.a:b\n"
	      "nvme nvme4n1 259:9 virtual/nvme-subsystem/nvme-subsys4 4000000\n"
	      "set nvme4n1 nsid 1\n"
	      "file sys/devices/virtual/nvme-fabrics/ctl/nvme4/transport tcp\n"
	      "file sys/devices/virtual/nvme-fabrics/ctl/nvme4/serial AR0001\n"
	      "dir sys/devices/virtual/nvme-fabrics/ctl/nvme4/nvme4c4n1\n"
	      "link sys/class/block/nvme4c4n1 "
	      "../../devices/virtual/nvme-fabrics/ctl/nvme4/nvme4c4n1\n"
	      "link sys/class/nvme/nvme4 ../../devices/virtual/nvme-fabrics/ctl/nvme4\n"
	      "link sys/devices/virtual/nvme-subsystem/nvme-subsys4/nvme4 "
	      "../../nvme-fabrics/ctl/nvme4\n");
	scan(&inv, &t);
	assert_int_equal(inv.drives_n, 3);
	d = by_path(&inv, "/dev/nvme4n1");
	assert_true(d->remote);
	assert_int_equal(d->identity.media, XP_MEDIA_VIRTUAL);
	xp_inventory_free(&inv);
	xp_tree_remove(&t);
}

static void test_scan_controller_without_namespace_is_a_drive(void **state)
{
	struct xp_inventory inv = {0};
	const struct xp_drive *d;
	struct xp_tree t;

	(void)state;
	build(&t, "disk.txt",
	      "file sys/devices/pci0000:00/0000:09:00.0/nvme/nvme7/model BARE\n"
	      "file sys/devices/pci0000:00/0000:09:00.0/nvme/nvme7/serial NV0007\n"
	      "file sys/devices/pci0000:00/0000:09:00.0/nvme/nvme7/transport pcie\n"
	      "link sys/class/nvme/nvme7 ../../devices/pci0000:00/0000:09:00.0/nvme/nvme7\n");
	scan(&inv, &t);
	assert_int_equal(inv.drives_n, 3);
	d = by_path(&inv, "");
	assert_string_equal(d->confirm, "NV0007");
	assert_int_equal(d->identity.bus, XP_BUS_NVME);
	assert_int_equal(d->nodes_n, 0);
	xp_inventory_free(&inv);
	xp_tree_remove(&t);
}

static bool is_hidden(const struct xp_inventory *inv, const char *pci, const char *reason)
{
	for (size_t i = 0; i < inv->hidden_n; i++)
		if (!strcmp(inv->hidden[i].pci, pci) && strstr(inv->hidden[i].reason, reason))
			return true;
	return false;
}

static void test_scan_raid_controller_makes_the_host_incomplete(void **state)
{
	struct xp_inventory inv = {0};
	struct xp_tree t;

	(void)state;
	build(&t, "raid.txt", "");
	scan(&inv, &t);
	assert_int_equal(inv.complete, XP_COMPLETE_NO);
	assert_true(is_hidden(&inv, "0000:03:00.0", "1 RAID volumes"));
	assert_true(is_hidden(&inv, "0000:00:0e.0", "VMD"));
	assert_true(is_hidden(&inv, "", "without a block node"));
	assert_int_equal(by_path(&inv, "/dev/sdc")->identity.media, XP_MEDIA_VIRTUAL);
	/* a drive passed through megaraid is one; its bus cannot be told from here */
	assert_int_not_equal(by_path(&inv, "/dev/sdd")->identity.media, XP_MEDIA_VIRTUAL);
	assert_string_equal(by_path(&inv, "")->confirm, "naa.5000000000000005");
	xp_inventory_free(&inv);
	xp_tree_remove(&t);
}

static void test_scan_raid_controller_without_volumes_is_unknown(void **state)
{
	struct xp_inventory inv = {0};
	struct xp_tree t;

	(void)state;
	build(&t, "disk.txt",
	      "file sys/devices/pci0000:00/0000:03:00.0/class 0x010400\n"
	      "file sys/devices/pci0000:00/0000:03:00.0/vendor 0x9005\n"
	      "file sys/devices/pci0000:00/0000:03:00.0/device 0x028f\n"
	      "link sys/devices/pci0000:00/0000:03:00.0/driver ../../../bus/pci/drivers/smartpqi\n"
	      "link sys/bus/pci/devices/0000:03:00.0 ../../../devices/pci0000:00/0000:03:00.0\n");
	scan(&inv, &t);
	assert_int_equal(inv.complete, XP_COMPLETE_UNKNOWN);
	assert_int_equal(inv.hidden_n, 1);
	assert_string_equal(inv.hidden[0].driver, "smartpqi");
	xp_inventory_free(&inv);
	xp_tree_remove(&t);
}

/* An adapter that passes drives through hides none, until its firmware builds a volume of them. */
static void test_scan_adapter_with_a_volume_makes_the_host_incomplete(void **state)
{
	static const char adapter[] =
		"file sys/devices/pci0000:00/0000:05:00.0/class 0x010700\n"
		"file sys/devices/pci0000:00/0000:05:00.0/vendor 0x1000\n"
		"file sys/devices/pci0000:00/0000:05:00.0/device 0x0097\n"
		"link sys/devices/pci0000:00/0000:05:00.0/driver ../../../bus/pci/drivers/mpt3sas\n"
		"link sys/bus/pci/devices/0000:05:00.0 ../../../devices/pci0000:00/0000:05:00.0\n"
		"file sys/class/scsi_host/host7/proc_name mpt3sas\n"
		"disk sde 8:64 pci0000:00/0000:05:00.0/host7/target7:1:0/7:1:0:0 3904897024\n"
		"file sys/devices/pci0000:00/0000:05:00.0/host7/target7:1:0/7:1:0:0/vendor LSI\n"
		"file sys/devices/pci0000:00/0000:05:00.0/host7/target7:1:0/7:1:0:0/model Logical\n"
		"file sys/devices/pci0000:00/0000:05:00.0/host7/target7:1:0/7:1:0:0/wwid "
		"naa.6000000000000009\n";
	struct xp_inventory inv = {0};
	char with_volume[2048];
	struct xp_tree t;

	(void)state;
	build(&t, "disk.txt", adapter);
	scan(&inv, &t);
	assert_int_equal(inv.complete, XP_COMPLETE_YES);
	assert_int_not_equal(by_path(&inv, "/dev/sde")->identity.media, XP_MEDIA_VIRTUAL);
	xp_inventory_free(&inv);
	xp_tree_remove(&t);
	snprintf(with_volume, sizeof(with_volume),
		 "%sfile sys/class/raid_devices/7:1:0:0/level raid1\n", adapter);
	build(&t, "disk.txt", with_volume);
	scan(&inv, &t);
	assert_int_equal(inv.complete, XP_COMPLETE_NO);
	assert_true(is_hidden(&inv, "0000:05:00.0", "1 RAID volumes"));
	assert_int_equal(by_path(&inv, "/dev/sde")->identity.media, XP_MEDIA_VIRTUAL);
	xp_inventory_free(&inv);
	xp_tree_remove(&t);
}

static void test_scan_hidden_ways_are_named(void **state)
{
	struct xp_inventory inv = {0};
	struct xp_tree t;

	(void)state;
	build(&t, "disk.txt",
	      /* NVMe remapped behind AHCI */
	      "file sys/devices/pci0000:00/0000:00:17.0/remapped_nvme 2\n"
	      /* an NVMe drive given to a virtual machine */
	      "file sys/devices/pci0000:00/0000:0a:00.0/class 0x010802\n"
	      "file sys/devices/pci0000:00/0000:0a:00.0/vendor 0x144d\n"
	      "file sys/devices/pci0000:00/0000:0a:00.0/device 0xa80a\n"
	      "link sys/devices/pci0000:00/0000:0a:00.0/driver ../../../bus/pci/drivers/vfio-pci\n"
	      "link sys/bus/pci/devices/0000:0a:00.0 ../../../devices/pci0000:00/0000:0a:00.0\n"
	      /* a stick whose driver is not loaded */
	      "file sys/devices/pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.0/bInterfaceClass 08\n"
	      "link sys/bus/usb/devices/1-3:1.0 "
	      "../../../devices/pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.0\n");
	scan(&inv, &t);
	assert_int_equal(inv.complete, XP_COMPLETE_NO);
	assert_int_equal(inv.hidden_n, 3);
	assert_true(is_hidden(&inv, "0000:00:17.0", "2 NVMe drives"));
	assert_true(is_hidden(&inv, "0000:0a:00.0", "virtual machine"));
	assert_true(is_hidden(&inv, "1-3:1.0", "no driver"));
	xp_inventory_free(&inv);
	xp_tree_remove(&t);
}

static void test_scan_layers_are_no_drives(void **state)
{
	struct xp_inventory inv = {0};
	struct xp_tree t;

	(void)state;
	build(&t, "disk.txt",
	      "disk dm-0 254:0 virtual 100\nset dm-0 dm/name vg-data\ndisk md0 9:0 virtual 100\n"
	      "disk zram0 253:0 virtual 100\ndisk loop0 7:0 virtual 0\n"
	      "disk loop1 7:1 virtual 100\nset loop1 loop/backing_file /srv/one.img\n");
	scan(&inv, &t);
	assert_int_equal(inv.drives_n, 3);
	assert_string_equal(by_path(&inv, "/dev/loop1")->confirm, "one.img");
	assert_int_equal(by_path(&inv, "/dev/loop1")->identity.media, XP_MEDIA_VIRTUAL);
	xp_inventory_free(&inv);
	xp_tree_remove(&t);
}

/* ---- confirm strings and classification of targets ---- */

static void resolve(struct xp_target *target, struct xp_tree *t, const char *path)
{
	struct xp_err err = {0};

	if (xp_target_resolve(target, &t->root, path, &err) != XP_OK)
		fail_msg("%s: %s", path, err.msg);
}

static void assert_confirm(struct xp_tree *t, const char *path, const char *confirm)
{
	struct xp_target target;

	resolve(&target, t, path);
	assert_string_equal(target.confirm, confirm);
	xp_target_free(&target);
}

/* The unit serial number page has bytes that a manifest cannot hold. */
static void put_serial(struct xp_tree *t, const char *node, const char *serial)
{
	char path[512];
	size_t len = strlen(serial);
	FILE *f;

	snprintf(path, sizeof(path), "%s/sys/class/block/%s/device/vpd_pg80", t->dir, node);
	f = fopen(path, "w");
	assert_non_null(f);
	fputc(0, f);
	fputc(0x80, f);
	fputc(0, f);
	fputc((int)len, f);
	fputs(serial, f);
	fclose(f);
}

static void test_resolve_confirm_strings(void **state)
{
	struct xp_tree t;

	(void)state;
	build(&t, "disk.txt", "");
	assert_confirm(&t, "/dev/sdb", "naa.5000000000000002");
	put_serial(&t, "sdb", "    WD-WCC4N0001  ");
	assert_confirm(&t, "/dev/sdb", "WD-WCC4N0001");
	assert_confirm(&t, "/dev/disk/by-id/wwn-0x5000000000000002", "WD-WCC4N0001");
	assert_confirm(&t, "/dev/sdb2", "WD-WCC4N0001:p2");
	/* two drives that give the same serial, by their own names */
	put_serial(&t, "sda", "WD-WCC4N0001");
	xp_tree_add(&t, "set sda device/model DATA HDD 4T\n");
	assert_confirm(&t, "/dev/sdb", "WD-WCC4N0001@naa.5000000000000002");
	assert_confirm(&t, "/dev/sdb1", "WD-WCC4N0001@naa.5000000000000002:p1");
	xp_tree_remove(&t);

	build(&t, "nvme.txt", "");
	assert_confirm(&t, "/dev/nvme0n1", "NV0001:ns=1");
	assert_confirm(&t, "/dev/nvme0n2p1", "NV0001:ns=2:p1");
	assert_confirm(&t, "/dev/nvme1n1", "NV0002");
	xp_tree_remove(&t);

	build(&t, "usbstick.txt",
	      "link dev/disk/by-path/pci-0000:00:14.0-usb-0:1:1.0-scsi-0:0:0:0 "
	      "../../sdb\n");
	assert_confirm(&t, "/dev/sdb", "pci-0000:00:14.0-usb-0:1:1.0-scsi-0:0:0:0");
	xp_tree_remove(&t);
}

static void test_resolve_ambiguous_loops_are_told_apart(void **state)
{
	struct xp_tree t;

	(void)state;
	build(&t, "disk.txt",
	      "disk loop1 7:1 virtual 100\nset loop1 loop/backing_file /srv/a/disk.img\n"
	      "disk loop2 7:2 virtual 100\nset loop2 loop/backing_file /srv/b/disk.img\n"
	      "file srv/c/disk.img data\n");
	assert_confirm(&t, "/dev/loop1", "disk.img@/dev/loop1");
	assert_confirm(&t, "/dev/loop2", "disk.img@/dev/loop2");
	xp_tree_remove(&t);
}

static void test_resolve_hostile_serials_do_not_pass_as_text(void **state)
{
	struct xp_target target;
	struct xp_tree t;

	(void)state;
	build(&t, "disk.txt", "");
	put_serial(&t, "sdb", "AB\033[2J");
	resolve(&target, &t, "/dev/sdb");
	assert_string_equal(target.identity.serial, "hex:41421b5b324a");
	assert_string_equal(target.confirm, "hex:41421b5b324a");
	xp_target_free(&target);
	xp_tree_remove(&t);
}

static void test_resolve_lying_serial_page_is_no_serial(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} pages[] = {
		{"", 0},
		{"\0\200\0", 3},	   /* cut in its header */
		{"\0\200\0\20ABCD", 8},	   /* says 16, has 4 */
		{"\0\203\0\4ABCD", 8},	   /* another page */
		{"\0\200\377\377ABCD", 8}, /* says 65535 */
		{"\0\200\0\4    ", 8},	   /* blanks only */
	};
	struct xp_target target;
	struct xp_tree t;
	char path[512];

	(void)state;
	build(&t, "disk.txt", "");
	snprintf(path, sizeof(path), "%s/sys/class/block/sdb/device/vpd_pg80", t.dir);
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		assert_int_equal(fwrite(pages[i].bytes, 1, pages[i].len, f), pages[i].len);
		fclose(f);
		resolve(&target, &t, "/dev/sdb");
		assert_string_equal(target.identity.serial, "");
		xp_target_free(&target);
	}
	xp_tree_remove(&t);
}

static void test_resolve_bus_media_and_remoteness(void **state)
{
	static const struct {
		const char *more;
		const char *path;
		enum xp_bus bus;
		enum xp_media media;
		bool remote;
	} rows[] = {
		{"disk sdc 8:32 platform/host9/session3/target9:0:0/9:0:0:1 100\n"
		 "set sdc device/vendor LIO-ORG\n",
		 "/dev/sdc", XP_BUS_NETWORK, XP_MEDIA_VIRTUAL, true},
		{"disk sdc 8:32 pci0000:00/0000:03:00.0/host9/rport-9:0-1/target9:0:0/9:0:0:1 "
		 "100\n",
		 "/dev/sdc", XP_BUS_NETWORK, XP_MEDIA_VIRTUAL, true},
		{"disk vda 252:0 pci0000:00/0000:00:02.0/virtio1 100\nset vda serial V1\n",
		 "/dev/vda", XP_BUS_VIRTIO, XP_MEDIA_VIRTUAL, false},
		{"disk sdc 8:32 pci0000:00/0000:00:05.0/virtio3/host2/target2:0:0/2:0:0:0 100\n"
		 "set sdc device/vendor QEMU\nset sdc device/model QEMU HARDDISK\n",
		 "/dev/sdc", XP_BUS_SCSI, XP_MEDIA_VIRTUAL, false},
		{"disk sdc 8:32 ACPI0004:00/VMBUS:00/x/host2/target2:0:0/2:0:0:0 100\n"
		 "set sdc device/vendor Msft\nset sdc device/model Virtual Disk\n",
		 "/dev/sdc", XP_BUS_SCSI, XP_MEDIA_VIRTUAL, false},
		{"disk xvda 202:0 vbd-768 100\n", "/dev/xvda", XP_BUS_XEN, XP_MEDIA_VIRTUAL, false},
		{"disk nbd0 43:0 virtual 100\n", "/dev/nbd0", XP_BUS_NETWORK, XP_MEDIA_VIRTUAL,
		 true},
		{"disk mmcblk0 179:0 platform/mmc_host/mmc0/mmc0:0001 100\n"
		 "set mmcblk0 device/serial 0x12345678\n",
		 "/dev/mmcblk0", XP_BUS_MMC, XP_MEDIA_USB_FLASH, false},
		{"disk sdc 8:32 pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host3/target3:0:0/3:0:0:0 "
		 "100\nset sdc removable 1\n",
		 "/dev/sdc", XP_BUS_USB, XP_MEDIA_USB_FLASH, false},
		{"disk sdc 8:32 pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host3/target3:0:0/3:0:0:0 "
		 "100\nset sdc removable 0\n",
		 "/dev/sdc", XP_BUS_USB, XP_MEDIA_UNKNOWN, false},
		{"disk sdc 8:32 pci0/host9/port-9:0/end_device-9:0/target9:0:0/9:0:0:0 100\n"
		 "set sdc queue/rotational 0\nset sdc device/vendor ATA\n",
		 "/dev/sdc", XP_BUS_ATA, XP_MEDIA_SSD, false},
		{"disk sdc 8:32 pci0/host9/target9:1:0/9:1:0:0 100\nset sdc queue/rotational 1\n"
		 "file sys/class/scsi_host/host9/proc_name smartpqi\n"
		 "set sdc device/vendor HPE\nset sdc device/model LOGICAL VOLUME\n",
		 "/dev/sdc", XP_BUS_SCSI, XP_MEDIA_VIRTUAL, false},
		{"disk dm-0 254:0 virtual 100\nset dm-0 dm/name vg-x\n", "/dev/dm-0", XP_BUS_MAPPED,
		 XP_MEDIA_VIRTUAL, false},
		{"disk zram0 253:0 virtual 100\n", "/dev/zram0", XP_BUS_MEMORY, XP_MEDIA_VIRTUAL,
		 false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct xp_inventory inv = {0};
		struct xp_target target;
		struct xp_tree t;

		build(&t, "disk.txt", rows[i].more);
		resolve(&target, &t, rows[i].path);
		if (target.identity.bus != rows[i].bus || target.identity.media != rows[i].media)
			fail_msg("row %zu: %s %s", i, xp_bus_name(target.identity.bus),
				 xp_media_name(target.identity.media));
		scan(&inv, &t);
		if (rows[i].remote)
			assert_true(by_path(&inv, rows[i].path)->remote);
		xp_inventory_free(&inv);
		xp_target_free(&target);
		xp_tree_remove(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan_plain_host_is_complete),
		cmocka_unit_test(test_scan_two_paths_are_one_drive),
		cmocka_unit_test(test_scan_namespaces_are_one_drive),
		cmocka_unit_test(test_scan_multipath_head_is_matched_to_its_controllers),
		cmocka_unit_test(test_scan_controller_without_namespace_is_a_drive),
		cmocka_unit_test(test_scan_raid_controller_makes_the_host_incomplete),
		cmocka_unit_test(test_scan_raid_controller_without_volumes_is_unknown),
		cmocka_unit_test(test_scan_adapter_with_a_volume_makes_the_host_incomplete),
		cmocka_unit_test(test_scan_hidden_ways_are_named),
		cmocka_unit_test(test_scan_layers_are_no_drives),
		cmocka_unit_test(test_resolve_confirm_strings),
		cmocka_unit_test(test_resolve_ambiguous_loops_are_told_apart),
		cmocka_unit_test(test_resolve_hostile_serials_do_not_pass_as_text),
		cmocka_unit_test(test_resolve_lying_serial_page_is_no_serial),
		cmocka_unit_test(test_resolve_bus_media_and_remoteness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
