#include "tests/fake/tsa_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/err.h>

#include "certs/oids.h"
#include "tests/fake/cms_parts.h"

static int64_t wall(void *ctx)
{
	const struct tsa_stand *s = ctx;

	return s->now_s;
}

static uint64_t monotonic(void *ctx)
{
	(void)ctx;
	return 0;
}

void tsa_stand_open(struct tsa_stand *s)
{
	struct xp_findings f = {0};

	check_lab_open(&s->lab, false);
	tsa_lab_open(&s->tsa, TSA_EKU, false);
	assert_true(xp_cms_parse(&s->cms, s->lab.p7s, s->lab.p7s_len, &f));
	s->now_s = SOON_S;
}

void tsa_stand_close(struct tsa_stand *s)
{
	tsa_lab_close(&s->tsa);
	check_lab_close(&s->lab);
	assert_int_equal(ERR_peek_error(), 0);
}

struct tsa_stand tsa_stand;

int tsa_stand_setup(void **state)
{
	(void)state;
	tsa_stand_open(&tsa_stand);
	return 0;
}

int tsa_stand_teardown(void **state)
{
	(void)state;
	tsa_stand_close(&tsa_stand);
	return 0;
}

struct xp_bytes tsa_stand_signature(const struct tsa_stand *s)
{
	return s->cms.signers[0].signature;
}

uint8_t *tsa_lab_with_token(const struct check_lab *l, const void *token, size_t token_len,
			    size_t *len)
{
	struct xp_buf body = {0};
	struct xp_buf value = {0};
	struct xp_buf attr = {0};
	struct cms_parts parts;
	uint8_t *p7s;

	cms_parts_take(&parts, l->p7s, l->p7s_len);
	xp_der_put_oid(&body, XP_DER_OID_TIMESTAMP_TOKEN);
	xp_buf_add(&value, token, token_len);
	xp_der_wrap(&body, XP_DER_SET, &value);
	xp_der_wrap(&attr, XP_DER_SEQUENCE, &body);
	xp_der_wrap(&parts.signers[0].unsigned_attrs, XP_DER_CONTEXT_1, &attr);
	p7s = cms_parts_build(&parts, len);
	cms_parts_free(&parts);
	return p7s;
}

int tsa_stand_run(struct tsa_stand *s, const void *p7s, size_t len, const struct tsa_who *w,
		  char *codes, size_t size)
{
	const struct xp_clock clock = {.wall_s = wall, .monotonic_ns = monotonic, .ctx = s};
	const struct xp_requirements req = {.time = w->require_time};
	struct xp_check *c = NULL;
	char *root = lab_cert_pem(s->lab.lab.root);
	char *time_root = w->tsa ? lab_cert_pem(w->tsa) : NULL;
	char *list = lab_crl_pem(w->crl ? w->crl : s->lab.lab.crl);
	char *time_list = w->tsa_crl ? lab_crl_pem(w->tsa_crl) : NULL;
	int code;

	assert_int_equal(xp_check_new(&c, &clock, NULL), XP_OK);
	assert_int_equal(xp_trust_add_anchors(xp_check_trust(c), root, strlen(root), "r", NULL),
			 XP_OK);
	assert_int_equal(xp_trust_add_crls(xp_check_trust(c), list, strlen(list), "l", NULL),
			 XP_OK);
	if (time_root)
		assert_int_equal(xp_trust_add_anchors(xp_check_tsa(c), time_root, strlen(time_root),
						      "t", NULL),
				 XP_OK);
	if (time_list)
		assert_int_equal(xp_trust_add_crls(xp_check_trust(c), time_list, strlen(time_list),
						   "tl", NULL),
				 XP_OK);
	xp_check_require(c, &req);
	code = check_lab_run(c, s->lab.json, s->lab.json_len, p7s, len, codes, size);
	xp_check_free(&c);
	free(root);
	free(time_root);
	free(list);
	free(time_list);
	return code;
}

void tsa_stand_expect_bytes(struct tsa_stand *s, const void *p7s, size_t len,
			    const struct tsa_who *w, int want, const char *code)
{
	char codes[1024];
	int got = tsa_stand_run(s, p7s, len, w, codes, sizeof(codes));

	if (got != want || (code && !check_lab_has(codes, code)) ||
	    (!code && strstr(codes, "TIMESTAMP")))
		fail_msg("exit code %d, %s; wanted %d, %s", got, codes, want,
			 code ? code : "nothing");
}

void tsa_stand_expect(struct tsa_stand *s, struct tsa_lab *authority, struct tsa_stamp stamp,
		      const struct tsa_who *w, int want, const char *code)
{
	size_t token_len, len;
	uint8_t *token, *p7s;

	if (!stamp.signature.len)
		stamp.signature = tsa_stand_signature(s);
	if (!stamp.at_s)
		stamp.at_s = SOON_S;
	token = tsa_lab_token(authority, &stamp, &token_len);
	p7s = tsa_lab_with_token(&s->lab, token, token_len, &len);
	tsa_stand_expect_bytes(s, p7s, len, w, want, code);
	free(token);
	free(p7s);
}
