/* IDENTIFY DEVICE: real words (tests/data/identify), and words that lie. */
#include "device/protocol/ata_identify.h"

#include "base/cleanup.h"
#include "base/wire.h"
#include "tests/fake/identify_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint8_t data[512];
static struct xp_ata_identify id;

static void load(const char *name)
{
	identify_data_read(data, sizeof(data), name);
}

static void set_word(unsigned n, uint16_t v)
{
	put_le16(data + 2 * (size_t)n, v);
}

/* Makes the checksum of word 255 right again. */
static void seal(void)
{
	uint8_t sum = 0;

	data[510] = 0xa5;
	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + data[i]);
	data[511] = (uint8_t)(0x100 - sum);
}

static enum xp_rc parse(void)
{
	return xp_ata_identify_parse(&id, data, sizeof(data), NULL);
}

static void test_identify_samsung_870_qvo_as_published(void **state)
{
	(void)state;
	load("samsung-870-qvo-4tb.hex");
	assert_int_equal(parse(), XP_OK);
	assert_string_equal(id.model, "Samsung SSD 870 QVO 4TB");
	assert_string_equal(id.firmware, "SVQ02B6Q");
	assert_string_equal(id.serial, "");
	assert_true(id.sectors == 7814037168ULL);
	assert_int_equal(id.rotation, XP_ATA_ROTATION_NONE);
	assert_true(id.has_trim && id.trim_is_deterministic && id.trim_reads_zero);
	assert_true(id.security.supported && id.security.frozen && !id.security.enabled);
	assert_true(id.security.has_enhanced_erase);
	assert_int_equal(id.security.normal_minutes, 4);
	assert_int_equal(id.security.enhanced_minutes, 8);
	assert_int_equal(id.security.master_id, 0xfffe);
	assert_false(id.sanitize.supported);
	assert_true(id.checksum_present && id.is_sata && id.has_48bit && id.has_gpl);
}

static void test_identify_2006_hard_disk_as_published(void **state)
{
	(void)state;
	load("seagate-st3400633as.hex");
	assert_int_equal(parse(), XP_OK);
	assert_string_equal(id.model, "ST3400633AS");
	assert_string_equal(id.firmware, "3.AAH");
	assert_true(id.sectors == 781422768);
	assert_int_equal(id.rotation, XP_ATA_ROTATION_UNKNOWN);
	assert_true(id.has_hpa && id.has_dco && id.hpa_enabled);
	assert_true(id.security.supported && !id.security.has_enhanced_erase);
	assert_int_equal(id.security.normal_minutes, 0);
	assert_false(id.has_trim);
}

static void test_identify_constructed_ssd_states(void **state)
{
	(void)state;
	load("constructed-ssd-960gb-locked.hex");
	assert_int_equal(parse(), XP_OK);
	assert_true(id.sanitize.supported && id.sanitize.crypto && id.sanitize.block &&
		    id.sanitize.overwrite);
	assert_true(id.security.enabled && id.security.locked && id.security.master_is_maximum);
	assert_int_equal(id.security.enhanced_minutes, 508);
	assert_true(id.security.enhanced_is_lower_bound);
	assert_int_equal(id.physical_bytes, 4096);
	assert_true(id.has_dco && id.has_hpa && !id.has_amac);
}

static void test_identify_4kn_sector_size(void **state)
{
	(void)state;
	load("constructed-hdd-4kn.hex");
	assert_int_equal(parse(), XP_OK);
	assert_int_equal(id.logical_bytes, 4096);
	assert_true(xp_ata_identify_bytes(&id) == 2441609216ULL * 4096);
	assert_int_equal(id.rpm, 5400);
}

static void test_identify_wrong_length_is_malformed(void **state)
{
	(void)state;
	load("wd-wd4000kd.hex");
	for (size_t n = 0; n < 512; n++) {
		AUTO_MEM uint8_t *copy = malloc(n + 1);

		assert_non_null(copy);
		memcpy(copy, data, n);
		assert_int_equal(xp_ata_identify_parse(&id, copy, n, NULL), XP_E_MALFORMED);
	}
}

static void test_identify_filled_with_one_byte_is_malformed(void **state)
{
	(void)state;
	for (unsigned b = 0; b < 256; b++) {
		memset(data, (int)b, sizeof(data));
		assert_int_equal(parse(), XP_E_MALFORMED);
	}
}

static void test_identify_every_bit_flip_breaks_the_checksum(void **state)
{
	(void)state;
	load("samsung-870-qvo-4tb.hex");
	for (size_t bit = 0; bit < 512 * 8; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* in the signature byte: then there is no checksum at all, which is allowed */
		if (bit / 8 == 510)
			assert_false(parse() == XP_OK && id.checksum_present);
		else
			assert_int_equal(parse(), XP_E_MALFORMED);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(parse(), XP_OK);
}

static void test_identify_security_words_that_disagree_say_nothing(void **state)
{
	static const struct {
		uint16_t w82, w85, w128;
	} lies[] = {
		{0x346b & ~2, 0x3469, 0x0001}, /* 82 says no */
		{0x346b, 0x3469, 0x0000},      /* 128 says no */
		{0x346b, 0x346b, 0x0001},      /* 85 says enabled */
		{0x346b, 0x3469, 0x0003},      /* 128 says enabled */
		{0x346b & ~2, 0x346b, 0x0000}, /* enabled, but not there */
	};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(lies); i++) {
		load("seagate-st3400633as.hex");
		set_word(82, lies[i].w82);
		set_word(85, lies[i].w85);
		set_word(128, lies[i].w128);
		seal();
		assert_int_equal(parse(), XP_OK);
		assert_true(id.security_is_contradictory);
		assert_false(id.security.supported);
	}
}

