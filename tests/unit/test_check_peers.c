/* Records that speak of other records: who may decide about what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "certs/check_peers.h"
#include "certs/validation_check.h"
#include "claim/sample_plan.h"
#include "tests/fake/check_voice.h"
#include "tests/fake/record_sample.h"

static struct check_lab lab;

static int codes_of(char *codes, size_t size, struct xp_check_result *r)
{
	size_t used = 0;
	int code = xp_check_exit_code(r);

	codes[0] = 0;
	for (size_t i = 0; i < r->findings.n && used < size; i++)
		used += (size_t)snprintf(codes + used, size - used, "%s ",
					 r->findings.list[i].code);
	xp_check_result_free(r);
	return code;
}

static void check(struct xp_check_result *r, const char *json, size_t json_len, const uint8_t *p7s,
		  size_t p7s_len)
{
	assert_int_equal(xp_check_pair(r, lab.check, json, json_len, p7s, p7s_len, NULL), XP_OK);
}

/* All three rounds. Wanted: exit code and a code (NULL: none) of the record and of the first voice.
 */
static void expect(const struct voice *voices, unsigned n, int want_record, const char *record_code,
		   int want_voice, const char *voice_code)
{
	AUTO(xp_check_peers_free) struct xp_check_peers *peers = NULL;
	struct xp_check_result r;
	char codes[1024];
	int got;

	assert_int_equal(xp_check_peers_new(&peers, NULL), XP_OK);
	xp_check_set_peers(lab.check, NULL);
	for (unsigned i = 0; i < n; i++) {
		check(&r, voices[i].json, voices[i].json_len, voices[i].p7s, voices[i].p7s_len);
		assert_int_equal(xp_check_peers_add_voice(peers, &r, NULL), XP_OK);
		xp_check_result_free(&r);
	}
	xp_check_peers_settle(peers, false);
	xp_check_set_peers(lab.check, peers);
	check(&r, lab.json, lab.json_len, lab.p7s, lab.p7s_len);
	assert_int_equal(xp_check_peers_add_subject(peers, &r, NULL), XP_OK);
	got = codes_of(codes, sizeof(codes), &r);
	if (got != want_record || (record_code && !check_lab_has(codes, record_code)))
		fail_msg("record: exit code %d, %s; wanted %d, %s", got, codes, want_record,
			 record_code ? record_code : "");
	xp_check_peers_settle(peers, true);
	check(&r, voices[0].json, voices[0].json_len, voices[0].p7s, voices[0].p7s_len);
	got = codes_of(codes, sizeof(codes), &r);
	if (got != want_voice || (voice_code && !check_lab_has(codes, voice_code)))
		fail_msg("voice: exit code %d, %s; wanted %d, %s", got, codes, want_voice,
			 voice_code ? voice_code : "");
	xp_check_set_peers(lab.check, NULL);
}

static void demand(enum xp_role role)
{
	const struct xp_requirements req = {.role_given = true, .role = role};

	xp_check_require(lab.check, &req);
}

static void test_peers_acceptance_fills_the_role(void **state)
{
	struct voice v = voice_new(&lab, XP_DECISION_ACCEPT, &lab.bob, XP_ROLE_VALIDATOR);

	(void)state;
	demand(XP_ROLE_VALIDATOR);
	expect(&v, 1, 0, NULL, 0, NULL);
	demand(XP_ROLE_SITE);
	expect(&v, 1, 3, "P_ROLE", 0, NULL);
	xp_check_require(lab.check, &(struct xp_requirements){0});
	voice_free(&v);
}

static void test_peers_rejection_weighs_more(void **state)
{
	struct voice v[2] = {voice_new(&lab, XP_DECISION_ACCEPT, &lab.bob, XP_ROLE_VALIDATOR),
			     voice_new(&lab, XP_DECISION_REJECT, &lab.bob, XP_ROLE_VALIDATOR)};

	(void)state;
	expect(v, 2, 3, "P_REJECTED", 0, NULL);
	/* unless the same person has decided anew */
	snprintf(v[0].r->supersedes_id, sizeof(v[0].r->supersedes_id), "%s", v[1].r->id);
	EVP_Digest(v[1].json, v[1].json_len, v[0].r->supersedes_sha256, NULL, EVP_sha256(), NULL);
	sign_voice(&v[0], &lab.bob, XP_ROLE_VALIDATOR);
	expect(v, 2, 0, NULL, 0, NULL);
	voice_free(&v[0]);
	voice_free(&v[1]);
}

