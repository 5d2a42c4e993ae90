/*
 * Hosts whose RAID controllers hide drives (tests/data/trees/README.md says where the trees are
 * from): what is hidden is told, a volume is never taken for a drive, and a list of expected drives
 * is not met.
 */
#include "base/cleanup.h"
#include "cli/expect_match.h"
#include "device/discover.h"
#include "tests/fake/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void scan(struct xp_inventory *inv, struct xp_tree *t, const char *manifest)
{
	struct xp_err err = {0};

	xp_tree_new(t);
	xp_tree_add_manifest(t, "base.txt");
	xp_tree_add_manifest(t, manifest);
	if (xp_inventory_scan(inv, &t->root, &err) != XP_OK)
		fail_msg("%s", err.msg);
}

static const struct xp_drive *by_path(const struct xp_inventory *inv, const char *path)
{
	for (size_t i = 0; i < inv->drives_n; i++)
		if (strcmp(inv->drives[i].path, path) == 0)
			return &inv->drives[i];
	abort();
}

static size_t without_node(const struct xp_inventory *inv)
{
	size_t n = 0;

	for (size_t i = 0; i < inv->drives_n; i++)
		n += inv->drives[i].path[0] == 0;
	return n;
}

static bool is_told(const struct xp_inventory *inv, const char *driver, const char *reason)
{
	for (size_t i = 0; i < inv->hidden_n; i++)
		if (strcmp(inv->hidden[i].driver, driver) == 0 &&
		    strstr(inv->hidden[i].reason, reason))
			return true;
	return false;
}

static void assert_virtual(const struct xp_inventory *inv, const char *path)
{
	assert_int_equal(by_path(inv, path)->identity.media, XP_MEDIA_VIRTUAL);
}

static void test_hidden_hpsa_counts_what_has_no_disk(void **state)
{
	AUTO(xp_inventory_free) struct xp_inventory inv = {0};
	struct xp_tree t;

	(void)state;
	scan(&inv, &t, "hpsa.txt");
	assert_int_equal(inv.complete, XP_COMPLETE_NO);
	assert_true(is_told(&inv, "hpsa", "1 RAID volumes"));
	assert_virtual(&inv, "/dev/sdh");
	/* the level of a drive that is passed through is none */
	assert_int_not_equal(by_path(&inv, "/dev/sdi")->identity.media, XP_MEDIA_VIRTUAL);
	/* two in the volume and the spare; the controller's own device is no drive */
	assert_int_equal(without_node(&inv), 3);
	assert_int_equal(inv.hidden_n, 4);
	xp_tree_remove(&t);
}

/* An array bears any name, also that of a drive: the driver tells. */
static void test_hidden_aacraid_arrays_are_no_drives(void **state)
{
	AUTO(xp_inventory_free) struct xp_inventory inv = {0};
	struct xp_tree t;

	(void)state;
	scan(&inv, &t, "aacraid.txt");
	assert_int_equal(inv.complete, XP_COMPLETE_NO);
	assert_true(is_told(&inv, "aacraid", "2 RAID volumes"));
	assert_virtual(&inv, "/dev/sdj");
	assert_virtual(&inv, "/dev/sdk");
	assert_int_equal(without_node(&inv), 1);
	xp_tree_remove(&t);
}

static void test_hidden_arcmsr_shows_nothing_of_its_drives(void **state)
{
	AUTO(xp_inventory_free) struct xp_inventory inv = {0};
	struct xp_tree t;

	(void)state;
	scan(&inv, &t, "arcmsr.txt");
	assert_int_equal(inv.complete, XP_COMPLETE_NO);
	assert_true(is_told(&inv, "arcmsr", "1 RAID volumes"));
	assert_virtual(&inv, "/dev/sdl");
	assert_int_equal(without_node(&inv), 0);
	assert_int_equal(inv.hidden_n, 1);
	xp_tree_remove(&t);
}

/* Every drive of the list may be done: where the host hides some, or may, that is not all. */
static void test_hidden_drives_leave_a_list_unmet(void **state)
{
	static const struct {
		const char *tree;
		bool met;
	} rows[] = {{"disk.txt", true},
		    {"hpsa.txt", false},
		    {"aacraid.txt", false},
		    {"arcmsr.txt", false},
		    {"raid.txt", false}};
	static const char csv[] = "serial\nONE\n";

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++) {
		AUTO(xp_inventory_free) struct xp_inventory inv = {0};
		AUTO(xp_expect_list_free) struct xp_expect_list list = {0};
		struct xp_tree t;

		scan(&inv, &t, rows[i].tree);
		assert_int_equal(xp_expect_list_parse(&list, csv, strlen(csv), NULL), XP_OK);
		assert_false(xp_expect_is_met(&list, &inv)); /* absent */
		list.list[0].seen = true;
		assert_int_equal(xp_expect_is_met(&list, &inv), rows[i].met);
		xp_tree_remove(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hidden_hpsa_counts_what_has_no_disk),
		cmocka_unit_test(test_hidden_aacraid_arrays_are_no_drives),
		cmocka_unit_test(test_hidden_arcmsr_shows_nothing_of_its_drives),
		cmocka_unit_test(test_hidden_drives_leave_a_list_unmet),
	};

	return cmocka_run_group_tests_name("hidden", tests, NULL, NULL);
}
