/* What a record says in words, and what is refused before the erase. */
#include "certs/record_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/fake/record_honest.h"

static void test_record_check_forbidden_texts_fail(void **state)
{
	struct xp_record *r;

	(void)state;
	r = record_honest();
	SET(r->persons[0].title, "NIST-certified eraser");
	record_expect(r, "E_TEXT_FORBIDDEN", "persons[0].title");
	r = record_honest();
	SET(r->claim.not_covered[0], "nothing: 100 % verified");
	record_expect(r, "E_TEXT_FORBIDDEN", "claim.not_covered[0]");
	r = record_honest();
	SET(r->claim.reasons[0].text, "Conforms to IEEE 2883");
	record_expect(r, "E_TEXT_FORBIDDEN", "claim.reasons[0].text");
	r = record_honest();
	SET(r->tenant, "data UNRECOVERABLE by any means");
	record_expect(r, "E_TEXT_FORBIDDEN", "tenant");
	r = record_honest();
	SET(r->host.model, "Destroyed");
	record_expect(r, "E_TEXT_FORBIDDEN", "host.model");
	r = record_honest();
	SET(r->classification_after, "validated");
	record_expect(r, "E_TEXT_FORBIDDEN", "media.classification_after");
	r = record_honest();
	r->ext = json_pack("{s:[{s:s}]}", "org.example.seal", "text", "NIST approved");
	record_expect(r, "E_TEXT_FORBIDDEN", "ext");
	r = record_honest();
	free(r->policy_json);
	r->policy_json = strdup("{\"name\":\"x\",\"standard\":\"y\",\"edition\":\"z\","
				"\"title\":\"Conforms to IEEE 2883\"}");
	assert_non_null(r->policy_json);
	r->policy_len = strlen(r->policy_json);
	record_expect(r, "E_TEXT_FORBIDDEN", "policy.document");
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
			struct xp_record *r = record_honest();
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
			record_readback(r)->mismatch_total = (defect & 16) / 16;
			r->evidence.cancelled = defect & 32;
			record_claim_again(r);
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
	struct xp_record *r = record_honest();
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
	assert_true(findings_have(&f, "W_POLICY_TODAY", "nist-800-88r2"));
	assert_true(findings_have(&f, "W_CLAIM_TODAY", "none"));
	assert_false(findings_are_errors(&f));
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
	struct xp_record *r = record_honest();

	(void)state;
	assert_int_equal(xp_record_rehearse(r, NULL), XP_OK);
	SET(r->signers[0].role, "validator");
	assert_int_equal(xp_record_rehearse(r, NULL), XP_E_USAGE);
	r->signers_n = 0;
	assert_int_equal(xp_record_rehearse(r, NULL), XP_OK);
	record_rewrite_policy(r, "\"edition\": \"r2\"", "\"edition\": \"r1\"");
	assert_int_equal(xp_record_rehearse(r, NULL), XP_E_USAGE);
	record_sample_free(r);
}

static void test_record_rehearse_finds_what_was_typed(void **state)
{
	struct xp_record *r;

	(void)state;
	r = record_honest();
	xp_evidence_free(&r->evidence);
	memset(&r->evidence, 0, sizeof(r->evidence));
	memset(&r->claim, 0, sizeof(r->claim));
	r->signers_n = 0;
	r->persons_n = 0;
	assert_int_equal(xp_record_rehearse(r, NULL), XP_OK);
	SET(r->ticket, "please make it unrecoverable");
	expect_no_rehearsal(r, "media.ticket");
	r = record_honest();
	SET(r->tenant, "two\nlines");
	expect_no_rehearsal(r, "tenant");
	r = record_honest();
	SET(r->destination, "the bin");
	expect_no_rehearsal(r, "destination");
	r = record_honest();
	free(r->policy_json);
	r->policy_json = strdup("{\"name\":\"dod-grade\",\"standard\":\"s\",\"edition\":\"e\"}");
	r->policy_len = r->policy_json ? strlen(r->policy_json) : 0;
	expect_no_rehearsal(r, "policy.name");
	r = record_honest();
	r->policy_json[0] = '[';
	expect_no_rehearsal(r, "policy");
}

/* after the erase nothing that the job found out keeps its record from being written */
static void test_record_write_testimony_is_never_refused(void **state)
{
	struct xp_record *r = record_honest();
	size_t len;
	char *json;

	(void)state;
	SET(r->claim.reasons[0].text, "the drive says: validated");
	SET(r->evidence.phases[1].overwrite.how.fallback, "destroyed");
	json = record_sample_json(r, &len);
	assert_non_null(strstr(json, "validated"));
	free(json);
	record_expect(r, "E_TEXT_FORBIDDEN", "claim.reasons[0].text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
