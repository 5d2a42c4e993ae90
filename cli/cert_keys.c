/* cert_keys: `expunge-cert keys ...`: an offline root, the keys of people, revocation. */
#include "cli/cert_keys.h"

#include <stdio.h>
#include <string.h>

#include "base/about.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "certs/key.h"
#include "certs/pki_folder.h"
#include "cli/commands_cert.h"
#include "cli/output.h"
#include "cli/passphrase.h"

#define PERSON_DAYS 400
#define DAYS_MAX    7300

#define OPT_JSON                                                                                   \
	{                                                                                          \
		"json", XP_OPT_FLAG, NULL, "one JSON document on standard output"                  \
	}
#define OPT_CA_PASSPHRASE                                                                          \
	{                                                                                          \
		"ca-passphrase-file", XP_OPT_STRING, "FILE",                                       \
			"first line: the passphrase of root.key"                                   \
	}

static const struct xp_option setup_options[] = {
	{"organization", XP_OPT_STRING, "O", "the organization, as certificates name it"},
	{"name", XP_OPT_STRING, "N", "the performer's name"},
	{"latin-name", XP_OPT_STRING, "N", "the same name in Latin letters"},
	{"days", XP_OPT_STRING, "DAYS", "how long the performer's certificate lasts (400)"},
	{"passphrase-file", XP_OPT_STRING, "FILE", "first line: the passphrase of both keys"},
	{"no-passphrase", XP_OPT_FLAG, NULL, "write the keys unencrypted"},
	OPT_JSON,
	{0},
};

static const struct xp_option ca_options[] = {
	{"organization", XP_OPT_STRING, "O", "the organization, as certificates name it"},
	{"name", XP_OPT_STRING, "N", "the root's name (O and \"Sanitization Root\")"},
	{"passphrase-file", XP_OPT_STRING, "FILE", "first line: the passphrase of root.key"},
	{"no-passphrase", XP_OPT_FLAG, NULL, "write the key unencrypted"},
	OPT_JSON,
	{0},
};

static const struct xp_option person_options[] = {
	{"name", XP_OPT_STRING, "N", "the name"},
	{"latin-name", XP_OPT_STRING, "N", "the same name in Latin letters"},
	{"organization", XP_OPT_STRING, "O", "the organization (the root's)"},
	{"role", XP_OPT_STRING, "R", "performer, validator, site or host"},
	{"person", XP_OPT_STRING, "ID", "the person's number at this CA; a new one is drawn"},
	{"days", XP_OPT_STRING, "DAYS", "how long the certificate lasts (400)"},
	{"file", XP_OPT_STRING, "BASE", "write BASE.key and BASE.pem (the role)"},
	{"request", XP_OPT_STRING, "FILE", "certify the key of this request; make none"},
	{"passphrase-file", XP_OPT_STRING, "FILE", "first line: the passphrase of the new key"},
	{"no-passphrase", XP_OPT_FLAG, NULL, "write the new key unencrypted"},
	OPT_CA_PASSPHRASE,
	OPT_JSON,
	{0},
};

static const struct xp_option revoke_options[] = {
	{"cert", XP_OPT_STRING, "FILE", "the certificate; without it the list is only renewed"},
	{"from", XP_OPT_STRING, "TIME", "the key was compromised since YYYY-MM-DDThh:mm:ssZ"},
	OPT_CA_PASSPHRASE,
	OPT_JSON,
	{0},
};

/* *GIVEN: there is one; otherwise the user asked for a key without. */
enum xp_rc xp_keys_new_passphrase(struct xp_secret *out, bool *given, const struct xp_args *args,
				  const char *what, struct xp_err *err)
{
	const char *file = xp_args_string(args, "passphrase-file");
	bool none = xp_args_flag(args, "no-passphrase");

	if (file && none)
		return xp_fail(err, XP_E_USAGE,
			       "--passphrase-file and --no-passphrase exclude each "
			       "other");
	*given = !none;
	if (none)
		return XP_OK;
	if (file)
		return xp_passphrase_read(out, file, err);
	return xp_passphrase_ask(out, what, true, "--passphrase-file or --no-passphrase", err);
}

enum xp_rc xp_keys_now(int64_t *out, struct xp_err *err)
{
	const struct xp_clock *clock = xp_clock_system();

	*out = clock->wall_s(clock->ctx);
	if (*out < XP_ABOUT_BUILD_DAY_S)
		return xp_fail(err, XP_E_USAGE,
			       "the clock shows a day before this program was made; set it first");
	return XP_OK;
}

