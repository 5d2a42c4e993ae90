/* The emulated ATA drive's SANITIZE DEVICE: states SD0 to SD4, by the registers and by the medium.
 */
#include "tests/emu/emu_ask.h"

#include "base/span.h"
#include "base/wire.h"
#include "tests/fake/bare_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS	   4096
#define STATUS	   0x00
#define CRYPTO	   0x11
#define BLOCK	   0x12
#define OVERWRITE  0x14
#define FREEZE	   0x20
#define ANTIFREEZE 0x40
#define MAY_FAIL   0x10

static void make_ssd(struct bare_ata *w)
{
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	bare_ata_make_stained(w, &cfg);
}

static void wait_s(struct bare_ata *w, uint64_t s)
{
	emu_time_pass(&w->time, s * EMU_S);
}

static void expect(struct emu_ata_result r, uint16_t count, uint16_t progress)
{
	assert_true(emu_is_good(&r));
	assert_int_equal(r.count, count);
	assert_int_equal(r.lba, progress);
}

static void refused(struct emu_ata_result r, uint8_t why)
{
	assert_true(emu_is_abort(&r));
	assert_int_equal(r.lba & 0xff, why);
}

static uint64_t left(struct bare_ata *w)
{
	struct emu_stains s = emu_media_stains(w->media, 0, SECTORS);

	return s.sectors + s.spare;
}

static void test_sanitize_goes_through_its_states(void **state)
{
	static const uint16_t ops[] = {CRYPTO, BLOCK, OVERWRITE};
	struct bare_ata w;
	struct emu_ata_result r;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		make_ssd(&w);
		expect(emu_ask_sanitize(w.d, STATUS, 0, 0), 0, 0xffff);
		assert_int_equal(emu_ata_sanitize_state(w.d), EMU_SD0);
		r = emu_ask_sanitize(w.d, ops[i], 1, 0xdeadbeef);
		assert_true(emu_is_good(&r));
		assert_int_equal(r.count, 0x4000);
		assert_int_equal(emu_ata_sanitize_state(w.d), EMU_SD2);
		wait_s(&w, 1);
		r = emu_ask_sanitize(w.d, STATUS, 0, 0);
		assert_int_equal(r.count, 0x4000);
		assert_true(r.lba > 0 && r.lba < 0xffff);
		refused(emu_ask_sanitize(w.d, ops[i], 1, 0), 0);
		wait_s(&w, 60);
		expect(emu_ask_sanitize(w.d, STATUS, 0, 0), 0x8000, 0xffff);
		assert_int_equal(emu_ata_sanitize_state(w.d), EMU_SD4);
		assert_int_equal(left(&w), 0);
		/* the success is not kept without power */
		emu_ata_power_off(w.d);
		emu_ata_power_on(w.d);
		expect(emu_ask_sanitize(w.d, STATUS, 0, 0), 0, 0xffff);
		emu_ata_free(&w.d);
	}
}

static void test_sanitize_leaves_what_the_standard_says(void **state)
{
	struct bare_ata w;
	uint8_t out[512];

	(void)state;
	make_ssd(&w);
	emu_ask_sanitize(w.d, OVERWRITE, 1, 0xdeadbeef);
	wait_s(&w, 61);
	emu_ask_read(w.d, 4095, out);
	assert_int_equal(get_be32(out), 0xdeadbeef);
	/* two passes, inverted between: the second is the inverse */
	emu_ask_sanitize(w.d, OVERWRITE, 0x82, 0x00ff00ff);
	wait_s(&w, 61);
	assert_int_equal(emu_ata_sanitize_state(w.d), EMU_SD2);
	wait_s(&w, 60);
	emu_ask_read(w.d, 0, out);
	assert_int_equal(get_be32(out), 0xff00ff00);
	/* ... but with a definitive ending pattern */
	emu_ask_sanitize(w.d, OVERWRITE, 0xc2, 0x00ff00ff);
	wait_s(&w, 121);
	emu_ask_read(w.d, 0, out);
	assert_int_equal(get_be32(out), 0x00ff00ff);
	/* no passes: sixteen */
	emu_ask_sanitize(w.d, OVERWRITE, 0, 0);
	wait_s(&w, 15 * 60);
	assert_int_equal(emu_ata_sanitize_state(w.d), EMU_SD2);
	wait_s(&w, 61);
	assert_int_equal(emu_ata_sanitize_state(w.d), EMU_SD4);
	emu_ask_sanitize(w.d, BLOCK, 0, 0);
	wait_s(&w, 61);
	emu_ask_read(w.d, 0, out);
	assert_true(xp_mem_is_filled(out, 0, 512));
	emu_ata_free(&w.d);
}

