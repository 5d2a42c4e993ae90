/* cert_replace: `expunge-cert keys replace`: a successor key and certificate for the same person.
 */
#include "cli/commands_cert.h"

#include "base/cleanup.h"
#include "cli/cert_keys.h"
#include "cli/output.h"

static const struct xp_option options[] = {
	{"cert", XP_OPT_STRING, "FILE", "the certificate that gets a successor"},
	{"revoke", XP_OPT_FLAG, NULL, "revoke it as superseded; otherwise it stays valid"},
	{"days", XP_OPT_STRING, "DAYS", "how long the new certificate lasts (400)"},
	{"file", XP_OPT_STRING, "BASE", "write BASE.key and BASE.pem (the role)"},
	{"request", XP_OPT_STRING, "FILE", "certify the key of this request; make none"},
	{"passphrase-file", XP_OPT_STRING, "FILE", "first line: the passphrase of the new key"},
	{"no-passphrase", XP_OPT_FLAG, NULL, "write the new key unencrypted"},
	{"ca-passphrase-file", XP_OPT_STRING, "FILE", "first line: the passphrase of root.key"},
	{"json", XP_OPT_FLAG, NULL, "one JSON document on standard output"},
	{0},
};

static enum xp_rc replace(struct xp_ca_issued *out, const struct xp_args *args, struct xp_err *err)
{
	AUTO(xp_secret_free) struct xp_secret pass = {0};
	AUTO(xp_request_free) struct xp_request asked = {0};
	AUTO(xp_pki_cert_free) X509 *old = NULL;
	AUTO(xp_ca_free) struct xp_ca *ca = NULL;
	struct xp_ca_request req = {.base = xp_args_string(args, "file")};
	char serial[XP_PKI_SERIAL_LEN];
	const char *file;
	bool given = false;
	enum xp_rc rc;

	TRY(xp_keys_needed(&file, args, "cert", err));
	TRY(xp_keys_read_cert(serial, args, file, err));
	TRY(xp_keys_read_request(&asked, args, err));
	TRY(xp_keys_days(&req.days, args, err));
	TRY(xp_keys_now(&req.now_s, err));
	TRY(xp_keys_open_ca(&ca, args, err));
	/* the CA's own copy says whose it is */
	rc = xp_ca_find(&old, ca, serial, err);
	if (rc == XP_E_NOENT)
		return xp_fail(err, XP_E_USAGE,
			       "%s: this CA has not kept what it issued as number %s; keys person "
			       "--person makes another one",
			       file, serial);
	TRY(rc);
	if (!asked.key)
		TRY(xp_keys_new_passphrase(&pass, &given, args, "New passphrase for the new key",
					   err));
	req.public_key = asked.key;
	req.passphrase = given ? &pass : NULL;
	return xp_ca_replace(out, ca, &req, old, xp_args_flag(args, "revoke"), err);
}

static int run(const struct xp_args *args)
{
	struct xp_ca_issued out;
	struct xp_err err;

	if (replace(&out, args, &err) != XP_OK)
		return xp_say_error(&err);
	return xp_keys_report_issued(args, &out);
}

const struct xp_command xp_cert_command_keys_replace = {
	.name = "keys replace",
	.operands = "DIR",
	.summary = "Make a successor key and certificate for the same person.",
	.details =
		"Role, name and number are those of the old certificate. Nothing that it signed\n"
		"loses its worth, unless --revoke: then that needs a time stamp.",
	.options = options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