enum xp_rc xp_keys_needed(const char **out, const struct xp_args *args, const char *name,
			  struct xp_err *err)
{
	*out = xp_args_string(args, name);
	if (!*out || !**out)
		return xp_fail(err, XP_E_USAGE, "--%s is missing", name);
	return XP_OK;
}

enum xp_rc xp_keys_role(enum xp_role *out, const char *role, struct xp_err *err)
{
	if (xp_role_parse(out, role))
		return XP_OK;
	return xp_fail(err, XP_E_USAGE, "--role %s: performer, validator, site or host is wanted",
		       role);
}

enum xp_rc xp_keys_days(unsigned *out, const struct xp_args *args, struct xp_err *err)
{
	uint64_t days;

	TRY(xp_args_number(&days, args, "days", PERSON_DAYS, DAYS_MAX, err));
	if (days == 0)
		return xp_fail(err, XP_E_USAGE, "--days 0: at least one day is needed");
	*out = (unsigned)days;
	return XP_OK;
}

enum xp_rc xp_keys_open_ca(struct xp_ca **out, const struct xp_args *args, struct xp_err *err)
{
	AUTO(xp_secret_free) struct xp_secret pass = {0};
	const char *dir = args->operands[0];
	const char *file = xp_args_string(args, "ca-passphrase-file");
	bool encrypted = false;

	TRY(xp_ca_is_encrypted(&encrypted, dir, err));
	if (encrypted && file)
		TRY(xp_passphrase_read(&pass, file, err));
	else if (encrypted)
		TRY(xp_passphrase_ask(&pass, "Passphrase of the CA's root.key", false,
				      "--ca-passphrase-file", err));
	return xp_ca_open(out, dir, encrypted ? &pass : NULL, err);
}

/* Groups of four, to write down and to compare by eye. */
static void print_fingerprint(const char *what, const uint8_t fp[32])
{
	printf("%s, SHA-256:\n ", what);
	for (unsigned i = 0; i < 32; i++)
		printf("%s%02x", i == 16 ? "\n  " : i % 2 == 0 ? " " : "", fp[i]);
	puts("");
}

static json_t *hex_json(const uint8_t fp[32])
{
	char hex[65];

	xp_hex_encode(hex, fp, 32);
	return json_string(hex);
}

json_t *xp_keys_path_json(const char *dir, const char *base, const char *suffix)
{
	return json_sprintf("%s/%s%s", dir, base, suffix);
}

/* "WHAT  DIR/FILE   (NOTE)" */
void xp_keys_print_file(const char *what, const char *dir, const char *file, const char *note)
{
	printf("%-18s", what);
	xp_print_escaped(stdout, dir);
	putchar('/');
	xp_print_escaped(stdout, file);
	printf("   (%s)\n", note);
}

static int report_root(const struct xp_args *args, const uint8_t root_fp[32],
		       const struct xp_ca_issued *person)
{
	const char *dir = args->operands[0];
	char file[80];
	json_t *doc;

	if (xp_args_flag(args, "json")) {
		doc = json_pack("{s:o, s:o, s:o}", "root", xp_keys_path_json(dir, "root", ".pem"),
				"root_fingerprint", hex_json(root_fp), "crl",
				xp_keys_path_json(dir, "root", ".crl"));
		if (doc && person)
			json_object_update_new(
				doc, json_pack("{s:o, s:o, s:s}", "key",
					       xp_keys_path_json(dir, person->base, ".key"), "cert",
					       xp_keys_path_json(dir, person->base, ".pem"),
					       "person", person->person_id));
		return xp_print_json(doc);
	}
	xp_keys_print_file("root certificate", dir, "root.pem",
			   "give it to those who check certificates");
	xp_keys_print_file("revocation list", dir, "root.crl", "give it to them, too");
	xp_keys_print_file("root key", dir, "root.key",
			   "keep it offline: it makes and revokes all others");
	if (person) {
		snprintf(file, sizeof(file), "%s.key", person->base);
		xp_keys_print_file("performer's key", dir, file, "run --key");
		snprintf(file, sizeof(file), "%s.pem", person->base);
		xp_keys_print_file("certificate", dir, file, "run --cert");
		printf("%-18s%s\n", "person", person->person_id);
	}
	print_fingerprint("Fingerprint of the root; write it down and hand it over by another way",
			  root_fp);
	printf("Within %d days renew the revocation list: expunge-cert keys revoke ",
	       XP_CA_CRL_DAYS);
	xp_print_escaped(stdout, dir);
	putchar('\n');
	return 0;
}

