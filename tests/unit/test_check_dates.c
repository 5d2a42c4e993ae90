/* Work that is dated back: what a verifier can see of it, and what nobody can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/validation_check.h"
#include "tests/fake/cms_parts.h"
#include "tests/fake/record_sample.h"
#include "tests/fake/tsa_stand.h"

static struct tsa_stand s;
static struct check_lab *const lab = &s.lab;

static int setup(void **state)
{
	(void)state;
	tsa_stand_open(&s);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tsa_stand_close(&s);
	return 0;
}

/* The lab's record as it stands now, signed by BY (NULL: alice) at AT_S. */
static void sign(struct lab_person *by, int64_t at_s)
{
	struct xp_signing_key *k = lab_signing_key(by ? by : &lab->alice, NULL);

	free(lab->p7s);
	lab->p7s = NULL;
	assert_int_equal(xp_sign(&lab->p7s, &lab->p7s_len, k, lab->json, lab->json_len, at_s, NULL),
			 XP_OK);
	xp_signing_key_free(&k);
}

static void write_and_sign(int64_t at_s)
{
	check_lab_name_signers(lab, true, false);
	sign(NULL, at_s);
}

/* Passes, and of all that is said of dates there is WANT alone, once, with WORDS; NULL: nothing. */
static void expect(const char *want, const char *words)
{
	static const char *const codes[] = {"W_SIGNED_LATE", "W_DATES", "W_TIMESTAMP_LATE"};
	struct xp_check_result r;
	unsigned seen = 0;

	assert_int_equal(xp_check_pair(&r, lab->check, lab->json, lab->json_len, lab->p7s,
				       lab->p7s_len, NULL),
			 XP_OK);
	for (size_t i = 0; i < r.findings.n; i++) {
		const struct xp_finding *f = &r.findings.list[i];

		if (f->code[0] == 'E' || f->code[0] == 'I')
			fail_msg("%s: %s", f->code, f->text);
		for (size_t k = 0; k < XP_ARRAY_LEN(codes); k++)
			if (strcmp(f->code, codes[k]) == 0) {
				seen++;
				if (!want || strcmp(want, f->code) != 0 || !strstr(f->text, words))
					fail_msg("%s: %s", f->code, f->text);
			}
	}
	assert_int_equal(seen, want ? 1 : 0);
	xp_check_result_free(&r);
}

static void test_dates_of_an_honest_record_are_not_remarked(void **state)
{
	(void)state;
	expect(NULL, NULL);
	/* a clock that is a day off by its zone, and no second more */
	record_sample_move(lab->record, LAB_NOW_S - LAB_DAY_S - lab->record->issued_s);
	write_and_sign(LAB_NOW_S);
	expect(NULL, NULL);
}

static void test_signature_long_after_issued_is_remarked(void **state)
{
	(void)state;
	record_sample_move(lab->record, LAB_NOW_S - LAB_DAY_S - 1 - lab->record->issued_s);
	write_and_sign(LAB_NOW_S);
	expect("W_SIGNED_LATE", "Alice signed at 2026-11-22T20:00:00Z, 1 days after");
	record_sample_move(lab->record, -9 * LAB_DAY_S);
	write_and_sign(LAB_NOW_S);
	expect("W_SIGNED_LATE", "there is no timestamp, and only the signer's word dates it");
}

/* A machine's key signs at the end of the job as well. */
static void test_host_that_signs_late_is_remarked(void **state)
{
	(void)state;
	lab_person_free(&lab->alice);
	lab_person_new(&lab->alice, &lab->lab, XP_ROLE_HOST, "rig-7", "h-7");
	write_and_sign(LAB_NOW_S);
	expect(NULL, NULL);
	record_sample_move(lab->record, -3 * LAB_DAY_S);
	write_and_sign(LAB_NOW_S);
	expect("W_SIGNED_LATE", "rig-7 signed");
}

/* Who approves a job comes when it is over. */
static void test_validator_in_a_record_may_sign_late(void **state)
{
	struct cms_parts parts;
	uint8_t *bobs;
	size_t len;

	(void)state;
	record_sample_move(lab->record, -3 * LAB_DAY_S);
	check_lab_name_signers(lab, true, true);
	sign(&lab->bob, LAB_NOW_S);
	bobs = lab->p7s;
	len = lab->p7s_len;
	lab->p7s = NULL;
	sign(&lab->alice, lab->record->issued_s);
	cms_parts_take(&parts, lab->p7s, lab->p7s_len);
	cms_parts_join(&parts, bobs, len);
	free(lab->p7s);
	free(bobs);
	lab->p7s = cms_parts_build(&parts, &lab->p7s_len);
	cms_parts_free(&parts);
	expect(NULL, NULL);
}

/* ---- a validation ---- */

static void become_validation(int64_t issued_s)
{
	struct xp_record *v = calloc(1, sizeof(*v));
	const uint8_t sha256[32] = {1};
	const struct xp_validation_input in = {.subject = lab->record,
					       .subject_sha256 = sha256,
					       .signature_sha256 = &sha256,
					       .signatures_n = 1,
					       .decision = XP_DECISION_ACCEPT};

	assert_non_null(v);
	assert_int_equal(xp_validation_begin(v, &in, NULL), XP_OK);
	snprintf(v->id, sizeof(v->id), "019ab6f2-5c00-7a11-8b22-000000000001");
	v->issued_s = issued_s;
	snprintf(v->clock.source, sizeof(v->clock.source), "system");
	snprintf(v->tool.name, sizeof(v->tool.name), "expunge-cert");
	snprintf(v->tool.version, sizeof(v->tool.version), "0");
	record_sample_free(lab->record);
	lab->record = v;
	check_lab_name_signers(lab, false, true);
	sign(&lab->bob, LAB_NOW_S);
}

