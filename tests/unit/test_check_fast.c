/* What is remembered from record to record must never make a worse one pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/record_check.h"
#include "certs/record_fields.h"
#include "certs/sign.h"
#include "tests/fake/check_lab.h"
#include "tests/fake/cms_parts.h"
#include "tests/fake/record_sample.h"

static struct check_lab lab;
static int64_t now_s;

static int64_t wall(void *ctx)
{
	(void)ctx;
	return now_s;
}

static const struct xp_clock moving = {.wall_s = wall};

static int setup(void **state)
{
	(void)state;
	check_lab_open(&lab, false);
	now_s = LAB_NOW_S;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	check_lab_close(&lab);
	return 0;
}

static struct xp_check *moving_checker(void)
{
	struct xp_check *c = NULL;
	char *pem = lab_cert_pem(lab.lab.root);
	char *list = lab_crl_pem(lab.lab.crl);

	assert_int_equal(xp_check_new(&c, &moving, NULL), XP_OK);
	assert_int_equal(xp_trust_add_anchors(xp_check_trust(c), pem, strlen(pem), "root", NULL),
			 XP_OK);
	assert_int_equal(xp_trust_add_crls(xp_check_trust(c), list, strlen(list), "list", NULL),
			 XP_OK);
	free(pem);
	free(list);
	return c;
}

/* By what C remembers and by one who remembers nothing, which must say the same. */
static void expect(const struct xp_check *c, const char *json, size_t len, const char *codes,
		   int exit_code)
{
	char found[512];
	int code = check_lab_run(c, json, len, lab.p7s, lab.p7s_len, found, sizeof(found));

	if (code != exit_code || (codes && !check_lab_has(found, codes)))
		fail_msg("exit %d, %s; wanted %d, %s", code, found, exit_code, codes);
}

/* Twice: the first is learned from, the second goes the short way. */
static void warm_up(const struct xp_check *c)
{
	expect(c, lab.json, lab.json_len, "", 0);
	expect(c, lab.json, lab.json_len, "", 0);
}

static void sign_at(struct lab_person *who, const char *json, size_t len, int64_t at_s)
{
	struct xp_signing_key *k = lab_signing_key(who, NULL);

	free(lab.p7s);
	lab.p7s = NULL;
	assert_int_equal(xp_sign(&lab.p7s, &lab.p7s_len, k, json, len, at_s, NULL), XP_OK);
	xp_signing_key_free(&k);
}

/* ---- time ---- */

static void test_check_fast_forgets_with_the_second(void **state)
{
	struct xp_check *c = moving_checker();

	(void)state;
	/* the list is good for 30 days */
	now_s = LAB_NOW_S + 30 * LAB_DAY_S;
	warm_up(c);
	now_s++;
	expect(c, lab.json, lab.json_len, "I_REVOCATION_STALE", 2);
	now_s--;
	warm_up(c);
	/* the certificate for 700 */
	now_s = LAB_NOW_S + 700 * LAB_DAY_S + 1;
	expect(c, lab.json, lab.json_len, "I_CERT_TIME", 2);
	/* a clock that was set back */
	now_s = LAB_NOW_S - LAB_DAY_S;
	expect(c, lab.json, lab.json_len, "I_SIGNING_TIME_FUTURE", 2);
	xp_check_free(&c);
}

static void test_check_fast_looks_at_each_signing_time(void **state)
{
	static const struct {
		int64_t at_s;
		const char *code;
		int exit_code;
	} cases[] = {
		{LAB_NOW_S - 31 * LAB_DAY_S, "E_SIGNING_TIME", 1},
		{LAB_NOW_S + 701 * LAB_DAY_S, "E_SIGNING_TIME", 1},
		{LAB_NOW_S + LAB_DAY_S, "I_SIGNING_TIME_FUTURE", 2},
		{LAB_NOW_S - 29 * LAB_DAY_S, "E_SIGNING_TIME", 1}, /* before it was issued */
		{LAB_NOW_S, "", 0},
	};

	(void)state;
	warm_up(lab.check);
	for (size_t i = 0; i < XP_ARRAY_LEN(cases); i++) {
		sign_at(&lab.alice, lab.json, lab.json_len, cases[i].at_s);
		expect(lab.check, lab.json, lab.json_len, cases[i].code, cases[i].exit_code);
	}
}

