/* When an overwrite in place is known to have hit a file's bytes, and rule 31 upon it. */
#include "device/protocol/file_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "claim/claim.h"
#include "tests/fake/claim_evidence.h"

#define SIZE 1048576u

static struct xp_file_extent one[] = {{0, 4096000, SIZE}};
static struct xp_file_extent two[] = {{0, 4096000, 4096}, {4096, 4100096, SIZE - 4096}};
static struct xp_file_extent moved[] = {{0, 4096000, 4096}, {4096, 8192000, SIZE - 4096}};
static struct xp_file_extent holes[] = {{8192, 4104192, 4096}};
static struct xp_file_extent cut[] = {{0, 4096000, SIZE - 4096}};

static struct xp_file_facts facts(struct xp_file_extent *list, size_t n)
{
	return (struct xp_file_facts){.fs = XP_FS_EXT,
				      .below = XP_BELOW_MAGNETIC,
				      .links = 1,
				      .map_known = true,
				      .extents = list,
				      .extent_n = n};
}

static void test_file_in_its_place_is_known(void **state)
{
	struct xp_file_facts a = facts(one, 1);
	struct xp_file_facts b = facts(two, 2);
	struct xp_file_facts h = facts(holes, 1);

	(void)state;
	assert_null(xp_place_doubt_before(&a));
	assert_null(xp_place_doubt(&a, &a));
	/* the same places, told in pieces; and holes that were filled */
	assert_null(xp_place_doubt(&a, &b));
	assert_null(xp_place_doubt(&b, &a));
	assert_null(xp_place_doubt(&h, &a));
	h.extent_n = 0;
	assert_null(xp_place_doubt(&h, &a));
}

static void test_file_that_moved_is_in_doubt(void **state)
{
	struct xp_file_facts a = facts(one, 1);
	struct xp_file_facts m = facts(moved, 2);
	struct xp_file_facts c = facts(cut, 1);
	struct xp_file_facts none = facts(NULL, 0);

	(void)state;
	assert_non_null(strstr(xp_place_doubt(&a, &m), "moved"));
	assert_non_null(strstr(xp_place_doubt(&m, &a), "moved"));
	assert_non_null(strstr(xp_place_doubt(&a, &c), "moved"));
	assert_non_null(strstr(xp_place_doubt(&a, &none), "moved"));
}

static void test_file_each_doubt_counts_before_and_after(void **state)
{
	(void)state;
	for (int which = 0; which < 6; which++) {
		struct xp_file_facts a = facts(one, 1);
		struct xp_file_facts b = facts(one, 1);

		b.shared = which == 0;
		b.encoded = which == 1;
		b.elsewhere = which == 2;
		b.journals_data = which == 3;
		b.map_known = which != 4;
		if (which == 5)
			b.below = XP_BELOW_FLASH;
		assert_non_null(xp_place_doubt_before(&b));
		assert_non_null(xp_place_doubt(&a, &b));
		assert_non_null(xp_place_doubt(&b, &a));
	}
}

static void test_file_systems_that_write_elsewhere(void **state)
{
	static const enum xp_file_system good[] = {XP_FS_EXT, XP_FS_XFS, XP_FS_FAT};

	(void)state;
	for (int fs = 0; fs < XP_FS_COUNT; fs++) {
		struct xp_file_facts a = facts(one, 1);
		bool is_good = false;

		a.fs = (enum xp_file_system)fs;
		for (size_t i = 0; i < 3; i++)
			is_good = is_good || a.fs == good[i];
		assert_int_equal(xp_place_doubt_before(&a) == NULL, is_good || a.fs == XP_FS_TMPFS);
		for (int below = 0; below <= XP_BELOW_MEMORY; below++) {
			a.below = (enum xp_file_below)below;
			if (a.below == XP_BELOW_FLASH || a.below == XP_BELOW_UNKNOWN)
				assert_non_null(xp_place_doubt_before(&a));
			if (a.below == XP_BELOW_VIRTUAL && is_good)
				assert_null(xp_place_doubt_before(&a));
		}
	}
}

