/*
 * A pattern of four different bytes, given to a drive's own overwrite: it stands on the emulated
 * medium byte by byte as it was asked for, and that is what a readback expects.
 */
#include "base/cleanup.h"
#include "tests/emu/emu_nvme_ask.h"
#include "tests/emu/scsi_ask.h"
#include "tests/fake/erase_lab.h"
#include "verify/expect.h"
#include "verify/left_behind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BYTES	(1U << 20)
#define SECTORS 4096

static const struct xp_content pattern = {
	.kind = XP_CONTENT_PATTERN, .pattern = {0x12, 0x34, 0x56, 0x78}, .pattern_len = 4};

static struct erase_lab lab;
static struct xp_content contents[4];

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(contents); i++)
		contents[i] = pattern;
	return erase_lab_open(&lab) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	erase_lab_close(&lab);
	return 0;
}

static const struct xp_phase *last_erase(void)
{
	for (size_t i = lab.ev.n; i-- > 0;)
		if (lab.ev.phases[i].kind == XP_PHASE_ERASE)
			return &lab.ev.phases[i];
	fail_msg("no erase");
	return NULL;
}

/* What the readback would expect there, against what a read brings. */
static void assert_reads_as_expected(const uint8_t *found, uint64_t offset, size_t len)
{
	AUTO(xp_expect_free) struct xp_expect *e = NULL;
	struct xp_left_behind left;

	xp_left_behind(&left, last_erase());
	assert_int_equal(left.content.kind, XP_CONTENT_PATTERN);
	assert_int_equal(xp_expect_new(&e, &left.content, NULL), XP_OK);
	assert_true(xp_expect_matches(e, found, offset, len));
	assert_memory_equal(found, pattern.pattern, 4);
	assert_memory_equal(found + len - 4, pattern.pattern, 4);
}

static void test_pattern_nvme_overwrite_stands_as_asked_for(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	uint8_t found[512];

	(void)state;
	if (!lab.permit)
		skip();
	cfg.no_deallocate_inhibited = false;
	for (uint32_t passes = 1; passes <= 4; passes++) {
		struct emu_time time = {.epoch_s = 1800000000};
		struct emu_nvme_slot slot = {.drive = emu_nvme_new(&cfg, &time)};

		assert_non_null(slot.drive);
		emu_nvme_stain(slot.drive);
		erase_lab_begin_nvme(&lab, &slot, 1);
		lab.kernel_bytes = BYTES;
		lab.kernel_block_bytes = lab.kernel_physical_bytes = 512;
		lab.passes = passes;
		lab.contents = contents;
		assert_int_equal(erase_lab_take(&lab, XP_NVME_SANITIZE_OVERWRITE), XP_OK);
		assert_int_equal(erase_lab_claim(&lab)->level, XP_PURGE);
		for (uint64_t lba = 0; lba < BYTES / 512; lba += BYTES / 512 - 1) {
			assert_int_equal(
				emu_nvme_ask_read(slot.drive, 1, lba, found, sizeof(found)), 0);
			assert_reads_as_expected(found, lba * 512, sizeof(found));
		}
		emu_nvme_free(&slot.drive);
	}
}

/* Inverted an even number of times nothing is expected that the standard does not promise. */
static void test_pattern_scsi_overwrite_stands_as_asked_for(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);

	(void)state;
	if (!lab.permit)
		skip();
	for (uint32_t passes = 1; passes <= 3; passes++) {
		struct emu_time time = {.epoch_s = 1800000000};
		struct emu_scsi_bay bay = {.drive = emu_scsi_new(&cfg, &time)};
		struct xp_left_behind left;
		struct emu_host host;

		assert_non_null(bay.drive);
		emu_host_plug(&host, bay.drive);
		erase_lab_begin(&lab, emu_scsi_unit(&bay), XP_BUS_SAS);
		lab.kernel_bytes = SECTORS * 512;
		lab.kernel_block_bytes = lab.kernel_physical_bytes = 512;
		lab.passes = passes;
		lab.contents = contents;
		assert_int_equal(erase_lab_take(&lab, XP_SCSI_SANITIZE_OVERWRITE), XP_OK);
		assert_int_equal(erase_lab_claim(&lab)->level, XP_PURGE);
		emu_host_ready(&host);
		assert_int_equal(emu_host_read(&host, 77, 1, 512), EMU_GOOD);
		xp_left_behind(&left, last_erase());
		if (passes == 2)
			assert_int_equal(left.content.kind, XP_CONTENT_UNKNOWN);
		else
			assert_reads_as_expected(host.data, (uint64_t)77 * 512, 512);
		emu_scsi_free(&bay.drive);
	}
}

/* The list that went to the drive is evidence: what the host says of it counts for nothing. */
static void test_pattern_list_that_contradicts_the_record_proves_nothing(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct emu_time time = {.epoch_s = 1800000000};
	struct emu_nvme_slot slot = {.drive = emu_nvme_new(&cfg, &time)};

	(void)state;
	if (!lab.permit)
		skip();
	assert_non_null(slot.drive);
	erase_lab_begin_nvme(&lab, &slot, 1);
	lab.kernel_bytes = BYTES;
	lab.kernel_block_bytes = lab.kernel_physical_bytes = 512;
	assert_int_equal(erase_lab_take(&lab, XP_NVME_SANITIZE_OVERWRITE), XP_OK);
	assert_int_equal(erase_lab_claim(&lab)->level, XP_PURGE);
	lab.ev.phases[1].command.overwrite_passes = 3;
	assert_int_equal(erase_lab_claim(&lab)->level, XP_NONE);
	emu_nvme_free(&slot.drive);
}

static void test_pattern_scsi_list_that_contradicts_the_record_proves_nothing(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct emu_time time = {.epoch_s = 1800000000};
	struct emu_scsi_bay bay = {.drive = emu_scsi_new(&cfg, &time)};

	(void)state;
	if (!lab.permit)
		skip();
	assert_non_null(bay.drive);
	erase_lab_begin(&lab, emu_scsi_unit(&bay), XP_BUS_SAS);
	lab.kernel_bytes = SECTORS * 512;
	lab.kernel_block_bytes = lab.kernel_physical_bytes = 512;
	assert_int_equal(erase_lab_take(&lab, XP_SCSI_SANITIZE_OVERWRITE), XP_OK);
	assert_int_equal(erase_lab_claim(&lab)->level, XP_PURGE);
	lab.ev.phases[1].command.overwrite_passes = 3;
	assert_int_equal(erase_lab_claim(&lab)->level, XP_NONE);
	emu_scsi_free(&bay.drive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pattern_nvme_overwrite_stands_as_asked_for),
		cmocka_unit_test(test_pattern_scsi_overwrite_stands_as_asked_for),
		cmocka_unit_test(test_pattern_list_that_contradicts_the_record_proves_nothing),
		cmocka_unit_test(test_pattern_scsi_list_that_contradicts_the_record_proves_nothing),
	};

	return cmocka_run_group_tests_name("overwrite_pattern", tests, setup, teardown);
}