/* A good chain today says nothing about a signature that is older or younger than it. */
static void test_check_fast_keeps_to_the_validity(void **state)
{
	const int64_t from_s = LAB_NOW_S - 30 * LAB_DAY_S;
	const int64_t to_s = LAB_NOW_S + 700 * LAB_DAY_S;
	struct xp_check *c = NULL;
	X509_CRL *long_list = NULL;

	(void)state;
	assert_int_equal(xp_pki_crl_new(&long_list, NULL, NULL, lab.lab.root, lab.lab.root_key,
					LAB_NOW_S - LAB_DAY_S, LAB_NOW_S + 900 * LAB_DAY_S, NULL),
			 XP_OK);
	X509_CRL_free(lab.lab.crl);
	lab.lab.crl = long_list;
	c = moving_checker();
	now_s = to_s - 10;
	warm_up(c);
	sign_at(&lab.alice, lab.json, lab.json_len, to_s);
	expect(c, lab.json, lab.json_len, "", 0);
	sign_at(&lab.alice, lab.json, lab.json_len, to_s + 1);
	expect(c, lab.json, lab.json_len, "E_SIGNING_TIME", 1);
	sign_at(&lab.alice, lab.json, lab.json_len, from_s - 1);
	expect(c, lab.json, lab.json_len, "E_SIGNING_TIME", 1);
	/* a job of that day, or it were signed before its record was issued */
	record_sample_move(lab.record, from_s - LAB_NOW_S);
	check_lab_name_signers(&lab, true, false);
	sign_at(&lab.alice, lab.json, lab.json_len, from_s);
	expect(c, lab.json, lab.json_len, "", 0);
	xp_check_free(&c);
}

/* ---- who ---- */

static void test_check_fast_knows_a_signer_in_one_role_only(void **state)
{
	(void)state;
	warm_up(lab.check);
	snprintf(lab.record->signers[0].role, sizeof(lab.record->signers[0].role), "host");
	lab.record->persons_n = 0;
	free(lab.json);
	assert_int_equal(xp_record_write(&lab.json, &lab.json_len, lab.record, NULL), XP_OK);
	check_lab_sign(&lab, NULL);
	expect(lab.check, lab.json, lab.json_len, "E_ROLE_NOT_GRANTED", 1);
	/* and not the worse way round: a refusal teaches nothing */
	expect(lab.check, lab.json, lab.json_len, "E_ROLE_NOT_GRANTED", 1);
}

static void test_check_fast_binds_the_signer_to_the_record(void **state)
{
	(void)state;
	warm_up(lab.check);
	/* named are both, one signs */
	check_lab_name_signers(&lab, true, true);
	check_lab_sign(&lab, NULL);
	expect(lab.check, lab.json, lab.json_len, "E_SIGNERS_MISMATCH", 1);
	/* named is the one, the other signs, then nobody is named */
	check_lab_name_signers(&lab, true, false);
	sign_at(&lab.bob, lab.json, lab.json_len, LAB_NOW_S);
	expect(lab.check, lab.json, lab.json_len, "E_SIGNERS_MISMATCH", 1);
	check_lab_name_signers(&lab, false, false);
	check_lab_sign(&lab, NULL);
	expect(lab.check, lab.json, lab.json_len, "E_SIGNERS_MISMATCH", 1);
}

static void test_check_fast_binds_the_signature_to_the_bytes(void **state)
{
	(void)state;
	warm_up(lab.check);
	snprintf(lab.record->ticket, sizeof(lab.record->ticket), "another");
	free(lab.json);
	assert_int_equal(xp_record_write(&lab.json, &lab.json_len, lab.record, NULL), XP_OK);
	expect(lab.check, lab.json, lab.json_len, "E_CONTENT_DIGEST", 1);
}

