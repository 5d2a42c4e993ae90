/*
 * fuzz_two_ways: records that are signed, and then meddled with, checked by one who remembers all
 * that came before and by one who remembers nothing: they must say the same, word for word. An
 * input is a record (the fingerprint of a5h becomes that of the signer), a NUL, FFh and a number N
 * where the signature is to be stamped (N - 128 hours behind it), and changes of the signature
 * file, three bytes each: where, and what is turned over there.
 */
#include <openssl/err.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "certs/check.h"
#include "certs/key.h"
#include "certs/timestamp.h"
#include "tests/fake/tsa_lab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SHORTEST 600 /* no record is that short; the whole of it would be in vain */
#define NOW_S	 1800000000LL
#define DAY_S	 86400LL
#define HOUR_S	 3600LL
#define STAMP	 0xff /* no signature file is that long */

static struct xp_check *warm, *cold;
static struct xp_signing_key *signer;
static char fingerprint[65];
static struct tsa_lab authority;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static int64_t wall(void *ctx)
{
	(void)ctx;
	return NOW_S;
}

static const struct xp_clock then = {.wall_s = wall};

static struct xp_check *make_check(X509 *root, X509_CRL *crl)
{
	struct xp_check *c = NULL;
	char *pem = NULL;
	char *list = NULL;
	char *tsa = NULL;
	size_t pem_len = 0;
	size_t list_len = 0;
	size_t tsa_len = 0;

	must(xp_check_new(&c, &then, NULL) == XP_OK);
	must(xp_pki_cert_to_pem(&pem, &pem_len, root, NULL) == XP_OK &&
	     xp_pki_crl_to_pem(&list, &list_len, crl, NULL) == XP_OK &&
	     xp_pki_cert_to_pem(&tsa, &tsa_len, authority.root, NULL) == XP_OK);
	must(xp_trust_add_anchors(xp_check_trust(c), pem, pem_len, "root", NULL) == XP_OK &&
	     xp_trust_add_crls(xp_check_trust(c), list, list_len, "list", NULL) == XP_OK &&
	     xp_trust_add_anchors(xp_check_tsa(c), tsa, tsa_len, "tsa", NULL) == XP_OK);
	free(tsa);
	free(pem);
	free(list);
	return c;
}

static void set_up(void)
{
	const struct xp_pki_subject ca = {.name = "Root"};
	const struct xp_pki_subject who = {.name = "Performer", .person_id = "p-1"};
	STACK_OF(X509) *certs = sk_X509_new_null();
	STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
	EVP_PKEY *root_key = NULL;
	EVP_PKEY *key = NULL;
	X509 *root = NULL;
	X509 *cert = NULL;
	X509_CRL *crl = NULL;
	uint8_t fp[32];

	must(certs && crls && xp_pki_key_new(&root_key, NULL) == XP_OK &&
	     xp_pki_key_new(&key, NULL) == XP_OK);
	must(xp_pki_root_new(&root, root_key, &ca, NOW_S - DAY_S, NOW_S + 99 * DAY_S, NULL) ==
		     XP_OK &&
	     xp_pki_issue(&cert, key, XP_ROLE_PERFORMER, &who, NOW_S - DAY_S, NOW_S + DAY_S, root,
			  root_key, NULL) == XP_OK &&
	     xp_pki_crl_new(&crl, NULL, NULL, root, root_key, NOW_S - 60, NOW_S + DAY_S, NULL) ==
		     XP_OK);
	must(sk_X509_push(certs, cert) > 0 && sk_X509_CRL_push(crls, crl) > 0);
	must(xp_signing_key_make(&signer, key, certs, crls, NULL) == XP_OK);
	must(xp_pki_fingerprint(fp, cert, NULL) == XP_OK);
	xp_hex_encode(fingerprint, fp, 32);
	tsa_lab_open(&authority, TSA_EKU, false);
	warm = make_check(root, crl);
	cold = make_check(root, crl);
	xp_check_without_memory(cold);
	sk_X509_free(certs);
	sk_X509_CRL_free(crls);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(key);
	X509_free(root);
	X509_free(cert);
	X509_CRL_free(crl);
}

