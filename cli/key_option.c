#include "cli/key_option.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/passphrase.h"

bool xp_key_file_is_encrypted(const char *path)
{
	AUTO_MEM char *pem = NULL;
	size_t len = 0;
	bool is;

	if (xp_file_read(&pem, &len, path, 1u << 20, NULL) != XP_OK)
		return false;
	is = strstr(pem, "ENCRYPTED PRIVATE KEY") != NULL;
	xp_wipe(pem, len);
	return is;
}

enum xp_rc xp_key_option_uri(char *out, size_t size, const char *key, const char *module,
			     struct xp_err *err)
{
	struct xp_key_uri uri;

	if (!xp_key_uri_is(key))
		return xp_fail(err, XP_E_USAGE, "--pkcs11-module: the key %s is not on a token",
			       key);
	if (module) {
		if (xp_key_uri_add_module(out, size, key, module, err) != XP_OK)
			return xp_err_prefix(err, "--pkcs11-module");
		return XP_OK;
	}
	TRY(xp_key_uri_parse(&uri, key, err));
	if (strlen(key) >= size)
		return xp_fail(err, XP_E_USAGE, "%.100s: too long", key);
	memcpy(out, key, strlen(key) + 1);
	return XP_OK;
}

/* A token that is logged in; by what was TYPED already, where that is not NULL. */
static enum xp_rc open_token(struct xp_token **out, const char *uri_text,
			     const char *passphrase_file, const struct xp_secret *typed,
			     struct xp_err *err)
{
	AUTO(xp_token_free) struct xp_token *token = NULL;
	AUTO(xp_secret_free) struct xp_secret pin = {0};
	struct xp_key_uri uri;

	TRY(xp_key_uri_parse(&uri, uri_text, err));
	TRY(xp_token_open(&token, &uri, err));
	if (xp_token_wants_pin(token) && typed) {
		TRY(xp_token_login(token, typed, err));
		*out = STEAL(token);
		return XP_OK;
	}
	if (xp_token_wants_pin(token)) {
		if (!passphrase_file && *uri.pin_path)
			passphrase_file = uri.pin_path;
		if (passphrase_file)
			TRY(xp_passphrase_read(&pin, passphrase_file, err));
		else
			TRY(xp_passphrase_ask(&pin, "PIN of the token", false, "--passphrase-file",
					      err));
	}
	TRY(xp_token_login(token, &pin, err));
	*out = STEAL(token);
	return XP_OK;
}

enum xp_rc xp_key_option_token(struct xp_token **out, const char *uri_text,
			       const char *passphrase_file, struct xp_err *err)
{
	return open_token(out, uri_text, passphrase_file, NULL, err);
}

enum xp_rc xp_key_option_load(struct xp_signing_key **out, const struct xp_key_option *o,
			      struct xp_err *err)
{
	AUTO(xp_token_free) struct xp_token *token = NULL;
	AUTO(xp_secret_free) struct xp_secret passphrase = {0};
	char what[XP_KEY_URI_PATH_MAX + 32];

	if (xp_key_uri_is(o->key)) {
		TRY(open_token(&token, o->key, o->passphrase_file, o->passphrase, err));
		return xp_signing_key_load_token(out, &token, o->cert, err);
	}
	if (!xp_key_file_is_encrypted(o->key))
		return xp_signing_key_load(out, o->key, o->cert, NULL, err);
	if (o->passphrase)
		return xp_signing_key_load(out, o->key, o->cert, o->passphrase, err);
	snprintf(what, sizeof(what), "Passphrase of %s", o->shown);
	if (o->passphrase_file)
		TRY(xp_passphrase_read(&passphrase, o->passphrase_file, err));
	else
		TRY(xp_passphrase_ask(&passphrase, what, false, "--passphrase-file", err));
	return xp_signing_key_load(out, o->key, o->cert, &passphrase, err);
}
