#include "certs/timestamp.h"

#include <openssl/evp.h>

#include <stdio.h>

#include "base/cleanup.h"
#include "certs/cms.h"
#include "certs/oids.h"
#include "certs/timestamp_check.h"

#define NONCE_LEN 16

static enum xp_rc read_file(struct xp_cms *out, struct xp_bytes p7s, struct xp_err *err)
{
	struct xp_findings f = {0};
	enum xp_rc rc = XP_OK;

	if (!xp_cms_parse(out, p7s.data, p7s.len, &f))
		rc = xp_fail(err, XP_E_MALFORMED, "no signature that could be stamped: %s",
			     f.n ? f.list[0].text : "no reason");
	xp_findings_free(&f);
	return rc;
}

/* SEQUENCE { SEQUENCE { sha256, NULL }, OCTET STRING }: authorities expect the NULL. */
static bool put_imprint(struct xp_buf *out, struct xp_bytes signature)
{
	struct xp_buf alg = {0};
	struct xp_buf body = {0};
	uint8_t digest[32];

	if (EVP_Digest(signature.data, signature.len, digest, NULL, EVP_sha256(), NULL) != 1)
		return false;
	xp_der_put_oid(&alg, XP_DER_OID_SHA256);
	xp_der_put(&alg, 0x05, NULL, 0);
	xp_der_wrap(&body, XP_DER_SEQUENCE, &alg);
	xp_der_put(&body, XP_DER_OCTET_STRING, digest, sizeof(digest));
	xp_der_wrap(out, XP_DER_SEQUENCE, &body);
	return true;
}

enum xp_rc xp_timestamp_request(struct xp_buf *out, struct xp_bytes p7s, const struct xp_rng *rng,
				struct xp_err *err)
{
	struct xp_cms cms;
	unsigned i = 0;

	TRY(read_file(&cms, p7s, err));
	while (i < cms.signers_n && cms.signers[i].timestamp.len)
		i++;
	if (i == cms.signers_n)
		return xp_fail(err, XP_E_USAGE, "the signature carries a timestamp already");
	return xp_timestamp_request_for(out, cms.signers[i].signature, rng, err);
}

enum xp_rc xp_timestamp_request_for(struct xp_buf *out, struct xp_bytes what,
				    const struct xp_rng *rng, struct xp_err *err)
{
	AUTO(xp_buf_free) struct xp_buf body = {0};
	uint8_t nonce[NONCE_LEN];

	TRY(xp_rng_bytes(rng, nonce, sizeof(nonce), err));
	/* positive, and all its octets count */
	nonce[0] = (uint8_t)((nonce[0] & 0x3f) | 0x40);
	xp_der_put(&body, XP_DER_INTEGER, "\x01", 1);
	if (!put_imprint(&body, what))
		return xp_fail(err, XP_E_INTERNAL, "digest");
	xp_der_put(&body, XP_DER_INTEGER, nonce, sizeof(nonce));
	xp_der_put(&body, XP_DER_BOOLEAN, "\xff", 1);
	xp_der_wrap(out, XP_DER_SEQUENCE, &body);
	return xp_buf_ok(out) ? XP_OK : xp_fail(err, XP_E_NOMEM, "timestamp request");
}

/* PKIStatusInfo: 0 granted, 1 granted with changes. [RFC 3161 2.4.2] */
static enum xp_rc judge_status(struct xp_span *s, struct xp_err *err)
{
	struct xp_span info, texts;
	struct xp_der status, text = {0};

	if (!xp_der_enter(&info, s, XP_DER_SEQUENCE) ||
	    !xp_der_expect(&status, &info, XP_DER_INTEGER) || status.body.len != 1)
		return xp_fail(err, XP_E_MALFORMED, "not the reply of a timestamp authority");
	if (status.body.data[0] <= 1)
		return XP_OK;
	if (xp_der_peek(&info, XP_DER_SEQUENCE) && xp_der_enter(&texts, &info, XP_DER_SEQUENCE) &&
	    !xp_der_next(&text, &texts))
		text = (struct xp_der){0};
	return xp_fail(err, XP_E_UNSUPPORTED, "the timestamp authority refused, status %u%s%.*s",
		       status.body.data[0], text.body.len ? ": " : "",
		       (int)(text.body.len < 200 ? text.body.len : 200),
		       text.body.len ? (const char *)text.body.data : "");
}

