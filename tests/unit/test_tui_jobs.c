/* The full screen from the plan to the summary: what confirms and what does not, progress, ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/fake/tui_lab.h"

static enum xp_tui_wish wish_of(struct xp_tui_lab *l)
{
	size_t arg;

	return xp_tui_wish_take(&l->t, &arg);
}

/* A plan for N of the lab's drives, and the question for the confirmation. */
static void ask(struct xp_tui_lab *l, size_t n, const char *word)
{
	xp_tui_lab_new(l, 24, 80);
	xp_tui_lab_drives(l, n);
	xp_tui_lab_type(l, "a");
	xp_tui_lab_round(l, 1, n, word);
	xp_tui_lab_key(l, XP_TUI_ENTER);
	assert_int_equal(l->t.screen, XP_TUI_CONFIRM);
}

static void test_plan_shows_everything_that_is_destroyed(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 3);
	xp_tui_lab_round(&l, 1, 3, "walnut");
	l.t.jobs[1].state = XP_TUI_JOB_REFUSED;
	snprintf(l.t.jobs[1].text, sizeof(l.t.jobs[1].text), "mounted: /dev/sdb is mounted");
	xp_tui_lab_row(&l, "2 drives would be destroyed, 8.0 TB");
	xp_tui_lab_row(&l, "DESTROYS  SERIAL00001");
	xp_tui_lab_row(&l, "NOT THIS  SERIAL00002");
	xp_tui_lab_row(&l, "  destroys     everything");
	/* the word is not to be seen before everything else was */
	assert_null(strstr(xp_tui_lab_look(&l), "walnut"));
	xp_tui_lab_key(&l, XP_TUI_ESCAPE);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_LEAVE);
	assert_int_equal(l.t.screen, XP_TUI_LIST);
}

static void test_plan_is_not_confirmed_before_all_have_answered(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 2);
	xp_tui_lab_round(&l, 1, 2, "walnut");
	l.t.jobs[1].state = XP_TUI_JOB_ASKING;
	l.t.round_ready = false;
	xp_tui_lab_row(&l, "1 drive still has to answer");
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(l.t.screen, XP_TUI_PLAN);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_NONE);
	/* and not where none can be erased */
	l.t.jobs[0].state = l.t.jobs[1].state = XP_TUI_JOB_REFUSED;
	l.t.round_ready = true;
	xp_tui_lab_row(&l, "nothing can be done as things stand");
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(l.t.screen, XP_TUI_PLAN);
}

static void test_confirm_one_drive_by_its_own_serial_only(void **state)
{
	static const char *const wrong[] = {"",
					    "y",
					    "yes",
					    "SERIAL0000",
					    "SERIAL00001x",
					    "serial00001",
					    "SERIAL00002",
					    "1 walnut",
					    "walnut"};
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	ask(&l, 1, "walnut");
	xp_tui_lab_row(&l, "EVERYTHING ON THIS DRIVE WILL BE DESTROYED");
	assert_null(strstr(l.shown, "walnut"));
	for (size_t i = 0; i < XP_ARRAY_LEN(wrong); i++) {
		xp_tui_lab_type(&l, wrong[i]);
		xp_tui_lab_key(&l, XP_TUI_ENTER);
		assert_int_equal(wish_of(&l), XP_TUI_WISH_NONE);
		assert_int_equal(l.t.screen, XP_TUI_CONFIRM);
		assert_true(xp_tui_beep_take(&l.t));
		xp_tui_lab_row(&l, "nothing is confirmed, nothing was touched");
	}
	/* scanned, at any speed */
	xp_tui_lab_scanner(&l, "SERIAL00001", 1);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_GO);
	assert_int_equal(l.t.screen, XP_TUI_WORK);
	assert_false(l.t.drives[0].selected);
}

static void test_confirm_batch_by_count_and_word_only(void **state)
{
	static const char *const wrong[] = {"",		"y",	    "SERIAL00001", "walnut",
					    "3",	"2 walnut", "3  walnut",   "3 walnut ",
					    "3 Walnut", "list"};
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	ask(&l, 3, "walnut");
	xp_tui_lab_row(&l, "To confirm, type the number and the word: 3 walnut");
	for (size_t i = 0; i < XP_ARRAY_LEN(wrong); i++) {
		xp_tui_lab_type(&l, wrong[i]);
		xp_tui_lab_key(&l, XP_TUI_ENTER);
		assert_int_equal(wish_of(&l), XP_TUI_WISH_NONE);
		assert_int_equal(l.t.screen, XP_TUI_CONFIRM);
	}
	xp_tui_lab_type(&l, "3 walnux");
	xp_tui_lab_key(&l, XP_TUI_BACKSPACE);
	xp_tui_lab_type(&l, "t");
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_GO);
}

