#include "certs/timestamp_token.h"

#include <stdio.h>

#include "base/clock.h"
#include "certs/oids.h"

#define LIT(s) (s), (sizeof(s) - 1)

struct parse {
	struct xp_tst *t;
	struct xp_findings *f;
	bool clean; /* nothing was found yet */
};

#define FIND(p, code, ...)                                                                         \
	do {                                                                                       \
		xp_findings_add((p)->f, (code), __VA_ARGS__);                                      \
		(p)->clean = false;                                                                \
	} while (0)

static bool not_der(struct parse *p, const char *where)
{
	FIND(p, "E_TIMESTAMP_DER", "the timestamp is not DER at %s", where);
	return false;
}

static bool bad_form(struct parse *p, const char *what)
{
	FIND(p, "E_TIMESTAMP_FORM", "the timestamp %s", what);
	return false;
}

static bool oid_is(const struct xp_der *d, const char *oid, size_t len)
{
	return d->tag == XP_DER_OID && xp_bytes_equal(d->body, oid, len);
}

/* ---- algorithms ---- */

enum params { PARAMS_NULL_OR_NONE, PARAMS_NONE };

struct algorithm {
	const char *oid;
	size_t len;
	const char *weak; /* its name, where it is broken */
	enum xp_tst_hash hash;
	bool any_hash; /* the algorithm does not name one */
	bool is_rsa;
	enum params params;
};

static const struct algorithm HASHES[] = {
	{LIT(XP_DER_OID_SHA256), .hash = XP_TST_SHA256},
	{LIT(XP_DER_OID_SHA384), .hash = XP_TST_SHA384},
	{LIT(XP_DER_OID_SHA512), .hash = XP_TST_SHA512},
	{LIT(XP_DER_OID_SHA1), .weak = "SHA-1"},
	{LIT(XP_DER_OID_MD5), .weak = "MD5"},
	{0},
};

static const struct algorithm SIGNATURES[] = {
	{LIT(XP_DER_OID_RSA), .any_hash = true, .is_rsa = true},
	{LIT(XP_DER_OID_RSA_SHA256), .hash = XP_TST_SHA256, .is_rsa = true},
	{LIT(XP_DER_OID_RSA_SHA384), .hash = XP_TST_SHA384, .is_rsa = true},
	{LIT(XP_DER_OID_RSA_SHA512), .hash = XP_TST_SHA512, .is_rsa = true},
	{LIT(XP_DER_OID_ECDSA_SHA256), .hash = XP_TST_SHA256, .params = PARAMS_NONE},
	{LIT(XP_DER_OID_ECDSA_SHA384), .hash = XP_TST_SHA384, .params = PARAMS_NONE},
	{LIT(XP_DER_OID_ECDSA_SHA512), .hash = XP_TST_SHA512, .params = PARAMS_NONE},
	{LIT(XP_DER_OID_RSA_SHA1), .weak = "RSA with SHA-1"},
	{LIT(XP_DER_OID_RSA_MD5), .weak = "RSA with MD5"},
	{LIT(XP_DER_OID_ECDSA_SHA1), .weak = "ECDSA with SHA-1"},
	{0},
};

const EVP_MD *xp_tst_md(enum xp_tst_hash h)
{
	switch (h) {
	case XP_TST_SHA256:
		return EVP_sha256();
	case XP_TST_SHA384:
		return EVP_sha384();
	case XP_TST_SHA512:
		return EVP_sha512();
	}
	return NULL;
}

static size_t hash_len(enum xp_tst_hash h)
{
	switch (h) {
	case XP_TST_SHA256:
		return 32;
	case XP_TST_SHA384:
		return 48;
	case XP_TST_SHA512:
		return 64;
	}
	return 0;
}

