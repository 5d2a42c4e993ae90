/* FORMAT UNIT of the emulated SAS drive: what it clears, changes, and what becomes of it without
 * power. */
#include "tests/emu/scsi_ask.h"

#include "base/span.h"
#include "base/wire.h"
#include "tests/fake/bare_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS	   BARE_SCSI_SECTORS
#define BLOCK	   0x02
#define OVERWRITE  0x01
#define CRYPTO	   0x03
#define EXIT	   0x1f
#define IMMED	   0x80
#define AUSE	   0x20
#define SANITIZING 0x02041b
#define FORMATTING 0x020404
#define FAILED	   0x033103
#define CORRUPT	   0x033100

static uint32_t format(struct emu_host *h, uint8_t fmtpinfo, const uint8_t *list, size_t len)
{
	memcpy(h->data, list, len);
	return emu_host_out(h, EMU_CDB(0x04, (uint8_t)(fmtpinfo << 6 | 0x10), 0, 0, 0, 0), len);
}

static void test_format_runs_and_clears_what_is_seen(void **state)
{
	static const uint8_t immed[] = {0, 0x02, 0, 0};
	static const uint8_t pattern[] = {0, 0x88, 0, 0, 0x20, 1, 0, 2, 0xab, 0xcd};
	struct bare_scsi w;
	int progress;

	(void)state;
	bare_scsi_make_stained(&w, NULL);
	assert_int_equal(format(&w.h, 0, immed, 4), EMU_GOOD);
	assert_int_equal(emu_host_ready(&w.h), FORMATTING);
	emu_time_pass(&w.time, 15 * EMU_S);
	assert_int_equal(emu_host_sense(&w.h, true, &progress), FORMATTING);
	assert_in_range(progress, 0x3f00, 0x4100);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x12, 0, 0, 0, 96, 0), 96), EMU_GOOD);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x4d, 0, 0x6f, 0, 0, 0, 0, 0, 252, 0), 252),
			 FORMATTING);
	assert_int_equal(emu_host_sanitize(&w.h, BLOCK, 0, 0), FORMATTING);
	emu_time_pass(&w.time, 46 * EMU_S);
	assert_int_equal(emu_host_ready(&w.h), EMU_GOOD);
	/* it does not reach the spare area */
	assert_int_equal(emu_media_stains(w.m, 0, SECTORS).sectors, 0);
	assert_int_equal(emu_media_stains(w.m, 0, SECTORS).spare, 64);
	assert_int_equal(format(&w.h, 0, pattern, sizeof(pattern)), EMU_GOOD);
	assert_int_equal(emu_host_read(&w.h, 17, 1, 512), EMU_GOOD);
	assert_int_equal(get_be32(w.h.data + 508), 0xabcdabcd);
	emu_scsi_free(&w.d);
}

static void test_format_lists_that_lie(void **state)
{
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);

	(void)state;
	bare_scsi_make_stained(&w, &cfg);
	assert_int_equal(format(&w.h, 0, (uint8_t[]){0, 0, 0}, 3), 0x051a00);
	assert_int_equal(format(&w.h, 0, (uint8_t[]){0, 0, 0, 8}, 4), 0x052600);    /* defects */
	assert_int_equal(format(&w.h, 0, (uint8_t[]){0, 0x20, 0, 0}, 4), 0x052600); /* no FOV */
	assert_int_equal(format(&w.h, 0, (uint8_t[]){0, 0x88, 0, 0}, 4), 0x052600); /* no IP */
	assert_int_equal(format(&w.h, 0, (uint8_t[]){0, 0x88, 0, 0, 0, 1, 0, 3, 1, 2}, 10),
			 0x052600);
	assert_int_equal(format(&w.h, 1, (uint8_t[]){0, 0, 0, 0}, 4), 0x052400);
	assert_int_equal(format(&w.h, 2, (uint8_t[]){1, 0, 0, 0}, 4), 0x052400);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0x01, 0, 0, 0, 0), 0), 0x052400);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0, 0, 0, 1, 0), 0), 0x052400); /* FFMT */
	assert_int_equal(bare_scsi_stains(&w), 210 + 64);
	/* the long header, and the default pattern */
	memset(w.h.data, 0, 12);
	w.h.data[1] = 0x88;
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0x30, 0, 0, 0, 0), 12), EMU_GOOD);
	assert_int_equal(emu_media_stains(w.m, 0, SECTORS).sectors, 0);
	w.h.data[7] = 8;
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0x30, 0, 0, 0, 0), 12), 0x052600);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0x30, 0, 0, 0, 0), 7), 0x051a00);
	emu_scsi_free(&w.d);
}

