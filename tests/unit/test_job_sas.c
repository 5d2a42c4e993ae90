/* Whole jobs on an emulated SAS drive. */
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

static void assert_sas_clean(const struct world *w, bool spare_too)
{
	struct emu_stains s = emu_media_stains(emu_scsi_media(w->sas, 0), 0, STAGE_SECTORS);

	assert_int_equal(s.sectors, 0);
	if (spare_too)
		assert_int_equal(s.spare, 0);
}

/* The kernel shows a disk of no capacity: the drive's own commands read and write it. */
static void test_job_520_byte_disk_is_purged(void **state)
{
	struct world *w = *state;
	struct emu_scsi_config cfg = emu_scsi_hdd(STAGE_SECTORS);
	const struct xp_phase *p;

	cfg.logical_bytes = 520;
	stage_plug_sas(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_SCSI_SANITIZE_OVERWRITE;
	stage_run(w);
	stage_assert_claim(w, XP_PURGE, XP_SCSI_SANITIZE_OVERWRITE);
	assert_sas_clean(w, true);
	assert_int_equal(w->job->record.media.capacity_bytes, STAGE_SECTORS * 520);
	assert_int_equal(w->job->record.media.logical_block_bytes, 520);
	p = stage_find(w, XP_PHASE_READBACK, 1);
	assert_int_equal(p->readback.expected.kind, XP_CONTENT_ZERO);
	assert_int_equal(p->readback.bytes_delivered, p->readback.bytes_planned);
	assert_int_equal(p->readback.compared_blocks, STAGE_SECTORS);
	assert_int_equal(p->readback.zero_blocks, STAGE_SECTORS);
	assert_int_equal(p->readback.how.backend, XP_IO_SG);
}

static void test_job_520_byte_disk_is_overwritten_by_the_host(void **state)
{
	struct world *w = *state;
	struct emu_scsi_config cfg = emu_scsi_hdd(STAGE_SECTORS);

	cfg.logical_bytes = 520;
	stage_plug_sas(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_OVERWRITE_RANDOM;
	stage_run(w);
	stage_assert_claim(w, XP_CLEAR, XP_OVERWRITE_RANDOM);
	assert_sas_clean(w, false);
	assert_int_equal(stage_find(w, XP_PHASE_ERASE, 1)->overwrite.bytes_written,
			 STAGE_SECTORS * 520);
	assert_int_equal(stage_find(w, XP_PHASE_READBACK, 1)->readback.mismatch_total, 0);
}

/* Blocks with protection information: the drive makes it, and takes it off again. */
static void test_job_protected_disk_is_overwritten_by_the_host(void **state)
{
	struct world *w = *state;
	struct emu_scsi_config cfg = emu_scsi_hdd(STAGE_SECTORS);

	cfg.logical_bytes = 528;
	cfg.pi_type = 1;
	stage_plug_sas(w, &cfg);
	w->options.has_technique = true;
	w->options.technique = XP_OVERWRITE_ZERO;
	stage_run(w);
	stage_assert_claim(w, XP_CLEAR, XP_OVERWRITE_ZERO);
	assert_sas_clean(w, false);
	/* each block is equal: the drive was told once */
	assert_int_equal(stage_find(w, XP_PHASE_ERASE, 1)->overwrite.how.backend, XP_IO_WRITE_SAME);
}

/* Another host has reserved it: refused, before anything is held. */
static void test_job_reserved_drive_is_refused(void **state)
{
	struct world *w = *state;
	struct emu_scsi_config cfg = emu_scsi_hdd(STAGE_SECTORS);

	stage_plug_sas(w, &cfg);
	emu_scsi_faults(w->sas)->reserved_elsewhere = true;
	stage_prepare(w);
	assert_int_equal(w->job->plan.exit_code, 4);
	assert_int_equal(w->job->refusals.list[0].code, XP_REFUSED_RESERVED);
}

static const struct xp_phase *run_on_ssd(struct world *w, enum xp_technique t, unsigned said,
					 bool is_bad)
{
	struct emu_scsi_config cfg = emu_scsi_ssd(STAGE_SECTORS);
	const struct emu_bad bad = {.first = 100, .n = 8, .on_read = true};

	cfg.logical_bytes = 520;
	if (t == XP_SCSI_SANITIZE_CRYPTO)
		cfg.wacereq = said;
	else
		cfg.wabereq = said;
	stage_plug_sas(w, &cfg);
	if (is_bad)
		assert_true(emu_media_add_bad(emu_scsi_media(w->sas, 0), &bad));
	w->options.has_technique = true;
	w->options.technique = t;
	stage_run(w);
	assert_int_equal(w->job->record.claim.level, XP_PURGE);
	return stage_find(w, XP_PHASE_READBACK, 1);
}

/* Reads fail after the erase until something was written, as the drive said before: that is no
 * exception, and no verification. */
static void test_job_unreadable_as_promised_is_said(void **state)
{
	static const enum xp_technique list[] = {XP_SCSI_SANITIZE_CRYPTO, XP_SCSI_SANITIZE_BLOCK};

	for (size_t i = 0; i < XP_ARRAY_LEN(list); i++) {
		for (unsigned said = 2; said <= 3; said++) {
			const struct xp_phase *p;
			struct world *w;

			assert_int_equal(stage_setup(state), 0);
			w = *state;
			p = run_on_ssd(w, list[i], said, false);
			assert_int_equal(p->readback.unreadable_blocks, STAGE_SECTORS);
			assert_true(p->readback.read_errors.total_bytes > 0);
			assert_int_equal(w->job->record.claim.outcome, XP_OUTCOME_SANITIZED);
			assert_true(stage_has_reason(w, "unreadable-as-promised"));
			assert_false(stage_has_reason(w, "unreadable"));
			assert_int_equal(stage_teardown(state), 0);
		}
	}
}

/* The promise of the one erase is none of the other, and a drive that promised good reads, or
 * nothing, has exceptions. */
static void test_job_unreadable_against_the_promise_is_an_exception(void **state)
{
	for (unsigned said = 0; said <= 1; said++) {
		struct world *w;

		assert_int_equal(stage_setup(state), 0);
		w = *state;
		run_on_ssd(w, XP_SCSI_SANITIZE_CRYPTO, said, true);
		assert_int_equal(w->job->record.claim.outcome,
				 XP_OUTCOME_SANITIZED_WITH_EXCEPTIONS);
		assert_true(stage_has_reason(w, "unreadable"));
		assert_false(stage_has_reason(w, "unreadable-as-promised"));
		assert_int_equal(stage_teardown(state), 0);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_job_520_byte_disk_is_purged),
		CASE(test_job_520_byte_disk_is_overwritten_by_the_host),
		CASE(test_job_protected_disk_is_overwritten_by_the_host),
		CASE(test_job_reserved_drive_is_refused),
		cmocka_unit_test(test_job_unreadable_as_promised_is_said),
		cmocka_unit_test(test_job_unreadable_against_the_promise_is_an_exception),
	};

	return cmocka_run_group_tests_name("job_sas", tests, NULL, NULL);
}
