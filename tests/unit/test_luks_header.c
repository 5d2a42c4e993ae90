/* LUKS headers: those that cryptsetup made, cut, damaged, and lying. */
#include "device/protocol/luks_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/sha.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/wire.h"

#define HEADER 16384u
#define MIB    (1ull << 20)
#define ROOM   (1ull << 34)

struct head {
	uint8_t bytes[XP_LUKS_HEAD_BYTES];
	struct xp_luks_volume v;
};

static void load(struct head *h, const char *name)
{
	AUTO_MEM char *data = NULL;
	size_t len = 0;

	memset(h, 0, sizeof(*h));
	assert_int_equal(xp_file_read(&data, &len, name, sizeof(h->bytes), NULL), XP_OK);
	memcpy(h->bytes, data, len);
	h->v.room = ROOM;
}

static struct head *luks2(void)
{
	struct head *h = malloc(sizeof(*h));

	assert_non_null(h);
	load(h, "tests/data/luks/luks2-head.bin");
	return h;
}

static struct head *luks1(void)
{
	struct head *h = malloc(sizeof(*h));

	assert_non_null(h);
	load(h, "tests/data/luks/luks1-head.bin");
	return h;
}

static enum xp_rc parse(struct head *h)
{
	return xp_luks_parse(&h->v, h->bytes, sizeof(h->bytes), NULL);
}

/* The checksum of the copy at AT, made anew. */
static void seal(struct head *h, size_t at)
{
	memset(h->bytes + at + 0x1c0, 0, 64);
	SHA256(h->bytes + at, HEADER, h->bytes + at + 0x1c0);
}

/* Puts TO in the place of FROM (of the same length) in both copies. */
static void change(struct head *h, const char *from, const char *to)
{
	assert_int_equal(strlen(from), strlen(to));
	for (size_t at = 0; at <= HEADER; at += HEADER) {
		char *p = strstr((char *)h->bytes + at + 4096, from);

		assert_non_null(p);
		memcpy(p, to, strlen(to));
		seal(h, at);
	}
}

static void test_luks2_whole_is_told(void **state)
{
	struct head *h = luks2();

	(void)state;
	assert_int_equal(parse(h), XP_OK);
	assert_int_equal(h->v.version, 2);
	assert_string_equal(h->v.uuid, "6f1c9a52-1d3c-4b7e-9c5e-0123456789ab");
	assert_string_equal(h->v.cipher, "aes-xts-plain64");
	assert_string_equal(h->v.token_types, "clevis");
	assert_int_equal(h->v.primary, XP_LUKS_VALID);
	assert_int_equal(h->v.secondary, XP_LUKS_VALID);
	assert_int_equal(h->v.slots, 2);
	assert_int_equal(h->v.tokens, 1);
	assert_int_equal(h->v.header_bytes, 2 * HEADER);
	assert_int_equal(h->v.slots_end, 16 * MIB);
	assert_int_equal(h->v.data_offset, 16 * MIB);
	assert_int_equal(h->v.area_bytes, 16 * MIB);
	assert_false(h->v.detached || h->v.not_encrypted || h->v.plain_segment ||
		     h->v.reencrypting || h->v.hw_opal);
	free(h);
}

static void test_luks1_whole_is_told(void **state)
{
	struct head *h = luks1();

	(void)state;
	assert_int_equal(parse(h), XP_OK);
	assert_int_equal(h->v.version, 1);
	assert_string_equal(h->v.uuid, "6f1c9a52-1d3c-4b7e-9c5e-0123456789ac");
	assert_string_equal(h->v.cipher, "aes-xts-plain64");
	assert_int_equal(h->v.primary, XP_LUKS_VALID);
	assert_int_equal(h->v.secondary, XP_LUKS_ABSENT);
	assert_int_equal(h->v.slots, 1);
	/* eight slots of 64 * 4000 bytes, the last one at sector 3536 */
	assert_int_equal(h->v.slots_end, 3536 * 512 + 256000);
	assert_int_equal(h->v.data_offset, 2 * MIB);
	assert_int_equal(h->v.area_bytes, 16 * MIB);
	free(h);
}

static void test_luks_room_bounds_the_area(void **state)
{
	struct head *h = luks1();

	(void)state;
	h->v.room = 4 * MIB;
	assert_int_equal(parse(h), XP_OK);
	assert_int_equal(h->v.area_bytes, 4 * MIB);
	h->v.room = 1000003;
	assert_int_equal(parse(h), XP_OK);
	assert_int_equal(h->v.area_bytes, 1000003);
	free(h);
}

static void test_luks_no_magic_is_no_volume(void **state)
{
	struct head *h = luks2();

	(void)state;
	memset(h->bytes, 0, 6);
	memset(h->bytes + HEADER, 0, 6);
	assert_int_equal(parse(h), XP_E_NOENT);
	assert_int_equal(xp_luks_parse(&h->v, h->bytes, 0, NULL), XP_E_NOENT);
	free(h);
}

