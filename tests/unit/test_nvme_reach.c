/*
 * What a command of an NVMe drive reaches beside its target: the plan names all of it, and nobody
 * confirms less than that.
 */
#include "device/interlock_checks.h"
#include "device/probe_node.h"
#include "sanitize/plan.h"
#include "tests/fake/claim_evidence.h"
#include "tests/fake/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- the plan ---- */

struct setting {
	struct xp_target target;
	struct xp_drive_facts facts;
	struct xp_nvme_ns_facts ns[3];
	struct xp_capabilities capabilities;
	struct xp_policy *policy;
	struct xp_plan_request req;
	struct xp_plan plan;
	struct xp_err err;
};
static struct setting S;

/* Three namespaces, of which the second is the target; one more that is not attached. */
static void set_up(void)
{
	struct xp_nvme_facts *f = &S.facts.nvme;

	memset(&S, 0, sizeof(S));
	S.target.kind = XP_TARGET_DISK;
	snprintf(S.target.path, sizeof(S.target.path), "/dev/nvme0n2");
	snprintf(S.target.node, sizeof(S.target.node), "nvme0n2");
	S.target.identity = (struct xp_identity){.media = XP_MEDIA_SSD,
						 .bus = XP_BUS_NVME,
						 .model = "EXAMPLE",
						 .serial = "SN1",
						 .capacity_bytes = 2000000,
						 .logical_block_bytes = 512};
	S.facts.transport = XP_TRANSPORT_NVME;
	f->nsid = 2;
	f->identify = f->active_list = f->allocated_list = f->sanitize_log = XP_ASKED_GOOD;
	f->active_n = f->ns_n = 3;
	f->allocated_n = 4;
	f->ns = S.ns;
	for (uint32_t i = 0; i < 3; i++) {
		S.ns[i].nsid = i + 1;
		S.ns[i].identify = XP_ASKED_GOOD;
		S.ns[i].ns.bytes = 1000000 * (i + 1);
		S.ns[i].ns.is_shared = i == 2;
	}
	f->ctrl.sanitize_crypto = f->ctrl.has_format = true;
	f->ctrl.unallocated_bytes = 77777;
	S.policy = claim_policy_load("r2", NULL);
	S.req.target = &S.target;
	S.req.capabilities = &S.capabilities;
	S.req.policy = S.policy;
	S.req.facts = &S.facts;
}

static void plan(enum xp_technique t)
{
	xp_capabilities_host(&S.capabilities, &S.target);
	xp_capabilities_drive(&S.capabilities, &S.target, &S.facts);
	S.req.has_technique = true;
	S.req.technique = t;
	if (xp_plan_make(&S.plan, &S.req, &S.err) != XP_OK)
		fail_msg("%s", S.err.msg);
}

static void tear_down(void)
{
	xp_plan_free(&S.plan);
	xp_policy_free(&S.policy);
}

static bool radius_has(const char *words)
{
	for (size_t i = 0; i < S.plan.blast_radius_n; i++)
		if (strstr(S.plan.blast_radius[i], words))
			return true;
	return false;
}

static void test_plan_of_a_sanitize_names_every_namespace(void **state)
{
	(void)state;
	set_up();
	plan(XP_NVME_SANITIZE_CRYPTO);
	assert_true(S.plan.has_technique);
	assert_true(S.plan.reaches_all);
	assert_true(radius_has("namespace 1 of the same drive, 1000000 bytes"));
	assert_false(radius_has("namespace 2 of the same drive"));
	assert_true(radius_has("namespace 3 of the same drive, 3000000 bytes, shared"));
	assert_true(radius_has("1 namespaces of the same drive that are not attached"));
	assert_true(radius_has("77777 bytes that no namespace has"));
	tear_down();
}

