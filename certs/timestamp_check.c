#include "certs/timestamp_check.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "certs/chain_crl.h"
#include "certs/key.h"

#define CLOCK_SLACK_S 300

struct job {
	const struct xp_timestamp_input *in;
	struct xp_timestamp *out;
	struct xp_findings *f;
	struct xp_tst token;
	STACK_OF(X509) * certs; /* as token.certs */
	X509 *authority;
	STACK_OF(X509) * chain;
	bool clean; /* nothing was found yet that takes the token's worth */
};

#define FIND(j, code, ...)                                                                         \
	do {                                                                                       \
		xp_findings_add((j)->f, (code), __VA_ARGS__);                                      \
		(j)->clean = false;                                                                \
	} while (0)

static void job_free(struct job *j)
{
	sk_X509_pop_free(j->certs, X509_free);
	sk_X509_pop_free(j->chain, X509_free);
}

static void read_certs(struct job *j)
{
	j->certs = sk_X509_new_null();
	for (unsigned i = 0; i < j->token.certs_n; i++) {
		const struct xp_bytes *der = &j->token.certs[i];
		const unsigned char *at = der->data;
		X509 *c = d2i_X509(NULL, &at, (long)der->len);

		if (!c || at != der->data + der->len || !xp_signed_object_is_exact(*der) ||
		    !j->certs || !sk_X509_push(j->certs, c)) {
			X509_free(c);
			FIND(j, "E_TIMESTAMP_CERTS", "certificate %u of the timestamp is malformed",
			     i);
			return;
		}
	}
}

static void find_authority(struct job *j)
{
	const struct xp_tst *t = &j->token;

	for (unsigned i = 0; i < t->certs_n && !j->authority; i++) {
		uint8_t digest[EVP_MAX_MD_SIZE];
		unsigned n = 0;

		if (EVP_Digest(t->certs[i].data, t->certs[i].len, digest, &n,
			       xp_tst_md(t->ess_hash), NULL) == 1 &&
		    xp_bytes_equal(t->ess, digest, n))
			j->authority = sk_X509_value(j->certs, (int)i);
	}
	if (!j->authority) {
		FIND(j, "E_TIMESTAMP_CERT",
		     "the certificate that the timestamp is bound to is not in it");
		return;
	}
	xp_key_name_text(j->out->authority, sizeof(j->out->authority),
			 X509_get_subject_name(j->authority), NID_commonName);
	if (!xp_key_cert_is_named(j->authority, t->issuer, t->serial) ||
	    (t->ess_issuer.len &&
	     !xp_key_cert_is_named(j->authority, t->ess_issuer, t->ess_serial)))
		FIND(j, "E_TIMESTAMP_CERT",
		     "the timestamp's issuer and serial number are not those of its certificate");
}

