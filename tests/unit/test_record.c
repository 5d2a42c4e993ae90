#include "certs/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "certs/jcs.h"
#include "tests/fake/record_sample.h"
#include "tests/fake/record_tree.h"

/* ---- helpers ---- */

static bool has_finding(const struct xp_findings *f, const char *code, const char *where)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].code, code) == 0 && strstr(f->list[i].text, where))
			return true;
	return false;
}

static void expect_parse(const char *json, size_t len, const char *code, const char *where)
{
	struct xp_record *r = calloc(1, sizeof(*r));
	struct xp_findings f = {0};
	struct xp_err err = {0};
	enum xp_rc rc;

	assert_non_null(r);
	rc = xp_record_parse(r, json, len, &f, &err);
	if (code ? rc != XP_E_MALFORMED || !has_finding(&f, code, where) : rc != XP_OK || f.n)
		fail_msg("rc %d, %zu findings, first: %s %s; expected %s %s", rc, f.n,
			 f.n ? f.list[0].code : "-", f.n ? f.list[0].text : err.msg,
			 code ? code : "none", where ? where : "");
	xp_findings_free(&f);
	record_sample_free(r);
}

static void expect_tree(json_t *tree, const char *code, const char *where)
{
	char *json = NULL;
	size_t len;

	assert_int_equal(xp_jcs_write(&json, &len, tree, NULL), XP_OK);
	expect_parse(json, len, code, where);
	free(json);
	json_decref(tree);
}

/* VALUE is JSON; NULL: the key is taken away. */
static void expect_change(const char *object, const char *key, const char *value, const char *code,
			  const char *where)
{
	json_t *tree = record_tree_new();
	json_t *at = record_tree_at(tree, object);

	if (value) {
		json_t *v = json_loads(value, JSON_DECODE_ANY, NULL);

		assert_non_null(v);
		json_object_set_new(at, key, v);
	} else {
		assert_int_equal(json_object_del(at, key), 0);
	}
	expect_tree(tree, code, where);
}

/* ---- what is read ---- */

static void test_record_parse_sample_passes(void **state)
{
	(void)state;
	expect_tree(record_tree_new(), NULL, NULL);
}

static void test_record_parse_unknown_key_is_named(void **state)
{
	(void)state;
	expect_change("", "extra", "1", "E_SCHEMA_UNKNOWN_KEY", "extra:");
	expect_change("media", "colour", "\"red\"", "E_SCHEMA_UNKNOWN_KEY", "media.colour");
	expect_change("evidence[1].overwrite.how", "fast", "true", "E_SCHEMA_UNKNOWN_KEY",
		      "evidence[1].overwrite.how.fast");
	expect_change("claim.reasons[0]", "x", "1", "E_SCHEMA_UNKNOWN_KEY", "claim.reasons[0].x");
	/* known, but not of this kind of phase */
	expect_change("evidence[0]", "technique", "\"overwrite-zero\"", "E_SCHEMA_UNKNOWN_KEY",
		      "evidence[0].technique");
	expect_change("evidence[1].overwrite.content", "key",
		      "\"00000000000000000000000000000000\"", "E_SCHEMA_UNKNOWN_KEY",
		      "evidence[1].overwrite.content.key");
	expect_change("evidence[2].readback", "seed_mode", "\"local\"", "E_SCHEMA_UNKNOWN_KEY",
		      "evidence[2].readback.seed_mode");
}

static void test_record_parse_missing_key_is_named(void **state)
{
	static const char *const keys[] = {"id",      "nonce",	  "kind",	 "issued",
					   "media",   "evidence", "claim",	 "schema",
					   "outcome", "policy",	  "standard",	 "signers",
					   "persons", "host",	  "verification"};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(keys); i++)
		expect_change("", keys[i], NULL, "E_SCHEMA_MISSING_KEY", keys[i]);
	expect_change("evidence[1]", "overwrite", NULL, "E_SCHEMA_MISSING_KEY",
		      "evidence[1].overwrite");
	expect_change("evidence[1]", "technique", NULL, "E_SCHEMA_MISSING_KEY",
		      "evidence[1].technique");
	expect_change("evidence[3].identity", "bus", NULL, "E_SCHEMA_MISSING_KEY",
		      "evidence[3].identity.bus");
	expect_change("verification", "extents", NULL, "E_SCHEMA_MISSING_KEY",
		      "verification.extents");
}

