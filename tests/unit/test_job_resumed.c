/* Whole jobs on an emulated ATA drive that are stopped and taken up again. */
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

/* What was told beforehand of the job that was taken up: where it stood, and what was left to do.
 */
static void assert_told(const struct world *w, const char *stand, const char *actions)
{
	const struct xp_plan *p = &w->job->plan;
	char all[256] = "";

	for (unsigned i = 0; i < p->steps_n; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? " " : "",
			 p->steps[i].action);
	assert_string_equal(all, actions);
	assert_non_null(strstr(p->steps[0].why, w->job->id));
	assert_non_null(strstr(p->steps[0].why, stand));
	assert_int_equal(p->expected.level, XP_PURGE);
	assert_int_equal(p->expected.scope, XP_SCOPE_DRIVE);
	assert_int_equal(p->blast_radius_n > 0, 1);
}

/* The drive goes on by itself; the next take attaches, and compares with what the first one read.
 */
static void test_job_stopped_in_a_sanitize_is_resumed(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);
	AUTO(xp_job_summaries_free) struct xp_job_summaries all = {0};
	const struct xp_phase *p;

	cfg.sanitize_seconds = 600;
	stage_plug(w, &cfg);
	w->cancel_after = 20;
	stage_run(w);
	assert_int_equal(w->job->state, XP_JOB_INTERRUPTED);
	assert_int_equal(w->job->exit_code, 5);
	xp_journal_close(&w->job->journal);
	assert_int_equal(xp_job_summaries_read(&all, &w->state, &w->err), XP_OK);
	assert_int_equal(all.n, 1);
	assert_true(all.list[0].goes_on);
	assert_false(all.list[0].has_secret);
	w->cancel_after = 0;
	stage_resume(w);
	assert_told(w, "the drive took its command, and is asked what became of that",
		    "resume identify command readback identify record");
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_OVERWRITE);
	stage_assert_record_good(w);
	stage_assert_clean(w);
	p = stage_find(w, XP_PHASE_ERASE, 1);
	assert_ptr_not_equal(p, &stage_nothing);
	assert_true(p->interrupted);
	p = stage_find(w, XP_PHASE_READBACK, 1);
	assert_ptr_not_equal(p, &stage_nothing);
	assert_int_equal(p->readback.compared_blocks, STAGE_SECTORS);
	assert_int_equal(p->readback.baseline_informative, XP_ANSWER_YES);
}

/* Stopped in the readback: the record says that, and nothing of figures that do not fit. */
static void test_job_stopped_in_its_readback_says_so(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);
	const struct xp_claim *c;
	bool said = false;

	stage_plug(w, &cfg);
	w->cancel_at_io = 2;
	stage_run(w);
	assert_int_equal(w->job->state, XP_JOB_INTERRUPTED);
	c = &w->job->record.claim;
	assert_int_equal(c->outcome, XP_OUTCOME_ABORTED);
	for (unsigned i = 0; i < c->reasons_n; i++) {
		said = said || strcmp(c->reasons[i].code, "readback-unfinished") == 0;
		if (strcmp(c->reasons[i].code, "sample-contradicts") == 0 ||
		    strcmp(c->reasons[i].code, "readback-undelivered") == 0)
			fail_msg("%s", c->reasons[i].text);
	}
	assert_true(said);
	w->cancel_at_io = 0;
	xp_journal_close(&w->job->journal);
	stage_resume(w);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_OVERWRITE);
}

/* Nobody holds the drive between two takes, and somebody else puts it to use. */
static void use_again(struct world *w)
{
	uint8_t block[512];

	xp_journal_close(&w->job->journal);
	memset(block, 0x5a, sizeof(block));
	emu_media_write(emu_ata_media(w->d), STAGE_SECTORS / 2, 1, block);
	w->cancel_after = w->cancel_at_io = 0;
}

static void assert_used_no_more(const struct world *w)
{
	uint8_t block[512], used[512];

	memset(used, 0x5a, sizeof(used));
	emu_media_read(emu_ata_media(w->d), STAGE_SECTORS / 2, 1, block, EMU_TRIMMED_ZERO);
	assert_memory_not_equal(block, used, sizeof(block));
}

/* What was written behind a change of key looks like a part of it: the key is changed again. */
static void test_job_used_behind_a_change_of_key_is_erased_again(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);

	stage_plug(w, &cfg);
	w->cancel_at_io = 2;
	stage_run(w);
	assert_int_equal(w->job->state, XP_JOB_INTERRUPTED);
	use_again(w);
	stage_resume(w);
	assert_told(w, "it is given again", "resume identify command readback identify record");
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_CRYPTO);
	stage_assert_record_good(w);
	stage_assert_clean(w);
	assert_used_no_more(w);
	assert_int_equal(stage_find(w, XP_PHASE_READBACK, 1)->readback.compared_blocks,
			 STAGE_SECTORS);
}

/* ... also where the drive came to its end while nobody looked. */
static void test_job_used_behind_an_unseen_end_is_erased_again(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);

	cfg.sanitize_seconds = 600;
	stage_plug(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_ATA_SANITIZE_BLOCK;
	w->cancel_after = 20;
	stage_run(w);
	assert_int_equal(w->job->state, XP_JOB_INTERRUPTED);
	emu_time_pass(&w->time, 3600 * EMU_S);
	use_again(w);
	stage_resume(w);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_BLOCK);
	stage_assert_record_good(w);
	assert_used_no_more(w);
}

/* What an overwrite left is known, and what is not that is found. */
static void test_job_used_behind_an_overwrite_is_found(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);

	stage_plug(w, &cfg);
	w->options.no_fallback = true;
	w->cancel_at_io = 2;
	stage_run(w);
	assert_int_equal(w->job->state, XP_JOB_INTERRUPTED);
	use_again(w);
	stage_resume(w);
	assert_told(w, "its erase has ended, and what came of it is known",
		    "resume identify readback identify record");
	stage_assert_claim(w, XP_NONE, XP_ATA_SANITIZE_OVERWRITE);
	assert_int_equal(w->job->exit_code, 1);
}

/* What was read before is gone from the job's folder: nothing is compared, and nothing is claimed
 * of it. */
static void test_job_resumed_without_its_baseline_says_so(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);
	const struct xp_phase *p;
	char path[256];

	cfg.sanitize_seconds = 600;
	stage_plug(w, &cfg);
	w->cancel_after = 20;
	stage_run(w);
	xp_journal_close(&w->job->journal);
	snprintf(path, sizeof(path), "%s/jobs/%s/baseline-1", w->state_path, w->job->id);
	assert_int_equal(unlink(path), 0);
	w->cancel_after = 0;
	stage_resume(w);
	p = stage_find(w, XP_PHASE_READBACK, 1);
	assert_ptr_not_equal(p, &stage_nothing);
	assert_int_equal(p->readback.compared_blocks, 0);
	assert_int_equal(p->readback.baseline_informative, XP_ANSWER_UNKNOWN);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_job_stopped_in_a_sanitize_is_resumed),
		CASE(test_job_stopped_in_its_readback_says_so),
		CASE(test_job_used_behind_a_change_of_key_is_erased_again),
		CASE(test_job_used_behind_an_unseen_end_is_erased_again),
		CASE(test_job_used_behind_an_overwrite_is_found),
		CASE(test_job_resumed_without_its_baseline_says_so),
	};

	return cmocka_run_group_tests_name("job_resumed", tests, NULL, NULL);
}
