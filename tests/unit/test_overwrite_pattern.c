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
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES	(1U << 20)
#define SECTORS 4096

static const uint8_t pattern[4] = {0x12, 0x34, 0x56, 0x78};

#define WAY(PASSES, INVERTS)                                                                       \
	{                                                                                          \
		.passes = (PASSES), .inverts = (INVERTS), .pattern = { 0x12, 0x34, 0x56, 0x78 }    \
	}
static const struct xp_sanitize_overwrite ways[] = {
	WAY(1, false), WAY(2, false), WAY(2, true), WAY(3, true), WAY(16, false), WAY(16, true),
};

static const struct xp_phase *last_erase(void)
{
	for (size_t i = erase_lab.ev.n; i-- > 0;)
		if (erase_lab.ev.phases[i].kind == XP_PHASE_ERASE)
			return &erase_lab.ev.phases[i];
	abort();
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
	assert_memory_equal(found, pattern, 4);
	assert_memory_equal(found + len - 4, pattern, 4);
}

static void test_pattern_nvme_overwrite_stands_as_asked_for(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	uint8_t found[512];

	(void)state;
	if (!erase_lab.permit)
		skip();
	cfg.no_deallocate_inhibited = false;
	for (unsigned i = 0; i < XP_ARRAY_LEN(ways); i++) {
		struct emu_time time = {.epoch_s = 1800000000};
		struct emu_nvme_slot slot = {.drive = emu_nvme_new(&cfg, &time)};

		assert_non_null(slot.drive);
		emu_nvme_stain(slot.drive);
		erase_lab_begin_nvme(&erase_lab, &slot, 1);
		erase_lab.kernel_bytes = BYTES;
		erase_lab.kernel_block_bytes = erase_lab.kernel_physical_bytes = 512;
		erase_lab.overwrite = ways[i];
		assert_int_equal(erase_lab_take(&erase_lab, XP_NVME_SANITIZE_OVERWRITE), XP_OK);
		assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_PURGE);
		assert_int_equal(last_erase()->command.overwrite_passes, ways[i].passes);
		for (uint64_t lba = 0; lba < BYTES / 512; lba += BYTES / 512 - 1) {
			assert_int_equal(
				emu_nvme_ask_read(slot.drive, 1, lba, found, sizeof(found)), 0);
			assert_reads_as_expected(found, lba * 512, sizeof(found));
		}
		emu_nvme_free(&slot.drive);
	}
}

/* Which one begins is not said: an even number of inverted passes becomes an odd one. */
static void test_pattern_scsi_overwrite_stands_as_asked_for(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);

	(void)state;
	if (!erase_lab.permit)
		skip();
	for (unsigned i = 0; i < XP_ARRAY_LEN(ways); i++) {
		struct emu_time time = {.epoch_s = 1800000000};
		struct emu_scsi_bay bay = {.drive = emu_scsi_new(&cfg, &time)};
		struct emu_host host;

		assert_non_null(bay.drive);
		emu_host_plug(&host, bay.drive);
		erase_lab_begin(&erase_lab, emu_scsi_unit(&bay), XP_BUS_SAS);
		erase_lab.kernel_bytes = SECTORS * 512;
		erase_lab.kernel_block_bytes = erase_lab.kernel_physical_bytes = 512;
		erase_lab.overwrite = ways[i];
		assert_int_equal(erase_lab_take(&erase_lab, XP_SCSI_SANITIZE_OVERWRITE), XP_OK);
		assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_PURGE);
		emu_host_ready(&host);
		assert_int_equal(emu_host_read(&host, 77, 1, 512), EMU_GOOD);
		assert_reads_as_expected(host.data, (uint64_t)77 * 512, 512);
		assert_int_equal(last_erase()->command.overwrite_passes,
				 ways[i].passes + (ways[i].inverts && ways[i].passes % 2 == 0));
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
	if (!erase_lab.permit)
		skip();
	assert_non_null(slot.drive);
	erase_lab_begin_nvme(&erase_lab, &slot, 1);
	erase_lab.kernel_bytes = BYTES;
	erase_lab.kernel_block_bytes = erase_lab.kernel_physical_bytes = 512;
	assert_int_equal(erase_lab_take(&erase_lab, XP_NVME_SANITIZE_OVERWRITE), XP_OK);
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_PURGE);
	erase_lab.ev.phases[1].command.overwrite_passes = 3;
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_NONE);
	emu_nvme_free(&slot.drive);
}

