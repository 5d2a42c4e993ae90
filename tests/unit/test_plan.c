#include "sanitize/plan.h"

#include "tests/fake/claim_evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* A request with all that it points to. */
struct setting {
	struct xp_target target;
	struct xp_refusals refusals;
	struct xp_capabilities capabilities;
	struct xp_policy *policy;
	struct xp_plan_request req;
	struct xp_plan plan;
	struct xp_err err;
};

static void set_up(struct setting *s, const char *edition, const char *mode)
{
	memset(s, 0, sizeof(*s));
	s->target.kind = XP_TARGET_IMAGE;
	snprintf(s->target.path, sizeof(s->target.path), "disk.img");
	s->target.identity = (struct xp_identity){.media = XP_MEDIA_VIRTUAL,
						  .bus = XP_BUS_FILE,
						  .name = "disk.img",
						  .capacity_bytes = 1ULL << 30,
						  .logical_block_bytes = 1};
	s->policy = claim_policy_load(edition, mode);
	xp_capabilities_host(&s->capabilities, &s->target);
	s->req.target = &s->target;
	s->req.refusals = &s->refusals;
	s->req.capabilities = &s->capabilities;
	s->req.policy = s->policy;
}

static void set_disk(struct setting *s, enum xp_media media, enum xp_bus bus)
{
	static uint8_t answer[512];
	static struct xp_raw raw = {
		.kind = XP_RAW_ATA_IDENTIFY, .data = answer, .len = sizeof(answer)};
	struct xp_identity *id = &s->target.identity;

	s->target.kind = XP_TARGET_DISK;
	snprintf(s->target.path, sizeof(s->target.path), "/dev/sdx");
	snprintf(s->target.node, sizeof(s->target.node), "sdx");
	snprintf(s->target.disk, sizeof(s->target.disk), "sdx");
	*id = (struct xp_identity){.media = media,
				   .bus = bus,
				   .model = "EXAMPLE",
				   .serial = "SN1",
				   .capacity_bytes = 4000000000000,
				   .logical_block_bytes = 512,
				   .raw = &raw,
				   .raw_n = 1};
	xp_capabilities_host(&s->capabilities, &s->target);
	s->capabilities.capacity = (struct xp_capacity_facts){
		.current = id->capacity_bytes,
		.native = id->capacity_bytes,
		.hidden_areas_apply = true,
		.hidden_areas_known = true,
	};
}

static void add_capability(struct setting *s, enum xp_technique t)
{
	s->capabilities.list[s->capabilities.n++] = (struct xp_capability){t, 7200};
}

static void plan(struct setting *s)
{
	if (xp_plan_make(&s->plan, &s->req, &s->err) != XP_OK)
		fail_msg("%s", s->err.msg);
}

static void tear_down(struct setting *s)
{
	xp_plan_free(&s->plan);
	xp_refusals_free(&s->refusals);
	xp_policy_free(&s->policy);
}

static bool radius_has(const struct xp_plan *p, const char *words)
{
	for (size_t i = 0; i < p->blast_radius_n; i++) {
		if (strstr(p->blast_radius[i], words))
			return true;
	}
	return false;
}

static const struct xp_plan_step *find_step(const struct xp_plan *p, const char *action)
{
	for (unsigned i = 0; i < p->steps_n; i++) {
		if (strcmp(p->steps[i].action, action) == 0)
			return &p->steps[i];
	}
	return NULL;
}

static struct setting S;

