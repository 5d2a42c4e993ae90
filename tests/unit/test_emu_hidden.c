/* The emulated ATA drive: capacity that it hides, reading and writing, TRIM, logs, SMART. */
#include "tests/emu/emu_ask.h"

#include "base/span.h"
#include "base/wire.h"
#include "tests/fake/bare_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS 100000

static bool is(bool (*how)(const struct emu_ata_result *), struct emu_ata_result r)
{
	return how(&r);
}
#define GOOD(...)  assert_true(is(emu_is_good, __VA_ARGS__))
#define ABORT(...) assert_true(is(emu_is_abort, __VA_ARGS__))

/* READ NATIVE MAX EXT, SET MAX EXT */
static struct emu_ata_result set_max(struct bare_ata *w, uint64_t last, bool lasting)
{
	GOOD(emu_ask(w->d, 0x27, true, 0, 0, 0));
	return emu_ask(w->d, 0x37, true, 0, lasting, last);
}

static void test_hpa_hides_and_gives_back(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct emu_ata_result r;
	uint8_t data[512];

	(void)state;
	bare_ata_make(&w, &cfg);
	emu_media_stain(w.media, SECTORS - 1, 1);
	ABORT(emu_ask(w.d, 0x37, true, 0, 1, 999)); /* READ NATIVE MAX must come first */
	GOOD(emu_ask(w.d, 0xf8, false, 0, 0, 0));
	ABORT(emu_ask(w.d, 0x37, true, 0, 1, 999)); /* ... of its own kind */
	GOOD(set_max(&w, 999, true));
	assert_int_equal(emu_ata_sectors(w.d), 1000);
	emu_ata_identify(w.d, data);
	assert_int_equal(get_le64(data + 200), 1000);
	assert_int_equal(get_le32(data + 120), 1000);
	assert_int_equal(get_le16(data + 170) & 0x400, 0x400);
	r = emu_ask(w.d, 0x27, true, 0, 0, 0);
	assert_int_equal(r.lba, SECTORS - 1);
	r = emu_ask_read(w.d, 1000, data);
	assert_int_equal(r.error, 0x10);
	ABORT(set_max(&w, SECTORS - 1, true)); /* one change a power cycle */
	GOOD(set_max(&w, SECTORS - 1, false));
	assert_int_equal(emu_ata_sectors(w.d), SECTORS);
	bare_ata_cycle(&w);
	assert_int_equal(emu_ata_sectors(w.d), 1000); /* that one did not last */
	r = set_max(&w, SECTORS, true);
	assert_int_equal(r.error, 0x10);
	GOOD(set_max(&w, SECTORS - 1, true));
	bare_ata_cycle(&w);
	GOOD(emu_ask_read(w.d, SECTORS - 1, data));
	assert_memory_equal(data + 39, "CUSTOMER DATA", 13);
	emu_ata_free(&w.d);
}

static void test_hpa_password_locks_set_max(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct emu_ata_cmd set = {.command = 0xf9, .feature = 0x01, .count = 1};
	struct emu_ata_cmd unlock = {.command = 0xf9, .feature = 0x03, .count = 1};
	uint8_t data[512] = {0, 0, 'p'};

	(void)state;
	bare_ata_make(&w, &cfg);
	ABORT(emu_ask(w.d, 0xf9, false, 0x02, 0, 0));
	GOOD(emu_ask_out(w.d, &set, data, 512));
	GOOD(emu_ask(w.d, 0xf9, false, 0x02, 0, 0));
	ABORT(set_max(&w, 999, true));
	data[2] = 'q';
	ABORT(emu_ask_out(w.d, &unlock, data, 512));
	data[2] = 'p';
	GOOD(emu_ask_out(w.d, &unlock, data, 512));
	GOOD(set_max(&w, 999, false));
	GOOD(emu_ask(w.d, 0xf9, false, 0x04, 0, 0));
	ABORT(set_max(&w, 998, false));
	ABORT(emu_ask_out(w.d, &unlock, data, 512));
	emu_ata_free(&w.d);
}

