/* What comes back in registers, logs and DCO data: lost, cut off, lying, and good. */
#include "base/cleanup.h"
#include "base/wire.h"
#include "device/protocol/ata_hidden.h"
#include "device/protocol/ata_log30.h"
#include "device/protocol/ata_sanitize.h"
#include "device/protocol/sat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* [SAT-3] descriptor format: registers of a sanitize that is at 4000h of 10000h */
static const uint8_t running[22] = {0x72, 0x01, 0x00, 0x1d, 0,	  0,	0,    14,
				    0x09, 0x0c, 0x01, 0x00, 0x40, 0x00, 0x00, 0x00,
				    0x00, 0x40, 0x00, 0x00, 0x40, 0x50};

static struct xp_ata_registers parse(const uint8_t *sense, size_t len)
{
	struct xp_ata_registers r;
	AUTO_MEM uint8_t *copy = malloc(len + 1);

	assert_non_null(copy);
	memcpy(copy, sense, len);
	xp_sat_registers_parse(&r, copy, len);
	return r;
}

static struct xp_ata_sanitize_status decide(const uint8_t *sense, size_t len)
{
	struct xp_ata_registers r = parse(sense, len);
	struct xp_ata_sanitize_status s;

	xp_ata_sanitize_status_decide(&s, &r);
	return s;
}

static void test_registers_descriptor_all_fields(void **state)
{
	static const uint8_t sense[22] = {0x72, 0x01, 0x00, 0x1d, 0,	0,    0,    14,
					  0x09, 0x0c, 0x01, 0x11, 0x22, 0x33, 0x44, 0x55,
					  0x66, 0x77, 0x88, 0x99, 0xaa, 0x50};
	struct xp_ata_registers r = parse(sense, sizeof(sense));

	(void)state;
	assert_int_equal(r.form, XP_SAT_DESCRIPTOR);
	assert_int_equal(r.error, 0x11);
	assert_int_equal(r.count, 0x2233);
	assert_true(r.lba == 0x886644997755ULL);
	assert_int_equal(r.device, 0xaa);
	assert_int_equal(r.status, 0x50);
	assert_true(r.count_is_whole && r.lba_is_whole && xp_sat_registers_are_good(&r));
}

static void test_registers_behind_another_descriptor_are_found(void **state)
{
	uint8_t sense[8 + 12 + 14] = {0x72, 0x01, 0x00, 0x1d, 0, 0, 0, 26, 0x00, 0x0a};
	struct xp_ata_registers r;

	(void)state;
	memcpy(sense + 20, running + 8, 14);
	r = parse(sense, sizeof(sense));
	assert_int_equal(r.form, XP_SAT_DESCRIPTOR);
	assert_int_equal(r.count, 0x4000);
}

static void test_registers_cut_off_anywhere_are_none(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(running); n++)
		assert_int_equal(parse(running, n).form, XP_SAT_NONE);
	assert_int_equal(parse(running, sizeof(running)).form, XP_SAT_DESCRIPTOR);
}

static void test_registers_that_lie_about_lengths_are_none(void **state)
{
	uint8_t sense[22];

	(void)state;
	for (unsigned len = 0; len < 14; len++) {
		memcpy(sense, running, sizeof(sense));
		sense[7] = (uint8_t)len; /* less sense than there is */
		assert_int_equal(parse(sense, sizeof(sense)).form, XP_SAT_NONE);
	}
	for (unsigned len = 0; len < 256; len++) {
		memcpy(sense, running, sizeof(sense));
		sense[9] = (uint8_t)len; /* a descriptor of another length */
		assert_int_equal(parse(sense, sizeof(sense)).form,
				 len == 12 ? XP_SAT_DESCRIPTOR : XP_SAT_NONE);
	}
}

static void test_registers_of_deferred_sense_are_none(void **state)
{
	uint8_t sense[22];

	(void)state;
	for (unsigned code = 0; code < 128; code++) {
		memcpy(sense, running, sizeof(sense));
		sense[0] = (uint8_t)code;
		if (code == 0x72 || code == 0x70)
			continue;
		assert_int_equal(parse(sense, sizeof(sense)).form, XP_SAT_NONE);
	}
}

