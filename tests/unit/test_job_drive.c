/* Whole jobs on an emulated ATA drive, in one take. */
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/job_journal.h"
#include "tests/fake/job_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* --- tests --- */

static void test_job_ssd_crypto_purges_the_drive(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);
	const struct xp_phase *p;

	stage_plug(w, &cfg);
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_CRYPTO);
	assert_int_equal(w->job->record.claim.scope, XP_SCOPE_DRIVE);
	assert_int_equal(w->job->exit_code, 0);
	stage_assert_clean(w);
	p = stage_find(w, XP_PHASE_BASELINE, 1);
	assert_ptr_not_equal(p, &stage_nothing);
	assert_int_equal(p->baseline.bytes_delivered, STAGE_SECTORS * 512);
	assert_int_equal(p->baseline.informative_blocks, STAGE_SECTORS);
	p = stage_find(w, XP_PHASE_READBACK, 1);
	assert_ptr_not_equal(p, &stage_nothing);
	assert_int_equal(p->readback.baseline_informative, XP_ANSWER_YES);
	assert_int_equal(p->readback.compared_blocks, STAGE_SECTORS);
	assert_int_equal(p->readback.unchanged_blocks, 0);
	assert_int_equal(p->readback.how.backend, XP_IO_SG);
	/* the drive's own word, not the kernel's short one */
	assert_string_equal(w->job->record.media.serial, cfg.serial);
	assert_non_null(strstr(w->job->record.media.model, "EMULATED SOLID STATE"));
}

static void test_job_disk_sanitize_overwrite_leaves_zeros(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);
	const struct xp_phase *p;

	stage_plug(w, &cfg);
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_OVERWRITE);
	stage_assert_clean(w);
	p = stage_find(w, XP_PHASE_READBACK, 1);
	assert_ptr_not_equal(p, &stage_nothing);
	assert_int_equal(p->readback.expected.kind, XP_CONTENT_ZERO);
	assert_int_equal(p->readback.mismatch_total, 0);
	assert_int_equal(p->readback.zero_blocks, STAGE_SECTORS);
}

/* A drive that keeps its key is found out, and the next technique does what the first did not. */
static void test_job_liar_is_found_and_the_next_technique_follows(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);
	const struct xp_phase *p;

	stage_plug(w, &cfg);
	emu_ata_faults(w->d)->keeps_key = true;
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_BLOCK);
	assert_int_equal(w->job->attempt, 2);
	assert_int_equal(w->job->exit_code, 0);
	p = stage_find(w, XP_PHASE_READBACK, 1);
	assert_ptr_not_equal(p, &stage_nothing);
	assert_int_equal(p->readback.unchanged_blocks, STAGE_SECTORS);
	assert_ptr_not_equal(stage_find(w, XP_PHASE_BASELINE, 2), &stage_nothing);
	stage_assert_clean(w);
}

static void test_job_liar_alone_fails(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);

	stage_plug(w, &cfg);
	emu_ata_faults(w->d)->keeps_key = true;
	w->options.has_technique = true;
	w->options.technique = XP_ATA_SANITIZE_CRYPTO;
	stage_run(w);
	assert_int_equal(w->job->record.claim.level, XP_NONE);
	assert_int_equal(w->job->record.claim.outcome, XP_OUTCOME_FAILED);
	assert_int_equal(w->job->exit_code, 1);
}

/* Nothing that purges: the host overwrites, says so, and exits with 3. */
static void test_job_disk_without_sanitize_is_cleared(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);

	cfg.has_sanitize = cfg.has_security = cfg.has_hpa = cfg.has_dco = false;
	stage_plug(w, &cfg);
	stage_run(w);
	stage_assert_claim(w, XP_CLEAR, XP_OVERWRITE_ZERO);
	assert_int_equal(w->job->record.claim.scope, XP_SCOPE_DRIVE);
	assert_int_equal(w->job->exit_code, 3);
	assert_int_equal(emu_media_stains(emu_ata_media(w->d), 0, STAGE_SECTORS).sectors, 0);
}

static void test_job_without_fallback_refuses_what_only_clears(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);

	cfg.has_sanitize = cfg.has_security = false;
	stage_plug(w, &cfg);
	w->options.no_fallback = true;
	stage_prepare(w);
	assert_int_equal(w->job->plan.exit_code, 4);
	assert_int_equal(emu_media_stains(emu_ata_media(w->d), 0, STAGE_SECTORS).sectors,
			 STAGE_SECTORS);
}

/* Another drive in the same place, between the plan and the run. */
static void test_job_swapped_drive_is_refused(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);
	struct emu_ata *other;

	stage_plug(w, &cfg);
	stage_prepare(w);
	snprintf(cfg.serial, sizeof(cfg.serial), "ANOTHER");
	other = emu_ata_new(&cfg, &w->time);
	if (!other)
		abort();
	emu_satl_plug(&w->unit, other);
	emu_media_stain(emu_ata_media(other), 0, STAGE_SECTORS);
	xp_job_execute(w->job);
	assert_int_equal(w->job->state, XP_JOB_REFUSED);
	assert_int_equal(w->job->exit_code, 4);
	assert_int_equal(emu_media_stains(emu_ata_media(other), 0, STAGE_SECTORS).sectors,
			 STAGE_SECTORS);
	emu_satl_plug(&w->unit, NULL);
	emu_ata_free(&other);
}

/* Frozen since the plan was made: nothing is begun. */
static void test_job_frozen_since_the_plan_is_refused(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);

	stage_plug(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_ATA_SANITIZE_CRYPTO;
	stage_prepare(w);
	emu_satl_plug(&w->unit, NULL);
	xp_job_execute(w->job);
	assert_int_equal(w->job->state, XP_JOB_REFUSED);
	assert_int_equal(emu_media_stains(emu_ata_media(w->d), 0, STAGE_SECTORS).sectors,
			 STAGE_SECTORS);
}

/* The adapter drops the registers: no technique whose end could not be seen is begun. */
static void test_job_registers_lost_is_cleared_by_the_host(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);

	cfg.has_hpa = cfg.has_dco = cfg.has_amac = false;
	stage_plug(w, &cfg);
	w->unit.registers = EMU_REGISTERS_LOST;
	stage_run(w);
	assert_true(w->job->capabilities.obstacles_n > 0);
	stage_assert_claim(w, XP_CLEAR, XP_OVERWRITE_ZERO);
	assert_int_equal(w->job->exit_code, 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_job_ssd_crypto_purges_the_drive),
		CASE(test_job_disk_sanitize_overwrite_leaves_zeros),
		CASE(test_job_liar_is_found_and_the_next_technique_follows),
		CASE(test_job_liar_alone_fails),
		CASE(test_job_disk_without_sanitize_is_cleared),
		CASE(test_job_without_fallback_refuses_what_only_clears),
		CASE(test_job_swapped_drive_is_refused),
		CASE(test_job_frozen_since_the_plan_is_refused),
		CASE(test_job_registers_lost_is_cleared_by_the_host),
	};

	return cmocka_run_group_tests_name("job_drive", tests, NULL, NULL);
}