static void test_record_parse_wrong_type_is_named(void **state)
{
	(void)state;
	expect_change("", "id", "7", "E_SCHEMA_TYPE", "id");
	expect_change("", "media", "[]", "E_SCHEMA_TYPE", "media");
	expect_change("", "evidence", "{}", "E_SCHEMA_TYPE", "evidence");
	expect_change("", "evidence", "[1]", "E_SCHEMA_TYPE", "evidence[0]");
	expect_change("", "cancelled", "\"false\"", "E_SCHEMA_TYPE", "cancelled");
	expect_change("", "cancelled", "0", "E_SCHEMA_TYPE", "cancelled");
	expect_change("media", "capacity_bytes", "1048576", "E_SCHEMA_TYPE",
		      "media.capacity_bytes");
	expect_change("host", "drives_seen", "\"3\"", "E_SCHEMA_TYPE", "host.drives_seen");
	expect_change("claim", "not_covered", "[7]", "E_SCHEMA_TYPE", "claim.not_covered[0]");
	expect_change("", "nonce", "true", "E_SCHEMA_TYPE", "nonce");
	expect_change("policy", "document", "\"{}\"", "E_SCHEMA_TYPE", "policy.document");
	expect_change("", "ext", "{}", "E_SCHEMA_TYPE", "ext");
}

static void test_record_parse_wrong_form_is_named(void **state)
{
	static const char *const decimals[] = {"\"01\"",
					       "\"-1\"",
					       "\"+1\"",
					       "\"1e3\"",
					       "\" 1\"",
					       "\"0x10\"",
					       "\"18446744073709551616\"",
					       "\"99999999999999999999999\""};
	static const char *const times[] = {
		"\"2026-11-22T02:00:07\"",	 "\"2026-13-22T02:00:07Z\"",
		"\"2026-02-30T02:00:07Z\"",	 "\"2026-11-22 02:00:07Z\"",
		"\"2026-11-22T02:00:07+00:00\"", "\"2026-11-22T24:00:00Z\"",
		"\"2026-11-22T02:00:07.0Z\""};
	static const char *const offsets[] = {"\"-0\"", "\"--1\"", "\"-\"",
					      "\"9223372036854775808\"",
					      "\"-9223372036854775809\""};

	(void)state;
	for (size_t i = 0; i < XP_ARRAY_LEN(decimals); i++)
		expect_change("media", "capacity_bytes", decimals[i], "E_SCHEMA_VALUE",
			      "media.capacity_bytes");
	for (size_t i = 0; i < XP_ARRAY_LEN(times); i++)
		expect_change("", "issued", times[i], "E_SCHEMA_VALUE", "issued");
	for (size_t i = 0; i < XP_ARRAY_LEN(offsets); i++)
		expect_change("clock", "offset_ns", offsets[i], "E_SCHEMA_VALUE",
			      "clock.offset_ns");
	expect_change("", "kind", "\"Sanitization\"", "E_SCHEMA_VALUE", "kind");
	expect_change("", "outcome", "\"destroyed\"", "E_SCHEMA_VALUE", "outcome");
	expect_change("claim", "level", "\"destroy\"", "E_SCHEMA_VALUE", "claim.level");
	expect_change("", "id", "\"019ab6f2-5c00-4a11-8b22-0123456789ab\"", "E_SCHEMA_VALUE", "id");
	expect_change("", "id", "\"019AB6F2-5c00-7a11-8b22-0123456789ab\"", "E_SCHEMA_VALUE", "id");
	expect_change("", "nonce", "\"5a\"", "E_SCHEMA_VALUE", "nonce");
	expect_change("", "nonce", "\"xyz\"", "E_SCHEMA_VALUE", "nonce");
	expect_change("media", "model", "\"caf\u00e9\"", "E_SCHEMA_VALUE", "media.model");
	expect_change("media", "inode", "\"0\"", "E_SCHEMA_VALUE", "media.inode");
	expect_change("signers[0]", "role", "\"boss\"", "E_SCHEMA_VALUE", "signers[0].role");
	expect_change("signers[0]", "alg", "\"RSA 1024\"", "E_SCHEMA_VALUE", "signers[0].alg");
	expect_change("tool", "build_sha256", "\"abc\"", "E_SCHEMA_VALUE", "tool.build_sha256");
	expect_change("", "deadline", "\"tomorrow\"", "E_SCHEMA_VALUE", "deadline");
}

static void test_record_parse_signed_edges_pass(void **state)
{
	(void)state;
	expect_change("clock", "offset_ns", "\"-9223372036854775808\"", NULL, NULL);
	expect_change("clock", "offset_ns", "\"9223372036854775807\"", NULL, NULL);
	expect_change("clock", "offset_ns", "\"0\"", NULL, NULL);
}

static void test_record_parse_out_of_range_is_named(void **state)
{
	(void)state;
	expect_change("evidence[1]", "attempt", "4294967296", "E_SCHEMA_RANGE",
		      "evidence[1].attempt");
	expect_change("evidence[1]", "attempt", "-1", "E_SCHEMA_RANGE", "evidence[1].attempt");
	expect_change("", "crit", "[]", "E_SCHEMA_RANGE", "crit");
}