/* Fixed format: ERROR, STATUS, DEVICE, COUNT 7:0 in 3 to 6, flags in 8, LBA 23:0 in 9 to 11. */
static void test_registers_fixed_format_has_no_verdict_of_a_sanitize(void **state)
{
	uint8_t sense[18] = {0x70, 0, 1, 0x00, 0x50, 0x40, 0x00, 10, 0xc0, 0xff, 0xff, 0, 0, 0x1d};
	struct xp_ata_registers r = parse(sense, sizeof(sense));

	(void)state;
	assert_int_equal(r.form, XP_SAT_FIXED);
	assert_false(r.count_is_whole);
	assert_int_equal(r.lba, 0xffff);
	assert_int_equal(decide(sense, sizeof(sense)).state, XP_ATA_SANITIZE_UNKNOWN);
	/* even where it claims that nothing was cut off */
	sense[8] = 0x80;
	assert_int_equal(decide(sense, sizeof(sense)).state, XP_ATA_SANITIZE_UNKNOWN);
	sense[8] = 0;
	assert_int_equal(decide(sense, sizeof(sense)).state, XP_ATA_SANITIZE_UNKNOWN);
	/* without 00/1D these bytes are something else */
	sense[13] = 0;
	assert_int_equal(parse(sense, sizeof(sense)).form, XP_SAT_NONE);
}

static void test_registers_all_zero_are_lost(void **state)
{
	uint8_t sense[22] = {0x72, 0x01, 0x00, 0x1d, 0, 0, 0, 14, 0x09, 0x0c, 0x01};
	struct xp_ata_registers r = parse(sense, sizeof(sense));

	(void)state;
	assert_true(xp_sat_registers_are_lost(&r));
	assert_false(xp_sat_registers_are_good(&r));
	assert_int_equal(decide(sense, sizeof(sense)).state, XP_ATA_SANITIZE_UNKNOWN);
}

/* Every COUNT 15:12, status and error: only one combination is a success. */
static void test_sanitize_success_needs_its_bit_and_a_good_status(void **state)
{
	uint8_t sense[22];

	(void)state;
	for (unsigned high = 0; high < 16; high++)
		for (unsigned status = 0; status < 256; status++)
			for (unsigned error = 0; error < 256; error += 4) {
				struct xp_ata_sanitize_status s;
				bool good = (status & 0x40) && !(status & 0xa1);
				bool want = good && (high & 8) && !(high & 4);

				memcpy(sense, running, sizeof(sense));
				sense[11] = (uint8_t)error;
				sense[12] = (uint8_t)(high << 4);
				sense[15] = sense[17] = 0xff; /* LBA 15:0 */
				sense[21] = (uint8_t)status;
				s = decide(sense, sizeof(sense));
				if ((s.state == XP_ATA_SANITIZE_SUCCEEDED) != want)
					fail_msg("count %x000 status %02x error %02x", high, status,
						 error);
				if (good && (high & 4))
					assert_int_equal(s.state, XP_ATA_SANITIZE_RUNNING);
			}
}

static void test_sanitize_progress_and_flags(void **state)
{
	struct xp_ata_sanitize_status s = decide(running, sizeof(running));

	(void)state;
	assert_int_equal(s.state, XP_ATA_SANITIZE_RUNNING);
	assert_int_equal(s.progress, 0x4000);
	assert_false(s.frozen);
}

static void test_sanitize_abort_gives_its_reason(void **state)
{
	static const struct {
		uint8_t lba;
		enum xp_ata_sanitize_reason reason;
		enum xp_ata_sanitize_state state;
	} rows[] = {
		{0, XP_ATA_SANITIZE_REASON_NONE, XP_ATA_SANITIZE_REFUSED},
		{1, XP_ATA_SANITIZE_REASON_FAILED, XP_ATA_SANITIZE_FAILED},
		{2, XP_ATA_SANITIZE_REASON_UNSUPPORTED, XP_ATA_SANITIZE_REFUSED},
		{3, XP_ATA_SANITIZE_REASON_FROZEN, XP_ATA_SANITIZE_REFUSED},
		{4, XP_ATA_SANITIZE_REASON_ANTIFREEZE, XP_ATA_SANITIZE_REFUSED},
		{5, XP_ATA_SANITIZE_REASON_RESERVED, XP_ATA_SANITIZE_REFUSED},
		{255, XP_ATA_SANITIZE_REASON_RESERVED, XP_ATA_SANITIZE_REFUSED},
	};
	uint8_t sense[22];

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++) {
		struct xp_ata_sanitize_status s;

		memcpy(sense, running, sizeof(sense));
		sense[11] = 4;
		sense[12] = 0x80; /* the success bit means nothing after an abort */
		sense[15] = rows[i].lba;
		sense[17] = 0;
		sense[21] = 0x51;
		s = decide(sense, sizeof(sense));
		assert_int_equal(s.state, rows[i].state);
		assert_int_equal(s.reason, rows[i].reason);
	}
}

