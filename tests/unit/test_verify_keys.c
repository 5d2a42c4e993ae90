/* The readback of areas that held keys, and the search for headers, on a medium that fails. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/sha.h>

#include "base/cleanup.h"
#include "tests/fake/fake_medium.h"
#include "verify/keys.h"

#define MIB	 (1u << 20)
#define CAPACITY (8u * MIB)
#define AREA	 (2u * MIB)
#define AT	 MIB

static const uint8_t first[8] = {'L', 'U', 'K', 'S', 0xba, 0xbe, 0, 2};
static const uint8_t second[8] = {'S', 'K', 'U', 'L', 0xba, 0xbe, 0, 2};

struct lab {
	struct fake_medium medium;
	struct xp_luks_volume volume;
	struct xp_readback_result result;
	struct xp_key_search search;
	struct xp_err err;
};

static int set_up(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));
	uint32_t seed = 7;

	if (!l)
		return -1;
	fake_medium_init(&l->medium, CAPACITY, 512);
	for (size_t i = 0; i < CAPACITY; i++)
		l->medium.data[i] = (uint8_t)fake_random(&seed);
	/* zeros in the area: what the erase is taken to have left */
	memset(l->medium.data + AT, 0, AREA);
	l->volume =
		(struct xp_luks_volume){.offset = AT, .room = CAPACITY - AT, .area_bytes = AREA};
	*state = l;
	return 0;
}

static int tear_down(void **state)
{
	struct lab *l = *state;

	xp_readback_result_free(&l->result);
	xp_key_search_free(&l->search);
	fake_medium_free(&l->medium);
	free(l);
	return 0;
}

static enum xp_rc look(struct lab *l)
{
	AUTO(xp_extent_io_free) struct xp_extent_io *io = fake_medium_io(&l->medium, NULL);
	const struct xp_verify_keys_request req = {
		.how = {.io = io,
			.capacity_bytes = CAPACITY,
			.logical_block_bytes = 512,
			.expected = {.kind = XP_CONTENT_ZERO}},
		.volumes = &l->volume,
		.volume_n = 1,
	};

	return xp_verify_keys(&l->result, &l->search, &req, &l->err);
}

static void assert_found_nothing(const struct lab *l)
{
	assert_int_equal(l->search.headers_left, 0);
	assert_int_equal(l->search.copy_total, 0);
	assert_int_equal(l->result.mismatch_total, 0);
}

static void test_keys_that_are_gone(void **state)
{
	struct lab *l = *state;
	uint8_t sha256[32];

	assert_int_equal(look(l), XP_OK);
	assert_found_nothing(l);
	assert_int_equal(l->result.bytes_delivered, AREA);
	assert_int_equal(l->result.read_errors.total_bytes, 0);
	assert_int_equal(l->search.area_n, 1);
	SHA256(l->medium.data + AT, AREA, sha256);
	assert_memory_equal(l->search.areas[0].sha256, sha256, 32);
	assert_true(l->search.searched_all);
	assert_int_equal(l->search.searched_bytes, CAPACITY - AREA);
}

static void test_keys_unreadable_in_the_area_is_told(void **state)
{
	static const uint8_t no_digest[32];
	struct lab *l = *state;

	fake_medium_fault(&l->medium, AT + 4096, 512)->on_read = true;
	assert_int_equal(look(l), XP_OK);
	assert_int_equal(l->result.read_errors.total_bytes, 512);
	assert_int_equal(l->result.read_errors.list[0].offset, AT + 4096);
	assert_int_equal(l->result.bytes_delivered, AREA - 512);
	/* no digest stands for bytes that nobody saw */
	assert_memory_equal(l->search.areas[0].sha256, no_digest, 32);
}

static void test_keys_unreadable_outside_is_no_full_search(void **state)
{
	struct lab *l = *state;

	fake_medium_fault(&l->medium, 6 * MIB, 4096)->on_read = true;
	assert_int_equal(look(l), XP_OK);
	assert_found_nothing(l);
	assert_int_equal(l->result.read_errors.total_bytes, 0);
	assert_false(l->search.searched_all);
	assert_int_equal(l->search.searched_bytes, CAPACITY - AREA - 4096);
}

/* At any place in the area, also across two requests. */
static void test_keys_header_left_in_the_area_is_counted(void **state)
{
	static const uint32_t places[] = {0, 1, 511, 16384, MIB - 3, 4u * 65536 - 5, AREA - 6};
	struct lab *l = *state;

	for (size_t i = 0; i < XP_ARRAY_LEN(places); i++) {
		memset(l->medium.data + AT, 0, AREA);
		memcpy(l->medium.data + AT + places[i], i % 2 ? second : first, 6);
		xp_readback_result_free(&l->result);
		xp_key_search_free(&l->search);
		assert_int_equal(look(l), XP_OK);
		assert_int_equal(l->search.headers_left, 1);
		assert_true(l->result.mismatch_total > 0);
	}
}

static void test_keys_copy_outside_is_found(void **state)
{
	struct lab *l = *state;

	memcpy(l->medium.data + 5 * MIB, first, sizeof(first));
	memset(l->medium.data + 5 * MIB + 168, 0, 40);
	memcpy(l->medium.data + 5 * MIB + 168, "11111111-2222", 13);
	memcpy(l->medium.data + 7 * MIB + 512, second, sizeof(second));
	/* not where a header may begin */
	memcpy(l->medium.data + 4 * MIB + 100, first, sizeof(first));
	assert_int_equal(look(l), XP_OK);
	assert_int_equal(l->search.headers_left, 0);
	assert_int_equal(l->search.copy_n, 2);
	assert_int_equal(l->search.copies[0].offset, 5 * MIB);
	assert_string_equal(l->search.copies[0].uuid, "11111111-2222");
	assert_int_equal(l->search.copies[1].offset, 7 * MIB + 512);
}

static void test_keys_drive_that_vanishes_ends_it(void **state)
{
	struct lab *l = *state;

	l->medium.gone_after = 3;
	assert_int_equal(look(l), XP_E_IO);
}

static void test_keys_drive_that_hangs_ends_it(void **state)
{
	struct lab *l = *state;

	l->medium.hang_after = 3;
	assert_int_not_equal(look(l), XP_OK);
	assert_true(l->result.bytes_delivered < AREA);
}

static void test_headers_alone_are_found_without_a_readback(void **state)
{
	struct lab *l = *state;
	AUTO(xp_extent_io_free) struct xp_extent_io *io = fake_medium_io(&l->medium, NULL);
	struct xp_verify_keys_request req = {.how = {.io = io, .capacity_bytes = CAPACITY}};

	memcpy(l->medium.data + AT, first, sizeof(first));
	assert_int_equal(xp_verify_search_headers(&l->search, &req, &l->err), XP_OK);
	assert_int_equal(l->search.copy_n, 1);
	assert_int_equal(l->search.copies[0].offset, AT);
	xp_key_search_free(&l->search);
	req.volumes = &l->volume;
	req.volume_n = 1;
	assert_int_equal(xp_verify_search_headers(&l->search, &req, &l->err), XP_OK);
	assert_int_equal(l->search.copy_n, 0);
	assert_int_equal(l->search.searched_bytes, CAPACITY - AREA);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_keys_that_are_gone),
		T(test_keys_unreadable_in_the_area_is_told),
		T(test_keys_unreadable_outside_is_no_full_search),
		T(test_keys_header_left_in_the_area_is_counted),
		T(test_keys_copy_outside_is_found),
		T(test_keys_drive_that_vanishes_ends_it),
		T(test_keys_drive_that_hangs_ends_it),
		T(test_headers_alone_are_found_without_a_readback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
