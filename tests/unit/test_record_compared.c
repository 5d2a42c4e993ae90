/* What stood there before a drive's own erase, and what was made of it. */
#include "certs/record_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/record_compared.h"

#define FROZEN "tests/data/frozen/0.1.0-drives/01a202f9-1cd0-769b-9ebd-fc745731b4f5.json"

/* A crypto erase of an emulated SSD: identify, baseline, erase, readback, identify. */
enum { IDENTIFY, BASELINE, ERASE, READBACK };

struct frozen {
	struct xp_record *r;
	struct xp_baseline_result *before;
	struct xp_readback_result *after;
};

static struct frozen frozen_new(void)
{
	AUTO(xp_findings_free) struct xp_findings f = {0};
	struct frozen z = {.r = calloc(1, sizeof(*z.r))};
	AUTO_MEM char *json = NULL;
	struct xp_err err = {0};
	size_t len = 0;

	assert_non_null(z.r);
	if (xp_file_read(&json, &len, FROZEN, XP_RECORD_MAX_BYTES, &err) != XP_OK ||
	    xp_record_parse(z.r, json, len, &f, &err) != XP_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(z.r->evidence.phases[BASELINE].kind, XP_PHASE_BASELINE);
	assert_int_equal(z.r->evidence.phases[READBACK].kind, XP_PHASE_READBACK);
	z.before = &z.r->evidence.phases[BASELINE].baseline;
	z.after = &z.r->evidence.phases[READBACK].readback;
	return z;
}

/* CODE NULL: nothing but warnings that are no W_VERIFICATION. Takes Z. */
static void expect(struct frozen *z, const char *code, const char *where)
{
	AUTO(xp_findings_free) struct xp_findings f = {0};
	struct xp_err err = {0};
	bool found = false;

	assert_int_equal(xp_record_check(z->r, &f, &err), XP_OK);
	for (size_t i = 0; i < f.n; i++) {
		found = found || (code && strcmp(f.list[i].code, code) == 0 &&
				  strstr(f.list[i].text, where));
		if (!code &&
		    (f.list[i].code[0] != 'W' || strcmp(f.list[i].code, "W_VERIFICATION") == 0))
			fail_msg("%s: %s", f.list[i].code, f.list[i].text);
	}
	assert_true(!code || found);
	xp_record_free(z->r);
	free(z->r);
}

static void test_compared_honest_passes(void **state)
{
	struct frozen z = frozen_new();

	(void)state;
	expect(&z, NULL, NULL);
}

static void test_compared_sums_that_do_not_add_up_are_found(void **state)
{
	struct frozen z = frozen_new();

	(void)state;
	z.after->changed_blocks--;
	expect(&z, "E_VERIFICATION", "the blocks of each kind");
	z = frozen_new();
	z.after->changed_blocks = UINT64_MAX;
	z.after->zero_blocks = 2;
	expect(&z, "E_VERIFICATION", "the blocks of each kind");
}

static void test_compared_with_other_blocks_is_found(void **state)
{
	struct frozen z = frozen_new();

	(void)state;
	z.after->changed_blocks = z.after->compared_blocks = 1;
	expect(&z, "E_VERIFICATION", "compared_blocks: not those");
	z = frozen_new();
	z.before->blocks *= 2;
	z.after->changed_blocks = z.after->compared_blocks = z.before->blocks;
	expect(&z, "E_VERIFICATION", "baseline.blocks: more");
	z = frozen_new();
	z.before->informative_blocks = z.before->blocks + 1;
	expect(&z, "E_VERIFICATION", "baseline.blocks: more");
}

/* What says nothing shows no change, whoever calls it informative. */
static void test_compared_baseline_called_informative_is_found(void **state)
{
	struct frozen z = frozen_new();

	(void)state;
	z.before->informative_blocks = 0;
	expect(&z, "E_VERIFICATION", "baseline_informative");
	z = frozen_new();
	z.after->baseline_informative = XP_ANSWER_NO;
	expect(&z, "E_VERIFICATION", "baseline_informative");
	/* no baseline at all */
	z = frozen_new();
	z.r->evidence.phases[BASELINE].kind = XP_PHASE_IDENTIFY;
	expect(&z, "E_VERIFICATION", "baseline_informative");
}

static void test_compared_baseline_behind_the_erase_is_found(void **state)
{
	struct frozen z = frozen_new();
	struct xp_phase *p = z.r->evidence.phases;
	struct xp_phase swapped = p[BASELINE];

	(void)state;
	p[BASELINE] = p[ERASE];
	p[ERASE] = swapped;
	expect(&z, "E_VERIFICATION", "behind the erase");
}

/*
 * What was written between two takes reads as changed: only where contents are known does it show.
 * Whoever says that they were must have found them.
 */
static void test_compared_contents_called_known_are_found(void **state)
{
	struct frozen z = frozen_new();

	(void)state;
	z.after->expected.kind = XP_CONTENT_ZERO;
	expect(&z, "E_VERIFICATION", "readback.expected: the comparison");
	z = frozen_new();
	z.after->expected.kind = XP_CONTENT_ZERO;
	z.after->zero_blocks = z.after->changed_blocks - 1;
	z.after->pattern_blocks = 1;
	z.after->changed_blocks = 0;
	expect(&z, "E_VERIFICATION", "readback.expected: the comparison");
}

/* A verifier's time is nobody's for the asking. */
static void test_compared_places_without_end_are_not_computed(void **state)
{
	struct frozen z = frozen_new();

	(void)state;
	z.before->canaries = 1;
	z.before->canaries_read = true;
	z.before->bytes_planned = UINT64_MAX;
	expect(&z, "E_VERIFICATION", "more places than a job reads");
}

/* Lost with the journal, or left out: the record stands, and it is said. */
static void test_compared_not_at_all_is_said(void **state)
{
	struct frozen z = frozen_new();

	(void)state;
	z.after->baseline_informative = XP_ANSWER_UNKNOWN;
	z.after->changed_blocks = z.after->compared_blocks = 0;
	expect(&z, "W_VERIFICATION", "not compared");
	z = frozen_new();
	z.r->evidence.phases[BASELINE].kind = XP_PHASE_IDENTIFY;
	z.after->baseline_informative = XP_ANSWER_UNKNOWN;
	z.after->changed_blocks = z.after->compared_blocks = 0;
	expect(&z, "W_VERIFICATION", "not compared");
}

/* What stood there is what those who validate later compare with. */
static void test_compared_digests_are_of_the_places_read(void **state)
{
	struct frozen z = frozen_new();

	(void)state;
	assert_true(z.before->digest_n > 0);
	z.before->digests[0].sha256[0] ^= 1;
	expect(&z, "E_VERIFICATION", "baseline.digests");
	z = frozen_new();
	z.before->digests_sha256[31] ^= 1;
	expect(&z, "E_VERIFICATION", "baseline.digests");
	z = frozen_new();
	z.before->digest_n = 0;
	expect(&z, "E_VERIFICATION", "baseline.digests");
	z = frozen_new();
	z.before->digests[0].offset = UINT64_MAX - 10;
	expect(&z, "E_VERIFICATION", "baseline.digests");
	z = frozen_new();
	z.before->digests[0].len--;
	expect(&z, "E_VERIFICATION", "baseline.digests");
}

static void test_compared_baseline_figures_follow_from_its_seed(void **state)
{
	struct frozen z = frozen_new();

	(void)state;
	z.before->extents++;
	expect(&z, "E_VERIFICATION", "baseline: the figures");
	z = frozen_new();
	z.before->always_extents--;
	expect(&z, "E_VERIFICATION", "baseline: the figures");
	z = frozen_new();
	z.before->read_errors.total_count = 1;
	z.before->read_errors.total_bytes = 512;
	expect(&z, "E_EVIDENCE_EXTENTS", "baseline.read_errors");
}

/* A drive that knows where it will be read has time to put there what is looked for. */
static void test_compared_readback_at_places_known_before_is_found(void **state)
{
	struct frozen z = frozen_new();

	(void)state;
	assert_int_equal(z.after->mode, XP_READBACK_SAMPLE);
	memcpy(z.after->seed, z.before->seed, sizeof(z.after->seed));
	expect(&z, "E_VERIFICATION", "readback.seed: that of evidence[1]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compared_honest_passes),
		cmocka_unit_test(test_compared_sums_that_do_not_add_up_are_found),
		cmocka_unit_test(test_compared_with_other_blocks_is_found),
		cmocka_unit_test(test_compared_baseline_called_informative_is_found),
		cmocka_unit_test(test_compared_baseline_behind_the_erase_is_found),
		cmocka_unit_test(test_compared_contents_called_known_are_found),
		cmocka_unit_test(test_compared_places_without_end_are_not_computed),
		cmocka_unit_test(test_compared_not_at_all_is_said),
		cmocka_unit_test(test_compared_digests_are_of_the_places_read),
		cmocka_unit_test(test_compared_baseline_figures_follow_from_its_seed),
		cmocka_unit_test(test_compared_readback_at_places_known_before_is_found),
	};

	return cmocka_run_group_tests_name("record_compared", tests, NULL, NULL);
}
