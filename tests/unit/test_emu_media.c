/* The emulated medium: what stands on it, and what is left after each way of erasing. */
#include "tests/emu/media.h"

#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS (1ULL << 32) /* 2 TB */

static struct emu_media *make(bool is_flash, bool encrypts)
{
	struct emu_media_config cfg = {
		.sectors = SECTORS,
		.sector_bytes = 512,
		.spare_sectors = 8,
		.is_flash = is_flash,
		.encrypts = encrypts,
	};
	struct emu_media *m = emu_media_new(&cfg);

	assert_non_null(m);
	return m;
}

static void read_one(struct emu_media *m, uint64_t sector, uint8_t out[512])
{
	emu_media_read(m, sector, 1, out, EMU_TRIMMED_ZERO);
}

static void test_media_write_comes_back(void **state)
{
	struct emu_media *m = make(false, true);
	uint8_t in[1024], out[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7);
	emu_media_write(m, SECTORS - 2, 2, in);
	emu_media_read(m, SECTORS - 2, 2, out, EMU_TRIMMED_ZERO);
	assert_memory_equal(in, out, sizeof(in));
	read_one(m, 12345, out);
	assert_true(xp_mem_is_filled(out, 0, 512));
	emu_media_free(&m);
	assert_null(m);
}

static void test_media_key_change_turns_all_into_other_bytes(void **state)
{
	struct emu_media *m = make(true, true);
	struct emu_erase key = {.kind = EMU_ERASE_KEY};
	uint8_t zeros[512] = {0}, before[512], after[512], again[512];
	struct emu_stains s;

	(void)state;
	emu_media_stain(m, 1000, 300);
	emu_media_stain_spare(m);
	emu_media_write(m, 5, 1, zeros);
	read_one(m, 1000, before);
	s = emu_media_stains(m, 0, SECTORS);
	assert_int_equal(s.sectors, 300);
	assert_int_equal(s.spare, 8);
	emu_media_erase(m, &key);
	s = emu_media_stains(m, 0, SECTORS);
	assert_int_equal(s.sectors + s.spare, 0);
	read_one(m, 1000, after);
	assert_memory_not_equal(before, after, 512);
	read_one(m, 5, after);
	assert_memory_not_equal(zeros, after, 512);
	read_one(m, 5, again);
	assert_memory_equal(after, again, 512);
	emu_media_erase(m, &key);
	read_one(m, 5, again);
	assert_memory_not_equal(after, again, 512);
	emu_media_free(&m);
}

static void test_media_overwrite_does_not_reach_the_spare(void **state)
{
	struct emu_media *m = make(true, false);
	struct emu_erase e = {.kind = EMU_ERASE_WRITE, .sectors = SECTORS, .pattern = 0xa1b2c3d4};
	struct emu_stains s;
	uint8_t out[512];

	(void)state;
	emu_media_stain(m, 0, 64);
	/* the host overwrites: flash leaves copies behind */
	memset(out, 0, sizeof(out));
	for (unsigned i = 0; i < 64; i++)
		emu_media_write(m, i, 1, out);
	s = emu_media_stains(m, 0, SECTORS);
	assert_int_equal(s.sectors, 0);
	assert_int_equal(s.spare, 8);
	emu_media_erase(m, &e);
	assert_int_equal(emu_media_stains(m, 0, SECTORS).spare, 8);
	read_one(m, SECTORS - 1, out);
	assert_int_equal(out[0], 0xa1);
	assert_int_equal(out[511], 0xd4);
	e.spare = true;
	emu_media_erase(m, &e);
	assert_int_equal(emu_media_stains(m, 0, SECTORS).spare, 0);
	emu_media_free(&m);
}

static void test_media_written_pattern_is_under_the_key_erased_cells_are_not(void **state)
{
	struct emu_media *m = make(true, true);
	struct emu_erase e = {.kind = EMU_ERASE_WRITE, .sectors = SECTORS};
	struct emu_erase key = {.kind = EMU_ERASE_KEY};
	uint8_t out[512];

	(void)state;
	emu_media_erase(m, &e);
	read_one(m, 77, out);
	assert_true(xp_mem_is_filled(out, 0, 512));
	emu_media_erase(m, &key);
	read_one(m, 77, out);
	assert_false(xp_mem_is_filled(out, 0, 512));
	e.kind = EMU_ERASE_CELLS;
	e.pattern = 0xffffffff;
	emu_media_erase(m, &e);
	emu_media_erase(m, &key);
	read_one(m, 77, out);
	assert_true(xp_mem_is_filled(out, 0xff, 512));
	emu_media_free(&m);
}

