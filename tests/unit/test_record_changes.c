/* A record that tells of restored capacity: what it says of it must lead from one to the other. */
#include "certs/record_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "claim/claim.h"
#include "tests/fake/record_honest.h"

#define SMALL (RECORD_SAMPLE_BYTES / 4)
#define HALF  (RECORD_SAMPLE_BYTES / 2)

/* Its first look is of a target that showed a quarter of itself. */
static struct xp_record *restored(void)
{
	struct xp_record *r = record_sample_new();
	struct xp_evidence *ev = &r->evidence;
	struct xp_err err = {0};

	free(r->policy_json);
	r->policy_json = NULL;
	if (xp_file_read(&r->policy_json, &r->policy_len, "docs/policies/nist-800-88r2.json",
			 XP_POLICY_MAX_BYTES, &err) != XP_OK)
		fail_msg("%s", err.msg);
	ev->capacity.current = SMALL;
	ev->changes[0] = (struct xp_capacity_change){
		.area = XP_AREA_HPA, .from = SMALL, .to = HALF, .restored = true};
	ev->changes[1] = (struct xp_capacity_change){
		.area = XP_AREA_DCO, .from = HALF, .to = RECORD_SAMPLE_BYTES, .restored = true};
	ev->changes_n = 2;
	ev->phases[0].identity.capacity_bytes = SMALL;
	ev->capacity_after = ev->capacity;
	ev->capacity_after.current = RECORD_SAMPLE_BYTES;
	ev->capacity_after.restored = true;
	ev->capacity_after_given = true;
	record_claim_again(r);
	return r;
}

/* CODE NULL: nothing but warnings. Takes R. */
static void expect(struct xp_record *r, const char *code, const char *where)
{
	struct xp_findings f = {0};
	struct xp_err err = {0};
	bool found = false;

	assert_int_equal(xp_record_check(r, &f, &err), XP_OK);
	for (size_t i = 0; i < f.n; i++) {
		if (!code && f.list[i].code[0] != 'W')
			fail_msg("%s: %s", f.list[i].code, f.list[i].text);
		found = found || (code && strcmp(f.list[i].code, code) == 0 &&
				  strstr(f.list[i].text, where));
	}
	if (code && !found)
		fail_msg("expected %s %s", code, where);
	xp_findings_free(&f);
	record_sample_free(r);
}

static void test_changes_that_lead_to_the_capacity_pass(void **state)
{
	struct xp_record *r = restored();

	(void)state;
	assert_int_equal(r->claim.level, XP_CLEAR);
	expect(r, NULL, NULL);
}

static void test_changes_with_a_gap_are_found(void **state)
{
	struct xp_record *r;

	(void)state;
	r = restored();
	r->evidence.changes[1].from++;
	expect(r, "E_EVIDENCE_MEDIA", "capacity.changes[1]");
	r = restored();
	r->evidence.changes[0].to = SMALL;
	expect(r, "E_EVIDENCE_MEDIA", "capacity.changes[0]");
	r = restored();
	r->evidence.changes_n = 1;
	expect(r, "E_EVIDENCE_MEDIA", "capacity.current_bytes");
}

static void test_changes_that_were_refused_change_nothing(void **state)
{
	struct xp_record *r = restored();

	(void)state;
	r->evidence.changes[1].restored = false;
	expect(r, "E_EVIDENCE_MEDIA", "changes[1].why");
	r = restored();
	r->evidence.changes[1].restored = false;
	snprintf(r->evidence.changes[1].why, sizeof(r->evidence.changes[1].why), "frozen");
	expect(r, "E_EVIDENCE_MEDIA", "capacity.current_bytes");
	r = restored();
	snprintf(r->evidence.changes[0].why, sizeof(r->evidence.changes[0].why), "frozen");
	expect(r, "E_EVIDENCE_MEDIA", "changes[0].why");
}

/* Only a look before anything was erased may have seen less. */
static void test_changes_excuse_no_later_phase(void **state)
{
	struct xp_record *r;

	(void)state;
	for (size_t i = 1; i < 4; i++) {
		r = restored();
		r->evidence.phases[i].identity.capacity_bytes = SMALL;
		expect(r, "E_EVIDENCE_IDENTITY", "capacity_bytes");
	}
	r = restored();
	r->evidence.phases[0].identity.capacity_bytes = SMALL + 1;
	expect(r, "E_EVIDENCE_IDENTITY", "evidence[0]");
}

/* What was not given back is not claimed, whatever the list says. */
static void test_changes_of_a_claim_count_by_the_figures(void **state)
{
	struct xp_record *r = restored();
	struct xp_evidence *ev = &r->evidence;

	(void)state;
	/* on a drive: the last change was refused, and the figures show what is left */
	for (size_t i = 0; i < ev->n; i++)
		ev->phases[i].identity.media = XP_MEDIA_HDD;
	ev->capacity.factory = 2 * RECORD_SAMPLE_BYTES;
	ev->capacity.hidden_areas_apply = ev->capacity.hidden_areas_known = true;
	record_claim_again(r);
	assert_int_equal(r->claim.level, XP_NONE);
	record_sample_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes_that_lead_to_the_capacity_pass),
		cmocka_unit_test(test_changes_with_a_gap_are_found),
		cmocka_unit_test(test_changes_that_were_refused_change_nothing),
		cmocka_unit_test(test_changes_excuse_no_later_phase),
		cmocka_unit_test(test_changes_of_a_claim_count_by_the_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
