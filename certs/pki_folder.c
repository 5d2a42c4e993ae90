#include "certs/pki_folder.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "certs/key.h"

#define DAY_S		86400
#define PERSON_ID_BYTES 8

/* root.key, root.crl, root.pem; issued/SERIAL.pem, BASE.key, BASE.pem */
#define MADE_MAX 6

struct xp_ca {
	int dir_fd;
	char made[MADE_MAX][80]; /* files of this handle that can be taken back */
	unsigned made_n;
	bool is_locked;
	bool made_issued; /* the folder "issued", too */
	char *made_dir;	  /* and the whole folder; NULL: it was there before */
	EVP_PKEY *key;
	X509 *root;
	X509_CRL *crl;
};

void xp_ca_free(struct xp_ca **ca)
{
	if (!*ca)
		return;
	if ((*ca)->dir_fd >= 0)
		close((*ca)->dir_fd);
	EVP_PKEY_free((*ca)->key);
	X509_free((*ca)->root);
	X509_CRL_free((*ca)->crl);
	free((*ca)->made_dir);
	free(*ca);
	*ca = NULL;
}

X509 *xp_ca_root(const struct xp_ca *ca)
{
	return ca->root;
}

static struct xp_ca *ca_new(void)
{
	struct xp_ca *ca = calloc(1, sizeof(*ca));

	if (ca)
		ca->dir_fd = -1;
	return ca;
}

static void remember(struct xp_ca *ca, const char *folder, const char *name)
{
	if (ca->made_n < MADE_MAX)
		snprintf(ca->made[ca->made_n++], sizeof(ca->made[0]), "%s%s", folder, name);
}

/* Writes a file that was not there, and remembers it until all is made that belongs together. */
static enum xp_rc make_file(struct xp_ca *ca, const char *name, const void *data, size_t len,
			    mode_t mode, struct xp_err *err)
{
	struct stat st;
	bool is_free = fstatat(ca->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) && errno == ENOENT;
	enum xp_rc rc = xp_file_write_at(ca->dir_fd, name, data, len, mode, false, err);

	/* it may have its name already where only its way to the disk is in doubt; nobody else
	 * makes files here while a root is made */
	if (rc == XP_OK || (is_free && ca->is_locked))
		remember(ca, "", name);
	return rc;
}

void xp_ca_keep(struct xp_ca *ca)
{
	ca->made_n = 0;
	ca->made_issued = false;
	free(ca->made_dir);
	ca->made_dir = NULL;
}

void xp_ca_take_back(struct xp_ca *ca)
{
	while (ca->made_n)
		unlinkat(ca->dir_fd, ca->made[--ca->made_n], 0);
	if (ca->made_issued)
		unlinkat(ca->dir_fd, "issued", AT_REMOVEDIR);
	if (ca->made_dir)
		rmdir(ca->made_dir);
	else if (ca->dir_fd >= 0)
		fsync(ca->dir_fd);
	xp_ca_keep(ca);
}

static enum xp_rc write_key(struct xp_ca *ca, const char *base, EVP_PKEY *key,
			    const struct xp_secret *passphrase, struct xp_err *err)
{
	AUTO(xp_secret_free) struct xp_secret pem = {0};
	char name[80];

	snprintf(name, sizeof(name), "%s.key", base);
	TRY(xp_pki_key_to_pem(&pem, key, passphrase, err));
	return make_file(ca, name, pem.data, pem.len, 0600, err);
}