/* Another's decision is not undone by naming it. */
static void test_peers_supersession_is_of_the_same_person(void **state)
{
	struct lab_person carol;
	struct voice v[2];

	(void)state;
	lab_person_new(&carol, &lab.lab, XP_ROLE_VALIDATOR, "Carol", "p-3");
	v[0] = voice_new(&lab, XP_DECISION_ACCEPT, &carol, XP_ROLE_VALIDATOR);
	v[1] = voice_new(&lab, XP_DECISION_REJECT, &lab.bob, XP_ROLE_VALIDATOR);
	snprintf(v[0].r->supersedes_id, sizeof(v[0].r->supersedes_id), "%s", v[1].r->id);
	EVP_Digest(v[1].json, v[1].json_len, v[0].r->supersedes_sha256, NULL, EVP_sha256(), NULL);
	sign_voice(&v[0], &carol, XP_ROLE_VALIDATOR);
	expect(v, 2, 3, "P_REJECTED", 0, NULL);
	voice_free(&v[0]);
	voice_free(&v[1]);
	lab_person_free(&carol);
}

/* Nor does one of two who decided together undo it: both do, or nobody. */
static void test_peers_supersession_is_by_all_who_signed(void **state)
{
	struct lab_person carol;
	struct voice v[2];

	(void)state;
	lab_person_new(&carol, &lab.lab, XP_ROLE_VALIDATOR, "Carol", "p-3");
	v[0] = voice_new(&lab, XP_DECISION_ACCEPT, &carol, XP_ROLE_VALIDATOR);
	v[1] = voice_new(&lab, XP_DECISION_REJECT, &lab.bob, XP_ROLE_VALIDATOR);
	sign_voice_jointly(&v[1], &lab.bob, &carol, XP_ROLE_VALIDATOR);
	snprintf(v[0].r->supersedes_id, sizeof(v[0].r->supersedes_id), "%s", v[1].r->id);
	EVP_Digest(v[1].json, v[1].json_len, v[0].r->supersedes_sha256, NULL, EVP_sha256(), NULL);
	sign_voice(&v[0], &carol, XP_ROLE_VALIDATOR);
	expect(v, 2, 3, "P_REJECTED", 0, NULL);
	sign_voice_jointly(&v[0], &lab.bob, &carol, XP_ROLE_VALIDATOR);
	expect(v, 2, 0, NULL, 0, NULL);
	voice_free(&v[0]);
	voice_free(&v[1]);
	lab_person_free(&carol);
}

static void test_peers_same_person_does_not_count(void **state)
{
	struct lab_person twin;
	struct voice v;

	(void)state;
	/* another certificate, another key, the same number at the same CA */
	lab_person_new(&twin, &lab.lab, XP_ROLE_VALIDATOR, "Alice too", "p-1");
	v = voice_new(&lab, XP_DECISION_ACCEPT, &twin, XP_ROLE_VALIDATOR);
	demand(XP_ROLE_VALIDATOR);
	expect(&v, 1, 3, "W_VALIDATION_IGNORED", 1, "E_SAME_PERSON");
	xp_check_require(lab.check, &(struct xp_requirements){0});
	voice_free(&v);
	lab_person_free(&twin);
}

static void test_peers_same_key_does_not_count(void **state)
{
	struct lab_person twin = {.key = lab.alice.key};
	const struct xp_pki_subject who = {.name = "Other", .person_id = "p-9"};
	struct voice v;

	(void)state;
	assert_int_equal(xp_pki_issue(&twin.cert, twin.key, XP_ROLE_VALIDATOR, &who,
				      LAB_NOW_S - LAB_DAY_S, LAB_NOW_S + 99 * LAB_DAY_S,
				      lab.lab.root, lab.lab.root_key, NULL),
			 XP_OK);
	v = voice_new(&lab, XP_DECISION_ACCEPT, &twin, XP_ROLE_VALIDATOR);
	expect(&v, 1, 0, "W_VALIDATION_IGNORED", 1, "E_SAME_KEY");
	voice_free(&v);
	X509_free(twin.cert);
}

