/* Every rule bites where it must and not elsewhere; no defect ever raises a claim. */
#include "tests/fake/claim_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_claim_flawless_runs_earn_their_cap(void **state)
{
	static const enum xp_scope scopes[CLAIM_CASES] = {
		[CLAIM_IMAGE_ZERO_FULL] = XP_SCOPE_LOGICAL_UNIT,
		[CLAIM_HDD_ZERO_SAMPLE] = XP_SCOPE_DRIVE,
		[CLAIM_SSD_PATTERN_R1] = XP_SCOPE_DRIVE,
		[CLAIM_STICK_TWO_PASSES] = XP_SCOPE_LOGICAL_UNIT,
		[CLAIM_NVME_RANDOM_FULL] = XP_SCOPE_NAMESPACE,
	};

	(void)state;
	for (enum claim_case k = 0; k < CLAIM_ATA_CRYPTO; k++) {
		struct xp_evidence ev = claim_evidence_new(k);
		struct xp_claim c;

		claim_judge(&c, k, &ev);
		assert_int_equal(c.level, XP_CLEAR);
		assert_int_equal(c.cap, XP_CLEAR);
		assert_int_equal(c.outcome, XP_OUTCOME_SANITIZED);
		assert_int_equal(c.scope, scopes[k]);
		assert_non_null(claim_reason(&c, "cap"));
		assert_true(claim_leaves_out(&c, "backups"));
		assert_int_equal(claim_leaves_out(&c, "snapshots"), k == CLAIM_IMAGE_ZERO_FULL);
		assert_int_equal(claim_leaves_out(&c, "reallocated"), k == CLAIM_HDD_ZERO_SAMPLE);
		assert_int_equal(claim_leaves_out(&c, "over-provisioned"),
				 k > CLAIM_HDD_ZERO_SAMPLE);
		xp_evidence_free(&ev);
	}
}

#define SPOIL(name, statement)                                                                     \
	static void name(struct spoil *s)                                                          \
	{                                                                                          \
		statement;                                                                         \
	}

