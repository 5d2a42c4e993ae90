#include "certs/chain.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <limits.h>
#include <string.h>

#include "certs/chain_crl.h"
#include "certs/key.h"

bool xp_signed_object_is_exact(struct xp_bytes der)
{
	struct xp_span all = xp_span_of(der.data, der.len);
	struct xp_span seq, tbs;
	struct xp_der inner = {0};
	struct xp_der to_sign, alg, sig;

	if (!xp_der_is_strict(der.data, der.len) || !xp_der_enter(&seq, &all, XP_DER_SEQUENCE) ||
	    !xp_der_is_done(&all) || !xp_der_expect(&to_sign, &seq, XP_DER_SEQUENCE) ||
	    !xp_der_expect(&alg, &seq, XP_DER_SEQUENCE) ||
	    !xp_der_expect(&sig, &seq, XP_DER_BIT_STRING) || !xp_der_is_done(&seq) ||
	    sig.body.len < 2 || sig.body.data[0] != 0)
		return false;
	/* the inner algorithm is the first SEQUENCE of what is signed, in both kinds */
	tbs = xp_span_of(to_sign.body.data, to_sign.body.len);
	while (tbs.left && xp_der_next(&inner, &tbs) && inner.tag != XP_DER_SEQUENCE)
		;
	return inner.tag == XP_DER_SEQUENCE &&
	       xp_bytes_equal(inner.whole, alg.whole.data, alg.whole.len);
}

enum xp_rc xp_trust_init(struct xp_trust *t, struct xp_err *err)
{
	*t = (struct xp_trust){.anchors = sk_X509_new_null(), .crls = sk_X509_CRL_new_null()};
	if (!t->anchors || !t->crls) {
		xp_trust_free(t);
		return xp_fail(err, XP_E_NOMEM, "trust");
	}
	return XP_OK;
}

void xp_trust_free(struct xp_trust *t)
{
	sk_X509_pop_free(t->anchors, X509_free);
	sk_X509_CRL_pop_free(t->crls, X509_CRL_free);
	free(t->crl_used);
	*t = (struct xp_trust){0};
}

static enum xp_rc move_all(struct xp_trust *t, STACK_OF(X509) * certs, STACK_OF(X509_CRL) * crls,
			   bool want_certs, struct xp_err *err)
{
	enum xp_rc rc = XP_OK;
	X509_CRL *crl;
	X509 *cert;

	while (want_certs && rc == XP_OK && (cert = sk_X509_shift(certs))) {
		if (!sk_X509_push(t->anchors, cert)) {
			X509_free(cert);
			rc = xp_fail(err, XP_E_NOMEM, "anchors");
		}
	}
	while (rc == XP_OK && (crl = sk_X509_CRL_shift(crls))) {
		if (!sk_X509_CRL_push(t->crls, crl)) {
			X509_CRL_free(crl);
			rc = xp_fail(err, XP_E_NOMEM, "lists");
		}
	}
	sk_X509_pop_free(certs, X509_free);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	return rc;
}

enum xp_rc xp_trust_add_anchors(struct xp_trust *t, const char *pem, size_t len, const char *name,
				struct xp_err *err)
{
	STACK_OF(X509) *certs = NULL;
	STACK_OF(X509_CRL) *crls = NULL;

	TRY(xp_key_certs_from_pem(&certs, &crls, pem, len, name, err));
	if (sk_X509_num(certs) < 1) {
		sk_X509_pop_free(certs, X509_free);
		sk_X509_CRL_pop_free(crls, X509_CRL_free);
		return xp_fail(err, XP_E_USAGE, "%s: there is no certificate in PEM in it", name);
	}
	return move_all(t, certs, crls, true, err);
}

enum xp_rc xp_trust_add_crls(struct xp_trust *t, const char *data, size_t len, const char *name,
			     struct xp_err *err)
{
	STACK_OF(X509) *certs = NULL;
	STACK_OF(X509_CRL) *crls = NULL;
	const unsigned char *at = (const unsigned char *)data;
	const unsigned char *end = at + len;
	X509_CRL *der = NULL;

	while (at < end && len <= LONG_MAX && (der = d2i_X509_CRL(NULL, &at, end - at))) {
		if (!sk_X509_CRL_push(t->crls, der)) {
			X509_CRL_free(der);
			return xp_fail(err, XP_E_NOMEM, "lists");
		}
	}
	ERR_clear_error();
	if (der)
		return XP_OK;
	if (at != (const unsigned char *)data)
		return xp_fail(err, XP_E_USAGE,
			       "%s: what stands behind a revocation list in it is none", name);
	TRY(xp_key_certs_from_pem(&certs, &crls, data, len, name, err));
	if (sk_X509_CRL_num(crls) < 1) {
		sk_X509_pop_free(certs, X509_free);
		sk_X509_CRL_pop_free(crls, X509_CRL_free);
		return xp_fail(err, XP_E_USAGE, "%s: there is no revocation list in it", name);
	}
	return move_all(t, certs, crls, false, err);
}

