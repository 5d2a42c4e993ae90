#include "certs/check_pair.h"

#include <openssl/cms.h>
#include <openssl/err.h>

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "certs/check_memo.h"
#include "certs/key.h"
#include "certs/record_check.h"
#include "certs/timestamp_check.h"

/* One signature file, parsed by our reader and by the library. */
struct job {
	struct xp_check_result *result;
	struct xp_findings *f;
	const struct xp_check *check;
	struct xp_cms cms;
	CMS_ContentInfo *ci;
	STACK_OF(X509) * certs; /* as cms.certs */
	STACK_OF(X509_CRL) * crls;
	bool used[XP_CMS_CERTS_MAX];
	size_t about_time;   /* findings about timestamps */
	bool by_proven_time; /* a chain is good by that, and not today */
	bool all_trusted;
};

static void job_free(struct job *j)
{
	CMS_ContentInfo_free(j->ci);
	sk_X509_pop_free(j->certs, X509_free);
	sk_X509_CRL_pop_free(j->crls, X509_CRL_free);
}

/* The library must read the same: what it writes again is what was there. */
static bool library_agrees(struct job *j, const uint8_t *p7s, size_t len)
{
	const unsigned char *at = p7s;
	unsigned char *again = NULL;
	int again_len;
	bool same;

	j->ci = d2i_CMS_ContentInfo(NULL, &at, (long)len);
	if (!j->ci || at != p7s + len)
		return false;
	again_len = i2d_CMS_ContentInfo(j->ci, &again);
	same = again_len > 0 && (size_t)again_len == len && memcmp(again, p7s, len) == 0;
	OPENSSL_free(again);
	return same;
}

/* NULL: malformed. The same bytes are decoded once. */
static X509 *read_cert(struct job *j, struct xp_bytes der)
{
	const unsigned char *at = der.data;
	uint8_t sha256[32];
	X509 *c;

	if (EVP_Digest(der.data, der.len, sha256, NULL, EVP_sha256(), NULL) != 1)
		return NULL;
	c = j->check->memo ? xp_check_cache_cert(j->check->cache, sha256) : NULL;
	if (c)
		return c;
	c = d2i_X509(NULL, &at, (long)der.len);
	if (!c || at != der.data + der.len || !xp_signed_object_is_exact(der)) {
		X509_free(c);
		return NULL;
	}
	if (j->check->memo)
		xp_check_cache_put_cert(j->check->cache, sha256, c);
	return c;
}

/* A signature that nobody looked at must not pass for want of memory. */
static bool no_memory(struct job *j)
{
	j->f->lost = true;
	return false;
}

static bool read_certs(struct job *j)
{
	for (unsigned i = 0; i < j->cms.certs_n; i++) {
		X509 *c = read_cert(j, j->cms.certs[i]);

		if (!c) {
			xp_findings_add(j->f, "E_CMS_CERTS", "certificate %u is malformed", i);
			return false;
		}
		if (!sk_X509_push(j->certs, c)) {
			X509_free(c);
			return no_memory(j);
		}
	}
	for (unsigned i = 0; i < j->cms.crls_n; i++) {
		const unsigned char *at = j->cms.crls[i].data;
		X509_CRL *c = d2i_X509_CRL(NULL, &at, (long)j->cms.crls[i].len);

		if (!c || at != j->cms.crls[i].data + j->cms.crls[i].len ||
		    !xp_signed_object_is_exact(j->cms.crls[i])) {
			X509_CRL_free(c);
			xp_findings_add(j->f, "E_CMS_CRLS", "revocation list %u is malformed", i);
			return false;
		}
		if (!sk_X509_CRL_push(j->crls, c)) {
			X509_CRL_free(c);
			return no_memory(j);
		}
	}
	return true;
}

/* The embedded certificate that the signed ESS hash names. */
static X509 *find_cert(struct job *j, const uint8_t sha256[32])
{
	for (unsigned i = 0; i < j->cms.certs_n; i++) {
		uint8_t digest[32];

		if (EVP_Digest(j->cms.certs[i].data, j->cms.certs[i].len, digest, NULL,
			       EVP_sha256(), NULL) == 1 &&
		    memcmp(digest, sha256, 32) == 0) {
			j->used[i] = true;
			return sk_X509_value(j->certs, (int)i);
		}
	}
	return NULL;
}