SPOIL(nothing, (void)s)
SPOIL(hidden_left, s->ev->capacity.native += 512)
SPOIL(factory_left, s->ev->capacity.factory = s->ev->capacity.current + 512)
SPOIL(hidden_unknown, s->ev->capacity.hidden_areas_known = false)
SPOIL(hidden_and_denied, {
	s->ev->capacity.native += 512;
	s->ev->capacity.hidden_areas_apply = false;
	s->ev->capacity.hidden_areas_known = false;
})
static void hidden_denied_by_noise(struct spoil *s)
{
	s->ev->capacity.hidden_areas_apply = false;
	for (size_t i = 0; i < s->ev->n; i++)
		if (s->ev->phases[i].identity.raw_n)
			s->ev->phases[i].identity.raw[0].len = 1;
}
SPOIL(hidden_denied, s->ev->capacity.hidden_areas_apply = false)
SPOIL(cancelled, s->ev->cancelled = true)
SPOIL(short_write, s->erase->overwrite.bytes_written -= 512)
SPOIL(interrupted, s->erase->interrupted = true)
SPOIL(unwritten, {
	assert_int_equal(xp_extents_add(&s->erase->overwrite.unwritten, 4096, 512, NULL), XP_OK);
	s->erase->overwrite.bytes_written -= 512;
})
SPOIL(unwritten_total_only, { s->erase->overwrite.unwritten.total_count = 1; })
SPOIL(long_write, s->erase->overwrite.bytes_written += 512)
SPOIL(resumed_beyond, s->erase->overwrite.resumed_from = s->erase->overwrite.bytes_written + 1)
SPOIL(not_flushed, s->erase->overwrite.flushed = false)
SPOIL(pass_missing, s->erase->overwrite.passes = 3)
SPOIL(pass_zero, s->erase->overwrite.passes = 0)
SPOIL(fact_capacity, s->ev->capacity.current += 512)
SPOIL(read_error, {
	assert_int_equal(xp_extents_add(&s->readback->readback.read_errors, 4096, 512, NULL),
			 XP_OK);
	s->readback->readback.bytes_delivered -= 512;
	s->readback->readback.coverage_ppm = 0;
	if (s->readback->readback.extents)
		s->readback->readback.extents -= 2;
})
SPOIL(read_errors_many, {
	uint64_t half = s->readback->readback.bytes_planned / 2;

	assert_int_equal(xp_extents_add(&s->readback->readback.read_errors, 0, half, NULL), XP_OK);
	s->readback->readback.bytes_delivered -= half;
	s->readback->readback.coverage_ppm = 0;
})
SPOIL(mismatch, s->readback->readback.mismatch_total = 1)
SPOIL(mismatch_listed, {
	s->readback->readback.mismatches = calloc(1, sizeof(struct xp_mismatch));
	assert_non_null(s->readback->readback.mismatches);
	s->readback->readback.mismatches[0].offset = 8192;
	s->readback->readback.mismatch_n = 1;
})
SPOIL(unchanged, s->readback->readback.unchanged_blocks = 3)
SPOIL(canary, s->readback->readback.canaries_alive = 1)
SPOIL(other_serial, snprintf(s->last->identity.serial, 8, "SN9"))
SPOIL(other_name, snprintf(s->erase->identity.name, 8, "x.img"))
SPOIL(other_inode, s->first->identity.inode++)
SPOIL(other_size, s->last->identity.capacity_bytes += 512)
SPOIL(other_diskseq, s->last->identity.diskseq++)
SPOIL(never_looked_again, s->ev->n = 2)
SPOIL(too_fast, s->erase->end_ns = s->erase->start_ns + 1000000000)
SPOIL(no_time_at_all, s->erase->end_ns = s->erase->start_ns)
SPOIL(read_too_fast, { s->readback->end_ns = s->readback->start_ns + 1; })
SPOIL(deallocated, s->readback->readback.reads_deallocated = XP_ANSWER_YES)
SPOIL(nameless, {
	for (size_t i = 0; i < s->ev->n; i++) {
		s->ev->phases[i].identity.serial[0] = 0;
		s->ev->phases[i].identity.wwn[0] = 0;
	}
})
SPOIL(clock_free, s->ev->clock_synchronized = XP_ANSWER_NO)
SPOIL(clock_back, s->erase->end_s = s->erase->start_s - 5)
SPOIL(ends_before_start, s->erase->end_ns = s->erase->start_ns - 1)
SPOIL(overlaps, s->readback->start_ns = s->erase->end_ns - 1)
SPOIL(later_boot_earlier_wall, {
	snprintf(s->readback->boot_id, 8, "other");
	s->readback->start_s = s->erase->end_s - 1;
})
SPOIL(attempts_disordered, s->readback->attempt = 0)
SPOIL(no_readback, s->readback->readback.mode = XP_READBACK_NONE)
SPOIL(readback_before, {
	struct xp_phase tmp = *s->readback;

	s->readback->kind = XP_PHASE_IDENTIFY;
	(void)tmp;
})
SPOIL(planned_less, {
	s->readback->readback.bytes_planned -= 4096;
	s->readback->readback.bytes_delivered -= 4096;
	s->readback->readback.coverage_ppm = 0;
})
SPOIL(undelivered, {
	s->readback->readback.bytes_delivered -= 1;
	s->readback->readback.coverage_ppm = 0;
})
SPOIL(overdelivered, s->readback->readback.bytes_delivered += 1)
SPOIL(coverage_high, s->readback->readback.coverage_ppm += 1)
SPOIL(extents_high, s->readback->readback.extents += 1)
SPOIL(always_high, s->readback->readback.always_extents += 1)
SPOIL(seed_empty, memset(s->readback->readback.seed, 0, 32))
SPOIL(other_expectation, s->readback->readback.expected.kind = XP_CONTENT_UNKNOWN)
SPOIL(through_cache, s->readback->readback.how.direct = false)
SPOIL(other_content, s->erase->overwrite.content.kind = XP_CONTENT_UNKNOWN)
SPOIL(bad_pattern_len, {
	s->erase->overwrite.content.pattern_len = XP_PATTERN_MAX + 1;
	s->readback->readback.expected.pattern_len = XP_PATTERN_MAX + 1;
})
SPOIL(frozen, s->erase->command.frozen = true)
SPOIL(locked, s->erase->command.locked = true)
SPOIL(aborted, s->erase->command.aborted = true)
SPOIL(failure_mode, s->erase->command.exit_failure_mode = true)
SPOIL(attached, s->erase->command.attached = true)
SPOIL(not_accepted, s->erase->command.accepted = false)
SPOIL(can_be_off, {
	s->erase->command.keys.can_be_off = XP_ANSWER_UNKNOWN;
	s->erase->command.keys.plaintext_before = XP_ANSWER_UNKNOWN;
})
SPOIL(copies_alive, s->erase->command.keys.copies_alive = XP_ANSWER_YES)
SPOIL(global_kept, s->erase->command.keys.keeps_global_range = true)
SPOIL(not_encrypting, s->erase->command.keys.media_encryption = XP_ANSWER_NO)
SPOIL(ranges_left, s->erase->command.keys.ranges_left = true)
SPOIL(namespaces_left, s->erase->command.leaves_namespaces = true)
SPOIL(baseline_zero, s->readback->readback.baseline_informative = XP_ANSWER_NO)

