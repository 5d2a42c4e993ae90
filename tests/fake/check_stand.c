#include "tests/fake/check_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static int64_t wall(void *ctx)
{
	const struct check_stand *s = ctx;

	return s->now_s;
}

void stand_open(struct check_stand *s)
{
	s->now_s = LAB_NOW_S;
	check_lab_open(&s->lab, false);
	xp_check_free(&s->lab.check);
}

void stand_close(struct check_stand *s)
{
	check_lab_close(&s->lab);
	assert_int_equal(ERR_peek_error(), 0);
}

struct check_stand check_stand;

int check_stand_setup(void **state)
{
	(void)state;
	stand_open(&check_stand);
	return 0;
}

int check_stand_teardown(void **state)
{
	(void)state;
	stand_close(&check_stand);
	return 0;
}

void stand_also_crl(struct check_stand *s, X509_CRL *crl)
{
	char *list = lab_crl_pem(crl);

	assert_int_equal(
		xp_trust_add_crls(xp_check_trust(s->lab.check), list, strlen(list), "c", NULL),
		XP_OK);
	free(list);
}

void stand_trust(struct check_stand *s, X509 *anchor, X509_CRL *crl)
{
	char *pem = anchor ? lab_cert_pem(anchor) : NULL;

	xp_check_free(&s->lab.check);
	s->clock = (struct xp_clock){.wall_s = wall, .ctx = s};
	assert_int_equal(xp_check_new(&s->lab.check, &s->clock, NULL), XP_OK);
	if (pem)
		assert_int_equal(xp_trust_add_anchors(xp_check_trust(s->lab.check), pem,
						      strlen(pem), "a", NULL),
				 XP_OK);
	if (crl)
		stand_also_crl(s, crl);
	free(pem);
}

void stand_expect(struct check_stand *s, int want, const char *code)
{
	const struct check_lab *l = &s->lab;
	char codes[1024];
	int got = check_lab_run(l->check, l->json, l->json_len, l->p7s, l->p7s_len, codes,
				sizeof(codes));

	if (got != want || (code && !check_lab_has(codes, code)))
		fail_msg("exit code %d, %s; wanted %d, %s", got, codes, want, code ? code : "");
}

void stand_write_and_expect(struct check_stand *s, int want, const char *code)
{
	free(s->lab.json);
	s->lab.json = NULL;
	assert_int_equal(xp_record_write(&s->lab.json, &s->lab.json_len, s->lab.record, NULL),
			 XP_OK);
	check_lab_sign(&s->lab, NULL);
	stand_expect(s, want, code);
}

X509_CRL *stand_make_crl(struct check_stand *s, const X509 *revoked, int64_t at_s, int64_t days)
{
	const struct xp_pki_revocation rev = {.cert = revoked, .at_s = at_s};
	X509_CRL *crl = NULL;

	assert_int_equal(xp_pki_crl_new(&crl, NULL, &rev, s->lab.lab.root, s->lab.lab.root_key,
					at_s, at_s + days * LAB_DAY_S, NULL),
			 XP_OK);
	return crl;
}

void stand_log(struct check_stand *s, struct xp_log *log, const uint8_t (*signatures)[32],
	       char **proof, size_t *len)
{
	AUTO_MEM char *leaf = NULL;
	struct xp_check_result r;
	uint8_t own[1][32];
	uint64_t index = 0;
	size_t n = 0;

	assert_int_equal(xp_check_pair(&r, s->lab.check, s->lab.json, s->lab.json_len, s->lab.p7s,
				       s->lab.p7s_len, NULL),
			 XP_OK);
	memcpy(own[0], r.signers[0].signature_sha256, 32);
	assert_int_equal(xp_log_leaf_record(&leaf, &n, r.record->id, r.json_sha256,
					    signatures ? signatures : (const uint8_t(*)[32])own, 1,
					    NULL),
			 XP_OK);
	xp_check_result_free(&r);
	assert_int_equal(xp_log_append(log, leaf, n, &index, NULL), XP_OK);
	assert_int_equal(xp_log_prove(log, index, proof, len, NULL), XP_OK);
}

void check_lab_passes(struct check_lab *l)
{
	char codes[1024];
	int code = check_lab_run(l->check, l->json, l->json_len, l->p7s, l->p7s_len, codes,
				 sizeof(codes));

	if (code != 0)
		fail_msg("the untouched pair: exit code %d, %s", code, codes);
}