/* What stands in the file beside a good signature is signed by nobody. */
static void test_check_fast_knows_the_certificates_beside_it(void **state)
{
	struct cms_parts parts = {0};
	unsigned char *der = NULL;
	int len = i2d_X509(lab.bob.cert, &der);

	(void)state;
	assert_true(len > 0);
	warm_up(lab.check);
	cms_parts_take(&parts, lab.p7s, lab.p7s_len);
	cms_part_set(&parts.certs[parts.certs_n++], der, (size_t)len);
	free(lab.p7s);
	lab.p7s = cms_parts_build(&parts, &lab.p7s_len);
	expect(lab.check, lab.json, lab.json_len, "E_CMS_CERTS", 1);
	expect(lab.check, lab.json, lab.json_len, "E_CMS_CERTS", 1);
	cms_parts_free(&parts);
	OPENSSL_free(der);
}

static void test_check_fast_knows_what_a_signature_commits_to(void **state)
{
	struct xp_signing_key *k = lab_signing_key(&lab.alice, NULL);

	(void)state;
	warm_up(lab.check);
	k->role = XP_ROLE_VALIDATOR;
	free(lab.p7s);
	lab.p7s = NULL;
	assert_int_equal(
		xp_sign(&lab.p7s, &lab.p7s_len, k, lab.json, lab.json_len, LAB_NOW_S, NULL), XP_OK);
	expect(lab.check, lab.json, lab.json_len, "E_ROLE_COMMITMENT", 1);
	xp_signing_key_free(&k);
}

/* ---- the bytes, each time with a signature that is good over them ---- */

static char *edited(const char *from, const char *to, size_t *len)
{
	const char *at = memmem(lab.json, lab.json_len, from, strlen(from));
	size_t before;
	char *out;

	if (!at)
		fail_msg("there is no %s in the record", from);
	before = (size_t)(at - lab.json);
	*len = lab.json_len - strlen(from) + strlen(to);
	out = malloc(*len + 1);
	assert_non_null(out);
	memcpy(out, lab.json, before);
	memcpy(out + before, to, strlen(to));
	memcpy(out + before + strlen(to), at + strlen(from), lab.json_len - before - strlen(from));
	return out;
}