static void test_plan_image_by_default_is_clear_and_exits_3(void **state)
{
	const char *const order[] = {"identify", "overwrite", "readback", "identify", "record"};

	(void)state;
	set_up(&S, "r2", NULL);
	plan(&S);
	assert_int_equal(S.plan.exit_code, 3);
	assert_true(S.plan.message[0] != 0);
	assert_int_equal(S.plan.technique, XP_OVERWRITE_ZERO);
	assert_int_equal(S.plan.passes, 1);
	assert_int_equal(S.plan.contents[0].kind, XP_CONTENT_ZERO);
	assert_int_equal(S.plan.asked, XP_PURGE);
	assert_int_equal(S.plan.accepted, XP_PURGE);
	assert_int_equal(S.plan.expected.level, XP_CLEAR);
	assert_int_equal(S.plan.expected.scope, XP_SCOPE_LOGICAL_UNIT);
	assert_true(S.plan.expected.not_covered_n > 0);
	assert_int_equal(S.plan.verification.mode, XP_READBACK_SAMPLE);
	assert_int_equal(S.plan.verification.scheme, XP_SAMPLE_SCATTERED);
	assert_int_equal(S.plan.verification.n, 69075);
	assert_in_range(S.plan.verification.bytes, 69075 * 4096ULL, 1ULL << 30);
	assert_int_equal(S.plan.fallbacks_n, 0);
	assert_int_equal(S.plan.steps_n, 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_string_equal(S.plan.steps[i].action, order[i]);
		assert_true(S.plan.steps[i].why[0] != 0);
	}
	assert_true(S.plan.seconds >= 3);
	assert_true(radius_has(&S.plan, "disk.img"));
	assert_true(radius_has(&S.plan, "1073741824"));
	tear_down(&S);
}

static void test_plan_clear_asked_or_accepted_exits_0(void **state)
{
	(void)state;
	set_up(&S, "r2", NULL);
	S.req.has_level = true;
	S.req.level = XP_CLEAR;
	plan(&S);
	assert_int_equal(S.plan.exit_code, 0);
	assert_string_equal(S.plan.message, "");
	tear_down(&S);
	set_up(&S, "r2", NULL);
	S.req.has_accept = true;
	S.req.accept = XP_CLEAR;
	plan(&S);
	assert_int_equal(S.plan.exit_code, 0);
	assert_int_equal(S.plan.asked, XP_PURGE);
	assert_int_equal(S.plan.accepted, XP_CLEAR);
	tear_down(&S);
}

static void test_plan_less_than_asked_without_fallback_is_refused(void **state)
{
	(void)state;
	set_up(&S, "r2", NULL);
	S.req.no_fallback = true;
	plan(&S);
	assert_int_equal(S.plan.exit_code, 4);
	assert_int_equal(S.plan.refusals.n, 1);
	assert_int_equal(S.plan.refusals.list[0].code, XP_REFUSED_LEVEL_UNREACHABLE);
	assert_non_null(strstr(S.plan.message, "not allowed"));
	assert_false(S.plan.has_technique); /* nobody can run it by oversight */
	assert_int_equal(S.plan.steps_n, 0);
	assert_int_equal(S.plan.passes, 0);
	tear_down(&S);
	/* with the level accepted there is nothing to refuse */
	set_up(&S, "r2", NULL);
	S.req.no_fallback = true;
	S.req.has_accept = true;
	S.req.accept = XP_CLEAR;
	plan(&S);
	assert_int_equal(S.plan.exit_code, 0);
	tear_down(&S);
}

static void test_plan_refusals_come_first_and_are_copied(void **state)
{
	(void)state;
	set_up(&S, "r2", NULL);
	assert_int_equal(xp_refusals_add(&S.refusals, NULL, XP_REFUSED_MOUNTED, "umount /mnt",
					 "mounted on %s", "/mnt"),
			 XP_OK);
	S.req.has_technique = true;
	S.req.technique = XP_ATA_SANITIZE_BLOCK; /* not supported either */
	plan(&S);
	assert_int_equal(S.plan.exit_code, 4);
	assert_int_equal(S.plan.refusals.n, 1);
	assert_ptr_not_equal(S.plan.refusals.list, S.refusals.list);
	assert_int_equal(S.plan.refusals.list[0].code, XP_REFUSED_MOUNTED);
	assert_string_equal(S.plan.refusals.list[0].message, "mounted on /mnt");
	assert_string_equal(S.plan.refusals.list[0].remedy, "umount /mnt");
	assert_string_equal(S.plan.message, "mounted on /mnt");
	tear_down(&S);
}

