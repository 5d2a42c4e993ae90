#include "cli/cert_read.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "certs/key.h"
#include "cli/confine_reader.h"

/* What is read, and by whom the certificate must be. */
struct reading {
	const char *file;
	const char *root; /* NULL: FILE is a request */
};

struct request_answer {
	char name[sizeof(((struct xp_request *)NULL)->name)];
	char name_latin[sizeof(((struct xp_request *)NULL)->name_latin)];
	char organization[sizeof(((struct xp_request *)NULL)->organization)];
	uint8_t point[XP_KEY_POINT_LEN];
};

/* ---- in the process that reads ---- */

static enum xp_rc serve_request(struct xp_buf *answer, const char *file, struct xp_err *err)
{
	AUTO(xp_request_free) struct xp_request r = {0};
	struct request_answer a = {0};
	AUTO_MEM char *pem = NULL;
	size_t len = 0;

	TRY(xp_file_read(&pem, &len, file, XP_KEY_FILE_MAX_BYTES, err));
	TRY(xp_request_read(&r, pem, len, file, err));
	if (!xp_key_point(a.point, r.key))
		return xp_pki_fail(err, XP_E_INTERNAL, file);
	memcpy(a.name, r.name, sizeof(a.name));
	memcpy(a.name_latin, r.name_latin, sizeof(a.name_latin));
	memcpy(a.organization, r.organization, sizeof(a.organization));
	xp_buf_add(answer, &a, sizeof(a));
	return XP_OK;
}

static enum xp_rc first_of(X509 **out, const char *file, struct xp_err *err)
{
	STACK_OF(X509) *certs = NULL;
	STACK_OF(X509_CRL) *crls = NULL;
	AUTO_MEM char *pem = NULL;
	size_t len = 0;

	TRY(xp_file_read(&pem, &len, file, XP_KEY_FILE_MAX_BYTES, err));
	TRY(xp_key_certs_from_pem(&certs, &crls, pem, len, file, err));
	*out = sk_X509_shift(certs);
	sk_X509_pop_free(certs, X509_free);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	if (!*out)
		return xp_fail(err, XP_E_USAGE, "%s: there is no certificate in it", file);
	return XP_OK;
}

static enum xp_rc serve_cert(struct xp_buf *answer, const struct reading *what, struct xp_err *err)
{
	AUTO(xp_pki_cert_free) X509 *cert = NULL;
	AUTO(xp_pki_cert_free) X509 *root = NULL;
	char serial[XP_PKI_SERIAL_LEN] = "";
	bool is_ours;

	TRY(first_of(&cert, what->file, err));
	TRY(first_of(&root, what->root, err));
	/* the signature tells, a name would not */
	is_ours = X509_verify(cert, X509_get0_pubkey(root)) == 1 && xp_pki_serial(serial, cert);
	ERR_clear_error();
	if (!is_ours)
		return xp_fail(err, XP_E_USAGE, "the certificate was not issued by this CA");
	xp_buf_add(answer, serial, sizeof(serial));
	return XP_OK;
}

static enum xp_rc serve(void *ctx, struct xp_span question, struct xp_buf *answer,
			struct xp_err *err)
{
	const struct reading *what = ctx;

	(void)question;
	return what->root ? serve_cert(answer, what, err) : serve_request(answer, what->file, err);
}

/* ---- who will have the key ---- */

static enum xp_rc read_it(void *out, size_t size, struct reading *what, struct xp_err *err)
{
	const char *const inputs[] = {what->file, what->root, NULL};
	const struct xp_reader_job job = {.serve = serve, .ctx = what, .inputs = inputs};
	AUTO(xp_buf_free) struct xp_buf answer = {0};

	TRY(xp_reader_once(&answer, &job, err));
	if (answer.len != size)
		return xp_fail(err, XP_E_INTERNAL, "%s: half an answer", what->file);
	memcpy(out, answer.data, size);
	return XP_OK;
}

static void take_text(char *to, const char *from, size_t size)
{
	memcpy(to, from, size);
	to[size - 1] = 0;
}

enum xp_rc xp_keys_read_request(struct xp_request *out, const struct xp_args *args,
				struct xp_err *err)
{
	struct reading what = {.file = xp_args_string(args, "request")};
	struct request_answer a;

	if (!what.file)
		return XP_OK;
	if (xp_args_string(args, "passphrase-file") || xp_args_flag(args, "no-passphrase"))
		return xp_fail(err, XP_E_USAGE,
			       "--request: no key is made here that could have a passphrase");
	TRY(read_it(&a, sizeof(a), &what, err));
	take_text(out->name, a.name, sizeof(a.name));
	take_text(out->name_latin, a.name_latin, sizeof(a.name_latin));
	take_text(out->organization, a.organization, sizeof(a.organization));
	out->key = xp_key_of_point(a.point, sizeof(a.point));
	if (!out->key)
		return xp_pki_fail(err, XP_E_USAGE, what.file);
	return XP_OK;
}

enum xp_rc xp_keys_read_cert(char serial[XP_PKI_SERIAL_LEN], const struct xp_args *args,
			     const char *file, struct xp_err *err)
{
	AUTO_MEM char *root = NULL;
	struct reading what = {.file = file};
	char answer[XP_PKI_SERIAL_LEN];

	if (asprintf(&root, "%s/root.pem", args->operands[0]) < 0) {
		root = NULL;
		return xp_fail(err, XP_E_NOMEM, "%s", file);
	}
	what.root = root;
	TRY(read_it(answer, sizeof(answer), &what, err));
	take_text(serial, answer, sizeof(answer));
	/* it becomes the name of a file */
	if (!*serial || serial[strspn(serial, "0123456789ABCDEF")])
		return xp_fail(err, XP_E_USAGE, "the certificate was not issued by this CA");
	return XP_OK;
}