/* A copy that lives is enough to bring the volume back: it is found, and what the format allows is
 * overwritten. */
static void test_luks2_one_copy_damaged_still_found(void **state)
{
	for (size_t at = 0; at <= HEADER; at += HEADER) {
		struct head *h = luks2();

		h->bytes[at + 5000] ^= 1;
		assert_int_equal(parse(h), XP_OK);
		assert_int_equal(at ? h->v.secondary : h->v.primary, XP_LUKS_DAMAGED);
		assert_int_equal(at ? h->v.primary : h->v.secondary, XP_LUKS_VALID);
		assert_int_equal(h->v.slots, 2);
		assert_int_equal(h->v.area_bytes, XP_LUKS_AREA_MAX);
		memset(h->bytes + at, 0, HEADER);
		assert_int_equal(parse(h), XP_OK);
		assert_int_equal(at ? h->v.secondary : h->v.primary, XP_LUKS_ABSENT);
		assert_int_equal(h->v.area_bytes, XP_LUKS_AREA_MAX);
		free(h);
	}
	(void)state;
}

static void test_luks2_both_damaged_is_a_result(void **state)
{
	struct head *h = luks2();

	(void)state;
	h->bytes[0x20] ^= 1;
	h->bytes[HEADER + 0x20] ^= 1;
	assert_int_equal(parse(h), XP_OK);
	assert_int_equal(h->v.primary, XP_LUKS_DAMAGED);
	assert_int_equal(h->v.secondary, XP_LUKS_DAMAGED);
	assert_false(h->v.layout_known);
	assert_int_equal(h->v.area_bytes, XP_LUKS_AREA_MAX);
	free(h);
}

static void test_luks2_second_copy_is_found_at_each_legal_place(void **state)
{
	(void)state;
	for (size_t at = HEADER; at <= 4 * MIB; at *= 2) {
		struct head *h = luks2();

		memmove(h->bytes + at, h->bytes + HEADER, HEADER);
		if (at > HEADER)
			memset(h->bytes + HEADER, 0, HEADER);
		memset(h->bytes, 0, HEADER);
		put_be64(h->bytes + at + 0x100, at);
		seal(h, at);
		assert_int_equal(parse(h), XP_OK);
		assert_int_equal(h->v.secondary, XP_LUKS_VALID);
		assert_true(h->v.header_bytes >= at + HEADER);
		free(h);
	}
}

static void test_luks2_copy_at_the_wrong_place_is_damaged(void **state)
{
	struct head *h = luks2();

	(void)state;
	put_be64(h->bytes + HEADER + 0x100, 2 * HEADER);
	seal(h, HEADER);
	assert_int_equal(parse(h), XP_OK);
	assert_int_equal(h->v.secondary, XP_LUKS_DAMAGED);
	free(h);
}

static void test_luks2_illegal_size_is_damaged(void **state)
{
	static const uint64_t sizes[] = {0, 4096, 12288, 0x4001, 0x800000, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(sizes); i++) {
		struct head *h = luks2();

		put_be64(h->bytes + 8, sizes[i]);
		seal(h, 0);
		assert_int_equal(parse(h), XP_OK);
		assert_int_equal(h->v.primary, XP_LUKS_DAMAGED);
		assert_int_equal(h->v.area_bytes, XP_LUKS_AREA_MAX);
		free(h);
	}
}

static void test_luks2_lying_data_offset_leaves_no_slot(void **state)
{
	struct head *h = luks2();

	(void)state;
	change(h, "\"offset\":\"16777216\"", "\"offset\":\"00004096\"");
	assert_int_equal(parse(h), XP_OK);
	assert_int_equal(h->v.data_offset, 4096);
	assert_int_equal(h->v.area_bytes, 16 * MIB);
	free(h);
	h = luks2();
	change(h, "\"offset\":\"16777216\"", "\"offset\":\"99999999\"");
	assert_int_equal(parse(h), XP_OK);
	assert_int_equal(h->v.area_bytes, (99999999 + 4095) / 4096 * 4096);
	free(h);
}

static void test_luks2_data_elsewhere_is_detached(void **state)
{
	struct head *h = luks2();

	(void)state;
	change(h, "\"offset\":\"16777216\"", "\"offset\":\"00000000\"");
	assert_int_equal(parse(h), XP_OK);
	assert_true(h->v.detached);
	assert_int_equal(h->v.area_bytes, XP_LUKS_AREA_MAX);
	h->v.room = 16 * MIB;
	assert_int_equal(parse(h), XP_OK);
	assert_int_equal(h->v.area_bytes, 16 * MIB);
	free(h);
}

