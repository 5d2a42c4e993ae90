/* The light of a slot and the temperature, on sysfs as the kernel lays it out. */
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
#include "device/light.h"
#include "tests/fake/tree.h"

static const char shelf[] =
	"disk sda 8:0 pci0000:00/host0/target0:0:0/0:0:0:0 1000\n"
	"disk sdb 8:16 pci0000:00/host0/target0:0:1/0:0:1:0 1000\n"
	"disk sdc 8:32 pci0000:00/host0/target0:0:2/0:0:2:0 1000\n"
	"file sys/devices/pci0000:00/enclosure/Slot_01/locate 0\n"
	"file sys/devices/pci0000:00/enclosure/Slot_02/slot 2\n"
	"link sys/devices/pci0000:00/host0/target0:0:0/0:0:0:0/enclosure_device:Slot_01 "
	"../../../enclosure/Slot_01\n"
	"link sys/devices/pci0000:00/host0/target0:0:1/0:0:1:0/enclosure_device:Slot_02 "
	"../../../enclosure/Slot_02\n"
	"file sys/devices/pci0000:00/host0/target0:0:0/0:0:0:0/hwmon/hwmon3/temp1_input 41000\n"
	"file sys/devices/pci0000:00/host0/target0:0:1/0:0:1:0/hwmon/hwmon4/temp1_input -5000\n";

static void test_light_is_switched_and_read(void **state)
{
	AUTO(xp_tree_remove) struct xp_tree tree;
	bool is_on = true;
	struct xp_err err;

	(void)state;
	xp_tree_new(&tree);
	xp_tree_add(&tree, shelf);
	assert_true(xp_light_read(&is_on, &tree.root, "sda"));
	assert_false(is_on);
	assert_int_equal(xp_light_set(&tree.root, "sda", true, &err), XP_OK);
	assert_true(xp_light_read(&is_on, &tree.root, "sda"));
	assert_true(is_on);
	assert_int_equal(xp_light_set(&tree.root, "sda", false, &err), XP_OK);
	assert_true(xp_light_read(&is_on, &tree.root, "sda"));
	assert_false(is_on);
}

static void test_light_where_there_is_none_is_unsupported(void **state)
{
	static const char *const nodes[] = {"sdb", "sdc", "sdz",	  "",
					    ".",   "..",  "../block/sda", "sda/device"};
	AUTO(xp_tree_remove) struct xp_tree tree;
	bool is_on;
	struct xp_err err;

	(void)state;
	xp_tree_new(&tree);
	xp_tree_add(&tree, shelf);
	for (size_t i = 0; i < XP_ARRAY_LEN(nodes); i++) {
		assert_false(xp_light_read(&is_on, &tree.root, nodes[i]));
		assert_int_equal(xp_light_set(&tree.root, nodes[i], true, &err), XP_E_UNSUPPORTED);
	}
}

static void test_celsius_only_what_can_be_true(void **state)
{
	AUTO(xp_tree_remove) struct xp_tree tree;

	(void)state;
	xp_tree_new(&tree);
	xp_tree_add(&tree, shelf);
	assert_int_equal(xp_drive_celsius(&tree.root, "sda"), 41);
	assert_int_equal(xp_drive_celsius(&tree.root, "sdb"), 0);
	assert_int_equal(xp_drive_celsius(&tree.root, "sdc"), 0);
	assert_int_equal(xp_drive_celsius(&tree.root, "none"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_light_is_switched_and_read),
		cmocka_unit_test(test_light_where_there_is_none_is_unsupported),
		cmocka_unit_test(test_celsius_only_what_can_be_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
