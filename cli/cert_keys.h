/* cert_keys: what the commands `expunge-cert keys ...` share: their options' values and reports. */
#pragma once
#include <jansson.h>

#include "certs/pki_folder.h"
#include "cli/cert_read.h"

/* *GIVEN: there is one; otherwise the user asked for a key without. */
MUST_USE enum xp_rc xp_keys_new_passphrase(struct xp_secret *out, bool *given,
					   const struct xp_args *args, const char *what,
					   struct xp_err *err);
/* The time, unless the clock is wrong beyond doubt. */
MUST_USE enum xp_rc xp_keys_now(int64_t *out, struct xp_err *err);
/* An option that must be there. */
MUST_USE enum xp_rc xp_keys_needed(const char **out, const struct xp_args *args, const char *name,
				   struct xp_err *err);
MUST_USE enum xp_rc xp_keys_role(enum xp_role *out, const char *role, struct xp_err *err);
MUST_USE enum xp_rc xp_keys_days(unsigned *out, const struct xp_args *args, struct xp_err *err);
/* The CA in the folder that the operand names. */
MUST_USE enum xp_rc xp_keys_open_ca(struct xp_ca **out, const struct xp_args *args,
				    struct xp_err *err);

/* "WHAT  DIR/FILE   (NOTE)" */
void xp_keys_print_file(const char *what, const char *dir, const char *file, const char *note);
json_t *xp_keys_path_json(const char *dir, const char *base, const char *suffix);
/* Of keys person and keys replace. Returns the exit code. */
int xp_keys_report_issued(const struct xp_args *args, const struct xp_ca_issued *out);
