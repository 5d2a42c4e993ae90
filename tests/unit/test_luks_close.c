/* Mappings that --close may take down, and what the interlock's checks make of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "device/interlock.h"
#include "device/luks_close.h"
#include "tests/fake/tree.h"

#define UUID  "01234567-89ab-cdef-0123-456789abcdef"
#define CRYPT "CRYPT-LUKS2-0123456789abcdef0123456789abcdef-vault\n"
/* a mapping on the disk's second partition */
#define VAULT                                                                                      \
	"disk dm-0 254:0 virtual 400000\nset dm-0 dm/name vault\nset dm-0 dm/uuid " CRYPT          \
	"hold sdb2 dm-0\n"

static void resolve(struct xp_target *target, struct xp_tree *t, const char *more, const char *path)
{
	struct xp_err err = {0};

	xp_tree_new(t);
	xp_tree_add_manifest(t, "base.txt");
	xp_tree_add_manifest(t, "disk.txt");
	xp_tree_add(t, more);
	if (xp_target_resolve(target, &t->root, path, &err) != XP_OK)
		fail_msg("%s", err.msg);
}

static void done(struct xp_target *target, struct xp_tree *t)
{
	xp_target_free(target);
	xp_tree_remove(t);
}

static void test_mappings_on_a_partition_are_the_disks_too(void **state)
{
	static const char *const paths[] = {"/dev/sdb", "/dev/sdb2"};
	struct xp_luks_mappings found;
	struct xp_target target;
	struct xp_tree t;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		resolve(&target, &t, VAULT, paths[i]);
		xp_luks_mappings_find(&found, &t.root, &target);
		assert_int_equal(found.n, 1);
		assert_string_equal(found.list[0].node, "dm-0");
		assert_string_equal(found.list[0].name, "vault");
		assert_string_equal(found.list[0].uuid, UUID);
		assert_false(found.list[0].suspended);
		done(&target, &t);
	}
	resolve(&target, &t, VAULT, "/dev/sdb1");
	xp_luks_mappings_find(&found, &t.root, &target);
	assert_int_equal(found.n, 0);
	done(&target, &t);
}

static void test_mappings_of_other_kinds_are_left_alone(void **state)
{
	static const char *const uuids[] = {"LVM-0123456789abcdef", "CRYPT-PLAIN-vault",
					    "CRYPT-VERITY-0123-vault", "CRYPT-LUKS", "mpath-35000"};
	struct xp_luks_mappings found;
	struct xp_target target;
	struct xp_tree t;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(uuids) / sizeof(*uuids); i++) {
		snprintf(text, sizeof(text), "%sset dm-0 dm/uuid %s\n", VAULT, uuids[i]);
		resolve(&target, &t, text, "/dev/sdb");
		xp_luks_mappings_find(&found, &t.root, &target);
		assert_int_equal(found.n, 0);
		done(&target, &t);
	}
}

static void test_mappings_uuid_that_is_none_is_empty(void **state)
{
	static const char *const uuids[] = {"CRYPT-LUKS2-0123-vault", "CRYPT-LUKS1-",
					    "CRYPT-LUKS2-0123456789abcdef0123456789abcdeg-vault"};
	struct xp_luks_mappings found;
	struct xp_target target;
	struct xp_tree t;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(uuids) / sizeof(*uuids); i++) {
		snprintf(text, sizeof(text), "%sset dm-0 dm/uuid %s\nset dm-0 dm/suspended 1\n",
			 VAULT, uuids[i]);
		resolve(&target, &t, text, "/dev/sdb");
		xp_luks_mappings_find(&found, &t.root, &target);
		assert_int_equal(found.n, 1);
		assert_string_equal(found.list[0].uuid, "");
		assert_true(found.list[0].suspended);
		done(&target, &t);
	}
}

static size_t refusals_of(enum xp_refusal_code *first, const char *more, bool closes)
{
	struct xp_refusals refusals = {0};
	struct xp_luks_mappings found;
	struct xp_interlock_request req = {0};
	struct xp_target target;
	struct xp_err err = {0};
	struct xp_tree t;
	size_t n;

	resolve(&target, &t, more, "/dev/sdb");
	xp_luks_mappings_find(&found, &t.root, &target);
	assert_int_equal(found.n, 1);
	req.root = &t.root;
	req.target = &target;
	req.closing = closes ? &found : NULL;
	if (xp_interlock_check(&refusals, &req, &err) != XP_OK)
		fail_msg("%s", err.msg);
	n = refusals.n;
	*first = n ? refusals.list[0].code : XP_REFUSED_UNKNOWN;
	xp_refusals_free(&refusals);
	done(&target, &t);
	return n;
}

static void test_check_mapping_to_be_closed_is_no_user(void **state)
{
	enum xp_refusal_code code;

	(void)state;
	assert_int_equal(refusals_of(&code, VAULT, false), 1);
	assert_int_equal(code, XP_REFUSED_HOLDER);
	assert_int_equal(refusals_of(&code, VAULT, true), 0);
}

/* Each stands on the mapping, or beside it: closing that one helps nothing. */
static void test_check_what_stands_on_the_mapping_refuses(void **state)
{
	static const struct {
		const char *more;
		enum xp_refusal_code code;
	} rows[] = {
		{VAULT "mount 1 40 27 254:0 / /srv rw - ext4 /dev/mapper/vault rw\n",
		 XP_REFUSED_MOUNTED},
		{VAULT "swap /dev/dm-0 partition\n", XP_REFUSED_SWAP},
		{VAULT "disk dm-1 254:1 virtual 4000\nset dm-1 dm/name vg-a\n"
		       "set dm-1 dm/uuid LVM-abcdef\nhold dm-0 dm-1\n",
		 XP_REFUSED_HOLDER},
		{VAULT "disk dm-1 254:1 virtual 4000\nset dm-1 dm/name other\n"
		       "set dm-1 dm/uuid LVM-abcdef\nhold sdb1 dm-1\n",
		 XP_REFUSED_HOLDER},
		{VAULT "proc 500 dd 4026531841\nfd 500 3 /dev/sdb2\n", XP_REFUSED_OPEN_ELSEWHERE},
	};
	enum xp_refusal_code code;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(refusals_of(&code, rows[i].more, true), 1);
		assert_int_equal(code, rows[i].code);
	}
}

static void test_close_in_a_captured_tree_is_refused(void **state)
{
	struct xp_luks_mappings found;
	struct xp_target target;
	struct xp_err err = {0};
	struct xp_tree t;

	(void)state;
	resolve(&target, &t, VAULT, "/dev/sdb");
	xp_luks_mappings_find(&found, &t.root, &target);
	assert_int_equal(xp_luks_close(&found.list[0], &t.root, &err), XP_E_REFUSED);
	done(&target, &t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mappings_on_a_partition_are_the_disks_too),
		cmocka_unit_test(test_mappings_of_other_kinds_are_left_alone),
		cmocka_unit_test(test_mappings_uuid_that_is_none_is_empty),
		cmocka_unit_test(test_check_mapping_to_be_closed_is_no_user),
		cmocka_unit_test(test_check_what_stands_on_the_mapping_refuses),
		cmocka_unit_test(test_close_in_a_captured_tree_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
