#include "certs/record_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "claim/bound.h"
#include "claim/sample_plan.h"
#include "tests/fake/record_honest.h"

/* A sample instead of every byte. */
static struct xp_record *honest_sample(void)
{
	struct xp_record *r = record_honest();
	struct xp_readback_result *b = record_readback(r);
	struct xp_sample_plan plan;
	uint64_t capacity = 64ULL << 30;

	r->media.capacity_bytes = capacity;
	r->evidence.capacity.current = capacity;
	r->capacity_after_bytes = capacity;
	for (size_t i = 0; i < r->evidence.n; i++)
		r->evidence.phases[i].identity.capacity_bytes = capacity;
	r->evidence.phases[1].overwrite.bytes_written = capacity;
	memset(b->seed, 7, sizeof(b->seed));
	b->mode = XP_READBACK_SAMPLE;
	b->scheme = XP_SAMPLE_SCATTERED;
	assert_int_equal(xp_sample_plan_totals(&plan, b->scheme, XP_SAMPLE_DEFAULT_N, capacity, 1,
					       b->seed, NULL),
			 XP_OK);
	b->extents = plan.independent;
	b->always_extents = plan.always;
	b->bytes_planned = plan.bytes;
	b->bytes_delivered = plan.bytes;
	b->coverage_ppm = (uint32_t)((unsigned __int128)plan.bytes * 1000000 / capacity);
	record_claim_again(r);
	return r;
}

/* ---- tests ---- */

static void test_record_check_honest_records_pass(void **state)
{
	struct xp_record *r;

	(void)state;
	r = record_honest();
	assert_int_equal(r->claim.level, XP_CLEAR);
	record_expect(r, NULL, NULL);
	r = honest_sample();
	assert_int_equal(r->claim.level, XP_CLEAR);
	record_expect(r, NULL, NULL);
}

static void test_record_check_written_and_read_record_passes(void **state)
{
	struct xp_record *r = honest_sample();
	struct xp_record *again = calloc(1, sizeof(*again));
	struct xp_findings f = {0};
	size_t len;
	char *json = record_sample_json(r, &len);

	(void)state;
	assert_non_null(again);
	assert_non_null(strstr(json, "\"residue_bound_ppb\":{"));
	assert_int_equal(xp_record_parse(again, json, len, &f, NULL), XP_OK);
	record_expect(again, NULL, NULL);
	free(json);
	record_sample_free(r);
	xp_findings_free(&f);
}

static void test_record_check_claim_above_evidence_fails(void **state)
{
	struct xp_record *r;

	(void)state;
	r = record_honest();
	r->claim.level = XP_PURGE;
	record_expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.level");
	r = record_honest();
	r->claim.cap = XP_PURGE;
	record_expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.cap");
	r = record_honest();
	r->claim.scope = XP_SCOPE_DRIVE;
	record_expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.scope");
	r = record_honest();
	r->evidence.phases[1].overwrite.flushed = false;
	record_expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.level");
	r = record_honest();
	r->evidence.phases[1].overwrite.bytes_written -= 512;
	record_expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.level");
	r = record_honest();
	r->evidence.cancelled = true;
	record_expect(r, "E_CLAIM_ABOVE_EVIDENCE", "outcome");
	r = record_honest();
	assert_true(r->claim.reasons_n > 0);
	r->claim.reasons_n--;
	record_expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.reasons");
	r = record_honest();
	r->claim.not_covered_n = 0;
	record_expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.not_covered");
	r = record_honest();
	SET(r->method, "purge");
	record_expect(r, "E_CLAIM_ABOVE_EVIDENCE", "method");
	r = record_honest();
	SET(r->method, "destroy");
	record_expect(r, "E_CLAIM_ABOVE_EVIDENCE", "method");
}

/* one residue in the readback: the claim that it was clear is above the evidence */
static void test_record_check_residue_under_a_claim_fails(void **state)
{
	struct xp_record *r = record_honest();
	struct xp_readback_result *b = record_readback(r);

	(void)state;
	b->mismatches = calloc(1, sizeof(*b->mismatches));
	assert_non_null(b->mismatches);
	b->mismatch_n = 1;
	b->mismatch_total = 1;
	b->mismatches[0].offset = 4096;
	b->mismatches[0].len = 512;
	SET(b->mismatches[0].kind, "data");
	record_expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.level");
}

