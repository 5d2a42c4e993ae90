/*
 * A clock that went back between two takes: whatever moment the journal or a record knows, a job is
 * taken up behind it only, and nothing is asked of the drive before.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/job_host.h"
#include "cli/job_journal.h"
#include "tests/fake/job_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Each look at it is a second later, so that no two lines of a journal are of one moment. */
struct ticking {
	struct world *w;
	int64_t now_s;
};

static int64_t tick_s(void *ctx)
{
	struct ticking *t = ctx;

	return t->now_s++;
}

static uint64_t tick_ns(void *ctx)
{
	const struct ticking *t = ctx;

	return (uint64_t)t->now_s * EMU_S;
}

static struct xp_clock clock_of(struct ticking *t)
{
	return (struct xp_clock){.wall_s = tick_s, .monotonic_ns = tick_ns, .ctx = t};
}

/* The newest of all times that stand in the journal. */
static int64_t newest_in_journal(const struct world *w)
{
	AUTO_MEM char *text = NULL;
	char path[256];
	int64_t newest = 0;
	struct xp_err err;
	size_t len = 0;

	snprintf(path, sizeof(path), "jobs/%s/journal.jsonl", w->job->id);
	assert_int_equal(xp_file_read_at(&text, &len, w->state.fd, path, 1 << 24, &err), XP_OK);
	for (const char *p = text; (p = strchr(p, '"')) != NULL; p++) {
		char word[XP_TIME_LEN] = "";
		int64_t at;

		if (strnlen(p + 1, XP_TIME_LEN) < XP_TIME_LEN || p[XP_TIME_LEN] != '"')
			continue;
		memcpy(word, p + 1, XP_TIME_LEN - 1);
		if (xp_time_parse(&at, word) && at > newest)
			newest = at;
	}
	return newest;
}

static void assert_refused(struct world *w)
{
	if (w->job->state != XP_JOB_REFUSED)
		fail_msg("state %d: %s", w->job->state, w->job->err.msg);
	assert_int_equal(w->job->exit_code, 4);
	assert_int_equal(w->job->refusals.n, 1);
	assert_int_equal(w->job->refusals.list[0].code, XP_REFUSED_CLOCK_IMPLAUSIBLE);
	assert_non_null(strstr(w->job->refusals.list[0].remedy, "--clock"));
	xp_journal_close(&w->job->journal);
}

/* Killed at boundary AT, and taken up with the clock BEHIND seconds behind the journal's last. */
static void kill_and_resume(struct world *w, uint64_t at, int64_t behind)
{
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);
	struct ticking ticks = {.w = w, .now_s = xp_clock_system()->wall_s(NULL)};
	int64_t newest;

	cfg.sanitize_seconds = 600;
	stage_plug(w, &cfg);
	w->clock = clock_of(&ticks);
	stage_prepare(w);
	w->kill_at = w->boundaries + at;
	xp_job_execute(w->job);
	assert_true(w->dead);
	xp_journal_close(&w->job->journal);
	newest = newest_in_journal(w);
	assert_true(newest > 0);
	ticks.now_s = newest - behind;
	stage_reopen(w);
	assert_int_equal(w->job->resume.last_s, newest);
	w->boundaries = 0;
	xp_job_execute(w->job);
	if (behind > 0) {
		assert_refused(w);
		assert_int_equal(w->boundaries, 0);
		assert_int_equal(newest_in_journal(w), newest);
		ticks.now_s = newest;
		stage_resume(w);
	}
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_CRYPTO);
	stage_assert_clean(w);
}

static void test_journal_knows_its_last_moment_wherever_it_ends(void **state)
{
	static const uint64_t at[] = {60, 130, 150};
	void *inner;

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		for (int64_t behind = 0; behind < 2; behind++) {
			assert_int_equal(stage_setup(&inner), 0);
			kill_and_resume(inner, at[i], behind);
			assert_int_equal(stage_teardown(&inner), 0);
		}
}

/* A take that was refused, or ended early, leaves its moment, too. */
static void test_journal_of_two_takes_knows_the_second(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);
	struct ticking ticks = {.w = w, .now_s = xp_clock_system()->wall_s(NULL)};
	int64_t newest;

	stage_plug(w, &cfg);
	w->clock = clock_of(&ticks);
	stage_prepare(w);
	w->kill_at = w->boundaries + 60;
	xp_job_execute(w->job);
	assert_true(w->dead);
	xp_journal_close(&w->job->journal);
	ticks.now_s += 7200;
	stage_reopen(w);
	w->kill_at = w->boundaries + 1;
	xp_job_execute(w->job);
	assert_true(w->dead);
	xp_journal_close(&w->job->journal);
	newest = newest_in_journal(w);
	ticks.now_s = newest - 1;
	stage_resume(w);
	assert_refused(w);
	/* a clock that is right now is not to be set to what a wrong one said then */
	assert_non_null(strstr(w->job->refusals.list[0].remedy, "begin the job anew with another"));
	ticks.now_s = newest;
	stage_resume(w);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_CRYPTO);
}

/* A record is newer than the start of its job. */
static void test_newest_record_counts_by_when_it_was_issued(void **state)
{
	struct world *w = *state;
	struct emu_ata_config cfg = emu_ata_ssd(STAGE_SECTORS);
	struct ticking ticks = {.w = w, .now_s = xp_clock_system()->wall_s(NULL)};
	int64_t issued;

	stage_plug(w, &cfg);
	w->clock = clock_of(&ticks);
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_CRYPTO);
	issued = w->job->record.issued_s;
	assert_true(issued > xp_job_id_start_s(w->job->id) + 1);
	ticks.now_s = issued - 1;
	stage_prepare(w);
	ticks.now_s = issued - 1;
	xp_job_execute(w->job);
	assert_refused(w);
	/* it may have been that one which was wrong */
	assert_non_null(strstr(w->job->refusals.list[0].remedy, "another state folder"));
	stage_prepare(w);
	ticks.now_s = issued;
	xp_job_execute(w->job);
	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_CRYPTO);
}

static void test_id_start_is_of_an_id_only(void **state)
{
	(void)state;
	assert_int_equal(xp_job_id_start_s("019aab12-4c00-7000-8000-000000000000"),
			 0x019aab124c00 / 1000);
	assert_int_equal(xp_job_id_start_s("019aab12-4c00-7000-8000-000000000000.json"),
			 0x019aab124c00 / 1000);
	assert_int_equal(xp_job_id_start_s("019aab12-4c00-7000-8000-00000000000"), 0);
	assert_int_equal(xp_job_id_start_s("019aab1x-4c00-7000-8000-000000000000"), 0);
	assert_int_equal(xp_job_id_start_s("019aab12x4c00-7000-8000-000000000000"), 0);
	assert_int_equal(xp_job_id_start_s(""), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal_knows_its_last_moment_wherever_it_ends),
		CASE(test_journal_of_two_takes_knows_the_second),
		CASE(test_newest_record_counts_by_when_it_was_issued),
		cmocka_unit_test(test_id_start_is_of_an_id_only),
	};

	return cmocka_run_group_tests_name("job_clock", tests, NULL, NULL);
}