static char *quoted(size_t n, const char *unit)
{
	struct xp_buf b = {0};

	xp_buf_putc(&b, '"');
	for (size_t i = 0; i < n; i++)
		xp_buf_puts(&b, unit);
	xp_buf_putc(&b, '"');
	assert_true(xp_buf_ok(&b));
	return b.data;
}

/* never cut: the last that fits passes, one byte more is a finding */
static void test_record_parse_long_string_is_refused(void **state)
{
	char *text = quoted(127, "x");

	(void)state;
	expect_change("", "tenant", text, NULL, NULL);
	free(text);
	text = quoted(128, "x");
	expect_change("", "tenant", text, "E_SCHEMA_STRING_TOO_LONG", "tenant");
	free(text);
	text = quoted(43, "\xe5\xb1\xb1"); /* 129 bytes, 43 characters */
	expect_change("", "tenant", text, "E_SCHEMA_STRING_TOO_LONG", "tenant");
	free(text);
	text = quoted(65, "00");
	expect_change("evidence[1].overwrite", "content",
		      "{\"kind\":\"pattern\",\"pattern\":\"00\"}", NULL, NULL);
	free(text);
	text = quoted(33, "00");
	expect_change("", "nonce", text, "E_SCHEMA_STRING_TOO_LONG", "nonce");
	free(text);
}

static void test_record_parse_too_many_elements_are_refused(void **state)
{
	json_t *tree = record_tree_new();
	json_t *signers = json_object_get(tree, "signers");

	(void)state;
	while (json_array_size(signers) <= XP_SIGNERS_MAX)
		json_array_append_new(signers, json_deep_copy(json_array_get(signers, 0)));
	expect_tree(tree, "E_SCHEMA_RANGE", "signers");
}

static void test_record_parse_unknown_versions_are_indeterminate(void **state)
{
	(void)state;
	expect_change("", "schema", "\"expunge-record/2\"", "I_SCHEMA_UNKNOWN", "schema");
	expect_change("", "schema", "2", "E_SCHEMA_TYPE", "schema");
	expect_change("claim", "rules", "\"expunge-claim/2\"", "I_RULES_UNKNOWN", "claim.rules");
	expect_change("", "kind", "\"custody\"", "I_KIND_UNKNOWN", "custody");
}

static void test_record_parse_extensions(void **state)
{
	json_t *tree;

	(void)state;
	expect_change("", "ext", "{\"org.example.rack\":{\"row\":[1,\"b\"]}}", NULL, NULL);
	expect_change("", "ext", "{\"rack\":1}", "E_SCHEMA_VALUE", "ext.rack");
	expect_change("", "ext", "{\"Org.example\":1}", "E_SCHEMA_VALUE", "ext.Org");
	expect_change("", "ext", "{\"org..example\":1}", "E_SCHEMA_VALUE", "ext.");
	expect_change("", "ext", "{\"org.-x\":1}", "E_SCHEMA_VALUE", "ext.");
	expect_change("", "ext", "{\"org.x-\":1}", "E_SCHEMA_VALUE", "ext.");
	expect_change("", "ext", "{\".org\":1}", "E_SCHEMA_VALUE", "ext.");
	expect_change("", "crit", "[\"org.example.rack\"]", "E_SCHEMA_VALUE", "crit[0]");
	tree = record_tree_new();
	json_object_set_new(tree, "ext", json_pack("{s:i}", "org.example.rack", 1));
	json_object_set_new(tree, "crit", json_pack("[s]", "org.example.rack"));
	expect_tree(tree, "I_CRIT_UNKNOWN", "crit[0]");
}

/* what stands twice must agree */
static void test_record_parse_contradiction_is_named(void **state)
{
	(void)state;
	expect_change("standard", "edition", "\"r1\"", "E_RECORD_DERIVED", "standard.edition");
	expect_change("policy", "name", "\"other\"", "E_RECORD_DERIVED", "policy.name");
	expect_change("policy.document", "level", "\"clear\"", "E_RECORD_DERIVED", "policy.sha256");
	expect_change("policy.document", "edition", NULL, "E_RECORD_DERIVED", "policy");
	expect_change("verification", "coverage_ppm", "999999", "E_RECORD_DERIVED",
		      "verification.coverage_ppm");
	expect_change("verification", "mismatch_blocks", "\"1\"", "E_RECORD_DERIVED",
		      "verification.mismatch_blocks");
	expect_change("verification", "residue_bound_ppb", "{\"p95\":1,\"p99\":1,\"p999\":1}",
		      "E_RECORD_DERIVED", "verification.residue_bound_ppb");
	expect_change("evidence[2].readback", "compared",
		      "{\"baseline_informative\":\"unknown\",\"canaries_alive\":\"0\","
		      "\"changed_blocks\":\"0\",\"compared_blocks\":\"0\","
		      "\"pattern_blocks\":\"0\",\"reads_deallocated\":\"unknown\","
		      "\"unchanged_blocks\":\"0\",\"unreadable_blocks\":\"0\","
		      "\"zero_blocks\":\"0\"}",
		      "E_RECORD_DERIVED", "evidence[2].readback.compared");
}