static void test_sanitize_needs_its_key(void **state)
{
	struct bare_ata w;
	static const uint16_t ops[] = {CRYPTO, BLOCK, OVERWRITE, FREEZE, ANTIFREEZE};

	(void)state;
	make_ssd(&w);
	for (size_t i = 0; i < 5; i++)
		refused(emu_ask(w.d, 0xb4, true, ops[i], 1, 0x11223344), 0);
	refused(emu_ask(w.d, 0xb4, true, 0x13, 0, 0), 2);
	assert_int_equal(emu_ata_sanitize_state(w.d), EMU_SD0);
	assert_true(left(&w) > SECTORS);
	emu_ata_free(&w.d);
}

static void test_sanitize_running_refuses_the_rest_and_survives_power(void **state)
{
	struct bare_ata w;
	struct emu_ata_result r;
	struct emu_ata_cmd identify = {.command = 0xec, .count = 1};
	uint8_t out[512];

	(void)state;
	make_ssd(&w);
	emu_ask_sanitize(w.d, BLOCK, 0, 0);
	r = emu_ask_read(w.d, 0, out);
	assert_true(emu_is_abort(&r));
	r = emu_ask_write(w.d, 0, out);
	assert_true(emu_is_abort(&r));
	r = emu_ask_password(w.d, 0xf1, 0, "x");
	assert_true(emu_is_abort(&r));
	r = emu_ask_in(w.d, &identify, out, 512);
	assert_true(emu_is_good(&r));
	r = emu_ask(w.d, 0xe5, false, 0, 0, 0);
	assert_true(emu_is_good(&r));
	refused(emu_ask_sanitize(w.d, FREEZE, 0, 0), 0);
	wait_s(&w, 30);
	emu_ata_reset(w.d);
	emu_ata_power_off(w.d);
	wait_s(&w, 1000); /* without power nothing goes on */
	r = emu_ask(w.d, 0xe5, false, 0, 0, 0);
	assert_false(r.answered);
	emu_ata_power_on(w.d);
	r = emu_ask_sanitize(w.d, STATUS, 0, 0);
	assert_int_equal(r.count, 0x4000);
	assert_in_range(r.lba, 0x7f00, 0x8100);
	wait_s(&w, 31);
	expect(emu_ask_sanitize(w.d, STATUS, 0, 0), 0x8000, 0xffff);
	assert_int_equal(left(&w), 0);
	emu_ata_free(&w.d);
}