/* Of the extended key usages only timeStamping, and critical. [RFC 3161 2.3] */
static bool is_for_timestamps(X509 *cert)
{
	int critical = 0;
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(cert, NID_ext_key_usage, &critical, NULL);
	bool ok = eku && critical == 1 && sk_ASN1_OBJECT_num(eku) == 1 &&
		  OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, 0)) == NID_time_stamp;
	uint32_t flags = X509_get_extension_flags(cert);

	EXTENDED_KEY_USAGE_free(eku);
	if (flags & (EXFLAG_CA | EXFLAG_INVALID))
		ok = false;
	if (flags & EXFLAG_KUSAGE &&
	    !(X509_get_key_usage(cert) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		ok = false;
	return ok;
}

static bool signature_holds(const struct xp_tst *t, EVP_PKEY *key)
{
	static const uint8_t set_tag = XP_DER_SET;
	EVP_MD_CTX *c;
	bool ok;

	if (!key || EVP_PKEY_get_base_id(key) != (t->is_rsa ? EVP_PKEY_RSA : EVP_PKEY_EC))
		return false;
	c = EVP_MD_CTX_new();
	/* what is signed wears the tag of a SET, not [0] */
	ok = c && EVP_DigestVerifyInit(c, NULL, xp_tst_md(t->hash), NULL, key) == 1 &&
	     EVP_DigestVerifyUpdate(c, &set_tag, 1) == 1 &&
	     EVP_DigestVerifyUpdate(c, t->attrs.data + 1, t->attrs.len - 1) == 1 &&
	     EVP_DigestVerifyFinal(c, t->signature.data, t->signature.len) == 1;
	EVP_MD_CTX_free(c);
	return ok;
}

static bool is_digest_of(struct xp_bytes digest, enum xp_tst_hash h, struct xp_bytes data)
{
	uint8_t d[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	return EVP_Digest(data.data, data.len, d, &n, xp_tst_md(h), NULL) == 1 &&
	       xp_bytes_equal(digest, d, n);
}

/* What the token shows by itself. */
static void judge_token(struct job *j)
{
	const struct xp_tst *t = &j->token;

	if (!is_digest_of(t->imprint, t->imprint_hash, j->in->signature))
		FIND(j, "E_TIMESTAMP_IMPRINT",
		     "the timestamp is of something else than the signature of %s", j->in->name);
	if (!is_digest_of(t->digest, t->hash, t->info) ||
	    !signature_holds(t, X509_get0_pubkey(j->authority)))
		FIND(j, "E_TIMESTAMP_SIGNATURE", "the signature of the timestamp is not valid");
	if (!is_for_timestamps(j->authority))
		FIND(j, "E_TIMESTAMP_CERT",
		     "the certificate of %s is not one for timestamps and nothing else",
		     j->out->authority);
	if (t->latest_s + CLOCK_SLACK_S < j->in->signing_time_s)
		FIND(j, "E_TIMESTAMP_TIME",
		     "the timestamp is older than the time at which %s says to have signed",
		     j->in->name);
	if (t->time_s > j->in->now_s + CLOCK_SLACK_S)
		FIND(j, "I_TIMESTAMP_FUTURE", "the timestamp lies in the future");
}

static int build_to(struct job *j, bool partial)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_STORE *store = X509_STORE_new();
	int rc = X509_V_ERR_OUT_OF_MEM;

	if (ctx && store && X509_STORE_CTX_init(ctx, store, j->authority, j->certs) == 1) {
		X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

		X509_STORE_CTX_set0_trusted_stack(ctx, j->in->anchors);
		X509_VERIFY_PARAM_set_time(param, (time_t)j->token.time_s);
		X509_VERIFY_PARAM_set_auth_level(param, 2);
		X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_TIMESTAMP_SIGN);
		X509_VERIFY_PARAM_set_flags(
			param, X509_V_FLAG_X509_STRICT | (partial ? X509_V_FLAG_PARTIAL_CHAIN : 0));
		if (X509_verify_cert(ctx) == 1) {
			j->chain = X509_STORE_CTX_get1_chain(ctx);
			rc = j->chain ? X509_V_OK : X509_V_ERR_OUT_OF_MEM;
		} else {
			rc = X509_STORE_CTX_get_error(ctx);
			if (rc == X509_V_OK)
				rc = X509_V_ERR_UNSPECIFIED;
		}
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return rc;
}

static bool has(STACK_OF(X509) * list, X509 *cert)
{
	for (int i = 0; i < sk_X509_num(list); i++)
		if (X509_cmp(sk_X509_value(list, i), cert) == 0)
			return true;
	return false;
}

static bool is_signed_by_one(X509 *cert, STACK_OF(X509) * list)
{
	for (int i = 0; i < sk_X509_num(list); i++) {
		X509 *by = sk_X509_value(list, i);

		if (X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(by)) == 0 &&
		    X509_verify(cert, X509_get0_pubkey(by)) == 1)
			return true;
	}
	return false;
}

/* Authorities send what may help others: a certificate off the way must still be somebody's word.
 */
static void judge_other_certs(struct job *j)
{
	for (int i = 0; i < sk_X509_num(j->certs); i++) {
		X509 *c = sk_X509_value(j->certs, i);

		if (!has(j->chain, c) && !is_signed_by_one(c, j->certs) &&
		    !is_signed_by_one(c, j->in->anchors))
			FIND(j, "I_TIMESTAMP_CERTS",
			     "certificate %d of the timestamp is vouched for by nobody here; name "
			     "its issuer with --tsa",
			     i);
	}
}

/* May a token of GENTIME before the revocation still count? [RFC 3161 4] */
static bool is_harmless(const X509_REVOKED *entry, int64_t time_s)
{
	ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
	long why = reason ? ASN1_ENUMERATED_get(reason) : -1;
	int64_t at_s = xp_key_time_s(X509_REVOKED_get0_revocationDate(entry));

	ASN1_ENUMERATED_free(reason);
	return (why == CRL_REASON_UNSPECIFIED || why == CRL_REASON_AFFILIATION_CHANGED ||
		why == CRL_REASON_SUPERSEDED || why == CRL_REASON_CESSATION_OF_OPERATION) &&
	       time_s < at_s;
}

