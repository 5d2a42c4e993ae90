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
#include "tests/fake/record_sample.h"

#define SET(field, text) snprintf((field), sizeof(field), "%s", (text))

/* ---- an honest record ---- */

static void use_policy(struct xp_record *r, const char *path)
{
	struct xp_err err = {0};

	free(r->policy_json);
	r->policy_json = NULL;
	if (xp_file_read(&r->policy_json, &r->policy_len, path, XP_POLICY_MAX_BYTES, &err) != XP_OK)
		fail_msg("%s", err.msg);
}

/* Writes the claim that the evidence gives, as the program does. */
static void claim_again(struct xp_record *r)
{
	struct xp_policy *policy = NULL;
	struct xp_err err = {0};

	if (xp_policy_parse(&policy, r->policy_json, r->policy_len, &err) != XP_OK)
		fail_msg("%s", err.msg);
	xp_claim_compute(&r->claim, &r->evidence, policy);
	xp_policy_free(&policy);
	r->kind = r->claim.level > XP_NONE ? XP_RECORD_SANITIZATION : XP_RECORD_FAILURE;
}

static struct xp_record *honest(void)
{
	struct xp_record *r = record_sample_new();

	use_policy(r, "docs/policies/nist-800-88r2.json");
	claim_again(r);
	return r;
}

static struct xp_readback_result *readback(struct xp_record *r)
{
	return &r->evidence.phases[2].readback;
}

/* A sample instead of every byte. */
static struct xp_record *honest_sample(void)
{
	struct xp_record *r = honest();
	struct xp_readback_result *b = readback(r);
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
	claim_again(r);
	return r;
}

/* ---- expectations ---- */

static bool has_code(const struct xp_findings *f, const char *code, const char *where)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].code, code) == 0 && strstr(f->list[i].text, where))
			return true;
	return false;
}

static bool has_errors(const struct xp_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->list[i].code[0] != 'W')
			return true;
	return false;
}

/* CODE NULL: nothing but warnings. Takes R. */
static void expect(struct xp_record *r, const char *code, const char *where)
{
	struct xp_findings f = {0};
	struct xp_err err = {0};

	assert_int_equal(xp_record_check(r, &f, &err), XP_OK);
	if (code ? !has_code(&f, code, where) : has_errors(&f)) {
		for (size_t i = 0; i < f.n; i++)
			print_error("found %s: %s\n", f.list[i].code, f.list[i].text);
		fail_msg("expected %s %s", code ? code : "no error", where ? where : "");
	}
	xp_findings_free(&f);
	record_sample_free(r);
}

/* ---- tests ---- */

static void test_record_check_honest_records_pass(void **state)
{
	struct xp_record *r;

	(void)state;
	r = honest();
	assert_int_equal(r->claim.level, XP_CLEAR);
	expect(r, NULL, NULL);
	r = honest_sample();
	assert_int_equal(r->claim.level, XP_CLEAR);
	expect(r, NULL, NULL);
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
	expect(again, NULL, NULL);
	free(json);
	record_sample_free(r);
	xp_findings_free(&f);
}

static void test_record_check_claim_above_evidence_fails(void **state)
{
	struct xp_record *r;

	(void)state;
	r = honest();
	r->claim.level = XP_PURGE;
	expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.level");
	r = honest();
	r->claim.cap = XP_PURGE;
	expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.cap");
	r = honest();
	r->claim.scope = XP_SCOPE_DRIVE;
	expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.scope");
	r = honest();
	r->evidence.phases[1].overwrite.flushed = false;
	expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.level");
	r = honest();
	r->evidence.phases[1].overwrite.bytes_written -= 512;
	expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.level");
	r = honest();
	r->evidence.cancelled = true;
	expect(r, "E_CLAIM_ABOVE_EVIDENCE", "outcome");
	r = honest();
	assert_true(r->claim.reasons_n > 0);
	r->claim.reasons_n--;
	expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.reasons");
	r = honest();
	r->claim.not_covered_n = 0;
	expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.not_covered");
	r = honest();
	SET(r->method, "purge");
	expect(r, "E_CLAIM_ABOVE_EVIDENCE", "method");
	r = honest();
	SET(r->method, "destroy");
	expect(r, "E_CLAIM_ABOVE_EVIDENCE", "method");
}