static void test_plan_unsupported_technique_exits_69(void **state)
{
	(void)state;
	set_up(&S, "r2", NULL);
	S.req.has_technique = true;
	S.req.technique = XP_NVME_SANITIZE_CRYPTO;
	plan(&S);
	assert_int_equal(S.plan.exit_code, 69);
	assert_false(S.plan.has_technique);
	assert_int_equal(S.plan.steps_n, 0);
	assert_non_null(strstr(S.plan.message, "nvme-sanitize-crypto"));
	tear_down(&S);
	/* supported, but the policy gives it nothing on this media */
	set_up(&S, "r1", NULL);
	set_disk(&S, XP_MEDIA_USB_FLASH, XP_BUS_USB);
	S.req.has_technique = true;
	S.req.technique = XP_OVERWRITE_RANDOM;
	plan(&S);
	assert_int_equal(S.plan.exit_code, 69);
	assert_non_null(strstr(S.plan.message, "earns nothing"));
	tear_down(&S);
	/* nothing can be done at all */
	set_up(&S, "r2", NULL);
	S.capabilities.n = 0;
	plan(&S);
	assert_int_equal(S.plan.exit_code, 69);
	assert_int_equal(S.plan.expected.level, XP_NONE);
	assert_true(radius_has(&S.plan, "disk.img"));
	tear_down(&S);
}

static void test_plan_disk_takes_what_purges_and_names_its_fallbacks(void **state)
{
	const struct xp_plan_step *command;

	(void)state;
	set_up(&S, "r2", NULL);
	set_disk(&S, XP_MEDIA_HDD, XP_BUS_ATA);
	add_capability(&S, XP_ATA_SECURE_ERASE);
	add_capability(&S, XP_ATA_SANITIZE_OVERWRITE);
	plan(&S);
	assert_int_equal(S.plan.exit_code, 0);
	assert_int_equal(S.plan.technique, XP_ATA_SANITIZE_OVERWRITE);
	assert_int_equal(S.plan.passes, 0);
	assert_int_equal(S.plan.expected.level, XP_PURGE);
	assert_int_equal(S.plan.expected.scope, XP_SCOPE_DRIVE);
	command = find_step(&S.plan, "command");
	assert_true(command && command->seconds == 7200);
	assert_null(find_step(&S.plan, "overwrite"));
	/* overwrite-zero, overwrite-random, ata-secure-erase */
	assert_int_equal(S.plan.fallbacks_n, 3);
	assert_int_equal(S.plan.fallbacks[0], XP_OVERWRITE_ZERO);
	assert_true(radius_has(&S.plan, "serial SN1"));
	assert_true(radius_has(&S.plan, "all namespaces"));
	xp_plan_free(&S.plan);
	S.req.no_fallback = true;
	plan(&S);
	assert_int_equal(S.plan.fallbacks_n, 0);
	assert_int_equal(S.plan.exit_code, 0);
	tear_down(&S);
}

static void test_plan_hidden_area_rules_out_host_writes(void **state)
{
	(void)state;
	set_up(&S, "r2", NULL);
	set_disk(&S, XP_MEDIA_HDD, XP_BUS_ATA);
	S.capabilities.capacity.native += 1 << 20;
	plan(&S);
	assert_int_equal(S.plan.exit_code, 69);
	assert_false(S.plan.has_technique);
	tear_down(&S);
}

static void test_plan_stick_by_r1_has_two_complementary_passes(void **state)
{
	(void)state;
	set_up(&S, "r1", NULL);
	set_disk(&S, XP_MEDIA_USB_FLASH, XP_BUS_USB);
	S.target.identity.raw_n = 0; /* only its bridge answers */
	plan(&S);
	assert_int_equal(S.plan.technique, XP_OVERWRITE_ZERO);
	assert_int_equal(S.plan.passes, 2);
	assert_int_equal(S.plan.contents[0].kind, XP_CONTENT_PATTERN);
	assert_int_equal(S.plan.contents[0].pattern[0], 0xff);
	assert_int_equal(S.plan.contents[1].kind, XP_CONTENT_ZERO);
	assert_int_equal(S.plan.expected.level, XP_CLEAR);
	assert_int_equal(S.plan.expected.scope, XP_SCOPE_LOGICAL_UNIT);
	assert_int_equal(S.plan.verification.scheme, XP_SAMPLE_R1);
	xp_plan_free(&S.plan);
	S.req.has_technique = true;
	S.req.technique = XP_OVERWRITE_PATTERN;
	S.req.pattern[0] = 0x12;
	S.req.pattern[1] = 0x34;
	S.req.pattern_len = 2;
	plan(&S);
	assert_int_equal(S.plan.contents[0].pattern[1], 0xcb);
	assert_int_equal(S.plan.contents[1].pattern[1], 0x34);
	assert_int_equal(S.plan.contents[1].pattern_len, 2);
	tear_down(&S);
}