/* The library's view of the same signer, found by the octets of the signature. */
static CMS_SignerInfo *library_signer(struct job *j, const struct xp_cms_signer *si)
{
	STACK_OF(CMS_SignerInfo) *list = CMS_get0_SignerInfos(j->ci);

	for (int i = 0; i < sk_CMS_SignerInfo_num(list); i++) {
		CMS_SignerInfo *s = sk_CMS_SignerInfo_value(list, i);
		const ASN1_OCTET_STRING *sig = CMS_SignerInfo_get0_signature(s);

		if (sig && xp_bytes_equal(si->signature, ASN1_STRING_get0_data(sig),
					  (size_t)ASN1_STRING_length(sig)))
			return s;
	}
	return NULL;
}

static void verify_signature(struct job *j, struct xp_check_signer *out,
			     const struct xp_cms_signer *si, X509 *cert)
{
	CMS_SignerInfo *s = library_signer(j, si);

	if (memcmp(si->message_digest, j->result->json_sha256, 32) != 0)
		xp_findings_add(j->f, "E_CONTENT_DIGEST",
				"%s signed other bytes than those of this record", out->name);
	if (s) {
		CMS_SignerInfo_set1_signer_cert(s, cert);
		out->signature_is_good = CMS_SignerInfo_verify(s) == 1;
	}
	if (!out->signature_is_good)
		xp_findings_add(j->f, "E_SIGNATURE", "the signature of %s is not valid", out->name);
	ERR_clear_error();
}

static void judge_time(struct job *j, const struct xp_check_signer *s, const X509 *cert)
{
	const struct xp_clock *clock = j->check->clock;
	int64_t from_s = xp_key_time_s(X509_get0_notBefore(cert));
	int64_t to_s = xp_key_time_s(X509_get0_notAfter(cert));

	if (from_s == INT64_MIN || to_s == INT64_MIN)
		xp_findings_add(j->f, "E_CERT_UNFIT", "the certificate of %s has no validity",
				s->name);
	else if (s->signing_time_s < from_s || s->signing_time_s > to_s)
		xp_findings_add(j->f, "E_SIGNING_TIME",
				"the signing time of %s lies outside of the certificate's validity",
				s->name);
	if (s->signing_time_s > clock->wall_s(clock->ctx) + XP_CHECK_CLOCK_SLACK_S)
		xp_findings_add(j->f, "I_SIGNING_TIME_FUTURE",
				"the signing time of %s lies in the future", s->name);
	if (j->result->record &&
	    s->signing_time_s + XP_CHECK_CLOCK_SLACK_S < j->result->record->issued_s)
		xp_findings_add(j->f, "E_SIGNING_TIME", "%s signed before the record was issued",
				s->name);
}

static void describe(struct xp_check_signer *s, const struct xp_cms_signer *si, X509 *cert)
{
	const X509_NAME *name = X509_get_subject_name(cert);
	unsigned n = 0;

	memcpy(s->cert_sha256, si->cert_sha256, 32);
	s->signing_time_s = si->signing_time_s;
	s->valid_from_s = xp_key_time_s(X509_get0_notBefore(cert));
	xp_key_name_text(s->name, sizeof(s->name), name, NID_commonName);
	xp_key_name_text(s->name_latin, sizeof(s->name_latin), name, NID_name);
	xp_key_name_text(s->organization, sizeof(s->organization), name, NID_organizationName);
	if (X509_pubkey_digest(cert, EVP_sha256(), s->key_sha256, &n) != 1)
		memset(s->key_sha256, 0, 32);
	if (EVP_Digest(si->signature.data, si->signature.len, s->signature_sha256, NULL,
		       EVP_sha256(), NULL) != 1)
		memset(s->signature_sha256, 0, 32);
}