static void test_confirm_without_a_word_nothing_confirms(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	/* no random numbers were to be had */
	ask(&l, 2, "");
	xp_tui_lab_type(&l, "2 ");
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_NONE);
	/* a drive without a confirm string */
	xp_tui_lab_key(&l, XP_TUI_ESCAPE);
	l.t.jobs[0].state = XP_TUI_JOB_REFUSED;
	l.t.jobs[1].confirm[0] = 0;
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_NONE);
}

static void test_confirm_by_list_where_there_is_one(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	ask(&l, 3, "walnut");
	l.t.has_expect_list = true;
	xp_tui_lab_row(&l, "the word  list");
	xp_tui_lab_type(&l, "list");
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_GO_LIST);
}

static void test_confirm_escape_touches_nothing(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	ask(&l, 3, "walnut");
	xp_tui_lab_type(&l, "3 walnut");
	xp_tui_lab_key(&l, XP_TUI_ESCAPE);
	assert_int_equal(l.t.screen, XP_TUI_PLAN);
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	/* what was typed before is gone */
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_NONE);
}

/* N jobs at work. */
static void work(struct xp_tui_lab *l, size_t n)
{
	ask(l, n, "walnut");
	for (size_t i = 0; i < n; i++)
		l->t.jobs[i].state = XP_TUI_JOB_RUNNING;
	for (size_t i = 0; i < n; i++)
		l->t.drives[i].selected = false;
	l->t.round = 0;
	xp_tui_go(&l->t, XP_TUI_WORK);
}

static void test_work_shows_percent_rate_and_rest(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;
	struct xp_tui_event e = {.is_phase = true, .phase = "overwrite 1/1", .total = 1000000000};

	(void)state;
	work(&l, 2);
	xp_tui_job_event(&l.t, 0, &e, l.now_ms);
	xp_tui_lab_wait(&l, 5000);
	e = (struct xp_tui_event){.is_progress = true, .done = 250000000, .total = 1000000000};
	xp_tui_job_event(&l.t, 0, &e, l.now_ms);
	l.t.jobs[0].celsius = 41;
	xp_tui_lab_row(&l, "0 of 2 ended");
	xp_tui_lab_row(&l, "[####..........]  25% overwrite 1/1    ETA 16 s  50 MB/s");
	xp_tui_lab_row(&l, " 41C");
	/* and in the list */
	xp_tui_lab_type(&l, "d");
	xp_tui_lab_row(&l, "25% overwri");
	xp_tui_lab_row(&l, " -  Slot 1");
}

static void end(struct xp_tui_lab *l, size_t job, enum xp_tui_job_state state, const char *text)
{
	l->t.jobs[job].state = state;
	snprintf(l->t.jobs[job].text, sizeof(l->t.jobs[job].text), "%s", text);
	xp_tui_job_ended(&l->t, job);
}

static void test_work_failure_is_told_in_its_place(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	work(&l, 3);
	end(&l, 1, XP_TUI_JOB_BAD, "failed, claim none");
	assert_true(xp_tui_beep_take(&l.t));
	assert_int_equal(l.t.screen, XP_TUI_WORK);
	assert_int_equal(xp_tui_lab_row(&l, "FAILED - PULL AND SET ASIDE failed, claim none"), 3);
	xp_tui_lab_key(&l, XP_TUI_HOME);
	xp_tui_lab_key(&l, XP_TUI_DOWN);
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	xp_tui_lab_row(&l, "SERIAL00002  /dev/sdb: FAILED");
	xp_tui_lab_row(&l, "pull the drive and set it aside");
	xp_tui_lab_key(&l, XP_TUI_ESCAPE);
	assert_int_equal(l.t.screen, XP_TUI_WORK);
}

