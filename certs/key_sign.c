#include "certs/key.h"

#include <openssl/err.h>

#include <string.h>

static bool is_signature(EVP_PKEY *key, const uint8_t *sig, size_t sig_len, const void *message,
			 size_t len)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestVerify(c, sig, sig_len, message, len) == 1;

	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return ok;
}

static bool sign_here(uint8_t *out, size_t *out_len, EVP_PKEY *key, const void *message, size_t len)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestSign(c, out, out_len, message, len) == 1;

	EVP_MD_CTX_free(c);
	return ok;
}

enum xp_rc xp_key_sign(uint8_t out[XP_TOKEN_SIGNATURE_MAX_BYTES], size_t *out_len,
		       const struct xp_key_hand *hand, const void *message, size_t len,
		       struct xp_err *err)
{
	uint8_t digest[32];
	unsigned n = 0;

	*out_len = XP_TOKEN_SIGNATURE_MAX_BYTES;
	if (!hand->token && !sign_here(out, out_len, hand->key, message, len))
		return xp_pki_fail(err, XP_E_INTERNAL, "signing");
	if (hand->token) {
		if (EVP_Digest(message, len, digest, &n, EVP_sha256(), NULL) != 1)
			return xp_pki_fail(err, XP_E_INTERNAL, "signing");
		TRY(xp_token_sign(out, out_len, hand->token, digest, err));
	}
	/* a token may answer well and mean another key, or fail in silence */
	if (!is_signature(hand->public_key, out, *out_len, message, len))
		return xp_fail(err, XP_E_USAGE, "the key does not belong to the certificate");
	return XP_OK;
}
