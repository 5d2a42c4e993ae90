/*
 * fuzz_crl: any bytes as a file of revocation lists, and any bytes as what an issuer signed as a
 * list (the issuer is "CN=Root", the signer's certificate has the number 1234h). A list that nobody
 * signed clears nobody; one that names the signer speaks against it, whatever else stands in it;
 * and no list makes another one say less.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/chain_crl.h"
#include "certs/key.h"
#include "certs/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define NOW_S	1800000000LL
#define DAY_S	86400LL
#define SERIAL	0x1234
#define TBS_MAX 60000

static EVP_PKEY *root_key;
static X509 *root, *signer;
static X509_CRL *empty, *accusing; /* of a minute ago: of nobody, and of the signer */

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void set_up(void)
{
	const struct xp_pki_subject ca = {.name = "Root"};
	const struct xp_pki_subject who = {.name = "Performer", .person_id = "p-1"};
	struct xp_pki_revocation add = {.at_s = NOW_S - DAY_S};
	EVP_PKEY *key = NULL;

	must(xp_pki_key_new(&root_key, NULL) == XP_OK && xp_pki_key_new(&key, NULL) == XP_OK);
	must(xp_pki_root_new(&root, root_key, &ca, NOW_S - 9 * DAY_S, NOW_S + 99 * DAY_S, NULL) ==
		     XP_OK &&
	     xp_pki_issue(&signer, key, XP_ROLE_PERFORMER, &who, NOW_S - 9 * DAY_S, NOW_S + DAY_S,
			  root, root_key, NULL) == XP_OK);
	must(ASN1_INTEGER_set(X509_get_serialNumber(signer), SERIAL) == 1);
	add.cert = signer;
	must(xp_pki_crl_new(&empty, NULL, NULL, root, root_key, NOW_S - 60, NOW_S + DAY_S, NULL) ==
		     XP_OK &&
	     xp_pki_crl_new(&accusing, NULL, &add, root, root_key, NOW_S - 60, NOW_S + DAY_S,
			    NULL) == XP_OK);
	EVP_PKEY_free(key);
}

/* ---- what lists say ---- */

struct word {
	bool revoked, compromised, unknown, stale, any;
};

static struct word say(X509_CRL *a, X509_CRL *b, bool proven, int64_t proven_s)
{
	struct xp_trust trust = {.crls = sk_X509_CRL_new_null()};
	const struct xp_chain_input in = {
		.trust = &trust, .now_s = NOW_S, .proven = proven, .proven_s = proven_s};
	struct xp_findings f = {0};
	struct xp_crl_view view;
	struct word w = {0};

	must(trust.crls && (!a || sk_X509_CRL_push(trust.crls, a) > 0) &&
	     (!b || sk_X509_CRL_push(trust.crls, b) > 0));
	xp_crl_judge(&view, &in, signer, root, &f);
	must(f.n <= 1 && !f.lost);
	w.any = view.any;
	for (size_t i = 0; i < f.n; i++) {
		w.revoked |= strcmp(f.list[i].code, "E_REVOKED") == 0;
		w.compromised |= strcmp(f.list[i].code, "I_REVOKED_COMPROMISE") == 0;
		w.unknown |= strcmp(f.list[i].code, "I_REVOCATION_UNKNOWN") == 0;
		w.stale |= strcmp(f.list[i].code, "I_REVOCATION_STALE") == 0;
	}
	must(f.n == (size_t)(w.revoked + w.compromised + w.unknown + w.stale));
	must(w.any || f.n);
	xp_findings_free(&f);
	sk_X509_CRL_free(trust.crls);
	return w;
}

/* Does an entry name the signer? (An entry may take it back, too.) */
static bool names_signer(X509_CRL *crl, bool *takes_back)
{
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);
	bool yes = false;

	*takes_back = false;
	for (int i = 0; i < sk_X509_REVOKED_num(list); i++) {
		const X509_REVOKED *e = sk_X509_REVOKED_value(list, i);
		ASN1_ENUMERATED *why;

		if (ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(e),
				     X509_get0_serialNumber(signer)) != 0)
			continue;
		why = X509_REVOKED_get_ext_d2i(e, NID_crl_reason, NULL, NULL);
		if (why && ASN1_ENUMERATED_get(why) == CRL_REASON_REMOVE_FROM_CRL)
			*takes_back = true;
		else
			yes = true;
		ASN1_ENUMERATED_free(why);
	}
	ERR_clear_error();
	return yes;
}

static bool has_entry_issuers(X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);

	for (int i = 0; i < sk_X509_REVOKED_num(list); i++)
		if (X509_REVOKED_get_ext_by_NID(sk_X509_REVOKED_value(list, i),
						NID_certificate_issuer, -1) >= 0)
			return true;
	return false;
}

