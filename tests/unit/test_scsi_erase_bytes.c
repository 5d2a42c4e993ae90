/*
 * The SCSI commands that destroy or shrink, as bytes from SBC-4 and SPC-5, and put to the emulated
 * drive, which restates them on its own; and what sense data say while it is at one.
 */
#include "device/protocol/scsi_mode.h"
#include "device/protocol/scsi_sanitize.h"
#include "device/protocol/scsi_sense.h"

#include "base/span.h"
#include "base/wire.h"
#include "device/opcodes.h"
#include "tests/emu/scsi_ask.h"
#include "tests/fake/bare_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SECTORS 4096

static void test_sanitize_bytes(void **state)
{
	static const uint8_t overwrite[] = {0x48, 0xc1, 0, 0, 0, 0, 0, 0, 8, 0};
	static const uint8_t exit_failure[] = {0x48, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0};
	struct xp_scsi_sanitize s = {.action = XP_SCSI_ACTION_OVERWRITE,
				     .immediate = true,
				     .no_zone_reset = true,
				     .list_len = 8};
	struct xp_scsi_sanitize back;
	uint8_t cdb[XP_SCSI_CDB_MAX];
	uint8_t list[XP_SCSI_OVERWRITE_LIST_LEN];

	(void)state;
	assert_int_equal(xp_scsi_sanitize(cdb, &s), 10);
	assert_memory_equal(cdb, overwrite, 10);
	assert_true(xp_scsi_sanitize_parse(&back, cdb, 10));
	assert_memory_equal(&back, &s, sizeof(s));
	for (size_t n = 0; n < 10; n++)
		assert_false(xp_scsi_sanitize_parse(&back, cdb, n));
	assert_false(xp_scsi_sanitize_parse(&back, cdb, 11));
	s = (struct xp_scsi_sanitize){.action = XP_SCSI_ACTION_EXIT_FAILURE, .unrestricted = true};
	xp_scsi_sanitize(cdb, &s);
	assert_memory_equal(cdb, exit_failure, 10);
	cdb[0] = 0x49;
	assert_false(xp_scsi_sanitize_parse(&back, cdb, 10));
	xp_scsi_overwrite_list(list, 3, true, 0x0a0b0c0d);
	assert_memory_equal(list, ((uint8_t[]){0x83, 0, 0, 4, 0x0a, 0x0b, 0x0c, 0x0d}), 8);
}

static void test_format_and_mode_bytes(void **state)
{
	struct xp_scsi_format f = {.protection_info = 3, .has_list = true, .is_fast = true};
	struct xp_scsi_format back;
	uint8_t cdb[XP_SCSI_CDB_MAX];
	uint8_t list[XP_SCSI_BLOCKS_LIST_LEN];

	(void)state;
	assert_int_equal(xp_scsi_format_unit(cdb, &f), 6);
	assert_memory_equal(cdb, ((uint8_t[]){0x04, 0xd0, 0, 0, 0x01, 0}), 6);
	assert_true(xp_scsi_format_parse(&back, cdb, 6));
	assert_memory_equal(&back, &f, sizeof(f));
	assert_false(xp_scsi_format_parse(&back, cdb, 5));
	cdb[4] = 0x02; /* the other fast one */
	assert_true(xp_scsi_format_parse(&back, cdb, 6) && back.is_fast);
	xp_scsi_format_list(list, 1);
	assert_memory_equal(list, ((uint8_t[]){1, 2, 0, 0}), 4);
	assert_int_equal(xp_scsi_mode_sense_blocks(cdb, 0x0102), 10);
	assert_memory_equal(cdb, ((uint8_t[]){0x5a, 0x10, 0x3f, 0, 0, 0, 0, 1, 2, 0}), 10);
	assert_int_equal(xp_scsi_mode_select_blocks(cdb, list, 0x0102030405ULL, 4096), 10);
	assert_memory_equal(cdb, ((uint8_t[]){0x55, 0x11, 0, 0, 0, 0, 0, 0, 24, 0}), 10);
	assert_memory_equal(list, ((uint8_t[]){0, 0, 0, 0, 1, 0, 0, 16, 0, 0, 0,    1,
					       2, 3, 4, 5, 0, 0, 0, 0,	0, 0, 0x10, 0}),
			    24);
	assert_int_equal(xp_scsi_write_same(cdb, 0x0102, 0x0304, true), 16);
	assert_memory_equal(cdb, ((uint8_t[]){0x93, 1, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0}),
			    16);
}

