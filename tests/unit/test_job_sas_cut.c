/*
 * Whole jobs on an emulated SAS drive, each of its own techniques, killed or without power at every
 * boundary of every command: the job ends with its claim, or without one, and the medium agrees.
 */
#include "base/cleanup.h"
#include "tests/fake/job_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	enum xp_technique technique;
	enum xp_level level;
	int exit_code;
	uint8_t opcode; /* of the erasing command */
	bool is_ssd;
} rows[] = {
	{XP_SCSI_SANITIZE_CRYPTO, XP_PURGE, 0, 0x48, true},
	{XP_SCSI_SANITIZE_BLOCK, XP_PURGE, 0, 0x48, true},
	{XP_SCSI_SANITIZE_OVERWRITE, XP_PURGE, 0, 0x48, false},
	{XP_SCSI_FORMAT, XP_CLEAR, 3, 0x04, false},
};

static void plug(struct world *w, size_t row)
{
	struct emu_scsi_config cfg =
		rows[row].is_ssd ? emu_scsi_ssd(STAGE_SECTORS) : emu_scsi_hdd(STAGE_SECTORS);

	/* each time it is asked how far it is gives two boundaries */
	cfg.sanitize_seconds = cfg.format_seconds = 30;
	stage_plug_sas(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = rows[row].technique;
}

/* No customer data, and after a purge none where only a laboratory looks. */
static void assert_clean(const struct world *w)
{
	struct emu_stains s = emu_media_stains(emu_scsi_media(w->sas, 0), 0, STAGE_SECTORS);

	assert_int_equal(s.sectors, 0);
	if (w->job->record.claim.level == XP_PURGE)
		assert_int_equal(s.spare, 0);
}

/* What was cut is taken up until it ends; the job's journal and its record hold together. */
static void end_of(struct world *w)
{
	for (unsigned takes = 0; takes < 8 && w->job->state != XP_JOB_ENDED; takes++) {
		xp_journal_close(&w->job->journal);
		stage_resume(w);
	}
	assert_int_equal(w->job->state, XP_JOB_ENDED);
}

/*
 * Boundary AT, counted from the beginning, or from the erasing command on. false: the job has
 * fewer.
 */
static bool cut_at(size_t row, uint64_t at, bool from_command, bool cuts_power)
{
	void *state = NULL;
	struct world *w;
	bool was_cut;

	assert_int_equal(stage_setup(&state), 0);
	w = state;
	plug(w, row);
	stage_prepare(w);
	w->count_from = from_command ? rows[row].opcode : 0;
	was_cut = stage_execute_cut(w, at, cuts_power);
	end_of(w);
	stage_assert_claim(w, rows[row].level, rows[row].technique);
	assert_int_equal(w->job->exit_code, rows[row].exit_code);
	assert_clean(w);
	assert_int_equal(stage_teardown(&state), 0);
	return was_cut;
}

/* Every boundary where JOB_CUT_STRIDE is given, as in the soak; else those about the command. */
static void cut_everywhere(size_t row)
{
	static const uint64_t about[] = {1, 2, 3, 9};
	const char *wish = getenv("JOB_CUT_STRIDE");
	uint64_t stride = wish ? strtoull(wish, NULL, 10) : 0;
	uint64_t at = 1;

	if (!stride) {
		for (size_t i = row % 2; i < XP_ARRAY_LEN(about); i += 2)
			assert_true(cut_at(row, about[i], true, (row + i) / 2 % 2));
		return;
	}
	while (cut_at(row, at, false, (at / stride + row) % 2))
		at += stride;
	assert_true(at > 20);
}

static void test_sas_job_sanitize_cut_at_boundaries_ends_purged(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		cut_everywhere(i);
}

static void test_sas_job_format_cut_at_boundaries_ends_cleared(void **state)
{
	(void)state;
	cut_everywhere(3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sas_job_sanitize_cut_at_boundaries_ends_purged),
		cmocka_unit_test(test_sas_job_format_cut_at_boundaries_ends_cleared),
	};

	return cmocka_run_group_tests_name("job_sas_cut", tests, NULL, NULL);
}
