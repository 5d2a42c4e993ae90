/*
 * Jobs that give back what HPA, AMAC or DCO hide: one change a power cycle, the same job over all
 * of them, whatever it is killed at.
 */
#include "base/cleanup.h"
#include "cli/job_journal.h"
#include "tests/emu/emu_ask.h"
#include "tests/fake/job_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SMALL  8000u  /* sectors that an HPA leaves */
#define MIDDLE 12000u /* ... and a DCO */

static void hide_by_hpa(struct world *w, uint64_t sectors)
{
	emu_ask(w->d, 0x27, true, 0, 0, 0);
	emu_ask(w->d, 0x37, true, 0, 1, sectors - 1);
	stage_power_cycle(w);
	assert_int_equal(emu_ata_sectors(w->d), sectors);
}

static void hide_by_dco(struct world *w, uint64_t sectors)
{
	struct emu_ata_cmd get = {.command = 0xb1, .feature = 0xc2, .device = 0x40};
	struct emu_ata_cmd set = {.command = 0xb1, .feature = 0xc3, .device = 0x40};
	uint8_t dco[512] = {0};
	uint8_t sum = 0;

	emu_ask_in(w->d, &get, dco, sizeof(dco));
	dco[6] = (uint8_t)(sectors - 1);
	dco[7] = (uint8_t)((sectors - 1) >> 8);
	dco[8] = (uint8_t)((sectors - 1) >> 16);
	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + dco[i]);
	dco[511] = (uint8_t)-sum;
	emu_ask_out(w->d, &set, dco, sizeof(dco));
	stage_power_cycle(w);
	assert_int_equal(emu_ata_sectors(w->d), sectors);
}

static void plug_hiding(struct world *w, bool hpa, bool dco)
{
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);

	stage_plug(w, &cfg);
	if (dco)
		hide_by_dco(w, MIDDLE);
	if (hpa)
		hide_by_hpa(w, SMALL);
	stage_policy(w, "\"restore_hidden_areas\": true");
}

static void assert_waits(struct world *w)
{
	if (w->job->state != XP_JOB_INTERRUPTED)
		fail_msg("state %d: %s", w->job->state, w->job->err.msg);
	assert_int_equal(w->job->exit_code, 5);
	assert_non_null(strstr(w->job->err.msg, "off and on again"));
	assert_non_null(strstr(w->job->err.msg, "nothing was erased"));
	assert_string_equal(w->job->record_name, "");
	xp_journal_close(&w->job->journal);
}

static void assert_restored(struct world *w, size_t changes)
{
	const struct xp_evidence *ev = &w->job->record.evidence;

	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_OVERWRITE);
	stage_assert_clean(w);
	assert_int_equal(emu_ata_sectors(w->d), STAGE_SECTORS);
	assert_int_equal(ev->changes_n, changes);
	for (size_t i = 0; i < changes; i++)
		assert_true(ev->changes[i].restored);
	assert_true(ev->capacity_after.restored);
	assert_int_equal(ev->capacity_after.current, STAGE_SECTORS * 512);
	assert_int_equal(w->job->record.media.capacity_bytes, STAGE_SECTORS * 512);
	assert_true(stage_has_reason(w, "hidden-areas-restored"));
	assert_false(stage_has_reason(w, "hidden-areas-left"));
	/* all of it was read back, not the part that showed before */
	assert_int_equal(stage_find(w, XP_PHASE_READBACK, 1)->readback.zero_blocks, STAGE_SECTORS);
}

static void test_restore_hpa_and_dco_are_one_job(void **state)
{
	AUTO(xp_job_summaries_free) struct xp_job_summaries all = {0};
	struct world *w = *state;

	plug_hiding(w, true, true);
	stage_run(w);
	assert_waits(w);
	assert_non_null(strstr(w->job->err.msg, "HPA was lifted"));
	assert_non_null(strstr(w->job->err.msg, "DCO still stands"));
	assert_int_equal(xp_job_summaries_read(&all, &w->state, &w->err), XP_OK);
	assert_int_equal(all.n, 1);
	assert_non_null(strstr(all.list[0].where, "HPA was lifted"));
	stage_power_cycle(w);
	assert_int_equal(emu_ata_sectors(w->d), MIDDLE);
	stage_resume(w);
	assert_waits(w);
	assert_non_null(strstr(w->job->err.msg, "DCO was lifted"));
	stage_power_cycle(w);
	stage_resume(w);
	assert_restored(w, 2);
	assert_int_equal(w->job->exit_code, 0);
	assert_int_equal(w->job->record.evidence.capacity.current, SMALL * 512);
	/* the first look is that of the small drive */
	assert_int_equal(w->job->record.evidence.phases[0].identity.capacity_bytes, SMALL * 512);
}

