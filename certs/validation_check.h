/*
 * validation_check: does a validation hold together, and does it fit the record that it is about?
 * Pure; no keys, no signatures.
 */
#pragma once
#include "certs/record.h"

/*
 * Of a record of kind validation, by itself:
 *   E_SIGNERS          somebody signs who is neither validator nor site, or nobody does
 *   E_DECISION         it accepts what its own readback found wanting
 *   E_SUBJECT          it is about itself
 * and the findings of its evidence, clock and texts as for any record (certs/record_check.h).
 * Errors: XP_E_NOMEM.
 */
MUST_USE enum xp_rc xp_validation_check(const struct xp_record *r, struct xp_findings *findings,
					struct xp_err *err);

/* What a program sees in SUBJECT that the decision has to weigh. */
struct xp_concerns xp_validation_concerns(const struct xp_record *subject);

/*
 * Fills the validation part, media, evidence (copied) and kind of OUT (zeroed) for a decision about
 * SUBJECT, whose bytes have SUBJECT_SHA256. EVIDENCE: what the validator read themselves, NULL for
 * nothing. OUT is the caller's to free, also after an error.
 */
struct xp_validation_input {
	const struct xp_record *subject;
	const uint8_t *subject_sha256;
	const uint8_t (*signature_sha256)[32]; /* of the subject's signatures, in any order */
	unsigned signatures_n;
	enum xp_decision decision;
	const char *remarks; /* NULL: none */
	const struct xp_evidence *evidence;
};
MUST_USE enum xp_rc xp_validation_begin(struct xp_record *out, const struct xp_validation_input *in,
					struct xp_err *err);