/* C, which came with the signature, issued CERT. */
static bool did_issue(X509 *c, X509 *cert)
{
	return X509_check_issued(c, cert) == X509_V_OK &&
	       X509_verify(cert, X509_get0_pubkey(c)) == 1;
}

/*
 * Those who vouch for somebody in the chain as well: the signer's own chain goes on where this
 * auditor's trust begins, or takes another path from there.
 */
static void mark_beside(struct job *j, STACK_OF(X509) * chain)
{
	for (int k = 0; k < sk_X509_num(j->certs); k++) {
		X509 *c = sk_X509_value(j->certs, k);
		bool did = false;

		if (j->used[k] || X509_self_signed(c, 0) == 1)
			continue;
		for (int i = 0; i < sk_X509_num(chain) && !did; i++)
			did = did_issue(c, sk_X509_value(chain, i));
		for (int i = 0; i < sk_X509_num(j->certs) && !did; i++)
			did = j->used[i] && did_issue(c, sk_X509_value(j->certs, i));
		if (!did)
			continue;
		j->used[k] = true;
		k = -1; /* it may stand above one that was passed over */
	}
	ERR_clear_error();
}

/* Certificates that helped to build the chain are used; the rest is padding that nothing covers. */
static void mark_used(struct job *j, STACK_OF(X509) * chain)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		/* a root has no place in the file, even the right one */
		if (i > 0 && X509_self_signed(sk_X509_value(chain, i), 0) == 1)
			continue;
		for (int k = 0; k < sk_X509_num(j->certs); k++)
			if (X509_cmp(sk_X509_value(chain, i), sk_X509_value(j->certs, k)) == 0)
				j->used[k] = true;
	}
	mark_beside(j, chain);
}

/* A CA that is limited to some policies cannot hand out a role beyond them. */
static bool is_beyond_its_cas(const struct xp_check_signer *s, STACK_OF(X509) * chain)
{
	enum xp_role role;

	if (!xp_role_parse(&role, s->role))
		return false;
	for (int i = 1; i < sk_X509_num(chain); i++) {
		X509 *ca = sk_X509_value(chain, i);

		/* what a root says of itself limits nobody; one in the middle stays limited by
		 * those above it, also where it is the one that was named */
		if (X509_self_signed(ca, 0) != 1 && !xp_key_ca_may_grant(ca, role))
			return true;
	}
	return false;
}

void xp_check_timestamp(struct xp_check_signer *s, const struct xp_check *c,
			const struct xp_cms_signer *si, struct xp_findings *findings)
{
	const struct xp_timestamp_input in = {
		.token = si->timestamp,
		.signature = si->signature,
		.name = s->name,
		.now_s = c->clock->wall_s(c->clock->ctx),
		.signing_time_s = si->signing_time_s,
		.anchors = c->tsa.anchors,
		.crls = c->trust.crls,
		.crl_used = c->trust.crl_used,
	};
	struct xp_timestamp t = {0};

	if (si->timestamp.len)
		xp_timestamp_check(&t, &in, findings);
	/* of two the earlier one proves more */
	if (c->stamp.is_good && (!t.is_good || c->stamp.older_s < t.older_s))
		t = c->stamp;
	if (!t.is_good)
		return;
	s->time_is_proven = true;
	s->proven_s = t.older_s;
	memcpy(s->tsa, t.authority, sizeof(s->tsa));
	memcpy(s->tsa_anchor_sha256, t.anchor_sha256, sizeof(s->tsa_anchor_sha256));
}

void xp_check_same_ca(const struct xp_check_signer *s, struct xp_findings *findings)
{
	if (s->time_is_proven && s->is_trusted &&
	    memcmp(s->anchor_sha256, s->tsa_anchor_sha256, 32) == 0)
		xp_findings_add(findings, "W_TIMESTAMP_SAME_CA",
				"%s is vouched for by the same CA as %s: the proven time is that "
				"CA's word",
				s->tsa, s->name);
}

/*
 * A signer that is good today needs no proven time. One that no longer is may have been good when
 * the authority saw the signature.
 */
