#include "certs/cms.h"

#include <stdio.h>

#include "certs/oids.h"

#define LIT(s) (s), (sizeof(s) - 1)

enum attr_kind {
	ATTR_CONTENT_TYPE,
	ATTR_MESSAGE_DIGEST,
	ATTR_SIGNING_TIME,
	ATTR_SIGNING_CERT,
	ATTR_COMMITMENT,
	ATTR_COUNT,
};

static const struct {
	const char *oid;
	size_t len;
	const char *name;
	const char *if_missing;
} ATTRS[ATTR_COUNT] = {
	[ATTR_CONTENT_TYPE] = {LIT(XP_DER_OID_CONTENT_TYPE), "contentType", "E_CMS_ATTRIBUTE"},
	[ATTR_MESSAGE_DIGEST] = {LIT(XP_DER_OID_MESSAGE_DIGEST), "messageDigest",
				 "E_CMS_ATTRIBUTE"},
	[ATTR_SIGNING_TIME] = {LIT(XP_DER_OID_SIGNING_TIME), "signingTime", "E_CMS_ATTRIBUTE"},
	[ATTR_SIGNING_CERT] = {LIT(XP_DER_OID_SIGNING_CERT_V2), "signingCertificateV2",
			       "E_CMS_NO_ESS"},
	[ATTR_COMMITMENT] = {LIT(XP_DER_OID_COMMITMENT), "commitmentType", "E_CMS_ATTRIBUTE"},
};

struct parse {
	struct xp_cms *cms;
	struct xp_findings *f;
	bool clean; /* nothing was found yet */
};

#define FIND(p, code, ...)                                                                         \
	do {                                                                                       \
		xp_findings_add((p)->f, (code), __VA_ARGS__);                                      \
		(p)->clean = false;                                                                \
	} while (0)

/* Not DER here: nothing behind this place can be trusted to stand where it seems to. */
static bool not_der(struct parse *p, const char *where)
{
	FIND(p, "E_CMS_DER", "the signature file is not DER at %s", where);
	return false;
}

static bool oid_is(const struct xp_der *d, const char *oid, size_t len)
{
	return d->tag == XP_DER_OID && xp_bytes_equal(d->body, oid, len);
}

/* An AlgorithmIdentifier that must be WANT without parameters. */
static bool take_algorithm(struct parse *p, struct xp_span *s, const char *want, size_t want_len,
			   const char *where)
{
	static const struct {
		const char *oid;
		size_t len;
		const char *name;
	} WEAK[] = {
		{LIT(XP_DER_OID_SHA1), "SHA-1"},
		{LIT(XP_DER_OID_MD5), "MD5"},
		{LIT(XP_DER_OID_ECDSA_SHA1), "ECDSA with SHA-1"},
	};
	struct xp_span alg;
	struct xp_der oid;

	if (!xp_der_enter(&alg, s, XP_DER_SEQUENCE) || !xp_der_expect(&oid, &alg, XP_DER_OID))
		return not_der(p, where);
	if (oid_is(&oid, want, want_len)) {
		if (!xp_der_is_done(&alg))
			FIND(p, "E_CMS_ALGORITHM", "%s has parameters", where);
		return true;
	}
	for (size_t i = 0; i < sizeof(WEAK) / sizeof(WEAK[0]); i++) {
		if (oid_is(&oid, WEAK[i].oid, WEAK[i].len)) {
			FIND(p, "E_ALGORITHM_WEAK", "%s is %s, which is broken", where,
			     WEAK[i].name);
			return true;
		}
	}
	FIND(p, "I_ALGORITHM_UNKNOWN", "%s is an algorithm that this version does not know", where);
	return true;
}

static void take_version(struct parse *p, struct xp_span *s, const char *where)
{
	struct xp_der d;

	if (!xp_der_expect(&d, s, XP_DER_INTEGER))
		not_der(p, where);
	else if (!xp_bytes_equal(d.body, "\x01", 1))
		FIND(p, "E_CMS_VERSION", "%s is not 1", where);
}