/* one residue in the readback: the claim that it was clear is above the evidence */
static void test_record_check_residue_under_a_claim_fails(void **state)
{
	struct xp_record *r = honest();
	struct xp_readback_result *b = readback(r);

	(void)state;
	b->mismatches = calloc(1, sizeof(*b->mismatches));
	assert_non_null(b->mismatches);
	b->mismatch_n = 1;
	b->mismatch_total = 1;
	b->mismatches[0].offset = 4096;
	b->mismatches[0].len = 512;
	SET(b->mismatches[0].kind, "data");
	expect(r, "E_CLAIM_ABOVE_EVIDENCE", "claim.level");
}

static void test_record_check_another_claim_fails(void **state)
{
	struct xp_record *r;

	(void)state;
	r = honest();
	r->claim.level = XP_NONE;
	expect(r, "E_CLAIM_DIFFERS", "claim.level");
	r = honest();
	r->claim.technique = XP_OVERWRITE_RANDOM;
	expect(r, "E_CLAIM_DIFFERS", "claim.technique");
	r = honest();
	r->technique = XP_OVERWRITE_RANDOM;
	expect(r, "E_CLAIM_DIFFERS", "technique");
	r = honest();
	SET(r->claim.reasons[r->claim.reasons_n].code, "made-up");
	SET(r->claim.reasons[r->claim.reasons_n++].text, "made up");
	expect(r, "E_CLAIM_DIFFERS", "claim.reasons");
	r = honest();
	r->method[0] = 0;
	expect(r, "E_CLAIM_DIFFERS", "method");
}

static void test_record_check_swapped_policy_is_judged_by(void **state)
{
	struct xp_record *r = honest();

	(void)state;
	free(r->policy_json);
	r->policy_json = strdup("{\"name\":\"x\",\"standard\":\"y\",\"edition\":\"z\"}");
	r->policy_len = r->policy_json ? strlen(r->policy_json) : 0;
	expect(r, "E_POLICY", "policy.document");
}

static void rewrite_policy(struct xp_record *r, const char *from, const char *to)
{
	char *at = strstr(r->policy_json, from);

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
}

static void test_record_check_policy_under_a_known_name_fails(void **state)
{
	struct xp_findings f = {0};
	struct xp_record *r = honest();

	(void)state;
	/* a table that would let anything pass, by the name of ours */
	rewrite_policy(r, "\"edition\": \"r2\"", "\"edition\": \"r1\"");
	expect(r, "E_POLICY_SWAPPED", "nist-800-88r2");
	r = honest();
	rewrite_policy(r, "\"name\": \"nist-800-88r2\"", "\"name\": \"nist-800-88-2\"");
	claim_again(r);
	assert_int_equal(xp_record_check(r, &f, NULL), XP_OK);
	assert_true(has_code(&f, "W_POLICY_OWN", "nist-800-88-2"));
	assert_false(has_errors(&f));
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

		use_policy(r, files[i]);
		claim_again(r);
		assert_int_equal(xp_record_check(r, &f, NULL), XP_OK);
		assert_false(has_code(&f, "E_POLICY_SWAPPED", ""));
		assert_false(has_code(&f, "W_POLICY_OWN", ""));
		xp_findings_free(&f);
		record_sample_free(r);
	}
}

static void test_record_check_other_words_are_indeterminate(void **state)
{
	struct xp_record *r = honest();

	(void)state;
	SET(r->claim.reasons[0].text, "the whole drive, as far as anyone can tell");
	expect(r, "I_CLAIM_WORDING", "claim.reasons[0]");
	r = honest();
	SET(r->claim.not_covered[0], "nothing");
	expect(r, "I_CLAIM_WORDING", "claim.not_covered[0]");
	r = honest();
	SET(r->claim.not_covered[r->claim.not_covered_n++], "nothing");
	expect(r, "I_CLAIM_WORDING", "claim.not_covered");
	r = honest();
	r->claim.reasons[r->claim.reasons_n++] = r->claim.reasons[0];
	expect(r, "E_CLAIM_DIFFERS", "claim.reasons");
	/* a text that is cut short says less, and is not the rule's either */
	r = honest();
	r->claim.reasons[0].text[20] = 0;
	expect(r, "I_CLAIM_WORDING", "claim.reasons[0]");
}

