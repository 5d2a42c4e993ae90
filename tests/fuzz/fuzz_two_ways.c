/*
 * fuzz_two_ways: records that are signed, and then meddled with, checked by one who remembers all
 * that came before and by one who remembers nothing: they must say the same, word for word. An
 * input is a record (the fingerprint of a5h becomes that of the signer), a NUL, and changes of the
 * signature file, three bytes each: where, and what is turned over there.
 */
#include <openssl/err.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "certs/check.h"
#include "certs/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SHORTEST 600 /* no record is that short; the whole of it would be in vain */
#define NOW_S	 1800000000LL
#define DAY_S	 86400LL

static struct xp_check *warm, *cold;
static struct xp_signing_key *signer;
static char fingerprint[65];

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
	size_t pem_len = 0;
	size_t list_len = 0;

	must(xp_check_new(&c, &then, NULL) == XP_OK);
	must(xp_pki_cert_to_pem(&pem, &pem_len, root, NULL) == XP_OK &&
	     xp_pki_crl_to_pem(&list, &list_len, crl, NULL) == XP_OK);
	must(xp_trust_add_anchors(xp_check_trust(c), pem, pem_len, "root", NULL) == XP_OK &&
	     xp_trust_add_crls(xp_check_trust(c), list, list_len, "list", NULL) == XP_OK);
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

static void meddle(uint8_t *p7s, size_t p7s_len, const uint8_t *edits, size_t len)
{
	for (size_t i = 0; i + 3 <= len; i += 3)
		p7s[get_be16(edits + i) % p7s_len] ^= edits[i + 2];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char theirs[] =
		"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5";
	const uint8_t *end = len ? memchr(data, 0, len) : NULL;
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
	two_ways(json, json_len, p7s, p7s_len);
	if (end) {
		meddle(p7s, p7s_len, end + 1, len - json_len - 1);
		two_ways(json, json_len, p7s, p7s_len);
	}
	must(ERR_peek_error() == 0);
	free(json);
	free(p7s);
	return 0;
}
