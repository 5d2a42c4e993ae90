/*
 * Whole jobs on an emulated NVMe drive: journal, baseline, the drive's own technique, readback,
 * record and its check; killed, or without power, at every boundary of every command.
 */
#include "base/cleanup.h"
#include "tests/emu/emu_nvme_ask.h"
#include "tests/fake/job_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES (1u << 20)

static void plug(struct world *w, const struct emu_nvme_config *cfg, enum xp_technique t)
{
	stage_plug_nvme(w, cfg);
	w->options.has_technique = true;
	w->options.technique = t;
}

static const struct xp_claim *claim_of(const struct world *w)
{
	return &w->job->record.claim;
}

static void assert_clean(const struct world *w)
{
	struct emu_stains s = emu_nvme_stains(w->slot.drive);

	assert_int_equal(s.sectors, 0);
	if (claim_of(w)->level == XP_PURGE)
		assert_int_equal(s.spare, 0);
}

static const struct {
	enum xp_technique technique;
	enum xp_level level;
	int exit_code;
} rows[] = {
	{XP_NVME_SANITIZE_CRYPTO, XP_PURGE, 0},	   {XP_NVME_SANITIZE_BLOCK, XP_PURGE, 0},
	{XP_NVME_SANITIZE_OVERWRITE, XP_PURGE, 0}, {XP_NVME_FORMAT_CRYPTO, XP_CLEAR, 3},
	{XP_NVME_FORMAT_USER, XP_CLEAR, 3},	   {XP_OVERWRITE_ZERO, XP_CLEAR, 3},
};

static void test_nvme_job_each_technique_ends_with_its_claim(void **state)
{
	struct world *w;

	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++) {
		struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);

		assert_int_equal(stage_setup(state), 0);
		w = *state;
		plug(w, &cfg, rows[i].technique);
		stage_run(w);
		stage_assert_claim(w, rows[i].level, rows[i].technique);
		assert_int_equal(w->job->exit_code, rows[i].exit_code);
		assert_string_equal(w->job->record.media.serial, cfg.serial);
		assert_clean(w);
		assert_int_equal(stage_teardown(state), 0);
	}
}

static void test_nvme_job_overwrite_reads_back_its_pattern(void **state)
{
	struct world *w = *state;
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	const struct xp_phase *p;

	plug(w, &cfg, XP_NVME_SANITIZE_OVERWRITE);
	memcpy(w->options.pattern, "\x12\x34\x56\x78", 4);
	w->options.pattern_len = 4;
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_NVME_SANITIZE_OVERWRITE);
	p = stage_find(w, XP_PHASE_READBACK, 1);
	assert_int_equal(p->readback.expected.kind, XP_CONTENT_PATTERN);
	assert_memory_equal(p->readback.expected.pattern, "\x12\x34\x56\x78", 4);
	assert_int_equal(p->readback.mismatch_total, 0);
	assert_int_equal(p->readback.pattern_blocks, p->readback.compared_blocks);
	assert_int_equal(p->readback.reads_deallocated, XP_ANSWER_NO);
}

/* The drive that says success and leaves something: the readback finds it. */
static void test_nvme_job_liar_is_found(void **state)
{
	struct world *w = *state;
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);

	plug(w, &cfg, XP_NVME_SANITIZE_BLOCK);
	w->options.no_fallback = true;
	emu_nvme_faults(w->slot.drive)->leave = (struct emu_leave){.kind = EMU_LEAVE_ALL};
	stage_run(w);
	assert_int_equal(w->job->state, XP_JOB_ENDED);
	assert_int_equal(claim_of(w)->level, XP_NONE);
	assert_int_equal(w->job->exit_code, 1);
}

static void test_nvme_job_format_that_is_ignored_is_found(void **state)
{
	struct world *w = *state;
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);

	plug(w, &cfg, XP_NVME_FORMAT_USER);
	w->options.no_fallback = true;
	w->options.has_accept = true;
	w->options.accept = XP_CLEAR;
	emu_nvme_faults(w->slot.drive)->format_ignored = true;
	stage_run(w);
	assert_int_equal(w->job->state, XP_JOB_ENDED);
	assert_int_equal(claim_of(w)->level, XP_NONE);
	assert_int_equal(w->job->exit_code, 1);
}

/* --- killed, or without power, anywhere --- */

/* false: the job has fewer boundaries. */
static bool cut_at(const struct emu_nvme_config *cfg, size_t row, uint64_t at, bool cuts_power)
{
	void *state = NULL;
	struct world *w;
	bool was_cut;

	assert_int_equal(stage_setup(&state), 0);
	w = state;
	plug(w, cfg, rows[row].technique);
	stage_prepare(w);
	was_cut = stage_execute_cut(w, at, cuts_power);
	for (unsigned takes = 0; takes < 8 && w->job->state != XP_JOB_ENDED; takes++)
		stage_resume(w);
	stage_assert_claim(w, rows[row].level, rows[row].technique);
	assert_clean(w);
	assert_int_equal(stage_teardown(&state), 0);
	return was_cut;
}

/* Every boundary where JOB_CUT_STRIDE is 1, as in the soak; else some of them. */
static void cut_everywhere(size_t row)
{
	const char *wish = getenv("JOB_CUT_STRIDE");
	uint64_t stride = wish && strtoull(wish, NULL, 10) ? strtoull(wish, NULL, 10) : 29;
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES / 4);
	uint64_t at = 1 + row % stride;

	cfg.overwrite_seconds = cfg.block_seconds = 5;
	while (cut_at(&cfg, row, at, (at / stride + row) % 2))
		at += stride;
	assert_true(at > 20);
}

static void test_nvme_job_sanitize_cut_at_boundaries_ends_purged(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		cut_everywhere(i);
}

static void test_nvme_job_format_cut_at_boundaries_ends_cleared(void **state)
{
	(void)state;
	for (size_t i = 3; i < 5; i++)
		cut_everywhere(i);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nvme_job_each_technique_ends_with_its_claim),
		CASE(test_nvme_job_overwrite_reads_back_its_pattern),
		CASE(test_nvme_job_liar_is_found),
		CASE(test_nvme_job_format_that_is_ignored_is_found),
		cmocka_unit_test(test_nvme_job_sanitize_cut_at_boundaries_ends_purged),
		cmocka_unit_test(test_nvme_job_format_cut_at_boundaries_ends_cleared),
	};

	return cmocka_run_group_tests_name("job_nvme", tests, NULL, NULL);
}