static void test_peers_other_signatures_do_not_count(void **state)
{
	struct voice v = voice_new(&lab, XP_DECISION_ACCEPT, &lab.bob, XP_ROLE_VALIDATOR);

	(void)state;
	v.r->validation.signatures[0].sha256[0] ^= 1;
	sign_voice(&v, &lab.bob, XP_ROLE_VALIDATOR);
	expect(&v, 1, 0, "W_VALIDATION_IGNORED", 1, "E_SUBJECT_DIFFERS");
	v.r->validation.signatures[0].sha256[0] ^= 1;
	snprintf(v.r->media.name, sizeof(v.r->media.name), "other.img");
	sign_voice(&v, &lab.bob, XP_ROLE_VALIDATOR);
	expect(&v, 1, 0, "W_VALIDATION_IGNORED", 1, "E_SUBJECT_DIFFERS");
	voice_free(&v);
}

static void test_peers_older_than_the_record_does_not_count(void **state)
{
	struct voice v = voice_new(&lab, XP_DECISION_ACCEPT, &lab.bob, XP_ROLE_VALIDATOR);

	(void)state;
	v.r->issued_s = lab.record->issued_s - 1;
	sign_voice(&v, &lab.bob, XP_ROLE_VALIDATOR);
	expect(&v, 1, 0, "W_VALIDATION_IGNORED", 1, "E_SUBJECT_TIME");
	voice_free(&v);
}

static void test_peers_of_another_record_is_indeterminate(void **state)
{
	struct voice v = voice_new(&lab, XP_DECISION_REJECT, &lab.bob, XP_ROLE_VALIDATOR);

	(void)state;
	v.r->validation.subject_sha256[0] ^= 1;
	sign_voice(&v, &lab.bob, XP_ROLE_VALIDATOR);
	expect(&v, 1, 0, NULL, 2, "I_SUBJECT_MISSING");
	voice_free(&v);
}

/* What a performer signs is no decision, whatever they write into it. */
static void test_peers_performer_cannot_decide(void **state)
{
	struct lab_person carol;
	struct voice v;

	(void)state;
	lab_person_new(&carol, &lab.lab, XP_ROLE_PERFORMER, "Carol", "p-3");
	v = voice_new(&lab, XP_DECISION_ACCEPT, &carol, XP_ROLE_PERFORMER);
	demand(XP_ROLE_PERFORMER);
	expect(&v, 1, 0, "W_VALIDATION_IGNORED", 1, "E_SIGNERS");
	/* nor by calling it a validator's */
	sign_voice(&v, &carol, XP_ROLE_VALIDATOR);
	expect(&v, 1, 0, "W_VALIDATION_IGNORED", 1, "E_ROLE_NOT_GRANTED");
	xp_check_require(lab.check, &(struct xp_requirements){0});
	voice_free(&v);
	lab_person_free(&carol);
}

static void test_peers_site_vouches_for_its_hosts(void **state)
{
	const struct xp_pki_subject who = {.name = "host7"};
	struct lab_person performer = lab.alice;
	struct lab_person host = {0};
	struct lab_person site;
	struct voice v;

	(void)state;
	assert_int_equal(xp_pki_key_new(&host.key, NULL), XP_OK);
	assert_int_equal(xp_pki_issue(&host.cert, host.key, XP_ROLE_HOST, &who,
				      LAB_NOW_S - LAB_DAY_S, LAB_NOW_S + 99 * LAB_DAY_S, NULL, NULL,
				      NULL),
			 XP_OK);
	lab_person_new(&site, &lab.lab, XP_ROLE_SITE, "Site", "s-1");
	lab.alice = host;
	check_lab_name_signers(&lab, true, false);
	check_lab_sign(&lab, NULL);
	v = voice_new(&lab, XP_DECISION_ACCEPT, &lab.bob, XP_ROLE_VALIDATOR);
	expect(&v, 1, 2, "I_UNTRUSTED", 0, NULL);
	voice_free(&v);
	v = voice_new(&lab, XP_DECISION_REJECT, &site, XP_ROLE_SITE);
	expect(&v, 1, 2, "I_UNTRUSTED", 0, NULL);
	voice_free(&v);
	v = voice_new(&lab, XP_DECISION_ACCEPT, &site, XP_ROLE_SITE);
	demand(XP_ROLE_SITE);
	expect(&v, 1, 0, "W_HOST_ENDORSED", 0, NULL);
	xp_check_require(lab.check, &(struct xp_requirements){0});
	voice_free(&v);
	lab.alice = performer;
	check_lab_name_signers(&lab, true, false);
	check_lab_sign(&lab, NULL);
	lab_person_free(&site);
	lab_person_free(&host);
}

