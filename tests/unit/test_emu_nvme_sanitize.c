/* The emulated NVMe drive's Sanitize: its states, log 81h, and what the media hold after. */
#include "tests/emu/emu_nvme_ask.h"

#include "base/span.h"
#include "base/wire.h"
#include "tests/fake/bare_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES	  (1024 * 1024U)
#define SECTORS	  (BYTES / 512)
#define BLOCK	  2U
#define OVERWRITE 3U
#define CRYPTO	  4U
#define AUSE	  8U
#define NDAS	  0x200U
#define EMVS	  0x400U
#define GDE	  0x100U

static void make_many(struct bare_nvme *w)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);

	bare_nvme_make_stained(w, &cfg);
}

static void wait_s(struct bare_nvme *w, uint64_t s)
{
	emu_time_pass(&w->time, s * EMU_S);
}

static uint64_t left(struct bare_nvme *w)
{
	struct emu_stains s = emu_nvme_stains(w->d);

	return s.sectors + s.spare;
}

static void expect_log(struct bare_nvme *w, uint16_t sstat, uint16_t sprog, uint32_t scdw10)
{
	struct emu_nvme_log81 l = emu_nvme_ask_log81(w->d);

	assert_int_equal(l.sstat, sstat);
	assert_int_equal(l.sprog, sprog);
	assert_int_equal(l.scdw10, scdw10);
}

static void test_sanitize_reaches_everything_and_goes_through_its_states(void **state)
{
	static const uint32_t actions[] = {BLOCK, CRYPTO, OVERWRITE | 1 << 4};
	struct bare_nvme w;
	struct emu_nvme_log81 l;
	uint8_t buf[512];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		make_many(&w);
		assert_int_equal(left(&w), 4 * (SECTORS + 64));
		expect_log(&w, 0, 0xffff, 0);
		assert_int_equal(emu_nvme_ask_sanitize(w.d, actions[i], 0), 0);
		assert_int_equal(emu_nvme_sanitize_state(w.d), EMU_NVME_RESTRICTED);
		wait_s(&w, 1);
		l = emu_nvme_ask_log81(w.d);
		assert_int_equal(l.sstat, 2);
		assert_true(l.sprog > 0 && l.sprog < 0xffff);
		assert_int_equal(l.scdw10, actions[i]);
		assert_int_equal(emu_nvme_ask_sanitize(w.d, actions[i], 0), 0x1d);
		assert_int_equal(emu_nvme_ask_read(w.d, 1, 0, buf, 512), 0x1d);
		wait_s(&w, 600);
		expect_log(&w, (uint16_t)(1 | GDE | (i == 2 ? 1 << 3 : 0)), 0xffff, actions[i]);
		assert_int_equal(emu_nvme_sanitize_state(w.d), EMU_NVME_IDLE);
		assert_int_equal(left(&w), 0);
		assert_int_equal(emu_nvme_ask_read(w.d, 2, 9, buf, 512), 0);
		assert_true(xp_mem_is_filled(buf, 0, 512));
		/* the log outlives power; a write ends "nothing written since" */
		emu_nvme_power_off(w.d);
		emu_nvme_power_on(w.d);
		assert_int_equal(emu_nvme_ask_write(w.d, 1, 0, buf, 512), 0);
		expect_log(&w, (uint16_t)(1 | (i == 2 ? 1 << 3 : 0)), 0xffff, actions[i]);
		emu_nvme_free(&w.d);
	}
}

static void test_log_gives_estimates_only_of_what_it_has(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct bare_nvme w;
	uint8_t log[512];

	(void)state;
	cfg.sanitize_block = false;
	bare_nvme_make_stained(&w, &cfg);
	assert_int_equal(emu_nvme_ask_log(w.d, 0x81, log, 512), 0);
	assert_int_equal(get_le32(log + 8), 9600);
	assert_int_equal(get_le32(log + 12), 0xffffffff);
	assert_int_equal(get_le32(log + 16), 2);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK, 0), 0x02);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, 0, 0), 0x02);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, 6, 0), 0x02);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, 5, 0), 0x02);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, CRYPTO | EMVS, 0), 0x02); /* it has no VERS */
	expect_log(&w, 0, 0xffff, 0);
	emu_nvme_free(&w.d);
}

