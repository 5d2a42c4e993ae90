/*
 * sign: keys and the detached CAdES-B signature over a record. [certificates.md, the strict
 * profile]
 */
#pragma once
#include "base/secret.h"
#include "certs/record.h"

struct xp_signing_key; /* a private key with its certificate and the intermediates */

/*
 * Loads a PKCS#8 PEM key and its certificate file (the signer's first, then intermediates). The
 * passphrase may be NULL for a key without one. A trial signature proves that the key and the
 * certificate belong together. Errors: XP_E_USAGE with the cause.
 */
MUST_USE enum xp_rc xp_signing_key_load(struct xp_signing_key **out, const char *key_path,
					const char *cert_path, const struct xp_secret *passphrase,
					struct xp_err *err);
struct xp_token;
/*
 * The same with a key on a token that is logged in [certs/key_pkcs11.h]; on success the signing key
 * owns the token.
 */
MUST_USE enum xp_rc xp_signing_key_load_token(struct xp_signing_key **out, struct xp_token **token,
					      const char *cert_path, struct xp_err *err);
/*
 * The host's own key below the state folder ("host.key", "host.crt"), made on first use (role host;
 * a machine, never a person). *CREATED says whether it was made now. Its certificate holds from the
 * build's day on, or from now if that is earlier, to ten years after the later of the two: a clock
 * that was wrong when it was made does not end its use.
 */
MUST_USE enum xp_rc xp_signing_key_host(struct xp_signing_key **out, bool *created, int state_fd,
					const char *host_name, const struct xp_clock *clock,
					struct xp_err *err);
void xp_signing_key_free(struct xp_signing_key **k);

/* What the record says of this signer (role from the certificate's policy OID; host for the host
 * key) and the person named by the certificate. */
void xp_signing_key_describe(struct xp_signer *signer, struct xp_person *person,
			     const struct xp_signing_key *k);
/* notBefore and notAfter of the signer's certificate, for the plausible-clock rule. */
void xp_signing_key_validity(int64_t *not_before_s, int64_t *not_after_s,
			     const struct xp_signing_key *k);

/* The p7s over the canonical bytes. *OUT is malloc'ed. signingTime is SIGNED_AT_S. */
MUST_USE enum xp_rc xp_sign(uint8_t **out, size_t *len, const struct xp_signing_key *k,
			    const void *content, size_t content_len, int64_t signed_at_s,
			    struct xp_err *err);
