/*
 * note: checkpoints of the log as signed notes, and the keys that sign and verify them.
 * [c2sp.org/signed-note, c2sp.org/tlog-checkpoint; Ed25519 only]
 */
#pragma once
#include "base/rng.h"
#include "base/secret.h"
#include "certs/merkle.h"

/* With the NUL. An origin is `dns-name/path`: a-z 0-9 . - _ in segments divided by one slash. */
#define XP_ORIGIN_MAX 128
/* name "+" 8 hex digits "+" base64 of 33 bytes, with the NUL */
#define XP_NOTE_VKEY_MAX	(XP_ORIGIN_MAX + 64)
#define XP_CHECKPOINT_MAX_BYTES (64u << 10)

/* Lower case, a dns-name of at least two labels, at least one segment behind it. */
bool xp_note_origin_is_valid(const char *name);

/* A verifier key. Its name may be any note key's: printable ASCII without space and plus. */
struct xp_note_vkey {
	char name[XP_ORIGIN_MAX];
	uint8_t id[4];
	uint8_t key[32]; /* Ed25519 */
};

/* "name+hash+base64" with at most one line end behind it, the hash compared. XP_E_MALFORMED. */
MUST_USE enum xp_rc xp_note_vkey_parse(struct xp_note_vkey *out, const char *text, size_t len,
				       struct xp_err *err);
/* Verifier keys that are trusted, each for the log of its name; several may have one name. */
struct xp_note_vkeys {
	const struct xp_note_vkey *list;
	size_t n;
};
/*
 * Adds the keys in TEXT, one a line, to *LIST (malloc'ed, of *N); what is in it already is passed
 * over. XP_E_MALFORMED where a line is no key, an empty one too, and where there is none.
 */
MUST_USE enum xp_rc xp_note_vkeys_add(struct xp_note_vkey **list, size_t *n, const char *text,
				      size_t len, struct xp_err *err);
void xp_note_vkey_format(char out[XP_NOTE_VKEY_MAX], const struct xp_note_vkey *vkey);

/* A private key with its name. */
struct xp_note_signer;
/* A new key. XP_E_USAGE where ORIGIN is none. */
MUST_USE enum xp_rc xp_note_signer_new(struct xp_note_signer **out, const char *origin,
				       const struct xp_rng *rng, struct xp_err *err);
/* From PKCS#8 PEM without a passphrase. XP_E_MALFORMED unless it is an Ed25519 key. */
MUST_USE enum xp_rc xp_note_signer_read(struct xp_note_signer **out, const char *origin,
					const struct xp_secret *pem, struct xp_err *err);
MUST_USE enum xp_rc xp_note_signer_write(struct xp_secret *pem, const struct xp_note_signer *s,
					 struct xp_err *err);
const struct xp_note_vkey *xp_note_signer_vkey(const struct xp_note_signer *s);
void xp_note_signer_free(struct xp_note_signer **s);

struct xp_checkpoint {
	char origin[XP_ORIGIN_MAX];
	struct xp_merkle_head head;
};

/* The signed note of a tree's head, under the signer's name as the origin; *OUT malloc'ed. */
MUST_USE enum xp_rc xp_checkpoint_sign(char **out, size_t *len, const struct xp_merkle_head *head,
				       const struct xp_note_signer *s, struct xp_err *err);

enum xp_note_verdict {
	XP_NOTE_VERIFIED,	/* the key's signature holds, over these bytes */
	XP_NOTE_KEY_UNKNOWN,	/* no signature by this key, or no key was given */
	XP_NOTE_SIGNATURE_WRONG /* a signature that names this key does not hold */
};

/*
 * Takes a signed note apart: *TEXT_LEN is the length of the text that the signatures are over.
 * Lines by other keys (witnesses) are ignored, up to a limit. XP_E_MALFORMED where it is no signed
 * note.
 */
MUST_USE enum xp_rc xp_note_read(size_t *text_len, enum xp_note_verdict *verdict, const char *note,
				 size_t len, const struct xp_note_vkey *vkey, struct xp_err *err);
/*
 * Reads a checkpoint from hostile bytes and judges it by VKEY (NULL: none is trusted). What stands
 * in *OUT counts only where *VERDICT is XP_NOTE_VERIFIED. XP_E_MALFORMED where it is no checkpoint.
 */
MUST_USE enum xp_rc xp_checkpoint_read(struct xp_checkpoint *out, enum xp_note_verdict *verdict,
				       const char *text, size_t len,
				       const struct xp_note_vkey *vkey, struct xp_err *err);

/*
 * The same by several keys: XP_NOTE_VERIFIED where one of them that has the origin's name signed
 * it, and no line that names any of them fails to hold. KEYS may be NULL.
 */
MUST_USE enum xp_rc xp_checkpoint_read_any(struct xp_checkpoint *out, enum xp_note_verdict *verdict,
					   const char *text, size_t len,
					   const struct xp_note_vkeys *keys, struct xp_err *err);

/* Standard base64 with padding [RFC 4648 4]; canonical only. Both need the exact size. */
#define XP_BASE64_LEN(n) (((n) + 2) / 3 * 4)
/* OUT holds XP_BASE64_LEN(LEN) + 1 bytes. */
void xp_base64_encode(char *out, const void *data, size_t len);
/* Exactly OUT_LEN bytes from exactly TEXT_LEN characters; false on anything else. */
MUST_USE bool xp_base64_decode(uint8_t *out, size_t out_len, const char *text, size_t text_len);