static void test_sanitize_failure_stays_unless_it_may_be_left(void **state)
{
	struct bare_ata w;
	struct emu_ata_result r;
	uint8_t out[512];

	(void)state;
	make_ssd(&w);
	emu_ata_faults(w.d)->sanitize_fails_at = 0x4000;
	emu_ask_sanitize(w.d, BLOCK, 0, 0);
	wait_s(&w, 20);
	refused(emu_ask_sanitize(w.d, STATUS, 0, 0), 1);
	assert_int_equal(emu_ata_sanitize_state(w.d), EMU_SD3);
	assert_in_range(left(&w), SECTORS * 3 / 4, SECTORS * 3 / 4 + 64);
	r = emu_ask_read(w.d, 0, out);
	assert_true(emu_is_abort(&r));
	refused(emu_ask_sanitize(w.d, STATUS, 1, 0), 1);
	refused(emu_ask_sanitize(w.d, FREEZE, 0, 0), 1);
	refused(emu_ask_sanitize(w.d, BLOCK, MAY_FAIL, 0), 1);
	emu_ata_power_off(w.d);
	emu_ata_power_on(w.d);
	assert_int_equal(emu_ata_sanitize_state(w.d), EMU_SD3);
	/* a restricted one again, that succeeds */
	emu_ata_faults(w.d)->sanitize_fails_at = 0;
	emu_ask_sanitize(w.d, BLOCK, 0, 0);
	wait_s(&w, 61);
	expect(emu_ask_sanitize(w.d, STATUS, 0, 0), 0x8000, 0xffff);
	/* one that may be left: the drive is usable again, and not sanitized */
	emu_ata_faults(w.d)->sanitize_fails_at = 0x4000;
	emu_ask_sanitize(w.d, BLOCK, MAY_FAIL, 0);
	wait_s(&w, 20);
	refused(emu_ask_sanitize(w.d, STATUS, 0, 0), 1);
	expect(emu_ask_sanitize(w.d, STATUS, 1, 0), 0, 0xffff);
	r = emu_ask_read(w.d, 0, out);
	assert_true(emu_is_good(&r));
	emu_ata_free(&w.d);
}

static void test_sanitize_freeze_and_antifreeze(void **state)
{
	struct bare_ata w;

	(void)state;
	make_ssd(&w);
	expect(emu_ask_sanitize(w.d, FREEZE, 0, 0), 0x2000, 0xffff);
	assert_int_equal(emu_ata_sanitize_state(w.d), EMU_SD1);
	refused(emu_ask_sanitize(w.d, CRYPTO, 0, 0), 3);
	refused(emu_ask_sanitize(w.d, ANTIFREEZE, 0, 0), 3);
	emu_ata_power_off(w.d);
	emu_ata_power_on(w.d);
	expect(emu_ask_sanitize(w.d, ANTIFREEZE, 0, 0), 0x1000, 0xffff);
	refused(emu_ask_sanitize(w.d, FREEZE, 0, 0), 4);
	emu_ata_power_off(w.d);
	emu_ata_power_on(w.d);
	expect(emu_ask_sanitize(w.d, FREEZE, 0, 0), 0x2000, 0xffff);
	emu_ata_free(&w.d);
}

static void test_sanitize_unsupported_says_so(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct emu_ata_result r;

	(void)state;
	bare_ata_make_stained(&w, &cfg);
	refused(emu_ask_sanitize(w.d, CRYPTO, 0, 0), 2);
	refused(emu_ask_sanitize(w.d, BLOCK, 0, 0), 2);
	emu_ata_free(&w.d);
	cfg.has_antifreeze = false;
	bare_ata_make_stained(&w, &cfg);
	refused(emu_ask_sanitize(w.d, ANTIFREEZE, 0, 0), 2);
	emu_ata_free(&w.d);
	cfg.has_sanitize = false;
	bare_ata_make_stained(&w, &cfg);
	r = emu_ask_sanitize(w.d, STATUS, 0, 0);
	assert_true(emu_is_abort(&r));
	emu_ata_free(&w.d);
}

static void test_sanitize_reaches_what_is_hidden(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct emu_ata_result r;

	(void)state;
	bare_ata_make_stained(&w, &cfg);
	emu_ask(w.d, 0x27, true, 0, 0, 0);
	r = emu_ask(w.d, 0x37, true, 0, 1, 99);
	assert_true(emu_is_good(&r));
	assert_int_equal(emu_ata_sectors(w.d), 100);
	emu_ask_sanitize(w.d, OVERWRITE, 1, 0);
	wait_s(&w, 3601);
	assert_int_equal(emu_ata_sanitize_state(w.d), EMU_SD4);
	assert_int_equal(left(&w), 0);
	assert_int_equal(emu_ata_sectors(w.d), 100);
	emu_ata_free(&w.d);
}