/* certificates and crls: a sorted set of SEQUENCEs, each DER throughout. */
static bool take_set(struct parse *p, struct xp_span *s, uint8_t tag, struct xp_bytes *list,
		     unsigned max, unsigned *n, const char *code)
{
	struct xp_span set;
	struct xp_der d;

	if (!xp_der_enter(&set, s, tag))
		return not_der(p, code);
	while (set.left) {
		if (!xp_der_next(&d, &set))
			return not_der(p, code);
		if (d.tag != XP_DER_SEQUENCE || !xp_der_is_strict(d.whole.data, d.whole.len)) {
			FIND(p, code, "member %u is not a certificate or list in DER", *n);
			return false;
		}
		if (*n == max) {
			FIND(p, code, "more than %u members", max);
			return false;
		}
		if (*n && xp_bytes_compare(list[*n - 1], d.whole) >= 0)
			FIND(p, code, "members are not in DER order, or twice the same");
		list[(*n)++] = d.whole;
	}
	if (*n == 0)
		FIND(p, code, "an empty set");
	return true;
}

static void take_signing_cert(struct parse *p, struct xp_cms_signer *si, struct xp_span *v)
{
	struct xp_span outer, certs, id, iser, names, directory;
	struct xp_der d;
	struct xp_der name, serial;

	xp_der_enter(&outer, v, XP_DER_SEQUENCE);
	xp_der_enter(&certs, &outer, XP_DER_SEQUENCE);
	xp_der_enter(&id, &certs, XP_DER_SEQUENCE);
	/* no hashAlgorithm: the default, SHA-256, is left out in DER */
	if (!xp_der_expect(&d, &id, XP_DER_OCTET_STRING) || d.body.len != 32) {
		FIND(p, "E_CMS_ATTRIBUTE", "signingCertificateV2 does not hold one SHA-256 hash");
		return;
	}
	memcpy(si->cert_sha256, d.body.data, 32);
	if (id.left) {
		xp_der_enter(&iser, &id, XP_DER_SEQUENCE);
		xp_der_enter(&names, &iser, XP_DER_SEQUENCE);
		xp_der_enter(&directory, &names, XP_DER_CONTEXT_4);
		if (!xp_der_expect(&name, &directory, XP_DER_SEQUENCE) ||
		    !xp_der_expect(&serial, &iser, XP_DER_INTEGER) || !xp_der_is_done(&iser) ||
		    !xp_der_is_done(&names) || !xp_der_is_done(&directory)) {
			FIND(p, "E_CMS_ATTRIBUTE",
			     "the issuer in signingCertificateV2 is malformed");
			return;
		}
		si->ess_issuer = name.whole;
		si->ess_serial = serial.whole;
	}
	if (!xp_der_is_done(&outer) || !xp_der_is_done(&certs) || !xp_der_is_done(&id))
		FIND(p, "E_CMS_ATTRIBUTE", "signingCertificateV2 holds more than one hash");
}

static void take_commitment(struct parse *p, struct xp_cms_signer *si, struct xp_span *v)
{
	struct xp_span seq;
	struct xp_der d;

	if (!xp_der_enter(&seq, v, XP_DER_SEQUENCE) || !xp_der_expect(&d, &seq, XP_DER_OID) ||
	    !xp_der_is_done(&seq))
		FIND(p, "E_CMS_ATTRIBUTE", "commitmentType is malformed");
	else if (oid_is(&d, LIT(XP_DER_OID_PROOF_OF_CREATION)))
		si->commitment = XP_PROOF_OF_CREATION;
	else if (oid_is(&d, LIT(XP_DER_OID_PROOF_OF_APPROVAL)))
		si->commitment = XP_PROOF_OF_APPROVAL;
	else
		FIND(p, "E_CMS_ATTRIBUTE", "commitmentType is neither creation nor approval");
}

static void take_attr_value(struct parse *p, struct xp_cms_signer *si, enum attr_kind kind,
			    struct xp_span *v)
{
	struct xp_der d;