enum xp_rc xp_trust_add_fingerprint(struct xp_trust *t, const char *hex, struct xp_err *err)
{
	char clean[65];
	size_t n = 0;

	for (const char *p = hex; *p; p++) {
		if (*p == ' ' || *p == ':')
			continue;
		if (n == 64)
			n++;
		if (n < 64)
			clean[n++] = *p >= 'A' && *p <= 'F' ? (char)(*p + ('a' - 'A')) : *p;
		if (n > 64)
			break;
	}
	clean[n < 64 ? n : 64] = 0;
	if (n != 64 || t->fingerprints_n == XP_TRUST_FINGERPRINTS_MAX ||
	    !xp_hex_decode(t->fingerprints[t->fingerprints_n], 32, clean))
		return xp_fail(err, XP_E_USAGE, "%s: not a SHA-256 fingerprint of 64 hex digits",
			       hex);
	t->fingerprints_n++;
	return XP_OK;
}

static bool has_fingerprint(const struct xp_trust *t, const X509 *cert)
{
	uint8_t fp[32];

	if (xp_pki_fingerprint(fp, cert, NULL) != XP_OK)
		return false;
	for (unsigned i = 0; i < t->fingerprints_n; i++)
		if (memcmp(fp, t->fingerprints[i], 32) == 0)
			return true;
	return false;
}

enum xp_rc xp_trust_check(const struct xp_trust *t, struct xp_err *err)
{
	for (int i = 0; t->fingerprints_n && i < sk_X509_num(t->anchors); i++) {
		uint8_t fp[32];
		char hex[65];

		if (has_fingerprint(t, sk_X509_value(t->anchors, i)))
			continue;
		TRY(xp_pki_fingerprint(fp, sk_X509_value(t->anchors, i), err));
		xp_hex_encode(hex, fp, 32);
		return xp_fail(
			err, XP_E_USAGE,
			"a certificate of --trust does not have the fingerprint that was given; "
			"its own is %s",
			hex);
	}
	return XP_OK;
}

enum xp_rc xp_trust_watch_crls(struct xp_trust *t, struct xp_err *err)
{
	int n = sk_X509_CRL_num(t->crls);

	free(t->crl_used);
	t->crl_used_n = n < 0 ? 0 : n;
	t->crl_used = calloc((size_t)t->crl_used_n + 1, sizeof(*t->crl_used));
	return t->crl_used ? XP_OK : xp_fail(err, XP_E_NOMEM, "revocation lists");
}

/* The anchors of this signature: those named, and embedded certificates with a named fingerprint.
 */
static STACK_OF(X509) * anchors_for(const struct xp_chain_input *in)
{
	STACK_OF(X509) *all = sk_X509_dup(in->trust->anchors);

	for (int i = 0; all && in->trust->fingerprints_n && i < sk_X509_num(in->embedded); i++)
		if (has_fingerprint(in->trust, sk_X509_value(in->embedded, i)) &&
		    !sk_X509_push(all, sk_X509_value(in->embedded, i)))
			break;
	return all;
}

/* One run of the library's path building at one time. PARTIAL: any anchor ends it, not roots only.
 */
static int build_to(STACK_OF(X509) * *chain, const struct xp_chain_input *in,
		    STACK_OF(X509) * anchors, X509_STORE *store, int64_t at_s, bool partial)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int rc = X509_V_ERR_OUT_OF_MEM;

	if (ctx && X509_STORE_CTX_init(ctx, store, in->signer, in->embedded) == 1) {
		X509_STORE_CTX_set0_trusted_stack(ctx, anchors);
		param = X509_STORE_CTX_get0_param(ctx);
		X509_VERIFY_PARAM_set_time(param, (time_t)at_s);
		X509_VERIFY_PARAM_set_auth_level(param, 2);
		X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SMIME_SIGN);
		X509_VERIFY_PARAM_set_flags(
			param, X509_V_FLAG_X509_STRICT | (partial ? X509_V_FLAG_PARTIAL_CHAIN : 0) |
				       /* what a CA demands of policies below it */
				       X509_V_FLAG_POLICY_CHECK);
		/* any policy will do, as long as it is carried through where a CA demands one */
		X509_VERIFY_PARAM_add0_policy(param, OBJ_nid2obj(NID_any_policy));
		if (X509_verify_cert(ctx) == 1) {
			*chain = X509_STORE_CTX_get1_chain(ctx);
			rc = *chain ? X509_V_OK : X509_V_ERR_OUT_OF_MEM;
		} else {
			rc = X509_STORE_CTX_get_error(ctx);
			if (rc == X509_V_OK)
				rc = X509_V_ERR_UNSPECIFIED;
		}
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

bool xp_chain_ends_in_the_air(int rc)
{
	return rc == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	       rc == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	       rc == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
	       rc == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
	       rc == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN || rc == X509_V_ERR_CERT_UNTRUSTED;
}

/*
 * Up to a root that was named; what a CA in between may not do, or that it was revoked, counts then
 * although it was named, too. Where no such root is reached, any anchor will do (the store holds
 * named certificates only).
 */