static void test_sanitize_locked_unless_restricted_overrides(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	struct emu_ata_result r;

	(void)state;
	cfg.restricted_overrides = true;
	bare_ata_make_stained(&w, &cfg);
	emu_ask_password(w.d, 0xf1, 0, "secret");
	emu_ata_power_off(w.d);
	emu_ata_power_on(w.d);
	refused(emu_ask_sanitize(w.d, BLOCK, MAY_FAIL, 0), 0);
	r = emu_ask_sanitize(w.d, BLOCK, 0, 0);
	assert_true(emu_is_good(&r));
	emu_ata_free(&w.d);
}

static void test_sanitize_faults_play(void **state)
{
	struct bare_ata w;
	struct emu_ata_result r;
	uint8_t out[512];

	(void)state;
	make_ssd(&w);
	emu_ata_faults(w.d)->sanitize_stalls_at = 0x8000;
	emu_ask_sanitize(w.d, BLOCK, 0, 0);
	wait_s(&w, 1000000);
	r = emu_ask_sanitize(w.d, STATUS, 0, 0);
	assert_int_equal(r.count, 0x4000);
	assert_in_range(r.lba, 0x7fff, 0x8000);
	emu_ata_free(&w.d);
	/* it says that it is done, by an older success */
	make_ssd(&w);
	emu_ask_sanitize(w.d, BLOCK, 0, 0);
	wait_s(&w, 61);
	expect(emu_ask_sanitize(w.d, STATUS, 0, 0), 0x8000, 0xffff);
	emu_media_stain(w.media, 3, 1);
	emu_ata_faults(w.d)->sanitize_ignored = true;
	expect(emu_ask_sanitize(w.d, CRYPTO, 0, 0), 0x8000, 0xffff);
	assert_int_equal(left(&w), 1);
	emu_ata_free(&w.d);
	/* a key that stays */
	make_ssd(&w);
	emu_ata_faults(w.d)->keeps_key = true;
	emu_ask_sanitize(w.d, CRYPTO, 0, 0);
	wait_s(&w, 3);
	expect(emu_ask_sanitize(w.d, STATUS, 0, 0), 0x8000, 0xffff);
	assert_true(left(&w) >= SECTORS);
	emu_ata_free(&w.d);
	/* a maker's own pattern */
	make_ssd(&w);
	emu_ata_faults(w.d)->vendor_pattern = true;
	emu_ata_faults(w.d)->pattern = 0x33cc55aa;
	emu_ask_sanitize(w.d, BLOCK, 0, 0);
	wait_s(&w, 61);
	r = emu_ask_read(w.d, 17, out);
	assert_true(emu_is_good(&r));
	assert_int_equal(get_be32(out), 0x33cc55aa);
	assert_int_equal(left(&w), 0);
	emu_ata_free(&w.d);
	/* the liar */
	make_ssd(&w);
	emu_ata_faults(w.d)->leave = (struct emu_leave){EMU_LEAVE_EXTENT, 4000, 3};
	emu_ask_sanitize(w.d, BLOCK, 0, 0);
	wait_s(&w, 61);
	expect(emu_ask_sanitize(w.d, STATUS, 0, 0), 0x8000, 0xffff);
	assert_int_equal(left(&w), 3);
	emu_ata_free(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sanitize_goes_through_its_states),
		cmocka_unit_test(test_sanitize_leaves_what_the_standard_says),
		cmocka_unit_test(test_sanitize_needs_its_key),
		cmocka_unit_test(test_sanitize_running_refuses_the_rest_and_survives_power),
		cmocka_unit_test(test_sanitize_failure_stays_unless_it_may_be_left),
		cmocka_unit_test(test_sanitize_freeze_and_antifreeze),
		cmocka_unit_test(test_sanitize_unsupported_says_so),
		cmocka_unit_test(test_sanitize_reaches_what_is_hidden),
		cmocka_unit_test(test_sanitize_locked_unless_restricted_overrides),
		cmocka_unit_test(test_sanitize_faults_play),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
