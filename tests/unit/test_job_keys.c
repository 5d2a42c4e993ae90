/*
 * Whole jobs on a drive that holds a LUKS volume: its keys are destroyed first, then comes the
 * drive's own technique, one job and one record, whatever it is killed at. What the host writes
 * goes to the file that the permit is for, and what it then reads there comes from it.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/job_journal.h"
#include "tests/fake/job_stage.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES (STAGE_SECTORS * 512)

static struct xp_job_door own;

/* While the keys are at it, the drive is the file. */
static enum xp_rc open_io(void *ctx, struct xp_extent_io **out, struct xp_extent_config *cfg,
			  const struct xp_permit *permit, struct xp_err *err)
{
	struct world *w = ctx;

	if (w->job->plan.technique != XP_LUKS_DESTROY)
		return own.open_io(ctx, out, cfg, permit, err);
	if (w->dead)
		return xp_fail(err, XP_E_IO, "killed");
	cfg->fd = xp_permit_fd(permit, &cfg->direct);
	return xp_extent_io_new(out, cfg, err);
}

static void plug_luks(struct world *w)
{
	struct emu_ata_config cfg = emu_ata_hdd(STAGE_SECTORS);
	AUTO_MEM char *head = NULL;
	size_t len = 0;

	stage_plug(w, &cfg);
	own = w->door;
	w->door.open_io = open_io;
	if (xp_file_read(&head, &len, "tests/data/luks/luks2-head.bin", 1u << 20, &w->err) != XP_OK)
		fail_msg("%s", w->err.msg);
	AUTO_FD int fd = open(w->image, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, BYTES), 0);
	assert_int_equal(pwrite(fd, head, len, 0), len);
}

static bool has_header(const struct world *w)
{
	AUTO_MEM char *all = NULL;
	size_t len = 0;

	if (xp_file_read(&all, &len, w->image, BYTES, NULL) != XP_OK)
		abort();
	return memmem(all, len, "LUKS\xba\xbe", 6) || memmem(all, len, "SKUL\xba\xbe", 6);
}

static const struct xp_phase *find_volumes(const struct world *w)
{
	const struct xp_evidence *ev = &w->job->record.evidence;

	for (size_t i = 0; i < ev->n; i++)
		if (ev->phases[i].volume_n)
			return &ev->phases[i];
	return &stage_nothing;
}

/* The record has both: what was there and is gone, and the drive's own erase. */
static void assert_both(struct world *w)
{
	const struct xp_phase *keys = stage_find(w, XP_PHASE_READBACK, 1);

	stage_assert_claim(w, XP_PURGE, XP_ATA_SANITIZE_OVERWRITE);
	stage_assert_clean(w);
	assert_false(has_header(w));
	assert_int_equal(find_volumes(w)->attempt, 1);
	assert_int_equal(find_volumes(w)->volumes[0].slots, 2);
	assert_int_equal(stage_find(w, XP_PHASE_ERASE, 1)->technique, XP_LUKS_DESTROY);
	assert_true(stage_find(w, XP_PHASE_ERASE, 1)->overwrite.flushed);
	assert_int_equal(keys->search.area_n, 1);
	assert_int_equal(keys->search.headers_left, 0);
	assert_int_equal(stage_find(w, XP_PHASE_ERASE, 2)->technique, XP_ATA_SANITIZE_OVERWRITE);
	assert_int_equal(stage_find(w, XP_PHASE_READBACK, 2)->readback.zero_blocks, STAGE_SECTORS);
	assert_int_equal(w->job->exit_code, 0);
}

static void test_job_keys_first_then_the_drives_own(void **state)
{
	struct world *w = *state;

	plug_luks(w);
	assert_true(has_header(w));
	stage_prepare(w);
	assert_true(w->job->plan.keys_first);
	assert_int_equal(w->job->luks.n, 1);
	xp_job_execute(w->job);
	assert_both(w);
	stage_assert_record_good(w);
}

/* The drive refuses its own erase: the keys are gone all the same, and the record has it. */
static void test_job_keys_are_gone_where_the_drive_fails(void **state)
{
	struct world *w = *state;

	plug_luks(w);
	w->options.no_fallback = true;
	stage_prepare(w);
	emu_ata_faults(w->d)->sanitize_fails_at = 32768;
	xp_job_execute(w->job);
	assert_int_equal(w->job->state, XP_JOB_ENDED);
	assert_int_not_equal(w->job->exit_code, 0);
	assert_false(has_header(w));
	assert_int_equal(find_volumes(w)->attempt, 1);
	assert_int_equal(stage_find(w, XP_PHASE_ERASE, 1)->technique, XP_LUKS_DESTROY);
}

/* Killed, or without power, at boundary AT. false: there are fewer. */
static bool cut_at(void **state, uint64_t at, bool cuts_power)
{
	struct world *w;
	char name[64];
	bool was_cut;

	assert_int_equal(stage_setup(state), 0);
	w = *state;
	plug_luks(w);
	stage_prepare(w);
	was_cut = stage_execute_cut(w, at, cuts_power);
	/* whoever died has not left a record */
	for (unsigned takes = 0; takes < 4 && w->job->state != XP_JOB_ENDED; takes++) {
		snprintf(name, sizeof(name), "%s.json", w->job->id);
		assert_int_not_equal(faccessat(w->kept_fd, name, F_OK, 0), 0);
		xp_journal_close(&w->job->journal);
		stage_resume(w);
	}
	assert_both(w);
	assert_int_equal(stage_teardown(state), 0);
	return was_cut;
}

/* How many boundaries a job has that nobody cuts. */
static uint64_t count_all(void **state)
{
	struct world *w = *state;

	plug_luks(w);
	stage_prepare(w);
	assert_false(stage_execute_cut(w, 0, false));
	assert_both(w);
	return w->boundaries;
}

/* Most lie where the keys end and the drive's own technique begins, and where that one ends. */
static void test_job_keys_cut_anywhere_end_in_both(void **state)
{
	static const uint64_t first[] = {1, 2, 4, 7, 12, 20, 32};
	static const uint64_t last[] = {2000, 40, 12, 3, 0};
	uint64_t all = count_all(state);
	void *inner = NULL;

	assert_true(all > last[0]);
	for (size_t i = 0; i < XP_ARRAY_LEN(first); i++)
		assert_true(cut_at(&inner, first[i], i % 2 == 0));
	for (size_t i = 0; i < XP_ARRAY_LEN(last); i++)
		assert_true(cut_at(&inner, all - last[i], i % 2 == 0));
	assert_false(cut_at(&inner, all + 1, false));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_job_keys_first_then_the_drives_own),
		CASE(test_job_keys_are_gone_where_the_drive_fails),
		CASE(test_job_keys_cut_anywhere_end_in_both),
	};

	return cmocka_run_group_tests_name("job_keys", tests, NULL, NULL);
}