static void test_pattern_scsi_list_that_contradicts_the_record_proves_nothing(void **state)
{
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	struct emu_time time = {.epoch_s = 1800000000};
	struct emu_scsi_bay bay = {.drive = emu_scsi_new(&cfg, &time)};

	(void)state;
	if (!erase_lab.permit)
		skip();
	assert_non_null(bay.drive);
	erase_lab_begin(&erase_lab, emu_scsi_unit(&bay), XP_BUS_SAS);
	erase_lab.kernel_bytes = SECTORS * 512;
	erase_lab.kernel_block_bytes = erase_lab.kernel_physical_bytes = 512;
	assert_int_equal(erase_lab_take(&erase_lab, XP_SCSI_SANITIZE_OVERWRITE), XP_OK);
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_PURGE);
	erase_lab.ev.phases[1].command.overwrite_passes = 3;
	assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_NONE);
	emu_scsi_free(&bay.drive);
}

/* The log of an equal run before: the word that tells ours from it still has what was asked for. */
static void test_pattern_nvme_second_run_has_no_fewer_passes(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct emu_time time = {.epoch_s = 1800000000};
	struct emu_nvme_slot slot = {.drive = emu_nvme_new(&cfg, &time)};
	uint8_t found[512];

	(void)state;
	if (!erase_lab.permit)
		skip();
	assert_non_null(slot.drive);
	for (unsigned i = 0; i < 2; i++) {
		const struct xp_command_result *c;

		erase_lab_begin_nvme(&erase_lab, &slot, 1);
		erase_lab.kernel_bytes = BYTES;
		erase_lab.kernel_block_bytes = erase_lab.kernel_physical_bytes = 512;
		erase_lab.overwrite = ways[3];
		assert_int_equal(erase_lab_take(&erase_lab, XP_NVME_SANITIZE_OVERWRITE), XP_OK);
		assert_int_equal(erase_lab_claim(&erase_lab)->level, XP_PURGE);
		c = &last_erase()->command;
		assert_int_equal(c->overwrite_passes, ways[3].passes + i);
		assert_true(c->cdb[41] & 1); /* OIPBP */
		assert_int_equal(emu_nvme_ask_read(slot.drive, 1, 0, found, sizeof(found)), 0);
		assert_reads_as_expected(found, 0, sizeof(found));
	}
	emu_nvme_free(&slot.drive);
}

/* By policy blocks are given up: no readback can expect the pattern then. */
static void test_pattern_nvme_deallocates_by_policy(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct emu_time time = {.epoch_s = 1800000000};
	struct emu_nvme_slot slot = {.drive = emu_nvme_new(&cfg, &time)};
	struct xp_left_behind left;

	(void)state;
	if (!erase_lab.permit)
		skip();
	assert_non_null(slot.drive);
	for (enum xp_technique t = XP_NVME_SANITIZE_CRYPTO; t <= XP_NVME_SANITIZE_OVERWRITE; t++) {
		for (int deallocates = 0; deallocates < 2; deallocates++) {
			erase_lab_begin_nvme(&erase_lab, &slot, 1);
			erase_lab.kernel_bytes = BYTES;
			erase_lab.kernel_block_bytes = erase_lab.kernel_physical_bytes = 512;
			erase_lab.overwrite = (struct xp_sanitize_overwrite){
				.passes = 1, .deallocates = deallocates};
			assert_int_equal(erase_lab_take(&erase_lab, t), XP_OK);
			/* NDAS */
			assert_int_equal((last_erase()->command.cdb[41] & 2) == 0, deallocates);
			xp_left_behind(&left, last_erase());
			assert_int_equal(left.deallocated,
					 deallocates ? XP_ANSWER_YES : XP_ANSWER_NO);
		}
	}
	emu_nvme_free(&slot.drive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pattern_nvme_overwrite_stands_as_asked_for),
		cmocka_unit_test(test_pattern_scsi_overwrite_stands_as_asked_for),
		cmocka_unit_test(test_pattern_nvme_second_run_has_no_fewer_passes),
		cmocka_unit_test(test_pattern_nvme_deallocates_by_policy),
		cmocka_unit_test(test_pattern_list_that_contradicts_the_record_proves_nothing),
		cmocka_unit_test(test_pattern_scsi_list_that_contradicts_the_record_proves_nothing),
	};

	return cmocka_run_group_tests_name("overwrite_pattern", tests, erase_lab_setup,
					   erase_lab_teardown);
}