/* ---- a validation by itself ---- */

static void expect_alone(const struct xp_record *r, const char *code)
{
	struct xp_findings f = {0};
	bool found = false;

	assert_int_equal(xp_validation_check(r, &f, NULL), XP_OK);
	for (size_t i = 0; i < f.n; i++)
		found |= code && strcmp(f.list[i].code, code) == 0;
	if (code ? !found : f.n > 1)
		fail_msg("wanted %s, got %s", code ? code : "nothing", f.n ? f.list[0].code : "-");
	xp_findings_free(&f);
}

static struct xp_phase *add_reading(struct xp_record *r)
{
	struct xp_phase *p = xp_evidence_add(&r->evidence, XP_PHASE_READBACK);

	assert_non_null(p);
	assert_int_equal(xp_identity_copy(&p->identity, &r->media, NULL), XP_OK);
	p->attempt = p->take = 1;
	p->start_s = p->end_s = r->issued_s;
	p->readback.mode = XP_READBACK_FULL;
	p->readback.bytes_planned = r->media.capacity_bytes;
	p->readback.bytes_delivered = r->media.capacity_bytes;
	p->readback.coverage_ppm = 1000000;
	return p;
}

static void test_validation_own_evidence_is_judged(void **state)
{
	struct voice v = voice_new(&lab, XP_DECISION_ACCEPT, &lab.bob, XP_ROLE_VALIDATOR);
	struct xp_phase *p = add_reading(v.r);

	(void)state;
	expect_alone(v.r, NULL);
	/* another boot, another place: still the same image */
	p->identity.inode += 5;
	p->identity.diskseq = 77;
	expect_alone(v.r, NULL);
	p->readback.mismatch_total = 1;
	p->readback.mismatches = calloc(1, sizeof(*p->readback.mismatches));
	p->readback.mismatch_n = 1;
	p->readback.mismatches[0].len = 512;
	expect_alone(v.r, "E_DECISION");
	v.r->validation.decision = XP_DECISION_REJECT;
	expect_alone(v.r, NULL);
	p->identity.capacity_bytes *= 2;
	expect_alone(v.r, "E_EVIDENCE_IDENTITY");
	p->identity.capacity_bytes /= 2;
	p->kind = XP_PHASE_ERASE;
	expect_alone(v.r, "E_EVIDENCE_EXTENTS");
	voice_free(&v);
}

static void test_validation_about_itself_fails(void **state)
{
	struct voice v = voice_new(&lab, XP_DECISION_ACCEPT, &lab.bob, XP_ROLE_VALIDATOR);

	(void)state;
	snprintf(v.r->validation.subject_id, sizeof(v.r->validation.subject_id), "%s", v.r->id);
	expect_alone(v.r, "E_SUBJECT");
	snprintf(v.r->supersedes_id, sizeof(v.r->supersedes_id), "%s", v.r->id);
	expect_alone(v.r, "E_SUPERSEDES");
	snprintf(v.r->validation.remarks, sizeof(v.r->validation.remarks),
		 "the drive is unrecoverable");
	expect_alone(v.r, "E_TEXT_FORBIDDEN");
	v.r->signers_n = 0;
	expect_alone(v.r, "E_SIGNERS");
	voice_free(&v);
}

/* A decision that does not count replaces none. */
static void test_peers_supersession_by_what_does_not_count_is_none(void **state)
{
	struct voice v[2] = {voice_new(&lab, XP_DECISION_ACCEPT, &lab.bob, XP_ROLE_VALIDATOR),
			     voice_new(&lab, XP_DECISION_REJECT, &lab.bob, XP_ROLE_VALIDATOR)};

	(void)state;
	snprintf(v[0].r->supersedes_id, sizeof(v[0].r->supersedes_id), "%s", v[1].r->id);
	EVP_Digest(v[1].json, v[1].json_len, v[0].r->supersedes_sha256, NULL, EVP_sha256(), NULL);
	v[0].r->validation.signatures[0].sha256[0] ^= 1;
	sign_voice(&v[0], &lab.bob, XP_ROLE_VALIDATOR);
	expect(v, 2, 3, "P_REJECTED", 1, "E_SUBJECT_DIFFERS");
	voice_free(&v[0]);
	voice_free(&v[1]);
}