static void test_luks2_lying_slot_is_damaged(void **state)
{
	static const char *const lies[] = {"\"offset\":\"-2768\"", "\"offset\":\"0x800\"",
					   "\"offset\":\"3276 \"", "\"offset\":3276800"};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(lies); i++) {
		struct head *h = luks2();

		change(h, "\"offset\":\"32768\"", lies[i]);
		assert_int_equal(parse(h), XP_OK);
		assert_int_equal(h->v.primary, XP_LUKS_DAMAGED);
		assert_int_equal(h->v.area_bytes, XP_LUKS_AREA_MAX);
		free(h);
	}
}

static void test_luks2_plain_text_is_told(void **state)
{
	struct head *h = luks2();

	(void)state;
	change(h, "\"type\":\"crypt\",", "\"type\":\"plain\",");
	assert_int_equal(parse(h), XP_OK);
	assert_true(h->v.plain_segment);
	free(h);
	h = luks2();
	change(h, "\"encryption\":\"aes-xts-plain64\",\"sector_size\"",
	       "\"encryption\":\"cipher_null-ecb\",\"sector_size\"");
	assert_int_equal(parse(h), XP_OK);
	assert_true(h->v.not_encrypted);
	assert_string_equal(h->v.cipher, "cipher_null-ecb");
	free(h);
}

static void test_luks2_unfinished_reencryption_is_told(void **state)
{
	struct head *h = luks2();

	(void)state;
	change(h, "\"type\":\"luks2\",\"key_size\":64", "\"type\":\"reencrypt\",\"k_ss\":64");
	assert_int_equal(parse(h), XP_OK);
	assert_true(h->v.reencrypting);
	free(h);
}

static void test_luks1_impossible_fields_are_damage(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
	} lies[] = {{108, 0},	   {108, 4096},	  {208, 1},
		    {208 + 44, 0}, {208 + 40, 0}, {208 + 40, 0xffffffff},
		    {104, 8}};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(lies); i++) {
		struct head *h = luks1();

		put_be32(h->bytes + lies[i].at, lies[i].value);
		assert_int_equal(parse(h), XP_OK);
		assert_int_equal(h->v.primary, XP_LUKS_DAMAGED);
		assert_int_equal(h->v.area_bytes, XP_LUKS_AREA_MAX);
		free(h);
	}
}

static void test_luks_binary_texts_are_left_out(void **state)
{
	struct head *h = luks1();

	(void)state;
	h->bytes[168] = 0x1b;
	assert_int_equal(parse(h), XP_OK);
	assert_string_equal(h->v.uuid, "");
	assert_int_equal(h->v.primary, XP_LUKS_DAMAGED);
	free(h);
}

static void test_luks_cut_anywhere_never_means_less(void **state)
{
	struct head *h = luks2();

	(void)state;
	for (size_t len = 8; len < 2 * HEADER; len += 61) {
		assert_int_equal(xp_luks_parse(&h->v, h->bytes, len, NULL), XP_OK);
		assert_int_equal(h->v.area_bytes, XP_LUKS_AREA_MAX);
	}
	free(h);
}

static void test_luks_disagreement_widens_the_area(void **state)
{
	struct head *h = luks2();

	(void)state;
	assert_int_equal(parse(h), XP_OK);
	h->v.library = XP_LUKS_DIFFERS;
	assert_int_equal(xp_luks_area_needed(&h->v), XP_LUKS_AREA_MAX);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_luks2_whole_is_told),
		cmocka_unit_test(test_luks1_whole_is_told),
		cmocka_unit_test(test_luks_room_bounds_the_area),
		cmocka_unit_test(test_luks_no_magic_is_no_volume),
		cmocka_unit_test(test_luks2_one_copy_damaged_still_found),
		cmocka_unit_test(test_luks2_both_damaged_is_a_result),
		cmocka_unit_test(test_luks2_second_copy_is_found_at_each_legal_place),
		cmocka_unit_test(test_luks2_copy_at_the_wrong_place_is_damaged),
		cmocka_unit_test(test_luks2_illegal_size_is_damaged),
		cmocka_unit_test(test_luks2_lying_data_offset_leaves_no_slot),
		cmocka_unit_test(test_luks2_data_elsewhere_is_detached),
		cmocka_unit_test(test_luks2_lying_slot_is_damaged),
		cmocka_unit_test(test_luks2_plain_text_is_told),
		cmocka_unit_test(test_luks2_unfinished_reencryption_is_told),
		cmocka_unit_test(test_luks1_impossible_fields_are_damage),
		cmocka_unit_test(test_luks_binary_texts_are_left_out),
		cmocka_unit_test(test_luks_cut_anywhere_never_means_less),
		cmocka_unit_test(test_luks_disagreement_widens_the_area),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