static const struct bite {
	enum claim_case which;
	void (*spoil)(struct spoil *s);
	unsigned rule;
	const char *code; /* NULL: the rule does not bite */
	enum xp_level level;
	enum xp_outcome outcome;
	enum xp_scope scope;
} bites[] = {
	{NVME, nothing, 1, "other-namespaces", CLEAR, OK, XP_SCOPE_NAMESPACE},
	{CRYPTO, namespaces_left, 1, "other-namespaces", NONE, UNSURE, XP_SCOPE_NAMESPACE},
	{HDD, nothing, 1, NULL, CLEAR, OK, DRIVE},
	{HDD, hidden_left, 2, "hidden-areas-left", NONE, FAILED, DRIVE},
	{HDD, factory_left, 2, "hidden-areas-left", NONE, FAILED, DRIVE},
	{CRYPTO, hidden_left, 2, "hidden-areas-by-device", NONE, UNSURE, DRIVE},
	{IMAGE, hidden_left, 2, NULL, CLEAR, OK, LU},
	{HDD, hidden_unknown, 3, "hidden-areas-unknown", CLEAR, OK, LU},
	{HDD, hidden_and_denied, 2, "hidden-areas-left", NONE, FAILED, DRIVE},
	{HDD, hidden_denied, 3, NULL, CLEAR, OK, DRIVE},
	{HDD, hidden_denied_by_noise, 3, "hidden-areas-unknown", CLEAR, OK, LU},
	{STICK, hidden_denied, 3, "hidden-areas-unknown", CLEAR, OK, LU},
	{IMAGE, hidden_unknown, 3, NULL, CLEAR, OK, LU},
	{CRYPTO, frozen, 5, NULL, NONE, UNSURE, DRIVE},
	{CRYPTO, locked, 5, "locked", NONE, FAILED, DRIVE},
	{CRYPTO, aborted, 5, "command-aborted", NONE, FAILED, DRIVE},
	{CRYPTO, failure_mode, 5, "failure-mode-left", NONE, FAILED, DRIVE},
	{HDD, aborted, 5, NULL, CLEAR, OK, DRIVE},
	{IMAGE, cancelled, 6, "cancelled", NONE, ABORTED, LU},
	{IMAGE, interrupted, 6, "resumed", CLEAR, OK, LU},
	{CRYPTO, interrupted, 6, "interrupted", NONE, UNSURE, DRIVE},
	{IMAGE, nothing, 6, NULL, CLEAR, OK, LU},
	{CRYPTO, nothing, 7, "completion-unproven", NONE, UNSURE, DRIVE},
	{IMAGE, nothing, 7, NULL, CLEAR, OK, LU},
	{CRYPTO, attached, 8, "not-ours", NONE, UNSURE, DRIVE},
	{CRYPTO, not_accepted, 8, "not-accepted", NONE, UNSURE, DRIVE},
	{CRYPTO, nothing, 8, NULL, NONE, UNSURE, DRIVE},
	{IMAGE, short_write, 9, "not-all-written", NONE, FAILED, LU},
	{IMAGE, unwritten, 9, "not-written", NONE, FAILED, LU},
	{IMAGE, unwritten_total_only, 9, "not-written", NONE, FAILED, LU},
	{IMAGE, long_write, 9, "figures-contradict", NONE, FAILED, LU},
	{IMAGE, resumed_beyond, 9, "figures-contradict", NONE, FAILED, LU},
	{IMAGE, not_flushed, 9, "not-flushed", NONE, FAILED, LU},
	{STICK, not_flushed, 9, "passes-missing", NONE, FAILED, LU},
	{IMAGE, pass_missing, 9, "passes-missing", NONE, FAILED, LU},
	{IMAGE, pass_zero, 9, "passes-missing", NONE, FAILED, LU},
	{IMAGE, fact_capacity, 9, "capacity-contradicts", NONE, UNSURE, LU},
	{STICK, nothing, 9, NULL, CLEAR, OK, LU},
	{HDD, read_error, 10, "unreadable", CLEAR, EXCEPT, DRIVE},
	{IMAGE, read_error, 10, "unreadable", CLEAR, EXCEPT, LU},
	{HDD, read_errors_many, 10, "too-much-unreadable", NONE, UNSURE, DRIVE},
	{CRYPTO, read_errors_many, 10, "unreadable", NONE, UNSURE, DRIVE},
	{HDD, nothing, 10, NULL, CLEAR, OK, DRIVE},
	{IMAGE, mismatch, 11, "residue-found", NONE, FAILED, LU},
	{HDD, mismatch_listed, 11, "residue-found", NONE, FAILED, DRIVE},
	{CRYPTO, unchanged, 11, "unchanged", NONE, FAILED, DRIVE},
	{CRYPTO, canary, 11, "canaries-alive", NONE, FAILED, DRIVE},
	{HDD, nothing, 11, NULL, CLEAR, OK, DRIVE},
	{CRYPTO, baseline_zero, 12, "baseline-uninformative", NONE, UNSURE, DRIVE},
	{CRYPTO, nothing, 12, NULL, NONE, UNSURE, DRIVE},
	{HDD, other_serial, 13, "identity-changed", NONE, FAILED, DRIVE},
	{IMAGE, other_name, 13, "identity-changed", NONE, FAILED, LU},
	{IMAGE, other_inode, 13, "identity-changed", NONE, FAILED, LU},
	{HDD, other_size, 13, "identity-changed", NONE, FAILED, DRIVE},
	{HDD, other_diskseq, 13, "identity-changed", NONE, FAILED, DRIVE},
	{IMAGE, never_looked_again, 13, "not-identified-after", NONE, UNSURE, LU},
	{HDD, nothing, 13, NULL, CLEAR, OK, DRIVE},
	{HDD, too_fast, 14, "written-too-fast", NONE, UNSURE, DRIVE},
	{NVME, too_fast, 14, NULL, CLEAR, OK, XP_SCOPE_NAMESPACE},
	{NVME, no_time_at_all, 14, "written-too-fast", NONE, UNSURE, XP_SCOPE_NAMESPACE},
	{NVME, read_too_fast, 14, "read-too-fast", NONE, UNSURE, XP_SCOPE_NAMESPACE},
	{IMAGE, no_time_at_all, 14, NULL, CLEAR, OK, LU},
	{IMAGE, nothing, 15, "no-drive-in-sight", CLEAR, OK, LU},
	{STICK, nothing, 15, "no-drive-in-sight", CLEAR, OK, LU},
	{HDD, nothing, 15, NULL, CLEAR, OK, DRIVE},
	{CRYPTO, can_be_off, 16, "plaintext-possible", NONE, UNSURE, DRIVE},
	{CRYPTO, copies_alive, 16, "key-copies-alive", NONE, UNSURE, DRIVE},
	{CRYPTO, global_kept, 16, "global-range-kept", NONE, UNSURE, DRIVE},
	{CRYPTO, nothing, 16, NULL, NONE, UNSURE, DRIVE},
	{HDD, copies_alive, 16, NULL, CLEAR, OK, DRIVE},
	{CRYPTO, not_encrypting, 17, "no-media-encryption", NONE, UNSURE, DRIVE},
	{CRYPTO, nothing, 17, NULL, NONE, UNSURE, DRIVE},
	{CRYPTO, ranges_left, 18, "ranges-left", NONE, UNSURE, PART},
	{CRYPTO, nothing, 18, NULL, NONE, UNSURE, DRIVE},
	{HDD, deallocated, 20, "reads-deallocated", NONE, UNSURE, DRIVE},
	{CRYPTO, deallocated, 20, "reads-deallocated", NONE, UNSURE, DRIVE},
	{HDD, nothing, 20, NULL, CLEAR, OK, DRIVE},
	{HDD, nameless, 21, "identity-unavailable", CLEAR, OK, LU},
	{IMAGE, nameless, 21, NULL, CLEAR, OK, LU},
	{HDD, clock_free, 22, "clock-unsynchronized", CLEAR, OK, DRIVE},
	{HDD, clock_back, 22, "clock-stepped", CLEAR, OK, DRIVE},
	{HDD, nothing, 22, NULL, CLEAR, OK, DRIVE},
	{HDD, ends_before_start, 23, "time-runs-back", NONE, UNSURE, DRIVE},
	{HDD, overlaps, 23, "time-runs-back", NONE, UNSURE, DRIVE},
	{HDD, later_boot_earlier_wall, 23, "time-runs-back", NONE, UNSURE, DRIVE},
	{HDD, attempts_disordered, 23, "attempts-disordered", NONE, UNSURE, DRIVE},
	{HDD, clock_back, 23, NULL, CLEAR, OK, DRIVE},
	{IMAGE, no_readback, 24, "readback-missing", NONE, UNSURE, LU},
	{IMAGE, readback_before, 24, "readback-missing", NONE, UNSURE, LU},
	{HDD, planned_less, 24, "readback-weaker", NONE, UNSURE, DRIVE},
	{HDD, nothing, 24, NULL, CLEAR, OK, DRIVE},
	{HDD, read_error, 24, NULL, CLEAR, EXCEPT, DRIVE},
	{IMAGE, no_readback, 25, "readback-without-mode", NONE, UNSURE, LU},
	{IMAGE, planned_less, 25, "readback-not-full", NONE, UNSURE, LU},
	{HDD, undelivered, 25, "readback-undelivered", NONE, UNSURE, DRIVE},
	{HDD, overdelivered, 25, "readback-undelivered", NONE, UNSURE, DRIVE},
	{HDD, coverage_high, 25, "coverage-too-high", NONE, UNSURE, DRIVE},
	{IMAGE, coverage_high, 25, "coverage-too-high", NONE, UNSURE, LU},
	{HDD, extents_high, 25, "sample-contradicts", NONE, UNSURE, DRIVE},
	{SSD, extents_high, 25, "sample-contradicts", NONE, UNSURE, DRIVE},
	{HDD, always_high, 25, "sample-contradicts", NONE, UNSURE, DRIVE},
	{SSD, planned_less, 25, "sample-contradicts", NONE, UNSURE, DRIVE},
	{HDD, seed_empty, 25, "sample-contradicts", NONE, UNSURE, DRIVE},
	{HDD, other_expectation, 25, "expectation-differs", NONE, UNSURE, DRIVE},
	{HDD, through_cache, 25, "read-from-cache", NONE, UNSURE, DRIVE},
	{IMAGE, through_cache, 25, NULL, CLEAR, OK, LU},
	{SSD, nothing, 25, NULL, CLEAR, OK, DRIVE},
	{IMAGE, other_content, 26, "content-differs", NONE, UNSURE, LU},
	{SSD, bad_pattern_len, 26, "content-differs", NONE, UNSURE, DRIVE},
	{STICK, nothing, 26, NULL, CLEAR, OK, LU},
};