static void test_amac_one_change_a_power_cycle(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct emu_ata_result r;

	(void)state;
	cfg.has_hpa = cfg.has_dco = false;
	cfg.has_amac = true;
	bare_ata_make(&w, &cfg);
	ABORT(emu_ask(w.d, 0x27, true, 0, 0, 0));
	GOOD(emu_ask(w.d, 0x78, true, 1, 0, 999));
	assert_int_equal(emu_ata_sectors(w.d), 1000);
	r = emu_ask(w.d, 0x78, true, 0, 0, 0);
	assert_int_equal(r.lba, SECTORS - 1);
	ABORT(emu_ask(w.d, 0x78, true, 1, 0, SECTORS - 1));
	bare_ata_cycle(&w);
	assert_int_equal(emu_ata_sectors(w.d), 1000);
	GOOD(emu_ask(w.d, 0x78, true, 2, 0, 0));
	ABORT(emu_ask(w.d, 0x78, true, 1, 0, SECTORS - 1));
	bare_ata_cycle(&w);
	GOOD(emu_ask(w.d, 0x78, true, 1, 0, SECTORS - 1));
	assert_int_equal(emu_ata_sectors(w.d), SECTORS);
	ABORT(emu_ask(w.d, 0x78, true, 3, 0, 0));
	emu_ata_free(&w.d);
}

/* Fills in signature and checksum, and sends DCO SET. */
static struct emu_ata_result dco_set(struct bare_ata *w, uint8_t data[512], uint64_t last)
{
	struct emu_ata_cmd set = {.command = 0xb1, .feature = 0xc3, .count = 1};
	uint8_t sum = 0;

	put_le64(data + 6, last);
	data[510] = 0xa5;
	data[511] = 0;
	for (unsigned i = 0; i < 511; i++)
		sum = (uint8_t)(sum + data[i]);
	data[511] = (uint8_t)-sum;
	return emu_ask_out(w->d, &set, data, 512);
}

static void test_dco_takes_capacity_away_and_restores_it(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct emu_ata_cmd identify = {.command = 0xb1, .feature = 0xc2, .count = 1};
	struct emu_ata_cmd set = {.command = 0xb1, .feature = 0xc3, .count = 1};
	struct emu_ata_result r;
	uint8_t data[512], sum = 0;

	(void)state;
	bare_ata_make(&w, &cfg);
	GOOD(emu_ask_in(w.d, &identify, data, 512));
	for (unsigned i = 0; i < 512; i++)
		sum = (uint8_t)(sum + data[i]);
	assert_int_equal(sum, 0);
	assert_int_equal(get_le64(data + 6), SECTORS - 1);
	GOOD(dco_set(&w, data, 49999));
	assert_int_equal(emu_ata_sectors(w.d), 50000);
	r = emu_ask(w.d, 0x27, true, 0, 0, 0);
	assert_int_equal(r.lba, 49999);
	data[20] ^= 1;
	ABORT(emu_ask_out(w.d, &set, data, 512)); /* the checksum no longer fits */
	ABORT(dco_set(&w, data, SECTORS));
	GOOD(set_max(&w, 999, true));
	ABORT(emu_ask(w.d, 0xb1, false, 0xc0, 0, 0)); /* there is an HPA */
	ABORT(dco_set(&w, data, 49999));
	bare_ata_cycle(&w);
	GOOD(set_max(&w, 49999, true));
	GOOD(emu_ask(w.d, 0xb1, false, 0xc1, 0, 0));
	ABORT(emu_ask(w.d, 0xb1, false, 0xc0, 0, 0)); /* frozen */
	ABORT(emu_ask_in(w.d, &identify, data, 512));
	bare_ata_cycle(&w);
	GOOD(emu_ask(w.d, 0xb1, false, 0xc0, 0, 0));
	assert_int_equal(emu_ata_sectors(w.d), SECTORS);
	emu_ata_free(&w.d);
}

