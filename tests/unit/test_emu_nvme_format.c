/* The emulated NVMe drive's Format NVM: scope, formats, protection, and what the media hold after.
 */
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

#define BYTES	(1024 * 1024U)
#define SECTORS (BYTES / 512)
#define ALL	0xffffffffU

static uint64_t left(struct bare_nvme *w, uint32_t nsid)
{
	return emu_media_stains(emu_nvme_media(w->d, nsid), 0, SECTORS).sectors;
}

static void test_format_erases_as_asked(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);
	struct bare_nvme w;
	uint8_t buf[512];

	(void)state;
	for (unsigned ses = 0; ses < 3; ses++) {
		bare_nvme_make_stained(&w, &cfg);
		assert_int_equal(emu_nvme_ask_format(w.d, 1, ses, 0), 0);
		/* without a secure erase only the mapping goes */
		assert_int_equal(left(&w, 1), ses == 0 ? SECTORS : 0);
		assert_int_equal(left(&w, 2), SECTORS);
		assert_int_equal(left(&w, 3), SECTORS);
		/* user data erase promises nothing of the spare area; a key is a key */
		assert_int_equal(emu_media_stains(emu_nvme_media(w.d, 1), 0, 1).spare,
				 ses == 2 ? 0 : 64);
		assert_int_equal(emu_nvme_ask_read(w.d, 1, 3, buf, 512), 0);
		assert_true(xp_mem_is_filled(buf, 0, 512));
		emu_nvme_free(&w.d);
	}
	bare_nvme_make_stained(&w, &cfg);
	assert_int_equal(emu_nvme_ask_format(w.d, 1, 3, 0), 0x02);
	assert_int_equal(emu_nvme_ask_format(w.d, 1, 1, 5), 0x10a);
	assert_int_equal(emu_nvme_ask_format(w.d, 1, 1, 1 << 5), 0x10a); /* PI without room */
	assert_int_equal(emu_nvme_ask_format(w.d, 3, 1, 0), 0x02);	 /* detached */
	assert_int_equal(emu_nvme_ask_format(w.d, 0, 1, 0), 0x0b);
	assert_int_equal(left(&w, 1), SECTORS);
	emu_nvme_free(&w.d);
}

static void test_format_scope_is_by_the_attributes(void **state)
{
	struct {
		bool format_all, erase_all;
		uint32_t nsid;
		unsigned ses;
		uint64_t left[3];
	} rows[] = {
		{false, false, ALL, 1, {0, 0, SECTORS}}, /* what the controller sees */
		{true, false, 1, 1, {0, SECTORS, SECTORS}},
		{false, true, 1, 1, {0, 0, 0}},
		{false, true, 1, 2, {0, 0, 0}},
		{false, true, ALL, 2, {0, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct emu_nvme_config cfg = emu_nvme_many(BYTES);
		struct bare_nvme w;

		cfg.format_all = rows[i].format_all;
		cfg.erase_all = rows[i].erase_all;
		bare_nvme_make_stained(&w, &cfg);
		assert_int_equal(emu_nvme_ask_format(w.d, rows[i].nsid, rows[i].ses, 0), 0);
		for (uint32_t n = 0; n < 3; n++)
			assert_int_equal(left(&w, n + 1), rows[i].left[n]);
		/* capacity that is not allocated is never reached */
		assert_int_equal(emu_media_stains(emu_nvme_unallocated(w.d), 0, SECTORS).sectors,
				 SECTORS);
		emu_nvme_free(&w.d);
	}
}

static void test_format_refusals(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);
	struct bare_nvme w;

	(void)state;
	cfg.format_broadcast_refused = true;
	cfg.format_crypto = false;
	bare_nvme_make_stained(&w, &cfg);
	assert_int_equal(emu_nvme_ask_format(w.d, ALL, 1, 0), 0x02);
	assert_int_equal(emu_nvme_ask_format(w.d, 1, 2, 0), 0x02);
	emu_nvme_free(&w.d);
}

static void test_format_changes_the_size_of_blocks(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);
	struct bare_nvme w;
	uint8_t id[4096];

	(void)state;
	bare_nvme_make_stained(&w, &cfg);
	assert_int_equal(emu_nvme_ask_format(w.d, 1, 1, 2), 0);
	assert_int_equal(emu_nvme_ask_identify(w.d, 0, 1, id), 0);
	assert_int_equal(get_le64(id), BYTES / 4096);
	assert_int_equal(id[26], 2);
	assert_int_equal(emu_nvme_ask_write(w.d, 1, BYTES / 4096 - 1, id, 4096), 0);
	assert_int_equal(emu_nvme_ask_write(w.d, 1, BYTES / 4096, id, 4096), 0x80);
	emu_nvme_free(&w.d);
}