static void test_rules_each_bites_where_it_must_and_not_else(void **state)
{
	bool bitten[27] = {false}, spared[27] = {false};

	(void)state;
	for (size_t i = 0; i < sizeof(bites) / sizeof(bites[0]); i++) {
		const struct bite *b = &bites[i];
		struct xp_evidence ev = claim_evidence_new(b->which);
		size_t n = ev.n;
		struct spoil s = claim_spoil_of(&ev);
		const struct xp_reason *r;
		struct xp_claim c;

		b->spoil(&s);
		claim_judge(&c, b->which, &ev);
		r = b->code ? claim_reason(&c, b->code) : NULL;
		if (b->code && (!r || r->rule != b->rule))
			fail_msg("row %zu: rule %u does not say %s", i, b->rule, b->code);
		if (!b->code && claim_has_rule(&c, b->rule))
			fail_msg("row %zu: rule %u bites", i, b->rule);
		if (c.level != b->level || c.outcome != b->outcome || c.scope != b->scope)
			fail_msg("row %zu (%s): %s, %s, %s", i, b->code ? b->code : "-",
				 xp_level_name(c.level), xp_outcome_name(c.outcome),
				 xp_scope_name(c.scope));
		if (r)
			assert_true(strlen(r->text) > 10);
		(b->code ? bitten : spared)[b->rule] = true;
		ev.n = n;
		xp_evidence_free(&ev);
	}
	/* 4 is a case of 3; 19 has a test of its own */
	for (unsigned k = 1; k < 27; k++) {
		if (k != 4 && k != 19 && !(bitten[k] && spared[k]))
			fail_msg("rule %u lacks a row", k);
	}
}