static enum xp_rc create(struct xp_ca **ca, uint8_t root_fp[32], const struct xp_args *args,
			 const char *name, const struct xp_secret *pass, struct xp_err *err)
{
	const char *organization;
	char text[192];
	int64_t now;
	enum xp_rc rc;

	TRY(xp_keys_needed(&organization, args, "organization", err));
	TRY(xp_keys_now(&now, err));
	if (!name) {
		/* a common name holds 64 characters */
		snprintf(text, sizeof(text), "%s%sSanitization Root",
			 strlen(organization) < 45 ? organization : "",
			 strlen(organization) < 45 ? " " : "");
		name = text;
	}
	TRY(xp_ca_create(ca, args->operands[0], organization, name, pass, now, err));
	rc = xp_pki_fingerprint(root_fp, xp_ca_root(*ca), err);
	if (rc != XP_OK)
		xp_ca_take_back(*ca);
	return rc;
}

static enum xp_rc do_setup(uint8_t root_fp[32], struct xp_ca_issued *person,
			   const struct xp_args *args, struct xp_err *err)
{
	AUTO(xp_secret_free) struct xp_secret pass = {0};
	AUTO(xp_ca_free) struct xp_ca *ca = NULL;
	struct xp_ca_request req = {.role = XP_ROLE_PERFORMER};
	bool given = false;

	TRY(xp_keys_needed(&req.subject.name, args, "name", err));
	TRY(xp_keys_needed(&req.subject.organization, args, "organization", err));
	req.subject.name_latin = xp_args_string(args, "latin-name");
	TRY(xp_keys_days(&req.days, args, err));
	TRY(xp_keys_now(&req.now_s, err));
	TRY(xp_keys_new_passphrase(&pass, &given, args, "New passphrase for both keys", err));
	TRY(create(&ca, root_fp, args, NULL, given ? &pass : NULL, err));
	req.passphrase = given ? &pass : NULL;
	return xp_ca_issue(person, ca, &req, err);
}

static int run_setup(const struct xp_args *args)
{
	struct xp_ca_issued person;
	uint8_t root_fp[32];
	struct xp_err err;

	if (do_setup(root_fp, &person, args, &err) != XP_OK)
		return xp_say_error(&err);
	return report_root(args, root_fp, &person);
}

static int run_ca(const struct xp_args *args)
{
	AUTO(xp_secret_free) struct xp_secret pass = {0};
	AUTO(xp_ca_free) struct xp_ca *ca = NULL;
	uint8_t root_fp[32];
	struct xp_err err;
	bool given = false;

	if (xp_keys_new_passphrase(&pass, &given, args, "New passphrase for root.key", &err) !=
		    XP_OK ||
	    create(&ca, root_fp, args, xp_args_string(args, "name"), given ? &pass : NULL, &err) !=
		    XP_OK)
		return xp_say_error(&err);
	return report_root(args, root_fp, NULL);
}

/* The first that says something. */
static const char *either(const char *a, const char *b, const char *c)
{
	if (a)
		return a;
	return b && *b ? b : c;
}

static enum xp_rc do_person(struct xp_ca_issued *out, const struct xp_args *args,
			    struct xp_err *err)
{
	AUTO(xp_secret_free) struct xp_secret pass = {0};
	AUTO(xp_request_free) struct xp_request asked = {0};
	AUTO(xp_ca_free) struct xp_ca *ca = NULL;
	struct xp_ca_request req = {.base = xp_args_string(args, "file")};
	char organization[128];
	const char *role;
	bool given = false;

	TRY(xp_keys_read_request(&asked, args, err));
	req.subject.name = either(xp_args_string(args, "name"), asked.name, NULL);
	if (!req.subject.name)
		TRY(xp_keys_needed(&req.subject.name, args, "name", err));
	TRY(xp_keys_needed(&role, args, "role", err));
	TRY(xp_keys_role(&req.role, role, err));
	TRY(xp_keys_days(&req.days, args, err));
	TRY(xp_keys_now(&req.now_s, err));
	TRY(xp_keys_open_ca(&ca, args, err));
	if (!asked.key)
		TRY(xp_keys_new_passphrase(&pass, &given, args, "New passphrase for the new key",
					   err));
	xp_key_name_text(organization, sizeof(organization), X509_get_subject_name(xp_ca_root(ca)),
			 NID_organizationName);
	req.subject.organization =
		either(xp_args_string(args, "organization"), asked.organization, organization);
	req.subject.name_latin = either(xp_args_string(args, "latin-name"), asked.name_latin, NULL);
	req.subject.person_id = xp_args_string(args, "person");
	req.public_key = asked.key;
	req.passphrase = given ? &pass : NULL;
	return xp_ca_issue(out, ca, &req, err);
}