static void test_peers_concerns_made_light_of_do_not_count(void **state)
{
	struct voice v = voice_new(&lab, XP_DECISION_ACCEPT, &lab.bob, XP_ROLE_VALIDATOR);

	(void)state;
	/* the image is no drive */
	assert_int_equal(v.r->validation.concerns.scope, XP_ANSWER_YES);
	v.r->validation.concerns.scope = XP_ANSWER_NO;
	sign_voice(&v, &lab.bob, XP_ROLE_VALIDATOR);
	expect(&v, 1, 0, "W_VALIDATION_IGNORED", 1, "E_CONCERNS");
	v.r->validation.concerns.scope = XP_ANSWER_YES;
	v.r->validation.concerns.qualification = XP_ANSWER_NO;
	sign_voice(&v, &lab.bob, XP_ROLE_VALIDATOR);
	expect(&v, 1, 0, "W_VALIDATION_IGNORED", 1, "E_CONCERNS");
	/* who sees more than the program may say so */
	v.r->validation.concerns.qualification = XP_ANSWER_YES;
	v.r->validation.concerns.unreached = XP_ANSWER_YES;
	sign_voice(&v, &lab.bob, XP_ROLE_VALIDATOR);
	expect(&v, 1, 0, NULL, 0, NULL);
	voice_free(&v);
}

/* The readback of the lab's record, as a sample of SEED, in the validation V. */
static struct xp_readback_result *give_reading(struct voice *v, const uint8_t seed[32])
{
	const struct xp_phase *from = &lab.record->evidence.phases[2];
	struct xp_phase *p = xp_evidence_add(&v->r->evidence, XP_PHASE_READBACK);
	struct xp_sample_plan plan;

	assert_non_null(p);
	p->attempt = p->take = 1;
	p->technique = from->technique;
	assert_int_equal(xp_identity_copy(&p->identity, &from->identity, NULL), XP_OK);
	p->start_s = p->end_s = from->end_s;
	assert_int_equal(xp_sample_plan_totals(&plan, XP_SAMPLE_SCATTERED, 0,
					       from->identity.capacity_bytes,
					       from->identity.logical_block_bytes, seed, NULL),
			 XP_OK);
	p->readback = (struct xp_readback_result){.mode = XP_READBACK_SAMPLE,
						  .scheme = XP_SAMPLE_SCATTERED,
						  .expected = from->readback.expected,
						  .extents = plan.independent,
						  .always_extents = plan.always,
						  .bytes_planned = plan.bytes,
						  .bytes_delivered = plan.bytes,
						  .how = from->readback.how};
	p->readback.coverage_ppm = (uint32_t)(plan.bytes * 1000000 / from->identity.capacity_bytes);
	memcpy(p->readback.seed, seed, 32);
	return &p->readback;
}

/* Whatever the mode says: a reading at places that the performer chose is none of one's own. */
static void test_peers_seed_must_be_the_validators(void **state)
{
	static const uint8_t seed[32] = {7};
	struct voice v = voice_new(&lab, XP_DECISION_ACCEPT, &lab.bob, XP_ROLE_VALIDATOR);
	struct xp_readback_result *b = give_reading(&v, seed);

	(void)state;
	b->seed_mode = XP_SEED_LOCAL;
	sign_voice(&v, &lab.bob, XP_ROLE_VALIDATOR);
	expect(&v, 1, 0, "W_VALIDATION_IGNORED", 1, "E_SEED");
	b->seed_mode = XP_SEED_VALIDATOR;
	sign_voice(&v, &lab.bob, XP_ROLE_VALIDATOR);
	expect(&v, 1, 0, NULL, 0, NULL);
	/* it finds nothing else than ones, where zeros were written: that is no good reading */
	b->expected.kind = XP_CONTENT_PATTERN;
	b->expected.pattern[0] = 0xff;
	b->expected.pattern_len = 1;
	sign_voice(&v, &lab.bob, XP_ROLE_VALIDATOR);
	expect(&v, 1, 0, "W_VALIDATION_IGNORED", 1, "E_SUBJECT_DIFFERS");
	voice_free(&v);
}

