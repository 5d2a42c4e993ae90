/*
 * Jobs on SAS drives whose capacity a MODE SELECT has reduced: all blocks are given back before
 * anything is erased, in one job that goes on, whatever it is killed at; what cannot be given back
 * lowers the claim.
 */
#include "base/cleanup.h"
#include "tests/emu/scsi_ask.h"
#include "tests/fake/job_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SMALL 10000u

static void plug(struct world *w, bool is_reduced, bool by_policy)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(STAGE_SECTORS);

	stage_plug_sas(w, &cfg);
	if (is_reduced)
		stage_reduce_sas(w->sas, SMALL);
	if (by_policy)
		stage_policy(w, "\"restore_hidden_areas\": true");
	w->options.has_technique = true;
	w->options.technique = XP_OVERWRITE_ZERO;
}

static const struct xp_claim *claim_of(const struct world *w)
{
	return &w->job->record.claim;
}

static uint64_t stains(const struct world *w)
{
	return emu_media_stains(emu_scsi_media(w->sas, 0), 0, STAGE_SECTORS).sectors;
}

static void assert_waits(struct world *w)
{
	if (w->job->state != XP_JOB_INTERRUPTED)
		fail_msg("state %d: %s", w->job->state, w->job->err.msg);
	assert_int_equal(w->job->exit_code, 5);
	assert_non_null(strstr(w->job->err.msg, "nothing was erased"));
	assert_string_equal(w->job->record_name, "");
	xp_journal_close(&w->job->journal);
}

static void assert_restored(struct world *w)
{
	const struct xp_evidence *ev = &w->job->record.evidence;

	stage_assert_claim(w, XP_CLEAR, XP_OVERWRITE_ZERO);
	assert_int_equal(claim_of(w)->scope, XP_SCOPE_DRIVE);
	assert_int_equal(stains(w), 0);
	assert_int_equal(stage_blocks_sas(w->sas), STAGE_SECTORS);
	assert_int_equal(ev->changes_n, 1);
	assert_int_equal(ev->changes[0].area, XP_AREA_REDUCED);
	assert_true(ev->changes[0].restored);
	assert_int_equal(ev->changes[0].from, SMALL * 512);
	assert_int_equal(ev->changes[0].to, STAGE_SECTORS * 512);
	assert_true(ev->capacity_after.restored);
	assert_true(ev->capacity_after.hidden_areas_known);
	assert_int_equal(w->job->record.media.capacity_bytes, STAGE_SECTORS * 512);
	assert_true(stage_has_reason(w, "hidden-areas-restored"));
	assert_false(stage_has_reason(w, "hidden-areas-unknown"));
}

static void test_reduced_capacity_is_given_back_in_one_job(void **state)
{
	struct world *w = *state;

	plug(w, true, true);
	stage_run(w);
	assert_waits(w);
	assert_int_equal(stage_blocks_sas(w->sas), STAGE_SECTORS);
	assert_int_equal(stains(w), STAGE_SECTORS);
	stage_resume(w);
	assert_restored(w);
}

/* It had all of them: that is known now, and there is nothing to wait for. */
static void test_whole_capacity_is_known_and_nothing_waits(void **state)
{
	struct world *w = *state;

	plug(w, false, true);
	stage_run(w);
	stage_assert_claim(w, XP_CLEAR, XP_OVERWRITE_ZERO);
	assert_int_equal(claim_of(w)->scope, XP_SCOPE_DRIVE);
	assert_int_equal(w->job->record.evidence.changes_n, 0);
	assert_true(w->job->record.evidence.capacity_after.hidden_areas_known);
	assert_false(w->job->record.evidence.capacity_after.restored);
	assert_false(stage_has_reason(w, "hidden-areas-unknown"));
}

static void test_without_the_policy_nothing_is_asked_and_the_claim_is_smaller(void **state)
{
	struct world *w = *state;

	plug(w, true, false);
	stage_run(w);
	stage_assert_claim(w, XP_CLEAR, XP_OVERWRITE_ZERO);
	assert_int_equal(claim_of(w)->scope, XP_SCOPE_LOGICAL_UNIT);
	assert_true(stage_has_reason(w, "hidden-areas-unknown"));
	assert_int_equal(stage_blocks_sas(w->sas), SMALL);
	assert_int_equal(stains(w), STAGE_SECTORS - SMALL);
}

