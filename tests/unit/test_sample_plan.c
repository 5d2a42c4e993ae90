#include "claim/sample_plan.h"

#include "base/buf.h"
#include "base/wire.h"
#include "claim/sample_places.h"

#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static void count_seed(uint8_t seed[32])
{
	for (unsigned i = 0; i < 32; i++)
		seed[i] = (uint8_t)i;
}

/* SHA-256 over offset and length of each extent, big-endian. */
static void list_digest(char hex[65], const struct xp_sample_plan *p)
{
	uint8_t *bytes = malloc(16 * p->n);
	uint8_t digest[32];

	assert_non_null(bytes);
	for (size_t i = 0; i < p->n; i++) {
		put_be64(bytes + 16 * i, p->list[i].offset);
		put_be64(bytes + 16 * i + 8, p->list[i].len);
	}
	SHA256(bytes, 16 * p->n, digest);
	xp_hex_encode(hex, digest, 32);
	free(bytes);
}

/* Computed by a separate program from the description in docs/methods.md; seed 00 01 ... 1f. */
static void test_plan_test_vectors_are_met(void **state)
{
	static const struct {
		enum xp_sample_scheme scheme;
		uint64_t n, capacity;
		uint32_t block;
		size_t extents;
		uint64_t independent, always, bytes;
		const char *digest;
	} rows[] = {
		{XP_SAMPLE_SCATTERED, 69075, 4000000000000, 512, 69153, 69075, 82, 288505856,
		 "d1e34ecffcd6851da1defa02cff9189fddc3a9e54b8088fffa1af419584f492a"},
		{XP_SAMPLE_SCATTERED, 1000, 1000000000, 512, 1024, 1000, 27, 9447936,
		 "7d86bf306e31b13d5cf727ad368610318700586798d79f1546c234d199b88c9c"},
		{XP_SAMPLE_SCATTERED, 1000, 1000000001, 1, 1024, 1000, 27, 9447937,
		 "aa7121f8a4d4e2a537015d9e7299cfa6798a318f42263a4334e8a4001dbdbc4a"},
		{XP_SAMPLE_SCATTERED, 500, 4160000000, 520, 537, 500, 37, 7562880,
		 "0eb3ede6c407a98af823d0e0aeb039d9eb592a2dd72bcb49043fc3911cd2e20d"},
		{XP_SAMPLE_R1, 0, 4000000000000, 512, 2073, 2000, 82, 400012705792,
		 "e65e80f762f6a61670d5ab3294bdea56d059fbbc8e588986d0717a35907cfdf9"},
		{XP_SAMPLE_R1, 0, 1000000000, 4096, 2014, 2000, 27, 111262208,
		 "a4f3cbfa6106538a9e4fc1ef12f7c094a83f35adb7f521ab79c257559c365034"},
		{XP_SAMPLE_R1, 0, 8192003, 1, 1, 2000, 3, 8192003,
		 "7c68ed67ff9e5aa40cfee8d5e22a941bf11dda3a269875b9ec637d5a513fbffd"},
		{XP_SAMPLE_SCATTERED, 69075, 536870912, 1, 1, 131072, 20, 536870912,
		 "6e63f93fef51f7d77f1ea1ab8dc102e8d61995efb08c71f7a044376a94d0bca4"},
	};
	uint8_t seed[32];

	(void)state;
	count_seed(seed);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct xp_sample_plan p, totals;
		char hex[65];

		assert_int_equal(xp_sample_plan_make(&p, rows[i].scheme, rows[i].n,
						     rows[i].capacity, rows[i].block, seed, NULL),
				 XP_OK);
		assert_int_equal(p.n, rows[i].extents);
		assert_int_equal(p.independent, rows[i].independent);
		assert_int_equal(p.always, rows[i].always);
		assert_int_equal(p.bytes, rows[i].bytes);
		list_digest(hex, &p);
		assert_string_equal(hex, rows[i].digest);
		assert_int_equal(xp_sample_plan_totals(&totals, rows[i].scheme, rows[i].n,
						       rows[i].capacity, rows[i].block, seed, NULL),
				 XP_OK);
		assert_null(totals.list);
		assert_int_equal(totals.independent, p.independent);
		assert_int_equal(totals.always, p.always);
		assert_int_equal(totals.bytes, p.bytes);
		xp_sample_plan_free(&p);
	}
}

static bool covers(const struct xp_extent *list, size_t n, uint64_t offset, uint64_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (offset >= list[i].offset && offset + len <= list[i].offset + list[i].len)
			return true;
	}
	return false;
}

