/*
 * Jobs on drives that fail, refuse, or stand in a failure: what they say of it, what leads out, and
 * that each refusal has a code.
 */
#include "base/cleanup.h"
#include "cli/job_journal.h"
#include "cli/job_unlocked.h"
#include "tests/emu/emu_ask.h"
#include "tests/fake/claim_evidence.h"
#include "tests/fake/job_stage.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *reason(const struct world *w, const char *code)
{
	const struct xp_reason *r = claim_reason(&w->job->record.claim, code);

	return r ? r->text : "";
}

/* --- the failure of a sanitize --- */

static void plug_failed(struct world *w)
{
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);

	stage_plug(w, &cfg);
	emu_ata_faults(w->d)->sanitize_fails_at = 32768;
	w->options.no_fallback = true;
	stage_run(w);
	assert_int_equal(w->job->state, XP_JOB_ENDED);
	assert_int_equal(w->job->exit_code, 1);
}

/* The drive's own word stands on stderr and in the record. */
static void test_failed_sanitize_is_told_in_the_drives_words(void **state)
{
	struct world *w = *state;

	plug_failed(w);
	assert_non_null(strstr(w->job->err.msg, "the sanitize failed (status 51h, error 04h "
						"(command aborted))"));
	assert_non_null(strstr(reason(w, "completion-failed"), "status 51h, error 04h"));
}

/* Nothing can be asked of hidden areas, and a new sanitize is the way out: no lower plan. */
static void test_failed_sanitize_is_planned_at_purge_and_left(void **state)
{
	struct world *w = *state;
	bool told = false;

	plug_failed(w);
	emu_ata_faults(w->d)->sanitize_fails_at = 0;
	stage_prepare(w);
	assert_int_equal(w->job->plan.exit_code, 0);
	assert_int_equal(w->job->plan.expected.level, XP_PURGE);
	assert_int_equal(w->job->plan.technique, XP_ATA_SANITIZE_OVERWRITE);
	for (unsigned i = 0; i < w->job->plan.steps_n; i++)
		told = told || strstr(w->job->plan.steps[i].why, "a new one is the way out");
	assert_true(told);
	xp_job_execute(w->job);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_OVERWRITE);
	stage_assert_record_good(w);
	stage_assert_clean(w);
}

/* What somebody else began is waited for, and our own follows; meanwhile nothing can be read. */
static void test_sanitize_of_others_is_waited_for(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);
	struct world *w = *state;

	cfg.sanitize_seconds = 600;
	stage_plug(w, &cfg);
	emu_ask_sanitize(w->d, 0x0014, 1, 0xdeadbeef);
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_OVERWRITE);
	assert_ptr_equal(stage_find(w, XP_PHASE_BASELINE, 1), &stage_nothing);
	assert_false(stage_find(w, XP_PHASE_ERASE, 1)->command.attached);
	assert_true(w->time.now_ns > 1200 * EMU_S);
	stage_assert_clean(w);
}

/* Progress that stands still is given up, and nothing is known of the outcome. */
static void test_stalled_sanitize_is_indeterminate(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);
	struct world *w = *state;

	stage_plug(w, &cfg);
	emu_ata_faults(w->d)->sanitize_stalls_at = 32768;
	w->setup.stall_ms = 60000;
	stage_run(w);
	assert_int_equal(w->job->state, XP_JOB_ENDED);
	assert_int_equal(w->job->exit_code, 2);
	assert_int_equal(w->job->record.claim.level, XP_NONE);
	assert_int_equal(w->job->record.claim.outcome, XP_OUTCOME_INDETERMINATE);
	assert_string_not_equal(reason(w, "stalled"), "");
	assert_non_null(strstr(w->job->err.msg, "has stood at"));
	assert_int_equal(w->job->attempt, 1); /* nothing else is tried on a drive that is at it */
}

/* --- refusals --- */

static void test_level_that_is_out_of_reach_is_refused_by_a_code(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);
	struct world *w = *state;

	cfg.has_sanitize = cfg.has_security = false;
	stage_plug(w, &cfg);
	w->options.no_fallback = true;
	stage_prepare(w);
	assert_int_equal(w->job->plan.exit_code, 4);
	assert_int_equal(w->job->refusals.n, 1);
	assert_int_equal(w->job->refusals.list[0].code, XP_REFUSED_LEVEL_UNREACHABLE);
	assert_non_null(strstr(w->job->refusals.list[0].message, "purge is asked for"));
}

static void test_drive_that_vanished_is_refused_by_a_code(void **state)
{
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);
	struct world *w = *state;

	stage_plug(w, &cfg);
	stage_prepare(w);
	emu_satl_plug(&w->unit, NULL);
	xp_job_execute(w->job);
	assert_int_equal(w->job->state, XP_JOB_REFUSED);
	assert_int_equal(w->job->refusals.n, 1);
	assert_int_equal(w->job->refusals.list[0].code, XP_REFUSED_IDENTITY_CHANGED);
}

