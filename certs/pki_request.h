/* pki_request: certificate requests: what we ask of a CA, and what a CA of ours is asked. [RFC
 * 2986] */
#pragma once
#include "certs/key.h"

/*
 * A request in PEM, malloc'ed, with the extensions that a certificate must have to sign records:
 * key usage, emailProtection and documentSigning, the policy that grants the role, and no CA.
 */
MUST_USE enum xp_rc xp_request_make(char **pem, size_t *len, const struct xp_key_hand *hand,
				    enum xp_role role, const struct xp_pki_subject *subject,
				    struct xp_err *err);

/* What a request says. It grants nothing: the CA's operator names the role. */
struct xp_request {
	EVP_PKEY *key;
	char name[256];
	char name_latin[256];
	char organization[256];
};

/* XP_E_USAGE: no request, a key that is not on P-256, or not signed by its own key. */
MUST_USE enum xp_rc xp_request_read(struct xp_request *out, const char *pem, size_t len,
				    const char *name, struct xp_err *err);
void xp_request_free(struct xp_request *r);