static uint16_t io(struct bare_nvme *w, bool write, uint64_t lba, uint32_t flags, void *buf,
		   size_t len, void *meta, size_t meta_len)
{
	return emu_nvme_ask_status(w->d, &(struct emu_nvme_ask){.opcode = write ? 1 : 2,
								.is_io = true,
								.nsid = 1,
								.cdw10 = (uint32_t)lba,
								.cdw12 = flags,
								.cdw14 = (uint32_t)lba,
								.out = buf,
								.in = buf,
								.len = len,
								.metadata = meta,
								.metadata_len = meta_len});
}

static void test_protection_is_made_checked_and_dropped(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);
	struct bare_nvme w;
	uint8_t block[4096 + 8];
	uint8_t meta[8];
	const uint32_t act = 1U << 29;
	const uint32_t check = 5U << 26; /* guard, reference tag */

	(void)state;
	bare_nvme_make_stained(&w, &cfg);
	/* 4096 + 8, type 1, metadata apart */
	assert_int_equal(emu_nvme_ask_format(w.d, 1, 1, 3 | 1 << 5), 0);
	memset(block, 0x5a, sizeof(block));
	/* not yet written: FFh, and not to be checked */
	assert_int_equal(io(&w, false, 7, check, block, 4096, meta, 8), 0);
	assert_true(xp_mem_is_filled(meta, 0xff, 8));
	assert_int_equal(io(&w, true, 7, act | check, block, 4096, NULL, 0), 0);
	assert_int_equal(io(&w, false, 7, check, block, 4096, meta, 8), 0);
	assert_int_equal(get_be32(meta + 4), 7);
	assert_int_equal(io(&w, false, 7, act | check, block, 4096, NULL, 0), 0);
	assert_int_equal(io(&w, false, 7, check, block, 4096, NULL, 0), 0x02);
	meta[0] ^= 1;
	assert_int_equal(io(&w, true, 7, check, block, 4096, meta, 8), 0x282);
	meta[0] ^= 1;
	meta[7] ^= 1;
	assert_int_equal(io(&w, true, 7, check, block, 4096, meta, 8), 0x284);
	/* 4096 + 8, in one buffer */
	assert_int_equal(emu_nvme_ask_format(w.d, 1, 1, 3 | 1 << 4 | 1 << 5), 0);
	assert_int_equal(io(&w, true, 1, act, block, 4096, NULL, 0), 0);
	assert_int_equal(io(&w, false, 1, check, block, 4104, NULL, 0), 0);
	assert_int_equal(get_be32(block + 4100), 1);
	assert_int_equal(io(&w, false, 1, check, block, 4096, NULL, 0), 0x0f);
	/* Write Zeroes and deallocation make blocks that are not to be checked */
	assert_int_equal(
		emu_nvme_ask_status(
			w.d,
			&(struct emu_nvme_ask){.opcode = 8, .is_io = true, .nsid = 1, .cdw10 = 1}),
		0);
	assert_int_equal(io(&w, false, 1, check, block, 4104, NULL, 0), 0);
	assert_true(xp_mem_is_filled(block, 0, 4096));
	/* firmware that drops it */
	emu_nvme_faults(w.d)->format_drops_protection = true;
	assert_int_equal(emu_nvme_ask_format(w.d, 1, 1, 3 | 1 << 5), 0);
	assert_int_equal(emu_nvme_ask_identify(w.d, 0, 1, block), 0);
	assert_int_equal(block[29], 0);
	emu_nvme_free(&w.d);
}

