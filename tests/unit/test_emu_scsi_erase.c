/*
 * SANITIZE and FORMAT UNIT of the emulated SAS drive: their states as a host sees them, and what
 * stands on the medium afterwards.
 */
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

static void test_sanitize_overwrite_reaches_everything(void **state)
{
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);
	int progress;

	(void)state;
	bare_scsi_make_stained(&w, &cfg);
	assert_int_equal(emu_host_sanitize(&w.h, IMMED | OVERWRITE, 2, 0xa1b2c3d4), EMU_GOOD);
	assert_int_equal(w.h.cmd.moved, 8);
	assert_int_equal(emu_host_ready(&w.h), SANITIZING);
	assert_int_equal(emu_scsi_state(w.d, 0), EMU_SCSI_SANITIZING);
	emu_time_pass(&w.time, 3600 * EMU_S); /* of two passes the first */
	assert_int_equal(emu_host_sense(&w.h, false, &progress), SANITIZING);
	assert_in_range(progress, 0x7f00, 0x8100);
	assert_int_equal(emu_host_sense(&w.h, true, &progress), SANITIZING);
	assert_in_range(progress, 0x7f00, 0x8100);
	emu_time_pass(&w.time, 3600 * EMU_S);
	assert_int_equal(emu_host_sense(&w.h, true, &progress), 0);
	assert_int_equal(progress, -1);
	assert_int_equal(emu_host_ready(&w.h), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 0);
	assert_int_equal(emu_host_read(&w.h, SECTORS - 1, 1, 512), EMU_GOOD);
	assert_int_equal(get_be32(w.h.data), 0xa1b2c3d4);
	/* INVERT: whatever the number of passes, the pattern as it was given stands at the end */
	for (uint8_t passes = 2; passes < 4; passes++) {
		assert_int_equal(emu_host_sanitize(&w.h, OVERWRITE, 0x80 | passes, 0x11223344),
				 EMU_GOOD);
		assert_int_equal(emu_host_read(&w.h, 17, 1, 512), EMU_GOOD);
		assert_int_equal(get_be32(w.h.data + 508), 0x11223344);
	}
	emu_scsi_free(&w.d);
}

static void test_sanitize_pattern_of_any_length(void **state)
{
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_hdd(SECTORS);

	(void)state;
	cfg.pi_type = 1;
	bare_scsi_make_stained(&w, &cfg);
	memcpy(w.h.data, ((uint8_t[]){1, 0, 0, 3, 'a', 'b', 'c'}), 7);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x48, OVERWRITE, 0, 0, 0, 0, 0, 0, 7, 0), 7),
			 EMU_GOOD);
	/* 512 is no multiple of three: each block begins anew; its tags are FFh and not checked */
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x28, 0x20, 0, 0, 0, 9, 0, 0, 1, 0), 520),
			 EMU_GOOD);
	assert_memory_equal(w.h.data, "abcabc", 6);
	assert_int_equal(w.h.data[511], 'b');
	assert_true(xp_mem_is_filled(w.h.data + 512, 0xff, 8));
	assert_int_equal(bare_scsi_stains(&w), 0);
	/* lists that lie */
	memcpy(w.h.data, ((uint8_t[]){1, 0, 0, 4, 'a', 'b', 'c'}), 7);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x48, OVERWRITE, 0, 0, 0, 0, 0, 0, 7, 0), 7),
			 0x052600);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x48, OVERWRITE, 0, 0, 0, 0, 0, 0, 8, 0), 7),
			 0x051a00);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x48, OVERWRITE, 0, 0, 0, 0, 0, 0, 4, 0), 4),
			 0x052400);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x48, OVERWRITE, 0, 0, 0, 0, 0, 2, 5, 0), 517),
			 0x052400);
	assert_int_equal(emu_host_sanitize(&w.h, OVERWRITE, 0, 0), 0x052600); /* no pass */
	assert_int_equal(emu_host_sanitize(&w.h, OVERWRITE, 0x21, 0), 0x052600);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x48, 0x04, 0, 0, 0, 0, 0, 0, 0, 0), 0),
			 0x052400);
	emu_scsi_free(&w.d);
}

