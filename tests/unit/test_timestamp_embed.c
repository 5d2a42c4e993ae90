/* Requests for timestamps, the replies, and what is embedded of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/timestamp.h"
#include "tests/fake/cms_parts.h"
#include "tests/fake/tsa_stand.h"

static enum xp_rc bytes_of_seven(void *ctx, void *out, size_t len, struct xp_err *err)
{
	(void)ctx;
	(void)err;
	memset(out, 7, len);
	return XP_OK;
}

static const struct xp_rng sevens = {.bytes = bytes_of_seven};

static struct xp_bytes p7s_bytes(void)
{
	return (struct xp_bytes){tsa_stand.lab.p7s, tsa_stand.lab.p7s_len};
}

static const uint8_t nonce[] = {0x02, 0x10, 0x47, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};

static void test_request_asks_for_the_signature(void **state)
{
	struct xp_buf q = {0};
	uint8_t digest[32];

	(void)state;
	assert_int_equal(xp_timestamp_request(&q, p7s_bytes(), &sevens, NULL), XP_OK);
	EVP_Digest(tsa_stand_signature(&tsa_stand).data, tsa_stand_signature(&tsa_stand).len,
		   digest, NULL, EVP_sha256(), NULL);
	assert_non_null(memmem(q.data, q.len, digest, sizeof(digest)));
	assert_non_null(memmem(q.data, q.len, nonce, sizeof(nonce)));
	assert_memory_equal(q.data + q.len - 3, "\x01\x01\xff", 3);
	xp_buf_free(&q);
	assert_int_equal(xp_timestamp_request(
				 &q,
				 (struct xp_bytes){tsa_stand.lab.p7s, tsa_stand.lab.p7s_len - 1},
				 &sevens, NULL),
			 XP_E_MALFORMED);
	xp_buf_free(&q);
}

/* Embeds the token of S; the result in OUT. */
static enum xp_rc embed(struct xp_buf *out, struct tsa_stamp s, struct xp_findings *f)
{
	struct xp_buf q = {0};
	size_t len = 0;
	uint8_t *token;
	enum xp_rc rc;

	if (!s.signature.len)
		s.signature = tsa_stand_signature(&tsa_stand);
	s.at_s = SOON_S;
	token = tsa_lab_token(&tsa_stand.tsa, &s, &len);
	assert_int_equal(xp_timestamp_request(&q, p7s_bytes(), &sevens, NULL), XP_OK);
	rc = xp_timestamp_embed(out, p7s_bytes(), (struct xp_bytes){token, len},
				(struct xp_bytes){(const uint8_t *)q.data, q.len}, SOON_S, f, NULL);
	xp_buf_free(&q);
	free(token);
	return rc;
}

static void test_embedded_token_is_checked_and_kept_once(void **state)
{
	struct xp_findings f = {0};
	struct xp_buf out = {0};
	struct xp_buf again = {0};
	struct xp_bytes stamped;

	(void)state;
	assert_int_equal(embed(&out, (struct tsa_stamp){.nonce = {nonce, sizeof(nonce)}}, &f),
			 XP_OK);
	assert_int_equal(f.n, 0);
	tsa_stand_expect_bytes(&tsa_stand, out.data, out.len,
			       &(struct tsa_who){.tsa = tsa_stand.tsa.root, .require_time = true},
			       0, "W_");
	stamped = (struct xp_bytes){(const uint8_t *)out.data, out.len};
	assert_int_equal(xp_timestamp_request(&again, stamped, &sevens, NULL), XP_E_USAGE);
	xp_buf_free(&out);
	xp_buf_free(&again);
}