/* Somebody has changed it since it was switched on: told once, and made behind a power cycle. */
static void test_restore_behind_a_change_of_others_waits(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);
	struct world *w = *state;

	stage_plug(w, &cfg);
	emu_ask(w->d, 0x27, true, 0, 0, 0);
	emu_ask(w->d, 0x37, true, 0, 1, SMALL - 1);
	stage_policy(w, "\"restore_hidden_areas\": true");
	stage_run(w);
	assert_waits(w);
	assert_non_null(strstr(w->job->err.msg, "one change of its capacity a power cycle"));
	assert_int_equal(emu_ata_sectors(w->d), SMALL);
	stage_power_cycle(w);
	stage_resume(w);
	assert_waits(w);
	stage_power_cycle(w);
	stage_resume(w);
	assert_restored(w, 1);
}

/* Locked with a password of its own: told once, then the job goes on without. */
static void lock_max(struct world *w)
{
	struct emu_ata_cmd set = {.command = 0xf9, .feature = 0x01, .device = 0x40};
	uint8_t password[512] = {0, 0, 's', 'e', 'c', 'r', 'e', 't'};

	emu_ask_out(w->d, &set, password, sizeof(password));
	emu_ask(w->d, 0xf9, false, 0x02, 0, 0);
}

static void test_restore_that_is_locked_is_kept(void **state)
{
	struct world *w = *state;

	plug_hiding(w, true, false);
	lock_max(w);
	stage_run(w);
	assert_waits(w);
	stage_power_cycle(w);
	stage_resume(w);
	/* the drive's own sanitize covers what stays hidden */
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_OVERWRITE);
	assert_int_equal(w->job->record.evidence.changes_n, 1);
	assert_false(w->job->record.evidence.changes[0].restored);
	assert_false(w->job->record.evidence.capacity_after.restored);
	assert_true(stage_has_reason(w, "hidden-areas-kept"));
	assert_true(stage_has_reason(w, "hidden-areas-by-device"));
	assert_int_equal(emu_ata_sectors(w->d), SMALL);
	stage_assert_clean(w);
}

/* An overwrite by the host does not reach what could not be given back. */
static void test_restore_that_is_locked_lowers_the_claim(void **state)
{
	struct world *w = *state;

	plug_hiding(w, true, false);
	lock_max(w);
	w->options.has_technique = true;
	w->options.technique = XP_OVERWRITE_ZERO;
	stage_run(w);
	assert_waits(w);
	stage_power_cycle(w);
	stage_resume(w);
	assert_int_equal(w->job->state, XP_JOB_ENDED);
	assert_int_equal(w->job->record.claim.level, XP_NONE);
	assert_true(stage_has_reason(w, "hidden-areas-left"));
	assert_true(stage_has_reason(w, "hidden-areas-kept"));
	assert_int_equal(w->job->exit_code, 1);
}

/* A DCO that is frozen when its turn comes cannot even be asked for. */
static void test_restore_dco_that_is_frozen_is_kept(void **state)
{
	struct world *w = *state;

	plug_hiding(w, true, true);
	stage_run(w);
	assert_waits(w);
	stage_power_cycle(w);
	emu_ask(w->d, 0xb1, false, 0xc1, 0, 0); /* DCO FREEZE LOCK */
	stage_resume(w);
	assert_int_equal(w->job->record.evidence.changes_n, 1);
	assert_true(w->job->record.evidence.changes[0].restored);
	/* how much it hides was known before, and the drive's sanitize covers it */
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_OVERWRITE);
	assert_true(stage_has_reason(w, "hidden-areas-by-device"));
	assert_int_equal(emu_ata_sectors(w->d), MIDDLE);
}

