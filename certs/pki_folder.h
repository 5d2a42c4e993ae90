/*
 * pki_folder: a small CA in a folder: root.key, root.pem, root.crl, issued/SERIAL.pem, and the keys
 * and certificates it was asked for. Files appear whole; a private key is never replaced.
 */
#pragma once
#include "certs/pki.h"

struct xp_ca;

#define XP_CA_ROOT_DAYS 7300
#define XP_CA_CRL_DAYS	400

/*
 * A new CA in DIR (made if need be): key, root certificate, empty list; all of them, or none of
 * these and no new DIR. PASSPHRASE NULL: the key is not encrypted. XP_E_USAGE where one is there
 * already, or a part of one that a death in between has left: the text says the way out.
 */
MUST_USE enum xp_rc xp_ca_create(struct xp_ca **out, const char *dir, const char *organization,
				 const char *name, const struct xp_secret *passphrase,
				 int64_t now_s, struct xp_err *err);
/* Does the CA's key need a passphrase? */
MUST_USE enum xp_rc xp_ca_is_encrypted(bool *out, const char *dir, struct xp_err *err);
/* Opens one with its key. PASSPHRASE may be NULL. */
MUST_USE enum xp_rc xp_ca_open(struct xp_ca **out, const char *dir,
			       const struct xp_secret *passphrase, struct xp_err *err);
void xp_ca_free(struct xp_ca **ca);
X509 *xp_ca_root(const struct xp_ca *ca);
/*
 * What this handle has made is to stay, or is removed again, files and new folders. Who makes a
 * root and a person at once takes back both: xp_ca_issue does either, by its own outcome, with all
 * that is not yet kept.
 */
void xp_ca_keep(struct xp_ca *ca);
void xp_ca_take_back(struct xp_ca *ca);

struct xp_ca_request {
	enum xp_role role;
	struct xp_pki_subject subject; /* person_id NULL: one is drawn */
	const char
		*base; /* files BASE.key and BASE.pem; NULL: the role, then role-2, role-3, ... */
	unsigned days;
	EVP_PKEY *public_key; /* the owner has the private one; NULL: it is made here */
	const struct xp_secret *passphrase; /* of the new key; NULL: not encrypted */
	int64_t now_s;
};

struct xp_ca_issued {
	char base[64];
	char person_id[40];
	uint8_t fingerprint[32];
};

/* A key and a certificate; BASE.pem holds the CA's current list, too, so that signatures carry it.
 */
MUST_USE enum xp_rc xp_ca_issue(struct xp_ca_issued *out, struct xp_ca *ca,
				const struct xp_ca_request *req, struct xp_err *err);
/*
 * The CA's own copy of what it has issued under this number (upper-case hex). XP_E_NOENT: it has
 * none.
 */
MUST_USE enum xp_rc xp_ca_find(X509 **out, const struct xp_ca *ca, const char *serial,
			       struct xp_err *err);
/*
 * Writes the next list, with the entry (REVOCATION NULL: with no new one). XP_E_USAGE where the
 * certificate is not of this CA, or is revoked already; a number alone is taken as it is.
 */
MUST_USE enum xp_rc xp_ca_write_list(struct xp_ca *ca, const struct xp_pki_revocation *revocation,
				     int64_t now_s, struct xp_err *err);
/*
 * A successor of OLD: the same role, name and number with another key; role and subject of REQ are
 * not looked at. OLD stays valid, unless REVOKE: then it is listed as superseded before the new one
 * is made. XP_E_USAGE where OLD is not of this CA, names no role or person, or has the same key.
 */
MUST_USE enum xp_rc xp_ca_replace(struct xp_ca_issued *out, struct xp_ca *ca,
				  const struct xp_ca_request *req, X509 *old, bool revoke,
				  struct xp_err *err);