static void test_record_check_another_claim_fails(void **state)
{
	struct xp_record *r;

	(void)state;
	r = record_honest();
	r->claim.level = XP_NONE;
	record_expect(r, "E_CLAIM_DIFFERS", "claim.level");
	r = record_honest();
	r->claim.technique = XP_OVERWRITE_RANDOM;
	record_expect(r, "E_CLAIM_DIFFERS", "claim.technique");
	r = record_honest();
	r->technique = XP_OVERWRITE_RANDOM;
	record_expect(r, "E_CLAIM_DIFFERS", "technique");
	r = record_honest();
	SET(r->claim.reasons[r->claim.reasons_n].code, "made-up");
	SET(r->claim.reasons[r->claim.reasons_n++].text, "made up");
	record_expect(r, "E_CLAIM_DIFFERS", "claim.reasons");
	r = record_honest();
	r->method[0] = 0;
	record_expect(r, "E_CLAIM_DIFFERS", "method");
}

static void test_record_check_swapped_policy_is_judged_by(void **state)
{
	struct xp_record *r = record_honest();

	(void)state;
	free(r->policy_json);
	r->policy_json = strdup("{\"name\":\"x\",\"standard\":\"y\",\"edition\":\"z\"}");
	r->policy_len = r->policy_json ? strlen(r->policy_json) : 0;
	record_expect(r, "E_POLICY", "policy.document");
}

static void test_record_check_policy_under_a_known_name_fails(void **state)
{
	struct xp_findings f = {0};
	struct xp_record *r = record_honest();

	(void)state;
	/* a table that would let anything pass, by the name of ours */
	record_rewrite_policy(r, "\"edition\": \"r2\"", "\"edition\": \"r1\"");
	record_expect(r, "E_POLICY_SWAPPED", "nist-800-88r2");
	r = record_honest();
	record_rewrite_policy(r, "\"name\": \"nist-800-88r2\"", "\"name\": \"nist-800-88-2\"");
	record_claim_again(r);
	assert_int_equal(xp_record_check(r, &f, NULL), XP_OK);
	assert_true(findings_have(&f, "W_POLICY_OWN", "nist-800-88-2"));
	assert_false(findings_are_errors(&f));
	xp_findings_free(&f);
	record_sample_free(r);
}

static void test_record_check_policies_in_docs_are_known(void **state)
{
	static const char *const files[] = {"docs/policies/nist-800-88r1.json",
					    "docs/policies/nist-800-88r2.json"};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(files); i++) {
		struct xp_findings f = {0};
		struct xp_record *r = record_sample_new();

		record_use_policy(r, files[i]);
		record_claim_again(r);
		assert_int_equal(xp_record_check(r, &f, NULL), XP_OK);
		assert_false(findings_have(&f, "E_POLICY_SWAPPED", ""));
		assert_false(findings_have(&f, "W_POLICY_OWN", ""));
		xp_findings_free(&f);
		record_sample_free(r);
	}
}

static void test_record_check_other_words_are_indeterminate(void **state)
{
	struct xp_record *r = record_honest();

	(void)state;
	SET(r->claim.reasons[0].text, "the whole drive, as far as anyone can tell");
	record_expect(r, "I_CLAIM_WORDING", "claim.reasons[0]");
	r = record_honest();
	SET(r->claim.not_covered[0], "nothing");
	record_expect(r, "I_CLAIM_WORDING", "claim.not_covered[0]");
	r = record_honest();
	SET(r->claim.not_covered[r->claim.not_covered_n++], "nothing");
	record_expect(r, "I_CLAIM_WORDING", "claim.not_covered");
	r = record_honest();
	r->claim.reasons[r->claim.reasons_n++] = r->claim.reasons[0];
	record_expect(r, "E_CLAIM_DIFFERS", "claim.reasons");
	/* a text that is cut short says less, and is not the rule's either */
	r = record_honest();
	r->claim.reasons[0].text[20] = 0;
	record_expect(r, "I_CLAIM_WORDING", "claim.reasons[0]");
}

static void test_record_check_kind_must_fit_the_outcome(void **state)
{
	struct xp_record *r;

	(void)state;
	r = record_honest();
	r->kind = XP_RECORD_FAILURE;
	record_expect(r, "E_KIND_OUTCOME", "kind");
	r = record_honest();
	r->evidence.phases[1].overwrite.flushed = false;
	record_claim_again(r);
	assert_int_equal(r->kind, XP_RECORD_FAILURE);
	record_expect(r, NULL, NULL);
	r = record_honest();
	r->evidence.phases[1].overwrite.flushed = false;
	record_claim_again(r);
	r->kind = XP_RECORD_SANITIZATION;
	record_expect(r, "E_KIND_OUTCOME", "kind");
}