static void test_plan_verify_wish_strengthens_and_never_weakens(void **state)
{
	(void)state;
	set_up(&S, "r2", NULL);
	S.req.verify = XP_READBACK_FULL;
	plan(&S);
	assert_int_equal(S.plan.verification.mode, XP_READBACK_FULL);
	assert_int_equal(S.plan.verification.bytes, 1ULL << 30);
	assert_int_equal(S.plan.verification.scheme, XP_SAMPLE_NONE);
	tear_down(&S);
	set_up(&S, "r2", "full");
	S.req.verify = XP_READBACK_SAMPLE;
	plan(&S);
	assert_int_equal(S.plan.verification.mode, XP_READBACK_FULL);
	tear_down(&S);
	set_up(&S, "r2", "none");
	plan(&S);
	assert_int_equal(S.plan.verification.mode, XP_READBACK_NONE);
	assert_null(find_step(&S.plan, "readback"));
	xp_plan_free(&S.plan);
	S.req.verify = XP_READBACK_SAMPLE; /* the policy names no scheme */
	plan(&S);
	assert_int_equal(S.plan.verification.scheme, XP_SAMPLE_SCATTERED);
	assert_int_equal(S.plan.verification.n, 69075);
	tear_down(&S);
}

static void test_plan_radius_names_partition_nodes_and_contents(void **state)
{
	const char *const nodes[] = {"/dev/sdx1: partition 1", "/dev/sg3: the same drive", NULL};

	(void)state;
	set_up(&S, "r2", NULL);
	set_disk(&S, XP_MEDIA_SSD, XP_BUS_ATA);
	S.req.nodes = nodes;
	snprintf(S.target.signatures, sizeof(S.target.signatures), "gpt\next4 label=home\n");
	plan(&S);
	assert_int_equal(S.plan.blast_radius_n, 5);
	assert_true(radius_has(&S.plan, "/dev/sg3"));
	assert_true(radius_has(&S.plan, "on it: gpt"));
	assert_true(radius_has(&S.plan, "on it: ext4 label=home"));
	xp_plan_free(&S.plan);
	S.target.kind = XP_TARGET_PARTITION;
	snprintf(S.target.node, sizeof(S.target.node), "sdx2");
	S.target.identity.partition = 2;
	S.target.identity.partition_start = 1048576;
	plan(&S);
	assert_true(radius_has(&S.plan, "/dev/sdx2: partition 2 of /dev/sdx"));
	assert_int_equal(S.plan.expected.scope, XP_SCOPE_PARTITION);
	tear_down(&S);
}

/* Scattered reads cost a disk a seek each; a small disk is read whole, and costs none. */
static void test_plan_readback_of_a_small_disk_seeks_nowhere(void **state)
{
	const struct xp_plan_step *step;

	(void)state;
	set_up(&S, "r2", NULL);
	set_disk(&S, XP_MEDIA_HDD, XP_BUS_ATA);
	plan(&S);
	step = find_step(&S.plan, "readback");
	assert_true(step && step->seconds > 100);
	xp_plan_free(&S.plan);
	S.target.identity.capacity_bytes = 32 << 20;
	plan(&S);
	step = find_step(&S.plan, "readback");
	assert_true(step && step->seconds < 10);
	tear_down(&S);
}

static void test_plan_senseless_wish_is_a_usage_error(void **state)
{
	(void)state;
	set_up(&S, "r2", NULL);
	S.req.pattern_len = 1; /* for which technique? */
	assert_int_equal(xp_plan_make(&S.plan, &S.req, &S.err), XP_E_USAGE);
	S.req.pattern_len = 0;
	S.req.has_technique = true;
	S.req.technique = XP_OVERWRITE_PATTERN; /* which pattern? */
	assert_int_equal(xp_plan_make(&S.plan, &S.req, &S.err), XP_E_USAGE);
	S.req.pattern_len = XP_PATTERN_MAX + 1;
	assert_int_equal(xp_plan_make(&S.plan, &S.req, &S.err), XP_E_USAGE);
	S.req.has_technique = false;
	S.req.pattern_len = 0;
	S.req.has_level = S.req.has_accept = true;
	S.req.level = XP_CLEAR;
	S.req.accept = XP_PURGE;
	assert_int_equal(xp_plan_make(&S.plan, &S.req, &S.err), XP_E_USAGE);
	S.req.has_accept = false;
	S.req.level = XP_NONE;
	assert_int_equal(xp_plan_make(&S.plan, &S.req, &S.err), XP_E_USAGE);
	tear_down(&S);
}

