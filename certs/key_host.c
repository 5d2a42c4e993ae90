#include "certs/key.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/about.h"
#include "base/cleanup.h"
#include "base/file.h"

#define KEY_NAME   "host.key"
#define CERT_NAME  "host.crt"
#define DAY_S	   86400
#define VALID_DAYS 3650

static enum xp_rc load(struct xp_signing_key **out, int state_fd, struct xp_err *err)
{
	AUTO(xp_pki_key_free) EVP_PKEY *key = NULL;
	STACK_OF(X509) *certs = NULL;
	STACK_OF(X509_CRL) *crls = NULL;
	AUTO_MEM char *key_pem = NULL;
	AUTO_MEM char *cert_pem = NULL;
	size_t key_len = 0;
	size_t cert_len = 0;
	enum xp_rc rc;

	TRY(xp_file_read_at(&cert_pem, &cert_len, state_fd, CERT_NAME, XP_KEY_FILE_MAX_BYTES, err));
	TRY(xp_file_read_at(&key_pem, &key_len, state_fd, KEY_NAME, XP_KEY_FILE_MAX_BYTES, err));
	rc = xp_key_from_pem(&key, key_pem, key_len, KEY_NAME, NULL, err);
	xp_wipe(key_pem, key_len);
	if (rc != XP_OK)
		return rc;
	TRY(xp_key_certs_from_pem(&certs, &crls, cert_pem, cert_len, CERT_NAME, err));
	rc = xp_signing_key_make(out, key, certs, crls, err);
	sk_X509_pop_free(certs, X509_free);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	if (rc != XP_OK)
		xp_err_prefix(err, "the host's own key (%s, %s)", KEY_NAME, CERT_NAME);
	return rc;
}

static enum xp_rc save_key(EVP_PKEY *key, int state_fd, struct xp_err *err)
{
	struct xp_secret pem = {0};
	enum xp_rc rc;

	TRY(xp_pki_key_to_pem(&pem, key, NULL, err));
	rc = xp_file_write_at(state_fd, KEY_NAME, pem.data, pem.len, 0600, false, err);
	xp_secret_free(&pem);
	return rc;
}

/* The key that is there already, of a run that ended before its certificate was written. */
static enum xp_rc key_make_or_take(EVP_PKEY **out, int state_fd, struct xp_err *err)
{
	AUTO_MEM char *pem = NULL;
	size_t len = 0;
	enum xp_rc rc = xp_file_read_at(&pem, &len, state_fd, KEY_NAME, XP_KEY_FILE_MAX_BYTES, err);

	if (rc == XP_OK) {
		rc = xp_key_from_pem(out, pem, len, KEY_NAME, NULL, err);
		xp_wipe(pem, len);
		return rc;
	}
	if (rc != XP_E_NOENT)
		return rc;
	TRY(xp_pki_key_new(out, err));
	rc = save_key(*out, state_fd, err);
	if (rc != XP_OK)
		xp_pki_key_free(out);
	return rc;
}

static enum xp_rc make(int state_fd, const char *host_name, const struct xp_clock *clock,
		       struct xp_err *err)
{
	const struct xp_pki_subject subject = {.name = host_name && *host_name ? host_name
									       : "host"};
	AUTO(xp_pki_key_free) EVP_PKEY *key = NULL;
	AUTO(xp_pki_cert_free) X509 *cert = NULL;
	AUTO_MEM char *pem = NULL;
	/* The clock may be wrong now and set later, in either direction: the certificate holds for
	 * both, from the first day that a plausible clock can show. */
	int64_t now = clock->wall_s(clock->ctx);
	int64_t from = now < XP_ABOUT_BUILD_DAY_S ? now : XP_ABOUT_BUILD_DAY_S;
	int64_t to = now > XP_ABOUT_BUILD_DAY_S ? now : XP_ABOUT_BUILD_DAY_S;
	size_t len = 0;

	TRY(key_make_or_take(&key, state_fd, err));
	TRY(xp_pki_issue(&cert, key, XP_ROLE_HOST, &subject, from, to + (int64_t)VALID_DAYS * DAY_S,
			 NULL, NULL, err));
	TRY(xp_pki_cert_to_pem(&pem, &len, cert, err));
	return xp_file_write_at(state_fd, CERT_NAME, pem, len, 0644, false, err);
}

enum xp_rc xp_signing_key_host(struct xp_signing_key **out, bool *created, int state_fd,
			       const char *host_name, const struct xp_clock *clock,
			       struct xp_err *err)
{
	AUTO_FD int folder = -1;
	enum xp_rc rc = load(out, state_fd, err);

	*created = false;
	/* the certificate is written last: without it there is no host key yet */
	if (rc != XP_E_NOENT)
		return rc;
	/* of several first runs at once one makes it, and the others wait for it */
	folder = openat(state_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || flock(folder, LOCK_EX))
		return xp_fail_errno(err, XP_E_IO, "the folder of the host's own key");
	rc = load(out, state_fd, err);
	if (rc != XP_E_NOENT)
		return rc;
	TRY(make(state_fd, host_name, clock, err));
	*created = true;
	return load(out, state_fd, err);
}