	switch (kind) {
	case ATTR_CONTENT_TYPE:
		if (!xp_der_next(&d, v) || !oid_is(&d, LIT(XP_DER_OID_DATA)))
			FIND(p, "E_CMS_CONTENT_TYPE", "the signed content type is not data");
		break;
	case ATTR_MESSAGE_DIGEST:
		if (!xp_der_expect(&d, v, XP_DER_OCTET_STRING) || d.body.len != 32)
			FIND(p, "E_CMS_ATTRIBUTE", "messageDigest is not a SHA-256 value");
		else
			memcpy(si->message_digest, d.body.data, 32);
		si->digest_at = d.body;
		break;
	case ATTR_SIGNING_TIME:
		if (!xp_der_next(&d, v) || !xp_der_time(&si->signing_time_s, &d))
			FIND(p, "E_CMS_ATTRIBUTE", "signingTime is not a time in UTC");
		si->time_at = d.whole;
		break;
	case ATTR_SIGNING_CERT:
		take_signing_cert(p, si, v);
		break;
	case ATTR_COMMITMENT:
		take_commitment(p, si, v);
		break;
	case ATTR_COUNT:
		break;
	}
	if (p->clean && !xp_der_is_done(v))
		FIND(p, "E_CMS_ATTRIBUTE", "%s is malformed or has several values",
		     ATTRS[kind].name);
}

/* One Attribute: type and a SET with one value. false: not DER. */
static bool take_attr(struct parse *p, struct xp_cms_signer *si, struct xp_span *set,
		      unsigned *seen)
{
	struct xp_span attr, values;
	struct xp_der type;
	unsigned kind = 0;

	if (!xp_der_enter(&attr, set, XP_DER_SEQUENCE) ||
	    !xp_der_expect(&type, &attr, XP_DER_OID) || !xp_der_enter(&values, &attr, XP_DER_SET) ||
	    !xp_der_is_done(&attr))
		return not_der(p, "a signed attribute");
	while (kind < ATTR_COUNT && !oid_is(&type, ATTRS[kind].oid, ATTRS[kind].len))
		kind++;
	if (kind == ATTR_COUNT) {
		FIND(p, "E_CMS_ATTRIBUTE", "a signed attribute that the profile does not have");
		return true;
	}
	if (*seen & 1u << kind) {
		FIND(p, "E_CMS_ATTRIBUTE", "%s is there twice", ATTRS[kind].name);
		return true;
	}
	*seen |= 1u << kind;
	take_attr_value(p, si, (enum attr_kind)kind, &values);
	return true;
}

static bool take_signed_attrs(struct parse *p, struct xp_cms_signer *si, struct xp_span *s)
{
	struct xp_span set, order;
	struct xp_der whole, d;
	struct xp_bytes last = {0};
	unsigned seen = 0;

	if (!xp_der_peek(s, XP_DER_CONTEXT_0)) {
		FIND(p, "E_CMS_NO_SIGNED_ATTRS", "a signature without signed attributes");
		return true;
	}
	if (!xp_der_expect(&whole, s, XP_DER_CONTEXT_0))
		return not_der(p, "the signed attributes");
	si->attrs = whole.whole;
	set = xp_span_of(whole.body.data, whole.body.len);
	order = set;
	while (set.left)
		if (!take_attr(p, si, &set, &seen))
			return false;
	while (order.left && xp_der_next(&d, &order)) {
		if (last.data && xp_bytes_compare(last, d.whole) >= 0)
			FIND(p, "E_CMS_ATTRIBUTE", "the signed attributes are not in DER order");
		last = d.whole;
	}
	for (unsigned k = 0; k < ATTR_COUNT; k++)
		if (!(seen & 1u << k))
			FIND(p, ATTRS[k].if_missing, "the signed attribute %s is missing",
			     ATTRS[k].name);
	return true;
}

static bool take_unsigned_attrs(struct parse *p, struct xp_cms_signer *si, struct xp_span *s)
{
	struct xp_span set, attr, values;
	struct xp_der type, token;

	if (!xp_der_enter(&set, s, XP_DER_CONTEXT_1) ||
	    !xp_der_enter(&attr, &set, XP_DER_SEQUENCE) ||
	    !xp_der_expect(&type, &attr, XP_DER_OID) || !xp_der_enter(&values, &attr, XP_DER_SET))
		return not_der(p, "the unsigned attributes");
	if (!oid_is(&type, LIT(XP_DER_OID_TIMESTAMP_TOKEN))) {
		FIND(p, "E_CMS_UNSIGNED_ATTRIBUTE", "an unsigned attribute that is no timestamp");
		return true;
	}
	if (!xp_der_expect(&token, &values, XP_DER_SEQUENCE))
		return not_der(p, "the timestamp");
	if (!xp_der_is_done(&set) || !xp_der_is_done(&attr) || !xp_der_is_done(&values)) {
		FIND(p, "E_CMS_UNSIGNED_ATTRIBUTE", "more than one timestamp token");
		return true;
	}
	si->timestamp = token.whole;
	return true;
}