static void test_media_trim_hides_and_keeps(void **state)
{
	struct emu_media *m = make(true, true);
	uint8_t out[512];

	(void)state;
	emu_media_stain(m, 10, 10);
	emu_media_trim(m, 0, 15);
	emu_media_trim(m, 15, SECTORS - 15);
	assert_int_equal(emu_media_stains(m, 0, SECTORS).sectors, 10);
	read_one(m, 12, out);
	assert_true(xp_mem_is_filled(out, 0, 512));
	emu_media_read(m, 12, 1, out, EMU_TRIMMED_ONES);
	assert_true(xp_mem_is_filled(out, 0xff, 512));
	emu_media_read(m, SECTORS - 1, 1, out, EMU_TRIMMED_ONES);
	assert_true(xp_mem_is_filled(out, 0xff, 512));
	emu_media_read(m, 12, 1, out, EMU_TRIMMED_OLD);
	assert_memory_equal(out + 39, "CUSTOMER DATA", 13);
	emu_media_stain(m, 12, 1);
	read_one(m, 12, out);
	assert_memory_equal(out + 39, "CUSTOMER DATA", 13);
	emu_media_free(&m);
}

/* Stains 4096 sectors at 0 and the spare, erases with LEAVE; what is left. */
static struct emu_stains lie(enum emu_erase_kind kind, struct emu_leave leave)
{
	struct emu_media *m = make(true, true);
	struct emu_erase e = {.kind = kind, .sectors = SECTORS, .spare = true, .leave = leave};
	struct emu_stains s;

	emu_media_stain(m, 0, 4096);
	emu_media_stain_spare(m);
	/* that put the content of sector 0 back */
	emu_media_erase(m, &e);
	s = emu_media_stains(m, 0, SECTORS);
	emu_media_free(&m);
	return s;
}

static void test_media_liar_leaves_what_it_was_told_to(void **state)
{
	static const enum emu_erase_kind kinds[] = {EMU_ERASE_WRITE, EMU_ERASE_CELLS,
						    EMU_ERASE_KEY};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct emu_stains s = lie(kinds[i], (struct emu_leave){EMU_LEAVE_NOTHING, 0, 0});

		assert_int_equal(s.sectors, 0);
		assert_int_equal(s.spare, 0);
		s = lie(kinds[i], (struct emu_leave){EMU_LEAVE_EXTENT, 100, 17});
		assert_int_equal(s.sectors, 17);
		assert_int_equal(s.spare, 0);
		s = lie(kinds[i], (struct emu_leave){EMU_LEAVE_STRIPE, 0, 16});
		assert_int_equal(s.sectors, 1024);
		s = lie(kinds[i], (struct emu_leave){EMU_LEAVE_SPARE, 0, 0});
		assert_int_equal(s.sectors, 0);
		assert_int_equal(s.spare, 8);
		s = lie(kinds[i], (struct emu_leave){EMU_LEAVE_ALL, 0, 0});
		assert_int_equal(s.sectors, 4096);
		assert_int_equal(s.spare, 8);
	}
}

static void test_media_bad_sector_is_replaced_by_a_write_and_its_data_stays(void **state)
{
	struct emu_media *m = make(false, false);
	struct emu_bad bad = {.first = 20, .n = 3, .on_read = true};
	uint8_t zeros[512] = {0};
	uint64_t at;

	(void)state;
	emu_media_stain(m, 20, 3);
	assert_true(emu_media_add_bad(m, &bad));
	assert_true(emu_media_fails(m, 0, 64, false, &at));
	assert_int_equal(at, 20);
	assert_false(emu_media_fails(m, 0, 20, false, &at));
	assert_false(emu_media_fails(m, 0, 64, true, &at));
	emu_media_write(m, 21, 1, zeros);
	assert_false(emu_media_fails(m, 21, 1, false, &at));
	assert_true(emu_media_fails(m, 22, 1, false, &at));
	assert_true(emu_media_fails(m, 20, 1, false, &at));
	assert_int_equal(emu_media_stains(m, 0, SECTORS).spare, 1);
	emu_media_free(&m);
}

static void test_media_bad_sector_fails_so_often(void **state)
{
	struct emu_media *m = make(false, false);
	struct emu_bad bad = {.first = 20, .n = 1, .on_write = true, .times = 2};
	uint64_t at;

	(void)state;
	assert_true(emu_media_add_bad(m, &bad));
	assert_true(emu_media_fails(m, 20, 1, true, &at));
	assert_true(emu_media_fails(m, 20, 1, true, &at));
	assert_false(emu_media_fails(m, 20, 1, true, &at));
	while (emu_media_add_bad(m, &bad))
		continue;
	assert_false(emu_media_add_bad(m, &bad));
	emu_media_free(&m);
}