static void test_format_is_corrupt_after_power_loss(void **state)
{
	static const uint8_t immed[] = {0, 0x02, 0, 0};
	struct bare_scsi w;
	int progress;

	(void)state;
	bare_scsi_make_stained(&w, NULL);
	assert_int_equal(format(&w.h, 0, immed, 4), EMU_GOOD);
	emu_time_pass(&w.time, 30 * EMU_S);
	bare_scsi_power_cycle(&w);
	assert_int_equal(emu_host_ready(&w.h), 0x062900);
	assert_int_equal(emu_host_ready(&w.h), CORRUPT);
	assert_int_equal(emu_host_read(&w.h, 0, 1, 512), CORRUPT);
	assert_int_equal(emu_host_sense(&w.h, false, &progress), CORRUPT);
	emu_time_pass(&w.time, 3600 * EMU_S);
	assert_int_equal(emu_host_ready(&w.h), CORRUPT);
	/* half of it was done */
	assert_int_equal(emu_media_stains(w.m, 0, SECTORS).sectors, 10);
	/* the ways out: another format, or a sanitize */
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x1a, 0, 0x3f, 0, 252, 0), 252), EMU_GOOD);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0, 0, 0, 0, 0), 0), EMU_GOOD);
	assert_int_equal(emu_host_ready(&w.h), EMU_GOOD);
	assert_int_equal(emu_media_stains(w.m, 0, SECTORS).sectors, 0);
	emu_scsi_cut_power_at(w.d, w.time.now_ns + 10 * EMU_S);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0, 0, 0, 0, 0), 0), EMU_NO_ANSWER);
	assert_int_equal(emu_host_ready(&w.h), 0x062900);
	assert_int_equal(emu_host_ready(&w.h), CORRUPT);
	assert_int_equal(emu_host_sanitize(&w.h, CRYPTO, 0, 0), EMU_GOOD);
	assert_int_equal(emu_host_ready(&w.h), EMU_GOOD);
	/* a host that gives up resets the unit, which ends a format, too */
	w.h.give_up_ns = 10 * EMU_S;
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0, 0, 0, 0, 0), 0), EMU_NO_ANSWER);
	assert_int_equal(emu_host_ready(&w.h), 0x062903);
	assert_int_equal(emu_host_ready(&w.h), CORRUPT);
	emu_scsi_free(&w.d);
}

static void test_format_changes_block_length_and_protection(void **state)
{
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);

	(void)state;
	bare_scsi_make_stained(&w, &cfg);
	memcpy(w.h.data, ((uint8_t[]){0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0x02, 0x08}), 12);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x15, 0x11, 0, 0, 12, 0), 12), EMU_GOOD);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0, 0, 0, 0, 0), 0), EMU_GOOD);
	assert_int_equal(emu_host_ready(&w.h), 0x062a09);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), 8), EMU_GOOD);
	assert_int_equal(get_be32(w.h.data), SECTORS * 512 / 520 - 1);
	assert_int_equal(get_be32(w.h.data + 4), 520);
	assert_int_equal(emu_media_stains(w.m, 0, 4000).sectors, 0);
	assert_int_equal(emu_media_stains(w.m, 0, 4000).spare, 64);
	memset(w.h.data, 0x5a, 1040);
	assert_int_equal(emu_host_write(&w.h, 4030, 2, 520), EMU_GOOD);
	assert_int_equal(emu_host_read(&w.h, 4031, 1, 520), EMU_GOOD);
	assert_true(xp_mem_is_filled(w.h.data, 0x5a, 520));
	/* 512 and protection information of each type take the same room */
	for (uint8_t type = 1; type <= 3; type++) {
		memcpy(w.h.data, ((uint8_t[]){0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0x02, 0}), 12);
		assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x15, 0x11, 0, 0, 12, 0), 12),
				 EMU_GOOD);
		assert_int_equal(
			format(&w.h, type == 1 ? 2 : 3, (uint8_t[]){type == 3, 0, 0, 0}, 4),
			EMU_GOOD);
		if (type == 1)
			assert_int_equal(emu_host_ready(&w.h), 0x062a09);
		assert_int_equal(
			emu_host_in(&w.h,
				    EMU_CDB(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0),
				    32),
			EMU_GOOD);
		assert_int_equal(get_be64(w.h.data), SECTORS * 512 / 520 - 1);
		assert_int_equal(get_be32(w.h.data + 8), 512);
		assert_int_equal(w.h.data[12], 1 | (type - 1) << 1);
	}
	emu_scsi_free(&w.d);
}