static void find_chain(struct job *j, struct xp_chain *chain, const struct xp_check_signer *s,
		       struct xp_chain_input *in)
{
	struct xp_findings today = {0};
	uint8_t key[32];
	bool keyed = j->check->memo && xp_check_cache_key(key, &j->cms, s->cert_sha256, in->now_s);

	if (keyed && xp_check_cache_get(chain, j->check->cache, key))
		return;
	xp_chain_check(chain, in, &today);
	if (chain->is_trusted && today.n == 0 && !today.lost) {
		if (keyed)
			xp_check_cache_put(j->check->cache, key, chain);
	} else if (s->time_is_proven) {
		xp_chain_free(chain);
		j->by_proven_time = true;
		in->proven = true;
		in->proven_s = s->proven_s;
		xp_chain_check(chain, in, j->f);
	} else {
		for (size_t i = 0; i < today.n; i++)
			xp_findings_add(j->f, today.list[i].code, "%s", today.list[i].text);
		j->f->lost |= today.lost;
	}
	xp_findings_free(&today);
}

static void take_issuer_key(struct xp_check_signer *s, STACK_OF(X509) * chain)
{
	int n = sk_X509_num(chain);
	X509 *issuer = n > 0 ? sk_X509_value(chain, n > 1) : NULL;

	if (!issuer || X509_pubkey_digest(issuer, EVP_sha256(), s->issuer_key_sha256, NULL) != 1)
		memset(s->issuer_key_sha256, 0, 32);
}

static void judge_chain(struct job *j, struct xp_check_signer *s, X509 *cert)
{
	struct xp_chain_input in = {
		.trust = &j->check->trust,
		.signer = cert,
		.embedded = j->certs,
		.embedded_crls = j->crls,
		.now_s = j->check->clock->wall_s(j->check->clock->ctx),
		.signing_time_s = s->signing_time_s,
	};
	struct xp_chain chain;
	size_t before;

	find_chain(j, &chain, s, &in);
	s->is_trusted = chain.is_trusted;
	s->is_self_issued = chain.is_trusted && !chain.has_issuer;
	s->crl_known = chain.crl_known;
	s->crl_date_s = chain.crl_date_s;
	memcpy(s->anchor_sha256, chain.anchor_sha256, 32);
	take_issuer_key(s, chain.certs);
	for (int i = 1; i < sk_X509_num(chain.certs) && s->chain_n < XP_CHECK_CHAIN_MAX; i++)
		xp_key_name_text(s->chain[s->chain_n++], sizeof(s->chain[0]),
				 X509_get_subject_name(sk_X509_value(chain.certs, i)),
				 NID_commonName);
	s->role_is_beyond_ca = is_beyond_its_cas(s, chain.certs);
	if (chain.is_trusted)
		mark_used(j, chain.certs);
	else
		j->all_trusted = false;
	before = j->f->n;
	xp_check_same_ca(s, j->f);
	j->about_time += j->f->n - before;
	xp_chain_free(&chain);
}

/* The role that the record gives to this certificate. */
static void take_role(struct job *j, struct xp_check_signer *s)
{
	const struct xp_record *r = j->result->record;

	for (unsigned i = 0; r && i < r->signers_n; i++)
		if (memcmp(r->signers[i].cert_sha256, s->cert_sha256, 32) == 0)
			snprintf(s->role, sizeof(s->role), "%s", r->signers[i].role);
	if (r && !s->role[0])
		xp_findings_add(j->f, "E_SIGNERS_MISMATCH",
				"%s signed, but the record does not name that certificate",
				s->name);
}

/* Names that the certificates say. */
static void judge_names(struct job *j, const struct xp_check_signer *s)
{
	const char *const own[] = {s->name, s->name_latin, s->organization};

	for (size_t i = 0; i < XP_ARRAY_LEN(own); i++)
		xp_record_check_script(j->f, "the signer's certificate", own[i]);
	for (unsigned i = 0; i < s->chain_n; i++)
		xp_record_check_script(j->f, "a certificate above the signer's", s->chain[i]);
}