static void test_record_parse_not_canonical_is_refused(void **state)
{
	struct xp_record *r = record_sample_new();
	size_t len;
	char *json = record_sample_json(r, &len);
	char *more = malloc(len + 2);

	(void)state;
	assert_non_null(more);
	memcpy(more, json, len);
	memcpy(more + len, "\n", 2);
	expect_parse(more, len, NULL, NULL);
	expect_parse(more, len + 1, "E_JSON_NOT_CANONICAL", "byte");
	expect_parse(more + 1, len - 1, "E_JSON_SYNTAX", "");
	expect_parse("{}", 2, "E_SCHEMA_MISSING_KEY", "schema");
	expect_parse("[]", 2, "E_JSON_ROOT", "");
	expect_parse("", 0, "E_JSON_SIZE", "");
	free(more);
	free(json);
	record_sample_free(r);
}

static void test_record_parse_truncated_fails(void **state)
{
	struct xp_record *r = record_sample_new();
	struct xp_record *got = calloc(1, sizeof(*got));
	size_t len;
	char *json = record_sample_json(r, &len);

	(void)state;
	for (size_t n = 0; n < len; n += 5) {
		struct xp_findings f = {0};

		assert_int_not_equal(xp_record_parse(got, json, n, &f, NULL), XP_OK);
		assert_true(f.n > 0);
		xp_findings_free(&f);
	}
	free(got);
	free(json);
	record_sample_free(r);
}

/*
 * A flipped bit is either refused with a code, or makes another record with its own bytes. Bits at
 * all places of a byte, all over the record; the test of signatures tries every one.
 */
static void test_record_parse_bit_flips_never_pass_as_the_same(void **state)
{
	struct xp_record *r = record_sample_new();
	struct xp_record *got = calloc(1, sizeof(*got));
	size_t len;
	char *json = record_sample_json(r, &len);

	(void)state;
	assert_non_null(got);
	for (size_t bit = 0; bit < 8 * len; bit += 61) {
		struct xp_findings f = {0};

		json[bit / 8] = (char)(json[bit / 8] ^ 1 << bit % 8);
		if (xp_record_parse(got, json, len, &f, NULL) == XP_OK) {
			size_t again_len;
			char *again = record_sample_json(got, &again_len);

			assert_int_equal(again_len, len);
			assert_memory_equal(again, json, len);
			free(again);
		} else {
			assert_true(f.n > 0);
		}
		xp_record_free(got);
		xp_findings_free(&f);
		json[bit / 8] = (char)(json[bit / 8] ^ 1 << bit % 8);
	}
	free(got);
	free(json);
	record_sample_free(r);
}

static void test_record_kind_names_go_both_ways(void **state)
{
	enum xp_record_kind k;

	(void)state;
	for (unsigned i = XP_RECORD_SANITIZATION; i <= XP_RECORD_VOID; i++) {
		assert_true(xp_record_kind_parse(&k, xp_record_kind_name((enum xp_record_kind)i)));
		assert_int_equal(k, i);
	}
	assert_false(xp_record_kind_parse(&k, "erasure"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_parse_sample_passes),
		cmocka_unit_test(test_record_parse_unknown_key_is_named),
		cmocka_unit_test(test_record_parse_missing_key_is_named),
		cmocka_unit_test(test_record_parse_wrong_type_is_named),
		cmocka_unit_test(test_record_parse_wrong_form_is_named),
		cmocka_unit_test(test_record_parse_signed_edges_pass),
		cmocka_unit_test(test_record_parse_out_of_range_is_named),
		cmocka_unit_test(test_record_parse_long_string_is_refused),
		cmocka_unit_test(test_record_parse_too_many_elements_are_refused),
		cmocka_unit_test(test_record_parse_unknown_versions_are_indeterminate),
		cmocka_unit_test(test_record_parse_extensions),
		cmocka_unit_test(test_record_parse_contradiction_is_named),
		cmocka_unit_test(test_record_parse_not_canonical_is_refused),
		cmocka_unit_test(test_record_parse_truncated_fails),
		cmocka_unit_test(test_record_parse_bit_flips_never_pass_as_the_same),
		cmocka_unit_test(test_record_kind_names_go_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
