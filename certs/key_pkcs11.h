/*
 * key_pkcs11: a private key that never leaves its token. The module is loaded from the absolute
 * path that was named, and only when a key on a token was asked for. [PKCS #11 2.40]
 */
#pragma once
#include "base/secret.h"
#include "certs/key_uri.h"

#include <openssl/evp.h>

#define XP_TOKEN_SIGNATURE_MAX_BYTES 80

struct xp_token;

/*
 * Loads the module and finds the one token that URI fits. Nothing is logged in yet. Errors:
 * XP_E_NOENT (no module, no such token), XP_E_USAGE (no PKCS#11 module, several tokens fit),
 * XP_E_IO (what the token said).
 */
MUST_USE enum xp_rc xp_token_open(struct xp_token **out, const struct xp_key_uri *uri,
				  struct xp_err *err);
/* Must a PIN be handed to login? false: the token has a key pad of its own, or wants none. */
bool xp_token_wants_pin(const struct xp_token *t);
/*
 * Logs in, once, and finds the one P-256 private key. PIN may be NULL where none is wanted; a copy
 * is kept, locked, for tokens that ask at each signature and for one that was away in between. A
 * wrong PIN is XP_E_USAGE, and the text says when few tries are left.
 */
MUST_USE enum xp_rc xp_token_login(struct xp_token *t, const struct xp_secret *pin,
				   struct xp_err *err);
/*
 * The ECDSA signature over a SHA-256 digest, in DER. May be called by several threads. A token that
 * was away since is looked for once more, by its label and serial number.
 */
MUST_USE enum xp_rc xp_token_sign(uint8_t out[XP_TOKEN_SIGNATURE_MAX_BYTES], size_t *len,
				  struct xp_token *t, const uint8_t digest[32], struct xp_err *err);
/* The public key beside the private one, for a certificate request. */
MUST_USE enum xp_rc xp_token_public_key(EVP_PKEY **out, struct xp_token *t, struct xp_err *err);
/* Logs out and lets the module go. */
void xp_token_free(struct xp_token **t);