static void assert_well_formed(const struct xp_sample_plan *p, uint64_t capacity, uint32_t block)
{
	uint64_t bytes = 0;

	assert_true(p->n > 0);
	for (size_t i = 0; i < p->n; i++) {
		assert_true(p->list[i].len > 0);
		assert_int_equal(p->list[i].offset % block, 0);
		assert_true(p->list[i].len <= capacity - p->list[i].offset);
		if (i + 1 < p->n) {
			assert_int_equal(p->list[i].len % block, 0);
			assert_true(p->list[i].offset + p->list[i].len < p->list[i + 1].offset);
		}
		bytes += p->list[i].len;
	}
	assert_int_equal(p->bytes, bytes);
	assert_true(covers(p->list, p->n, 0, block < capacity ? block : capacity));
	assert_true(covers(p->list, p->n, capacity - 1, 1));
}

/* Sizes around every threshold, odd ones too. */
static void test_plan_any_size_is_sorted_aligned_inside(void **state)
{
	static const uint64_t sizes[] = {1,
					 511,
					 512,
					 4095,
					 4097,
					 65536,
					 MIB - 1,
					 MIB,
					 MIB + 1,
					 4 * MIB + 4096,
					 4 * MIB + 4097,
					 5 * MIB + 4096,
					 1999 * 4096,
					 2000 * 4096,
					 2001 * 4096 - 1,
					 100 * MIB + 7,
					 3 * GIB + 4096,
					 300 * GIB + 3,
					 (uint64_t)20e12};
	static const uint32_t blocks[] = {1, 512, 520, 4096, 4104, 65536};
	uint8_t seed[32] = {7};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t b = 0; b < sizeof(blocks) / sizeof(blocks[0]); b++) {
			uint64_t size = sizes[i] - sizes[i] % blocks[b];

			for (int r1 = 0; size && r1 < 2; r1++) {
				enum xp_sample_scheme s = r1 ? XP_SAMPLE_R1 : XP_SAMPLE_SCATTERED;
				struct xp_sample_plan p;

				assert_int_equal(xp_sample_plan_make(&p, s, 300, size, blocks[b],
								     seed, NULL),
						 XP_OK);
				assert_well_formed(&p, size, blocks[b]);
				xp_sample_plan_free(&p);
			}
		}
	}
}

static void test_places_known_labels_are_read(void **state)
{
	const uint64_t cap = 4000787030016; /* a 4 TB drive */
	const struct {
		const char *what;
		uint64_t offset, len;
	} places[] = {
		{"MBR, GPT and entries, 512", 0, 34 * 512ULL},
		{"GPT and entries, 4096", 0, 6 * 4096ULL},
		{"GPT copy, 512", cap - 33 * 512ULL, 33 * 512ULL},
		{"GPT copy, 4096", cap - 5 * 4096ULL, 5 * 4096ULL},
		{"last block", cap - 512, 512},
		{"ext superblock", 1024, 1024},
		{"ext copy 4K group 1", 128 * MIB, 4096},
		{"ext copy 4K group 3", 3 * 128 * MIB, 4096},
		{"ext copy 4K group 25", 25 * 128 * MIB, 4096},
		{"ext copy 4K group 2187", 2187 * 128 * MIB, 4096},
		{"ext copy 2K group 7", 7 * 32 * MIB, 2048},
		{"ext copy 1K group 1", 8193 * KIB, 1024},
		{"ext copy 1K group 9", (9 * 8192 + 1) * KIB, 1024},
		{"XFS, second group", (cap / 4096 + 3) / 4 * 4096, 512},
		{"XFS, last group", 3 * ((cap / 4096 + 3) / 4 * 4096), 512},
		{"btrfs", 64 * KIB, 4096},
		{"btrfs copy", 64 * MIB, 4096},
		{"btrfs last copy", 256 * GIB, 4096},
		{"NTFS boot sector's copy", cap - 512, 512},
		{"NTFS master file table", 3 * GIB, 4096},
		{"FAT32 boot sector's copy", 6 * 512ULL, 512},
		{"md 0.90", (cap & ~(64 * KIB - 1)) - 64 * KIB, 4096},
		{"md 1.0", ((cap / 512 - 16) & ~7ULL) * 512, 4096},
		{"md 1.1", 0, 4096},
		{"md 1.2", 4096, 4096},
		{"LVM label", 512, 512},
		{"LVM metadata", 4096, MIB - 4096},
		{"LUKS1 header and a key slot", 0, 264192},
		{"ZFS labels 0 and 1", 0, 512 * KIB},
		{"ZFS labels 2 and 3", (cap & ~(256 * KIB - 1)) - 512 * KIB, 512 * KIB},
		{"swap, 4K", 4096 - 10, 10},
		{"swap, 64K", 65536 - 10, 10},
		{"BitLocker", 0, 512},
		{"VMFS volume", MIB, 512},
		{"VMFS", 2 * MIB, 512},
		{"first partition's ext superblock", MIB + 1024, 1024},
		{"first partition's LUKS header", MIB, 4096},
	};
	struct xp_extent *list;
	size_t n;

	(void)state;
	assert_int_equal(xp_sample_places(&list, &n, cap, 4096, 512, NULL), XP_OK);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!covers(list, n, places[i].offset, places[i].len))
			fail_msg("not read: %s", places[i].what);
	}
	for (uint64_t at = 0x4000; at <= 0x400000; at *= 2) /* LUKS2's second header */
		assert_true(covers(list, n, at, 4096));
	assert_false(covers(list, n, 100 * MIB, 1)); /* not everything */
	free(list);
}