static void test_record_check_kind_must_fit_the_outcome(void **state)
{
	struct xp_record *r;

	(void)state;
	r = honest();
	r->kind = XP_RECORD_FAILURE;
	expect(r, "E_KIND_OUTCOME", "kind");
	r = honest();
	r->evidence.phases[1].overwrite.flushed = false;
	claim_again(r);
	assert_int_equal(r->kind, XP_RECORD_FAILURE);
	expect(r, NULL, NULL);
	r = honest();
	r->evidence.phases[1].overwrite.flushed = false;
	claim_again(r);
	r->kind = XP_RECORD_SANITIZATION;
	expect(r, "E_KIND_OUTCOME", "kind");
}

static void test_record_check_twin_drive_fails(void **state)
{
	struct xp_record *r;

	(void)state;
	r = honest();
	r->media.inode++;
	expect(r, "E_EVIDENCE_IDENTITY", "evidence[0].identity: ");
	r = honest();
	SET(r->media.serial, "ANOTHER");
	expect(r, "E_EVIDENCE_IDENTITY", "serial");
	/* the same in an honest record of a failure is only said */
	r = honest();
	r->evidence.phases[3].identity.inode++;
	claim_again(r);
	assert_int_equal(r->claim.level, XP_NONE);
	expect(r, NULL, NULL);
	r = honest();
	r->evidence.phases[3].identity.inode++;
	claim_again(r);
	expect(r, "W_EVIDENCE_IDENTITY", "evidence[3]");
}

static void test_record_check_media_must_fit(void **state)
{
	struct xp_record *r;

	(void)state;
	r = honest();
	r->evidence.capacity.current--;
	expect(r, "E_EVIDENCE_MEDIA", "capacity.current_bytes");
	r = honest();
	r->capacity_after_bytes--;
	expect(r, "E_EVIDENCE_MEDIA", "capacity.after_bytes");
	r = honest();
	r->media.logical_block_bytes = 4095;
	expect(r, "E_EVIDENCE_MEDIA", "blocks");
	r = honest();
	r->media.logical_block_bytes = 0;
	expect(r, "E_EVIDENCE_MEDIA", "blocks");
}

static void test_record_check_times_must_be_in_order(void **state)
{
	struct xp_record *r;

	(void)state;
	r = honest();
	r->issued_s = r->evidence.phases[3].end_s - 1;
	expect(r, "E_EVIDENCE_TIME", "issued");
	r = honest();
	r->evidence.phases[1].end_s = r->evidence.phases[1].start_s - 1;
	expect(r, "E_EVIDENCE_TIME", "evidence[1]");
	r = honest();
	r->evidence.phases[2].start_ns = r->evidence.phases[1].end_ns - 1;
	expect(r, "E_EVIDENCE_TIME", "evidence[2].start_ns");
	r = honest();
	r->evidence.phases[1].end_ns = r->evidence.phases[1].start_ns - 1;
	expect(r, "E_EVIDENCE_TIME", "evidence[1]");
	r = honest();
	r->evidence.phases[2].start_s = r->evidence.phases[1].end_s - 1;
	expect(r, "E_EVIDENCE_TIME", "evidence[2].start:");
	/* an hour by one clock, a second by the other */
	r = honest();
	r->evidence.phases[2].end_ns += 3600000000000;
	r->evidence.phases[3].start_ns = r->evidence.phases[2].end_ns;
	r->evidence.phases[3].end_ns = r->evidence.phases[2].end_ns + 1;
	expect(r, "W_EVIDENCE_TIME", "evidence[2]: ");
	r = honest();
	r->evidence.phases[3].end_s += 3600;
	r->issued_s += 3600;
	expect(r, "W_EVIDENCE_TIME", "evidence[3]: ");
	/* after a reboot the monotonic clock begins anew */
	r = honest();
	SET(r->evidence.phases[3].boot_id, "11111111-9a51-4e0c-8f4b-2f9f5f0b7c11");
	r->evidence.phases[3].start_ns = 5;
	r->evidence.phases[3].end_ns = 6;
	expect(r, NULL, NULL);
}