static void test_sanitize_block_and_crypto(void **state)
{
	struct bare_scsi w;
	uint8_t before[512];

	(void)state;
	bare_scsi_make_stained(&w, NULL);
	assert_int_equal(emu_host_sanitize(&w.h, BLOCK, 0, 0), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 0);
	assert_int_equal(w.time.now_ns / EMU_S, 60);
	assert_int_equal(emu_host_read(&w.h, 5, 1, 512), EMU_GOOD);
	assert_true(xp_mem_is_filled(w.h.data, 0, 512));
	emu_scsi_free(&w.d);

	bare_scsi_make_stained(&w, NULL);
	assert_int_equal(emu_host_read(&w.h, 5, 1, 512), EMU_GOOD);
	memcpy(before, w.h.data, 512);
	assert_int_equal(emu_host_sanitize(&w.h, CRYPTO, 0, 0), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 0);
	assert_int_equal(emu_host_read(&w.h, 5, 1, 512), EMU_GOOD);
	assert_memory_not_equal(w.h.data, before, 512);
	/* no list with these */
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x48, CRYPTO, 0, 0, 0, 0, 0, 0, 8, 0), 8),
			 0x052400);
	emu_scsi_free(&w.d);
}

static void test_sanitize_lets_few_commands_through(void **state)
{
	struct bare_scsi w;

	(void)state;
	bare_scsi_make_stained(&w, NULL);
	assert_int_equal(emu_host_sanitize(&w.h, IMMED | BLOCK, 0, 0), EMU_GOOD);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x12, 0, 0, 0, 96, 0), 96), EMU_GOOD);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0), 64),
			 EMU_GOOD);
	assert_int_equal(
		emu_host_in(&w.h, EMU_CDB(0xa3, 0x0c, 2, 0x48, 0, 1, 0, 0, 0, 64, 0, 0), 64),
		EMU_GOOD);
	assert_int_equal(emu_host_read(&w.h, 0, 1, 512), SANITIZING);
	/* the progress stands in the sense data of any refusal */
	assert_int_equal(w.h.cmd.sense[15], 0x80);
	assert_int_equal(emu_host_write(&w.h, 0, 1, 512), SANITIZING);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), 8),
			 SANITIZING);
	assert_int_equal(emu_host_in(&w.h, EMU_CDB(0x1a, 0, 0x3f, 0, 252, 0), 252), SANITIZING);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0, 0, 0, 0, 0), 0), SANITIZING);
	assert_int_equal(emu_host_sanitize(&w.h, CRYPTO, 0, 0), SANITIZING);
	assert_int_equal(emu_host_sanitize(&w.h, EXIT, 0, 0), SANITIZING);
	emu_scsi_free(&w.d);
}

static void test_sanitize_goes_on_after_power_loss_and_reset(void **state)
{
	struct bare_scsi w;
	int progress;

	(void)state;
	bare_scsi_make_stained(&w, NULL);
	assert_int_equal(emu_host_sanitize(&w.h, IMMED | BLOCK, 0, 0), EMU_GOOD);
	emu_time_pass(&w.time, 30 * EMU_S);
	bare_scsi_power_cycle(&w);
	/* the sense data tell of the erase; the attention waits for another command */
	assert_int_equal(emu_host_sense(&w.h, false, &progress), SANITIZING);
	assert_in_range(progress, 0x7f00, 0x8100); /* the time without power does not count */
	assert_int_equal(emu_host_ready(&w.h), 0x062900);
	assert_int_equal(emu_host_ready(&w.h), SANITIZING);
	emu_scsi_unit(&w.h.bay).ops->reset(&w.h.bay);
	assert_int_equal(emu_host_ready(&w.h), 0x062903);
	assert_int_equal(emu_host_ready(&w.h), SANITIZING);
	emu_time_pass(&w.time, 31 * EMU_S);
	assert_int_equal(emu_host_ready(&w.h), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 0);
	emu_scsi_free(&w.d);
	/* in the foreground: the host gives up, or the power goes; the drive goes on */
	bare_scsi_make_stained(&w, NULL);
	w.h.give_up_ns = 10 * EMU_S;
	assert_int_equal(emu_host_sanitize(&w.h, BLOCK, 0, 0), EMU_NO_ANSWER);
	assert_int_equal(emu_host_ready(&w.h), 0x062903);
	assert_int_equal(emu_host_ready(&w.h), SANITIZING);
	emu_scsi_cut_power_at(w.d, w.time.now_ns + EMU_US);
	assert_int_equal(emu_host_ready(&w.h), EMU_NO_ANSWER);
	assert_int_equal(emu_host_ready(&w.h), 0x062900);
	assert_int_equal(emu_host_ready(&w.h), SANITIZING);
	emu_time_pass(&w.time, 60 * EMU_S);
	assert_int_equal(emu_host_ready(&w.h), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 0);
	emu_scsi_free(&w.d);
}