/* n counts extents that chance chose: none of them is a place that is read anyway, none comes
 * twice. */
static void test_scattered_extents_are_distinct_and_outside_the_places(void **state)
{
	const uint64_t cap = 64 * MIB, n = 7000;
	struct xp_extent *places;
	size_t places_n;
	uint64_t fixed = 0;
	uint8_t seed[32] = {1, 2, 3};
	struct xp_sample_plan p;

	(void)state;
	assert_int_equal(xp_sample_places(&places, &places_n, cap, 4096, 512, NULL), XP_OK);
	for (size_t i = 0; i < places_n; i++)
		fixed += places[i].len;
	assert_int_equal(xp_sample_plan_make(&p, XP_SAMPLE_SCATTERED, n, cap, 512, seed, NULL),
			 XP_OK);
	assert_int_equal(p.independent, n);
	assert_int_equal(p.always, places_n);
	assert_int_equal(p.bytes, fixed + n * 4096);
	for (size_t i = 0; i < places_n; i++)
		assert_true(covers(p.list, p.n, places[i].offset, places[i].len));
	xp_sample_plan_free(&p);
	free(places);
}

/* Every unit outside the places is chosen about as often as any other. */
static void test_scattered_choice_is_even(void **state)
{
	enum { UNITS = 4096, ROUNDS = 400, N = 1000 };
	static uint32_t hits[UNITS];
	uint32_t low = UINT32_MAX, high = 0, always = 0;

	(void)state;
	for (uint32_t r = 0; r < ROUNDS; r++) {
		uint8_t seed[32] = {0};
		struct xp_sample_plan p;

		put_le32(seed, r);
		assert_int_equal(xp_sample_plan_make(&p, XP_SAMPLE_SCATTERED, N, UNITS * 4096ULL,
						     512, seed, NULL),
				 XP_OK);
		for (size_t i = 0; i < p.n; i++) {
			for (uint64_t at = 0; at < p.list[i].len; at += 4096)
				hits[(p.list[i].offset + at) / 4096]++;
		}
		xp_sample_plan_free(&p);
	}
	for (size_t u = 0; u < UNITS; u++) {
		if (hits[u] == ROUNDS) {
			always++;
			continue;
		}
		low = hits[u] < low ? hits[u] : low;
		high = hits[u] > high ? hits[u] : high;
	}
	/* 1283 units are fixed; mean 400 * 1000 / 2813 = 142, sigma 9.6: five sigma */
	assert_int_equal(always, 1283);
	assert_true(low > 94 && high < 191);
}

static void test_r1_each_subsection_has_two_samples_of_five_percent(void **state)
{
	const uint64_t cap = 1000 * 1000 * 4096ULL;
	uint8_t seed[32] = {9};
	struct xp_sample_plan p;
	size_t e = 0;

	(void)state;
	assert_int_equal(xp_sample_plan_make(&p, XP_SAMPLE_R1, 0, cap, 512, seed, NULL), XP_OK);
	assert_int_equal(p.independent, 2000);
	assert_true(p.bytes >= cap / 10);
	for (uint64_t s = 0; s < 1000; s++) {
		uint64_t begin = s * 1000 * 4096, end = begin + 1000 * 4096, got = 0;

		while (e < p.n && p.list[e].offset + p.list[e].len <= begin)
			e++;
		for (size_t i = e; i < p.n && p.list[i].offset < end; i++) {
			uint64_t from = p.list[i].offset > begin ? p.list[i].offset : begin;
			uint64_t to = p.list[i].offset + p.list[i].len;

			got += (to < end ? to : end) - from;
		}
		assert_true(got >= 100 * 4096ULL);
	}
	xp_sample_plan_free(&p);
}

static uint64_t rng_state = 0x9e3779b97f4a7c15ULL;