/* ---- lists that nobody signed ---- */

static void try_unsigned(const uint8_t *data, size_t len)
{
	struct xp_trust trust = {0};
	const char *why;

	must(xp_trust_init(&trust, NULL) == XP_OK);
	if (xp_trust_add_crls(&trust, (const char *)data, len, "list", NULL) == XP_OK)
		must(sk_X509_CRL_num(trust.crls) > 0);
	for (int i = 0; i < sk_X509_CRL_num(trust.crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(trust.crls, i);
		struct word w = say(crl, NULL, false, 0);

		must(!xp_crl_is_usable(crl, root, NOW_S, &why) && why);
		must(w.unknown && !w.any);
		must(!say(empty, crl, false, 0).revoked);
		must(say(accusing, crl, false, 0).revoked);
	}
	xp_trust_free(&trust);
	must(ERR_peek_error() == 0);
}

/* ---- lists that the issuer signed ---- */

static size_t put_head(uint8_t *out, uint8_t tag, size_t len)
{
	const uint8_t head[4] = {tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len};

	if (len < 0x80) {
		out[0] = tag;
		out[1] = (uint8_t)len;
		return 2;
	}
	if (len < 0x100) {
		out[0] = tag;
		out[1] = 0x81;
		out[2] = (uint8_t)len;
		return 3;
	}
	memcpy(out, head, 4);
	return 4;
}

/* CertificateList ::= SEQUENCE { what was signed, ecdsa-with-SHA256, its signature } */
static size_t sign_list(uint8_t *out, const uint8_t *tbs, size_t len)
{
	static const uint8_t alg[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				      0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[80];
	size_t sig_len = sizeof(sig);
	size_t n;

	must(ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, root_key) == 1 &&
	     EVP_DigestSign(ctx, sig, &sig_len, tbs, len) == 1);
	EVP_MD_CTX_free(ctx);
	n = put_head(out, 0x30, len + sizeof(alg) + 3 + sig_len);
	memcpy(out + n, tbs, len);
	n += len;
	memcpy(out + n, alg, sizeof(alg));
	n += sizeof(alg);
	n += put_head(out + n, 0x03, sig_len + 1);
	out[n++] = 0;
	memcpy(out + n, sig, sig_len);
	return n + sig_len;
}

static void compare_orders(X509_CRL *crl, X509_CRL *other, bool proven, int64_t proven_s)
{
	struct word a = say(crl, other, proven, proven_s);
	struct word b = say(other, crl, proven, proven_s);

	must(memcmp(&a, &b, sizeof(a)) == 0);
}

static void judge_signed(X509_CRL *crl)
{
	static const int64_t times[] = {NOW_S - 2 * DAY_S, NOW_S - DAY_S, NOW_S - 30};
	bool takes_back = false;
	bool names = names_signer(crl, &takes_back);
	bool is_by_root = X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(root)) == 0;
	const char *why = NULL;
	bool usable = xp_crl_is_usable(crl, root, NOW_S, &why);
	struct word w = say(crl, NULL, false, 0);

	must(usable == !why && usable == w.any);
	must(!usable || is_by_root);
	/* what the issuer says against the signer counts, also in a list that is of no other use */
	if (names && is_by_root && !takes_back && !has_entry_issuers(crl) && usable)
		must(w.revoked);
	if (w.revoked)
		must(names && is_by_root);
	/* nothing that an unusable list says takes an accusation back */
	must(say(accusing, crl, false, 0).revoked || (usable && takes_back));
	compare_orders(crl, empty, false, 0);
	compare_orders(crl, accusing, false, 0);
	for (size_t i = 0; i < XP_ARRAY_LEN(times); i++) {
		compare_orders(crl, empty, true, times[i]);
		compare_orders(crl, accusing, true, times[i]);
	}
}

static void try_signed(const uint8_t *data, size_t len)
{
	static uint8_t list[TBS_MAX + 256];
	size_t n = sign_list(list, data, len);
	const unsigned char *at = list;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)n);
	const struct xp_bytes der = {list, n};
	unsigned char *again = NULL;
	int again_len;

	ERR_clear_error();
	if (!crl)
		return;
	/* the form in which a list may stand in a signature file: the library has no other view */
	again_len = xp_signed_object_is_exact(der) ? i2d_X509_CRL(crl, &again) : -1;
	must(again_len < 0 || ((size_t)again_len == n && memcmp(again, list, n) == 0));
	OPENSSL_free(again);
	judge_signed(crl);
	X509_CRL_free(crl);
	must(ERR_peek_error() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!root)
		set_up();
	try_unsigned(data, len);
	if (len && len <= TBS_MAX)
		try_signed(data, len);
	return 0;
}
