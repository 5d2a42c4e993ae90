#include "certs/cms_form.h"

#include <stdlib.h>

#define FORM_MAX 65536 /* larger files are read each time */

void xp_cms_form_free(struct xp_cms_form *f)
{
	free(f->bytes);
	*f = (struct xp_cms_form){0};
}

static void move(struct xp_bytes *b, const uint8_t *from, const uint8_t *to)
{
	if (b->data)
		b->data = to + (b->data - from);
}

/* What points into the bytes at FROM points into those at TO. */
static void move_all(struct xp_cms *c, const uint8_t *from, const uint8_t *to)
{
	struct xp_cms_signer *si = &c->signers[0];

	for (unsigned i = 0; i < c->certs_n; i++)
		move(&c->certs[i], from, to);
	for (unsigned i = 0; i < c->crls_n; i++)
		move(&c->crls[i], from, to);
	move(&si->body, from, to);
	move(&si->issuer, from, to);
	move(&si->serial, from, to);
	move(&si->attrs, from, to);
	move(&si->digest_at, from, to);
	move(&si->time_at, from, to);
	move(&si->ess_issuer, from, to);
	move(&si->ess_serial, from, to);
	move(&si->signature, from, to);
}

bool xp_cms_form_learn(struct xp_cms_form *f, const struct xp_cms *cms, const void *p7s, size_t len)
{
	xp_cms_form_free(f);
	if (cms->signers_n != 1 || cms->signers[0].timestamp.len || len > FORM_MAX)
		return false;
	f->bytes = malloc(len);
	if (!f->bytes)
		return false;
	memcpy(f->bytes, p7s, len);
	f->len = len;
	f->cms = *cms;
	move_all(&f->cms, p7s, f->bytes);
	return true;
}

/* The same bytes from *AT to the beginning of HOLE, which is passed. */
static bool same_up_to(size_t *at, const struct xp_cms_form *f, const uint8_t *p7s,
		       struct xp_bytes hole)
{
	size_t begin = (size_t)(hole.data - f->bytes);

	if (begin < *at || memcmp(f->bytes + *at, p7s + *at, begin - *at) != 0)
		return false;
	*at = begin + hole.len;
	return true;
}

/*
 * Lengths and types are all in what is the same, so that each place is where it was; the attributes
 * are in order by their types, whatever their values. What is in the holes is read as it always is.
 */
bool xp_cms_form_read(struct xp_cms *out, const struct xp_cms_form *f, const void *p7s, size_t len)
{
	const struct xp_cms_signer *was = &f->cms.signers[0];
	bool time_is_first = was->time_at.data < was->digest_at.data;
	struct xp_cms_signer *si = &out->signers[0];
	struct xp_span time;
	struct xp_der t;
	size_t at = 0;

	if (!f->bytes || len != f->len ||
	    !same_up_to(&at, f, p7s, time_is_first ? was->time_at : was->digest_at) ||
	    !same_up_to(&at, f, p7s, time_is_first ? was->digest_at : was->time_at) ||
	    !same_up_to(&at, f, p7s, was->signature) ||
	    memcmp(f->bytes + at, (const uint8_t *)p7s + at, len - at) != 0)
		return false;
	*out = f->cms;
	move_all(out, f->bytes, p7s);
	memcpy(si->message_digest, si->digest_at.data, sizeof(si->message_digest));
	time = xp_span_of(si->time_at.data, si->time_at.len);
	return xp_der_next(&t, &time) && xp_der_is_done(&time) &&
	       xp_der_time(&si->signing_time_s, &t) && xp_cms_is_ecdsa_value(si->signature);
}
