/* Signature files of a form that came before: read sooner, and never otherwise. */
#include "certs/cms_form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/fake/check_lab.h"

static struct check_lab lab;

static int setup(void **state)
{
	(void)state;
	check_lab_open(&lab, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	check_lab_close(&lab);
	return 0;
}

static bool same(struct xp_bytes a, struct xp_bytes b)
{
	return a.data == b.data && a.len == b.len;
}

static void assert_same(const struct xp_cms *a, const struct xp_cms *b)
{
	const struct xp_cms_signer *x = &a->signers[0];
	const struct xp_cms_signer *y = &b->signers[0];

	assert_int_equal(a->certs_n, b->certs_n);
	assert_int_equal(a->crls_n, b->crls_n);
	assert_int_equal(a->signers_n, 1);
	assert_int_equal(b->signers_n, 1);
	for (unsigned i = 0; i < a->certs_n; i++)
		assert_true(same(a->certs[i], b->certs[i]));
	for (unsigned i = 0; i < a->crls_n; i++)
		assert_true(same(a->crls[i], b->crls[i]));
	assert_true(same(x->body, y->body) && same(x->issuer, y->issuer));
	assert_true(same(x->serial, y->serial) && same(x->attrs, y->attrs));
	assert_true(same(x->ess_issuer, y->ess_issuer) && same(x->ess_serial, y->ess_serial));
	assert_true(same(x->signature, y->signature) && same(x->timestamp, y->timestamp));
	assert_true(same(x->digest_at, y->digest_at) && same(x->time_at, y->time_at));
	assert_memory_equal(x->message_digest, y->message_digest, 32);
	assert_memory_equal(x->cert_sha256, y->cert_sha256, 32);
	assert_int_equal(x->signing_time_s, y->signing_time_s);
	assert_int_equal(x->commitment, y->commitment);
}

static void learn(struct xp_cms_form *f)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	struct xp_cms cms;

	assert_true(xp_cms_parse(&cms, lab.p7s, lab.p7s_len, &findings));
	assert_true(xp_cms_form_learn(f, &cms, lab.p7s, lab.p7s_len));
}

/* What the form takes, the whole of the reading takes, and finds the same. */
static bool read_both_ways(const struct xp_cms_form *f, const uint8_t *p7s, size_t len)
{
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	struct xp_cms fast, full;
	bool is_good = xp_cms_parse(&full, p7s, len, &findings);

	if (!xp_cms_form_read(&fast, f, p7s, len))
		return false;
	assert_true(is_good);
	assert_same(&fast, &full);
	return true;
}

static void test_cms_form_same_bytes_are_taken(void **state)
{
	AUTO(xp_cms_form_free) struct xp_cms_form f = {0};
	struct xp_cms none;

	(void)state;
	assert_false(xp_cms_form_read(&none, &f, lab.p7s, lab.p7s_len));
	learn(&f);
	assert_true(read_both_ways(&f, lab.p7s, lab.p7s_len));
	assert_false(read_both_ways(&f, lab.p7s, lab.p7s_len - 1));
	assert_false(read_both_ways(&f, lab.p7s, 0));
}

/* Every byte with every bit turned over, and with others: never another opinion. */
static void test_cms_form_changed_bytes_are_read_alike(void **state)
{
	AUTO(xp_cms_form_free) struct xp_cms_form f = {0};
	unsigned taken = 0;

	(void)state;
	learn(&f);
	for (size_t i = 0; i < lab.p7s_len; i++) {
		static const uint8_t turns[] = {1, 2, 4, 8, 16, 32, 64, 128, 0xff, 0x30};
		uint8_t was = lab.p7s[i];

		for (size_t k = 0; k < sizeof(turns); k++) {
			lab.p7s[i] = was ^ turns[k];
			taken += read_both_ways(&f, lab.p7s, lab.p7s_len);
		}
		lab.p7s[i] = was;
	}
	/* another digest, another time, another signature of the same length */
	assert_true(taken > 32 * sizeof("12345678"));
}

static void test_cms_form_of_two_signers_is_not_learnt(void **state)
{
	AUTO(xp_cms_form_free) struct xp_cms_form f = {0};
	AUTO(xp_findings_free) struct xp_findings findings = {0};
	struct xp_cms cms;

	(void)state;
	learn(&f);
	assert_true(xp_cms_parse(&cms, lab.p7s, lab.p7s_len, &findings));
	cms.signers_n = 2;
	assert_false(xp_cms_form_learn(&f, &cms, lab.p7s, lab.p7s_len));
	/* and what was known before is gone */
	assert_false(read_both_ways(&f, lab.p7s, lab.p7s_len));
	cms.signers_n = 1;
	cms.signers[0].timestamp = cms.certs[0];
	assert_false(xp_cms_form_learn(&f, &cms, lab.p7s, lab.p7s_len));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_cms_form_same_bytes_are_taken),
		T(test_cms_form_changed_bytes_are_read_alike),
		T(test_cms_form_of_two_signers_is_not_learnt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