static void test_overwrite_ends_with_the_pattern_whatever_the_passes(void **state)
{
	struct bare_nvme w;
	uint8_t buf[512];
	struct emu_nvme_log81 l;

	(void)state;
	make_many(&w);
	/* two passes, inverted in between, not deallocated after */
	assert_int_equal(emu_nvme_ask_sanitize(w.d, OVERWRITE | 2 << 4 | 1 << 8 | NDAS, 0x11223344),
			 0);
	wait_s(&w, 601);
	l = emu_nvme_ask_log81(w.d);
	assert_int_equal(l.sstat, 2 | 1 << 3);
	wait_s(&w, 600);
	expect_log(&w, 1 | 2 << 3 | GDE, 0xffff, OVERWRITE | 2 << 4 | 1 << 8 | NDAS);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 77, buf, 512), 0);
	assert_int_equal(get_le32(buf), 0x11223344);
	assert_int_equal(get_le32(buf + 508), 0x11223344);
	/* 0: sixteen passes */
	assert_int_equal(emu_nvme_ask_sanitize(w.d, OVERWRITE, 0), 0);
	wait_s(&w, 9599);
	l = emu_nvme_ask_log81(w.d);
	assert_int_equal(l.sstat & 7, 2);
	assert_int_equal(l.sstat >> 3 & 0x1f, 15);
	wait_s(&w, 2);
	assert_int_equal(emu_nvme_ask_log81(w.d).sstat & 0xff, 1 | 16 << 3);
	emu_nvme_free(&w.d);
}

static void test_no_deallocate_keeps_what_the_erase_made_readable(void **state)
{
	struct bare_nvme w;
	uint8_t buf[512];

	(void)state;
	make_many(&w);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, CRYPTO | NDAS, 0), 0);
	wait_s(&w, 3);
	expect_log(&w, 1 | GDE, 0xffff, CRYPTO | NDAS);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 0, buf, 512), 0);
	assert_false(xp_mem_is_filled(buf, 0, 512)); /* other bytes, under the new key */
	assert_int_equal(left(&w), 0);
	emu_nvme_free(&w.d);
}

static uint16_t set_nodrm(struct bare_nvme *w, uint32_t value)
{
	return emu_nvme_ask_status(
		w->d, &(struct emu_nvme_ask){.opcode = 0x09, .cdw10 = 0x17, .cdw11 = value});
}

static void test_no_deallocate_inhibited_errs_or_warns(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct bare_nvme w;
	uint8_t buf[512];

	(void)state;
	cfg.no_deallocate_inhibited = true;
	bare_nvme_make_stained(&w, &cfg);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, CRYPTO | NDAS, 0), 0x02);
	assert_int_equal(set_nodrm(&w, 1), 0);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, CRYPTO | NDAS, 0), 0);
	wait_s(&w, 3);
	expect_log(&w, 4 | GDE, 0xffff, CRYPTO | NDAS);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 0, buf, 512), 0);
	assert_true(xp_mem_is_filled(buf, 0, 512));
	emu_nvme_free(&w.d);
}

static void test_only_what_the_standard_lists_runs_meanwhile(void **state)
{
	struct bare_nvme w;
	uint8_t buf[4096] = {0};
	static const uint8_t refused[] = {0x80, 0x81, 0x82, 0x0d, 0x15};
	static const uint8_t logs[] = {1, 2, 4, 0x81};
	static const uint8_t refused_logs[] = {3, 5};

	(void)state;
	make_many(&w);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK, 0), 0);
	for (size_t i = 0; i < sizeof(refused); i++)
		assert_int_equal(
			emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = refused[i],
									.nsid = 1,
									.in = buf,
									.out = buf,
									.len = 4096}),
			0x1d);
	for (size_t i = 0; i < sizeof(logs); i++)
		assert_int_equal(emu_nvme_ask_log(w.d, logs[i], buf, 512), 0);
	for (size_t i = 0; i < sizeof(refused_logs); i++)
		assert_int_equal(emu_nvme_ask_log(w.d, refused_logs[i], buf, 512), 0x1d);
	assert_int_equal(emu_nvme_ask_identify(w.d, 1, 0, buf), 0);
	assert_int_equal(emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = 0x18}), 0);
	assert_int_equal(set_nodrm(&w, 1), 0x1d);
	/* Flush is let through, all other I/O is not */
	for (uint8_t op = 0; op < 0x16; op++) {
		uint16_t s = emu_nvme_ask_status(w.d, &(struct emu_nvme_ask){.opcode = op,
									     .is_io = true,
									     .nsid = 1,
									     .in = buf,
									     .out = buf,
									     .len = 4096});

		assert_true(op == 0 ? s == 0 : s == 0x1d || s == 0x01);
	}
	emu_nvme_free(&w.d);
}