/* An AlgorithmIdentifier out of TABLE; *OUT NULL (and a finding) where it is none that counts. */
static bool take_algorithm(struct parse *p, const struct algorithm **out, struct xp_span *s,
			   const struct algorithm *table, const char *where)
{
	struct xp_span alg;
	struct xp_der oid, null;

	*out = NULL;
	if (!xp_der_enter(&alg, s, XP_DER_SEQUENCE) || !xp_der_expect(&oid, &alg, XP_DER_OID))
		return not_der(p, where);
	while (table->oid && !oid_is(&oid, table->oid, table->len))
		table++;
	if (!table->oid) {
		FIND(p, "I_ALGORITHM_UNKNOWN",
		     "%s of the timestamp is an algorithm that this version does not know", where);
		return true;
	}
	if (table->weak) {
		FIND(p, "E_ALGORITHM_WEAK", "%s of the timestamp is %s, which is broken", where,
		     table->weak);
		return true;
	}
	if (alg.left && (table->params == PARAMS_NONE || !xp_der_expect(&null, &alg, 0x05) ||
			 null.body.len || alg.left))
		return bad_form(p, "has an algorithm with parameters");
	*out = table;
	return true;
}

static bool take_hash(struct parse *p, enum xp_tst_hash *out, struct xp_span *s, const char *where)
{
	const struct algorithm *a;

	if (!take_algorithm(p, &a, s, HASHES, where))
		return false;
	if (a)
		*out = a->hash;
	return true;
}

/* ---- TSTInfo ---- */

/* YYYYMMDDhhmmss[.f]Z without zeros at the end of the fraction. [RFC 3161 2.4.2] */
static bool take_time(struct xp_tst *t, struct xp_span *s)
{
	char text[XP_TIME_LEN];
	struct xp_der d;
	const char *c;
	size_t n;

	if (!xp_der_expect(&d, s, XP_DER_GENERALIZED_TIME) || d.body.len < 15)
		return false;
	c = (const char *)d.body.data;
	n = d.body.len;
	if (c[n - 1] != 'Z')
		return false;
	for (size_t i = 0; i < n - 1; i++)
		if (i != 14 && (c[i] < '0' || c[i] > '9'))
			return false;
	if (n > 15 && (n == 16 || n > 25 || c[14] != '.' || c[n - 2] == '0'))
		return false;
	snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", c, c + 4, c + 6, c + 8,
		 c + 10, c + 12);
	t->latest_s = n > 15 ? 1 : 0;
	if (!xp_time_parse(&t->time_s, text))
		return false;
	t->latest_s += t->time_s;
	return true;
}

/* Accuracy: whole seconds below 2^23; any part of a second counts as one more. */
static bool take_accuracy(struct xp_tst *t, struct xp_span *s)
{
	struct xp_span acc;
	struct xp_der d;
	bool has_part = false;

	if (!xp_der_peek(s, XP_DER_SEQUENCE))
		return true;
	if (!xp_der_enter(&acc, s, XP_DER_SEQUENCE))
		return false;
	if (xp_der_peek(&acc, XP_DER_INTEGER)) {
		int64_t v = 0;

		if (!xp_der_expect(&d, &acc, XP_DER_INTEGER) || d.body.len < 1 || d.body.len > 3 ||
		    d.body.data[0] & 0x80)
			return false;
		for (size_t i = 0; i < d.body.len; i++)
			v = v << 8 | d.body.data[i];
		t->latest_s += v;
	}
	for (uint8_t tag = 0x80; tag <= 0x81; tag++) {
		if (!xp_der_peek(&acc, tag))
			continue;
		/* 1 to 999 */
		if (!xp_der_expect(&d, &acc, tag) || d.body.len < 1 || d.body.len > 2 ||
		    d.body.data[0] & 0x80)
			return false;
		has_part = true;
	}
	t->latest_s += has_part ? 1 : 0;
	return xp_der_is_done(&acc);
}

/* A critical extension would change what the token says. */
static bool take_extensions(struct parse *p, struct xp_span *s)
{
	struct xp_span list;

	if (!xp_der_peek(s, XP_DER_CONTEXT_1))
		return true;
	if (!xp_der_enter(&list, s, XP_DER_CONTEXT_1) || !list.left)
		return false;
	while (list.left) {
		struct xp_span ext;
		struct xp_der d;

		if (!xp_der_enter(&ext, &list, XP_DER_SEQUENCE) ||
		    !xp_der_expect(&d, &ext, XP_DER_OID))
			return false;
		if (xp_der_peek(&ext, XP_DER_BOOLEAN)) {
			if (!xp_der_expect(&d, &ext, XP_DER_BOOLEAN) ||
			    !xp_bytes_equal(d.body, "\xff", 1))
				return false;
			FIND(p, "I_TIMESTAMP_UNKNOWN",
			     "the timestamp has a critical extension that this version does not "
			     "know");
		}
		if (!xp_der_expect(&d, &ext, XP_DER_OCTET_STRING) || !xp_der_is_done(&ext))
			return false;
	}
	return true;
}

