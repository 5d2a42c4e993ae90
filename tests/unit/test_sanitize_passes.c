/*
 * Passes, inversion and pattern of a drive's own overwrite: from the policy and the command line
 * through the plan to the command, and what becomes of the claim where the command had fewer.
 */
#include "base/cleanup.h"
#include "sanitize/plan.h"
#include "tests/emu/drive_scsi.h"
#include "tests/fake/ata_rig.h"
#include "tests/fake/claim_evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS	  2048
#define CDB_COUNT 6 /* COUNT(7:0) of ATA PASS-THROUGH (16) */

/* The policy r2 with a key more. */
static enum xp_rc policy_with(struct xp_policy **out, const char *more, struct xp_err *err)
{
	struct xp_policy *own = claim_policy_load("r2", NULL);
	AUTO_MEM char *text = NULL;
	size_t len = 0;
	const char *json = xp_policy_json(own, &len);

	assert_true(asprintf(&text, "{%s, %.*s", more, (int)(len - 1), json + 1) > 0);
	xp_policy_free(&own);
	return xp_policy_parse(out, text, strlen(text), err);
}

static void test_policy_overwrite_is_read(void **state)
{
	AUTO(xp_policy_free) struct xp_policy *plain = claim_policy_load("r2", NULL);
	AUTO(xp_policy_free) struct xp_policy *p = NULL;
	struct xp_sanitize_overwrite o = xp_policy_sanitize_overwrite(plain);

	(void)state;
	assert_int_equal(o.passes, 1);
	assert_false(o.inverts);
	assert_int_equal(policy_with(&p, "\"overwrite\": {\"passes\": 3, \"invert\": true}", NULL),
			 XP_OK);
	o = xp_policy_sanitize_overwrite(p);
	assert_int_equal(o.passes, 3);
	assert_true(o.inverts);
	assert_memory_equal(o.pattern, "\0\0\0\0", 4);
}

static void test_policy_overwrite_wrong_is_refused(void **state)
{
	static const struct {
		const char *more, *says;
	} rows[] = {
		{"\"overwrite\": 3", "no object"},
		{"\"overwrite\": {}", "lacks \"passes\""},
		{"\"overwrite\": {\"passes\": 0}", "1 to 16"},
		{"\"overwrite\": {\"passes\": 17}", "1 to 16"},
		{"\"overwrite\": {\"passes\": \"3\"}", "1 to 16"},
		{"\"overwrite\": {\"passes\": 2, \"invert\": 1}", "neither true"},
		{"\"overwrite\": {\"passes\": 1, \"invert\": true}", "nothing to invert"},
		{"\"overwrite\": {\"passes\": 2, \"pattern\": \"00\"}", "unknown key"},
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++) {
		struct xp_policy *p = NULL;
		struct xp_err err = {0};

		assert_int_equal(policy_with(&p, rows[i].more, &err), XP_E_MALFORMED);
		assert_null(p);
		if (!strstr(err.msg, rows[i].says))
			fail_msg("%s: says \"%s\"", rows[i].more, err.msg);
	}
}

/* --- the plan --- */

struct setting {
	struct xp_target target;
	struct xp_refusals refusals;
	struct xp_capabilities capabilities;
	struct xp_plan_request req;
	struct xp_plan plan;
	struct xp_raw raw;
	uint8_t answer[512];
	struct xp_err err;
};

static void set_up(struct setting *s, const struct xp_policy *policy)
{
	*s = (struct setting){
		.target = {.kind = XP_TARGET_DISK,
			   .path = "/dev/sdx",
			   .node = "sdx",
			   .disk = "sdx",
			   .identity = {.media = XP_MEDIA_HDD,
					.bus = XP_BUS_ATA,
					.model = "EXAMPLE",
					.serial = "SN1",
					.capacity_bytes = 4000000000000,
					.logical_block_bytes = 512}},
	};
	s->raw = (struct xp_raw){.kind = XP_RAW_ATA_IDENTIFY, .data = s->answer, .len = 512};
	s->target.identity.raw = &s->raw;
	s->target.identity.raw_n = 1;
	xp_capabilities_host(&s->capabilities, &s->target);
	s->capabilities.list[s->capabilities.n++] =
		(struct xp_capability){XP_ATA_SANITIZE_OVERWRITE, 7200};
	s->req = (struct xp_plan_request){
		.target = &s->target,
		.refusals = &s->refusals,
		.capabilities = &s->capabilities,
		.policy = policy,
		.has_technique = true,
		.technique = XP_ATA_SANITIZE_OVERWRITE,
	};
}

static const struct xp_plan_step *command_step(const struct xp_plan *p)
{
	for (unsigned i = 0; i < p->steps_n; i++)
		if (strcmp(p->steps[i].action, "command") == 0)
			return &p->steps[i];
	abort();
}