static void test_cdb_is_built_as_the_sheet_of_the_standard_has_it(void **state)
{
	static const struct {
		struct xp_ata_taskfile (*make)(void);
		uint8_t cdb[16];
	} rows[] = {
		{xp_ata_sanitize_status,
		 {0x85, 0x07, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xb4, 0}},
		{xp_ata_identify_device,
		 {0x85, 0x08, 0x0e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xec, 0}},
		{xp_ata_read_native_max_ext,
		 {0x85, 0x07, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x27, 0}},
		{xp_ata_get_native_amac,
		 {0x85, 0x07, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x78, 0}},
		{xp_ata_dco_identify,
		 {0x85, 0x08, 0x2e, 0, 0xc2, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xb1, 0}},
		{xp_ata_check_power_mode,
		 {0x85, 0x06, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xe5, 0}},
		{xp_ata_smart_return_status,
		 {0x85, 0x06, 0x20, 0, 0xda, 0, 0, 0, 0, 0, 0x4f, 0, 0xc2, 0x40, 0xb0, 0}},
		{xp_ata_read_native_max,
		 {0x85, 0x06, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xf8, 0}},
	};
	static const uint8_t log_page[16] = {0x85, 0x09, 0x0e, 0, 0, 0,	   1,	 0,
					     0x30, 0,	 0x06, 0, 0, 0x40, 0x2f, 0};
	struct xp_ata_taskfile tf = xp_ata_read_log_page(0x30, 6);
	struct xp_ata_taskfile back;
	uint8_t cdb[16];

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++) {
		tf = rows[i].make();
		xp_sat_cdb_build(cdb, &tf);
		assert_memory_equal(cdb, rows[i].cdb, 16);
		assert_true(xp_sat_cdb_parse(&back, cdb, 16));
		assert_int_equal(back.command, tf.command);
		assert_int_equal(back.feature, tf.feature);
		assert_true(back.lba == tf.lba);
		assert_true(xp_ata_taskfile_is_read_only(&back));
	}
	tf = xp_ata_read_log_page(0x30, 6);
	xp_sat_cdb_build(cdb, &tf);
	assert_memory_equal(cdb, log_page, 16);
	/* each register in its place: pattern of an overwrite, as the standard's sheet has it */
	tf = (struct xp_ata_taskfile){.protocol = XP_ATA_NON_DATA,
				      .command = 0xb4,
				      .is_48bit = true,
				      .feature = 0x0014,
				      .count = 0x8193,
				      .lba = 0x4f57a1b2c3d4ULL,
				      .device = 0x40,
				      .wants_registers = true};
	xp_sat_cdb_build(cdb, &tf);
	assert_memory_equal(cdb, "\x85\x07\x20\x00\x14\x81\x93\xa1\xd4\x57\xc3\x4f\xb2\x40\xb4\x00",
			    16);
	assert_true(xp_sat_cdb_parse(&back, cdb, 16));
	assert_true(back.lba == tf.lba && back.count == tf.count);
	assert_false(xp_ata_taskfile_is_read_only(&back));
}

static void test_native_sectors_only_from_whole_registers(void **state)
{
	struct xp_ata_registers r = {.form = XP_SAT_DESCRIPTOR,
				     .status = 0x50,
				     .device = 0x4a,
				     .lba = 0x123456789abcULL,
				     .lba_is_whole = true};
	uint64_t n = 0;

	(void)state;
	assert_true(xp_ata_native_sectors(&n, &r, true));
	assert_true(n == 0x123456789abdULL);
	assert_true(xp_ata_native_sectors(&n, &r, false));
	assert_true(n == 0xa789abcULL + 1);
	r.form = XP_SAT_FIXED;
	assert_false(xp_ata_native_sectors(&n, &r, true));
	r.form = XP_SAT_DESCRIPTOR;
	r.status = 0x51;
	assert_false(xp_ata_native_sectors(&n, &r, true));
	r.status = 0x50;
	r.lba = 0;
	assert_false(xp_ata_native_sectors(&n, &r, true));
	r.lba = 0xffffffffffffULL;
	assert_false(xp_ata_native_sectors(&n, &r, true));
}

static void seal(uint8_t data[512])
{
	uint8_t sum = 0;

	data[510] = 0xa5;
	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + data[i]);
	data[511] = (uint8_t)(0x100 - sum);
}