static void test_restore_amac_is_given_back(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);

	cfg.has_hpa = cfg.has_dco = false;
	cfg.has_amac = true;
	stage_plug(w, &cfg);
	emu_ask(w->d, 0x78, true, 1, 0, SMALL - 1);
	stage_power_cycle(w);
	assert_int_equal(emu_ata_sectors(w->d), SMALL);
	stage_policy(w, "\"restore_hidden_areas\": true");
	stage_run(w);
	assert_waits(w);
	stage_power_cycle(w);
	stage_resume(w);
	assert_restored(w, 1);
	assert_int_equal(w->job->record.evidence.changes[0].area, XP_AREA_AMAC);
}

/* Without the policy's wish nothing is changed. */
static void test_restore_that_nobody_asked_for_is_not_made(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);
	struct world *w = *state;

	stage_plug(w, &cfg);
	hide_by_hpa(w, SMALL);
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_OVERWRITE);
	assert_int_equal(w->job->record.evidence.changes_n, 0);
	assert_int_equal(emu_ata_sectors(w->d), SMALL);
}

/* The kernel, which shows what it knew: the job says so, and goes on once it has looked. */
static enum xp_rc old_view(void *ctx, struct xp_identity *out, const struct xp_target *target,
			   const struct xp_permit *permit, struct xp_err *err)
{
	struct world *w = ctx;

	TRY(w->kernel_view(ctx, out, target, permit, err));
	if (w->kernel_bytes)
		out->capacity_bytes = w->kernel_bytes;
	return XP_OK;
}

static void look_again(void *ctx, const struct xp_sysroot *root, const struct xp_target *target)
{
	struct world *w = ctx;

	(void)root;
	(void)target;
	w->looks++;
	if (w->looks > 1)
		w->kernel_bytes = 0;
}

static void test_restore_that_the_kernel_does_not_see_is_said(void **state)
{
	struct world *w = *state;

	plug_hiding(w, true, false);
	w->kernel_view = w->door.view;
	w->door.view = old_view;
	w->door.look_again = look_again;
	w->kernel_bytes = SMALL * 512;
	stage_run(w);
	assert_waits(w);
	stage_power_cycle(w);
	stage_resume(w);
	assert_int_equal(w->looks, 1);
	assert_int_equal(w->job->state, XP_JOB_INTERRUPTED);
	assert_non_null(strstr(w->job->err.msg, "the kernel still shows"));
	xp_journal_close(&w->job->journal);
	stage_resume(w);
	assert_int_equal(w->looks, 2);
	assert_restored(w, 1);
}

/* Takes the job to its end, with the power switched as it asks. */
static void lead_out(struct world *w)
{
	for (unsigned takes = 0; takes < 8 && w->job->state != XP_JOB_ENDED; takes++) {
		xp_journal_close(&w->job->journal);
		stage_power_cycle(w);
		stage_resume(w);
	}
	if (w->job->state != XP_JOB_ENDED)
		fail_msg("%s", w->job->err.msg);
}

/* Killed, or without power, at boundary AT of take TAKE. false: the take has fewer. */
static bool cut_at(void **state, unsigned take, uint64_t at, bool cuts_power)
{
	struct world *w;
	bool was_cut;

	assert_int_equal(stage_setup(state), 0);
	w = *state;
	plug_hiding(w, true, true);
	if (take > 1) {
		stage_run(w);
		assert_waits(w);
		stage_power_cycle(w);
		stage_reopen(w);
	} else {
		stage_prepare(w);
	}
	was_cut = stage_execute_cut(w, at, cuts_power);
	lead_out(w);
	assert_restored(w, 2);
	assert_int_equal(stage_teardown(state), 0);
	return was_cut;
}

static void test_restore_cut_anywhere_leads_out(void **state)
{
	void *inner = NULL;

	(void)state;
	for (unsigned take = 1; take <= 2; take++) {
		uint64_t at = 1;

		while (cut_at(&inner, take, at, at % 2 == take % 2))
			at++;
		assert_true(at > 4);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_restore_hpa_and_dco_are_one_job),
		CASE(test_restore_behind_a_change_of_others_waits),
		CASE(test_restore_that_is_locked_is_kept),
		CASE(test_restore_that_is_locked_lowers_the_claim),
		CASE(test_restore_dco_that_is_frozen_is_kept),
		CASE(test_restore_amac_is_given_back),
		CASE(test_restore_that_nobody_asked_for_is_not_made),
		CASE(test_restore_that_the_kernel_does_not_see_is_said),
		cmocka_unit_test(test_restore_cut_anywhere_leads_out),
	};

	return cmocka_run_group_tests_name("job_restore", tests, NULL, NULL);
}