enum xp_rc xp_timestamp_reply_token(struct xp_bytes *token, struct xp_bytes reply,
				    struct xp_err *err)
{
	struct xp_span all = xp_span_of(reply.data, reply.len);
	struct xp_span s;
	struct xp_der d;

	if (!xp_der_enter(&s, &all, XP_DER_SEQUENCE))
		return xp_fail(err, XP_E_MALFORMED, "not the reply of a timestamp authority");
	TRY(judge_status(&s, err));
	if (!xp_der_expect(&d, &s, XP_DER_SEQUENCE) || !xp_der_is_done(&s) || !xp_der_is_done(&all))
		return xp_fail(err, XP_E_MALFORMED,
			       "the reply of the timestamp authority holds no token, or more");
	*token = d.whole;
	return XP_OK;
}

/* Is TOKEN the answer to REQUEST? Our own requests only: no policy is asked for. */
static enum xp_rc compare_request(const struct xp_tst *t, struct xp_bytes request,
				  struct xp_findings *f, struct xp_err *err)
{
	struct xp_span all = xp_span_of(request.data, request.len);
	struct xp_span s, imprint;
	struct xp_der d, nonce;

	if (!xp_der_enter(&s, &all, XP_DER_SEQUENCE) || !xp_der_is_done(&all) ||
	    !xp_der_expect(&d, &s, XP_DER_INTEGER) ||
	    !xp_der_enter(&imprint, &s, XP_DER_SEQUENCE) || !xp_der_next(&d, &imprint) ||
	    !xp_der_expect(&d, &imprint, XP_DER_OCTET_STRING) ||
	    !xp_der_expect(&nonce, &s, XP_DER_INTEGER))
		return xp_fail(err, XP_E_MALFORMED, "not a timestamp request of this program");
	if (xp_bytes_equal(d.body, t->imprint.data, t->imprint.len) &&
	    xp_bytes_equal(nonce.whole, t->nonce.data, t->nonce.len))
		return XP_OK;
	xp_findings_add(f, "E_TIMESTAMP_NONCE", "the reply does not answer the request");
	return xp_fail(err, XP_E_REFUSED, "the reply does not answer the request");
}

/* Which signature is it of? The last one, so that the findings can say that it is of none. */
static unsigned find_signer(const struct xp_cms *cms, const struct xp_tst *t)
{
	unsigned i = 0;

	while (i + 1 < cms->signers_n) {
		uint8_t digest[EVP_MAX_MD_SIZE];
		unsigned n = 0;

		if (EVP_Digest(cms->signers[i].signature.data, cms->signers[i].signature.len,
			       digest, &n, xp_tst_md(t->imprint_hash), NULL) == 1 &&
		    xp_bytes_equal(t->imprint, digest, n))
			break;
		i++;
	}
	return i;
}

static bool must_be_refused(const struct xp_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->list[i].code[0] != 'W')
			return true;
	return f->lost;
}

static void put_signer(struct xp_buf *out, const struct xp_cms_signer *si, struct xp_bytes token)
{
	struct xp_buf body = {0};
	struct xp_buf attr = {0};
	struct xp_buf set = {0};
	struct xp_buf value = {0};

	xp_buf_add(&body, si->body.data, si->body.len);
	if (token.len) {
		xp_der_put_oid(&attr, XP_DER_OID_TIMESTAMP_TOKEN);
		xp_buf_add(&value, token.data, token.len);
		xp_der_wrap(&attr, XP_DER_SET, &value);
		xp_der_wrap(&set, XP_DER_SEQUENCE, &attr);
		xp_der_wrap(&body, XP_DER_CONTEXT_1, &set);
	}
	xp_der_wrap(out, XP_DER_SEQUENCE, &body);
}

/* The file again: all that stands before the signers as it was, the signers sorted anew. */
static bool rebuild(struct xp_buf *out, struct xp_bytes p7s, const struct xp_cms *cms, unsigned at,
		    struct xp_bytes token)
{
	struct xp_span all = xp_span_of(p7s.data, p7s.len);
	struct xp_buf signers[XP_CMS_SIGNERS_MAX] = {0};
	struct xp_buf sd_out = {0};
	struct xp_buf content_out = {0};
	struct xp_buf ci_out = {0};
	struct xp_span ci, content, sd;
	struct xp_der type, d;