static void test_plan_of_a_format_follows_what_the_drive_says(void **state)
{
	(void)state;
	set_up();
	plan(XP_NVME_FORMAT_USER);
	assert_true(S.plan.has_technique);
	assert_false(S.plan.reaches_all);
	assert_false(radius_has("of the same drive"));
	tear_down();
	/* FNA bits 0 and 1: the format, or its erase, goes to all */
	for (unsigned bit = 0; bit < 2; bit++) {
		set_up();
		S.facts.nvme.ctrl.format_all = bit == 0;
		S.facts.nvme.ctrl.secure_erase_all = bit == 1;
		plan(XP_NVME_FORMAT_USER);
		assert_true(S.plan.reaches_all);
		assert_true(radius_has("namespace 1 of the same drive"));
		assert_true(radius_has("namespace 3 of the same drive"));
		tear_down();
	}
}

static void test_plan_of_an_overwrite_is_the_target_alone(void **state)
{
	(void)state;
	set_up();
	plan(XP_OVERWRITE_ZERO);
	assert_true(S.plan.has_technique);
	assert_false(S.plan.reaches_all);
	assert_false(radius_has("of the same drive"));
	tear_down();
}

/* Chosen by the policy, with what it may fall back to: the widest counts. */
static void test_plan_counts_what_it_may_fall_back_to(void **state)
{
	(void)state;
	set_up();
	xp_capabilities_host(&S.capabilities, &S.target);
	xp_capabilities_drive(&S.capabilities, &S.target, &S.facts);
	assert_int_equal(xp_plan_make(&S.plan, &S.req, &S.err), XP_OK);
	assert_int_equal(S.plan.technique, XP_NVME_SANITIZE_CRYPTO);
	assert_true(S.plan.reaches_all);
	tear_down();
}

/* What stands in the way of all is no refusal where something else can be done. */
static void test_plan_refuses_what_others_hold(void **state)
{
	(void)state;
	set_up();
	S.facts.nvme.foreign_n = 1;
	S.facts.nvme.foreign[0] = 9;
	plan(XP_NVME_SANITIZE_CRYPTO);
	assert_int_equal(S.plan.exit_code, 4);
	assert_int_equal(S.plan.refusals.n, 1);
	assert_int_equal(S.plan.refusals.list[0].code, XP_REFUSED_SHARED_CONTROLLER);
	tear_down();
}

/* ---- confirm strings ---- */

static void build(struct xp_tree *t)
{
	xp_tree_new(t);
	xp_tree_add_manifest(t, "base.txt");
	xp_tree_add_manifest(t, "nvme.txt");
}

static enum xp_refusal_code confirm_with(struct xp_tree *t, const struct xp_target *target,
					 const char *text, size_t *refused)
{
	const char *confirms[] = {text, NULL};
	struct xp_interlock_request req = {
		.root = &t->root, .target = target, .confirms = confirms};
	struct xp_refusals refusals = {0};
	enum xp_refusal_code code = XP_REFUSED_UNKNOWN;
	struct xp_err err = {0};

	if (xp_interlock_check_confirm(&refusals, &req, &err) != XP_OK)
		fail_msg("%s", err.msg);
	*refused = refusals.n;
	if (refusals.n)
		code = refusals.list[0].code;
	xp_refusals_free(&refusals);
	return code;
}

static void test_confirm_of_one_namespace_is_not_that_of_all(void **state)
{
	struct xp_target target;
	struct xp_err err = {0};
	struct xp_tree t;
	size_t refused;

	(void)state;
	build(&t);
	assert_int_equal(xp_target_resolve(&target, &t.root, "/dev/nvme0n1", &err), XP_OK);
	assert_string_equal(target.confirm, "NV0001:ns=1");
	confirm_with(&t, &target, "NV0001:ns=1", &refused);
	assert_int_equal(refused, 0);
	assert_int_equal(xp_target_confirm_drive(&target, &t.root, &err), XP_OK);
	assert_string_equal(target.confirm, "NV0001:ns=1,2");
	confirm_with(&t, &target, "NV0001:ns=1,2", &refused);
	assert_int_equal(refused, 0);
	assert_int_equal(confirm_with(&t, &target, "NV0001:ns=1", &refused),
			 XP_REFUSED_CONFIRM_MISMATCH);
	assert_int_equal(refused, 1);
	assert_int_equal(confirm_with(&t, &target, "NV0001", &refused),
			 XP_REFUSED_CONFIRM_MISMATCH);
	assert_int_equal(confirm_with(&t, &target, "NV0001:ns=2", &refused),
			 XP_REFUSED_CONFIRM_MISMATCH);
	xp_target_free(&target);
	/* the only namespace of a drive keeps its own */
	assert_int_equal(xp_target_resolve(&target, &t.root, "/dev/nvme1n1", &err), XP_OK);
	assert_int_equal(xp_target_confirm_drive(&target, &t.root, &err), XP_OK);
	assert_string_equal(target.confirm, "NV0002");
	xp_target_free(&target);
	xp_tree_remove(&t);
}