static uint64_t rnd(uint64_t n)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state % n;
}

/* Does the plan read any byte of [offset, offset + len)? The list is sorted. */
static bool touches(const struct xp_sample_plan *p, uint64_t offset, uint64_t len)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (p->list[mid].offset + p->list[mid].len <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low < p->n && p->list[low].offset < offset + len;
}

/* A place for LEN bytes that no plan reads always. */
static uint64_t place_outside(const struct xp_extent *places, size_t n, uint64_t capacity,
			      uint64_t len)
{
	for (;;) {
		uint64_t at = rnd((capacity - len) / 4096) * 4096;
		bool free_place = true;

		for (size_t i = 0; i < n; i++)
			free_place = free_place && (at + len <= places[i].offset ||
						    at >= places[i].offset + places[i].len);
		if (free_place)
			return at;
	}
}

/* How often in ROUNDS a plan with a seed of its own finds COUNT residues of LEN bytes, per mille.
 */
static unsigned found_per_mille(enum xp_sample_scheme scheme, uint64_t n, uint64_t capacity,
				unsigned count, uint64_t len, unsigned rounds)
{
	struct xp_extent *places;
	size_t places_n;
	unsigned found = 0;

	assert_int_equal(xp_sample_places(&places, &places_n, capacity, 4096, 512, NULL), XP_OK);
	for (unsigned r = 0; r < rounds; r++) {
		uint8_t seed[32] = {1};
		struct xp_sample_plan p;
		bool hit = false;

		put_le64(seed + 8, rnd(UINT64_MAX));
		assert_int_equal(xp_sample_plan_make(&p, scheme, n, capacity, 512, seed, NULL),
				 XP_OK);
		for (unsigned i = 0; i < count && !hit; i++)
			hit = touches(&p, place_outside(places, places_n, capacity, len), len);
		found += hit;
		xp_sample_plan_free(&p);
	}
	free(places);
	return found * 1000 / rounds;
}

/* 1 - (1 - f)^n, give or take four sigma. */
static void test_scattered_finds_residue_as_often_as_it_says(void **state)
{
	const uint64_t cap = 1000000 * 4096ULL;

	(void)state;
	/* 1000 blocks of a million, 1000 extents: 0.632; 100 blocks: 0.095 */
	assert_in_range(found_per_mille(XP_SAMPLE_SCATTERED, 1000, cap, 1000, 4096, 600), 553, 711);
	assert_in_range(found_per_mille(XP_SAMPLE_SCATTERED, 1000, cap, 100, 4096, 600), 47, 143);
	/* one run of a thousandth, that is of one r1 subsection: the same mathematics */
	assert_in_range(found_per_mille(XP_SAMPLE_SCATTERED, 1000, cap, 1, cap / 1000, 600), 553,
			711);
}

/* Runs of 0.0001, 0.25, 0.5 and 1 subsection: 0.102, 0.526, 0.794 and 0.984 by simulation. */
static void test_r1_finds_runs_as_often_as_simulated(void **state)
{
	const uint64_t section = 10000 * 4096ULL;
	const uint64_t cap = 1000 * section;

	(void)state;
	assert_in_range(found_per_mille(XP_SAMPLE_R1, 0, cap, 1, 4096, 600), 53, 152);
	assert_in_range(found_per_mille(XP_SAMPLE_R1, 0, cap, 1, section / 4, 600), 444, 608);
	assert_in_range(found_per_mille(XP_SAMPLE_R1, 0, cap, 1, section / 2, 600), 727, 861);
	assert_in_range(found_per_mille(XP_SAMPLE_R1, 0, cap, 1, section, 600), 963, 1000);
}

static void test_plan_other_seed_other_places(void **state)
{
	uint8_t seed[32] = {0};
	struct xp_sample_plan a, b;
	char hex_a[65], hex_b[65];

	(void)state;
	assert_int_equal(xp_sample_plan_make(&a, XP_SAMPLE_SCATTERED, 100, GIB, 512, seed, NULL),
			 XP_OK);
	seed[31] = 1;
	assert_int_equal(xp_sample_plan_make(&b, XP_SAMPLE_SCATTERED, 100, GIB, 512, seed, NULL),
			 XP_OK);
	list_digest(hex_a, &a);
	list_digest(hex_b, &b);
	assert_string_not_equal(hex_a, hex_b);
	xp_sample_plan_free(&a);
	xp_sample_plan_free(&b);
}