static void test_sanitize_leaves_protected_blocks_readable(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct bare_nvme w;
	uint8_t block[4096];
	static const uint32_t actions[] = {2, 4, 3 | 1 << 4};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		bare_nvme_make_stained(&w, &cfg);
		assert_int_equal(emu_nvme_ask_format(w.d, 1, 0, 3 | 1 << 5), 0);
		memset(block, 0x5a, sizeof(block));
		assert_int_equal(io(&w, true, 7, 1U << 29, block, 4096, NULL, 0), 0);
		assert_int_equal(emu_nvme_ask_sanitize(w.d, actions[i], 0), 0);
		emu_time_pass(&w.time, 601 * EMU_S);
		assert_int_equal(io(&w, false, 7, 1U << 29 | 5U << 26, block, 4096, NULL, 0), 0);
		assert_true(xp_mem_is_filled(block, 0, 4096));
		emu_nvme_free(&w.d);
	}
}

static void test_format_faults(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_many(BYTES);
	struct bare_nvme w;
	uint8_t id[4096];
	uint8_t buf[512];

	(void)state;
	bare_nvme_make_stained(&w, &cfg);
	emu_nvme_faults(w.d)->format_ignored = true;
	assert_int_equal(emu_nvme_ask_format(w.d, 1, 1, 0), 0);
	assert_int_equal(left(&w, 1), SECTORS);
	emu_nvme_faults(w.d)->format_ignored = false;
	emu_nvme_faults(w.d)->keeps_key = true;
	assert_int_equal(emu_nvme_ask_format(w.d, 1, 2, 0), 0);
	assert_int_equal(left(&w, 1), SECTORS);
	emu_nvme_faults(w.d)->keeps_key = false;
	emu_nvme_faults(w.d)->leave =
		(struct emu_leave){.kind = EMU_LEAVE_EXTENT, .first = 0, .n = 8};
	emu_nvme_stain(w.d);
	assert_int_equal(emu_nvme_ask_format(w.d, 1, 1, 0), 0);
	assert_int_equal(left(&w, 1), 8);
	assert_int_equal(emu_nvme_ask_read(w.d, 1, 7, buf, 512), 0);
	assert_memory_equal(buf + 8, " DATA, NOT TO", 13);
	emu_nvme_faults(w.d)->format_changes_lba = true;
	assert_int_equal(emu_nvme_ask_format(w.d, 1, 1, 0), 0);
	assert_int_equal(emu_nvme_ask_identify(w.d, 0, 1, id), 0);
	assert_int_equal(id[26], 2);
	emu_nvme_free(&w.d);
}

static void test_format_that_is_cut_short_leaves_the_rest(void **state)
{
	struct emu_nvme_config cfg = emu_nvme_ssd(BYTES);
	struct bare_nvme w;
	struct emu_nvme_ask ask = {
		.opcode = 0x80, .nsid = 1, .cdw10 = 1 << 9, .give_up_ns = 2500 * EMU_MS};

	(void)state;
	bare_nvme_make_stained(&w, &cfg);
	assert_int_equal(emu_nvme_ask_status(w.d, &ask), 0xffff);
	assert_in_range(left(&w, 1), SECTORS / 2 - 1, SECTORS / 2 + 1);
	emu_nvme_stain(w.d);
	emu_nvme_cut_power_at(w.d, w.time.now_ns + 1250 * EMU_MS);
	ask.give_up_ns = 0;
	assert_int_equal(emu_nvme_ask_status(w.d, &ask), 0xffff);
	assert_in_range(left(&w, 1), SECTORS * 3 / 4 - 1, SECTORS * 3 / 4 + 1);
	assert_true(emu_nvme_is_powered(w.d));
	emu_nvme_free(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format_erases_as_asked),
		cmocka_unit_test(test_format_scope_is_by_the_attributes),
		cmocka_unit_test(test_format_refusals),
		cmocka_unit_test(test_format_changes_the_size_of_blocks),
		cmocka_unit_test(test_protection_is_made_checked_and_dropped),
		cmocka_unit_test(test_sanitize_leaves_protected_blocks_readable),
		cmocka_unit_test(test_format_faults),
		cmocka_unit_test(test_format_that_is_cut_short_leaves_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