/* --- a password that was left --- */

static void test_unlocked_job_names_no_password(void **state)
{
	struct world *w = *state;
	unsigned told = 0;
	char serial[32];

	stage_leave_password(w);
	snprintf(serial, sizeof(serial), "%s", emu_ata_config_of(w->d)->serial);
	assert_true(stage_names_password(w));
	assert_int_equal(xp_job_unlocked_tell(&told, &w->state, serial, &w->err), XP_OK);
	assert_int_equal(told, 1);
	assert_false(stage_names_password(w));
	assert_int_equal(xp_job_unlocked_tell(&told, &w->state, serial, &w->err), XP_OK);
	assert_int_equal(told, 0);
	/* that was told by the host's clock, which may have gone further than the drive's */
	emu_time_pass(&w->time, 3600 * EMU_S);
	/* the job goes on all the same, and opens the drive itself where that was not true */
	stage_resume(w);
	stage_assert_claim(w, XP_CLEAR, XP_ATA_SECURE_ERASE);
}

static void test_unlocked_other_drive_is_not_told(void **state)
{
	struct world *w = *state;
	unsigned told = 1;

	stage_leave_password(w);
	assert_int_equal(xp_job_unlocked_tell(&told, &w->state, "OTHER", &w->err), XP_OK);
	assert_int_equal(told, 0);
	assert_true(stage_names_password(w));
}

static void test_unlocked_by_its_journal_file(void **state)
{
	struct world *w = *state;
	char path[256], copy[256], where[512], command[600];
	struct stat st;

	stage_leave_password(w);
	snprintf(path, sizeof(path), "%s/jobs/%s/journal.jsonl", w->state_path, w->job->id);
	snprintf(copy, sizeof(copy), "%s/copied.jsonl", w->folder);
	snprintf(command, sizeof(command), "cp '%s' '%s'", path, copy);
	assert_int_equal(system(command), 0);
	/* a copy of another name: beside it */
	assert_int_equal(xp_job_unlocked_tell_file(where, sizeof(where), copy, "S", &w->err),
			 XP_OK);
	assert_non_null(strstr(where, "copied.jsonl.unlocked"));
	assert_int_equal(stat(where, &st), 0);
	assert_true(st.st_size > 20);
	assert_true(stage_names_password(w));
	/* the journal itself */
	assert_int_equal(xp_job_unlocked_tell_file(where, sizeof(where), path, "S", &w->err),
			 XP_OK);
	assert_string_equal(where, path);
	assert_false(stage_names_password(w));
	/* nowhere to write */
	assert_int_equal(
		xp_job_unlocked_tell_file(where, sizeof(where), "/nonexistent/x", "S", &w->err),
		XP_E_IO);
}

/* --- SECURITY ERASE UNIT, which nobody can stop --- */

static uint64_t silent_estimate_s;
static void on_event(void *ctx, const struct xp_event *e)
{
	(void)ctx;
	if (e->kind == XP_EVENT_PROGRESS && e->is_silent)
		silent_estimate_s = e->estimate_s;
}

/* A stop in the middle waits for the drive, leaves no password, and resume leads on. */
static void test_security_erase_is_stopped_behind_its_end(void **state)
{
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);
	struct world *w = *state;

	stage_plug(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_ATA_SECURE_ERASE;
	w->cancel_on = 0xf4; /* SECURITY ERASE UNIT */
	stage_prepare(w);
	w->job->events = (struct xp_events){.emit = on_event};
	silent_estimate_s = 0;
	xp_job_execute(w->job);
	assert_int_equal(w->job->state, XP_JOB_INTERRUPTED);
	assert_int_equal(w->job->exit_code, 5);
	assert_true(silent_estimate_s >= 120 && silent_estimate_s % 120 == 0);
	xp_journal_close(&w->job->journal);
	assert_false(stage_names_password(w));
	w->cancel_on = 0;
	w->was_stopped = false;
	stage_resume(w);
	stage_assert_claim(w, XP_CLEAR, XP_ATA_SECURE_ERASE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_failed_sanitize_is_told_in_the_drives_words),
		CASE(test_failed_sanitize_is_planned_at_purge_and_left),
		CASE(test_sanitize_of_others_is_waited_for),
		CASE(test_stalled_sanitize_is_indeterminate),
		CASE(test_level_that_is_out_of_reach_is_refused_by_a_code),
		CASE(test_drive_that_vanished_is_refused_by_a_code),
		CASE(test_unlocked_job_names_no_password),
		CASE(test_unlocked_other_drive_is_not_told),
		CASE(test_unlocked_by_its_journal_file),
		CASE(test_security_erase_is_stopped_behind_its_end),
	};

	return cmocka_run_group_tests_name("job_failures", tests, NULL, NULL);
}
