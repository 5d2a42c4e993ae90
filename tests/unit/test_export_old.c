/* What stands where a file is exported to: the same, outgrown, torn, or something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/cms.h"
#include "certs/note.h"
#include "certs/sign.h"
#include "certs/timestamp.h"
#include "cli/job_export_old.h"
#include "tests/fake/record_sample.h"
#include "tests/fake/tsa_lab.h"

#define ID   "certificates/01900000-0000-7000-8000-000000000001"
#define JSON ID ".json"
#define P7S  ID ".json.p7s"

static enum xp_export_old judge(const char *path, const void *old, size_t old_len, const void *ours,
				size_t len)
{
	return xp_export_judge_old(path, &(struct xp_log_bytes){old, old_len},
				   &(struct xp_log_bytes){ours, len});
}

/* Every way a file of LEN bytes is torn on a stick: cut, or with zeros from some sector on. */
static void assert_torn_everywhere(const char *path, const char *ours, size_t len)
{
	AUTO_MEM char *torn = malloc(len);

	assert_non_null(torn);
	for (size_t cut = 0; cut < len; cut += len / 37 + 1) {
		assert_int_equal(judge(path, ours, cut, ours, len), XP_OLD_TORN);
		memcpy(torn, ours, len);
		memset(torn + cut, 0, len - cut);
		assert_int_equal(judge(path, torn, len, ours, len), XP_OLD_TORN);
	}
	assert_int_equal(judge(path, ours, len, ours, len), XP_OLD_SAME);
}

static void test_export_old_record_torn_or_another(void **state)
{
	struct xp_record *r = record_sample_new();
	size_t len = 0;
	size_t other_len = 0;
	AUTO_MEM char *ours = record_sample_json(r, &len);
	AUTO_MEM char *other = NULL;

	(void)state;
	assert_torn_everywhere(JSON, ours, len);
	snprintf(r->tenant, sizeof(r->tenant), "somebody else");
	other = record_sample_json(r, &other_len);
	assert_int_equal(judge(JSON, other, other_len, ours, len), XP_OLD_DIFFERS);
	record_sample_free(r);
}

struct signatures {
	struct lab lab;
	struct lab_person person;
	struct xp_signing_key *key;
};

static void sign(struct signatures *s, uint8_t **p7s, size_t *len, const char *text)
{
	assert_int_equal(xp_sign(p7s, len, s->key, text, strlen(text), LAB_NOW_S, NULL), XP_OK);
}

/* The same signature with a token of some authority. */
static void stamp(struct xp_buf *out, const uint8_t *p7s, size_t len)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	AUTO_MEM struct xp_cms *cms = calloc(1, sizeof(*cms));
	AUTO_MEM uint8_t *token = NULL;
	struct tsa_lab tsa;
	struct tsa_stamp s = {.at_s = LAB_NOW_S + 60};
	size_t token_len = 0;

	assert_non_null(cms);
	assert_true(xp_cms_parse(cms, p7s, len, &findings));
	s.signature = cms->signers[0].signature;
	tsa_lab_open(&tsa, TSA_EKU, false);
	token = tsa_lab_token(&tsa, &s, &token_len);
	assert_int_equal(xp_timestamp_embed(out, (struct xp_bytes){p7s, len},
					    (struct xp_bytes){token, token_len},
					    (struct xp_bytes){0}, LAB_NOW_S + 120, &findings, NULL),
			 XP_OK);
	tsa_lab_close(&tsa);
}

