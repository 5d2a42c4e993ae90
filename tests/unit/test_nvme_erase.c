/*
 * Sanitize on emulated NVMe drives, whole attempts through the engine: what may be said afterwards,
 * and what a laboratory would find on the medium.
 */
#include "base/cleanup.h"
#include "tests/fake/claim_evidence.h"
#include "tests/fake/nvme_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const enum xp_technique sanitizes[] = {XP_NVME_SANITIZE_CRYPTO, XP_NVME_SANITIZE_BLOCK,
					      XP_NVME_SANITIZE_OVERWRITE};

static void test_sanitize_each_action_earns_purge(void **state)
{
	struct emu_nvme_config one = emu_nvme_ssd(NVME_RIG_BYTES);
	struct emu_nvme_config many = emu_nvme_many(NVME_RIG_BYTES);

	(void)state;
	many.ns[1].attached = 1; /* nobody else has it */
	for (size_t i = 0; i < XP_ARRAY_LEN(sanitizes); i++) {
		one.no_deallocate_inhibited = false;
		nvme_rig_run_well(&one, sanitizes[i], XP_PURGE, XP_SCOPE_DRIVE);
		one.no_deallocate_inhibited = true;
		nvme_rig_run_well(&one, sanitizes[i], XP_PURGE, XP_SCOPE_DRIVE);
		nvme_rig_run_well(&many, sanitizes[i], XP_PURGE, XP_SCOPE_DRIVE);
	}
}

static void test_sanitize_in_every_format(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);

	(void)state;
	for (uint8_t format = 0; format < cfg.formats_n; format++) {
		cfg.ns[0].format = format;
		cfg.ns[0].protection = cfg.formats[format].metadata_bytes == 8;
		for (size_t i = 0; i < XP_ARRAY_LEN(sanitizes); i++)
			nvme_rig_run_well(&cfg, sanitizes[i], XP_PURGE, XP_SCOPE_DRIVE);
	}
}

/* What was sent: NDAS where blocks can be read afterwards. */
static uint32_t nvme_rig_word_sent(void)
{
	const uint8_t *sqe = nvme_lab.ev.phases[1].command.cdb;

	return (uint32_t)sqe[40] | (uint32_t)sqe[41] << 8 | (uint32_t)sqe[42] << 16 |
	       (uint32_t)sqe[43] << 24;
}

