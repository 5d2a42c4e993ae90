/* What is claimed of runs as a whole: passes, attempts, partitions, boots, expectations. */
#include "tests/fake/claim_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_rule_19_firmware_row_caps_its_technique_only(void **state)
{
	struct xp_evidence ev = claim_evidence_new(HDD);
	struct xp_claim c;

	(void)state;
	ev.firmware = calloc(1, sizeof(*ev.firmware));
	assert_non_null(ev.firmware);
	ev.firmware_n = 1;
	ev.firmware[0] = (struct xp_firmware_row){
		.technique = XP_ATA_SECURE_ERASE, .cap = XP_NONE, .why = "lies", .source = "test"};
	claim_judge(&c, HDD, &ev);
	assert_int_equal(c.level, XP_CLEAR);
	assert_false(claim_has_rule(&c, 19));
	ev.firmware[0].technique = XP_OVERWRITE_ZERO;
	claim_judge(&c, HDD, &ev);
	assert_int_equal(c.level, XP_NONE);
	assert_int_equal(c.outcome, FAILED);
	assert_true(claim_has_rule(&c, 19));
	xp_evidence_free(&ev);
}

static void test_rule_26_two_passes_must_be_complements(void **state)
{
	struct xp_evidence ev = claim_evidence_new(STICK);
	struct xp_claim c;

	(void)state;
	claim_evidence_phase(&ev, XP_PHASE_ERASE)->overwrite.content.pattern[0] = 0xfe;
	claim_judge(&c, STICK, &ev);
	assert_int_equal(c.level, XP_NONE);
	assert_non_null(claim_reason(&c, "no-complement"));
	xp_evidence_free(&ev);
}

/* One pass on a stick: clear by r2, nothing by r1. */
static void test_claim_policy_decides_passes(void **state)
{
	struct xp_evidence ev = claim_evidence_new(STICK);
	struct xp_policy *r1 = claim_policy_load("r1", "full");
	struct xp_policy *r2 = claim_policy_load("r2", "full");
	struct xp_phase *p;
	struct xp_claim c;

	(void)state;
	p = claim_evidence_phase(&ev, XP_PHASE_ERASE);
	p->kind = XP_PHASE_IDENTIFY; /* the first pass never was */
	p = claim_evidence_phase(&ev, XP_PHASE_ERASE);
	p->overwrite.pass = p->overwrite.passes = 1;
	xp_claim_compute(&c, &ev, r2);
	assert_int_equal(c.level, XP_CLEAR);
	xp_claim_compute(&c, &ev, r1);
	assert_int_equal(c.level, XP_NONE);
	assert_int_equal(c.cap, XP_NONE);
	xp_policy_free(&r1);
	xp_policy_free(&r2);
	xp_evidence_free(&ev);
}

static void test_claim_policy_without_readback_says_so(void **state)
{
	struct xp_evidence ev = claim_evidence_new(IMAGE);
	struct xp_policy *p = claim_policy_load("r2", "none");
	struct xp_policy *full = claim_policy_load("r2", "full");
	struct xp_claim c;

	(void)state;
	claim_evidence_phase(&ev, XP_PHASE_READBACK)->kind = XP_PHASE_IDENTIFY;
	xp_claim_compute(&c, &ev, p);
	assert_int_equal(c.level, XP_CLEAR);
	assert_non_null(claim_reason(&c, "not-read-back"));
	xp_evidence_free(&ev);
	/* a sample where the policy asks for everything */
	ev = claim_evidence_new(HDD);
	xp_claim_compute(&c, &ev, full);
	assert_int_equal(c.level, XP_NONE);
	assert_non_null(claim_reason(&c, "readback-weaker"));
	xp_evidence_free(&ev);
	/* everything where it asks for a sample of the other scheme */
	ev = claim_evidence_new(IMAGE);
	claim_judge(&c, SSD, &ev);
	assert_int_equal(c.level, XP_CLEAR);
	/* the other scheme's sample is not what it asks for */
	xp_evidence_free(&ev);
	ev = claim_evidence_new(HDD);
	claim_judge(&c, SSD, &ev);
	assert_non_null(claim_reason(&c, "readback-weaker"));
	xp_evidence_free(&ev);
	xp_policy_free(&p);
	xp_policy_free(&full);
}

static void test_claim_partition_is_not_the_drive(void **state)
{
	struct xp_evidence ev = claim_evidence_new(HDD);
	struct xp_claim c;

	(void)state;
	for (size_t i = 0; i < ev.n; i++)
		ev.phases[i].identity.partition = 2;
	claim_judge(&c, HDD, &ev);
	assert_int_equal(c.level, XP_CLEAR);
	assert_int_equal(c.scope, XP_SCOPE_PARTITION);
	assert_true(claim_leaves_out(&c, "outside this partition"));
	xp_evidence_free(&ev);
}