	if (!xp_der_enter(&ci, &all, XP_DER_SEQUENCE) || !xp_der_expect(&type, &ci, XP_DER_OID) ||
	    !xp_der_enter(&content, &ci, XP_DER_CONTEXT_0) ||
	    !xp_der_enter(&sd, &content, XP_DER_SEQUENCE))
		return false;
	/* the signers are the last member */
	while (xp_der_next(&d, &sd) && sd.left)
		xp_buf_add(&sd_out, d.whole.data, d.whole.len);
	for (unsigned i = 0; i < cms->signers_n; i++)
		put_signer(&signers[i], &cms->signers[i], i == at ? token : (struct xp_bytes){0});
	xp_der_put_set(&sd_out, XP_DER_SET, signers, cms->signers_n);
	xp_der_wrap(&content_out, XP_DER_SEQUENCE, &sd_out);
	xp_buf_add(&ci_out, type.whole.data, type.whole.len);
	xp_der_wrap(&ci_out, XP_DER_CONTEXT_0, &content_out);
	xp_der_wrap(out, XP_DER_SEQUENCE, &ci_out);
	return xp_buf_ok(out);
}

/* What was made must hold the same signatures by our own reader. */
static enum xp_rc check_own(const struct xp_buf *made, const struct xp_cms *before,
			    struct xp_err *err)
{
	struct xp_cms after;
	unsigned same = 0;

	TRY(read_file(&after, (struct xp_bytes){(const uint8_t *)made->data, made->len}, err));
	for (unsigned i = 0; i < before->signers_n; i++)
		for (unsigned k = 0; k < after.signers_n; k++)
			same += xp_bytes_equal(after.signers[k].signature,
					       before->signers[i].signature.data,
					       before->signers[i].signature.len) &&
				xp_bytes_equal(after.signers[k].attrs,
					       before->signers[i].attrs.data,
					       before->signers[i].attrs.len);
	if (after.signers_n != before->signers_n || same != before->signers_n)
		return xp_fail(err, XP_E_INTERNAL, "the stamped signature cannot be read back");
	return XP_OK;
}

enum xp_rc xp_timestamp_demand(struct xp_bytes token, struct xp_bytes what, struct xp_bytes request,
			       int64_t now_s, struct xp_findings *findings, struct xp_err *err)
{
	const struct xp_timestamp_input in = {.token = token,
					      .signature = what,
					      .name = "this checkpoint",
					      .now_s = now_s,
					      .signing_time_s = INT64_MIN / 2};
	struct xp_timestamp stamp;
	struct xp_tst t;

	if (!xp_tst_parse(&t, token, findings))
		return xp_fail(err, XP_E_REFUSED, "the timestamp is not one that can be checked");
	if (request.len)
		TRY(compare_request(&t, request, findings, err));
	xp_timestamp_check(&stamp, &in, findings);
	if (must_be_refused(findings))
		return xp_fail(err, XP_E_REFUSED, "the timestamp is wrong");
	return XP_OK;
}

enum xp_rc xp_timestamp_embed(struct xp_buf *out, struct xp_bytes p7s, struct xp_bytes token,
			      struct xp_bytes request, int64_t now_s, struct xp_findings *findings,
			      struct xp_err *err)
{
	struct xp_timestamp_input in = {.token = token, .name = "this file", .now_s = now_s};
	struct xp_timestamp stamp;
	struct xp_tst t;
	struct xp_cms cms;
	unsigned at;

	TRY(read_file(&cms, p7s, err));
	if (!xp_tst_parse(&t, token, findings))
		return xp_fail(err, XP_E_REFUSED, "the timestamp is not one that can be checked");
	if (request.len)
		TRY(compare_request(&t, request, findings, err));
	at = find_signer(&cms, &t);
	in.signature = cms.signers[at].signature;
	in.signing_time_s = cms.signers[at].signing_time_s;
	xp_timestamp_check(&stamp, &in, findings);
	if (must_be_refused(findings))
		return xp_fail(err, XP_E_REFUSED, "the timestamp is wrong");
	if (cms.signers[at].timestamp.len)
		return xp_fail(err, XP_E_USAGE, "the signature carries a timestamp already");
	if (!rebuild(out, p7s, &cms, at, token))
		return xp_fail(err, XP_E_NOMEM, "signature file");
	return check_own(out, &cms, err);
}
