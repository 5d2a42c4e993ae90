/*
 * key_option: what stands behind --key: a file, or a key on a token. It gets the passphrase or the
 * PIN from where the user said, or asks for it.
 */
#pragma once
#include "certs/key_pkcs11.h"
#include "certs/sign.h"

struct xp_key_option {
	const char *key;   /* a path or a pkcs11: URI */
	const char *shown; /* the key as the user wrote it */
	const char *cert;
	const char
		*passphrase_file; /* NULL: the URI's pin-source, else asked for on the terminal */
	const struct xp_secret *passphrase; /* typed already; goes before the file; NULL: no */
};

/* Does the PEM file say that it is encrypted? What cannot be read is told by the loading itself. */
bool xp_key_file_is_encrypted(const char *path);
/* The URI as it is to be kept: KEY, with MODULE (NULL: none) in it. Errors: XP_E_USAGE. */
MUST_USE enum xp_rc xp_key_option_uri(char *out, size_t size, const char *key, const char *module,
				      struct xp_err *err);
/* A token that is logged in, with its key. */
MUST_USE enum xp_rc xp_key_option_token(struct xp_token **out, const char *uri,
					const char *passphrase_file, struct xp_err *err);
MUST_USE enum xp_rc xp_key_option_load(struct xp_signing_key **out,
				       const struct xp_key_option *option, struct xp_err *err);