static bool is_there(const struct xp_ca *ca, const char *name)
{
	struct stat st;

	return fstatat(ca->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Also what an earlier setup has left that was cut off by a kill or loss of power. */
static enum xp_rc refuse_there(const struct xp_ca *ca, const char *dir, struct xp_err *err)
{
	if (is_there(ca, "root.pem"))
		return xp_fail(err, XP_E_USAGE,
			       "%s: there is a root here already; it is not touched. A performer's "
			       "key, also where an earlier setup was cut off before it had one: "
			       "expunge-cert keys person %s --role performer",
			       dir, dir);
	if (is_there(ca, "root.key"))
		return xp_fail(
			err, XP_E_USAGE,
			"%s: root.key stands there without root.pem: the making of that root "
			"was cut off, and nothing can have been signed by it. Remove root.key "
			"and root.crl, or name another folder, and do it again",
			dir);
	return XP_OK;
}

/* The certificate last: with it there is a root. */
static enum xp_rc write_root(struct xp_ca *ca, const struct xp_secret *passphrase,
			     struct xp_err *err)
{
	AUTO_MEM char *pem = NULL;
	AUTO_MEM char *crl = NULL;
	size_t len = 0;
	size_t crl_len = 0;

	TRY(xp_pki_cert_to_pem(&pem, &len, ca->root, err));
	TRY(xp_pki_crl_to_pem(&crl, &crl_len, ca->crl, err));
	TRY(write_key(ca, "root", ca->key, passphrase, err));
	TRY(make_file(ca, "root.crl", crl, crl_len, 0644, err));
	return make_file(ca, "root.pem", pem, len, 0644, err);
}

static enum xp_rc open_new(struct xp_ca *ca, const char *dir, struct xp_err *err)
{
	struct stat st;

	if (lstat(dir, &st) != 0 && errno == ENOENT) {
		ca->made_dir = strdup(dir);
		if (!ca->made_dir)
			return xp_fail(err, XP_E_NOMEM, "CA");
	}
	TRY(xp_dir_make_open(&ca->dir_fd, dir, 0700, err));
	ca->is_locked = flock(ca->dir_fd, LOCK_EX | LOCK_NB) == 0;
	if (!ca->is_locked && errno == EWOULDBLOCK) {
		xp_ca_keep(ca);
		return xp_fail(err, XP_E_USAGE, "%s: another process makes keys in there just now",
			       dir);
	}
	return refuse_there(ca, dir, err);
}

enum xp_rc xp_ca_create(struct xp_ca **out, const char *dir, const char *organization,
			const char *name, const struct xp_secret *passphrase, int64_t now_s,
			struct xp_err *err)
{
	const struct xp_pki_subject subject = {.name = name, .organization = organization};
	AUTO(xp_ca_free) struct xp_ca *ca = ca_new();
	enum xp_rc rc;

	if (!ca)
		return xp_fail(err, XP_E_NOMEM, "CA");
	TRY(xp_pki_key_new(&ca->key, err));
	TRY(xp_pki_root_new(&ca->root, ca->key, &subject, now_s,
			    now_s + (int64_t)XP_CA_ROOT_DAYS * DAY_S, err));
	TRY(xp_pki_crl_new(&ca->crl, NULL, NULL, ca->root, ca->key, now_s,
			   now_s + (int64_t)XP_CA_CRL_DAYS * DAY_S, err));
	rc = open_new(ca, dir, err);
	if (rc == XP_OK)
		rc = write_root(ca, passphrase, err);
	if (rc != XP_OK) {
		xp_ca_take_back(ca);
		return rc;
	}
	*out = STEAL(ca);
	return XP_OK;
}

static enum xp_rc open_dir(int *fd, const char *dir, struct xp_err *err)
{
	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "%s", dir);
	return XP_OK;
}

enum xp_rc xp_ca_is_encrypted(bool *out, const char *dir, struct xp_err *err)
{
	AUTO_FD int fd = -1;
	AUTO_MEM char *pem = NULL;
	size_t len = 0;

	TRY(open_dir(&fd, dir, err));
	TRY(xp_file_read_at(&pem, &len, fd, "root.key", XP_KEY_FILE_MAX_BYTES, err));
	*out = strstr(pem, "BEGIN ENCRYPTED PRIVATE KEY") != NULL;
	xp_wipe(pem, len);
	return XP_OK;
}

static enum xp_rc read_root(struct xp_ca *ca, struct xp_err *err)
{
	STACK_OF(X509) *certs = NULL;
	STACK_OF(X509_CRL) *crls = NULL;
	AUTO_MEM char *pem = NULL;
	AUTO_MEM char *crl_pem = NULL;
	size_t len = 0;

	TRY(xp_file_read_at(&pem, &len, ca->dir_fd, "root.pem", XP_KEY_FILE_MAX_BYTES, err));
	TRY(xp_key_certs_from_pem(&certs, &crls, pem, len, "root.pem", err));
	ca->root = sk_X509_shift(certs);
	sk_X509_pop_free(certs, X509_free);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	TRY(xp_file_read_at(&crl_pem, &len, ca->dir_fd, "root.crl", XP_KEY_FILE_MAX_BYTES * 16u,
			    err));
	TRY(xp_key_certs_from_pem(&certs, &crls, crl_pem, len, "root.crl", err));
	ca->crl = sk_X509_CRL_shift(crls);
	sk_X509_pop_free(certs, X509_free);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	if (!ca->root || !ca->crl)
		return xp_fail(err, XP_E_MALFORMED, "root.pem or root.crl holds nothing");
	if (X509_check_private_key(ca->root, ca->key) != 1 ||
	    X509_CRL_verify(ca->crl, ca->key) != 1)
		return xp_pki_fail(err, XP_E_USAGE,
				   "root.key, root.pem and root.crl do not belong together");
	return XP_OK;
}

enum xp_rc xp_ca_open(struct xp_ca **out, const char *dir, const struct xp_secret *passphrase,
		      struct xp_err *err)
{
	AUTO(xp_ca_free) struct xp_ca *ca = ca_new();
	AUTO_MEM char *pem = NULL;
	size_t len = 0;
	enum xp_rc rc;

	if (!ca)
		return xp_fail(err, XP_E_NOMEM, "CA");
	TRY(open_dir(&ca->dir_fd, dir, err));
	TRY(xp_file_read_at(&pem, &len, ca->dir_fd, "root.key", XP_KEY_FILE_MAX_BYTES, err));
	rc = xp_key_from_pem(&ca->key, pem, len, "root.key", passphrase, err);
	xp_wipe(pem, len);
	if (rc != XP_OK)
		return rc;
	TRY(read_root(ca, err));
	*out = STEAL(ca);
	return XP_OK;
}

/* A base name whose two files are not there yet. */
static enum xp_rc pick_base(char out[64], const struct xp_ca *ca, const struct xp_ca_request *req,
			    struct xp_err *err)
{
	for (unsigned i = 1; i < 10000; i++) {
		char name[80];
		struct stat st;

		if (req->base)
			snprintf(out, 64, "%s", req->base);
		else if (i == 1)
			snprintf(out, 64, "%s", xp_role_name(req->role));
		else
			snprintf(out, 64, "%s-%u", xp_role_name(req->role), i);
		snprintf(name, sizeof(name), "%s.pem", out);
		if (fstatat(ca->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
			snprintf(name, sizeof(name), "%s.key", out);
		if (fstatat(ca->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			if (!req->base)
				continue;
			return xp_fail(err, XP_E_USAGE, "%s: is there already and is not replaced",
				       name);
		}
		return XP_OK;
	}
	return xp_fail(err, XP_E_USAGE, "no free file name for a new key");
}

static enum xp_rc draw_person_id(char out[40], struct xp_err *err)
{
	uint8_t raw[PERSON_ID_BYTES];
	char hex[2 * PERSON_ID_BYTES + 1];

	TRY(xp_rng_bytes(xp_rng_system(), raw, sizeof(raw), err));
	xp_hex_encode(hex, raw, sizeof(raw));
	snprintf(out, 40, "P-%s", hex);
	return XP_OK;
}

/* The certificate under its own serial number: what revoke will be asked for. */
static enum xp_rc write_issued(struct xp_ca *ca, X509 *cert, const char *pem, size_t len,
			       struct xp_err *err)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = bn ? BN_bn2hex(bn) : NULL;
	char name[64];
	AUTO_FD int fd = -1;

	snprintf(name, sizeof(name), "%s.pem", hex ? hex : "");
	BN_free(bn);
	OPENSSL_free(hex);
	if (name[0] == '.')
		return xp_fail(err, XP_E_NOMEM, "certificate");
	if (mkdirat(ca->dir_fd, "issued", 0755) == 0)
		ca->made_issued = true;
	else if (errno != EEXIST)
		return xp_err_of_output(err, xp_fail_errno(err, XP_E_IO, "issued"));
	fd = openat(ca->dir_fd, "issued", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return xp_fail_errno(err, XP_E_IO, "issued");
	/* nobody else has that number */
	remember(ca, "issued/", name);
	return xp_file_write_at(fd, name, pem, len, 0644, false, err);
}

static enum xp_rc write_cert(struct xp_ca *ca, const char *base, X509 *cert, struct xp_err *err)
{
	AUTO_MEM char *pem = NULL;
	AUTO_MEM char *crl = NULL;
	AUTO(xp_buf_free) struct xp_buf both = {0};
	char name[80];
	size_t len = 0;
	size_t crl_len = 0;

	TRY(xp_pki_cert_to_pem(&pem, &len, cert, err));
	TRY(xp_pki_crl_to_pem(&crl, &crl_len, ca->crl, err));
	TRY(write_issued(ca, cert, pem, len, err));
	xp_buf_add(&both, pem, len);
	xp_buf_add(&both, crl, crl_len);
	if (!xp_buf_ok(&both))
		return xp_fail(err, XP_E_NOMEM, "certificate");
	snprintf(name, sizeof(name), "%s.pem", base);
	return make_file(ca, name, both.data, both.len, 0644, err);
}

/* What can be found wrong before anything is written. */
static enum xp_rc may_issue(char base[64], const struct xp_ca *ca, const struct xp_ca_request *req,
			    int64_t *to_s, struct xp_err *err)
{
	*to_s = req->now_s + (int64_t)req->days * DAY_S;
	if (req->base && (strchr(req->base, '/') || req->base[0] == '.' || strlen(req->base) > 60))
		return xp_fail(err, XP_E_USAGE, "%s: not a usable file name", req->base);
	if (*to_s > xp_key_time_s(X509_get0_notAfter(ca->root)))
		return xp_fail(err, XP_E_USAGE, "the root ends before the %u days are over",
			       req->days);
	return pick_base(base, ca, req, err);
}

static enum xp_rc issue(struct xp_ca_issued *out, struct xp_ca *ca, const struct xp_ca_request *req,
			struct xp_err *err)
{
	AUTO(xp_pki_key_free) EVP_PKEY *key = NULL;
	AUTO(xp_pki_cert_free) X509 *cert = NULL;
	struct xp_pki_subject subject = req->subject;
	int64_t to_s;

	*out = (struct xp_ca_issued){0};
	TRY(may_issue(out->base, ca, req, &to_s, err));
	/* a machine and a site are no persons, but numbers tell them apart as well */
	if (!subject.person_id) {
		TRY(draw_person_id(out->person_id, err));
		subject.person_id = out->person_id;
	} else {
		snprintf(out->person_id, sizeof(out->person_id), "%s", subject.person_id);
	}
	if (!req->public_key)
		TRY(xp_pki_key_new(&key, err));
	TRY(xp_pki_issue(&cert, key ? key : req->public_key, req->role, &subject, req->now_s, to_s,
			 ca->root, ca->key, err));
	TRY(xp_pki_fingerprint(out->fingerprint, cert, err));
	if (key)
		TRY(write_key(ca, out->base, key, req->passphrase, err));
	return write_cert(ca, out->base, cert, err);
}

enum xp_rc xp_ca_issue(struct xp_ca_issued *out, struct xp_ca *ca, const struct xp_ca_request *req,
		       struct xp_err *err)
{
	enum xp_rc rc = issue(out, ca, req, err);

	if (rc == XP_OK)
		xp_ca_keep(ca);
	else
		xp_ca_take_back(ca);
	return rc;
}

/* The signature tells, a name would not. */
static enum xp_rc must_be_ours(const struct xp_ca *ca, const X509 *cert, struct xp_err *err)
{
	X509 *copy = X509_dup(cert);
	bool ours = copy && X509_verify(copy, ca->key) == 1;

	X509_free(copy);
	ERR_clear_error();
	return ours ? XP_OK : xp_fail(err, XP_E_USAGE, "the certificate was not issued by this CA");
}

enum xp_rc xp_ca_find(X509 **out, const struct xp_ca *ca, const char *serial, struct xp_err *err)
{
	STACK_OF(X509) *certs = NULL;
	STACK_OF(X509_CRL) *crls = NULL;
	AUTO(xp_pki_cert_free) X509 *cert = NULL;
	AUTO_MEM char *pem = NULL;
	char name[80], found[XP_PKI_SERIAL_LEN];
	size_t len = 0;
	AUTO_FD int fd =
		openat(ca->dir_fd, "issued", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return xp_fail_errno(err, errno == ENOENT ? XP_E_NOENT : XP_E_IO, "issued");
	snprintf(name, sizeof(name), "%.64s.pem", serial);
	TRY(xp_file_read_at(&pem, &len, fd, name, XP_KEY_FILE_MAX_BYTES, err));
	TRY(xp_key_certs_from_pem(&certs, &crls, pem, len, name, err));
	cert = sk_X509_shift(certs);
	sk_X509_pop_free(certs, X509_free);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	if (!cert || !xp_pki_serial(found, cert) || strcmp(found, serial) != 0)
		return xp_fail(err, XP_E_MALFORMED, "issued/%s: another certificate", name);
	TRY(must_be_ours(ca, cert, err));
	*out = STEAL(cert);
	return XP_OK;
}

enum xp_rc xp_ca_write_list(struct xp_ca *ca, const struct xp_pki_revocation *revocation,
			    int64_t now_s, struct xp_err *err)
{
	AUTO(xp_pki_crl_free) X509_CRL *next = NULL;
	AUTO_MEM char *pem = NULL;
	size_t len = 0;

	if (revocation && revocation->cert)
		TRY(must_be_ours(ca, revocation->cert, err));
	TRY(xp_pki_crl_new(&next, ca->crl, revocation, ca->root, ca->key, now_s,
			   now_s + (int64_t)XP_CA_CRL_DAYS * DAY_S, err));
	TRY(xp_pki_crl_to_pem(&pem, &len, next, err));
	X509_CRL_free(ca->crl);
	ca->crl = STEAL(next);
	return xp_file_write_at(ca->dir_fd, "root.crl", pem, len, 0644, true, err);
}

enum xp_rc xp_ca_replace(struct xp_ca_issued *out, struct xp_ca *ca,
			 const struct xp_ca_request *req, X509 *old, bool revoke,
			 struct xp_err *err)
{
	const struct xp_pki_revocation revocation = {
		.cert = old,
		.at_s = req->now_s,
		.is_superseded = true,
	};
	const X509_NAME *subject = X509_get_subject_name(old);
	char name[256], name_latin[256], organization[256], person_id[256];
	struct xp_ca_request next = *req;
	int64_t to_s;

	TRY(must_be_ours(ca, old, err));
	xp_key_name_text(name, sizeof(name), subject, NID_commonName);
	xp_key_name_text(name_latin, sizeof(name_latin), subject, NID_name);
	xp_key_name_text(organization, sizeof(organization), subject, NID_organizationName);
	xp_key_name_text(person_id, sizeof(person_id), subject, NID_serialNumber);
	if (!xp_key_cert_role(&next.role, old) || !*name || !*person_id)
		return xp_fail(err, XP_E_USAGE,
			       "the certificate names no role, no name or no number that a "
			       "successor could have");
	if (req->public_key && EVP_PKEY_eq(req->public_key, X509_get0_pubkey(old)) == 1)
		return xp_fail(err, XP_E_USAGE,
			       "the request has the key of the certificate that it is to replace");
	next.subject = (struct xp_pki_subject){.name = name,
					       .name_latin = name_latin,
					       .organization = organization,
					       .person_id = person_id};
	TRY(may_issue(out->base, ca, &next, &to_s, err));
	/* first the list: the new certificate comes with it */
	if (revoke)
		TRY(xp_ca_write_list(ca, &revocation, req->now_s, err));
	return xp_ca_issue(out, ca, &next, err);
}
