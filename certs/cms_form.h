/*
 * cms_form: signature files that differ from one that was read before in digest, signing time and
 * signature alone, as those of one signer do: what stands between need not be read again.
 */
#pragma once
#include "certs/cms.h"

/* A file of one signer, without a timestamp, that xp_cms_parse took. Zeroed: none. */
struct xp_cms_form {
	uint8_t *bytes;
	size_t len;
	struct xp_cms cms; /* points into BYTES */
};

void xp_cms_form_free(struct xp_cms_form *f); /* its members */
/* CMS was read from P7S, without findings. false: not of such a shape, or no memory. */
bool xp_cms_form_learn(struct xp_cms_form *f, const struct xp_cms *cms, const void *p7s,
		       size_t len);
/* true: *OUT is what xp_cms_parse would give, without findings. false: not surely. */
bool xp_cms_form_read(struct xp_cms *out, const struct xp_cms_form *f, const void *p7s, size_t len);
