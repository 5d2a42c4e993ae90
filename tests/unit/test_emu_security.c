/* The emulated ATA drive's security feature set: states SEC0 to SEC6 and what each refuses. */
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
#define MASTER	   0x0001
#define ENHANCED   0x0002
#define MAXIMUM	   0x0100
#define BLANK	   "" /* the factory's master password: 32 zero bytes */
#define GOOD(...)  assert_true(is(emu_is_good, __VA_ARGS__))
#define ABORT(...) assert_true(is(emu_is_abort, __VA_ARGS__))

static bool is(bool (*how)(const struct emu_ata_result *), struct emu_ata_result r)
{
	return how(&r);
}

static void make_hdd(struct bare_ata *w)
{
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);

	bare_ata_make(w, &cfg);
}

static uint16_t word(struct bare_ata *w, unsigned n)
{
	uint8_t id[512];

	emu_ata_identify(w->d, id);
	return get_le16(id + 2 * (size_t)n);
}

static void test_security_states_follow_the_standard(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);

	(void)state;
	make_hdd(&w);
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC1);
	assert_int_equal(word(&w, 128), 0x0021);
	GOOD(emu_ask(w.d, 0xf5, false, 0, 0, 0));
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC2);
	assert_int_equal(word(&w, 128), 0x0029);
	ABORT(emu_ask_password(w.d, 0xf1, 0, "secret"));
	ABORT(emu_ask(w.d, 0xf3, false, 0, 0, 0));
	emu_ata_power_off(w.d);
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC0);
	emu_ata_power_on(w.d);
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC1);
	GOOD(emu_ask_password(w.d, 0xf1, MAXIMUM, "secret"));
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC5);
	assert_int_equal(word(&w, 128), 0x0123);
	assert_int_equal(word(&w, 85) & 2, 2);
	GOOD(emu_ask(w.d, 0xf5, false, 0, 0, 0));
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC6);
	ABORT(emu_ask_password(w.d, 0xf6, 0, "secret"));
	emu_ata_power_off(w.d);
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC3);
	emu_ata_power_on(w.d);
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC4);
	assert_int_equal(word(&w, 128), 0x0127);
	ABORT(emu_ask(w.d, 0xf5, false, 0, 0, 0));
	GOOD(emu_ask_password(w.d, 0xf2, 0, "secret"));
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC5);
	GOOD(emu_ask_password(w.d, 0xf6, 0, "secret"));
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC1);
	emu_ata_free(&w.d);

	cfg.frozen_at_power_on = true;
	bare_ata_make(&w, &cfg);
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC2);
	bare_ata_cycle(&w);
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC2);
	emu_ata_free(&w.d);
}

static void test_security_locked_refuses_what_reaches_data(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	uint8_t sector[512] = {0};
	struct emu_ata_cmd dco = {.command = 0xb1, .feature = 0xc2, .count = 1};

	(void)state;
	cfg.has_amac = true;
	bare_ata_make(&w, &cfg);
	GOOD(emu_ask_password(w.d, 0xf1, 0, "secret"));
	GOOD(emu_ask_read(w.d, 0, sector));
	bare_ata_cycle(&w);
	ABORT(emu_ask_read(w.d, 0, sector));
	ABORT(emu_ask_write(w.d, 0, sector));
	ABORT(emu_ask(w.d, 0xea, true, 0, 0, 0));
	ABORT(emu_ask_in(w.d, &dco, sector, 512));
	ABORT(emu_ask_password(w.d, 0xf1, 0, "other"));
	ABORT(emu_ask_password(w.d, 0xf6, 0, "secret"));
	ABORT(emu_ask_sanitize(w.d, 0x14, 1, 0));
	GOOD(emu_ask(w.d, 0xb4, true, 0, 0, 0));
	GOOD(emu_ask(w.d, 0x27, true, 0, 0, 0));
	ABORT(emu_ask(w.d, 0x37, true, 0, 0, 999));
	GOOD(emu_ask(w.d, 0x78, true, 0, 0, 0));
	ABORT(emu_ask(w.d, 0x78, true, 1, 0, 999));
	ABORT(emu_ask(w.d, 0x78, true, 2, 0, 0));
	GOOD(emu_ask(w.d, 0xe5, false, 0, 0, 0));
	emu_ata_free(&w.d);
}