bool xp_cms_is_ecdsa_value(struct xp_bytes sig)
{
	struct xp_span s = xp_span_of(sig.data, sig.len);
	struct xp_span seq;
	struct xp_der r, v;

	return xp_der_is_strict(sig.data, sig.len) && xp_der_enter(&seq, &s, XP_DER_SEQUENCE) &&
	       xp_der_expect(&r, &seq, XP_DER_INTEGER) && xp_der_expect(&v, &seq, XP_DER_INTEGER) &&
	       xp_der_is_done(&seq) && xp_der_is_done(&s) && !(r.body.data[0] & 0x80) &&
	       !(v.body.data[0] & 0x80);
}

static bool take_signer(struct parse *p, struct xp_span *set)
{
	struct xp_cms_signer *si;
	struct xp_span s, sid;
	struct xp_der issuer, serial, sig;

	if (!xp_der_enter(&s, set, XP_DER_SEQUENCE))
		return not_der(p, "a signer");
	if (p->cms->signers_n == XP_CMS_SIGNERS_MAX) {
		FIND(p, "E_CMS_SIGNERS", "more than %u signers", (unsigned)XP_CMS_SIGNERS_MAX);
		return false;
	}
	si = &p->cms->signers[p->cms->signers_n++];
	si->body = (struct xp_bytes){s.at, s.left};
	take_version(p, &s, "a signer's version");
	if (!xp_der_enter(&sid, &s, XP_DER_SEQUENCE)) {
		FIND(p, "E_CMS_SID", "a signer is not named by issuer and serial number");
		return false;
	}
	if (!xp_der_expect(&issuer, &sid, XP_DER_SEQUENCE) ||
	    !xp_der_expect(&serial, &sid, XP_DER_INTEGER) || !xp_der_is_done(&sid) ||
	    !xp_der_is_strict(issuer.whole.data, issuer.whole.len) ||
	    !xp_der_is_strict(serial.whole.data, serial.whole.len))
		return not_der(p, "a signer's issuer and serial number");
	si->issuer = issuer.whole;
	si->serial = serial.whole;
	if (!take_algorithm(p, &s, LIT(XP_DER_OID_SHA256), "a signer's digest algorithm") ||
	    !take_signed_attrs(p, si, &s) ||
	    !take_algorithm(p, &s, LIT(XP_DER_OID_ECDSA_SHA256), "a signer's signature algorithm"))
		return false;
	if (!xp_der_expect(&sig, &s, XP_DER_OCTET_STRING))
		return not_der(p, "a signature");
	if (!xp_cms_is_ecdsa_value(sig.body))
		FIND(p, "E_SIGNATURE_MALFORMED", "the octets of a signature are no ECDSA value");
	si->signature = sig.body;
	if (s.left && !take_unsigned_attrs(p, si, &s))
		return false;
	if (!xp_der_is_done(&s))
		return not_der(p, "the end of a signer");
	return true;
}

static bool take_signers(struct parse *p, struct xp_span *s)
{
	struct xp_span set, order;
	struct xp_der d;
	struct xp_bytes last = {0};

	if (!xp_der_enter(&set, s, XP_DER_SET))
		return not_der(p, "the signers");
	order = set;
	while (set.left)
		if (!take_signer(p, &set))
			return false;
	while (order.left && xp_der_next(&d, &order)) {
		if (last.data && xp_bytes_compare(last, d.whole) >= 0)
			FIND(p, "E_CMS_SIGNERS", "the signers are not in DER order");
		last = d.whole;
	}
	if (p->cms->signers_n == 0)
		FIND(p, "E_CMS_SIGNERS", "nobody signed");
	return true;
}