/* Longer than half of a certificate's name, in letters of two bytes: cut nowhere. */
static void test_peers_voice_has_the_whole_name(void **state)
{
	static const char name[] = "Ä"
				   "ääääääääääääääääääääääääääääääääääääääää";
	AUTO(xp_check_peers_free) struct xp_check_peers *peers = NULL;
	struct xp_check_result r;
	struct lab_person carol;
	struct voice v;

	(void)state;
	lab_person_new(&carol, &lab.lab, XP_ROLE_VALIDATOR, name, "p-3");
	v = voice_new(&lab, XP_DECISION_ACCEPT, &carol, XP_ROLE_VALIDATOR);
	assert_int_equal(xp_check_peers_new(&peers, NULL), XP_OK);
	check(&r, v.json, v.json_len, v.p7s, v.p7s_len);
	assert_int_equal(xp_check_peers_add_voice(peers, &r, NULL), XP_OK);
	xp_check_result_free(&r);
	xp_check_peers_settle(peers, false);
	xp_check_set_peers(lab.check, peers);
	check(&r, lab.json, lab.json_len, lab.p7s, lab.p7s_len);
	assert_int_equal(r.voices_n, 1);
	assert_string_equal(r.voices[0].name, name);
	xp_check_result_free(&r);
	xp_check_set_peers(lab.check, NULL);
	voice_free(&v);
	lab_person_free(&carol);
}

static void test_concerns_follow_from_the_record(void **state)
{
	struct xp_record *r = record_sample_new();
	struct xp_concerns c;

	(void)state;
	snprintf(r->host.complete, sizeof(r->host.complete), "yes");
	r->claim.scope = XP_SCOPE_DRIVE;
	r->claim.reasons_n = 0;
	c = xp_validation_concerns(r);
	assert_int_equal(c.unreached, XP_ANSWER_NO);
	assert_int_equal(c.technique, XP_ANSWER_NO);
	assert_int_equal(c.qualification, XP_ANSWER_UNKNOWN);
	assert_int_equal(c.outcome, XP_ANSWER_NO);
	assert_int_equal(c.scope, XP_ANSWER_NO);
	r->evidence.phases[1].overwrite.unwritten.total_count = 1;
	r->asked = XP_PURGE;
	r->host.hidden_n = 1;
	snprintf(r->signers[0].role, sizeof(r->signers[0].role), "host");
	c = xp_validation_concerns(r);
	assert_int_equal(c.unreached, XP_ANSWER_YES);
	assert_int_equal(c.technique, XP_ANSWER_YES);
	assert_int_equal(c.qualification, XP_ANSWER_YES);
	assert_int_equal(c.outcome, XP_ANSWER_YES);
	assert_int_equal(c.scope, XP_ANSWER_YES);
	record_sample_free(r);
}

static int open_lab(void **state)
{
	(void)state;
	check_lab_open(&lab, false);
	return 0;
}

static int close_lab(void **state)
{
	(void)state;
	check_lab_close(&lab);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peers_acceptance_fills_the_role),
		cmocka_unit_test(test_peers_rejection_weighs_more),
		cmocka_unit_test(test_peers_supersession_is_of_the_same_person),
		cmocka_unit_test(test_peers_supersession_is_by_all_who_signed),
		cmocka_unit_test(test_peers_same_person_does_not_count),
		cmocka_unit_test(test_peers_same_key_does_not_count),
		cmocka_unit_test(test_peers_other_signatures_do_not_count),
		cmocka_unit_test(test_peers_older_than_the_record_does_not_count),
		cmocka_unit_test(test_peers_of_another_record_is_indeterminate),
		cmocka_unit_test(test_peers_performer_cannot_decide),
		cmocka_unit_test(test_peers_site_vouches_for_its_hosts),
		cmocka_unit_test(test_validation_own_evidence_is_judged),
		cmocka_unit_test(test_validation_about_itself_fails),
		cmocka_unit_test(test_peers_supersession_by_what_does_not_count_is_none),
		cmocka_unit_test(test_peers_concerns_made_light_of_do_not_count),
		cmocka_unit_test(test_peers_seed_must_be_the_validators),
		cmocka_unit_test(test_peers_voice_has_the_whole_name),
		cmocka_unit_test(test_concerns_follow_from_the_record),
	};

	return cmocka_run_group_tests(tests, open_lab, close_lab);
}