static void test_sanitize_failed_is_left_as_ause_says(void **state)
{
	struct bare_scsi w;
	int progress;

	(void)state;
	bare_scsi_make_stained(&w, NULL);
	emu_scsi_faults(w.d)->sanitize_fails_at = 0x4000;
	assert_int_equal(emu_host_sanitize(&w.h, IMMED | BLOCK, 0, 0), EMU_GOOD);
	emu_time_pass(&w.time, 60 * EMU_S);
	assert_int_equal(emu_host_ready(&w.h), FAILED);
	assert_int_equal(emu_host_read(&w.h, 0, 1, 512), FAILED);
	assert_int_equal(emu_host_sense(&w.h, false, &progress), FAILED);
	assert_int_equal(emu_host_sense(&w.h, true, &progress), FAILED);
	/* a quarter is erased, and the spare area is not */
	assert_int_equal(emu_media_stains(w.m, 0, SECTORS).sectors, 10);
	assert_int_equal(emu_media_stains(w.m, 0, SECTORS).spare, 64);
	/* restricted: no way out but another restricted one that ends well */
	assert_int_equal(emu_host_sanitize(&w.h, EXIT, 0, 0), 0x052400);
	assert_int_equal(emu_host_sanitize(&w.h, AUSE | BLOCK, 0, 0), 0x052400);
	bare_scsi_power_cycle(&w);
	assert_int_equal(emu_host_ready(&w.h), 0x062900);
	assert_int_equal(emu_host_ready(&w.h), FAILED);
	assert_int_equal(emu_host_sanitize(&w.h, BLOCK, 0, 0), FAILED);
	emu_scsi_faults(w.d)->sanitize_fails_at = 0;
	assert_int_equal(emu_host_sanitize(&w.h, BLOCK, 0, 0), EMU_GOOD);
	assert_int_equal(emu_host_ready(&w.h), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 0);
	emu_scsi_free(&w.d);

	bare_scsi_make_stained(&w, NULL);
	emu_scsi_faults(w.d)->sanitize_fails_at = 0x4000;
	assert_int_equal(emu_host_sanitize(&w.h, AUSE | BLOCK, 0, 0), FAILED);
	assert_int_equal(emu_scsi_state(w.d, 0), EMU_SCSI_SANITIZE_FAILED);
	/* the exit is Good, and data remain */
	assert_int_equal(emu_host_sanitize(&w.h, EXIT, 0, 0), EMU_GOOD);
	assert_int_equal(emu_host_ready(&w.h), EMU_GOOD);
	assert_int_equal(emu_media_stains(w.m, 0, SECTORS).sectors, 10);
	assert_int_equal(emu_host_sanitize(&w.h, EXIT, 0, 0), EMU_GOOD);
	emu_scsi_free(&w.d);
}

static void test_sanitize_stalls_forgets_and_ignores(void **state)
{
	struct bare_scsi w;
	int progress;

	(void)state;
	bare_scsi_make_stained(&w, NULL);
	emu_scsi_faults(w.d)->sanitize_stalls_at = 0x8000;
	assert_int_equal(emu_host_sanitize(&w.h, IMMED | BLOCK, 0, 0), EMU_GOOD);
	emu_time_pass(&w.time, 86400 * EMU_S);
	assert_int_equal(emu_host_sense(&w.h, false, &progress), SANITIZING);
	assert_in_range(progress, 0x7ffe, 0x8000);
	assert_true(bare_scsi_stains(&w) > 0);
	emu_scsi_faults(w.d)->progress_unsaid = true;
	assert_int_equal(emu_host_sense(&w.h, false, &progress), SANITIZING);
	assert_int_equal(progress, -1);
	emu_scsi_free(&w.d);

	bare_scsi_make_stained(&w, NULL);
	emu_scsi_faults(w.d)->sanitize_forgotten = true;
	assert_int_equal(emu_host_sanitize(&w.h, IMMED | BLOCK, 0, 0), EMU_GOOD);
	emu_time_pass(&w.time, 30 * EMU_S);
	bare_scsi_power_cycle(&w);
	assert_int_equal(emu_host_ready(&w.h), 0x062900);
	assert_int_equal(emu_host_ready(&w.h), EMU_GOOD);
	assert_int_equal(emu_media_stains(w.m, 0, SECTORS).sectors, 10);
	emu_scsi_free(&w.d);

	bare_scsi_make_stained(&w, NULL);
	emu_scsi_faults(w.d)->sanitize_ignored = true;
	assert_int_equal(emu_host_sanitize(&w.h, IMMED | BLOCK, 0, 0), EMU_GOOD);
	assert_int_equal(emu_host_ready(&w.h), EMU_GOOD);
	assert_int_equal(emu_host_sanitize(&w.h, CRYPTO, 0, 0), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 210 + 64);
	emu_scsi_free(&w.d);
}

