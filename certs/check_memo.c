#include "certs/check_memo.h"

#include <openssl/err.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/cms_form.h"
#include "certs/key.h"

#define SLOTS	  64
#define FORMS	  16 /* by the length of the file */
#define SLOTS_TRY 4  /* places where a signer may stand */

/* Bytes of the file that must be the same again. */
struct copy {
	uint8_t *data;
	size_t len;
};

struct known {
	bool is_set;
	int64_t now_s;
	int64_t from_s, to_s; /* the certificate's validity */
	enum xp_commitment commitment;
	struct copy certs, crls, issuer, serial, ess_issuer, ess_serial;
	EVP_PKEY_CTX *key;
	struct xp_check_signer signer;
};

struct xp_check_memo {
	struct xp_record_reader *reader;
	EVP_MD *sha256;
	EVP_MD_CTX *digest;
	struct known known[SLOTS];
	struct xp_cms_form forms[FORMS];
};

static void known_clear(struct known *k)
{
	free(k->certs.data);
	free(k->crls.data);
	free(k->issuer.data);
	free(k->serial.data);
	free(k->ess_issuer.data);
	free(k->ess_serial.data);
	EVP_PKEY_CTX_free(k->key);
	*k = (struct known){0};
}

void xp_check_memo_forget(struct xp_check_memo *m)
{
	for (unsigned i = 0; i < SLOTS; i++)
		known_clear(&m->known[i]);
}

void xp_check_memo_free(struct xp_check_memo **m)
{
	if (!*m)
		return;
	xp_check_memo_forget(*m);
	for (unsigned i = 0; i < FORMS; i++)
		xp_cms_form_free(&(*m)->forms[i]);
	xp_record_reader_free(&(*m)->reader);
	EVP_MD_CTX_free((*m)->digest);
	EVP_MD_free((*m)->sha256);
	free(*m);
	*m = NULL;
}

enum xp_rc xp_check_memo_new(struct xp_check_memo **out, struct xp_err *err)
{
	AUTO(xp_check_memo_free) struct xp_check_memo *m = calloc(1, sizeof(*m));

	*out = NULL;
	if (!m)
		return xp_fail(err, XP_E_NOMEM, "check");
	TRY(xp_record_reader_new(&m->reader, err));
	m->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	m->digest = EVP_MD_CTX_new();
	if (!m->sha256 || !m->digest)
		return xp_fail(err, XP_E_INTERNAL, "SHA-256 cannot be had");
	*out = STEAL(m);
	return XP_OK;
}

struct xp_record_reader *xp_check_memo_reader(struct xp_check_memo *m)
{
	return m->reader;
}

bool xp_check_memo_sha256(struct xp_check_memo *m, uint8_t out[32], const void *data, size_t len)
{
	return EVP_DigestInit_ex2(m->digest, m->sha256, NULL) == 1 &&
	       EVP_DigestUpdate(m->digest, data, len) == 1 &&
	       EVP_DigestFinal_ex(m->digest, out, NULL) == 1;
}

bool xp_check_memo_parse(struct xp_check_memo *m, struct xp_cms *out, const void *p7s, size_t len,
			 struct xp_findings *findings)
{
	struct xp_cms_form *form = &m->forms[len % FORMS];

	if (xp_cms_form_read(out, form, p7s, len))
		return true;
	if (!xp_cms_parse(out, p7s, len, findings))
		return false;
	xp_cms_form_learn(form, out, p7s, len);
	return true;
}

/* ---- the same again ---- */

/* Members of a set stand one behind the other: from the first byte to the last. */
static struct xp_bytes all_of(const struct xp_bytes *list, unsigned n)
{
	const uint8_t *end = n ? list[n - 1].data + list[n - 1].len : NULL;

	return n ? (struct xp_bytes){list[0].data, (size_t)(end - list[0].data)}
		 : (struct xp_bytes){0};
}

static bool is_copy(const struct copy *c, struct xp_bytes b)
{
	return xp_bytes_equal(b, c->data, c->len);
}

static bool copy_bytes(struct copy *c, struct xp_bytes b)
{
	c->data = malloc(b.len + 1);
	if (!c->data)
		return false;
	if (b.len)
		memcpy(c->data, b.data, b.len);
	c->len = b.len;
	return true;
}

static struct known *slot_of(struct xp_check_memo *m, const uint8_t cert_sha256[32], unsigned i)
{
	return &m->known[(cert_sha256[0] + i) % SLOTS];
}

static bool is_of(const struct known *k, const struct xp_cms *cms, const struct xp_cms_signer *si)
{
	return k->is_set && memcmp(k->signer.cert_sha256, si->cert_sha256, 32) == 0 &&
	       k->commitment == si->commitment && is_copy(&k->issuer, si->issuer) &&
	       is_copy(&k->serial, si->serial) && is_copy(&k->ess_issuer, si->ess_issuer) &&
	       is_copy(&k->ess_serial, si->ess_serial) &&
	       is_copy(&k->certs, all_of(cms->certs, cms->certs_n)) &&
	       is_copy(&k->crls, all_of(cms->crls, cms->crls_n));
}

