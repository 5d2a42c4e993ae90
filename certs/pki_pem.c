#include "certs/pki.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include <limits.h>
#include <string.h>

#include "base/cleanup.h"

#define PBKDF2_ROUNDS 600000

static void bio_free(BIO **b)
{
	BIO_free_all(*b);
	*b = NULL;
}

static bool write_encrypted(BIO *b, EVP_PKEY *key, const struct xp_secret *passphrase)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	X509_ALGOR *pbe = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), PBKDF2_ROUNDS, NULL, 0, NULL,
					    NID_hmacWithSHA256);
	X509_SIG *sig = NULL;
	bool ok = false;

	/* on success the encrypted form owns the algorithm */
	if (info && pbe)
		sig = PKCS8_set0_pbe((const char *)passphrase->data, (int)passphrase->len, info,
				     pbe);
	if (sig)
		ok = PEM_write_bio_PKCS8(b, sig) == 1;
	else
		X509_ALGOR_free(pbe);
	X509_SIG_free(sig);
	PKCS8_PRIV_KEY_INFO_free(info);
	return ok;
}

static bool write_plain(BIO *b, EVP_PKEY *key)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	bool ok = info && PEM_write_bio_PKCS8_PRIV_KEY_INFO(b, info) == 1;

	PKCS8_PRIV_KEY_INFO_free(info);
	return ok;
}

enum xp_rc xp_pki_key_to_pem(struct xp_secret *out, EVP_PKEY *key,
			     const struct xp_secret *passphrase, struct xp_err *err)
{
	/* a BIO of OpenSSL's secure kind wipes what it grew out of */
	AUTO(bio_free) BIO *b = BIO_new(BIO_s_secmem());
	char *data = NULL;
	bool ok = b && (!passphrase || passphrase->len <= INT_MAX) &&
		  (passphrase ? write_encrypted(b, key, passphrase) : write_plain(b, key));
	long len = ok ? BIO_get_mem_data(b, &data) : 0;

	if (len <= 0)
		return xp_pki_fail(err, XP_E_INTERNAL, "writing a private key");
	TRY(xp_secret_new(out, (size_t)len, err));
	memcpy(out->data, data, (size_t)len);
	xp_wipe(data, (size_t)len);
	return XP_OK;
}

static enum xp_rc take_text(char **out, size_t *len, BIO *b, bool ok, struct xp_err *err)
{
	char *data = NULL;
	long n = ok ? BIO_get_mem_data(b, &data) : 0;

	if (n <= 0)
		return xp_pki_fail(err, XP_E_INTERNAL, "writing PEM");
	*out = malloc((size_t)n + 1);
	if (!*out)
		return xp_fail(err, XP_E_NOMEM, "PEM text");
	memcpy(*out, data, (size_t)n);
	(*out)[n] = 0;
	*len = (size_t)n;
	return XP_OK;
}

enum xp_rc xp_pki_cert_to_pem(char **out, size_t *len, X509 *cert, struct xp_err *err)
{
	AUTO(bio_free) BIO *b = BIO_new(BIO_s_mem());

	return take_text(out, len, b, b && PEM_write_bio_X509(b, cert) == 1, err);
}

enum xp_rc xp_pki_crl_to_pem(char **out, size_t *len, X509_CRL *crl, struct xp_err *err)
{
	AUTO(bio_free) BIO *b = BIO_new(BIO_s_mem());

	return take_text(out, len, b, b && PEM_write_bio_X509_CRL(b, crl) == 1, err);
}
