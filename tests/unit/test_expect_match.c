/*
 * Which line of an expect list speaks of which NVMe drive: the bare serial number of a drive with
 * several namespaces finds it and confirms nothing, and the refusal says what to write.
 */
#include "base/cleanup.h"
#include "cli/expect_match.h"
#include "device/interlock_checks.h"
#include "tests/fake/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void build(struct xp_tree *t)
{
	xp_tree_new(t);
	xp_tree_add_manifest(t, "base.txt");
	xp_tree_add_manifest(t, "nvme.txt");
}

static void read_list(struct xp_expect_list *out, const char *csv)
{
	struct xp_err err = {0};

	if (xp_expect_list_parse(out, csv, strlen(csv), &err) != XP_OK)
		fail_msg("%s", err.msg);
}

/* The nodes that the list leads to, in order, with commas. */
static void assert_paths(const char *csv, const char *wanted)
{
	AUTO(xp_expect_list_free) struct xp_expect_list list = {0};
	AUTO(xp_inventory_free) struct xp_inventory inv = {0};
	AUTO(xp_expect_paths_free) struct xp_expect_paths paths = {0};
	struct xp_err err = {0};
	char text[400] = "";
	struct xp_tree t;

	build(&t);
	read_list(&list, csv);
	assert_int_equal(xp_inventory_scan(&inv, &t.root, &err), XP_OK);
	assert_int_equal(xp_expect_paths_find(&paths, &list, &inv, &t.root, &err), XP_OK);
	for (size_t i = 0; i < paths.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? "," : "",
			 paths.list[i]);
	assert_string_equal(text, wanted);
	xp_tree_remove(&t);
}

static void test_paths_follow_serials_and_namespaces(void **state)
{
	(void)state;
	assert_paths("serial\nNV0001\n", "/dev/nvme0n1");
	assert_paths("serial\nNV0002\n", "/dev/nvme1n1");
	assert_paths("serial\n\"NV0001:ns=1,2\"\n", "/dev/nvme0n1");
	assert_paths("serial\nNV0001:ns=2\n", "/dev/nvme0n2");
	assert_paths("serial\nNV0001:ns=2\nNV0001:ns=1\n", "/dev/nvme0n2,/dev/nvme0n1");
	/* twice the same is once */
	assert_paths("serial\nNV0001\nNV0001:ns=1\n", "/dev/nvme0n1");
	/* what is not there, or no number */
	assert_paths("serial\nNV0001:ns=3\nNV0001:ns=\nNV0001:ns=x\nNV0001:ns=1x\nNV000\n", "");
	assert_paths("serial\nNV0001:ns=99999999999999999999999\nNV0001:ns\nNV00011\n", "");
}

/* The line that speaks of the target, and what the interlock makes of the line's own words. */
static void assert_line(const char *csv, bool all, const char *line, const char *remedy)
{
	AUTO(xp_expect_list_free) struct xp_expect_list list = {0};
	struct xp_refusals refusals = {0};
	struct xp_err err = {0};
	const struct xp_expected *e;
	struct xp_target target;
	struct xp_tree t;

	build(&t);
	read_list(&list, csv);
	assert_int_equal(xp_target_resolve(&target, &t.root, "/dev/nvme0n1", &err), XP_OK);
	if (all)
		assert_int_equal(xp_target_confirm_drive(&target, &t.root, &err), XP_OK);
	e = xp_expected_find(&list, &target, 1);
	if (!line) {
		assert_null(e);
	} else {
		const char *confirms[] = {line, NULL};
		const struct xp_interlock_request req = {
			.root = &t.root, .target = &target, .confirms = confirms};

		assert_non_null(e);
		assert_string_equal(e->serial, line);
		assert_int_equal(xp_interlock_check_confirm(&refusals, &req, &err), XP_OK);
		assert_int_equal(refusals.n, remedy ? 1 : 0);
		if (remedy && !strstr(refusals.list[0].remedy, remedy))
			fail_msg("%s", refusals.list[0].remedy);
	}
	xp_refusals_free(&refusals);
	xp_target_free(&target);
	xp_tree_remove(&t);
}

static void test_bare_serial_of_several_namespaces_confirms_none(void **state)
{
	(void)state;
	assert_line("serial\nNV0001\n", false, "NV0001",
		    "confirm with: NV0001:ns=1; in an expect list");
	assert_line("serial\nNV0001\n", true, "NV0001",
		    "confirm with: NV0001:ns=1,2; in an expect list");
}

static void test_line_with_namespaces_confirms_what_it_names(void **state)
{
	(void)state;
	assert_line("serial\nNV0001:ns=1\n", false, "NV0001:ns=1", NULL);
	assert_line("serial\n\"NV0001:ns=1,2\"\n", true, "NV0001:ns=1,2", NULL);
	/* who confirms all of them has confirmed each */
	assert_line("serial\n\"NV0001:ns=1,2\"\n", false, "NV0001:ns=1,2", NULL);
	/* one is not all of them */
	assert_line("serial\nNV0001:ns=1\n", true, "NV0001:ns=1", "confirm with: NV0001:ns=1,2");
	assert_line("serial\n\"NV0001:ns=1,3\"\n", true, "NV0001:ns=1,3",
		    "confirm with: NV0001:ns=1,2");
	assert_line("serial\nNV0001:ns=2\nNV0002\n", false, NULL, NULL);
	/* the words of the target itself come before all others */
	assert_line("serial\nNV0001\nNV0001:ns=1\n", false, "NV0001:ns=1", NULL);
}

static void test_set_is_a_line_with_several_namespaces(void **state)
{
	struct xp_expected e = {.serial = "NV0001:ns=1,2"};

	(void)state;
	assert_true(xp_expected_is_set(&e));
	memcpy(e.serial, "NV0001:ns=1", 12);
	assert_false(xp_expected_is_set(&e));
	memcpy(e.serial, "NV,0001", 8);
	assert_false(xp_expected_is_set(&e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_follow_serials_and_namespaces),
		cmocka_unit_test(test_bare_serial_of_several_namespaces_confirms_none),
		cmocka_unit_test(test_line_with_namespaces_confirms_what_it_names),
		cmocka_unit_test(test_set_is_a_line_with_several_namespaces),
	};

	return cmocka_run_group_tests_name("expect_match", tests, NULL, NULL);
}