static void test_plan_senseless_wish_is_refused(void **state)
{
	uint8_t seed[32] = {0};
	struct xp_sample_plan p;

	(void)state;
	assert_int_equal(xp_sample_plan_make(&p, XP_SAMPLE_NONE, 1, GIB, 512, seed, NULL),
			 XP_E_USAGE);
	assert_int_equal(xp_sample_plan_make(&p, XP_SAMPLE_R1, 0, 0, 512, seed, NULL), XP_E_USAGE);
	assert_int_equal(xp_sample_plan_make(&p, XP_SAMPLE_R1, 0, GIB, 0, seed, NULL), XP_E_USAGE);
	assert_int_equal(xp_sample_plan_make(&p, XP_SAMPLE_SCATTERED, XP_SAMPLE_MAX_N + 1ULL, GIB,
					     512, seed, NULL),
			 XP_E_USAGE);
	assert_null(p.list);
}

/* The figures of certificates are checked with it: they must not cost what the places cost. */
static void test_plan_default_sample_is_quick(void **state)
{
	uint8_t seed[32] = {5};
	struct xp_sample_plan p;
	clock_t begin = clock();

	(void)state;
	for (int i = 0; i < 200; i++)
		assert_int_equal(xp_sample_plan_totals(&p, XP_SAMPLE_SCATTERED, 0, (uint64_t)20e12,
						       512, seed, NULL),
				 XP_OK);
	assert_true(clock() - begin < CLOCKS_PER_SEC);
	assert_int_equal(xp_sample_plan_make(&p, XP_SAMPLE_SCATTERED, 1000000, (uint64_t)20e12, 512,
					     seed, NULL),
			 XP_OK);
	assert_int_equal(p.independent, 1000000);
	xp_sample_plan_free(&p);
}

/* What is remembered of a target gives the same figures, whatever was asked before. */
static void test_sample_figures_by_memo_are_those_without(void **state)
{
	static const uint64_t capacities[] = {1,
					      4095,
					      4096,
					      1000000,
					      68719476736ULL,
					      68719476737ULL,
					      8001563222016ULL,
					      1ULL << 62,
					      512,
					      3000592982016ULL};
	static const uint32_t blocks[] = {1, 512, 520, 4096, 1U << 24};
	static const uint64_t wanted[] = {
		0, 1, 2, 2000, 69075, XP_SAMPLE_MAX_N, XP_SAMPLE_MAX_N + 1};
	static const enum xp_sample_scheme schemes[] = {XP_SAMPLE_SCATTERED, XP_SAMPLE_NONE};
	const uint8_t seed[32] = {7};
	struct xp_sample_memo memo = {0};

	(void)state;
	for (unsigned i = 0; i < 2 * 10 * 5 * 7 * 2; i++) {
		const struct xp_sample_wish w = {.scheme = schemes[i % 2],
						 .n = wanted[i / 2 % 7],
						 .capacity_bytes = capacities[i / 14 % 10],
						 .logical_block_bytes = blocks[i / 140 % 5],
						 .seed = seed};
		struct xp_sample_plan a = {0};
		struct xp_sample_plan b = {0};
		enum xp_rc rc = xp_sample_plan_totals(&a, w.scheme, w.n, w.capacity_bytes,
						      w.logical_block_bytes, seed, NULL);

		assert_int_equal(xp_sample_plan_figures(&b, &w, &memo, NULL), rc);
		assert_null(b.list);
		assert_true(a.n == b.n && a.independent == b.independent && a.always == b.always &&
			    a.bytes == b.bytes && a.always_bytes == b.always_bytes &&
			    a.unit_bytes == b.unit_bytes);
	}
	/* a target that cannot be is not remembered as one that can */
	{
		const struct xp_sample_wish none = {.scheme = XP_SAMPLE_SCATTERED, .seed = seed};
		struct xp_sample_plan p = {0};

		assert_int_equal(xp_sample_plan_figures(&p, &none, &memo, NULL), XP_E_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_test_vectors_are_met),
		cmocka_unit_test(test_plan_any_size_is_sorted_aligned_inside),
		cmocka_unit_test(test_places_known_labels_are_read),
		cmocka_unit_test(test_scattered_extents_are_distinct_and_outside_the_places),
		cmocka_unit_test(test_scattered_choice_is_even),
		cmocka_unit_test(test_r1_each_subsection_has_two_samples_of_five_percent),
		cmocka_unit_test(test_scattered_finds_residue_as_often_as_it_says),
		cmocka_unit_test(test_r1_finds_runs_as_often_as_simulated),
		cmocka_unit_test(test_plan_other_seed_other_places),
		cmocka_unit_test(test_plan_senseless_wish_is_refused),
		cmocka_unit_test(test_plan_default_sample_is_quick),
		cmocka_unit_test(test_sample_figures_by_memo_are_those_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