/* The other port of a drive may lead to this host, too: its controller is none of another's. */
static void test_own_controllers_are_not_foreign(void **state)
{
	struct xp_drive_facts facts = {.transport = XP_TRANSPORT_NVME};
	struct xp_nvme_facts *f = &facts.nvme;
	struct xp_tree t;

	(void)state;
	build(&t);
	xp_tree_add(&t, "file sys/devices/pci0000:00/0000:01:00.0/nvme/nvme1/cntlid 7\n"
			"file sys/devices/pci0000:00/0000:02:00.0/nvme/nvme0/cntlid 8\n");
	f->foreign_n = 3;
	f->foreign[0] = 7;
	f->foreign[1] = 8;
	f->foreign[2] = 9;
	snprintf(f->ctrl.serial, sizeof(f->ctrl.serial), "NV0001");
	snprintf(f->ctrl.subnqn, sizeof(f->ctrl.subnqn), "nqn.2019-08.org.example:NV0001");
	xp_probe_own_controllers(&facts, &t.root);
	/* 8 is a controller of this host, but of another drive */
	assert_int_equal(f->foreign_n, 2);
	assert_int_equal(f->foreign[0], 8);
	assert_int_equal(f->foreign[1], 9);
	f->ctrl.subnqn[0] = 0;
	f->foreign[0] = 7;
	xp_probe_own_controllers(&facts, &t.root);
	assert_int_equal(f->foreign_n, 2);
	xp_tree_remove(&t);
}

/* One of the siblings in use is the drive in use. */
static void test_check_namespace_mounted_on_a_sibling_refuses(void **state)
{
	struct xp_target target;
	struct xp_refusals refusals = {0};
	struct xp_interlock_request req = {.target = &target};
	struct xp_err err = {0};
	struct xp_tree t;
	bool mounted = false;

	(void)state;
	build(&t);
	xp_tree_add(&t, "mount 1 70 1 259:2 / /data rw - ext4 /dev/nvme0n2p1 rw\n");
	assert_int_equal(xp_target_resolve(&target, &t.root, "/dev/nvme0n1", &err), XP_OK);
	req.root = &t.root;
	assert_int_equal(xp_interlock_check(&refusals, &req, &err), XP_OK);
	for (size_t i = 0; i < refusals.n; i++)
		mounted = mounted || refusals.list[i].code == XP_REFUSED_MOUNTED;
	assert_true(mounted);
	xp_refusals_free(&refusals);
	xp_target_free(&target);
	xp_tree_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_of_a_sanitize_names_every_namespace),
		cmocka_unit_test(test_plan_of_a_format_follows_what_the_drive_says),
		cmocka_unit_test(test_plan_of_an_overwrite_is_the_target_alone),
		cmocka_unit_test(test_plan_counts_what_it_may_fall_back_to),
		cmocka_unit_test(test_plan_refuses_what_others_hold),
		cmocka_unit_test(test_confirm_of_one_namespace_is_not_that_of_all),
		cmocka_unit_test(test_own_controllers_are_not_foreign),
		cmocka_unit_test(test_check_namespace_mounted_on_a_sibling_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