static void test_what_the_drive_refuses_lowers_the_claim_and_is_told(void **state)
{
	struct world *w = *state;
	const struct xp_capacity_change *c;

	plug(w, true, true);
	emu_scsi_faults(w->sas)->mode_select_refused = true;
	stage_run(w);
	stage_assert_claim(w, XP_CLEAR, XP_OVERWRITE_ZERO);
	assert_int_equal(claim_of(w)->scope, XP_SCOPE_LOGICAL_UNIT);
	assert_true(stage_has_reason(w, "hidden-areas-unknown"));
	assert_true(stage_has_reason(w, "hidden-areas-kept"));
	assert_int_equal(w->job->record.evidence.changes_n, 1);
	c = &w->job->record.evidence.changes[0];
	assert_false(c->restored);
	assert_non_null(strstr(c->why, "MODE SELECT (sense 5/26/00)"));
	assert_int_equal(stains(w), STAGE_SECTORS - SMALL);
}

/* A sanitize goes to the whole medium anyhow; and is read back where all of it shows. */
static void test_sanitize_behind_a_restored_capacity(void **state)
{
	struct world *w = *state;

	plug(w, true, true);
	w->options.technique = XP_SCSI_SANITIZE_OVERWRITE;
	stage_run(w);
	assert_waits(w);
	stage_resume(w);
	stage_assert_claim(w, XP_PURGE, XP_SCSI_SANITIZE_OVERWRITE);
	assert_int_equal(stains(w), 0);
	assert_int_equal(stage_find(w, XP_PHASE_READBACK, 1)->readback.zero_blocks, STAGE_SECTORS);
}

/* --- a kernel that has not noticed --- */

static enum xp_rc old_view(void *ctx, struct xp_identity *out, const struct xp_target *target,
			   const struct xp_permit *permit, struct xp_err *err)
{
	struct world *w = ctx;

	TRY(w->kernel_view(ctx, out, target, permit, err));
	out->capacity_bytes = w->kernel_bytes;
	return XP_OK;
}

static void test_capacity_that_the_kernel_does_not_see_is_said(void **state)
{
	struct world *w = *state;

	plug(w, true, true);
	w->kernel_view = w->door.view;
	w->door.view = old_view;
	w->kernel_bytes = SMALL * 512;
	stage_run(w);
	assert_waits(w);
	stage_resume(w);
	assert_waits(w);
	assert_non_null(strstr(w->job->err.msg, "the kernel still shows"));
	w->kernel_bytes = STAGE_SECTORS * 512;
	stage_resume(w);
	assert_restored(w);
}

/* --- killed, or without power, anywhere --- */

/* At boundary AT of take TAKE. false: the take has fewer. */
static bool cut_at(void **state, unsigned take, uint64_t at, bool cuts_power)
{
	struct world *w;
	bool was_cut;

	assert_int_equal(stage_setup(state), 0);
	w = *state;
	plug(w, true, true);
	if (take > 1) {
		stage_run(w);
		assert_waits(w);
		stage_reopen(w);
	} else {
		stage_prepare(w);
	}
	was_cut = stage_execute_cut(w, at, cuts_power);
	for (unsigned takes = 0; takes < 8 && w->job->state != XP_JOB_ENDED; takes++) {
		xp_journal_close(&w->job->journal);
		stage_resume(w);
	}
	assert_restored(w);
	assert_int_equal(stage_teardown(state), 0);
	return was_cut;
}

#define BEHIND_THE_CHANGE 10

static void test_reduced_cut_at_boundaries_ends_whole(void **state)
{
	const char *wish = getenv("JOB_CUT_STRIDE");
	uint64_t stride = wish && strtoull(wish, NULL, 10) ? strtoull(wish, NULL, 10) : 3;
	void *inner = NULL;

	(void)state;
	for (uint64_t at = 1; cut_at(&inner, 1, at, at / stride % 2); at += stride)
		assert_true(at < 200);
	for (uint64_t at = 1; at < BEHIND_THE_CHANGE; at += stride)
		assert_true(cut_at(&inner, 2, at, at / stride % 2 == 0));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_reduced_capacity_is_given_back_in_one_job),
		CASE(test_whole_capacity_is_known_and_nothing_waits),
		CASE(test_without_the_policy_nothing_is_asked_and_the_claim_is_smaller),
		CASE(test_what_the_drive_refuses_lowers_the_claim_and_is_told),
		CASE(test_sanitize_behind_a_restored_capacity),
		CASE(test_capacity_that_the_kernel_does_not_see_is_said),
		cmocka_unit_test(test_reduced_cut_at_boundaries_ends_whole),
	};

	return cmocka_run_group_tests_name("job_reduced", tests, NULL, NULL);
}