static void test_security_count_expires_after_five_and_a_power_cycle_ends_it(void **state)
{
	struct bare_ata w;

	(void)state;
	make_hdd(&w);
	GOOD(emu_ask_password(w.d, 0xf1, 0, "secret"));
	bare_ata_cycle(&w);
	for (unsigned i = 0; i < 4; i++)
		ABORT(emu_ask_password(w.d, 0xf2, 0, "guess"));
	assert_int_equal(word(&w, 128) & 0x10, 0);
	ABORT(emu_ask_password(w.d, 0xf2, 0, "guess"));
	assert_int_equal(word(&w, 128) & 0x10, 0x10);
	ABORT(emu_ask_password(w.d, 0xf2, 0, "secret"));
	ABORT(emu_ask_erase(w.d, 0, "secret"));
	bare_ata_cycle(&w);
	GOOD(emu_ask_password(w.d, 0xf2, 0, "secret"));
	emu_ata_free(&w.d);
}

static void test_security_master_unlocks_by_high_and_only_erases_by_maximum(void **state)
{
	struct bare_ata w;
	struct emu_ata_cmd set = {.command = 0xf1, .count = 1};
	uint8_t data[512] = {0x01, 0x00, 'm', 'a', 's', 't', 'e', 'r'};

	(void)state;
	make_hdd(&w);
	assert_int_equal(word(&w, 92), 0xfffe);
	put_le16(data + 34, 0x1234);
	GOOD(emu_ask_out(w.d, &set, data, 512));
	assert_int_equal(word(&w, 92), 0x1234);
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC1);
	GOOD(emu_ask_password(w.d, 0xf1, 0, "secret"));
	bare_ata_cycle(&w);
	ABORT(emu_ask_password(w.d, 0xf2, MASTER, BLANK));
	GOOD(emu_ask_password(w.d, 0xf2, MASTER, "master"));
	GOOD(emu_ask_password(w.d, 0xf1, MAXIMUM, "secret"));
	ABORT(emu_ask_password(w.d, 0xf6, MASTER, "master"));
	bare_ata_cycle(&w);
	ABORT(emu_ask_password(w.d, 0xf2, MASTER, "master"));
	emu_media_stain(w.media, 7, 1);
	GOOD(emu_ask_erase(w.d, MASTER, "master"));
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC1);
	assert_int_equal(word(&w, 128), 0x0021);
	assert_int_equal(emu_media_stains(w.media, 0, SECTORS).sectors, 0);
	emu_ata_free(&w.d);
}

static void test_security_erase_needs_prepare_right_before_it(void **state)
{
	struct bare_ata w;
	uint8_t id[512];
	struct emu_ata_cmd identify = {.command = 0xec, .count = 1};

	(void)state;
	make_hdd(&w);
	emu_media_stain(w.media, 0, SECTORS);
	GOOD(emu_ask_password(w.d, 0xf1, 0, "secret"));
	ABORT(emu_ask_password(w.d, 0xf4, 0, "secret"));
	GOOD(emu_ask(w.d, 0xf3, false, 0, 0, 0));
	GOOD(emu_ask_in(w.d, &identify, id, 512));
	ABORT(emu_ask_password(w.d, 0xf4, 0, "secret"));
	ABORT(emu_ask_erase(w.d, 0, "wrong"));
	assert_int_equal(emu_media_stains(w.media, 0, SECTORS).sectors, SECTORS);
	GOOD(emu_ask_erase(w.d, 0, "secret"));
	assert_int_equal(emu_media_stains(w.media, 0, SECTORS).sectors, 0);
	assert_true(w.time.now_ns >= 3600 * EMU_S);
	assert_int_equal(word(&w, 128), 0x0021);
	emu_ata_free(&w.d);
}

static void test_security_enhanced_reaches_the_spare_and_normal_does_not(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	uint8_t out[512];

	(void)state;
	bare_ata_make(&w, &cfg);
	emu_ata_faults(w.d)->vendor_pattern = true;
	emu_ata_faults(w.d)->pattern = 0x33cc55aa;
	emu_media_stain_spare(w.media);
	GOOD(emu_ask_password(w.d, 0xf1, 0, "secret"));
	GOOD(emu_ask_erase(w.d, 0, "secret"));
	assert_int_equal(emu_media_stains(w.media, 0, SECTORS).spare, cfg.spare_sectors);
	GOOD(emu_ask_read(w.d, 9, out));
	assert_true(xp_mem_is_filled(out, 0, 512));
	GOOD(emu_ask_password(w.d, 0xf1, 0, "secret"));
	GOOD(emu_ask_erase(w.d, ENHANCED, "secret"));
	assert_int_equal(emu_media_stains(w.media, 0, SECTORS).spare, 0);
	GOOD(emu_ask_read(w.d, 9, out));
	assert_int_equal(get_be32(out + 508), 0x33cc55aa);
	emu_ata_free(&w.d);

	/* on a drive that encrypts, another key */
	cfg = emu_ata_ssd(SECTORS);
	bare_ata_make(&w, &cfg);
	emu_media_stain(w.media, 9, 1);
	GOOD(emu_ask_password(w.d, 0xf1, 0, "secret"));
	GOOD(emu_ask_erase(w.d, ENHANCED, "secret"));
	GOOD(emu_ask_read(w.d, 9, out));
	assert_false(xp_mem_is_filled(out, 0, 512));
	assert_int_equal(emu_media_stains(w.media, 0, SECTORS).sectors, 0);
	emu_ata_free(&w.d);
	cfg.has_enhanced_erase = false;
	bare_ata_make(&w, &cfg);
	GOOD(emu_ask_password(w.d, 0xf1, 0, "secret"));
	ABORT(emu_ask_erase(w.d, ENHANCED, "secret"));
	emu_ata_free(&w.d);
}