static void test_dco_data_cut_flipped_or_absurd_is_malformed(void **state)
{
	uint8_t data[512] = {2};
	struct xp_ata_dco dco;

	(void)state;
	put_le64(data + 6, 1953525167);
	seal(data);
	assert_int_equal(xp_ata_dco_parse(&dco, data, 512, NULL), XP_OK);
	assert_true(dco.sectors == 1953525168);
	for (size_t n = 0; n < 512; n++)
		assert_int_equal(xp_ata_dco_parse(&dco, data, n, NULL), XP_E_MALFORMED);
	for (size_t i = 0; i < 512; i++) {
		data[i] ^= 0x10;
		assert_int_equal(xp_ata_dco_parse(&dco, data, 512, NULL), XP_E_MALFORMED);
		data[i] ^= 0x10;
	}
	put_le64(data + 6, 0);
	seal(data);
	assert_int_equal(xp_ata_dco_parse(&dco, data, 512, NULL), XP_E_MALFORMED);
	put_le64(data + 6, UINT64_MAX);
	seal(data);
	assert_int_equal(xp_ata_dco_parse(&dco, data, 512, NULL), XP_E_MALFORMED);
}

static void test_log_pages_of_another_or_cut_off_are_malformed(void **state)
{
	uint8_t page[512] = {1, 0, 6, 0, 0, 0, 0, 0x80};
	struct xp_ata_log30_security s;
	struct xp_ata_general_statistics g;
	struct xp_ata_log_pages pages;

	(void)state;
	put_le64(page + 40, 1ULL << 63 | 1);
	put_le64(page + 48, 0x81); /* not valid: bit 63 is 0 */
	assert_int_equal(xp_ata_log30_security_parse(&s, page, 512, NULL), XP_OK);
	assert_true(s.trusted_known && s.has_trusted_computing);
	assert_false(s.capabilities_known || s.encrypts_all || s.restricted_sanitize_overrides);
	put_le64(page + 48, 1ULL << 63 | 0x81);
	assert_int_equal(xp_ata_log30_security_parse(&s, page, 512, NULL), XP_OK);
	assert_true(s.encrypts_all && s.restricted_sanitize_overrides);
	for (size_t n = 0; n < 512; n++)
		assert_int_equal(xp_ata_log30_security_parse(&s, page, n, NULL), XP_E_MALFORMED);
	page[7] = 0;
	assert_int_equal(xp_ata_log30_security_parse(&s, page, 512, NULL), XP_E_MALFORMED);
	assert_int_equal(xp_ata_general_statistics_parse(&g, page, 512, NULL), XP_E_MALFORMED);
	assert_int_equal(xp_ata_log_pages_parse(&pages, page, 512, NULL), XP_E_MALFORMED);
	memset(page, 0, sizeof(page));
	assert_int_equal(xp_ata_log30_security_parse(&s, page, 512, NULL), XP_E_MALFORMED);
	page[0] = 1;
	page[8] = 2;
	page[9] = 0;
	page[10] = 6;
	assert_int_equal(xp_ata_log_pages_parse(&pages, page, 512, NULL), XP_OK);
	assert_true(pages.has[0] && pages.has[6] && !pages.has[3]);
	page[2] = 1;
	put_le64(page + 16, 1ULL << 63 | 99); /* supported, not valid */
	assert_int_equal(xp_ata_general_statistics_parse(&g, page, 512, NULL), XP_OK);
	assert_false(g.power_on_hours_known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers_descriptor_all_fields),
		cmocka_unit_test(test_registers_behind_another_descriptor_are_found),
		cmocka_unit_test(test_registers_cut_off_anywhere_are_none),
		cmocka_unit_test(test_registers_that_lie_about_lengths_are_none),
		cmocka_unit_test(test_registers_of_deferred_sense_are_none),
		cmocka_unit_test(test_registers_fixed_format_has_no_verdict_of_a_sanitize),
		cmocka_unit_test(test_registers_all_zero_are_lost),
		cmocka_unit_test(test_sanitize_success_needs_its_bit_and_a_good_status),
		cmocka_unit_test(test_sanitize_progress_and_flags),
		cmocka_unit_test(test_sanitize_abort_gives_its_reason),
		cmocka_unit_test(test_cdb_is_built_as_the_sheet_of_the_standard_has_it),
		cmocka_unit_test(test_native_sectors_only_from_whole_registers),
		cmocka_unit_test(test_dco_data_cut_flipped_or_absurd_is_malformed),
		cmocka_unit_test(test_log_pages_of_another_or_cut_off_are_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