static void test_record_check_twin_drive_fails(void **state)
{
	struct xp_record *r;

	(void)state;
	r = record_honest();
	r->media.inode++;
	record_expect(r, "E_EVIDENCE_IDENTITY", "evidence[0].identity: ");
	r = record_honest();
	SET(r->media.serial, "ANOTHER");
	record_expect(r, "E_EVIDENCE_IDENTITY", "serial");
	/* the same in an honest record of a failure is only said */
	r = record_honest();
	r->evidence.phases[3].identity.inode++;
	record_claim_again(r);
	assert_int_equal(r->claim.level, XP_NONE);
	record_expect(r, NULL, NULL);
	r = record_honest();
	r->evidence.phases[3].identity.inode++;
	record_claim_again(r);
	record_expect(r, "W_EVIDENCE_IDENTITY", "evidence[3]");
}

static void test_record_check_media_must_fit(void **state)
{
	struct xp_record *r;

	(void)state;
	r = record_honest();
	r->evidence.capacity.current--;
	record_expect(r, "E_EVIDENCE_MEDIA", "capacity.current_bytes");
	r = record_honest();
	r->capacity_after_bytes--;
	record_expect(r, "E_EVIDENCE_MEDIA", "capacity.after_bytes");
	r = record_honest();
	r->media.logical_block_bytes = 4095;
	record_expect(r, "E_EVIDENCE_MEDIA", "blocks");
	r = record_honest();
	r->media.logical_block_bytes = 0;
	record_expect(r, "E_EVIDENCE_MEDIA", "blocks");
}

static void test_record_check_times_must_be_in_order(void **state)
{
	struct xp_record *r;

	(void)state;
	r = record_honest();
	r->issued_s = r->evidence.phases[3].end_s - 1;
	record_expect(r, "E_EVIDENCE_TIME", "issued");
	r = record_honest();
	r->evidence.phases[1].end_s = r->evidence.phases[1].start_s - 1;
	record_expect(r, "E_EVIDENCE_TIME", "evidence[1]");
	r = record_honest();
	r->evidence.phases[2].start_ns = r->evidence.phases[1].end_ns - 1;
	record_expect(r, "E_EVIDENCE_TIME", "evidence[2].start_ns");
	r = record_honest();
	r->evidence.phases[1].end_ns = r->evidence.phases[1].start_ns - 1;
	record_expect(r, "E_EVIDENCE_TIME", "evidence[1]");
	r = record_honest();
	r->evidence.phases[2].start_s = r->evidence.phases[1].end_s - 1;
	record_expect(r, "E_EVIDENCE_TIME", "evidence[2].start:");
	/* an hour by one clock, a second by the other */
	r = record_honest();
	r->evidence.phases[2].end_ns += 3600000000000;
	r->evidence.phases[3].start_ns = r->evidence.phases[2].end_ns;
	r->evidence.phases[3].end_ns = r->evidence.phases[2].end_ns + 1;
	record_expect(r, "W_EVIDENCE_TIME", "evidence[2]: ");
	r = record_honest();
	r->evidence.phases[3].end_s += 3600;
	r->issued_s += 3600;
	record_expect(r, "W_EVIDENCE_TIME", "evidence[3]: ");
	/* after a reboot the monotonic clock begins anew */
	r = record_honest();
	SET(r->evidence.phases[3].boot_id, "11111111-9a51-4e0c-8f4b-2f9f5f0b7c11");
	r->evidence.phases[3].take = 2;
	r->evidence.phases[3].start_ns = 5;
	r->evidence.phases[3].end_ns = 6;
	record_expect(r, NULL, NULL);
}

static void test_record_check_verification_figures_must_be_true(void **state)
{
	struct xp_record *r;

	(void)state;
	r = record_honest();
	record_readback(r)->coverage_ppm--;
	record_expect(r, "E_VERIFICATION", "coverage_ppm");
	r = honest_sample();
	record_readback(r)->coverage_ppm++;
	record_expect(r, "E_VERIFICATION", "coverage_ppm");
	r = honest_sample();
	record_readback(r)->extents++;
	record_expect(r, "E_VERIFICATION", "scheme and seed");
	r = honest_sample();
	record_readback(r)->extents--;
	record_expect(r, "E_VERIFICATION", "scheme and seed");
	r = honest_sample();
	record_readback(r)->always_extents++;
	record_expect(r, "E_VERIFICATION", "scheme and seed");
	r = honest_sample();
	record_readback(r)->bytes_planned--;
	record_expect(r, "E_VERIFICATION", "scheme and seed");
	r = record_honest();
	record_readback(r)->bytes_planned--;
	record_expect(r, "E_VERIFICATION", "full");
	r = record_honest();
	record_readback(r)->bytes_delivered++;
	record_expect(r, "E_VERIFICATION", "more bytes");
	r = record_honest();
	record_readback(r)->mismatch_total = 1;
	record_expect(r, "E_VERIFICATION", "mismatches");
}