/* A resumed job spans two boots: numbers of one boot may differ, all else may not. */
static void test_claim_other_boot_may_change_its_own_numbers(void **state)
{
	struct xp_evidence ev = claim_evidence_new(HDD);
	struct xp_claim c;

	(void)state;
	for (size_t i = 1; i < ev.n; i++) {
		snprintf(ev.phases[i].boot_id, 8, "second");
		ev.phases[i].identity.diskseq = 44;
		ev.phases[i].identity.fs_dev = 1;
	}
	claim_judge(&c, HDD, &ev);
	assert_int_equal(c.level, XP_CLEAR);
	ev.phases[0].identity.inode = 1;
	claim_judge(&c, HDD, &ev);
	assert_int_equal(c.level, XP_NONE);
	xp_evidence_free(&ev);
}

static void test_claim_restored_capacity_may_differ_before_the_erase(void **state)
{
	struct xp_evidence ev = claim_evidence_new(HDD);
	struct xp_claim c;

	(void)state;
	ev.phases[0].identity.capacity_bytes -= 1 << 20;
	claim_judge(&c, HDD, &ev);
	assert_int_equal(c.level, XP_NONE);
	ev.capacity.restored = true;
	claim_judge(&c, HDD, &ev);
	assert_int_equal(c.level, XP_CLEAR);
	ev.phases[ev.n - 1].identity.capacity_bytes += 512;
	claim_judge(&c, HDD, &ev);
	assert_int_equal(c.level, XP_NONE);
	xp_evidence_free(&ev);
}

/* Appends copies of the phases from FROM on as attempt 2, a minute later. */
static void append_attempt(struct xp_evidence *ev, size_t from)
{
	size_t n = ev->n;

	for (size_t i = from; i < n; i++) {
		struct xp_phase *p = xp_evidence_add(ev, ev->phases[i].kind);
		const struct xp_phase *old = &ev->phases[i];
		uint64_t later = 1000 * 1000000000ULL;

		assert_non_null(p);
		*p = *old;
		assert_int_equal(xp_identity_copy(&p->identity, &old->identity, NULL), XP_OK);
		memset(&p->overwrite.unwritten, 0, sizeof(p->overwrite.unwritten));
		p->attempt = 2;
		p->start_ns += later;
		p->end_ns += later;
		p->start_s += 1000;
		p->end_s += 1000;
	}
}

static void test_claim_later_attempt_repairs_an_earlier_one(void **state)
{
	struct xp_evidence ev = claim_evidence_new(IMAGE);
	struct spoil s;
	struct xp_claim c;

	(void)state;
	append_attempt(&ev, 1);
	s = claim_spoil_of(&ev);
	s.erase->overwrite.bytes_written = 0;
	s.readback->readback.mismatch_total = 5;
	claim_judge(&c, IMAGE, &ev);
	assert_int_equal(c.level, XP_CLEAR);
	assert_int_equal(c.outcome, OK);
	xp_evidence_free(&ev);
}

static void test_claim_residue_in_a_later_readback_undoes_an_earlier_attempt(void **state)
{
	struct xp_evidence ev = claim_evidence_new(IMAGE);
	struct xp_claim c;

	(void)state;
	append_attempt(&ev, 1);
	ev.phases[ev.n - 2].readback.mismatch_total = 1;
	claim_judge(&c, IMAGE, &ev);
	assert_int_equal(c.level, XP_NONE);
	assert_int_equal(c.outcome, FAILED);
	xp_evidence_free(&ev);
}

static void test_claim_nothing_erased_is_failed_or_aborted(void **state)
{
	struct xp_evidence ev = {0};
	struct xp_claim c;

	(void)state;
	claim_judge(&c, IMAGE, &ev);
	assert_int_equal(c.level, XP_NONE);
	assert_int_equal(c.outcome, FAILED);
	ev.cancelled = true;
	claim_judge(&c, IMAGE, &ev);
	assert_int_equal(c.level, XP_NONE);
	assert_int_equal(c.outcome, ABORTED);
	assert_non_null(claim_reason(&c, "nothing-erased"));
}

/* Stopped in the middle: aborted, unless residue was already seen. */
static void test_claim_cancelled_in_the_middle_is_aborted(void **state)
{
	struct xp_evidence ev = claim_evidence_new(IMAGE);
	struct spoil s = claim_spoil_of(&ev);
	struct xp_claim c;

	(void)state;
	ev.cancelled = true;
	s.erase->overwrite.bytes_written = 4096;
	s.erase->overwrite.flushed = false;
	s.readback->readback.mode = XP_READBACK_NONE;
	claim_judge(&c, IMAGE, &ev);
	assert_int_equal(c.outcome, ABORTED);
	s.readback->readback.mode = XP_READBACK_FULL;
	s.readback->readback.mismatch_total = 1;
	claim_judge(&c, IMAGE, &ev);
	assert_int_equal(c.outcome, FAILED);
	xp_evidence_free(&ev);
}

