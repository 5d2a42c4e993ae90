/*
 * log_code: a checkpoint in the shortest form that a QR code takes, and back. A photograph of the
 * screen is a checkpoint that left its place.
 *
 *	EXPUNGE-LOG1 ORIGIN SIZE ROOT SIGNATURE
 *
 * The origin is in capitals, root and Ed25519 signature are in base32 [RFC 4648 6] without padding:
 * nothing but QR's alphanumeric set. What is left out, the hash of the key's name, the verifier key
 * has.
 */
#pragma once
#include "certs/note.h"

#define XP_LOG_CODE_MAX 512

/* From the signed note's text. XP_E_MALFORMED: no note of a checkpoint with one signature. */
MUST_USE enum xp_rc xp_log_code_write(char out[XP_LOG_CODE_MAX], const char *note,
				      struct xp_err *err);
/* Does the text say that it is one? */
bool xp_log_code_is(const char *text, size_t len);
/*
 * The note again, to be verified as any other; *OUT malloc'ed. LEN bytes of TEXT, a line end behind
 * it or not. XP_E_MALFORMED: no code, or one of another origin than KEY's.
 */
MUST_USE enum xp_rc xp_log_code_read(char **out, size_t *out_len, const char *text, size_t len,
				     const struct xp_note_vkey *key, struct xp_err *err);