static void test_identify_words_not_marked_valid_say_nothing(void **state)
{
	(void)state;
	load("constructed-hdd-8tb-frozen.hex");
	assert_int_equal(parse(), XP_OK);
	assert_true(id.has_amac && id.wwn != 0 && id.sanitize.supported);
	set_word(119, 0x8118); /* 15:14 are 10b */
	set_word(84, 0xc163);
	set_word(106, 0xa003);
	set_word(59, 0xffff);
	set_word(217, 0xffff);
	seal();
	assert_int_equal(parse(), XP_OK);
	assert_false(id.has_amac);
	assert_true(id.wwn == 0);
	assert_int_equal(id.physical_bytes, 512);
	assert_false(id.sanitize.supported);
	assert_int_equal(id.rotation, XP_ATA_ROTATION_UNKNOWN);
}

static void test_identify_sanitize_bits_without_the_feature_say_nothing(void **state)
{
	(void)state;
	load("constructed-hdd-8tb-frozen.hex");
	set_word(59, 0xe410); /* all but bit 12 */
	seal();
	assert_int_equal(parse(), XP_OK);
	assert_false(id.sanitize.supported || id.sanitize.crypto || id.sanitize.overwrite);
}

static void test_identify_rotation_only_where_the_standard_says(void **state)
{
	static const struct {
		uint16_t word;
		enum xp_ata_rotation want;
	} rows[] = {
		{0, XP_ATA_ROTATION_UNKNOWN},	   {1, XP_ATA_ROTATION_NONE},
		{2, XP_ATA_ROTATION_UNKNOWN},	   {0x0400, XP_ATA_ROTATION_UNKNOWN},
		{0x0401, XP_ATA_ROTATION_RPM},	   {0xfffe, XP_ATA_ROTATION_RPM},
		{0xffff, XP_ATA_ROTATION_UNKNOWN},
	};

	(void)state;
	load("constructed-hdd-8tb-frozen.hex");
	for (size_t i = 0; i < XP_ARRAY_LEN(rows); i++) {
		set_word(217, rows[i].word);
		seal();
		assert_int_equal(parse(), XP_OK);
		assert_int_equal(id.rotation, rows[i].want);
	}
}

static void test_identify_capacity_that_cannot_be_is_malformed(void **state)
{
	(void)state;
	load("constructed-hdd-8tb-frozen.hex");
	for (unsigned i = 0; i < 4; i++)
		set_word(100 + i, 0);
	seal();
	assert_int_equal(parse(), XP_E_MALFORMED);
	for (unsigned i = 0; i < 4; i++)
		set_word(100 + i, 0xffff);
	seal();
	assert_int_equal(parse(), XP_E_MALFORMED);
	load("constructed-hdd-4kn.hex");
	set_word(117, 100); /* a sector of 200 bytes */
	seal();
	assert_int_equal(parse(), XP_E_MALFORMED);
	set_word(118, 1);
	seal();
	assert_int_equal(parse(), XP_E_MALFORMED);
}

static void test_identify_extended_capacity_counts_where_it_is_marked(void **state)
{
	(void)state;
	load("constructed-hdd-8tb-frozen.hex");
	set_word(69, 1 << 3);
	put_le64(data + 460, 20000000000ULL);
	seal();
	assert_int_equal(parse(), XP_OK);
	assert_true(id.sectors == 20000000000ULL);
}

static void test_identify_packet_device_is_malformed(void **state)
{
	(void)state;
	load("wd-wd4000kd.hex");
	set_word(0, 0x85c0);
	seal();
	assert_int_equal(parse(), XP_E_MALFORMED);
}

static void test_identify_hostile_model_is_given_in_hex(void **state)
{
	(void)state;
	load("wd-wd4000kd.hex");
	set_word(27, 0x1b5b); /* ESC [ */
	seal();
	assert_int_equal(parse(), XP_OK);
	assert_memory_equal(id.model, "hex:1b5b", 8);
	for (unsigned i = 0; i < 20; i++)
		set_word(27 + i, 0xfefe);
	seal();
	assert_int_equal(parse(), XP_OK);
	assert_int_equal(strlen(id.model), 84);
	/* a printable name that would pass for the hex of another */
	for (unsigned i = 0; i < 20; i++)
		set_word(27 + i, 0x2020);
	set_word(27, 0x6865);
	set_word(28, 0x783a);
	set_word(29, 0x3431);
	seal();
	assert_int_equal(parse(), XP_OK);
	assert_string_equal(id.model, "hex:6865783a3431");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identify_samsung_870_qvo_as_published),
		cmocka_unit_test(test_identify_2006_hard_disk_as_published),
		cmocka_unit_test(test_identify_constructed_ssd_states),
		cmocka_unit_test(test_identify_4kn_sector_size),
		cmocka_unit_test(test_identify_wrong_length_is_malformed),
		cmocka_unit_test(test_identify_filled_with_one_byte_is_malformed),
		cmocka_unit_test(test_identify_every_bit_flip_breaks_the_checksum),
		cmocka_unit_test(test_identify_security_words_that_disagree_say_nothing),
		cmocka_unit_test(test_identify_words_not_marked_valid_say_nothing),
		cmocka_unit_test(test_identify_sanitize_bits_without_the_feature_say_nothing),
		cmocka_unit_test(test_identify_rotation_only_where_the_standard_says),
		cmocka_unit_test(test_identify_capacity_that_cannot_be_is_malformed),
		cmocka_unit_test(test_identify_extended_capacity_counts_where_it_is_marked),
		cmocka_unit_test(test_identify_packet_device_is_malformed),
		cmocka_unit_test(test_identify_hostile_model_is_given_in_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