static void test_plan_overwrite_tells_passes_and_pattern(void **state)
{
	AUTO(xp_policy_free) struct xp_policy *p = NULL;
	AUTO_MEM struct setting *s = calloc(1, sizeof(*s));

	(void)state;
	assert_non_null(s);
	assert_int_equal(policy_with(&p, "\"overwrite\": {\"passes\": 3, \"invert\": true}", NULL),
			 XP_OK);
	set_up(s, p);
	s->req.pattern[0] = 0xa5;
	s->req.pattern_len = 1;
	assert_int_equal(xp_plan_make(&s->plan, &s->req, &s->err), XP_OK);
	assert_int_equal(s->plan.overwrite.passes, 3);
	assert_true(s->plan.overwrite.inverts);
	assert_memory_equal(s->plan.overwrite.pattern, "\xa5\xa5\xa5\xa5", 4);
	assert_non_null(strstr(command_step(&s->plan)->why, "3 passes"));
	assert_non_null(strstr(command_step(&s->plan)->why, "complement"));
	assert_non_null(strstr(command_step(&s->plan)->why, "a5a5a5a5"));
	assert_int_equal(command_step(&s->plan)->seconds, 3 * 7200);
	xp_plan_free(&s->plan);
	memcpy(s->req.pattern, "\x01\x02\x03\x04", 4);
	s->req.pattern_len = 4;
	assert_int_equal(xp_plan_make(&s->plan, &s->req, &s->err), XP_OK);
	assert_memory_equal(s->plan.overwrite.pattern, "\x01\x02\x03\x04", 4);
	xp_plan_free(&s->plan);
}

static void test_plan_pattern_that_does_not_fit_is_refused(void **state)
{
	AUTO(xp_policy_free) struct xp_policy *p = claim_policy_load("r2", NULL);
	AUTO_MEM struct setting *s = calloc(1, sizeof(*s));

	(void)state;
	assert_non_null(s);
	set_up(s, p);
	for (uint32_t len = 2; len <= 8; len++) {
		s->req.pattern_len = len;
		if (len == 4)
			continue;
		assert_int_equal(xp_plan_make(&s->plan, &s->req, &s->err), XP_E_USAGE);
		xp_plan_free(&s->plan);
	}
	s->req.pattern_len = 4;
	s->req.has_technique = false; /* who would take it? */
	assert_int_equal(xp_plan_make(&s->plan, &s->req, &s->err), XP_E_USAGE);
	xp_plan_free(&s->plan);
	s->req.has_technique = true;
	s->req.technique = XP_ATA_SANITIZE_CRYPTO;
	assert_int_equal(xp_plan_make(&s->plan, &s->req, &s->err), XP_E_USAGE);
	xp_plan_free(&s->plan);
}

/* --- the claim --- */

static struct xp_phase *erase_phase(void)
{
	for (size_t i = 0; i < erase_lab.ev.n; i++)
		if (erase_lab.ev.phases[i].kind == XP_PHASE_ERASE)
			return &erase_lab.ev.phases[i];
	abort();
}

static void run_with(unsigned passes, bool inverts)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct ata_rig r;

	if (!erase_lab.permit)
		skip();
	ata_rig_make(&r, &erase_lab, &cfg);
	erase_lab.overwrite = (struct xp_sanitize_overwrite){.passes = passes, .inverts = inverts};
	assert_int_equal(erase_lab_take(&erase_lab, XP_ATA_SANITIZE_OVERWRITE), XP_OK);
	ata_rig_free(&r);
}

static void test_claim_fewer_passes_than_the_policy_earn_nothing(void **state)
{
	AUTO(xp_policy_free) struct xp_policy *p = NULL;
	AUTO_MEM struct xp_claim *c = calloc(1, sizeof(*c));

	(void)state;
	assert_non_null(c);
	assert_int_equal(policy_with(&p, "\"overwrite\": {\"passes\": 3, \"invert\": true}", NULL),
			 XP_OK);
	run_with(3, true);
	xp_claim_compute(c, &erase_lab.ev, p);
	assert_false(claim_has_reason(c, "passes-fewer"));
	assert_false(claim_has_reason(c, "passes-not-inverted"));
	/* what the command block does not show was not done */
	erase_phase()->command.cdb[CDB_COUNT] &= 0x7f;
	xp_claim_compute(c, &erase_lab.ev, p);
	assert_true(claim_has_reason(c, "passes-not-inverted"));
	assert_int_equal(c->level, XP_NONE);
	run_with(2, true);
	xp_claim_compute(c, &erase_lab.ev, p);
	assert_true(claim_has_reason(c, "passes-fewer"));
	assert_int_equal(c->level, XP_NONE);
	run_with(3, false);
	xp_claim_compute(c, &erase_lab.ev, p);
	assert_true(claim_has_reason(c, "passes-not-inverted"));
	assert_int_equal(c->level, XP_NONE);
}