static void test_check_fast_takes_the_one_form_only(void **state)
{
	static const char *const edits[][2] = {
		/* numbers */
		{"\"take\":1,", "\"take\":01,"},
		{"\"take\":1,", "\"take\":1.0,"},
		{"\"take\":1,", "\"take\":1e0,"},
		{"\"take\":1,", "\"take\":+1,"},
		{"\"take\":1,", "\"take\":-1,"},
		{"\"take\":1,", "\"take\":4294967297,"},
		{"\"take\":1,", "\"take\":18446744073709551617,"},
		{"\"take\":1,", "\"take\":9007199254740992,"},
		{"\"drives_seen\":", "\"drives_seen\":9007199254740993"},
		{"\"capacity_bytes\":\"", "\"capacity_bytes\":\"0"},
		{"\"capacity_bytes\":\"", "\"capacity_bytes\":\"+"},
		{"\"offset_ns\":\"", "\"offset_ns\":\"--"},
		/* keys */
		{"\"attempt\":1,", "\"attempt\":1,\"attempt\":1,"},
		{"\"attempt\":1,", "\"attempt\":2,\"attempt\":1,"},
		{"\"attempt\":", "\"\\u0061ttempt\":"},
		{"\"attempt\":1,", ""},
		{"\"attempt\":1,", "\"aaa\":1,\"attempt\":1,"},
		{"{\"accepted\":\"clear\",\"asked\":\"clear\",",
		 "{\"asked\":\"clear\",\"accepted\":\"clear\","},
		/* texts */
		{"\"tenant\":\"", "\"tenant\":\"\\u0041"},
		{"\"tenant\":\"", "\"tenant\":\"\\/"},
		{"\"tenant\":\"", "\"tenant\":\"\\n"},
		{"\"tenant\":\"", "\"tenant\":\"\x01"},
		{"\"tenant\":\"", "\"tenant\":\"\x7f"},
		{"\"tenant\":\"", "\"tenant\":\"\xc2\x85"},
		{"\"tenant\":\"", "\"tenant\":\"\xc2\x9f"},
		{"\"tenant\":\"", "\"tenant\":\"\xe2\x80\xae"},
		{"\"tenant\":\"", "\"tenant\":\"\xe2\x81\xa7"},
		{"\"tenant\":\"", "\"tenant\":\"\xd8\x9c"},
		{"\"tenant\":\"", "\"tenant\":\"\xed\xa0\x80"},
		{"\"tenant\":\"", "\"tenant\":\"\\ud800"},
		{"\"tenant\":\"", "\"tenant\":\"\xc0\xaf"},
		{"\"tenant\":\"", "\"tenant\":\"\xf4\x90\x80\x80"},
		{"\"tenant\":\"", "\"tenant\":\"\xff"},
		/* words, hex, times */
		{"\"asked\":\"clear\"", "\"asked\":\"cle\\u0061r\""},
		{"\"asked\":\"clear\"", "\"asked\":\"clear\\u0000\""},
		{"\"asked\":\"clear\"", "\"asked\":\"Clear\""},
		{"\"nonce\":\"", "\"nonce\":\"A0"},
		{"\"cancelled\":false", "\"cancelled\":null"},
		{"\"cancelled\":false", "\"cancelled\":0"},
		{"\"issued\":\"20", "\"issued\":\"+0"},
		{"\"issued\":\"2026-11-22T02:00:07Z\"", "\"issued\":\"0000-01-01T00:00:00Z\""},
		{"\"issued\":\"2026-11-22T02:00:07Z\"", "\"issued\":\"0001-03-01T00:00:00Z\""},
		{"\"issued\":\"2026-11-22T02:00:07Z\"", "\"issued\":\"1969-12-31T23:59:59Z\""},
		{"\"issued\":\"2026-11-22T02:00:07Z\"", "\"issued\":\"9999-12-31T23:59:59Z\""},
		{"\"issued\":\"2026-11-22T02:00:07Z\"", "\"issued\":\"2026-11-22T02:00:60Z\""},
		{"\"issued\":\"2026-11-22T02:00:07Z\"", "\"issued\":\"2026-11-22T24:00:00Z\""},
		{"\"issued\":\"2026-11-22T02:00:07Z\"", "\"issued\":\"2027-02-29T02:00:07Z\""},
		{"\"issued\":\"2026-11-22T02:00:07Z\"", "\"issued\":\"2026-11-22t02:00:07z\""},
		{"\"issued\":\"2026-11-22T02:00:07Z\"", "\"issued\":\"2026-11-22T02:00:07.0Z\""},
		{"\"issued\":\"2026-11-22T02:00:07Z\"", "\"issued\":\"2026-11-22T02:00:07+00:00\""},
		{"\"offset_ns\":\"-1250\"", "\"offset_ns\":\"-0\""},
		{"\"offset_ns\":\"-1250\"", "\"offset_ns\":\"-9223372036854775809\""},
		{"\"offset_ns\":\"-1250\"", "\"offset_ns\":\"9223372036854775808\""},
		{"\"offset_ns\":\"-1250\"", "\"offset_ns\":\"18446744073709551616\""},
		/* what stands there twice */
		{"\"coverage_ppm\":1000000,\"extents\":", "\"coverage_ppm\":999999,\"extents\":"},
		{"\"coverage_ppm\":1000000,\"extents\":", "\"coverage_ppm\":1000000,\"extents\":9"},
		{"\"mode\":\"full\",\"phase\":2", "\"mode\":\"full\",\"phase\":1"},
		{"\"mode\":\"full\",\"phase\":2", "\"mode\":\"sample\",\"phase\":2"},
		{"\"destination\":", "\"crit\":[\"a.b\"],\"destination\":"},
		/* between and around */
		{"{\"accepted\"", " {\"accepted\""},
		{"{\"accepted\"", "{ \"accepted\""},
		{"{\"accepted\"", "\xef\xbb\xbf{\"accepted\""},
		{"\"cancelled\":false,", "\"cancelled\":false,,"},
		{"\"policy\":{\"document\":{", "\"policy\":{\"document\":{\"a\":1,"},
		{"\"name\":\"lab\",\"sha256\"", "\"name\":\"lob\",\"sha256\""},
		{"\"edition\":\"r2\",\"name\"", "\"edition\":\"r3\",\"name\""},
	};

	(void)state;
	warm_up(lab.check);
	for (size_t i = 0; i < XP_ARRAY_LEN(edits); i++) {
		size_t len = 0;
		char *json = edited(edits[i][0], edits[i][1], &len);

		sign_at(&lab.alice, json, len, LAB_NOW_S);
		expect(lab.check, json, len, "E_", 1);
		expect(lab.check, json, len, "E_", 1);
		free(json);
	}
	sign_at(&lab.alice, lab.json, lab.json_len, LAB_NOW_S);
	expect(lab.check, lab.json, lab.json_len, "", 0);
}