static void test_mode_blocks_long_short_and_lying(void **state)
{
	uint8_t data[32] = {0, 30, 0, 0x90, 1, 0, 0, 16};
	struct xp_scsi_blocks b;

	(void)state;
	put_be64(data + 8, 0x123456789aULL);
	put_be32(data + 20, 520);
	assert_int_equal(xp_scsi_mode_blocks_parse(&b, data, sizeof(data), NULL), XP_OK);
	assert_true(b.count == 0x123456789aULL && b.bytes == 520 && b.is_write_protected);
	for (size_t n = 0; n < 24; n++)
		assert_int_equal(xp_scsi_mode_blocks_parse(&b, data, n, NULL), XP_E_MALFORMED);
	/* cut off behind the descriptor: nothing is missing */
	assert_int_equal(xp_scsi_mode_blocks_parse(&b, data, 24, NULL), XP_OK);
	put_be64(data + 8, UINT64_MAX);
	assert_int_equal(xp_scsi_mode_blocks_parse(&b, data, 24, NULL), XP_OK);
	assert_true(b.is_at_least);
	data[7] = 8; /* no length of a long one */
	assert_int_equal(xp_scsi_mode_blocks_parse(&b, data, 32, NULL), XP_E_MALFORMED);
	data[4] = 0; /* a short one: density code, 32 bits of blocks, reserved, 24 of length */
	memcpy(data + 8, ((uint8_t[]){0, 1, 0, 0, 0xff, 0, 0x02, 0}), 8);
	assert_int_equal(xp_scsi_mode_blocks_parse(&b, data, 32, NULL), XP_OK);
	assert_true(b.count == 0x00010000 && b.bytes == 512 && !b.is_at_least);
	memset(data + 8, 0xff, 4);
	assert_int_equal(xp_scsi_mode_blocks_parse(&b, data, 32, NULL), XP_OK);
	assert_true(b.is_at_least);
	data[1] = 13; /* it ends within its descriptor */
	assert_int_equal(xp_scsi_mode_blocks_parse(&b, data, 32, NULL), XP_E_MALFORMED);
	data[7] = 0;
	assert_int_equal(xp_scsi_mode_blocks_parse(&b, data, 32, NULL), XP_E_UNSUPPORTED);
}