static void test_sanitize_keeps_blocks_readable_where_it_can(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	nvme_rig_make(&r, &cfg);
	nvme_rig_run(&r, XP_NVME_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(nvme_rig_word_sent(), 0x202);
	nvme_rig_free(&r);
	cfg.no_deallocate_inhibited = true;
	nvme_rig_make(&r, &cfg);
	nvme_rig_run(&r, XP_NVME_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(nvme_rig_word_sent(), 0x002);
	nvme_rig_free(&r);
	/* blocks with protection whose guards are gone cannot be read */
	cfg.no_deallocate_inhibited = false;
	cfg.ns[0].format = 1;
	cfg.ns[0].protection = 1;
	nvme_rig_make(&r, &cfg);
	nvme_rig_run(&r, XP_NVME_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(nvme_rig_word_sent(), 0x002);
	nvme_rig_free(&r);
}

/* An older success in the log, of the very same command: ours is told from it. */
static void test_sanitize_is_told_from_an_older_one(void **state)
{
	static const uint32_t older[] = {0x204, 0x202, 0x213};
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(sanitizes); i++) {
		for (unsigned is_written = 0; is_written < 2; is_written++) {
			nvme_rig_make(&r, &cfg);
			assert_int_equal(emu_nvme_ask_sanitize(r.slot.drive, older[i], 0), 0);
			emu_time_pass(&r.time, 3600 * EMU_S);
			emu_nvme_stain(r.slot.drive);
			if (is_written) {
				uint8_t block[512] = {1};

				assert_int_equal(emu_nvme_ask_write(r.slot.drive, 1, 0, block,
								    sizeof(block)),
						 0);
			}
			assert_int_equal(nvme_rig_run(&r, sanitizes[i], XP_OK)->level, XP_PURGE);
			assert_int_not_equal(nvme_rig_word_sent(), older[i]);
			nvme_rig_free(&r);

			/* and where nothing is done, nothing is claimed */
			nvme_rig_make(&r, &cfg);
			assert_int_equal(emu_nvme_ask_sanitize(r.slot.drive, older[i], 0), 0);
			emu_time_pass(&r.time, 3600 * EMU_S);
			emu_nvme_stain(r.slot.drive);
			emu_nvme_faults(r.slot.drive)->sanitize_ignored = true;
			nvme_rig_run(&r, sanitizes[i], XP_OK);
			assert_int_equal(nvme_claim.level, XP_NONE);
			assert_int_equal(nvme_claim.outcome, XP_OUTCOME_INDETERMINATE);
			assert_true(claim_has_reason(&nvme_claim, "completion-unproven"));
			nvme_rig_free(&r);
		}
	}
}

static void test_sanitize_that_is_ignored_claims_nothing(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	nvme_rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->sanitize_ignored = true;
	nvme_rig_run(&r, XP_NVME_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(nvme_claim.level, XP_NONE);
	assert_int_equal(nvme_claim.outcome, XP_OUTCOME_INDETERMINATE);
	nvme_rig_free(&r);
}

static void test_sanitize_stall_is_indeterminate(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	nvme_rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->sanitize_stalls_at = 20000;
	nvme_rig_run(&r, XP_NVME_SANITIZE_BLOCK, XP_E_TIMEOUT);
	assert_int_equal(nvme_claim.level, XP_NONE);
	assert_int_equal(nvme_claim.outcome, XP_OUTCOME_INDETERMINATE);
	assert_true(claim_has_reason(&nvme_claim, "stalled"));
	nvme_rig_free(&r);
}

static void test_sanitize_failure_is_told_and_another_one_leads_out(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	nvme_rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->sanitize_fails_at = 30000;
	nvme_rig_run(&r, XP_NVME_SANITIZE_BLOCK, XP_E_DEVICE);
	assert_int_equal(nvme_claim.level, XP_NONE);
	assert_int_equal(nvme_claim.outcome, XP_OUTCOME_FAILED);
	assert_true(claim_has_reason(&nvme_claim, "completion-failed"));
	assert_non_null(strstr(nvme_lab.err.msg, "failure state"));
	assert_int_equal(emu_nvme_sanitize_state(r.slot.drive), EMU_NVME_RESTRICTED_FAILURE);
	emu_nvme_faults(r.slot.drive)->sanitize_fails_at = 0;
	nvme_rig_begin(&r, 1);
	assert_int_equal(nvme_rig_run(&r, XP_NVME_SANITIZE_CRYPTO, XP_OK)->level, XP_PURGE);
	nvme_rig_free(&r);
}

/* FFFFh as progress is read with the status, never without it. */
static void test_sanitize_without_progress_is_seen_through(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	nvme_rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->progress_lost = true;
	assert_int_equal(nvme_rig_run(&r, XP_NVME_SANITIZE_OVERWRITE, XP_OK)->level, XP_PURGE);
	assert_true(r.time.now_ns > 600 * EMU_S);
	nvme_rig_free(&r);
}

static void test_sanitize_success_that_makes_progress_is_waited_for(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	nvme_rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->success_early = true;
	assert_int_equal(nvme_rig_run(&r, XP_NVME_SANITIZE_BLOCK, XP_OK)->level, XP_PURGE);
	assert_true(r.time.now_ns > 60 * EMU_S);
	nvme_rig_free(&r);
}

static void test_sanitize_without_its_log_is_not_begun(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	nvme_rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->log_refused = true;
	nvme_rig_run(&r, XP_NVME_SANITIZE_BLOCK, XP_E_DEVICE);
	assert_int_equal(nvme_claim.level, XP_NONE);
	assert_false(nvme_lab.was_noted[XP_COMMAND_SENT]);
	erase_lab_ask(&nvme_lab);
	assert_true(nvme_lab.capabilities.obstacles_n == 3);
	nvme_rig_free(&r);
}

static void test_sanitize_prohibited_is_refused(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	cfg.has_memory_region = true;
	nvme_rig_make(&r, &cfg);
	emu_nvme_faults(r.slot.drive)->memory_region_enabled = true;
	nvme_rig_run(&r, XP_NVME_SANITIZE_BLOCK, XP_E_DEVICE);
	assert_int_equal(nvme_claim.level, XP_NONE);
	assert_int_equal(nvme_claim.outcome, XP_OUTCOME_FAILED);
	assert_true(claim_has_reason(&nvme_claim, "command-aborted"));
	nvme_rig_free(&r);
}

static void test_sanitize_of_others_is_waited_for_and_ours_follows(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	nvme_rig_make(&r, &cfg);
	assert_int_equal(emu_nvme_ask_sanitize(r.slot.drive, 0x202, 0), 0);
	nvme_rig_run(&r, XP_NVME_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(nvme_claim.level, XP_PURGE);
	assert_true(r.time.now_ns > 120 * EMU_S);
	nvme_rig_free(&r);
	/* cancelled while it is waited for: nothing is ours */
	nvme_rig_make(&r, &cfg);
	assert_int_equal(emu_nvme_ask_sanitize(r.slot.drive, 0x202, 0), 0);
	nvme_lab.cancel_at = 8;
	nvme_rig_run(&r, XP_NVME_SANITIZE_BLOCK, XP_E_CANCELLED);
	assert_int_equal(nvme_claim.level, XP_NONE);
	assert_false(nvme_lab.was_noted[XP_COMMAND_SENT]);
	nvme_rig_free(&r);
}

static void reset_controller(void *ctx)
{
	struct nvme_rig *r = ctx;

	emu_nvme_reset(r->slot.drive, 0);
}

static void test_sanitize_of_others_that_waits_to_be_verified_is_ended(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	cfg.has_media_verification = true;
	nvme_rig_make(&r, &cfg);
	assert_int_equal(emu_nvme_ask_sanitize(r.slot.drive, 0x404, 0), 0); /* crypto, EMVS */
	emu_time_pass(&r.time, 10 * EMU_S);
	assert_int_equal(emu_nvme_sanitize_state(r.slot.drive), EMU_NVME_VERIFICATION);
	nvme_rig_run(&r, XP_NVME_SANITIZE_BLOCK, XP_OK);
	assert_int_equal(nvme_claim.level, XP_PURGE);
	assert_int_equal(emu_nvme_ask_log81(r.slot.drive).scdw10 & 7, 2);
	nvme_rig_free(&r);
}

static void test_sanitize_survives_controller_resets(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(sanitizes); i++) {
		nvme_rig_make(&r, &cfg);
		nvme_lab.on_wait = reset_controller;
		nvme_lab.on_wait_ctx = &r;
		assert_int_equal(nvme_rig_run(&r, sanitizes[i], XP_OK)->level, XP_PURGE);
		nvme_rig_free(&r);
	}
}

/* Another host may be behind the second controller: its data would go, too. */
static void test_sanitize_namespaces_of_other_controllers_are_in_the_way(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_many(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	nvme_rig_make(&r, &cfg);
	erase_lab_ask(&nvme_lab);
	for (unsigned i = 0; i < nvme_lab.capabilities.n; i++)
		for (size_t k = 0; k < XP_ARRAY_LEN(sanitizes); k++)
			assert_int_not_equal(nvme_lab.capabilities.list[i].technique, sanitizes[k]);
	assert_int_equal(nvme_lab.capabilities.obstacles_n, 3);
	assert_int_equal(nvme_lab.capabilities.obstacles[0].code, XP_REFUSED_SHARED_CONTROLLER);
	assert_int_equal(nvme_lab.facts.nvme.foreign_n, 1);
	assert_int_equal(nvme_lab.facts.nvme.foreign[0], 2);
	nvme_rig_free(&r);
}

static void test_drive_that_goes_claims_nothing(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct nvme_rig r;

	(void)state;
	for (uint32_t after = 1; after < 60; after++) {
		nvme_rig_make(&r, &cfg);
		emu_nvme_faults(r.slot.drive)->vanishes_after = after;
		if (erase_lab_take(&nvme_lab, XP_NVME_SANITIZE_BLOCK) == XP_OK) {
			nvme_rig_claim_of(&r);
		} else {
			nvme_claim = *erase_lab_claim(&nvme_lab);
			assert_int_equal(nvme_claim.level, XP_NONE);
		}
		nvme_rig_free(&r);
	}
}

static void test_drive_swapped_claims_nothing(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(NVME_RIG_BYTES);
	struct emu_nvme *other;
	struct nvme_rig r;

	(void)state;
	for (uint64_t at = 1; at < 60; at++) {
		struct emu_nvme *first;

		nvme_rig_make(&r, &cfg);
		first = r.slot.drive;
		memcpy(cfg.serial, "OTHER000001", 12);
		other = emu_nvme_new(&cfg, &r.time);
		cfg = emu_nvme_ssd(NVME_RIG_BYTES);
		assert_non_null(other);
		assert_int_equal(emu_nvme_ask_sanitize(other, 0x202, 0), 0);
		emu_time_pass(&r.time, 100 * EMU_S);
		nvme_lab.cut = LAB_KILL;
		nvme_lab.cut_at = at;
		erase_lab_take(&nvme_lab, XP_NVME_SANITIZE_BLOCK);
		if (nvme_lab.dead) {
			/* the next take finds another drive in the slot */
			r.slot.drive = other;
			assert_int_equal(erase_lab_take(&nvme_lab, XP_NVME_SANITIZE_BLOCK),
					 XP_E_REFUSED);
			nvme_claim = *erase_lab_claim(&nvme_lab);
			assert_int_equal(nvme_claim.level, XP_NONE);
		}
		r.slot.drive = first;
		emu_nvme_free(&other);
		nvme_rig_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sanitize_each_action_earns_purge),
		cmocka_unit_test(test_sanitize_in_every_format),
		cmocka_unit_test(test_sanitize_keeps_blocks_readable_where_it_can),
		cmocka_unit_test(test_sanitize_is_told_from_an_older_one),
		cmocka_unit_test(test_sanitize_that_is_ignored_claims_nothing),
		cmocka_unit_test(test_sanitize_stall_is_indeterminate),
		cmocka_unit_test(test_sanitize_failure_is_told_and_another_one_leads_out),
		cmocka_unit_test(test_sanitize_without_progress_is_seen_through),
		cmocka_unit_test(test_sanitize_success_that_makes_progress_is_waited_for),
		cmocka_unit_test(test_sanitize_without_its_log_is_not_begun),
		cmocka_unit_test(test_sanitize_prohibited_is_refused),
		cmocka_unit_test(test_sanitize_of_others_is_waited_for_and_ours_follows),
		cmocka_unit_test(test_sanitize_of_others_that_waits_to_be_verified_is_ended),
		cmocka_unit_test(test_sanitize_survives_controller_resets),
		cmocka_unit_test(test_sanitize_namespaces_of_other_controllers_are_in_the_way),
		cmocka_unit_test(test_drive_that_goes_claims_nothing),
		cmocka_unit_test(test_drive_swapped_claims_nothing),
	};

	return cmocka_run_group_tests(tests, nvme_rig_setup, nvme_rig_teardown);
}