/* Of a policy that is known by its bytes the digest is still the record's own word. */
static void test_check_fast_looks_at_the_digest_of_the_policy(void **state)
{
	static const char mark[] = "\"name\":\"lab\",\"sha256\":\"";
	char *at = memmem(lab.json, lab.json_len, mark, sizeof(mark) - 1);

	(void)state;
	assert_non_null(at);
	warm_up(lab.check);
	at += sizeof(mark) - 1;
	*at = *at == '0' ? '1' : '0';
	sign_at(&lab.alice, lab.json, lab.json_len, LAB_NOW_S);
	expect(lab.check, lab.json, lab.json_len, "E_RECORD_DERIVED", 1);
}

static void test_check_fast_ends_where_the_record_ends(void **state)
{
	static const char *const tails[] = {" ", "\n", "{", ",", "}", "\"", "\xff"};
	char *json = malloc(lab.json_len + 1);

	(void)state;
	assert_non_null(json);
	warm_up(lab.check);
	memcpy(json, lab.json, lab.json_len);
	for (size_t i = 0; i <= XP_ARRAY_LEN(tails); i++) {
		/* last of all a NUL */
		json[lab.json_len] = i < XP_ARRAY_LEN(tails) ? tails[i][0] : 0;
		sign_at(&lab.alice, json, lab.json_len + 1, LAB_NOW_S);
		expect(lab.check, json, lab.json_len + 1, "E_", 1);
	}
	for (size_t less = 1; less < 200; less += 7) {
		sign_at(&lab.alice, json, lab.json_len - less, LAB_NOW_S);
		expect(lab.check, json, lab.json_len - less, "E_", 1);
	}
	free(json);
}

/* A record with such a text cannot be written again, so that two ways are not compared. */
static void test_check_fast_lets_no_forbidden_text_by(void **state)
{
	static const char *const texts[] = {"destroyed ", "dest\xe2\x80\x8broyed ",
					    "NIST-approved ",
					    ("100% \xef\xbd\x96"
					     "erified ")};

	(void)state;
	warm_up(lab.check);
	for (size_t i = 0; i < XP_ARRAY_LEN(texts); i++) {
		struct xp_check_result r;
		char with[64];
		size_t len = 0;
		char *json;

		snprintf(with, sizeof(with), "\"tenant\":\"%s", texts[i]);
		json = edited("\"tenant\":\"", with, &len);
		sign_at(&lab.alice, json, len, LAB_NOW_S);
		assert_int_equal(
			xp_check_pair(&r, lab.check, json, len, lab.p7s, lab.p7s_len, NULL), XP_OK);
		assert_int_equal(xp_check_exit_code(&r), 1);
		xp_check_result_free(&r);
		free(json);
	}
}