/* A SCSI drive's inversion stands in the parameter list. */
static void test_claim_scsi_inversion_is_read_from_its_list(void **state)
{
	AUTO(xp_policy_free) struct xp_policy *p = NULL;
	AUTO_MEM struct xp_claim *c = calloc(1, sizeof(*c));
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct emu_time time = {.epoch_s = 1800000000};

	(void)state;
	if (!erase_lab.permit)
		skip();
	assert_non_null(c);
	assert_int_equal(policy_with(&p, "\"overwrite\": {\"passes\": 2, \"invert\": true}", NULL),
			 XP_OK);
	for (int inverts = 0; inverts < 2; inverts++) {
		struct emu_scsi_bay bay = {.drive = emu_scsi_new(&cfg, &time)};

		assert_non_null(bay.drive);
		erase_lab_begin(&erase_lab, emu_scsi_unit(&bay), XP_BUS_SAS);
		erase_lab.kernel_bytes = SECTORS * 512;
		erase_lab.kernel_block_bytes = erase_lab.kernel_physical_bytes = 512;
		erase_lab.overwrite =
			(struct xp_sanitize_overwrite){.passes = 2, .inverts = inverts};
		assert_int_equal(erase_lab_take(&erase_lab, XP_SCSI_SANITIZE_OVERWRITE), XP_OK);
		xp_claim_compute(c, &erase_lab.ev, p);
		assert_int_equal(claim_has_reason(c, "passes-not-inverted"), !inverts);
		assert_false(claim_has_reason(c, "passes-fewer"));
		emu_scsi_free(&bay.drive);
	}
	/* what the host says of it without the list is no evidence */
	xp_raws_free(&erase_phase()->command.before, &erase_phase()->command.before_n);
	erase_phase()->command.overwrite_passes = 9;
	xp_claim_compute(c, &erase_lab.ev, p);
	assert_true(claim_has_reason(c, "passes-not-inverted"));
	assert_true(claim_has_reason(c, "passes-fewer"));
}

static void test_policy_deallocation_is_read(void **state)
{
	AUTO(xp_policy_free) struct xp_policy *p = NULL;
	AUTO(xp_policy_free) struct xp_policy *plain = claim_policy_load("r2", NULL);
	AUTO(xp_policy_free) struct xp_policy *bad = NULL;

	(void)state;
	assert_false(xp_policy_sanitize_overwrite(plain).deallocates);
	assert_int_equal(policy_with(&p, "\"deallocate_after_sanitize\": true", NULL), XP_OK);
	assert_true(xp_policy_sanitize_overwrite(p).deallocates);
	assert_int_equal(xp_policy_sanitize_overwrite(p).passes, 1);
	assert_int_equal(policy_with(&bad, "\"deallocate_after_sanitize\": 1", NULL),
			 XP_E_MALFORMED);
}

static void test_plan_pattern_goes_to_every_family(void **state)
{
	static const enum xp_technique list[] = {XP_SCSI_SANITIZE_OVERWRITE,
						 XP_NVME_SANITIZE_OVERWRITE};
	AUTO(xp_policy_free) struct xp_policy *p = claim_policy_load("r2", NULL);
	AUTO_MEM struct setting *s = calloc(1, sizeof(*s));

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < XP_ARRAY_LEN(list); i++) {
		set_up(s, p);
		s->capabilities.list[s->capabilities.n++] = (struct xp_capability){list[i], 60};
		s->req.technique = list[i];
		memcpy(s->req.pattern, "\x01\x02\x03\x04", 4);
		s->req.pattern_len = 4;
		assert_int_equal(xp_plan_make(&s->plan, &s->req, &s->err), XP_OK);
		assert_memory_equal(s->plan.overwrite.pattern, "\x01\x02\x03\x04", 4);
		xp_plan_free(&s->plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_overwrite_is_read),
		cmocka_unit_test(test_policy_overwrite_wrong_is_refused),
		cmocka_unit_test(test_plan_overwrite_tells_passes_and_pattern),
		cmocka_unit_test(test_plan_pattern_that_does_not_fit_is_refused),
		cmocka_unit_test(test_claim_fewer_passes_than_the_policy_earn_nothing),
		cmocka_unit_test(test_claim_scsi_inversion_is_read_from_its_list),
		cmocka_unit_test(test_policy_deallocation_is_read),
		cmocka_unit_test(test_plan_pattern_goes_to_every_family),
	};

	return cmocka_run_group_tests(tests, erase_lab_setup, erase_lab_teardown);
}