static void test_record_check_verification_figures_must_be_true(void **state)
{
	struct xp_record *r;

	(void)state;
	r = honest();
	readback(r)->coverage_ppm--;
	expect(r, "E_VERIFICATION", "coverage_ppm");
	r = honest_sample();
	readback(r)->coverage_ppm++;
	expect(r, "E_VERIFICATION", "coverage_ppm");
	r = honest_sample();
	readback(r)->extents++;
	expect(r, "E_VERIFICATION", "scheme and seed");
	r = honest_sample();
	readback(r)->extents--;
	expect(r, "E_VERIFICATION", "scheme and seed");
	r = honest_sample();
	readback(r)->always_extents++;
	expect(r, "E_VERIFICATION", "scheme and seed");
	r = honest_sample();
	readback(r)->bytes_planned--;
	expect(r, "E_VERIFICATION", "scheme and seed");
	r = honest();
	readback(r)->bytes_planned--;
	expect(r, "E_VERIFICATION", "full");
	r = honest();
	readback(r)->bytes_delivered++;
	expect(r, "E_VERIFICATION", "more bytes");
	r = honest();
	readback(r)->mismatch_total = 1;
	expect(r, "E_VERIFICATION", "mismatches");
}

static void test_record_check_extents_must_sum_up(void **state)
{
	struct xp_record *r;
	struct xp_extents *e;

	(void)state;
	r = honest();
	r->evidence.phases[1].overwrite.unwritten.total_count = 1;
	expect(r, "E_EVIDENCE_EXTENTS", "overwrite.unwritten");
	r = honest();
	e = &readback(r)->read_errors;
	assert_int_equal(xp_extents_add(e, 512, 512, NULL), XP_OK);
	e->total_bytes = 1;
	expect(r, "E_EVIDENCE_EXTENTS", "readback.read_errors");
	r = honest();
	e = &readback(r)->read_errors;
	assert_int_equal(xp_extents_add(e, RECORD_SAMPLE_BYTES, 512, NULL), XP_OK);
	expect(r, "E_EVIDENCE_EXTENTS", "readback.read_errors");
	r = honest();
	e = &readback(r)->read_errors;
	assert_int_equal(xp_extents_add(e, 512, 512, NULL), XP_OK);
	e->list[0].offset = UINT64_MAX - 10;
	expect(r, "E_EVIDENCE_EXTENTS", "readback.read_errors");
}

static void test_record_check_surroundings(void **state)
{
	struct xp_record *r;

	(void)state;
	r = honest();
	r->signers_n = 0;
	expect(r, "E_SIGNERS", "nobody");
	r = honest();
	r->signers[1] = r->signers[0];
	r->signers_n = 2;
	expect(r, "E_SIGNERS", "signers[1]");
	r = honest();
	SET(r->host.complete, "yes");
	r->host.hidden_n = 1;
	SET(r->host.hidden[0].controller, "megaraid");
	SET(r->host.hidden[0].reason, "hot spare");
	expect(r, "E_HOST", "complete");
	r = honest();
	r->evidence.clock_synchronized = XP_ANSWER_NO;
	r->clock.synchronized = true;
	expect(r, "E_CLOCK", "clock");
	r = honest();
	r->accepted = XP_PURGE;
	expect(r, "E_ASKED", "accepted");
	r = honest();
	r->asked = r->accepted = XP_NONE;
	expect(r, "E_ASKED", "asked");
	r = honest();
	SET(r->signers[0].role, "validator");
	expect(r, "E_SIGNERS", "no performer");
	r = honest();
	r->clock.synchronized = true;
	expect(r, "E_CLOCK", "clock");
	r = honest();
	memcpy(r->supersedes_id, r->id, sizeof(r->id));
	expect(r, "E_SUPERSEDES", "supersedes");
}