/* What stands in an extension may be of any length, and is looked at to its end. */
static void test_check_fast_forbidden_text_at_any_place(void **state)
{
	static const char said[] = "fully (verified)";
	char text[3000];

	(void)state;
	for (size_t at = 960; at < 1080; at++) {
		memset(text, 'x', sizeof(text));
		text[at - 1] = ' ';
		memcpy(text + at, said, sizeof(said) - 1);
		text[at + sizeof(said) - 1] = ' ';
		text[sizeof(text) - 1] = 0;
		assert_string_equal(xp_record_text_forbidden(text), "fully verified");
		text[at - 1] = 'x';
		assert_null(xp_record_text_forbidden(text));
	}
	memset(text, 'x', sizeof(text));
	snprintf(text + 2900, sizeof(text) - 2900, " validated");
	assert_string_equal(xp_record_text_forbidden(text), "validated");
}

/* ---- the table ---- */

struct span {
	size_t from, to;
	const char *key;
};

struct spans {
	struct span list[256];
	size_t n;
};

static size_t size_of(const struct xp_field *f)
{
	switch (f->type) {
	case XP_F_CONST:
		return 0;
	case XP_F_LIST:
		return f->max * f->sub->size;
	case XP_F_STRINGS:
		return f->max * f->size;
	case XP_F_HEAP:
	case XP_F_HEX_HEAP:
		return sizeof(void *);
	default:
		return f->size;
	}
}

static void collect(struct spans *s, const struct xp_schema *schema, size_t base)
{
	for (size_t i = 0; i < schema->n; i++) {
		const struct xp_field *f = &schema->fields[i];

		if (f->type == XP_F_OBJECT || f->type == XP_F_INLINE) {
			/* of a phase either it or that of its command is there, never both */
			if (strcmp(f->key ? f->key : "", "keys") != 0)
				collect(s, f->sub, base + f->offset);
			continue;
		}
		assert_in_range(s->n, 0, XP_ARRAY_LEN(s->list) - 1);
		s->list[s->n++] =
			(struct span){base + f->offset, base + f->offset + size_of(f), f->key};
		if (f->type == XP_F_LIST || f->type == XP_F_HEAP) {
			struct spans inner = {0};

			collect(&inner, f->sub, 0);
		}
	}
	for (size_t i = 0; base == 0 && i < s->n; i++)
		for (size_t k = 0; k < i; k++)
			if (s->list[i].from < s->list[k].to && s->list[k].from < s->list[i].to)
				fail_msg("%s and %s are one place", s->list[i].key, s->list[k].key);
}

/* Two fields of one place could say two things, of which the reader would keep one. */
static void test_check_fast_each_field_has_its_own_place(void **state)
{
	struct spans record = {0};
	struct spans validation = {0};

	(void)state;
	collect(&record, &xp_schema_record, 0);
	collect(&validation, &xp_schema_validation, 0);
	assert_in_range(record.n, 60, XP_ARRAY_LEN(record.list));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_check_fast_forgets_with_the_second, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_check_fast_looks_at_each_signing_time, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_check_fast_knows_a_signer_in_one_role_only,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_fast_binds_the_signer_to_the_record,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_fast_binds_the_signature_to_the_bytes,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_fast_keeps_to_the_validity, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_check_fast_knows_the_certificates_beside_it,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_fast_knows_what_a_signature_commits_to,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_fast_takes_the_one_form_only, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_check_fast_looks_at_the_digest_of_the_policy,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_fast_ends_where_the_record_ends, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_check_fast_lets_no_forbidden_text_by, setup,
						teardown),
		cmocka_unit_test(test_check_fast_forbidden_text_at_any_place),
		cmocka_unit_test(test_check_fast_each_field_has_its_own_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