/* None of them goes without a permit. */
static void test_none_of_them_only_reads(void **state)
{
	static const struct {
		uint8_t cdb[16], len;
		const char *name;
	} rows[] = {
		{{0x48, 0x81}, 10, "SCSI SANITIZE"},   {{0x48, 0x1f}, 10, "SCSI SANITIZE"},
		{{0x04, 0x10}, 6, "SCSI FORMAT UNIT"}, {{0x55, 0x11}, 10, "SCSI MODE SELECT (10)"},
		{{0x15, 0x11}, 6, "SCSI opcode 15h"},  {{0x93, 0x01}, 16, "SCSI WRITE SAME (16)"},
		{{0x41, 0x00}, 10, "SCSI opcode 41h"}, {{0x42, 0x00}, 10, "SCSI opcode 42h"},
		{{0x5f, 0x00}, 10, "SCSI opcode 5fh"}, {{0x1b, 0x00}, 6, "SCSI opcode 1bh"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct xp_cmd cmd = {.cdb_len = rows[i].len};
		char name[64];

		memcpy(cmd.cdb, rows[i].cdb, 16);
		assert_false(xp_opcode_is_read_only(&cmd));
		xp_opcode_name(name, sizeof(name), &cmd);
		assert_string_equal(name, rows[i].name);
	}
}

static void test_drive_takes_capacity_and_write_same(void **state)
{
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_ssd(SECTORS);
	uint8_t cdb[XP_SCSI_CDB_MAX];
	struct xp_scsi_blocks b;
	uint8_t n;

	(void)state;
	bare_scsi_make(&w, &cfg);
	emu_media_stain(emu_scsi_media(w.d, 0), 0, 100);
	n = xp_scsi_mode_select_blocks(cdb, w.h.data, 1000, 512);
	assert_int_equal(emu_host_out(&w.h, cdb, n, XP_SCSI_BLOCKS_LIST_LEN), EMU_GOOD);
	n = xp_scsi_mode_sense_blocks(cdb, 252);
	assert_int_equal(emu_host_in(&w.h, cdb, n, 252), EMU_GOOD);
	assert_int_equal(xp_scsi_mode_blocks_parse(&b, w.h.data, w.h.cmd.moved, NULL), XP_OK);
	assert_true(b.count == 1000 && b.bytes == 512 && !b.is_at_least && !b.is_write_protected);
	n = xp_scsi_mode_select_blocks(cdb, w.h.data, UINT64_MAX, 512);
	assert_int_equal(emu_host_out(&w.h, cdb, n, XP_SCSI_BLOCKS_LIST_LEN), EMU_GOOD);
	n = xp_scsi_mode_sense_blocks(cdb, 252);
	assert_int_equal(emu_host_in(&w.h, cdb, n, 252), EMU_GOOD);
	assert_int_equal(xp_scsi_mode_blocks_parse(&b, w.h.data, w.h.cmd.moved, NULL), XP_OK);
	assert_true(b.count == SECTORS);
	n = xp_scsi_write_same(cdb, 10, 50, true);
	assert_int_equal(emu_host_out(&w.h, cdb, n, 0), EMU_GOOD);
	assert_int_equal(emu_media_stains(emu_scsi_media(w.d, 0), 0, SECTORS).sectors, 50);
	memset(w.h.data, 0x5a, 512);
	n = xp_scsi_write_same(cdb, 0, SECTORS, false);
	assert_int_equal(emu_host_out(&w.h, cdb, n, 512), EMU_GOOD);
	assert_int_equal(emu_media_stains(emu_scsi_media(w.d, 0), 0, SECTORS).sectors, 0);
	assert_int_equal(emu_host_read(&w.h, SECTORS - 1, 1, 512), EMU_GOOD);
	assert_true(xp_mem_is_filled(w.h.data, 0x5a, 512));
	emu_scsi_free(&w.d);
}

static void look(struct xp_sense *s, struct bare_scsi *w, bool descriptors)
{
	int progress;

	(void)emu_host_sense(&w->h, descriptors, &progress);
	assert_true(xp_sense_parse(s, w->h.data, w->h.cmd.moved));
	assert_int_equal(s->has_progress ? s->progress : -1, progress);
}

/* Each state of the drive, in both formats, is read as it is, and only readiness as idle. */
static void test_drive_says_how_far_it_is(void **state)
{
	struct bare_scsi w;
	struct emu_scsi_config cfg = emu_scsi_ssd(SECTORS);
	struct xp_scsi_sanitize block = {.action = XP_SCSI_ACTION_BLOCK, .immediate = true};
	struct xp_scsi_format f = {.has_list = true};
	uint8_t cdb[XP_SCSI_CDB_MAX];
	struct xp_sense s;

	(void)state;
	for (unsigned descriptors = 0; descriptors < 2; descriptors++) {
		bare_scsi_make(&w, &cfg);
		look(&s, &w, descriptors);
		assert_true(xp_sense_says_idle(&s));
		assert_int_equal(emu_host_out(&w.h, cdb, xp_scsi_sanitize(cdb, &block), 0),
				 EMU_GOOD);
		emu_time_pass(&w.time, 45 * EMU_S);
		look(&s, &w, descriptors);
		assert_true(xp_sense_says_sanitizing(&s) && !xp_sense_says_idle(&s));
		assert_in_range(s.progress, 0xbf00, 0xc100);
		emu_scsi_faults(w.d)->progress_unsaid = true;
		look(&s, &w, descriptors);
		assert_true(xp_sense_says_sanitizing(&s) && !xp_sense_says_idle(&s));
		emu_scsi_faults(w.d)->sanitize_fails_at = 0xf000;
		emu_time_pass(&w.time, 15 * EMU_S);
		look(&s, &w, descriptors);
		assert_true(xp_sense_says_sanitize_failed(&s) && !xp_sense_says_idle(&s));
		emu_scsi_faults(w.d)->sanitize_fails_at = 0;
		assert_int_equal(emu_host_out(&w.h, cdb, xp_scsi_sanitize(cdb, &block), 0),
				 EMU_GOOD);
		emu_time_pass(&w.time, 60 * EMU_S);
		look(&s, &w, descriptors);
		assert_true(xp_sense_says_idle(&s));
		xp_scsi_format_list(w.h.data, 0);
		assert_int_equal(emu_host_out(&w.h, cdb, xp_scsi_format_unit(cdb, &f), 4),
				 EMU_GOOD);
		emu_time_pass(&w.time, EMU_S);
		look(&s, &w, descriptors);
		assert_true(xp_sense_says_formatting(&s) && !xp_sense_says_idle(&s));
		emu_scsi_power_off(w.d);
		emu_scsi_power_on(w.d);
		look(&s, &w, descriptors);
		assert_true(s.key == XP_SENSE_UNIT_ATTENTION && !xp_sense_says_idle(&s));
		look(&s, &w, descriptors);
		assert_true(xp_sense_says_format_failed(&s) && !xp_sense_says_idle(&s));
		emu_scsi_free(&w.d);
	}
}

/* All keys and codes: what is idle is listed here, and nothing else is. */
static void test_sense_idle_is_little(void **state)
{
	unsigned idle = 0;

	(void)state;
	for (unsigned key = 0; key < 16; key++) {
		for (unsigned code = 0; code < 65536; code++) {
			struct xp_sense s = {.key = (uint8_t)key,
					     .asc = (uint8_t)(code >> 8),
					     .ascq = (uint8_t)code};
			bool expected = key == 0 && (code == 0 || code >> 8 == 0x5e);

			expected |= key < 2 && (code >> 8 == 0x0b || code >> 8 == 0x5d);
			assert_int_equal(xp_sense_says_idle(&s), expected);
			idle += expected;
			s.has_progress = true;
			assert_false(xp_sense_says_idle(&s));
			s.has_progress = false;
			s.is_deferred = true;
			assert_false(xp_sense_says_idle(&s));
		}
	}
	assert_int_equal(idle, 1 + 256 + 4 * 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sanitize_bytes),
		cmocka_unit_test(test_format_and_mode_bytes),
		cmocka_unit_test(test_mode_blocks_long_short_and_lying),
		cmocka_unit_test(test_none_of_them_only_reads),
		cmocka_unit_test(test_drive_takes_capacity_and_write_same),
		cmocka_unit_test(test_drive_says_how_far_it_is),
		cmocka_unit_test(test_sense_idle_is_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