static void test_it_goes_on_after_reset_and_power_loss(void **state)
{
	struct bare_nvme w;
	struct emu_nvme_log81 before;

	(void)state;
	make_many(&w);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK, 0), 0);
	wait_s(&w, 30);
	emu_nvme_reset(w.d, 0);
	before = emu_nvme_ask_log81(w.d);
	assert_int_equal(before.sstat, 2);
	emu_nvme_power_off(w.d);
	wait_s(&w, 3600); /* without power nothing happens */
	emu_nvme_power_on(w.d);
	assert_int_equal(emu_nvme_ask_log81(w.d).sstat, 2);
	assert_in_range(emu_nvme_ask_log81(w.d).sprog, before.sprog, before.sprog + 10);
	assert_int_equal(left(&w), 4 * (SECTORS + 64));
	wait_s(&w, 31);
	expect_log(&w, 1 | GDE, 0xffff, BLOCK);
	assert_int_equal(left(&w), 0);
	emu_nvme_free(&w.d);
}

static void test_power_may_go_in_the_middle_of_a_command(void **state)
{
	struct bare_nvme w;

	(void)state;
	make_many(&w);
	emu_nvme_cut_power_at(w.d, w.time.now_ns + EMU_US);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK, 0), 0xffff);
	/* it never came to be carried out */
	expect_log(&w, 0, 0xffff, 0);
	emu_nvme_free(&w.d);
}

static void test_restricted_failure_is_left_by_a_restricted_success_only(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);
	struct bare_nvme w;
	struct emu_nvme_log81 l;
	uint8_t buf[512];

	(void)state;
	cfg.has_media_verification = true; /* the drives that tell their state */
	bare_nvme_make_stained(&w, &cfg);
	emu_nvme_faults(w.d)->sanitize_fails_at = 0x8000;
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK, 0), 0);
	wait_s(&w, 60);
	l = emu_nvme_ask_log81(w.d);
	assert_int_equal(l.sstat & 7, 3);
	assert_int_equal(l.sprog, 0xffff);
	assert_int_equal(l.state, EMU_NVME_RESTRICTED_FAILURE);
	assert_int_equal(l.failed_in, EMU_NVME_RESTRICTED);
	/* half of each medium is erased, the spare area is not */
	assert_int_equal(emu_nvme_stains(w.d).sectors, 4 * SECTORS / 2);
	assert_int_equal(emu_nvme_stains(w.d).spare, 4 * 64);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 0, buf, 512), 0x1c);
	assert_int_equal(emu_nvme_ask_format(w.d, 1, 1, 0), 0x1c);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, 1, 0), 0x1c);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK | AUSE, 0), 0x1c);
	emu_nvme_faults(w.d)->sanitize_fails_at = 0;
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK, 0), 0);
	wait_s(&w, 61);
	expect_log(&w, 1 | GDE, 0xffff, BLOCK);
	assert_int_equal(left(&w), 0);
	emu_nvme_free(&w.d);
}

static void test_unrestricted_failure_may_be_left_unsanitized(void **state)
{
	struct bare_nvme w;
	uint8_t buf[512];

	(void)state;
	make_many(&w);
	emu_nvme_faults(w.d)->sanitize_fails_at = 0x4000;
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK | AUSE, 0), 0);
	assert_int_equal(emu_nvme_sanitize_state(w.d), EMU_NVME_UNRESTRICTED);
	wait_s(&w, 60);
	assert_int_equal(emu_nvme_sanitize_state(w.d), EMU_NVME_UNRESTRICTED_FAILURE);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 0, buf, 512), 0x1c);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, 1, 0), 0);
	assert_int_equal(emu_nvme_sanitize_state(w.d), EMU_NVME_IDLE);
	/* usable again, and the log does not say that it succeeded */
	assert_int_equal(emu_nvme_ask_read(w.d, 1, SECTORS - 1, buf, 512), 0);
	assert_memory_equal(buf + 8, " DATA, NOT TO", 13);
	expect_log(&w, 3, 0xffff, BLOCK | AUSE);
	emu_nvme_free(&w.d);
}