static void test_media_520_bytes_and_a_tail(void **state)
{
	struct emu_media_config cfg = {
		.sectors = 1000, .sector_bytes = 528, .tail_bytes = 8, .encrypts = true};
	struct emu_media *m = emu_media_new(&cfg);
	struct emu_erase e = {.sectors = 1000,
			      .bytes = (const uint8_t *)"abc",
			      .bytes_len = 3,
			      .leave = {EMU_LEAVE_EXTENT, 7, 1}};
	uint8_t out[528];

	(void)state;
	assert_non_null(m);
	read_one(m, 999, out);
	assert_true(xp_mem_is_filled(out, 0, 520) && xp_mem_is_filled(out + 520, 0xff, 8));
	emu_media_stain(m, 5, 10);
	read_one(m, 5, out);
	assert_int_equal(out[519], "CUSTOMER DATA, NOT TO LEAVE THE HOUSE. "[519 % 39]);
	assert_true(xp_mem_is_filled(out + 520, 0xff, 8));
	memset(out + 520, 0x11, 8);
	emu_media_write(m, 5, 1, out);
	assert_int_equal(emu_media_stains(m, 0, 1000).sectors, 10);
	emu_media_trim(m, 5, 1);
	read_one(m, 5, out);
	assert_true(xp_mem_is_filled(out, 0, 520) && xp_mem_is_filled(out + 520, 0xff, 8));
	/* the pattern begins anew in each sector, and leaves the tail alone */
	emu_media_erase(m, &e);
	read_one(m, 6, out);
	assert_memory_equal(out, "abcabc", 6);
	assert_int_equal(out[519], 'a');
	assert_true(xp_mem_is_filled(out + 520, 0xff, 8));
	assert_int_equal(emu_media_stains(m, 0, 1000).sectors, 1);
	emu_media_free(&m);
}

static void test_media_write_same_is_a_write(void **state)
{
	struct emu_media *m = make(true, true);
	struct emu_erase key = {.kind = EMU_ERASE_KEY};
	struct emu_bad bad = {.first = 30, .n = 1, .on_read = true};
	uint8_t block[512], out[512];
	uint64_t at;

	(void)state;
	memset(block, 0x5a, sizeof(block));
	emu_media_stain(m, 0, 64);
	assert_true(emu_media_add_bad(m, &bad));
	emu_media_write_same(m, 8, SECTORS - 8, block);
	assert_int_equal(emu_media_stains(m, 0, SECTORS).sectors, 8);
	/* flash keeps copies, and the bad sector's content */
	assert_true(emu_media_stains(m, 0, SECTORS).spare >= 7);
	assert_false(emu_media_fails(m, 30, 1, false, &at));
	read_one(m, 1ULL << 31, out);
	assert_memory_equal(out, block, 512);
	emu_media_erase(m, &key);
	read_one(m, 1ULL << 31, out);
	assert_memory_not_equal(out, block, 512);
	emu_media_free(&m);
}

static void test_media_other_shape_keeps_the_spare(void **state)
{
	struct emu_media *m = make(true, true);
	struct emu_media_config shape = {
		.sectors = 1000, .sector_bytes = 4096 + 8, .tail_bytes = 8};
	struct emu_bad bad = {.first = 16, .n = 1, .on_read = true};
	struct emu_stains s;
	uint8_t out[4104];
	uint64_t at;

	(void)state;
	emu_media_stain(m, 100, 10);
	emu_media_stain_spare(m);
	assert_true(emu_media_add_bad(m, &bad));
	emu_media_reshape(m, &shape);
	s = emu_media_stains(m, 0, 1000);
	assert_int_equal(s.sectors, 0);
	assert_int_equal(s.spare, 8);
	assert_true(emu_media_fails(m, 0, 1000, false, &at));
	assert_int_equal(at, 1); /* bytes 8192 to 8703 */
	read_one(m, 999, out);
	assert_true(xp_mem_is_filled(out, 0, 4096) && xp_mem_is_filled(out + 4096, 0xff, 8));
	emu_media_stain(m, 999, 1);
	shape.sector_bytes = 520;
	shape.sectors = 7000;
	emu_media_reshape(m, &shape);
	s = emu_media_stains(m, 0, 7000);
	assert_int_equal(s.sectors, 0);
	assert_int_equal(s.spare, 8);
	emu_media_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_media_write_comes_back),
		cmocka_unit_test(test_media_key_change_turns_all_into_other_bytes),
		cmocka_unit_test(test_media_overwrite_does_not_reach_the_spare),
		cmocka_unit_test(test_media_written_pattern_is_under_the_key_erased_cells_are_not),
		cmocka_unit_test(test_media_trim_hides_and_keeps),
		cmocka_unit_test(test_media_liar_leaves_what_it_was_told_to),
		cmocka_unit_test(test_media_bad_sector_is_replaced_by_a_write_and_its_data_stays),
		cmocka_unit_test(test_media_bad_sector_fails_so_often),
		cmocka_unit_test(test_media_520_bytes_and_a_tail),
		cmocka_unit_test(test_media_write_same_is_a_write),
		cmocka_unit_test(test_media_other_shape_keeps_the_spare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
