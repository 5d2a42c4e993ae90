/* What is written of a record, and what cannot be. */
#include "certs/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "certs/jcs.h"
#include "tests/fake/record_sample.h"
#include "tests/fake/record_tree.h"

static const char *text_at(json_t *tree, const char *object, const char *key)
{
	return json_string_value(json_object_get(record_tree_at(tree, object), key));
}

static void test_record_write_sample_has_its_fields(void **state)
{
	json_t *t = record_tree_new();

	(void)state;
	assert_string_equal(text_at(t, "", "schema"), "expunge-record/1");
	assert_string_equal(text_at(t, "", "kind"), "sanitization");
	assert_string_equal(text_at(t, "", "id"), "019ab6f2-5c00-7a11-8b22-0123456789ab");
	assert_string_equal(text_at(t, "", "issued"), "2026-11-22T02:00:07Z");
	assert_string_equal(text_at(t, "", "case"), "CASE-2026-1122");
	assert_string_equal(text_at(t, "media", "name"), "disk.img");
	assert_string_equal(text_at(t, "media", "asset_tag"), "A-0042");
	assert_string_equal(text_at(t, "media", "capacity_bytes"), "1048576");
	assert_string_equal(text_at(t, "media.backup", "status"), "no");
	assert_string_equal(text_at(t, "standard", "edition"), "r2");
	assert_string_equal(text_at(t, "policy.document", "level"), "purge");
	assert_string_equal(text_at(t, "evidence[1].overwrite", "bytes_written"), "1048576");
	assert_string_equal(text_at(t, "evidence[2].readback", "bytes_delivered"), "1048576");
	assert_string_equal(text_at(t, "evidence[2]", "end"), "2026-11-22T02:00:04Z");
	assert_string_equal(text_at(t, "claim", "rules"), "expunge-claim/1");
	assert_string_equal(text_at(t, "claim", "scope"), "logical-unit");
	assert_string_equal(text_at(t, "clock", "offset_ns"), "-1250");
	assert_string_equal(text_at(t, "persons[0]", "name"), "山田 花子");
	assert_string_equal(text_at(t, "verification", "mode"), "full");
	assert_int_equal(
		json_integer_value(json_object_get(record_tree_at(t, "verification"), "phase")), 2);
	assert_null(json_object_get(record_tree_at(t, "verification"), "residue_bound_ppb"));
	assert_null(json_object_get(t, "supersedes"));
	assert_null(json_object_get(t, "log"));
	assert_null(json_object_get(record_tree_at(t, "media"), "serial"));
	json_decref(t);
}

/* the hash can be had again by anyone: canonical bytes of policy.document */
static void test_record_write_policy_hash_is_of_its_canonical_bytes(void **state)
{
	struct xp_record *r = record_sample_new();
	json_t *t = record_tree_new();
	char *as_is;
	size_t len;

	(void)state;
	/* printf '{"edition":"r2","level":"purge","name":"sample","standard":"NIST SP 800-88"}'
	 * | sha256sum */
	assert_string_equal(text_at(t, "policy", "sha256"),
			    "669393e452d1f645a69bc8ea1c17a3eb836a4bed2552e511f402eff1b1c5a617");
	json_decref(t);
	/* spelled otherwise, the same policy gives the same record */
	as_is = record_sample_json(r, &len);
	free(r->policy_json);
	r->policy_json = strdup("{\"edition\":\"r2\",\"level\":\"purge\",\"name\":\"sample\","
				"\"standard\":\"NIST SP 800-88\"}");
	assert_non_null(r->policy_json);
	r->policy_len = strlen(r->policy_json);
	{
		size_t len2;
		char *again = record_sample_json(r, &len2);

		assert_int_equal(len, len2);
		assert_memory_equal(as_is, again, len);
		free(again);
	}
	free(as_is);
	record_sample_free(r);
}

static void expect_unwritable(struct xp_record *r, const char *where)
{
	struct xp_err err = {0};
	char *json = NULL;
	size_t len;

	assert_int_not_equal(xp_record_write(&json, &len, r, &err), XP_OK);
	assert_null(json);
	if (!strstr(err.msg, where))
		fail_msg("\"%s\" does not name %s", err.msg, where);
	record_sample_free(r);
}

static void test_record_write_bad_field_names_it(void **state)
{
	struct xp_record *r;

	(void)state;
	r = record_sample_new();
	snprintf(r->tenant, sizeof(r->tenant), "a\nb");
	expect_unwritable(r, "tenant");
	r = record_sample_new();
	snprintf(r->tenant, sizeof(r->tenant), "\xff");
	expect_unwritable(r, "tenant");
	r = record_sample_new();
	memset(r->tenant, 'x', sizeof(r->tenant)); /* no NUL */
	expect_unwritable(r, "tenant");
	r = record_sample_new();
	snprintf(r->media.name, sizeof(r->media.name), "caf\xc3\xa9.img");
	expect_unwritable(r, "media.name");
	r = record_sample_new();
	r->id[0] = 0;
	expect_unwritable(r, "id");
	r = record_sample_new();
	r->kind = XP_RECORD_CUSTODY;
	expect_unwritable(r, "kind");
	r = record_sample_new();
	r->claim.level = (enum xp_level)7;
	expect_unwritable(r, "claim.level");
	r = record_sample_new();
	r->signers_n = XP_SIGNERS_MAX + 1;
	expect_unwritable(r, "signers");
	r = record_sample_new();
	r->host.drives_seen = 1ULL << 53;
	expect_unwritable(r, "host.drives_seen");
	r = record_sample_new();
	r->evidence.phases[1].overwrite.content.kind = XP_CONTENT_PATTERN;
	expect_unwritable(r, "evidence[1].overwrite.content.pattern");
	r = record_sample_new();
	r->policy_json[0] = 'x';
	expect_unwritable(r, "policy");
	r = record_sample_new();
	free(r->policy_json);
	r->policy_json = NULL;
	expect_unwritable(r, "policy");
	r = record_sample_new();
	r->ext = json_pack("{s:i}", "nodots", 1);
	expect_unwritable(r, "ext");
	r = record_sample_new();
	snprintf(r->claim.reasons[0].text, 2, "%s", "");
	expect_unwritable(r, "claim.reasons[0].text");
}

/* a text that snprintf cut within a character is written without the rest of it */
static void test_record_write_cut_character_is_dropped(void **state)
{
	static const char *const ends[] = {"\xe5", "\xe5\xb1", "\xc3", "\xf0\x9f\x98"};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(ends); i++) {
		struct xp_record *r = record_sample_new();
		char *text = r->claim.reasons[0].text;
		size_t room = sizeof(r->claim.reasons[0].text) - 1;
		size_t n = strlen(ends[i]);
		size_t len;
		char *json;
		json_t *tree;

		memset(text, 'x', room);
		memcpy(text + room - n, ends[i], n + 1);
		json = record_sample_json(r, &len);
		tree = json_loadb(json, len, 0, NULL);
		assert_int_equal(strlen(text_at(tree, "claim.reasons[0]", "text")), room - n);
		json_decref(tree);
		free(json);
		record_sample_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_write_sample_has_its_fields),
		cmocka_unit_test(test_record_write_policy_hash_is_of_its_canonical_bytes),
		cmocka_unit_test(test_record_write_bad_field_names_it),
		cmocka_unit_test(test_record_write_cut_character_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