static void test_io_28_and_48_bits_and_4096_byte_sectors(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	struct emu_ata_cmd write = {.command = 0xca, .count = 0, .lba = 256};
	struct emu_ata_cmd read = {.command = 0x24, .is_48bit = true, .count = 256, .lba = 256};
	static uint8_t in[256 * 4096], out[256 * 4096];

	(void)state;
	cfg.logical_bytes = 4096;
	cfg.physical_exponent = 0;
	bare_ata_make(&w, &cfg);
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i >> 3 ^ i);
	GOOD(emu_ask_out(w.d, &write, in, sizeof(in))); /* COUNT 0 is 256 */
	GOOD(emu_ask_in(w.d, &read, out, sizeof(out)));
	assert_memory_equal(in, out, sizeof(in));
	ABORT(emu_ask_in(w.d, &read, out, 512));
	read.is_48bit = false;
	ABORT(emu_ask_in(w.d, &read, out, sizeof(out)));
	emu_ata_identify(w.d, out);
	assert_int_equal(get_le16(out + 212), 0x5000);
	assert_int_equal(get_le32(out + 234), 2048);
	GOOD(emu_ask(w.d, 0x42, true, 0, 16, 0));
	GOOD(emu_ask(w.d, 0xe7, false, 0, 0, 0));
	ABORT(emu_ask(w.d, 0x99, false, 0, 0, 0));
	emu_ata_free(&w.d);
}

static void test_io_bad_sectors_say_where(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct emu_ata_cmd write = {.command = 0x35, .is_48bit = true, .count = 4, .lba = 100};
	struct emu_bad unreadable = {.first = 50, .n = 1, .on_read = true};
	struct emu_bad unwritable = {.first = 102, .n = 1, .on_write = true};
	struct emu_ata_result r;
	uint8_t data[4 * 512];

	(void)state;
	bare_ata_make(&w, &cfg);
	assert_true(emu_media_add_bad(w.media, &unreadable));
	assert_true(emu_media_add_bad(w.media, &unwritable));
	r = emu_ask_read(w.d, 50, data);
	assert_int_equal(r.error, 0x40);
	assert_int_equal(r.lba, 50);
	r = emu_ask(w.d, 0x42, true, 0, 100, 0);
	assert_int_equal(r.error, 0x40);
	memset(data, 0xee, sizeof(data));
	r = emu_ask_out(w.d, &write, data, sizeof(data));
	assert_int_equal(r.error, 0x10);
	assert_int_equal(r.lba, 102);
	GOOD(emu_ask_read(w.d, 101, data));
	assert_true(xp_mem_is_filled(data, 0xee, 512));
	GOOD(emu_ask_read(w.d, 103, data));
	assert_true(xp_mem_is_filled(data, 0, 512));
	GOOD(emu_ask_write(w.d, 50, data));
	GOOD(emu_ask_read(w.d, 50, data));
	emu_ata_free(&w.d);
}

static void test_io_power_cut_gives_no_answer_and_writes_nothing(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_hdd(SECTORS);
	struct emu_ata_cmd write = {.command = 0x35, .is_48bit = true, .count = 256};
	static uint8_t data[256 * 512];
	struct emu_ata_result r;

	(void)state;
	bare_ata_make(&w, &cfg);
	GOOD(emu_ask(w.d, 0x27, true, 0, 0, 0));
	memset(data, 0xee, sizeof(data));
	emu_ata_cut_power_at(w.d, w.time.now_ns + 100 * EMU_US);
	r = emu_ask_out(w.d, &write, data, sizeof(data));
	assert_false(r.answered);
	ABORT(emu_ask(w.d, 0x37, true, 0, 0, 999)); /* READ NATIVE MAX is forgotten */
	GOOD(emu_ask_read(w.d, 0, data));
	assert_true(xp_mem_is_filled(data, 0, 512));
	emu_ata_power_off(w.d);
	r = emu_ask(w.d, 0xe5, false, 0, 0, 0);
	assert_false(r.answered);
	emu_ata_free(&w.d);
}