static void test_record_check_forbidden_texts_fail(void **state)
{
	struct xp_record *r;

	(void)state;
	r = honest();
	SET(r->persons[0].title, "NIST-certified eraser");
	expect(r, "E_TEXT_FORBIDDEN", "persons[0].title");
	r = honest();
	SET(r->claim.not_covered[0], "nothing: 100 % verified");
	expect(r, "E_TEXT_FORBIDDEN", "claim.not_covered[0]");
	r = honest();
	SET(r->claim.reasons[0].text, "Conforms to IEEE 2883");
	expect(r, "E_TEXT_FORBIDDEN", "claim.reasons[0].text");
	r = honest();
	SET(r->tenant, "data UNRECOVERABLE by any means");
	expect(r, "E_TEXT_FORBIDDEN", "tenant");
	r = honest();
	SET(r->host.model, "Destroyed");
	expect(r, "E_TEXT_FORBIDDEN", "host.model");
	r = honest();
	SET(r->classification_after, "validated");
	expect(r, "E_TEXT_FORBIDDEN", "media.classification_after");
	r = honest();
	r->ext = json_pack("{s:[{s:s}]}", "org.example.seal", "text", "NIST approved");
	expect(r, "E_TEXT_FORBIDDEN", "ext");
	r = honest();
	free(r->policy_json);
	r->policy_json = strdup("{\"name\":\"x\",\"standard\":\"y\",\"edition\":\"z\","
				"\"title\":\"Conforms to IEEE 2883\"}");
	assert_non_null(r->policy_json);
	r->policy_len = strlen(r->policy_json);
	expect(r, "E_TEXT_FORBIDDEN", "policy.document");
}

static void test_text_forbidden_matches_whole_words(void **state)
{
	(void)state;
	assert_string_equal(xp_record_text_forbidden("100% verified!"), "100 verified");
	assert_string_equal(xp_record_text_forbidden("DoD-grade"), "dod grade");
	assert_string_equal(xp_record_text_forbidden("(NIST  approved)"), "nist approved");
	/* full-width letters, and a joiner between two */
	assert_string_equal(
		xp_record_text_forbidden("\xef\xbc\xae\xef\xbc\xa9\xef\xbc\xb3\xef\xbc\xb4"
					 "\xe3\x80\x80"
					 "approved"),
		"nist approved");
	assert_string_equal(xp_record_text_forbidden("de\xe2\x80\x8dstroyed"), "destroyed");
	assert_string_equal(xp_record_text_forbidden("N\xe2\x80\x8bIST\xe2\x80\xa8"
						     "certified"),
			    "nist certified");
	assert_null(xp_record_text_forbidden("a validator's decision"));
	assert_null(xp_record_text_forbidden("undestroyed"));
	assert_null(xp_record_text_forbidden("NIST SP 800-88"));
	assert_null(xp_record_text_forbidden("1100 verified records"));
	assert_null(xp_record_text_forbidden(""));
	assert_null(xp_record_text_forbidden("!!!"));
}

/* every text of the rules themselves may stand in a certificate */
static void test_record_check_own_texts_are_allowed(void **state)
{
	static const enum xp_technique techniques[] = {XP_OVERWRITE_ZERO, XP_ATA_SECURE_ERASE,
						       XP_NVME_SANITIZE_CRYPTO, XP_LUKS_DESTROY};

	(void)state;
	for (unsigned defect = 0; defect < 64; defect++) {
		for (size_t t = 0; t < XP_ARRAY_LEN(techniques); t++) {
			struct xp_record *r = honest();
			struct xp_phase *erase = &r->evidence.phases[1];

			erase->technique = techniques[t];
			r->evidence.phases[2].technique = techniques[t];
			r->technique = techniques[t];
			for (size_t i = 0; i < r->evidence.n && (defect & 1); i++)
				r->evidence.phases[i].identity.media = XP_MEDIA_SSD;
			if (defect & 1)
				r->media.media = XP_MEDIA_SSD;
			erase->overwrite.flushed = !(defect & 2);
			erase->command.frozen = defect & 4;
			erase->command.completion_known = defect & 8;
			readback(r)->mismatch_total = (defect & 16) / 16;
			r->evidence.cancelled = defect & 32;
			claim_again(r);
			for (unsigned i = 0; i < r->claim.reasons_n; i++)
				assert_null(xp_record_text_forbidden(r->claim.reasons[i].text));
			for (unsigned i = 0; i < r->claim.not_covered_n; i++)
				assert_null(xp_record_text_forbidden(r->claim.not_covered[i]));
			record_sample_free(r);
		}
	}
}