static void check_signer(struct job *j, const struct xp_cms_signer *si)
{
	struct xp_check_signer *s = &j->result->signers[j->result->signers_n++];
	X509 *cert = find_cert(j, si->cert_sha256);
	const char *why = NULL;
	size_t before;

	memset(s, 0, sizeof(*s)); /* the padding, too: what two checks say is compared whole */
	if (!cert) {
		snprintf(s->name, sizeof(s->name), "a signer without a certificate");
		xp_findings_add(j->f, "E_SIGNER_CERT",
				"the certificate that a signature is bound to is not in the file");
		j->all_trusted = false;
		return;
	}
	describe(s, si, cert);
	if (!xp_key_cert_is_named(cert, si->issuer, si->serial))
		xp_findings_add(
			j->f, "E_CMS_SID",
			"the signer's issuer and serial number are not those of %s's certificate",
			s->name);
	if (si->ess_issuer.len && !xp_key_cert_is_named(cert, si->ess_issuer, si->ess_serial))
		xp_findings_add(j->f, "E_CMS_SID",
				"the signed issuer and serial number are not those "
				"of %s's certificate",
				s->name);
	verify_signature(j, s, si, cert);
	if (!xp_key_cert_is_fit(cert, &why))
		xp_findings_add(j->f, "E_CERT_UNFIT",
				"the certificate of %s is not fit to sign records: %s", s->name,
				why);
	judge_time(j, s, cert);
	before = j->f->n;
	xp_check_timestamp(s, j->check, si, j->f);
	j->about_time += j->f->n - before;
	take_role(j, s);
	judge_chain(j, s, cert);
	judge_names(j, s);
	xp_roles_judge(s, cert, si->commitment, &j->check->roster, j->f);
}

/* What the record says of the person behind a signature, against the certificate. */
static void judge_signing_person(struct job *j, const struct xp_person *p,
				 const struct xp_check_signer *s)
{
	if (s->name_latin[0] && p->name_latin[0] && strcmp(s->name_latin, p->name_latin) != 0)
		xp_findings_add(j->f, "E_PERSON_MISMATCH",
				"the record writes %s as %s, the certificate as %s", p->name,
				p->name_latin, s->name_latin);
	else if (!s->name_latin[0] && p->name_latin[0])
		xp_findings_add(j->f, "W_PERSON_UNVOUCHED",
				"that %s is written %s stands in the record only", p->name,
				p->name_latin);
	if (p->organization[0] && strcmp(s->organization, p->organization) != 0)
		xp_findings_add(j->f, "W_PERSON_UNVOUCHED",
				"the organization of %s is %s by the record, %s by the certificate",
				p->name, p->organization,
				s->organization[0] ? s->organization : "not said");
}

static void judge_person(struct job *j, const struct xp_person *p)
{
	const struct xp_check_result *r = j->result;
	const struct xp_check_signer *same = NULL;
	bool role_signed = false;

	for (unsigned k = 0; k < r->signers_n; k++) {
		if (strcmp(r->signers[k].role, p->role) != 0)
			continue;
		role_signed = true;
		if (strcmp(r->signers[k].name, p->name) == 0)
			same = &r->signers[k];
	}
	if (same)
		judge_signing_person(j, p, same);
	else if (role_signed && p->name[0])
		xp_findings_add(j->f, "E_PERSON_MISMATCH",
				"the record names %s as %s, but somebody else signed", p->name,
				p->role);
	else if (!role_signed &&
		 (strcmp(p->role, "validator") == 0 || strcmp(p->role, "site") == 0))
		/* approval is a signature, never a mention */
		xp_findings_add(j->f, "E_PERSON_DID_NOT_SIGN",
				"the record names %s as %s, who did not sign", p->name, p->role);
	else if (!role_signed)
		xp_findings_add(j->f, "W_PERSON_DID_NOT_SIGN",
				"the record names %s as %s, who did not sign", p->name, p->role);
}