static void test_media_verification_lets_reads_through_until_it_is_left(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);
	struct bare_nvme w;
	uint8_t buf[512];
	struct emu_nvme_log81 l;
	uint32_t event;

	(void)state;
	cfg.has_media_verification = true;
	bare_nvme_make_stained(&w, &cfg);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, OVERWRITE | EMVS, 0), 0x02);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK | EMVS | NDAS, 0), 0x02);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, CRYPTO | EMVS, 0), 0);
	wait_s(&w, 3);
	l = emu_nvme_ask_log81(w.d);
	assert_int_equal(l.sstat, 2);
	assert_int_equal(l.sprog, 0xffff);
	assert_int_equal(l.state, EMU_NVME_VERIFICATION);
	assert_int_equal(left(&w), 0);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 0, buf, 512), 0);
	assert_false(xp_mem_is_filled(buf, 0, 512));
	assert_int_equal(emu_nvme_ask_write(w.d, 1, 0, buf, 512), 0x1d);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, CRYPTO, 0), 0x02);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, 5, 0), 0);
	l = emu_nvme_ask_log81(w.d);
	assert_int_equal(l.state, EMU_NVME_DEALLOCATION);
	assert_int_equal(l.sstat, 2);
	assert_true(l.sprog < 0xffff);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 0, buf, 512), 0x1d);
	wait_s(&w, 2);
	expect_log(&w, 1 | GDE, 0xffff, CRYPTO | EMVS);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 0, buf, 512), 0);
	assert_true(xp_mem_is_filled(buf, 0, 512));
	(void)emu_nvme_event(w.d, 0, &event);
	/* a power cycle ends it, too, and the log says so */
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK | EMVS, 0), 0);
	wait_s(&w, 61);
	assert_int_equal(emu_nvme_sanitize_state(w.d), EMU_NVME_VERIFICATION);
	emu_nvme_power_off(w.d);
	emu_nvme_power_on(w.d);
	assert_int_equal(emu_nvme_sanitize_state(w.d), EMU_NVME_DEALLOCATION);
	wait_s(&w, 2);
	expect_log(&w, 1 | GDE | 0x200, 0xffff, BLOCK | EMVS);
	emu_nvme_free(&w.d);
}

static void test_events_tell_how_it_ended(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);
	struct bare_nvme w;
	uint32_t e;

	(void)state;
	cfg.has_media_verification = true;
	bare_nvme_make_stained(&w, &cfg);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, CRYPTO, 0), 0);
	assert_false(emu_nvme_event(w.d, 0, &e));
	wait_s(&w, 3);
	assert_true(emu_nvme_event(w.d, 0, &e));
	assert_int_equal(e, 6 | 1 << 8 | 0x81 << 16);
	assert_true(emu_nvme_event(w.d, 1, &e)); /* each controller's host */
	(void)emu_nvme_ask_log81(w.d);
	assert_int_equal(emu_nvme_ask_sanitize(w.d, CRYPTO | EMVS, 0), 0);
	wait_s(&w, 3);
	assert_true(emu_nvme_event(w.d, 0, &e));
	assert_int_equal(e, 6 | 3 << 8 | 0x81 << 16);
	emu_nvme_free(&w.d);
}

static void test_faults_of_progress_and_log(void **state)
{
	struct bare_nvme w;
	struct emu_nvme_log81 l;
	uint8_t log[512];

	(void)state;
	make_many(&w);
	/* an older success stays in the log, and nothing was done */
	assert_int_equal(emu_nvme_ask_sanitize(w.d, CRYPTO, 0), 0);
	wait_s(&w, 3);
	emu_nvme_stain(w.d);
	emu_nvme_faults(w.d)->sanitize_ignored = true;
	assert_int_equal(emu_nvme_ask_sanitize(w.d, CRYPTO, 0), 0);
	expect_log(&w, 1, 0xffff, CRYPTO);
	assert_int_equal(emu_nvme_stains(w.d).sectors, 4 * SECTORS);
	emu_nvme_faults(w.d)->sanitize_ignored = false;
	/* progress that ends for ever */
	emu_nvme_faults(w.d)->sanitize_stalls_at = 0x1000;
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK, 0), 0);
	wait_s(&w, 100000);
	expect_log(&w, 2, 0x1000, BLOCK);
	/* FFFFh though it runs; a success that is none yet */
	emu_nvme_faults(w.d)->progress_lost = true;
	expect_log(&w, 2, 0xffff, BLOCK);
	emu_nvme_faults(w.d)->success_early = true;
	l = emu_nvme_ask_log81(w.d);
	assert_int_equal(l.sstat, 1);
	assert_int_equal(emu_nvme_stains(w.d).sectors, 4 * SECTORS);
	emu_nvme_faults(w.d)->log_refused = true;
	assert_int_equal(emu_nvme_ask_log(w.d, 0x81, log, 512), 0x06);
	emu_nvme_free(&w.d);
}

static void test_fault_power_loss_ends_it(void **state)
{
	struct bare_nvme w;

	(void)state;
	make_many(&w);
	emu_nvme_faults(w.d)->sanitize_dies_by_power = true;
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK, 0), 0);
	wait_s(&w, 10);
	emu_nvme_power_off(w.d);
	emu_nvme_power_on(w.d);
	expect_log(&w, 3, 0xffff, BLOCK);
	emu_nvme_free(&w.d);
}