static void test_summary_comes_by_itself_and_counts(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	work(&l, 4);
	snprintf(l.t.jobs[0].record, sizeof(l.t.jobs[0].record), "0199.json");
	end(&l, 0, XP_TUI_JOB_DONE, "sanitized");
	snprintf(l.t.jobs[1].record, sizeof(l.t.jobs[1].record), "0198.json");
	end(&l, 1, XP_TUI_JOB_BAD, "failed, residue found");
	snprintf(l.t.jobs[2].level, sizeof(l.t.jobs[2].level), "clear");
	end(&l, 2, XP_TUI_JOB_LOWER, "sanitized");
	assert_int_equal(l.t.screen, XP_TUI_WORK);
	end(&l, 3, XP_TUI_JOB_STOPPED, "interrupted");
	assert_int_equal(l.t.screen, XP_TUI_SUMMARY);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_SUMMARY);
	xp_tui_lab_row(&l, "1  done, and the evidence supports it");
	xp_tui_lab_row(&l, "1  FAILED or unknown: data may remain");
	xp_tui_lab_row(&l, "1  stopped: can be gone on with");
	xp_tui_lab_row(&l, "certificate 0199.json");
	xp_tui_lab_row(&l, "only clear SERIAL00003");
	/* what failed says how, and its record is no certificate */
	xp_tui_lab_row(&l, "failed, residue found");
	xp_tui_lab_row(&l, "           record 0198.json");
	/* what needs a hand stands first */
	assert_true(xp_tui_lab_row(&l, "FAILED     SERIAL00002") <
		    xp_tui_lab_row(&l, "ok, purge  SERIAL00001"));
	/* what was done is not chosen again by "all" */
	xp_tui_lab_type(&l, "d");
	xp_tui_lab_type(&l, "a");
	assert_false(l.t.drives[0].selected);
	assert_true(l.t.drives[1].selected);
}

static void test_summary_says_where_only_a_host_signed(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	work(&l, 1);
	l.t.host_signs = true;
	end(&l, 0, XP_TUI_JOB_DONE, "sanitized");
	xp_tui_lab_row(&l, "role host");
	xp_tui_lab_row(&l, "expunge-cert endorse");
}

static void test_quit_asks_and_stops_in_good_order(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	work(&l, 2);
	xp_tui_lab_key(&l, XP_TUI_F10);
	xp_tui_lab_row(&l, "2 jobs are at work");
	for (const char *s = "xq \r"; *s; s++)
		xp_tui_lab_key(&l, (unsigned char)*s);
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_NONE);
	assert_int_equal(l.t.screen, XP_TUI_QUIT);
	xp_tui_lab_type(&l, "n");
	assert_int_equal(l.t.screen, XP_TUI_WORK);
	xp_tui_lab_key(&l, 'q');
	xp_tui_lab_type(&l, "y");
	assert_int_equal(wish_of(&l), XP_TUI_WISH_STOP);
	assert_false(l.t.over);
	xp_tui_lab_row(&l, "stopping in good order");
	end(&l, 0, XP_TUI_JOB_STOPPED, "interrupted");
	end(&l, 1, XP_TUI_JOB_STOPPED, "interrupted");
	assert_int_equal(wish_of(&l), XP_TUI_WISH_SUMMARY);
	xp_tui_lab_key(&l, 'q');
	xp_tui_lab_row(&l, "Nothing is at work");
	xp_tui_lab_type(&l, "y");
	assert_int_equal(wish_of(&l), XP_TUI_WISH_QUIT);
	assert_true(l.t.over);
}

static void test_left_jobs_go_on_only_where_their_drive_is(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;
	size_t arg = 9;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 2);
	l.t.left = calloc(2, sizeof(*l.t.left));
	assert_non_null(l.t.left);
	l.t.left_n = 2;
	for (size_t i = 0; i < 2; i++) {
		snprintf(l.t.left[i].confirm, sizeof(l.t.left[i].confirm), "LEFT%zu", i);
		snprintf(l.t.left[i].where, sizeof(l.t.left[i].where), "erase pass 1/1 at 40 %%");
		l.t.left[i].present = i == 1;
	}
	xp_tui_go(&l.t, XP_TUI_INTERRUPTED);
	xp_tui_lab_row(&l, "data may remain");
	xp_tui_lab_row(&l, "NOT HERE");
	xp_tui_lab_type(&l, "r");
	assert_int_equal(wish_of(&l), XP_TUI_WISH_NONE);
	xp_tui_lab_key(&l, XP_TUI_DOWN);
	xp_tui_lab_type(&l, "r");
	assert_int_equal(xp_tui_wish_take(&l.t, &arg), XP_TUI_WISH_RESUME);
	assert_int_equal(arg, 1);
	l.t.left[1].taken = true;
	xp_tui_lab_type(&l, "r");
	assert_int_equal(wish_of(&l), XP_TUI_WISH_NONE);
}