/* Whatever can be wished: what the plan promises is what the claim's rules give. */
static void test_plan_promise_is_the_expected_claim(void **state)
{
	static const enum xp_media media[] = {XP_MEDIA_HDD, XP_MEDIA_SSD, XP_MEDIA_UNKNOWN,
					      XP_MEDIA_USB_FLASH};

	(void)state;
	for (unsigned m = 0; m < 4; m++) {
		for (unsigned t = 0; t < XP_TECHNIQUE_COUNT; t++) {
			static struct xp_claim c;

			set_up(&S, t % 2 ? "r1" : "r2", NULL);
			set_disk(&S, media[m], XP_BUS_ATA);
			if (!xp_technique_is_host_overwrite((enum xp_technique)t))
				add_capability(&S, (enum xp_technique)t);
			S.req.has_technique = true;
			S.req.technique = (enum xp_technique)t;
			S.req.pattern_len = t == XP_OVERWRITE_PATTERN;
			plan(&S);
			xp_claim_expect_with(&c, &S.target.identity, &S.capabilities.capacity,
					     (enum xp_technique)t,
					     xp_policy_overwrite_passes(S.policy, media[m]),
					     S.policy);
			assert_int_equal(S.plan.expected.level, c.level);
			/* a file may be overwritten though nothing can be claimed of its place */
			assert_int_equal(S.plan.exit_code,
					 c.level == XP_NONE && t != XP_FILE_OVERWRITE ? 69
					 : c.level < XP_PURGE			      ? 3
										      : 0);
			tear_down(&S);
		}
	}
}

static bool step_has(const struct xp_plan *p, const char *action, const char *text)
{
	for (unsigned i = 0; i < p->steps_n; i++)
		if (strcmp(p->steps[i].action, action) == 0 && strstr(p->steps[i].why, text))
			return true;
	return false;
}

/* What differs from block to block cannot be told once. */
static void test_plan_tells_of_write_same(void **state)
{
	(void)state;
	set_up(&S, "r2", NULL);
	set_disk(&S, XP_MEDIA_HDD, XP_BUS_SAS);
	S.capabilities.writes_same = true;
	S.req.has_technique = true;
	S.req.technique = XP_OVERWRITE_ZERO;
	plan(&S);
	assert_true(step_has(&S.plan, "overwrite", "WRITE SAME"));
	xp_plan_free(&S.plan);
	S.req.technique = XP_OVERWRITE_RANDOM;
	plan(&S);
	assert_false(step_has(&S.plan, "overwrite", "WRITE SAME"));
	xp_plan_free(&S.plan);
	S.req.technique = XP_OVERWRITE_PATTERN;
	S.req.pattern_len = 3;
	plan(&S);
	assert_false(step_has(&S.plan, "overwrite", "WRITE SAME"));
	tear_down(&S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_image_by_default_is_clear_and_exits_3),
		cmocka_unit_test(test_plan_clear_asked_or_accepted_exits_0),
		cmocka_unit_test(test_plan_less_than_asked_without_fallback_is_refused),
		cmocka_unit_test(test_plan_refusals_come_first_and_are_copied),
		cmocka_unit_test(test_plan_unsupported_technique_exits_69),
		cmocka_unit_test(test_plan_disk_takes_what_purges_and_names_its_fallbacks),
		cmocka_unit_test(test_plan_hidden_area_rules_out_host_writes),
		cmocka_unit_test(test_plan_stick_by_r1_has_two_complementary_passes),
		cmocka_unit_test(test_plan_verify_wish_strengthens_and_never_weakens),
		cmocka_unit_test(test_plan_radius_names_partition_nodes_and_contents),
		cmocka_unit_test(test_plan_readback_of_a_small_disk_seeks_nowhere),
		cmocka_unit_test(test_plan_senseless_wish_is_a_usage_error),
		cmocka_unit_test(test_plan_promise_is_the_expected_claim),
		cmocka_unit_test(test_plan_tells_of_write_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
