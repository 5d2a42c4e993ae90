#include "tests/fake/cms_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "certs/oids.h"

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "cms_parts: %s\n", what);
		abort();
	}
}

void cms_part_set(struct xp_buf *b, const void *data, size_t len)
{
	xp_buf_free(b);
	xp_buf_add(b, data, len);
}

void cms_part_algorithm(struct xp_buf *b, const char *oid, size_t len)
{
	struct xp_buf body = {0};

	xp_buf_free(b);
	xp_der_put(&body, XP_DER_OID, oid, len);
	xp_der_wrap(b, XP_DER_SEQUENCE, &body);
}

static void take_signer(struct cms_part_signer *out, const struct xp_cms_signer *si)
{
	struct xp_span attrs = xp_span_of(si->attrs.data, si->attrs.len);
	struct xp_buf sid = {0};
	struct xp_span set;
	struct xp_der d;

	out->version = 1;
	xp_buf_add(&sid, si->issuer.data, si->issuer.len);
	xp_buf_add(&sid, si->serial.data, si->serial.len);
	xp_der_wrap(&out->sid, XP_DER_SEQUENCE, &sid);
	cms_part_algorithm(&out->digest, XP_DER_OID_SHA256, sizeof(XP_DER_OID_SHA256) - 1);
	cms_part_algorithm(&out->algorithm, XP_DER_OID_ECDSA_SHA256,
			   sizeof(XP_DER_OID_ECDSA_SHA256) - 1);
	cms_part_set(&out->signature, si->signature.data, si->signature.len);
	must(xp_der_enter(&set, &attrs, XP_DER_CONTEXT_0), "attributes");
	while (set.left) {
		must(xp_der_next(&d, &set), "attribute");
		cms_part_set(&out->attrs[out->attrs_n++], d.whole.data, d.whole.len);
	}
}

void cms_parts_take(struct cms_parts *p, const uint8_t *p7s, size_t len)
{
	struct xp_buf content = {0};

	*p = (struct cms_parts){.version = 1};
	cms_part_algorithm(&p->digests, XP_DER_OID_SHA256, sizeof(XP_DER_OID_SHA256) - 1);
	xp_der_put_oid(&content, XP_DER_OID_DATA);
	xp_der_wrap(&p->content, XP_DER_SEQUENCE, &content);
	cms_parts_join(p, p7s, len);
}

void cms_parts_join(struct cms_parts *p, const uint8_t *p7s, size_t len)
{
	struct xp_findings f = {0};
	struct xp_cms cms;

	must(xp_cms_parse(&cms, p7s, len, &f), "a good file");
	for (unsigned i = 0; i < cms.certs_n; i++)
		cms_part_set(&p->certs[p->certs_n++], cms.certs[i].data, cms.certs[i].len);
	for (unsigned i = 0; i < cms.crls_n; i++)
		cms_part_set(&p->crls[p->crls_n++], cms.crls[i].data, cms.crls[i].len);
	for (unsigned i = 0; i < cms.signers_n; i++)
		take_signer(&p->signers[p->signers_n++], &cms.signers[i]);
}

/* Members are copied, so that a set can be written more than once. */
static void put_set(struct xp_buf *b, uint8_t tag, const struct xp_buf *members, unsigned n,
		    bool unsorted)
{
	struct xp_buf copy[8] = {0};
	struct xp_buf flat = {0};

	for (unsigned i = 0; i < n; i++) {
		xp_buf_add(&copy[i], members[i].data, members[i].len);
		xp_buf_add(&flat, members[i].data, members[i].len);
	}
	if (unsorted) {
		for (unsigned i = 0; i < n; i++)
			xp_buf_free(&copy[i]);
		xp_der_wrap(b, tag, &flat);
		return;
	}
	xp_buf_free(&flat);
	xp_der_put_set(b, tag, copy, n);
}

void cms_parts_sign(struct cms_parts *p, unsigned i, EVP_PKEY *key)
{
	struct cms_part_signer *s = &p->signers[i];
	struct xp_buf set = {0};
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t sig[128];
	size_t len = sizeof(sig);

	put_set(&set, XP_DER_SET, s->attrs, s->attrs_n, p->unsorted);
	must(c && EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) == 1 &&
		     EVP_DigestSign(c, sig, &len, (const uint8_t *)set.data, set.len) == 1,
	     "signature");
	cms_part_set(&s->signature, sig, len);
	EVP_MD_CTX_free(c);
	xp_buf_free(&set);
}

static void put_buf(struct xp_buf *b, const struct xp_buf *part)
{
	if (part->len)
		xp_buf_add(b, part->data, part->len);
}

static void build_signer(struct xp_buf *out, const struct cms_part_signer *s, bool unsorted)
{
	struct xp_buf body = {0};

	xp_der_put(&body, XP_DER_INTEGER, &s->version, 1);
	put_buf(&body, &s->sid);
	put_buf(&body, &s->digest);
	if (!s->no_attrs)
		put_set(&body, XP_DER_CONTEXT_0, s->attrs, s->attrs_n, unsorted);
	put_buf(&body, &s->algorithm);
	xp_der_put(&body, XP_DER_OCTET_STRING, s->signature.data, s->signature.len);
	put_buf(&body, &s->unsigned_attrs);
	xp_der_wrap(out, XP_DER_SEQUENCE, &body);
}

uint8_t *cms_parts_build(struct cms_parts *p, size_t *len)
{
	struct xp_buf signers[PARTS_MAX] = {0};
	struct xp_buf sd = {0};
	struct xp_buf wrapped = {0};
	struct xp_buf ci = {0};
	struct xp_buf out = {0};

	xp_der_put(&sd, XP_DER_INTEGER, &p->version, 1);
	xp_der_put(&sd, XP_DER_SET, p->digests.data, p->digests.len);
	put_buf(&sd, &p->content);
	if (p->certs_n)
		put_set(&sd, XP_DER_CONTEXT_0, p->certs, p->certs_n, p->unsorted);
	if (p->crls_n)
		put_set(&sd, XP_DER_CONTEXT_1, p->crls, p->crls_n, p->unsorted);
	for (unsigned i = 0; i < p->signers_n; i++)
		build_signer(&signers[i], &p->signers[i], p->unsorted);
	put_set(&sd, XP_DER_SET, signers, p->signers_n, p->unsorted);
	for (unsigned i = 0; i < p->signers_n; i++)
		xp_buf_free(&signers[i]);
	xp_der_wrap(&wrapped, XP_DER_SEQUENCE, &sd);
	xp_der_put_oid(&ci, XP_DER_OID_SIGNED_DATA);
	xp_der_wrap(&ci, XP_DER_CONTEXT_0, &wrapped);
	xp_der_wrap(&out, XP_DER_SEQUENCE, &ci);
	must(xp_buf_ok(&out), "memory");
	*len = out.len;
	return (uint8_t *)out.data;
}

void cms_parts_free(struct cms_parts *p)
{
	xp_buf_free(&p->digests);
	xp_buf_free(&p->content);
	for (unsigned i = 0; i < PARTS_MAX; i++) {
		struct cms_part_signer *s = &p->signers[i];

		xp_buf_free(&p->certs[i]);
		xp_buf_free(&p->crls[i]);
		xp_buf_free(&s->sid);
		xp_buf_free(&s->digest);
		for (unsigned k = 0; k < 8; k++)
			xp_buf_free(&s->attrs[k]);
		xp_buf_free(&s->algorithm);
		xp_buf_free(&s->signature);
		xp_buf_free(&s->unsigned_attrs);
	}
}