static int build(STACK_OF(X509) * *chain, const struct xp_chain_input *in, STACK_OF(X509) * anchors,
		 X509_STORE *store, int64_t at_s)
{
	int rc = build_to(chain, in, anchors, store, at_s, false);

	return xp_chain_ends_in_the_air(rc) ? build_to(chain, in, anchors, store, at_s, true) : rc;
}

static void explain(int rc, const char *name, struct xp_findings *f)
{
	const char *why = X509_verify_cert_error_string(rc);

	switch (rc) {
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
		xp_findings_add(f, "E_CHAIN_SIGNATURE",
				"a certificate above %s has a signature that is not its issuer's",
				name);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		xp_findings_add(
			f, "I_UNTRUSTED",
			"nothing that was named with --trust vouches for the certificate of %s",
			name);
		break;
	case X509_V_ERR_OUT_OF_MEM:
		xp_findings_add(f, "I_CHAIN", "no memory to build the chain of %s", name);
		break;
	case X509_V_ERR_INVALID_PURPOSE:
		xp_findings_add(f, "E_CERT_UNFIT", "a certificate above %s is of another purpose",
				name);
		break;
	default:
		xp_findings_add(f, "E_CHAIN", "the chain of %s is not valid: %s", name, why);
		break;
	}
}

static bool is_time_error(int rc)
{
	return rc == X509_V_ERR_CERT_HAS_EXPIRED || rc == X509_V_ERR_CERT_NOT_YET_VALID;
}

/* Each list that came with the signature must be the valid list of somebody in the chain. */
static void check_embedded_crls(const struct xp_chain_input *in, STACK_OF(X509) * chain,
				struct xp_findings *f)
{
	for (int i = 0; in->embedded_crls && i < sk_X509_CRL_num(in->embedded_crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(in->embedded_crls, i);
		const char *why = "nobody in the chain issued it";
		const char *later = NULL;
		bool usable = false, only_early = false;

		for (int k = 1; k < sk_X509_num(chain) && !usable; k++) {
			X509 *issuer = sk_X509_value(chain, k);

			if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
					  X509_get_subject_name(issuer)) != 0)
				continue;
			usable = xp_crl_is_usable(crl, issuer, in->now_s, &why);
			only_early |= !usable &&
				      xp_crl_is_usable(crl, issuer,
						       xp_key_time_s(X509_CRL_get0_lastUpdate(crl)),
						       &later);
		}
		/* the fault of a clock that is behind, most likely the one here */
		if (!usable && only_early)
			xp_findings_add(f, "I_CMS_CRL_FUTURE",
					"a revocation list in the signature file is dated in the "
					"future: is the clock right here?");
		else if (!usable)
			xp_findings_add(f, "E_CMS_CRLS",
					"a revocation list in the signature file is not valid: %s",
					why);
	}
}

static void judge_steps(struct xp_chain *out, const struct xp_chain_input *in,
			struct xp_findings *f)
{
	int n = sk_X509_num(out->certs);

	out->has_issuer = n > 1;
	out->crl_known = n > 1;
	out->crl_date_s = INT64_MAX;
	for (int i = 0; i + 1 < n; i++) {
		struct xp_crl_view view;

		xp_crl_judge(&view, in, sk_X509_value(out->certs, i),
			     sk_X509_value(out->certs, i + 1), f);
		out->crl_known &= view.counts;
		if (view.any && view.date_s < out->crl_date_s)
			out->crl_date_s = view.date_s;
	}
	check_embedded_crls(in, out->certs, f);
}

void xp_chain_check(struct xp_chain *out, const struct xp_chain_input *in,
		    struct xp_findings *findings)
{
	STACK_OF(X509) *anchors = anchors_for(in);
	X509_STORE *store = X509_STORE_new();
	int64_t at_s = in->proven ? in->proven_s : in->now_s;
	char name[128];
	int rc = X509_V_ERR_OUT_OF_MEM;

	*out = (struct xp_chain){0};
	xp_key_name_text(name, sizeof(name), X509_get_subject_name(in->signer), NID_commonName);
	if (anchors && store)
		rc = build(&out->certs, in, anchors, store, at_s);
	if (is_time_error(rc)) {
		xp_findings_add(
			findings, "I_CERT_TIME",
			"a certificate in the chain of %s is %s, and nothing proves that the "
			"signature was made in time",
			name, rc == X509_V_ERR_CERT_HAS_EXPIRED ? "expired" : "not yet valid");
		/* was it all right, apart from that? */
		rc = build(&out->certs, in, anchors, store, in->signing_time_s);
	}
	if (rc == X509_V_OK) {
		X509 *anchor = sk_X509_value(out->certs, sk_X509_num(out->certs) - 1);

		out->is_trusted = xp_pki_fingerprint(out->anchor_sha256, anchor, NULL) == XP_OK;
		judge_steps(out, in, findings);
	} else {
		explain(rc, name, findings);
	}
	X509_STORE_free(store);
	sk_X509_free(anchors);
}

void xp_chain_free(struct xp_chain *c)
{
	sk_X509_pop_free(c->certs, X509_free);
	*c = (struct xp_chain){0};
}