static bool says(const char *code)
{
	char codes[1024];

	check_lab_run(lab->check, lab->json, lab->json_len, lab->p7s, lab->p7s_len, codes,
		      sizeof(codes));
	return check_lab_has(codes, code);
}

static void test_decision_is_signed_when_it_is_issued(void **state)
{
	(void)state;
	become_validation(LAB_NOW_S - 60);
	assert_false(says("W_SIGNED_LATE"));
	lab->record->issued_s = LAB_NOW_S - 2 * LAB_DAY_S;
	check_lab_name_signers(lab, false, true);
	sign(&lab->bob, LAB_NOW_S);
	assert_true(says("W_SIGNED_LATE"));
	assert_false(says("W_DATES"));
}

/* ---- what the record says of itself ---- */

static void test_evidence_long_before_issued_is_remarked(void **state)
{
	(void)state;
	record_sample_move(lab->record, -2 * LAB_DAY_S);
	lab->record->issued_s = LAB_NOW_S;
	write_and_sign(LAB_NOW_S);
	expect("W_DATES", "the evidence ends at 2026-11-20T02:00:0");
}

static void set_id(const char *id)
{
	snprintf(lab->record->id, sizeof(lab->record->id), "%s", id);
	write_and_sign(LAB_NOW_S);
}

static void test_id_younger_than_issued_is_remarked(void **state)
{
	(void)state;
	/* 2026-11-23T02:00:07Z, a day after; and a second more */
	set_id("01a20621-c858-7a11-8b22-0123456789ab");
	expect(NULL, NULL);
	set_id("01a20621-cc40-7a11-8b22-0123456789ab");
	expect("W_DATES", "id was drawn at 2026-11-23T02:00:08Z, 1 days after");
}

static void test_certificate_younger_than_the_work_is_remarked(void **state)
{
	const int64_t from_s = LAB_NOW_S - 30 * LAB_DAY_S; /* the certificate's */
	struct xp_evidence *ev = &lab->record->evidence;

	(void)state;
	for (size_t i = 0; i < ev->n; i++)
		ev->phases[i].start_s = ev->phases[i].end_s = from_s;
	lab->record->issued_s = from_s;
	ev->phases[0].start_s = from_s - LAB_DAY_S;
	write_and_sign(from_s);
	expect(NULL, NULL);
	ev->phases[0].start_s--;
	write_and_sign(from_s);
	expect("W_DATES", "1 days before the certificate of Alice (2026-10-23T20:00:00Z)");
}

/* ---- timestamps ---- */

/* What is said where the signature is stamped DAYS after it was made. */
static void expect_stamped(int64_t days, const char *code, bool wanted)
{
	const struct tsa_who w = {.tsa = s.tsa.root};
	struct tsa_stamp stamp = {.at_s = LAB_NOW_S + days * LAB_DAY_S};
	struct xp_cms cms;
	struct xp_findings f = {0};
	char codes[1024];
	uint8_t *token, *p7s;
	size_t token_len, len;

	assert_true(xp_cms_parse(&cms, lab->p7s, lab->p7s_len, &f));
	stamp.signature = cms.signers[0].signature;
	token = tsa_lab_token(&s.tsa, &stamp, &token_len);
	p7s = tsa_lab_with_token(lab, token, token_len, &len);
	s.now_s = stamp.at_s + 60;
	tsa_stand_run(&s, p7s, len, &w, codes, sizeof(codes));
	if (check_lab_has(codes, code) != wanted)
		fail_msg("stamped after %lld days: %s", (long long)days, codes);
	free(token);
	free(p7s);
}

/* A log is stamped once a month; what is stamped later proves little of the time before. */
static void test_timestamp_long_after_the_signature_is_remarked(void **state)
{
	(void)state;
	expect_stamped(0, "W_TIMESTAMP_LATE", false);
	expect_stamped(30, "W_TIMESTAMP_LATE", false);
	expect_stamped(32, "W_TIMESTAMP_LATE", true);
}

/* It tells the latest time, never an earlier one: the remark stays. */
static void test_timestamp_does_not_date_the_work(void **state)
{
	(void)state;
	record_sample_move(lab->record, -3 * LAB_DAY_S);
	write_and_sign(LAB_NOW_S);
	expect_stamped(0, "W_SIGNED_LATE", true);
	expect_stamped(0, "W_TIMESTAMP_LATE", false);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dates_of_an_honest_record_are_not_remarked),
		T(test_signature_long_after_issued_is_remarked),
		T(test_host_that_signs_late_is_remarked),
		T(test_validator_in_a_record_may_sign_late),
		T(test_decision_is_signed_when_it_is_issued),
		T(test_evidence_long_before_issued_is_remarked),
		T(test_id_younger_than_issued_is_remarked),
		T(test_certificate_younger_than_the_work_is_remarked),
		T(test_timestamp_long_after_the_signature_is_remarked),
		T(test_timestamp_does_not_date_the_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