static void test_record_check_extents_must_sum_up(void **state)
{
	struct xp_record *r;
	struct xp_extents *e;

	(void)state;
	r = record_honest();
	r->evidence.phases[1].overwrite.unwritten.total_count = 1;
	record_expect(r, "E_EVIDENCE_EXTENTS", "overwrite.unwritten");
	r = record_honest();
	e = &record_readback(r)->read_errors;
	assert_int_equal(xp_extents_add(e, 512, 512, NULL), XP_OK);
	e->total_bytes = 1;
	record_expect(r, "E_EVIDENCE_EXTENTS", "readback.read_errors");
	r = record_honest();
	e = &record_readback(r)->read_errors;
	assert_int_equal(xp_extents_add(e, RECORD_SAMPLE_BYTES, 512, NULL), XP_OK);
	record_expect(r, "E_EVIDENCE_EXTENTS", "readback.read_errors");
	r = record_honest();
	e = &record_readback(r)->read_errors;
	assert_int_equal(xp_extents_add(e, 512, 512, NULL), XP_OK);
	e->list[0].offset = UINT64_MAX - 10;
	record_expect(r, "E_EVIDENCE_EXTENTS", "readback.read_errors");
}

static void test_record_check_surroundings(void **state)
{
	struct xp_record *r;

	(void)state;
	r = record_honest();
	r->signers_n = 0;
	record_expect(r, "E_SIGNERS", "nobody");
	r = record_honest();
	r->signers[1] = r->signers[0];
	r->signers_n = 2;
	record_expect(r, "E_SIGNERS", "signers[1]");
	r = record_honest();
	SET(r->host.complete, "yes");
	r->host.hidden_n = 1;
	SET(r->host.hidden[0].controller, "megaraid");
	SET(r->host.hidden[0].reason, "hot spare");
	record_expect(r, "E_HOST", "complete");
	r = record_honest();
	r->evidence.clock_synchronized = XP_ANSWER_NO;
	r->clock.synchronized = true;
	record_expect(r, "E_CLOCK", "clock");
	r = record_honest();
	r->accepted = XP_PURGE;
	record_expect(r, "E_ASKED", "accepted");
	r = record_honest();
	r->asked = r->accepted = XP_NONE;
	record_expect(r, "E_ASKED", "asked");
	r = record_honest();
	SET(r->signers[0].role, "validator");
	record_expect(r, "E_SIGNERS", "no performer");
	r = record_honest();
	r->clock.synchronized = true;
	record_expect(r, "E_CLOCK", "clock");
	r = record_honest();
	memcpy(r->supersedes_id, r->id, sizeof(r->id));
	record_expect(r, "E_SUPERSEDES", "supersedes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_check_honest_records_pass),
		cmocka_unit_test(test_record_check_written_and_read_record_passes),
		cmocka_unit_test(test_record_check_claim_above_evidence_fails),
		cmocka_unit_test(test_record_check_residue_under_a_claim_fails),
		cmocka_unit_test(test_record_check_another_claim_fails),
		cmocka_unit_test(test_record_check_swapped_policy_is_judged_by),
		cmocka_unit_test(test_record_check_policy_under_a_known_name_fails),
		cmocka_unit_test(test_record_check_policies_in_docs_are_known),
		cmocka_unit_test(test_record_check_other_words_are_indeterminate),
		cmocka_unit_test(test_record_check_kind_must_fit_the_outcome),
		cmocka_unit_test(test_record_check_twin_drive_fails),
		cmocka_unit_test(test_record_check_media_must_fit),
		cmocka_unit_test(test_record_check_times_must_be_in_order),
		cmocka_unit_test(test_record_check_verification_figures_must_be_true),
		cmocka_unit_test(test_record_check_extents_must_sum_up),
		cmocka_unit_test(test_record_check_surroundings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