static uint64_t rng_state = 0x123456789abcdefULL;

static uint64_t rnd(uint64_t n)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state % n;
}

/*
 * Defects of one field can undo each other (a byte too few, a byte too many): of each group one is
 * taken. 0: none, since phases must stay where the others expect them.
 */
static unsigned group_of(void (*f)(struct spoil *s))
{
	static void (*const groups[][10])(struct spoil *) = {
		{nothing, never_looked_again, readback_before, mismatch_listed},
		{short_write, long_write, unwritten, unwritten_total_only, resumed_beyond},
		{pass_missing, pass_zero},
		{other_serial, nameless},
		{too_fast, no_time_at_all, ends_before_start, read_too_fast, overlaps},
		{planned_less, undelivered, overdelivered, coverage_high, read_error,
		 read_errors_many, extents_high},
		{clock_back, later_boot_earlier_wall},
		{other_content, other_expectation, bad_pattern_len},
		{hidden_left, hidden_and_denied, fact_capacity, factory_left},
	};

	for (unsigned g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		for (unsigned i = 0; i < 10 && groups[g][i]; i++) {
			if (groups[g][i] == f)
				return g;
		}
	}
	return 31; /* undoes nothing */
}

/*
 * For random evidence: one more defect never raises level, scope or the goodness of the outcome,
 * and the level never exceeds the cap. The order of defects does not matter for that.
 */