int xp_keys_report_issued(const struct xp_args *args, const struct xp_ca_issued *out)
{
	const char *dir = args->operands[0];
	bool has_key = !xp_args_string(args, "request");
	json_t *doc;

	if (xp_args_flag(args, "json")) {
		doc = json_pack("{s:o, s:o, s:s}", "cert",
				xp_keys_path_json(dir, out->base, ".pem"), "fingerprint",
				hex_json(out->fingerprint), "person", out->person_id);
		if (doc && has_key)
			json_object_set_new(doc, "key", xp_keys_path_json(dir, out->base, ".key"));
		return xp_print_json(doc);
	}
	if (has_key) {
		printf("key          ");
		xp_print_escaped(stdout, dir);
		putchar('/');
		xp_print_escaped(stdout, out->base);
		printf(".key   (goes to its owner, and nowhere else)\n");
	}
	printf("certificate  ");
	xp_print_escaped(stdout, dir);
	putchar('/');
	xp_print_escaped(stdout, out->base);
	printf(".pem, person ");
	xp_print_escaped(stdout, out->person_id);
	puts("");
	print_fingerprint("Fingerprint of the certificate", out->fingerprint);
	return 0;
}

static int run_person(const struct xp_args *args)
{
	struct xp_ca_issued out;
	struct xp_err err;

	if (do_person(&out, args, &err) != XP_OK)
		return xp_say_error(&err);
	return xp_keys_report_issued(args, &out);
}

static enum xp_rc do_revoke(const struct xp_args *args, struct xp_err *err)
{
	AUTO(xp_ca_free) struct xp_ca *ca = NULL;
	struct xp_pki_revocation rev = {0};
	char serial[XP_PKI_SERIAL_LEN];
	const char *from = xp_args_string(args, "from");
	const char *file = xp_args_string(args, "cert");

	TRY(xp_keys_now(&rev.at_s, err));
	if (from && !file)
		return xp_fail(err, XP_E_USAGE, "--from needs --cert");
	if (from && !xp_time_parse(&rev.invalid_from_s, from))
		return xp_fail(err, XP_E_USAGE, "--from %s: YYYY-MM-DDThh:mm:ssZ is wanted", from);
	if (from && rev.invalid_from_s > rev.at_s)
		return xp_fail(err, XP_E_USAGE, "--from %s lies in the future", from);
	rev.is_key_compromise = from != NULL;
	if (file) {
		TRY(xp_keys_read_cert(serial, args, file, err));
		rev.serial = serial;
	}
	TRY(xp_keys_open_ca(&ca, args, err));
	return xp_ca_write_list(ca, file ? &rev : NULL, rev.at_s, err);
}

static int run_revoke(const struct xp_args *args)
{
	const char *dir = args->operands[0];
	struct xp_err err;

	if (do_revoke(args, &err) != XP_OK)
		return xp_say_error(&err);
	if (xp_args_flag(args, "json"))
		return xp_print_json(
			json_pack("{s:o}", "crl", xp_keys_path_json(dir, "root", ".crl")));
	printf("revocation list  ");
	xp_print_escaped(stdout, dir);
	printf("/root.crl   (give it to those who check certificates)\n");
	return 0;
}

const struct xp_command xp_cert_command_keys_setup = {
	.name = "keys setup",
	.operands = "DIR",
	.summary = "Make a root and a performer's key, for those who have no PKI.",
	.details = "Writes root.key, root.pem, root.crl, performer.key and performer.pem.",
	.options = setup_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_setup,
};

const struct xp_command xp_cert_command_keys_ca = {
	.name = "keys ca",
	.operands = "DIR",
	.summary = "Make an offline root with its empty revocation list.",
	.options = ca_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_ca,
};

const struct xp_command xp_cert_command_keys_person = {
	.name = "keys person",
	.operands = "DIR",
	.summary = "Make a key and a certificate for a person, a site or a host.",
	.details =
		"DIR is the folder of keys ca or keys setup. Only people are persons: role host\n"
		"is a machine.",
	.options = person_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_person,
};

const struct xp_command xp_cert_command_keys_revoke = {
	.name = "keys revoke",
	.operands = "DIR",
	.summary = "Revoke a certificate, or renew the revocation list.",
	.options = revoke_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_revoke,
};