static void must_be_same(const struct xp_check_result *a, const struct xp_check_result *b)
{
	char *x = NULL;
	char *y = NULL;
	size_t x_len = 0;
	size_t y_len = 0;

	must(a->findings.n == b->findings.n && a->findings.lost == b->findings.lost);
	for (size_t i = 0; i < a->findings.n; i++)
		must(strcmp(a->findings.list[i].code, b->findings.list[i].code) == 0 &&
		     strcmp(a->findings.list[i].text, b->findings.list[i].text) == 0);
	must(a->signers_n == b->signers_n &&
	     memcmp(a->signers, b->signers, a->signers_n * sizeof(a->signers[0])) == 0);
	must(memcmp(a->json_sha256, b->json_sha256, 32) == 0 && !a->record == !b->record);
	if (!a->record)
		return;
	must(xp_record_write(&x, &x_len, a->record, NULL) ==
	     xp_record_write(&y, &y_len, b->record, NULL));
	must(x_len == y_len && (!x_len || memcmp(x, y, x_len) == 0));
	free(x);
	free(y);
}

static void check(struct xp_check_result *r, const struct xp_check *c, const char *json, size_t len,
		  const uint8_t *p7s, size_t p7s_len)
{
	must(xp_check_pair(r, c, json, len, p7s, p7s_len, NULL) == XP_OK);
}

static void two_ways(const char *json, size_t len, const uint8_t *p7s, size_t p7s_len)
{
	static struct xp_check_result first, again, alone;

	check(&first, warm, json, len, p7s, p7s_len);
	check(&again, warm, json, len, p7s, p7s_len);
	check(&alone, cold, json, len, p7s, p7s_len);
	must_be_same(&first, &alone);
	must_be_same(&again, &alone);
	xp_check_result_free(&first);
	xp_check_result_free(&again);
	xp_check_result_free(&alone);
}

/* As `timestamp embed` does it; a time that it would not take is told, and changes nothing. */
static void stamp(uint8_t **p7s, size_t *p7s_len, uint8_t n)
{
	const struct xp_bytes bare = {*p7s, *p7s_len};
	struct xp_findings findings = {0};
	struct xp_cms *cms = calloc(1, sizeof(*cms));
	struct tsa_stamp s = {.at_s = NOW_S + (n - 128) * HOUR_S};
	struct xp_buf out = {0};
	uint8_t *token;
	size_t len = 0;
	enum xp_rc rc;

	must(cms && xp_cms_parse(cms, bare.data, bare.len, &findings));
	s.signature = cms->signers[0].signature;
	token = tsa_lab_token(&authority, &s, &len);
	rc = xp_timestamp_embed(&out, bare, (struct xp_bytes){token, len}, (struct xp_bytes){0},
				NOW_S, &findings, NULL);
	must(rc == XP_OK || rc == XP_E_REFUSED);
	if (rc == XP_OK) {
		free(*p7s);
		*p7s = malloc(out.len);
		must(*p7s != NULL);
		memcpy(*p7s, out.data, out.len);
		*p7s_len = out.len;
	}
	xp_buf_free(&out);
	xp_findings_free(&findings);
	free(token);
	free(cms);
}

static void meddle(uint8_t *p7s, size_t p7s_len, const uint8_t *edits, size_t len)
{
	for (size_t i = 0; i + 3 <= len; i += 3)
		p7s[get_be16(edits + i) % p7s_len] ^= edits[i + 2];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char theirs[] =
		"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5";
	const uint8_t *edits, *end = len ? memchr(data, 0, len) : NULL;
	size_t json_len = end ? (size_t)(end - data) : len;
	uint8_t *p7s = NULL;
	size_t p7s_len = 0;
	char *json, *at;

	if (json_len < SHORTEST)
		return 0;
	if (!warm)
		set_up();
	json = malloc(json_len + 1);
	must(json != NULL);
	memcpy(json, data, json_len);
	json[json_len] = 0;
	while ((at = strstr(json, theirs)))
		memcpy(at, fingerprint, 64);
	must(xp_sign(&p7s, &p7s_len, signer, json, json_len, NOW_S, NULL) == XP_OK);
	edits = end ? end + 1 : data + len;
	if (data + len - edits >= 2 && edits[0] == STAMP) {
		stamp(&p7s, &p7s_len, edits[1]);
		edits += 2;
	}
	two_ways(json, json_len, p7s, p7s_len);
	if (edits != data + len) {
		meddle(p7s, p7s_len, edits, (size_t)(data + len - edits));
		two_ways(json, json_len, p7s, p7s_len);
	}
	must(ERR_peek_error() == 0);
	free(json);
	free(p7s);
	return 0;
}
