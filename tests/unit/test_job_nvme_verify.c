/*
 * Whole jobs on NVMe drives that cannot keep their blocks, but wait behind an erase until the media
 * was read (EMVS): the readback reads the medium, finds what deallocation would hide, and the drive
 * is let go afterwards.
 */
#include "base/cleanup.h"
#include "claim/completion.h"
#include "device/protocol/nvme_cmd.h"
#include "device/protocol/nvme_sanitize.h"
#include "tests/emu/emu_nvme_ask.h"
#include "tests/fake/job_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES (1u << 18)
#define EMVS  0x04 /* of byte 41: CDW10 bits 15:8 */

static void plug(struct world *w, bool verifies, enum xp_technique t)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);

	cfg.no_deallocate_inhibited = true;
	cfg.has_media_verification = verifies;
	cfg.block_seconds = cfg.crypto_seconds = 5;
	stage_plug_nvme(w, &cfg);
	w->options.has_technique = true;
	w->options.no_fallback = true;
	w->options.technique = t;
}

static const struct xp_phase *erase_of(const struct world *w)
{
	return stage_find(w, XP_PHASE_ERASE, 1);
}

static enum xp_nvme_sanitize_phase phase_of_end(const struct world *w)
{
	const struct xp_raw *raw =
		xp_completion_answer(erase_of(w), false, XP_RAW_NVME_LOG, XP_NVME_LOG_SANITIZE);
	struct xp_nvme_sanitize_log log;

	assert_non_null(raw);
	assert_int_equal(xp_nvme_sanitize_log_parse(&log, raw->data, raw->len, NULL), XP_OK);
	return log.phase;
}

static void assert_let_go(const struct world *w)
{
	assert_int_equal(emu_nvme_sanitize_state(w->slot.drive), EMU_NVME_IDLE);
	assert_int_equal(emu_nvme_stains(w->slot.drive).sectors, 0);
}

static void test_verify_job_reads_the_medium_and_lets_the_drive_go(void **state)
{
	static const enum xp_technique list[] = {XP_NVME_SANITIZE_BLOCK, XP_NVME_SANITIZE_CRYPTO};

	for (size_t i = 0; i < XP_ARRAY_LEN(list); i++) {
		struct world *w;

		assert_int_equal(stage_setup(state), 0);
		w = *state;
		plug(w, true, list[i]);
		stage_run(w);
		stage_assert_claim(w, XP_PURGE, list[i]);
		assert_true(erase_of(w)->command.cdb[41] & EMVS);
		assert_int_equal(phase_of_end(w), XP_NVME_SANITIZE_PHASE_VERIFICATION);
		assert_int_equal(stage_find(w, XP_PHASE_READBACK, 1)->readback.reads_deallocated,
				 XP_ANSWER_NO);
		assert_let_go(w);
		assert_int_equal(emu_nvme_ask_log81(w->slot.drive).sstat & 7, 1);
		assert_int_equal(stage_teardown(state), 0);
	}
}

static void test_verify_job_overwrite_and_drives_without_it_do_as_before(void **state)
{
	struct world *w = *state;

	plug(w, false, XP_NVME_SANITIZE_BLOCK);
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_NVME_SANITIZE_BLOCK);
	assert_false(erase_of(w)->command.cdb[41] & EMVS);
	assert_int_equal(stage_find(w, XP_PHASE_READBACK, 1)->readback.reads_deallocated,
			 XP_ANSWER_YES);
}

static void test_verify_job_is_not_asked_for_where_the_policy_deallocates(void **state)
{
	struct world *w = *state;

	plug(w, true, XP_NVME_SANITIZE_BLOCK);
	stage_policy(w, "\"deallocate_after_sanitize\": true");
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_NVME_SANITIZE_BLOCK);
	assert_false(erase_of(w)->command.cdb[41] & EMVS);
}

/* What the drive left, and gives up afterwards, nobody could see any more. */
static void test_verify_job_finds_what_deallocation_hides(void **state)
{
	for (int verifies = 0; verifies < 2; verifies++) {
		struct world *w;

		assert_int_equal(stage_setup(state), 0);
		w = *state;
		plug(w, verifies, XP_NVME_SANITIZE_BLOCK);
		emu_nvme_faults(w->slot.drive)->leave = (struct emu_leave){.kind = EMU_LEAVE_ALL};
		emu_nvme_faults(w->slot.drive)->leave_unmapped = true;
		stage_run(w);
		assert_int_equal(w->job->state, XP_JOB_ENDED);
		assert_int_equal(w->job->record.claim.level, verifies ? XP_NONE : XP_PURGE);
		assert_int_equal(stage_teardown(state), 0);
	}
}

/* --- killed, or without power, anywhere --- */

static bool cut_at(uint64_t at, bool cuts_power)
{
	void *state = NULL;
	struct world *w;
	bool was_cut;

	assert_int_equal(stage_setup(&state), 0);
	w = state;
	plug(w, true, XP_NVME_SANITIZE_BLOCK);
	stage_prepare(w);
	was_cut = stage_execute_cut(w, at, cuts_power);
	for (unsigned takes = 0; takes < 8 && w->job->state != XP_JOB_ENDED; takes++)
		stage_resume(w);
	stage_assert_claim(w, XP_PURGE, XP_NVME_SANITIZE_BLOCK);
	assert_let_go(w);
	/* who reads behind a loss of power reads what was given up */
	if (was_cut && cuts_power && w->job->resume.erase_done &&
	    phase_of_end(w) == XP_NVME_SANITIZE_PHASE_VERIFICATION)
		assert_int_equal(stage_find(w, XP_PHASE_READBACK, 1)->readback.reads_deallocated,
				 XP_ANSWER_YES);
	assert_int_equal(stage_teardown(&state), 0);
	return was_cut;
}

static void test_verify_job_cut_at_boundaries_ends_purged(void **state)
{
	const char *wish = getenv("JOB_CUT_STRIDE");
	uint64_t stride = wish && strtoull(wish, NULL, 10) ? strtoull(wish, NULL, 10) : 17;
	uint64_t at = 1;

	(void)state;
	while (cut_at(at, at / stride % 2))
		at += stride;
	assert_true(at > 20);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify_job_reads_the_medium_and_lets_the_drive_go),
		CASE(test_verify_job_overwrite_and_drives_without_it_do_as_before),
		CASE(test_verify_job_is_not_asked_for_where_the_policy_deallocates),
		cmocka_unit_test(test_verify_job_finds_what_deallocation_hides),
		cmocka_unit_test(test_verify_job_cut_at_boundaries_ends_purged),
	};

	return cmocka_run_group_tests_name("job_nvme_verify", tests, NULL, NULL);
}