/* signers[] and persons[] of the record against those who signed. */
static void judge_binding(struct job *j)
{
	const struct xp_check_result *r = j->result;
	const struct xp_record *rec = r->record;

	for (unsigned i = 0; i < rec->signers_n; i++) {
		bool signed_it = false;

		for (unsigned k = 0; k < r->signers_n; k++)
			signed_it |= memcmp(rec->signers[i].cert_sha256, r->signers[k].cert_sha256,
					    32) == 0;
		if (!signed_it)
			xp_findings_add(j->f, "E_SIGNERS_MISMATCH",
					"the record names a %s whose signature is not there",
					rec->signers[i].role);
		if (strcmp(rec->signers[i].alg, "ecdsa-p256-sha256") != 0)
			xp_findings_add(j->f, "I_ALGORITHM_UNKNOWN",
					"the record names a signature algorithm that is not known");
	}
	if (rec->signers_n != r->signers_n)
		xp_findings_add(j->f, "E_SIGNERS_MISMATCH", "%u signed, the record names %u",
				r->signers_n, rec->signers_n);
	for (unsigned i = 0; i < rec->persons_n; i++)
		judge_person(j, &rec->persons[i]);
}

static void judge_padding(struct job *j)
{
	for (unsigned i = 0; i < j->cms.certs_n; i++) {
		X509 *c = sk_X509_value(j->certs, (int)i);

		/* without a way up it cannot be said which ones would be on it */
		if (!j->used[i] && j->all_trusted)
			xp_findings_add(j->f, "E_CMS_CERTS",
					"certificate %u in the signature file has no part in it",
					i);
		else if (j->result->signers_n && X509_self_signed(c, 0) == 1 && !j->used[i])
			xp_findings_add(j->f, "E_CMS_CERTS", "certificate %u is a root", i);
	}
	ERR_clear_error();
}

/* false: it cannot be read, and the findings say why. */
static bool read_all(struct job *j, const uint8_t *p7s, size_t p7s_len)
{
	bool agrees = library_agrees(j, p7s, p7s_len);

	if (!agrees)
		xp_findings_add(j->f, "E_CMS_LIBRARY",
				"the signature file reads differently to the library");
	agrees = agrees && read_certs(j);
	ERR_clear_error();
	return agrees;
}

static int64_t now_of(const struct job *j)
{
	return j->check->clock->wall_s(j->check->clock->ctx);
}

/* Each signer, and all of them together. What is surely good is remembered. */
static void judge_signers(struct job *j)
{
	struct xp_check_result *r = j->result;
	int64_t now_s = now_of(j);
	size_t before = j->f->n;
	bool is_clean;

	j->all_trusted = true;
	for (unsigned i = 0; i < j->cms.signers_n; i++)
		check_signer(j, &j->cms.signers[i]);
	r->time_is_proven = r->signers_n > 0;
	for (unsigned i = 0; i < r->signers_n; i++)
		r->time_is_proven &= r->signers[i].time_is_proven;
	xp_roles_judge_separation(r->signers, r->signers_n, j->f);
	judge_padding(j);
	/* what is said of the time is said anew each time */
	is_clean = j->f->n == before + j->about_time && !j->by_proven_time && !j->f->lost &&
		   now_of(j) == now_s;
	if (is_clean && j->check->memo && j->cms.signers_n == 1)
		xp_check_memo_learn(j->check->memo, r, &j->cms,
				    find_cert(j, j->cms.signers[0].cert_sha256), now_s);
}

enum xp_rc xp_check_signatures(struct xp_check_result *result, const struct xp_check *c,
			       const void *p7s, size_t p7s_len, struct xp_err *err)
{
	AUTO(job_free) struct job j = {.result = result, .f = &result->findings, .check = c};

	if (!(c->memo ? xp_check_memo_parse(c->memo, &j.cms, p7s, p7s_len, j.f)
		      : xp_cms_parse(&j.cms, p7s, p7s_len, j.f)))
		return XP_OK;
	if (!c->memo || !xp_check_memo_signature(result, c, &j.cms)) {
		j.certs = sk_X509_new_null();
		j.crls = sk_X509_CRL_new_null();
		if (!j.certs || !j.crls)
			return xp_fail(err, XP_E_NOMEM, "signature");
		if (!read_all(&j, p7s, p7s_len))
			return XP_OK;
		judge_signers(&j);
	}
	if (result->record)
		judge_binding(&j);
	return XP_OK;
}