static void test_sanitize_liar_key_kept_and_vendor_pattern(void **state)
{
	struct bare_scsi w;

	(void)state;
	bare_scsi_make_stained(&w, NULL);
	emu_scsi_faults(w.d)->leave = (struct emu_leave){EMU_LEAVE_EXTENT, 100, 7};
	assert_int_equal(emu_host_sanitize(&w.h, BLOCK, 0, 0), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 7);
	emu_scsi_free(&w.d);

	bare_scsi_make_stained(&w, NULL);
	emu_scsi_faults(w.d)->leave = (struct emu_leave){EMU_LEAVE_SPARE, 0, 0};
	assert_int_equal(emu_host_sanitize(&w.h, CRYPTO, 0, 0), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 64);
	emu_scsi_free(&w.d);

	bare_scsi_make_stained(&w, NULL);
	emu_scsi_faults(w.d)->keeps_key = true;
	assert_int_equal(emu_host_sanitize(&w.h, CRYPTO, 0, 0), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 210 + 64);
	emu_scsi_faults(w.d)->vendor_pattern = true;
	emu_scsi_faults(w.d)->pattern = 0x33cc55aa;
	assert_int_equal(emu_host_sanitize(&w.h, BLOCK, 0, 0), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 0);
	assert_int_equal(emu_host_read(&w.h, 5, 1, 512), EMU_GOOD);
	assert_int_equal(get_be32(w.h.data), 0x33cc55aa);
	emu_scsi_free(&w.d);
}

/* VPD B1h: reads after block erase (WABEREQ) and crypto erase (WACEREQ). */
static void test_sanitize_reads_before_a_write(void **state)
{
	static const uint32_t answers[] = {EMU_GOOD, EMU_GOOD, 0x031100, 0x031115};

	(void)state;
	for (unsigned v = 0; v < 4; v++) {
		struct bare_scsi w;
		struct emu_scsi_config cfg = emu_scsi_ssd(SECTORS);

		cfg.wabereq = v;
		cfg.wacereq = 3 - v;
		cfg.pi_type = 1;
		bare_scsi_make_stained(&w, &cfg);
		assert_int_equal(emu_host_sanitize(&w.h, BLOCK, 0, 0), EMU_GOOD);
		assert_int_equal(emu_host_read(&w.h, 8, 2, 512), answers[v]);
		memset(w.h.data, 0, 4096);
		assert_int_equal(emu_host_write(&w.h, 8, 4, 512), EMU_GOOD);
		assert_int_equal(emu_host_read(&w.h, 8, 4, 512), EMU_GOOD);
		assert_int_equal(emu_host_read(&w.h, 10, 4, 512), answers[v]);
		assert_int_equal(w.h.cmd.moved, v < 2 ? 2048 : 1024);
		assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x41, 0, 0, 0, 0, 0, 0, 0, 0, 0), 512),
				 EMU_GOOD);
		assert_int_equal(emu_host_read(&w.h, SECTORS - 4, 4, 512), EMU_GOOD);
		assert_int_equal(emu_host_sanitize(&w.h, CRYPTO, 0, 0), EMU_GOOD);
		/* where nothing is said the tags turned into other bytes, too */
		assert_int_equal(emu_host_read(&w.h, 8, 1, 512),
				 v == 3 ? 0x0b1001 : answers[3 - v]);
		/* after an overwrite there is nothing to be written first */
		assert_int_equal(emu_host_sanitize(&w.h, OVERWRITE, 1, 0), EMU_GOOD);
		assert_int_equal(emu_host_read(&w.h, 8, 1, 512), EMU_GOOD);
		emu_scsi_free(&w.d);
	}
}