static void test_export_old_signature_stamped_since_is_the_same(void **state)
{
	struct signatures s = {0};
	AUTO(xp_buf_free) struct xp_buf stamped = {0};
	AUTO_MEM uint8_t *ours = NULL;
	AUTO_MEM uint8_t *again = NULL;
	size_t len = 0;
	size_t again_len = 0;

	(void)state;
	lab_open(&s.lab);
	lab_person_new(&s.person, &s.lab, XP_ROLE_PERFORMER, "P", "1");
	s.key = lab_signing_key(&s.person, NULL);
	sign(&s, &ours, &len, "{}");
	assert_torn_everywhere(P7S, (const char *)ours, len);
	stamp(&stamped, ours, len);
	assert_true(stamped.len > len);
	assert_int_equal(judge(P7S, stamped.data, stamped.len, ours, len), XP_OLD_SAME);
	/* a stamped one that is torn is torn */
	assert_int_equal(judge(P7S, stamped.data, stamped.len - 1, ours, len), XP_OLD_TORN);
	sign(&s, &again, &again_len, "{}");
	assert_int_equal(judge(P7S, again, again_len, ours, len), XP_OLD_DIFFERS);
	xp_signing_key_free(&s.key);
	lab_person_free(&s.person);
	lab_close(&s.lab);
}

static void test_export_old_checkpoint_by_its_size(void **state)
{
	AUTO_MEM char *small = NULL;
	AUTO_MEM char *large = NULL;
	AUTO_MEM char *other = NULL;
	struct xp_note_signer *signer = NULL;
	struct xp_note_signer *stranger = NULL;
	struct xp_merkle_head head = {.size = 3};
	size_t small_len = 0;
	size_t large_len = 0;
	size_t other_len = 0;

	(void)state;
	assert_int_equal(xp_note_signer_new(&signer, "x.example/usb-1", xp_rng_system(), NULL),
			 XP_OK);
	assert_int_equal(xp_note_signer_new(&stranger, "y.example/usb-1", xp_rng_system(), NULL),
			 XP_OK);
	assert_int_equal(xp_checkpoint_sign(&small, &small_len, &head, signer, NULL), XP_OK);
	assert_int_equal(xp_checkpoint_sign(&other, &other_len, &head, stranger, NULL), XP_OK);
	head.size = 4;
	assert_int_equal(xp_checkpoint_sign(&large, &large_len, &head, signer, NULL), XP_OK);
	assert_int_equal(judge("log/checkpoint", small, small_len, large, large_len),
			 XP_OLD_OUTGROWN);
	/* ours went back: the newer one stays */
	assert_int_equal(judge("log/checkpoint", large, large_len, small, small_len),
			 XP_OLD_DIFFERS);
	assert_int_equal(judge("log/checkpoint", other, other_len, large, large_len),
			 XP_OLD_DIFFERS);
	assert_int_equal(judge("log/checkpoint", small, small_len / 2, large, large_len),
			 XP_OLD_TORN);
	xp_note_signer_free(&signer);
	xp_note_signer_free(&stranger);
}

static void test_export_old_index_grows(void **state)
{
	static const char ours[] = "id\n\"1\"\n\"2\"\n";
	static const char holed[] = "id\n\0\0\0\n";

	(void)state;
	assert_int_equal(judge("index.csv", ours, 7, ours, 11), XP_OLD_OUTGROWN);
	assert_int_equal(judge("index.csv", ours, 9, ours, 11), XP_OLD_TORN);
	assert_int_equal(judge("index.csv", holed, 7, ours, 11), XP_OLD_TORN);
	assert_int_equal(judge("index.csv", "", 0, ours, 11), XP_OLD_TORN);
	assert_int_equal(judge("index.csv", "id\n\"9\"\n", 7, ours, 11), XP_OLD_DIFFERS);
	assert_int_equal(judge("index.csv", ours, 11, ours, 7), XP_OLD_DIFFERS);
	assert_int_equal(judge("log/tile/0/000", "x", 1, "yy", 2), XP_OLD_TORN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_export_old_record_torn_or_another),
		cmocka_unit_test(test_export_old_signature_stamped_since_is_the_same),
		cmocka_unit_test(test_export_old_checkpoint_by_its_size),
		cmocka_unit_test(test_export_old_index_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