/* Power or patience ends in the middle: locked, and half of it is still there. */
static void test_security_interrupted_erase_leaves_data_and_a_locked_drive(void **state)
{
	struct bare_ata w;
	struct emu_ata_result r;
	struct emu_ata_cmd erase = {.command = 0xf4, .count = 1, .give_up_ns = 60 * EMU_S};
	uint8_t data[512] = {0, 0, 's', 'e', 'c', 'r', 'e', 't'};
	uint64_t left;

	(void)state;
	make_hdd(&w);
	emu_media_stain(w.media, 0, SECTORS);
	GOOD(emu_ask_password(w.d, 0xf1, 0, "secret"));
	emu_ata_cut_power_at(w.d, 1800 * EMU_S);
	r = emu_ask_erase(w.d, 0, "secret");
	assert_false(r.answered);
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC4);
	left = emu_media_stains(w.media, 0, SECTORS).sectors;
	assert_true(left > SECTORS / 2 - 10 && left < SECTORS / 2 + 10);
	/* the host's time-out resets the link: the same */
	GOOD(emu_ask_password(w.d, 0xf2, 0, "secret"));
	GOOD(emu_ask(w.d, 0xf3, false, 0, 0, 0));
	r = emu_ask_out(w.d, &erase, data, sizeof(data));
	assert_false(r.answered);
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC4);
	GOOD(emu_ask_erase(w.d, 0, "secret"));
	assert_int_equal(emu_media_stains(w.media, 0, SECTORS).sectors, 0);
	emu_ata_free(&w.d);
}

static void test_security_faults_play(void **state)
{
	struct bare_ata w;

	(void)state;
	make_hdd(&w);
	emu_ata_faults(w.d)->erase_refused = true;
	GOOD(emu_ask_password(w.d, 0xf1, 0, "secret"));
	ABORT(emu_ask_erase(w.d, 0, "secret"));
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC5);
	*emu_ata_faults(w.d) = (struct emu_ata_faults){.leave = {EMU_LEAVE_EXTENT, 5, 2}};
	emu_media_stain(w.media, 0, 10);
	GOOD(emu_ask_erase(w.d, 0, "secret"));
	assert_int_equal(emu_media_stains(w.media, 0, SECTORS).sectors, 2);
	*emu_ata_faults(w.d) = (struct emu_ata_faults){.set_password_forgotten = true};
	GOOD(emu_ask_password(w.d, 0xf1, 0, "secret"));
	assert_int_equal(emu_ata_security_state(w.d), EMU_SEC1);
	emu_ata_free(&w.d);
}

static void test_security_absent_aborts(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);

	(void)state;
	cfg.has_security = false;
	bare_ata_make(&w, &cfg);
	assert_int_equal(word(&w, 82) & 2, 0);
	assert_int_equal(word(&w, 128), 0);
	ABORT(emu_ask_password(w.d, 0xf1, 0, "secret"));
	ABORT(emu_ask(w.d, 0xf3, false, 0, 0, 0));
	ABORT(emu_ask(w.d, 0xf5, false, 0, 0, 0));
	emu_ata_free(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_security_states_follow_the_standard),
		cmocka_unit_test(test_security_locked_refuses_what_reaches_data),
		cmocka_unit_test(test_security_count_expires_after_five_and_a_power_cycle_ends_it),
		cmocka_unit_test(test_security_master_unlocks_by_high_and_only_erases_by_maximum),
		cmocka_unit_test(test_security_erase_needs_prepare_right_before_it),
		cmocka_unit_test(test_security_enhanced_reaches_the_spare_and_normal_does_not),
		cmocka_unit_test(test_security_interrupted_erase_leaves_data_and_a_locked_drive),
		cmocka_unit_test(test_security_faults_play),
		cmocka_unit_test(test_security_absent_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