/* More than a host sees: behind a reduced capacity, and on the other actuator as configured. */
static void test_sanitize_reaches_beyond_what_is_seen(void **state)
{
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_ssd(SECTORS);
	struct emu_host other = {.bay = {.lun = 1}};

	(void)state;
	bare_scsi_make_stained(&w, &cfg);
	memcpy(w.h.data, ((uint8_t[]){0, 0, 0, 8, 0, 0, 1, 0, 0, 0, 2, 0}), 12);
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x15, 0x11, 0, 0, 12, 0), 12), EMU_GOOD);
	/* a format ends where the host's blocks end */
	assert_int_equal(emu_host_out(&w.h, EMU_CDB(0x04, 0, 0, 0, 0, 0), 0), EMU_GOOD);
	assert_int_equal(emu_media_stains(w.m, 0, SECTORS).sectors, 10);
	assert_int_equal(emu_host_sanitize(&w.h, BLOCK, 0, 0), EMU_GOOD);
	assert_int_equal(bare_scsi_stains(&w), 0);
	emu_scsi_free(&w.d);

	cfg.luns = 2;
	for (unsigned spans = 0; spans < 2; spans++) {
		cfg.sanitize_spans_luns = spans;
		bare_scsi_make_stained(&w, &cfg);
		emu_media_stain(emu_scsi_media(w.d, 1), 0, 50);
		emu_host_plug(&other, w.d);
		assert_int_equal(emu_host_sanitize(&w.h, IMMED | BLOCK, 0, 0), EMU_GOOD);
		assert_int_equal(emu_host_ready(&other), spans ? SANITIZING : EMU_GOOD);
		emu_time_pass(&w.time, 61 * EMU_S);
		assert_int_equal(emu_host_ready(&other), EMU_GOOD);
		assert_int_equal(emu_host_ready(&w.h), EMU_GOOD);
		assert_int_equal(bare_scsi_stains(&w), 0);
		assert_int_equal(emu_media_stains(emu_scsi_media(w.d, 1), 0, SECTORS).sectors,
				 spans ? 0 : 50);
		emu_scsi_free(&w.d);
		other = (struct emu_host){.bay = {.lun = 1}};
	}
}

/* More places are written after an erase than anybody thought of. */
static void test_sanitize_then_scattered_writes(void **state)
{
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_ssd(20000);

	(void)state;
	cfg.wabereq = 3;
	bare_scsi_make_stained(&w, &cfg);
	assert_int_equal(emu_host_sanitize(&w.h, BLOCK, 0, 0), EMU_GOOD);
	memset(w.h.data, 0x5a, 512);
	for (uint64_t lba = 0; lba < 6000; lba++)
		assert_int_equal(emu_host_write(&w.h, lba * 3, 1, 512), EMU_GOOD);
	assert_int_equal(emu_host_read(&w.h, 5999 * 3, 1, 512), EMU_GOOD);
	assert_int_equal(emu_host_read(&w.h, 5999 * 3, 2, 512), 0x031115);
	assert_int_equal(get_be32(w.h.cmd.sense + 3), 5999 * 3 + 1);
	emu_scsi_free(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sanitize_overwrite_reaches_everything),
		cmocka_unit_test(test_sanitize_pattern_of_any_length),
		cmocka_unit_test(test_sanitize_block_and_crypto),
		cmocka_unit_test(test_sanitize_lets_few_commands_through),
		cmocka_unit_test(test_sanitize_goes_on_after_power_loss_and_reset),
		cmocka_unit_test(test_sanitize_failed_is_left_as_ause_says),
		cmocka_unit_test(test_sanitize_stalls_forgets_and_ignores),
		cmocka_unit_test(test_sanitize_liar_key_kept_and_vendor_pattern),
		cmocka_unit_test(test_sanitize_reads_before_a_write),
		cmocka_unit_test(test_sanitize_reaches_beyond_what_is_seen),
		cmocka_unit_test(test_sanitize_then_scattered_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