static void test_trim_reads_as_the_drive_says_and_erases_nothing(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	struct emu_ata_cmd trim = {.command = 0x06, .is_48bit = true, .feature = 1, .count = 1};
	static const struct {
		enum emu_trimmed trimmed;
		uint8_t reads;
		uint16_t word_69;
	} cases[] = {{EMU_TRIMMED_ZERO, 0, 0x4020},
		     {EMU_TRIMMED_ONES, 0xff, 0x4000},
		     {EMU_TRIMMED_OLD, 'C', 0x4000}};
	uint8_t data[512], id[512];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		cfg.trimmed = cases[i].trimmed;
		bare_ata_make(&w, &cfg);
		emu_ata_identify(w.d, id);
		assert_int_equal(get_le16(id + 138) & 0x4020, cases[i].word_69);
		assert_int_equal(get_le16(id + 338), 1);
		emu_media_stain(w.media, 5, 5);
		memset(data, 0, sizeof(data));
		put_le64(data, 5 | 4ULL << 48);
		GOOD(emu_ask_out(w.d, &trim, data, 512));
		assert_int_equal(emu_media_stains(w.media, 0, SECTORS).sectors, 5);
		GOOD(emu_ask_read(w.d, 8, data));
		assert_int_equal(data[39], cases[i].reads);
		GOOD(emu_ask_read(w.d, 9, data));
		assert_int_equal(data[39], 'C');
		memset(data, 0, sizeof(data));
		put_le64(data, (SECTORS - 1) | 2ULL << 48);
		assert_false(is(emu_is_good, emu_ask_out(w.d, &trim, data, 512)));
		emu_ata_free(&w.d);
	}
}

static void test_logs_and_smart(void **state)
{
	struct bare_ata w;
	struct emu_ata_config cfg = emu_ata_ssd(SECTORS);
	struct emu_ata_cmd log = {.command = 0x2f, .is_48bit = true, .count = 1};
	struct emu_ata_result r;
	uint8_t page[512], id[512];

	(void)state;
	bare_ata_make(&w, &cfg);
	emu_time_pass(&w.time, 5 * 3600 * EMU_S);
	log.lba = 0x0104;
	GOOD(emu_ask_in(w.d, &log, page, 512));
	assert_int_equal(get_le32(page + 16), 5);
	log.lba = 0x0130;
	GOOD(emu_ask_in(w.d, &log, page, 512));
	emu_ata_identify(w.d, id);
	assert_memory_equal(page, id, 512);
	log.lba = 0x0730;
	ABORT(emu_ask_in(w.d, &log, page, 512));
	log.lba = 0x00;
	GOOD(emu_ask_in(w.d, &log, page, 512));
	assert_int_equal(get_le16(page + 0x60), 9);
	r = emu_ask(w.d, 0xb0, false, 0xda, 0, 0xc24f00);
	assert_true(emu_is_good(&r));
	assert_int_equal(r.lba, 0xc24f00);
	emu_ata_faults(w.d)->threshold_exceeded = true;
	r = emu_ask(w.d, 0xb0, false, 0xda, 0, 0xc24f00);
	assert_int_equal(r.lba, 0x2cf400);
	ABORT(emu_ask(w.d, 0xb0, false, 0xda, 0, 0));
	GOOD(emu_ask(w.d, 0xb0, false, 0xd9, 0, 0xc24f00));
	ABORT(emu_ask(w.d, 0xb0, false, 0xda, 0, 0xc24f00));
	emu_ata_free(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hpa_hides_and_gives_back),
		cmocka_unit_test(test_hpa_password_locks_set_max),
		cmocka_unit_test(test_amac_one_change_a_power_cycle),
		cmocka_unit_test(test_dco_takes_capacity_away_and_restores_it),
		cmocka_unit_test(test_io_28_and_48_bits_and_4096_byte_sectors),
		cmocka_unit_test(test_io_bad_sectors_say_where),
		cmocka_unit_test(test_io_power_cut_gives_no_answer_and_writes_nothing),
		cmocka_unit_test(test_trim_reads_as_the_drive_says_and_erases_nothing),
		cmocka_unit_test(test_logs_and_smart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
