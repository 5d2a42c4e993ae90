/*
 * rogue_sign: signs any file as a record, whatever it says, with FILE.p7s beside it: what somebody
 * with a good key and bad intentions can do. Usage: rogue_sign KEY.pem CERT.pem FILE...
 */
#include <openssl/pem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/key.h"

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "rogue_sign: %s\n", what);
		exit(66);
	}
}

static struct xp_signing_key *read_key(const char *key_path, const char *cert_path)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	struct xp_signing_key *signer = NULL;
	AUTO_FILE FILE *key_file = fopen(key_path, "r");
	AUTO_FILE FILE *cert_file = fopen(cert_path, "r");
	EVP_PKEY *key = key_file ? PEM_read_PrivateKey(key_file, NULL, NULL, NULL) : NULL;
	X509 *cert = cert_file ? PEM_read_X509(cert_file, NULL, NULL, NULL) : NULL;

	must(key != NULL, key_path);
	must(cert && certs && sk_X509_push(certs, cert) > 0, cert_path);
	must(xp_signing_key_make(&signer, key, certs, NULL, NULL) == XP_OK, "signing key");
	sk_X509_pop_free(certs, X509_free);
	EVP_PKEY_free(key);
	return signer;
}

static void sign_file(struct xp_signing_key *signer, const char *path)
{
	AUTO_MEM char *json = NULL;
	AUTO_MEM uint8_t *p7s = NULL;
	AUTO_MEM char *out = NULL;
	size_t json_len = 0;
	size_t p7s_len = 0;
	FILE *f;

	must(xp_file_read(&json, &json_len, path, XP_RECORD_MAX_BYTES, NULL) == XP_OK, path);
	must(xp_sign(&p7s, &p7s_len, signer, json, json_len, xp_clock_system()->wall_s(NULL),
		     NULL) == XP_OK,
	     "signature");
	must(asprintf(&out, "%s.p7s", path) > 0, "memory");
	f = fopen(out, "w");
	must(f && fwrite(p7s, 1, p7s_len, f) == p7s_len && fclose(f) == 0, out);
}

int main(int argc, char **argv)
{
	struct xp_signing_key *signer;

	must(argc > 3, "usage: rogue_sign KEY.pem CERT.pem FILE...");
	signer = read_key(argv[1], argv[2]);
	for (int i = 3; i < argc; i++)
		sign_file(signer, argv[i]);
	xp_signing_key_free(&signer);
	return 0;
}