static void test_format_faults(void **state)
{
	static const uint8_t immed[] = {0, 0x02, 0, 0};
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_ssd(SECTORS);
	int progress;

	(void)state;
	bare_scsi_make_stained(&w, &cfg);
	emu_scsi_faults(w.d)->format_ignored = true;
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0, 0, 0, 0, 0), 0), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 210 + 64);
	emu_scsi_faults(w.d)->format_ignored = false;
	/* a fast format writes nothing */
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0, 0, 0, 1, 0), 0), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 210 + 64);
	/* the failure of one that was accepted is told once by itself, then by the state */
	emu_scsi_faults(w.d)->format_fails_at = 0x8000;
	assert_int_equal(format(&w.h, 0, immed, 4), EMU_GOOD);
	emu_time_pass(&w.time, 60 * EMU_S);
	assert_int_equal(emu_host_sense(&w.h, false, &progress), EMU_DEFERRED | 0x033101);
	assert_int_equal(w.h.data[0], 0x71);
	assert_int_equal(emu_host_sense(&w.h, false, &progress), 0x033101);
	assert_int_equal(format(&w.h, 0, immed, 4), EMU_GOOD);
	emu_time_pass(&w.time, 60 * EMU_S);
	assert_int_equal(emu_host_ready(&w.h), EMU_DEFERRED | 0x033101);
	assert_int_equal(emu_host_ready(&w.h), 0x033101);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0, 0, 0, 0, 0), 0), 0x033101);
	emu_scsi_faults(w.d)->format_fails_at = 0;
	emu_scsi_faults(w.d)->format_stalls_at = 0x4000;
	assert_int_equal(format(&w.h, 0, immed, 4), EMU_GOOD);
	emu_time_pass(&w.time, 6000 * EMU_S);
	assert_int_equal(emu_host_sense(&w.h, false, &progress), FORMATTING);
	assert_in_range(progress, 0x3ffe, 0x4000);
	emu_scsi_free(&w.d);

	bare_scsi_make_stained(&w, &cfg);
	emu_scsi_faults(w.d)->leave = (struct emu_leave){EMU_LEAVE_STRIPE, 0, 8};
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0, 0, 0, 0, 0), 0), EMU_GOOD);
	assert_in_range(emu_media_stains(w.m, 0, SECTORS).sectors, 48, 64);
	emu_scsi_free(&w.d);

	cfg.logical_bytes = 520;
	cfg.pi_type = 1;
	bare_scsi_make_stained(&w, &cfg);
	emu_scsi_faults(w.d)->format_block_bytes = 512;
	emu_scsi_faults(w.d)->format_drops_pi = true;
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0x80, 0, 0, 0, 0), 0), EMU_GOOD);
	assert_int_equal(emu_host_ready(&w.h), 0x062a09);
	assert_int_equal(emu_host_in(&w.h,
				     EMU_CDB(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0),
				     32),
			 EMU_GOOD);
	assert_int_equal(get_be64(w.h.data), SECTORS * 528 / 512 - 1);
	assert_int_equal(get_be32(w.h.data + 8), 512);
	assert_int_equal(w.h.data[12], 0);
	emu_scsi_free(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format_runs_and_clears_what_is_seen),
		cmocka_unit_test(test_format_lists_that_lie),
		cmocka_unit_test(test_format_is_corrupt_after_power_loss),
		cmocka_unit_test(test_format_changes_block_length_and_protection),
		cmocka_unit_test(test_format_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
