/* cert_request: `expunge-cert keys request`: a certificate request for a PKI that is there already.
 */
#include "cli/commands_cert.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/cert_keys.h"
#include "cli/key_option.h"
#include "cli/output.h"
#include "cli/passphrase.h"

static const struct xp_option options[] = {
	{"name", XP_OPT_STRING, "N", "the name"},
	{"latin-name", XP_OPT_STRING, "N", "the same name in Latin letters"},
	{"organization", XP_OPT_STRING, "O", "the organization"},
	{"role", XP_OPT_STRING, "R", "performer, validator, site or host"},
	{"person", XP_OPT_STRING, "ID", "the person's number, as the PKI has it"},
	{"file", XP_OPT_STRING, "BASE", "write BASE.key and BASE.csr (the role)"},
	{"key", XP_OPT_STRING, "K", "a key that is there: PKCS#8 PEM, or pkcs11: URI"},
	{"pkcs11-module", XP_OPT_STRING, "FILE", "the library of a pkcs11: key"},
	{"passphrase-file", XP_OPT_STRING, "FILE", "first line: the key's passphrase or PIN"},
	{"no-passphrase", XP_OPT_FLAG, NULL, "write the new key unencrypted"},
	{"json", XP_OPT_FLAG, NULL, "one JSON document on standard output"},
	{0},
};

struct request {
	struct xp_pki_subject subject;
	enum xp_role role;
	const char *base;
	char key_name[80], csr_name[80];
	int dir_fd;
	struct xp_key_hand hand;
	struct xp_secret passphrase; /* of a new key */
	bool is_new, is_encrypted;
};

static void request_free(struct request *r)
{
	if (r->hand.public_key != r->hand.key)
		EVP_PKEY_free(r->hand.public_key);
	EVP_PKEY_free(r->hand.key);
	xp_token_free(&r->hand.token);
	xp_secret_free(&r->passphrase);
	xp_close_fd(&r->dir_fd);
}

static enum xp_rc must_be_free(const struct request *r, const char *name, struct xp_err *err)
{
	struct stat st;