/* The signed attributes are signed as the SET that they are. [RFC 5652 5.4] */
static bool is_signed(struct xp_check_memo *m, const struct known *k,
		      const struct xp_cms_signer *si)
{
	static const uint8_t set = XP_DER_SET;
	uint8_t digest[32];
	bool yes = si->attrs.len > 1 && EVP_DigestInit_ex2(m->digest, m->sha256, NULL) == 1 &&
		   EVP_DigestUpdate(m->digest, &set, 1) == 1 &&
		   EVP_DigestUpdate(m->digest, si->attrs.data + 1, si->attrs.len - 1) == 1 &&
		   EVP_DigestFinal_ex(m->digest, digest, NULL) == 1 &&
		   EVP_PKEY_verify(k->key, si->signature.data, si->signature.len, digest,
				   sizeof(digest)) == 1;

	if (!yes)
		ERR_clear_error();
	return yes;
}

/* As xp_check_signatures judges times, with nothing to say. */
static bool times_are_good(const struct known *k, int64_t signed_s, int64_t issued_s, int64_t now_s)
{
	return now_s == k->now_s && signed_s >= k->from_s && signed_s <= k->to_s &&
	       signed_s <= now_s + XP_CHECK_CLOCK_SLACK_S &&
	       signed_s + XP_CHECK_CLOCK_SLACK_S >= issued_s;
}

/* The record names this signer, and nobody else, in the role that was judged. */
static bool is_named(const struct xp_record *r, const struct xp_check_signer *s)
{
	return r->signers_n == 1 && memcmp(r->signers[0].cert_sha256, s->cert_sha256, 32) == 0 &&
	       strcmp(r->signers[0].role, s->role) == 0;
}

bool xp_check_memo_signature(struct xp_check_result *result, const struct xp_check *c,
			     const struct xp_cms *cms)
{
	const struct xp_cms_signer *si = &cms->signers[0];
	struct xp_check_signer *out = &result->signers[0];
	int64_t now_s = c->clock->wall_s(c->clock->ctx);
	const struct known *k = NULL;

	if (cms->signers_n != 1 || !result->record ||
	    memcmp(si->message_digest, result->json_sha256, 32) != 0)
		return false;
	for (unsigned i = 0; i < SLOTS_TRY && !k; i++)
		if (is_of(slot_of(c->memo, si->cert_sha256, i), cms, si) &&
		    is_named(result->record, &slot_of(c->memo, si->cert_sha256, i)->signer))
			k = slot_of(c->memo, si->cert_sha256, i);
	if (!k || !times_are_good(k, si->signing_time_s, result->record->issued_s, now_s) ||
	    !is_signed(c->memo, k, si))
		return false;
	*out = k->signer;
	if (!xp_check_memo_sha256(c->memo, out->signature_sha256, si->signature.data,
				  si->signature.len))
		return false;
	out->signing_time_s = si->signing_time_s;
	result->signers_n = 1;
	xp_check_timestamp(out, c, si, &result->findings);
	xp_check_same_ca(out, &result->findings);
	result->time_is_proven = out->time_is_proven;
	return true;
}

/* ---- learning ---- */

static bool fill(struct known *k, const struct xp_check_result *result, const struct xp_cms *cms,
		 X509 *cert)
{
	const struct xp_cms_signer *si = &cms->signers[0];

	k->signer = result->signers[0];
	/* the time is proven for one signature, never for a signer */
	k->signer.time_is_proven = false;
	k->signer.proven_s = 0;
	memset(k->signer.tsa, 0, sizeof(k->signer.tsa));
	memset(k->signer.tsa_anchor_sha256, 0, sizeof(k->signer.tsa_anchor_sha256));
	k->commitment = si->commitment;
	k->from_s = xp_key_time_s(X509_get0_notBefore(cert));
	k->to_s = xp_key_time_s(X509_get0_notAfter(cert));
	k->key = EVP_PKEY_CTX_new(X509_get0_pubkey(cert), NULL);
	k->is_set = k->key && EVP_PKEY_verify_init(k->key) == 1 &&
		    copy_bytes(&k->certs, all_of(cms->certs, cms->certs_n)) &&
		    copy_bytes(&k->crls, all_of(cms->crls, cms->crls_n)) &&
		    copy_bytes(&k->issuer, si->issuer) && copy_bytes(&k->serial, si->serial) &&
		    copy_bytes(&k->ess_issuer, si->ess_issuer) &&
		    copy_bytes(&k->ess_serial, si->ess_serial);
	return k->is_set;
}

void xp_check_memo_learn(struct xp_check_memo *m, const struct xp_check_result *result,
			 const struct xp_cms *cms, X509 *cert, int64_t now_s)
{
	const struct xp_check_signer *s = &result->signers[0];
	const struct xp_cms_signer *si = &cms->signers[0];
	struct known *at = NULL;

	if (cms->signers_n != 1 || result->signers_n != 1 || !s->signature_is_good ||
	    !s->is_trusted || !s->role_is_granted)
		return;
	/* the place where it stood, a free one, or the oldest */
	for (unsigned i = 0; i < SLOTS_TRY; i++) {
		struct known *k = slot_of(m, si->cert_sha256, i);

		if (!k->is_set || (is_of(k, cms, si) && strcmp(k->signer.role, s->role) == 0)) {
			at = k;
			break;
		}
		if (!at || k->now_s < at->now_s)
			at = k;
	}
	known_clear(at);
	at->now_s = now_s;
	if (!fill(at, result, cms, cert))
		known_clear(at);
	ERR_clear_error();
}