static bool take_info(struct parse *p)
{
	struct xp_tst *t = p->t;
	struct xp_span all = xp_span_of(t->info.data, t->info.len);
	struct xp_span info, imprint;
	struct xp_der d;

	if (!xp_der_is_strict(t->info.data, t->info.len) ||
	    !xp_der_enter(&info, &all, XP_DER_SEQUENCE) || !xp_der_is_done(&all))
		return not_der(p, "its statement");
	if (!xp_der_expect(&d, &info, XP_DER_INTEGER) || !xp_bytes_equal(d.body, "\x01", 1) ||
	    !xp_der_expect(&d, &info, XP_DER_OID) ||
	    !xp_der_enter(&imprint, &info, XP_DER_SEQUENCE))
		return bad_form(p, "has a statement of another version or form");
	if (!take_hash(p, &t->imprint_hash, &imprint, "the imprint"))
		return false;
	if (!xp_der_expect(&d, &imprint, XP_DER_OCTET_STRING) || !xp_der_is_done(&imprint))
		return bad_form(p, "has a malformed imprint");
	t->imprint = d.body;
	if (p->clean && d.body.len != hash_len(t->imprint_hash))
		return bad_form(p, "has an imprint of another length than its hash");
	if (!xp_der_expect(&d, &info, XP_DER_INTEGER))
		return bad_form(p, "has no serial number");
	if (!take_time(t, &info) || !take_accuracy(t, &info))
		return bad_form(p, "has no time, or none in UTC");
	/* ordering: DER leaves out the default, false */
	if (xp_der_peek(&info, XP_DER_BOOLEAN) &&
	    (!xp_der_expect(&d, &info, XP_DER_BOOLEAN) || !xp_bytes_equal(d.body, "\xff", 1)))
		return bad_form(p, "writes a default");
	if (xp_der_peek(&info, XP_DER_INTEGER) && xp_der_expect(&d, &info, XP_DER_INTEGER))
		t->nonce = d.whole;
	if (xp_der_peek(&info, XP_DER_CONTEXT_0) && !xp_der_expect(&d, &info, XP_DER_CONTEXT_0))
		return bad_form(p, "has a malformed name");
	if (!take_extensions(p, &info) || !xp_der_is_done(&info))
		return bad_form(p, "has malformed extensions");
	return true;
}

/* ---- the signer ---- */

/* The first ESSCertIDv2 is the authority's own certificate. [RFC 5035 3, RFC 5816 2.2.1] */
static bool take_ess(struct parse *p, struct xp_span *v)
{
	struct xp_tst *t = p->t;
	struct xp_span outer, ids, id, iser, names, directory;
	struct xp_der d, name;

	xp_der_enter(&outer, v, XP_DER_SEQUENCE);
	xp_der_enter(&ids, &outer, XP_DER_SEQUENCE);
	if (!xp_der_enter(&id, &ids, XP_DER_SEQUENCE))
		return bad_form(p, "names no certificate");
	t->ess_hash = XP_TST_SHA256;
	if (xp_der_peek(&id, XP_DER_SEQUENCE) &&
	    !take_hash(p, &t->ess_hash, &id, "the hash of the certificate"))
		return false;
	if (!xp_der_expect(&d, &id, XP_DER_OCTET_STRING) ||
	    (p->clean && d.body.len != hash_len(t->ess_hash)))
		return bad_form(p, "names its certificate by no hash");
	t->ess = d.body;
	if (!id.left)
		return true;
	xp_der_enter(&iser, &id, XP_DER_SEQUENCE);
	xp_der_enter(&names, &iser, XP_DER_SEQUENCE);
	xp_der_enter(&directory, &names, XP_DER_CONTEXT_4);
	if (!xp_der_expect(&name, &directory, XP_DER_SEQUENCE) ||
	    !xp_der_expect(&d, &iser, XP_DER_INTEGER) || !xp_der_is_done(&iser) ||
	    !xp_der_is_done(&names) || !xp_der_is_done(&directory) || !xp_der_is_done(&id))
		return bad_form(p, "names its certificate by a malformed issuer");
	t->ess_issuer = name.whole;
	t->ess_serial = d.whole;
	return true;
}