static void test_embed_refuses_what_is_wrong(void **state)
{
	static const uint8_t other[] = "another";
	static const uint8_t wrong[] = {0x02, 0x01, 0x07};
	const struct {
		struct tsa_stamp s;
		const char *code;
	} cases[] = {
		{{0}, "E_TIMESTAMP_NONCE"},
		{{.nonce = {wrong, 3}}, "E_TIMESTAMP_NONCE"},
		{{.nonce = {nonce, sizeof(nonce)}, .signature = {other, 7}}, "E_TIMESTAMP_NONCE"},
		{{.nonce = {nonce, sizeof(nonce)}, .no_ess = true}, "E_TIMESTAMP_CERT"},
		{{.nonce = {nonce, sizeof(nonce)}, .digest = EVP_sha1()}, "E_ALGORITHM_WEAK"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xp_findings f = {0};
		struct xp_buf out = {0};

		assert_int_equal(embed(&out, cases[i].s, &f), XP_E_REFUSED);
		assert_string_equal(f.list[0].code, cases[i].code);
		assert_int_equal(out.len, 0);
		xp_findings_free(&f);
		xp_buf_free(&out);
	}
}

/* The first signature without a token gets one. */
static void stamp_next(uint8_t **p7s, size_t *len)
{
	const struct xp_bytes file = {*p7s, *len};
	struct xp_findings f = {0};
	struct xp_buf out = {0};
	struct tsa_stamp s = {.at_s = SOON_S};
	struct xp_cms c;
	size_t token_len = 0;
	uint8_t *token;

	assert_true(xp_cms_parse(&c, *p7s, *len, &f));
	for (unsigned i = c.signers_n; i > 0; i--)
		if (!c.signers[i - 1].timestamp.len)
			s.signature = c.signers[i - 1].signature;
	token = tsa_lab_token(&tsa_stand.tsa, &s, &token_len);
	assert_int_equal(xp_timestamp_embed(&out, file, (struct xp_bytes){token, token_len},
					    (struct xp_bytes){0}, SOON_S, &f, NULL),
			 XP_OK);
	free(token);
	free(*p7s);
	*len = out.len;
	*p7s = (uint8_t *)STEAL(out.data);
}

static void test_each_of_two_signatures_needs_its_own(void **state)
{
	const struct tsa_who w = {.tsa = tsa_stand.tsa.root, .require_time = true};
	struct xp_signing_key *bob = lab_signing_key(&tsa_stand.lab.bob, NULL);
	struct cms_parts parts;
	uint8_t *other = NULL;
	uint8_t *p7s;
	size_t len = 0;

	(void)state;
	check_lab_name_signers(&tsa_stand.lab, true, true);
	check_lab_sign(&tsa_stand.lab, NULL);
	assert_int_equal(xp_sign(&other, &len, bob, tsa_stand.lab.json, tsa_stand.lab.json_len,
				 LAB_NOW_S, NULL),
			 XP_OK);
	cms_parts_take(&parts, tsa_stand.lab.p7s, tsa_stand.lab.p7s_len);
	cms_parts_join(&parts, other, len);
	p7s = cms_parts_build(&parts, &len);
	tsa_stand_expect_bytes(&tsa_stand, p7s, len, &w, 3, "P_TIME");
	stamp_next(&p7s, &len);
	tsa_stand_expect_bytes(&tsa_stand, p7s, len, &w, 3, "P_TIME");
	stamp_next(&p7s, &len);
	tsa_stand_expect_bytes(&tsa_stand, p7s, len, &w, 0, "W_");
	cms_parts_free(&parts);
	xp_signing_key_free(&bob);
	free(other);
	free(p7s);
}

static void test_replies_are_read(void **state)
{
	static const uint8_t good[] = {0x30, 0x07, 0x30, 0x03, 0x02, 0x01, 0x00, 0x30, 0x00};
	static const uint8_t refused[] = {0x30, 0x0c, 0x30, 0x0a, 0x02, 0x01, 0x02,
					  0x30, 0x05, 0x0c, 0x03, 'b',	'a',  'd'};
	static const uint8_t no_token[] = {0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00};
	static const uint8_t trailing[] = {0x30, 0x07, 0x30, 0x03, 0x02,
					   0x01, 0x00, 0x30, 0x00, 0x00};
	struct xp_err err = {0};
	struct xp_bytes t;

	(void)state;
	assert_int_equal(xp_timestamp_reply_token(&t, (struct xp_bytes){good, sizeof(good)}, NULL),
			 XP_OK);
	assert_ptr_equal(t.data, good + 7);
	for (size_t n = 0; n < sizeof(good); n++)
		assert_int_equal(xp_timestamp_reply_token(&t, (struct xp_bytes){good, n}, NULL),
				 XP_E_MALFORMED);
	assert_int_equal(
		xp_timestamp_reply_token(&t, (struct xp_bytes){no_token, sizeof(no_token)}, NULL),
		XP_E_MALFORMED);
	assert_int_equal(
		xp_timestamp_reply_token(&t, (struct xp_bytes){trailing, sizeof(trailing)}, NULL),
		XP_E_MALFORMED);
	assert_int_equal(
		xp_timestamp_reply_token(&t, (struct xp_bytes){refused, sizeof(refused)}, &err),
		XP_E_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "status 2: bad"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, tsa_stand_setup, tsa_stand_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_request_asks_for_the_signature),
		T(test_embedded_token_is_checked_and_kept_once),
		T(test_embed_refuses_what_is_wrong),
		T(test_each_of_two_signatures_needs_its_own),
		T(test_replies_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