/* EncapsulatedContentInfo: data, and no content in it. */
static bool take_content_info(struct parse *p, struct xp_span *s)
{
	struct xp_span seq;
	struct xp_der d;

	if (!xp_der_enter(&seq, s, XP_DER_SEQUENCE) || !xp_der_expect(&d, &seq, XP_DER_OID))
		return not_der(p, "the content type");
	if (!oid_is(&d, LIT(XP_DER_OID_DATA)))
		FIND(p, "E_CMS_CONTENT_TYPE", "the content type is not data");
	if (xp_der_peek(&seq, XP_DER_CONTEXT_0)) {
		FIND(p, "E_CMS_NOT_DETACHED", "the signature carries content of its own");
		return true;
	}
	return xp_der_is_done(&seq) ? true : not_der(p, "the content type");
}

static bool take_signed_data(struct parse *p, struct xp_span *s)
{
	struct xp_span algs;
	struct xp_cms *c = p->cms;

	take_version(p, s, "the version of the signed data");
	if (!xp_der_enter(&algs, s, XP_DER_SET))
		return not_der(p, "the digest algorithms");
	if (!algs.left)
		FIND(p, "E_CMS_ALGORITHM", "no digest algorithm");
	while (algs.left)
		if (!take_algorithm(p, &algs, LIT(XP_DER_OID_SHA256), "a digest algorithm"))
			return false;
	if (!take_content_info(p, s))
		return false;
	if (!xp_der_peek(s, XP_DER_CONTEXT_0))
		FIND(p, "E_CMS_CERTS", "no certificate in the signature file");
	else if (!take_set(p, s, XP_DER_CONTEXT_0, c->certs, XP_CMS_CERTS_MAX, &c->certs_n,
			   "E_CMS_CERTS"))
		return false;
	if (xp_der_peek(s, XP_DER_CONTEXT_1) &&
	    !take_set(p, s, XP_DER_CONTEXT_1, c->crls, XP_CMS_CRLS_MAX, &c->crls_n, "E_CMS_CRLS"))
		return false;
	return take_signers(p, s);
}

/* Two digest algorithms that are each right are still one too many. */
static void check_one_algorithm(struct parse *p, struct xp_span s)
{
	struct xp_span algs;
	struct xp_der d;
	unsigned n = 0;

	xp_der_next(&d, &s);
	if (xp_der_enter(&algs, &s, XP_DER_SET))
		while (algs.left && xp_der_next(&d, &algs))
			n++;
	if (n > 1)
		FIND(p, "E_CMS_ALGORITHM", "%u digest algorithms where one belongs", n);
}

bool xp_cms_parse(struct xp_cms *out, const void *p7s, size_t len, struct xp_findings *findings)
{
	struct parse p = {.cms = out, .f = findings, .clean = true};
	struct xp_span all = xp_span_of(p7s, len);
	struct xp_span ci, content, sd;
	struct xp_der d;

	*out = (struct xp_cms){0};
	if (len > XP_CMS_MAX_BYTES) {
		FIND(&p, "E_CMS_SIZE", "the signature file is larger than %u bytes",
		     XP_CMS_MAX_BYTES);
		return false;
	}
	if (!xp_der_enter(&ci, &all, XP_DER_SEQUENCE))
		return not_der(&p, "its beginning");
	if (all.left)
		FIND(&p, "E_CMS_TRAILING", "%zu bytes behind the end of the signature", all.left);
	if (!xp_der_expect(&d, &ci, XP_DER_OID))
		return not_der(&p, "its type");
	if (!oid_is(&d, LIT(XP_DER_OID_SIGNED_DATA))) {
		FIND(&p, "E_CMS_TYPE", "the signature file is not CMS SignedData");
		return false;
	}
	if (!xp_der_enter(&content, &ci, XP_DER_CONTEXT_0) || !xp_der_is_done(&ci) ||
	    !xp_der_enter(&sd, &content, XP_DER_SEQUENCE) || !xp_der_is_done(&content))
		return not_der(&p, "the signed data");
	check_one_algorithm(&p, sd);
	if (!take_signed_data(&p, &sd))
		return false;
	if (!xp_der_is_done(&sd))
		return not_der(&p, "the end of the signed data");
	return p.clean;
}