static void test_fault_memory_region_prohibits(void **state)
{
	struct bare_nvme w;

	(void)state;
	make_many(&w);
	emu_nvme_faults(w.d)->memory_region_enabled = true;
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK, 0), 0x123);
	expect_log(&w, 0, 0xffff, 0);
	emu_nvme_free(&w.d);
}

static void test_liars_leave_what_a_reader_or_a_laboratory_finds(void **state)
{
	static const struct emu_leave leaves[] = {
		{.kind = EMU_LEAVE_EXTENT, .first = 64, .n = 32},
		{.kind = EMU_LEAVE_STRIPE, .n = 8},
		{.kind = EMU_LEAVE_SPARE},
		{.kind = EMU_LEAVE_ALL},
	};
	static const uint64_t found[] = {32, SECTORS / 4, 0, SECTORS};
	static const uint64_t spare[] = {0, 0, 64, 64};
	struct bare_nvme w;
	uint8_t buf[512];

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		make_many(&w);
		emu_nvme_faults(w.d)->leave = leaves[i % 4];
		emu_nvme_faults(w.d)->leave_unmapped = i >= 4;
		assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK, 0), 0);
		wait_s(&w, 61);
		expect_log(&w, 1 | GDE, 0xffff, BLOCK);
		assert_int_equal(emu_nvme_stains(w.d).sectors, 4 * found[i % 4]);
		assert_int_equal(emu_nvme_stains(w.d).spare, 4 * spare[i % 4]);
		assert_int_equal(emu_nvme_ask_read(w.d, 1, 64, buf, 512), 0);
		/* what is left shows where it is still mapped */
		assert_int_equal(xp_mem_is_filled(buf, 0, 512), i >= 4 || i == 2);
		emu_nvme_free(&w.d);
	}
	make_many(&w);
	emu_nvme_faults(w.d)->keeps_key = true;
	assert_int_equal(emu_nvme_ask_sanitize(w.d, CRYPTO | NDAS, 0), 0);
	wait_s(&w, 3);
	assert_int_equal(left(&w), 4 * (SECTORS + 64));
	emu_nvme_free(&w.d);
	make_many(&w);
	emu_nvme_faults(w.d)->detached_left = true;
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK, 0), 0);
	wait_s(&w, 61);
	assert_int_equal(left(&w), 2 * (SECTORS + 64)); /* NSID 3, and what is unallocated */
	emu_nvme_free(&w.d);
}

static void test_vendor_pattern_shows_after_block_erase(void **state)
{
	struct bare_nvme w;
	uint8_t buf[512];

	(void)state;
	make_many(&w);
	emu_nvme_faults(w.d)->vendor_pattern = true;
	emu_nvme_faults(w.d)->pattern = 0x33cc55aa;
	assert_int_equal(emu_nvme_ask_sanitize(w.d, BLOCK, 0), 0);
	wait_s(&w, 61);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 5, buf, 512), 0);
	assert_int_equal(get_be32(buf), 0x33cc55aa);
	assert_int_equal(left(&w), 0);
	emu_nvme_free(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sanitize_reaches_everything_and_goes_through_its_states),
		cmocka_unit_test(test_log_gives_estimates_only_of_what_it_has),
		cmocka_unit_test(test_overwrite_ends_with_the_pattern_whatever_the_passes),
		cmocka_unit_test(test_no_deallocate_keeps_what_the_erase_made_readable),
		cmocka_unit_test(test_no_deallocate_inhibited_errs_or_warns),
		cmocka_unit_test(test_only_what_the_standard_lists_runs_meanwhile),
		cmocka_unit_test(test_it_goes_on_after_reset_and_power_loss),
		cmocka_unit_test(test_power_may_go_in_the_middle_of_a_command),
		cmocka_unit_test(test_restricted_failure_is_left_by_a_restricted_success_only),
		cmocka_unit_test(test_unrestricted_failure_may_be_left_unsanitized),
		cmocka_unit_test(test_media_verification_lets_reads_through_until_it_is_left),
		cmocka_unit_test(test_events_tell_how_it_ended),
		cmocka_unit_test(test_faults_of_progress_and_log),
		cmocka_unit_test(test_fault_power_loss_ends_it),
		cmocka_unit_test(test_fault_memory_region_prohibits),
		cmocka_unit_test(test_liars_leave_what_a_reader_or_a_laboratory_finds),
		cmocka_unit_test(test_vendor_pattern_shows_after_block_erase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