enum { SEEN_TYPE = 1, SEEN_DIGEST = 2, SEEN_ESS = 4, SEEN_OLD_ESS = 8 };

static bool take_attr(struct parse *p, struct xp_span *set, unsigned *seen)
{
	struct xp_span attr, values;
	struct xp_der type, d;
	unsigned kind;

	if (!xp_der_enter(&attr, set, XP_DER_SEQUENCE) ||
	    !xp_der_expect(&type, &attr, XP_DER_OID) || !xp_der_enter(&values, &attr, XP_DER_SET) ||
	    !xp_der_is_done(&attr))
		return not_der(p, "a signed attribute");
	kind = oid_is(&type, LIT(XP_DER_OID_CONTENT_TYPE))	? SEEN_TYPE
	       : oid_is(&type, LIT(XP_DER_OID_MESSAGE_DIGEST))	? SEEN_DIGEST
	       : oid_is(&type, LIT(XP_DER_OID_SIGNING_CERT_V2)) ? SEEN_ESS
	       : oid_is(&type, LIT(XP_DER_OID_SIGNING_CERT_V1)) ? SEEN_OLD_ESS
								: 0;
	if (*seen & kind)
		return bad_form(p, "has a signed attribute twice");
	*seen |= kind;
	switch (kind) {
	case SEEN_TYPE:
		if (!xp_der_next(&d, &values) || !oid_is(&d, LIT(XP_DER_OID_TST_INFO)))
			return bad_form(p, "signs another type of content");
		break;
	case SEEN_DIGEST:
		if (!xp_der_expect(&d, &values, XP_DER_OCTET_STRING))
			return bad_form(p, "has a malformed digest");
		p->t->digest = d.body;
		break;
	case SEEN_ESS:
		if (!take_ess(p, &values))
			return false;
		break;
	default: /* it is signed, and nothing here is decided by it */
		return true;
	}
	return xp_der_is_done(&values) ? true
				       : bad_form(p, "has a signed attribute with two values");
}

static bool take_attrs(struct parse *p, struct xp_span *s)
{
	struct xp_span set;
	struct xp_der d;
	unsigned seen = 0;

	if (!xp_der_expect(&d, s, XP_DER_CONTEXT_0))
		return bad_form(p, "has no signed attributes");
	p->t->attrs = d.whole;
	set = xp_span_of(d.body.data, d.body.len);
	while (set.left)
		if (!take_attr(p, &set, &seen))
			return false;
	if (!(seen & SEEN_TYPE) || !(seen & SEEN_DIGEST))
		return bad_form(p, "does not sign what it states");
	if (seen & SEEN_ESS)
		return true;
	if (seen & SEEN_OLD_ESS)
		FIND(p, "E_ALGORITHM_WEAK",
		     "the timestamp names its certificate by SHA-1, which is broken");
	else
		FIND(p, "E_TIMESTAMP_CERT", "the timestamp is not bound to a certificate");
	return false;
}

static bool take_signer(struct parse *p, struct xp_span *s)
{
	struct xp_tst *t = p->t;
	enum xp_tst_hash set_hash = t->hash;
	const struct algorithm *a;
	struct xp_span set, si, sid;
	struct xp_der d, serial;

	if (!xp_der_enter(&set, s, XP_DER_SET) || !xp_der_enter(&si, &set, XP_DER_SEQUENCE))
		return not_der(p, "its signer");
	if (!xp_der_is_done(&set))
		return bad_form(p, "has more than one signer");
	if (!xp_der_expect(&d, &si, XP_DER_INTEGER) || !xp_bytes_equal(d.body, "\x01", 1) ||
	    !xp_der_enter(&sid, &si, XP_DER_SEQUENCE) ||
	    !xp_der_expect(&d, &sid, XP_DER_SEQUENCE) ||
	    !xp_der_expect(&serial, &sid, XP_DER_INTEGER) || !xp_der_is_done(&sid))
		return bad_form(p, "does not name its signer by issuer and serial number");
	t->issuer = d.whole;
	t->serial = serial.whole;
	if (!take_hash(p, &t->hash, &si, "the signer's digest"))
		return false;
	if (t->hash != set_hash)
		return bad_form(p, "names two digests where one belongs");
	if (!take_attrs(p, &si) || !take_algorithm(p, &a, &si, SIGNATURES, "the signature"))
		return false;
	if (a && !a->any_hash && a->hash != t->hash)
		return bad_form(p, "has a signature of another digest than it names");
	t->is_rsa = a && a->is_rsa;
	if (!xp_der_expect(&d, &si, XP_DER_OCTET_STRING))
		return not_der(p, "its signature");
	t->signature = d.body;
	return xp_der_is_done(&si) ? true : bad_form(p, "has unsigned attributes");
}