static bool is_signed_by(X509_CRL *crl, X509 *issuer)
{
	return X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) == 0 &&
	       X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1;
}

static void judge_revocation(struct job *j, X509 *cert, X509 *issuer)
{
	bool is_known = false;
	char name[128];

	xp_key_name_text(name, sizeof(name), X509_get_subject_name(cert), NID_commonName);
	for (int i = 0; i < sk_X509_CRL_num(j->in->crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(j->in->crls, i);
		X509_REVOKED *entry = NULL;
		const char *why;

		if (j->in->crl_used &&
		    X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) == 0)
			__atomic_store_n(&j->in->crl_used[i], true, __ATOMIC_RELAXED);
		/* a list that clears nobody still accuses, if it is the issuer's */
		if (xp_crl_is_usable(crl, issuer, j->in->now_s, &why))
			is_known |= xp_key_time_s(X509_CRL_get0_lastUpdate(crl)) >= j->token.time_s;
		else if (!is_signed_by(crl, issuer))
			continue;
		if (X509_CRL_get0_by_cert(crl, &entry, cert) != 1 ||
		    is_harmless(entry, j->token.time_s))
			continue;
		FIND(j, "I_TIMESTAMP_REVOKED",
		     "the certificate of %s is revoked: its timestamp does not count", name);
		return;
	}
	if (!is_known)
		xp_findings_add(j->f, "W_TIMESTAMP_REVOCATION",
				"no revocation list of after the timestamp speaks of the "
				"certificate of %s",
				name);
}

/* As the chain of a signer: up to a named root, else to any certificate that was named. */
static int build(struct job *j)
{
	int rc = build_to(j, false);

	return xp_chain_ends_in_the_air(rc) ? build_to(j, true) : rc;
}

/* A CA that says what is below it for must say timestamps; the library asks the lowest one only. */
static bool is_above_timestamps(X509 *ca)
{
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(ca, NID_ext_key_usage, NULL, NULL);
	bool ok = !eku;

	for (int i = 0; eku && i < sk_ASN1_OBJECT_num(eku); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i));

		ok |= nid == NID_time_stamp || nid == NID_anyExtendedKeyUsage;
	}
	EXTENDED_KEY_USAGE_free(eku);
	return ok;
}

static void judge_chain(struct job *j)
{
	int rc = build(j);
	int n = sk_X509_num(j->chain);

	if (rc != X509_V_OK) {
		FIND(j, "I_TIMESTAMP_UNTRUSTED",
		     "nothing that was named with --tsa vouches for the timestamp of %s: %s",
		     j->out->authority,
		     sk_X509_num(j->in->anchors) > 0 ? X509_verify_cert_error_string(rc)
						     : "nothing was named");
		return;
	}
	if (xp_pki_fingerprint(j->out->anchor_sha256, sk_X509_value(j->chain, n - 1), NULL) !=
	    XP_OK)
		FIND(j, "I_TIMESTAMP_UNTRUSTED", "no memory to judge the timestamp");
	for (int i = 0; i + 1 < n; i++)
		judge_revocation(j, sk_X509_value(j->chain, i), sk_X509_value(j->chain, i + 1));
	/* not the last: that one was named for timestamps */
	for (int i = 1; i + 1 < n; i++)
		if (!is_above_timestamps(sk_X509_value(j->chain, i)))
			FIND(j, "I_TIMESTAMP_UNTRUSTED",
			     "a certificate above %s is for other things than timestamps",
			     j->out->authority);
	judge_other_certs(j);
}

void xp_timestamp_check(struct xp_timestamp *out, const struct xp_timestamp_input *in,
			struct xp_findings *findings)
{
	AUTO(job_free) struct job j = {.in = in, .out = out, .f = findings, .clean = true};

	*out = (struct xp_timestamp){0};
	if (!xp_tst_parse(&j.token, in->token, findings))
		return;
	out->time_s = j.token.time_s;
	out->older_s = j.token.latest_s;
	read_certs(&j);
	if (j.clean)
		find_authority(&j);
	if (j.authority)
		judge_token(&j);
	if (j.clean && in->anchors)
		judge_chain(&j);
	ERR_clear_error();
	out->is_good = j.clean && in->anchors;
}