static void test_expect_is_what_a_flawless_run_earns(void **state)
{
	(void)state;
	for (enum claim_case k = 0; k < CLAIM_ATA_CRYPTO; k++) {
		struct xp_evidence ev = claim_evidence_new(k);
		const struct xp_phase *erase = claim_evidence_phase(&ev, XP_PHASE_ERASE);
		const struct xp_phase *last = &ev.phases[ev.n - 3];
		struct xp_policy *p = claim_policy_for(k);
		static struct xp_claim run, expected;

		xp_claim_compute(&run, &ev, p);
		xp_claim_expect_with(&expected, &erase->identity, &ev.capacity, last->technique,
				     erase->overwrite.passes, p);
		assert_int_equal(expected.level, run.level);
		assert_int_equal(expected.scope, run.scope);
		assert_int_equal(expected.cap, run.cap);
		assert_int_equal(expected.not_covered_n, run.not_covered_n);
		xp_policy_free(&p);
		xp_evidence_free(&ev);
	}
}

static void test_expect_drive_not_asked_is_a_logical_unit(void **state)
{
	struct xp_evidence ev = claim_evidence_new(HDD);
	struct xp_policy *p = claim_policy_load("r2", NULL);
	const struct xp_identity *id = &ev.phases[0].identity;
	struct xp_claim c;

	(void)state;
	xp_claim_expect(&c, id, XP_OVERWRITE_ZERO, 1, p);
	assert_int_equal(c.level, XP_CLEAR);
	assert_int_equal(c.scope, LU);
	xp_claim_expect_with(&c, id, &ev.capacity, XP_ATA_SANITIZE_OVERWRITE, 0, p);
	assert_int_equal(c.level, XP_PURGE);
	assert_int_equal(c.scope, DRIVE);
	xp_claim_expect_with(&c, id, &ev.capacity, XP_NVME_FORMAT_USER, 0, p);
	assert_int_equal(c.level, XP_NONE);
	xp_policy_free(&p);
	xp_evidence_free(&ev);
}

static void test_exit_code_follows_the_contract(void **state)
{
	static const struct {
		enum xp_level level;
		enum xp_outcome outcome;
		enum xp_level asked, accepted;
		int code;
	} rows[] = {
		{XP_PURGE, OK, XP_PURGE, XP_PURGE, 0},
		{XP_CLEAR, OK, XP_CLEAR, XP_CLEAR, 0},
		{XP_PURGE, OK, XP_CLEAR, XP_CLEAR, 0},
		{XP_CLEAR, OK, XP_PURGE, XP_PURGE, 3},
		{XP_CLEAR, OK, XP_PURGE, XP_CLEAR, 0},
		{XP_CLEAR, OK, XP_PURGE, XP_NONE, 3},
		{XP_CLEAR, EXCEPT, XP_CLEAR, XP_CLEAR, 0},
		{XP_NONE, OK, XP_PURGE, XP_NONE, 1},
		{XP_NONE, FAILED, XP_CLEAR, XP_CLEAR, 1},
		{XP_CLEAR, FAILED, XP_CLEAR, XP_CLEAR, 1},
		{XP_NONE, UNSURE, XP_CLEAR, XP_CLEAR, 2},
		{XP_PURGE, UNSURE, XP_CLEAR, XP_CLEAR, 2},
		{XP_NONE, ABORTED, XP_CLEAR, XP_CLEAR, 5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct xp_claim c = {.level = rows[i].level, .outcome = rows[i].outcome};

		assert_int_equal(xp_claim_exit_code(&c, rows[i].asked, rows[i].accepted),
				 rows[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_19_firmware_row_caps_its_technique_only),
		cmocka_unit_test(test_rule_26_two_passes_must_be_complements),
		cmocka_unit_test(test_claim_policy_decides_passes),
		cmocka_unit_test(test_claim_policy_without_readback_says_so),
		cmocka_unit_test(test_claim_partition_is_not_the_drive),
		cmocka_unit_test(test_claim_other_boot_may_change_its_own_numbers),
		cmocka_unit_test(test_claim_restored_capacity_may_differ_before_the_erase),
		cmocka_unit_test(test_claim_later_attempt_repairs_an_earlier_one),
		cmocka_unit_test(test_claim_residue_in_a_later_readback_undoes_an_earlier_attempt),
		cmocka_unit_test(test_claim_nothing_erased_is_failed_or_aborted),
		cmocka_unit_test(test_claim_cancelled_in_the_middle_is_aborted),
		cmocka_unit_test(test_expect_is_what_a_flawless_run_earns),
		cmocka_unit_test(test_expect_drive_not_asked_is_a_logical_unit),
		cmocka_unit_test(test_exit_code_follows_the_contract),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