/* ---- the whole ---- */

static bool take_certs(struct parse *p, struct xp_span *s)
{
	struct xp_span set;
	struct xp_der d;

	if (!xp_der_peek(s, XP_DER_CONTEXT_0) || !xp_der_enter(&set, s, XP_DER_CONTEXT_0))
		return bad_form(p, "carries no certificate");
	/* some authorities write the set in the order of the chain: each member stands for itself
	 */
	while (set.left) {
		if (!xp_der_expect(&d, &set, XP_DER_SEQUENCE))
			return bad_form(p, "carries a malformed certificate");
		if (p->t->certs_n == XP_TST_CERTS_MAX)
			return bad_form(p, "carries too many certificates");
		p->t->certs[p->t->certs_n++] = d.whole;
	}
	if (!xp_der_peek(s, XP_DER_CONTEXT_1))
		return true;
	FIND(p, "I_TIMESTAMP_UNKNOWN",
	     "the timestamp carries revocation lists, which this version does not check");
	return false;
}

static bool take_content(struct parse *p, struct xp_span *s)
{
	struct xp_span seq, wrapped;
	struct xp_der d;

	if (!xp_der_enter(&seq, s, XP_DER_SEQUENCE) || !xp_der_expect(&d, &seq, XP_DER_OID))
		return not_der(p, "its content");
	if (!oid_is(&d, LIT(XP_DER_OID_TST_INFO)))
		return bad_form(p, "is a signature over something else");
	if (!xp_der_enter(&wrapped, &seq, XP_DER_CONTEXT_0) || !xp_der_is_done(&seq) ||
	    !xp_der_expect(&d, &wrapped, XP_DER_OCTET_STRING) || !xp_der_is_done(&wrapped))
		return bad_form(p, "has no statement");
	p->t->info = d.body;
	return take_info(p);
}

bool xp_tst_parse(struct xp_tst *out, struct xp_bytes token, struct xp_findings *findings)
{
	struct parse p = {.t = out, .f = findings, .clean = true};
	struct xp_span all = xp_span_of(token.data, token.len);
	struct xp_span ci, content, sd, algs;
	struct xp_der d;

	*out = (struct xp_tst){0};
	if (!xp_der_is_strict(token.data, token.len) || !xp_der_enter(&ci, &all, XP_DER_SEQUENCE) ||
	    !xp_der_is_done(&all))
		return not_der(&p, "its beginning or its end");
	if (!xp_der_expect(&d, &ci, XP_DER_OID) || !oid_is(&d, LIT(XP_DER_OID_SIGNED_DATA)) ||
	    !xp_der_enter(&content, &ci, XP_DER_CONTEXT_0) || !xp_der_is_done(&ci) ||
	    !xp_der_enter(&sd, &content, XP_DER_SEQUENCE) || !xp_der_is_done(&content))
		return bad_form(&p, "is not CMS SignedData");
	if (!xp_der_expect(&d, &sd, XP_DER_INTEGER) || !xp_bytes_equal(d.body, "\x03", 1))
		return bad_form(&p, "is of another version than 3");
	if (!xp_der_enter(&algs, &sd, XP_DER_SET))
		return not_der(&p, "its digest algorithms");
	if (!take_hash(&p, &out->hash, &algs, "the digest"))
		return false;
	if (!xp_der_is_done(&algs))
		return bad_form(&p, "names two digests where one belongs");
	if (!take_content(&p, &sd) || !take_certs(&p, &sd) || !take_signer(&p, &sd))
		return false;
	if (!xp_der_is_done(&sd))
		return not_der(&p, "its end");
	return p.clean;
}