static void test_record_check_today_only_warns(void **state)
{
	struct xp_record *r = honest();
	struct xp_findings f = {0};
	char *stricter = strdup(r->policy_json);
	char *at;

	(void)state;
	assert_non_null(stricter);
	assert_int_equal(xp_record_check_today(r, r->policy_json, r->policy_len, &f, NULL), XP_OK);
	assert_int_equal(f.n, 0);
	/* the first cap of a virtual disk, that of overwrite-zero, is taken away */
	at = strstr(stricter, "\"virtual\": \"clear\"");
	assert_non_null(at);
	memcpy(at, "\"virtual\": \"none\" ", strlen("\"virtual\": \"none\" "));
	assert_int_equal(xp_record_check_today(r, stricter, strlen(stricter), &f, NULL), XP_OK);
	assert_true(has_code(&f, "W_POLICY_TODAY", "nist-800-88r2"));
	assert_true(has_code(&f, "W_CLAIM_TODAY", "none"));
	assert_false(has_errors(&f));
	assert_int_equal(xp_record_check_today(r, "{}", 2, &f, NULL), XP_E_MALFORMED);
	free(stricter);
	xp_findings_free(&f);
	record_sample_free(r);
}

static void expect_no_rehearsal(struct xp_record *r, const char *where)
{
	struct xp_err err = {0};

	assert_int_equal(xp_record_rehearse(r, &err), XP_E_USAGE);
	if (!strstr(err.msg, where))
		fail_msg("\"%s\" does not name %s", err.msg, where);
	record_sample_free(r);
}

/* before the erase there is no evidence yet, and nobody has signed */
static void test_record_rehearse_refuses_what_would_never_verify(void **state)
{
	struct xp_record *r = honest();

	(void)state;
	assert_int_equal(xp_record_rehearse(r, NULL), XP_OK);
	SET(r->signers[0].role, "validator");
	assert_int_equal(xp_record_rehearse(r, NULL), XP_E_USAGE);
	r->signers_n = 0;
	assert_int_equal(xp_record_rehearse(r, NULL), XP_OK);
	rewrite_policy(r, "\"edition\": \"r2\"", "\"edition\": \"r1\"");
	assert_int_equal(xp_record_rehearse(r, NULL), XP_E_USAGE);
	record_sample_free(r);
}

static void test_record_rehearse_finds_what_was_typed(void **state)
{
	struct xp_record *r;

	(void)state;
	r = honest();
	xp_evidence_free(&r->evidence);
	memset(&r->evidence, 0, sizeof(r->evidence));
	memset(&r->claim, 0, sizeof(r->claim));
	r->signers_n = 0;
	r->persons_n = 0;
	assert_int_equal(xp_record_rehearse(r, NULL), XP_OK);
	SET(r->ticket, "please make it unrecoverable");
	expect_no_rehearsal(r, "media.ticket");
	r = honest();
	SET(r->tenant, "two\nlines");
	expect_no_rehearsal(r, "tenant");
	r = honest();
	SET(r->destination, "the bin");
	expect_no_rehearsal(r, "destination");
	r = honest();
	free(r->policy_json);
	r->policy_json = strdup("{\"name\":\"dod-grade\",\"standard\":\"s\",\"edition\":\"e\"}");
	r->policy_len = r->policy_json ? strlen(r->policy_json) : 0;
	expect_no_rehearsal(r, "policy.name");
	r = honest();
	r->policy_json[0] = '[';
	expect_no_rehearsal(r, "policy");
}

/* after the erase nothing that the job found out keeps its record from being written */
static void test_record_write_testimony_is_never_refused(void **state)
{
	struct xp_record *r = honest();
	size_t len;
	char *json;

	(void)state;
	SET(r->claim.reasons[0].text, "the drive says: validated");
	SET(r->evidence.phases[1].overwrite.how.fallback, "destroyed");
	json = record_sample_json(r, &len);
	assert_non_null(strstr(json, "validated"));
	free(json);
	expect(r, "E_TEXT_FORBIDDEN", "claim.reasons[0].text");
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
		cmocka_unit_test(test_record_check_forbidden_texts_fail),
		cmocka_unit_test(test_text_forbidden_matches_whole_words),
		cmocka_unit_test(test_record_check_own_texts_are_allowed),
		cmocka_unit_test(test_record_check_today_only_warns),
		cmocka_unit_test(test_record_rehearse_refuses_what_would_never_verify),
		cmocka_unit_test(test_record_rehearse_finds_what_was_typed),
		cmocka_unit_test(test_record_write_testimony_is_never_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