static void test_claim_a_defect_never_raises_it(void **state)
{
	enum { ROUNDS = 6000, N = sizeof(bites) / sizeof(bites[0]) };
	struct xp_policy *policies[] = {
		claim_policy_load("r1", NULL),
		claim_policy_load("r2", NULL),
		claim_policy_load("r2", "full"),
		claim_policy_load("r2", "none"),
	};
	unsigned lowered = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		enum claim_case which = (enum claim_case)rnd(CLAIM_CASES);
		const struct xp_policy *p = policies[rnd(4)];
		struct xp_evidence ev = claim_evidence_new(which);
		struct spoil s = claim_spoil_of(&ev);
		static struct xp_claim before, after;
		unsigned defects = 1 + (unsigned)rnd(4);
		uint32_t taken = 1;

		xp_claim_compute(&before, &ev, p);
		for (unsigned d = 0; d < defects; d++) {
			void (*f)(struct spoil *) = bites[rnd(N)].spoil;
			unsigned group = group_of(f);

			if (taken & 1u << group)
				continue;
			taken |= group < 31 ? 1u << group : 0;
			f(&s);
			xp_claim_compute(&after, &ev, p);
			assert_true(after.level <= after.cap);
			if (after.level > before.level)
				fail_msg("round %u: the level rose", round);
			lowered += after.level < before.level;
			before = after;
		}
		xp_evidence_free(&ev);
	}
	assert_true(lowered > ROUNDS / 10);
	for (unsigned i = 0; i < 4; i++)
		xp_policy_free(&policies[i]);
}

/* Evidence of random numbers, as a liar or a broken file would have it: no crash, and no claim. */
static void test_claim_random_numbers_earn_nothing(void **state)
{
	struct xp_policy *p = claim_policy_load("r2", NULL);

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct xp_evidence ev = claim_evidence_new((enum claim_case)rnd(CLAIM_CASES));
		struct spoil s = claim_spoil_of(&ev);
		struct xp_overwrite_result *o = &s.erase->overwrite;
		struct xp_readback_result *r = &s.readback->readback;
		struct xp_claim c;

		o->pass = (uint32_t)rnd(3);
		o->passes = (uint32_t)rnd(3);
		o->bytes_written = rnd(UINT64_MAX);
		o->resumed_from = rnd(UINT64_MAX);
		r->extents = rnd(UINT64_MAX);
		r->bytes_planned = rnd(UINT64_MAX);
		r->bytes_delivered = rnd(UINT64_MAX);
		r->coverage_ppm = (uint32_t)rnd(UINT32_MAX);
		r->scheme = (enum xp_sample_scheme)rnd(3);
		s.erase->end_ns = rnd(UINT64_MAX);
		s.readback->identity.logical_block_bytes = (uint32_t)rnd(3) * 256;
		s.last->attempt = (uint32_t)rnd(3);
		ev.capacity.native = rnd(UINT64_MAX);
		xp_claim_compute(&c, &ev, p);
		assert_int_equal(c.level, XP_NONE);
		assert_true(c.outcome != OK && c.outcome != EXCEPT);
		xp_evidence_free(&ev);
	}
	xp_policy_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claim_flawless_runs_earn_their_cap),
		cmocka_unit_test(test_rules_each_bites_where_it_must_and_not_else),
		cmocka_unit_test(test_claim_a_defect_never_raises_it),
		cmocka_unit_test(test_claim_random_numbers_earn_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