	if (fstatat(r->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return xp_fail(err, XP_E_USAGE,
			       "%s: is there already and is not replaced; --file names another",
			       name);
	return XP_OK;
}

static enum xp_rc read_options(struct request *r, const struct xp_args *args, struct xp_err *err)
{
	const char *role;

	TRY(xp_keys_needed(&r->subject.name, args, "name", err));
	TRY(xp_keys_needed(&role, args, "role", err));
	TRY(xp_keys_role(&r->role, role, err));
	r->subject.name_latin = xp_args_string(args, "latin-name");
	r->subject.organization = xp_args_string(args, "organization");
	r->subject.person_id = xp_args_string(args, "person");
	r->base = xp_args_string(args, "file");
	if (!r->base)
		r->base = xp_role_name(r->role);
	if (strchr(r->base, '/') || r->base[0] == '.' || !*r->base || strlen(r->base) > 60)
		return xp_fail(err, XP_E_USAGE, "%s: not a usable file name", r->base);
	snprintf(r->key_name, sizeof(r->key_name), "%s.key", r->base);
	snprintf(r->csr_name, sizeof(r->csr_name), "%s.csr", r->base);
	r->is_new = !xp_args_string(args, "key");
	if (r->is_new && xp_args_string(args, "pkcs11-module"))
		return xp_fail(err, XP_E_USAGE, "--pkcs11-module needs --key");
	if (!r->is_new && xp_args_flag(args, "no-passphrase"))
		return xp_fail(err, XP_E_USAGE, "--no-passphrase is for a new key");
	return XP_OK;
}

static enum xp_rc key_of_file(struct request *r, const char *path, const char *passphrase_file,
			      struct xp_err *err)
{
	AUTO(xp_secret_free) struct xp_secret pass = {0};
	AUTO_MEM char *pem = NULL;
	char what[256];
	size_t len = 0;
	enum xp_rc rc;

	if (xp_key_file_is_encrypted(path)) {
		snprintf(what, sizeof(what), "Passphrase of %s", path);
		if (passphrase_file)
			TRY(xp_passphrase_read(&pass, passphrase_file, err));
		else
			TRY(xp_passphrase_ask(&pass, what, false, "--passphrase-file", err));
	}
	TRY(xp_file_read(&pem, &len, path, XP_KEY_FILE_MAX_BYTES, err));
	rc = xp_key_from_pem(&r->hand.key, pem, len, path, pass.data ? &pass : NULL, err);
	xp_wipe(pem, len);
	r->hand.public_key = r->hand.key;
	return rc;
}

static enum xp_rc get_key(struct request *r, const struct xp_args *args, struct xp_err *err)
{
	const char *key = xp_args_string(args, "key");
	const char *module = xp_args_string(args, "pkcs11-module");
	const char *file = xp_args_string(args, "passphrase-file");
	char uri[XP_KEY_URI_PATH_MAX];

	if (!key) {
		TRY(xp_keys_new_passphrase(&r->passphrase, &r->is_encrypted, args,
					   "New passphrase for the new key", err));
		TRY(xp_pki_key_new(&r->hand.key, err));
		r->hand.public_key = r->hand.key;
		return XP_OK;
	}
	if (!xp_key_uri_is(key) && !module)
		return key_of_file(r, key, file, err);
	TRY(xp_key_option_uri(uri, sizeof(uri), key, module, err));
	TRY(xp_key_option_token(&r->hand.token, uri, file, err));
	return xp_token_public_key(&r->hand.public_key, r->hand.token, err);
}

static enum xp_rc make(struct request *r, const struct xp_args *args, struct xp_err *err)
{
	AUTO(xp_secret_free) struct xp_secret key_pem = {0};
	AUTO_MEM char *pem = NULL;
	size_t len = 0;

	TRY(read_options(r, args, err));
	TRY(get_key(r, args, err));
	TRY(xp_request_make(&pem, &len, &r->hand, r->role, &r->subject, err));
	TRY(xp_dir_make_open(&r->dir_fd, args->operands[0], 0700, err));
	TRY(must_be_free(r, r->csr_name, err));
	if (r->is_new) {
		TRY(must_be_free(r, r->key_name, err));
		TRY(xp_pki_key_to_pem(&key_pem, r->hand.key,
				      r->is_encrypted ? &r->passphrase : NULL, err));
		TRY(xp_file_write_at(r->dir_fd, r->key_name, key_pem.data, key_pem.len, 0600, false,
				     err));
	}
	return xp_file_write_at(r->dir_fd, r->csr_name, pem, len, 0644, false, err);
}

static int report(const struct request *r, const struct xp_args *args)
{
	const char *dir = args->operands[0];
	json_t *doc;

	if (xp_args_flag(args, "json")) {
		doc = json_pack("{s:o}", "request", xp_keys_path_json(dir, r->base, ".csr"));
		if (doc && r->is_new)
			json_object_set_new(doc, "key", xp_keys_path_json(dir, r->base, ".key"));
		return xp_print_json(doc);
	}
	if (r->is_new)
		xp_keys_print_file("key", dir, r->key_name, "run --key; it stays with its owner");
	xp_keys_print_file("request", dir, r->csr_name, "goes to the CA");
	return 0;
}

static int run(const struct xp_args *args)
{
	AUTO(request_free) struct request r = {.dir_fd = -1};
	struct xp_err err;

	if (make(&r, args, &err) != XP_OK)
		return xp_say_error(&err);
	return report(&r, args);
}

const struct xp_command xp_cert_command_keys_request = {
	.name = "keys request",
	.operands = "DIR",
	.summary = "Make a certificate request for a PKI that is there already.",
	.details =
		"It asks for the extensions that a signer's certificate must have. A CA of keys\n"
		"ca answers it with keys person --request.",
	.options = options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