static void test_file_on_tmpfs_needs_no_map_but_no_swap(void **state)
{
	struct xp_file_facts a = {.fs = XP_FS_TMPFS, .below = XP_BELOW_MEMORY};

	(void)state;
	assert_null(xp_place_doubt(&a, &a));
	a.swap_active = true;
	assert_non_null(xp_place_doubt(&a, &a));
}

/* ---- rule 31 ---- */

static void make(struct xp_evidence *ev, bool looked)
{
	*ev = claim_evidence_new(CLAIM_IMAGE_ZERO_FULL);
	for (size_t i = 0; i < ev->n; i++) {
		struct xp_phase *p = &ev->phases[i];

		p->technique = XP_FILE_OVERWRITE;
		p->overwrite.content.kind = XP_CONTENT_RANDOM;
		p->readback.expected.kind = XP_CONTENT_RANDOM;
		if ((p->kind != XP_PHASE_IDENTIFY || i) && p->kind != XP_PHASE_ERASE)
			continue;
		p->file_known = looked;
		p->file = facts(NULL, 0);
	}
}

static void test_file_advice_follows_from_where_it_lies(void **state)
{
	static const struct {
		enum xp_file_system fs;
		enum xp_file_below below;
		const char *says;
	} rows[] = {
		{XP_FS_BTRFS, XP_BELOW_MAGNETIC, "snapshots"},
		{XP_FS_ZFS, XP_BELOW_FLASH, "snapshots"},
		{XP_FS_OVERLAY, XP_BELOW_UNKNOWN, "layer below"},
		{XP_FS_NETWORK, XP_BELOW_UNKNOWN, "serves the files"},
		{XP_FS_TMPFS, XP_BELOW_MEMORY, "swap space"},
		{XP_FS_EXT, XP_BELOW_FLASH, "sanitize itself"},
		{XP_FS_XFS, XP_BELOW_MAGNETIC, "free space"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct xp_file_facts f = {.fs = rows[i].fs, .below = rows[i].below};

		assert_non_null(strstr(xp_place_advice(&f), rows[i].says));
		/* with what stands in front of it a reason has room for it */
		assert_true(strlen(xp_place_advice(&f)) < 200);
	}
}

static void test_file_claim_follows_the_place(void **state)
{
	struct xp_policy *policy = claim_policy_load("r2", NULL);
	struct xp_evidence ev;
	struct xp_claim c;

	(void)state;
	make(&ev, true);
	xp_claim_compute(&c, &ev, policy);
	assert_int_equal(c.level, XP_CLEAR);
	assert_int_equal(c.scope, XP_SCOPE_FILE);
	assert_int_equal(xp_claim_exit_code(&c, XP_CLEAR, XP_NONE), 0);
	claim_evidence_phase(&ev, XP_PHASE_ERASE)->file.shared = true;
	xp_claim_compute(&c, &ev, policy);
	assert_int_equal(c.level, XP_NONE);
	assert_int_equal(c.outcome, XP_OUTCOME_INDETERMINATE);
	assert_true(claim_has_reason(&c, "place-unknown"));
	assert_true(claim_has_reason(&c, "key-advice"));
	assert_int_equal(xp_claim_exit_code(&c, XP_CLEAR, XP_NONE), 3);
	/* with anything else amiss it is no longer only that */
	claim_evidence_phase(&ev, XP_PHASE_READBACK)->readback.bytes_delivered -= 512;
	xp_claim_compute(&c, &ev, policy);
	assert_int_equal(xp_claim_exit_code(&c, XP_CLEAR, XP_NONE), 2);
	xp_evidence_free(&ev);
	make(&ev, false);
	xp_claim_compute(&c, &ev, policy);
	assert_int_equal(c.level, XP_NONE);
	xp_evidence_free(&ev);
	xp_policy_free(&policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_in_its_place_is_known),
		cmocka_unit_test(test_file_that_moved_is_in_doubt),
		cmocka_unit_test(test_file_each_doubt_counts_before_and_after),
		cmocka_unit_test(test_file_systems_that_write_elsewhere),
		cmocka_unit_test(test_file_on_tmpfs_needs_no_map_but_no_swap),
		cmocka_unit_test(test_file_advice_follows_from_where_it_lies),
		cmocka_unit_test(test_file_claim_follows_the_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