static void test_passphrase_is_never_drawn(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;
	struct xp_err err;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	assert_int_equal(xp_secret_new(&l.t.secret, 16, &err), XP_OK);
	xp_tui_go(&l.t, XP_TUI_PASSPHRASE);
	assert_true(xp_tui_wants_secret(&l.t));
	/* Enter on nothing is no answer */
	xp_tui_secret_byte(&l.t, '\r');
	assert_int_equal(wish_of(&l), XP_TUI_WISH_NONE);
	for (const char *s = "geh\xc3\xa4"
			     "im";
	     *s; s++)
		xp_tui_secret_byte(&l.t, (uint8_t)*s);
	assert_null(strstr(xp_tui_lab_look(&l), "geh"));
	xp_tui_lab_row(&l, "> *******");
	assert_null(strstr(l.shown, "********"));
	/* a character of two bytes goes as one */
	xp_tui_secret_byte(&l.t, 0x7f);
	xp_tui_secret_byte(&l.t, 0x7f);
	xp_tui_secret_byte(&l.t, 8);
	assert_int_equal(l.t.secret_len, 3);
	assert_memory_equal(l.t.secret.data, "geh\0\0\0\0\0", 8);
	/* no more than there is room for, and an end behind it */
	for (size_t i = 0; i < 100; i++)
		xp_tui_secret_byte(&l.t, 'x');
	assert_int_equal(l.t.secret_len, 15);
	xp_tui_secret_byte(&l.t, '\n');
	assert_int_equal(wish_of(&l), XP_TUI_WISH_KEY);
	/* without it: the host's key, and nothing of it is kept */
	xp_tui_secret_byte(&l.t, 0x1b);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_HOST_KEY);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(l.t.secret.data[i], 0);
	xp_tui_lab_row(&l, "(role host)");
}

static void test_operator_and_clock_are_asked(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	xp_tui_lab_new(&l, 24, 80);
	xp_tui_lab_drives(&l, 1);
	xp_tui_lab_type(&l, "o");
	xp_tui_lab_type(&l, "Erika M");
	xp_tui_lab_key(&l, 0xfc);
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_PERSON);
	assert_string_equal(l.t.typed.text, "Erika M\xc3\xbc");
	xp_tui_lab_key(&l, XP_TUI_ESCAPE);
	xp_tui_lab_type(&l, "t");
	snprintf(l.t.clock_why, sizeof(l.t.clock_why), "The clock says 1970");
	xp_tui_lab_row(&l, "The clock says 1970");
	xp_tui_lab_type(&l, "2026-11-22 14:05");
	xp_tui_lab_key(&l, XP_TUI_ENTER);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_CLOCK);
}

static void test_help_leads_back_to_where_one_was(void **state)
{
	AUTO(xp_tui_lab_free) struct xp_tui_lab l;

	(void)state;
	ask(&l, 2, "walnut");
	xp_tui_lab_type(&l, "2 wal");
	xp_tui_lab_key(&l, XP_TUI_F1);
	xp_tui_lab_row(&l, "THE LIST OF DRIVES");
	for (unsigned i = 0; i < 20; i++)
		xp_tui_lab_key(&l, XP_TUI_F1);
	xp_tui_lab_key(&l, XP_TUI_END);
	xp_tui_lab_row(&l, "Esc leads back everywhere");
	xp_tui_lab_key(&l, XP_TUI_ESCAPE);
	assert_int_equal(l.t.screen, XP_TUI_CONFIRM);
	assert_int_equal(wish_of(&l), XP_TUI_WISH_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_shows_everything_that_is_destroyed),
		cmocka_unit_test(test_plan_is_not_confirmed_before_all_have_answered),
		cmocka_unit_test(test_confirm_one_drive_by_its_own_serial_only),
		cmocka_unit_test(test_confirm_batch_by_count_and_word_only),
		cmocka_unit_test(test_confirm_without_a_word_nothing_confirms),
		cmocka_unit_test(test_confirm_by_list_where_there_is_one),
		cmocka_unit_test(test_confirm_escape_touches_nothing),
		cmocka_unit_test(test_work_shows_percent_rate_and_rest),
		cmocka_unit_test(test_work_failure_is_told_in_its_place),
		cmocka_unit_test(test_summary_comes_by_itself_and_counts),
		cmocka_unit_test(test_summary_says_where_only_a_host_signed),
		cmocka_unit_test(test_quit_asks_and_stops_in_good_order),
		cmocka_unit_test(test_left_jobs_go_on_only_where_their_drive_is),
		cmocka_unit_test(test_passphrase_is_never_drawn),
		cmocka_unit_test(test_operator_and_clock_are_asked),
		cmocka_unit_test(test_help_leads_back_to_where_one_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
