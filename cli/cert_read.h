/*
 * cert_read: what `expunge-cert keys` is handed by others, requests and certificates, is read by a
 * process without rights, before the CA's key is there.
 */
#pragma once
#include "certs/pki_folder.h"
#include "certs/pki_request.h"
#include "cli/options.h"

/* --request, where it is given; else OUT stays as it is. */
MUST_USE enum xp_rc xp_keys_read_request(struct xp_request *out, const struct xp_args *args,
					 struct xp_err *err);
/*
 * The number of the certificate in FILE. XP_E_USAGE: there is none in it, or it was not issued by
 * the CA in the folder that the operand names.
 */
MUST_USE enum xp_rc xp_keys_read_cert(char serial[XP_PKI_SERIAL_LEN], const struct xp_args *args,
				      const char *file, struct xp_err *err);
